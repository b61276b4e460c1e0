//! Ways straight to tasks: what calls and traffic resolve to, and what is refused.

use super::rules::codes;
use super::*;
use crate::scenario::diagnostic::Code;

fn shop(call: &str, stock: &str) -> String {
    format!(
        "services:\n  web: {{ operations: {{ get: [{{ call: {{ to: stock, {call} }} }}] }} }}\n  \
         stock: {{ desired_count: 8, {stock} operations: {{ get: [{{ cpu: 1ms }}] }} }}\n\
         traffic: {{ users: {{ to: web, rate: 1/s }} }}\nduration: 10m\n"
    )
}

fn direct(call: &str, stock: &str) -> Direct {
    blueprint(&shop(call, stock)).calls[0].direct.clone()
}

#[test]
fn a_call_without_more_to_it_is_plain() {
    for call in [
        "via: service_connect",
        "balancing: random",
        "balancing: { algorithm: random }",
    ] {
        assert!(direct(call, "").is_plain(), "{call}");
    }
}

#[test]
fn zones_subsets_and_outliers_give_each_task_its_own_view() {
    for call in [
        "balancing: { zones: same_zone }",
        "balancing: { subset: 3 }",
        "balancing: { view: per_task }",
        "outlier_detection: {}",
    ] {
        assert_eq!(direct(call, "").view, ViewScope::PerTask, "{call}");
    }
    assert_eq!(
        codes(&shop("balancing: { subset: 3, view: shared }", "")),
        [Code::BalancingOfNobody]
    );
}

#[test]
fn outlier_detection_begins_at_five_failures_in_thirty_seconds() {
    let outliers = direct("outlier_detection: {}", "").outliers.expect("it is said");
    assert_eq!(outliers.counts, OutlierFailure::Any);
    assert_eq!((outliers.failures, outliers.interval), (5, Span::from_secs(30)));
    assert_eq!(outliers.base_ejection, Span::from_secs(30));
    assert_eq!(outliers.longest_ejection, Span::from_secs(300));
}

#[test]
fn service_connect_has_its_proxies_only_where_it_is_configured() {
    let proxy = |stock: &str| direct("via: service_connect", stock).proxy;
    assert_eq!(proxy(""), None);
    assert_eq!(proxy("service_connect_configuration: { enabled: false },"), None);
    let on = proxy("service_connect_configuration: { enabled: true },").expect("it is enabled");
    assert_eq!((on.retries, on.per_request_timeout), (2, Some(Span::from_secs(15))));
    // The idle timeout wins if it is shorter, and 0 is off.
    let timeout = |timeout: &str| {
        let services = format!("services: [{{ timeout: {{ {timeout} }} }}]");
        let on = proxy(&format!(
            "service_connect_configuration: {{ enabled: true, {services} }},"
        ));
        on.expect("it is enabled").per_request_timeout
    };
    assert_eq!(timeout("idle_timeout: 10s"), Some(Span::from_secs(10)));
    assert_eq!(timeout("per_request_timeout: 0s, idle_timeout: 0s"), None);
    let refused = shop("balancing: random", "service_connect_configuration: { enabled: true },");
    assert_eq!(codes(&refused), [Code::ConflictingKeys]);
}

#[test]
fn dns_needs_a_registry_and_takes_its_time_to_live() {
    assert_eq!(codes(&shop("via: dns", "")), [Code::DnsWithoutRegistry]);
    let dns = direct("via: dns", "service_registries: [{ ttl: 60s }],")
        .dns
        .expect("by DNS");
    assert_eq!((dns.ttl, dns.routing), (Span::from_secs(60), RoutingPolicy::Multivalue));
    assert_eq!(dns.propagation, Span::from_secs(5));
}

fn troubled(event: &str) -> (Link, LinkTrouble) {
    let text = shop("", "") + &format!("events: [{{ at: 1m, {event}, lasting: 1m }}]\n");
    match &blueprint(&text).events[0].what {
        Happening::Fault(fault) => match &fault.kind {
            FaultKind::Link { link, trouble } => (*link, *trouble.clone()),
            other => panic!("not of a link: {other:?}"),
        },
        other => panic!("{other:?} is no link's"),
    }
}

#[test]
fn a_links_ends_are_zones_services_dependencies_and_clients() {
    let (link, _) = troubled("partition: { between: [us-east-1b, stock], direction: forward }");
    assert_eq!(link.ends, [LinkEnd::Zone(ZoneIx(1)), LinkEnd::Service(ServiceIx(1))]);
    assert_eq!(link.direction, Direction::Forward);
    let (link, trouble) = troubled("packet_loss: { probability: 2%, share: 10% }");
    assert_eq!(link.ends, [LinkEnd::Anything; 2]);
    assert!((link.share.get() - 0.1).abs() < 1e-12);
    assert!(matches!(trouble, LinkTrouble::Loss(share) if (share.get() - 0.02).abs() < 1e-12));
    let (link, trouble) = troubled("added_latency: { delay: 1s, between: [clients, web] }");
    assert_eq!(link.ends, [LinkEnd::Clients, LinkEnd::Service(ServiceIx(0))]);
    assert!(matches!(trouble, LinkTrouble::Delay(_)));
}

#[test]
fn a_network_may_be_lossy_and_its_zones_unequally_far() {
    let zones =
        "cluster: { network: { loss: 1%, zone_delays: [{ between: [us-east-1b, us-east-1a], delay: 3ms }] } }\n";
    let made = blueprint(&(zones.to_owned() + &shop("", "")));
    assert!((made.network.loss.get() - 0.01).abs() < 1e-12);
    assert!(made.network.zone_delays[0].joins(ZoneIx(0), ZoneIx(1)));
    let twice = zones.replace("us-east-1a", "us-east-1b");
    assert_eq!(codes(&(twice + &shop("", ""))), [Code::ConflictingKeys]);
}

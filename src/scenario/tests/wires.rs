//! Payloads, connections, bandwidths: what they resolve to, and what is refused.

use super::rules::codes;
use super::*;
use crate::scenario::diagnostic::Code;

const MIB: f64 = 1_048_576.0;

/// A page that calls a stock, with what is said of traffic, call and stock.
fn shop(traffic: &str, call: &str, stock: &str) -> String {
    format!(
        "services:\n  web: {{ load_balancers: [], operations: {{ get: [{{ call: {{ to: stock, {call} }} }}] }} }}\n  \
         stock: {{ {stock} operations: {{ get: [{{ cpu: 1ms }}] }} }}\n\
         traffic: {{ users: {{ to: web, rate: 1/s, {traffic} }} }}\nduration: 10m\n"
    )
}

#[test]
fn who_says_nothing_has_no_wires() {
    assert!(!blueprint(&shop("", "", "")).wires.matter());
}

#[test]
fn a_kind_of_request_has_its_own_payload_or_that_of_its_traffic() {
    let requests = "payload: { response: 30 KiB }, requests: [{ name: small, get: / }, \
                    { name: large, get: /all, payload: { request: 1 kB, response: { exponential: { mean: 2 MB } } } }]";
    let wires = blueprint(&shop(requests, "", "")).wires;
    let mean = |dist: &Option<crate::engine::dist::Dist>| dist.as_ref().map(|dist| dist.mean());
    let sizes: Vec<_> = wires
        .classes
        .iter()
        .map(|(class, payload)| (class.0, mean(&payload.request), mean(&payload.response)))
        .collect();
    assert_eq!(sizes, [(0, None, Some(30.0 * 1024.0)), (1, Some(1e3), Some(2e6))]);
}

#[test]
fn tls_adds_its_round_trips_to_that_of_tcp() {
    for (said, round_trips) in [("", 1), ("tls: TLSv1.3", 2), ("tls: TLSv1.2", 3)] {
        let wires = blueprint(&shop("", &format!("connections: {{ {said} }}"), "")).wires;
        let connections = wires.calls[0].1.connections.expect("they are said");
        assert_eq!(connections.round_trips, round_trips, "{said}");
        assert_eq!(connections.keep_alive, Span::from_secs(60));
    }
}

#[test]
fn bandwidths_are_bytes_a_second() {
    let wires = |said: &str| blueprint(&format!("{}{said}", shop("payload: { request: 1 B }", "", ""))).wires;
    assert_eq!(wires("").client_bandwidth, None);
    assert_eq!(wires("").fargate_bandwidth, 46.5 * MIB);
    let said = wires(
        "cluster: { network: { client_bandwidth: 2 MiB/s } }\nmodel: { network: { fargate_bandwidth: 10 MiB/s } }\n",
    );
    assert_eq!(said.client_bandwidth, Some(2.0 * MIB));
    assert_eq!(said.fargate_bandwidth, 10.0 * MIB);
    for said in [
        "cluster: { network: { client_bandwidth: 0 MiB/s } }\n",
        "model: { network: { fargate_bandwidth: 0 MiB/s } }\n",
    ] {
        assert_eq!(codes(&format!("{}{said}", shop("", "", ""))), [Code::OutOfRange]);
    }
}

#[test]
fn a_timeout_leaves_time_to_connect() {
    // There and back take half a millisecond at least, and as much for each round trip before.
    assert_eq!(codes(&shop("", "timeout: 0.8ms", "")), []);
    assert_eq!(
        codes(&shop("", "timeout: 0.8ms, connections: {}", "")),
        [Code::TimeoutBelowNetwork]
    );
    assert_eq!(codes(&shop("", "timeout: 1.2ms, connections: {}", "")), []);
}

#[test]
fn whoever_keeps_a_connection_for_longer_than_its_server_is_told_so() {
    let kept = |call: &str| codes(&shop("", call, "load_balancers: [], keep_alive: 30s,"));
    assert_eq!(kept(""), []);
    assert_eq!(kept("connections: { keep_alive: 20s }"), []);
    assert_eq!(
        kept("connections: { keep_alive: 40s }"),
        [Code::KeepAliveOutlastsServer]
    );
}

#[test]
fn a_dependency_has_a_pool_and_no_connections() {
    let text = "services: { web: { operations: { get: [{ call: { to: db, connections: {} } }] } } }\n\
                dependencies: { db: { service_time: 1ms } }\ntraffic: { users: { to: web, rate: 1/s } }\nduration: 10m\n";
    assert_eq!(codes(text), [Code::ConflictingKeys]);
}

#[test]
fn sizes_below_nothing_and_without_a_unit_are_refused() {
    assert_eq!(codes(&shop("payload: { request: -1 KiB }", "", "")), [Code::OutOfRange]);
    assert_eq!(codes(&shop("payload: { request: 12 }", "", "")), [Code::MissingUnit]);
    assert_eq!(
        codes(&shop("payload: { request: { lognormal: { mean: 1 KiB } } }", "", "")),
        [Code::DistributionParameters]
    );
}

#[test]
fn only_who_goes_by_load_knows_how_old_it_is() {
    let balancing = |said: &str| codes(&shop("", &format!("balancing: {{ algorithm: {said} }}"), ""));
    assert_eq!(balancing("power_of_two_choices, load_refresh: 10s"), []);
    assert_eq!(balancing("random, load_refresh: 10s"), [Code::BalancingOfNobody]);
    assert_eq!(
        balancing("least_outstanding_requests, load_refresh: 0s"),
        [Code::OutOfRange]
    );
}

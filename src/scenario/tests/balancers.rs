//! Rules of load balancers: what is refused, what is doubted, and what it resolves to.

use super::rules::{codes, web};
use super::*;

/// A scenario whose balancer's listener has these rules beside a default action.
fn with_rules(rules: &str) -> String {
    web(
        "load_balancers: [{ target_group: web }]",
        &format!(
            "traffic: {{ users: {{ to: public, rate: 10/s }} }}
load_balancers:
  public:
    listeners:
      http:
        default_action: {{ forward: [{{ target_group: web }}] }}
        rules: [{rules}]
    target_groups: {{ web: {{}} }}
"
        ),
    )
}

fn rule(inside: &str) -> String {
    with_rules(&format!("{{ priority: 1, {inside} }}"))
}

#[test]
fn a_rule_has_at_most_three_values_a_condition_five_in_all_and_five_wildcards() {
    // [ALB23:load-balancer-listeners]
    let values = |path: &str, host: &str| {
        codes(&rule(&format!(
            "path_pattern: [{path}], host_header: [{host}], fixed_response: 404"
        )))
    };
    assert_eq!(values("/a, /b, /c", "x.com, y.com"), []);
    assert_eq!(values("/a, /b, /c, /d", "x.com"), [Code::WrongLength]);
    assert_eq!(values("/a, /b, /c", "x.com, y.com, z.com"), [Code::WrongLength]);
    assert_eq!(values("\"/*a*\", \"/*b*\"", "\"*.com\""), []);
    assert_eq!(values("\"/*a*\", \"/*b*\"", "\"*.??m\""), [Code::WrongLength]);
    assert_eq!(
        codes(&rule(
            "http_header: [{ http_header_name: a, values: [x, y] }, { http_header_name: b, values: [x, y, z] }], query_string: [{ values: [{ value: v }] }], fixed_response: 404"
        )),
        [Code::WrongLength],
        "values of all conditions count together"
    );
}

#[test]
fn conditions_on_headers_queries_and_addresses_take_what_aws_takes() {
    assert_eq!(
        codes(&rule(
            "http_header: [{ http_header_name: X-Canary, values: [\"1\"] }], forward: [{ target_group: web }]"
        )),
        []
    );
    assert_eq!(
        codes(&rule(
            "http_header: [{ http_header_name: Host, values: [a] }], fixed_response: 404"
        )),
        [Code::ConflictingKeys]
    );
    assert_eq!(
        codes(&rule("query_string: [{ values: [] }], fixed_response: 404")),
        [Code::WrongLength]
    );
    assert_eq!(codes(&rule("source_ip: [10.0.0.0/8], fixed_response: 403")), []);
    assert_eq!(
        codes(&rule("source_ip: [10.0.0.0/33], fixed_response: 403")),
        [Code::MalformedAddress]
    );
    assert_eq!(codes(&rule("fixed_response: 403")), [Code::MissingKey]);
}

#[test]
fn a_rule_has_one_action_and_a_fixed_response_is_no_redirect() {
    let action = |inside: &str| codes(&rule(&format!("path_pattern: [/a], {inside}")));
    assert_eq!(action("redirect: { status_code: HTTP_301 }"), []);
    assert_eq!(
        action("redirect: { status_code: HTTP_302 }, fixed_response: 404"),
        [Code::NotExactlyOne]
    );
    assert_eq!(action("fixed_response: 302"), [Code::OutOfRange]);
    assert_eq!(
        action("redirect: { status_code: HTTP_301, host: x }"),
        [Code::NotModelledYet]
    );
}

#[test]
fn priorities_and_weights_stay_in_their_ranges() {
    // [BC:elbv2 RulePriority, TargetGroupTuple.Weight]
    let priority = |number: u32| {
        codes(&with_rules(&format!(
            "{{ priority: {number}, path_pattern: [/a], fixed_response: 404 }}"
        )))
    };
    assert_eq!(priority(50_000), []);
    assert_eq!(priority(50_001), [Code::OutOfRange]);
    assert_eq!(priority(0), [Code::OutOfRange]);
    let weight = |weight: u32| {
        codes(&rule(&format!(
            "path_pattern: [/a], forward: [{{ target_group: web, weight: {weight} }}]"
        )))
    };
    assert_eq!(weight(999), []);
    assert_eq!(weight(1000), [Code::OutOfRange]);
}

#[test]
fn a_balancer_has_at_most_a_hundred_rules() {
    // [ALB23:load-balancer-limits], the default rules not counted.
    let many = |count: u32| {
        let rules: Vec<String> = (1..=count)
            .map(|n| format!("{{ priority: {n}, path_pattern: [/{n}], fixed_response: 404 }}"))
            .collect();
        codes(&with_rules(&rules.join(", ")))
    };
    assert_eq!(many(100), []);
    assert_eq!(many(101), [Code::BalancerQuota]);
}

/// A scenario of two zones with this in the target group, this in the balancer, and these events.
fn two_zones(group: &str, balancer: &str, events: &str) -> String {
    web(
        "load_balancers: [{ target_group: web }]",
        &format!(
            "cluster: {{ availability_zones: [us-east-1a, us-east-1b] }}
traffic: {{ users: {{ to: public, rate: 10/s }} }}
load_balancers:
  public:
    {balancer}
    listeners: {{ http: {{ default_action: {{ forward: [{{ target_group: web }}] }} }} }}
    target_groups: {{ web: {{ {group} }} }}
events: [{events}]
"
        ),
    )
}

#[test]
fn cross_zone_is_a_word_of_aws_or_a_yaml_boolean() {
    for (word, meant) in [
        ("use_load_balancer_configuration", CrossZone::On),
        ("true", CrossZone::On),
        ("false", CrossZone::Off),
    ] {
        let it = blueprint(&two_zones(&format!("cross_zone: {word}"), "", ""));
        assert_eq!(it.target_groups[0].attributes.cross_zone, meant);
    }
    assert_eq!(codes(&two_zones("cross_zone: maybe", "", "")), [Code::UnknownWord]);
}

#[test]
fn a_zone_leaves_dns_at_the_latest_where_its_nodes_send_to_unhealthy_targets() {
    // [ALB23:target-group-health]
    let health = |dns: &str, routing: &str| {
        codes(&two_zones(
            &format!(
                "target_group_health: {{ dns_failover: {{ minimum_healthy_targets: {{ {dns} }} }}, unhealthy_state_routing: {{ minimum_healthy_targets: {{ {routing} }} }} }}"
            ),
            "",
            "",
        ))
    };
    assert_eq!(health("count: 3", "count: 3"), []);
    assert_eq!(health("count: off", "count: 3"), []);
    assert_eq!(health("count: 2", "count: 3"), [Code::FailoverBelowRouting]);
    assert_eq!(health("percentage: 20", "percentage: 30"), [Code::FailoverBelowRouting]);
    assert_eq!(health("percentage: 101", ""), [Code::OutOfRange]);
    assert_eq!(health("count: 0", ""), [Code::OutOfRange]);
    assert_eq!(health("", "count: off"), [Code::OutOfRange]);
}

#[test]
fn a_zonal_shift_moves_one_balancer_that_takes_it_away_from_one_zone_at_a_time() {
    let shifts = |events: &str| codes(&two_zones("", "zonal_shift: true", events));
    let one = "{ at: 1m, zonal_shift: { away_from: us-east-1a }, lasting: 2m }";
    assert_eq!(shifts(one), []);
    assert_eq!(
        shifts(&format!(
            "{one}, {{ at: 3m, zonal_shift: {{ away_from: us-east-1b }}, lasting: 2m }}"
        )),
        []
    );
    assert_eq!(
        shifts(&format!(
            "{one}, {{ at: 2m, zonal_shift: {{ away_from: us-east-1b }}, lasting: 2m }}"
        )),
        [Code::ZonalShiftRefused]
    );
    assert_eq!(
        shifts("{ at: 1m, zonal_shift: { away_from: us-east-1a } }"),
        [Code::MissingKey]
    );
    assert_eq!(
        shifts("{ at: 1m, zonal_shift: { away_from: us-east-1a }, lasting: 30s }"),
        [Code::OutOfRange]
    );
    assert_eq!(codes(&two_zones("", "", one)), [Code::ZonalShiftRefused]);
    let narrow = two_zones("", "zonal_shift: true, availability_zones: [us-east-1b]", one);
    assert_eq!(
        codes(&narrow.replace(", availability", "\n    availability")),
        [Code::ZonalShiftRefused]
    );
}

#[test]
fn stickiness_goes_neither_with_weighted_random_nor_without_cross_zone_balancing() {
    // [ALB:edit-target-group-attributes]
    let group = |inside: &str| codes(&two_zones(inside, "", "").replace("rate: 10/s", "rate: 10/s, clients: 10"));
    let sticky = "stickiness: { type: lb_cookie }";
    assert_eq!(group(sticky), []);
    assert_eq!(group("stickiness: { type: app_cookie, duration: 7d }"), []);
    assert_eq!(
        group("stickiness: { type: app_cookie, duration: 8d }"),
        [Code::OutOfRange]
    );
    assert_eq!(
        group(&format!("{sticky}, cross_zone: false")),
        [Code::StickinessRefused]
    );
    assert_eq!(
        group(&format!("{sticky}, load_balancing_algorithm: weighted_random")),
        [Code::StickinessRefused]
    );
    let it = blueprint(&two_zones(sticky, "", "").replace("rate: 10/s", "users: 10"));
    let stickiness = it.target_groups[0].attributes.stickiness.expect("it is sticky");
    assert_eq!(stickiness.duration, Span::from_secs(86_400), "AWS's default");
}

#[test]
fn stickiness_of_groups_needs_several_groups_and_clients_that_come_back() {
    let listener = |inside: &str| {
        two_zones("", "", "").replace(
            "default_action: { forward: [{ target_group: web }] }",
            &format!(
                "default_action: {{ fixed_response: 404 }}, rules: [{{ priority: 1, path_pattern: [/*], {inside} }}]"
            ),
        )
    };
    let one = listener("forward: [{ target_group: web }], target_group_stickiness: { duration: 1h }");
    assert_eq!(codes(&one), [Code::ConflictingKeys]);
}

#[test]
fn mitigation_of_anomalies_goes_with_weighted_random_only() {
    let group = |inside: &str| codes(&two_zones(inside, "", ""));
    assert_eq!(
        group("anomaly_mitigation: on, load_balancing_algorithm: weighted_random"),
        []
    );
    assert_eq!(group("anomaly_mitigation: on"), [Code::MitigationAlgorithm]);
}

#[test]
fn a_reservation_has_at_least_a_hundred_units_and_connections_need_clients() {
    let balancer = |inside: &str| codes(&two_zones("", inside, ""));
    assert_eq!(balancer("minimum_load_balancer_capacity: { capacity_units: 100 }"), []);
    assert_eq!(
        balancer("minimum_load_balancer_capacity: { capacity_units: 99 }"),
        [Code::OutOfRange]
    );
    assert_eq!(balancer("client_keep_alive: 10m"), [Code::ConflictingKeys]);
    let known = |inside: &str| codes(&two_zones("", inside, "").replace("rate: 10/s", "rate: 10/s, clients: 5"));
    assert_eq!(known("client_keep_alive: 10m"), []);
    assert_eq!(known("client_keep_alive: 30s"), [Code::OutOfRange]);
}

#[test]
fn a_service_has_at_most_five_target_groups() {
    // [GR:ecs]
    let with = |count: u32| {
        let each = |text: fn(u32) -> String| (1..=count).map(text).collect::<Vec<_>>().join(", ");
        let bindings = each(|at| format!("{{ target_group: g{at} }}"));
        let rules =
            each(|at| format!("{{ priority: {at}, path_pattern: [/{at}], forward: [{{ target_group: g{at} }}] }}"));
        let groups = each(|at| format!("g{at}: {{}}"));
        codes(&web(
            &format!("load_balancers: [{bindings}]"),
            &format!(
                "traffic: {{ users: {{ to: public, rate: 10/s }} }}
load_balancers:
  public:
    listeners: {{ http: {{ default_action: {{ fixed_response: 404 }}, rules: [{rules}] }} }}
    target_groups: {{ {groups} }}
"
            ),
        ))
    };
    assert_eq!(with(5), []);
    assert_eq!(with(6), [Code::WrongLength]);
}

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

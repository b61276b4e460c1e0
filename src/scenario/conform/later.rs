//! Words that AWS or the design knows and this version does not model yet.
//!
//! They are refused by name, with what to do in their place, so that nothing parses and does nothing. When a capability
//! arrives, its row goes.

use crate::scenario::diagnostic::{Code, Diagnostic};
use crate::scenario::source::Place;

/// Definition of the schema in which the word would stand, the word, and what to do meanwhile.
pub(super) const LATER: &[(&str, &str, &str)] = &[
    ("DeploymentControllerType", "EXTERNAL", "use ECS or CODE_DEPLOY"),
    (
        "Service",
        "network_configuration",
        "leave it out: tasks run in the cluster's availability zones",
    ),
    (
        "CapacityProvider",
        "managed_scaling",
        "size the group by `desired_capacity` and `start`",
    ),
    (
        "CapacityProvider",
        "managed_termination_protection",
        "leave it out: the group is not scaled in",
    ),
    (
        "CapacityProvider",
        "managed_draining",
        "leave it out: the group is not scaled in",
    ),
    (
        "AutoScalingGroup",
        "mixed_instances_policy",
        "give one type in `instance_types`",
    ),
    ("AutoScalingGroup", "warm_pool", "shorten `launch_time`"),
    (
        "AutoScalingGroup",
        "capacity_rebalance",
        "leave it out: what Spot takes back is replaced when it is gone",
    ),
    (
        "Container",
        "runtime",
        "give the serving container's `runtime` under the service",
    ),
    ("Step", "consume", "give the service `consumes: [{ queue: … }]`"),
    ("Step", "database", "use `call` to a dependency"),
    ("Step", "sleep", "use `wait`"),
    ("Call", "budget", "put `budget` into `retry`"),
    ("Retry", "jitter", "put `jitter` into `backoff: { exponential: … }`"),
    ("ScalingPolicy", "step_scaling", "use `target_tracking`"),
    ("ScalingPolicy", "predictive_scaling", "use `scheduled_actions`"),
    (
        "ScalingMetric",
        "ECSServiceAverageCPUUtilizationHighResolution",
        "use ECSServiceAverageCPUUtilization",
    ),
    ("LoadBalancerType", "network", "use `application`"),
    ("LoadBalancerType", "gateway", "use `application`"),
    (
        "LoadBalancer",
        "cross_zone",
        "leave it out: it is always on for an ALB; switch it off in a target group",
    ),
    (
        "Stickiness",
        "cookie_name",
        "leave it out: a client's cookie is its own",
    ),
    (
        "TargetGroup",
        "target_control_port",
        "leave it out: targets take what their algorithm gives them",
    ),
    (
        "TargetGroup",
        "target_type",
        "leave it out: targets are tasks, by their address or instance",
    ),
    ("TargetGroup", "protocol", "leave it out: targets speak HTTP"),
    (
        "TargetGroup",
        "protocol_version",
        "leave it out: targets speak HTTP/1.1",
    ),
    ("HealthCheck", "protocol", "leave it out: checks speak HTTP"),
    ("HealthCheck", "port", "leave it out: checks go where requests go"),
    (
        "LoadBalancer",
        "http2",
        "leave it out: what a client's connection carries is not told apart",
    ),
    ("LoadBalancer", "waf_fail_open", "leave it out: there is no firewall"),
    (
        "LoadBalancer",
        "access_logs",
        "leave it out: requests are counted, not logged",
    ),
    ("Listener", "protocol", "leave it out: encryption takes no time"),
    ("Listener", "certificates", "leave it out: encryption takes no time"),
    ("Redirect", "host", "leave it out: the client is not followed"),
    ("Redirect", "path", "leave it out: the client is not followed"),
    ("Redirect", "port", "leave it out: the client is not followed"),
    ("Redirect", "protocol", "leave it out: the client is not followed"),
    ("Redirect", "query", "leave it out: the client is not followed"),
    ("Action", "authenticate_oidc", "use `forward`: nobody is turned away"),
    ("Action", "authenticate_cognito", "use `forward`: nobody is turned away"),
    ("Action", "jwt_validation", "use `forward`: nobody is turned away"),
    (
        "Rule",
        "transforms",
        "leave it out: routes see the request as it was sent",
    ),
    ("Deploy", "runtime", "describe a second service"),
    ("Queue", "fifo_queue", "leave it out: queues are standard queues"),
    (
        "Publish",
        "message_group_id",
        "leave it out: queues are standard queues",
    ),
    ("Scenario", "records", "send `traffic` to the balancer directly"),
    ("Scenario", "journeys", "write them under the `traffic` that makes them"),
];

/// What to do in place of a word that is not modelled yet, if it is one.
pub(super) fn advice(within: &str, word: &str) -> Option<&'static str> {
    LATER
        .iter()
        .find(|(definition, later, _)| *definition == within && *later == word)
        .map(|(_, _, advice)| *advice)
}

pub(super) fn diagnostic(word: &str, advice: &str, place: Place) -> Diagnostic {
    Diagnostic::new(Code::NotModelledYet, place, format!("`{word}` is not modelled yet")).hint(advice)
}

//! Rules of AWS and of the language, one test for each: what is refused, what is only doubted, what it resolves to.

use super::*;
use crate::units::Instant;

/// A scenario with one service; `service` is added to it, `rest` stands beside.
pub(super) fn web(service: &str, rest: &str) -> String {
    let lines = |text: &str| {
        text.trim()
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    };
    let traffic = if rest.contains("traffic:") {
        ""
    } else {
        "traffic: { users: { to: web, rate: 10/s } }\n"
    };
    let operations = if service.contains("operations:") {
        ""
    } else {
        "    operations: { get: [{ cpu: 20ms }] }\n"
    };
    format!(
        "duration: 10m\nservices:\n  web:\n{operations}{}{traffic}{rest}\n",
        lines(service)
    )
}

pub(super) fn codes(text: &str) -> Vec<Code> {
    match Scenario::parse("test.yaml", text, Path::new("")) {
        Ok(scenario) => scenario.check().iter().map(|one| one.code).collect(),
        Err(found) => found.iter().map(|one| one.code).collect(),
    }
}

const GROUP: &str = "cluster: { capacity_providers: { fleet: { auto_scaling_group: { instance_types: [m6i.large], min_size: 2, max_size: 4 } } } }";

const BALANCER: &str = "
load_balancers:
  public:
    listeners:
      http:
        default_action: { fixed_response: 404 }
        rules:
          - { priority: 20, path_pattern: [\"/*\"], forward: [{ target_group: web }] }
          - { priority: 10, path_pattern: [\"/a*\"], http_request_method: [POST], forward: [{ target_group: web }] }
    target_groups: { web: {} }
";

#[test]
fn bounds_of_a_deployment_are_rounded_as_aws_does() {
    // [DG:deployment-type-ecs]: ceil(2 × 75 %) = 2, so nothing may stop first; floor(3 × 125 %) = 3, so nothing may start.
    let deployment = |desired: u32, minimum: u32, maximum: u32| {
        codes(&web(
            &format!(
                "desired_count: {desired}\ndeployment_configuration: {{ minimum_healthy_percent: {minimum}, maximum_percent: {maximum} }}"
            ),
            "",
        ))
    };
    assert_eq!(deployment(2, 75, 100), [Code::DeploymentCannotMove]);
    assert_eq!(deployment(3, 100, 125), [Code::DeploymentCannotMove]);
    assert_eq!(deployment(4, 100, 125), []);
    assert_eq!(deployment(4, 50, 100), []);
    assert_eq!(deployment(10, 90, 110), []);
    assert_eq!(deployment(1, 100, 100), [Code::BlockedDeployment]);
}

#[test]
fn slow_start_goes_with_round_robin_from_30_to_900_seconds() {
    let group = |inside: &str| {
        codes(&web(
            "load_balancers: [{ target_group: web }]",
            &format!(
                "traffic: {{ users: {{ to: public, rate: 10/s }} }}{}",
                BALANCER.replace("web: {}", &format!("web: {{ {inside} }}"))
            ),
        ))
    };
    assert_eq!(group("slow_start: 60s"), []);
    assert_eq!(group("slow_start: 10s"), [Code::OutOfRange]);
    assert_eq!(
        group("slow_start: 60s, load_balancing_algorithm: weighted_random"),
        [Code::SlowStartAlgorithm]
    );
    assert_eq!(
        group("health_check: { interval: 5s, timeout: 5s }"),
        [Code::CheckTimeoutTooLong]
    );
    assert_eq!(group("deregistration_delay: 2h"), [Code::OutOfRange]);
}

#[test]
fn rules_stand_by_priority_and_the_default_last() {
    let it = blueprint(&web(
        "load_balancers: [{ target_group: web }]",
        &format!("traffic: {{ users: {{ to: public, rate: 10/s }} }}{BALANCER}"),
    ));
    let rules = &it.load_balancers[0].listeners[0].rules;
    assert_eq!(rules.iter().map(|rule| rule.priority).collect::<Vec<_>>(), [10, 20]);
    assert_eq!(rules[0].methods, [Method::Post]);
    assert!(matches!(
        it.load_balancers[0].listeners[0].default_action,
        Action::FixedResponse(404)
    ));
}

#[test]
fn network_mode_and_placement_follow_the_launch_type() {
    let ec2 = blueprint(&web("launch_type: EC2\ndesired_count: 2", GROUP));
    assert_eq!(ec2.task_definitions[0].network_mode, NetworkMode::Bridge);
    assert_eq!(ec2.services[0].placement_strategy, [PlacementStrategy::SpreadZone]);
    assert_eq!(ec2.services[0].capacity[0].provider, Provider::Group(GroupIx(0)));
    let fargate = blueprint(&web("launch_type: FARGATE", ""));
    assert_eq!(fargate.task_definitions[0].network_mode, NetworkMode::Awsvpc);
    assert_eq!(fargate.services[0].placement_strategy, [PlacementStrategy::SpreadZone]);
    assert_eq!(
        codes(&web("placement_constraints: [{ type: distinctInstance }]", "")),
        [Code::PlacementOnFargate]
    );
}

#[test]
fn a_definition_that_only_a_deployment_brings_has_the_network_mode_of_fargate() {
    let it = "task_definitions: { small: { cpu: 256, memory: 1 GiB, containers: { app: { image: app } } } }
events: [{ at: 1m, deploy: { web: { task_definition: small } } }]";
    assert_eq!(codes(&web("", it)), []);
    let fleet = "launch_type: EC2\nload_balancers: []";
    assert_eq!(codes(&web(fleet, &format!("{it}\n{GROUP}"))), []);
}

#[test]
fn reads_the_placement_expressions_that_are_modelled() {
    let constraint = |expression: &str| {
        let said =
            format!("launch_type: EC2\nplacement_constraints: [{{ type: memberOf, expression: \"{expression}\" }}]");
        blueprint(&web(&said, GROUP)).services[0].placement_constraints[0]
    };
    assert_eq!(
        constraint("attribute:ecs.availability-zone in [us-east-1a, us-east-1b]"),
        PlacementConstraint::Zones(0b11)
    );
    assert_eq!(
        constraint("attribute:ecs.availability-zone == us-east-1b"),
        PlacementConstraint::Zones(0b10)
    );
    assert_eq!(
        constraint("attribute:ecs.instance-type == m6i.large"),
        PlacementConstraint::InstanceType("m6i.large")
    );
    let wrong =
        "launch_type: EC2\nplacement_constraints: [{ type: memberOf, expression: \"attribute:colour == red\" }]";
    assert_eq!(codes(&web(wrong, GROUP)), [Code::MalformedConstraint]);
}

#[test]
fn one_half_of_a_fargate_size_implies_the_other() {
    let size = |said: &str| {
        let it = blueprint(&web(said, ""));
        (it.task_definitions[0].cpu.0, it.task_definitions[0].memory.0)
    };
    assert_eq!(size("cpu: 4 vCPU"), (4096, 8192));
    assert_eq!(size("cpu: 256"), (256, 2048));
    assert_eq!(size("memory: 12 GiB"), (2048, 12 * 1024));
    assert_eq!(size("containers: { app: { cpu: 512, memory: 1 GiB } }"), (512, 1024));
}

#[test]
fn on_instances_a_tasks_own_cpu_is_a_limit_and_its_containers_are_shares() {
    let made = |said: &str| {
        let it = blueprint(&web(&format!("launch_type: EC2\n{said}"), GROUP));
        let task = &it.task_definitions[0];
        (task.cpu.0, task.cpu_limit, task.cpu_shares(), it.shares_cpu(GroupIx(0)))
    };
    // With a quota nobody sets shares: the kernel's default.
    let quota = CpuLimit::Quota;
    assert_eq!(made("cpu: 512"), (512, quota, 1024, false));
    assert_eq!(
        made("cpu: 512\ncontainers: { app: { cpu: 256 } }"),
        (512, quota, 1024, false)
    );
    // Reserved and shared is what the containers ask for together.
    let shares = "containers: { app: { cpu: 256 }, proxy: { cpu: 128 } }";
    assert_eq!(made(shares), (384, CpuLimit::Shares, 384, true));
    // Where nothing is said, this language's default is a task's size.
    assert_eq!(made("memory: 1 GiB"), (1024, quota, 1024, false));
    // Fargate limits a task in any case.
    let fargate = blueprint(&web("containers: { app: { cpu: 256 }, proxy: { cpu: 256 } }", ""));
    assert_eq!(fargate.task_definitions[0].cpu_limit, quota);
    let too_many = codes(&web("launch_type: EC2\ncontainers: { app: { cpu: 262145 } }", GROUP));
    assert!(too_many.contains(&Code::OutOfRange), "{too_many:?}");
}

#[test]
fn an_image_is_new_where_a_revision_says_so() {
    let it = blueprint(&web(
        "containers: { app: { image_size: 200 MiB }, proxy: {} }",
        "events: [{ at: 1m, deploy: { web: {} } }, { at: 2m, deploy: { web: { containers: { proxy: { image_size: 50 MiB } } } } }]",
    ));
    let images = |revision: usize| {
        let task = &it.task_definitions[it.services[0].revisions[revision].task_definition.at()];
        task.containers
            .iter()
            .map(|container| container.image)
            .collect::<Vec<_>>()
    };
    assert_ne!(images(0)[0], images(1)[0], "other code is another image");
    assert_eq!(images(0)[1], images(1)[1], "the proxy is the same");
    assert_ne!(images(0)[1], images(2)[1]);
    assert_eq!(it.images[images(1)[0].at()].size.0, 200);
}

#[test]
fn each_deployment_is_described_against_the_service_and_not_against_the_one_before() {
    let it = blueprint(&web(
        "",
        "events: [{ at: 2m, deploy: { web: {} } }, { at: 1m, deploy: { web: { operations: { get: { error_ratio: 5% } } } } }]",
    ));
    // In order of time, whatever the order written.
    let errors: Vec<f64> = it.services[0]
        .revisions
        .iter()
        .map(|revision| revision.operations[0].error_ratio.get())
        .collect();
    assert_eq!(errors, [0.0, 0.05, 0.0]);
    assert!(matches!(&it.events[0].what, Happening::Deploy(list) if list[0].1 == RevisionIx(1)));
}

#[test]
fn a_call_through_a_balancer_asks_for_the_operations_first_route() {
    let text = "
duration: 10m
services:
  web: { load_balancers: [], operations: { get: [{ call: { to: stock/reserve, via: internal } }] } }
  stock:
    load_balancers: [{ target_group: stock }]
    routes: { \"GET /items*\": look, \"POST /items/*/reserve\": reserve }
    operations: { look: [{ cpu: 1ms }], reserve: [{ cpu: 2ms }] }
traffic: { users: { to: web, rate: 10/s }, lookers: { to: internal, rate: 1/s, requests: [{ name: look, get: /items }] } }
load_balancers:
  internal:
    scheme: internal
    listeners: { http: { default_action: { forward: [{ target_group: stock }] } } }
    target_groups: { stock: {} }
";
    let it = blueprint(text);
    let Callee::LoadBalancer { http, .. } = &it.calls[0].to else {
        panic!("it goes through the balancer")
    };
    assert_eq!((http.method, http.path.as_str()), (Method::Post, "/items//reserve"));
    assert_eq!(it.calls[0].name, "web/get/1");
    // The same through the balancer: a cycle is seen whichever way it takes.
    let round = text.replace("reserve: [{ cpu: 2ms }]", "reserve: [{ call: { to: web } }]");
    assert_eq!(codes(&round), [Code::CallCycle]);
}

#[test]
fn traffic_comes_in_every_way() {
    let source = |said: &str| {
        let text = web(
            "load_balancers: []",
            &format!("warm_up: 1m\ntraffic: {{ users: {{ to: web, {said} }} }}"),
        );
        blueprint(&text).traffic[0].source.clone()
    };
    let Source::Open { profile, arrivals } = source("rate: { points: [[0s, 1/s], [5m, 9/s]] }, arrivals: regular")
    else {
        panic!()
    };
    assert_eq!(arrivals, Arrivals::Regular);
    let at = |seconds: u64| Instant::ZERO + Span::from_secs(seconds);
    assert_eq!(
        profile.segments,
        [
            RateSegment {
                start: at(0),
                end: at(60),
                from: 1.0,
                to: 1.0
            },
            RateSegment {
                start: at(60),
                end: at(360),
                from: 1.0,
                to: 9.0
            },
        ]
    );
    let Source::Open { profile, .. } = source("rate: { steps: [[0s, 1/s], [5m, 9/s]] }") else {
        panic!()
    };
    assert_eq!(profile.segments[0].end, at(360));
    assert_eq!((profile.segments[0].to, profile.segments[1].from), (1.0, 9.0));
    let Source::Closed { users, think_time } = source("users: 50, think_time: { exponential: { mean: 1s } }") else {
        panic!()
    };
    assert_eq!((users, think_time.mean()), (50, 1.0));
    let Source::Open { arrivals, .. } =
        source("rate: 10/s, arrivals: { bursty: { ratio: 5, mean_high: 2s, mean_low: 8s } }")
    else {
        panic!()
    };
    assert!(matches!(arrivals, Arrivals::Bursty { ratio: 5.0, .. }));
}

#[test]
fn traces_and_tables_of_rates_come_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("trace.csv"), "time_s,class\n0.5,page\n1.25,item\n").expect("it is written");
    std::fs::write(folder.path().join("rates.csv"), "requests\n60\n120\n").expect("it is written");
    std::fs::write(folder.path().join("times.csv"), "seconds\n0.25\n0.75\n").expect("it is written");
    let text = web(
        "load_balancers: []\noperations: { get: [{ wait: { empirical: { file: times.csv } } }] }",
        "traffic:
  replay: { to: web, trace: trace.csv, requests: [{ name: page, get: / }, { name: item, get: /item }] }
  minutes: { to: web, rate: { per_minute: rates.csv } }",
    );
    let (it, found) = Scenario::parse("test.yaml", text, folder.path())
        .expect("it reads")
        .resolve();
    assert!(found.is_empty(), "{}", found.render(Style::Plain));
    let it = it.expect("nothing is wrong");
    let Source::Recorded(recorded) = &it.traffic[0].source else {
        panic!()
    };
    assert_eq!(
        (recorded.arrivals[1].at.nanos(), recorded.arrivals[1].class),
        (1_250_000_000, Some(ClassIx(1)))
    );
    let Source::Open { profile, .. } = &it.traffic[1].source else {
        panic!()
    };
    assert_eq!(
        profile.segments.iter().map(|segment| segment.from).collect::<Vec<_>>(),
        [1.0, 2.0]
    );
    let Step::Wait(wait) = &it.programs[it.services[0].revisions[0].operations[0].program.at()].steps[0] else {
        panic!()
    };
    assert_eq!(wait.mean(), 0.5);
    assert_eq!(it.kind, Kind::Terminating);
}

#[test]
fn what_changes_has_no_steady_state() {
    let kind = |service: &str, rest: &str| blueprint(&web(service, rest)).kind;
    assert_eq!(kind("", ""), Kind::Steady);
    assert_eq!(kind("", "start: empty"), Kind::Terminating);
    assert_eq!(
        kind("", "events: [{ at: 1m, set_desired_count: { web: 2 } }]"),
        Kind::Terminating
    );
    assert_eq!(
        kind("auto_scaling: { min_capacity: 1, max_capacity: 2 }", ""),
        Kind::Terminating
    );
    assert_eq!(
        kind(
            "",
            "traffic: { users: { to: web, rate: { steps: [[0s, 1/s], [1m, 1/s]] } } }"
        ),
        Kind::Steady
    );
    assert_eq!(
        kind(
            "",
            "traffic: { users: { to: web, rate: { points: [[0s, 1/s], [1m, 2/s]] } } }"
        ),
        Kind::Terminating
    );
}

#[test]
fn percentiles_and_percentages_are_the_doubles_that_were_written() {
    let it = blueprint(&web(
        "",
        "objectives:
  - { name: a, latency: { p99.9: 1s } }
  - { name: b, latency: { mean: 1s } }
  - { name: c, availability: 99.95%, during: [1m, 2m] }
  - { name: d, cost_per_hour: 1.5 USD }",
    ));
    assert_eq!(
        it.objectives[0].measure,
        Measure::Latency {
            quantile: 0.999,
            at_most: Span::from_secs(1)
        }
    );
    assert_eq!(
        it.objectives[1].measure,
        Measure::MeanLatency {
            at_most: Span::from_secs(1)
        }
    );
    assert!(matches!(it.objectives[2].measure, Measure::Availability { at_least } if at_least.get() == 0.9995));
    assert_eq!(it.objectives[3].measure, Measure::CostPerHour { at_most_usd: 1.5 });
    assert_eq!(
        codes(&web("", "objectives: [{ name: a, latency: { p100: 1s } }]")),
        [Code::UnknownWord]
    );
    assert_eq!(
        codes(&web("", "objectives: [{ name: a, latency: { p50: 1s, p99: 2s } }]")),
        [Code::NotExactlyOne]
    );
}

#[test]
fn a_threshold_is_in_the_unit_of_its_metric() {
    let threshold = |metric: &str, said: &str| {
        let text = format!(
            "alarms: {{ a: {{ metrics: {{ m: {{ {metric}, stat: Average }} }}, comparison_operator: GreaterThanThreshold, threshold: {said}, evaluation_periods: 1 }} }}"
        );
        let (it, found) = parse(&web("", &text)).resolve();
        it.map(|it| it.alarms[0].threshold)
            .ok_or_else(|| found.iter().map(|one| one.code).collect::<Vec<_>>())
    };
    assert_eq!(threshold("metric: CPUUtilization, service: web", "80%"), Ok(80.0));
    assert_eq!(
        threshold("metric: TargetResponseTime, target_group: web", "250ms"),
        Ok(0.25)
    );
    assert_eq!(threshold("metric: RequestCount, target_group: web", "100"), Ok(100.0));
    assert_eq!(
        threshold("metric: RequestCount, target_group: web", "250ms"),
        Err(vec![Code::MalformedQuantity])
    );
    assert_eq!(
        threshold("metric: RequestCount, service: web", "1"),
        Err(vec![Code::MissingKey, Code::ConflictingKeys])
    );
}

#[test]
fn thresholds_of_the_circuit_breaker_lie_in_their_ranges() {
    let breaker = |kind: &str, value: u32| {
        codes(&web(
            &format!(
                "deployment_configuration: {{ deployment_circuit_breaker: {{ enable: true, rollback: true, \
                 threshold_configuration: {{ type: {kind}, value: {value} }} }} }}"
            ),
            "",
        ))
    };
    for percent in ["BOUNDED_PERCENT", "UNBOUNDED_PERCENT"] {
        assert_eq!(breaker(percent, 0), [Code::OutOfRange]);
        assert_eq!(breaker(percent, 1), []);
        assert_eq!(breaker(percent, 100), []);
        assert_eq!(breaker(percent, 101), [Code::OutOfRange]);
    }
    assert_eq!(breaker("COUNT", 0), [Code::OutOfRange]);
    assert_eq!(breaker("COUNT", 5000), []);
}

#[test]
fn early_success_that_is_enabled_needs_both_its_values_and_no_less_than_the_minimum() {
    let criteria = |minimum: u32, rest: &str| {
        codes(&web(
            &format!(
                "deployment_configuration: {{ minimum_healthy_percent: {minimum}, early_success_criteria: {{ {rest} }} }}"
            ),
            "",
        ))
    };
    assert_eq!(criteria(100, "enable: false"), []);
    assert_eq!(criteria(50, "enable: true"), [Code::MissingKey, Code::MissingKey]);
    let at =
        |percent: u32| format!("enable: true, healthy_percent: {percent}, source_service_revision_cleanup: BLOCKING");
    assert_eq!(criteria(50, &at(50)), []);
    assert_eq!(criteria(50, &at(49)), [Code::EarlySuccessBelowMinimum]);
    assert_eq!(criteria(0, &at(0)), []);
    assert_eq!(criteria(0, &at(101)), [Code::OutOfRange]);
}

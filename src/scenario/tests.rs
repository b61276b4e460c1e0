//! Whole scenarios: what they imply, what they resolve to, and what is said about wrong ones.

use super::*;
use crate::blueprint::*;

mod balancers;
mod balancing;
mod doubts;
mod faults;
mod queues;
mod rules;
mod traffic;
mod wires;

use crate::units::Span;

pub(super) fn parse(text: &str) -> Scenario {
    Scenario::parse("test.yaml", text, Path::new("")).unwrap_or_else(|found| panic!("{}", found.render(Style::Plain)))
}

pub(super) fn blueprint(text: &str) -> Blueprint {
    let (blueprint, found) = parse(text).resolve();
    assert!(found.is_empty(), "{}", found.render(Style::Plain));
    blueprint.expect("nothing is wrong")
}

const HELLO: &str = "
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 3, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 100/s } }
duration: 10m
";

const QUEUE: &str = "
services: { q: { desired_count: 1, load_balancers: [], runtime: { thread_pool: { workers: 4 } }, operations: { get: [{ wait: { exponential: { mean: 1s } } }] } } }
cluster: { network: none }
traffic: { customers: { to: q, rate: 3.2/s } }
duration: 20h
";

#[test]
fn three_lines_imply_a_fargate_service_behind_a_balancer_in_two_zones() {
    let it = blueprint(HELLO);
    assert_eq!(it.name, "test");
    assert_eq!(it.zones, ["us-east-1a", "us-east-1b"]);
    assert_eq!(it.kind, Kind::Steady);
    let web = &it.services[0];
    assert_eq!(
        web.capacity,
        [CapacityShare {
            provider: Provider::Fargate,
            base: 0,
            weight: 1
        }]
    );
    assert_eq!(web.load_balancers[0].target_group, TargetGroupIx(0));
    let task = &it.task_definitions[web.revisions[0].task_definition.at()];
    assert_eq!(
        (task.cpu.0, task.memory.0, task.network_mode),
        (1024, 2048, NetworkMode::Awsvpc)
    );
    let balancer = &it.load_balancers[0];
    assert_eq!(
        (balancer.name.as_str(), balancer.zones.len(), balancer.listeners[0].port),
        ("web", 2, 80)
    );
    assert!(matches!(
        it.traffic[0].to,
        Destination::LoadBalancer {
            load_balancer: LoadBalancerIx(0),
            listener: 0
        }
    ));
    assert_eq!(it.classes[0].name, "users");
    assert_eq!(it.target_groups[0].deregistration_delay, Span::from_secs(300));
}

#[test]
fn the_pure_queue_has_no_balancer_and_no_network() {
    let it = blueprint(QUEUE);
    assert!(it.load_balancers.is_empty());
    assert_eq!(it.network.same_zone.mean(), 0.0);
    assert!(matches!(
        it.traffic[0].to,
        Destination::Service {
            service: ServiceIx(0),
            balancing: Balancing::RoundRobin
        }
    ));
    let runtime = it.services[0].revisions[0].runtime;
    assert_eq!(
        runtime,
        Runtime::ThreadPool {
            workers: 4,
            backlog: it.limits.in_flight
        }
    );
    let Step::Wait(wait) = &it.programs[it.services[0].revisions[0].operations[0].program.at()].steps[0] else {
        panic!("it waits");
    };
    assert_eq!(wait.mean(), 1.0);
}

#[test]
fn the_models_defaults_are_the_blueprints() {
    assert_eq!(
        format!("{:?}", blueprint(HELLO).model),
        format!("{:?}", Model::default())
    );
}

#[test]
fn the_resolved_text_means_the_same() {
    for text in [HELLO, QUEUE] {
        let resolved = parse(text).resolved_text().expect("nothing is wrong");
        assert_eq!(
            format!("{:?}", blueprint(&resolved)),
            format!("{:?}", blueprint(text)),
            "{resolved}"
        );
        assert_eq!(parse(&resolved).resolved_text().expect("nothing is wrong"), resolved);
    }
}

#[test]
fn lines_of_the_file_fit_the_columns_that_there_are() {
    let long = "duration: 1h\nservices: { web: { placement_strategy: [], placement_constraints: [], capacity_provider_strategy: [], operations: { get: [{ cpu: 10 }] } } }\n";
    let found = Scenario::parse("test.yaml", long, Path::new("")).map_or_else(|found| found, |it| it.check());
    for columns in [80, 100] {
        let shown = found.render_within(Style::Plain, columns);
        // Prose is left to the terminal to wrap.
        let of_the_file = shown
            .lines()
            .filter(|line| line.trim_start_matches("2 ").starts_with('|'));
        let longest = of_the_file.map(|line| line.chars().count()).max();
        assert!(longest <= Some(columns), "{shown}");
        assert!(longest > Some(30), "{shown}");
    }
}

#[test]
fn equal_contents_have_equal_hashes() {
    assert_eq!(parse(HELLO).hash(), parse(&format!("# a comment\n{HELLO}")).hash());
    assert_ne!(parse(HELLO).hash(), parse(&HELLO.replace("100/s", "101/s")).hash());
}

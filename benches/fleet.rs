//! What a fleet costs that has nothing to do: seconds of computing for a simulated day without a request, in which each
//! service is deployed once, and how that grows as services, tasks and instances are doubled.
//!
//! `cargo bench --bench fleet` looks at fleets of a tenth of the goal; `cargo bench --bench fleet -- whole` at the goal:
//! 1,000 services with 20,000 tasks on 2,000 instances, checked every 30 s by a balancer's node in each of three zones.
//! Plain, because one run is long enough to be its own sample: each fleet is simulated a few times and the least time is
//! told, what a busy machine adds being never negative.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use wavetank::blueprint::Blueprint;
use wavetank::cli::run_once;
use wavetank::scenario::{Scenario, Style};

/// The size of a fleet.
#[derive(Clone, Copy)]
struct Fleet {
    services: u32,
    tasks_of_each: u32,
    instances: u32,
}

const DAY_S: u32 = 86_400;
/// Of an Application Load Balancer [GR:elasticloadbalancing].
const TARGET_GROUPS_OF_A_BALANCER: u32 = 100;

const TENTH: Fleet = Fleet {
    services: 100,
    tasks_of_each: 20,
    instances: 200,
};
const WHOLE: Fleet = Fleet {
    services: 1_000,
    tasks_of_each: 20,
    instances: 2_000,
};

impl Fleet {
    fn tasks(&self) -> u32 {
        self.services * self.tasks_of_each
    }

    /// The scenario, as a user would write it: services behind as many balancers as they need, spread over the zones and
    /// the instances, and their deployments one after the other through the day.
    fn scenario(&self) -> String {
        let mut services = String::new();
        let mut balancers = String::new();
        let mut events = String::new();
        for service in 0..self.services {
            let name = format!("s{service}");
            writeln!(
                services,
                "  {name}: {{ cpu: 0.25 vCPU, memory: 0.5 GiB, desired_count: {}, start_up: 20s, \
                 load_balancers: [{{ target_group: {name} }}], \
                 capacity_provider_strategy: [{{ capacity_provider: fleet, weight: 1 }}], \
                 placement_strategy: [{{ type: spread, field: 'attribute:ecs.availability-zone' }}, {{ type: spread, field: instanceId }}], \
                 operations: {{ get: [{{ cpu: 10ms }}] }} }}",
                self.tasks_of_each
            )
            .expect("writing to a string succeeds");
            // The last one has an hour to end in.
            let at = u64::from(service) * u64::from(DAY_S - 3_600) / u64::from(self.services);
            writeln!(events, "  - {{ at: {at}s, deploy: {{ {name}: {{ start_up: 25s }} }} }}").expect("as above");
        }
        let all: Vec<u32> = (0..self.services).collect();
        for (number, members) in all.chunks(TARGET_GROUPS_OF_A_BALANCER as usize).enumerate() {
            let mut rules = String::new();
            let mut groups = String::new();
            for (at, service) in members.iter().enumerate() {
                let priority = at + 1;
                write!(
                    rules,
                    "{{ priority: {priority}, path_pattern: ['/s{service}/*'], forward: [{{ target_group: s{service} }}] }}, "
                )
                .expect("as above");
                write!(groups, "s{service}: {{ health_check: {{ interval: 30s }} }}, ").expect("as above");
            }
            writeln!(
                balancers,
                "  b{number}: {{ listeners: {{ http: {{ port: 80, default_action: {{ fixed_response: 404 }}, rules: [{rules}] }} }}, \
                 target_groups: {{ {groups} }} }}"
            )
            .expect("as above");
        }
        let instances = self.instances;
        format!(
            "question: What does an idle fleet cost to simulate?\n\
             duration: {DAY_S}s\n\
             experiment: {{ replications: 1 }}\n\
             cluster:\n  availability_zones: [us-east-1a, us-east-1b, us-east-1c]\n  \
             capacity_providers: {{ fleet: {{ auto_scaling_group: {{ instance_types: [m6i.2xlarge], min_size: {instances}, \
             max_size: {instances}, awsvpc_trunking: true }} }} }}\n\
             services:\n{services}load_balancers:\n{balancers}events:\n{events}"
        )
    }

    fn blueprint(&self) -> Blueprint {
        let scenario = Scenario::parse("fleet.yaml", self.scenario(), Path::new(""));
        let scenario = scenario.unwrap_or_else(|wrong| panic!("{}", wrong.render(Style::Plain)));
        let (blueprint, found) = scenario.resolve();
        blueprint.unwrap_or_else(|| panic!("{}", found.render(Style::Plain)))
    }
}

/// The computing time of this thread where the system tells it, which a busy machine stretches least; else the clock's.
fn computing() -> Duration {
    static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split_whitespace().next()?.parse().ok());
    nanos.map_or_else(|| BEGAN.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}

/// Reads the scenario and simulates the day; the least times of some runs.
fn measure(fleet: Fleet, runs: u32) -> (Duration, Duration) {
    let began = computing();
    let blueprint = fleet.blueprint();
    let read = computing() - began;
    let day = (0..runs).map(|_| {
        let began = computing();
        let record = run_once(&blueprint, 0);
        let took = computing() - began;
        let completed = record
            .deployments
            .iter()
            .filter(|story| story.deployment.outcome == "COMPLETED");
        assert_eq!(completed.count() as u32, fleet.services, "every deployment completes");
        took
    });
    (read, day.min().unwrap_or_default())
}

fn main() {
    let whole = std::env::args().any(|argument| argument == "whole");
    let (base, runs) = if whole { (WHOLE, 1) } else { (TENTH, 3) };
    let double = |services, tasks_of_each, instances| Fleet {
        services: base.services * services,
        tasks_of_each: base.tasks_of_each * tasks_of_each,
        instances: base.instances * instances,
    };
    let fleets = [
        ("", base),
        ("services doubled", double(2, 1, 1)),
        ("tasks of each doubled", double(1, 2, 1)),
        ("instances doubled", double(1, 1, 2)),
        ("all doubled", double(2, 1, 2)),
    ];
    println!("services   tasks  instances  reading, s  a day, s  a task, ms");
    for (what, fleet) in fleets {
        let (read, day) = measure(fleet, runs);
        println!(
            "{:>8} {:>7} {:>10} {:>11.2} {:>9.2} {:>11.3}  {what}",
            fleet.services,
            fleet.tasks(),
            fleet.instances,
            read.as_secs_f64(),
            day.as_secs_f64(),
            1e3 * day.as_secs_f64() / f64::from(fleet.tasks()),
        );
    }
}

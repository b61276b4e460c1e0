//! What is seen of a run does not depend on whether checks are made whose outcome is foregone.

use super::{Checks, run_with};
use crate::blueprint::Blueprint;
use crate::scenario::{Scenario, Style};
use crate::sim::observation::{Observation, Observer, RequestFinished};
use proptest::prelude::*;
use std::fmt::Write;
use std::path::Path;

/// Everything that an observer is told, in order.
#[derive(Default)]
struct Everything(Vec<String>);

impl Observer for Everything {
    fn request_finished(&mut self, request: &RequestFinished) {
        self.0.push(format!("{request:?}"));
    }

    fn observed(&mut self, observation: Observation) {
        self.0.push(format!("{observation:?}"));
    }
}

fn seen(blueprint: &Blueprint, checks: Checks) -> Vec<String> {
    let mut everything = Everything::default();
    run_with(blueprint, 0, checks, &mut everything);
    everything.0
}

fn blueprint(text: &str) -> Blueprint {
    let scenario = Scenario::parse("small.yaml", text, Path::new(""));
    let scenario = scenario.unwrap_or_else(|wrong| panic!("{}\n{text}", wrong.render(Style::Plain)));
    let (blueprint, found) = scenario.resolve();
    blueprint.unwrap_or_else(|| panic!("{}\n{text}", found.render(Style::Plain)))
}

/// A fleet of three services, and what befalls it.
#[derive(Clone, Debug)]
struct Fleet {
    network: &'static str,
    /// What a check runs, for each service.
    runs: [&'static str; 3],
    desired: [u32; 3],
    interval_s: u32,
    first_check: &'static str,
    traffic: bool,
    /// The first service calls the second.
    calls: bool,
    acts: Vec<(u32, Act)>,
}

#[derive(Clone, Debug)]
enum Act {
    Outage {
        zone: usize,
        lasting_s: u32,
    },
    Latency {
        scope: &'static str,
        delay: &'static str,
        lasting_s: u32,
    },
    Crash {
        service: usize,
    },
    RandomCrashes {
        service: usize,
        lasting_s: u32,
    },
    Loss,
    Slow {
        lasting_s: u32,
    },
    Deploy {
        service: usize,
        change: &'static str,
    },
    Scale {
        service: usize,
        count: u32,
    },
}

fn act() -> impl Strategy<Value = Act> {
    let lasting = 1u32..200;
    let scopes = prop::sample::select(vec!["", ", zone: us-east-1a", ", service: s0", ", service: s2"]);
    let delays = prop::sample::select(vec!["300ms", "2s", "9s"]);
    let changes = prop::sample::select(vec![
        "start_up: 1s",
        "start_up: 40s",
        "fails_health_checks: 100%",
        "fails_health_checks: 30%",
        "exits_after: 50s",
    ]);
    prop_oneof![
        2 => (0usize..3, lasting.clone()).prop_map(|(zone, lasting_s)| Act::Outage { zone, lasting_s }),
        2 => (scopes, delays, lasting.clone()).prop_map(|(scope, delay, lasting_s)| Act::Latency { scope, delay, lasting_s }),
        2 => (0usize..3).prop_map(|service| Act::Crash { service }),
        1 => (0usize..3, lasting.clone()).prop_map(|(service, lasting_s)| Act::RandomCrashes { service, lasting_s }),
        1 => Just(Act::Loss),
        1 => lasting.prop_map(|lasting_s| Act::Slow { lasting_s }),
        2 => (0usize..3, changes).prop_map(|(service, change)| Act::Deploy { service, change }),
        1 => (0usize..3, 0u32..5).prop_map(|(service, count)| Act::Scale { service, count }),
    ]
}

fn fleet() -> impl Strategy<Value = Fleet> {
    // A slow network has a check under way in half of all moments; one without delay lets everything fall on one instant.
    let networks = prop::sample::select(vec![
        "none",
        "{ same_zone: 600ms, cross_zone: 900ms }",
        "{ same_zone: { lognormal: { mean: 200ms, cv: 1 } }, cross_zone: { uniform: [100ms, 900ms] } }",
        "{ same_zone: 0.25ms, cross_zone: 0.8ms }",
    ]);
    let runs = || {
        prop::sample::select(vec![
            "[]",
            "[]",
            "[]",
            "[{ cpu: 20ms }]",
            "[{ wait: 300ms }]",
            "[{ call: { to: s1, timeout: 2s } }]",
        ])
    };
    let first = prop::sample::select(vec![
        "0 intervals",
        "0.5 intervals",
        "{ uniform: [0 intervals, 1 intervals] }",
    ]);
    // Most moments are whole seconds, so that things fall together.
    let moment = prop_oneof![3 => (0u32..900).prop_map(|second| second * 1000), 1 => 0u32..900_000];
    (
        networks,
        (runs(), Just("[]"), runs()),
        [0u32..4, 0u32..4, 0u32..4],
        prop::sample::select(vec![5u32, 6, 10]),
        first,
        (prop::bool::weighted(0.3), any::<bool>()),
        prop::collection::vec((moment, act()), 0..8),
    )
        .prop_map(
            |(network, (first, second, third), desired, interval_s, first_check, (traffic, calls), mut acts)| {
                acts.sort_by_key(|(at, _)| *at);
                Fleet {
                    network,
                    runs: [first, second, third],
                    desired,
                    interval_s,
                    first_check,
                    traffic,
                    calls,
                    acts,
                }
            },
        )
}

impl Fleet {
    fn text(&self) -> String {
        let mut services = String::new();
        let mut groups = String::new();
        let mut rules = String::new();
        for at in 0..3 {
            // The last one runs on instances.
            let place = if at == 2 {
                "capacity_provider_strategy: [{ capacity_provider: g, weight: 1 }], "
            } else {
                ""
            };
            let calls = if at == 0 && self.calls {
                "[{ call: { to: s1, timeout: 2s } }]"
            } else {
                "[{ wait: 1ms }]"
            };
            writeln!(
                services,
                "  s{at}: {{ cpu: 0.5 vCPU, memory: 1 GiB, desired_count: {}, start_up: 7s, health_check_grace_period: 20s, {place}\
                 load_balancers: [{{ target_group: s{at} }}], operations: {{ get: {calls} }} }}",
                self.desired[at]
            )
            .expect("writing to a string succeeds");
            let (interval, runs) = (self.interval_s, self.runs[at]);
            write!(
                groups,
                "s{at}: {{ deregistration_delay: 20s, health_check: {{ interval: {interval}s, timeout: 2s, runs: {runs} }} }}, "
            )
            .expect("as above");
            write!(
                rules,
                "{{ priority: {}, path_pattern: ['/{at}'], forward: [{{ target_group: s{at} }}] }}, ",
                at + 1
            )
            .expect("as above");
        }
        let mut events = String::new();
        for (at, act) in &self.acts {
            writeln!(events, "  - {{ at: {at}ms, {} }}", act.text()).expect("as above");
        }
        let traffic = if self.traffic {
            "traffic: { users: { to: public, rate: 2/s, timeout: 3s } }\n"
        } else {
            ""
        };
        let events = if events.is_empty() {
            String::new()
        } else {
            format!("events:\n{events}")
        };
        format!(
            "question: Is the shortcut one?\nduration: 15m\nexperiment: {{ replications: 1 }}\n\
             cluster: {{ availability_zones: [us-east-1a, us-east-1b, us-east-1c], network: {}, \
             capacity_providers: {{ g: {{ auto_scaling_group: {{ instance_types: [m5.large], min_size: 3, max_size: 3, launch_time: 40s, awsvpc_trunking: true }} }} }} }}\n\
             services:\n{services}load_balancers:\n  public: {{ listeners: {{ http: {{ port: 80, default_action: {{ forward: [{{ target_group: s0 }}] }}, rules: [{rules}] }} }}, target_groups: {{ {groups} }} }}\n\
             {traffic}{events}model: {{ alb: {{ first_health_check: {} }} }}\n",
            self.network, self.first_check
        )
    }
}

impl Act {
    fn text(&self) -> String {
        match self {
            Act::Outage { zone, lasting_s } => {
                let zone = ["us-east-1a", "us-east-1b", "us-east-1c"][*zone];
                format!("zone_outage: {zone}, lasting: {lasting_s}s")
            }
            Act::Latency {
                scope,
                delay,
                lasting_s,
            } => {
                format!("added_latency: {{ delay: {delay}{scope} }}, lasting: {lasting_s}s")
            }
            Act::Crash { service } => format!("task_crash: {{ service: s{service}, count: 1 }}"),
            Act::RandomCrashes { service, lasting_s } => {
                format!("task_crash: {{ service: s{service}, time_between_failures: 60s }}, lasting: {lasting_s}s")
            }
            Act::Loss => "instance_loss: { capacity_provider: g }".to_owned(),
            Act::Slow { lasting_s } => {
                format!("slow_instance: {{ capacity_provider: g, factor: 3x }}, lasting: {lasting_s}s")
            }
            Act::Deploy { service, change } => format!("deploy: {{ s{service}: {{ {change} }} }}"),
            Act::Scale { service, count } => format!("set_desired_count: {{ s{service}: {count} }}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_is_seen_does_not_depend_on_checks_whose_outcome_is_foregone(fleet in fleet()) {
        let blueprint = blueprint(&fleet.text());
        let (all, needed) = (seen(&blueprint, Checks::All), seen(&blueprint, Checks::Needed));
        let differs = all.iter().zip(&needed).find(|(all, needed)| all != needed);
        prop_assert!(differs.is_none(), "{differs:#?}\n{}", fleet.text());
        prop_assert_eq!(all.len(), needed.len());
    }
}

//! What pairing on common random numbers is worth: how many fewer runs it takes to know a difference as closely.
//!
//! Two variants are run on the same luck, and once more each on luck of its own. The variance of the differences on luck
//! of their own over that on the same luck is the number of runs that one paired run is worth, because the half-width of
//! an interval goes with the square root of variance over runs. Both variances are estimated from runs that have nothing
//! in common, so their ratio over the true one has Fisher's F distribution if differences are normal, as sums over many
//! requests nearly are: that gives the interval.

use std::num::NonZeroUsize;
use std::path::Path;
use wavetank::blueprint::Blueprint;
use wavetank::experiment::compare::Figure;
use wavetank::experiment::{Cancel, Workers, replicate::replicate};
use wavetank::probe::{Recorder, RunRecord};
use wavetank::scenario::Scenario;
use wavetank::special::beta_quantile;
use wavetank::stats::Moments;

/// A scenario in two variants.
struct Case {
    name: &'static str,
    scenario: &'static str,
    path: &'static str,
    values: [&'static str; 2],
}

const SHOP: &str = "
services: { shop: { load_balancers: [], desired_count: 4, runtime: { thread_pool: { workers: 8 } }, operations: { get: [{ cpu: { lognormal: { mean: 8ms, cv: 1 } } }, { call: { to: store, timeout: 200ms, retry: { max_attempts: 2 } } }] } } }
dependencies: { store: { slots: 8, service_time: { lognormal: { mean: 20ms, cv: 1.5 } } } }
traffic: { users: { to: shop, rate: 200/s, timeout: 1s } }
duration: 30s
warm_up: 5s
";

const BALANCED: &str = "
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 4, load_balancers: [{ target_group: web, container_name: app }], operations: { get: [{ cpu: { lognormal: { mean: 20ms, cv: 1 } } }] } } }
load_balancers: { public: { listeners: { http: { port: 80, default_action: { forward: [{ target_group: web }] } } }, target_groups: { web: { load_balancing_algorithm: round_robin } } } }
traffic: { users: { to: public, rate: 120/s } }
duration: 30s
warm_up: 5s
";

const DEPLOYED: &str = "
services: { web: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 4, start_up: 5s, operations: { get: [{ cpu: { lognormal: { mean: 15ms, cv: 1 } } }] } } }
traffic: { users: { to: web, rate: 100/s, timeout: 2s } }
duration: 300s
events: [{ at: 10s, deploy: { web: { operations: { get: { error_ratio: 5% } } } } }]
";

const CASES: [Case; 5] = [
    Case {
        name: "one retry more",
        scenario: SHOP,
        path: "services.shop.operations.get[1].call.retry.max_attempts",
        values: ["2", "3"],
    },
    Case {
        name: "round robin against least outstanding requests",
        scenario: BALANCED,
        path: "load_balancers.public.target_groups.web.load_balancing_algorithm",
        values: ["round_robin", "least_outstanding_requests"],
    },
    Case {
        name: "a task more",
        scenario: BALANCED,
        path: "services.web.desired_count",
        values: ["4", "5"],
    },
    Case {
        name: "half of the tasks at once against all, in a bad deployment",
        scenario: DEPLOYED,
        path: "services.web.deployment_configuration",
        values: [
            "{ minimum_healthy_percent: 100, maximum_percent: 150 }",
            "{ minimum_healthy_percent: 100, maximum_percent: 200 }",
        ],
    },
    Case {
        name: "next to no change: a slot more of eight",
        scenario: SHOP,
        path: "dependencies.store.slots",
        values: ["8", "9"],
    },
];

fn run(blueprint: &Blueprint, replication: u32) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, replication);
    wavetank::sim::run::run(blueprint, replication, &mut recorder);
    recorder.into_record()
}

impl Case {
    fn blueprint(&self, value: &str) -> Blueprint {
        let scenario = Scenario::parse("case.yaml", self.scenario, Path::new("")).expect("it is a map");
        let scenario = scenario
            .with(self.path, value)
            .unwrap_or_else(|found| panic!("{}: {}", self.name, found.render(wavetank::scenario::Style::Plain)));
        let (blueprint, found) = scenario.resolve();
        blueprint.unwrap_or_else(|| panic!("{}", found.render(wavetank::scenario::Style::Plain)))
    }

    /// For each figure the differences on the same luck, and those on luck of their own.
    fn differences(&self, runs: usize, figures: &[Figure]) -> Vec<(Vec<f64>, Vec<f64>)> {
        let variants = self.values.map(|value| self.blueprint(value));
        let seeded = |at: usize, seed: u64| Blueprint {
            seed,
            ..variants[at].clone()
        };
        // Same luck, then luck that is nobody else's.
        let sets = [seeded(0, 1), seeded(1, 1), seeded(0, 2), seeded(1, 3)];
        let workers = Workers::new(NonZeroUsize::new(2).expect("two"));
        let mut values: Vec<[Vec<Option<f64>>; 4]> = figures.iter().map(|_| Default::default()).collect();
        let one = |index: usize| {
            let blueprint = &sets[index % 4];
            let record = run(blueprint, (index / 4) as u32);
            figures
                .iter()
                .map(|figure| figure.of(blueprint, &record, None))
                .collect::<Vec<_>>()
        };
        replicate(4 * runs, &workers, &Cancel::default(), one, |index, seen| {
            for (of_figure, value) in values.iter_mut().zip(seen) {
                of_figure[index % 4].push(value);
            }
        });
        let minus = |one: &[Option<f64>], other: &[Option<f64>]| -> Vec<f64> {
            one.iter()
                .zip(other)
                .filter_map(|(one, other)| Some((*other)? - (*one)?))
                .collect()
        };
        let pairs = values.iter().map(|[a, b, c, d]| (minus(a, b), minus(c, d)));
        pairs.collect()
    }
}

fn variance(values: &[f64]) -> f64 {
    values.iter().copied().collect::<Moments>().variance().unwrap_or(0.0)
}

/// The quantile of Fisher's F by that of the beta distribution: if X is beta (m/2, n/2), then n X / (m (1 − X)) is F.
fn f_quantile(share: f64, m: f64, n: f64) -> f64 {
    let x = beta_quantile(m / 2.0, n / 2.0, share);
    n * x / (m * (1.0 - x))
}

/// How many unpaired runs a paired one is worth, and its 95 % interval.
fn worth((same, own): &(Vec<f64>, Vec<f64>)) -> (f64, f64, f64) {
    let ratio = variance(own) / variance(same);
    let (m, n) = (own.len() as f64 - 1.0, same.len() as f64 - 1.0);
    (ratio, ratio / f_quantile(0.975, m, n), ratio / f_quantile(0.025, m, n))
}

#[test]
fn a_paired_run_is_worth_more_than_one_that_is_not() {
    // Tables: 95 % of F with 10 and 10 degrees of freedom lies below 2.978.
    assert!((f_quantile(0.95, 10.0, 10.0) - 2.978).abs() < 5e-4);
    let case = &CASES[4];
    let seen = case.differences(20, &[Figure::MeanLatency]);
    let (ratio, low, _) = worth(&seen[0]);
    // A ratio of 1 is that of chance: with 20 runs it would come out above 2.53 in one case of forty.
    assert!(low > 1.0, "{}: {ratio}", case.name);
}

/// Prints the table of docs/pairing.md: `cargo test --test pairing -- --ignored --nocapture`.
#[test]
#[ignore = "it takes minutes: it makes the table of docs/pairing.md"]
fn table() {
    const RUNS: usize = 100;
    let figures = [
        Figure::MeanLatency,
        Figure::P99Latency,
        Figure::FailedShare,
        Figure::ErrorsAboveOld,
    ];
    println!("| change | figure | a paired run is worth | 95 % interval |\n|---|---|---:|---:|");
    for case in &CASES {
        for (figure, seen) in figures.iter().zip(case.differences(RUNS, &figures)) {
            if seen.0.len() < RUNS || variance(&seen.0) == 0.0 || variance(&seen.1) == 0.0 {
                continue;
            }
            let (ratio, low, high) = worth(&seen);
            println!(
                "| {} | {} | {ratio:.1} | {low:.1} to {high:.1} |",
                case.name,
                figure.label()
            );
        }
    }
}

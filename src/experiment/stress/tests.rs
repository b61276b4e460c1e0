//! Known answers: the knee of M/M/c by Erlang's formula, its saturation at c/s, and the limit of the store that retries
//! keep down.

use super::*;
use crate::probe::Recorder;
use crate::scenario::Scenario;

fn run(blueprint: &Blueprint, replication: u32) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, replication);
    crate::sim::run::run(blueprint, replication, &mut recorder);
    recorder.into_record()
}

fn blueprint(scenario: &Scenario) -> Blueprint {
    let (blueprint, found) = scenario.resolve();
    blueprint.unwrap_or_else(|| panic!("{}", found.render(crate::scenario::Style::Plain)))
}

fn stressed(text: &str) -> Stressed {
    let scenario = Scenario::parse("stressed.yaml", text, std::path::Path::new("")).expect("it is a map");
    let calm = scenario.with("events", "[]").expect("events are a list");
    let cancel = Cancel::default();
    let workers = Workers::new(std::num::NonZeroUsize::MIN);
    let effort = Effort {
        workers: &workers,
        cancel: &cancel,
        run,
        progress: |_, _, _| {},
    };
    stress(&blueprint(&calm), &blueprint(&scenario), effort).expect("nobody interrupts")
}

/// M/M/c with services of 10 ms on average, loaded by its whole capacity at load 1.
fn queue(workers: u32) -> Stressed {
    stressed(&format!(
        "services: {{ q: {{ load_balancers: [], runtime: {{ thread_pool: {{ workers: {workers} }} }}, \
         operations: {{ get: [{{ wait: {{ exponential: {{ mean: 10ms }} }} }}] }} }} }}\n\
         cluster: {{ network: none }}\n\
         traffic: {{ customers: {{ to: q, rate: {}/s }} }}\n\
         duration: {}s\n\
         experiment: {{ replications: 8, stress: {{ to: 1.4, levels: 7, hold: {}s, warm_up: 2s, shock: {{ recovery: 30s, lasting: 1s }}, ramp_hold: 4s }} }}\n",
        100 * workers,
        20 / workers,
        20 / workers,
    ))
}

/// Goodput over mean latency of M/M/c at a utilisation, in services a service time, by Erlang's C.
fn power(servers: u32, utilisation: f64) -> f64 {
    let c = f64::from(servers);
    let offered = c * utilisation;
    // Erlang's B by its recursion, then C.
    let blocked = (1..=servers).fold(1.0, |blocked, k| offered * blocked / (f64::from(k) + offered * blocked));
    let waits = blocked / (1.0 - utilisation * (1.0 - blocked));
    offered / (1.0 + waits / (c - offered))
}

#[test]
fn the_knee_of_a_queue_is_where_its_power_is_highest_and_it_saturates_at_its_capacity() {
    // ρ (1 − ρ) is highest at a half.
    assert!((power(1, 0.5) - 0.25).abs() < 1e-12);
    for workers in [1, 4] {
        let seen = queue(workers);
        let exact = (1..1000)
            .map(|step| f64::from(step) / 1000.0)
            .max_by(|one, other| power(workers, *one).total_cmp(&power(workers, *other)))
            .expect("there are steps");
        let knee = seen.knee.expect("something is served");
        let (low, high) = (
            knee.low.expect("power falls below"),
            knee.high.expect("power falls above"),
        );
        assert!(low < exact && exact < high, "{workers} workers: {exact} and {knee:?}");
        // No level whose power is a third below the highest may lie inside: 8 runs tell that from chance.
        for load in [low, high] {
            assert!(power(workers, load.min(0.999)) < power(workers, exact));
        }
        let saturation = seen.saturation.expect("it was overloaded");
        let (low, high) = (saturation.low.expect("it grows"), saturation.high.expect("it stops"));
        assert!(
            low <= 1.0 && 1.0 <= high && high - low < 0.35,
            "{workers} workers: {saturation:?}"
        );
        // A queue has no memory but what waits.
        let shocks = seen.shocks.as_ref().expect("a spike is tried");
        assert!(shocks.are_known() && shocks.fragile_from().is_none(), "{shocks:?}");
        assert_eq!(seen.branches.as_ref().and_then(Branches::region), None);
    }
}

/// Three slots of 100 ms: 30 requests a second. Clients wait a second; the load of 1 is two thirds of capacity. What a
/// spike of three times the load for ten seconds leaves waiting is worked off while (1 + retries) λ < 30/s.
fn store(attempts: u32) -> Stressed {
    stressed(&format!(
        "services: {{ shop: {{ load_balancers: [], runtime: unbounded, operations: {{ get: [{{ call: {{ to: store }} }}] }} }} }}\n\
         cluster: {{ network: none }}\n\
         dependencies: {{ store: {{ slots: 3, backlog: 1000000, service_time: 100ms }} }}\n\
         traffic: {{ clients: {{ to: shop, rate: 20/s, timeout: 1s, retry: {{ max_attempts: {attempts} }} }} }}\n\
         duration: 60s\n\
         experiment: {{ replications: 6, stress: {{ to: 1.8, levels: 6, hold: 60s, warm_up: 4s, ramp_hold: 80s, resolution: 8% }} }}\n",
    ))
}

#[test]
fn retries_make_a_region_where_shocks_do_not_heal_and_without_them_there_is_none() {
    let with = store(2);
    let shocks = with.shocks.as_ref().expect("a spike is tried");
    let (healed, down) = shocks.fragile_from().expect("retries keep it down");
    // 2 λ = 30/s is load 0.75. From just below it comes back in (queue) / (30 − 2 λ): the spike leaves some 10 s × (6 λ −
    // 30/s), and in the 300 s that it is watched for it works off 300 s × (30 − 2 λ): equal at λ = 14.1/s, load 0.705, and
    // the twelfth of a load that the bracket may be wide.
    let healed = healed.expect("low loads come back");
    assert!(healed < 0.75 && down > 0.70 * 0.92, "between {healed} and {down}");
    assert!(down < 0.75 * 1.09 + 0.05, "between {healed} and {down}");
    // Above the limit the way down stays down; some way below it, until what the stops above have left is worked off.
    let branches = with.branches.as_ref().expect("the load can change");
    let (_, high) = branches.region().expect("the ways differ");
    let within = |branch: &&Branch| 0.76 <= branch.load && branch.load <= high;
    assert!(
        branches.loads.iter().filter(within).all(Branch::differs),
        "{branches:?}"
    );
    assert!(
        branches.loads.iter().filter(within).count() > 0 && !branches.loads[0].differs(),
        "{branches:?}"
    );
    let cause = shocks.loads.iter().find(|it| it.load == down).and_then(|it| it.cause);
    assert_eq!(cause, Some("retries"));

    let without = store(1);
    let shocks = without.shocks.as_ref().expect("a spike is tried");
    assert_eq!(shocks.fragile_from(), None, "{shocks:?}");
    assert_eq!(without.branches.as_ref().and_then(Branches::region), None);
}

//! Real simulations whose best candidate is known.

use super::procedure::Ending;
use super::*;
use crate::cli::run_once;
use crate::scenario::Scenario;
use std::num::NonZeroUsize;
use std::path::Path;

/// M/M/c with 3.2 customers a second of one second each, in tasks whose memory, and so whose price, grows with c.
const ERLANG: &str = "
services: { q: { cpu: 1 vCPU, memory: 2 GiB, desired_count: 1, load_balancers: [], runtime: { thread_pool: { workers: 4 } }, operations: { get: [{ wait: { exponential: { mean: 1s } } }] } } }
cluster: { network: none }
traffic: { customers: { to: q, rate: 3.2/s } }
warm_up: 2m
duration: 20m
objectives: [{ name: short, latency: { mean: 1400ms } }]
experiment:
  replications: 10
  size:
    at_most: 80
    alternatives:
      services.q.runtime.thread_pool.workers: { c3: 3, c4: 4, c5: 5, c6: 6, c7: 7 }
      services.q.memory: { c3: 3 GiB, c4: 4 GiB, c5: 5 GiB, c6: 6 GiB, c7: 7 GiB }
";

fn sized(text: &str, changes: &[(&str, &str)], threads: usize) -> Sizing {
    let mut scenario = Scenario::parse("erlang.yaml", text, Path::new("")).expect("it reads");
    for (path, value) in changes {
        scenario = scenario.with(path, value).expect("a path");
    }
    let (blueprint, found) = scenario.resolve();
    let blueprint = blueprint.unwrap_or_else(|| panic!("{}", found.render(crate::scenario::Style::Plain)));
    let candidates = scenario.candidates().expect("right").expect("there are some");
    let goal = blueprint.size.expect("there is a goal");
    let workers = Workers::new(NonZeroUsize::new(threads).expect("above zero"));
    let rules = rules(&goal, blueprint.replications);
    size(candidates, rules, &workers, &Cancel::default(), run_once, |_, _, _| {})
}

/// Mean time in an M/M/c queue whose work takes a second, by Erlang's formula.
fn mean_sojourn(rate: f64, servers: u32) -> f64 {
    // Erlang's B by its recursion, then C from it.
    let blocked = (1..=servers).fold(1.0, |blocked, server| {
        rate * blocked / (f64::from(server) + rate * blocked)
    });
    let spare = f64::from(servers) - rate;
    let waits = f64::from(servers) * blocked / (f64::from(servers) - rate * (1.0 - blocked));
    1.0 + waits / spare
}

#[test]
fn erlangs_formula_is_the_textbooks() {
    assert!((mean_sojourn(3.2, 4) - 1.745_541).abs() < 1e-6);
}

#[test]
fn the_fewest_servers_are_those_of_erlangs_formula() {
    let (four, five) = (mean_sojourn(3.2, 4), mean_sojourn(3.2, 5));
    assert!(four > 1.4 && five < 1.4, "the bound lies between {four} and {five}");
    let sizing = sized(ERLANG, &[], 2);
    assert_eq!(sizing.selection.ending, Ending::Found);
    let winner = sizing.winner().expect("it was found");
    assert_eq!(winner.name, "c5");
    assert!(winner.fresh >= 10 && winner.seen.iter().all(|seen| seen.judgement.runs == winner.fresh));
    let of = |name: &str| {
        sizing
            .found
            .iter()
            .find(|found| found.name == name)
            .expect("a candidate")
    };
    // Three servers fall behind for ever, four are too slow; what is dearer is not run in vain.
    assert_eq!(of("c3").status, Status::Infeasible);
    assert_eq!(of("c4").status, Status::Infeasible);
    assert_eq!((of("c7").status, of("c7").runs), (Status::Dearer, 10));
    // A gigabyte is 0.004445 USD an hour, and the same in every run.
    let dearer = of("c6").dearer.expect("it was run");
    assert!(
        (dearer.estimate - 0.004_445).abs() < 1e-6 && dearer.half_width() < 1e-9,
        "{dearer:?}"
    );
}

#[test]
fn threads_change_nothing() {
    let told = |threads| {
        let sizing = sized(ERLANG, &[("duration", "2m")], threads);
        format!("{:?} {:?} {}", sizing.selection, sizing.found, sizing.runs)
    };
    assert_eq!(told(1), told(2));
}

#[test]
fn where_no_candidate_is_good_enough_that_is_said() {
    let sizing = sized(
        ERLANG,
        &[("objectives[0].latency.mean", "900ms"), ("duration", "5m")],
        2,
    );
    assert_eq!(sizing.selection.ending, Ending::NoneFeasible);
    assert!(sizing.found.iter().all(|found| found.status == Status::Infeasible));
}

#[test]
fn where_the_runs_do_not_suffice_the_number_that_would_is_told() {
    // The bound is what four servers take on average: ten runs cannot tell.
    let changes = [
        ("objectives[0].latency.mean", "1745ms"),
        ("experiment.size.at_most", "10"),
        ("duration", "2m"),
    ];
    let sizing = sized(ERLANG, &changes, 2);
    assert_eq!(sizing.selection.ending, Ending::Exhausted);
    let undecided = sizing.others(Status::Undecided);
    assert!(
        undecided.iter().any(|found| found.name == "c4"),
        "{:?}",
        sizing.selection
    );
    assert!(sizing.runs_needed().is_none_or(|runs| runs > 10));
}

#[test]
fn an_interruption_keeps_what_is_known() {
    let scenario = Scenario::parse("erlang.yaml", ERLANG, Path::new("")).expect("it reads");
    let candidates = scenario.candidates().expect("right").expect("there are some");
    let goal = scenario
        .resolve()
        .0
        .and_then(|blueprint| blueprint.size)
        .expect("a goal");
    let cancel = Cancel::default();
    let progress = |_: &str, done, _| {
        if done == 7 {
            cancel.request();
        }
    };
    let sizing = size(
        candidates,
        rules(&goal, 10),
        &Workers::new(NonZeroUsize::MIN),
        &cancel,
        run_once,
        progress,
    );
    assert_eq!(sizing.selection.ending, Ending::Interrupted);
    assert!((7..=9).contains(&sizing.runs), "{}", sizing.runs);
    assert!(sizing.found[0].cost.is_some() && sizing.found[4].cost.is_none());
}

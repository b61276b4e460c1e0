//! Branches joined by the first, by a quorum, or with what has come: to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

fn wait(millis: u64) -> Step {
    Step::Wait(constant(millis as f64 / 1e3))
}

fn fail() -> Step {
    Step::Fail {
        share: Ratio::ONE,
        status: 500,
    }
}

/// One request whose branches are joined like this, and which waits 5 ms then.
fn joined(branches: Vec<Vec<Step>>, join: Join, timeout: Option<u64>, losers: OnDisconnect) -> Blueprint {
    let mut blueprint = requests_at(&[0], vec![], workers(10));
    let add = |steps| {
        blueprint.programs.push(Program { steps });
        ProgramIx::from_usize(blueprint.programs.len() - 1)
    };
    let parallel = Parallel {
        name: "web/get/1".into(),
        branches: branches.into_iter().map(add).collect(),
        join,
        timeout: timeout.map(Span::from_millis),
        losers,
    };
    blueprint.programs[0].steps = vec![Step::Parallel(parallel), wait(5)];
    blueprint
}

fn three() -> Vec<Vec<Step>> {
    vec![vec![wait(30)], vec![wait(10)], vec![wait(20)]]
}

/// What came of the request and how long it took, when all is over.
fn ended(blueprint: &Blueprint) -> (Outcome, f64) {
    let mut stage = Stage::new(blueprint);
    stage.run();
    let (_, outcome, took) = stage.seen()[0];
    (outcome, took)
}

#[test]
fn the_first_branch_that_succeeds_ends_the_step() {
    let blueprint = joined(three(), Join::Quorum(1), None, OnDisconnect::Cancel);
    assert_eq!(ended(&blueprint).1, 15.0);
    // One that fails does not.
    let mut branches = three();
    branches[1].push(fail());
    let blueprint = joined(branches, Join::Quorum(1), None, OnDisconnect::Cancel);
    assert_eq!(ended(&blueprint).1, 25.0);
}

#[test]
fn a_quorum_ends_the_step_and_fails_as_soon_as_it_is_out_of_reach() {
    let blueprint = joined(three(), Join::Quorum(2), None, OnDisconnect::Continue);
    let (outcome, took) = ended(&blueprint);
    assert_eq!((outcome, took), (Outcome::Served, 25.0));
    // Two of three fail, at 10 and 20 ms: two can no more succeed.
    let mut branches = three();
    branches[1].push(fail());
    branches[2].push(fail());
    let blueprint = joined(branches, Join::Quorum(2), None, OnDisconnect::Continue);
    let (outcome, took) = ended(&blueprint);
    assert_eq!((outcome, took), (Outcome::ServerError, 20.0));
}

#[test]
fn losers_go_on_for_nothing_or_stop_at_once() {
    // The call of the slow branch takes 100 ms at a dependency of its own; the winner takes 10 ms.
    let slow = |losers| {
        let branches = vec![vec![wait(10)], vec![Step::Cpu(constant(0.1))]];
        joined(branches, Join::Quorum(1), None, losers)
    };
    let busy = |losers| {
        let blueprint = slow(losers);
        let mut stage = Stage::new(&blueprint);
        stage.run_until(ms(50));
        let busy = stage.plane.in_flight();
        stage.run();
        busy
    };
    assert_eq!(busy(OnDisconnect::Continue), 1);
    assert_eq!(busy(OnDisconnect::Cancel), 0);
}

#[test]
fn a_loser_of_one_step_does_not_disturb_the_next() {
    // The loser of the first step ends at 30 ms, in the middle of the second one, which takes from 10 to 60 ms.
    let mut blueprint = joined(
        vec![vec![wait(10)], vec![wait(30)]],
        Join::Quorum(1),
        None,
        OnDisconnect::Continue,
    );
    blueprint.programs.push(Program { steps: vec![wait(50)] });
    let last = ProgramIx::from_usize(blueprint.programs.len() - 1);
    blueprint.programs[0].steps[1] = Step::Parallel(Parallel::all(vec![last, last]));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 60.0)]);
}

#[test]
fn a_partial_join_goes_on_at_its_timeout_with_what_has_come() {
    let blueprint = joined(three(), Join::Partial, Some(25), OnDisconnect::Cancel);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 30.0)]);
    let counts = &stage.plane.join_counts()[0];
    assert_eq!((counts.joins, counts.failed, counts.timed_out), (1, 0, 1));
    assert_eq!((counts.branches, counts.missing), (3, 1));
    // Before it, if all have ended; a branch that failed is missing.
    let mut branches = three();
    branches[0] = vec![wait(5), fail()];
    let blueprint = joined(branches, Join::Partial, Some(25), OnDisconnect::Cancel);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 25.0)]);
    assert_eq!(stage.plane.join_counts()[0].missing, 1);
}

#[test]
fn any_other_join_fails_at_its_timeout() {
    for join in [Join::All, Join::Quorum(3)] {
        let blueprint = joined(three(), join, Some(25), OnDisconnect::Cancel);
        let (outcome, took) = ended(&blueprint);
        assert_eq!((outcome, took), (Outcome::ServerError, 25.0));
    }
}

#[test]
fn a_timeout_ends_no_later_join_of_the_same_request() {
    // Two steps of 10 ms with a timeout of 15 ms each: the first one's would come at 15 ms, in the middle of the second.
    let blueprint = {
        let mut blueprint = joined(vec![vec![wait(10)]], Join::Partial, Some(15), OnDisconnect::Cancel);
        let step = blueprint.programs[0].steps[0].clone();
        blueprint.programs[0].steps = vec![step.clone(), step];
        blueprint
    };
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 20.0)]);
}

#[test]
fn a_request_that_is_cancelled_cancels_its_race() {
    let mut blueprint = joined(three(), Join::Quorum(2), Some(500), OnDisconnect::Continue);
    blueprint.traffic[0].timeout = Some(Span::from_millis(8));
    blueprint.services[0].revisions[0].on_disconnect = OnDisconnect::Cancel;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(9));
    assert_eq!(stage.plane.in_flight(), 0);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 8.0)]);
}

#[test]
fn a_killed_process_takes_its_races_and_losers_with_it() {
    let blueprint = joined(three(), Join::Quorum(1), Some(500), OnDisconnect::Continue);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(12));
    let task = stage.tasks[0][0];
    stage.kill(task);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Refused, 12.0)]);
}

#[test]
fn the_kth_of_n_exponential_branches_takes_its_mean() {
    // The mean of the k-th of n exponentials of mean 1 is 1/n + 1/(n−1) + … + 1/(n−k+1).
    for (k, n) in [(1, 10), (5, 10), (9, 10), (95, 100)] {
        let branches = (0..n).map(|_| vec![Step::Wait(exponential(1.0))]).collect();
        let mut blueprint = joined(branches, Join::Quorum(k), None, OnDisconnect::Cancel);
        blueprint.programs[0].steps.pop();
        blueprint.services[0].revisions[0].runtime = Runtime::Unbounded;
        let requests: Vec<u64> = (0..2000).collect();
        blueprint.traffic[0].source = recorded(&requests);
        let mut stage = Stage::new(&blueprint);
        stage.run();
        let mean = stage.seen().iter().map(|request| request.2 / 1e3).sum::<f64>() / 2000.0;
        let terms = || (n - k + 1..=n).map(|left| 1.0 / f64::from(left));
        let (exact, variance) = (terms().sum::<f64>(), terms().map(|term| term * term).sum::<f64>());
        // Five standard errors of 2000 independent requests.
        let tolerance = 5.0 * (variance / 2000.0).sqrt();
        assert!((mean - exact).abs() < tolerance, "{k} of {n}: {mean}, not {exact}");
    }
}

//! Brown-out: optional steps that are left out, and answers that tell of it all the way up.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Completeness::{self, Degraded, Whole};
use crate::units::{Ratio, Span};

/// 10 ms that must be, and 90 ms that need not: the program of the optional steps is the second.
fn page(millis: &[u64], brown_out: BrownOut, runtime: Runtime) -> Blueprint {
    let steps = vec![Step::Wait(constant(0.01)), Step::Optional(ProgramIx(1))];
    let mut blueprint = requests_at(millis, steps, runtime);
    blueprint.programs[1].steps = vec![Step::Wait(constant(0.09))];
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(ServerRules {
        brown_out: Some(brown_out),
        ..ServerRules::default()
    }));
    blueprint
}

/// Arrival, latency and completeness, in order of the end.
fn answers(blueprint: &Blueprint) -> Vec<(f64, f64, Completeness)> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    let rows = stage.seen().into_iter().zip(&stage.finished);
    rows.map(|((arrived, _, latency), request)| (arrived, latency, request.completeness))
        .collect()
}

#[test]
fn by_its_queue_a_server_leaves_optional_steps_out_while_requests_wait() {
    // One worker. The first is alone when it comes to its optional steps; the second has two behind it, the third one.
    let queue = BrownOut::Queue { from: 1, to: 1 };
    assert_eq!(
        answers(&page(&[0, 95, 96, 97], queue, workers(1))),
        [
            (0.0, 100.0, Whole),
            (95.0, 15.0, Degraded),
            (96.0, 24.0, Degraded),
            (97.0, 123.0, Whole)
        ]
    );
}

#[test]
fn a_dimmer_that_sees_answers_come_too_late_closes_for_the_next_period() {
    // The target is 50 ms, and the pole leaves nothing of an error. At 1 s the dimmer learns that a whole makes
    // 1 + 1000/1000.95 × (0.1 − 1) = 0.1009 s, and closes by the error of 0.05 s over that, to 0.504. Nothing is optional in the second
    // period by luck alone, so each of its requests takes 10 ms or 100.
    let rule = DimmerRule {
        target: Span::from_millis(50),
        percentile: Ratio::ONE,
        period: Span::from_secs(1),
        pole: 0.0,
    };
    let millis: Vec<u64> = (0..400).map(|at| at * 5).collect();
    let answers = answers(&page(&millis, BrownOut::ResponseTime(rule), Runtime::Unbounded));
    // Who arrives up to 10 ms before the period is over stands before its optional steps when it is.
    let (first, second): (Vec<_>, Vec<_>) = answers.into_iter().partition(|(arrived, ..)| *arrived < 990.0);
    assert!(first.iter().all(|answer| (answer.1, answer.2) == (100.0, Whole)));
    let degraded = second.iter().filter(|(.., whole)| *whole == Degraded).count();
    assert!(second.iter().all(|answer| (answer.1 == 10.0) == (answer.2 == Degraded)));
    // Of 202, 49.6 % are expected: 100 ± 3 × √(202/4).
    assert!((79..=121).contains(&degraded), "{degraded} of {}", second.len());
}

#[test]
fn a_server_without_brown_out_does_everything() {
    let queue = BrownOut::Queue { from: 1, to: 1 };
    let mut blueprint = page(&[0, 95, 96, 97], queue, workers(1));
    blueprint.services[0].revisions[0].server_rules = None;
    let latencies: Vec<f64> = answers(&blueprint).into_iter().map(|(_, latency, _)| latency).collect();
    assert_eq!(latencies, [100.0, 105.0, 204.0, 303.0]);
}

/// A front end that does `steps`, whose first call is to the page, which leaves out everything.
fn behind_a_front_end(steps: Vec<Step>) -> Blueprint {
    let always = BrownOut::Queue { from: 0, to: 0 };
    let mut blueprint = page(&[0], always, Runtime::Unbounded);
    let mut front = service("front", 3, Runtime::Unbounded);
    front.revisions[0].operations[0].program = ProgramIx(2);
    blueprint.services.push(front);
    blueprint.programs.push(Program { steps });
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(0),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint.traffic[0].to = Destination::Service {
        service: ServiceIx(1),
        balancing: Balancing::RoundRobin,
    };
    blueprint
}

#[test]
fn an_answer_made_of_a_degraded_one_is_degraded_through_calls_and_branches() {
    let straight = behind_a_front_end(vec![Step::Call(CallIx(0))]);
    assert_eq!(answers(&straight), [(0.0, 10.0, Degraded)]);
    let mut forked = behind_a_front_end(vec![Step::Parallel(Parallel::all(vec![ProgramIx(3), ProgramIx(4)]))]);
    forked.programs.push(Program {
        steps: vec![Step::Call(CallIx(0))],
    });
    forked.programs.push(Program {
        steps: vec![Step::Wait(constant(0.02))],
    });
    assert_eq!(answers(&forked), [(0.0, 20.0, Degraded)]);
}

#[test]
fn an_answer_is_degraded_if_a_fallback_ran_for_it() {
    let fallback = |share| {
        let mut blueprint = behind_a_front_end(vec![Step::Call(CallIx(0)), Step::Fallback(ProgramIx(3))]);
        blueprint.services[0].revisions[0].server_rules = None;
        blueprint.programs[0].steps = vec![Step::Fail { share, status: 500 }];
        blueprint.programs.push(Program {
            steps: vec![Step::Wait(constant(0.001))],
        });
        blueprint.calls[0].guards.fallback = Fallback::Steps;
        answers(&blueprint)
    };
    assert_eq!(fallback(Ratio::ONE), [(0.0, 1.0, Degraded)]);
    assert_eq!(fallback(Ratio::ZERO), [(0.0, 0.0, Whole)]);
}

#[test]
fn an_answer_is_degraded_if_a_partial_join_went_on_without_a_branch() {
    let join = |timeout| {
        let parallel = Parallel {
            join: Join::Partial,
            timeout: Some(Span::from_millis(timeout)),
            ..Parallel::all(vec![ProgramIx(1), ProgramIx(2)])
        };
        let mut blueprint = requests_at(&[0], vec![Step::Parallel(parallel)], Runtime::Unbounded);
        blueprint.programs[1].steps = vec![Step::Wait(constant(0.01))];
        blueprint.programs.push(Program {
            steps: vec![Step::Wait(constant(0.03))],
        });
        answers(&blueprint)
    };
    assert_eq!(join(20), [(0.0, 20.0, Degraded)]);
    assert_eq!(join(40), [(0.0, 30.0, Whole)]);
}

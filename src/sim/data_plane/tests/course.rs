//! Choices, loops and errors of programs: where requests go on, and that a retry goes the same way.

use super::stage::*;
use crate::blueprint::*;
use crate::engine::count::Count;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

/// Adds a program; gives its index.
fn program(blueprint: &mut Blueprint, steps: Vec<Step>) -> ProgramIx {
    blueprint.programs.push(Program { steps });
    ProgramIx::from_usize(blueprint.programs.len() - 1)
}

fn wait(millis: u64) -> Step {
    Step::Wait(constant(millis as f64 / 1e3))
}

/// Requests at these milliseconds to a service of one program, which is made of parts.
fn with_parts(millis: &[u64], parts: Vec<Vec<Step>>, steps: impl FnOnce(&[ProgramIx]) -> Vec<Step>) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![], workers(1000));
    let parts: Vec<ProgramIx> = parts.into_iter().map(|steps| program(&mut blueprint, steps)).collect();
    blueprint.programs[0].steps = steps(&parts);
    blueprint
}

fn times(times: u32) -> Count {
    Count::always(times).expect("not many")
}

fn share(share: f64) -> Ratio {
    Ratio::new(share).expect("a share")
}

#[test]
fn a_request_takes_one_of_the_branches_and_goes_on_behind_them() {
    // Branches of 10 and 20 ms and one that is never chosen, then 5 ms for everybody.
    let thousand: Vec<u64> = (0..1000).collect();
    let parts = vec![vec![wait(10)], vec![wait(500)], vec![wait(15), wait(5)]];
    let blueprint = with_parts(&thousand, parts, |parts| {
        let choice = |at: usize, share| Choice {
            share,
            program: parts[at],
        };
        let choices = vec![choice(0, 0.3), choice(1, 0.0), choice(2, 0.7)];
        vec![Step::Choose(choices), wait(5)]
    });
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let took = |millis: f64| stage.seen().iter().filter(|request| request.2 == millis).count();
    assert_eq!(took(15.0) + took(25.0), 1000);
    // Five standard deviations of √(1000 · 0.3 · 0.7) = 14.5.
    assert!((took(15.0) as i64 - 300).abs() < 73, "{}", took(15.0));
}

#[test]
fn a_retry_takes_the_branch_that_its_request_took_before() {
    // Half of the requests take a branch that outlasts their patience: if each attempt chose anew, three in four of
    // those with two attempts would be served. As it is, each is served at once or never.
    let hundred: Vec<u64> = (0..100).map(|at| at * 100).collect();
    let mut blueprint = with_parts(&hundred, vec![vec![wait(1)], vec![wait(50)]], |parts| {
        let choice = |at: usize| Choice {
            share: 0.5,
            program: parts[at],
        };
        vec![Step::Choose(vec![choice(0), choice(1)])]
    });
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    blueprint.traffic[0].retry = fixed(3, Span::ZERO);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let attempts = |outcome| {
        let of_it = stage.finished.iter().filter(move |request| request.outcome == outcome);
        of_it.map(|request| request.attempts).collect::<Vec<_>>()
    };
    let (served, timed_out) = (attempts(Outcome::Served), attempts(Outcome::TimedOut));
    assert!(served.iter().all(|attempts| *attempts == 1));
    assert!(timed_out.iter().all(|attempts| *attempts == 3));
    assert!(served.len() > 25 && timed_out.len() > 25, "{}", served.len());
}

#[test]
fn a_retry_at_the_front_takes_the_same_branches_at_the_back() {
    // The front calls the back, which takes 1 or 50 ms by choice; the client's patience ends at 10 ms.
    let hundred: Vec<u64> = (0..100).map(|at| at * 100).collect();
    let mut blueprint = with_parts(&hundred, vec![vec![wait(1)], vec![wait(50)]], |_| {
        vec![Step::Call(CallIx(0))]
    });
    let choice = |at: u16| Choice {
        share: 0.5,
        program: ProgramIx(at),
    };
    let back = program(&mut blueprint, vec![Step::Choose(vec![choice(2), choice(3)])]);
    blueprint.services.push(service("back", back.0 + 1, workers(1000)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    blueprint.traffic[0].retry = fixed(3, Span::ZERO);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    for request in &stage.finished {
        let attempts = if request.outcome == Outcome::Served { 1 } else { 3 };
        assert_eq!(request.attempts, attempts, "{request:?}");
    }
    assert!(stage.finished.iter().any(|request| request.attempts == 3));
}

#[test]
fn a_loop_goes_round_as_often_as_it_says_and_loops_within_it_too() {
    // 3 × (1 + 2 × 10) + 5 ms; a loop of no times takes none.
    let mut blueprint = requests_at(&[0], vec![], workers(1));
    let ten = program(&mut blueprint, vec![wait(10)]);
    let twice = Step::Repeat {
        times: times(2),
        program: ten,
    };
    let never = Step::Repeat {
        times: times(0),
        program: ten,
    };
    let inner = program(&mut blueprint, vec![wait(1), twice]);
    let outer = Step::Repeat {
        times: times(3),
        program: inner,
    };
    blueprint.programs[0].steps = vec![outer, never, wait(5)];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 68.0)]);
}

#[test]
fn each_turn_of_a_loop_draws_for_itself() {
    // Of 100 turns, each of 1 or 2 ms with equal probability: were they all the same, the sum would be 100 or 200 ms.
    // Five standard deviations are 5 · √(100 · 0.25) = 25 ms.
    let mut blueprint = requests_at(&[0], vec![], workers(1));
    let (one, two) = (
        program(&mut blueprint, vec![wait(1)]),
        program(&mut blueprint, vec![wait(2)]),
    );
    let choice = |program| Choice { share: 0.5, program };
    let either = program(&mut blueprint, vec![Step::Choose(vec![choice(one), choice(two)])]);
    blueprint.programs[0].steps = vec![Step::Repeat {
        times: times(100),
        program: either,
    }];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let (_, _, took) = stage.seen()[0];
    assert!((took - 150.0).abs() < 25.0, "{took}");

    // And so do durations: 100 exponential turns of 1 ms have a standard deviation of 10 ms, not of 100.
    let mut blueprint = requests_at(&[0, 10_000, 20_000], vec![], workers(1));
    let step = program(&mut blueprint, vec![Step::Wait(exponential(0.001))]);
    blueprint.programs[0].steps = vec![Step::Repeat {
        times: times(100),
        program: step,
    }];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    for (_, _, took) in stage.seen() {
        assert!((took - 100.0).abs() < 50.0, "{took}");
    }
}

#[test]
fn an_error_ends_the_operation_with_its_status() {
    for (status, outcome) in [(503, Outcome::ServerError), (429, Outcome::ClientError)] {
        let mut blueprint = requests_at(&[0], vec![], workers(1));
        let fail = Step::Fail {
            share: Ratio::ONE,
            status,
        };
        blueprint.programs[0].steps = vec![wait(3), fail, wait(50)];
        blueprint.traffic[0].retry = fixed(2, Span::ZERO);
        let mut stage = Stage::new(&blueprint);
        stage.run();
        // 5xx is worth another attempt, 4xx is not.
        let took = if status == 503 { 6.0 } else { 3.0 };
        assert_eq!(stage.seen(), [(0.0, outcome, took)]);
        let errors = stage.plane.revision_counts(ServiceIx(0))[0].errors;
        assert_eq!(errors, if status == 503 { 2 } else { 0 });
    }
}

#[test]
fn a_share_of_attempts_fails_and_a_retry_may_fare_better() {
    // Of 1000 requests with two attempts each, 1 − 0.4² = 84 % are served; five standard deviations are 5.8 %.
    let thousand: Vec<u64> = (0..1000).collect();
    let mut blueprint = requests_at(&thousand, vec![], workers(1000));
    blueprint.programs[0].steps = vec![Step::Fail {
        share: share(0.4),
        status: 500,
    }];
    blueprint.traffic[0].retry = fixed(2, Span::from_millis(1));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let served = stage
        .seen()
        .iter()
        .filter(|request| request.1 == Outcome::Served)
        .count();
    assert!((served as f64 / 1000.0 - 0.84).abs() < 0.058, "{served}");
}

#[test]
fn an_event_loop_is_not_left_for_a_choice() {
    // Two CPU steps of 10 ms with a choice between them are one stay on the loop: 20 and 40 ms, not 30 and 40.
    let mut blueprint = requests_at(&[0, 0], vec![], Runtime::EventLoop { loops: 1, backlog: 10 });
    let cpu = program(&mut blueprint, vec![Step::Cpu(constant(0.01))]);
    let choice = Choice {
        share: 1.0,
        program: cpu,
    };
    blueprint.programs[0].steps = vec![Step::Cpu(constant(0.01)), Step::Choose(vec![choice])];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::Served, 20.0), (0.0, Outcome::Served, 40.0)]
    );
}

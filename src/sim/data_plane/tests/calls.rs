//! Calls, retries and branches: who waits for whom, to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::units::Span;

/// A second service that does `steps`, called by the first one's only call.
fn calls_second(steps: Vec<Step>, call_steps: Vec<Step>, runtime: Runtime) -> Blueprint {
    let mut blueprint = requests_at(&[0], call_steps, workers(10));
    blueprint.programs.push(Program { steps });
    blueprint.services.push(service("second", 3, runtime));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint
}

#[test]
fn a_client_tries_again_after_a_fixed_pause_until_its_attempts_are_used_up() {
    // Work takes 3 s, patience is 1 s, the pause 100 ms: sent at 0, 1.1 and 2.2 s, given up at 3.2 s.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(3.0))], workers(10));
    blueprint.traffic[0].timeout = Some(Span::from_secs(1));
    blueprint.traffic[0].retry = fixed(3, Span::from_millis(100));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 3200.0)]);
    assert_eq!(stage.finished[0].attempts, 3);
    // Nobody cancelled the work: all three ran to their end.
    assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].requests, 3);
}

#[test]
fn a_retry_finds_what_has_changed_meanwhile() {
    // Nobody listens at 0 and 100 ms; at 150 ms somebody does: the third attempt, at 200 ms, is served in 30 ms.
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(0.03))], workers(1));
    blueprint.traffic[0].retry = fixed(5, Span::from_millis(100));
    let mut stage = Stage::with_tasks(&blueprint, 0);
    stage.run_until(ms(150));
    let task = stage.start(0, 0, 1.0);
    stage.publish(0, vec![task]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 230.0)]);
    assert_eq!(stage.finished[0].attempts, 3);
}

#[test]
fn exponential_backoff_doubles_up_to_its_cap() {
    // Refused at once; pauses of 100, 200, 400, 400 ms: the fifth attempt fails at 1.1 s.
    let mut blueprint = requests_at(&[0], vec![], workers(1));
    blueprint.traffic[0].retry = fixed(5, Span::from_millis(100));
    blueprint.traffic[0].retry.backoff.factor = 2.0;
    blueprint.traffic[0].retry.backoff.cap = Span::from_millis(400);
    let mut stage = Stage::with_tasks(&blueprint, 0);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Refused, 1100.0)]);
}

#[test]
fn a_call_is_tried_again_by_its_caller_who_holds_its_worker_all_the_while() {
    // 10 ms of its own; the call times out at 60 ms; pause 40 ms; the second attempt, at 100 ms, is served after 20 ms
    // because the first has left the only worker at 90 ms. A second request waits for the worker until 120 ms, then
    // takes 10 + 20 ms, for the callee is idle.
    let steps = vec![Step::Wait(constant(0.01)), Step::Call(CallIx(0))];
    let mut blueprint = calls_second(vec![Step::Wait(constant(0.02))], steps, workers(1));
    blueprint.services[0].revisions[0].runtime = workers(1);
    blueprint.traffic[0].source = recorded(&[0, 1]);
    blueprint.calls[0].timeout = Some(Span::from_millis(50));
    blueprint.calls[0].retry = fixed(2, Span::from_millis(40));
    // Someone else keeps the callee busy from 0 to 90 ms.
    more_traffic(&mut blueprint, &[0], None);
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(0.09))],
    });
    blueprint.services[1].operations.push("long".into());
    blueprint.services[1].revisions[0].operations.push(Operation {
        program: ProgramIx(3),
        error_ratio: crate::units::Ratio::ZERO,
        cpu_factor: 1.0,
    });
    blueprint.services[1].revisions[0].routes = vec![Route {
        method: None,
        path: PathPattern("/".into()),
        operation: OperationIx(1),
    }];
    blueprint.traffic[1].to = Destination::Service {
        service: ServiceIx(1),
        balancing: Balancing::RoundRobin,
    };
    let mut stage = Stage::new(&blueprint);
    stage.run();
    // The attempt that nobody waits for any more is queued behind the long one and runs from 90 to 110 ms, so the second
    // attempt waits for it: 110 to 130 ms. The second request begins then, and is through at 130 + 10 + 20 ms.
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Served, 90.0),
            (0.0, Outcome::Served, 130.0),
            (1.0, Outcome::Served, 159.0)
        ]
    );
}

#[test]
fn a_failed_call_fails_its_caller() {
    // Nobody serves the second service: refused at once, after 10 ms of the first one's own work.
    let steps = vec![
        Step::Wait(constant(0.01)),
        Step::Call(CallIx(0)),
        Step::Wait(constant(9.0)),
    ];
    let blueprint = calls_second(vec![], steps, workers(1));
    let mut stage = Stage::new(&blueprint);
    stage.publish(1, vec![]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 10.0)]);
    let counts = stage.plane.revision_counts(ServiceIx(0))[0];
    assert_eq!((counts.requests, counts.errors), (1, 1));
}

#[test]
fn parallel_branches_join_when_the_last_has_ended() {
    // Branches of 30, 50 and (by a call) 20 ms: joined at 50 ms, then 5 ms more.
    let steps = vec![
        Step::Parallel(Parallel::all(vec![ProgramIx(3), ProgramIx(4), ProgramIx(5)])),
        Step::Wait(constant(0.005)),
    ];
    let mut blueprint = calls_second(vec![Step::Wait(constant(0.02))], steps, workers(1));
    for branch in [
        Step::Wait(constant(0.03)),
        Step::Wait(constant(0.05)),
        Step::Call(CallIx(0)),
    ] {
        blueprint.programs.push(Program { steps: vec![branch] });
    }
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 55.0)]);

    // A failing branch does not stop the others, but the step fails when all have ended.
    let mut stage = Stage::new(&blueprint);
    stage.publish(1, vec![]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 50.0)]);
}

#[test]
fn a_parallel_step_without_branches_takes_no_time() {
    let steps = vec![Step::Parallel(Parallel::all(vec![])), Step::Wait(constant(0.005))];
    let blueprint = requests_at(&[0], steps, workers(1));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 5.0)]);
}

#[test]
fn an_event_loop_serialises_cpu_and_overlaps_waits() {
    // One loop on four vCPUs; 10 ms CPU, 100 ms wait, 10 ms CPU. The first has the loop from 0 to 10 and from 110 to 120
    // ms, the second from 10 to 20 and from 120 to 130 ms, the third from 20 to 30 and from 130 to 140 ms.
    let steps = vec![
        Step::Cpu(constant(0.01)),
        Step::Wait(constant(0.1)),
        Step::Cpu(constant(0.01)),
    ];
    let runtime = Runtime::EventLoop { loops: 1, backlog: 10 };
    let blueprint = requests_at(&[0, 0, 0], steps, runtime);
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let task = stage.start(0, 0, 4.0);
    stage.publish(0, vec![task]);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Served, 120.0),
            (0.0, Outcome::Served, 130.0),
            (0.0, Outcome::Served, 140.0)
        ]
    );
}

#[test]
fn an_event_loop_keeps_its_loop_over_cpu_steps_in_a_row() {
    // Two CPU steps of 10 ms without anything between them are one stay on the loop: 20 and 40 ms, not 30 and 40.
    let steps = vec![Step::Cpu(constant(0.01)), Step::Cpu(constant(0.01))];
    let runtime = Runtime::EventLoop { loops: 1, backlog: 10 };
    let blueprint = requests_at(&[0, 0], steps, runtime);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::Served, 20.0), (0.0, Outcome::Served, 40.0)]
    );
}

#[test]
fn a_thread_pool_holds_its_worker_through_waits_and_refuses_beyond_its_backlog() {
    // One worker, one place in the backlog: the third of three at once is refused.
    let runtime = Runtime::ThreadPool { workers: 1, backlog: 1 };
    let blueprint = requests_at(&[0, 0, 0], vec![Step::Wait(constant(0.1))], runtime);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Refused, 0.0),
            (0.0, Outcome::Served, 100.0),
            (0.0, Outcome::Served, 200.0)
        ]
    );
}

#[test]
fn a_share_of_requests_fails_as_its_operation_says() {
    let mut blueprint = blueprint(vec![], workers(1), 1000.0, 10);
    blueprint.services[0].revisions[0].operations[0].error_ratio =
        crate::units::Ratio::new(0.25).expect("a valid share");
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let failed = stage
        .finished
        .iter()
        .filter(|request| request.outcome == Outcome::ServerError)
        .count();
    let share = failed as f64 / stage.finished.len() as f64;
    // Some 10,000 requests: a standard deviation of √(0.25 · 0.75 / 10,000) = 0.0043; five of them.
    assert!((share - 0.25).abs() < 0.022, "{share}");
}

#[test]
fn a_path_without_route_is_not_found() {
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(1.0))], workers(1));
    blueprint.services[0].revisions[0].routes = vec![Route {
        method: Some(Method::Post),
        path: PathPattern("/".into()),
        operation: OperationIx(0),
    }];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ClientError, 0.0)]);
}

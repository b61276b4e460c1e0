//! Why a request failed and where: the root, not who passed it on.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Failure, FailurePlace, Outcome, Reason, Sender, Stage as Going};
use crate::units::{Ratio, Span};

/// `web` calls `second`, which does these steps.
fn chain(steps: Vec<Step>) -> Blueprint {
    let mut blueprint = requests_at(&[0], vec![Step::Call(CallIx(0))], workers(10));
    blueprint.programs.push(Program { steps });
    blueprint.services.push(service("second", 3, workers(1)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint
}

fn failures(blueprint: &Blueprint) -> Vec<(Outcome, Failure)> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    let failed = stage.finished.iter();
    failed
        .filter_map(|it| it.failure.map(|failure| (it.outcome, failure)))
        .collect()
}

fn at_operation(service: u16) -> FailurePlace {
    FailurePlace::Service {
        service: ServiceIx(service),
        operation: Some(OperationIx(0)),
    }
}

const CALL: Sender = Sender::Call(CallIx(0));
const USERS: Sender = Sender::Traffic(TrafficIx(0));

#[test]
fn a_failure_is_told_with_its_root_however_many_pass_it_on() {
    let mut blueprint = chain(vec![]);
    blueprint.services[1].revisions[0].operations[0].error_ratio = Ratio::ONE;
    let root = Failure {
        reason: Reason::OwnError,
        from: CALL,
        place: at_operation(1),
    };
    assert_eq!(failures(&blueprint), [(Outcome::ServerError, root)]);
}

#[test]
fn a_served_request_has_no_cause() {
    assert_eq!(failures(&chain(vec![])), []);
}

#[test]
fn a_clients_timeout_says_what_went_on_at_the_far_end() {
    // The second service has one worker and takes a second: the first request is on the CPU of it when the client gives
    // up after 100 ms, the other two wait behind it.
    let mut blueprint = chain(vec![Step::Cpu(constant(1.0))]);
    blueprint.traffic[0].source = recorded(&[0, 0, 0]);
    blueprint.traffic[0].timeout = Some(Span::from_millis(100));
    let timeout = |going| Failure {
        reason: Reason::TimedOut(going),
        from: USERS,
        place: at_operation(1),
    };
    let expected = [Going::Cpu, Going::Queue, Going::Queue].map(|going| (Outcome::TimedOut, timeout(going)));
    assert_eq!(failures(&blueprint), expected);
}

#[test]
fn a_callers_timeout_is_the_root_of_the_failure_above_it() {
    let mut blueprint = chain(vec![Step::Wait(constant(1.0))]);
    blueprint.calls[0].timeout = Some(Span::from_millis(100));
    let root = Failure {
        reason: Reason::TimedOut(Going::Wait),
        from: CALL,
        place: at_operation(1),
    };
    assert_eq!(failures(&blueprint), [(Outcome::ServerError, root)]);
}

#[test]
fn patience_that_ends_in_a_pause_between_attempts_says_so() {
    // Refused at once, tried again after 300 ms; the client waits 200 ms.
    let mut blueprint = chain(vec![]);
    blueprint.calls[0].retry = fixed(2, Span::from_millis(300));
    blueprint.traffic[0].timeout = Some(Span::from_millis(200));
    let mut stage = Stage::new(&blueprint);
    stage.publish(1, vec![]);
    stage.run();
    let failure = stage.finished[0].failure.expect("it has failed");
    assert_eq!(failure.reason, Reason::TimedOut(Going::Backoff));
    assert_eq!((failure.from, failure.place), (USERS, FailurePlace::Beyond(CALL)));
}

#[test]
fn a_join_fails_for_the_reason_of_its_first_failed_branch() {
    // One branch finds nobody to call at once, the other waits and then fails by a timeout.
    let mut blueprint = chain(vec![Step::Wait(constant(1.0))]);
    blueprint.calls[0].timeout = Some(Span::from_millis(100));
    let mut other = blueprint.calls[0].clone();
    blueprint.services.push(service("third", 3, workers(1)));
    other.to = Callee::Service {
        service: ServiceIx(2),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    };
    blueprint.calls.push(other);
    blueprint.programs[0].steps = vec![Step::Parallel(Parallel::all(vec![ProgramIx(3), ProgramIx(4)]))];
    for call in [CallIx(0), CallIx(1)] {
        blueprint.programs.push(Program {
            steps: vec![Step::Call(call)],
        });
    }
    let mut stage = Stage::new(&blueprint);
    stage.publish(2, vec![]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 100.0)]);
    let failure = stage.finished[0].failure.expect("it has failed");
    assert_eq!(
        (failure.reason, failure.from),
        (Reason::NoTask, Sender::Call(CallIx(1)))
    );
}

#[test]
fn a_balancers_502_says_why_the_target_refused() {
    // One worker, no backlog: the second of two requests at once is refused by the task, which the client sees as 502.
    let runtime = Runtime::ThreadPool { workers: 1, backlog: 0 };
    let mut blueprint = requests_at(&[0, 0], vec![Step::Wait(constant(1.0))], runtime);
    through_balancer(&mut blueprint);
    let full = Failure {
        reason: Reason::QueueFull,
        from: USERS,
        place: at_operation(0),
    };
    assert_eq!(failures(&blueprint), [(Outcome::BadGateway, full)]);
}

#[test]
fn a_dependency_that_is_full_is_named() {
    let mut blueprint = requests_at(&[0, 0], vec![Step::Call(CallIx(0))], workers(10));
    blueprint.dependencies.push(Dependency {
        name: "store".into(),
        zone: None,
        standby: None,
        failover: Span::ZERO,
        slots: 1,
        backlog: 0,
        service_time: constant(1.0),
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    let full = Failure {
        reason: Reason::DependencyFull,
        from: CALL,
        place: FailurePlace::Beyond(CALL),
    };
    assert_eq!(failures(&blueprint), [(Outcome::ServerError, full)]);
}

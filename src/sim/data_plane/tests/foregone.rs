//! Which checks are foregone, what takes that back, and where one goes on that was not made.

use super::stage::*;
use crate::blueprint::*;
use crate::cluster::target_group::Outlook;
use crate::sim::signal::{Order, UnmadeCheck};
use crate::units::{Instant, Span};

/// A node, 100 ms from the first zone's tasks and 300 ms from the second's, before a service without requests; another
/// service has some.
fn idle() -> Blueprint {
    let mut blueprint = requests_at(&[0], vec![Step::Wait(constant(0.05))], workers(1));
    blueprint.network.same_zone = constant(0.1);
    blueprint.network.cross_zone = constant(0.3);
    blueprint.services.push(service("idle", 1, workers(1)));
    balanced(&mut blueprint, 1, Algorithm::RoundRobin, 1);
    blueprint.load_balancers[0].zones.truncate(1);
    blueprint
}

fn check(stage: &mut Stage<'_>) -> Outlook {
    let task = stage.tasks[1][0];
    let order = Order::CheckTarget {
        target_group: TargetGroupIx(0),
        node: 0,
        task,
        check: 1,
    };
    stage.order(order);
    let answered = stage.cx.now() + Span::from_secs(2);
    stage.run_until(answered);
    *stage.outlooks.last().expect("the check has been answered")
}

/// There and back over the longest hop.
const FOREGONE: Outlook = Outlook::Foregone {
    within: Span::from_millis(600),
};

#[test]
fn checks_of_a_task_that_nothing_else_reaches_are_foregone() {
    let blueprint = idle();
    assert_eq!(check(&mut Stage::new(&blueprint)), FOREGONE);
}

#[test]
fn checks_are_open_where_requests_arrive_along_whatever_chain() {
    let mut traffic = idle();
    traffic.traffic[0].to = Destination::LoadBalancer {
        load_balancer: LoadBalancerIx(0),
        listener: 0,
    };
    assert_eq!(check(&mut Stage::new(&traffic)), Outlook::Open);
    // The service with requests calls the idle one, but in a branch of a step of its second revision.
    let mut called = idle();
    called.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    let branch = ProgramIx::from_usize(called.programs.len());
    called.programs.push(Program {
        steps: vec![Step::Call(CallIx(0))],
    });
    called.programs.push(Program {
        steps: vec![Step::Parallel(Parallel::all(vec![branch]))],
    });
    let mut second = called.services[0].revisions[0].clone();
    second.operations[0].program = ProgramIx(branch.0 + 1);
    called.services[0].revisions.push(second);
    assert_eq!(check(&mut Stage::new(&called)), Outlook::Open);
    called.traffic.clear();
    called.classes.clear();
    assert_eq!(check(&mut Stage::new(&called)), FOREGONE, "nobody asks who would call");
}

#[test]
fn checks_that_run_something_are_open() {
    let mut blueprint = idle();
    blueprint.target_groups[0].health_check.runs = ProgramIx(0);
    assert_eq!(check(&mut Stage::new(&blueprint)), Outlook::Open);
}

#[test]
fn what_befalls_a_task_is_told_once_and_only_if_somebody_relies_on_its_checks() {
    let blueprint = idle();
    let mut stage = Stage::new(&blueprint);
    let task = stage.tasks[1][0];
    stage.order(Order::SetSpeed { task, speed: 0.5 });
    assert_eq!(stage.stirred, 0);
    check(&mut stage);
    stage.order(Order::CountCpu(task));
    assert_eq!(stage.stirred, 0, "what is counted changes no check");
    stage.order(Order::CloseServer(task));
    stage.order(Order::KillServer(task));
    assert_eq!(stage.stirred, 1);
}

#[test]
fn a_fault_of_the_network_takes_back_what_was_foregone_and_checks_beyond_its_reach_are_so_again() {
    let blueprint = idle();
    let outage = |zone| FaultKind::ZoneOutage { zone: ZoneIx(zone) };
    let mut stage = Stage::new(&blueprint);
    check(&mut stage);
    stage.fault(&outage(1));
    assert_eq!(stage.stirred, 1);
    assert_eq!(check(&mut stage), FOREGONE, "node and task stand in the other zone");
    stage.lift(&outage(1));
    assert_eq!(stage.stirred, 2);
    let held_up = FaultKind::AddedLatency {
        between: LatencyScope::Service(ServiceIx(1)),
        delay: constant(0.2),
    };
    stage.fault(&held_up);
    assert_eq!(check(&mut stage), Outlook::Open);
    stage.lift(&held_up);
    assert_eq!(check(&mut stage), FOREGONE);
}

/// Statuses of a check that would have been sent at 1,000 ms to a task that dies at an instant, each with when it came.
fn resumed(dies_at: u64) -> (Vec<u16>, Instant) {
    let blueprint = idle();
    let mut stage = Stage::new(&blueprint);
    let task = stage.tasks[1][0];
    stage.run_until(ms(dies_at));
    stage.kill(task);
    stage.order(Order::ResumeCheck(UnmadeCheck {
        target_group: TargetGroupIx(0),
        node: 0,
        task,
        check: 5,
        sent: ms(1_000),
        service: ServiceIx(1),
        revision: RevisionIx(0),
        zone: ZoneIx(0),
    }));
    while stage.checks.is_empty() {
        let next = stage.cx.calendar.peek_time().expect("the check is under way");
        stage.run_until(next);
    }
    (stage.checks.clone(), stage.cx.now())
}

#[test]
fn a_check_that_was_not_made_fares_as_it_would_have() {
    // 100 ms there, 100 ms back. On its way there, it finds nobody at 1,100 ms; the refusal takes as long as an answer.
    assert_eq!(resumed(1_099), (vec![0], ms(1_200)));
    assert_eq!(resumed(1_100), (vec![200], ms(1_200)));
    assert_eq!(resumed(1_199), (vec![200], ms(1_200)));
    assert_eq!(resumed(1_200), (vec![200], ms(1_200)));
}

//! Tasks that are ill: slow, wrong, still.

use super::stage::*;
use crate::blueprint::*;
use crate::cluster::cause::Reason;
use crate::sim::observation::Outcome;
use crate::sim::signal::Order;
use crate::units::Span;

const STILL: Ills = Ills {
    motion: Motion::Still,
    ..Ills::NONE
};

fn afflict(stage: &mut Stage<'_>, ills: Ills) {
    let task = stage.tasks[0][0];
    // As the control plane leaves it.
    let speed = match ills.motion {
        Motion::Moving => 1.0 / ills.slow,
        Motion::Still => 0.0,
    };
    stage.order(Order::SetSpeed { task, speed });
    stage.order(Order::Afflict { task, ills });
}

#[test]
fn a_process_that_hangs_takes_requests_in_and_goes_on_with_them_when_it_moves_again() {
    // 10 ms of CPU and 20 ms of waiting. Still from 5 to 105 ms. The request of 0 has 5 ms of work left then, that of 50
    // its 10: they share no CPU (two vCPUs), so 110 + 20 and 115 + 20.
    let steps = vec![Step::Cpu(constant(0.01)), Step::Wait(constant(0.02))];
    let blueprint = requests_at(&[0, 50, 200], steps, workers(10));
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let task = stage.start(0, 0, 2.0);
    stage.publish(0, vec![task]);
    stage.run_until(ms(5));
    afflict(&mut stage, STILL);
    stage.run_until(ms(105));
    assert_eq!(stage.seen(), []);
    afflict(&mut stage, Ills::NONE);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Served, 130.0),
            (50.0, Outcome::Served, 85.0),
            (200.0, Outcome::Served, 30.0)
        ]
    );
}

#[test]
fn what_a_hanging_process_waits_for_comes_in_and_finds_nobody_until_then() {
    // A wait of 20 ms is over at 20; still from 5 to 105: it goes on at 105. One of 200 ms is over at 200, as if nothing
    // had been.
    for (wait, over) in [(0.02, 105.0), (0.2, 200.0)] {
        let blueprint = requests_at(&[0], vec![Step::Wait(constant(wait))], workers(10));
        let mut stage = Stage::new(&blueprint);
        stage.run_until(ms(5));
        afflict(&mut stage, STILL);
        stage.run_until(ms(105));
        afflict(&mut stage, Ills::NONE);
        stage.run();
        assert_eq!(stage.seen(), [(0.0, Outcome::Served, over)]);
    }
}

#[test]
fn a_slow_task_takes_its_factor_as_long_for_work_and_waits_alike() {
    let steps = vec![Step::Cpu(constant(0.01)), Step::Wait(constant(0.02))];
    let blueprint = requests_at(&[0, 200, 400], steps, workers(10));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(100));
    afflict(
        &mut stage,
        Ills {
            slow: 3.0,
            ..Ills::NONE
        },
    );
    stage.run_until(ms(390));
    afflict(&mut stage, Ills::NONE);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2.round()).collect();
    assert_eq!(took, [30.0, 90.0, 30.0]);
}

#[test]
fn a_wrong_task_fails_its_share_and_says_so() {
    let times: Vec<u64> = (0..1000).collect();
    let blueprint = requests_at(&times, vec![], workers(10));
    let mut stage = Stage::new(&blueprint);
    let wrong = Ills {
        error_ratio: 0.3,
        ..Ills::NONE
    };
    afflict(&mut stage, wrong);
    stage.run();
    let failed = stage.finished.iter().filter_map(|request| request.failure.as_ref());
    let reasons: Vec<Reason> = failed.map(|failure| failure.reason).collect();
    assert!(reasons.iter().all(|reason| *reason == Reason::GrayFailure));
    // A binomial's standard deviation is √(1000 × 0.3 × 0.7) = 14.5.
    let failed = reasons.len() as f64;
    assert!((failed - 300.0).abs() < 4.0 * 14.5, "{failed}");
}

/// Status of the one check that is made of a task with these ills, if it is answered within a second.
fn checked(ills: Ills) -> Option<u16> {
    let mut blueprint = requests_at(&[], vec![], workers(10));
    through_balancer(&mut blueprint);
    let mut stage = Stage::new(&blueprint);
    afflict(&mut stage, ills);
    let check = Order::CheckTarget {
        target_group: TargetGroupIx(0),
        node: 0,
        task: stage.tasks[0][0],
        check: 1,
    };
    stage.order(check);
    stage.run_until(ms(1000));
    stage.checks.last().copied()
}

#[test]
fn checks_of_the_ill_suffer_with_requests_or_lie() {
    let wrong = Ills {
        error_ratio: 1.0,
        ..Ills::NONE
    };
    assert_eq!(checked(Ills::NONE), Some(200));
    assert_eq!(checked(STILL), None);
    assert_eq!(checked(wrong), Some(500));
    for ills in [STILL, wrong] {
        let checks = ChecksOfTheIll::Pass;
        assert_eq!(checked(Ills { checks, ..ills }), Some(200));
    }
}

#[test]
fn a_hanging_task_that_is_killed_has_lost_what_it_had() {
    let blueprint = requests_at(&[0, 10], vec![Step::Wait(constant(0.02))], workers(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(5));
    afflict(&mut stage, STILL);
    stage.run_until(ms(1000));
    let task = stage.tasks[0][0];
    stage.kill(task);
    stage.run_until(ms(1000) + Span::from_secs(10));
    let outcomes: Vec<Outcome> = stage.seen().iter().map(|row| row.1).collect();
    assert_eq!(outcomes.len(), 2, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| *outcome != Outcome::Served));
    assert_eq!(stage.plane.in_flight(), 0);
}

//! Requests that kill or hang whoever serves them.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

/// Everything that comes to the first service is poison.
fn all(effect: PoisonEffect) -> Poison {
    Poison {
        service: ServiceIx(0),
        revision: None,
        traffic: None,
        classes: vec![],
        share: Ratio::ONE,
        effect,
    }
}

const CRASH: PoisonEffect = PoisonEffect::Crash { exit_code: 1 };

fn begins(stage: &mut Stage<'_>, poison: Poison) -> FaultKind {
    let kind = FaultKind::Poison(poison);
    stage.fault(&kind);
    kind
}

#[test]
fn each_attempt_at_a_poison_request_kills_one_task() {
    for (attempts, dead) in [(1, 1), (3, 3)] {
        let mut blueprint = requests_at(&[10], vec![Step::Cpu(constant(0.02))], workers(1));
        blueprint.traffic[0].retry = fixed(attempts, Span::from_millis(100));
        let mut stage = Stage::with_tasks(&blueprint, 4);
        begins(&mut stage, all(CRASH));
        stage.run();
        // At 10, 110 and 210 ms, in the order of the round.
        let expected: Vec<_> = (0..dead)
            .map(|n| (stage.tasks[0][n], ms(10 + 100 * n as u64)))
            .collect();
        assert_eq!(stage.crashed, expected);
        let outcome = stage.seen()[0].1;
        assert_ne!(outcome, Outcome::Served);
    }
}

#[test]
fn poison_waits_its_turn_and_takes_what_is_in_hand_with_it() {
    // One worker: the first request has it until 30 ms; the poison of 10 ms gets it then, and the one of 20 ms, which
    // waits behind it, dies with them.
    let mut blueprint = requests_at(&[0, 20], vec![Step::Wait(constant(0.03))], workers(1));
    more_traffic(&mut blueprint, &[10], None);
    let mut stage = Stage::new(&blueprint);
    let only = Poison {
        traffic: Some(TrafficIx(1)),
        ..all(CRASH)
    };
    begins(&mut stage, only);
    stage.run();
    assert_eq!(stage.crashed.iter().map(|(_, at)| *at).collect::<Vec<_>>(), [ms(30)]);
    let seen: Vec<(f64, bool, f64)> = stage
        .seen()
        .iter()
        .map(|(at, outcome, took)| (*at, *outcome == Outcome::Served, *took))
        .collect();
    assert_eq!(seen[0], (0.0, true, 30.0));
    assert_eq!(seen.len(), 3);
    assert!(seen[1..].iter().all(|(at, served, took)| !served && at + took == 30.0));
}

#[test]
fn poison_that_hangs_keeps_its_worker_and_cannot_be_cancelled() {
    // Two workers, every request waits 10 ms. The poison of 0 has one of them for ever, though its client leaves at 50 ms;
    // the others take turns at the other: 10, 20 and 30 ms.
    let mut blueprint = requests_at(&[5, 5, 5], vec![Step::Wait(constant(0.01))], workers(2));
    more_traffic(&mut blueprint, &[0], Some(Span::from_millis(50)));
    blueprint.services[0].revisions[0].on_disconnect = OnDisconnect::Cancel;
    let mut stage = Stage::new(&blueprint);
    let only = Poison {
        classes: vec![ClassIx(1)],
        ..all(PoisonEffect::Hang)
    };
    begins(&mut stage, only);
    stage.run_until(ms(1000));
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [10.0, 20.0, 30.0, 50.0]);
    assert_eq!(stage.plane.in_flight(), 1, "the stuck one");
    assert_eq!(stage.crashed, []);
    let task = stage.tasks[0][0];
    stage.kill(task);
    stage.run();
}

#[test]
fn poison_that_hangs_blocks_an_event_loop() {
    // The loop is given back between steps of CPU by everybody but the poison.
    let loops = Runtime::EventLoop {
        loops: 1,
        backlog: u32::MAX,
    };
    let steps = vec![Step::Cpu(constant(0.01)), Step::Wait(constant(0.01))];
    let mut blueprint = requests_at(&[0, 100], steps, loops);
    more_traffic(&mut blueprint, &[5], None);
    let mut stage = Stage::new(&blueprint);
    let only = Poison {
        traffic: Some(TrafficIx(1)),
        ..all(PoisonEffect::Hang)
    };
    begins(&mut stage, only);
    stage.run_until(ms(1000));
    // The request of 0 has been at its wait when the poison took the loop at 10 ms.
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 20.0)]);
    let task = stage.tasks[0][0];
    stage.kill(task);
    stage.run();
}

/// The first service, `web`, calls the second, `store`; poison kills the store's tasks.
fn chain(millis: &[u64]) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Call(CallIx(0))], Runtime::Unbounded);
    calling_second(&mut blueprint, service("store", 2, Runtime::Unbounded));
    blueprint
}

#[test]
fn a_call_made_for_a_poison_request_is_poison_at_every_attempt_of_every_layer() {
    // The client tries twice and the web's call twice: whatever number of attempts, half of the requests are poison, and
    // the same ones: a poison request kills 2 × 2 tasks of the store, another none.
    let mut blueprint = chain(&[0]);
    blueprint.traffic[0].retry = fixed(2, Span::from_millis(100));
    blueprint.calls[0].retry = fixed(2, Span::from_millis(10));
    let mut deaths = Vec::new();
    for seed in 0..40 {
        blueprint.seed = seed;
        let mut stage = Stage::with_tasks(&blueprint, 5);
        let half = Poison {
            service: ServiceIx(1),
            share: Ratio::new(0.5).expect("a share"),
            ..all(CRASH)
        };
        begins(&mut stage, half);
        stage.run();
        let of_store = stage.crashed.iter().all(|(task, _)| stage.tasks[1].contains(task));
        assert!(of_store, "the web only passes it on");
        deaths.push(stage.crashed.len());
    }
    assert!(deaths.iter().all(|deaths| matches!(deaths, 0 | 4)), "{deaths:?}");
    // A binomial's standard deviation is √(40/4) = 3.2.
    let poison = deaths.iter().filter(|deaths| **deaths > 0).count();
    assert!((8..=32).contains(&poison), "{poison} of 40");
}

#[test]
fn only_the_revision_that_cannot_stand_it_dies_and_only_while_it_lasts() {
    let mut blueprint = requests_at(&[0, 10, 20], vec![], Runtime::Unbounded);
    let again = blueprint.services[0].revisions[0].clone();
    blueprint.services[0].revisions.push(again);
    let mut stage = Stage::new(&blueprint);
    let old = stage.tasks[0][0];
    let new = stage.start_revision(0, 1, 0, 1.0);
    stage.publish(0, vec![new]);
    let only = Poison {
        revision: Some(RevisionIx(0)),
        ..all(CRASH)
    };
    let kind = begins(&mut stage, only);
    stage.run_until(ms(5));
    assert_eq!(stage.crashed, [], "the new revision stands it");
    stage.publish(0, vec![old]);
    stage.lift(&kind);
    stage.run();
    assert_eq!(stage.crashed, [], "it is over");
}

//! How often things are tried, and what is done for nothing.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Reason, Sender, Work};
use crate::units::{Ratio, Span};

fn call_of(service: u16) -> CallSite {
    call(Callee::Service {
        service: ServiceIx(service),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    })
}

/// `web` calls `second`, which calls `third`; each does `steps` before its call.
fn three_layers(steps: &[Step]) -> Blueprint {
    let and_calls = |call: u16| {
        let mut all = steps.to_vec();
        all.push(Step::Call(CallIx(call)));
        all
    };
    let mut blueprint = requests_at(&[0], and_calls(0), workers(10));
    blueprint.programs.push(Program { steps: and_calls(1) });
    blueprint.programs.push(Program { steps: steps.to_vec() });
    blueprint.services.push(service("second", 3, workers(10)));
    blueprint.services.push(service("third", 4, workers(10)));
    blueprint.calls = vec![call_of(1), call_of(2)];
    blueprint
}

fn works(stage: &mut Stage<'_>) -> Vec<Work> {
    stage.sample().services.iter().map(|service| service.work).collect()
}

#[test]
fn attempts_of_layers_multiply() {
    // Clients try twice, each of both calls three times, and the last service always fails: 2 · 3 · 3 attempts reach it.
    let mut blueprint = three_layers(&[]);
    blueprint.traffic[0].retry = fixed(2, Span::ZERO);
    for call in &mut blueprint.calls {
        call.retry = fixed(3, Span::ZERO);
    }
    blueprint.services[2].revisions[0].operations[0].error_ratio = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    let sample = stage.run().sample();
    let attempts: Vec<u64> = sample.services.iter().map(|it| it.work.attempts).collect();
    assert_eq!(attempts, [2, 6, 18]);
    let sent: Vec<(u64, u64)> = sample.senders.iter().map(|it| (it.attempts, it.retried)).collect();
    assert_eq!(sent, [(6, 4), (18, 12), (2, 1)], "the two calls, then the clients");
    let last = Sender::Call(CallIx(1));
    assert!(sample.failures.contains(&(last, Reason::OwnError, 18)));
    assert_eq!(stage.sample().senders[1].attempts, 0, "a sample begins again at zero");
}

#[test]
fn work_below_a_client_that_has_given_up_is_wasted_at_every_service() {
    // 40 ms of CPU at each of three services; the client waits 60 ms, and `second` is in the middle of its work then.
    let mut blueprint = three_layers(&[Step::Cpu(constant(0.04))]);
    blueprint.traffic[0].timeout = Some(Span::from_millis(60));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let wasted = Work {
        attempts: 1,
        wasted: 1,
        wasted_cpu: 40_000_000,
        dropped: 0,
    };
    assert_eq!(works(&mut stage), [wasted; 3]);
}

#[test]
fn of_a_call_that_is_tried_again_only_the_attempt_that_was_given_up_is_wasted() {
    // `second` has one worker, which a client of its own holds until 80 ms. The call, sent at 40 ms, begins then, is given
    // up at 150 ms and done at 160 ms; the second attempt, sent at 150 ms, begins at 160 ms and is done at 240 ms.
    let mut blueprint = three_layers(&[Step::Cpu(constant(0.04))]);
    blueprint.services[1].revisions[0].runtime = workers(1);
    blueprint.calls[0].timeout = Some(Span::from_millis(110));
    blueprint.calls[0].retry = fixed(2, Span::ZERO);
    more_traffic(&mut blueprint, &[0], None);
    blueprint.traffic[1].to = Destination::Service {
        service: ServiceIx(1),
        balancing: Balancing::RoundRobin,
    };
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let counts = works(&mut stage);
    let counts: Vec<_> = counts.iter().map(|it| (it.attempts, it.wasted)).collect();
    assert_eq!(counts, [(1, 0), (3, 1), (3, 1)]);
}

#[test]
fn the_cpu_time_of_branches_counts_as_the_strands() {
    let mut blueprint = requests_at(
        &[0],
        vec![Step::Parallel(Parallel::all(vec![ProgramIx(2), ProgramIx(2)]))],
        workers(1),
    );
    blueprint.programs.push(Program {
        steps: vec![Step::Cpu(exponential(0.1))],
    });
    blueprint.traffic[0].timeout = Some(Span::from_nanos(1));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let sample = stage.sample();
    let work = sample.services[0].work;
    assert_eq!((work.wasted, work.wasted_cpu), (1, sample.services[0].cpu_used));
    assert!(work.wasted_cpu > 0);
}

#[test]
fn what_is_cancelled_is_dropped_and_not_wasted() {
    let mut blueprint = three_layers(&[Step::Cpu(constant(0.04))]);
    blueprint.traffic[0].timeout = Some(Span::from_millis(60));
    for service in &mut blueprint.services {
        service.revisions[0].on_disconnect = OnDisconnect::Cancel;
    }
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let counts: Vec<_> = works(&mut stage).iter().map(|it| (it.wasted, it.dropped)).collect();
    assert_eq!(counts, [(0, 1), (0, 1), (0, 0)]);
}

//! Ways straight to tasks: whose view, which zone, which subset, which shard.

use super::stage::*;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::sim::observation::Outcome;
use crate::units::Span;

/// Two callers with a worker each for ever, who send every request on to a second service that works for `wait`.
pub fn two_callers(millis: &[u64], wait: f64, direct: Direct, balancing: Balancing) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Call(CallIx(0))], workers(1000));
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(wait))],
    });
    blueprint.services.push(service("second", 3, workers(1)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing,
    }));
    blueprint.calls[0].direct = direct;
    blueprint
}

fn took(stage: &Stage<'_>) -> Vec<f64> {
    stage.seen().iter().map(|row| row.2).collect()
}

#[test]
fn a_shared_view_takes_turns_over_all_callers_and_a_view_of_ones_own_does_not() {
    // Requests go to the callers in turn. Shared, the second is sent to the second task. With views of their own both
    // callers begin with the first task, whose only worker does one after the other.
    let per_task = Direct {
        view: ViewScope::PerTask,
        ..Direct::default()
    };
    for (direct, expected) in [(Direct::default(), [10.0, 10.0]), (per_task, [10.0, 20.0])] {
        let blueprint = two_callers(&[0, 0], 0.01, direct, Balancing::RoundRobin);
        let mut stage = Stage::with_tasks(&blueprint, 2);
        stage.run();
        assert_eq!(took(&stage), expected);
    }
}

#[test]
fn a_caller_counts_only_its_own_requests() {
    // The first caller's request is under way at the first task. The second caller has none anywhere, so to it both are
    // equal, and it takes the first registered.
    let mut blueprint = two_callers(
        &[0, 1],
        0.01,
        Direct {
            view: ViewScope::PerTask,
            ..Direct::default()
        },
        Balancing::LeastOutstandingRequests,
    );
    blueprint.model.alb.least_outstanding_ties = Ties::FirstRegistered;
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run();
    assert_eq!(took(&stage), [10.0, 19.0]);
    // With one view for both the second goes to the idle task.
    blueprint.calls[0].direct.view = ViewScope::Shared;
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run();
    assert_eq!(took(&stage), [10.0, 10.0]);
}

#[test]
fn a_caller_stays_in_its_zone_as_long_as_a_task_is_there() {
    // Callers and callees in both zones; 1 ms within a zone, 50 ms across: each request comes back after 2 ms. Without
    // the callee of the first zone its caller goes across.
    let mut blueprint = two_callers(
        &[0, 0, 10, 10],
        0.0,
        Direct {
            view: ViewScope::PerTask,
            zones: ZonePreference::SameZone,
            ..Direct::default()
        },
        Balancing::RoundRobin,
    );
    blueprint.network.same_zone = constant(0.001);
    blueprint.network.cross_zone = constant(0.05);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run();
    assert_eq!(took(&stage), [2.0; 4]);

    let mut stage = Stage::with_tasks(&blueprint, 2);
    let second = stage.tasks[1][1];
    stage.publish(1, vec![second]);
    stage.run();
    assert_eq!(took(&stage), [2.0, 2.0, 100.0, 100.0]);
}

#[test]
fn a_zone_keeps_what_its_tasks_can_bear() {
    // A caller in each zone; three callees in the first zone and one in the second. The second zone makes half of the
    // calls and bears a quarter: half of its own stay, the others go across.
    let each_ms: Vec<u64> = (0..4000).collect();
    let mut blueprint = two_callers(
        &each_ms,
        0.0,
        Direct {
            view: ViewScope::PerTask,
            zones: ZonePreference::Proportional,
            ..Direct::default()
        },
        Balancing::RoundRobin,
    );
    blueprint.network.cross_zone = constant(0.05);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    for _ in 0..2 {
        stage.start(1, 0, 1.0);
    }
    stage.publish(1, stage.tasks[1].clone());
    stage.run();
    let across = took(&stage).iter().filter(|latency| **latency > 1.0).count();
    // Binomial(2000, ½) has a standard deviation of 22.4: five of them.
    assert!(across.abs_diff(1000) < 112, "{across}");
}

#[test]
fn subsets_spread_callers_evenly_over_tasks() {
    // Four callers with subsets of two of eight tasks, work of 10 s: four requests of each caller at once fill its two
    // tasks twice. No task has more than two, so all are done by 20 s.
    let at_once = [0; 16];
    let blueprint = two_callers(
        &at_once,
        10.0,
        Direct {
            view: ViewScope::PerTask,
            subset: Some(2),
            ..Direct::default()
        },
        Balancing::RoundRobin,
    );
    let mut stage = Stage::with_tasks(&blueprint, 4);
    for n in 0..4 {
        stage.start(1, n % 2, 1.0);
    }
    stage.publish(1, stage.tasks[1].clone());
    stage.run();
    let mut latencies = took(&stage);
    latencies.sort_by(f64::total_cmp);
    assert_eq!(latencies[..8], [10_000.0; 8]);
    assert_eq!(latencies[8..], [20_000.0; 8]);
}

#[test]
fn a_client_sends_to_its_shard_only_and_to_nobody_when_that_is_gone() {
    // Eight tasks, one client with two of them, work of 1 s on one worker each: four requests at once take two rounds,
    // whichever the two tasks are. When both have left, the client is refused though six tasks stand idle.
    let mut blueprint = requests_at(&[0, 0, 0, 0, 5000], vec![Step::Wait(constant(1.0))], workers(1));
    blueprint.traffic[0].clients = Some(1);
    blueprint.traffic[0].direct.shuffle_shard = Some(2);
    let mut stage = Stage::with_tasks(&blueprint, 8);
    stage.run_until(ms(500));
    let busy: Vec<usize> = {
        let of = |task| stage.plane.present_at(task);
        (0..8).filter(|at| of(stage.tasks[0][*at]) > 0).collect()
    };
    assert_eq!(busy.len(), 2);
    stage.run_until(ms(4000));
    assert_eq!(took(&stage), [1000.0, 1000.0, 2000.0, 2000.0]);
    let left: Vec<_> = (0..8)
        .filter(|at| !busy.contains(at))
        .map(|at| stage.tasks[0][at])
        .collect();
    stage.publish(0, left);
    stage.run();
    assert_eq!(stage.seen()[4], (5000.0, Outcome::Refused, 0.0));
}

#[test]
fn a_place_that_is_free_goes_to_the_next_task() {
    // As above, but one of the shard's tasks has been replaced: the new one has its place.
    let mut blueprint = requests_at(&[0, 5000, 5000], vec![Step::Wait(constant(1.0))], workers(1));
    blueprint.traffic[0].clients = Some(1);
    blueprint.traffic[0].direct.shuffle_shard = Some(1);
    let mut stage = Stage::with_tasks(&blueprint, 8);
    stage.run_until(ms(500));
    let busy = (0..8)
        .find(|at| stage.plane.present_at(stage.tasks[0][*at]) > 0)
        .expect("one is");
    stage.run_until(ms(2000));
    let new = stage.start(0, 0, 1.0);
    let mut tasks = stage.tasks[0].clone();
    tasks.remove(busy);
    stage.publish(0, tasks);
    stage.run_until(ms(5500));
    assert_eq!(stage.plane.present_at(new), 2);
    stage.run();
}

#[test]
fn weights_follow_the_tasks_cpu() {
    let each_ms: Vec<u64> = (0..4000).collect();
    let mut blueprint = requests_at(&each_ms, vec![], Runtime::Unbounded);
    blueprint.traffic[0].to = Destination::Service {
        service: ServiceIx(0),
        balancing: Balancing::WeightedRandom,
    };
    blueprint.traffic[0].direct.weights = Weights::Cpu;
    blueprint.network.client = Dist::constant(0.0).expect("a constant");
    blueprint.programs[0].steps = vec![Step::Wait(constant(1000.0))];
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let small = stage.start(0, 0, 1.0);
    let large = stage.start(0, 0, 3.0);
    stage.publish(0, vec![small, large]);
    stage.run_until(ms(10_000));
    // Binomial(4000, ¾) has a standard deviation of 27.4: five of them.
    let taken = stage.plane.present_at(large);
    assert!(taken.abs_diff(3000) < 137, "{taken}");
    assert_eq!(taken + stage.plane.present_at(small), 4000);
    stage.run_until(ms(2_000_000));
}

#[test]
fn patience_and_a_callers_end_leave_no_count_behind() {
    // A call that times out and one whose caller dies: the next request finds both tasks with nothing under way.
    let mut blueprint = two_callers(
        &[0, 1, 5000, 5001],
        1.0,
        Direct {
            view: ViewScope::PerTask,
            ..Direct::default()
        },
        Balancing::LeastOutstandingRequests,
    );
    blueprint.model.alb.least_outstanding_ties = Ties::FirstRegistered;
    blueprint.calls[0].timeout = Some(Span::from_millis(500));
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run_until(ms(2));
    stage.kill(stage.tasks[0][1]);
    let first = stage.tasks[0][0];
    stage.publish(0, vec![first]);
    stage.run_until(ms(5100));
    // The first caller's own view: one request at each task.
    for task in &stage.tasks[1] {
        assert_eq!(stage.plane.present_at(*task), 1);
    }
    stage.run();
}

#[test]
fn who_looks_at_the_load_now_and_then_sends_everything_to_who_was_idle() {
    // Two tasks of one worker, 10 ms each; a request every millisecond. Who looks each time takes them in turn. Who looks every 4 ms sees
    // both idle at 0 and takes the first registered four times; at 4 ms it sees four there and takes the second.
    let tasks_of = |load_refresh| {
        let mut blueprint = requests_at(
            &[0, 1, 2, 3, 4, 5, 6, 7],
            vec![Step::Wait(constant(0.01))],
            Runtime::Unbounded,
        );
        blueprint.model.alb.least_outstanding_ties = Ties::FirstRegistered;
        blueprint.traffic[0].to = Destination::Service {
            service: ServiceIx(0),
            balancing: Balancing::LeastOutstandingRequests,
        };
        blueprint.traffic[0].direct.load_refresh = load_refresh;
        let mut stage = Stage::with_tasks(&blueprint, 2);
        stage.run_until(ms(3));
        let early = stage.plane.present_at(stage.tasks[0][0]);
        stage.run_until(ms(7));
        let late = stage.plane.present_at(stage.tasks[0][0]);
        stage.run();
        (early, late)
    };
    assert_eq!(tasks_of(None), (2, 4));
    assert_eq!(tasks_of(Some(Span::from_millis(4))), (4, 4));
}

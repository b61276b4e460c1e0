//! The work that a process does before it listens.

use super::stage::{Stage, ms, requests_at};
use crate::blueprint::*;
use crate::sim::signal::Order;
use crate::units::{Instant, Span};

fn started_up(model: CpuModel, vcpus: f64) -> f64 {
    let mut blueprint = requests_at(&[], vec![], Runtime::EventLoop { loops: 1, backlog: 0 });
    blueprint.services[0].revisions[0].cpu_model = model;
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let task = stage.start(0, 0, vcpus);
    let work = Span::from_secs(1);
    stage.order(Order::StartUp { task, work });
    stage.run();
    assert_eq!(stage.started_up.len(), 1);
    stage.started_up[0].since(Instant::ZERO).millis()
}

#[test]
fn work_before_listening_takes_longer_on_a_small_task() {
    // One thread: two vCPUs do not help it.
    for (vcpus, takes) in [(0.25, 4000.0), (0.5, 2000.0), (1.0, 1000.0), (2.0, 1000.0)] {
        assert_eq!(started_up(CpuModel::Fluid, vcpus), takes, "{vcpus}");
    }
    // 25 ms of each 100 ms: forty periods, of which the first may be under way and the last ends with the work.
    let throttled = started_up(CpuModel::CfsQuota, 0.25);
    assert!((3900.0..=4000.0).contains(&throttled), "{throttled}");
}

#[test]
fn a_process_that_is_killed_before_it_listens_never_does() {
    let blueprint = requests_at(&[], vec![], Runtime::Unbounded);
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let task = stage.start(0, 0, 1.0);
    stage.order(Order::StartUp {
        task,
        work: Span::from_secs(1),
    });
    stage.run_until(ms(500));
    stage.kill(task);
    stage.run();
    assert_eq!(stage.started_up, []);
}

//! Memory, garbage and code that warms up, to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::units::{MiB, Span};

/// Requests of 10 ms of CPU each on a task of one vCPU, all at once if need be.
fn cpu_requests(millis: &[u64], rules: ServerRules) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Cpu(constant(0.01))], Runtime::Unbounded);
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(rules));
    blueprint
}

fn latencies(blueprint: &Blueprint) -> Vec<(f64, f64)> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    stage.seen().iter().map(|row| (row.0, row.2)).collect()
}

/// A heap of 10 MiB of which 6 are alive; each request allocates 1 MiB.
fn collection(scan: Option<f64>) -> ServerRules {
    ServerRules {
        collection: Some(Collection {
            heap: MiB(10),
            allocation: 1.0,
            live: MiB(6),
            pause: constant(0.05),
            scan,
        }),
        ..ServerRules::default()
    }
}

#[test]
fn everything_stands_when_what_is_free_of_the_heap_has_been_allocated() {
    // One at a time: 3 MiB are free beside the one in hand, so each third request begins with a pause of 50 ms.
    let arrivals = [0, 100, 200, 300, 400, 500];
    let took: Vec<f64> = latencies(&cpu_requests(&arrivals, collection(None)))
        .iter()
        .map(|row| row.1)
        .collect();
    assert_eq!(took, [10.0, 10.0, 60.0, 10.0, 10.0, 60.0]);
}

#[test]
fn a_collection_takes_longer_with_what_is_alive_and_stops_what_is_under_way() {
    // At 200 ms 2 MiB have been allocated and 3 are free beside the one in hand. At 204 ms it is 3 MiB with two in hand, who
    // leave 2 free: 50 ms and 8 MiB at 100 MiB/s, 204 to 334 ms. Then both share the vCPU: the older one has 6 ms left and
    // leaves after 12 ms, the younger 4 ms later.
    let blueprint = cpu_requests(&[0, 200, 204], collection(Some(100.0)));
    assert_eq!(latencies(&blueprint), [(0.0, 10.0), (200.0, 146.0), (204.0, 146.0)]);
}

#[test]
fn requests_in_hand_make_collections_more_frequent() {
    // All at once on an unbounded server: the first finds 3 MiB free, the second 2 MiB of which it allocates the second.
    let many: Vec<u64> = vec![0; 4];
    let one_by_one: Vec<u64> = (0..4).map(|n| n * 100).collect();
    let last = |arrivals: &[u64]| {
        let mut stage_blueprint = cpu_requests(arrivals, collection(None));
        stage_blueprint.services[0].revisions[0].cpu_model = CpuModel::Fluid;
        let rows = latencies(&stage_blueprint);
        rows.iter().map(|row| row.1).sum::<f64>()
    };
    // One by one: one pause. At once: the pause catches all four, who then share the vCPU for 40 ms.
    assert_eq!(last(&one_by_one), 4.0 * 10.0 + 50.0);
    assert_eq!(last(&many), 4.0 * (50.0 + 40.0));
}

#[test]
fn a_slow_instance_is_slow_again_after_a_collection() {
    let blueprint = cpu_requests(&[0, 100, 200], collection(None));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(210));
    let task = stage.tasks[0][0];
    stage.order(crate::sim::signal::Order::SetSpeed { task, speed: 0.5 });
    stage.run();
    // The pause ends at 250 ms, the work takes twice as long.
    assert_eq!(stage.seen()[2].2, 70.0);
}

#[test]
fn code_takes_its_factor_as_long_at_first_and_comes_down_by_requests_answered() {
    // Over four requests from 3 to 1: 3, 2.5, 2, 1.5 and then 1 times 10 ms.
    let rules = ServerRules {
        warm_up: Some(WarmUp {
            factor: 3.0,
            over: WarmUpOver::Requests(4),
        }),
        ..ServerRules::default()
    };
    let arrivals: Vec<u64> = (0..6).map(|n| n * 100).collect();
    let took: Vec<f64> = latencies(&cpu_requests(&arrivals, rules))
        .iter()
        .map(|row| row.1)
        .collect();
    assert_eq!(took, [30.0, 25.0, 20.0, 15.0, 10.0, 10.0]);
}

#[test]
fn code_warms_up_by_time_since_it_listens() {
    let rules = ServerRules {
        warm_up: Some(WarmUp {
            factor: 3.0,
            over: WarmUpOver::Time(Span::from_millis(400)),
        }),
        ..ServerRules::default()
    };
    let took: Vec<f64> = latencies(&cpu_requests(&[0, 100, 300, 400, 900], rules))
        .iter()
        .map(|row| row.1)
        .collect();
    assert_eq!(took, [30.0, 25.0, 15.0, 10.0, 10.0]);
}

fn memory(held: f64, leaked: f64) -> ServerRules {
    ServerRules {
        memory: Some(RequestMemory { held, leaked }),
        ..ServerRules::default()
    }
}

#[test]
fn requests_in_hand_run_the_task_out_of_memory() {
    // The stage leaves 1,024 MiB for requests: two of 400 MiB fit, the third does not.
    let blueprint = cpu_requests(&[0, 1, 2, 3], memory(400.0, 0.0));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(100));
    let task = stage.tasks[0][0];
    assert_eq!(stage.out_of_memory, [(task, ms(2))], "it is said once");
}

#[test]
fn what_requests_leave_behind_adds_up() {
    // 300 MiB each for good: the first four have left 1,200 MiB when the fifth comes.
    let arrivals: Vec<u64> = (0..6).map(|n| n * 100).collect();
    let blueprint = cpu_requests(&arrivals, memory(0.0, 300.0));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.out_of_memory, [(stage.tasks[0][0], ms(400))]);
    let server = stage
        .plane
        .servers
        .get(stage.tasks[0][0])
        .expect("the stage kills nobody");
    assert_eq!(server.request_memory(), Some((stage.tasks[0][0], 1800.0)));
}

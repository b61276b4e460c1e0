//! Over the wire: transfers that take their time, and connections that have to be opened first. Bandwidths are a megabyte
//! a second, so that a byte is a microsecond.

use super::stage::*;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::sim::observation::{Observation, Outcome};
use crate::units::Span;

const MEGABYTE: f64 = 1e6;

fn bytes(bytes: f64) -> Option<Dist> {
    Some(constant(bytes))
}

/// Requests of 1 kB and answers of 5 kB for one task, whose network interface lets a megabyte a second through.
fn sized(millis: &[u64], steps: Vec<Step>) -> Blueprint {
    let mut blueprint = requests_at(millis, steps, Runtime::Unbounded);
    let payload = Payload {
        request: bytes(1000.0),
        response: bytes(5000.0),
    };
    blueprint.wires = Wires {
        fargate_bandwidth: MEGABYTE,
        classes: vec![(ClassIx(0), payload)],
        ..Wires::default()
    };
    blueprint
}

fn took(blueprint: &Blueprint) -> Vec<f64> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    let served = |row: &(f64, Outcome, f64)| {
        assert_eq!(row.1, Outcome::Served);
        row.2
    };
    stage.seen().iter().map(served).collect()
}

#[test]
fn a_message_takes_its_size_over_the_bandwidth_of_the_interface_and_then_its_way() {
    // 1 ms in, 10 ms of way, 2 ms of work, 5 ms out, 10 ms of way.
    let mut blueprint = sized(&[0], vec![Step::Wait(constant(0.002))]);
    blueprint.network.client = constant(0.01);
    assert_eq!(took(&blueprint), [28.0]);
}

#[test]
fn messages_at_once_share_an_interface_evenly() {
    // Both come in together, in 2 ms, and both answers leave together, in 10 ms.
    assert_eq!(took(&sized(&[0, 0], vec![])), [12.0, 12.0]);
    // The second comes in at 3..4 ms while the first's answer goes out from 1 ms on: directions do not share. From 4 ms on
    // both go out at half the pace: the first has 2 ms of its 5 left and ends at 8 ms; the second has then done 2 of 5, and
    // ends 3 ms later, at 11 ms.
    assert_eq!(took(&sized(&[0, 3], vec![])), [8.0, 8.0]);
}

#[test]
fn the_slower_of_line_and_interface_sets_the_time() {
    // A client's line of half a megabyte a second: 2 ms there, 10 ms back; each client has its own.
    let mut blueprint = sized(&[0], vec![]);
    blueprint.wires.client_bandwidth = Some(0.5 * MEGABYTE);
    assert_eq!(took(&blueprint), [12.0]);
    // Four at once: 4 ms in rather than 2, 20 ms out rather than 10.
    let mut blueprint = sized(&[0, 0, 0, 0], vec![]);
    blueprint.wires.client_bandwidth = Some(0.5 * MEGABYTE);
    assert_eq!(took(&blueprint), [24.0; 4]);
}

#[test]
fn only_an_answer_that_serves_has_the_size_of_one() {
    let mut blueprint = sized(
        &[0],
        vec![Step::Fail {
            share: crate::units::Ratio::ONE,
            status: 503,
        }],
    );
    blueprint.network.client = constant(0.01);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 21.0)]);
}

#[test]
fn a_transfer_that_nobody_waits_for_ends_and_leaves_its_bandwidth_to_others() {
    // Two answers at once would leave at 12 ms. The first client gives up at 4 ms, when 1 kB of its answer is out, and as
    // much of the other's: that one's last 4 kB go out alone, until 8 ms.
    let mut blueprint = sized(&[0, 0], vec![]);
    blueprint.traffic[0].source = recorded(&[0]);
    more_traffic(&mut blueprint, &[0], Some(Span::from_millis(4)));
    let payload = blueprint.wires.classes[0].1.clone();
    blueprint.wires.classes.push((ClassIx(1), payload));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::TimedOut, 4.0), (0.0, Outcome::Served, 8.0)]
    );
}

/// A service that calls another, each with a task.
fn calling() -> Blueprint {
    let mut blueprint = sized(&[0], vec![Step::Call(CallIx(0))]);
    blueprint.wires.classes.clear();
    blueprint.programs.push(Program { steps: vec![] });
    calling_second(&mut blueprint, service("stock", 3, Runtime::Unbounded));
    blueprint
}

/// The same, of 3 kB there and 4 kB back.
fn sized_call() -> Blueprint {
    let mut blueprint = calling();
    let wire = Wire {
        payload: Payload {
            request: bytes(3000.0),
            response: bytes(4000.0),
        },
        connections: None,
    };
    blueprint.wires.calls.push((CallIx(0), wire));
    blueprint
}

#[test]
fn a_call_passes_the_interfaces_of_both_tasks() {
    let blueprint = sized_call();
    let mut stage = Stage::new(&blueprint);
    let small = stage.start(1, 0, 0.5);
    stage.publish(1, vec![small]);
    stage.run();
    // The callee has half a vCPU and half the bandwidth: 6 ms in and 8 ms out.
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 14.0)]);
}

#[test]
fn a_balancer_passes_messages_on_when_it_has_them_and_counts_their_bytes() {
    // The line carries 1 kB in 2 ms, the target takes it in in 1 ms; back 5 ms to the node and 10 ms to the client.
    let mut blueprint = sized(&[0], vec![]);
    blueprint.wires.client_bandwidth = Some(0.5 * MEGABYTE);
    through_balancer(&mut blueprint);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 18.0)]);
    let meter = stage.plane.meter(0, ms(60_000), &blueprint.model.alb);
    assert_eq!(meter.load_balancers[0].bytes, 6000);
}

/// Requests of one client that keeps a connection for ten seconds; each way takes 10 ms, TLS 1.3.
fn connected(millis: &[u64]) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Wait(constant(0.001))], Runtime::Unbounded);
    blueprint.network.client = constant(0.01);
    blueprint.traffic[0].clients = Some(1);
    blueprint.wires.traffic.push((TrafficIx(0), keeping(10)));
    blueprint
}

fn keeping(seconds: u64) -> Connections {
    Connections {
        keep_alive: Span::from_secs(seconds),
        round_trips: 2,
        reconnect_jitter: Span::ZERO,
    }
}

#[test]
fn the_first_request_pays_for_the_connection_and_so_does_one_after_it_has_grown_old() {
    // Two round trips of 20 ms before the first; the second finds the connection; the third comes when it has been idle
    // for more than ten seconds.
    assert_eq!(took(&connected(&[0, 5000, 15_100])), [61.0, 21.0, 61.0]);
    // Two at once need two connections, which both stay.
    assert_eq!(took(&connected(&[0, 0, 1000, 1000])), [61.0, 61.0, 21.0, 21.0]);
}

#[test]
fn who_comes_once_always_pays() {
    let mut blueprint = connected(&[0, 1000]);
    blueprint.traffic[0].clients = None;
    assert_eq!(took(&blueprint), [61.0, 61.0]);
}

#[test]
fn a_new_connection_takes_cpu_time_of_the_task() {
    // 5 ms on one vCPU; ten clients at once share it for 50 ms.
    let mut blueprint = connected(&[0, 1000]);
    blueprint.wires.connection_cpu.push((ServiceIx(0), constant(0.005)));
    assert_eq!(took(&blueprint), [66.0, 21.0]);
    blueprint.traffic[0].clients = None;
    blueprint.traffic[0].source = recorded(&[0; 10]);
    assert_eq!(took(&blueprint), [111.0; 10]);
}

#[test]
fn set_ups_keep_a_busy_server_from_its_work() {
    // The work of 1 ms of a client that has a connection shares the CPU with the set-ups of nine: they come to the task at
    // 30 ms of their way, at 130 ms, as does its request.
    let mut blueprint = connected(&[0, 120]);
    blueprint.programs[0] = Program {
        steps: vec![Step::Cpu(constant(0.001))],
    };
    blueprint.wires.connection_cpu.push((ServiceIx(0), constant(0.005)));
    more_traffic(&mut blueprint, &[100; 9], None);
    blueprint.traffic[1].clients = None;
    blueprint.wires.traffic.push((TrafficIx(1), keeping(10)));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let known: Vec<_> = stage.seen().into_iter().filter(|row| row.0 == 120.0).collect();
    assert_eq!(known, [(120.0, Outcome::Served, 30.0)]);
}

#[test]
fn through_a_balancer_the_connection_is_to_the_node() {
    // 40 ms of set-up to the node and nothing of the target's CPU; the node's way to the target takes no time.
    let mut blueprint = connected(&[0, 1000]);
    blueprint.zones.truncate(1);
    blueprint.wires.connection_cpu.push((ServiceIx(0), constant(0.005)));
    through_balancer(&mut blueprint);
    assert_eq!(took(&blueprint), [61.0, 21.0]);
}

#[test]
fn when_a_process_goes_its_connections_go_and_all_come_again() {
    let mut blueprint = connected(&[0, 1000, 2000, 3000]);
    blueprint.wires.traffic[0].1.reconnect_jitter = Span::from_millis(100);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(1500));
    let first = stage.tasks[0][0];
    stage.kill(first);
    let second = stage.start(0, 0, 1.0);
    stage.publish(0, vec![second]);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!([took[0], took[1], took[3]], [61.0, 21.0, 21.0]);
    // The third waits some of 100 ms before it opens one in place of the lost one.
    assert!(took[2] > 61.0 && took[2] < 161.0, "{}", took[2]);
}

#[test]
fn a_task_that_dies_while_it_is_connected_to_refuses() {
    // The set-up comes to the task at 30 ms and has 50 ms of work before it; the task dies at 40 ms, and its refusal takes
    // 10 ms.
    let mut blueprint = connected(&[0]);
    blueprint.wires.connection_cpu.push((ServiceIx(0), constant(0.05)));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(40));
    stage.kill(stage.tasks[0][0]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Refused, 50.0)]);
}

#[test]
fn who_gives_up_before_there_is_a_connection_has_sent_nothing() {
    let mut blueprint = connected(&[0]);
    blueprint.wires.connection_cpu.push((ServiceIx(0), constant(0.05)));
    blueprint.traffic[0].timeout = Some(Span::from_millis(50));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 50.0)]);
    let sample = stage.sample();
    assert_eq!(sample.services[0].work.attempts, 0, "no request has come to the task");
}

#[test]
fn a_request_that_crosses_the_servers_closing_is_reset() {
    // The server keeps idle connections for 5 s. The answer left it at 51 ms, so that it closes at 5.051 s; a request that is
    // sent at 5.045 s comes ten milliseconds later, and the reset takes as long to come back. The next opens another.
    let mut blueprint = connected(&[0, 5045, 6000]);
    blueprint.services[0].revisions[0].keep_alive = Some(Span::from_secs(5));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let expected = [
        (0.0, Outcome::Served, 61.0),
        (5045.0, Outcome::Refused, 20.0),
        (6000.0, Outcome::Served, 61.0),
    ];
    assert_eq!(stage.seen(), expected);
}

#[test]
fn each_calling_task_keeps_its_own_connections() {
    // Ways of 1 ms between tasks, one round trip to connect. Two callers in turn: each pays once.
    let mut blueprint = calling();
    blueprint.traffic[0].source = recorded(&[0, 1000, 2000, 3000]);
    blueprint.network.same_zone = constant(0.001);
    blueprint.zones.truncate(1);
    let wire = Wire {
        payload: Payload::default(),
        connections: Some(Connections {
            round_trips: 1,
            ..keeping(10)
        }),
    };
    blueprint.wires.calls.push((CallIx(0), wire));
    let mut stage = Stage::new(&blueprint);
    let other = stage.start(0, 0, 1.0);
    let first = stage.tasks[0][0];
    stage.publish(0, vec![first, other]);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [4.0, 4.0, 2.0, 2.0]);
}

#[test]
fn a_set_up_into_a_lost_zone_is_given_up_like_any_connection() {
    let blueprint = connected(&[100]);
    let mut stage = Stage::new(&blueprint);
    stage.fault(&FaultKind::ZoneOutage { zone: ZoneIx(0) });
    stage.run();
    assert_eq!(stage.seen(), [(100.0, Outcome::Refused, 10_000.0)]);
}

#[test]
fn bytes_between_tasks_of_different_zones_are_counted() {
    // The caller is in the first zone. One callee stands there and one in the other; each of two requests and answers goes to one of them.
    let mut blueprint = sized_call();
    blueprint.traffic[0].source = recorded(&[0, 1000]);
    let mut stage = Stage::new(&blueprint);
    let far = stage.start(1, 1, 1.0);
    let near = stage.tasks[1][0];
    stage.publish(1, vec![near, far]);
    stage.run();
    stage.plane.finish(&mut stage.cx);
    let crossed = |observation: &Observation| matches!(observation, Observation::CrossedZones(7000));
    assert!(stage.cx.observations.iter().any(crossed));
}

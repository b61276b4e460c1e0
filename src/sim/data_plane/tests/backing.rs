//! Dependencies under load: slowdown, operations, replicas, locks, cold caches, and the connections to them.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Outcome, Reason, Stage as Going};
use crate::units::{Ratio, Span};

/// Requests that do nothing but ask a database for 10 ms of work.
fn asks(millis: &[u64], extras: DependencyExtras) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Call(CallIx(0))], workers(100));
    blueprint.dependencies.push(Dependency {
        name: "db".into(),
        zone: Some(ZoneIx(0)),
        standby: Some(ZoneIx(1)),
        failover: Span::from_secs(1),
        slots: 100,
        backlog: 100,
        service_time: constant(0.01),
        extras: Some(Box::new(extras)),
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    blueprint
}

fn operation(service_time: f64, endpoint: Endpoint) -> DependencyOperation {
    DependencyOperation {
        name: "operation".into(),
        service_time: constant(service_time),
        error_ratio: Ratio::ZERO,
        endpoint,
        locks: None,
    }
}

/// One operation of 10 ms, and nothing else.
fn plain() -> DependencyExtras {
    DependencyExtras {
        operations: vec![operation(0.01, Endpoint::Writer)],
        ..DependencyExtras::default()
    }
}

fn pooled(pool: ConnectionPool) -> DependencyExtras {
    DependencyExtras {
        connection_pool: Some(pool),
        ..plain()
    }
}

fn pool(size: u32) -> ConnectionPool {
    ConnectionPool {
        size,
        min_idle: size,
        acquire_timeout: Span::from_secs(30),
        max_waiting: u32::MAX,
        connect_time: constant(0.0),
        idle_timeout: Span::from_secs(600),
    }
}

const FAILOVER: FaultKind = FaultKind::DependencyFailover {
    dependency: DependencyIx(0),
};

/// How long each took (ms), in order of their ends.
fn took(blueprint: &Blueprint) -> Vec<f64> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    assert!(stage.seen().iter().all(|row| row.1 == Outcome::Served));
    stage.seen().iter().map(|row| row.2).collect()
}

/// Why each failed and after how long (ms); `None`: it did not.
fn fates(stage: &Stage) -> Vec<(Option<Reason>, f64)> {
    let finished = stage.finished.iter();
    finished
        .map(|it| (it.failure.map(|failure| failure.reason), it.latency.millis()))
        .collect()
}

fn fates_of(blueprint: &Blueprint) -> Vec<(Option<Reason>, f64)> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    fates(&stage)
}

#[test]
fn a_dependency_with_nothing_special_serves_as_a_plain_one() {
    let mut blueprint = asks(&[0, 0, 0, 0], plain());
    (blueprint.dependencies[0].slots, blueprint.dependencies[0].backlog) = (1, 2);
    let full = Some(Reason::DependencyFull);
    assert_eq!(
        fates_of(&blueprint),
        [(full, 0.0), (None, 10.0), (None, 20.0), (None, 30.0)]
    );
}

#[test]
fn service_slows_down_for_as_long_as_others_are_in_service() {
    // α = 0.5: two at once go on 1.5 times as slowly. The first is alone for 5 ms, then has 5 ms of work left, which take
    // 7.5 ms: 12.5 ms. The second has done 5 ms by then and needs 5 ms more: 12.5 ms as well.
    let slowdown = Some(Slowdown {
        contention: 0.5,
        coherency: 0.0,
    });
    let extras = || DependencyExtras { slowdown, ..plain() };
    assert_eq!(took(&asks(&[0, 5], extras())), [12.5, 12.5]);
    assert_eq!(took(&asks(&[0, 0], extras())), [15.0, 15.0]);
}

#[test]
fn each_operation_takes_its_own_time() {
    let mut blueprint = asks(&[0], DependencyExtras::default());
    let operations = vec![operation(0.005, Endpoint::Writer), operation(0.02, Endpoint::Writer)];
    blueprint.dependencies[0]
        .extras
        .as_mut()
        .expect("it has some")
        .operations = operations;
    blueprint.programs[0].steps.push(Step::Call(CallIx(1)));
    let write = Callee::DependencyOperation(DependencyIx(0), DependencyOperationIx(1));
    blueprint.calls.push(call(write));
    assert_eq!(took(&blueprint), [25.0]);
}

#[test]
fn an_error_of_the_dependency_comes_after_its_service() {
    let mut extras = plain();
    extras.operations[0].error_ratio = Ratio::ONE;
    assert_eq!(fates_of(&asks(&[0], extras)), [(Some(Reason::DependencyError), 10.0)]);
}

#[test]
fn a_new_primary_warms_up_in_a_straight_line() {
    // It takes over at 1 s, three times as slow, and is warm at 11 s: at 2 s it is 2.8 times as slow, at 6 s twice.
    let extras = DependencyExtras {
        cold_cache: Some(ColdCache {
            factor: 3.0,
            warms_over: Span::from_secs(10),
        }),
        ..plain()
    };
    let blueprint = asks(&[2000, 6000, 20_000], extras);
    let mut stage = Stage::new(&blueprint);
    stage.fault(&FAILOVER);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [28.0, 20.0, 10.0]);
}

#[test]
fn reads_go_to_the_replicas_in_turn_and_go_on_while_the_primary_fails_over() {
    let extras = DependencyExtras {
        operations: vec![operation(0.01, Endpoint::Reader)],
        replicas: Some(ReadReplicas {
            zones: vec![None, None],
        }),
        ..plain()
    };
    let mut blueprint = asks(&[0, 0, 0, 100], extras);
    blueprint.dependencies[0].slots = 1;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(50));
    stage.fault(&FAILOVER);
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [10.0, 10.0, 20.0, 10.0]);
}

#[test]
fn a_replica_in_a_lost_zone_is_not_asked_and_without_any_the_primary_is() {
    let extras = DependencyExtras {
        operations: vec![operation(0.01, Endpoint::Reader)],
        replicas: Some(ReadReplicas {
            zones: vec![Some(ZoneIx(1))],
        }),
        ..plain()
    };
    let mut blueprint = asks(&[0, 100], extras);
    blueprint.network.same_zone = constant(0.001);
    blueprint.network.cross_zone = constant(0.007);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(50));
    stage.fault(&FaultKind::ZoneOutage { zone: ZoneIx(1) });
    stage.run();
    let took: Vec<f64> = stage.seen().iter().map(|row| row.2).collect();
    assert_eq!(took, [24.0, 12.0]);
}

#[test]
fn a_row_is_locked_by_one_at_a_time_and_waited_for_in_a_slot() {
    // One row, two slots: the third waits for a slot until 10 ms, then for the row until 20 ms.
    let mut extras = plain();
    extras.operations[0].locks = Some(RowLocks { rows: 1, zipf: 0.0 });
    let mut blueprint = asks(&[0, 0, 0], extras);
    (blueprint.dependencies[0].slots, blueprint.dependencies[0].backlog) = (2, 1);
    assert_eq!(took(&blueprint), [10.0, 20.0, 30.0]);
    blueprint.dependencies[0].backlog = 0;
    assert_eq!(
        fates_of(&blueprint)[0],
        (Some(Reason::DependencyFull), 0.0),
        "who waits for a row has a slot"
    );
}

#[test]
fn who_finds_no_connection_waits_for_one_in_order_of_arrival() {
    assert_eq!(took(&asks(&[0, 1, 2], pooled(pool(1)))), [10.0, 19.0, 28.0]);
    assert_eq!(took(&asks(&[0, 1, 2], pooled(pool(2)))), [10.0, 10.0, 18.0]);
}

#[test]
fn a_pool_that_is_exhausted_fails_the_call_after_its_acquire_timeout() {
    let short = ConnectionPool {
        acquire_timeout: Span::from_millis(5),
        ..pool(1)
    };
    let timeout = Some(Reason::ConnectionPoolTimeout);
    // The third comes when 4 ms are left of the first, and gets its connection.
    assert_eq!(
        fates_of(&asks(&[0, 1, 6], pooled(short))),
        [(timeout, 5.0), (None, 10.0), (None, 14.0)]
    );
    let full = ConnectionPool {
        max_waiting: 0,
        ..pool(1)
    };
    let refused = Some(Reason::ConnectionPoolFull);
    assert_eq!(fates_of(&asks(&[0, 1], pooled(full))), [(refused, 0.0), (None, 10.0)]);
}

#[test]
fn a_call_may_give_up_while_it_waits_for_a_connection() {
    let mut blueprint = asks(&[0, 1, 2], pooled(pool(1)));
    blueprint.calls[0].timeout = Some(Span::from_millis(15));
    let fates = fates_of(&blueprint);
    let served: Vec<f64> = fates
        .iter()
        .filter(|fate| fate.0.is_none())
        .map(|fate| fate.1)
        .collect();
    // The second gets the connection at 10 ms, but its patience ends at 16 ms; that closes the connection, and the third
    // sets up another at once, but is out of patience at 17 ms.
    assert_eq!((served.as_slice(), fates.len()), ([10.0].as_slice(), 3));
}

#[test]
fn setting_up_a_connection_takes_time_and_idle_ones_are_closed_in_time() {
    let pool = ConnectionPool {
        min_idle: 0,
        connect_time: constant(0.003),
        idle_timeout: Span::from_secs(1),
        ..pool(5)
    };
    // In use until 13 ms and 510 ms; closed at 1.51 s.
    assert_eq!(took(&asks(&[0, 500, 3000], pooled(pool))), [13.0, 10.0, 13.0]);
}

#[test]
fn a_dependency_refuses_more_connections_than_it_takes() {
    // Two tasks with a pool each; the second one's connection is one too many.
    let extras = DependencyExtras {
        max_connections: Some(1),
        ..pooled(pool(1))
    };
    let blueprint = asks(&[0, 0], extras);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run();
    let refused = Some(Reason::TooManyConnections);
    assert_eq!(fates(&stage), [(refused, 0.0), (None, 10.0)]);
}

#[test]
fn a_connection_that_its_caller_has_closed_counts_until_the_dependency_is_done() {
    // Each gives up after 5 ms, and the dependency is done after 10: the second comes too early for the only connection,
    // the third has it and is out of patience itself.
    let extras = DependencyExtras {
        max_connections: Some(1),
        ..pooled(pool(1))
    };
    let mut blueprint = asks(&[0, 6, 12], extras);
    blueprint.calls[0].timeout = Some(Span::from_millis(5));
    let in_service = Some(Reason::TimedOut(Going::Dependency));
    let refused = Some(Reason::TooManyConnections);
    assert_eq!(
        fates_of(&blueprint),
        [(in_service, 5.0), (refused, 0.0), (in_service, 5.0)]
    );
}

#[test]
fn the_connections_of_a_process_end_with_it() {
    let extras = DependencyExtras {
        max_connections: Some(1),
        ..pooled(pool(1))
    };
    let blueprint = asks(&[0, 100, 200], extras);
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run_until(ms(150));
    let refused = Some(Reason::TooManyConnections);
    assert_eq!(
        fates(&stage),
        [(None, 10.0), (refused, 0.0)],
        "the first task keeps the only connection"
    );
    let tasks = stage.tasks[0].clone();
    stage.kill(tasks[0]);
    stage.publish(0, vec![tasks[1]]);
    stage.run();
    assert_eq!(fates(&stage)[2], (None, 10.0));
}

#[test]
fn a_failover_resets_every_connection_and_none_can_be_set_up_before_it_is_over() {
    let extras = pooled(ConnectionPool {
        connect_time: constant(0.003),
        ..pool(5)
    });
    // The second has a connection as the primary goes, the third comes meanwhile.
    let blueprint = asks(&[0, 100, 500, 2000], extras);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(105));
    stage.fault(&FAILOVER);
    stage.run();
    let reset = Some(Reason::FailingOver);
    assert_eq!(fates(&stage), [(None, 13.0), (reset, 5.0), (reset, 3.0), (None, 13.0)]);
}

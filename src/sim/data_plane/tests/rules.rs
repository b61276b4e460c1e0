//! Servers with rules: who waits for how long, who is served next, and who is turned away.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Outcome, Reason};
use crate::units::{Ratio, Span};

/// One worker, 10 ms a request, arrivals of one class.
fn one_worker(millis: &[u64], rules: ServerRules) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Wait(constant(0.01))], workers(1));
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(rules));
    blueprint
}

fn queue(discipline: Discipline) -> ServerRules {
    ServerRules {
        queue: QueueRules {
            discipline,
            ..QueueRules::default()
        },
        ..ServerRules::default()
    }
}

/// Arrival and latency of what was served, in order of its end.
fn served(blueprint: &Blueprint) -> Vec<(f64, f64)> {
    let mut stage = Stage::new(blueprint);
    stage.run();
    let seen = stage.seen();
    let served = seen.iter().filter(|row| row.1 == Outcome::Served);
    served.map(|row| (row.0, row.2)).collect()
}

/// Arrival, latency and reason of what was turned away.
fn refused(stage: &Stage) -> Vec<(f64, f64, Reason)> {
    let all = stage.seen().into_iter().zip(&stage.finished);
    let refused = all.filter(|(row, _)| row.1 == Outcome::ServerError);
    refused
        .map(|((arrived, _, latency), request)| (arrived, latency, request.failure.expect("it failed").reason))
        .collect()
}

#[test]
fn fifo_serves_who_came_first_and_lifo_who_came_last() {
    let arrivals = [0, 1, 2, 3];
    assert_eq!(
        served(&one_worker(&arrivals, queue(Discipline::Fifo))),
        [(0.0, 10.0), (1.0, 19.0), (2.0, 28.0), (3.0, 37.0)]
    );
    assert_eq!(
        served(&one_worker(&arrivals, queue(Discipline::Lifo))),
        [(0.0, 10.0), (3.0, 17.0), (2.0, 28.0), (1.0, 39.0)]
    );
}

#[test]
fn adaptive_lifo_serves_who_came_last_only_while_a_queue_stands() {
    // Four wait at 10 ms: more than two, so the newest; then three: the newest again; then two: the oldest first.
    assert_eq!(
        served(&one_worker(
            &[0, 1, 2, 3, 4],
            queue(Discipline::AdaptiveLifo { from: 2 })
        )),
        [(0.0, 10.0), (4.0, 16.0), (3.0, 27.0), (1.0, 39.0), (2.0, 48.0)]
    );
}

/// As [`one_worker`], with a second kind of request of this priority.
fn two_kinds(first: &[u64], second: (&[u64], u8), rules: ServerRules) -> Blueprint {
    let mut blueprint = one_worker(first, rules);
    more_traffic(&mut blueprint, second.0, None);
    blueprint.classes[1].priority = Priority(second.1);
    blueprint
}

#[test]
fn priority_serves_the_most_urgent_next_and_interrupts_nobody() {
    let blueprint = two_kinds(&[0, 1, 2], (&[5, 6], 0), queue(Discipline::Priority));
    assert_eq!(
        served(&blueprint),
        [(0.0, 10.0), (5.0, 15.0), (6.0, 24.0), (1.0, 39.0), (2.0, 48.0)]
    );
}

#[test]
fn calls_inherit_the_priority_of_the_request_they_are_made_for() {
    // The front end only calls the one worker; its second kind of request is more urgent.
    let mut blueprint = two_kinds(&[0, 1, 2], (&[5], 0), ServerRules::default());
    blueprint.services[0].revisions[0].server_rules = None;
    blueprint.services[0].revisions[0].runtime = Runtime::Unbounded;
    let mut back = service("back", 2, workers(1));
    back.revisions[0].server_rules = Some(Box::new(queue(Discipline::Priority)));
    blueprint.services.push(back);
    blueprint.programs[1].steps = std::mem::take(&mut blueprint.programs[0].steps);
    blueprint.programs[0].steps = vec![Step::Parallel(Parallel::all(vec![ProgramIx(2)]))];
    blueprint.programs.push(Program {
        steps: vec![Step::Call(CallIx(0))],
    });
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    assert_eq!(served(&blueprint), [(0.0, 10.0), (5.0, 15.0), (1.0, 29.0), (2.0, 38.0)]);
}

#[test]
fn fair_serves_one_of_each_kind_in_turn() {
    let blueprint = two_kinds(&[0, 1, 2, 3], (&[4, 5], 3), queue(Discipline::Fair));
    assert_eq!(
        served(&blueprint),
        [
            (0.0, 10.0),
            (1.0, 19.0),
            (4.0, 26.0),
            (2.0, 38.0),
            (5.0, 45.0),
            (3.0, 57.0)
        ]
    );
}

fn timeout(millis: u64) -> ServerRules {
    let mut rules = queue(Discipline::Fifo);
    rules.queue.timeout = Some(constant(millis as f64 / 1000.0));
    rules
}

#[test]
fn who_has_waited_as_long_as_the_queue_allows_is_answered_503() {
    // Served: 0, and at 10 ms that of 1 ms. Those of 2 and 3 ms leave after 15 ms, that of 6 ms begins at 20 ms.
    let blueprint = one_worker(&[0, 1, 2, 3, 6], timeout(15));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let waited = Reason::WaitedTooLong;
    assert_eq!(refused(&stage), [(2.0, 15.0, waited), (3.0, 15.0, waited)]);
    assert_eq!(served(&blueprint), [(0.0, 10.0), (1.0, 19.0), (6.0, 24.0)]);
}

#[test]
fn an_event_loop_lets_go_who_waits_for_a_first_turn_only() {
    // 10 ms of CPU, 1 ms of waiting, 10 ms of CPU on one loop. The second request begins at 10 ms, as the loop is free while
    // the first one waits; the first one's second turn comes at 20 ms, 9 ms after it asked, and the third's first never.
    let steps = vec![
        Step::Cpu(constant(0.01)),
        Step::Wait(constant(0.001)),
        Step::Cpu(constant(0.01)),
    ];
    let runtime = Runtime::EventLoop { loops: 1, backlog: 100 };
    let mut blueprint = requests_at(&[0, 5, 6], steps, runtime);
    let mut rules = timeout(8);
    rules.refusal_cpu = Span::ZERO;
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(rules));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(refused(&stage), [(6.0, 8.0, Reason::WaitedTooLong)]);
    assert_eq!(served(&blueprint), [(0.0, 30.0), (5.0, 35.0)]);
}

#[test]
fn codel_lets_wait_for_the_interval_and_once_a_queue_stands_for_the_target() {
    // The queue stands from 1 ms on. Who joins by then may wait 20 ms; who joins after 21 ms only 4 ms.
    let mut rules = queue(Discipline::Fifo);
    rules.queue.controlled_delay = Some(ControlledDelay {
        target: Span::from_millis(4),
        interval: Span::from_millis(20),
    });
    let blueprint = one_worker(&[0, 1, 2, 15, 22, 28], rules);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let waited = Reason::WaitedTooLong;
    // 2 ms gets its worker at 20 ms; 15 ms waits until 30 ms; 22 ms may wait 4 ms; 28 ms 4 ms, and gets none at 30 ms.
    assert_eq!(refused(&stage), [(22.0, 4.0, waited), (28.0, 4.0, waited)]);
    assert_eq!(
        served(&blueprint),
        [(0.0, 10.0), (1.0, 19.0), (2.0, 28.0), (15.0, 25.0)]
    );
}

#[test]
fn a_limit_of_concurrency_counts_what_waits_and_answers_503() {
    let rules = ServerRules {
        concurrency: Some(ConcurrencyLimit::Fixed(2)),
        ..ServerRules::default()
    };
    let blueprint = one_worker(&[0, 1, 2, 12], rules);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(refused(&stage), [(2.0, 0.0, Reason::ConcurrencyLimit)]);
    assert_eq!(served(&blueprint), [(0.0, 10.0), (1.0, 19.0), (12.0, 18.0)]);
}

#[test]
fn the_least_urgent_makes_room_for_the_more_urgent() {
    let mut rules = queue(Discipline::Priority);
    rules.concurrency = Some(ConcurrencyLimit::Fixed(3));
    // In hand at 5 ms: 0 in service, 1 and 2 waiting. The urgent one displaces the last to come.
    let blueprint = two_kinds(&[0, 1, 2], (&[5], 0), rules);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(refused(&stage), [(2.0, 3.0, Reason::Displaced)]);
    assert_eq!(served(&blueprint), [(0.0, 10.0), (5.0, 15.0), (1.0, 29.0)]);
}

#[test]
fn a_full_backlog_makes_room_too() {
    let mut blueprint = two_kinds(&[0, 1, 2], (&[5], 0), queue(Discipline::Priority));
    blueprint.services[0].revisions[0].runtime = Runtime::ThreadPool { workers: 1, backlog: 1 };
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(refused(&stage), [(1.0, 4.0, Reason::Displaced)]);
    let full = stage
        .finished
        .iter()
        .find(|request| request.outcome == Outcome::Refused);
    assert_eq!(
        full.and_then(|request| request.failure).map(|failure| failure.reason),
        Some(Reason::QueueFull)
    );
}

#[test]
fn a_bucket_without_tokens_turns_away_until_the_next_one_comes() {
    // Two at once, then one each 100 ms.
    let rules = ServerRules {
        rate: Some(RateLimit { rate: 10.0, burst: 2 }),
        ..ServerRules::default()
    };
    let blueprint = one_worker(&[0, 20, 40, 99, 100, 150], rules);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let limited = Reason::RateLimited;
    assert_eq!(
        refused(&stage),
        [(40.0, 0.0, limited), (99.0, 0.0, limited), (150.0, 0.0, limited)]
    );
}

#[test]
fn a_no_costs_its_cpu_time_and_nobody_waits_for_a_worker_to_say_it() {
    let rules = ServerRules {
        concurrency: Some(ConcurrencyLimit::Fixed(1)),
        refusal_cpu: Span::from_millis(2),
        ..ServerRules::default()
    };
    let blueprint = one_worker(&[0, 1, 4], rules);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let limit = Reason::ConcurrencyLimit;
    assert_eq!(refused(&stage), [(1.0, 2.0, limit), (4.0, 2.0, limit)]);
    assert_eq!(stage.sample().services[0].cpu_used, 4_000_000);
}

#[test]
fn a_busy_cpu_sheds_the_least_urgent_first() {
    // 90 % busy: 9 ms of CPU each 10 ms. A second kind of request is shed from 80 % on, the first never.
    let millis: Vec<u64> = (0..300).map(|n| n * 10).collect();
    let mut blueprint = requests_at(&millis, vec![Step::Cpu(constant(0.009))], Runtime::Unbounded);
    more_traffic(&mut blueprint, &[5, 2995], None);
    blueprint.classes[1].priority = Priority(7);
    blueprint.services[0].revisions[0].server_rules = Some(Box::new(ServerRules {
        shedding: Some(Shedding {
            window: Span::from_millis(500),
            rules: vec![SheddingRule {
                priority: 7,
                from: Ratio::new(0.8).expect("a share"),
                to: Ratio::new(0.8).expect("a share"),
            }],
        }),
        ..ServerRules::default()
    }));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    // At 5 ms nothing has been measured yet; after 3 s the average is 0.9 × (1 − e⁻⁶) > 0.8.
    assert_eq!(refused(&stage), [(2995.0, 0.0, Reason::CpuBusy)]);
}

#[test]
fn health_checks_are_let_in_where_requests_are_turned_away() {
    let rules = ServerRules {
        concurrency: Some(ConcurrencyLimit::Fixed(1)),
        ..ServerRules::default()
    };
    let mut blueprint = one_worker(&[0, 5], rules);
    blueprint.services[0].revisions[0].runtime = workers(2);
    balanced(&mut blueprint, 0, Algorithm::RoundRobin, 1);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(5));
    let task = stage.tasks[0][0];
    stage.order(crate::sim::signal::Order::CheckTarget {
        target_group: TargetGroupIx(0),
        node: 0,
        task,
        check: 0,
    });
    stage.run();
    assert_eq!(stage.checks, [200]);
    assert_eq!(refused(&stage), [(5.0, 0.0, Reason::ConcurrencyLimit)]);
}

#[test]
fn an_adaptive_limit_grows_with_the_windows_of_answered_requests() {
    // Thirty workers, all thirty come at once and leave together: the tenth answer makes the first sample, with 21 still in
    // hand. A limit of 100 is not half used and stays; one of 30 grows by 0.2 × 4, and the twenty answers that follow at
    // the same moment wait for the end of the next window.
    let rules = |initial| ServerRules {
        concurrency: Some(ConcurrencyLimit::Gradient(Adaptive {
            initial,
            min: 1,
            max: 100,
        })),
        ..ServerRules::default()
    };
    for (initial, limit) in [(100, 100.0), (30, 0.8 * 30.0 + 0.2 * (30.0 + 4.0))] {
        let mut blueprint = one_worker(&[0; 30], rules(initial));
        blueprint.services[0].revisions[0].runtime = workers(30);
        let mut stage = Stage::new(&blueprint);
        stage.run();
        let task = stage.tasks[0][0];
        let server = stage.plane.servers.get(task).expect("it lives");
        let state = server.extras.as_ref().and_then(|extras| extras.limit);
        let grown = state.expect("it has a limit").limit;
        assert!((grown - limit).abs() < 1e-9, "{grown}");
    }
}

//! Queues of messages, by hand: what is delivered, hidden, delivered again, and given up.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Outcome, QueueCount};
use crate::sim::signal::Order;
use crate::units::{Instant, Ratio, Span};

fn wait(millis: u64) -> Step {
    Step::Wait(constant(millis as f64 / 1e3))
}

fn fail(share: f64) -> Step {
    Step::Fail {
        share: Ratio::new(share).expect("a share"),
        status: 500,
    }
}

fn queue(name: &str, visibility_ms: u64) -> MessageQueue {
    MessageQueue {
        name: name.into(),
        delay: Span::ZERO,
        visibility_timeout: Span::from_millis(visibility_ms),
        message_retention_period: Span::from_secs(4 * 86_400),
        receive_message_wait_time: Span::from_secs(20),
        redrive_policy: None,
        error_ratio: Ratio::ZERO,
    }
}

fn consumer(batch_size: u8, pollers: u32) -> Consumer {
    Consumer {
        queue: QueueIx(0),
        operation: OperationIx(0),
        batch_size,
        pollers,
        poll_interval: Span::from_secs(1),
        batch_failure: BatchFailure::Item,
    }
}

/// Messages at these milliseconds for one queue that hides them for so long; a service does `steps` with each. SQS takes
/// no time.
fn orders(millis: &[u64], visibility_ms: u64, steps: Vec<Step>, consumer: Consumer) -> Blueprint {
    let mut blueprint = requests_at(millis, steps, workers(1));
    let at_once = || constant(0.0);
    blueprint.model.sqs = SqsModel {
        send_message: at_once(),
        receive_message: at_once(),
        delete_message: at_once(),
    };
    blueprint.queues = vec![queue("orders", visibility_ms)];
    blueprint.traffic[0].to = Destination::Queue(QueueIx(0));
    blueprint.services[0].consumes = vec![consumer];
    blueprint
}

fn count<'s>(stage: &'s Stage<'_>) -> &'s QueueCount {
    stage.plane.queue_counts()[0]
}

/// Received, redelivered, deleted, done twice, dead.
fn fates(stage: &Stage<'_>) -> [u64; 5] {
    let count = count(stage);
    [
        count.received,
        count.redelivered,
        count.deleted,
        count.duplicates,
        count.dead_lettered,
    ]
}

fn mean_wait_ms(stage: &Stage<'_>) -> f64 {
    count(stage).waited.mean_seconds().expect("something was received") * 1e3
}

#[test]
fn a_sender_has_its_answer_when_the_message_is_in_the_queue() {
    let mut blueprint = orders(&[0], 30_000, vec![wait(100)], consumer(1, 1));
    blueprint.model.sqs.send_message = constant(0.015);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 15.0)]);
    assert_eq!(fates(&stage), [1, 0, 1, 0, 0]);
}

#[test]
fn a_waiting_consumer_gets_a_message_as_it_is_sent_and_the_next_ones_wait_for_it() {
    // Handled from 0, 100 and 200 ms on: waits of 0, 90 and 180 ms.
    let blueprint = orders(&[0, 10, 20], 30_000, vec![wait(100)], consumer(1, 1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(299));
    assert_eq!(fates(&stage), [3, 0, 2, 0, 0]);
    stage.run();
    assert_eq!(fates(&stage), [3, 0, 3, 0, 0]);
    assert_eq!(mean_wait_ms(&stage), 90.0);
}

#[test]
fn each_poller_handles_one_message_after_the_other_and_takes_no_worker() {
    // The pool has one worker; three pollers handle three messages at once.
    let blueprint = orders(&[0, 0, 0], 30_000, vec![wait(100)], consumer(1, 3));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(100));
    assert_eq!(fates(&stage), [3, 0, 3, 0, 0]);
}

#[test]
fn the_cpu_of_the_task_is_shared_with_its_requests() {
    // 50 ms of work each for two pollers on one vCPU: both end after 100 ms.
    let steps = vec![Step::Cpu(constant(0.05))];
    let blueprint = orders(&[0, 0], 30_000, steps, consumer(1, 2));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(99));
    assert_eq!(fates(&stage)[2], 0);
    stage.run_until(ms(100));
    assert_eq!(fates(&stage)[2], 2);
}

#[test]
fn a_delayed_message_is_received_after_its_delay() {
    let mut blueprint = orders(&[0], 30_000, vec![wait(1)], consumer(1, 1));
    blueprint.queues[0].delay = Span::from_millis(500);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(mean_wait_ms(&stage), 500.0);
}

#[test]
fn what_fails_comes_back_after_its_visibility_timeout() {
    // Tried at 0, 1,010, 2,020 ms …: a failure shows the message 1 s after it was received, not after it failed.
    let blueprint = orders(&[0], 1_000, vec![wait(10), fail(1.0)], consumer(1, 1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(999));
    assert_eq!(fates(&stage), [1, 0, 0, 0, 0]);
    stage.run_until(ms(2_000));
    assert_eq!(fates(&stage), [3, 2, 0, 0, 0]);
    assert_eq!((count(&stage).failed, stage.plane.messages_in(0)), (2, 1));
}

#[test]
fn a_message_that_outlasts_its_visibility_timeout_is_done_twice() {
    // 150 ms of work and 100 ms of hiding, two pollers. Received at 0 and again at 100 ms; the first one ends at 150 ms
    // with an old receipt. At 200 ms it is visible again and received by the first; the second one's delete at 250 ms is
    // late too, and so on, as long as somebody is free to receive it.
    let blueprint = orders(&[0], 100, vec![wait(150)], consumer(1, 2));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(199));
    assert_eq!(fates(&stage), [2, 1, 0, 1, 0]);
    stage.run_until(ms(299));
    assert_eq!(fates(&stage), [3, 2, 0, 2, 0]);
}

#[test]
fn a_late_delete_counts_if_nobody_has_received_the_message_since() {
    // The same with one poller: the message is visible again at 100 ms, and deleted at 150 ms all the same.
    let blueprint = orders(&[0], 100, vec![wait(150)], consumer(1, 1));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(fates(&stage), [1, 0, 1, 0, 0]);
}

#[test]
fn a_batch_waits_in_one_pollers_hands() {
    // Three messages of 100 ms are there when the poller asks: one receive, and each is deleted by itself. Hidden for
    // 250 ms, the third (at work from 200 to 300 ms) is visible again meanwhile.
    let mut blueprint = orders(&[0, 0, 0], 250, vec![wait(100)], consumer(10, 1));
    blueprint.model.sqs.receive_message = constant(0.01);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(309));
    assert_eq!(fates(&stage), [3, 0, 2, 0, 0]);
    stage.run_until(ms(310));
    assert_eq!(fates(&stage), [3, 0, 3, 0, 0]);
}

#[test]
fn one_failure_of_a_batch_brings_back_that_message_alone_or_all() {
    for (batch_failure, deleted) in [(BatchFailure::Item, 2), (BatchFailure::Batch, 0)] {
        // The first of three fails half of the time by its key; looked for is a run in which just one fails.
        let steps = vec![wait(100), fail(0.3)];
        let mut blueprint = orders(&[0, 0, 0], 60_000, steps, consumer(10, 1));
        blueprint.services[0].consumes[0].batch_failure = batch_failure;
        blueprint.model.sqs.receive_message = constant(0.01);
        let seed = (0..100).find(|&seed| {
            let mut other = blueprint.clone();
            other.seed = seed;
            other.services[0].consumes[0].batch_failure = BatchFailure::Item;
            let mut stage = Stage::new(&other);
            stage.run_until(ms(1_000));
            count(&stage).failed == 1
        });
        blueprint.seed = seed.expect("one of three fails in 44 of 100 runs");
        let mut stage = Stage::new(&blueprint);
        stage.run_until(ms(1_000));
        assert_eq!((fates(&stage)[2], count(&stage).failed), (deleted, 1));
    }
}

#[test]
fn a_message_that_was_received_too_often_becomes_a_dead_letter_instead_of_the_next_receive() {
    // Received at 0, 100 and 200 ms; at 300 ms it would be the fourth time.
    let mut blueprint = orders(&[0], 100, vec![wait(1), fail(1.0)], consumer(1, 1));
    blueprint.queues.push(queue("letters", 100));
    blueprint.queues[0].redrive_policy = Some(RedrivePolicy {
        dead_letter_queue: QueueIx(1),
        max_receive_count: 3,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(299));
    assert_eq!((fates(&stage), stage.plane.messages_in(1)), ([3, 2, 0, 0, 0], 0));
    stage.run();
    assert_eq!((fates(&stage), stage.plane.messages_in(1)), ([3, 2, 0, 0, 1], 1));
    assert_eq!(stage.plane.messages_in(0), 0);
}

#[test]
fn dead_letters_are_consumed_as_any_message() {
    let mut blueprint = orders(&[0], 100, vec![wait(1), fail(1.0)], consumer(1, 1));
    blueprint.queues.push(queue("letters", 100));
    blueprint.queues[0].redrive_policy = Some(RedrivePolicy {
        dead_letter_queue: QueueIx(1),
        max_receive_count: 1,
    });
    blueprint.programs.push(Program { steps: vec![wait(5)] });
    blueprint.services.push(service("undertaker", 3, workers(1)));
    blueprint.services[1].consumes = vec![Consumer {
        queue: QueueIx(1),
        ..consumer(1, 1)
    }];
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.plane.queue_counts()[1].deleted, 1);
}

#[test]
fn a_message_expires_wherever_it_is() {
    let mut blueprint = orders(&[0], 100, vec![wait(1), fail(1.0)], consumer(1, 1));
    blueprint.queues[0].message_retention_period = Span::from_millis(250);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(fates(&stage), [3, 2, 0, 0, 0]);
    assert_eq!((count(&stage).expired, stage.plane.messages_in(0)), (1, 0));
}

#[test]
fn short_polling_asks_again_after_a_pause() {
    // Asked at 0, 1, 2 s …; a message of 1,500 ms is found at 2 s.
    let mut blueprint = orders(&[1_500], 30_000, vec![wait(1)], consumer(1, 1));
    blueprint.queues[0].receive_message_wait_time = Span::ZERO;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(2_500));
    assert_eq!(mean_wait_ms(&stage), 500.0);
    // At 0 and 1 s, and as soon as the message is deleted.
    assert_eq!(count(&stage).empty_receives, 3);
}

#[test]
fn a_long_poll_in_vain_is_counted_and_costs_nothing() {
    // From 0 to 45 s two polls of 20 s find nothing, and the third gets the message.
    let blueprint = orders(&[45_000], 30_000, vec![wait(1)], consumer(1, 1));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!((count(&stage).empty_receives, mean_wait_ms(&stage)), (2, 0.0));
}

#[test]
fn a_task_that_shuts_down_finishes_its_batch_and_receives_no_more() {
    let mut blueprint = orders(&[0, 0, 0, 150], 30_000, vec![wait(100)], consumer(2, 1));
    blueprint.model.sqs.receive_message = constant(0.01);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(50));
    let task = stage.tasks[0][0];
    stage.order(Order::CloseServer(task));
    stage.run();
    assert_eq!(fates(&stage), [2, 0, 2, 0, 0]);
    assert_eq!(stage.plane.messages_in(0), 2);
}

#[test]
fn what_dies_with_its_task_comes_back_for_another() {
    // Received at 0 by a task that is killed at 50 ms; another, which starts then, gets it at 1 s and needs 100 ms.
    let blueprint = orders(&[0], 1_000, vec![wait(100)], consumer(1, 1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(50));
    stage.kill(stage.tasks[0][0]);
    stage.start(0, 0, 1.0);
    stage.run_until(ms(1_099));
    assert_eq!(fates(&stage), [2, 1, 0, 0, 0]);
    stage.run_until(ms(1_100));
    assert_eq!(fates(&stage), [2, 1, 1, 0, 0]);
    assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].errors, 1);
}

#[test]
fn a_sender_that_gave_up_may_have_sent_and_its_retry_sends_again() {
    // Both attempts time out after 10 ms and are in the queue after 15.
    let mut blueprint = orders(&[0], 30_000, vec![wait(1)], consumer(1, 1));
    blueprint.model.sqs.send_message = constant(0.015);
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    blueprint.traffic[0].retry = fixed(2, Span::ZERO);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 20.0)]);
    assert_eq!((count(&stage).sent, count(&stage).deleted), (2, 2));
}

#[test]
fn a_queue_that_takes_no_message_fails_its_sender() {
    let mut blueprint = orders(&[0], 30_000, vec![wait(1)], consumer(1, 1));
    blueprint.queues[0].error_ratio = Ratio::ONE;
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 0.0)]);
    assert_eq!(count(&stage).sent, 0);
}

#[test]
fn an_operation_publishes_as_it_calls() {
    // The web service publishes after 5 ms, which takes 15 ms, and answers; the worker has 100 ms to do then.
    let mut blueprint = orders(&[0], 30_000, vec![wait(5), Step::Call(CallIx(0))], consumer(1, 1));
    blueprint.model.sqs.send_message = constant(0.015);
    blueprint.calls = vec![call(Callee::Queue(QueueIx(0)))];
    blueprint.traffic[0].to = Destination::Service {
        service: ServiceIx(0),
        balancing: Balancing::RoundRobin,
    };
    blueprint.services[0].consumes.clear();
    blueprint.programs.push(Program { steps: vec![wait(100)] });
    blueprint.services.push(service("worker", 3, workers(1)));
    blueprint.services[1].consumes = vec![consumer(1, 1)];
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(119));
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 20.0)]);
    assert_eq!(fates(&stage), [1, 0, 0, 0, 0]);
    stage.run_until(ms(120));
    assert_eq!(fates(&stage), [1, 0, 1, 0, 0]);
}

#[test]
fn an_event_loop_handles_messages_on_its_loop() {
    // 50 ms on the only loop each: the third one ends after 150 ms, though there are three pollers and eight CPUs.
    let steps = vec![Step::Cpu(constant(0.05))];
    let mut blueprint = orders(&[0, 0, 0], 30_000, steps, consumer(1, 3));
    blueprint.services[0].revisions[0].runtime = Runtime::EventLoop { loops: 1, backlog: 0 };
    let mut stage = Stage::new(&blueprint);
    let task = stage.tasks[0][0];
    stage.kill(task);
    stage.start(0, 0, 8.0);
    stage.run_until(ms(149));
    assert_eq!(fates(&stage)[2], 2);
    stage.run_until(ms(150));
    assert_eq!(fates(&stage)[2], 3);
    assert_eq!(stage.plane.in_flight(), 0);
}

#[test]
fn a_queue_without_tasks_keeps_its_messages_and_says_how_old_they_are() {
    let blueprint = orders(&[0, 10_000], 30_000, vec![wait(1)], consumer(1, 1));
    let mut stage = Stage::new(&blueprint);
    stage.kill(stage.tasks[0][0]);
    stage.run_until(ms(60_000));
    let meter = stage.plane.meter(0, ms(60_000), &blueprint.model.alb);
    let queue = meter.queues[0];
    assert_eq!((queue.visible, queue.not_visible, queue.sent), (2, 0, 2));
    assert_eq!(queue.oldest, Span::from_secs(60));
}

#[test]
fn what_was_sent_is_deleted_dead_expired_or_still_there() {
    // Everything at once: failures, work that outlasts the timeout, deaths, few receives and a short retention.
    let steps = vec![Step::Wait(exponential(0.08)), fail(0.2)];
    let mut blueprint = orders(&[], 120, steps, consumer(3, 4));
    blueprint.traffic[0].source = Source::Open {
        profile: RateProfile {
            segments: vec![RateSegment {
                start: Instant::ZERO,
                end: Instant::NEVER,
                from: 140.0,
                to: 140.0,
            }],
        },
        arrivals: Arrivals::Poisson,
    };
    blueprint.duration = Span::from_secs(60);
    let exponential = || exponential(0.01);
    blueprint.model.sqs = SqsModel {
        send_message: exponential(),
        receive_message: exponential(),
        delete_message: exponential(),
    };
    blueprint.queues.push(queue("letters", 100));
    blueprint.queues[0].message_retention_period = Span::from_secs(3);
    blueprint.queues[0].redrive_policy = Some(RedrivePolicy {
        dead_letter_queue: QueueIx(1),
        max_receive_count: 3,
    });
    let mut stage = Stage::with_tasks(&blueprint, 3);
    for second in 1..=59 {
        stage.run_until(ms(1_000 * second));
        let task = stage.tasks[0].remove(0);
        stage.kill(task);
        stage.start(0, 0, 1.0);
    }
    stage.run_until(ms(60_000));
    let [orders, letters] = stage.plane.queue_counts()[..] else {
        panic!("two queues")
    };
    let gone = orders.deleted + orders.dead_lettered + orders.expired;
    assert_eq!(orders.sent, gone + stage.plane.messages_in(0));
    assert_eq!(letters.sent, orders.dead_lettered);
    assert_eq!(letters.sent, stage.plane.messages_in(1));
    for (what, count) in [
        ("redelivered", orders.redelivered),
        ("done twice", orders.duplicates),
        ("dead", orders.dead_lettered),
        ("expired", orders.expired),
        ("failed", orders.failed),
    ] {
        assert!(count > 0, "nothing was {what}");
    }
    // Once all tasks are gone nothing is in the hands of anybody.
    for task in stage.tasks[0].clone() {
        stage.kill(task);
    }
    stage.run_until(ms(62_000));
    assert_eq!(stage.plane.in_flight(), 0);
}

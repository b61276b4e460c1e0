//! Queues: what they are if nothing is said, what they become, and what is doubted.

use super::rules::codes;
use super::*;

fn orders(queue: &str, consumer: &str, work: &str, rate: &str) -> String {
    format!(
        "queues: {{ orders: {{ {queue} }} }}
services: {{ worker: {{ consumes: [{{ queue: orders{consumer} }}], operations: {{ work: [{work}] }} }} }}
traffic: {{ shop: {{ to: orders, rate: {rate} }} }}
duration: 10m
"
    )
}

#[test]
fn a_queue_has_the_defaults_of_sqs_and_a_consumer_one_poller_for_one_message() {
    let it = blueprint(&orders("", "", "{ wait: 100ms }", "1/s"));
    let queue = &it.queues[0];
    assert_eq!(queue.visibility_timeout, Span::from_secs(30));
    assert_eq!(queue.message_retention_period, Span::from_secs(4 * 86_400));
    assert_eq!((queue.delay, queue.receive_message_wait_time), (Span::ZERO, Span::ZERO));
    let consumer = it.services[0].consumes[0];
    assert_eq!((consumer.batch_size, consumer.pollers), (1, 1));
    assert_eq!(consumer.batch_failure, BatchFailure::Item);
    assert!(matches!(it.traffic[0].to, Destination::Queue(QueueIx(0))));
}

#[test]
fn refuses_what_sqs_refuses_of_a_queue() {
    let of_queue = |said: &str| codes(&orders(said, "", "{ wait: 100ms }", "1/s"));
    assert_eq!(of_queue("visibility_timeout: 13h"), [Code::OutOfRange]);
    assert_eq!(of_queue("visibility_timeout: 0s"), [Code::OutOfRange]);
    assert_eq!(of_queue("delay: 16m"), [Code::OutOfRange]);
    assert_eq!(of_queue("receive_message_wait_time: 21s"), [Code::OutOfRange]);
    assert_eq!(of_queue("message_retention_period: 15d"), [Code::OutOfRange]);
    assert_eq!(
        of_queue("redrive_policy: { dead_letter_queue: letters, max_receive_count: 3 }"),
        [Code::UnknownName]
    );
    assert_eq!(of_queue("fifo_queue: true"), [Code::NotModelledYet]);
    let of_consumer = |said: &str| codes(&orders("", said, "{ wait: 100ms }", "1/s"));
    assert_eq!(of_consumer(", batch_size: 11"), [Code::OutOfRange]);
    assert_eq!(of_consumer(", operation: rest"), [Code::UnknownName]);
}

#[test]
fn refuses_messages_to_what_is_no_queue_and_senders_that_cannot_wait() {
    let of_step = |step: &str| codes(&orders("", "", step, "1/s"));
    assert_eq!(of_step("{ publish: { queue: returns } }"), [Code::UnknownName]);
    // `model.sqs.send_message` is 10 ms.
    assert_eq!(
        of_step("{ publish: { queue: orders, timeout: 5ms } }"),
        [Code::TimeoutBelowNetwork]
    );
}

#[test]
fn doubts_queues_that_their_pollers_cannot_empty_and_only_those() {
    // A message takes a poller 80 ms and two answers of 10 ms: one poller handles ten a second.
    let load = |consumer: &str, rate: &str| codes(&orders("", consumer, "{ wait: 80ms }", rate));
    assert_eq!(load("", "9/s"), []);
    assert_eq!(load("", "11/s"), [Code::QueueWithoutBound]);
    assert_eq!(load(", pollers: 2", "11/s"), []);
}

#[test]
fn counts_the_messages_that_operations_publish() {
    let shop = |pollers: u32| {
        codes(&format!(
            "queues: {{ orders: {{}} }}
services:
  web: {{ operations: {{ get: [{{ repeat: {{ times: 2, steps: [{{ publish: {{ queue: orders }} }}] }} }}] }} }}
  worker: {{ consumes: [{{ queue: orders, pollers: {pollers} }}], operations: {{ work: [{{ wait: 80ms }}] }} }}
traffic: {{ users: {{ to: web, rate: 6/s }} }}
duration: 10m
"
        ))
    };
    assert_eq!(shop(1), [Code::QueueWithoutBound]);
    assert_eq!(shop(2), []);
}

#[test]
fn a_policy_follows_either_a_predefined_metric_or_one_of_its_own() {
    let scaled = |policy: &str| {
        let text = orders("", "", "{ wait: 100ms }", "1/s");
        let scaling = format!(
            "auto_scaling: {{ min_capacity: 1, max_capacity: 3, policies: [{{ target_tracking: {{ {policy} }} }}] }}, operations:"
        );
        text.replace("operations:", &scaling)
    };
    let backlog = "customized_metric_specification: { metrics: { backlog: { metric: ApproximateNumberOfMessagesVisible, \
                   stat: Average, queue: orders } } }";
    let it = blueprint(&scaled(&format!("{backlog}, target_value: 10")));
    let policy = &it.services[0].auto_scaling.as_ref().expect("it is scaled").policies[0];
    assert_eq!(policy.name, "customized");
    let metrics = policy.metric.of(ServiceIx(0));
    assert_eq!(metrics, [Metric::Queue(QueueIx(0), QueueMetric::MessagesVisible)]);
    assert_eq!(codes(&scaled("target_value: 10")), [Code::NotExactlyOne]);
    let both = format!("{backlog}, metric: ECSServiceAverageCPUUtilization, target_value: 10");
    assert_eq!(codes(&scaled(&both)), [Code::NotExactlyOne]);
    assert_eq!(
        codes(&scaled(&format!("{backlog}, target_value: 10%"))),
        [Code::MalformedQuantity]
    );
}

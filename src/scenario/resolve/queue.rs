//! Queues: their attributes within AWS's ranges, who puts messages into them, and who consumes them.

use super::{Context, Table, behaviour, each, guard, load};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema;
use crate::units::Span;

const DAY_S: u64 = 86_400;

pub(super) fn queues(cx: &mut Context) -> Vec<MessageQueue> {
    let root = Path::Root;
    let section = root.key("queues");
    let mut queues = Vec::new();
    each(&cx.said.queues, &section, |_, name, said, path| {
        let visible = path.key("visibility_timeout");
        cx.positive(said.visibility_timeout.0, &visible);
        cx.within(said.visibility_timeout.0, 0..=12 * 3600, &visible);
        cx.within(said.delay.0, 0..=15 * 60, &path.key("delay"));
        cx.within(
            said.message_retention_period.0,
            60..=14 * DAY_S,
            &path.key("message_retention_period"),
        );
        cx.within(
            said.receive_message_wait_time.0,
            0..=20,
            &path.key("receive_message_wait_time"),
        );
        queues.push(MessageQueue {
            name: name.to_owned(),
            delay: said.delay.0,
            visibility_timeout: said.visibility_timeout.0,
            message_retention_period: said.message_retention_period.0,
            receive_message_wait_time: said.receive_message_wait_time.0,
            redrive_policy: redrive_policy(cx, said, path),
            error_ratio: said.error_ratio.0,
        });
    });
    queues
}

fn redrive_policy(cx: &mut Context, said: &schema::Queue, path: &Path) -> Option<RedrivePolicy> {
    let policy = said.redrive_policy.as_ref()?;
    let path = path.key("redrive_policy");
    let found = cx.find(Table::Queue, &policy.dead_letter_queue, &path.key("dead_letter_queue"))?;
    Some(RedrivePolicy {
        dead_letter_queue: QueueIx::from_usize(found),
        max_receive_count: policy.max_receive_count,
    })
}

/// A step that puts a message into a queue.
pub(super) fn publish(cx: &mut Context, said: &schema::Publish, name: String, path: &Path) -> Option<CallSite> {
    let retry = behaviour::retry(cx, said.retry.as_ref(), &path.key("retry"));
    let guards = guard::guards(cx, guard::Said::of_publish(said), path);
    let timeout = said.timeout.map(|timeout| timeout.0);
    if let Some(timeout) = timeout {
        cx.positive(timeout, &path.key("timeout"));
        check_patience(cx, timeout, &path.key("timeout"));
    }
    let queue = cx.find(Table::Queue, &said.queue, &path.key("queue"))?;
    Some(CallSite {
        name,
        to: Callee::Queue(QueueIx::from_usize(queue)),
        timeout,
        retry,
        guards,
        direct: Direct::default(),
    })
}

/// Reports a timeout within which no queue answers.
fn check_patience(cx: &mut Context, timeout: Span, path: &Path) {
    let root = Path::Root;
    let model = root.key("model");
    let sqs = model.key("sqs");
    let said = &cx.said.model.sqs;
    let shortest = cx.dist(&said.send_message, &sqs.key("send_message")).quantile(0.0);
    if !timeout.is_zero() && timeout.seconds() <= shortest {
        let message = "this timeout is shorter than sending a message takes";
        cx.problems
            .report_with(Code::TimeoutBelowNetwork, path, message, |diagnostic| {
                diagnostic.expected(format!(
                    "more than `model.sqs.send_message`, which takes at least {:.3} ms",
                    shortest * 1e3
                ))
            });
    }
}

/// What a service consumes.
pub(super) fn consumers(cx: &mut Context, service: &str, said: &schema::Service, path: &Path) -> Vec<Consumer> {
    let section = path.key("consumes");
    let mut consumers = Vec::new();
    for (at, consumer) in said.consumes.iter().enumerate() {
        let here = section.at(at);
        let queue = cx.find(Table::Queue, &consumer.queue, &here.key("queue"));
        let operation = match &consumer.operation {
            None => Some(0),
            Some(name) => {
                let found = said.operations.position(name);
                if found.is_none() {
                    let message = format!("`{service}` has no operation `{name}`");
                    cx.problems
                        .report_with(Code::UnknownName, &here.key("operation"), message, |diagnostic| {
                            diagnostic.did_you_mean(name, said.operations.names())
                        });
                }
                found
            }
        };
        cx.positive(consumer.poll_interval.0, &here.key("poll_interval"));
        if let (Some(queue), Some(operation)) = (queue, operation) {
            consumers.push(Consumer {
                queue: QueueIx::from_usize(queue),
                operation: OperationIx::from_usize(operation),
                batch_size: consumer.batch_size as u8,
                pollers: consumer.pollers,
                poll_interval: consumer.poll_interval.0,
                batch_failure: match consumer.report_batch_item_failures {
                    true => BatchFailure::Item,
                    false => BatchFailure::Batch,
                },
            });
        }
    }
    consumers
}

pub(super) fn model(cx: &mut Context, said: &schema::SqsModel, path: &Path) -> SqsModel {
    SqsModel {
        send_message: cx.dist(&said.send_message, &path.key("send_message")),
        receive_message: cx.dist(&said.receive_message, &path.key("receive_message")),
        delete_message: cx.dist(&said.delete_message, &path.key("delete_message")),
    }
}

/// Dead letters that come round again, and what is legal and unwise.
pub(super) fn check(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("queues");
    for (at, queue) in blueprint.queues.iter().enumerate() {
        let path = section.key(&queue.name);
        let ix = QueueIx::from_usize(at);
        if let Some(way) = round(blueprint, ix) {
            let message = format!("dead letters that come back: {way}");
            let policy = path.key("redrive_policy");
            cx.report_hint(
                Code::DeadLetterCycle,
                &policy.key("dead_letter_queue"),
                message,
                "let the dead letters go to a queue that keeps them",
            );
            continue;
        }
        retention(cx, blueprint, queue, &path);
        let is_fed = puts_into(blueprint, ix);
        let is_consumed = consumers_of(blueprint, ix).next().is_some();
        let holds_dead_letters = blueprint.queues.iter().any(|other| {
            other
                .redrive_policy
                .is_some_and(|policy| policy.dead_letter_queue == ix)
        });
        if is_fed && !is_consumed {
            cx.report_hint(
                Code::QueueWithoutConsumer,
                &path,
                format!("no service consumes `{}`: it only grows", queue.name),
                "give a service `consumes: [{ queue: … }]`",
            );
        }
        if is_consumed && !is_fed && !holds_dead_letters {
            cx.report_hint(
                Code::QueueOfNobody,
                &path,
                format!("nothing puts a message into `{}`", queue.name),
                "send `traffic` to it, or let an operation `publish`",
            );
        }
    }
}

/// `a → b → a`, if the dead letters of a queue come back to it; told once, of the first queue of the round.
fn round(blueprint: &Blueprint, start: QueueIx) -> Option<String> {
    let mut names = vec![blueprint.queues[start.at()].name.as_str()];
    let mut here = start;
    for _ in 0..blueprint.queues.len() {
        here = blueprint.queues[here.at()].redrive_policy?.dead_letter_queue;
        if here < start {
            return None;
        }
        names.push(&blueprint.queues[here.at()].name);
        if here == start {
            return Some(names.join(" → "));
        }
    }
    None
}

/// Messages that are gone before they come back, and dead letters that are gone when they arrive.
fn retention(cx: &mut Context, blueprint: &Blueprint, queue: &MessageQueue, path: &Path) {
    let kept = queue.message_retention_period;
    let here = path.key("message_retention_period");
    if kept <= queue.visibility_timeout {
        let message = format!(
            "messages are kept for {} and hidden for {} when they are received",
            print_duration(kept),
            print_duration(queue.visibility_timeout)
        );
        let hint = "what fails is never tried again; keep messages longer, or hide them for less";
        cx.report_hint(Code::RetentionTooShort, &here, message, hint);
    }
    let Some(policy) = queue.redrive_policy else { return };
    let letters = &blueprint.queues[policy.dead_letter_queue.at()];
    if letters.message_retention_period < kept {
        let message = format!(
            "`{}` keeps dead letters for {} from their first sending, and `{}` keeps messages for {}",
            letters.name,
            print_duration(letters.message_retention_period),
            queue.name,
            print_duration(kept)
        );
        let hint = "a letter that dies late is gone at once; keep dead letters longer than messages";
        cx.report_hint(Code::RetentionTooShort, &here, message, hint);
    }
}

/// The services that consume a queue, by position.
pub(super) fn consumers_of(blueprint: &Blueprint, queue: QueueIx) -> impl Iterator<Item = (usize, &Consumer)> {
    let services = blueprint.services.iter().enumerate();
    services
        .flat_map(|(at, service)| service.consumes.iter().map(move |consumer| (at, consumer)))
        .filter(move |(_, consumer)| consumer.queue == queue)
}

/// Messages of a queue that its consumers can handle in a second, at most; nothing if it has none. `held`: seconds that a
/// message takes.
pub(super) fn capacity(blueprint: &Blueprint, queue: QueueIx, held: impl Fn(usize, OperationIx) -> f64) -> f64 {
    let sqs = &blueprint.model.sqs;
    consumers_of(blueprint, queue)
        .map(|(service, consumer)| {
            let receive = sqs.receive_message.mean() / f64::from(consumer.batch_size);
            let takes = held(service, consumer.operation) + receive + sqs.delete_message.mean();
            f64::from(load::most_tasks(blueprint, service)) * f64::from(consumer.pollers) / takes
        })
        .sum()
}

/// Whether anything puts messages into a queue.
fn puts_into(blueprint: &Blueprint, queue: QueueIx) -> bool {
    let traffic = blueprint.traffic.iter();
    let mut calls = blueprint.calls.iter();
    traffic
        .map(|traffic| &traffic.to)
        .any(|to| matches!(to, Destination::Queue(to) if *to == queue))
        || calls.any(|call| matches!(call.to, Callee::Queue(to) if to == queue))
}

/// Handling that outlasts the time for which a message is hidden, by the means of what it does.
pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint, held: impl Fn(usize, OperationIx) -> f64) {
    let root = Path::Root;
    let section = root.key("services");
    for (at, service) in blueprint.services.iter().enumerate() {
        let path = section.key(&service.name);
        let path = path.key("consumes");
        for (position, consumer) in service.consumes.iter().enumerate() {
            let queue = &blueprint.queues[consumer.queue.at()];
            let one = held(at, consumer.operation);
            let batch = one * f64::from(consumer.batch_size);
            let hidden = queue.visibility_timeout.seconds();
            if batch <= hidden {
                continue;
            }
            let whole = match consumer.batch_size {
                1 => String::new(),
                size => format!(", and a batch of {size} takes {}", seconds(batch)),
            };
            let message = format!(
                "`{}` takes {} for a message{whole}, and `{}` hides it for {}",
                service.operations[consumer.operation.at()],
                seconds(one),
                queue.name,
                print_duration(queue.visibility_timeout)
            );
            cx.report_hint(
                Code::HandlingOutlastsVisibility,
                &path.at(position),
                message,
                "others receive it meanwhile and do it again: raise `visibility_timeout`, or take smaller batches",
            );
        }
    }
}

fn seconds(span: f64) -> String {
    print_duration(Span::from_secs_f64(span))
}

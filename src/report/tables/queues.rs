//! `queues.csv`: what came of the messages of each queue.

use crate::probe::{Estimate, Pool, ratio};
use crate::report::table::{Schema, Table, Value, column};
use crate::report::words::{count, counted};
use crate::sim::observation::QueueCount;
use crate::stats::LatencyHistogram;
use crate::units::Span;

pub const QUEUES: Schema = Schema {
    name: "queues",
    about: "One row for each queue, in measured time, all runs together. What was sent or there at the beginning is deleted, \
            dead, expired or left.",
    columns: &[
        column("queue", "Its name."),
        column("sent", "Messages put into it, dead letters of other queues included."),
        column("received", "Messages received, each as often as it was."),
        column("redelivered", "Of these, not for the first time."),
        column(
            "failed",
            "Of these, whose handling failed. What died with its task is not among them.",
        ),
        column("deleted", "Messages that were handled and deleted."),
        column(
            "duplicates",
            "Messages that were handled well by somebody who could no longer delete them: they had been received again meanwhile, \
             or were gone.",
        ),
        column(
            "dead_letters",
            "Messages moved to the dead-letter queue because they had been received too often.",
        ),
        column("expired", "Messages that were older than the retention period."),
        column("empty_receives", "Receives that found nothing."),
        column(
            "at_begin",
            "Messages in the queue when measuring began; of an average run.",
        ),
        column(
            "left",
            "Messages in the queue when measuring ended, those in flight included; of an average run.",
        ),
        column(
            "peak_visible",
            "Most messages that could be received at one time, of all runs.",
        ),
        column("peak_in_flight", "Most messages in flight at one time, of all runs."),
        column("oldest_s", "Oldest that a message became, in seconds."),
        column(
            "mean_wait_s",
            "From sending until the first receive, on average, in seconds.",
        ),
        column("mean_wait_s_low", "Its 95 % interval over runs."),
        column("mean_wait_s_high", ""),
        column("p50_wait_s", "The median of it."),
        column("p99_wait_s", "Its 99th percentile."),
        column("mean_s", "From sending until it was deleted, on average, in seconds."),
        column("mean_s_low", "Its 95 % interval over runs."),
        column("mean_s_high", ""),
        column("p50_s", "The median of it."),
        column("p99_s", "Its 99th percentile."),
        column("receives_per_message", "Received for each message that was sent."),
        column("receives_per_message_low", "Its 95 % interval over runs."),
        column("receives_per_message_high", ""),
        column("dead_letter_share", "Dead letters for each message that was sent."),
        column("dead_letter_share_low", "Its 95 % interval over runs."),
        column("dead_letter_share_high", ""),
    ],
};

pub fn queues(pool: &Pool) -> Table {
    let mut table = Table::new(&QUEUES);
    for (at, queue) in pool.blueprint.queues.iter().enumerate() {
        let runs = runs(pool, at);
        let sum = |of: fn(&QueueCount) -> u64| Value::count(runs.iter().map(|it| of(it)).sum());
        let most = |of: fn(&QueueCount) -> u64| Value::count(runs.iter().map(|it| of(it)).max().unwrap_or(0));
        let mean = |of: fn(&QueueCount) -> u64| {
            let sum: u64 = runs.iter().map(|it| of(it)).sum();
            Value::measured(sum as f64 / runs.len() as f64)
        };
        let oldest = runs.iter().map(|it| it.oldest).max().unwrap_or(Span::ZERO);
        let mut row = vec![
            Value::text(&queue.name),
            sum(|it| it.sent),
            sum(|it| it.received),
            sum(|it| it.redelivered),
            sum(|it| it.failed),
            sum(|it| it.deleted),
            sum(|it| it.duplicates),
            sum(|it| it.dead_lettered),
            sum(|it| it.expired),
            sum(|it| it.empty_receives),
            mean(|it| it.at_begin),
            mean(|it| it.at_end),
            most(|it| it.peak_visible),
            most(|it| it.peak_in_flight),
            Value::measured(oldest.seconds()),
        ];
        let histograms: [fn(&QueueCount) -> &LatencyHistogram; 2] = [|it| &it.waited, |it| &it.took];
        for times in histograms {
            let pairs = runs.iter().map(|it| times(it));
            let pairs = pairs.map(|times| (times.sum_nanos() as f64 / 1e9, times.len() as f64));
            row.extend(estimate(ratio(&pairs.collect::<Vec<_>>(), pool.level)));
            let mut all = LatencyHistogram::fine();
            runs.iter().for_each(|it| all.merge(times(it)));
            for quantile in [0.5, 0.99] {
                let span = all.quantile(quantile);
                row.push(Value::or_missing(span.map(|span| Value::measured(span.seconds()))));
            }
        }
        for of in [|it: &QueueCount| it.received, |it: &QueueCount| it.dead_lettered] {
            let pairs = runs.iter().map(|it| (of(it) as f64, it.sent as f64));
            row.extend(estimate(ratio(&pairs.collect::<Vec<_>>(), pool.level)));
        }
        table.push(row);
    }
    table
}

/// What each run counted of a queue.
fn runs<'p>(pool: &'p Pool, queue: usize) -> Vec<&'p QueueCount> {
    let counts = pool.records.iter().filter_map(|record| record.queues.get(queue));
    counts.collect()
}

/// Value, low and high.
fn estimate(estimate: Option<Estimate>) -> [Value; 3] {
    let value = estimate.as_ref().map(|it| Value::measured(it.value));
    let interval = estimate.and_then(|it| it.interval());
    [
        Value::or_missing(value),
        Value::or_missing(interval.map(|(low, _)| Value::measured(low))),
        Value::or_missing(interval.map(|(_, high)| Value::measured(high))),
    ]
}

/// Messages by which a run may leave more than it found without a word.
const GROWTH_WORTH_A_WORD: u64 = 10;

/// `orders: 1,200 messages sent, 1,190 deleted, 3 done twice`, one line for each queue.
pub fn in_words(pool: &Pool) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, queue) in pool.blueprint.queues.iter().enumerate() {
        let runs = runs(pool, at);
        let sum = |of: fn(&QueueCount) -> u64| runs.iter().map(|it| of(it)).sum::<u64>();
        let (sent, begin, left) = (sum(|it| it.sent), sum(|it| it.at_begin), sum(|it| it.at_end));
        if sent + begin == 0 {
            continue;
        }
        let mut line = format!(
            "{}: {} sent, {} deleted",
            queue.name,
            counted(sent as usize, "message"),
            count(sum(|it| it.deleted))
        );
        let notable = [
            (sum(|it| it.redelivered), "delivered again"),
            (sum(|it| it.duplicates), "done twice"),
            (sum(|it| it.dead_lettered), "became dead letters"),
            (sum(|it| it.expired), "expired"),
        ];
        for (times, what) in notable.into_iter().filter(|(times, _)| *times > 0) {
            line.push_str(&format!(", {} {what}", count(times)));
        }
        if left > begin + GROWTH_WORTH_A_WORD * runs.len() as u64 {
            line.push_str(&format!(", {} left", count(left)));
        }
        lines.push(line);
    }
    lines
}

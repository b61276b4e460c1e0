//! `calls.csv` and `amplification.csv`: how often things were tried, and what of the work was for nothing.

use super::label;
use crate::blueprint::{CallIx, ServiceIx, TrafficIx};
use crate::probe::pool::{Amplification, Calls};
use crate::probe::{Estimate, Pool};
use crate::report::table::{Schema, Table, Value, column};
use crate::sim::observation::{Reason, Sender};

pub const CALLS: Schema = Schema {
    name: "calls",
    about: "One row for each place that requests are sent from: each call of each operation's program, then each traffic \
            source. Counted when sent, in measured time, all runs together.",
    columns: &[
        column("from", "A call as `service/operation/step`, or a traffic source."),
        column("to", "Whom it sends to: a service, dependency or load balancer."),
        column("calls", "First attempts."),
        column("attempts", "All attempts."),
        column("attempts_per_call", "attempts / calls."),
        column("attempts_per_call_low", "Its 95 % interval over runs."),
        column("attempts_per_call_high", ""),
        column("retried", "Attempts after a failed one."),
        column("hedged", "Attempts beside one that still ran."),
        column("hedges_won", "Of these, answered well before the other."),
        column("denied", "Retries and hedges that a budget did not allow."),
        column("fallbacks", "Calls that failed for good and whose fallback ran."),
        column("failed", "Attempts that failed."),
        column("timed_out", "Of these, whose sender's patience ended."),
        column(
            "reasons",
            "Why they failed, the most frequent first: `queue_full 12; task_died 3`. The words are those of `failures.csv`.",
        ),
    ],
};

pub const AMPLIFICATION: Schema = Schema {
    name: "amplification",
    about: "One row for each service: how many attempts reached its tasks for each request that clients offered, and how \
            much of its work was wasted, because somebody above had given up (whoever that was). Measured time, all runs \
            together, health checks aside.",
    columns: &[
        column("service", "Service."),
        column("attempts", "Attempts that reached a task, refused ones included."),
        column("attempts_per_request", "attempts over requests that clients offered."),
        column("attempts_per_request_low", "Its 95 % interval over runs."),
        column("attempts_per_request_high", ""),
        column("wasted", "Attempts worked on to their end for nobody."),
        column("wasted_share", "wasted / attempts."),
        column("wasted_share_low", "Its 95 % interval over runs."),
        column("wasted_share_high", ""),
        column("wasted_cpu_s", "CPU time spent on them, in seconds of one vCPU."),
        column("wasted_cpu_share", "Of the CPU time that the service used."),
        column(
            "dropped",
            "Attempts dropped before their end because their caller had gone (`on_disconnect: cancel`).",
        ),
    ],
};

fn with_interval(estimate: Option<Estimate>) -> [Value; 3] {
    let interval = estimate.and_then(|it| it.interval());
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    [
        number(estimate.map(|it| it.value)),
        number(interval.map(|(low, _)| low)),
        number(interval.map(|(_, high)| high)),
    ]
}

pub fn calls(pool: &Pool) -> Table {
    let mut table = Table::new(&CALLS);
    let blueprint = pool.blueprint;
    let calls = (0..blueprint.calls.len()).map(|at| Sender::Call(CallIx::from_usize(at)));
    let traffic = (0..blueprint.traffic.len()).map(|at| Sender::Traffic(TrafficIx::from_usize(at)));
    for (at, sender) in calls.chain(traffic).enumerate() {
        let calls = pool.calls(at);
        let total = calls.total();
        let mut row = vec![
            Value::text(label::sender(blueprint, sender)),
            Value::text(label::receiver(blueprint, sender)),
            Value::count(total.attempts - total.retried - total.hedged),
            Value::count(total.attempts),
        ];
        row.extend(with_interval(calls.attempts_per_call()));
        row.push(Value::count(total.retried));
        row.push(Value::count(total.hedged));
        row.push(Value::count(total.hedges_won));
        row.push(Value::count(total.denied));
        row.push(Value::count(total.fallbacks));
        let failed = calls.failed();
        row.push(Value::count(failed.iter().map(|(_, count)| count).sum()));
        let timeouts = failed
            .iter()
            .filter(|(reason, _)| matches!(reason, Reason::TimedOut(_)));
        row.push(Value::count(timeouts.map(|(_, count)| count).sum()));
        let reasons: Vec<String> = failed
            .iter()
            .map(|(reason, count)| format!("{} {count}", reason.name()))
            .collect();
        row.push(Value::text(reasons.join("; ")));
        table.push(row);
    }
    table
}

pub fn amplification(pool: &Pool) -> Table {
    let mut table = Table::new(&AMPLIFICATION);
    for at in 0..pool.blueprint.services.len() {
        let service = ServiceIx::from_usize(at);
        let it = pool.amplification(service);
        let mut row = vec![label::service(pool.blueprint, service), Value::count(it.work.attempts)];
        row.extend(with_interval(it.attempts_per_request));
        row.push(Value::count(it.work.wasted));
        row.extend(with_interval(it.wasted_share));
        row.push(Value::measured(it.work.wasted_cpu as f64 / 1e9));
        row.push(Value::or_missing(
            it.wasted_cpu_share.map(|share| Value::measured(share.value)),
        ));
        row.push(Value::count(it.work.dropped));
        table.push(row);
    }
    table
}

/// Senders that send again and again, the worst first: `checkout/buy/1 → payments 2.4 attempts a call`.
pub fn worst_calls(pool: &Pool) -> Vec<(String, Calls)> {
    const WORTH_A_WORD: f64 = 1.05;
    let blueprint = pool.blueprint;
    let calls = (0..blueprint.calls.len()).map(|at| (at, Sender::Call(CallIx::from_usize(at))));
    let ratio = |calls: &Calls| calls.attempts_per_call().map_or(1.0, |it| it.value);
    let named = calls.map(|(at, sender)| {
        let (from, to) = (label::sender(blueprint, sender), label::receiver(blueprint, sender));
        (format!("{from} → {to}"), pool.calls(at))
    });
    let mut worst: Vec<_> = named.filter(|(_, calls)| ratio(calls) >= WORTH_A_WORD).collect();
    worst.sort_by(|(_, a), (_, b)| ratio(b).total_cmp(&ratio(a)));
    worst
}

/// Services much of whose work was for nothing, the worst first.
pub fn wasteful<'a>(pool: &Pool<'a>) -> Vec<(&'a str, Amplification)> {
    const WORTH_A_WORD: f64 = 0.02;
    let share = |it: &Amplification| it.wasted_share.map_or(0.0, |share| share.value);
    let services = pool.blueprint.services.iter().enumerate();
    let named = services.map(|(at, service)| (service.name.as_str(), pool.amplification(ServiceIx::from_usize(at))));
    let mut worst: Vec<_> = named.filter(|(_, it)| share(it) >= WORTH_A_WORD).collect();
    worst.sort_by(|(_, a), (_, b)| share(b).total_cmp(&share(a)));
    worst
}

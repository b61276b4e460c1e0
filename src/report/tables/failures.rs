//! `failures.csv`: why requests were not served, and where.

use super::label;
use crate::probe::{FailureCount, Pool};
use crate::report::table::{Schema, Table, Value, column};

pub const FAILURES: Schema = Schema {
    name: "failures",
    about: "One row for each way in which requests of a class were not served: the outcome that the client saw, and the \
            root of it, which is the deepest call at which something went wrong in the last attempt. All runs together, \
            the most frequent first.",
    columns: &[
        column("class", "Request class."),
        column(
            "outcome",
            "How the request ended for its client; the columns of `summary.csv`.",
        ),
        column(
            "reason",
            "Why. Timeouts say what was going on at the far end of the calls when patience ended: waiting in a `queue`, \
             on the `cpu`, in a `wait` step, in a `dependency`, on_the_way, in the `backoff` before another attempt, or \
             `unanswered`, as nothing was going to come.",
        ),
        column(
            "from",
            "Whose attempt failed, or whose patience ended: a call as `service/operation/step`, or a traffic source.",
        ),
        column("to", "Whom it sends to: a service, dependency or load balancer."),
        column(
            "where",
            "Where it went wrong: `service/operation`, a dependency or a load balancer.",
        ),
        column("requests", "Requests that ended so."),
        column("share", "Of the class's offered requests."),
    ],
};

pub fn failures(pool: &Pool) -> Table {
    let mut table = Table::new(&FAILURES);
    let blueprint = pool.blueprint;
    for count in pool.failures() {
        let offered = pool.requests(Some(count.class)).outcomes().offered();
        let failure = count.failure;
        table.push(vec![
            label::class(blueprint, count.class),
            Value::text(count.outcome.name()),
            Value::text(failure.reason.name()),
            Value::text(label::sender(blueprint, failure.from)),
            Value::text(label::receiver(blueprint, failure.from)),
            Value::Text(label::place(blueprint, failure.place)),
            Value::count(count.requests),
            Value::measured(count.requests as f64 / offered as f64),
        ]);
    }
    table
}

/// A reason and its place as a person would say them.
pub fn in_words(pool: &Pool, count: &FailureCount) -> String {
    let reason = count.failure.reason.name().replace('_', " ");
    format!("{reason} at {}", label::place(pool.blueprint, count.failure.place))
}

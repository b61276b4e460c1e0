//! `time.csv`: where the time of requests went.

use super::label;
use crate::blueprint::{Blueprint, ClassIx};
use crate::probe::Pool;
use crate::probe::times::Whose;
use crate::probe::traces::{Owner, Part};
use crate::report::table::{Schema, Table, Value, column};

pub const TIME: Schema = Schema {
    name: "time",
    about: "Where the time of the followed requests went (`experiment.traces`), one row for each place and kind of time, \
            the longest first. Each moment of a request is put down to one thing: of branches that run side by side, to \
            the one that ended last. So the rows of one class and group add up to its mean latency.",
    columns: &[
        column("class", "Request class, or `all`."),
        column(
            "requests",
            "Which: `served`, the `slowest_1_percent` of these, or `failed`.",
        ),
        column("followed", "How many such requests were followed, over all runs."),
        column("where", "A service, dependency or load balancer, or `clients`."),
        column(
            "part",
            "`queue` (for a worker, a loop or a slot), `cpu` (the work itself), `contention` (what the CPU takes beyond it: \
             others on it, stalls of its quota), `wait` (steps without CPU), `service` (of a dependency), `network` (on the \
             way there and back) or `backoff` (pauses between attempts of what it calls).",
        ),
        column("mean_ms", "For each of these requests."),
        column("share", "Of their latency."),
    ],
};

pub fn time(pool: &Pool) -> Table {
    let mut table = Table::new(&TIME);
    let classes = (0..pool.blueprint.classes.len()).map(|at| Some(ClassIx::from_usize(at)));
    let all = (pool.blueprint.classes.len() != 1).then_some(None);
    for class in classes.chain(all) {
        for whose in Whose::ALL {
            let Some(times) = pool.times(class, whose) else {
                continue;
            };
            for &(owner, part, span) in &times.parts {
                table.push(vec![
                    class.map_or_else(|| Value::text("all"), |class| label::class(pool.blueprint, class)),
                    Value::text(whose.name()),
                    Value::count(times.requests as u64),
                    Value::text(place(pool.blueprint, owner)),
                    Value::text(part.name()),
                    Value::measured(times.mean_ms(span)),
                    Value::measured(times.share(span)),
                ]);
            }
        }
    }
    table
}

pub fn place(blueprint: &Blueprint, owner: Owner) -> &str {
    match owner {
        Owner::Clients => "clients",
        Owner::LoadBalancer(at) => &blueprint.load_balancers[at.at()].name,
        Owner::Service(at) => &blueprint.services[at.at()].name,
        Owner::Dependency(at) => &blueprint.dependencies[at.at()].name,
        Owner::Queue(at) => &blueprint.queues[at.at()].name,
    }
}

/// `waiting for a worker of catalog`.
pub fn in_words(blueprint: &Blueprint, owner: Owner, part: Part) -> String {
    let place = place(blueprint, owner);
    match (part, owner) {
        (Part::Queue, Owner::Dependency(_)) => format!("waiting for a slot of {place}"),
        (Part::Queue, _) => format!("waiting for a worker of {place}"),
        (Part::Cpu, _) => format!("CPU work of {place}"),
        (Part::Contention, _) => format!("waiting for the CPU of {place}"),
        (Part::Wait, _) => format!("waits of {place}"),
        (Part::Service, _) => format!("served by {place}"),
        (Part::Network, _) => format!("on the way to {place} and back"),
        (Part::Backoff, Owner::Clients) => "the clients' pauses before they tried again".to_owned(),
        (Part::Backoff, _) => format!("pauses of {place} before it tried again"),
    }
}

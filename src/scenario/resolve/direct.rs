//! What a sender without balancer does besides choosing among all tasks.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Form};

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// A task.
    Call,
    /// Clients, who are told apart or not.
    Traffic { clients: Option<u32> },
}

/// The algorithm, and what else there is to it. `service` is the callee's position.
pub(super) fn balancing(
    cx: &mut Context,
    said: Option<&schema::Balance>,
    sender: Sender,
    service: usize,
    path: &Path,
) -> (Balancing, Direct) {
    let long = match said {
        None => schema::ClientBalancing::default(),
        Some(Form::Short(algorithm)) => schema::ClientBalancing {
            algorithm: *algorithm,
            ..Default::default()
        },
        Some(Form::Long(long)) => long.clone(),
    };
    check_sender(cx, &long, sender, path);
    for (key, size) in [("subset", long.subset), ("shuffle_shard", long.shuffle_shard)] {
        let (name, callee) = &cx.said.services.0[service];
        let Some((size, count)) = size.zip(callee.desired_count) else {
            continue;
        };
        if size >= count {
            let message = format!("`{name}` has {count} tasks, of which everybody gets {size}");
            let hint = format!("a `{key}` below {count} leaves some tasks to others");
            cx.report_hint(Code::ShardOfEverything, &path.key(key), message, hint);
        }
    }
    let zones = match long.zones {
        schema::ZonePreference::Any => ZonePreference::Any,
        schema::ZonePreference::SameZone => ZonePreference::SameZone,
        schema::ZonePreference::Proportional => ZonePreference::Proportional,
    };
    let alone = zones != ZonePreference::Any || long.subset.is_some();
    let direct = Direct {
        view: match long.view {
            Some(schema::ViewScope::PerTask) => ViewScope::PerTask,
            None if alone => ViewScope::PerTask,
            _ => ViewScope::Shared,
        },
        zones,
        subset: long.subset,
        shuffle_shard: long.shuffle_shard,
        weights: match long.algorithm {
            schema::Balancing::WeightedRandom => Weights::Cpu,
            _ => Weights::Equal,
        },
    };
    (algorithm(long.algorithm), direct)
}

fn algorithm(said: schema::Balancing) -> Balancing {
    match said {
        schema::Balancing::RoundRobin => Balancing::RoundRobin,
        schema::Balancing::LeastOutstandingRequests => Balancing::LeastOutstandingRequests,
        schema::Balancing::Random => Balancing::Random,
        schema::Balancing::PowerOfTwoChoices => Balancing::PowerOfTwoChoices,
        schema::Balancing::WeightedRandom => Balancing::WeightedRandom,
    }
}

/// Reports keys that mean nothing for who sends.
fn check_sender(cx: &mut Context, said: &schema::ClientBalancing, sender: Sender, path: &Path) {
    let refuse = |cx: &mut Context, key: &str, message: &str, hint: &str| {
        cx.report_hint(Code::BalancingOfNobody, &path.key(key), message, hint);
    };
    match sender {
        Sender::Call if said.shuffle_shard.is_some() => refuse(
            cx,
            "shuffle_shard",
            "a calling task is no client",
            "say `subset` for calls; shards are for `traffic` with `clients` or `users`",
        ),
        Sender::Call => {
            let apart = said.zones != schema::ZonePreference::Any || said.subset.is_some();
            if apart && said.view == Some(schema::ViewScope::Shared) {
                let message = "callers that send to different tasks share no view";
                refuse(cx, "view", message, "leave it out, or say `per_task`");
            }
        }
        Sender::Traffic { clients } => {
            let keys = [
                ("view", said.view.is_some()),
                ("zones", said.zones != schema::ZonePreference::Any),
                ("subset", said.subset.is_some()),
            ];
            for (key, _) in keys.iter().filter(|(_, given)| *given) {
                let message = "traffic comes from outside: no task of a zone sends it";
                refuse(cx, key, message, "say it in a `call`");
            }
            if said.shuffle_shard.is_some() && clients.is_none() {
                let message = "nobody can have a shard: each request comes from a new client";
                refuse(cx, "shuffle_shard", message, "say how many `clients` there are");
            }
        }
    }
}

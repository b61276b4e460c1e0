//! Picks the task that an attempt is sent to, from what its sender knows.

use super::network::{Between, Crossing, Hop, Network};
use super::{Leg, purpose};
use crate::cluster::attempt::{Answer, Attempt, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::server::Servers;
use crate::cluster::view::View;
use crate::engine::arena::Id;
use crate::policy::routing::{self, Chooser};
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::units::{Instant, Span};

/// Whom a caller or node has picked among its targets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picked {
    Task,
    /// There is no target.
    Nobody,
    /// The control plane has not yet noticed that the target's process is gone: the connection is refused.
    Dead,
    /// The same, but nobody refuses either.
    Silent,
    /// The request crosses the target's closing of the idle connection it is sent on.
    Closed {
        round_trip: Span,
    },
}

/// Picks a task for an attempt from what its sender knows.
#[inline(always)]
pub(super) fn pick(
    attempt: &mut Attempt,
    view: &mut View,
    chooser: Chooser,
    servers: &Servers,
    now: Instant,
) -> Picked {
    let Some(at) = routing::choose(view, chooser, attempt.key.child(purpose::TARGET), now) else {
        return Picked::Nobody;
    };
    take(attempt, view, at, servers)
}

/// Sends an attempt to the target at a position of the view.
#[inline(always)]
pub(super) fn take(attempt: &mut Attempt, view: &mut View, at: usize, servers: &Servers) -> Picked {
    let task = view.began(at);
    attempt.task = Some(task);
    attempt.flags.set(Flags::OUTSTANDING);
    let Some(server) = servers.get(task) else {
        return Picked::Dead;
    };
    attempt.served = server.unrouted;
    attempt.zone = Some(server.zone);
    Picked::Task
}

/// Sends an attempt to the task that has been picked, or has it refused.
#[inline(always)]
pub(super) fn to_picked(
    cx: &mut Context<'_>,
    network: &Network,
    (attempt, id): (&mut Attempt, Id<Attempt>),
    picked: Picked,
) -> Crossing {
    let reason = match picked {
        Picked::Task => return network.carry(cx, id, to_task(attempt), DataEvent::AtTask),
        Picked::Silent => return Crossing::Lost,
        Picked::Nobody => Reason::NoTask,
        Picked::Dead | Picked::Closed { .. } => Reason::TargetGone,
    };
    attempt.phase = Phase::Answered(Answer::Refused(reason.here()));
    cx.follow(DataEvent::AnswerAtCaller, id);
    Crossing::UnderWay
}

/// The way straight to the task that has been picked.
#[inline]
fn to_task(attempt: &Attempt) -> Hop {
    Hop {
        leg: Leg::ToCallee,
        sender: attempt.site,
        key: attempt.key,
        from: attempt.from,
        to: attempt.zone,
        between: Between::AndTask(attempt.served),
    }
}

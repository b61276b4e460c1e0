//! Brown-out at work: whether a strand's optional steps are left out, and what its server learns from answers.
//!
//! The decisions are `policy`'s; a server without `brown_out` does everything.

use super::purpose;
use crate::blueprint::BrownOut;
use crate::cluster::attempt::{Attempt, Flags};
use crate::cluster::server::{BrownedOut, Servers};
use crate::policy::brown_out;
use crate::units::Instant;

/// Whether a strand that stands before optional steps is to leave them out; if so, its answer is degraded. `number`: of the
/// step, among the purposes of its draws.
#[inline(never)]
pub(super) fn leaves_out(servers: &mut Servers, attempt: &mut Attempt, number: u64, now: Instant) -> bool {
    let task = attempt.task.expect("a strand runs on a task");
    let server = servers.get_mut(task).expect("a strand dies with its server");
    let Some(state) = server
        .extras
        .as_mut()
        .and_then(|extras| extras.brown_out.as_deref_mut())
    else {
        return false;
    };
    let share = match state.rule {
        BrownOut::ResponseTime(_) => {
            goes_on(state, now);
            1.0 - state.dimmer.share
        }
        BrownOut::Cpu { from, to, .. } => {
            let load = state.load.as_mut().expect("a rule by CPU reads it");
            if load.is_due(now) {
                let used = server.cpu.used(now) + server.beside.used(now);
                load.read(now, used, server.reserved.vcpus());
            }
            brown_out::left_out_by_cpu(load.share, from, to)
        }
        BrownOut::Queue { from, to } => brown_out::left_out_by_queue(server.queue.len(), from, to),
    };
    let is_left_out = share > 0.0 && attempt.key.child(number).child(purpose::OPTIONAL).happens(share);
    if is_left_out {
        attempt.flags.set(Flags::DEGRADED);
    }
    is_left_out
}

/// A request that arrived then has been answered.
#[inline(never)]
pub(super) fn answered(state: &mut BrownedOut, now: Instant, arrived: Instant) {
    if let BrownOut::ResponseTime(_) = state.rule {
        goes_on(state, now);
        state.saw(now.since(arrived).seconds());
    }
}

/// Sets the dimmer if a period is over.
fn goes_on(state: &mut BrownedOut, now: Instant) {
    if let BrownOut::ResponseTime(rule) = state.rule
        && let Some(seen) = state.period_over(&rule, now)
    {
        state.dimmer = brown_out::dimmed(state.dimmer, seen, &rule);
    }
}

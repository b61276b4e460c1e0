//! Causes of failures: where a request hangs whose time is up, and what its client is told in the blueprint's words.

use super::program::Operations;
use super::{DataPlane, site};
use crate::blueprint::Blueprint;
use crate::cluster::attempt::{Answer, Attempt, Caller, Phase, Served};
use crate::cluster::cause::{Cause, Place, Reason, Stage};
use crate::engine::arena::Id;
use crate::sim::observation::{Failure, FailurePlace};

impl DataPlane {
    /// What goes on at the far end of the calls and branches that an attempt waits for, and where.
    #[cold]
    #[inline(never)]
    pub(super) fn hangs(&self, id: Id<Attempt>, reason: fn(Stage) -> Reason) -> Cause {
        let waiting = &self.attempts[id];
        let (_, last) = self.far_end(id);
        let (stage, place) = stage(last);
        Cause {
            reason: reason(stage),
            site: waiting.site,
            place,
        }
    }

    /// The attempt at the end of the chain that this one waits for: of several branches, the first that still runs.
    fn far_end(&self, id: Id<Attempt>) -> (Id<Attempt>, &Attempt) {
        let mut at = (id, &self.attempts[id]);
        loop {
            let next = match at.1.phase {
                Phase::Calling(call) => Some((call, Caller::Strand(at.0))),
                Phase::Joining { first, .. } => first.map(|branch| (branch, Caller::Join(at.0))),
                _ => None,
            };
            let next = next.and_then(|(id, caller)| {
                let attempt = self.attempts.get(id)?;
                (attempt.caller == caller).then_some((id, attempt))
            });
            match next {
                Some(next) => at = next,
                None => return at,
            }
        }
    }
}

/// What an attempt that calls nobody is about.
fn stage(attempt: &Attempt) -> (Stage, Place) {
    let serving = match attempt.served {
        Served::NOBODY => Place::Beyond(attempt.site),
        served => Place::Serving(served),
    };
    match attempt.phase {
        Phase::Paused => (Stage::Backoff, Place::Beyond(attempt.site)),
        Phase::Sent | Phase::Answered(_) => (Stage::Network, serving),
        Phase::Queued(_) => (Stage::Queue, serving),
        Phase::Ready | Phase::OnCpu => (Stage::Cpu, serving),
        Phase::Waiting if attempt.task.is_none() => (Stage::Dependency, serving),
        Phase::Waiting | Phase::Calling(_) | Phase::Joining { .. } => (Stage::Wait, serving),
        Phase::Lost => (Stage::Lost, serving),
    }
}

/// What a client's failed request is recorded with.
#[cold]
#[inline(never)]
pub(super) fn failure(blueprint: &Blueprint, operations: &Operations, attempt: &Attempt, answer: Answer) -> Failure {
    in_words_of(blueprint, operations, answer.cause().of(attempt))
}

/// A cause in terms of the blueprint.
pub(super) fn in_words_of(blueprint: &Blueprint, operations: &Operations, cause: Cause) -> Failure {
    let sender = |site| site::sender(blueprint, site);
    Failure {
        reason: cause.reason,
        from: sender(cause.site),
        place: match cause.place {
            Place::Unknown => FailurePlace::Beyond(sender(cause.site)),
            Place::Beyond(site) => FailurePlace::Beyond(sender(site)),
            Place::Serving(served) => {
                let service = operations.revision(served).service;
                let operation = operations.operation(served);
                FailurePlace::Service { service, operation }
            }
        },
    }
}

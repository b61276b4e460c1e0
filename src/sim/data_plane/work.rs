//! Counts what was sent, what failed, and what was done for nothing.
//!
//! Who loses its caller knows it ([`Flags::CALLER_GONE`]); whom it has called does not, but is marked
//! ([`Flags::UNWANTED`]) and hands the mark on to what it calls in its turn. So all work below a client that has given up
//! is counted as wasted, at each service that does some of it.

use super::{DataPlane, site};
use crate::blueprint::Blueprint;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase, Site};
use crate::engine::arena::Id;
use crate::sim::observation::{Reason, Sender, SenderSample};

impl DataPlane {
    /// An attempt has failed, whether or not another follows.
    #[cold]
    #[inline(never)]
    pub(super) fn count_failure(&mut self, id: Id<Attempt>, answer: Answer) {
        let site = self.attempts[id].site;
        if site != Site::NONE {
            self.sites[site.at()].sent.failed(answer.cause().reason);
        }
    }

    /// Nobody waits any more for what this strand does, so nobody needs what it has called.
    #[cold]
    #[inline(never)]
    pub(super) fn unwanted_below(&mut self, id: Id<Attempt>) {
        match self.attempts[id].phase {
            Phase::Calling(call) => self.unwanted(call, Caller::Strand(id)),
            Phase::Joining { first, .. } => {
                let mut next = first;
                while let Some(branch) = next {
                    next = self.attempts.get(branch).and_then(|branch| branch.sibling);
                    self.unwanted(branch, Caller::Join(id));
                }
            }
            _ => {}
        }
    }

    pub(super) fn unwanted(&mut self, id: Id<Attempt>, caller: Caller) {
        if let Some(attempt) = self.attempts.get_mut(id).filter(|attempt| attempt.caller == caller) {
            attempt.flags.set(Flags::UNWANTED);
            self.unwanted_below(id);
        }
    }

    /// A strand is dropped before its end; branches belong to theirs.
    pub(super) fn count_dropped(&mut self, id: Id<Attempt>) {
        let attempt = &self.attempts[id];
        if matches!(attempt.caller, Caller::Client(..) | Caller::Strand(_)) {
            self.work[self.operations.row(attempt.served).revision as usize].dropped += 1;
        }
    }

    /// What was sent and what failed since the last sample.
    pub(super) fn take_sent(&mut self, blueprint: &Blueprint) -> (Vec<SenderSample>, Vec<(Sender, Reason, u64)>) {
        let mut failures = Vec::new();
        let sent = self.sites.iter_mut().enumerate().map(|(at, state)| {
            let sent = std::mem::take(&mut state.sent);
            let sender = site::sender(blueprint, Site(at as u16));
            failures.extend(sent.failed.iter().map(|&(reason, count)| (sender, reason, count)));
            sent.sample()
        });
        let sent = sent.collect();
        (sent, failures)
    }
}

//! The connections that the senders of one site keep: idle ones by holder and by who is at the other end.
//!
//! A holder is a calling task or a client. The connection used last is taken first, so that those not needed grow old;
//! one that has been idle for as long as either side keeps it is closed.

use crate::blueprint::Connections;
use crate::cluster::Task;
use crate::engine::arena::{Id, RawId};
use crate::units::{Instant, Span};

pub(super) struct Kept {
    pub rule: Connections,
    /// By the calling task's slot, or the client's number.
    holders: Vec<Holder>,
}

/// Who keeps connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Task(Id<Task>),
    Client(usize),
}

impl Who {
    fn slot(self) -> usize {
        match self {
            Who::Task(task) => task.index() as usize,
            Who::Client(at) => at,
        }
    }
}

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Task(RawId),
    Node(u16),
}

#[derive(Default)]
struct Holder {
    who: Option<Who>,
    /// Since when each idle connection to a peer is.
    idle: Vec<(Peer, Vec<Instant>)>,
    /// The other side has closed a connection since one was last opened.
    bereaved: bool,
}

/// On what a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Open,
    /// One has to be opened first, in place of one that the other side has closed or not.
    New {
        again: bool,
    },
    /// The other side has closed it, and the news is still under way.
    Closing,
}

impl Kept {
    pub fn new(rule: Connections) -> Self {
        Kept {
            rule,
            holders: Vec::new(),
        }
    }

    fn holder(&mut self, who: Who) -> &mut Holder {
        let slot = who.slot();
        if self.holders.len() <= slot {
            self.holders.resize_with(slot + 1, Holder::default);
        }
        let holder = &mut self.holders[slot];
        if holder.who != Some(who) {
            *holder = Holder {
                who: Some(who),
                ..Holder::default()
            };
        }
        holder
    }

    /// A holder sends to a peer, `way` off, that keeps idle connections for `theirs`.
    pub fn take(&mut self, who: Who, peer: Peer, theirs: Span, way: Span, now: Instant) -> Found {
        let ours = self.rule.keep_alive;
        let holder = self.holder(who);
        let idle = holder.idle.iter_mut().find(|(known, _)| *known == peer);
        if let Some((_, idle)) = idle
            && let Some(since) = idle.pop()
        {
            let lasted = now.since(since);
            if lasted < ours && lasted < theirs {
                // The peer's answer left it one way earlier; what is sent now arrives one way later.
                let arrives_late = theirs < Span::FOREVER && lasted + way + way > theirs;
                return if arrives_late { Found::Closing } else { Found::Open };
            }
            // Those below have been idle for longer still.
            idle.clear();
        }
        Found::New {
            again: std::mem::take(&mut holder.bereaved),
        }
    }

    /// An answer has come: the connection is idle.
    pub fn rest(&mut self, who: Who, peer: Peer, now: Instant) {
        if self.rule.keep_alive.is_zero() {
            return;
        }
        let holder = self.holder(who);
        match holder.idle.iter_mut().find(|(known, _)| *known == peer) {
            Some((_, idle)) => idle.push(now),
            None => holder.idle.push((peer, vec![now])),
        }
    }

    /// The other side has closed the connection that a request was on.
    pub fn lost(&mut self, who: Who) {
        self.holder(who).bereaved = true;
    }

    /// The holder is somebody else from now on.
    pub fn forget(&mut self, who: Who) {
        if let Some(holder) = self.holders.get_mut(who.slot()) {
            *holder = Holder::default();
        }
    }

    /// A process is gone: whoever had connections to it has none any more.
    pub fn drop_of(&mut self, task: RawId) {
        for holder in &mut self.holders {
            let at = holder.idle.iter().position(|(peer, _)| *peer == Peer::Task(task));
            if let Some(at) = at {
                let (_, idle) = holder.idle.swap_remove(at);
                holder.bereaved |= !idle.is_empty();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_the_same_number_does_not_find_the_connections_of_the_one_before() {
        let mut kept = Kept::new(Connections {
            keep_alive: Span::from_secs(60),
            round_trips: 1,
            reconnect_jitter: Span::ZERO,
        });
        let (who, peer) = (Who::Client(3), Peer::Node(0));
        let take = |kept: &mut Kept| kept.take(who, peer, Span::FOREVER, Span::ZERO, Instant::ZERO);
        kept.rest(who, peer, Instant::ZERO);
        assert_eq!(take(&mut kept), Found::Open);
        kept.rest(who, peer, Instant::ZERO);
        kept.forget(who);
        assert_eq!(take(&mut kept), Found::New { again: false });
    }
}

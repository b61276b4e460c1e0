//! Deadlines that the answer normally disarms: one list for each length of patience, in order of deadline.
//!
//! Every entry of a list has waited equally long when it is due, so a new one goes to the tail and the head is the next
//! to fire. One timer a list stands at the deadline of what was the head when it was armed; it may find that this one has
//! been answered and moves on to the new head. So arming and disarming are list links, and memory is what is in
//! flight.
//!
//! An attempt is in one list at most. While a balancer's node waits for its target, that is the list of the node's idle
//! timeout if it is due first, else the caller's.

use super::attempt::{Attempt, Flags};
use super::queue::NO_SLOT;
use crate::engine::arena::{Arena, Id};
use crate::units::{Instant, Span};

/// Place in a list of [`Deadlines`]: which one, and the slots of the attempts before and after.
#[derive(Clone, Copy, Debug)]
pub struct DeadlineLink {
    previous: u32,
    next: u32,
    list: u32,
}

impl DeadlineLink {
    /// In no list.
    pub const NONE: DeadlineLink = DeadlineLink {
        previous: NO_SLOT,
        next: NO_SLOT,
        list: u32::MAX,
    };

    #[inline]
    pub fn is_none(&self) -> bool {
        self.list == u32::MAX
    }

    #[inline]
    pub fn is_in(&self, list: u16) -> bool {
        self.list == u32::from(list)
    }
}

#[derive(Clone, Debug, Default)]
pub struct Deadlines {
    lists: Vec<List>,
}

#[derive(Clone, Debug)]
struct List {
    patience: Span,
    head: u32,
    tail: u32,
    /// Whether the list's timer is armed.
    armed: bool,
}

impl Deadlines {
    /// The list for a length of patience; equal lengths share one.
    pub fn list(&mut self, patience: Span) -> u16 {
        let at = self
            .lists
            .iter()
            .position(|list| list.patience == patience)
            .unwrap_or_else(|| {
                self.lists.push(List {
                    patience,
                    head: NO_SLOT,
                    tail: NO_SLOT,
                    armed: false,
                });
                self.lists.len() - 1
            });
        u16::try_from(at).expect("a scenario has fewer than 65,536 different timeouts")
    }

    #[inline]
    pub fn patience(&self, list: u16) -> Span {
        self.lists[usize::from(list)].patience
    }

    pub fn len(&self) -> usize {
        self.lists.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Puts an attempt whose wait of the list's length begins now at the list's end. The caller writes the link into the
    /// attempt and then has it [`Deadlines::tied`], so that the attempt is looked up once.
    #[inline]
    pub fn join(&mut self, list: u16, id: Id<Attempt>, now: Instant) -> Joined {
        let entry = &mut self.lists[usize::from(list)];
        let previous = std::mem::replace(&mut entry.tail, id.index());
        if previous == NO_SLOT {
            entry.head = id.index();
        }
        let arm = (!std::mem::replace(&mut entry.armed, true)).then(|| now + entry.patience);
        Joined { list, previous, arm }
    }

    /// Ties the attempt before to one that has joined.
    #[inline]
    pub fn tied(&self, attempts: &mut Arena<Attempt>, joined: Joined, id: Id<Attempt>) {
        if joined.previous != NO_SLOT {
            record(attempts, joined.previous).deadline.next = id.index();
        }
    }

    /// Adds an attempt whose caller's patience of the list's length began earlier, where it belongs in the order.
    /// Returns when the list's timer has to be armed, if it is not or if this is due before all others.
    pub fn resume(&mut self, attempts: &mut Arena<Attempt>, list: u16, id: Id<Attempt>) -> Option<Instant> {
        let due = attempts[id].due;
        let entry = &self.lists[usize::from(list)];
        // Looked for from both ends at once: a node's wait belongs near the tail, a hedge beside one of the oldest.
        let (mut late, mut early) = (entry.tail, entry.head);
        let (previous, next) = loop {
            if late == NO_SLOT {
                break (NO_SLOT, NO_SLOT);
            }
            let before = record(attempts, late);
            if due_at(before, entry.patience) <= due {
                break (late, before.deadline.next);
            }
            late = before.deadline.previous;
            let after = record(attempts, early);
            if due_at(after, entry.patience) > due {
                break (after.deadline.previous, early);
            }
            early = after.deadline.next;
        };
        self.tie_in(attempts, list, id, (previous, next))
    }

    /// [`Deadlines::resume`] where an attempt in the same list is known that is due at about the same time.
    pub fn resume_beside(
        &mut self,
        attempts: &mut Arena<Attempt>,
        list: u16,
        id: Id<Attempt>,
        beside: Id<Attempt>,
    ) -> Option<Instant> {
        let due = attempts[id].due;
        let patience = self.lists[usize::from(list)].patience;
        let (mut previous, mut next) = (beside.index(), attempts[beside].deadline.next);
        while previous != NO_SLOT {
            let before = record(attempts, previous);
            if due_at(before, patience) <= due {
                break;
            }
            (previous, next) = (before.deadline.previous, previous);
        }
        while next != NO_SLOT {
            let after = record(attempts, next);
            if due_at(after, patience) > due {
                break;
            }
            (previous, next) = (next, after.deadline.next);
        }
        self.tie_in(attempts, list, id, (previous, next))
    }

    /// Puts an attempt between two neighbours.
    fn tie_in(
        &mut self,
        attempts: &mut Arena<Attempt>,
        list: u16,
        id: Id<Attempt>,
        (previous, next): (u32, u32),
    ) -> Option<Instant> {
        let due = attempts[id].due;
        let entry = &mut self.lists[usize::from(list)];
        attempts[id].deadline = DeadlineLink {
            previous,
            next,
            list: u32::from(list),
        };
        match previous {
            NO_SLOT => entry.head = id.index(),
            previous => record(attempts, previous).deadline.next = id.index(),
        }
        match next {
            NO_SLOT => entry.tail = id.index(),
            next => record(attempts, next).deadline.previous = id.index(),
        }
        if entry.armed && previous != NO_SLOT {
            return None;
        }
        entry.armed = true;
        Some(due)
    }

    /// Takes an attempt out of its list; nothing if it is in none.
    #[inline]
    pub fn remove(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        let link = std::mem::replace(&mut attempts[id].deadline, DeadlineLink::NONE);
        self.unlink(attempts, link);
    }

    /// Closes the gap that an attempt leaves which had this link and has it no more.
    #[inline]
    pub fn unlink(&mut self, attempts: &mut Arena<Attempt>, link: DeadlineLink) {
        if link.is_none() {
            return;
        }
        let DeadlineLink { list, previous, next } = link;
        let entry = &mut self.lists[list as usize];
        match previous {
            NO_SLOT => entry.head = next,
            previous => record(attempts, previous).deadline.next = next,
        }
        match next {
            NO_SLOT => entry.tail = previous,
            next => record(attempts, next).deadline.previous = previous,
        }
    }

    /// The list's timer has gone off: takes out the head if it is due (call again until it is not).
    pub fn due(&mut self, attempts: &mut Arena<Attempt>, list: u16, now: Instant) -> Due {
        let entry = &mut self.lists[usize::from(list)];
        if entry.head == NO_SLOT {
            entry.armed = false;
            return Due::Nothing;
        }
        let at = due_at(record(attempts, entry.head), entry.patience);
        if at > now {
            return Due::Later(at);
        }
        let head = attempts.id_at(entry.head).expect("what waits is not freed");
        self.remove(attempts, head);
        Due::Now(head)
    }
}

#[inline]
fn record(attempts: &mut Arena<Attempt>, slot: u32) -> &mut Attempt {
    attempts.in_slot_mut(slot).expect("what waits is not freed")
}

/// When an attempt is due in a list of this length.
fn due_at(attempt: &Attempt, patience: Span) -> Instant {
    if attempt.flags.has(Flags::NODE_WAITS) {
        attempt.at_node + patience
    } else {
        attempt.due
    }
}

/// An attempt's place in the list that it has joined.
#[derive(Clone, Copy, Debug)]
pub struct Joined {
    pub list: u16,
    previous: u32,
    /// When the list's timer has to be armed, if it is not.
    pub arm: Option<Instant>,
}

impl Joined {
    #[inline]
    pub fn link(&self) -> DeadlineLink {
        DeadlineLink {
            previous: self.previous,
            next: NO_SLOT,
            list: u32::from(self.list),
        }
    }
}

/// What stands at the head of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// This attempt's patience is over.
    Now(Id<Attempt>),
    /// The timer is to be armed again.
    Later(Instant),
    /// The list is empty.
    Nothing,
}

#[cfg(test)]
mod tests;

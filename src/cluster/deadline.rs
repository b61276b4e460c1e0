//! Deadlines that the answer normally disarms: one list for each length of patience, in order of deadline.
//!
//! Every entry of a list has waited equally long when it is due, so a new one goes to the tail and the head is the next
//! to fire. One timer a list stands at the deadline of what was the head when it was armed; it may find that this one has
//! been answered and moves on to the new head. So arming and disarming are list links, and memory is what is in
//! flight.

use super::attempt::{Attempt, DeadlineLink, NO_SLOT};
use crate::engine::arena::{Arena, Id};
use crate::units::{Instant, Span};

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

    pub fn patience(&self, list: u16) -> Span {
        self.lists[usize::from(list)].patience
    }

    pub fn len(&self) -> usize {
        self.lists.len()
    }

    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Adds an attempt that waits from now on. Returns when the list's timer has to be armed, if it is not.
    #[inline]
    pub fn add(&mut self, attempts: &mut Arena<Attempt>, list: u16, id: Id<Attempt>, now: Instant) -> Option<Instant> {
        let entry = &mut self.lists[usize::from(list)];
        let at = now + entry.patience;
        let previous = entry.tail;
        entry.tail = id.index();
        attempts[id].deadline = DeadlineLink {
            at,
            list,
            previous,
            next: NO_SLOT,
        };
        if previous == NO_SLOT {
            entry.head = id.index();
        } else {
            let before = attempts.id_at(previous).expect("what waits is not freed");
            attempts[before].deadline.next = id.index();
        }
        if entry.armed {
            return None;
        }
        entry.armed = true;
        Some(at)
    }

    /// Adds an attempt whose patience began earlier, at its place in the list's order.
    pub fn insert(&mut self, attempts: &mut Arena<Attempt>, list: u16, id: Id<Attempt>) -> Option<Instant> {
        let at = attempts[id].due;
        let entry = &mut self.lists[usize::from(list)];
        let (mut previous, mut next) = (entry.tail, NO_SLOT);
        while let Some(before) = attempts.id_at(previous).filter(|_| previous != NO_SLOT) {
            if attempts[before].deadline.at <= at {
                break;
            }
            next = previous;
            previous = attempts[before].deadline.previous;
        }
        attempts[id].deadline = DeadlineLink { at, list, previous, next };
        match attempts.id_at(previous).filter(|_| previous != NO_SLOT) {
            Some(before) => attempts[before].deadline.next = id.index(),
            None => entry.head = id.index(),
        }
        match attempts.id_at(next).filter(|_| next != NO_SLOT) {
            Some(after) => attempts[after].deadline.previous = id.index(),
            None => entry.tail = id.index(),
        }
        if entry.armed && previous != NO_SLOT {
            return None;
        }
        entry.armed = true;
        Some(at)
    }

    /// Takes an attempt out of its list; nothing if it is in none.
    #[inline]
    pub fn remove(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        let DeadlineLink {
            list, previous, next, ..
        } = attempts[id].deadline;
        if list == u16::MAX {
            return;
        }
        let entry = &mut self.lists[usize::from(list)];
        if previous == NO_SLOT {
            entry.head = next;
        } else {
            let before = attempts.id_at(previous).expect("what waits is not freed");
            attempts[before].deadline.next = next;
        }
        if next == NO_SLOT {
            entry.tail = previous;
        } else {
            let after = attempts.id_at(next).expect("what waits is not freed");
            attempts[after].deadline.previous = previous;
        }
        attempts[id].deadline = DeadlineLink::NONE;
    }

    /// The list's timer has gone off: takes out the head if it is due (call again until it is not).
    pub fn due(&mut self, attempts: &mut Arena<Attempt>, list: u16, now: Instant) -> Due {
        let entry = &mut self.lists[usize::from(list)];
        let Some(head) = attempts.id_at(entry.head).filter(|_| entry.head != NO_SLOT) else {
            entry.armed = false;
            return Due::Nothing;
        };
        let at = attempts[head].deadline.at;
        if at > now {
            return Due::Later(at);
        }
        self.remove(attempts, head);
        Due::Now(head)
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

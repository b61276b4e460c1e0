//! A FIFO queue threaded through the attempts themselves, so that queueing allocates nothing and leaving from the middle
//! is a matter of two links.

use super::attempt::{Attempt, Phase};
use crate::engine::arena::{Arena, Id};

/// "No slot" in the intrusive lists, whose links are arena slots.
pub const NO_SLOT: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
pub struct Queue {
    head: u32,
    tail: u32,
    len: u32,
}

/// Place in a [`Queue`]: the slots of the attempts before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueLink {
    previous: u32,
    next: u32,
}

impl Default for Queue {
    fn default() -> Self {
        Queue {
            head: NO_SLOT,
            tail: NO_SLOT,
            len: 0,
        }
    }
}

impl Queue {
    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The attempt waits here from now on.
    #[inline]
    pub fn push(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        attempts[id].phase = Phase::Queued(QueueLink {
            previous: self.tail,
            next: NO_SLOT,
        });
        match self.tail {
            NO_SLOT => self.head = id.index(),
            tail => link_of(attempts, tail).next = id.index(),
        }
        self.tail = id.index();
        self.len += 1;
    }

    /// Lets the first go, who is ready.
    #[inline(always)]
    pub fn pop(&mut self, attempts: &mut Arena<Attempt>) -> Option<Id<Attempt>> {
        if self.len == 0 {
            return None;
        }
        let head = attempts.id_at(self.head).expect("what is queued is not freed");
        self.remove(attempts, head);
        Some(head)
    }

    /// Takes out an attempt that is in this queue; from now on it is ready.
    pub fn remove(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        let phase = &mut attempts[id].phase;
        let Phase::Queued(QueueLink { previous, next }) = *phase else {
            unreachable!("what leaves a queue is in it")
        };
        *phase = Phase::Ready;
        match previous {
            NO_SLOT => self.head = next,
            previous => link_of(attempts, previous).next = next,
        }
        match next {
            NO_SLOT => self.tail = previous,
            next => link_of(attempts, next).previous = previous,
        }
        self.len -= 1;
    }
}

#[inline]
fn link_of(attempts: &mut Arena<Attempt>, slot: u32) -> &mut QueueLink {
    match attempts.in_slot_mut(slot).map(|attempt| &mut attempt.phase) {
        Some(Phase::Queued(link)) => link,
        _ => unreachable!("what is queued is neither freed nor in another phase"),
    }
}

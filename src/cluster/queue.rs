//! A FIFO queue threaded through the attempts themselves, so that queueing allocates nothing and leaving from the middle
//! is a matter of two links.

use super::attempt::{Attempt, NO_SLOT, QueueLink};
use crate::engine::arena::{Arena, Id};

#[derive(Clone, Copy, Debug)]
pub struct Queue {
    head: u32,
    tail: u32,
    len: u32,
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

    #[inline]
    pub fn push(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        attempts[id].queue = QueueLink {
            previous: self.tail,
            next: NO_SLOT,
        };
        match attempts.id_at(self.tail) {
            Some(tail) if self.len > 0 => attempts[tail].queue.next = id.index(),
            _ => self.head = id.index(),
        }
        self.tail = id.index();
        self.len += 1;
    }

    #[inline]
    pub fn pop(&mut self, attempts: &mut Arena<Attempt>) -> Option<Id<Attempt>> {
        if self.len == 0 {
            return None;
        }
        let head = attempts.id_at(self.head).expect("what is queued is not freed");
        self.remove(attempts, head);
        Some(head)
    }

    /// Takes out an attempt that is in this queue.
    pub fn remove(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        let QueueLink { previous, next } = attempts[id].queue;
        match attempts.id_at(previous) {
            Some(before) if previous != NO_SLOT => attempts[before].queue.next = next,
            _ => self.head = next,
        }
        match attempts.id_at(next) {
            Some(after) if next != NO_SLOT => attempts[after].queue.previous = previous,
            _ => self.tail = previous,
        }
        attempts[id].queue = QueueLink::NONE;
        self.len -= 1;
    }
}

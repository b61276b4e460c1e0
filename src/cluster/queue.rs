//! Who waits for a worker, a loop or a slot: a queue threaded through the attempts themselves, so that queueing
//! allocates nothing and leaving from the middle is a matter of two links.
//!
//! First come, first served unless a [`Discipline`] says otherwise; what another discipline needs stands behind a
//! pointer that a plain queue does not have. Whom a request counts as (its lane) is said by whoever lets it wait.

use super::attempt::{Attempt, Phase};
use crate::blueprint::Discipline;
use crate::engine::arena::{Arena, Id};
use crate::units::Instant;

/// "No slot" in the intrusive lists, whose links are arena slots.
pub const NO_SLOT: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Queue {
    line: Line,
    len: u32,
    ordered: Option<Box<Ordered>>,
}

/// Place in a [`Queue`]: the slots of the attempts before and after, and the lane it stands in.
// Packed, so that beside it an attempt's phase needs no more than 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(2))]
pub struct QueueLink {
    previous: u32,
    next: u32,
    lane: u16,
}

/// Head and tail of a list of attempts.
#[derive(Clone, Copy, Debug)]
struct Line {
    head: u32,
    tail: u32,
}

/// What a queue has that is not simply first come, first served.
#[derive(Clone, Debug)]
struct Ordered {
    discipline: Discipline,
    lanes: Vec<Line>,
    /// FAIR: the lane whose turn is next.
    turn: usize,
}

const EMPTY: Line = Line {
    head: NO_SLOT,
    tail: NO_SLOT,
};

impl Default for Queue {
    fn default() -> Self {
        Queue {
            line: EMPTY,
            len: 0,
            ordered: None,
        }
    }
}

impl Queue {
    /// An empty queue with so many lanes; disciplines without classes have one.
    pub fn new(discipline: Discipline, lanes: usize) -> Self {
        let ordered = Ordered {
            discipline,
            lanes: vec![EMPTY; lanes.max(1)],
            turn: 0,
        };
        Queue {
            ordered: (discipline != Discipline::Fifo).then(|| Box::new(ordered)),
            ..Queue::default()
        }
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The attempt waits here from now on.
    #[inline]
    pub fn push(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        self.push_in(attempts, id, 0);
    }

    /// The attempt waits here from now on, in this lane. A queue without lanes knows one only.
    #[inline]
    pub fn push_in(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>, lane: u16) {
        let (line, lane) = match &mut self.ordered {
            None => (&mut self.line, 0),
            Some(ordered) => {
                let lane = usize::from(lane).min(ordered.lanes.len() - 1);
                (&mut ordered.lanes[lane], lane as u16)
            }
        };
        attempts[id].phase = Phase::Queued(QueueLink {
            previous: line.tail,
            next: NO_SLOT,
            lane,
        });
        match line.tail {
            NO_SLOT => line.head = id.index(),
            tail => link_of(attempts, tail).next = id.index(),
        }
        line.tail = id.index();
        self.len += 1;
    }

    /// Lets the one go whose turn it is, who is ready.
    #[inline(always)]
    pub fn pop(&mut self, attempts: &mut Arena<Attempt>) -> Option<Id<Attempt>> {
        if self.len == 0 {
            return None;
        }
        let slot = match &mut self.ordered {
            None => self.line.head,
            Some(ordered) => ordered.next(self.len),
        };
        let next = attempts.id_at(slot).expect("what is queued is not freed");
        self.remove(attempts, next);
        Some(next)
    }

    /// Takes out an attempt that is in this queue; from now on it is ready.
    pub fn remove(&mut self, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        let phase = &mut attempts[id].phase;
        let Phase::Queued(QueueLink { previous, next, lane }) = *phase else {
            unreachable!("what leaves a queue is in it")
        };
        *phase = Phase::Ready;
        let line = match &mut self.ordered {
            None => &mut self.line,
            Some(ordered) => &mut ordered.lanes[usize::from(lane)],
        };
        match previous {
            NO_SLOT => line.head = next,
            previous => link_of(attempts, previous).next = next,
        }
        match next {
            NO_SLOT => line.tail = previous,
            next => link_of(attempts, next).previous = previous,
        }
        self.len -= 1;
    }

    /// By priority: the last to come of the least urgent, if that is less urgent than this lane. Who makes room for it.
    pub fn less_urgent_than(&self, attempts: &Arena<Attempt>, lane: u16) -> Option<Id<Attempt>> {
        let ordered = self.ordered.as_ref()?;
        if ordered.discipline != Discipline::Priority {
            return None;
        }
        let lower = ordered.lanes.get(usize::from(lane) + 1..)?;
        let last = lower.iter().rev().find(|line| line.tail != NO_SLOT)?;
        attempts.id_at(last.tail)
    }
}

impl Ordered {
    /// The slot of the one whose turn it is, among `len` > 0 who wait.
    #[inline(never)]
    fn next(&mut self, len: u32) -> u32 {
        match self.discipline {
            Discipline::Fifo => self.lanes[0].head,
            Discipline::Lifo => self.lanes[0].tail,
            Discipline::AdaptiveLifo { from } if len > from => self.lanes[0].tail,
            Discipline::AdaptiveLifo { .. } => self.lanes[0].head,
            Discipline::Priority => self.first_from(0),
            Discipline::Fair => self.first_from(self.turn),
        }
    }

    /// The head of the first lane from this one on in which somebody waits, around the end.
    fn first_from(&mut self, lane: usize) -> u32 {
        let lanes = self.lanes.len();
        let found = (lane..lane + lanes)
            .map(|at| at % lanes)
            .find(|at| self.lanes[*at].head != NO_SLOT)
            .expect("somebody waits");
        self.turn = (found + 1) % lanes;
        self.lanes[found].head
    }
}

/// Since when somebody has been waiting without a break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing(Option<Instant>);

impl Standing {
    /// Somebody begins to wait in a queue that was or was not empty; gives since when one has stood there.
    pub fn joined(&mut self, now: Instant, was_empty: bool) -> Instant {
        if was_empty || self.0.is_none() {
            self.0 = Some(now);
        }
        self.0.unwrap_or(now)
    }
}

#[inline]
fn link_of(attempts: &mut Arena<Attempt>, slot: u32) -> &mut QueueLink {
    match attempts.in_slot_mut(slot).map(|attempt| &mut attempt.phase) {
        Some(Phase::Queued(link)) => link,
        _ => unreachable!("what is queued is neither freed nor in another phase"),
    }
}

#[cfg(test)]
mod tests;

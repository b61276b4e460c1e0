//! The calendar: what happens next, and when.
//!
//! Three sources feed one order. Irregular events lie in a 4-ary heap. An event after a constant delay goes to that
//! delay's FIFO *lane*, of which only the head lies in a heap of heads. A thing that moves (a departure under processor
//! sharing, a retransmission) is a *timer*: armed, moved in place and disarmed in an indexed heap. Whatever the source,
//! events come in the order of their time, and those of one time in the order in which they were scheduled (or, for a
//! timer, last armed), unless they were scheduled to be the first of their instant, in an order that their owner gives.
//!
//! Heads have a heap of their own because they are few and come often: beside the irregular events each would sink
//! through them, and would fill the root that an irregular event has just left for its successor.
//!
//! Deliberately not here: cancelling (an event whose record is gone returns on its first line), what an event means,
//! and closures or trait objects: an event is a small `Copy` value.

mod heap;
mod lane;
mod timer;

use crate::units::{Instant, Span};
use heap::{Entry, Heap};
use lane::{Lanes, Place};
use timer::Timers;

pub use lane::LaneId;
pub use timer::TimerId;

/// Pending events of type `E`, and the present instant.
///
/// What is scheduled for [`Instant::NEVER`] never happens and takes no room.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    now: Instant,
    /// Counts what has been scheduled or armed; breaks ties. Keys hold its lower 47 bits: at 20 million events a second
    /// they last for eleven weeks of computing.
    scheduled: u64,
    irregular: Heap<E>,
    heads: Heap<E>,
    lanes: Lanes<E>,
    timers: Timers<E>,
}

/// The place of an event in the order of all: time, then number of scheduling. A head's lane rides along in the lowest
/// 16 bits and never decides, because numbers of scheduling are unique.
type Key = u128;

const LANE_BITS: u32 = 16;

/// Set in the keys of all events but those that are the first of their instant, whose order takes the place of the number
/// of scheduling and of the lane.
const IN_TURN: u64 = 1 << 63;

fn key(at: Instant, scheduled: u64) -> Key {
    Key::from(at.nanos()) << 64 | Key::from(IN_TURN | scheduled << LANE_BITS)
}

fn time_of(key: Key) -> Instant {
    Instant::from_nanos((key >> 64) as u64)
}

impl<E: Copy> Calendar<E> {
    pub fn new() -> Self {
        Calendar {
            now: Instant::ZERO,
            scheduled: 0,
            irregular: Heap::new(),
            heads: Heap::new(),
            lanes: Lanes::new(),
            timers: Timers::new(),
        }
    }

    /// The present: the time of the event last popped.
    #[inline]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The number of events pending, armed timers included.
    pub fn len(&self) -> usize {
        self.irregular.len() + self.heads.len() + self.lanes.waiting() + self.timers.armed()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Schedules an event at an instant that is not in the past.
    #[inline]
    pub fn schedule_at(&mut self, at: Instant, event: E) {
        assert!(at >= self.now, "an event is scheduled in the past");
        if at == Instant::NEVER {
            return;
        }
        let key = self.next_key(at);
        self.irregular.push(Entry { key, event });
    }

    /// Schedules an event before all others of its instant, which is to come. Among several such, `order` decides: a
    /// number below 2⁶³ that no other of the same instant has. So its place does not depend on when it was scheduled. At
    /// the present instant, others have been before it: there it comes in its turn.
    pub fn schedule_first(&mut self, at: Instant, order: u64, event: E) {
        assert!(order < IN_TURN, "an order takes 63 bits");
        if at == self.now || at == Instant::NEVER {
            return self.schedule_at(at, event);
        }
        assert!(at > self.now, "an event is scheduled in the past");
        let key = Key::from(at.nanos()) << 64 | Key::from(order);
        self.irregular.push(Entry { key, event });
    }

    /// Schedules an event after a delay that varies. A constant delay has a [`Calendar::lane`], which costs less.
    #[inline]
    pub fn schedule_in(&mut self, delay: Span, event: E) {
        self.schedule_at(self.now + delay, event);
    }

    /// The lane of a delay. Equal delays share one lane, whoever asks.
    pub fn lane(&mut self, delay: Span) -> LaneId {
        self.lanes.intern(delay)
    }

    /// A lane of its own for a delay that changes slowly, for [`Calendar::schedule_at_in_lane`]: only what is due before
    /// the lane's last event costs what an irregular event does.
    pub fn own_lane(&mut self) -> LaneId {
        self.lanes.add(Span::FOREVER)
    }

    /// Schedules an event after the lane's delay.
    #[inline(always)]
    pub fn schedule_in_lane(&mut self, lane: LaneId, event: E) {
        match self.lanes.push_behind(lane, self.now, self.scheduled + 1, event) {
            Some(()) => self.scheduled += 1,
            None => self.schedule_at_in_lane(lane, self.now + self.lanes.delay(lane), event),
        }
    }

    /// Schedules an event of a lane at another time than the lane's delay says: a deadline that shortened a timeout, a
    /// delay that a fault has changed. Earlier than the lane's last, it is an irregular event.
    #[inline(never)]
    pub fn schedule_at_in_lane(&mut self, lane: LaneId, at: Instant, event: E) {
        assert!(at >= self.now, "an event is scheduled in the past");
        if at == Instant::NEVER {
            return;
        }
        let key = self.next_key(at);
        match self.lanes.push(lane, Entry { key, event }) {
            Place::Ring => {}
            Place::Head(entry) => self.heads.push(entry),
            Place::OutOfOrder(entry) => self.irregular.push(entry),
        }
    }

    /// The time of the next event.
    pub fn peek_time(&mut self) -> Option<Instant> {
        let (next, _) = self.next();
        (next != Key::MAX).then(|| time_of(next))
    }

    /// The next event, whose time becomes the present.
    #[inline]
    pub fn pop(&mut self) -> Option<E> {
        let (next, source) = self.next();
        (next != Key::MAX).then(|| self.take(next, source))
    }

    /// The next event if it is due at or before `limit`. Otherwise the present becomes `limit` and nothing happens.
    #[inline]
    pub fn pop_until(&mut self, limit: Instant) -> Option<E> {
        let (next, source) = self.next();
        if next == Key::MAX || time_of(next) > limit {
            self.now = self.now.max(limit);
            return None;
        }
        Some(self.take(next, source))
    }

    /// A new timer, disarmed, that delivers `event` whenever it goes off.
    pub fn timer(&mut self, event: E) -> TimerId {
        self.timers.create(event)
    }

    /// Arms a timer, or moves it if it is armed. `Instant::NEVER` disarms it.
    #[inline]
    pub fn arm(&mut self, timer: TimerId, at: Instant) {
        assert!(at >= self.now, "a timer is armed in the past");
        if at == Instant::NEVER {
            return self.disarm(timer);
        }
        let key = self.next_key(at);
        self.timers.arm(timer, key);
    }

    /// Stops a timer from going off; nothing if it is not armed.
    #[inline]
    pub fn disarm(&mut self, timer: TimerId) {
        self.timers.disarm(timer);
    }

    /// When the timer will go off.
    pub fn armed_at(&self, timer: TimerId) -> Option<Instant> {
        self.timers.armed_at(timer).map(time_of)
    }

    /// Disarms a timer and gives it back. Its id may be given to another from now on.
    pub fn drop_timer(&mut self, timer: TimerId) {
        self.timers.drop(timer);
    }

    #[inline]
    fn next_key(&mut self, at: Instant) -> Key {
        self.scheduled += 1;
        key(at, self.scheduled)
    }

    /// The least key of all sources and where it is; [`Key::MAX`] if nothing is pending.
    #[inline]
    fn next(&mut self) -> (Key, Source) {
        let (irregular, head, timer) = (self.irregular.least(), self.heads.least(), self.timers.least());
        if head < irregular {
            if head < timer {
                return (head, Source::Lanes);
            }
        } else if irregular < timer {
            return (irregular, Source::Irregular);
        }
        (timer, Source::Timers)
    }

    /// Takes the event whose key is the least of all.
    #[inline]
    fn take(&mut self, next: Key, source: Source) -> E {
        self.now = time_of(next);
        match source {
            Source::Irregular => self.irregular.pop_least(),
            Source::Lanes => match self.lanes.next_after(next) {
                Some(entry) => self.heads.replace_least(entry),
                None => self.heads.pop_least(),
            },
            Source::Timers => self.timers.fire(),
        }
    }
}

/// Where events come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Irregular,
    Lanes,
    Timers,
}

impl<E: Copy> Default for Calendar<E> {
    fn default() -> Self {
        Calendar::new()
    }
}

#[cfg(test)]
mod tests;

//! Lanes: rings of events that all come after the same delay, and therefore in the order in which they were scheduled.
//!
//! Only a lane's head lies in the heap of heads, its key marked with the lane's number; when it is popped, the next in
//! the ring takes its place. So 20,000 messages in flight over one network hop are one entry of a heap.
//!
//! A delay that varies may have a lane too: what comes out of order lies with the irregular events.
//!
//! Deliberately not here: a lane's end. Lanes are as many as the scenario has different delays; the few that faults add
//! stay, empty.

use std::collections::{BTreeMap, VecDeque};

use super::heap::Entry;
use super::{Key, LANE_BITS, key, time_of};
use crate::units::{Instant, Span};

/// The lane of one delay in one calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(u32);

#[derive(Clone, Debug)]
pub(super) struct Lanes<E> {
    lanes: Vec<Lane<E>>,
    by_delay: BTreeMap<Span, LaneId>,
}

#[derive(Clone, Debug)]
struct Lane<E> {
    delay: Span,
    /// What waits behind the head.
    ring: VecDeque<Entry<E>>,
    /// Whether the lane has its head in the heap of heads.
    has_head: bool,
    /// The time of the lane's last event.
    tail: Instant,
}

/// Where an event of a lane goes.
pub(super) enum Place<E> {
    Ring,
    /// The lane was empty: its head, for the heap of heads.
    Head(Entry<E>),
    /// Earlier than the lane's last, or of a lane whose number does not fit into a key.
    OutOfOrder(Entry<E>),
}

const LANE_MASK: Key = (1 << LANE_BITS) - 1;

impl<E: Copy> Lanes<E> {
    pub(super) fn new() -> Self {
        Lanes {
            lanes: Vec::new(),
            by_delay: BTreeMap::new(),
        }
    }

    /// The number of events in the rings; heads are counted by their heap.
    pub(super) fn waiting(&self) -> usize {
        self.lanes.iter().map(|lane| lane.ring.len()).sum()
    }

    pub(super) fn intern(&mut self, delay: Span) -> LaneId {
        if let Some(id) = self.by_delay.get(&delay) {
            return *id;
        }
        let id = self.add(delay);
        self.by_delay.insert(delay, id);
        id
    }

    /// A new lane.
    pub(super) fn add(&mut self, delay: Span) -> LaneId {
        let id = LaneId(u32::try_from(self.lanes.len()).expect("delays are fewer than 2^32"));
        self.lanes.push(Lane {
            delay,
            ring: VecDeque::new(),
            has_head: false,
            tail: Instant::ZERO,
        });
        id
    }

    #[inline]
    pub(super) fn delay(&self, lane: LaneId) -> Span {
        self.lanes[lane.0 as usize].delay
    }

    /// Puts an event that is scheduled at `now` behind others in the lane's ring, where it nearly always goes in a lane
    /// that is busy. `None` if it does not go there: nothing has been done then.
    #[inline(always)]
    pub(super) fn push_behind(&mut self, id: LaneId, now: Instant, scheduled: u64, event: E) -> Option<()> {
        let lane = &mut self.lanes[id.0 as usize];
        let at = now + lane.delay;
        if !lane.has_head || at < lane.tail || at == Instant::NEVER {
            return None;
        }
        lane.tail = at;
        // A lane that has a head has a number that fits into a key.
        let key = key(at, scheduled) | Key::from(id.0);
        lane.ring.push_back(Entry { key, event });
        Some(())
    }

    /// Puts an event into its lane, or says where else it belongs.
    #[inline]
    pub(super) fn push(&mut self, id: LaneId, mut entry: Entry<E>) -> Place<E> {
        let number = Key::from(id.0);
        let lane = &mut self.lanes[id.0 as usize];
        let at = time_of(entry.key);
        if number > LANE_MASK || (lane.has_head && at < lane.tail) {
            return Place::OutOfOrder(entry);
        }
        lane.tail = at;
        entry.key |= number;
        if lane.has_head {
            lane.ring.push_back(entry);
            return Place::Ring;
        }
        lane.has_head = true;
        Place::Head(entry)
    }

    /// The event that takes the place of `head`, which is being popped.
    #[inline]
    pub(super) fn next_after(&mut self, head: Key) -> Option<Entry<E>> {
        let lane = &mut self.lanes[(head & LANE_MASK) as usize];
        let next = lane.ring.pop_front();
        lane.has_head = next.is_some();
        next
    }
}

//! Timers: events that are moved about before they happen, in an indexed 4-ary heap.
//!
//! A timer knows its place in the heap, so that arming it anew moves one entry instead of leaving a stale one behind.
//! There are few (one a task, not one a request) and they move often.
//!
//! Deliberately not here: timeouts of requests, which lanes and intrusive lists serve better.

use super::Key;

/// A timer of one calendar. Whoever made it drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(u32);

#[derive(Clone, Debug)]
pub(super) struct Timers<E> {
    heap: Vec<Armed>,
    records: Vec<Record<E>>,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    key: Key,
    timer: u32,
}

#[derive(Clone, Copy, Debug)]
struct Record<E> {
    event: E,
    place: u32,
}

/// The place of a timer that is not armed.
const DISARMED: u32 = u32::MAX;
/// The place of a timer that has been given back.
const DROPPED: u32 = u32::MAX - 1;

const ARITY: usize = 4;

impl<E: Copy> Timers<E> {
    pub(super) fn new() -> Self {
        Timers {
            heap: Vec::new(),
            records: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn armed(&self) -> usize {
        self.heap.len()
    }

    pub(super) fn create(&mut self, event: E) -> TimerId {
        let record = Record { event, place: DISARMED };
        if let Some(index) = self.free.pop() {
            self.records[index as usize] = record;
            return TimerId(index);
        }
        let index = u32::try_from(self.records.len()).ok().filter(|&index| index < DROPPED);
        self.records.push(record);
        TimerId(index.expect("timers are fewer than 2^32"))
    }

    pub(super) fn drop(&mut self, timer: TimerId) {
        self.disarm(timer);
        self.records[timer.0 as usize].place = DROPPED;
        self.free.push(timer.0);
    }

    #[inline]
    pub(super) fn arm(&mut self, timer: TimerId, key: Key) {
        let armed = Armed { key, timer: timer.0 };
        match self.place_of(timer) {
            None => {
                self.heap.push(armed);
                self.rise(self.heap.len() - 1, armed);
            }
            Some(place) if key < self.heap[place].key => self.rise(place, armed),
            Some(place) => self.sink(place, armed),
        }
    }

    #[inline]
    pub(super) fn disarm(&mut self, timer: TimerId) {
        if let Some(place) = self.place_of(timer) {
            self.records[timer.0 as usize].place = DISARMED;
            self.take_out(place);
        }
    }

    pub(super) fn armed_at(&self, timer: TimerId) -> Option<Key> {
        self.place_of(timer).map(|place| self.heap[place].key)
    }

    /// The least key, [`Key::MAX`] if no timer is armed.
    #[inline]
    pub(super) fn least(&self) -> Key {
        self.heap.first().map_or(Key::MAX, |armed| armed.key)
    }

    /// Disarms the timer that is due first and delivers its event. [`Timers::least`] has just said that there is one.
    #[inline]
    pub(super) fn fire(&mut self) -> E {
        let record = &mut self.records[self.heap[0].timer as usize];
        record.place = DISARMED;
        let event = record.event;
        self.take_out(0);
        event
    }

    #[inline]
    fn place_of(&self, timer: TimerId) -> Option<usize> {
        match self.records[timer.0 as usize].place {
            DISARMED => None,
            place => {
                assert!(place != DROPPED, "a timer is used after it was dropped");
                Some(place as usize)
            }
        }
    }

    /// Fills the place of an entry that goes away with the last one.
    #[inline]
    fn take_out(&mut self, place: usize) {
        let last = self.heap.pop().expect("an armed timer has its entry");
        if place == self.heap.len() {
            return;
        }
        if last.key < self.heap[place].key {
            self.rise(place, last)
        } else {
            self.sink(place, last)
        }
    }

    /// Puts an entry where it belongs, at `place` or above.
    #[inline]
    fn rise(&mut self, mut place: usize, armed: Armed) {
        while place > 0 {
            let parent = (place - 1) / ARITY;
            if self.heap[parent].key < armed.key {
                break;
            }
            self.put(place, self.heap[parent]);
            place = parent;
        }
        self.put(place, armed);
    }

    /// Puts an entry where it belongs, at `place` or below.
    #[inline]
    fn sink(&mut self, mut place: usize, armed: Armed) {
        loop {
            let first = place * ARITY + 1;
            let end = self.heap.len().min(first + ARITY);
            let Some(child) = (first..end).min_by_key(|&child| self.heap[child].key) else {
                break;
            };
            if armed.key < self.heap[child].key {
                break;
            }
            self.put(place, self.heap[child]);
            place = child;
        }
        self.put(place, armed);
    }

    #[inline]
    fn put(&mut self, place: usize, armed: Armed) {
        self.records[armed.timer as usize].place = place as u32;
        self.heap[place] = armed;
    }
}

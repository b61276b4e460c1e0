//! Timers: events that are moved about before they happen, in an indexed 4-ary heap.
//!
//! A timer knows its place in the heap, so that arming it anew moves one entry instead of leaving a stale one behind.
//! There are few (one a task, not one a request) and they move often.
//!
//! Deliberately not here: timeouts of requests, which lanes and intrusive lists serve better.

use super::Key;
use super::heap::{Keyed, least_below_root, least_child, make_room, parent_of};

/// A timer of one calendar. Whoever made it drops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerId(u32);

#[derive(Clone, Debug)]
pub(super) struct Timers<E> {
    /// Complete families, as in [`super::heap::Heap`].
    heap: Vec<Armed>,
    /// Places in use, a vacant root included.
    len: usize,
    /// The root went off and has not been replaced yet; its entry is a leftover, below all others.
    vacant: bool,
    /// The least key, [`Key::MAX`] if no timer is armed; `None` if it is to be looked for.
    least: Option<Key>,
    /// Of each timer, its place in the heap.
    places: Vec<u32>,
    events: Vec<E>,
    free: Vec<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    key: Key,
    timer: u32,
}

impl Keyed for Armed {
    #[inline]
    fn key(&self) -> Key {
        self.key
    }
    #[inline]
    fn nobody(self) -> Self {
        Armed { key: Key::MAX, ..self }
    }
}

/// The place of a timer that is not armed.
const DISARMED: u32 = u32::MAX;
/// The place of a timer that has been given back.
const DROPPED: u32 = u32::MAX - 1;

impl<E: Copy> Timers<E> {
    pub(super) fn new() -> Self {
        Timers {
            heap: Vec::new(),
            len: 0,
            vacant: false,
            least: Some(Key::MAX),
            places: Vec::new(),
            events: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn armed(&self) -> usize {
        self.len - usize::from(self.vacant)
    }

    pub(super) fn create(&mut self, event: E) -> TimerId {
        if let Some(index) = self.free.pop() {
            self.places[index as usize] = DISARMED;
            self.events[index as usize] = event;
            return TimerId(index);
        }
        let index = u32::try_from(self.places.len()).ok().filter(|&index| index < DROPPED);
        self.places.push(DISARMED);
        self.events.push(event);
        TimerId(index.expect("timers are fewer than 2^32"))
    }

    pub(super) fn drop(&mut self, timer: TimerId) {
        self.disarm(timer);
        self.places[timer.0 as usize] = DROPPED;
        self.free.push(timer.0);
    }

    #[inline]
    pub(super) fn arm(&mut self, timer: TimerId, key: Key) {
        let armed = Armed { key, timer: timer.0 };
        match self.place_of(timer) {
            None if self.vacant => {
                self.vacant = false;
                self.sink(0, armed);
            }
            None => {
                make_room(&mut self.heap, self.len, armed);
                self.len += 1;
                self.rise(self.len - 1, armed);
            }
            Some(place) if key < self.heap[place].key => self.rise(place, armed),
            Some(place) => self.sink(place, armed),
        }
        self.least = None;
    }

    /// The least key, looked for.
    #[inline]
    fn least_key(&self) -> Key {
        match self.heap.first() {
            Some(root) if !self.vacant => root.key,
            _ => least_below_root(&self.heap),
        }
    }

    #[inline]
    pub(super) fn disarm(&mut self, timer: TimerId) {
        if let Some(place) = self.place_of(timer) {
            self.places[timer.0 as usize] = DISARMED;
            self.take_out(place);
            self.least = None;
        }
    }

    pub(super) fn armed_at(&self, timer: TimerId) -> Option<Key> {
        self.place_of(timer).map(|place| self.heap[place].key)
    }

    /// The least key, [`Key::MAX`] if no timer is armed.
    #[inline]
    pub(super) fn least(&mut self) -> Key {
        match self.least {
            Some(least) => least,
            None => {
                let least = self.least_key();
                self.least = Some(least);
                least
            }
        }
    }

    /// Disarms the timer that is due first and delivers its event. [`Timers::least`] has just said that there is one.
    ///
    /// It leaves the root vacant, because a timer that goes off is most often armed again at once.
    #[inline]
    pub(super) fn fire(&mut self) -> E {
        if self.vacant {
            self.vacant = false;
            self.take_out(0);
        }
        let timer = self.heap[0].timer as usize;
        self.places[timer] = DISARMED;
        self.vacant = true;
        self.least = None;
        self.events[timer]
    }

    #[inline]
    fn place_of(&self, timer: TimerId) -> Option<usize> {
        match self.places[timer.0 as usize] {
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
        self.len -= 1;
        let last = self.heap[self.len];
        self.heap[self.len] = last.nobody();
        if place == self.len {
            return;
        }
        if last.key < self.heap[place].key {
            self.rise(place, last)
        } else {
            self.sink(place, last)
        }
    }

    /// Puts an entry where it belongs, at `place` or above. A leftover in the root is below every key to come.
    #[inline]
    fn rise(&mut self, mut place: usize, armed: Armed) {
        while place > 0 {
            let parent = parent_of(place);
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
        while let Some(child) = least_child(&self.heap, place) {
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
        self.places[armed.timer as usize] = place as u32;
        self.heap[place] = armed;
    }
}

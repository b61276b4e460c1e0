//! A 4-ary heap of keyed events whose root may be vacant for a while.
//!
//! A simulation pops an event and, more often than not, schedules another of its kind soon. So a pop leaves the root
//! vacant and the next push fills it with one walk down, instead of one walk for the pop and another for the push. Only
//! if the next pop comes first does the last entry take the root.
//!
//! Deliberately not here: ties (keys are unique) and moving what lies inside (see `timer`).

use super::Key;

/// What lies in the heap and in the lanes' rings: 32 bytes for an event of 16.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<E> {
    pub(super) key: Key,
    pub(super) event: E,
}

#[derive(Clone, Debug)]
pub(super) struct Heap<E> {
    entries: Vec<Entry<E>>,
    /// The root has been popped and not replaced yet; its entry is a leftover.
    vacant: bool,
    /// The least key; [`Key::MAX`] if there is none.
    least: Key,
}

/// What lies in a heap by its key.
pub(super) trait Keyed {
    fn key(&self) -> Key;
}

impl<E> Keyed for Entry<E> {
    #[inline]
    fn key(&self) -> Key {
        self.key
    }
}

const ARITY: usize = 4;

#[inline]
pub(super) fn parent_of(place: usize) -> usize {
    (place - 1) / ARITY
}

/// The child of `place` with the least key.
#[inline]
pub(super) fn least_child<T: Keyed>(entries: &[T], place: usize) -> Option<usize> {
    let first = place * ARITY + 1;
    match entries.get(first..)?.first_chunk::<ARITY>() {
        Some([a, b, c, d]) => {
            // A tournament of two rounds, which compiles without branches: which child is least is the one thing a
            // processor cannot predict.
            let (left, left_key) = if b.key() < a.key() { (1, b.key()) } else { (0, a.key()) };
            let (right, right_key) = if d.key() < c.key() { (3, d.key()) } else { (2, c.key()) };
            Some(first + if right_key < left_key { right } else { left })
        }
        None => (first..entries.len()).min_by_key(|&child| entries[child].key()),
    }
}

/// The least key of a heap whose root may be vacant.
#[inline]
pub(super) fn least_key<T: Keyed>(entries: &[T], vacant: bool) -> Key {
    let place = if vacant { least_child(entries, 0) } else { Some(0) };
    place.and_then(|place| entries.get(place)).map_or(Key::MAX, Keyed::key)
}

impl<E: Copy> Heap<E> {
    pub(super) fn new() -> Self {
        Heap {
            entries: Vec::new(),
            vacant: false,
            least: Key::MAX,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len() - usize::from(self.vacant)
    }

    /// The least key, [`Key::MAX`] if there is none.
    #[inline]
    pub(super) fn least(&self) -> Key {
        self.least
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry<E>) {
        self.least = self.least.min(entry.key);
        if self.vacant {
            self.vacant = false;
            self.sink(entry);
        } else {
            self.entries.push(entry);
            self.rise(entry);
        }
    }

    /// Takes the least entry. [`Heap::least`] has just said that there is one.
    #[inline]
    pub(super) fn pop_least(&mut self) -> E {
        self.fill();
        self.vacant = true;
        self.least = least_key(&self.entries, true);
        self.entries[0].event
    }

    /// Takes the least entry and puts another in. [`Heap::least`] has just said that there is one.
    #[inline]
    pub(super) fn replace_least(&mut self, entry: Entry<E>) -> E {
        self.fill();
        let event = self.entries[0].event;
        self.sink(entry);
        self.least = self.entries[0].key;
        event
    }

    /// The last entry takes the root if it is vacant.
    #[inline]
    fn fill(&mut self) {
        if self.vacant {
            self.vacant = false;
            let last = self.entries.pop().expect("a vacant root is an entry");
            if !self.entries.is_empty() {
                self.sink(last);
            }
        }
    }

    /// Puts an entry in at the root and lets it sink to its place.
    #[inline]
    fn sink(&mut self, entry: Entry<E>) {
        let entries = self.entries.as_mut_slice();
        let mut place = 0;
        while let Some(child) = least_child(entries, place) {
            if entry.key < entries[child].key {
                break;
            }
            entries[place] = entries[child];
            place = child;
        }
        entries[place] = entry;
    }

    /// Lets the entry that was pushed last rise to its place.
    #[inline]
    fn rise(&mut self, entry: Entry<E>) {
        let entries = self.entries.as_mut_slice();
        let mut place = entries.len() - 1;
        while place > 0 {
            let parent = parent_of(place);
            if entries[parent].key < entry.key {
                break;
            }
            entries[place] = entries[parent];
            place = parent;
        }
        entries[place] = entry;
    }
}

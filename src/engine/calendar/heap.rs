//! A 4-ary heap of keyed events whose root may be vacant for a while.
//!
//! Siblings lie side by side, and a family is always complete: places that nobody has hold [`Key::MAX`], which is later
//! than everything. So the least of four is found in one way only, without branches, at the bottom as at the top.
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
    /// The root, then families of four.
    entries: Vec<Entry<E>>,
    /// Places in use, a vacant root included.
    len: usize,
    /// The root has been popped and not replaced yet; its entry is a leftover.
    vacant: bool,
    /// The least key, [`Key::MAX`] if there is none; `None` since a pop that no push has followed.
    least: Option<Key>,
}

/// What lies in a heap by its key.
pub(super) trait Keyed: Copy {
    fn key(&self) -> Key;
    /// The same for a place that nobody has.
    fn nobody(self) -> Self;
}

impl<E: Copy> Keyed for Entry<E> {
    #[inline]
    fn key(&self) -> Key {
        self.key
    }
    #[inline]
    fn nobody(self) -> Self {
        Entry { key: Key::MAX, ..self }
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
    let [a, b, c, d] = entries.get(first..)?.first_chunk::<ARITY>()?;
    // A tournament of two rounds, which compiles without branches: which child is least is the one thing a processor
    // cannot predict.
    let (left, left_key) = if b.key() < a.key() { (1, b.key()) } else { (0, a.key()) };
    let (right, right_key) = if d.key() < c.key() { (3, d.key()) } else { (2, c.key()) };
    Some(first + if right_key < left_key { right } else { left })
}

/// The least key among the children of the root.
#[inline]
pub(super) fn least_below_root<T: Keyed>(entries: &[T]) -> Key {
    match entries.get(1..).and_then(|below| below.first_chunk::<ARITY>()) {
        Some([a, b, c, d]) => (a.key().min(b.key())).min(c.key().min(d.key())),
        None => Key::MAX,
    }
}

/// Makes room for one more behind the `len` places in use: a root, or a whole family.
#[inline]
pub(super) fn make_room<T: Keyed>(entries: &mut Vec<T>, len: usize, like: T) {
    if len == entries.len() {
        let more = if len == 0 { 1 } else { ARITY };
        entries.extend(std::iter::repeat_n(like.nobody(), more));
    }
}

impl<E: Copy> Heap<E> {
    pub(super) fn new() -> Self {
        Heap {
            entries: Vec::new(),
            len: 0,
            vacant: false,
            least: Some(Key::MAX),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len - usize::from(self.vacant)
    }

    /// The least key, [`Key::MAX`] if there is none.
    #[inline]
    pub(super) fn least(&mut self) -> Key {
        match self.least {
            Some(least) => least,
            None => {
                let least = least_below_root(&self.entries);
                self.least = Some(least);
                least
            }
        }
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry<E>) {
        if self.vacant {
            self.vacant = false;
            self.sink(entry);
        } else {
            make_room(&mut self.entries, self.len, entry);
            self.len += 1;
            self.rise(entry);
        }
        self.least = Some(self.entries[0].key);
    }

    /// Takes the least entry. [`Heap::least`] has just said that there is one.
    #[inline]
    pub(super) fn pop_least(&mut self) -> E {
        if self.vacant {
            self.fill();
        }
        self.vacant = true;
        self.least = None;
        self.entries[0].event
    }

    /// Takes the least entry and puts another in. [`Heap::least`] has just said that there is one.
    #[inline]
    pub(super) fn replace_least(&mut self, entry: Entry<E>) -> E {
        if self.vacant {
            self.fill();
            self.vacant = false;
        }
        let event = self.entries[0].event;
        self.sink(entry);
        self.least = Some(self.entries[0].key);
        event
    }

    /// The last entry takes the vacant root, below which there is one.
    fn fill(&mut self) {
        self.len -= 1;
        let last = self.entries[self.len];
        self.entries[self.len] = last.nobody();
        self.sink(last);
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
        let mut place = self.len - 1;
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

//! Arenas: storage for records that are named by generational ids.
//!
//! An [`Id`] names one record for ever: when the record is removed and its slot used again, the generation moves on and
//! the old id finds nothing. That is how events outlive what they are about without dangling and without being
//! cancelled. Freed slots are reused last in, first out, so that a steady population stays in the cache.
//!
//! Deliberately not here: counting of references, iteration in any order but that of the slots, and shrinking.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::ops::{Index, IndexMut};

/// Records of one type, each named by an [`Id`].
#[derive(Clone, Debug)]
pub struct Arena<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

/// A slot begins a line of the cache, so that a record of two lines is never in three.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Slot<T> {
    /// Moves on when the record is removed, so that a generation that matches means a record that is there.
    generation: NonZeroU32,
    value: Option<T>,
}

/// The name of one record in an [`Arena`].
///
/// Orders by slot, then by generation. After 2³² uses of one slot a generation comes back; an id would have to outlive
/// four billion successors of its record to be mistaken.
pub struct Id<T> {
    index: u32,
    /// Never zero, so that an `Option<Id<T>>` is no larger than an id.
    generation: NonZeroU32,
    // `fn() -> T` keeps the id `Send + Sync` and `Copy` whatever the record is.
    record: PhantomData<fn() -> T>,
}

/// An [`Id`] without its type, for places that hold ids of several types (an event's payload).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawId {
    index: u32,
    generation: NonZeroU32,
}

impl RawId {
    /// Names no record in any arena.
    pub const NONE: RawId = RawId {
        index: u32::MAX,
        generation: NonZeroU32::MAX,
    };
}

impl<T> Id<T> {
    /// The slot: a small dense number that is unique among the records alive.
    #[inline]
    pub const fn index(self) -> u32 {
        self.index
    }

    #[inline]
    pub const fn generation(self) -> u32 {
        self.generation.get()
    }

    #[inline]
    pub const fn raw(self) -> RawId {
        RawId {
            index: self.index,
            generation: self.generation,
        }
    }

    /// Gives an untyped id its type back. Naming the wrong type is a bug that only the arena's lookup can notice.
    #[inline]
    pub const fn from_raw(raw: RawId) -> Self {
        Id {
            index: raw.index,
            generation: raw.generation,
            record: PhantomData,
        }
    }
}

impl<T> Arena<T> {
    pub const fn new() -> Self {
        Arena {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    pub fn with_capacity(capacity: usize) -> Self {
        Arena {
            slots: Vec::with_capacity(capacity),
            free: Vec::new(),
        }
    }

    /// Stores a record and names it.
    #[inline]
    pub fn insert(&mut self, value: T) -> Id<T> {
        self.place(value).0
    }

    /// Stores a record, names it and gives it, to be completed where it lies.
    #[inline]
    pub fn place(&mut self, value: T) -> (Id<T>, &mut T) {
        let index = match self.free.pop() {
            Some(index) => index,
            None => self.grow(),
        };
        let slot = &mut self.slots[index as usize];
        let id = Id {
            index,
            generation: slot.generation,
            record: PhantomData,
        };
        (id, slot.value.insert(value))
    }

    /// A new empty slot.
    #[cold]
    fn grow(&mut self) -> u32 {
        let index = u32::try_from(self.slots.len()).ok().filter(|&index| index < u32::MAX);
        let index = index.expect("an arena holds fewer than 2^32 records");
        self.slots.push(Slot {
            generation: NonZeroU32::MIN,
            value: None,
        });
        index
    }

    /// The record, or `None` if it has been removed.
    #[inline]
    pub fn get(&self, id: Id<T>) -> Option<&T> {
        match self.slots.get(id.index as usize) {
            Some(slot) if slot.generation == id.generation => slot.value.as_ref(),
            _ => None,
        }
    }

    /// The record, or `None` if it has been removed.
    #[inline]
    pub fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        match self.slots.get_mut(id.index as usize) {
            Some(slot) if slot.generation == id.generation => slot.value.as_mut(),
            _ => None,
        }
    }

    #[inline]
    pub fn contains(&self, id: Id<T>) -> bool {
        self.get(id).is_some()
    }

    /// Takes the record out; from now on its id finds nothing.
    #[inline]
    pub fn remove(&mut self, id: Id<T>) -> Option<T> {
        let slot = self.slots.get_mut(id.index as usize)?;
        if slot.generation != id.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        self.free.push(id.index);
        Some(value)
    }

    /// The number of records stored.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many slots there are: every id's index is below it.
    #[inline]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The id of the record now in a slot.
    #[inline]
    pub fn id_at(&self, index: u32) -> Option<Id<T>> {
        let slot = self.slots.get(index as usize)?;
        slot.value.as_ref().map(|_| Id {
            index,
            generation: slot.generation,
            record: PhantomData,
        })
    }

    /// The record now in a slot, for links that are slots.
    #[inline]
    pub fn in_slot_mut(&mut self, index: u32) -> Option<&mut T> {
        self.slots.get_mut(index as usize)?.value.as_mut()
    }

    /// All records in the order of their slots.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Id<T>, &T)> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let id = Id {
                index: index as u32,
                generation: slot.generation,
                record: PhantomData,
            };
            slot.value.as_ref().map(|value| (id, value))
        })
    }

    /// All records in the order of their slots.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (Id<T>, &mut T)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            let id = Id {
                index: index as u32,
                generation: slot.generation,
                record: PhantomData,
            };
            slot.value.as_mut().map(|value| (id, value))
        })
    }

    /// The ids of all records in the order of their slots.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Id<T>> {
        self.iter().map(|(id, _)| id)
    }
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Arena::new()
    }
}

impl<T> Index<Id<T>> for Arena<T> {
    type Output = T;
    /// # Panics
    /// If the record has been removed: whoever may hold a stale id asks [`Arena::get`].
    #[inline]
    fn index(&self, id: Id<T>) -> &T {
        match self.get(id) {
            Some(value) => value,
            None => stale(id.raw(), std::any::type_name::<T>()),
        }
    }
}

impl<T> IndexMut<Id<T>> for Arena<T> {
    #[inline]
    fn index_mut(&mut self, id: Id<T>) -> &mut T {
        match self.get_mut(id) {
            Some(value) => value,
            None => stale(id.raw(), std::any::type_name::<T>()),
        }
    }
}

#[cold]
#[inline(never)]
fn stale(id: RawId, record: &str) -> ! {
    panic!(
        "the {record} of slot {}, generation {} is used after it was removed",
        id.index, id.generation
    )
}

// Written by hand because a derive would ask the same of `T`.
impl<T> Clone for Id<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl<T> Eq for Id<T> {}

impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw().cmp(&other.raw())
    }
}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw().hash(state);
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}v{}", self.index, self.generation)
    }
}

impl<T> From<Id<T>> for RawId {
    fn from(id: Id<T>) -> RawId {
        id.raw()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_removed_record_is_never_found_again() {
        let mut arena = Arena::new();
        let first = arena.insert("first");
        assert_eq!(arena.remove(first), Some("first"));
        let second = arena.insert("second");
        assert_eq!(second.index(), first.index(), "the slot is used again");
        assert_eq!(arena.get(first), None);
        assert_eq!(arena.get_mut(first), None);
        assert_eq!(arena.remove(first), None);
        assert_eq!(arena[second], "second");
    }

    #[test]
    fn slots_are_reused_last_in_first_out() {
        let mut arena = Arena::new();
        let ids: Vec<_> = (0..4).map(|n| arena.insert(n)).collect();
        arena.remove(ids[1]);
        arena.remove(ids[3]);
        assert_eq!(
            [
                arena.insert(10).index(),
                arena.insert(11).index(),
                arena.insert(12).index()
            ],
            [3, 1, 4]
        );
    }

    #[test]
    #[should_panic(expected = "is used after it was removed")]
    fn indexing_by_a_stale_id_panics_with_a_sentence() {
        let mut arena = Arena::new();
        let id = arena.insert(1);
        arena.remove(id);
        arena[id] += 1;
    }

    #[test]
    fn an_id_survives_the_loss_of_its_type() {
        let mut arena = Arena::new();
        let id = arena.insert(7);
        assert_eq!(Id::from_raw(id.raw()), id);
        assert_eq!(arena.get(Id::from_raw(RawId::NONE)), None);
        assert_eq!(size_of::<Option<Id<String>>>(), 8);
        assert_eq!(size_of::<Id<String>>(), 8);
    }

    #[test]
    fn an_arena_crosses_threads_if_its_records_do() {
        fn is_send_and_sync<T: Send + Sync>() {}
        is_send_and_sync::<Arena<u32>>();
        is_send_and_sync::<Id<std::cell::Cell<u32>>>();
    }

    proptest! {
        #[test]
        fn behaves_as_a_map_from_ids_to_records(operations in prop::collection::vec((0u8..3, any::<u32>()), 0..300)) {
            let mut arena = Arena::new();
            let mut model: BTreeMap<Id<u32>, u32> = BTreeMap::new();
            let mut given = Vec::new();
            for (operation, number) in operations {
                if operation < 2 || given.is_empty() {
                    let id = arena.insert(number);
                    prop_assert!(!given.contains(&id), "an id was given twice");
                    given.push(id);
                    model.insert(id, number);
                } else {
                    let id = given[number as usize % given.len()];
                    prop_assert_eq!(arena.remove(id), model.remove(&id));
                }
                prop_assert_eq!(arena.len(), model.len());
                for &id in &given {
                    prop_assert_eq!(arena.get(id), model.get(&id));
                }
                // One slot holds one live record, so the order of ids is that of the slots.
                prop_assert!(arena.iter().eq(model.iter().map(|(&id, number)| (id, number))));
            }
        }
    }
}

//! State that few records of an arena have, kept beside them by slot so that the records stay small.
//!
//! Who has a row says so in the record (a flag), so that records without one never look here. Rows are not tied to
//! their record's life: whoever puts one takes it out again, and a row whose record is gone is not found any more.

use crate::engine::arena::Id;

#[derive(Clone, Debug)]
pub struct Aside<K, T> {
    rows: Vec<Option<(Id<K>, T)>>,
}

impl<K, T> Default for Aside<K, T> {
    fn default() -> Self {
        Aside { rows: Vec::new() }
    }
}

impl<K, T> Aside<K, T> {
    /// Gives the record a row, in place of the one that it may have.
    #[inline]
    pub fn put(&mut self, id: Id<K>, row: T) {
        let slot = id.index() as usize;
        if slot >= self.rows.len() {
            self.grow(slot);
        }
        self.rows[slot] = Some((id, row));
    }

    #[cold]
    fn grow(&mut self, slot: usize) {
        self.rows.resize_with(slot + 1, || None);
    }

    /// The record's row, if it has one.
    #[inline]
    pub fn get(&self, id: Id<K>) -> Option<&T> {
        match self.rows.get(id.index() as usize) {
            Some(Some((owner, row))) if *owner == id => Some(row),
            _ => None,
        }
    }

    /// The record's row, if it has one.
    #[inline]
    pub fn get_mut(&mut self, id: Id<K>) -> Option<&mut T> {
        match self.rows.get_mut(id.index() as usize) {
            Some(Some((owner, row))) if *owner == id => Some(row),
            _ => None,
        }
    }

    /// Takes the record's row out.
    pub fn take(&mut self, id: Id<K>) -> Option<T> {
        self.get(id)?;
        self.rows[id.index() as usize].take().map(|(_, row)| row)
    }

    /// Forgets the record's row, if it has one.
    #[inline]
    pub fn drop_row(&mut self, id: Id<K>) {
        if self.get(id).is_some() {
            self.rows[id.index() as usize] = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::arena::Arena;

    #[test]
    fn a_row_belongs_to_one_record_and_not_to_the_next_of_its_slot() {
        let mut arena = Arena::new();
        let mut aside = Aside::default();
        let first = arena.insert('a');
        aside.put(first, 1);
        assert_eq!(aside.get(first), Some(&1));
        arena.remove(first);
        let second = arena.insert('b');
        assert_eq!(second.index(), first.index(), "the arena gives the slot again");
        assert_eq!(aside.get(second), None);
        assert_eq!(aside.take(second), None);
        aside.put(second, 2);
        assert_eq!(aside.get(first), None);
        assert_eq!(aside.take(second), Some(2));
        assert_eq!(aside.get_mut(second), None);
    }
}

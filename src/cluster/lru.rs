//! A cache's entries: the least recently used one makes room.
//!
//! Keys are small numbers, so that an entry is found by position; entries are linked from the most to the least
//! recently used. Each operation is constant in time, and a full cache allocates no more.

use crate::units::Instant;

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub struct Lru {
    /// By key: where its entry is.
    places: Vec<u32>,
    entries: Vec<Entry>,
    capacity: usize,
    newest: u32,
    oldest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u32,
    newer: u32,
    older: u32,
    expires: Instant,
}

impl Lru {
    /// An empty cache of keys `0..keys` with room for `capacity` entries.
    pub fn new(keys: usize, capacity: usize) -> Self {
        Lru {
            places: vec![NONE; keys],
            entries: Vec::new(),
            capacity: capacity.min(keys),
            newest: NONE,
            oldest: NONE,
        }
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether the key is there and has not expired; it is the most recently used one then.
    #[inline]
    pub fn get(&mut self, key: u32, now: Instant) -> bool {
        let at = self.places[key as usize];
        if at == NONE || self.entries[at as usize].expires <= now {
            return false;
        }
        self.touch(at);
        true
    }

    /// Keeps the key until it expires, as the most recently used one.
    pub fn put(&mut self, key: u32, expires: Instant) {
        if self.capacity == 0 {
            return;
        }
        let mut at = self.places[key as usize];
        if at != NONE {
            self.entries[at as usize].expires = expires;
            return self.touch(at);
        }
        let entry = Entry {
            key,
            newer: NONE,
            older: NONE,
            expires,
        };
        if self.entries.len() < self.capacity {
            at = self.entries.len() as u32;
            self.entries.push(entry);
        } else {
            at = self.oldest;
            self.unlink(at);
            self.places[self.entries[at as usize].key as usize] = NONE;
            self.entries[at as usize] = entry;
        }
        self.places[key as usize] = at;
        self.link(at);
    }

    /// Drops the entries that are not to be kept.
    pub fn retain(&mut self, mut keeps: impl FnMut(u32) -> bool) {
        let mut kept = Vec::with_capacity(self.entries.len());
        let mut at = self.oldest;
        while at != NONE {
            let entry = self.entries[at as usize];
            if keeps(entry.key) {
                kept.push((entry.key, entry.expires));
            }
            at = entry.newer;
        }
        self.clear();
        kept.into_iter().for_each(|(key, expires)| self.put(key, expires));
    }

    pub fn clear(&mut self) {
        for entry in self.entries.drain(..) {
            self.places[entry.key as usize] = NONE;
        }
        (self.newest, self.oldest) = (NONE, NONE);
    }

    fn touch(&mut self, at: u32) {
        if self.newest != at {
            self.unlink(at);
            self.link(at);
        }
    }

    fn link(&mut self, at: u32) {
        let newest = self.newest;
        let entry = &mut self.entries[at as usize];
        (entry.newer, entry.older) = (NONE, newest);
        match newest {
            NONE => self.oldest = at,
            newest => self.entries[newest as usize].newer = at,
        }
        self.newest = at;
    }

    fn unlink(&mut self, at: u32) {
        let Entry { newer, older, .. } = self.entries[at as usize];
        match newer {
            NONE => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            NONE => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NEVER: Instant = Instant::NEVER;

    #[test]
    fn the_least_recently_used_entry_makes_room() {
        let mut cache = Lru::new(10, 2);
        cache.put(1, NEVER);
        cache.put(2, NEVER);
        assert!(cache.get(1, Instant::ZERO), "1 is more recent than 2 now");
        cache.put(3, NEVER);
        assert!(!cache.get(2, Instant::ZERO));
        assert!(cache.get(1, Instant::ZERO) && cache.get(3, Instant::ZERO));
    }

    #[test]
    fn an_entry_is_gone_when_it_expires() {
        let mut cache = Lru::new(1, 1);
        let (soon, later) = (Instant::from_nanos(5), Instant::from_nanos(6));
        cache.put(0, later);
        assert!(cache.get(0, soon));
        assert!(!cache.get(0, later));
        cache.put(0, NEVER);
        assert!(cache.get(0, later), "and is filled again");
    }

    #[test]
    fn a_cache_without_room_keeps_nothing() {
        let mut cache = Lru::new(3, 0);
        cache.put(1, NEVER);
        assert!(!cache.get(1, Instant::ZERO) && cache.is_empty());
    }

    proptest! {
        #[test]
        fn behaves_as_a_list_in_order_of_use(uses in prop::collection::vec((0u32..12, 0u8..8), 0..400), room in 1usize..8) {
            let mut cache = Lru::new(12, room);
            // From the least to the most recently used.
            let mut list: Vec<u32> = Vec::new();
            for (key, what) in uses {
                if what == 7 {
                    cache.retain(|kept| kept % 3 != key % 3);
                    list.retain(|kept| kept % 3 != key % 3);
                    continue;
                }
                let known = list.contains(&key);
                if what >= 4 {
                    prop_assert_eq!(cache.get(key, Instant::ZERO), known);
                    if !known {
                        continue;
                    }
                } else {
                    cache.put(key, NEVER);
                    if !known && list.len() == room {
                        list.remove(0);
                    }
                }
                list.retain(|other| *other != key);
                list.push(key);
                prop_assert_eq!(cache.len(), list.len());
            }
        }
    }
}

//! The smallest 4-ary heap: time above, payload below, in one 128-bit number.

/// An event: nanoseconds in the upper half, what it is about in the lower.
pub type Entry = u128;

pub fn entry(at: u64, payload: u64) -> Entry {
    (Entry::from(at) << 64) | Entry::from(payload)
}

pub struct Heap(Vec<Entry>);

impl Heap {
    pub fn new() -> Heap {
        Heap(Vec::new())
    }

    /// The time of the least entry; `u64::MAX` if there is none.
    #[inline]
    pub fn next(&self) -> u64 {
        self.0.first().map_or(u64::MAX, |&first| (first >> 64) as u64)
    }

    /// The payload of the least entry, which must exist.
    #[inline]
    pub fn least(&self) -> u64 {
        self.0[0] as u64
    }

    #[inline]
    pub fn push(&mut self, entry: Entry) {
        self.0.push(entry);
        let entries = self.0.as_mut_slice();
        let mut place = entries.len() - 1;
        while place > 0 {
            let parent = (place - 1) / 4;
            if entries[parent] < entry {
                break;
            }
            entries[place] = entries[parent];
            place = parent;
        }
        entries[place] = entry;
    }

    /// Takes the least entry out.
    #[inline]
    pub fn pop(&mut self) {
        let last = self.0.pop().expect("the heap is not empty");
        if !self.0.is_empty() {
            self.replace(last);
        }
    }

    /// Takes the least entry out and puts another in.
    #[inline]
    pub fn replace(&mut self, entry: Entry) {
        let entries = self.0.as_mut_slice();
        let mut place = 0;
        loop {
            let first = place * 4 + 1;
            let child = match entries.get(first..).and_then(|rest| rest.first_chunk::<4>()) {
                Some([a, b, c, d]) => {
                    let (left, left_key) = if b < a { (1, b) } else { (0, a) };
                    let (right, right_key) = if d < c { (3, d) } else { (2, c) };
                    first + if right_key < left_key { right } else { left }
                }
                None => match (first..entries.len()).min_by_key(|&child| entries[child]) {
                    Some(child) => child,
                    None => break,
                },
            };
            if entry < entries[child] {
                break;
            }
            entries[place] = entries[child];
            place = child;
        }
        entries[place] = entry;
    }
}

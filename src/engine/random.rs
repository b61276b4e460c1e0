//! Random draws as a function of a key.
//!
//! A [`Key`] is a path folded to 64 bits: contract version, seed, replication, entity, ordinal, call site, purpose. The
//! same path gives the same draw, whatever else was drawn before it, so that request 17 needs the same work under
//! every policy and adding a service changes nothing for the others. A key is itself a uniform 64-bit number; a draw is
//! the last step of the path.
//!
//! Deliberately not here: a generator with a state that somebody drains ([`Cursor`] lives for one draw that needs
//! several uniforms), and the laws that turn uniforms into values (`dist`).

use std::convert::Infallible;

use rand::TryRng;

/// A place in the tree of randomness, and the 64 uniform bits that are found there.
///
/// Purposes, call sites and ordinals are the numbers given to [`Key::child`]; two different paths must not end in the
/// same numbers by construction, so give every use its own constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

/// 2⁶⁴ divided by the golden ratio, SplitMix64's increment: keeps `child(0)` away from the mixer's fixed point.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// The start of every path: the fractional bits of √2.
const ORIGIN: u64 = 0x6A09_E667_F3BC_C908;
/// Keeps names apart from numbers below the same key.
const ENTITY: u64 = 0x656E_7469_7479;

/// SplitMix64's finaliser (Stafford's variant 13): a bijection in which every input bit moves every output bit.
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number given to [`Key::child`], mixed beforehand: for purposes that are known when a run is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose(u64);

impl Purpose {
    pub const fn new(number: u64) -> Purpose {
        Purpose(mix(number.wrapping_add(GOLDEN)))
    }
}

impl Key {
    /// The root of one replication of one seed. A change of any draw anywhere raises `contract_version`.
    pub const fn root(contract_version: u32, seed: u64, replication: u32) -> Key {
        Key(ORIGIN)
            .child(contract_version as u64)
            .child(seed)
            .child(replication as u64)
    }

    /// The key of a named thing, such as `("service", "cart")`. For build time: it walks the bytes (FNV-1a, pinned).
    pub fn entity(self, kind: &str, name: &str) -> Key {
        // 0xFF never occurs in UTF-8, so ("ab", "c") and ("a", "bc") differ.
        let bytes = kind.bytes().chain([0xFF]).chain(name.bytes());
        let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        self.child(ENTITY).child(hash)
    }

    /// The key below this one that a number names: an ordinal, a call site, an attempt or a purpose.
    ///
    /// Two rounds of mixing, one over the number and one over both. The first does not wait for the key, so a constant
    /// purpose costs one round.
    #[inline]
    pub const fn child(self, number: u64) -> Key {
        self.child_for(Purpose::new(number))
    }

    /// [`Key::child`] in one round.
    #[inline]
    pub const fn child_for(self, purpose: Purpose) -> Key {
        Key(mix(self.0 ^ purpose.0))
    }

    /// The draw: 64 uniform bits.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// A uniform number between 0 and 1, both excluded: an odd multiple of 2⁻⁵³, symmetric about one half.
    #[inline]
    pub fn uniform(self) -> f64 {
        uniform_from(self.0)
    }

    /// A uniform number below `n` (0 for `n` = 0). The largest and the smallest probability differ by 2⁻⁶⁴, so the
    /// relative bias is below n · 2⁻⁶⁴ ≤ 2⁻³².
    #[inline]
    pub const fn below(self, n: u32) -> u32 {
        ((self.0 as u128 * n as u128) >> 64) as u32
    }

    /// Whether something of the given probability happens.
    #[inline]
    pub fn happens(self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A generator for one draw that needs several uniforms.
    #[inline]
    pub const fn cursor(self) -> Cursor {
        Cursor { key: self, drawn: 0 }
    }
}

/// The upper 53 bits as an odd multiple of 2⁻⁵³. (Adding half a step to 53 bits instead would round up to 1.)
#[inline]
pub(in crate::engine) fn uniform_from(bits: u64) -> f64 {
    ((bits >> 11) | 1) as i64 as f64 * (1.0 / (1u64 << 53) as f64)
}

/// The uniforms below one key, in order; implements `rand`'s generator traits.
#[derive(Clone, Debug)]
pub struct Cursor {
    key: Key,
    drawn: u64,
}

/// Keeps a cursor's uniforms apart from the children its key may have by small numbers.
const CURSOR: u64 = 0x6375_7273_6F72_0000_u64 << 8;

impl Cursor {
    /// The next uniform number between 0 and 1, both excluded.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        uniform_from(self.next_bits())
    }

    #[inline]
    fn next_bits(&mut self) -> u64 {
        let bits = self.key.child(CURSOR ^ self.drawn).bits();
        self.drawn += 1;
        bits
    }
}

impl TryRng for Cursor {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.next_bits() >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next_bits())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_bits().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Caches: what they hold, and how they fill.

use super::CacheIx;
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

#[derive(Clone, Debug)]
pub struct Cache {
    /// For output: its own name, or `service/operation/step`.
    pub name: String,
    pub scope: CacheScope,
    pub content: CacheContent,
    /// Those who miss the same key wait for the first of them.
    pub coalesces: bool,
    /// That a look takes.
    pub latency: Option<Dist>,
    /// Of a full cache.
    pub bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheScope {
    /// Each task has its own, which is empty when its process starts.
    Task,
    /// One for all.
    Shared,
}

#[derive(Clone, Debug)]
pub enum CacheContent {
    /// Without keys: this share of looks finds something once it has been filled so often; before, in proportion less.
    Ratio { hits: Ratio, warms_up: u32 },
    Keys {
        /// Of each key, the most popular first; they add up to 1.
        shares: Vec<f64>,
        /// Entries.
        capacity: u32,
        /// Of an entry.
        ttl: Option<Span>,
    },
}

impl Cache {
    /// The share of looks that find something, in a cache that is warm, at best: the hit ratio, or the share of the most
    /// popular keys that have room.
    pub fn hits_at_best(&self) -> f64 {
        match &self.content {
            CacheContent::Ratio { hits, .. } => hits.get(),
            CacheContent::Keys { shares, capacity, .. } => shares.iter().take(*capacity as usize).sum::<f64>().min(1.0),
        }
    }
}

/// What empties caches.
#[derive(Clone, Debug)]
pub struct CacheFlush {
    pub caches: Vec<CacheIx>,
    /// Of entries.
    pub share: Ratio,
}

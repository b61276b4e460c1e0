//! Caches: who finds what, who fetches it, and who waits for whoever fetches it.
//!
//! A cache of tasks has one store for each server's slot, which is emptied when another task is found there: so a
//! process starts with an empty cache, and nobody has to tell. A miss fills the cache when its steps have succeeded. With
//! coalescing, the first who misses a key *flies* for it, and the others who miss it wait for the landing; if the first is
//! dropped on the way, one of them flies in its place.

use super::faults::Which;
use super::{DataPlane, purpose};
use crate::blueprint::{self, Blueprint, CacheContent, CacheFlush, CacheIx, CacheScope};
use crate::cluster::Task;
use crate::cluster::attempt::{Attempt, Flags, Phase};
use crate::cluster::cause::Cause;
use crate::cluster::lru::Lru;
use crate::cluster::server::Door;
use crate::engine::arena::Id;
use crate::engine::popularity::Popularity;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::sim::observation::{CacheCount, CacheLooks};
use crate::units::{Instant, Span};

pub(super) struct Caches {
    laws: Vec<Law>,
    /// By cache, then by slot of the task's server; a shared cache has one.
    stores: Vec<Vec<Store>>,
    flights: Vec<Flight>,
    idle: Vec<u32>,
    counts: Vec<CacheCount>,
}

/// How one cache works.
struct Law {
    scope: CacheScope,
    coalesces: bool,
    content: LawOf,
}

enum LawOf {
    Ratio {
        hits: f64,
        warms_up: u32,
    },
    Keys {
        popularity: Popularity,
        capacity: u32,
        ttl: Option<Span>,
    },
}

struct Store {
    /// Whose it is; a shared one is nobody's.
    owner: Option<Id<Task>>,
    content: Content,
}

enum Content {
    Ratio {
        fills: f64,
    },
    Keys {
        entries: Lru,
        /// By key, with coalescing: who fetches it.
        flights: Vec<Option<Flying>>,
    },
}

/// A look into a cache.
pub(super) struct Look {
    pub cache: CacheIx,
    pub task: Id<Task>,
    /// Of the request's call path, at this step.
    pub key: Key,
    pub who: Waiter,
}

pub(super) enum Found {
    Hit,
    /// Whoever looked fetches it.
    Miss(Miss),
    /// Whoever looked waits for somebody who fetches it.
    Awaited,
}

/// Something to be fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Miss {
    cache: CacheIx,
    store: u32,
    owner: Option<Id<Task>>,
    key: u32,
    pub flight: Option<Flying>,
}

/// A row of the flights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flying(u32);

/// Those who wait for what somebody fetches.
#[derive(Default)]
struct Flight {
    waiters: Vec<Waiter>,
}

/// Where a strand stands that looks into a cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiter {
    pub id: Id<Attempt>,
    /// Caches that the step stands in.
    pub depth: u8,
    /// The first step behind it.
    pub after: u16,
}

/// How a flight ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Landing {
    Filled,
    Failed(Cause),
    /// Whoever flew is gone.
    Dropped,
}

impl Caches {
    /// `None` if there are none.
    pub fn new(blueprint: &Blueprint) -> Option<Box<Caches>> {
        if blueprint.caches.is_empty() {
            return None;
        }
        let laws = blueprint.caches.iter().map(Law::new).collect();
        Some(Box::new(Caches {
            laws,
            stores: blueprint.caches.iter().map(|_| Vec::new()).collect(),
            flights: Vec::new(),
            idle: Vec::new(),
            counts: blueprint
                .caches
                .iter()
                .map(|cache| CacheCount::none(cache.name.clone()))
                .collect(),
        }))
    }

    pub fn look(&mut self, cx: &Context<'_>, look: Look) -> Found {
        let at = look.cache.at();
        let law = &self.laws[at];
        let (slot, owner) = match law.scope {
            CacheScope::Task => (look.task.index() as usize, Some(look.task)),
            CacheScope::Shared => (0, None),
        };
        let stores = &mut self.stores[at];
        while stores.len() <= slot {
            stores.push(law.empty(None));
        }
        let store = &mut stores[slot];
        if store.owner != owner {
            store.take_over(owner);
        }
        let mut miss = Miss {
            cache: look.cache,
            store: slot as u32,
            owner,
            key: 0,
            flight: None,
        };
        let found = match (&law.content, &mut store.content) {
            (LawOf::Ratio { hits, warms_up }, Content::Ratio { fills }) => {
                let warm = if *warms_up == 0 {
                    1.0
                } else {
                    (*fills / f64::from(*warms_up)).min(1.0)
                };
                match look.key.child(purpose::FOUND).happens(hits * warm) {
                    true => Found::Hit,
                    false => Found::Miss(miss),
                }
            }
            (LawOf::Keys { popularity, .. }, Content::Keys { entries, flights }) => {
                miss.key = popularity.draw(look.key.child(purpose::CACHE_KEY));
                if entries.get(miss.key, cx.now()) {
                    Found::Hit
                } else if !law.coalesces {
                    Found::Miss(miss)
                } else if let Some(flight) = flights[miss.key as usize] {
                    self.flights[flight.0 as usize].waiters.push(look.who);
                    Found::Awaited
                } else {
                    let flight = Flying(self.idle.pop().unwrap_or(self.flights.len() as u32));
                    if flight.0 as usize == self.flights.len() {
                        self.flights.push(Flight::default());
                    }
                    flights[miss.key as usize] = Some(flight);
                    miss.flight = Some(flight);
                    Found::Miss(miss)
                }
            }
            _ => unreachable!("a store is made by its cache's law"),
        };
        if cx.is_measured() {
            let count = &mut self.counts[at];
            count.looks += 1;
            match found {
                Found::Hit => count.hits += 1,
                Found::Awaited => count.coalesced += 1,
                Found::Miss(_) => {}
            }
        }
        found
    }

    /// What was fetched is kept.
    pub fn fill(&mut self, cx: &Context<'_>, miss: Miss) {
        let at = miss.cache.at();
        let store = &mut self.stores[at][miss.store as usize];
        if store.owner != miss.owner {
            return;
        }
        match (&self.laws[at].content, &mut store.content) {
            (LawOf::Keys { ttl, .. }, Content::Keys { entries, .. }) => {
                entries.put(miss.key, ttl.map_or(Instant::NEVER, |ttl| cx.now() + ttl));
            }
            (_, Content::Ratio { fills }) => *fills += 1.0,
            _ => unreachable!("a store is made by its cache's law"),
        }
        if cx.is_measured() {
            self.counts[at].fills += 1;
        }
    }

    /// Nobody flies for the key any more.
    fn lands(&mut self, miss: Miss, flight: Flying) {
        self.idle.push(flight.0);
        let store = &mut self.stores[miss.cache.at()][miss.store as usize];
        if let Content::Keys { flights, .. } = &mut store.content
            && flights[miss.key as usize] == Some(flight)
        {
            flights[miss.key as usize] = None;
        }
    }

    fn flush(&mut self, key: Key, flush: &CacheFlush) {
        for cache in &flush.caches {
            for (slot, store) in self.stores[cache.at()].iter_mut().enumerate() {
                let key = key.child(u64::from(cache.0)).child(slot as u64);
                match &mut store.content {
                    Content::Ratio { fills } => *fills *= 1.0 - flush.share.get(),
                    Content::Keys { entries, .. } => {
                        entries.retain(|entry| !key.child(u64::from(entry)).happens(flush.share.get()));
                    }
                }
            }
        }
    }
}

impl Law {
    fn new(cache: &blueprint::Cache) -> Law {
        Law {
            scope: cache.scope,
            coalesces: cache.coalesces,
            content: match &cache.content {
                CacheContent::Ratio { hits, warms_up } => LawOf::Ratio {
                    hits: hits.get(),
                    warms_up: *warms_up,
                },
                CacheContent::Keys { shares, capacity, ttl } => LawOf::Keys {
                    popularity: Popularity::new(shares),
                    capacity: *capacity,
                    ttl: *ttl,
                },
            },
        }
    }

    fn empty(&self, owner: Option<Id<Task>>) -> Store {
        let content = match &self.content {
            LawOf::Ratio { .. } => Content::Ratio { fills: 0.0 },
            LawOf::Keys {
                popularity, capacity, ..
            } => {
                let keys = popularity.count();
                Content::Keys {
                    entries: Lru::new(keys, *capacity as usize),
                    flights: vec![None; if self.coalesces { keys } else { 0 }],
                }
            }
        };
        Store { owner, content }
    }
}

impl Store {
    /// Another process starts with nothing.
    fn take_over(&mut self, owner: Option<Id<Task>>) {
        self.owner = owner;
        match &mut self.content {
            Content::Ratio { fills } => *fills = 0.0,
            Content::Keys { entries, flights } => {
                entries.clear();
                flights.fill(None);
            }
        }
    }
}

impl DataPlane {
    /// A strand ends early, with what it was about to fetch: by an error, or dropped.
    #[inline]
    pub(super) fn misses_end(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, cause: Option<Cause>) {
        if self.caches.is_some() && self.attempts[id].flags.has(Flags::HAS_COURSE) {
            self.drop_misses(cx, id, cause);
        }
    }

    #[cold]
    fn drop_misses(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, cause: Option<Cause>) {
        for depth in 0..blueprint::Program::MAX_CACHES {
            let courses = self.courses.as_mut().expect("who looks into caches has a course");
            if let Some(miss) = courses.take_miss(id, depth)
                && miss.flight.is_some()
            {
                self.flight_lands(cx, miss, cause.map_or(Landing::Dropped, Landing::Failed));
            }
        }
    }

    /// Whoever fetched something comes back, with or without it: those who wait go on, fail, or fetch it themselves.
    pub(super) fn flight_lands(&mut self, cx: &mut Context<'_>, miss: Miss, landing: Landing) {
        let flight = miss.flight.expect("somebody flew for it");
        let caches = self.caches.as_mut().expect("there is a cache");
        let mut waiters = std::mem::take(&mut caches.flights[flight.0 as usize].waiters);
        let mut next = 0;
        while let Some(waiter) = waiters.get(next).copied() {
            next += 1;
            if !self.still_waits(waiter.id) {
                continue;
            }
            match landing {
                Landing::Filled => {
                    let attempt = &mut self.attempts[waiter.id];
                    attempt.phase = Phase::Ready;
                    attempt.step = waiter.after;
                    cx.follow(DataEvent::GoOn, waiter.id);
                }
                Landing::Failed(cause) => self.strand_fails(cx, waiter.id, cause),
                Landing::Dropped => {
                    let courses = self.courses.as_mut().expect("who waits has a course");
                    courses.set_miss(waiter.id, waiter.depth, miss);
                    self.attempts[waiter.id].phase = Phase::Ready;
                    cx.follow(DataEvent::GoOn, waiter.id);
                    waiters.drain(..next);
                    let caches = self.caches.as_mut().expect("there is a cache");
                    caches.flights[flight.0 as usize].waiters = waiters;
                    return;
                }
            }
        }
        waiters.clear();
        let caches = self.caches.as_mut().expect("there is a cache");
        caches.flights[flight.0 as usize].waiters = waiters;
        caches.lands(miss, flight);
    }

    /// Whether a strand is there to go on, and its process with it.
    fn still_waits(&self, id: Id<Attempt>) -> bool {
        let attempt = self.attempts.get(id).filter(|attempt| attempt.phase == Phase::Waiting);
        let server = attempt.and_then(|attempt| self.servers.get(attempt.task?));
        server.is_some_and(|server| server.door != Door::Silent)
    }

    /// Entries are lost.
    pub(super) fn flush_caches(&mut self, cx: &Context<'_>, fault: Which, flush: &CacheFlush) {
        if let Some(caches) = &mut self.caches {
            let key = cx.key.entity("cache_flush", "").child(fault.salt);
            caches.flush(key.child(cx.now().nanos()), flush);
        }
    }

    /// How often somebody looked into each cache in measured time.
    pub fn cache_looks(&self) -> Vec<CacheLooks> {
        let counts = self.caches.iter().flat_map(|caches| &caches.counts);
        let looks = counts.map(|count| CacheLooks {
            looks: count.looks,
            hits: count.hits,
        });
        looks.collect()
    }

    /// What was found in the caches in measured time.
    pub fn cache_counts(&self) -> Vec<CacheCount> {
        self.caches
            .as_ref()
            .map_or_else(Vec::new, |caches| caches.counts.clone())
    }
}

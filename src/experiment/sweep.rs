//! Many points, each in the same number of replications, cut into parts by the number of the run.
//!
//! Runs are numbered point by point, a point's replications one after the other, and cut into parts of a fixed number of
//! runs. What is in a part depends on the design alone: not on workers, threads, shards or the hour. So any scheduler can
//! carry the work, a part is the same wherever it is made, and what is finished stays finished. All points of one
//! replication draw the same luck. How parts are kept is not known here.

use super::replicate::{Cancel, Workers, replicate};
use crate::blueprint::Blueprint;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How the runs of a sweep are numbered and cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    points: u32,
    replications: u32,
    runs_per_part: u32,
}

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub point: u32,
    pub replication: u32,
}

impl Cut {
    /// `None` if there is nothing to run, or more than can be numbered in 32 bits.
    pub fn new(points: u32, replications: u32, runs_per_part: u32) -> Option<Cut> {
        let runs = points.checked_mul(replications)?;
        (runs > 0 && runs_per_part > 0).then_some(Cut {
            points,
            replications,
            runs_per_part,
        })
    }

    pub const fn points(&self) -> u32 {
        self.points
    }

    pub const fn replications(&self) -> u32 {
        self.replications
    }

    pub const fn runs_per_part(&self) -> u32 {
        self.runs_per_part
    }

    pub const fn runs(&self) -> u32 {
        self.points * self.replications
    }

    pub const fn parts(&self) -> u32 {
        self.runs().div_ceil(self.runs_per_part)
    }

    /// The runs of a part, by number.
    ///
    /// # Panics
    /// If there is no such part.
    pub fn runs_of(&self, part: u32) -> Range<u32> {
        assert!(part < self.parts(), "part {part} of {}", self.parts());
        let first = part * self.runs_per_part;
        first..first.saturating_add(self.runs_per_part).min(self.runs())
    }

    /// Which run has a number.
    pub const fn place(&self, run: u32) -> Place {
        Place {
            point: run / self.replications,
            replication: run % self.replications,
        }
    }
}

/// One of several shares of the parts: every part whose number leaves `number − 1` when divided by `of`.
///
/// Neighbouring parts go to different shards, so that a corner of the design that takes long is shared by all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1 to `of`.
    number: u32,
    of: u32,
}

/// A text that names no shard, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoShard {
    #[error("is not of the form i/n")]
    Malformed,
    #[error("counts shards from 0")]
    Zero,
    #[error("asks for a shard of none")]
    OfNone,
    #[error("asks for a shard beyond the last")]
    Beyond,
}

impl Shard {
    /// All parts.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    pub const fn number(&self) -> u32 {
        self.number
    }

    pub const fn of(&self) -> u32 {
        self.of
    }

    pub fn is_whole(&self) -> bool {
        self.of == 1
    }

    pub const fn has(&self, part: u32) -> bool {
        part % self.of == self.number - 1
    }
}

impl std::str::FromStr for Shard {
    type Err = NoShard;

    /// Reads `2/3`.
    fn from_str(text: &str) -> Result<Shard, NoShard> {
        let (number, of) = text.split_once('/').ok_or(NoShard::Malformed)?;
        let read = |text: &str| text.trim().parse::<u32>().map_err(|_| NoShard::Malformed);
        match (read(number)?, read(of)?) {
            (_, 0) => Err(NoShard::OfNone),
            (0, _) => Err(NoShard::Zero),
            (number, of) if number > of => Err(NoShard::Beyond),
            (number, of) => Ok(Shard { number, of }),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

/// What stands when a sweep stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Performed {
    /// Of the parts asked for, in order.
    pub parts: usize,
    /// Runs that were finished beyond them and are in no part.
    pub lost: usize,
}

/// Does the runs of some parts, each by `run`, and hands each part to `finished` as soon as it is whole, in order.
/// `progress` hears how many runs are done. Stops early if `cancel` is requested, or `finished` fails.
pub fn perform<T: Send, E>(
    cut: &Cut,
    parts: &[u32],
    workers: &Workers,
    cancel: &Cancel,
    run: impl Fn(Place) -> T + Sync,
    mut finished: impl FnMut(u32, Vec<T>) -> Result<(), E>,
    mut progress: impl FnMut(usize),
) -> Result<Performed, E> {
    // All parts but the very last are of one length, so a division finds the part of a run.
    let length = cut.runs_per_part as usize;
    let total: usize = parts.iter().map(|part| cut.runs_of(*part).len()).sum();
    let number = |index: usize| cut.runs_of(parts[index / length]).start + (index % length) as u32;
    let mut whole = 0;
    let mut rows = Vec::new();
    let mut failure = None;
    // A failure stops this sweep only: elsewhere it must not look like the user's wish.
    let stopping = cancel.child();
    let one = |index| run(cut.place(number(index)));
    let done = replicate(total, workers, &stopping, one, |index, row| {
        if failure.is_some() {
            return;
        }
        rows.push(row);
        if rows.len() == cut.runs_of(parts[whole]).len() {
            match finished(parts[whole], std::mem::take(&mut rows)) {
                Ok(()) => whole += 1,
                Err(error) => {
                    failure = Some(error);
                    stopping.request();
                }
            }
        }
        progress(index + 1);
    });
    match failure {
        Some(error) => Err(error),
        None => Ok(Performed {
            parts: whole,
            lost: done
                - parts[..whole]
                    .iter()
                    .map(|part| cut.runs_of(*part).len())
                    .sum::<usize>(),
        }),
    }
}

/// The blueprints of the points that are being run: resolved once, when the first run of a point asks, and let go when
/// later points have taken their places.
pub struct Blueprints<F> {
    resolve: F,
    most: usize,
    kept: Mutex<BTreeMap<u32, Arc<OnceLock<Arc<Blueprint>>>>>,
}

impl<F: Fn(u32) -> Blueprint + Sync> Blueprints<F> {
    /// For workers that may be at so many points at once.
    pub fn new(threads: NonZeroUsize, resolve: F) -> Self {
        Blueprints {
            resolve,
            most: 4 * threads.get(),
            kept: Mutex::new(BTreeMap::new()),
        }
    }

    pub fn of(&self, point: u32) -> Arc<Blueprint> {
        let slot = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = kept.entry(point).or_default().clone();
            while kept.len() > self.most {
                kept.pop_first();
            }
            slot
        };
        // Whoever comes second to the same point waits; others do not.
        slot.get_or_init(|| Arc::new((self.resolve)(point))).clone()
    }
}

#[cfg(test)]
mod tests;

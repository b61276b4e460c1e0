//! Arrival processes: when requests come that do not wait for answers.
//!
//! An [`ArrivalStream`] pushes unit exponentials (or unit steps) through the inverse of the integrated rate, so a
//! profile of any shape is met exactly and nothing is thinned. The exponential of an arrival is a function of the
//! stream's key and the arrival's ordinal: a changed rate moves arrivals, but the seventeenth stays the seventeenth. The
//! position is an integer number of nanoseconds and a fraction below one; each step adds a gap that is right to 2⁻⁵³ of
//! itself, so the rounding of a day is that of its gaps and does not grow with the time that has passed.
//!
//! Deliberately not here: what an arrival asks for, and closed users, who wait for answers: the data plane has them.

mod bursts;
mod peak;
mod piece;
mod profile;
mod replay;

use crate::blueprint::{Arrivals, RateProfile, RateSegment};
use crate::engine::dist::{Dist, Law, Tables};
use crate::engine::random::Key;
use crate::units::Instant;
use bursts::Bursts;
use piece::Piece;

pub use peak::rates_at_peak;
pub use replay::Replay;

/// Purposes below the stream's key.
const GAP: u64 = 0;
const PHASE: u64 = 1;
const BURST: u64 = 2;

/// The arrivals of one traffic source, in order of time: an iterator that ends when no more will ever come.
#[derive(Clone, Debug)]
pub struct ArrivalStream {
    /// Exponential of mean 1.
    exponential: Law,
    gaps: Gaps,
    /// Number of the next arrival, from 0.
    ordinal: u64,
    /// Its step.
    step: f64,
    /// The last arrival (or the start of the piece, if it has had none), rounded down.
    at: u64,
    /// What was rounded off `at`, in [0, 1) ns.
    fraction: f64,
    piece: Piece,
    segment: usize,
    segments: Box<[RateSegment]>,
    bursts: Bursts,
}

/// The steps between arrivals, in units of integrated rate.
#[derive(Clone, Copy, Debug)]
enum Gaps {
    /// Exponential of mean 1, one for each ordinal.
    Exponential(Key),
    /// One, but for the first, which is this.
    Regular(f64),
}

impl Gaps {
    /// The step to an arrival.
    #[inline]
    fn step(self, ordinal: u64, exponential: &Law) -> f64 {
        match self {
            Gaps::Exponential(key) => exponential.draw(key.child(ordinal)),
            Gaps::Regular(phase) if ordinal == 0 => phase,
            Gaps::Regular(_) => 1.0,
        }
    }
}

impl ArrivalStream {
    /// The stream of a source from instant 0 on.
    ///
    /// Panics on a profile that breaks its own rules; `scenario` lets none through.
    pub fn new(profile: &RateProfile, arrivals: &Arrivals, key: Key, tables: &mut Tables) -> Self {
        profile.check();
        let exponential = unit_exponential(tables);
        let gaps = match arrivals {
            Arrivals::Regular => Gaps::Regular(key.child(PHASE).uniform()),
            _ => Gaps::Exponential(key.child(GAP)),
        };
        let bursts = Bursts::new(arrivals, &exponential, key.child(BURST));
        let segments = profile.segments_for_ever();
        let piece = Piece::of(&segments[0], &bursts);
        ArrivalStream {
            step: gaps.step(0, &exponential),
            exponential,
            gaps,
            ordinal: 0,
            at: 0,
            fraction: 0.0,
            piece,
            segment: 0,
            segments,
            bursts,
        }
    }

    /// Number of arrivals that the stream has given so far, which is the ordinal of the next one.
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// Goes on to where the rate or the burst next changes; `None` at the end of time.
    #[inline(never)]
    fn enter_next_piece(&mut self) -> Option<()> {
        let turn = self.piece.end;
        if turn == u64::MAX {
            return None;
        }
        // A silent end of the profile is silent in bursts too: without this, the bursts would be turned for ever.
        let last = self.segment + 1 == self.segments.len();
        if last && self.segments[self.segment].is_silent() {
            return None;
        }
        self.at = turn;
        self.fraction = 0.0;
        while self.segments[self.segment].end.nanos() <= turn && self.segment + 1 < self.segments.len() {
            self.segment += 1;
        }
        self.bursts.advance_to(turn, &self.exponential);
        self.piece = Piece::of(&self.segments[self.segment], &self.bursts);
        Some(())
    }
}

impl Iterator for ArrivalStream {
    type Item = Instant;

    #[inline]
    fn next(&mut self) -> Option<Instant> {
        let mut step = self.step;
        loop {
            match self.piece.cross(self.at, self.fraction, step) {
                piece::Crossing::Within { nanos, fraction } => {
                    self.at += nanos;
                    self.fraction = fraction;
                    self.ordinal += 1;
                    // Drawn ahead: nobody waits for the draw then, while the next event may wait for this arrival.
                    self.step = self.gaps.step(self.ordinal, &self.exponential);
                    return Some(Instant::from_nanos(self.at));
                }
                piece::Crossing::Beyond(left) => {
                    step = left;
                    self.enter_next_piece()?;
                }
            }
        }
    }
}

fn unit_exponential(tables: &mut Tables) -> Law {
    Law::compile(&Dist::exponential(1.0).expect("a mean of one is valid"), tables)
}

#[cfg(test)]
mod tests;

//! A stretch of time on which the rate is one straight line: a segment of the profile within one burst.
//!
//! Rates are in arrivals a nanosecond. The rate at a point is computed from the piece's ends each time, never carried
//! along, so that nothing drifts.

use super::bursts::Bursts;
use crate::blueprint::RateSegment;
use crate::units::{Instant, NANOS_PER_SECOND};

#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// First nanosecond that no longer belongs to it; the largest number for "never".
    pub end: u64,
    line: Line,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    Silent,
    /// Nanoseconds an arrival.
    Flat(f64),
    /// The rate at the piece's end and its change in each nanosecond.
    Slope {
        at_end: f64,
        slope: f64,
    },
}

/// Farther than any simulation goes, in nanoseconds: 285 years. What lies beyond never comes.
const FAR: f64 = 9e18;

/// Where a step of integrated rate leads.
pub enum Crossing {
    /// So far after the whole nanosecond that it started from, in whole nanoseconds and a fraction of one.
    Within { nanos: u64, fraction: f64 },
    /// Past the end of the piece, with this much of the step left.
    Beyond(f64),
}

impl Piece {
    /// What a segment and the present burst have in common.
    pub fn of(segment: &RateSegment, bursts: &Bursts) -> Piece {
        let end = segment.end.nanos().min(bursts.turn());
        let per_nano = bursts.factor() / NANOS_PER_SECOND as f64;
        let line = if segment.is_silent() || per_nano == 0.0 {
            Line::Silent
        } else if segment.from == segment.to {
            Line::Flat(1.0 / (segment.from * per_nano))
        } else {
            let length = segment.end.since(segment.start).nanos() as f64;
            Line::Slope {
                at_end: segment.rate(Instant::from_nanos(end)) * per_nano,
                slope: (segment.to - segment.from) / length * per_nano,
            }
        };
        Piece { end, line }
    }

    /// Walks a step of integrated rate from `at` + `fraction` on.
    ///
    /// Conversions go through signed integers, which the machine has an instruction for; see [`FAR`].
    #[inline]
    pub fn cross(&self, at: u64, fraction: f64, step: f64) -> Crossing {
        match self.line {
            Line::Silent => Crossing::Beyond(step),
            Line::Flat(nanos_per_arrival) => {
                let offset = fraction + step * nanos_per_arrival;
                let whole = offset as i64;
                if offset < FAR && at.saturating_add(whole as u64) < self.end {
                    return Crossing::Within {
                        nanos: whole as u64,
                        fraction: offset - whole as f64,
                    };
                }
                let way = (self.end - at) as f64 - fraction;
                Crossing::Beyond((step - way / nanos_per_arrival).max(0.0))
            }
            Line::Slope { at_end, slope } => {
                let way = (self.end - at) as i64 as f64 - fraction;
                cross_slope(at_end, slope, way, step, fraction)
            }
        }
    }
}

/// Solves `rate·x + slope·x²/2 = step` for the way `x`, written so that nothing cancels whatever the slope's sign.
fn cross_slope(at_end: f64, slope: f64, way: f64, step: f64, fraction: f64) -> Crossing {
    let rate = (at_end - slope * way).max(0.0);
    let left = step - (rate + at_end) / 2.0 * way;
    if left >= 0.0 {
        return Crossing::Beyond(left);
    }
    let x = 2.0 * step / (rate + (rate * rate + 2.0 * slope * step).max(0.0).sqrt());
    // Rounding may carry the solution just past the end, where the next piece begins.
    let offset = fraction + x.min(way);
    let whole = offset as i64;
    Crossing::Within {
        nanos: whole as u64,
        fraction: offset - whole as f64,
    }
}

//! The rate of a day: one wave in 24 hours, in straight pieces of a quarter of an hour.
//!
//! A chord of a quarter of an hour lies at most (2π/96)²/8 = 0.054 % of the wave's height (its peak over its mean) below
//! or above the wave; a whole day of chords has the wave's integral exactly, for the wave's samples have its mean.

use super::Context;
use crate::blueprint::{RateProfile, RateSegment};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::resolve::finish::LONGEST_RUN;
use crate::scenario::schema;
use crate::units::Instant;
use std::f64::consts::TAU;

/// Seconds in a day and in a piece.
const DAY: i64 = 86_400;
const PIECE: i64 = 900;
const NANOS: i64 = 1_000_000_000;

/// Between these the rate goes up and down.
struct Wave {
    low: f64,
    high: f64,
    /// Nanoseconds after midnight.
    peak_at: i64,
    weekend: f64,
}

impl Wave {
    /// At a time since 1970, for the kind of day that an earlier or equal time lies in.
    fn rate(&self, at: i64, on: i64) -> f64 {
        let turn = (at - self.peak_at).rem_euclid(DAY * NANOS) as f64 / (DAY * NANOS) as f64;
        let share = (1.0 + libm::cos(TAU * turn)) / 2.0;
        // 1970-01-01 was a Thursday.
        let weekday = (on.div_euclid(DAY * NANOS) + 4).rem_euclid(7);
        let factor = if weekday == 0 || weekday == 6 {
            self.weekend
        } else {
            1.0
        };
        (self.low + (self.high - self.low) * share) * factor
    }
}

pub(super) fn diurnal(cx: &mut Context, said: &schema::Diurnal, path: &Path) -> Option<RateProfile> {
    let wave = wave(cx, said, path)?;
    let Some(starts_at) = cx.said.starts_at else {
        let message = "a day needs to know what time it is at 0";
        let hint = "give `starts_at: 2026-11-27T18:00:00Z`";
        cx.report_hint(Code::ScheduleWithoutClock, path, message, hint);
        return None;
    };
    let (warm_up, duration) = (cx.said.warm_up.0, cx.said.duration.0);
    // A longer run is refused elsewhere; listing its pieces would take for ever.
    if warm_up > LONGEST_RUN || duration > LONGEST_RUN {
        return None;
    }
    let first = starts_at.0 * NANOS - warm_up.nanos() as i64;
    let last = starts_at.0 * NANOS + duration.nanos() as i64;
    let mut segments = Vec::new();
    let mut start = first;
    while start < last {
        let into_piece = (start - wave.peak_at).rem_euclid(PIECE * NANOS);
        let into_day = start.rem_euclid(DAY * NANOS);
        let end = (start - into_piece + PIECE * NANOS).min(start - into_day + DAY * NANOS);
        segments.push(RateSegment {
            start: Instant::from_nanos((start - first) as u64),
            end: Instant::from_nanos((end - first) as u64),
            from: wave.rate(start, start),
            to: wave.rate(end, start),
        });
        start = end;
    }
    Some(RateProfile { segments })
}

fn wave(cx: &mut Context, said: &schema::Diurnal, path: &Path) -> Option<Wave> {
    let high = said.high.0;
    let low = match (&said.low, &said.mean) {
        (Some(low), None) => low.0,
        (None, Some(mean)) => 2.0 * mean.0 - high,
        _ => {
            cx.problems
                .report_with(Code::NotExactlyOne, path, "how far the rate falls is not clear", |d| {
                    d.expected("one of `low` and `mean`, beside `high`")
                });
            return None;
        }
    };
    if low < 0.0 || low > high {
        let key = if said.mean.is_some() { "mean" } else { "low" };
        let message = "the rate of the night would be below nothing or above that of the peak";
        cx.problems.report_with(Code::OutOfRange, &path.key(key), message, |d| {
            d.expected("a `low` from 0/s to `high`, or a `mean` from half of `high` to `high`")
        });
        return None;
    }
    let peak_at = said.peak_at.0.nanos() as i64;
    if peak_at >= DAY * NANOS {
        let message = "a day has 24 hours";
        cx.problems
            .report_with(Code::OutOfRange, &path.key("peak_at"), message, |d| {
                d.expected("a time since midnight, like `20.5h` for half past eight in the evening")
            });
        return None;
    }
    Some(Wave {
        low,
        high,
        peak_at,
        weekend: said.weekend.0,
    })
}

//! What users felt of something: from when on, how badly, and until when, by the timeline of all requests.

use super::results::Row;
use super::signs::mean;
use super::timelines::Track;
use crate::report::words::{share, short};

/// Windows before a trigger that say what is ordinary.
const BEFORE: usize = 12;
/// A share served that is lower by this is felt; noise of a window's count aside.
pub(super) const SHARE_FELT: f64 = 0.01;
/// A p99 that is higher by this factor is felt.
pub(super) const LATENCY_FELT: f64 = 2.0;
/// Calm windows after which what comes is another matter.
const CALM: usize = 6;

/// What users felt of something.
pub(super) struct Felt {
    pub(super) from_s: f64,
    /// End of the last bad window.
    pub(super) to_s: f64,
    pub(super) worst_failed: f64,
    pub(super) usual_failed: f64,
    pub(super) worst_p99: f64,
    pub(super) usual_p99: f64,
    pub(super) to_the_end: bool,
}

/// From a moment on until another: the first stretch of windows that are worse than those before the moment.
pub(super) fn felt(all: &Track, from_s: f64, until_s: f64) -> Option<Felt> {
    let ends = |row: &Row| row.number("time_s").unwrap_or(0.0) + row.number("window_s").unwrap_or(0.0);
    let served = |row: &Row| {
        let offered = row.number("offered").filter(|offered| *offered > 0.0)?;
        Some(row.number("served")? / offered)
    };
    let before: Vec<&Row> = all.rows().iter().filter(|row| ends(row) <= from_s).collect();
    let before = &before[before.len().saturating_sub(BEFORE)..];
    let usual_share = mean(before.iter().filter_map(|row| served(row))).unwrap_or(1.0);
    let usual_p99 = mean(before.iter().filter_map(|row| row.number("p99_ms"))).unwrap_or(f64::INFINITY);
    let is_bad = |row: &Row| {
        let failing = served(row).is_some_and(|share| share < usual_share - SHARE_FELT);
        failing || row.number("p99_ms").is_some_and(|p99| p99 > LATENCY_FELT * usual_p99)
    };
    let after: Vec<&Row> = all
        .rows()
        .iter()
        .filter(|row| ends(row) > from_s && row.number("time_s").unwrap_or(0.0) < until_s)
        .collect();
    let first = after.iter().position(|row| is_bad(row))?;
    let mut last = first;
    for (at, row) in after.iter().enumerate().skip(first) {
        if is_bad(row) {
            if at - last > CALM {
                break;
            }
            last = at;
        }
    }
    let bad = &after[first..=last];
    let worst = |of: &dyn Fn(&Row) -> Option<f64>| bad.iter().filter_map(|row| of(row)).fold(0.0, f64::max);
    Some(Felt {
        from_s: bad[0].number("time_s").unwrap_or(0.0).max(from_s),
        to_s: ends(bad[bad.len() - 1]),
        worst_failed: worst(&|row| served(row).map(|share| 1.0 - share)),
        usual_failed: 1.0 - usual_share,
        worst_p99: worst(&|row| row.number("p99_ms")),
        usual_p99,
        to_the_end: last + 1 == after.len() && until_s >= all.rows().last().map_or(0.0, ends),
    })
}

impl Felt {
    pub(super) fn in_words(&self) -> String {
        let mut parts = Vec::new();
        if self.worst_failed > self.usual_failed + SHARE_FELT {
            parts.push(format!("at worst {} of requests failed", share(self.worst_failed)));
        }
        if self.worst_p99 > LATENCY_FELT * self.usual_p99 {
            parts.push(format!(
                "p99 rose from {} to {} ms",
                short(self.usual_p99, 3),
                short(self.worst_p99, 3)
            ));
        }
        parts.join(" and ")
    }
}

//! The whole distribution of latency, with the tail spread out.
//!
//! Bars of a histogram hide what one request in a thousand waits; here each factor of ten in rarity has the same room.

use super::axis::Axis;
use super::canvas::PALETTE;
use super::figure::{Datum, Figure, Panel, Series, Stroke};
use super::over_runs::{highest, quantile};
use super::traffic::served_share;
use crate::blueprint::ClassIx;
use crate::probe::{Pool, RunRecord};
use crate::stats::{LatencyHistogram, Ranked};

/// Points along a curve.
const POINTS: u32 = 160;
/// The axis has room for latencies from this percentile on: the quickest few would take half of it.
const LOWEST_SHOWN: f64 = 0.1;

/// Latency against percentile, a curve for each class.
pub fn distribution(pool: &Pool) -> Figure {
    let served: u64 = pool.requests(None).outcomes().served();
    let classes: Vec<ClassIx> = (0..pool.blueprint.classes.len())
        .map(ClassIx::from_usize)
        .take(PALETTE.len())
        .collect();
    let largest = classes
        .iter()
        .map(|&class| pool.requests(Some(class)).outcomes().served())
        .max()
        .unwrap_or(served);
    // A percentile with fewer than ten requests beyond it is one request's story.
    let x = Axis::of_shares(largest as f64 / 10.0);
    let lines: Vec<Series> = classes.iter().map(|&class| curve(pool, class, &x)).collect();
    let body = lines
        .iter()
        .flat_map(|line| &line.points)
        .filter(|datum| datum.x >= LOWEST_SHOWN);
    let lowest = body.filter_map(|datum| datum.y).fold(f64::INFINITY, f64::min);
    let y = Axis::of_latency(if lowest.is_finite() { lowest } else { 1.0 }, highest(&lines));
    let bands = if pool.records.len() > 1 {
        format!(
            " Lines pool {} runs, bands hold the middle 80 % of them.",
            pool.records.len()
        )
    } else {
        " One run.".to_owned()
    };
    let left_out = pool.blueprint.classes.len() - classes.len();
    let more = if left_out > 0 {
        format!(" {left_out} more classes are in summary.csv.")
    } else {
        String::new()
    };
    Figure {
        name: "distribution".to_owned(),
        title: format!("{}: distribution of latency", pool.blueprint.name),
        caption: format!(
            "Read across: 99 means that one served request in a hundred took longer than this.{bands}{more}"
        ),
        x,
        panels: vec![Panel::of_lines("Latency", y, lines)],
        marks: Vec::new(),
        shades: Vec::new(),
    }
}

fn curve(pool: &Pool, class: ClassIx, x: &Axis) -> Series {
    let requests = pool.requests(Some(class));
    let outcomes = requests.outcomes();
    let runs: Vec<LatencyHistogram> = pool
        .records
        .iter()
        .map(|record: &RunRecord| record.latencies(Some(class)))
        .collect();
    let runs: Vec<Ranked> = runs.iter().map(LatencyHistogram::ranked).collect();
    let fewest = runs.iter().map(Ranked::len).min().unwrap_or(0);
    let pooled = requests.latencies().pooled().ranked();
    let points = (0..=POINTS).map(|step| {
        let share = x.at_place(f64::from(step) / f64::from(POINTS));
        let y = beyond(&pooled, share);
        let mut of_runs: Vec<f64> = runs.iter().filter_map(|run| beyond(run, share)).collect();
        of_runs.sort_by(f64::total_cmp);
        let banded = runs.len() > 1 && of_runs.len() == runs.len() && fewest > 0;
        Datum {
            x: share,
            y,
            band: banded.then(|| (quantile(&of_runs, 0.1), quantile(&of_runs, 0.9))),
        }
    });
    let name = &pool.blueprint.classes[class.at()].name;
    Series {
        name: format!("{name} ({})", served_share(outcomes.served(), outcomes.offered())),
        colour: PALETTE[class.at()],
        stroke: Stroke::Line,
        points: points.collect(),
    }
}

/// The quantile in ms, while there are ten requests beyond it.
pub fn beyond(latencies: &Ranked, share: f64) -> Option<f64> {
    let enough = latencies.len() as f64 * (1.0 - share) >= 10.0 * (1.0 - 1e-9);
    latencies
        .quantile(share)
        .filter(|_| enough)
        .map(|latency| latency.millis())
}

//! Lines over time from one run or many: the median, and the band that most runs lie in.
//!
//! With one run the line is the run. With several it is the median of their values in each window, and the band goes
//! from the 10th to the 90th percentile of the runs: what a user would see in a typical run and in a bad one. A mean
//! would show a run that never happened.

use super::axis::Axis;
use super::canvas::Colour;
use super::figure::{Datum, Mark, Series, Shade, Stroke};
use crate::blueprint::{FaultKind, Happening};
use crate::probe::{Pool, RunRecord};

/// For captions: how lines and bands are to be read.
pub fn caption(pool: &Pool) -> String {
    match pool.records.len() {
        1 => "One run.".to_owned(),
        runs => format!("Lines are the median of {runs} runs, bands hold the middle 80 % of them."),
    }
}

/// One point for each window of the timeline, at its middle; a run without a value there does not count.
pub fn series(
    pool: &Pool,
    name: impl Into<String>,
    colour: Colour,
    value: impl Fn(&RunRecord, usize) -> Option<f64>,
) -> Series {
    let count = pool.windows_seen();
    let points = (0..count).map(|window| {
        let mut values: Vec<f64> = pool.records.iter().filter_map(|record| value(record, window)).collect();
        values.sort_by(f64::total_cmp);
        let (from, to) = bounds(pool, window);
        let band = (values.len() > 1).then(|| (quantile(&values, 0.1), quantile(&values, 0.9)));
        Datum {
            x: (from + to) / 2.0,
            y: (!values.is_empty()).then(|| quantile(&values, 0.5)),
            band,
        }
    });
    Series {
        name: name.into(),
        colour,
        stroke: Stroke::Line,
        points: points.collect(),
    }
}

/// `[from, to)` of a window on the user's clock, in seconds.
pub fn bounds(pool: &Pool, window: usize) -> (f64, f64) {
    let (from, to) = pool.records[0].timeline.windows().bounds(window);
    (pool.blueprint.clock(from), pool.blueprint.clock(to))
}

/// Highest value of some series, their bands included; 0 without values.
pub fn highest<'a>(series: impl IntoIterator<Item = &'a Series>) -> f64 {
    let datums = series.into_iter().flat_map(|series| &series.points);
    datums
        .flat_map(|datum| datum.y.into_iter().chain(datum.band.map(|band| band.1)))
        .fold(0.0, f64::max)
}

/// Lowest value, bands included; `None` without one.
pub fn lowest<'a>(series: impl IntoIterator<Item = &'a Series>) -> Option<f64> {
    low_ends(series).reduce(f64::min)
}

/// Lowest value above 0, for logarithmic axes, bands included; `None` without one.
pub fn lowest_above_zero<'a>(series: impl IntoIterator<Item = &'a Series>) -> Option<f64> {
    low_ends(series).filter(|value| *value > 0.0).reduce(f64::min)
}

fn low_ends<'a>(series: impl IntoIterator<Item = &'a Series>) -> impl Iterator<Item = f64> {
    let datums = series.into_iter().flat_map(|series| &series.points);
    datums.flat_map(|datum| datum.y.into_iter().chain(datum.band.map(|band| band.0)))
}

/// The measured time as an axis.
pub fn time(pool: &Pool) -> Axis {
    Axis::of_time(pool.blueprint.duration.seconds())
}

/// Linear between the order statistics; `sorted` is not empty.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
    low + (high - low) * rank.fract()
}

/// Lines for what the scenario does at set times, and for the ends of deployments.
pub fn marks(pool: &Pool) -> Vec<Mark> {
    let blueprint = pool.blueprint;
    let named = blueprint.events.iter().filter_map(|event| {
        let x = blueprint.clock(event.at);
        let label = match &event.what {
            Happening::Deploy(_) | Happening::Release(_) => {
                let names: Vec<&str> = event
                    .what
                    .deploys()
                    .iter()
                    .map(|(service, _)| blueprint.services[service.at()].name.as_str())
                    .collect();
                format!("deploy {}", names.join(", "))
            }
            Happening::SetDesiredCount { service, count } => {
                format!("{} to {count}", blueprint.services[service.at()].name)
            }
            Happening::StopTask { service, .. } => format!("StopTask {}", blueprint.services[service.at()].name),
            Happening::ContinueDeployment(service) => {
                format!("continue {}", blueprint.services[service.at()].name)
            }
            Happening::StopDeployment(service) => {
                format!("stop {}", blueprint.services[service.at()].name)
            }
            // A schedule would cover the chart with lines.
            Happening::RunTask { .. } => return None,
            Happening::DrainInstances { group, count } => {
                format!("drain {count} of {}", blueprint.auto_scaling_groups[group.at()].name)
            }
            // Other runs have it at other times, or it would cover the chart.
            Happening::Fault(fault) if !fault.course.is_plain() => return None,
            Happening::Fault(fault) if shade_of(&fault.kind, fault.lasting.is_some()) => return None,
            Happening::Fault(fault) => fault.label.replace('_', " "),
            Happening::ZonalShift(shift) => {
                format!("zonal shift away from {}", blueprint.zones[shift.away_from.at()])
            }
        };
        Some(Mark { x, label })
    });
    named.chain(deployment_ends(pool)).collect()
}

/// Where each deployment ended: in the middle of the runs, and how.
fn deployment_ends(pool: &Pool) -> Vec<Mark> {
    let Some(first) = pool.records.first() else {
        return Vec::new();
    };
    let of_story = |at: usize| {
        let stories = || pool.records.iter().filter_map(move |record| record.deployments.get(at));
        let mut ends: Vec<f64> = stories()
            .filter_map(|story| story.deployment.ended)
            .map(|end| pool.blueprint.clock(end))
            .collect();
        ends.sort_by(f64::total_cmp);
        let story = &first.deployments[at].deployment;
        // Where the runs disagree about how it ended, a line at their median would be one that no run had.
        let same = stories().all(|other| other.deployment.outcome == story.outcome);
        let name = &pool.blueprint.services[story.service.at()].name;
        let outcome = story.outcome.to_lowercase().replace('_', " ");
        (same && !ends.is_empty()).then(|| Mark {
            x: quantile(&ends, 0.5),
            label: format!("{name} {outcome}"),
        })
    };
    (0..first.deployments.len()).filter_map(of_story).collect()
}

/// Shadows where a fault lasts.
pub fn shades(pool: &Pool) -> Vec<Shade> {
    let blueprint = pool.blueprint;
    let faults = blueprint.events.iter().filter_map(|event| match &event.what {
        Happening::Fault(fault) if fault.course.is_plain() && shade_of(&fault.kind, fault.lasting.is_some()) => {
            let from = blueprint.clock(event.at);
            let to = fault
                .lasting
                .map_or(blueprint.duration.seconds(), |lasting| from + lasting.seconds());
            Some(Shade {
                from,
                to,
                label: fault.label.replace('_', " "),
            })
        }
        _ => None,
    });
    faults.collect()
}

/// Whether a fault is a stretch of time rather than a moment.
fn shade_of(kind: &FaultKind, ends: bool) -> bool {
    match kind {
        FaultKind::RandomTaskCrash { .. } => ends,
        other => !other.is_momentary(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A share of nothing served is a value like any other: an axis that left it out drew a collapse as a dip to 99 %.
    #[test]
    fn the_lowest_value_may_be_zero_except_where_an_axis_is_logarithmic() {
        let datum = |y: f64, low: f64| Datum {
            x: 0.0,
            y: Some(y),
            band: Some((low, y)),
        };
        let line = Series {
            name: "served".to_owned(),
            colour: crate::report::chart::canvas::BLUE,
            stroke: Stroke::Line,
            points: vec![datum(100.0, 99.5), datum(60.0, 0.0)],
        };
        assert_eq!(lowest([&line]), Some(0.0));
        assert_eq!(lowest_above_zero([&line]), Some(60.0));
    }
}

//! Variants side by side: what users felt over time under each, and each one's figures as bars.
//!
//! How certain the differences are is in [`super::comparison`]; these two show what the differences are made of.

use super::Chart;
use super::axis::Axis;
use super::canvas::PALETTE;
use super::comparison::{title, unit};
use super::figure::{Figure, Panel, Series, Stroke};
use super::over_runs::{highest, lowest_above_zero, marks, series, shades, time};
use super::rows::{Group, Row, Rows, Shape};
use crate::blueprint::{Blueprint, ClassIx, ServiceIx};
use crate::experiment::compare::Figure as Compared;
use crate::experiment::{Comparison, Outcome};
use crate::probe::timeline::RequestWindow;
use crate::probe::{Pool, RunRecord};
use crate::report::words::short;

/// Services whose tasks get a panel: more do not fit.
const SERVICES_MAX: usize = 3;

/// Failures, latency and healthy tasks over time, a line for each variant. `None` without runs.
pub fn over_time(name: &str, outcomes: &[Outcome]) -> Option<Chart> {
    let first = outcomes.first()?;
    if outcomes.iter().any(|outcome| outcome.records.is_empty()) {
        return None;
    }
    let mut panels = vec![failures(outcomes), failures_so_far(outcomes), latency(outcomes)];
    panels.extend(
        deployed(&first.blueprint)
            .into_iter()
            .map(|service| healthy(outcomes, service)),
    );
    let pool = Pool::new(&first.blueprint, &first.records);
    let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.name.as_str()).collect();
    // Deployments end at other times under each variant: only what the scenario sets has a line.
    let set = pool.blueprint.events.iter().map(|event| pool.blueprint.clock(event.at));
    let set: Vec<f64> = set.collect();
    let marks = marks(&pool).into_iter().filter(|mark| set.contains(&mark.x)).collect();
    let figure = Figure {
        name: "variants_over_time".to_owned(),
        title: format!("{name}: {} over time", names.join(" against ")),
        caption: format!(
            "All variants met the same requests. {}",
            match first.records.len() {
                1 => "One run of each.".to_owned(),
                runs => format!("Lines are the median of {runs} runs, bands hold the middle 80 % of them."),
            }
        ),
        x: time(&pool),
        panels,
        marks,
        shades: shades(&pool),
    };
    Some(Chart {
        name: figure.name.clone(),
        svg: figure.to_svg(),
    })
}

/// One line for each variant.
fn lines(outcomes: &[Outcome], value: impl Fn(&Pool, &RunRecord, usize) -> Option<f64>) -> Vec<Series> {
    let line = |(at, outcome): (usize, &Outcome)| {
        let pool = Pool::new(&outcome.blueprint, &outcome.records);
        let line = series(&pool, &outcome.name, PALETTE[at], |record, window| {
            value(&pool, record, window)
        });
        // The first lies broad below the others, to be seen where they coincide.
        if at == 0 { line.drawn(Stroke::Broad) } else { line }
    };
    outcomes.iter().enumerate().take(PALETTE.len()).map(line).collect()
}

/// All classes together in one window of one run.
fn all_classes(pool: &Pool, record: &RunRecord, window: usize) -> RequestWindow {
    let mut sum = RequestWindow::default();
    for class in (0..pool.blueprint.classes.len()).map(ClassIx::from_usize) {
        sum.add(&record.timeline.class(class)[window]);
    }
    sum
}

fn failures(outcomes: &[Outcome]) -> Panel {
    let lines = lines(outcomes, |pool, record, window| {
        let sum = all_classes(pool, record, window);
        (sum.offered() > 0).then(|| 100.0 * (sum.offered() - sum.served()) as f64 / sum.offered() as f64)
    });
    Panel::of_lines("Requests that failed", Axis::from_zero("%", highest(&lines)), lines)
}

/// Counted up, so that a small difference that lasts is not hidden by a large one that both share.
fn failures_so_far(outcomes: &[Outcome]) -> Panel {
    let lines = lines(outcomes, |_, record, window| {
        let classes = (0..record.classes.len()).map(ClassIx::from_usize);
        let windows = classes.flat_map(|class| &record.timeline.class(class)[..=window]);
        Some(windows.map(|window| window.offered() - window.served()).sum::<u64>() as f64)
    });
    let y = Axis::of_counts("requests", highest(&lines));
    Panel::of_lines("Failed so far", y, lines)
}

fn latency(outcomes: &[Outcome]) -> Panel {
    let lines = lines(outcomes, |pool, record, window| {
        all_classes(pool, record, window)
            .latencies
            .quantile(0.99)
            .map(|latency| latency.millis())
    });
    let y = Axis::of_latency(lowest_above_zero(&lines).unwrap_or(1.0), highest(&lines));
    Panel::of_lines("p99 latency of those served", y, lines)
}

fn healthy(outcomes: &[Outcome], service: ServiceIx) -> Panel {
    let lines = lines(outcomes, |_, record, window| {
        record.timeline.service(service)[window].mean(|cell| cell.healthy)
    });
    let name = outcomes
        .first()
        .map_or("", |outcome| outcome.blueprint.services[service.at()].name.as_str());
    Panel::of_lines(
        format!("Healthy tasks of {name}"),
        Axis::of_counts("tasks", 1.04 * highest(&lines)),
        lines,
    )
}

/// The services that the scenario deploys, or else the first ones.
fn deployed(blueprint: &Blueprint) -> Vec<ServiceIx> {
    let mut services: Vec<ServiceIx> = Vec::new();
    for event in &blueprint.events {
        services.extend(event.what.deploys().iter().map(|(service, _)| *service));
    }
    services.sort();
    services.dedup();
    if services.is_empty() {
        services = (0..blueprint.services.len()).map(ServiceIx::from_usize).collect();
    }
    services.truncate(SERVICES_MAX);
    services
}

/// A bar for each variant in each figure. `None` if there is nothing to compare.
pub fn bars(name: &str, comparison: &Comparison) -> Option<Chart> {
    let groups: Vec<Group> = Compared::ALL
        .iter()
        .filter_map(|figure| group(comparison, *figure))
        .collect();
    if groups.is_empty() {
        return None;
    }
    let rows = Rows {
        name: "variants".to_owned(),
        title: format!("{name}: {}, figure by figure", comparison.variants.join(" against ")),
        caption: format!(
            "Means over {} paired runs of each variant. How certain the differences are: see comparison.svg.",
            comparison.replications
        ),
        groups,
    };
    Some(Chart {
        name: rows.name.clone(),
        svg: rows.to_svg(),
    })
}

fn group(comparison: &Comparison, figure: Compared) -> Option<Group> {
    let (scale, unit) = unit(figure);
    // Every variant is in a row with the first; the first in any.
    let of = |variant: &str| {
        let all = comparison
            .rows
            .iter()
            .filter(|row| row.figure == figure && row.class.is_none());
        let as_variant = all
            .clone()
            .find(|row| row.variant == variant)
            .map(|row| row.variant_mean);
        as_variant.or_else(|| all.clone().find(|row| row.base == variant).map(|row| row.base_mean))
    };
    let named = comparison.variants.iter().zip(PALETTE);
    let rows: Vec<Row> = named
        .filter_map(|(variant, colour)| {
            let value = scale * of(variant)?;
            let words = format!("{} {unit}", short(value, 4));
            Some(Row {
                name: variant.clone(),
                value,
                interval: None,
                shape: Shape::Bar,
                colour,
                words,
            })
        })
        .collect();
    let highest = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    (!rows.is_empty()).then(|| Group {
        title: title(figure.label()),
        axis: Axis::from_zero(unit, highest),
        rows,
    })
}

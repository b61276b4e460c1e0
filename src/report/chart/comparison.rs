//! How variants differ: for each figure a dot on its interval, left of zero where the variant has less.

use super::Chart;
use super::axis::Axis;
use super::canvas::{BLUE, FAINT};
use super::rows::{Group, Row as Line, Rows, Shape};
use crate::experiment::compare::{Figure, Finding, Row};
use crate::experiment::{Comparison, compare::LEVEL};
use crate::report::table::significant;
use crate::report::words::short;

/// The chart of a comparison of variants of the named scenario. `None` if there is nothing to compare.
pub fn comparison(name: &str, comparison: &Comparison) -> Option<Chart> {
    let groups: Vec<Group> = Figure::ALL
        .iter()
        .filter_map(|figure| group(comparison, *figure))
        .collect();
    if groups.is_empty() {
        return None;
    }
    let rows = Rows {
        name: "comparison".to_owned(),
        title: format!("{name}: {}", comparison.variants.join(" against ")),
        caption: format!(
            "Differences between variants that met the same requests and the same luck, run by run over {} runs. Bars \
             are intervals that hold together at {} %: one that crosses zero is within noise.",
            comparison.replications,
            significant(LEVEL * 100.0, 3)
        ),
        groups,
    };
    Some(Chart {
        name: rows.name.clone(),
        svg: rows.to_svg(),
    })
}

fn group(comparison: &Comparison, figure: Figure) -> Option<Group> {
    let rows: Vec<&Row> = comparison.rows.iter().filter(|row| row.figure == figure).collect();
    // Failing equally often, or costing the same, is an answer too; a figure that nobody has is none.
    if rows.is_empty() {
        return None;
    }
    let (scale, unit) = unit(figure);
    let ends = rows.iter().flat_map(|row| {
        let interval = row
            .interval
            .map(|interval| [interval.low * scale, interval.high * scale]);
        interval.into_iter().flatten().chain([row.difference * scale])
    });
    let (lowest, highest) = ends.fold((0.0, 0.0), |(low, high): (f64, f64), end| (low.min(end), high.max(end)));
    Some(Group {
        title: title(figure.label()),
        axis: Axis::around_zero(unit, lowest, highest),
        rows: rows.iter().map(|row| line(row, scale, unit)).collect(),
    })
}

fn line(row: &Row, scale: f64, unit: &str) -> Line {
    let class = row.class.as_ref().map_or(String::new(), |class| format!("{class}: "));
    let decided = matches!(
        row.finding,
        Finding::VariantBetter | Finding::BaseBetter | Finding::Differs
    );
    let digits = |value: f64| short(value * scale, 4);
    Line {
        name: format!("{class}{} − {}", row.variant, row.base),
        value: row.difference * scale,
        interval: row
            .interval
            .map(|interval| (interval.low * scale, interval.high * scale)),
        shape: Shape::Dot,
        colour: if decided { BLUE } else { FAINT },
        words: format!(
            "{} → {} {unit}: {}",
            digits(row.base_mean),
            digits(row.variant_mean),
            row.words()
        ),
    }
}

/// Factor and unit to show a figure in.
pub const fn unit(figure: Figure) -> (f64, &'static str) {
    match figure {
        Figure::FailedShare | Figure::DegradedShare => (100.0, "%"),
        Figure::MeanLatency | Figure::P50Latency | Figure::P95Latency | Figure::P99Latency => (1.0, "ms"),
        Figure::CostPerHour => (1.0, "USD/h"),
        Figure::DeploymentDuration | Figure::DetectionTime | Figure::RollBackTime => (1.0, "s"),
        Figure::NewRevisionRequests | Figure::NewRevisionErrors | Figure::ErrorsAboveOld => (1.0, "requests"),
        Figure::LowestHealthy | Figure::PeakExtraTasks => (1.0, "tasks"),
        Figure::BelowDesired => (1.0, "task-s"),
        Figure::ExtraCost => (1.0, "USD"),
    }
}

/// With a capital, but for `p99`.
pub fn title(label: &str) -> String {
    let mut letters = label.chars();
    match letters.next() {
        Some(first) if !letters.as_str().starts_with(|next: char| next.is_ascii_digit()) => {
            first.to_uppercase().collect::<String>() + letters.as_str()
        }
        _ => label.to_owned(),
    }
}

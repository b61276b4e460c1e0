//! Three variants or more: for each figure in which some differ, all of them in order, the best ones first.
//!
//! Ten pairs in sixteen figures are more lines than anybody reads. What a reader asks is who is best, who cannot be told
//! from the best, and how far behind the others are; the rows of `comparison.csv` keep every pair.

use super::comparison::name;
use super::{labelled, style};
use crate::experiment::compare::{Better, Figure, Finding, Row};
use crate::report::chart::comparison::{title, unit};
use crate::report::words::short;
use std::cmp::Ordering;

/// A line or two for a figure (all its pairs, of the rows of the comparison); `None` if no pair of it is decided.
///
/// Latencies are ranked among the variants that serve the most; the others, quick or slow, only have theirs told.
pub(super) fn ranking(pairs: &[&Row], rows: &[Row], variants: &[String]) -> Option<String> {
    let told = pairs.first()?;
    let aside = if told.figure.is_latency() {
        serving_less(rows, told)
    } else {
        Vec::new()
    };
    let is_aside = |variant: &String| aside.contains(&variant.as_str());
    let pairs: Vec<&Row> = pairs
        .iter()
        .filter(|row| !is_aside(&row.base) && !is_aside(&row.variant))
        .copied()
        .collect();
    let pairs = pairs.as_slice();
    let decided = |row: &&&Row| is_decided(row.finding);
    let first_decided = pairs.iter().find(decided)?;
    let (scale, unit) = unit(first_decided.figure);
    let better = first_decided.figure.better();
    let mut ranked: Vec<(&String, f64)> = variants
        .iter()
        .filter(|variant| !is_aside(variant))
        .filter_map(|variant| Some((variant, mean(pairs, variant)?)))
        .collect();
    // The order of the means; that of the scenario among equals.
    ranked.sort_by(|(_, one), (_, other)| {
        let order = one.partial_cmp(other).unwrap_or(Ordering::Equal);
        if better == Better::Higher {
            order.reverse()
        } else {
            order
        }
    });
    let (first, _) = ranked[0];
    let behind: Vec<Option<&Row>> = ranked
        .iter()
        .map(|(variant, _)| decided_pair(pairs, first, variant))
        .collect();
    let words = ranked.iter().zip(&behind).map(|((variant, value), row)| {
        let value = short(scale * value, 3);
        let Some(half) = row.and_then(|row| row.interval).map(|interval| interval.half_width()) else {
            return format!("{variant} {value}");
        };
        let gap = row.map_or(0.0, |row| row.difference.abs());
        let sign = if better == Better::Higher { "−" } else { "+" };
        format!(
            "{variant} {value} ({sign}{} ± {})",
            short(scale * gap, 2),
            short(scale * half, 2)
        )
    });
    let words: Vec<String> = words.collect();
    let tied = behind.iter().filter(|row| row.is_none()).count();
    let (label, head) = match better {
        Better::Neither => ("differs", String::new()),
        _ if tied == ranked.len() => ("no best", String::new()),
        _ => {
            let leaders = ranked.iter().zip(&behind).filter(|(_, row)| row.is_none());
            let leaders: Vec<&str> = leaders.map(|((variant, _), _)| variant.as_str()).collect();
            ("", style::good(&format!("{} best", leaders.join(", "))))
        }
    };
    let head = if head.is_empty() { style::doubtful(label) } else { head };
    let figure = format!("{} ({unit})", title(&name(first_decided)));
    Some(format!(
        "{figure}: {head}\n{}",
        labelled("", &(words.join(", ") + &others(pairs, first) + &left_aside(&aside)))
    ))
}

/// Variants that fail more requests than the one that fails fewest, in the class of a row.
fn serving_less<'a>(rows: &'a [Row], of: &Row) -> Vec<&'a str> {
    let shares = || {
        rows.iter()
            .filter(|row| row.figure == Figure::FailedShare && row.class == of.class)
    };
    let best = shares()
        .flat_map(|row| {
            [
                (row.base.as_str(), row.base_mean),
                (row.variant.as_str(), row.variant_mean),
            ]
        })
        .min_by(|one, other| one.1.total_cmp(&other.1));
    let Some((best, _)) = best else { return Vec::new() };
    let worse = shares().filter_map(|row| match row.finding {
        Finding::VariantBetter if row.variant == best => Some(row.base.as_str()),
        Finding::BaseBetter if row.base == best => Some(row.variant.as_str()),
        _ => None,
    });
    worse.collect()
}

fn left_aside(variants: &[&str]) -> String {
    match variants {
        [] => String::new(),
        [one] => format!("; not ranked, as it serves fewer: {one}"),
        several => format!("; not ranked, as they serve fewer: {}", several.join(", ")),
    }
}

/// Whether chance is ruled out.
const fn is_decided(finding: Finding) -> bool {
    matches!(finding, Finding::VariantBetter | Finding::BaseBetter | Finding::Differs)
}

/// Where a variant stands, over the runs of its first pair.
fn mean(pairs: &[&Row], variant: &str) -> Option<f64> {
    pairs.iter().find_map(|row| {
        if row.base == variant {
            Some(row.base_mean)
        } else if row.variant == variant {
            Some(row.variant_mean)
        } else {
            None
        }
    })
}

fn decided_pair<'a>(pairs: &[&'a Row], one: &str, other: &str) -> Option<&'a Row> {
    let is_of = |row: &&Row| (row.base == one && row.variant == other) || (row.base == other && row.variant == one);
    pairs.iter().copied().find(|row| is_of(row) && is_decided(row.finding))
}

/// Decided pairs among those that the first cannot be told from: without them nothing would be said.
fn others(pairs: &[&Row], first: &str) -> String {
    let is_behind = |variant: &str| decided_pair(pairs, first, variant).is_some();
    let beside = pairs
        .iter()
        .filter(|row| is_decided(row.finding) && !is_behind(&row.base) && !is_behind(&row.variant));
    let words: Vec<String> = beside
        .map(|row| format!("; {} and {} differ", row.base, row.variant))
        .collect();
    words.concat()
}

#[cfg(test)]
mod tests {
    use crate::experiment::{Outcome, compare};
    use crate::report::sample;
    use crate::sim::observation::Outcome as Outcomes;

    /// The third is the second once more, under another name.
    fn three() -> Vec<Outcome> {
        let mut outcomes = sample::variants(3);
        let mut again = sample::variants(3).remove(1);
        again.name = "canary".into();
        outcomes.push(again);
        outcomes
    }

    #[test]
    fn several_variants_are_ranked_and_ties_with_the_best_are_named() {
        let text = super::super::comparison::comparison(&compare(&three()));
        let plain = anstream::adapter::strip_str(&text).to_string();
        insta::assert_snapshot!(plain);
        assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    }

    /// The third answers in a flash and fails most of its requests: it wins nothing.
    #[test]
    fn a_variant_that_serves_fewer_is_not_ranked_by_its_latency() {
        let mut outcomes = three();
        for record in &mut outcomes[2].records {
            for class in &mut record.classes {
                let served = &mut class.outcomes.0[Outcomes::Served as usize];
                let dropped = *served / 2;
                *served -= dropped;
                class.outcomes.0[Outcomes::Refused as usize] += dropped;
                class.latency_sum /= 4;
            }
        }
        for record in &mut outcomes[1].records {
            record.classes[0].latency_sum += record.classes[0].latency_sum / 10;
        }
        let text = super::super::comparison::comparison(&compare(&outcomes));
        let plain = anstream::adapter::strip_str(&text).to_string();
        let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
        let mean = plain.split("Mean latency (ms): ").nth(1).expect("it is told");
        let mean = &mean[..mean.find("Deployment takes").unwrap_or(mean.len())];
        assert!(mean.contains("not ranked, as it serves fewer: canary"), "{plain}");
        assert!(!mean.starts_with("canary") && !mean.contains("canary best"), "{plain}");
    }
}

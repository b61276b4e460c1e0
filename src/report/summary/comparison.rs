//! How variants differ, a line for each figure in which they do, and the rest in one.

use super::ranking::ranking;
use super::{labelled, style};
use crate::experiment::Comparison;
use crate::experiment::compare::{Finding, LEVEL, Row};
use crate::report::chart::comparison::unit;
use crate::report::words::{counted, short};

/// Of a figure: an interval narrower than this is rounding and no spread.
const ROUNDING: f64 = 1e-9;

/// The comparison of an experiment's variants.
pub fn comparison(comparison: &Comparison) -> String {
    let names = comparison.variants.join(" against ");
    let runs = format!(
        "{} on the same requests and luck",
        counted(comparison.replications, "run")
    );
    let room = style::width(&names) + style::width(&runs) + 2 <= super::WIDTH;
    let gap = if room { " " } else { "\n" };
    let mut text = format!("{}:{gap}{runs}\n", style::bold(&names));
    let told = |row: &&Row| !matches!(row.finding, Finding::Same | Finding::WithinNoise | Finding::TooFewRuns);
    let level = short(100.0 * LEVEL, 3);
    if let [_, _] = comparison.variants.as_slice() {
        for row in comparison.rows.iter().filter(told) {
            text.push_str(&line(row));
        }
        text.push_str(&rest(comparison.rows.iter().filter(|row| !told(row)).collect()));
        text.push_str(&format!(
            "Differences are second minus first; all intervals hold together at {level} %.\n"
        ));
    } else {
        let mut unranked = Vec::new();
        for pairs in comparison
            .rows
            .chunk_by(|one, other| (one.figure, &one.class) == (other.figure, &other.class))
        {
            let pairs: Vec<&Row> = pairs.iter().collect();
            match ranking(&pairs, &comparison.rows, &comparison.variants) {
                Some(told) => text.push_str(&told),
                None => unranked.extend(pairs),
            }
        }
        text.push_str(&rest(unranked));
        text.push_str(&format!(
            "In brackets: how far behind the first; all intervals hold together at {level} %.\n"
        ));
    }
    text
}

/// A line for each variant after the first: in what it is better than the first, in what worse, and in what chance explains
/// the difference.
pub fn verdicts(comparison: &Comparison) -> Vec<String> {
    let Some((base, others)) = comparison.variants.split_first() else {
        return Vec::new();
    };
    let line = |variant: &String| {
        let mine = |row: &&Row| row.class.is_none() && row.base == *base && row.variant == *variant;
        let of = |findings: &[Finding]| -> Vec<&'static str> {
            let rows = comparison.rows.iter().filter(mine);
            let rows = rows.filter(|row| findings.contains(&row.finding));
            rows.map(|row| row.figure.label()).collect()
        };
        let mut parts = Vec::new();
        for (words, findings) in [
            ("better in", &[Finding::VariantBetter][..]),
            ("worse in", &[Finding::BaseBetter]),
            ("different in", &[Finding::Differs]),
            ("no winner (shares served differ) in", &[Finding::SharesServedDiffer]),
            ("within noise in", &[Finding::WithinNoise]),
            ("too few runs for", &[Finding::TooFewRuns]),
        ] {
            let names = of(findings);
            if !names.is_empty() {
                parts.push(format!("{words} {}", names.join(", ")));
            }
        }
        if parts.is_empty() {
            parts.push("no difference".to_owned());
        }
        format!("{variant} against {base}: {}", parts.join("; "))
    };
    others.iter().map(line).collect()
}

/// The figures in which nothing is decided, each once, under the least that can be said of any pair.
fn rest(rows: Vec<&Row>) -> String {
    let mut text = String::new();
    let mut told: Vec<String> = Vec::new();
    for (finding, words) in [
        (Finding::SharesServedDiffer, "No winner"),
        (Finding::WithinNoise, "Within noise"),
        (Finding::TooFewRuns, "Too few runs"),
        (Finding::Same, "The same"),
    ] {
        let mut names: Vec<String> = Vec::new();
        for name in rows.iter().filter(|row| row.finding == finding).map(|row| name(row)) {
            if !told.contains(&name) {
                told.push(name.clone());
                names.push(name);
            }
        }
        if !names.is_empty() {
            let why = match finding {
                Finding::SharesServedDiffer => " (shares served differ)",
                _ => "",
            };
            text.push_str(&labelled(words, &(names.join(", ") + why)));
        }
    }
    text
}

/// What a row is about: with several pairs of variants, also which.
pub(super) fn name(row: &Row) -> String {
    match &row.class {
        Some(class) => format!("{} of {class}", row.figure.label()),
        None => row.figure.label().to_owned(),
    }
}

/// ` ± 0.4` in the unit that is told; nothing where there is no spread.
pub(super) fn half_width(row: &Row, scale: f64) -> String {
    row.interval
        .filter(|it| it.half_width() > ROUNDING * row.base_mean.abs().max(row.variant_mean.abs()))
        .map_or(String::new(), |it| format!(" ± {}", short(scale * it.half_width(), 2)))
}

fn line(row: &Row) -> String {
    let words = match row.finding {
        Finding::VariantBetter | Finding::BaseBetter => style::good(&row.words()),
        _ => style::doubtful(&row.words()),
    };
    let (scale, unit) = unit(row.figure);
    let half = half_width(row, scale);
    let digits = |value: f64| short(scale * value, 3);
    let values = format!(
        "{} {}, {} {} {unit}",
        row.base,
        digits(row.base_mean),
        row.variant,
        digits(row.variant_mean)
    );
    let difference = format!("difference {}{half}", digits(row.difference));
    format!(
        "{words}\n{}",
        labelled("", &format!("{}: {values}, {difference}", name(row)))
    )
}

#[cfg(test)]
mod tests {
    use crate::experiment::compare;
    use crate::report::sample;

    #[test]
    fn rounding_is_no_spread() {
        let mut comparison = compare(&sample::variants(3));
        let told = |row: &&mut crate::experiment::compare::Row| row.interval.is_some();
        let row = comparison.rows.iter_mut().find(told).expect("one has an interval");
        row.base_mean = 1.0;
        row.variant_mean = 2.0;
        row.difference = 1.0;
        let mut interval = row.interval.expect("found by it");
        assert!(super::line(row).contains('±'));
        (interval.low, interval.high) = (1.0 - 1e-15, 1.0 + 1e-15);
        row.interval = Some(interval);
        assert!(!super::line(row).contains('±'));
    }

    #[test]
    fn what_differs_is_told_and_the_rest_is_named() {
        let text = super::comparison(&compare(&sample::variants(3)));
        let plain = anstream::adapter::strip_str(&text).to_string();
        insta::assert_snapshot!(plain);
        assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    }
}

//! The summary as GitHub-flavoured Markdown, for pull requests and job summaries.
//!
//! The same figures as on the terminal, as tables: verdicts first, then latency beside the share served, then how the
//! variants differ. What is within noise is said so in each row, because a table is read by row.

use super::comparison::{half_width, name};
use crate::blueprint::ClassIx;
use crate::experiment::compare::{LEVEL, Row};
use crate::experiment::precision::Reached;
use crate::experiment::verdict::runs_to_decide;
use crate::experiment::{Comparison, Outcome};
use crate::probe::{Estimate, Pool};
use crate::report::chart::comparison::{title, unit};
use crate::report::tables::cost::total;
use crate::report::tables::objectives::{bound_in_words, value_in_words};
use crate::report::tables::summary::PERCENTILES;
use crate::report::words::{count, counted, duration, share, short};

/// The run, without the comparison.
pub fn text(pool: &Pool, reached: Option<&Reached>, command: &str) -> String {
    let blueprint = pool.blueprint;
    let mut text = format!(
        "### {}\n\n{} of {}, seed {}\n",
        escaped(&blueprint.name),
        counted(pool.records.len(), "run"),
        duration(blueprint.duration.seconds()),
        blueprint.seed
    );
    if pool.records.is_empty() {
        return text;
    }
    text.push_str(&verdicts(pool));
    text.push_str(&latencies(pool));
    for note in super::warnings::all(pool) {
        text.push_str(&format!("\n> {}\n", escaped(&note)));
    }
    if let Some(cut) = super::warnings::cut(pool) {
        text.push_str(&format!("\nMeasured {cut}.\n"));
    }
    if let Some(reached) = reached {
        text.push_str(&format!("\n{}\n", escaped(&super::precision::words(reached))));
    }
    text.push_str(&format!("\nRepeat with `{command}`\n"));
    text
}

fn verdicts(pool: &Pool) -> String {
    let objectives = &pool.blueprint.objectives;
    let judged = objectives.iter().zip(pool.judge());
    let rows = judged.map(|(objective, judgement)| {
        let seen = judgement.worst.value.map(|value| value_in_words(objective, value));
        let decisive = runs_to_decide(&judgement.worst, judgement.runs);
        let decisive = decisive.map_or(String::new(), |runs| {
            format!(", about {} would decide", counted(runs as usize, "run"))
        });
        vec![
            format!("**{}**{decisive}", judgement.verdict.name()),
            objective.name.clone(),
            seen.unwrap_or_else(|| "nothing was served".to_owned()),
            bound_in_words(objective),
        ]
    });
    table(&["verdict", "objective", "seen", "asked"], 4, rows.collect())
}

fn latencies(pool: &Pool) -> String {
    let classes = pool.blueprint.classes.iter().enumerate();
    let mut of: Vec<(&str, Option<ClassIx>)> = classes
        .map(|(at, class)| (class.name.as_str(), Some(ClassIx::from_usize(at))))
        .collect();
    if of.len() != 1 {
        of.push(("all", None));
    }
    let rows = of.into_iter().map(|(name, class)| {
        let requests = pool.requests(class);
        let served = requests.availability().map(|it| share(it.value));
        let mut row = vec![
            name.to_owned(),
            count(requests.outcomes().offered()),
            served.unwrap_or_else(nothing),
        ];
        row.extend(PERCENTILES.map(|(_, quantile)| spread(requests.latencies().quantile_ms(quantile))));
        row
    });
    let header = [
        "requests", "offered", "served", "p50 ms", "p95 ms", "p99 ms", "p99.9 ms",
    ];
    let cost = total(pool).map_or(String::new(), |usd| {
        let hourly = usd.scaled(1.0 / pool.measured_hours());
        format!("\n{} USD an hour\n", spread(Some(hourly)))
    });
    table(&header, 1, rows.collect()) + &cost
}

/// What the comparison comes to, to stand above everything.
pub fn verdict(comparison: &Comparison) -> String {
    let lines = super::comparison::verdicts(comparison);
    lines.iter().map(|line| format!("**{}**\n\n", escaped(line))).collect()
}

/// The verdicts on the objectives of scenarios that are compared, one beside the other.
pub fn objectives(outcomes: &[Outcome]) -> String {
    let rows = outcomes.iter().flat_map(|outcome| {
        let pool = Pool::new(&outcome.blueprint, &outcome.records);
        let judged = outcome.blueprint.objectives.iter().zip(pool.judge());
        let row = |(objective, judgement): (&crate::blueprint::Objective, crate::probe::Judgement)| {
            vec![
                outcome.name.clone(),
                format!("**{}**", judgement.verdict.name()),
                objective.name.clone(),
                bound_in_words(objective),
            ]
        };
        judged.map(row).collect::<Vec<_>>()
    });
    table(&["scenario", "verdict", "objective", "asked"], 4, rows.collect())
}

/// How variants differ, with every figure and what is known of it.
pub fn comparison(comparison: &Comparison) -> String {
    let rows: Vec<Vec<String>> = comparison.rows.iter().map(compared).collect();
    let header = ["figure", "first", "second", "difference", "finding"];
    format!(
        "\n#### {}\n\n{} on the same requests and luck\n{}\nDifferences are second minus first; all intervals hold together at {} %.\n",
        escaped(&comparison.variants.join(" against ")),
        counted(comparison.replications, "run"),
        table(&header, 5, rows),
        short(100.0 * LEVEL, 3)
    )
}

fn compared(row: &Row) -> Vec<String> {
    let (scale, unit) = unit(row.figure);
    let half = half_width(row, scale);
    let value = |variant: &str, value: f64| format!("{variant}: {}", short(scale * value, 3));
    vec![
        format!("{} ({unit})", title(&name(row))),
        value(&row.base, row.base_mean),
        value(&row.variant, row.variant_mean),
        format!("{}{half}", short(scale * row.difference, 3)),
        row.words(),
    ]
}

fn nothing() -> String {
    "–".to_owned()
}

fn spread(estimate: Option<Estimate>) -> String {
    let Some(estimate) = estimate else { return nothing() };
    let half = estimate.interval().map_or(String::new(), |(low, high)| {
        format!(" ± {}", short((high - low) / 2.0, 2))
    });
    format!("{}{half}", short(estimate.value, 3))
}

/// With an empty line before it; nothing without rows. The first `words` columns are set to the left, the others, which
/// hold numbers, to the right.
pub fn table(header: &[&str], words: usize, rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let heads: Vec<String> = header.iter().map(|head| (*head).to_owned()).collect();
    let rule: Vec<String> = (0..header.len())
        .map(|at| if at < words { "---" } else { "---:" }.to_owned())
        .collect();
    let body = rows.into_iter().map(|row| {
        let cells: Vec<String> = row.iter().map(|cell| escaped(cell)).collect();
        line(&cells)
    });
    format!("\n{}{}{}", line(&heads), line(&rule), body.collect::<String>())
}

/// What users named, so that it neither ends a cell nor becomes markup.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push(' '),
            '|' | '<' | '>' | '`' | '_' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::compare;
    use crate::report::sample;

    #[test]
    fn the_summary_is_tables_that_a_pull_request_shows() {
        let shop = sample::shop();
        let runs = sample::runs(&shop, 10);
        let text = text(&Pool::new(&shop, &runs), None, "wavetank run x.yaml");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_comparison_says_of_each_figure_whether_chance_explains_it() {
        let compared = compare(&sample::variants(3));
        let text = comparison(&compared);
        insta::assert_snapshot!(text);
        let rows = text.lines().filter(|line| line.starts_with("| ")).count();
        assert_eq!(rows, compared.rows.len() + 2, "a header, a rule and each row");
    }

    #[test]
    fn names_do_not_end_cells() {
        let text = table(&["a"], 1, vec![vec!["x|y\n<b>".to_owned()]]);
        assert_eq!(text, "\n| a |\n| --- |\n| x\\|y \\<b\\> |\n");
    }
}

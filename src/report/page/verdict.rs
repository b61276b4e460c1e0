//! The verdict: one sentence over all, and a line for each objective.

use super::results::Results;
use super::story::Stories;
use crate::report::words::{counted, plain, share};
use serde::Serialize;
use serde_json::Value as Json;

#[derive(Serialize)]
pub struct Overall {
    /// `met`, `not met`, `undecided` or `none`: also a class of the style sheet.
    class: &'static str,
    word: &'static str,
    sentence: String,
    lines: Vec<Objective>,
    /// What befell the system, in a sentence each.
    short: Vec<(String, String)>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Objective {
    class: String,
    verdict: String,
    name: String,
    seen: String,
    asked: String,
    details: String,
}

pub fn overall(results: &Results, stories: &Stories) -> Overall {
    let lines = told(results).unwrap_or_else(|| of_table(results));
    let with = |verdict: &str| lines.iter().filter(|line| line.verdict == verdict).count();
    let (met, missed, open) = (with("met"), with("not met"), with("undecided"));
    let names = |verdict: &str| {
        let names: Vec<&str> = lines
            .iter()
            .filter(|line| line.verdict == verdict)
            .map(|line| line.name.as_str())
            .collect();
        names.join(", ")
    };
    let (class, word, sentence) = match (met, missed, open) {
        (0, 0, 0) => ("none", "Not judged", served(results)),
        (_, 0, 0) => (
            "met",
            "Met",
            match met {
                1 => format!("The objective {} is met.", names("met")),
                _ => format!("All {met} objectives are met."),
            },
        ),
        (_, 0, _) => (
            "undecided",
            "Undecided",
            format!(
                "{open} of {} not decided yet: {}. More runs would tell.",
                counted(lines.len(), "objective"),
                names("undecided")
            ),
        ),
        _ => (
            "not-met",
            "Not met",
            format!(
                "{missed} of {} missed: {}.",
                counted(lines.len(), "objective"),
                names("not met")
            ),
        ),
    };
    let warnings = results.summary["warnings"].as_array().into_iter().flatten();
    Overall {
        class,
        word,
        sentence,
        lines,
        short: stories
            .stories
            .iter()
            .take(3)
            .map(|story| (format!("{}, {}", story.title, story.when), story.short.clone()))
            .collect(),
        warnings: warnings.filter_map(|it| it.as_str()).map(str::to_owned).collect(),
    }
}

/// What can be said of runs that nobody set objectives for.
fn served(results: &Results) -> String {
    let all = results.sheet("summary").rows().find(|row| row.text("class") == "all");
    let served = all
        .and_then(|row| row.number("availability"))
        .map_or(String::new(), |served| {
            format!("; {} of its requests were served", share(served))
        });
    format!("The scenario sets no objectives{served}.")
}

/// In the words of the summary.
fn told(results: &Results) -> Option<Vec<Objective>> {
    let lines = results.summary["verdicts"].as_array()?;
    let text = |json: &Json| json.as_str().unwrap_or("").to_owned();
    let line = |json: &Json| {
        let details = json["details"].as_array().into_iter().flatten().map(text);
        Objective {
            class: class(&text(&json["verdict"])),
            verdict: text(&json["verdict"]),
            name: text(&json["objective"]),
            seen: text(&json["seen"]),
            asked: text(&json["asked"]),
            details: details.collect::<Vec<_>>().join(", "),
        }
    };
    Some(lines.iter().map(line).collect())
}

/// Of a folder whose summary has no such words yet.
fn of_table(results: &Results) -> Vec<Objective> {
    let rows = results
        .sheet("objectives")
        .rows()
        .filter(|row| row.text("scope") != "window");
    rows.map(|row| {
        let number = |column: &str| row.number(column).map_or("–".to_owned(), plain);
        let verdict = row.text("verdict").to_owned();
        Objective {
            class: class(&verdict),
            verdict,
            name: row.text("objective").to_owned(),
            seen: format!("{} {}", row.text("measure"), number("value")),
            asked: format!("asked {}", number("bound")),
            details: row.text("class").to_owned(),
        }
    })
    .collect()
}

fn class(verdict: &str) -> String {
    verdict.replace(' ', "-")
}

//! The objectives' verdicts, one line each, the worst words first.

use super::style;
use crate::blueprint::{Measure, Objective, Scope};
use crate::experiment::verdict::{runs_to_decide, share_of_runs};
use crate::probe::verdict::WindowJudgement;
use crate::probe::{Judgement, Pool, Precision, Verdict};
use crate::report::tables::objectives::{bound_in_words, budget_burnt, value_in_words};
use crate::report::words::{counted, duration, share, short};
use serde_json::{Value, json};

/// For each objective a line that says it all, and under it what explains it.
pub fn section(pool: &Pool) -> String {
    let judgements = pool.judge();
    let told = pool.blueprint.objectives.iter().zip(&judgements);
    told.map(|(objective, judgement)| {
        let head = vec![
            format!("{}: {}", objective.name, seen(objective, judgement)),
            asked(objective),
        ];
        let details = wrapped(&details(pool, objective, judgement));
        // The first line begins with the verdict instead of the indent; its colour has no width.
        format!(
            "{}  {}{details}",
            verdict(judgement.verdict),
            wrapped(&head).trim_start()
        )
    })
    .collect()
}

/// The same words for programs that show them.
pub fn json(pool: &Pool) -> Value {
    let judgements = pool.judge();
    let told = pool.blueprint.objectives.iter().zip(&judgements);
    told.map(|(objective, judgement)| {
        json!({
            "objective": objective.name,
            "verdict": judgement.verdict.name(),
            "seen": seen(objective, judgement),
            "asked": asked(objective),
            "details": details(pool, objective, judgement),
            "runs_to_decide": runs_to_decide(&judgement.worst, judgement.runs),
        })
    })
    .collect()
}

/// The value, in words.
fn seen(objective: &Objective, judgement: &Judgement) -> String {
    let worst = &judgement.worst;
    match worst.value {
        Some(value) => value_in_words(objective, value),
        None if judgement.windows == 0 => "no such request came".to_owned(),
        None => "nothing was served".to_owned(),
    }
}

fn asked(objective: &Objective) -> String {
    format!("asked {}", bound_in_words(objective))
}

/// Padded to one width.
fn verdict(verdict: Verdict) -> String {
    let text = format!("{:<9}", verdict.name().to_uppercase());
    match verdict {
        Verdict::Met => style::good(&text),
        Verdict::NotMet => style::bad(&text),
        Verdict::Undecided => style::doubtful(&text),
    }
}

fn details(pool: &Pool, objective: &Objective, judgement: &Judgement) -> Vec<String> {
    let worst = &judgement.worst;
    let class = objective
        .class
        .map_or("all requests", |class| pool.blueprint.classes[class.at()].name.as_str());
    let mut parts = vec![class.to_owned()];
    parts.extend(in_what(objective, judgement));
    parts.extend(distance(objective, worst));
    parts.extend(budget_burnt(objective, worst).map(|burnt| format!("{} of the error budget", share_of_budget(burnt))));
    let decisive = runs_to_decide(worst, judgement.runs);
    parts.extend(decisive.map(|runs| format!("about {} would decide", counted(runs as usize, "run"))));
    // Where all runs agree there is no spread to judge by: how rare a miss could be still is told.
    let agree = worst.precision() == Some(Precision::AllAgree);
    if judgement.runs > 1 && (judgement.verdict != Verdict::Met || agree) {
        let interval = share_of_runs(judgement).expect("there are runs");
        parts.push(format!(
            "met in {} of {} runs ({} to {} % of them)",
            judgement.runs_met,
            judgement.runs,
            short(100.0 * interval.low, 2),
            short(100.0 * interval.high, 2)
        ));
    }
    parts
}

/// Which window the value is of.
fn in_what(objective: &Objective, judgement: &Judgement) -> Option<String> {
    let worst = &judgement.worst;
    match objective.scope {
        Scope::Whole => None,
        Scope::Every(_) if judgement.windows == 0 => None,
        Scope::During(..) => Some(format!("{} to {}", duration(worst.from_s), duration(worst.to_s))),
        Scope::Every(_) => {
            let missed = judgement.windows - judgement.windows_met;
            let worst = format!("worst from {} to {}", duration(worst.from_s), duration(worst.to_s));
            Some(format!("{missed} of {} windows missed, {worst}", judgement.windows))
        }
    }
}

/// How far from the bound, in the words of the measure.
fn distance(objective: &Objective, worst: &WindowJudgement) -> Option<String> {
    let judged = worst.judged?;
    let margin = worst.margin?;
    let interval = judged.interval().map(|(low, high)| (high - low) / 2.0);
    let text = match objective.measure {
        Measure::Latency { at_most, .. } => {
            let half = interval.map_or(String::new(), |half| format!(" ± {}", short(100.0 * half, 1)));
            let within = share(judged.value);
            format!(
                "{}{half} % within {} ms",
                within.trim_end_matches(" %"),
                short(at_most.millis(), 4)
            )
        }
        Measure::Availability { .. } => {
            let half = interval.map_or(String::new(), |half| format!(" ± {}", short(100.0 * half, 1)));
            format!("{} points {}{half}", short(100.0 * margin.abs(), 2), side(margin))
        }
        Measure::MeanLatency { .. } => format!("{} ms {}", short(margin.abs(), 3), side(margin)),
        Measure::CostPerHour { .. } => format!("{} USD/h {}", short(margin.abs(), 3), side(margin)),
    };
    Some(text)
}

const fn side(margin: f64) -> &'static str {
    if margin >= 0.0 { "to spare" } else { "short" }
}

fn share_of_budget(burnt: f64) -> String {
    format!("{} %", short(100.0 * burnt, 2))
}

/// Parts joined by commas, broken between them, under the verdict.
fn wrapped(parts: &[String]) -> String {
    const INDENT: usize = 11;
    let mut lines = vec![String::new()];
    for (at, part) in parts.iter().enumerate() {
        let separator = if at + 1 < parts.len() { "," } else { "" };
        let last = lines.last_mut().expect("there is always a line");
        if !last.is_empty() && INDENT + style::width(last) + style::width(part) + 2 > super::WIDTH {
            lines.push(format!("{part}{separator}"));
        } else {
            let space = if last.is_empty() { "" } else { " " };
            last.push_str(&format!("{space}{part}{separator}"));
        }
    }
    lines.iter().map(|line| format!("{:INDENT$}{line}\n", "")).collect()
}

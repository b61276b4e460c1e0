//! What befell the system, told in sentences: what broke first, what amplified it, when users felt it, what ended it.
//!
//! The times of users are those of the timeline, which is over all runs; the times of tasks, targets and alarms are those
//! of the first run, and say so. A sentence that the data does not bear is not written.

use super::felt::{Felt, LATENCY_FELT, SHARE_FELT, felt};
use super::plot::Mark;
use super::results::{Results, Row};
use super::signs::{capital, first_sign, later_signs, signs};
use super::timelines::Tracks;
use crate::report::words::{counted, duration, share, short, strategy};
use serde::Serialize;

/// Stories that are told; there may be hundreds of small faults.
const STORIES_MOST: usize = 8;
/// Marks have letters.
const MARKS_MOST: usize = 20;
/// One thing that befell the system and what came of it.
#[derive(Serialize)]
pub struct Story {
    pub title: String,
    pub when: String,
    /// The whole of it in one sentence.
    pub short: String,
    pub parts: Vec<Part>,
}

#[derive(Serialize)]
pub struct Part {
    label: &'static str,
    text: String,
}

#[derive(Serialize)]
pub struct Stories {
    pub stories: Vec<Story>,
    pub left_out: usize,
    /// What is said if nothing befell it.
    pub calm: Option<String>,
}

/// What happens from outside or by an operator's hand.
#[derive(Clone, Debug, PartialEq)]
struct Trigger {
    label: String,
    from_s: f64,
    to_s: Option<f64>,
    deployment: Option<usize>,
}

/// Marks for the timelines, and how many found no room.
pub fn marks(results: &Results) -> (Vec<Mark>, usize) {
    let triggers = triggers(results);
    let letter = |at: usize| char::from(b'A' + (at % 26) as u8).to_string();
    let marks = triggers.iter().take(MARKS_MOST).enumerate().map(|(at, trigger)| Mark {
        letter: letter(at),
        from_s: trigger.from_s,
        to_s: trigger.to_s,
        label: trigger.label.clone(),
        when: when(trigger),
    });
    (marks.collect(), triggers.len().saturating_sub(MARKS_MOST))
}

fn when(trigger: &Trigger) -> String {
    match trigger.to_s {
        Some(to) if to > trigger.from_s => format!("{} to {}", clock(trigger.from_s), clock(to)),
        _ => format!("at {}", clock(trigger.from_s)),
    }
}

/// A time of the run; the first moment has a name.
fn clock(seconds: f64) -> String {
    if seconds <= 0.0 {
        "the start".to_owned()
    } else {
        duration(seconds)
    }
}

fn triggers(results: &Results) -> Vec<Trigger> {
    let mut triggers: Vec<Trigger> = Vec::new();
    for row in results.sheet("events").rows().filter(|row| row.text("kind") == "fault") {
        let label = row.text("reason").replace('_', " ");
        let at = row.number("time_s").unwrap_or(0.0);
        let open = triggers
            .iter_mut()
            .rev()
            .find(|it| it.label == label && it.to_s.is_none());
        match (row.text("to"), open) {
            ("ends", Some(open)) => open.to_s = Some(at),
            ("ends", None) => {}
            _ => triggers.push(Trigger {
                label,
                from_s: at,
                to_s: None,
                deployment: None,
            }),
        }
    }
    for (at, row) in first_run(results, "deployments").enumerate() {
        triggers.push(Trigger {
            label: format!(
                "{} deployment of {}, revision {} → {}",
                strategy(row.text("strategy")),
                row.text("service"),
                row.text("from_revision"),
                row.text("to_revision")
            ),
            from_s: row.number("start_s").unwrap_or(0.0),
            to_s: row.number("end_s"),
            deployment: Some(at),
        });
    }
    if triggers.is_empty()
        && let Some(row) = first_run(results, "stability").next()
    {
        triggers.push(Trigger {
            label: row.text("trigger").replace('_', " "),
            from_s: row.number("from_s").unwrap_or(0.0),
            to_s: row.number("to_s"),
            deployment: None,
        });
    }
    triggers.sort_by(|one, other| one.from_s.total_cmp(&other.from_s));
    triggers
}

/// Rows of the first run of a table that has all runs.
fn first_run<'a>(results: &'a Results, table: &str) -> impl Iterator<Item = Row<'a>> {
    let mut first = None;
    results.sheet(table).rows().filter(move |row| {
        let run = row.number("replication").unwrap_or(0.0);
        *first.get_or_insert(run) == run
    })
}

pub fn stories(results: &Results, tracks: &Tracks) -> Stories {
    let triggers = triggers(results);
    let told: Vec<Story> = (0..triggers.len().min(STORIES_MOST))
        .map(|at| story(results, tracks, &triggers, at))
        .collect();
    Stories {
        left_out: triggers.len() - told.len(),
        calm: told.is_empty().then(|| calm(results, tracks)),
        stories: told,
    }
}

fn calm(results: &Results, tracks: &Tracks) -> String {
    let mut text = "No fault, deployment or spike befell the system in measured time.".to_owned();
    if let Some(all) = tracks.all() {
        let worst = all.highest("p99_ms");
        if worst > 0.0 {
            text.push_str(&format!(" p99 was {} ms in its worst window.", short(worst, 3)));
        }
    }
    text.push_str(&scaled(results, 0.0, results.duration_s()).map_or(String::new(), |it| format!(" {it}")));
    text
}

fn story(results: &Results, tracks: &Tracks, triggers: &[Trigger], at: usize) -> Story {
    let trigger = &triggers[at];
    let end = results.duration_s();
    // What a later trigger does is its own story, unless both begin together.
    let until = triggers[at + 1..]
        .iter()
        .map(|next| next.from_s)
        .find(|next| *next > trigger.from_s + 1.0)
        .unwrap_or(end);
    let felt = tracks.all().and_then(|all| felt(all, trigger.from_s, until));
    let over = felt
        .as_ref()
        .map_or(until.min(trigger.to_s.unwrap_or(until)), |felt| felt.to_s);
    let mut parts = Vec::new();
    let mut push = |label: &'static str, text: Option<String>| {
        parts.extend(text.map(|text| Part { label, text }));
    };
    let signs = signs(results, tracks, trigger.from_s, over.max(trigger.from_s + 1.0));
    push("Broke first", first_sign(&signs, trigger.from_s));
    push("Then", later_signs(&signs, trigger.from_s));
    push("Users felt it", Some(users(results, felt.as_ref(), trigger)));
    push("Amplified by", felt.as_ref().and_then(|_| amplified(results, trigger)));
    push("Held by", scaled(results, trigger.from_s, over));
    push("Ended by", ended(results, trigger, felt.as_ref()));
    push("Over", felt.as_ref().map(|felt| over_in_words(felt, trigger)));
    push("All runs", across_runs(results, trigger));
    Story {
        title: trigger.label.clone(),
        when: when(trigger),
        short: in_short(trigger, felt.as_ref()),
        parts,
    }
}

pub(super) fn after(from_s: f64, at: f64) -> String {
    if at - from_s < 0.5 {
        "at once".to_owned()
    } else {
        format!("{} later", duration(at - from_s))
    }
}

fn in_short(trigger: &Trigger, felt: Option<&Felt>) -> String {
    let Some(felt) = felt else {
        return "Users felt nothing of it.".to_owned();
    };
    let over = if felt.to_the_end {
        "it was not over when the run ended".to_owned()
    } else {
        format!("over at {}", clock(felt.to_s))
    };
    let text = format!(
        "Users felt it {}: {}; {over}.",
        after(trigger.from_s, felt.from_s),
        felt.in_words()
    );
    text.replace(": ;", ";")
}

fn users(results: &Results, felt: Option<&Felt>, trigger: &Trigger) -> String {
    match felt {
        None => format!(
            "Not at all: the share served stayed within {} of what it was, p99 within {} times.",
            share(SHARE_FELT),
            short(LATENCY_FELT, 2)
        ),
        Some(felt) => format!(
            "From {} on, {}: {}.{}",
            clock(felt.from_s),
            after(trigger.from_s, felt.from_s),
            felt.in_words(),
            most_failures(results, felt)
        ),
    }
}

/// What most of the run's failures are, if users saw failures.
fn most_failures(results: &Results, felt: &Felt) -> String {
    if felt.worst_failed <= felt.usual_failed + SHARE_FELT {
        return String::new();
    }
    let requests = |row: &Row| row.number("requests").unwrap_or(0.0);
    let most = results
        .sheet("failures")
        .rows()
        .max_by(|one, other| requests(one).total_cmp(&requests(other)));
    most.map_or(String::new(), |row| {
        let place = row.text("where");
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" at {place}")
        };
        let reason = row.text("reason").replace('_', " ");
        format!(" Most failures of the run: {reason}{place}.")
    })
}

fn over_in_words(felt: &Felt, trigger: &Trigger) -> String {
    if felt.to_the_end {
        return match trigger.to_s {
            Some(to) if to < felt.to_s => format!(
                "Not when the run ended, {} after {} was: it does not heal by itself.",
                duration(felt.to_s - to),
                trigger.label
            ),
            _ => "Not when the run ended.".to_owned(),
        };
    }
    let lag = match trigger.to_s {
        Some(to) if felt.to_s > to + 0.5 => format!(", {} after {} was", duration(felt.to_s - to), trigger.label),
        Some(to) if felt.to_s < to - 0.5 => ", while it still lasted".to_owned(),
        _ => String::new(),
    };
    format!(
        "At {}{lag}; it had lasted {}.",
        clock(felt.to_s),
        duration((felt.to_s - felt.from_s).max(0.0))
    )
}

fn amplified(results: &Results, trigger: &Trigger) -> Option<String> {
    let mut parts = Vec::new();
    let run = first_run(results, "stability").next();
    let is_of_it = |row: &Row| {
        row.number("from_s")
            .is_some_and(|from| (from - trigger.from_s).abs() < 1.0)
    };
    if let Some(row) = run.filter(is_of_it) {
        let (before, end) = (
            row.number("attempts_per_request_before"),
            row.number("attempts_per_request_end"),
        );
        if let (Some(before), Some(end)) = (before, end)
            && end > 1.2 * before
        {
            parts.push(format!(
                "retries: {} attempts for each request at the end, {} before",
                short(end, 3),
                short(before, 3)
            ));
        }
        let cause = row.text("loop").replace('_', " ");
        let is_told = cause == "retries" && !parts.is_empty();
        if !cause.is_empty() && !is_told {
            parts.push(format!("what keeps it down: {cause} ({})", row.text("evidence")));
        }
    }
    if parts.is_empty() {
        let calls = results.sheet("calls").rows();
        let retried = calls.filter(|row| row.number("attempts_per_call").is_some_and(|attempts| attempts > 1.05));
        let worst = retried.max_by(|one, other| {
            let retried = |row: &Row| row.number("retried").unwrap_or(0.0);
            retried(one).total_cmp(&retried(other))
        });
        parts.extend(worst.map(|row| {
            format!(
                "retries: {} attempts a call from {} to {}, over the whole run",
                short(row.number("attempts_per_call").unwrap_or(1.0), 3),
                row.text("from"),
                row.text("to")
            )
        }));
    }
    let wasteful = results.sheet("amplification").rows();
    let wasteful = wasteful.filter(|row| row.number("wasted_share").is_some_and(|wasted| wasted > 0.05));
    let worst = wasteful.max_by(|one, other| {
        let wasted = |row: &Row| row.number("wasted_share").unwrap_or(0.0);
        wasted(one).total_cmp(&wasted(other))
    });
    parts.extend(worst.map(|row| {
        format!(
            "{} of what {} did was for callers that had given up",
            share(row.number("wasted_share").unwrap_or(0.0)),
            row.text("service")
        )
    }));
    (!parts.is_empty()).then(|| format!("{}.", capital(&parts.join("; "))))
}

/// Scaling and replaced tasks meanwhile, in the first run.
fn scaled(results: &Results, from_s: f64, to_s: f64) -> Option<String> {
    let meanwhile = |row: &Row| row.number("time_s").is_some_and(|at| at >= from_s && at <= to_s);
    let mut parts: Vec<String> = Vec::new();
    let scaling = results.sheet("scaling").rows().filter(meanwhile);
    let mut services: Vec<(&str, f64, f64, f64)> = Vec::new();
    for row in scaling.filter(|row| row.text("action") == "scale out") {
        let (from, to) = (row.number("from").unwrap_or(0.0), row.number("to").unwrap_or(0.0));
        match services.iter_mut().find(|(name, ..)| *name == row.text("service")) {
            Some((_, _, last, _)) => *last = to,
            None => services.push((row.text("service"), from, to, row.number("time_s").unwrap_or(0.0))),
        }
    }
    parts.extend(
        services.iter().take(4).map(|(name, from, to, at)| {
            format!("{name} scaled out from {from} to {to} tasks, first at {}", clock(*at))
        }),
    );
    let events = results.sheet("events").rows().filter(meanwhile);
    let replaced = events
        .filter(|row| row.text("kind") == "task" && row.text("to") == "PROVISIONING")
        .filter(|row| row.text("reason").contains("replacing"))
        .count();
    if replaced > 0 {
        parts.push(format!(
            "ECS started {} in place of lost ones",
            counted(replaced, "task")
        ));
    }
    (!parts.is_empty()).then(|| format!("{} (first run).", capital(&parts.join("; "))))
}

fn ended(results: &Results, trigger: &Trigger, felt: Option<&Felt>) -> Option<String> {
    if let Some(at) = trigger.deployment {
        let row = first_run(results, "deployments").nth(at)?;
        let outcome = row.text("outcome").to_lowercase().replace('_', " ");
        let reason = row.text("reason");
        let mut text = match trigger.to_s {
            Some(to) => format!("The deployment was {outcome} at {}", clock(to)),
            None => format!("The deployment was {outcome} when the run ended"),
        };
        if !reason.is_empty() {
            text.push_str(&format!(": {reason}"));
        }
        if let (Some(requests), Some(errors)) = (row.number("requests_to"), row.number("errors_to"))
            && errors > 0.0
        {
            text.push_str(&format!(
                "; the new revision answered {} requests, {} of them with errors",
                short(requests, 6),
                short(errors, 6)
            ));
        }
        return Some(format!("{text}."));
    }
    let felt = felt?;
    let to = trigger.to_s?;
    if felt.to_the_end {
        return Some(format!(
            "Nothing yet: {} ended at {}, and users felt it still.",
            trigger.label,
            clock(to)
        ));
    }
    if felt.to_s <= to - 1.0 {
        return Some(format!(
            "The system itself: users felt nothing more at {}, and {} lasted until {}.",
            clock(felt.to_s),
            trigger.label,
            clock(to)
        ));
    }
    Some(format!("The end of {} at {}.", trigger.label, clock(to)))
}

/// Whether other runs came back too.
fn across_runs(results: &Results, trigger: &Trigger) -> Option<String> {
    let row = results.sheet("recovery").rows().next()?;
    let stability = first_run(results, "stability").next()?;
    if (stability.number("from_s")? - trigger.from_s).abs() > 1.0 {
        return None;
    }
    let (runs, back) = (row.number("runs")?, row.number("came_back")?);
    let after = row
        .number("back_after_s")
        .filter(|_| back > 0.0)
        .map_or(String::new(), |after| {
            let half = row.number("back_after_s_low").zip(row.number("back_after_s_high"));
            let half = half.map_or(String::new(), |(low, high)| {
                format!(" ± {}", duration((high - low) / 2.0))
            });
            format!(", {}{half} after the last trigger was over", duration(after))
        });
    Some(format!(
        "Back to normal in {back} of {}{after}.",
        counted(runs as usize, "run")
    ))
}

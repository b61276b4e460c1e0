//! Signs of trouble: what the first run's events and the timeline show going wrong, in order of time.

use super::results::{Results, Row};
use super::story::after;
use super::timelines::{Track, Tracks};
use crate::report::words::short;

/// Signs that are told after the first.
const SIGNS_MOST: usize = 4;

/// Something that was seen to go wrong.
pub(super) struct Sign {
    at_s: f64,
    words: String,
}

pub(super) fn first_sign(signs: &[Sign], from_s: f64) -> Option<String> {
    let first = signs.first()?;
    Some(format!("{} {}.", capital(&first.words), after(from_s, first.at_s)))
}

pub(super) fn later_signs(signs: &[Sign], from_s: f64) -> Option<String> {
    let told: Vec<String> = signs
        .iter()
        .skip(1)
        .take(SIGNS_MOST)
        .map(|sign| format!("{} {}", sign.words, after(from_s, sign.at_s)))
        .collect();
    (!told.is_empty()).then(|| format!("{}.", capital(&told.join("; "))))
}

pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    // Names of services keep their case; they are what sentences begin with where nothing else does.
    letters
        .next()
        .map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// What was seen to go wrong, each kind of thing once for each service, in order of time.
pub(super) fn signs(results: &Results, tracks: &Tracks, from_s: f64, to_s: f64) -> Vec<Sign> {
    let mut signs: Vec<Sign> = Vec::new();
    let mut seen: Vec<(String, &str)> = Vec::new();
    for row in results.sheet("events").rows() {
        let at_s = row.number("time_s").unwrap_or(0.0);
        if at_s < from_s || at_s > to_s {
            continue;
        }
        let (kind, words) = match sign(&row) {
            Some(sign) => sign,
            None => continue,
        };
        let key = (row.text("service").to_owned(), kind);
        if !seen.contains(&key) {
            seen.push(key);
            signs.push(Sign { at_s, words });
        }
    }
    for (name, track) in &tracks.services {
        signs.extend(
            crossing(track, from_s, to_s, "cpu_percent", |usual| {
                (usual < 90.0).then_some(90.0)
            })
            .map(|(at_s, value)| Sign {
                at_s,
                words: format!("the CPU of {name} reached {} %", short(value, 2)),
            }),
        );
    }
    for (name, track) in tracks.services.iter().chain(&tracks.dependencies) {
        signs.extend(
            crossing(track, from_s, to_s, "queued", |usual| Some((5.0 * usual).max(10.0))).map(|(at_s, value)| Sign {
                at_s,
                words: format!("{} requests waited at {name}", short(value.round(), 3)),
            }),
        );
    }
    signs.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    signs
}

/// When a level first left what was usual, and its value there.
fn crossing(
    track: &Track,
    from_s: f64,
    to_s: f64,
    column: &str,
    bound: impl Fn(f64) -> Option<f64>,
) -> Option<(f64, f64)> {
    let width = |row: &Row| row.number("window_s").unwrap_or(0.0);
    let start = |row: &Row| row.number("time_s").unwrap_or(0.0);
    let before = track.rows().iter().filter(|row| start(row) + width(row) <= from_s);
    let usual = mean(before.filter_map(|row| row.number(column))).unwrap_or(0.0);
    let bound = bound(usual)?;
    let mut during = track
        .rows()
        .iter()
        .filter(|row| start(row) + width(row) > from_s && start(row) < to_s);
    let found = during.find(|row| row.number(column).is_some_and(|value| value >= bound))?;
    Some((start(found).max(from_s), found.number(column)?))
}

/// Whether an event is a sign of trouble: what kind, and in words.
fn sign(row: &Row) -> Option<(&'static str, String)> {
    let (service, reason, to) = (row.text("service"), row.text("reason"), row.text("to"));
    match (row.text("kind"), to) {
        ("target", "unhealthy") => Some(("target", format!("a target of {service} failed its health checks"))),
        ("alarm", "ALARM") => {
            let name = reason.split(':').next().unwrap_or(reason);
            Some(("alarm", format!("alarm {name} went off")))
        }
        ("deployment", "ROLLBACK_IN_PROGRESS") => Some(("rollback", format!("{service} was rolled back ({reason})"))),
        ("task", "STOPPING" | "STOPPED" | "DEPROVISIONING") if is_trouble(reason) => {
            Some(("task", format!("a task of {service} stopped ({reason})")))
        }
        ("container", "UNHEALTHY" | "STOPPED") => {
            Some(("container", format!("container {reason} of {service} became {to}")))
        }
        ("service", _) if reason.contains("unable to") => Some(("service", format!("{service} {}", in_short(reason)))),
        _ => None,
    }
}

/// What a service's message says, without its name before and the details behind.
fn in_short(message: &str) -> &str {
    let said = message.split_once(") ").map_or(message, |(_, said)| said);
    said.split(". ").next().unwrap_or(said).trim_end_matches('.')
}

/// Not what schedulers do all day.
fn is_trouble(reason: &str) -> bool {
    const ORDINARY: [&str; 4] = ["Scaling activity", "deployment", "rebalanc", "stands since"];
    !reason.is_empty() && !ORDINARY.iter().any(|ordinary| reason.contains(ordinary))
}

pub(super) fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = values.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
    (count > 0.0).then_some(sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_services_message_is_told_without_its_details() {
        let message = "(service web) was unable to place a task because no instance met its requirements. The closest \
                       matching (container-instance 4) encountered error \"AGENT\".";
        let told = "was unable to place a task because no instance met its requirements";
        assert_eq!(in_short(message), told);
        let tasks = "(service web) is unable to consistently start tasks successfully.";
        assert_eq!(in_short(tasks), "is unable to consistently start tasks successfully");
    }

    #[test]
    fn what_schedulers_do_all_day_is_no_trouble() {
        assert!(is_trouble("Task failed ELB health checks in (target-group web)"));
        for reason in [
            "",
            "Scaling activity initiated by service scheduler",
            "stands since before the beginning",
        ] {
            assert!(!is_trouble(reason), "{reason}");
        }
    }
}

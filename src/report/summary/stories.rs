//! Deployments and scaling, in a line each.

use super::labelled;
use crate::blueprint::{RevisionIx, ServiceIx};
use crate::probe::{DeploymentStory, Estimate, Pool, SameDeployment, Toll};
use crate::report::tables::{journeys, queues};
use crate::report::words::{counted, duration, plain, short, strategy};
use crate::sim::observation::SkewCount;

pub fn section(pool: &Pool) -> String {
    let mut text: String = pool.deployments().iter().map(|same| deployment(pool, same)).collect();
    text.push_str(&skew(pool));
    for line in journeys::in_words(pool) {
        text.push_str(&labelled("Journey", &line));
    }
    for line in queues::in_words(pool) {
        text.push_str(&labelled("Queue", &line));
    }
    text.push_str(&scaling(pool).map_or(String::new(), |words| labelled("Scaling", &words)));
    text
}

/// One deployment in all runs that have it.
fn deployment(pool: &Pool, same: &SameDeployment) -> String {
    let first = &same.stories[0].deployment;
    let service = &pool.blueprint.services[first.service.at()].name;
    let mut parts = vec![format!(
        "{service} {} → {} ({}): {}",
        first.from.at() + 1,
        first.to.at() + 1,
        strategy(first.strategy),
        outcomes(&same.stories)
    )];
    let figure = |toll: Toll| pool.toll(same, toll).1;
    parts.extend(figure(Toll::Duration).map(|it| format!("took {}", seconds(it))));
    parts.extend(figure(Toll::Detection).map(|it| format!("noticed after {}", seconds(it))));
    parts.extend(figure(Toll::RollBack).map(|it| format!("rolled back in {}", seconds(it))));
    if let (Some(requests), Some(errors)) = (figure(Toll::Exposure), figure(Toll::Errors)) {
        let above = figure(Toll::ErrorsAboveOld).filter(|above| above.value >= 0.5);
        parts.push(format!(
            "the new version answered {} with {} errors{}",
            number(requests),
            number(errors),
            above.map_or(String::new(), |above| format!(" ({} above the old one)", number(above)))
        ));
    }
    let lowest = same.stories.iter().map(|story| story.deployment.lowest_healthy).min();
    parts.push(format!("never under {} healthy", lowest.unwrap_or(0)));
    let missing = figure(Toll::BelowDesired).filter(|missing| missing.value > 0.0);
    parts.extend(missing.map(|missing| format!("{} task-s below desired", number(missing))));
    let extra = figure(Toll::PeakExtraTasks).filter(|extra| extra.value > 0.0);
    parts.extend(extra.map(|extra| format!("up to {} extra tasks", short(extra.value, 3))));
    let cost = figure(Toll::ExtraCost).filter(|cost| cost.value > 0.0);
    parts.extend(cost.map(|cost| format!("extra cost {} USD", short(cost.value, 2))));
    let means = if same.stories.len() > 1 { " (means)" } else { "" };
    labelled("Deployment", &format!("{}{means}", parts.join(", ")))
}

/// `5 min 10 s ± 4 s`, the half-width only where there is an interval.
fn seconds(estimate: Estimate) -> String {
    let half = estimate.interval().map(|(low, high)| (high - low) / 2.0);
    let half = half.map_or(String::new(), |half| format!(" ± {}", duration(half)));
    format!("{}{half}", duration(estimate.value))
}

/// A count's mean, likewise.
fn number(estimate: Estimate) -> String {
    let half = estimate.interval().map(|(low, high)| (high - low) / 2.0);
    let half = half.map_or(String::new(), |half| format!(" ± {}", short(half, 2)));
    format!("{}{half}", plain(estimate.value.round()))
}

/// Pairs of revisions that did not understand each other, as means over runs.
fn skew(pool: &Pool) -> String {
    let mut pairs: Vec<_> = pool.records.iter().flat_map(|record| &record.skew).collect();
    pairs.sort_by_key(|it| (it.caller, it.callee));
    let runs = pool.records.len() as f64;
    let name = |(service, revision): (ServiceIx, RevisionIx)| {
        format!("{} {}", pool.blueprint.services[service.at()].name, revision.at() + 1)
    };
    let line = |same: &[&SkewCount]| {
        let mean = |of: fn(&SkewCount) -> u64| {
            let sum: u64 = same.iter().map(|it| of(it)).sum();
            plain((sum as f64 / runs).round())
        };
        let words = format!(
            "{} calling {}: {} of {} calls were not understood{}",
            name(same[0].caller),
            name(same[0].callee),
            mean(|it| it.failed),
            mean(|it| it.calls),
            if pool.records.len() > 1 { " (means)" } else { "" }
        );
        labelled("Skew", &words)
    };
    let same = pairs.chunk_by(|a, b| (a.caller, a.callee) == (b.caller, b.callee));
    same.map(line).collect()
}

/// `rolled back`, or how often which where runs differ.
fn outcomes(stories: &[&DeploymentStory]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for story in stories {
        match counts
            .iter_mut()
            .find(|(outcome, _)| *outcome == story.deployment.outcome)
        {
            Some((_, count)) => *count += 1,
            None => counts.push((story.deployment.outcome, 1)),
        }
    }
    let words = |outcome: &str| outcome.to_lowercase().replace('_', " ");
    match counts.as_slice() {
        [(outcome, _)] => words(outcome),
        _ => {
            let each: Vec<String> = counts
                .iter()
                .map(|(outcome, count)| format!("{} in {count}", words(outcome)))
                .collect();
            format!("{} of {}", each.join(", "), counted(stories.len(), "run"))
        }
    }
}

/// How often, in one run. `None` if nothing was ever scaled.
fn scaling(pool: &Pool) -> Option<String> {
    let actions = || pool.records.iter().flat_map(|record| &record.scaling);
    let runs = pool.records.len() as f64;
    let mean = |count: usize| short(count as f64 / runs, 3);
    let out = actions().filter(|action| action.to > action.from).count();
    let down = actions().filter(|action| action.to < action.from).count();
    let refused = actions().filter(|action| action.action == "refused").count();
    if out + down + refused == 0 {
        return None;
    }
    let mut text = format!("{} out, {} in", mean(out), mean(down));
    if refused > 0 {
        text.push_str(&format!(", {} refused", mean(refused)));
    }
    if pool.records.len() > 1 {
        text.push_str(", in an average run");
    }
    Some(text)
}

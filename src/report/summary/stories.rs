//! Deployments and scaling, in a line each.

use super::labelled;
use crate::probe::{DeploymentStory, Pool};
use crate::report::chart::over_runs::quantile;
use crate::report::words::{counted, duration, plain, short};

pub fn section(pool: &Pool) -> String {
    let most = pool
        .records
        .iter()
        .map(|record| record.deployments.len())
        .max()
        .unwrap_or(0);
    let mut text: String = (0..most).filter_map(|at| deployment(pool, at)).collect();
    text.push_str(&scaling(pool).map_or(String::new(), |words| labelled("Scaling", &words)));
    text
}

/// The deployment at one position in all runs that have it there.
fn deployment(pool: &Pool, at: usize) -> Option<String> {
    let stories: Vec<&DeploymentStory> = pool
        .records
        .iter()
        .filter_map(|record| record.deployments.get(at))
        .collect();
    let first = &stories.first()?.deployment;
    let service = &pool.blueprint.services[first.service.at()].name;
    let mut parts = vec![format!(
        "{service} {} → {} ({}): {}",
        first.from.at() + 1,
        first.to.at() + 1,
        first.strategy.to_lowercase().replace('_', "/"),
        outcomes(&stories)
    )];
    let spans = |of: &dyn Fn(&DeploymentStory) -> Option<f64>| {
        let mut values: Vec<f64> = stories.iter().filter_map(|story| of(story)).collect();
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then(|| quantile(&values, 0.5))
    };
    let since_start = |story: &DeploymentStory, at: Option<crate::units::Instant>| {
        at.map(|at| at.since(story.deployment.started).seconds())
    };
    let took = spans(&|story| since_start(story, story.deployment.ended));
    parts.extend(took.map(|seconds| format!("took {}", duration(seconds))));
    let detected = spans(&|story| since_start(story, story.deployment.detected));
    parts.extend(detected.map(|seconds| format!("noticed after {}", duration(seconds))));
    let new = |story: &DeploymentStory| story.answered.get(story.deployment.to.at()).copied();
    let requests = spans(&|story| new(story).map(|new| new.requests as f64));
    let errors = spans(&|story| new(story).map(|new| new.errors as f64));
    if let (Some(requests), Some(errors)) = (requests, errors) {
        parts.push(format!(
            "the new version answered {} with {} errors",
            plain(requests.round()),
            plain(errors.round())
        ));
    }
    let lowest = stories
        .iter()
        .map(|story| story.deployment.lowest_healthy)
        .min()
        .unwrap_or(0);
    parts.push(format!("never under {lowest} healthy"));
    let medians = if stories.len() > 1 { " (medians)" } else { "" };
    Some(labelled("Deployment", &format!("{}{medians}", parts.join(", "))))
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

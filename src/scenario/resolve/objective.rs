//! Objectives: what is wanted, of which requests, and when.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema;
use crate::units::{Instant, Span};

pub(super) fn objectives(cx: &mut Context, classes: &[RequestClass]) -> Vec<Objective> {
    let root = Path::Root;
    let section = root.key("objectives");
    let said = &cx.said.objectives;
    let mut objectives = Vec::new();
    for (at, objective) in said.iter().enumerate() {
        let path = section.at(at);
        if said[..at].iter().any(|other| other.name == objective.name) {
            let message = format!("another objective is called `{}`", objective.name);
            cx.report(Code::NameTaken, &path.key("name"), message);
        }
        let class = class(cx, objective, classes, &path);
        let scope = scope(cx, objective, &path);
        if let (Some(measure), Ok(class)) = (measure(cx, objective, &path), class) {
            objectives.push(Objective {
                name: objective.name.clone(),
                class,
                measure,
                scope,
            });
        }
    }
    objectives
}

fn class(
    cx: &mut Context,
    said: &schema::Objective,
    classes: &[RequestClass],
    path: &Path,
) -> Result<Option<ClassIx>, ()> {
    let Some(name) = &said.requests else { return Ok(None) };
    if let Some(at) = classes.iter().position(|class| class.name == *name) {
        return Ok(Some(ClassIx::from_usize(at)));
    }
    let root = Path::Root;
    let traffic = root.key("traffic");
    let uncertain = cx.said.traffic.names().any(|name| {
        cx.problems.is_poisoned(&traffic.key(name)) || cx.problems.is_poisoned(&traffic.key(name).key("requests"))
    });
    if !uncertain {
        let message = format!("there are no requests called `{name}`");
        let known: Vec<&str> = classes.iter().map(|class| class.name.as_str()).collect();
        cx.problems
            .report_with(Code::UnknownName, &path.key("requests"), message, |diagnostic| {
                let shown: Vec<String> = known.iter().take(10).map(|name| format!("`{name}`")).collect();
                diagnostic
                    .did_you_mean(name, known.iter().copied())
                    .expected(format!("one of {}", shown.join(", ")))
            });
    }
    Err(())
}

fn scope(cx: &mut Context, said: &schema::Objective, path: &Path) -> Scope {
    let duration = cx.duration().unwrap_or(Span::FOREVER);
    let end = print_duration(duration);
    if said.cost_per_hour.is_some() && (said.during.is_some() || said.every.is_some()) {
        let message = "a cost is of the whole run";
        cx.report_hint(Code::ScopeOfCost, path, message, "leave `during` and `every` out");
    }
    match (said.during, said.every) {
        (None, None) => Scope::Whole,
        (Some([from, to]), None) => {
            if from.0 >= to.0 || to.0 > duration {
                let message = format!(
                    "the window from {} to {} does not lie within the run",
                    print_duration(from.0),
                    print_duration(to.0)
                );
                cx.problems
                    .report_with(Code::WindowOutsideRun, &path.key("during"), message, |diagnostic| {
                        diagnostic.expected(format!("two times in order, from 0s to {end}"))
                    });
            }
            Scope::During(from.0, to.0)
        }
        (None, Some(every)) => {
            if every.0.is_zero() || every.0 > duration {
                let message = format!("windows of {} do not fit into the run", print_duration(every.0));
                cx.problems
                    .report_with(Code::WindowOutsideRun, &path.key("every"), message, |diagnostic| {
                        diagnostic.expected(format!("a time above 0s, up to {end}"))
                    });
            }
            Scope::Every(every.0)
        }
        (Some(_), Some(_)) => {
            cx.report(
                Code::ConflictingKeys,
                &path.key("every"),
                "`during` and `every` exclude each other",
            );
            Scope::Whole
        }
    }
}

fn measure(cx: &mut Context, said: &schema::Objective, path: &Path) -> Option<Measure> {
    match (&said.latency, said.availability, said.cost_per_hour) {
        (Some(latency), None, None) => {
            let here = path.key("latency");
            let [(name, bound)] = latency.0.as_slice() else {
                cx.problems
                    .report_with(Code::NotExactlyOne, &here, "an objective has one bound", |diagnostic| {
                        diagnostic
                            .expected("one percentile, like `p99: 400ms`")
                            .hint("make an objective of each")
                    });
                return None;
            };
            if name == "mean" {
                return Some(Measure::MeanLatency { at_most: bound.0 });
            }
            // Moving the point in the text gives the double nearest to what was written: `p99.9` is 0.999.
            let number = name
                .strip_prefix('p')
                .filter(|number| number.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
            let quantile = number.and_then(|number| format!("{number}e-2").parse::<f64>().ok());
            match quantile.filter(|quantile| *quantile > 0.0 && *quantile < 1.0) {
                Some(quantile) => Some(Measure::Latency {
                    quantile,
                    at_most: bound.0,
                }),
                None => {
                    let message = format!("`{name}` is not a percentile");
                    cx.problems
                        .report_with(Code::UnknownWord, &here.key(name), message, |diagnostic| {
                            diagnostic.expected("`mean`, or `p` and a number between 0 and 100, like `p99.9`")
                        });
                    None
                }
            }
        }
        (None, Some(share), None) => Some(Measure::Availability { at_least: share.0 }),
        (None, None, Some(money)) => {
            if said.requests.is_some() {
                let message = "a cost is of the whole scenario, not of some requests";
                cx.report(Code::ScopeOfCost, &path.key("requests"), message);
            }
            Some(Measure::CostPerHour { at_most_usd: money.0 })
        }
        _ => {
            cx.problems
                .report_with(Code::NotExactlyOne, path, "what is wanted is not clear", |diagnostic| {
                    diagnostic.expected("one of `latency`, `availability` and `cost_per_hour`")
                });
            None
        }
    }
}

/// Objectives of requests that never come: nothing could ever be said about them.
pub(super) fn check(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("objectives");
    for (at, objective) in blueprint.objectives.iter().enumerate() {
        let zero = blueprint.measured_from();
        let (from, to) = match objective.scope {
            Scope::During(from, to) => (zero + from, zero + to),
            Scope::Whole | Scope::Every(_) => (zero, blueprint.horizon()),
        };
        let asks = |traffic: &Traffic| comes(traffic, objective.class, from, to);
        if matches!(objective.measure, Measure::CostPerHour { .. }) || blueprint.traffic.iter().any(asks) {
            continue;
        }
        let requests = objective.class.map_or("requests come".to_owned(), |class| {
            format!("requests `{}` come", blueprint.classes[class.at()].name)
        });
        let path = section.at(at);
        let (key, when) = match objective.scope {
            Scope::During(..) => ("during", " in this time"),
            _ if objective.class.is_some() => ("requests", ""),
            _ => ("name", ""),
        };
        cx.report_hint(
            Code::ObjectiveOfNobody,
            &path.key(key),
            format!("no {requests}{when}, so nothing can be said about `{}`", objective.name),
            "give them a rate and a weight above 0, or leave the objective out",
        );
    }
}

/// Whether traffic may bring requests of a class, or any, within some time.
fn comes(traffic: &Traffic, class: Option<ClassIx>, from: Instant, to: Instant) -> bool {
    let meant = |of: ClassIx| class.is_none_or(|class| class == of);
    let drawn = traffic.classes.iter().any(|(of, weight)| *weight > 0.0 && meant(*of));
    match &traffic.source {
        Source::Open { profile, .. } => {
            let last = profile
                .segments
                .last()
                .is_some_and(|last| last.end < to && last.to > 0.0);
            let within = |segment: &RateSegment| segment.start < to && from < segment.end;
            let rates = |segment: &RateSegment| segment.from > 0.0 || segment.to > 0.0;
            drawn && (last || profile.segments.iter().any(|segment| within(segment) && rates(segment)))
        }
        // They may come again at any time.
        Source::Recorded(recorded) => {
            let within = |at: Instant| recorded.repeat_every.is_some() || (from <= at && at < to);
            let mut arrivals = recorded.arrivals.iter().filter(|arrival| within(arrival.at));
            arrivals.any(|arrival| arrival.class.map_or(drawn, meant))
        }
        Source::Closed { users, .. } => drawn && *users > 0,
    }
}

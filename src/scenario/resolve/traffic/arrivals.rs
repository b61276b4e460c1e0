//! How arrivals scatter around their rate.

use super::Context;
use crate::blueprint::{Arrivals, RateState, SelfSimilar};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Named};

pub(super) fn arrivals(cx: &mut Context, said: Option<&schema::Arrivals>, path: &Path) -> Arrivals {
    match said {
        None | Some(schema::Arrivals::Poisson) => Arrivals::Poisson,
        Some(schema::Arrivals::Regular) => Arrivals::Regular,
        Some(schema::Arrivals::Bursty(bursty)) => {
            let here = path.key("bursty");
            cx.positive(bursty.mean_high.0, &here.key("mean_high"));
            cx.positive(bursty.mean_low.0, &here.key("mean_low"));
            Arrivals::Bursty {
                ratio: bursty.ratio,
                mean_high: bursty.mean_high.0,
                mean_low: bursty.mean_low.0,
            }
        }
        Some(schema::Arrivals::Mmpp(states)) => modulated(cx, states, &path.key("mmpp")),
        Some(schema::Arrivals::SelfSimilar(similar)) => {
            let here = path.key("self_similar");
            cx.positive(similar.mean_session.0, &here.key("mean_session"));
            if !(similar.hurst > 0.5 && similar.hurst < 1.0) {
                let message = format!("{} cannot be Hurst's parameter of bursts", similar.hurst);
                cx.problems
                    .report_with(Code::OutOfRange, &here.key("hurst"), message, |diagnostic| {
                        diagnostic.expected("a number above 0.5 and below 1, like 0.8")
                    });
            }
            Arrivals::SelfSimilar(SelfSimilar {
                hurst: similar.hurst,
                sessions: similar.sessions,
                mean_session: similar.mean_session.0,
            })
        }
    }
}

fn modulated(cx: &mut Context, said: &Named<schema::MmppState>, path: &Path) -> Arrivals {
    let count = said.0.len();
    if count < 2 {
        cx.problems
            .report_with(Code::WrongLength, path, "nothing to turn between", |diagnostic| {
                diagnostic.expected("at least two states")
            });
    }
    let mut states = Vec::new();
    for (at, (name, state)) in said.iter().enumerate() {
        let here = path.key(name);
        cx.positive(state.mean.0, &here.key("mean"));
        let next = match &state.next {
            None => vec![((at + 1) % count, 1.0)],
            Some(next) => followers(cx, said, next, &here.key("next")),
        };
        states.push(RateState {
            ratio: state.ratio,
            mean: state.mean.0,
            next,
        });
    }
    if states.iter().all(|state| state.ratio <= 0.0) {
        let hint = "give one of the states a `ratio` above 0";
        cx.report_hint(Code::WeightsSumToZero, path, "no state has any arrivals", hint);
    }
    let reached = |from: usize| {
        reach(count, from, |at| {
            states[at].next.iter().map(|(next, _)| *next).collect()
        })
    };
    let lost = (0..count).find(|&from| reached(from).contains(&false));
    if let Some(from) = lost.filter(|_| states.iter().all(|state| !state.next.is_empty())) {
        let to = reached(from).iter().position(|reached| !reached).unwrap_or(0);
        let name = |at: usize| &said.0[at].0;
        let message = format!("`{}` never comes back to `{}`", name(from), name(to));
        let hint = "arrivals that are to stay the same for ever need a way from every state to every other";
        cx.report_hint(Code::StateOutOfReach, &path.key(name(from)), message, hint);
    }
    Arrivals::Modulated(states.into())
}

/// States with probabilities, for their weights.
fn followers(cx: &mut Context, states: &Named<schema::MmppState>, said: &Named<f64>, path: &Path) -> Vec<(usize, f64)> {
    let mut next = Vec::new();
    for (name, weight) in said.iter() {
        match states.position(name) {
            Some(at) if *weight >= 0.0 => next.push((at, *weight)),
            Some(_) => cx.report(Code::OutOfRange, &path.key(name), "a weight below 0"),
            None => {
                let message = format!("there is no state `{name}`");
                cx.problems
                    .report_with(Code::UnknownName, &path.key(name), message, |diagnostic| {
                        diagnostic.did_you_mean(name, states.names())
                    });
            }
        }
    }
    let sum: f64 = next.iter().map(|(_, weight)| weight).sum();
    if sum <= 0.0 {
        let hint = "give one of the states that may follow a weight above 0";
        cx.report_hint(Code::WeightsSumToZero, path, "the weights add up to 0", hint);
        return Vec::new();
    }
    next.retain(|(_, weight)| *weight > 0.0);
    next.into_iter().map(|(at, weight)| (at, weight / sum)).collect()
}

/// What is reached from a point, itself included.
pub(super) fn reach(count: usize, from: usize, next: impl Fn(usize) -> Vec<usize>) -> Vec<bool> {
    let mut reached = vec![false; count];
    let mut todo = vec![from];
    while let Some(at) = todo.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            todo.extend(next(at));
        }
    }
    reached
}

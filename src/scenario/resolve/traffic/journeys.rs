//! Journeys: steps by name become a chain that ends.

use super::super::{Context, each};
use super::arrivals::reach;
use crate::blueprint::{ClassIx, Journey, JourneyStep, RequestClass};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Named};

/// What probabilities may miss 1 by, for they are written in decimals.
const ROUNDING: f64 = 1e-9;

pub(super) fn journeys(
    cx: &mut Context,
    said: &schema::Traffic,
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Vec<Journey> {
    let section = path.key("journeys");
    if said.journeys.is_empty() {
        return Vec::new();
    }
    if said.clients.is_some() {
        let message = "each visitor on a journey is a client already";
        cx.report(Code::ConflictingKeys, &path.key("clients"), message);
    }
    for (at, _) in said
        .requests
        .iter()
        .enumerate()
        .filter(|(_, request)| request.weight != 1.0)
    {
        let message = "the journeys say how often this is asked for";
        cx.report(
            Code::ConflictingKeys,
            &path.key("requests").at(at).key("weight"),
            message,
        );
    }
    let impatient = said.journeys.iter().any(|(_, journey)| journey.patience.is_some());
    if impatient && said.hedge.is_some() {
        let message = "visitors with `patience` wait for one attempt at a time";
        cx.report(Code::ConflictingKeys, &path.key("hedge"), message);
    }
    let mut journeys = Vec::new();
    each(&said.journeys, &section, |_, name, journey, here| {
        if let Some(steps) = steps(cx, &journey.steps, mine, classes, &here.key("steps")) {
            let patience = &journey.patience;
            journeys.push(Journey {
                name: name.to_owned(),
                weight: journey.weight,
                steps,
                patience: patience.as_ref().map(|time| cx.dist(time, &here.key("patience"))),
                abandon_after_failure: journey.abandon_after_failure.0,
            });
        }
    });
    let sum: f64 = said.journeys.iter().map(|(_, journey)| journey.weight).sum();
    if sum <= 0.0 {
        let hint = "give one of the journeys a weight above 0";
        cx.report_hint(Code::WeightsSumToZero, &section, "the weights add up to 0", hint);
    }
    journeys
}

/// How often an arrival asks for each class on average.
pub(super) fn visits(journeys: &[Journey], mine: &[(ClassIx, f64)]) -> Vec<(ClassIx, f64)> {
    let mut visits: Vec<(ClassIx, f64)> = mine.iter().map(|(class, _)| (*class, 0.0)).collect();
    let sum: f64 = journeys.iter().map(|journey| journey.weight).sum();
    for journey in journeys {
        for (step, often) in journey.steps.iter().zip(journey.visits()) {
            if let Some((_, all)) = visits.iter_mut().find(|(class, _)| *class == step.class) {
                *all += often * journey.weight / sum;
            }
        }
    }
    visits
}

/// `None` if they make no chain that ends, which has been reported.
fn steps(
    cx: &mut Context,
    said: &Named<schema::JourneyStep>,
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Option<Vec<JourneyStep>> {
    if said.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, path, "a journey of no steps", |diagnostic| {
                diagnostic.expected("steps by name")
            });
        return None;
    }
    let mut steps = Vec::new();
    each(said, path, |_, name, step, here| {
        let class = class(cx, name, step, (mine, classes), here);
        let think_time = match &step.think_time {
            Some(time) => cx.dist(time, &here.key("think_time")),
            None => cx.dist(&schema::constant(0), here),
        };
        let next = followers(cx, said, &step.next, &here.key("next"));
        if let (Some(class), Some(next)) = (class, next) {
            steps.push(JourneyStep {
                name: name.to_owned(),
                class,
                think_time,
                next,
            });
        }
    });
    if steps.len() < said.0.len() {
        return None;
    }
    ends(cx, &steps, path).then_some(steps)
}

fn class(
    cx: &mut Context,
    name: &str,
    step: &schema::JourneyStep,
    (mine, classes): (&[(ClassIx, f64)], &[RequestClass]),
    path: &Path,
) -> Option<ClassIx> {
    let request = step.request.as_deref().unwrap_or(name);
    let found = mine.iter().find(|(class, _)| classes[class.at()].name == request);
    if found.is_none() {
        let known: Vec<&str> = mine
            .iter()
            .map(|(class, _)| classes[class.at()].name.as_str())
            .collect();
        let here = path.key("request");
        let place = if step.request.is_some() { &here } else { path };
        cx.problems.report_with(
            Code::UnknownName,
            place,
            format!("there is no request `{request}` in this traffic"),
            |diagnostic| diagnostic.did_you_mean(request, known),
        );
    }
    found.map(|(class, _)| *class)
}

fn followers(
    cx: &mut Context,
    steps: &Named<schema::JourneyStep>,
    said: &Named<schema::Share>,
    path: &Path,
) -> Option<Vec<(usize, f64)>> {
    let mut good = true;
    let mut next = Vec::new();
    for (name, share) in said.iter() {
        match steps.position(name) {
            Some(at) => next.push((at, share.0.get())),
            None => {
                let message = format!("there is no step `{name}`");
                cx.problems
                    .report_with(Code::UnknownName, &path.key(name), message, |diagnostic| {
                        diagnostic.did_you_mean(name, steps.names())
                    });
                good = false;
            }
        }
    }
    let sum: f64 = next.iter().map(|(_, probability)| probability).sum();
    if sum > 1.0 + ROUNDING {
        let message = format!("the probabilities add up to {:.4} %", sum * 100.0);
        cx.problems
            .report_with(Code::ProbabilitiesAboveOne, path, message, |diagnostic| {
                diagnostic.expected("100 % at most; what is left ends the journey")
            });
        good = false;
    }
    next.retain(|(_, probability)| *probability > 0.0);
    good.then_some(next)
}

/// Whether every step that is reached leads to the end, if by way of others.
fn ends(cx: &mut Context, steps: &[JourneyStep], path: &Path) -> bool {
    let next = |at: usize| steps[at].next.iter().map(|(next, _)| *next).collect();
    let from = |at| reach(steps.len(), at, next);
    let ends_here =
        |step: &JourneyStep| step.next.iter().map(|(_, probability)| probability).sum::<f64>() < 1.0 - ROUNDING;
    let reached = from(0);
    let mut good = true;
    for (at, step) in steps.iter().enumerate() {
        let here = path.key(&step.name);
        if !reached[at] {
            let message = format!("nobody ever comes to `{}`", step.name);
            cx.report_hint(
                Code::StepOutOfReach,
                &here,
                message,
                "let a step that is reached lead to it",
            );
        }
        let way_out = from(at)
            .iter()
            .zip(steps)
            .any(|(reached, step)| *reached && ends_here(step));
        if !way_out && good {
            let message = format!("a visitor who comes to `{}` never leaves", step.name);
            let hint = "let the probabilities under `next` leave something to 100 %";
            cx.report_hint(Code::JourneyWithoutEnd, &here, message, hint);
            good = false;
        }
    }
    good
}

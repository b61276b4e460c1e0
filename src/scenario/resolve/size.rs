//! What `experiment.size` asks for, and whether there is anything to choose.
//!
//! The candidates themselves are scenarios of their own (`scenario::size`); here is found what is wrong with the words
//! that describe them.

use super::Context;
use crate::blueprint::{Indifference, SizeGoal};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::{self, Path, Step};
use crate::scenario::schema::{self, Form};
use crate::scenario::steps::{self, StepsFlaw};
use serde_json::Value;

/// Sections that say what is asked or what comes, not how it is served.
const NOT_A_CHOICE: [&str; 13] = [
    "name",
    "question",
    "duration",
    "warm_up",
    "start",
    "starts_at",
    "seed",
    "traffic",
    "objectives",
    "experiment",
    "expect",
    "model",
    "limits",
];

pub(super) fn size(cx: &mut Context) -> Option<SizeGoal> {
    let experiment = &cx.said.experiment;
    let said = experiment.size.as_ref()?;
    let root = Path::Root;
    let experiment_path = root.key("experiment");
    let path = experiment_path.key("size");
    if cx.said.objectives.is_empty() {
        cx.report_hint(
            Code::SizeWithoutObjectives,
            &path,
            "nothing is asked of the candidates: the cheapest would be the one that serves nobody",
            "write `objectives:`, such as `{ name: quick, latency: { p99: 300ms } }`",
        );
    }
    over(cx, said, &path);
    alternatives(cx, said, &path);
    if said.over.is_empty() && said.alternatives.is_empty() {
        cx.report_hint(
            Code::NothingToChoose,
            &path,
            "there is nothing to choose from",
            "write `over: { services.web.desired_count: [2, 3, 4] }`, or say `--over` on the command line",
        );
    }
    through(cx, said, &path);
    let confidence = said.confidence.0;
    if confidence.get() <= 0.5 || confidence.get() >= 1.0 {
        let message = "no number of runs makes it certain, and a coin is right half of the time";
        cx.problems
            .report_with(Code::OutOfRange, &path.key("confidence"), message, |diagnostic| {
                diagnostic.expected("a share above 50% and below 100%, such as 95%")
            });
    }
    let indifference = match &said.indifference {
        Form::Short(share) => Indifference::Share(share.0),
        Form::Long(money) => Indifference::UsdPerHour(money.per_hour.0),
    };
    if matches!(indifference, Indifference::Share(share) if share.get() >= 1.0) {
        cx.problems.report_with(
            Code::OutOfRange,
            &path.key("indifference"),
            "nothing can be cheaper by all of its cost",
            |diagnostic| diagnostic.expected("a share below 100%, such as 1%, or `{ per_hour: 0.05 USD }`"),
        );
    }
    runs(cx, said, &path);
    Some(SizeGoal {
        confidence,
        indifference,
        runs_most: said.at_most,
    })
}

fn runs(cx: &mut Context, said: &schema::Sizing, path: &Path) {
    let first = cx.said.experiment.replications;
    if first < 2 {
        let root = Path::Root;
        cx.report_hint(
            Code::ContradictorySizes,
            &root.key("experiment").key("replications"),
            "one run of a candidate says nothing about chance",
            "give `replications` 2 or more; 10 are usual",
        );
    }
    if said.at_most < first {
        let message = format!("at most {} runs, but `replications` asks for {first}", said.at_most);
        cx.report_hint(
            Code::ContradictorySizes,
            &path.key("at_most"),
            message,
            "`replications` is where the first look is taken: lower it, or raise `at_most`",
        );
    }
}

fn over(cx: &mut Context, said: &schema::Sizing, path: &Path) {
    let over = path.key("over");
    for (name, values) in said.over.iter() {
        let here = over.key(name);
        check_choice(cx, name, &here);
        match values {
            Form::Short(values) if values.is_empty() => cx.report_hint(
                Code::NothingToChoose,
                &here,
                format!("`{name}` has no values to choose from"),
                "give it a list such as `[2, 3, 4]`, or `{ from: 2, to: 4 }`",
            ),
            Form::Short(values) => repeated(cx, values, &here),
            Form::Long(range) => range_flaw(cx, range, &here),
        }
    }
}

fn repeated(cx: &mut Context, values: &[Value], here: &Path) {
    for (at, value) in values.iter().enumerate() {
        if values[..at].contains(value) {
            cx.report(
                Code::DuplicateCandidate,
                &here.at(at),
                format!("`{}` is there already", shown(value)),
            );
        }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn range_flaw(cx: &mut Context, range: &schema::Steps, here: &Path) {
    let Err(flaw) = steps::expand(&range.from, &range.to, range.step.as_ref()) else {
        return;
    };
    match flaw {
        StepsFlaw::UpsideDown => cx.report_hint(
            Code::RangeUpsideDown,
            &here.key("from"),
            format!("`{}` lies above `{}`", shown(&range.from), shown(&range.to)),
            "the smaller value comes first; steps go upwards",
        ),
        StepsFlaw::NoStep => cx.problems.report_with(
            Code::StepOfNothing,
            &here.key("step"),
            "steps of this size never arrive",
            |diagnostic| diagnostic.expected("a step above zero"),
        ),
        StepsFlaw::Units(one, other) => {
            let named = |unit: &str| {
                if unit.is_empty() {
                    "no unit".to_owned()
                } else {
                    format!("`{unit}`")
                }
            };
            let message = format!("{} and {} stand in one range", named(&one), named(&other));
            cx.report_hint(Code::MalformedRange, here, message, "write all of it in the same unit");
        }
        StepsFlaw::NotANumber(text) => cx.problems.report_with(
            Code::MalformedRange,
            here,
            format!("`{text}` is not a number, so there are no steps to it"),
            |diagnostic| diagnostic.expected("numbers, with their unit if they need one; other values go into a list"),
        ),
        StepsFlaw::TooMany => cx.report_hint(
            Code::TooManyCandidates,
            here,
            format!("there are more than {} values in this range", steps::MOST),
            "take larger steps, or a list",
        ),
    }
}

/// Whether the same names stand under each path is found where the candidates are made, as for variants.
fn alternatives(cx: &mut Context, said: &schema::Sizing, path: &Path) {
    let section = path.key("alternatives");
    for (name, values) in said.alternatives.iter() {
        let here = section.key(name);
        check_choice(cx, name, &here);
        if values.is_empty() {
            cx.report(
                Code::NothingToChoose,
                &here,
                format!("`{name}` has no values to choose from"),
            );
        }
        if said.over.get(name).is_some() {
            let message = format!("`{name}` is chosen under `over` too");
            cx.report(Code::ConflictingKeys, &here, message);
        }
    }
}

fn check_choice(cx: &mut Context, name: &str, here: &Path) {
    let steps = path::parse(name).unwrap_or_default();
    if let Some(Step::Key(section)) = steps.first()
        && NOT_A_CHOICE.contains(&section.as_str())
    {
        cx.report_hint(
            Code::NotAChoice,
            here,
            format!("`{name}` is what is asked or what comes, not how it is served"),
            "choose among services, task definitions and capacity; what may come belongs under `through`",
        );
    }
}

fn through(cx: &mut Context, said: &schema::Sizing, path: &Path) {
    let here = path.key("through");
    match &said.through {
        None => {}
        Some(Form::Short(schema::StockWhatIf::ZoneLoss)) => zones(cx, None, &here),
        Some(Form::Long(what_ifs)) => {
            for (name, what_if) in what_ifs.iter() {
                let here = here.key(name);
                if let Some(loss) = &what_if.zone_loss {
                    zones(cx, Some(loss), &here.key("zone_loss"));
                } else if what_if.set.is_empty() && what_if.events.is_empty() {
                    cx.problems.report_with(
                        Code::WhatIfOfNothing,
                        &here,
                        format!("`{name}` is no other situation: nothing in it differs"),
                        |diagnostic| diagnostic.expected("`zone_loss`, `set` or `events`"),
                    );
                }
            }
        }
    }
}

fn zones(cx: &mut Context, loss: Option<&schema::ZoneLoss>, here: &Path) {
    if cx.zones.len() < 2 {
        cx.report_hint(
            Code::LossOfTheOnlyZone,
            here,
            "the cluster has one zone: with it everything is lost, whatever the candidate",
            "give `cluster.availability_zones` two zones or more",
        );
    }
    let Some(loss) = loss else { return };
    if loss.zones.as_ref().is_some_and(Vec::is_empty) {
        cx.report(Code::WhatIfOfNothing, &here.key("zones"), "no zone is lost");
    }
    for (at, zone) in loss.zones.iter().flatten().enumerate() {
        cx.find(super::Table::Zone, zone, &here.key("zones").at(at));
    }
    if loss.lasting.is_some_and(|lasting| lasting.0.is_zero()) {
        cx.positive(
            loss.lasting.map_or(crate::units::Span::ZERO, |lasting| lasting.0),
            &here.key("lasting"),
        );
    }
    if let (Some(at), Some(duration)) = (loss.at, cx.duration())
        && at.0 >= duration
    {
        cx.report(
            Code::EventAfterEnd,
            &here.key("at"),
            "the zone is lost when the run is over",
        );
    }
}

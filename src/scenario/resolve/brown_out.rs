//! Brown-out: when a service does without its optional steps, and whether it has any.

use super::{Context, graph};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;
use crate::units::{Ratio, Span};

/// The percentile, the period and the pole of the authors' implementation.
const PERCENTILE: f64 = 0.95;
const PERIOD: Span = Span::from_secs(1);
const POLE: f64 = 0.9;

pub(super) fn brown_out(cx: &mut Context, said: schema::BrownOut, path: &Path) -> Option<BrownOut> {
    let made = match (said.target_response_time, said.cpu, said.queue) {
        (Some(target), None, None) => return dimmer(cx, &said, target.0, path),
        (None, Some(range), None) => {
            cx.positive(range.window.0, &path.key("cpu").key("window"));
            if range.to.0.get() < range.from.0.get() {
                let message = "the use at which all are left out lies below that from which some are";
                cx.report(Code::ContradictorySizes, &path.key("cpu").key("to"), message);
            }
            BrownOut::Cpu {
                from: range.from.0,
                to: range.to.0,
                window: range.window.0,
            }
        }
        (None, None, Some(range)) => {
            if range.to < range.from {
                let message = "the queue at which all are left out is shorter than that from which some are";
                cx.report(Code::ContradictorySizes, &path.key("queue").key("to"), message);
            }
            BrownOut::Queue {
                from: range.from,
                to: range.to,
            }
        }
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "a brown-out goes by one thing",
                |diagnostic| diagnostic.expected("one of `target_response_time`, `cpu` and `queue`"),
            );
            return None;
        }
    };
    for (key, given) in [
        ("percentile", said.percentile.is_some()),
        ("period", said.period.is_some()),
        ("pole", said.pole.is_some()),
    ] {
        if given {
            let message = format!("`{key}` means nothing without `target_response_time`");
            cx.report(Code::ConflictingKeys, &path.key(key), message);
        }
    }
    Some(made)
}

fn dimmer(cx: &mut Context, said: &schema::BrownOut, target: Span, path: &Path) -> Option<BrownOut> {
    cx.positive(target, &path.key("target_response_time"));
    let period = said.period.map_or(PERIOD, |period| period.0);
    cx.positive(period, &path.key("period"));
    let percentile = match said.percentile {
        Some(share) => share.0,
        None => Ratio::new(PERCENTILE).expect("it is a share"),
    };
    if percentile.get() == 0.0 {
        cx.problems.report_with(
            Code::OutOfRange,
            &path.key("percentile"),
            "no response time is below all",
            |diagnostic| diagnostic.expected("above 0%"),
        );
    }
    Some(BrownOut::ResponseTime(DimmerRule {
        target,
        percentile,
        period,
        pole: said.pole.unwrap_or(POLE),
    }))
}

/// A brown-out that has nothing to leave out, and optional steps that nothing ever leaves out.
pub(super) fn doubts(cx: &mut Context, blueprint: &Blueprint) {
    let root = Path::Root;
    let section = root.key("services");
    for service in &blueprint.services {
        let revisions = || service.revisions.iter();
        let is_optional = revisions().flat_map(|revision| &revision.operations).any(|operation| {
            let mut any = false;
            graph::walk(blueprint, operation.program, 1.0, &mut |step, _| {
                any |= matches!(step, Step::Optional(_));
            });
            any
        });
        let browns_out = revisions()
            .filter_map(|revision| revision.server_rules.as_ref())
            .any(|rules| rules.brown_out.is_some());
        let here = section.key(&service.name);
        if browns_out && !is_optional {
            cx.report_hint(
                Code::BrownOutOfNothing,
                &here.key("brown_out"),
                "no step of this service can be left out",
                "mark those that the answer can do without: `- optional: [ … ]`",
            );
        }
        if is_optional && !browns_out {
            cx.report_hint(
                Code::OptionalForNobody,
                &here.key("operations"),
                "steps are optional, and nothing ever leaves them out",
                "give the service a `brown_out`",
            );
        }
    }
}

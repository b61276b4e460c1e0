//! How many runs: a number, or a precision to reach.

use super::Context;
use crate::blueprint::{PreciseFigure, PrecisionGoal, Truncation};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema;

/// What `experiment.precision` asks for.
pub(super) fn precision(cx: &mut Context) -> Option<PrecisionGoal> {
    let experiment = &cx.said.experiment;
    let said = experiment.precision.as_ref()?;
    let root = Path::Root;
    let experiment_path = root.key("experiment");
    let path = experiment_path.key("precision");
    let half_width = said.half_width.0;
    if half_width.get() <= 0.0 || half_width.get() >= 1.0 {
        let message = "no number of runs leaves nothing to chance, and an interval as wide as its figure says nothing";
        cx.problems
            .report_with(Code::OutOfRange, &path.key("half_width"), message, |diagnostic| {
                diagnostic.expected("a share above 0% and below 100%, such as 5%")
            });
    }
    if said.of.is_empty() {
        let message = "no figure is to be known precisely";
        cx.report_hint(
            Code::OutOfRange,
            &path.key("of"),
            message,
            "leave `of` out for the mean and the p99",
        );
    }
    if said.at_most < experiment.replications {
        let message = format!(
            "at most {} runs, but `replications` asks for {}",
            said.at_most, experiment.replications
        );
        cx.report_hint(
            Code::ContradictorySizes,
            &path.key("at_most"),
            message,
            "`replications` is where the first look is taken: lower it, or raise `at_most`",
        );
    }
    if said.of.contains(&schema::PreciseFigure::Objectives) && cx.said.objectives.is_empty() {
        cx.report_hint(
            Code::ConflictingKeys,
            &path.key("of"),
            "`objectives` are to be decided, but the scenario has none",
            "write `objectives:`, or name a figure",
        );
    }
    Some(PrecisionGoal {
        half_width,
        figures: said.of.iter().map(|figure| resolved(*figure)).collect(),
        runs_most: said.at_most,
    })
}

pub(super) const fn truncation(said: schema::Truncation) -> Truncation {
    match said {
        schema::Truncation::Mser5 => Truncation::Mser5,
        schema::Truncation::None => Truncation::Never,
    }
}

const fn resolved(figure: schema::PreciseFigure) -> PreciseFigure {
    match figure {
        schema::PreciseFigure::MeanMs => PreciseFigure::MeanLatency,
        schema::PreciseFigure::P50Ms => PreciseFigure::P50Latency,
        schema::PreciseFigure::P95Ms => PreciseFigure::P95Latency,
        schema::PreciseFigure::P99Ms => PreciseFigure::P99Latency,
        schema::PreciseFigure::FailedShare => PreciseFigure::FailedShare,
        schema::PreciseFigure::CostUsdPerHour => PreciseFigure::CostPerHour,
        schema::PreciseFigure::Objectives => PreciseFigure::Objectives,
    }
}

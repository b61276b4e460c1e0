//! `size.json`: the answer for programs.
//!
//! Versioned by `format` as `summary.json` is. Rows have the columns of the tables of the same names.

use super::Told;
use crate::experiment::size::procedure::{Ending, Indifference};
use crate::report::provenance::FORMAT;
use crate::report::tables::candidates::{candidate_objectives, candidates};
use serde_json::{Value, json};

impl Told<'_> {
    pub fn json(&self) -> Value {
        let sizing = self.sizing;
        let ending = match sizing.selection.ending {
            Ending::Found => "found",
            Ending::NoneFeasible => "none feasible",
            Ending::Exhausted => "undecided",
            Ending::Interrupted => "interrupted",
        };
        let indifference = match sizing.rules.indifference {
            Indifference::Share(share) => json!({ "share": share }),
            Indifference::Absolute(usd) => json!({ "usd_per_hour": usd }),
        };
        let winner = sizing.winner().map(|winner| {
            let settings = winner
                .settings
                .iter()
                .map(|(path, value)| (path.clone(), value.as_str().into()));
            json!({
                "candidate": winner.name,
                "settings": settings.collect::<serde_json::Map<_, _>>(),
                "run": self.run_command(),
            })
        });
        let left_out = sizing
            .left_out
            .iter()
            .map(|one| json!({ "candidate": one.name, "reason": one.reason }));
        let choices = sizing
            .choices
            .iter()
            .map(|choice| json!({ "path": choice.path, "values": choice.values }));
        json!({
            "format": FORMAT,
            "wavetank": env!("CARGO_PKG_VERSION"),
            "name": self.blueprint.name,
            "question": self.blueprint.question,
            "command": self.provenance.command,
            "scenario_hash": self.provenance.scenario_hash,
            "seed": self.blueprint.seed,
            "ending": ending,
            "winner": winner,
            "confidence": crate::report::table::significant(1.0 - sizing.rules.error, 9),
            "indifference": indifference,
            "runs_first": sizing.rules.first,
            "runs_at_most": sizing.rules.most,
            "runs": sizing.runs,
            "runs_needed": sizing.runs_needed(),
            "situations": sizing.situations,
            "candidates": candidates(sizing).to_json(),
            "candidate_objectives": candidate_objectives(sizing).to_json(),
            "choices": choices.collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(),
        })
    }
}

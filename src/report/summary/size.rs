//! What a search for the cheapest candidate has found: for the terminal, for a pull request, and for programs.
//!
//! The winner first, with what it costs and how much room each objective has left; then what a little more and a little
//! less money would buy; then what was not tried, so that nobody takes the answer for more than it is.

mod json;
mod markdown;

use super::{labelled, style};
use crate::blueprint::Blueprint;
use crate::experiment::size::procedure::{Ending, Indifference, Standing, Status};
use crate::experiment::size::{Found, Seen, Sizing};
use crate::report::provenance::Provenance;
use crate::report::tables::candidates::settings;
use crate::report::tables::cost::HOURS_PER_MONTH;
use crate::report::tables::objectives::{bound_in_words, value_in_words};
use crate::report::words::{counted, short};
use crate::scenario::Spacing;

/// Candidates of one kind that are told one by one.
const TOLD: usize = 4;

/// What is told, and of what.
pub struct Told<'a> {
    /// The scenario as written.
    pub blueprint: &'a Blueprint,
    pub sizing: &'a Sizing,
    pub provenance: &'a Provenance,
}

impl Told<'_> {
    /// For the terminal, in 80 columns.
    pub fn text(&self) -> String {
        let mut text = format!("{}: {}\n\n", style::bold(&self.blueprint.name), self.extent());
        text.push_str(&self.answer());
        text.push_str(&entries("Costs more", self.dearer()));
        text.push_str(&entries("Fails", self.infeasible()));
        text.push_str(&entries("Undecided", self.undecided()));
        text.push('\n');
        text.push_str(&entries("Not tried", self.not_tried()));
        text.push_str(&entries("Take care", self.care()));
        text.push('\n');
        if let Some(command) = self.run_command() {
            text.push_str(&labelled("Run it", &command));
        }
        text.push_str(&labelled("Repeat", &self.provenance.command));
        text
    }

    fn extent(&self) -> String {
        format!(
            "{} in {}, {}, seed {}",
            counted(self.sizing.found.len(), "candidate"),
            counted(self.sizing.situations.len(), "situation"),
            counted(self.sizing.runs, "run"),
            self.blueprint.seed
        )
    }

    /// What was found, and what may be said of it.
    fn answer(&self) -> String {
        let sizing = self.sizing;
        let ending = sizing.selection.ending;
        let Some(winner) = sizing.winner() else {
            return match ending {
                Ending::NoneFeasible => style::bad("NONE MEETS") + &self.nearest(),
                Ending::Interrupted => style::doubtful("INTERRUPTED") + "  before a winner was confirmed\n",
                Ending::Found | Ending::Exhausted => {
                    let words = format!("no candidate is shown to meet the objectives after {}", self.looked());
                    style::doubtful("UNDECIDED") + &labelled("         ", &(words + &self.needed()))[9..]
                }
            };
        };
        let head = match ending {
            Ending::Found => style::good("CHEAPEST"),
            _ => style::doubtful("SO FAR"),
        };
        let pad = 13 - style::width(&head);
        let mut text = format!("{head}{:pad$}{}\n", "", style::bold(&winner.name));
        text.push_str(&labelled("", &cost_in_words(winner)));
        text.push_str(&labelled("", &self.statement(winner)));
        for (at, objective) in sizing.objectives.iter().enumerate() {
            let seen = winner.seen.iter().filter(|seen| seen.objective == at);
            let worst = seen.reduce(|worst, seen| if seen.strain > worst.strain { seen } else { worst });
            let told = worst.map(|seen| format!("{}, {}", self.seen(seen), self.room(seen)));
            text.push_str(&labelled(
                "",
                &format!("{}: {}", objective.name, told.unwrap_or_default()),
            ));
        }
        text
    }

    /// What is claimed of the winner, and with what confidence.
    fn statement(&self, winner: &Found) -> String {
        let sizing = self.sizing;
        let confidence = short(100.0 * (1.0 - sizing.rules.error), 4);
        let each = if sizing.situations.len() > 1 {
            " of each situation"
        } else {
            ""
        };
        let met = format!("meets every objective in {}{each}", counted(winner.fresh, "fresh run"));
        match sizing.selection.ending {
            Ending::Found => format!(
                "{met}; with {confidence} % confidence it does, and none that does is cheaper by more than {}",
                self.zone()
            ),
            _ => format!(
                "{met}, but something cheaper is undecided after {}{}",
                self.looked(),
                self.needed()
            ),
        }
    }

    fn zone(&self) -> String {
        match self.sizing.rules.indifference {
            Indifference::Share(share) => format!("{} %", short(100.0 * share, 3)),
            Indifference::Absolute(usd) => format!("{} USD/h", short(usd, 3)),
        }
    }

    fn looked(&self) -> String {
        format!("{} each", counted(self.sizing.selection.looked as usize, "run"))
    }

    fn needed(&self) -> String {
        match self.sizing.runs_needed() {
            Some(runs) => format!(
                "; about {} would decide (experiment.size.at_most)",
                counted(runs as usize, "run")
            ),
            None => String::new(),
        }
    }

    /// Where nothing meets the objectives: the one that comes nearest.
    fn nearest(&self) -> String {
        let strain = |found: &Found| found.worst().map_or(f64::INFINITY, |worst| worst.strain);
        let nearest = self
            .sizing
            .found
            .iter()
            .reduce(|best, found| if strain(found) < strain(best) { found } else { best });
        let Some(nearest) = nearest else { return "\n".to_owned() };
        let worst = nearest.worst().map_or(String::new(), |seen| self.seen_whole(seen));
        let words = format!("nearest: {}, {}: {worst}", nearest.name, cost_in_words(nearest));
        labelled("          ", &words)[10..].to_owned()
    }

    /// What an objective showed, and when if there is a choice: `312 ms (asked p99 ≤ 400 ms) in loss of us-east-1b`.
    fn seen(&self, seen: &Seen) -> String {
        let objective = &self.sizing.objectives[seen.objective];
        let value = match seen.judgement.worst.value {
            _ if seen.cut_short => "a queue grows without bound".to_owned(),
            Some(value) => value_in_words(objective, value),
            None if seen.judgement.windows == 0 => "no such request came".to_owned(),
            None => "nothing was served".to_owned(),
        };
        let asked = bound_in_words(objective);
        let when = match seen.situation {
            0 if self.sizing.situations.len() == 1 => String::new(),
            0 => " as written".to_owned(),
            at => format!(" in {}", self.sizing.situations[at]),
        };
        format!("{value} (asked {asked}){when}")
    }

    fn seen_whole(&self, seen: &Seen) -> String {
        format!("{}: {}", self.sizing.objectives[seen.objective].name, self.seen(seen))
    }

    fn room(&self, seen: &Seen) -> String {
        format!("{} % of what is allowed used", short(100.0 * seen.strain, 2))
    }

    /// The next dearer ones.
    fn dearer(&self) -> Vec<String> {
        let told = self.sizing.others(Status::Dearer);
        let words = told.iter().map(|found| {
            let standing = match (found.standing, found.runs_of_what_ifs) {
                (Standing::Feasible, _) => "meets everything".to_owned(),
                (Standing::Infeasible, _) => format!("fails {}", self.first_miss(found)),
                (Standing::Undecided, 0) if self.sizing.situations.len() > 1 => "not run through trouble".to_owned(),
                (Standing::Undecided, _) => "undecided whether it meets everything".to_owned(),
            };
            format!("{}: {}; {standing}", found.name, self.difference(found))
        });
        capped(words.collect())
    }

    /// Against the winner: `0.012 ± 0.001 USD/h more (+10 %)`.
    fn difference(&self, found: &Found) -> String {
        let winner = self.sizing.winner().and_then(|winner| winner.cost);
        let (Some(dearer), Some(winner)) = (found.dearer, winner) else {
            return cost_in_words(found);
        };
        // What is left between equal runs is rounding.
        let half = dearer.half_width();
        let half = if half > 1e-9 * winner.value.abs() {
            format!(" ± {}", short(half, 2))
        } else {
            String::new()
        };
        if dearer.estimate.abs() <= 1e-9 * winner.value.abs() {
            return "costs the same".to_owned();
        }
        if dearer.contains(0.0) {
            return format!("within noise of the winner's cost{half} USD/h");
        }
        let way = if dearer.estimate < 0.0 { "less" } else { "more" };
        format!(
            "{}{half} USD/h {way} ({} %)",
            short(dearer.estimate.abs(), 3),
            signed(100.0 * dearer.estimate / winner.value)
        )
    }

    fn infeasible(&self) -> Vec<String> {
        // Those that cost most come first: they are the nearest to being enough.
        let told = self.sizing.others(Status::Infeasible);
        let words = told
            .iter()
            .rev()
            .map(|found| format!("{}: {}; {}", found.name, self.first_miss(found), self.difference(found)));
        capped(words.collect())
    }

    /// What a candidate misses by most, or comes nearest to missing.
    fn first_miss(&self, found: &Found) -> String {
        let missed = found
            .missed()
            .reduce(|worst, seen| if seen.strain > worst.strain { seen } else { worst });
        missed
            .or_else(|| found.worst())
            .map_or(String::new(), |seen| self.seen_whole(seen))
    }

    fn undecided(&self) -> Vec<String> {
        let told = self.sizing.others(Status::Undecided);
        let words = told.iter().map(|found| {
            let needed = found.runs_needed.map_or(String::new(), |runs| {
                format!("; about {} would decide", counted(runs as usize, "run"))
            });
            let worst = found.worst().map_or(String::new(), |seen| self.seen_whole(seen));
            format!("{}: {}; {worst}{needed}", found.name, self.difference(found))
        });
        capped(words.collect())
    }

    /// What the answer does not cover.
    fn not_tried(&self) -> Vec<String> {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(capped(self.left_out()));
        for choice in &self.sizing.choices {
            let values = &choice.values;
            let shown = if values.len() > 6 {
                format!("{}, {} … {}", values[0], values[1], values[values.len() - 1])
            } else {
                values.join(", ")
            };
            parts.push(match choice.spaced {
                Spacing::Numbers => format!("{} other than {shown}, between them or beyond", choice.path),
                Spacing::Words => format!("{} other than {shown}", choice.path),
            });
        }
        parts.push("any other path of the scenario; trouble other than the situations named".to_owned());
        parts
    }

    /// Combinations that cannot be, by why not.
    fn left_out(&self) -> Vec<String> {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for one in &self.sizing.left_out {
            match reasons.iter_mut().find(|(reason, _)| *reason == one.reason) {
                Some((_, names)) => names.push(&one.name),
                None => reasons.push((&one.reason, vec![&one.name])),
            }
        }
        let told = reasons.iter().map(|(reason, names)| match names.as_slice() {
            [one] => format!("{one}: {reason}"),
            several => format!(
                "{} such as {}: {reason}",
                counted(several.len(), "combination"),
                several[0]
            ),
        });
        told.collect()
    }

    /// What may mislead.
    fn care(&self) -> Vec<String> {
        let mut parts = Vec::new();
        if self.sizing.situations.len() == 1 {
            parts.push("no trouble was asked for: see `--through zone_loss`".to_owned());
        }
        if let Some(winner) = self.sizing.winner()
            && let Some(runs) = winner.seen.iter().map(|seen| seen.judgement.runs).min()
        {
            // What none of so many runs has shown may happen in up to this share of them (Clopper and Pearson, 95 %).
            let all_met = winner
                .seen
                .iter()
                .all(|seen| seen.judgement.runs_met == seen.judgement.runs);
            let rare = crate::stats::clopper_pearson(runs as u64, runs as u64, 0.95);
            if let (true, Some(rare)) = (all_met, rare) {
                parts.push(format!(
                    "each of {} met every objective; what happens in fewer than {} % of runs may not have shown",
                    counted(runs, "fresh run"),
                    short(100.0 * (1.0 - rare.low), 2)
                ));
            }
        }
        let at_the_edge = self.sizing.winner().and_then(|winner| self.edge(winner));
        parts.extend(at_the_edge);
        parts
    }

    /// A winner at the end of what was tried suggests that there is more to try.
    fn edge(&self, winner: &Found) -> Option<String> {
        let cheapest = self
            .sizing
            .found
            .iter()
            .filter_map(|found| found.cost)
            .all(|cost| winner.cost.is_some_and(|mine| mine.value <= cost.value));
        let alone = self.sizing.others(Status::Infeasible).is_empty();
        (cheapest && alone && self.sizing.found.len() > 1)
            .then(|| "the winner is the cheapest of all that was tried: something smaller may do too".to_owned())
    }

    fn run_command(&self) -> Option<String> {
        let winner = self.sizing.winner()?;
        let settings = settings(winner).map(|setting| format!("--set '{}'", setting.replace('\'', r"'\''")));
        let settings: Vec<String> = settings.collect();
        Some(format!(
            "wavetank run {} {}",
            self.provenance.scenario,
            settings.join(" ")
        ))
    }
}

/// With a sign: `+10`, `−4.2`.
fn signed(percent: f64) -> String {
    let sign = if percent > 0.0 { "+" } else { "" };
    format!("{sign}{}", short(percent, 2))
}

fn cost_in_words(found: &Found) -> String {
    let Some(cost) = found.cost else {
        return "not run".to_owned();
    };
    let half = cost.interval().map_or(String::new(), |(low, high)| {
        format!(" ± {}", short(0.5 * (high - low), 2))
    });
    format!(
        "{}{half} USD/h, {} USD a month",
        short(cost.value, 4),
        short(cost.value * HOURS_PER_MONTH, 4)
    )
}

/// The first few, and how many more there are.
fn capped(mut words: Vec<String>) -> Vec<String> {
    if words.len() > TOLD + 1 {
        let more = words.len() - TOLD;
        words.truncate(TOLD);
        words.push(format!("and {more} more (candidates.csv)"));
    }
    words
}

/// A label before the first of several entries.
fn entries(label: &str, words: Vec<String>) -> String {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels
        .zip(&words)
        .map(|(label, words)| labelled(label, words))
        .collect()
}

//! The answer as GitHub-flavoured Markdown: a table of what the money buys.

use super::{Told, cost_in_words};
use crate::experiment::size::procedure::{Ending, Status};
use crate::experiment::size::{Found, Sizing};
use crate::report::summary::markdown::table;
use crate::report::words::short;

/// Rows of the table; the others are in `candidates.csv`.
const ROWS: usize = 12;

impl Told<'_> {
    /// For pull requests.
    pub fn markdown(&self) -> String {
        let sizing = self.sizing;
        let answer = match (sizing.winner(), sizing.selection.ending) {
            (Some(winner), Ending::Found) => {
                format!(
                    "**{}** is the cheapest: {}; it {}.",
                    winner.name,
                    cost_in_words(winner),
                    self.statement(winner)
                )
            }
            (Some(winner), _) => {
                format!(
                    "**{}** so far: {}; it {}.",
                    winner.name,
                    cost_in_words(winner),
                    self.statement(winner)
                )
            }
            (None, Ending::NoneFeasible) => {
                format!("**No candidate meets the objectives**;{}", one_line(&self.nearest()))
            }
            (None, Ending::Interrupted) => "**Interrupted** before a winner was confirmed.".to_owned(),
            (None, _) => format!("**Undecided** after {}{}.", self.looked(), self.needed()),
        };
        let mut text = format!("### {}: {}\n\n{answer}\n", self.blueprint.name, self.extent());
        let rows: Vec<Vec<String>> = told(sizing).into_iter().map(|found| self.row(found)).collect();
        let header = [
            "candidate",
            "",
            "nearest to a miss",
            "used",
            "USD/h",
            "against the winner",
        ];
        text.push_str(&table(&header, 3, rows));
        if sizing.found.len() > ROWS {
            text.push_str(&format!("\n{} more in `candidates.csv`.\n", sizing.found.len() - ROWS));
        }
        text.push_str("\nNot tried:\n\n");
        for part in self.not_tried() {
            text.push_str(&format!("* {}\n", part.replace('|', "\\|")));
        }
        text.push_str(&format!("\n```console\n{}\n```\n", self.provenance.command));
        text
    }

    fn row(&self, found: &Found) -> Vec<String> {
        let status = match found.status {
            Status::Winner => "**winner**",
            Status::Dearer => "dearer",
            Status::Infeasible => "fails",
            Status::Undecided => "undecided",
        };
        let worst = found.worst();
        vec![
            found.name.clone(),
            status.to_owned(),
            worst.map_or(String::new(), |seen| self.seen_whole(seen)),
            worst.map_or(String::new(), |seen| format!("{} %", short(100.0 * seen.strain, 2))),
            found.cost.map_or(String::new(), |cost| short(cost.value, 4)),
            match found.status {
                Status::Winner => String::new(),
                _ if found.dearer.is_some() => self.difference(found),
                _ => String::new(),
            },
        ]
    }
}

/// The winner, then the nearest on both sides of it.
fn told(sizing: &Sizing) -> Vec<&Found> {
    let mut told: Vec<&Found> = sizing.winner().into_iter().collect();
    told.extend(sizing.others(Status::Undecided));
    let mut dearer = sizing.others(Status::Dearer).into_iter();
    let mut infeasible = sizing.others(Status::Infeasible).into_iter().rev();
    while told.len() < ROWS {
        let pair = [dearer.next(), infeasible.next()];
        if pair.iter().all(Option::is_none) {
            break;
        }
        told.extend(pair.into_iter().flatten());
    }
    told.truncate(ROWS);
    told
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    format!(" {}", words.join(" "))
}

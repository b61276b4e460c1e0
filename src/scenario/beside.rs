//! What two scenarios must share to be compared run by run.
//!
//! Pairs draw the same luck: the same seed, and arrivals that begin at the same time before the measured time does. A
//! figure over another length of time is another figure. Kinds of requests are matched by name.

use super::Scenario;
use super::diagnostic::{Code, Diagnostic, Diagnostics};
use super::path::Path;
use super::quantity::print_duration;
use crate::blueprint::Blueprint;

impl Scenario {
    /// What is wrong or doubtful with comparing this scenario with a base; both with what they resolve to.
    pub fn beside(&self, base: &Scenario, mine: &Blueprint, bases: &Blueprint) -> Diagnostics {
        let root = Path::Root;
        let place = |key: &str| self.tree.place_of(&root.key(key));
        let against = base.file_name();
        let mut found = Vec::new();
        if mine.duration != bases.duration {
            let message = format!(
                "{} are measured here, {} in {against}",
                print_duration(mine.duration),
                print_duration(bases.duration)
            );
            let diagnostic = Diagnostic::new(Code::LengthsDiffer, place("duration"), message);
            found.push(diagnostic.hint(format!(
                "measure both for as long: `--set duration={}`",
                print_duration(bases.duration)
            )));
        }
        if mine.warm_up != bases.warm_up {
            let message = format!(
                "the warm-up takes {} here, {} in {against}: what meets the same luck meets it at other times",
                print_duration(mine.warm_up),
                print_duration(bases.warm_up)
            );
            let diagnostic = Diagnostic::new(Code::WarmUpsDiffer, place("warm_up"), message);
            found.push(diagnostic.hint(format!(
                "`--set warm_up={}` pairs them better",
                print_duration(bases.warm_up)
            )));
        }
        if mine.seed != bases.seed || mine.replications != bases.replications {
            let message = format!(
                "{} runs from seed {} are asked for here, {} from seed {} in {against}",
                mine.replications, mine.seed, bases.replications, bases.seed
            );
            let key = if mine.seed != bases.seed { "seed" } else { "experiment" };
            let diagnostic = Diagnostic::new(Code::LuckDiffers, place(key), message);
            found.push(diagnostic.hint(format!("those of {against} are taken for both")));
        }
        let names = |blueprint: &Blueprint| -> Vec<String> {
            blueprint.classes.iter().map(|class| class.name.clone()).collect()
        };
        let (own, others) = (names(mine), names(bases));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            let missing = these.iter().filter(|name| !those.contains(name));
            missing.map(|name| format!("`{name}`")).collect()
        };
        let (here, there) = (only(&own, &others), only(&others, &own));
        if !here.is_empty() || !there.is_empty() {
            let mut told = Vec::new();
            if !here.is_empty() {
                told.push(format!("only here: {}", here.join(", ")));
            }
            if !there.is_empty() {
                told.push(format!("only in {against}: {}", there.join(", ")));
            }
            let message = format!("the kinds of requests are not the same; {}", told.join("; "));
            let diagnostic = Diagnostic::new(Code::RequestsDiffer, place("traffic"), message);
            found.push(diagnostic.hint("those of the same name are compared by themselves, all together in any case"));
        }
        Diagnostics::new(found, self.sources.clone())
    }
}

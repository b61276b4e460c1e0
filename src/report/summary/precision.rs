//! How closely the figures are known that the runs went on for.

use super::labelled;
use crate::experiment::precision::{Closeness, Known, Reached};
use crate::report::table::significant;
use crate::report::words::{counted, short};
use serde_json::{Value, json};

/// One paragraph: what was reached, and what is missing.
pub fn text(reached: &Reached) -> String {
    labelled("Precision", &words(reached))
}

pub fn words(reached: &Reached) -> String {
    let figures: Vec<String> = reached.figures.iter().map(told).collect();
    let asked = format!("asked ± {} %", short(100.0 * reached.asked, 2));
    let runs = counted(reached.runs, "run");
    if reached.enough() {
        format!("after {runs}: {} ({asked})", figures.join(", "))
    } else {
        let more = reached.runs_needed().map_or(String::new(), |needed| {
            format!("; about {} would do", counted(needed, "run"))
        });
        format!("not reached in {runs}: {} ({asked}){more}", figures.join(", "))
    }
}

fn told(known: &Known) -> String {
    let label = &known.label;
    match known.closeness {
        Closeness::HalfWidth(half) if half.is_finite() => format!("{label} ± {} %", short(100.0 * half, 2)),
        Closeness::HalfWidth(_) => format!("{label} where there were none"),
        Closeness::NoInterval => format!("{label} without an interval yet"),
        Closeness::Verdicts if known.enough => format!("{label} decided"),
        Closeness::Verdicts => format!("{label} undecided"),
    }
}

/// The same for programs.
pub fn json(reached: &Reached) -> Value {
    let figures = reached.figures.iter().map(|known| {
        let half_width = match known.closeness {
            Closeness::HalfWidth(half) if half.is_finite() => Some(significant(half, 4)),
            _ => None,
        };
        json!({
            "figure": known.label,
            "half_width": half_width,
            "enough": known.enough,
        })
    });
    json!({
        "asked": reached.asked,
        "reached": reached.enough(),
        "runs_needed": reached.runs_needed(),
        "figures": figures.collect::<Vec<_>>(),
    })
}

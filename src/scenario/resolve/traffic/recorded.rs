//! Recorded arrivals: a file of times, and perhaps of classes.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::{Code, Diagnostic};
use crate::scenario::path::Path;
use crate::scenario::table;
use crate::units::{Instant, Span};

pub(super) fn recorded(
    cx: &mut Context,
    file: &str,
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Option<Source> {
    let table = table::read(cx, file, path)?;
    let time_column = if table.header.is_empty() {
        Some(0)
    } else {
        table.column("time_s")
    };
    let Some(time_column) = time_column else {
        cx.problems.report_with(
            Code::MalformedTable,
            path,
            format!("`{file}` has no column `time_s`"),
            |diagnostic| diagnostic.expected("a header with `time_s` and perhaps `class`"),
        );
        return None;
    };
    let class_column = table.column("class");
    let times = table.numbers(cx, time_column)?;
    let warm_up = cx.said.warm_up.0;
    let mut arrivals = Vec::with_capacity(times.len());
    let mut good = true;
    for (row, time) in times.iter().enumerate() {
        let place = table
            .cell(row, time_column)
            .map_or_else(|place| place, |(_, place)| place);
        if row > 0 && *time < times[row - 1] && good {
            let message = format!("{time} comes before {}, which stands above it", times[row - 1]);
            cx.problems
                .push(Diagnostic::new(Code::TraceOutOfOrder, place, message).expected("times in order"));
            good = false;
        }
        let class = match class_column {
            None => None,
            Some(column) => match table.cell(row, column) {
                Ok((name, place)) => {
                    let found = mine.iter().find(|(class, _)| classes[class.at()].name == name);
                    if found.is_none() && good {
                        let known = mine.iter().map(|(class, _)| classes[class.at()].name.as_str());
                        let diagnostic =
                            Diagnostic::new(Code::UnknownName, place, format!("there is no request `{name}`"));
                        cx.problems.push(diagnostic.did_you_mean(name, known));
                        good = false;
                    }
                    found.map(|(class, _)| *class)
                }
                Err(place) => {
                    if good {
                        cx.problems
                            .push(Diagnostic::new(Code::MalformedTable, place, "this row names no class"));
                        good = false;
                    }
                    None
                }
            },
        };
        arrivals.push(RecordedArrival {
            at: Instant::ZERO + warm_up + Span::from_secs_f64(*time),
            class,
        });
    }
    good.then(|| Source::Recorded(arrivals.into()))
}

//! Recorded arrivals: a file of times, and perhaps of classes.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::{Code, Diagnostic};
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema::{Duration, Factor, Form, Trace};
use crate::scenario::table;
use crate::units::{Instant, Span};

pub(super) fn recorded(
    cx: &mut Context,
    said: &Form<String, Trace>,
    mine: &[(ClassIx, f64)],
    classes: &[RequestClass],
    path: &Path,
) -> Option<Source> {
    let once = |file: &String| Trace {
        file: file.clone(),
        speed: Factor(1.0),
        offset: Duration::ZERO,
        repeat_every: None,
    };
    let (said, file_path) = match said {
        Form::Short(file) => (once(file), path),
        Form::Long(trace) => (trace.clone(), &path.key("file")),
    };
    let file = &said.file;
    let table = table::read(cx, file, file_path)?;
    let time_column = if table.header.is_empty() {
        Some(0)
    } else {
        table.column("time_s")
    };
    let Some(time_column) = time_column else {
        cx.problems.report_with(
            Code::MalformedTable,
            file_path,
            format!("`{file}` has no column `time_s`"),
            |diagnostic| diagnostic.expected("a header with `time_s` and perhaps `class`"),
        );
        return None;
    };
    let class_column = table.column("class");
    let times = table.numbers(cx, time_column)?;
    if said.speed.0 <= 0.0 {
        let message = "a trace that stands still";
        cx.problems
            .report_with(Code::OutOfRange, &path.key("speed"), message, |diagnostic| {
                diagnostic.expected("a factor above 0, like `2x`")
            });
        return None;
    }
    let begins = Instant::ZERO + cx.said.warm_up.0 + said.offset.0;
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
            at: begins + Span::from_secs_f64(*time / said.speed.0),
            class,
        });
    }
    if let Some(Duration(every)) = said.repeat_every {
        let here = path.key("repeat_every");
        cx.positive(every, &here);
        let length = arrivals.last().map_or(Span::ZERO, |last| last.at.since(begins));
        if !every.is_zero() && length >= every {
            let message = "the trace begins anew before it has ended";
            cx.problems.report_with(Code::OutOfRange, &here, message, |diagnostic| {
                diagnostic.expected(format!("a time above the {} that it takes", print_duration(length)))
            });
            return None;
        }
        round(&mut arrivals, every);
    }
    let repeat_every = said.repeat_every.map(|every| every.0);
    good.then(|| {
        Source::Recorded(Recorded {
            arrivals: arrivals.into(),
            repeat_every,
        })
    })
}

/// Turns a list that is repeated so that its first round covers the time from instant 0 on.
fn round(arrivals: &mut [RecordedArrival], every: Span) {
    if every.is_zero() {
        return;
    }
    for arrival in arrivals.iter_mut() {
        arrival.at = Instant::from_nanos(arrival.at.nanos() % every.nanos());
    }
    arrivals.sort_by_key(|arrival| arrival.at);
}

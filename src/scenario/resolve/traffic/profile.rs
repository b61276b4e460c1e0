//! Rate profiles: constants, tables, days and flash crowds, all as straight pieces on the simulation's clock.

mod day;

use super::Context;
use crate::blueprint::{RateProfile, RateSegment};
use crate::scenario::diagnostic::{Code, Diagnostic};
use crate::scenario::path::Path;
use crate::scenario::schema::{self, Duration, Form, Rate};
use crate::scenario::table;
use crate::units::{Instant, Span};

/// A row of `per_minute` may not ask for more than this.
const MAX_RATE: f64 = 1e9;

pub(super) fn profile(cx: &mut Context, said: &Form<Rate, schema::RateProfile>, path: &Path) -> Option<RateProfile> {
    match said {
        Form::Short(rate) => Some(RateProfile::constant(rate.0)),
        Form::Long(schema::RateProfile::Points(points)) => {
            let points = ordered(cx, points, &path.key("points"))?;
            Some(linear(cx.said.warm_up.0, points))
        }
        Form::Long(schema::RateProfile::Steps(steps)) => {
            let steps = ordered(cx, steps, &path.key("steps"))?;
            Some(stepped(cx.said.warm_up.0, steps))
        }
        Form::Long(schema::RateProfile::PerMinute(file)) => per_minute(cx, file, &path.key("per_minute")),
        Form::Long(schema::RateProfile::Diurnal(diurnal)) => day::diurnal(cx, diurnal, &path.key("diurnal")),
        Form::Long(schema::RateProfile::Spike(spike)) => Some(flash_crowd(cx.said.warm_up.0, spike)),
        Form::Long(schema::RateProfile::Sum(parts)) => {
            let here = path.key("sum");
            if parts.is_empty() {
                cx.problems
                    .report_with(Code::WrongLength, &here, "a sum of nothing", |d| {
                        d.expected("at least one rate")
                    });
            }
            let parts: Vec<_> = parts
                .iter()
                .enumerate()
                .map(|(at, part)| profile(cx, part, &here.at(at)))
                .collect();
            let parts: Option<Vec<_>> = parts.into_iter().collect();
            parts?.into_iter().reduce(|sum, part| sum.plus(&part))
        }
    }
}

fn per_minute(cx: &mut Context, file: &str, path: &Path) -> Option<RateProfile> {
    let table = table::read(cx, file, path)?;
    let counts = table.numbers(cx, 0)?;
    if let Some(row) = counts.iter().position(|count| *count > MAX_RATE) {
        let place = table.cell(row, 0).map_or_else(|place| place, |(_, place)| place);
        cx.problems.push(Diagnostic::new(
            Code::MalformedTable,
            place,
            "more requests than anyone can simulate",
        ));
        return None;
    }
    let minute = |at: usize| Duration(Span::from_secs(at as u64 * 60));
    let steps: Vec<_> = counts
        .iter()
        .enumerate()
        .map(|(at, count)| (minute(at), Rate(count / 60.0)))
        .collect();
    Some(stepped(cx.said.warm_up.0, &steps))
}

/// Its straight pieces are exact. A rise or a decay of no length is a step.
fn flash_crowd(warm_up: Span, said: &schema::Spike) -> RateProfile {
    let (base, peak) = (said.base.0, said.peak.0);
    let begins = Instant::ZERO + warm_up + said.at.0;
    let risen = begins + said.rise.0;
    let falls = risen + said.hold.0;
    let over = falls + said.decay.0;
    let piece = |start, end, from, to| RateSegment { start, end, from, to };
    RateProfile {
        segments: vec![
            piece(Instant::ZERO, begins, base, base),
            piece(begins, risen, base, peak),
            piece(risen, falls, peak, peak),
            piece(falls, over, peak, base),
            piece(over, Instant::NEVER, base, base),
        ],
    }
}

fn ordered<'a>(cx: &mut Context, points: &'a [(Duration, Rate)], path: &Path) -> Option<&'a [(Duration, Rate)]> {
    if points.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, path, "a rate of no points", |d| {
                d.expected("at least one pair")
            });
        return None;
    }
    let mut good = true;
    for at in 1..points.len() {
        if points[at].0.0 <= points[at - 1].0.0 {
            let message = "this time is not later than the one before";
            cx.report(Code::PointsOutOfOrder, &path.at(at), message);
            good = false;
        }
    }
    good.then_some(points)
}

/// Linear between the points; the first rate holds from the beginning of the warm-up, the last for ever.
fn linear(warm_up: Span, points: &[(Duration, Rate)]) -> RateProfile {
    let at = |time: Duration| Instant::ZERO + warm_up + time.0;
    let mut segments = Vec::new();
    let (first_time, first_rate) = points[0];
    if at(first_time) > Instant::ZERO {
        let rate = first_rate.0;
        segments.push(RateSegment {
            start: Instant::ZERO,
            end: at(first_time),
            from: rate,
            to: rate,
        });
    }
    for pair in points.windows(2) {
        let [(start, from), (end, to)] = [pair[0], pair[1]];
        segments.push(RateSegment {
            start: at(start),
            end: at(end),
            from: from.0,
            to: to.0,
        });
    }
    if segments.is_empty() {
        return RateProfile::constant(first_rate.0);
    }
    RateProfile { segments }
}

/// Each rate from its time on; the first also before.
fn stepped(warm_up: Span, steps: &[(Duration, Rate)]) -> RateProfile {
    let at = |time: Duration| Instant::ZERO + warm_up + time.0;
    let mut segments = Vec::new();
    for (position, (_, rate)) in steps.iter().enumerate() {
        let start = if position == 0 {
            Instant::ZERO
        } else {
            at(steps[position].0)
        };
        // The last segment's rate holds for ever, so its length does not matter.
        let end = steps
            .get(position + 1)
            .map_or(start + Span::from_secs(1), |next| at(next.0));
        segments.push(RateSegment {
            start,
            end,
            from: rate.0,
            to: rate.0,
        });
    }
    segments.retain(|segment| segment.end > segment.start);
    RateProfile { segments }
}

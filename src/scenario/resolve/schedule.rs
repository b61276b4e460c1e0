//! Schedules of Application Auto Scaling, `cron(…)` and `at(…)` in UTC, to instants of the simulation.
//!
//! AWS's cron has six fields: minutes, hours, day of month, month, day of week (1 is Sunday), year; one of the two days
//! is `?`. Lists, ranges, steps and English names are read; `L`, `W` and `#` are not modelled.

use super::Context;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::{Date, moment};
use crate::units::{Instant, Span};

/// When a schedule acts within the run.
pub(super) fn instants(cx: &mut Context, schedule: &str, path: &Path) -> Vec<Instant> {
    let wrong = |cx: &mut Context, why: &str| {
        cx.problems.report_with(
            Code::MalformedSchedule,
            path,
            format!("`{schedule}`: {why}"),
            |diagnostic| {
                diagnostic.expected(
                    "`cron(minutes hours day month weekday year)`, `rate(5 minutes)` or `at(2026-11-27T18:30:00)`",
                )
            },
        );
        Vec::new()
    };
    let inside = |name: &str| {
        schedule
            .trim()
            .strip_prefix(name)?
            .strip_prefix('(')?
            .strip_suffix(')')
            .map(str::trim)
    };
    if let Some(text) = inside("rate") {
        return match rate(text) {
            Some(interval) => every(cx, interval),
            None => wrong(cx, "this is not a rate"),
        };
    }
    let times = if let Some(text) = inside("at") {
        match moment(&format!("{text}Z")) {
            Ok(moment) => Times::At(moment),
            Err(_) => return wrong(cx, "this is not a date and time"),
        }
    } else if let Some(text) = inside("cron") {
        match Cron::parse(text) {
            Ok(cron) => Times::Cron(cron),
            Err(why) => return wrong(cx, why),
        }
    } else {
        return wrong(cx, "this is not a schedule");
    };
    let Some(starts_at) = cx.said.starts_at else {
        let message = "a schedule needs to know what time it is at 0";
        cx.report_hint(
            Code::ScheduleWithoutClock,
            path,
            message,
            "give `starts_at: 2026-11-27T18:00:00Z`",
        );
        return Vec::new();
    };
    let (warm_up, duration) = (cx.said.warm_up.0, cx.said.duration.0);
    // A longer run is refused elsewhere; listing its minutes would take for ever.
    if warm_up > super::finish::LONGEST_RUN || duration > super::finish::LONGEST_RUN {
        return Vec::new();
    }
    let first = starts_at.0 - (warm_up.nanos() / 1_000_000_000) as i64;
    let last = starts_at.0 + duration.nanos().div_ceil(1_000_000_000) as i64;
    let instant = |second: i64| {
        let offset = i128::from(second - starts_at.0) * 1_000_000_000 + i128::from(warm_up.nanos());
        u64::try_from(offset).ok().map(Instant::from_nanos)
    };
    let end = Instant::ZERO + warm_up + duration;
    let seconds = match times {
        Times::At(second) => vec![second],
        Times::Cron(cron) => cron.seconds(first, last),
    };
    seconds
        .into_iter()
        .filter_map(instant)
        .filter(|at| *at < end + Span::from_nanos(1))
        .collect()
}

/// `5 minutes`, `1 hour`, `2 days`.
fn rate(text: &str) -> Option<Span> {
    let (value, unit) = text.split_once(' ')?;
    let seconds = match unit.trim() {
        "minute" | "minutes" => 60,
        "hour" | "hours" => 3600,
        "day" | "days" => 86_400,
        _ => return None,
    };
    let value: u64 = value.parse().ok()?;
    let interval = value.checked_mul(seconds).filter(|interval| *interval > 0)?;
    (interval <= super::finish::LONGEST_RUN.nanos() / 1_000_000_000).then(|| Span::from_secs(interval))
}

/// A rate counts from the beginning, as if it had been made then: first after one interval.
fn every(cx: &Context, interval: Span) -> Vec<Instant> {
    let (warm_up, duration) = (cx.said.warm_up.0, cx.said.duration.0);
    if warm_up > super::finish::LONGEST_RUN || duration > super::finish::LONGEST_RUN {
        return Vec::new();
    }
    let end = Instant::ZERO + warm_up + duration;
    let times = std::iter::successors(Some(Instant::ZERO + interval), |at| Some(*at + interval));
    times.take_while(|at| *at <= end).collect()
}

enum Times {
    At(i64),
    Cron(Cron),
}

/// Which values of each field count; `None` is all of them.
struct Cron {
    minutes: Vec<bool>,
    hours: Vec<bool>,
    days: Vec<bool>,
    months: Vec<bool>,
    weekdays: Vec<bool>,
    years: Vec<bool>,
}

const FIRST_YEAR: u32 = 1970;
const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    fn parse(text: &str) -> Result<Cron, &'static str> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays, years] = fields.as_slice() else {
            return Err("a cron expression has six fields");
        };
        if (*days == "?") == (*weekdays == "?") {
            return Err("one of day and weekday is `?`, and not both");
        }
        Ok(Cron {
            minutes: field(minutes, 0, 59, &[])?,
            hours: field(hours, 0, 23, &[])?,
            days: field(if *days == "?" { "*" } else { days }, 1, 31, &[])?,
            months: field(months, 1, 12, &MONTHS)?,
            weekdays: field(if *weekdays == "?" { "*" } else { weekdays }, 1, 7, &WEEKDAYS)?,
            years: field(years, FIRST_YEAR, 2199, &[])?,
        })
    }

    /// All seconds from `first` to `last` (since 1970) at which it acts.
    fn seconds(&self, first: i64, last: i64) -> Vec<i64> {
        let mut seconds = Vec::new();
        for day in first.div_euclid(86_400)..=last.div_euclid(86_400) {
            let date = Date::from_days(day);
            let year = usize::try_from(date.year).unwrap_or(0);
            let fits = self.years.get(year) == Some(&true)
                && self.months[date.month as usize]
                && self.days[date.day as usize]
                && self.weekdays[date.weekday() as usize + 1];
            if !fits {
                continue;
            }
            for hour in (0..24).filter(|hour| self.hours[*hour as usize]) {
                for minute in (0..60).filter(|minute| self.minutes[*minute as usize]) {
                    let second = day * 86_400 + hour * 3_600 + minute * 60;
                    if (first..=last).contains(&second) {
                        seconds.push(second);
                    }
                }
            }
        }
        seconds
    }
}

/// The values that a field allows, by value.
fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Result<Vec<bool>, &'static str> {
    let mut allowed = vec![false; high as usize + 1];
    let value = |text: &str| -> Result<u32, &'static str> {
        if let Some(at) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Ok(at as u32 + low);
        }
        match text.parse() {
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            Ok(_) => Err("a value is out of its range"),
            Err(_) => Err("a value is not a number or name that is known here"),
        }
    };
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (
                range,
                step.parse()
                    .ok()
                    .filter(|step| *step > 0)
                    .ok_or("a step is not a number")?,
            ),
            None => (part, 1),
        };
        let (from, to) = match range {
            "*" => (low, high),
            _ => match range.split_once('-') {
                Some((from, to)) => (value(from)?, value(to)?),
                None if part.contains('/') => (value(range)?, high),
                None => (value(range)?, value(range)?),
            },
        };
        if from > to {
            return Err("a range runs backwards");
        }
        (from..=to)
            .step_by(step)
            .for_each(|value| allowed[value as usize] = true);
    }
    Ok(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, first: &str, last: &str) -> Vec<String> {
        let cron = Cron::parse(cron).expect("a cron expression");
        let moment = |text| moment(text).expect("a moment");
        cron.seconds(moment(first), moment(last))
            .into_iter()
            .map(crate::scenario::quantity::print_moment)
            .collect()
    }

    #[test]
    fn acts_every_day_at_the_time() {
        assert_eq!(
            times("30 18 * * ? *", "2026-11-27T18:00:00Z", "2026-11-28T20:00:00Z"),
            ["2026-11-27T18:30:00Z", "2026-11-28T18:30:00Z"]
        );
    }

    #[test]
    fn knows_weekdays_lists_ranges_and_steps() {
        // 2026-11-27 is a Friday.
        assert_eq!(
            times("0 9 ? * MON-FRI *", "2026-11-27T00:00:00Z", "2026-11-30T23:00:00Z").len(),
            2
        );
        assert_eq!(
            times("0/15 9,10 * NOV ? 2026", "2026-11-27T00:00:00Z", "2026-11-27T23:00:00Z").len(),
            8
        );
        assert_eq!(
            times("0 0 29 2 ? *", "2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z"),
            ["2028-02-29T00:00:00Z"]
        );
    }

    #[test]
    fn refuses_what_aws_refuses() {
        for wrong in [
            "* * * * *",
            "0 0 * * * *",
            "0 0 ? * ? *",
            "60 0 * * ? *",
            "0 0 L * ? *",
            "5-1 0 * * ? *",
            "*/0 0 * * ? *",
        ] {
            assert!(Cron::parse(wrong).is_err(), "{wrong}");
        }
    }
}

//! Axes: a range, round ticks, and where a value lies between the two ends.
//!
//! Logarithms go through `libm`, so that a tick or a point is not half a pixel elsewhere on another platform.

use crate::report::words::plain;
use libm::{exp10, log10};

#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    pub scale: Scale,
    pub low: f64,
    pub high: f64,
    /// Value and text, in ascending order, within the range.
    pub ticks: Vec<(f64, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Log,
    /// By −log₁₀(1 − share): 90 %, 99 % and 99.9 % are equally far apart.
    Tail,
}

impl Axis {
    /// From 0 to a round number at or above `highest`.
    pub fn from_zero(label: impl Into<String>, highest: f64) -> Axis {
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let step = round_step(highest / 5.0);
        let count = (highest / step).ceil();
        Axis::linear(label, 0.0, count * step, step)
    }

    /// From 0 to a whole number above `highest`, with ticks at whole numbers: for counts.
    pub fn of_counts(label: impl Into<String>, highest: f64) -> Axis {
        let highest = highest.max(1.0);
        let step = round_step(highest / 5.0).max(1.0).round();
        let count = (highest / step).ceil();
        Axis::linear(label, 0.0, count * step, step)
    }

    /// Percentages up to 100, from a round one at or below `lowest`, so that a dip shows.
    pub fn of_percent(lowest: f64) -> Axis {
        let (low, step) = [(99.0, 0.2), (95.0, 1.0), (90.0, 2.0), (80.0, 5.0), (60.0, 10.0)]
            .into_iter()
            .find(|(low, _)| lowest >= *low)
            .unwrap_or((0.0, 20.0));
        Axis::linear("%", low, 100.0, step)
    }

    /// Around values of either sign, zero included.
    pub fn around_zero(label: impl Into<String>, lowest: f64, highest: f64) -> Axis {
        let (lowest, highest) = (lowest.min(0.0), highest.max(0.0));
        if lowest == highest {
            return Axis::linear(label, -1.0, 1.0, 1.0);
        }
        let reach = highest - lowest;
        let step = round_step(reach / 4.0);
        Axis::linear(
            label,
            (lowest / step).floor() * step,
            (highest / step).ceil() * step,
            step,
        )
    }

    fn linear(label: impl Into<String>, low: f64, high: f64, step: f64) -> Axis {
        let count = ((high - low) / step).round() as i64;
        let ticks = (0..=count)
            .map(|k| low + k as f64 * step)
            .map(|at| (at, plain(at)))
            .collect();
        Axis {
            label: label.into(),
            scale: Scale::Linear,
            low,
            high,
            ticks,
        }
    }

    /// Of latencies in ms.
    pub fn of_latency(lowest: f64, highest: f64) -> Axis {
        Axis::of_magnitudes("ms", lowest, highest)
    }

    /// Linear from 0 if the values are of one order of magnitude, or not all above 0; else logarithmic.
    pub fn of_magnitudes(unit: &str, lowest: f64, highest: f64) -> Axis {
        if highest <= 12.0 * lowest || lowest <= 0.0 {
            return Axis::from_zero(unit, highest);
        }
        let (from, to) = (log10(lowest).floor() as i32, log10(highest).ceil() as i32);
        let all = (from..=to).flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| decimal(digit, decade)));
        let low = all
            .clone()
            .filter(|&at| at <= lowest)
            .fold(decimal(1.0, from), f64::max);
        let high = all.clone().find(|&at| at >= highest).unwrap_or(decimal(1.0, to));
        // Beyond three decades the twos and fives crowd.
        let ones_only = high / low > 2000.0;
        let is_one = |at: f64| (log10(at) - log10(at).round()).abs() < 1e-9;
        let ticks = all.filter(|&at| at >= low && at <= high && (!ones_only || is_one(at)));
        Axis {
            label: format!("{unit} (log)"),
            scale: Scale::Log,
            low,
            high,
            ticks: ticks.map(|at| (at, plain(at))).collect(),
        }
    }

    /// The measured time of a run, in the unit that gives small round ticks.
    pub fn of_time(seconds: f64) -> Axis {
        Axis::of_time_between(0.0, seconds, "measuring began")
    }

    /// A stretch of time, in seconds since something.
    pub fn of_time_between(from: f64, to: f64, since: &str) -> Axis {
        let reach = to - from;
        let (unit, name) = match reach {
            reach if reach > 3.0 * 86_400.0 => (86_400.0, "days"),
            reach if reach > 3.0 * 3_600.0 => (3_600.0, "h"),
            reach if reach > 180.0 => (60.0, "min"),
            _ => (1.0, "s"),
        };
        let in_unit = reach / unit;
        let steps = [
            0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 100.0, 200.0, 500.0,
        ];
        let steps = if name == "h" {
            &[0.5, 1.0, 2.0, 3.0, 6.0, 12.0][..]
        } else {
            &steps[..]
        };
        let step = steps
            .iter()
            .copied()
            .find(|step| in_unit / step <= 12.0)
            .unwrap_or(round_step(in_unit / 10.0));
        let first = (from / unit / step).ceil() as i64;
        let last = (to / unit / step + 1e-9).floor() as i64;
        let ticks = (first..=last)
            .map(|k| k as f64 * step)
            .map(|at| (at * unit, plain(at)))
            .collect();
        let label = format!("time since {since} ({name})");
        Axis {
            label,
            scale: Scale::Linear,
            low: from,
            high: to,
            ticks,
        }
    }

    /// Shares of requests up to 1 − 1/`requests`, the tail spread out.
    pub fn of_shares(requests: f64) -> Axis {
        let nines = log10(requests.max(100.0)).min(6.0);
        let known = [
            (0.0, "0"),
            (0.5, "50"),
            (0.9, "90"),
            (0.99, "99"),
            (0.999, "99.9"),
            (0.9999, "99.99"),
            (0.99999, "99.999"),
            (0.999999, "99.9999"),
        ];
        let high = 1.0 - exp10(-nines);
        let ticks = known
            .iter()
            .filter(|(at, _)| *at <= high + 1e-12)
            .map(|(at, text)| (*at, (*text).to_owned()));
        let label = "percentile of served requests (the axis spreads the tail: each mark beyond 90 is ten times rarer)";
        Axis {
            label: label.to_owned(),
            scale: Scale::Tail,
            low: 0.0,
            high,
            ticks: ticks.collect(),
        }
    }

    /// Where a value lies: 0 at the low end, 1 at the high end, beyond them outside.
    pub fn place(&self, value: f64) -> f64 {
        let along = |value: f64| match self.scale {
            Scale::Linear => value,
            Scale::Log => log10(value),
            Scale::Tail => -log10((1.0 - value).max(1e-12)),
        };
        (along(value) - along(self.low)) / (along(self.high) - along(self.low))
    }

    /// The value at a place along the axis: the inverse of [`Axis::place`].
    pub fn at_place(&self, place: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.low + place * (self.high - self.low),
            Scale::Log => exp10(log10(self.low) + place * (log10(self.high) - log10(self.low))),
            Scale::Tail => {
                let nines = |share: f64| -log10(1.0 - share);
                1.0 - exp10(-(nines(self.low) + place * (nines(self.high) - nines(self.low))))
            }
        }
    }
}

/// `digit × 10^decade`, the nearest to its decimal text.
fn decimal(digit: f64, decade: i32) -> f64 {
    format!("{digit}e{decade}").parse().expect("a decimal number")
}

/// 1, 2 or 5 times a power of ten, at or above `least`.
fn round_step(least: f64) -> f64 {
    let decade = log10(least).floor() as i32;
    let steps = [
        decimal(1.0, decade),
        decimal(2.0, decade),
        decimal(5.0, decade),
        decimal(1.0, decade + 1),
    ];
    // The tolerance takes 0.2 for 0.2 when it comes from a division.
    steps
        .into_iter()
        .find(|step| *step >= least * (1.0 - 1e-9))
        .unwrap_or(decimal(1.0, decade + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            texts(&Axis::from_zero("x", 930.0)),
            ["0", "200", "400", "600", "800", "1,000"]
        );
        assert_eq!(texts(&Axis::from_zero("x", 0.7)), ["0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(texts(&Axis::of_counts("tasks", 3.0)), ["0", "1", "2", "3"]);
        assert_eq!(
            texts(&Axis::of_time(7200.0)),
            [
                "0", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100", "110", "120"
            ]
        );
        assert_eq!(
            texts(&Axis::of_time_between(4750.0, 5300.0, "then")),
            ["80", "81", "82", "83", "84", "85", "86", "87", "88"]
        );
        assert_eq!(texts(&Axis::of_latency(3.0, 90.0)), ["2", "5", "10", "20", "50", "100"]);
        assert_eq!(
            texts(&Axis::of_latency(1.0, 9000.0)),
            ["1", "10", "100", "1,000", "10,000"]
        );
        assert_eq!(texts(&Axis::around_zero("x", -3.0, 8.0)), ["−5", "0", "5", "10"]);
        assert_eq!(
            texts(&Axis::of_shares(20_000.0)),
            ["0", "50", "90", "99", "99.9", "99.99"]
        );
    }

    #[test]
    fn the_tail_scale_spreads_nines_evenly() {
        let axis = Axis::of_shares(1e4);
        let place = |share: f64| axis.place(share);
        assert!(
            (place(0.9) - 0.25).abs() < 1e-9 && (place(0.99) - 0.5).abs() < 1e-9 && (place(0.999) - 0.75).abs() < 1e-9
        );
    }

    #[test]
    fn every_tick_lies_on_its_axis() {
        assert_eq!(texts(&Axis::around_zero("x", 0.0, 0.0)), ["−1", "0", "1"]);
        assert_eq!(texts(&Axis::of_percent(68.0)), ["60", "70", "80", "90", "100"]);
        for axis in [
            Axis::from_zero("x", 1e-7),
            Axis::of_latency(0.3, 1e5),
            Axis::of_time(3e6),
            Axis::of_counts("x", 0.0),
        ] {
            assert!(axis.ticks.len() >= 2, "{axis:?}");
            for (at, _) in &axis.ticks {
                assert!((-1e-9..=1.0 + 1e-9).contains(&axis.place(*at)), "{at} on {axis:?}");
            }
        }
    }
}

//! CloudWatch's alarm rule: m breaching datapoints of n, and what missing ones count for.
//!
//! An alarm looks further back than its n periods when datapoints are missing, prefers real ones, and fills up only what
//! is still lacking [CW:alarms-and-missing-data]. The guide's tables are the tests. Not here: where datapoints come from
//! and which state an alarm was in.

use crate::aws::quotas::cloudwatch::EXTRA_PERIODS;
use crate::blueprint::{Comparison, MissingData};

impl Comparison {
    pub fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Comparison::GreaterThan => value > threshold,
            Comparison::GreaterThanOrEqual => value >= threshold,
            Comparison::LessThan => value < threshold,
            Comparison::LessThanOrEqual => value <= threshold,
        }
    }

    /// For reasons: `above`, `below`.
    pub const fn words(self) -> &'static str {
        match self {
            Comparison::GreaterThan => "above",
            Comparison::GreaterThanOrEqual => "at or above",
            Comparison::LessThan => "below",
            Comparison::LessThanOrEqual => "at or below",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlarmRule {
    pub comparison: Comparison,
    pub threshold: f64,
    pub evaluation_periods: u32,
    pub datapoints_to_alarm: u32,
    pub missing: MissingData,
}

/// What the datapoints say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    Alarm,
    InsufficientData,
    /// The state is whatever it was.
    Retain,
}

impl AlarmRule {
    /// How many of the newest periods the rule looks at: the evaluation range.
    pub fn range(&self) -> usize {
        (self.evaluation_periods + EXTRA_PERIODS) as usize
    }

    /// Judges datapoints, oldest first, the newest period last. What lies before the evaluation range is not looked at.
    ///
    /// Fewer periods than `evaluation_periods` means that the simulation is younger than that. Nothing is filled up
    /// then: the alarm has insufficient data, unless it has its m breaching datapoints already.
    pub fn judge(&self, points: &[Option<f64>]) -> Verdict {
        let wanted = self.evaluation_periods as usize;
        let needed = self.datapoints_to_alarm as usize;
        let range = &points[points.len().saturating_sub(self.range())..];
        let breaches = |value: f64| self.comparison.holds(value, self.threshold);

        // (age in periods, whether it breaches), newest first.
        let real: Vec<(usize, bool)> = range
            .iter()
            .rev()
            .enumerate()
            .filter_map(|(age, point)| point.map(|value| (age, breaches(value))))
            .collect();
        let breaching = real.iter().take(wanted).filter(|(_, breach)| *breach).count();
        let filled = wanted.saturating_sub(real.len());

        if breaching >= needed {
            return Verdict::Alarm;
        }
        if filled == 0 {
            return Verdict::Ok;
        }
        if range.len() < wanted {
            return Verdict::InsufficientData;
        }
        let all_breach = real.iter().all(|(_, breach)| *breach);
        // A breach that is old enough, with nothing but breaches and silence since: the guide's "premature alarm".
        let old_breach = real.last().is_some_and(|(age, _)| all_breach && age + 1 >= needed);
        match self.missing {
            MissingData::Breaching if breaching + filled >= needed => Verdict::Alarm,
            MissingData::Breaching | MissingData::NotBreaching => Verdict::Ok,
            MissingData::Ignore if all_breach => Verdict::Retain,
            MissingData::Missing if real.is_empty() => Verdict::InsufficientData,
            MissingData::Missing if old_breach => Verdict::Alarm,
            MissingData::Ignore | MissingData::Missing => Verdict::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Alarm, InsufficientData, Ok, Retain};
    use super::*;

    const MODES: [MissingData; 4] = [
        MissingData::Missing,
        MissingData::Ignore,
        MissingData::Breaching,
        MissingData::NotBreaching,
    ];

    /// Datapoints as the guide draws them: `0` not breaching, `X` breaching, `-` missing.
    fn points(drawn: &str) -> Vec<Option<f64>> {
        let point = |mark| match mark {
            "0" => Some(0.0),
            "X" => Some(1.0),
            "-" => None,
            _ => unreachable!("no such mark"),
        };
        drawn.split_whitespace().map(point).collect()
    }

    fn rule(needed: u32, wanted: u32, missing: MissingData) -> AlarmRule {
        AlarmRule {
            comparison: Comparison::GreaterThan,
            threshold: 0.5,
            evaluation_periods: wanted,
            datapoints_to_alarm: needed,
            missing,
        }
    }

    fn verdicts(needed: u32, drawn: &str) -> [Verdict; 4] {
        MODES.map(|missing| rule(needed, 3, missing).judge(&points(drawn)))
    }

    #[test]
    fn three_of_three_as_in_the_guides_table() {
        assert_eq!(verdicts(3, "0 - X - X"), [Ok, Ok, Ok, Ok]);
        assert_eq!(verdicts(3, "0 - - - -"), [Ok, Ok, Ok, Ok]);
        assert_eq!(verdicts(3, "- - - - -"), [InsufficientData, Retain, Alarm, Ok]);
        assert_eq!(verdicts(3, "0 X X - X"), [Alarm, Alarm, Alarm, Alarm]);
        assert_eq!(verdicts(3, "- - X - -"), [Alarm, Retain, Alarm, Ok]);
    }

    #[test]
    fn two_of_three_as_in_the_guides_table() {
        assert_eq!(verdicts(2, "0 - X - X"), [Alarm, Alarm, Alarm, Alarm]);
        assert_eq!(verdicts(2, "0 0 X 0 X"), [Alarm, Alarm, Alarm, Alarm]);
        assert_eq!(verdicts(2, "0 - X - -"), [Ok, Ok, Alarm, Ok]);
        assert_eq!(verdicts(2, "- - - - 0"), [Ok, Ok, Alarm, Ok]);
        assert_eq!(verdicts(2, "- - - X -"), [Alarm, Retain, Alarm, Ok]);
    }

    #[test]
    fn a_single_late_breach_does_not_alarm_prematurely() {
        for drawn in ["- - - - X", "- - - X -"] {
            assert_eq!(rule(3, 3, MissingData::Missing).judge(&points(drawn)), Ok, "{drawn}");
        }
    }

    #[test]
    fn without_gaps_only_the_evaluation_periods_count() {
        assert_eq!(rule(2, 3, MissingData::Breaching).judge(&points("X X 0 0 X")), Ok);
        assert_eq!(rule(3, 3, MissingData::Missing).judge(&points("0 0 X X X")), Alarm);
    }

    #[test]
    fn what_lies_before_the_evaluation_range_is_forgotten() {
        assert_eq!(
            rule(1, 1, MissingData::Missing).judge(&points("X X X - - -")),
            InsufficientData
        );
    }

    #[test]
    fn a_young_alarm_fills_nothing_up() {
        assert_eq!(verdicts(3, "X X"), [InsufficientData; 4]);
        assert_eq!(verdicts(2, "X X"), [Alarm; 4]);
        assert_eq!(verdicts(2, ""), [InsufficientData; 4]);
    }

    #[test]
    fn thresholds_are_exclusive_unless_or_equal() {
        assert!(!Comparison::GreaterThan.holds(1.0, 1.0) && Comparison::GreaterThanOrEqual.holds(1.0, 1.0));
        assert!(!Comparison::LessThan.holds(1.0, 1.0) && Comparison::LessThanOrEqual.holds(1.0, 1.0));
    }
}

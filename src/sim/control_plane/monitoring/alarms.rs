//! CloudWatch's alarms: their states, moved once for each published minute.
//!
//! The rule is `policy::alarm`'s; here are the metrics, the arithmetic on them, and the telling of changes.

use super::cloudwatch::{Metrics, PERIOD};
use crate::blueprint::{Alarm, AlarmIx, Blueprint};
use crate::policy::alarm::{AlarmRule, Verdict};
use crate::sim::context::Context;
use crate::sim::observation::{Event, EventKind, Observation};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
}

impl AlarmState {
    /// CloudWatch's spelling.
    pub const fn name(self) -> &'static str {
        match self {
            AlarmState::Ok => "OK",
            AlarmState::Alarm => "ALARM",
            AlarmState::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// In the order of the blueprint's alarms.
#[derive(Clone, Debug)]
pub struct Alarms {
    watched: Vec<Watched>,
}

#[derive(Clone, Debug)]
struct Watched {
    rule: AlarmRule,
    /// Minutes in a period.
    minutes: u32,
    state: AlarmState,
}

impl Alarms {
    pub fn new(blueprint: &Blueprint) -> Self {
        let watch = |alarm: &Alarm| {
            let period = alarm.period.nanos();
            assert!(
                period > 0 && period.is_multiple_of(PERIOD.nanos()),
                "an alarm's period is whole minutes"
            );
            Watched {
                rule: AlarmRule {
                    comparison: alarm.comparison,
                    threshold: alarm.threshold,
                    evaluation_periods: alarm.evaluation_periods,
                    datapoints_to_alarm: alarm.datapoints_to_alarm,
                    missing: alarm.missing,
                },
                minutes: (period / PERIOD.nanos()) as u32,
                state: AlarmState::InsufficientData,
            }
        };
        Alarms {
            watched: blueprint.alarms.iter().map(watch).collect(),
        }
    }

    pub fn minutes_needed(&self) -> usize {
        self.watched
            .iter()
            .map(|alarm| alarm.rule.range() * alarm.minutes as usize)
            .max()
            .unwrap_or(0)
    }

    pub fn state(&self, alarm: AlarmIx) -> AlarmState {
        self.watched[alarm.at()].state
    }

    /// Judges every alarm on the minutes up to one that has just been published.
    pub fn evaluate(&mut self, cx: &mut Context<'_>, metrics: &Metrics, minute: u32) {
        for (watched, alarm) in self.watched.iter_mut().zip(&cx.blueprint.alarms) {
            let math = (alarm.metrics.as_slice(), &alarm.expression);
            let points = metrics.math(math, minute, watched.rule.range(), watched.minutes);
            let state = match watched.rule.judge(&points) {
                Verdict::Ok => AlarmState::Ok,
                Verdict::Alarm => AlarmState::Alarm,
                Verdict::InsufficientData => AlarmState::InsufficientData,
                Verdict::Retain => watched.state,
            };
            if state == watched.state {
                continue;
            }
            let from = std::mem::replace(&mut watched.state, state);
            cx.observations.push(Observation::Happened(Event {
                at: cx.calendar.now(),
                kind: EventKind::Alarm,
                service: None,
                deployment: None,
                revision: None,
                task: None,
                instance: None,
                zone: None,
                from: from.name().to_owned(),
                to: state.name().to_owned(),
                reason: format!("{}: {}", alarm.name, reason(&watched.rule, &points)),
            }));
        }
    }
}

/// `2 of 3 datapoints above 0.02: 0.051, 0.048, missing`, newest first.
fn reason(rule: &AlarmRule, points: &[Option<f64>]) -> String {
    let newest: Vec<String> = points
        .iter()
        .rev()
        .take(rule.evaluation_periods as usize)
        .map(|point| point.map_or("missing".to_owned(), |value| format!("{:.4}", value)))
        .map(|text| match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        })
        .collect();
    let (needed, wanted) = (rule.datapoints_to_alarm, rule.evaluation_periods);
    let sides = format!(
        "{needed} of {wanted} datapoints {} {}",
        rule.comparison.words(),
        rule.threshold
    );
    format!("alarms on {sides}; newest first: {}", newest.join(", "))
}

//! Until when replications go on.
//!
//! The figures asked for are looked at after the first runs, after twice as many, and so on: looks so far apart that
//! stopping at a lucky one hardly matters (an interval that is looked at after every run would stop when it happens to
//! be narrow, and cover less often than it says). Runs are taken in the order of their index, so how many there are
//! depends on the scenario and its seed, never on threads.

use super::compare::{Comparison, Figure, Finding};
use super::plan::Outcome;
use crate::blueprint::{PreciseFigure, PrecisionGoal};
use crate::probe::verdict::total_usd;
use crate::probe::{Estimate, Pool, Precision, Verdict, estimate};

/// How closely the figures of a goal are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// Half-width that was asked for, as a share of the figure.
    pub asked: f64,
    pub runs: usize,
    pub figures: Vec<Known>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// For people; of a comparison, with the variant's name.
    pub label: String,
    pub closeness: Closeness,
    pub enough: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Closeness {
    /// As a share of the figure; infinite beside a figure that is nothing.
    HalfWidth(f64),
    /// Too few runs, or too few requests beyond the percentile.
    NoInterval,
    /// Objectives, which are decided or not.
    Verdicts,
}

impl Known {
    fn figure(label: String, half_width: Option<f64>, asked: f64) -> Known {
        Known {
            label,
            closeness: half_width.map_or(Closeness::NoInterval, Closeness::HalfWidth),
            enough: half_width.is_some_and(|half| half <= asked),
        }
    }
}

impl Reached {
    pub fn enough(&self) -> bool {
        self.figures.iter().all(|known| known.enough)
    }

    /// How many runs would probably do if the spread stays as it is; `None` where one has no interval yet.
    pub fn runs_needed(&self) -> Option<usize> {
        let lacking = self.figures.iter().filter(|known| !known.enough);
        let needed = lacking.map(|known| {
            let Closeness::HalfWidth(half_width) = known.closeness else {
                return None;
            };
            let ratio = half_width / self.asked;
            let needed = self.runs as f64 * ratio * ratio;
            needed.is_finite().then_some(needed.ceil() as usize)
        });
        needed
            .collect::<Option<Vec<usize>>>()
            .and_then(|runs| runs.into_iter().max())
    }
}

/// How closely a scenario's own figures are known.
pub fn of_scenario(goal: &PrecisionGoal, outcome: &Outcome) -> Reached {
    let asked = goal.half_width.get();
    let figures = goal.figures.iter().map(|figure| known(*figure, asked, outcome));
    Reached {
        asked,
        runs: outcome.records.len(),
        figures: figures.collect(),
    }
}

/// How closely the differences between variants are known, as a share of what they are compared with.
pub fn of_comparison(goal: &PrecisionGoal, outcomes: &[Outcome], comparison: &Comparison) -> Reached {
    let asked = goal.half_width.get();
    let mut figures = Vec::new();
    for wanted in &goal.figures {
        let Some(compared) = compared(*wanted) else {
            figures.extend(outcomes.iter().map(|outcome| Known {
                label: format!("objectives of {}", outcome.name),
                ..decided(outcome)
            }));
            continue;
        };
        let rows = comparison.rows.iter();
        let rows = rows.filter(|row| row.figure == compared && row.class.is_none());
        figures.extend(rows.map(|row| {
            let interval = row.interval.map(|interval| interval.half_width());
            let half_width = match row.finding {
                Finding::Same => Some(0.0),
                _ => interval.map(|half_width| relative(half_width, row.base_mean)),
            };
            let label = format!("{} of {} against {}", row.figure.label(), row.variant, row.base);
            Known::figure(label, half_width, asked)
        }));
    }
    Reached {
        asked,
        runs: comparison.replications,
        figures,
    }
}

fn known(figure: PreciseFigure, asked: f64, outcome: &Outcome) -> Known {
    let Some(label) = compared(figure).map(Figure::label) else {
        return decided(outcome);
    };
    let half_width = estimated(figure, outcome).and_then(|estimate| match estimate.precision {
        Precision::Between { low, high } => Some(relative(0.5 * (high - low), estimate.value)),
        Precision::AllAgree => Some(0.0),
        Precision::TooFewRuns | Precision::TooFewRequests => None,
    });
    Known::figure(label.to_owned(), half_width, asked)
}

fn estimated(figure: PreciseFigure, outcome: &Outcome) -> Option<Estimate> {
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let requests = pool.requests(None);
    match figure {
        PreciseFigure::MeanLatency => requests.mean_ms(),
        PreciseFigure::P50Latency => requests.latencies().quantile_ms(0.5),
        PreciseFigure::P95Latency => requests.latencies().quantile_ms(0.95),
        PreciseFigure::P99Latency => requests.latencies().quantile_ms(0.99),
        PreciseFigure::FailedShare => requests.availability().map(Estimate::complement),
        PreciseFigure::CostPerHour => {
            let costs: Vec<f64> = outcome.records.iter().map(total_usd).collect();
            estimate::mean(&costs, pool.level)
        }
        PreciseFigure::Objectives => None,
    }
}

fn decided(outcome: &Outcome) -> Known {
    let judgements = Pool::new(&outcome.blueprint, &outcome.records).judge();
    Known {
        label: "objectives".to_owned(),
        closeness: Closeness::Verdicts,
        enough: judgements
            .iter()
            .all(|judgement| judgement.verdict != Verdict::Undecided),
    }
}

/// Infinite beside a figure that is nothing, because no half-width is a small share of it.
fn relative(half_width: f64, figure: f64) -> f64 {
    if half_width == 0.0 {
        0.0
    } else {
        half_width / figure.abs()
    }
}

const fn compared(figure: PreciseFigure) -> Option<Figure> {
    match figure {
        PreciseFigure::MeanLatency => Some(Figure::MeanLatency),
        PreciseFigure::P50Latency => Some(Figure::P50Latency),
        PreciseFigure::P95Latency => Some(Figure::P95Latency),
        PreciseFigure::P99Latency => Some(Figure::P99Latency),
        PreciseFigure::FailedShare => Some(Figure::FailedShare),
        PreciseFigure::CostPerHour => Some(Figure::CostPerHour),
        PreciseFigure::Objectives => None,
    }
}

//! What is asked of the runs: objectives, expectations, prices.

use super::ClassIx;
use crate::units::{Ratio, Span};

#[derive(Clone, Debug)]
pub struct Objective {
    pub name: String,
    /// `None`: all classes together.
    pub class: Option<ClassIx>,
    pub measure: Measure,
    pub scope: Scope,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// The quantile of latency over served requests stays at or below the bound.
    Latency { quantile: f64, at_most: Span },
    /// Mean latency of served requests.
    MeanLatency { at_most: Span },
    /// Served over offered (first attempts).
    Availability { at_least: Ratio },
    /// Whole run only, for each hour of measured time.
    CostPerHour { at_most_usd: f64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Whole,
    /// On the user's clock.
    During(Span, Span),
    /// In each of the consecutive windows.
    Every(Span),
}

/// One line of an `expect:` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// As in the file, for messages.
    pub text: String,
    /// Line in the scenario file.
    pub line: u32,
    pub subject: Subject,
    pub bound: Bound,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A cell of a results table (`summary.csv`, `events.csv`, …): the rows where all `filter` columns equal.
    Table {
        file: String,
        filter: Vec<(String, String)>,
        pick: Pick,
    },
    /// The verdict of an objective by name: `met`, `not met`, `undecided`.
    Objective(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Pick {
    /// The value of the column in the only row that matches.
    Column(String),
    /// How many rows match.
    Count,
    /// Over all rows that match.
    Minimum(String),
    Maximum(String),
    Sum(String),
    First(String),
    Last(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Bound {
    Is(ExpectedValue),
    /// |seen − value| ≤ tolerance (absolute).
    Near {
        value: f64,
        tolerance: f64,
    },
    AtMost(f64),
    AtLeast(f64),
    Between(f64, f64),
    /// The value lies in the figure's own confidence interval at this level, e.g. 0.999.
    Covers {
        value: f64,
        level: f64,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExpectedValue {
    Number(f64),
    Text(String),
}

/// Taken off the published on-demand prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Discounts {
    pub fargate: Ratio,
    pub ec2: Ratio,
    pub alb: Ratio,
}

/// When there are runs enough.
#[derive(Clone, Debug, PartialEq)]
pub struct PrecisionGoal {
    /// Half of the interval, as a share of the figure. Above 0 and below 1.
    pub half_width: Ratio,
    /// At least one.
    pub figures: Vec<PreciseFigure>,
    /// Runs of each variant, at least as many as the first look takes.
    pub runs_most: u32,
}

/// A figure of all requests together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreciseFigure {
    MeanLatency,
    P50Latency,
    P95Latency,
    P99Latency,
    FailedShare,
    CostPerHour,
    /// All are decided.
    Objectives,
}

/// What a search for the cheapest candidate is held to; the candidates are scenarios of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SizeGoal {
    /// Of the whole statement. Above a half and below 1.
    pub confidence: Ratio,
    pub indifference: Indifference,
    /// Runs of each candidate in each situation, at least as many as the first look takes.
    pub runs_most: u32,
}

/// A saving that does not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Indifference {
    /// Of the winner's cost. Below 1.
    Share(Ratio),
    UsdPerHour(f64),
}

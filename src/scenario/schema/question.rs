//! What is asked: objectives, expectations, variants, prices.

use super::{Duration, Form, Level, Money, Named, Share, Sizing, Stress, Sweep};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that is wanted: one of `latency`, `availability` and `cost_per_hour`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    pub name: String,
    /// A kind of request by name; all of them if absent.
    pub requests: Option<String>,
    /// One percentile (`p50` to `p99.9`, or `mean`) and its bound.
    pub latency: Option<Named<Duration>>,
    /// At least this share of requests is served.
    pub availability: Option<Share>,
    /// At most this much.
    pub cost_per_hour: Option<Money>,
    /// Only from the one time to the other.
    pub during: Option<[Duration; 2]>,
    /// In each window of this length.
    pub every: Option<Duration>,
}

/// How often the scenario is run, and in which variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Experiment {
    /// Fewer than 10 give no interval for percentiles.
    #[schemars(range(min = 1, max = 100_000))]
    pub replications: u32,
    /// Runs go on, doubling their number, until figures are known so closely.
    pub precision: Option<Precision>,
    /// What is done about the time that a scenario takes to settle behind its warm-up. Only a steady scenario has such a
    /// time: one whose rates stay as they are, without events, scaling, schedules and objectives `during` some of it,
    /// and which does not start empty. All others are measured whole.
    pub truncation: Truncation,
    /// Path to named values. Each name is a variant; several paths must name the same variants.
    pub compare: Named<Named<Value>>,
    /// Points of a response surface, for `wavetank sweep`.
    pub sweep: Option<Sweep>,
    /// How `wavetank stress` raises the load.
    pub stress: Option<Stress>,
    /// What `wavetank size` chooses from.
    pub size: Option<Sizing>,
    /// Requests whose way is followed step by step.
    pub traces: Traces,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// MSER-5 on the mean latency in each window of the timeline, over the first ten runs, says how much of the front
    /// is left out, in all runs and variants alike, if that part differs from the rest by more than chance and moves the
    /// mean by more than 1 % (or a tenth of the precision asked for). More than a third is never left out: the scenario
    /// is then said to be not stationary.
    #[default]
    Mser5,
    /// Nothing is left out.
    None,
}

/// When there are runs enough: figures are looked at after `replications` runs, then after twice as many, and so on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Precision {
    /// Half of the 95 % interval, as a share of the figure; of variants, of the interval of their paired difference, as
    /// a share of the first one's figure.
    pub half_width: Share,
    /// Which figures, of all requests together.
    #[serde(default = "precise_figures")]
    pub of: Vec<PreciseFigure>,
    /// No more runs than this.
    #[serde(default = "runs_at_most")]
    #[schemars(range(min = 1, max = 100_000))]
    pub at_most: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PreciseFigure {
    MeanMs,
    P50Ms,
    P95Ms,
    P99Ms,
    FailedShare,
    CostUsdPerHour,
    /// Every objective is met or not met, none undecided; `half_width` has no part in it.
    Objectives,
}

fn precise_figures() -> Vec<PreciseFigure> {
    vec![PreciseFigure::MeanMs, PreciseFigure::P99Ms]
}

fn runs_at_most() -> u32 {
    640
}

/// A sample of the clients' requests is followed through every queue, CPU, call and crossing. Who is in it is decided by
/// the request's own luck, so that variants follow the same requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Traces {
    /// So many of each run, at most, for `time.csv`: where the time goes. 0 follows none.
    #[schemars(range(max = 100_000))]
    pub sampled: u32,
    /// So many of these of the first run are written out in full, to `traces.otlp.json` and `traces.perfetto.json`: a
    /// quarter failed ones, a quarter the slowest, the others as they come.
    #[schemars(range(max = 10_000))]
    pub kept: u32,
}

impl Default for Traces {
    fn default() -> Self {
        Traces { sampled: 200, kept: 40 }
    }
}

impl Default for Experiment {
    fn default() -> Self {
        Experiment {
            replications: 10,
            precision: None,
            truncation: Truncation::default(),
            compare: Named::default(),
            sweep: None,
            stress: None,
            size: None,
            traces: Traces::default(),
        }
    }
}

/// A figure that `wavetank test` holds a result against: a cell of a table, or an objective's verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// A file of results, such as `summary.csv`.
    pub table: Option<String>,
    /// Columns and what they must equal in the rows that are meant.
    #[serde(default, rename = "where")]
    pub filter: Named<Cell>,
    /// The value of this column in the only row that is meant.
    pub column: Option<String>,
    /// The smallest value of this column.
    pub minimum: Option<String>,
    /// The largest value of this column.
    pub maximum: Option<String>,
    pub sum: Option<String>,
    pub first: Option<String>,
    pub last: Option<String>,
    /// The verdict of the objective of this name: `met`, `not met` or `undecided`.
    pub objective: Option<String>,
    pub is: Option<Cell>,
    pub near: Option<Near>,
    pub at_most: Option<f64>,
    pub at_least: Option<f64>,
    pub between: Option<[f64; 2]>,
    pub covers: Option<Covers>,
    /// How many rows are meant.
    pub count: Option<Form<f64, Count>>,
}

/// A number or a word in a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Cell {
    Number(f64),
    Text(String),
}

impl TryFrom<Value> for Cell {
    type Error = &'static str;
    fn try_from(value: Value) -> Result<Self, Self::Error> {
        match value {
            Value::Number(number) => number.as_f64().map(Cell::Number).ok_or("a finite number"),
            Value::String(text) => Ok(Cell::Text(text)),
            Value::Bool(yes) => Ok(Cell::Text(yes.to_string())),
            _ => Err("a number or a word"),
        }
    }
}

impl From<Cell> for Value {
    fn from(cell: Cell) -> Value {
        match cell {
            // Whole numbers are printed as such.
            Cell::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => (number as i64).into(),
            Cell::Number(number) => number.into(),
            Cell::Text(text) => text.into(),
        }
    }
}

impl JsonSchema for Cell {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cell".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Near {
    pub value: f64,
    /// Absolute (`5`) or relative (`2%`).
    pub tolerance: Level,
}

/// The figure's own confidence interval covers the value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Covers {
    pub value: f64,
    #[serde(default = "level")]
    pub level: Share,
}

fn level() -> Share {
    Share(Ratio::new(0.999).expect("it is a share"))
}

/// A bound on a number of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    Is(f64),
    AtMost(f64),
    AtLeast(f64),
    Between([f64; 2]),
}

/// Discounts on the published on-demand prices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Prices {
    pub discount: Discount,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Discount {
    pub fargate: Share,
    pub ec2: Share,
    pub alb: Share,
}

impl Default for Discount {
    fn default() -> Self {
        let none = Share(Ratio::ZERO);
        Discount {
            fargate: none,
            ec2: none,
            alb: none,
        }
    }
}

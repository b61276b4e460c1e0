//! Designs of experiments: which points of a response surface are simulated.

use super::Named;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Points of a response surface, for `wavetank sweep`. What is given of `grid`, `list` and `latin_hypercube` is crossed:
/// each combination is a point. All points meet the same luck.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sweep {
    /// Path to the values that it takes; every combination is a point, the last path varying fastest.
    pub grid: Named<Vec<Value>>,
    /// Points one by one, each from path to value; all name the same paths.
    pub list: Option<Vec<Named<Value>>>,
    /// Points spread evenly over ranges.
    pub latin_hypercube: Option<LatinHypercube>,
}

/// Each range is cut into as many equal parts (strata) as there are points; each part holds exactly one point, at a
/// random place in it. Which part belongs to which point, and the place, depend on the scenario's seed, the path and the
/// point alone: another path more changes nothing for the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LatinHypercube {
    /// How many.
    #[schemars(range(min = 1, max = 100_000))]
    pub points: u32,
    /// Path to its range.
    pub over: Named<SweepRange>,
}

/// The ends of a range, both numbers or both quantities of one kind, such as `100ms` and `1s`. Whole numbers at both
/// ends give whole numbers, each as likely as another; other values are rounded to six significant digits (more where
/// parts are narrower) and to what their unit can tell: 1 ns, 1 MiB, 1 CPU unit, 1 byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SweepRange {
    pub from: Value,
    pub to: Value,
    #[serde(default)]
    pub scale: SweepScale,
}

/// In which measure the parts of a range are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepScale {
    /// Equal differences.
    #[default]
    Linear,
    /// Equal ratios: for what spans orders of magnitude.
    Log,
}

//! Main effects: how a response changes along each swept path, over all values of the others.
//!
//! A level of a path is one of its values, or where it has many, a stretch of them that holds an equal number. Points
//! draw the same luck in equal replications, so the mean over a level's points is taken replication by replication, and
//! the interval is over those means: runs of different points are not independent, replications are.

use super::{Layout, Run};
use crate::probe::{Estimate, estimate};
use crate::report::tables::runs::{self, RESPONSES};
use crate::scenario::Dimension;
use std::collections::BTreeMap;

/// So many values of a path are levels of their own.
const VALUES_MAX: usize = 12;
/// Into so many stretches more of them are cut.
const STRETCHES: usize = 8;

/// The main effects of a sweep, as its runs come.
pub struct Effects<'l> {
    layout: &'l Layout,
    /// By path.
    factors: Vec<Factor>,
}

struct Factor {
    levels: Vec<Level>,
    /// By point, the position of its level; `None` where the path has too many words for levels.
    of_point: Vec<Option<usize>>,
}

struct Level {
    name: String,
    /// Where it lies along the path, if its values are numbers.
    at: Option<f64>,
    /// By response, then replication: the sum over the runs that have it, and how many.
    sums: [BTreeMap<u32, (f64, u32)>; RESPONSES.len()],
}

/// The effect of one path on one response.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    pub path: String,
    pub dimension: Option<Dimension>,
    /// In order along the path.
    pub levels: Vec<LevelEffect>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LevelEffect {
    /// The value, or the first and the last of a stretch.
    pub name: String,
    pub at: Option<f64>,
    /// The mean of the response; `None` where no run has it.
    pub mean: Option<Estimate>,
}

impl<'l> Effects<'l> {
    pub(super) fn new(layout: &'l Layout) -> Self {
        let factors = (0..layout.paths.len()).map(|path| factor(layout, path));
        Effects {
            factors: factors.collect(),
            layout,
        }
    }

    pub(super) fn add(&mut self, run: &Run) {
        let responses = RESPONSES.map(|name| runs::response(&run.figures, name));
        for factor in &mut self.factors {
            let Some(level) = factor.of_point[run.point as usize] else {
                continue;
            };
            for (sums, response) in factor.levels[level].sums.iter_mut().zip(responses) {
                if let Some(response) = response {
                    let (sum, count) = sums.entry(run.replication).or_default();
                    *sum += response;
                    *count += 1;
                }
            }
        }
    }

    /// The effects on a response of [`RESPONSES`], path by path; of the paths that have levels.
    pub fn on(&self, response: usize) -> Vec<Effect> {
        let with_levels = self.factors.iter().zip(&self.layout.paths);
        with_levels
            .filter(|(factor, _)| factor.levels.len() > 1)
            .map(|(factor, path)| Effect {
                path: path.path.clone(),
                dimension: path.dimension,
                levels: factor.levels.iter().map(|level| level.effect(response)).collect(),
            })
            .collect()
    }
}

impl Level {
    fn effect(&self, response: usize) -> LevelEffect {
        let means: Vec<f64> = self.sums[response]
            .values()
            .map(|(sum, count)| sum / f64::from(*count))
            .collect();
        LevelEffect {
            name: self.name.clone(),
            at: self.at,
            mean: estimate::mean(&means, 0.95),
        }
    }
}

fn factor(layout: &Layout, path: usize) -> Factor {
    let written = |point: usize| layout.points[point][path].as_str();
    let points = 0..layout.points.len();
    // Words in the order of their first point, numbers in their own.
    let mut values: Vec<(&str, Option<f64>)> = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for point in points.clone() {
        seen.entry(written(point)).or_insert_with(|| {
            values.push((written(point), layout.number(point, path)));
            values.len() - 1
        });
    }
    let numbers = values.iter().all(|(_, number)| number.is_some());
    if numbers {
        values.sort_by(|a, b| a.1.unwrap_or(0.0).total_cmp(&b.1.unwrap_or(0.0)));
    }
    let count = match (values.len(), numbers) {
        (all, _) if all <= VALUES_MAX => all,
        (_, true) => STRETCHES,
        (_, false) => 0,
    };
    let mut levels = Vec::new();
    let mut level_of: BTreeMap<&str, usize> = BTreeMap::new();
    for level in 0..count {
        let stretch = &values[level * values.len() / count..(level + 1) * values.len() / count];
        level_of.extend(stretch.iter().map(|(written, _)| (*written, level)));
        let (first, last) = (stretch[0].0, stretch[stretch.len() - 1].0);
        let sum: Option<f64> = stretch.iter().map(|(_, number)| *number).sum();
        levels.push(Level {
            name: if stretch.len() == 1 {
                first.to_owned()
            } else {
                format!("{first} to {last}")
            },
            at: sum.map(|sum| sum / stretch.len() as f64),
            sums: Default::default(),
        });
    }
    Factor {
        of_point: points.map(|point| level_of.get(written(point)).copied()).collect(),
        levels,
    }
}

//! Charts that a person can read without the manual, as SVG and PNG.
//!
//! [`all`] lists the figures of a run; each is data (a [`figure::Figure`] with panels, or [`rows::Rows`]) that is drawn
//! by one piece of code, so that all look alike. Colours are Okabe and Ito's, which readers with any colour vision can
//! tell apart. The same records give the same bytes.

pub mod axis;
pub mod canvas;
pub mod comparison;
pub mod cost;
pub mod distribution;
pub mod figure;
pub mod fleet;
pub mod over_runs;
pub mod png;
pub mod rows;
pub mod traffic;

use crate::probe::Pool;

/// Deployments that get a chart of their own; the others are in `deployment_steps.csv`.
const DEPLOYMENTS_MAX: usize = 6;

/// A drawn chart, on its way to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The file's name without extension.
    pub name: String,
    pub svg: String,
}

/// All charts of one run, those that answer first first.
pub fn all(pool: &Pool) -> Vec<Chart> {
    if pool.records.is_empty() {
        return Vec::new();
    }
    let mut figures = vec![
        traffic::latency(pool),
        traffic::outcomes(pool),
        fleet::tasks(pool),
        fleet::cpu(pool),
    ];
    figures.extend((0..DEPLOYMENTS_MAX).filter_map(|at| fleet::deployment(pool, at)));
    figures.push(distribution::distribution(pool));
    let mut charts: Vec<Chart> = figures
        .iter()
        .map(|figure| Chart {
            name: figure.name.clone(),
            svg: figure.to_svg(),
        })
        .collect();
    charts.extend(cost::cost(pool).map(|rows| Chart {
        name: rows.name.clone(),
        svg: rows.to_svg(),
    }));
    charts
}

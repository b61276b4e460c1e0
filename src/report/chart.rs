//! Charts that a person can read without the manual, as SVG and PNG.
//!
//! [`all`] lists the figures of a run; each is data (a [`figure::Figure`] with panels, or [`rows::Rows`]) that is drawn
//! by one piece of code, so that all look alike. Colours are Okabe and Ito's, which readers with any colour vision can
//! tell apart. The same records give the same bytes.

pub mod axis;
pub mod canvas;
pub mod comparison;
pub mod cost;
pub mod deployment;
pub mod distribution;
pub mod effects;
pub mod figure;
pub mod fleet;
pub mod frontier;
pub mod labels;
pub mod over_runs;
pub mod png;
pub mod rows;
pub mod stress;
pub mod time;
pub mod trade_off;
pub mod traffic;
pub mod variants;

use crate::experiment::{Comparison, Outcome};
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
    figures.extend((0..DEPLOYMENTS_MAX).filter_map(|at| deployment::deployment(pool, at)));
    figures.push(distribution::distribution(pool));
    let mut charts: Vec<Chart> = figures
        .iter()
        .map(|figure| Chart {
            name: figure.name.clone(),
            svg: figure.to_svg(),
        })
        .collect();
    charts.extend(
        [time::time(pool), cost::cost(pool)]
            .into_iter()
            .flatten()
            .map(|rows| Chart {
                name: rows.name.clone(),
                svg: rows.to_svg(),
            }),
    );
    charts.extend(trade_off::of_deployments(pool));
    charts
}

/// All charts of an experiment that compares variants; those of each variant's runs are [`all`].
pub fn compared(name: &str, outcomes: &[Outcome], comparison: &Comparison) -> Vec<Chart> {
    let charts = [
        comparison::comparison(name, comparison),
        variants::over_time(name, outcomes),
        variants::bars(name, comparison),
        trade_off::of_variants(name, outcomes),
    ];
    charts.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_same_records_give_the_same_charts() {
        let shop = sample::shop();
        let runs = sample::runs(&shop, 2);
        let again = sample::runs(&shop, 2);
        let charts = all(&Pool::new(&shop, &runs));
        assert_eq!(charts, all(&Pool::new(&shop, &again)));
        let names: Vec<&str> = charts.iter().map(|chart| chart.name.as_str()).collect();
        let expected = [
            "latency",
            "requests",
            "tasks",
            "cpu",
            "deployment_checkout_0",
            "distribution",
            "cost",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn every_chart_has_a_picture_whose_size_is_that_of_the_document() {
        let shop = sample::shop();
        let runs = sample::runs(&shop, 1);
        let rasteriser = png::Rasteriser::new();
        let variants = sample::variants(5);
        let compared = compared("online-shop", &variants, &crate::experiment::compare(&variants));
        for chart in all(&Pool::new(&shop, &runs)).into_iter().chain(compared) {
            let picture = rasteriser.png(&chart.svg);
            // A PNG says its width and height at bytes 16 and 20, most significant byte first.
            let size = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().expect("four bytes"));
            let stated = format!("<svg width=\"{}\" height=\"{}\"", size(16), size(20));
            assert!(chart.svg.starts_with(&stated), "{}: {stated}", chart.name);
            if let Some(folder) = std::env::var_os("WAVETANK_SHOW_CHARTS") {
                let path = std::path::Path::new(&folder).join(format!("{}.png", chart.name));
                std::fs::write(path, picture).expect("the folder can be written");
            }
        }
    }
}

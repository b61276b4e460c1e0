//! One deployment step by step: what ran of the old and the new revision, against the bounds.
//!
//! The revisions stand on one another, because the bounds are about their sum.

use super::axis::Axis;
use super::canvas::{BLUE, Colour, FAINT, INK, ORANGE, PURPLE, Paint, SKY, VERMILLION};
use super::figure::{Area, Datum, Figure, Mark, Panel, Series, Shade, Stroke};
use super::over_runs::{highest, shades};
use crate::probe::Pool;
use crate::report::words::strategy;
use crate::sim::observation::{DeploymentRecord, DeploymentStep};
use crate::units::Instant;

/// The deployment at a position in the first run. `None` if that run has none there, or none of its steps was seen.
pub fn deployment(pool: &Pool, at: usize) -> Option<Figure> {
    let record = pool.records.first()?;
    let it = &record.deployments.get(at)?.deployment;
    let steps = record.deployment_steps.iter();
    let steps: Vec<&DeploymentStep> = steps.filter(|step| step.deployment == it.deployment).collect();
    let (first, last) = (steps.first()?, steps.last()?);
    // Seconds since it began: how long each step took is what one wants to read.
    let began = pool.blueprint.clock(it.started);
    let clock = |at| pool.blueprint.clock(at) - began;
    let ended = it.ended.map_or(pool.blueprint.duration.seconds() - began, clock);
    let to = ended.max(clock(last.at));
    let margin = (0.06 * to).max(1.0);
    let plot = Plot {
        pool,
        began,
        steps: &steps,
        until: to + margin,
    };
    let service = &pool.blueprint.services[it.service.at()].name;
    let strategy = strategy(it.strategy);
    let runs = match pool.records.len() {
        1 => "One run.".to_owned(),
        count => format!("The first of {count} runs."),
    };
    Some(Figure {
        name: format!("deployment_{service}_{}", it.deployment),
        title: format!(
            "{service}: {strategy} deployment of revision {} over {}",
            it.to.at() + 1,
            it.from.at() + 1
        ),
        caption: format!(
            "{runs} Running tasks of both revisions, one on the other, at each decision of the service scheduler; \
             dashed: the bounds of minimumHealthyPercent and maximumPercent.{}",
            if it.reason.is_empty() {
                String::new()
            } else {
                format!(" Reason of its end: {}.", it.reason.trim_end_matches('.'))
            }
        ),
        x: Axis::of_time_between(-margin, to + margin, "the deployment began"),
        panels: vec![plot.panel()],
        marks: marks(&clock, it, first),
        shades: shades(pool)
            .into_iter()
            .map(|shade| Shade {
                from: shade.from - began,
                to: shade.to - began,
                ..shade
            })
            .collect(),
    })
}

fn marks(clock: &dyn Fn(Instant) -> f64, it: &DeploymentRecord, first: &DeploymentStep) -> Vec<Mark> {
    let mark = |at, label: String| Mark { x: clock(at), label };
    let mut marks = vec![mark(it.started, format!("begins: {}", first.decision))];
    marks.extend(it.detected.map(|at| mark(at, "failure detected".to_owned())));
    marks.extend(it.ended.map(|at| mark(at, it.outcome.to_lowercase().replace('_', " "))));
    marks
}

struct Plot<'a> {
    pool: &'a Pool<'a>,
    began: f64,
    steps: &'a [&'a DeploymentStep],
    until: f64,
}

impl Plot<'_> {
    fn x(&self, step: &DeploymentStep) -> f64 {
        self.pool.blueprint.clock(step.at) - self.began
    }

    fn panel(&self) -> Panel {
        let lines = vec![
            self.line("stopping", PURPLE, Stroke::Step, |step| step.draining),
            self.line("desired", INK, Stroke::Step, |step| step.desired),
            self.line("fewest allowed", ORANGE, Stroke::GuideStep, |step| step.lower),
            self.line("most allowed", VERMILLION, Stroke::GuideStep, |step| step.upper),
        ];
        let areas = vec![
            self.area(
                "old revision running",
                Paint::faint(FAINT, 0.45),
                |_| 0,
                |step| step.old_running,
            ),
            self.area(
                "new revision healthy",
                Paint::faint(BLUE, 0.75),
                |step| step.old_running,
                healthy,
            ),
            self.area(
                "new revision not healthy yet",
                Paint::faint(SKY, 0.40),
                healthy,
                running,
            ),
        ];
        let top = self.steps.iter().map(|step| f64::from(running(step)));
        let top = top.fold(highest(&lines), f64::max);
        Panel {
            areas,
            ..Panel::of_lines("Tasks", Axis::of_counts("tasks", top * 1.05), lines)
        }
    }

    fn line(&self, name: &str, colour: Colour, stroke: Stroke, of: fn(&DeploymentStep) -> u32) -> Series {
        let datum = |x: f64, step: &DeploymentStep| Datum {
            x,
            y: Some(f64::from(of(step))),
            band: None,
        };
        let steps = self.steps.iter();
        let mut points: Vec<Datum> = steps.map(|step| datum(self.x(step), step)).collect();
        points.extend(self.steps.last().map(|last| datum(self.until, last)));
        Series {
            name: name.to_owned(),
            colour,
            stroke,
            points,
        }
    }

    fn area(&self, name: &str, paint: Paint, from: fn(&DeploymentStep) -> u32, to: fn(&DeploymentStep) -> u32) -> Area {
        let step = |step: &&DeploymentStep| (self.x(step), f64::from(from(step)), f64::from(to(step)));
        Area {
            name: name.to_owned(),
            paint,
            steps: self.steps.iter().map(step).collect(),
        }
    }
}

fn healthy(step: &DeploymentStep) -> u32 {
    step.old_running + step.new_healthy.min(step.new_running)
}

fn running(step: &DeploymentStep) -> u32 {
    step.old_running + step.new_running
}

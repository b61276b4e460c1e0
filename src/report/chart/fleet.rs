//! What the fleet did: tasks and CPU by service over time, and one deployment step by step.

use super::axis::Axis;
use super::canvas::{BLUE, Colour, FAINT, GREEN, INK, ORANGE, PURPLE};
use super::figure::{Corridor, Datum, Figure, Mark, Panel, Series, Stroke};
use super::over_runs::{caption, highest, marks, series, shades, time};
use super::traffic::PANELS_MAX;
use crate::blueprint::{ScalingMetric, ServiceIx};
use crate::probe::timeline::ServiceWindow;
use crate::probe::{DeploymentStory, Pool};
use crate::sim::observation::DeploymentStep;

/// Tasks desired, running and pending, a panel for each service.
pub fn tasks(pool: &Pool) -> Figure {
    by_service(pool, "tasks", "how many tasks each service had", tasks_panel)
}

/// CPU utilisation, a panel for each service.
pub fn cpu(pool: &Pool) -> Figure {
    by_service(pool, "cpu", "how busy each service's CPU was", cpu_panel)
}

fn by_service(pool: &Pool, name: &str, title: &str, panel: impl Fn(&Pool, ServiceIx) -> Panel) -> Figure {
    let services = (0..pool.blueprint.services.len()).map(ServiceIx::from_usize);
    let left_out = pool.blueprint.services.len().saturating_sub(PANELS_MAX);
    let mut words = format!("Means over each window. {}", caption(pool));
    if left_out > 0 {
        words.push_str(&format!(" {left_out} more services are in timeline.csv."));
    }
    Figure {
        name: name.to_owned(),
        title: format!("{}: {title}", pool.blueprint.name),
        caption: words,
        x: time(pool),
        panels: services.take(PANELS_MAX).map(|service| panel(pool, service)).collect(),
        marks: marks(pool),
        shades: shades(pool),
    }
}

fn tasks_panel(pool: &Pool, service: ServiceIx) -> Panel {
    let level = |name: &str, colour: Colour, of: fn(&ServiceWindow) -> u64| {
        series(pool, name, colour, move |record, window| {
            record.timeline.service(service)[window].mean(of)
        })
    };
    // Desired below the rest: where all is well, running covers it.
    let lines = vec![
        level("desired", INK, |window| window.desired),
        level("running", BLUE, |window| window.running),
        level("healthy", GREEN, |window| window.healthy),
        level("pending", ORANGE, |window| window.pending),
        level("stopping", PURPLE, |window| window.stopping),
    ];
    Panel {
        title: pool.blueprint.services[service.at()].name.clone(),
        y: Axis::of_counts("tasks", highest(&lines)),
        series: lines,
        corridor: None,
        alerts: Vec::new(),
        alert_words: "",
    }
}

fn cpu_panel(pool: &Pool, service: ServiceIx) -> Panel {
    let used = series(pool, "used of reserved", BLUE, |record, window| {
        record.timeline.service(service)[window]
            .cpu_utilization()
            .map(|share| 100.0 * share)
    });
    let mut lines = vec![used];
    let settings = &pool.blueprint.services[service.at()];
    let policies = settings.auto_scaling.iter().flat_map(|scaling| &scaling.policies);
    for policy in policies.filter(|policy| policy.metric == ScalingMetric::Cpu) {
        let ends = [0.0, pool.blueprint.duration.seconds()];
        lines.push(guide("scaling target", INK, ends.map(|x| (x, policy.target_value))));
    }
    Panel {
        title: settings.name.clone(),
        y: Axis::from_zero("%", highest(&lines).max(20.0)),
        series: lines,
        corridor: None,
        alerts: Vec::new(),
        alert_words: "",
    }
}

fn guide(name: &str, colour: Colour, points: [(f64, f64); 2]) -> Series {
    let points = points.map(|(x, y)| Datum {
        x,
        y: Some(y),
        band: None,
    });
    Series {
        name: name.to_owned(),
        colour,
        stroke: Stroke::Guide,
        points: points.to_vec(),
    }
}

/// One deployment of one run, step by step.
pub fn deployment(pool: &Pool, at: usize) -> Option<Figure> {
    let record = pool.records.first()?;
    let story: &DeploymentStory = record.deployments.get(at)?;
    let it = &story.deployment;
    let steps: Vec<&DeploymentStep> = record
        .deployment_steps
        .iter()
        .filter(|step| step.deployment == it.deployment)
        .collect();
    let (first, last) = (steps.first()?, steps.last()?);
    let clock = |at| pool.blueprint.clock(at);
    let began = clock(it.started);
    let ended = it
        .ended
        .map_or(pool.blueprint.duration.seconds(), clock)
        .max(clock(last.at));
    let margin = (0.06 * (ended - began)).max(1.0);
    let until = ended + margin;
    let line = |name: &str, colour: Colour, of: fn(&DeploymentStep) -> u32| {
        let mut points: Vec<Datum> = steps.iter().map(|step| datum(clock(step.at), of(step))).collect();
        points.push(datum(until, of(last)));
        Series {
            name: name.to_owned(),
            colour,
            stroke: Stroke::Step,
            points,
        }
    };
    let lines = vec![
        line("old revision running", FAINT, |step| step.old_running),
        line("new revision running", BLUE, |step| step.new_running),
        line("new revision healthy", GREEN, |step| step.new_healthy),
        line("stopping", PURPLE, |step| step.draining),
        line("desired", INK, |step| step.desired),
    ];
    let bounds = steps
        .iter()
        .map(|step| (clock(step.at), f64::from(step.lower), f64::from(step.upper)));
    let top = steps
        .iter()
        .map(|step| f64::from(step.upper))
        .fold(highest(&lines), f64::max);
    let service = &pool.blueprint.services[it.service.at()].name;
    let (old, new) = (it.from.at() + 1, it.to.at() + 1);
    let mut marks = vec![Mark {
        x: began,
        label: format!("begins: {}", first.decision),
    }];
    marks.extend(it.detected.map(|at| Mark {
        x: clock(at),
        label: "failure detected".to_owned(),
    }));
    marks.extend(it.ended.map(|at| Mark {
        x: clock(at),
        label: it.outcome.to_lowercase().replace('_', " "),
    }));
    Some(Figure {
        name: format!("deployment_{service}_{}", it.deployment),
        title: format!(
            "{service}: {} deployment of revision {new} over {old}",
            it.strategy.to_lowercase().replace('_', "/")
        ),
        caption: format!(
            "{} Tasks at each decision of the service scheduler; the grey corridor is what minimumHealthyPercent and \
             maximumPercent allow. {}",
            if pool.records.len() > 1 {
                format!("Run {} of {}.", record.replication, pool.records.len())
            } else {
                "One run.".to_owned()
            },
            it.reason,
        ),
        x: Axis::of_time_between(began - margin, until),
        panels: vec![Panel {
            title: "Tasks".to_owned(),
            y: Axis::of_counts("tasks", top),
            series: lines,
            corridor: Some(Corridor {
                name: "allowed".to_owned(),
                steps: bounds.collect(),
            }),
            alerts: Vec::new(),
            alert_words: "",
        }],
        marks,
        shades: shades(pool),
    })
}

fn datum(x: f64, tasks: u32) -> Datum {
    Datum {
        x,
        y: Some(f64::from(tasks)),
        band: None,
    }
}

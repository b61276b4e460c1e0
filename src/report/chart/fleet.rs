//! What the fleet did: tasks and CPU by service over time.

use super::axis::Axis;
use super::canvas::{BLUE, Colour, GREEN, INK, ORANGE, PALE, PURPLE};
use super::figure::{Datum, Direction, Figure, Panel, Pin, Series, Stroke};
use super::over_runs::{caption, highest, marks, series, shades, time};
use super::traffic::PANELS_MAX;
use crate::blueprint::{ScalingMetric, ServiceIx};
use crate::probe::Pool;
use crate::probe::timeline::ServiceWindow;
use crate::sim::observation::ScalingRecord;

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
    if pool.records.len() > 1 && pool.records.iter().any(|record| !record.scaling.is_empty()) {
        words.push_str(" Triangles: scaling actions of the first run.");
    }
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
    // Desired broad below the rest and healthy dashed above it, so that all are seen where all is well.
    let lines = vec![
        level("desired", PALE, |window| window.desired).drawn(Stroke::Broad),
        level("pending", ORANGE, |window| window.pending),
        level("stopping", PURPLE, |window| window.stopping),
        level("running", BLUE, |window| window.running),
        level("healthy", GREEN, |window| window.healthy).drawn(Stroke::Guide),
    ];
    let title = &pool.blueprint.services[service.at()].name;
    let y = Axis::of_counts("tasks", 1.04 * highest(&lines));
    Panel {
        pins: pins(pool, service),
        ..Panel::of_lines(title, y, lines)
    }
}

fn cpu_panel(pool: &Pool, service: ServiceIx) -> Panel {
    let used = series(pool, "used of reserved", BLUE, |record, window| {
        let share = record.timeline.service(service)[window].cpu_utilization();
        share.map(|share| 100.0 * share)
    });
    let mut lines = vec![used];
    let settings = &pool.blueprint.services[service.at()];
    let policies = settings.auto_scaling.iter().flat_map(|scaling| &scaling.policies);
    for policy in policies.filter(|policy| policy.metric == ScalingMetric::Cpu) {
        let ends = [0.0, pool.blueprint.duration.seconds()];
        lines.push(guide("scaling target", INK, ends.map(|x| (x, policy.target_value))));
    }
    let y = Axis::from_zero("%", highest(&lines).max(20.0));
    Panel {
        pins: pins(pool, service),
        ..Panel::of_lines(&settings.name, y, lines)
    }
}

/// Scaling actions of the first run; with several runs each has its own.
fn pins(pool: &Pool, service: ServiceIx) -> Vec<Pin> {
    let Some(record) = pool.records.first() else {
        return Vec::new();
    };
    let actions = record.scaling.iter();
    let actions = actions.filter(|action| action.service == service && action.from != action.to);
    let pin = |action: &ScalingRecord| Pin {
        x: pool.blueprint.clock(action.at),
        direction: if action.to > action.from {
            Direction::Up
        } else {
            Direction::Down
        },
    };
    actions.map(pin).collect()
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

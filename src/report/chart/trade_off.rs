//! What each way of deploying trades for what: how long it takes against whom it hurts and what it costs.
//!
//! A point is a variant (or a deployment, where one run has several), a cross its intervals both ways. The lower left
//! corner is where everybody would like to be. Where the new version is no worse than the old one the upper panel lies
//! on zero, and the choice is between time and money.

use super::Chart;
use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Colour, FAINT, Font, GRID, PALE, PALETTE, Paint};
use super::labels::{self, Label};
use crate::experiment::Outcome;
use crate::probe::{DeploymentStory, Estimate, Pool, Toll, estimate};
use crate::report::words::{counted, duration, short, strategy};

/// Points that fit beside each other with their names.
const POINTS_MAX: usize = PALETTE.len();

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 28.0;
const PANEL: f64 = 230.0;
const PANEL_HEAD: f64 = 40.0;
const FOOT: f64 = 52.0;

const TITLE: Font = Font::new(22.0).bold();
const CAPTION: Font = Font::new(13.0).faint();
const HEAD: Font = Font::new(14.0).bold();
const NAME: Font = Font::new(13.0).bold();
const SMALL: Font = Font::new(12.0);
const TICK: Font = Font::new(12.0).faint();

/// A way of deploying.
struct Point {
    name: String,
    /// Seconds.
    duration: Estimate,
    /// Errors above the old revision's.
    exposure: Option<Estimate>,
    /// USD for tasks above the desired count.
    cost: Option<Estimate>,
    /// Task-seconds below the desired count.
    missing: Option<Estimate>,
}

/// One of the panels, which share the axis of time.
struct Panel {
    title: &'static str,
    unit: &'static str,
    of: fn(&Point) -> Option<Estimate>,
}

const PANELS: [Panel; 2] = [
    Panel {
        title: "Exposure: errors above those that the old version would have made",
        unit: "requests",
        of: |point| point.exposure,
    },
    Panel {
        title: "Cost of the tasks above the desired count",
        unit: "USD",
        of: |point| point.cost,
    },
];

/// Variants against each other: the means over runs of all their deployments. `None` unless two have deployed.
pub fn of_variants(name: &str, outcomes: &[Outcome]) -> Option<Chart> {
    let points = outcomes.iter().filter_map(|outcome| {
        let pool = Pool::new(&outcome.blueprint, &outcome.records);
        let runs = outcome.records.iter().map(|record| record.deployments.iter().collect());
        point(&pool, &outcome.name, runs.collect())
    });
    let runs = outcomes.iter().map(|outcome| outcome.records.len()).min().unwrap_or(0);
    draw(("variants_deployments", name), points.collect(), runs)
}

/// The deployments of one scenario against each other. `None` unless there are two that ended.
pub fn of_deployments(pool: &Pool) -> Option<Chart> {
    let all = pool.deployments();
    let points = all.iter().filter_map(|same| {
        let it = &same.stories[0].deployment;
        let service = &pool.blueprint.services[same.service.at()].name;
        let strategy = strategy(it.strategy);
        let name = format!("{service} {} → {} ({strategy})", it.from.at() + 1, it.to.at() + 1);
        point(pool, &name, same.stories.iter().map(|story| vec![*story]).collect())
    });
    draw(
        ("deployments", &pool.blueprint.name),
        points.collect(),
        pool.records.len(),
    )
}

/// From the deployments of each run: how long they took on average, what they did and cost together.
fn point(pool: &Pool, name: &str, runs: Vec<Vec<&DeploymentStory>>) -> Option<Point> {
    let values = |toll: Toll, divide: fn(f64, f64) -> f64| {
        let of_run = |stories: &Vec<&DeploymentStory>| {
            let all = stories.iter().filter_map(|story| toll.of(pool.blueprint, story));
            let all: Vec<f64> = all.collect();
            (!all.is_empty()).then(|| divide(all.iter().sum(), all.len() as f64))
        };
        let values: Vec<f64> = runs.iter().filter_map(of_run).collect();
        estimate::mean(&values, pool.level)
    };
    let sum = |toll: Toll| values(toll, |sum, _| sum);
    Some(Point {
        name: name.to_owned(),
        duration: values(Toll::Duration, |sum, count| sum / count)?,
        exposure: sum(Toll::ErrorsAboveOld),
        cost: sum(Toll::ExtraCost),
        missing: sum(Toll::BelowDesired),
    })
}

/// `file` and name of the scenario.
fn draw((file, name): (&str, &str), mut points: Vec<Point>, runs: usize) -> Option<Chart> {
    points.truncate(POINTS_MAX);
    if points.len() < 2 {
        return None;
    }
    // On instances extra tasks cost nothing of their own.
    let panels: Vec<&Panel> = PANELS
        .iter()
        .filter(|panel| points.iter().any(|point| (panel.of)(point).is_some()))
        .collect();
    let title = format!("{name}: what a deployment costs whom");
    let caption = format!(
        "Means over {}; crosses are 95 % intervals both ways. How long deployments take, a rollback included, against the \
         customers they hurt and the tasks they need. Lower and further left is better.",
        counted(runs, "run")
    );
    let lines = CAPTION.wrap(&caption, WIDTH - LEFT - RIGHT);
    let top = 54.0 + 18.0 * lines.len() as f64;
    let legend = top + 10.0;
    let first = legend + 22.0 * points.len() as f64;
    let height = first + panels.len() as f64 * (PANEL_HEAD + PANEL) + FOOT;
    let x = Axis::from_zero("", highest(points.iter().map(|point| point.duration)));
    let x = in_minutes(x);
    let svg = Canvas::svg(WIDTH, height.ceil(), &title, &caption, |canvas| {
        canvas.text(&TITLE.clip(&title, WIDTH - LEFT - RIGHT), (LEFT, 28.0), TITLE);
        for (line, text) in lines.iter().enumerate() {
            canvas.text(text, (LEFT, 54.0 + 18.0 * line as f64), CAPTION);
        }
        for (at, point) in points.iter().enumerate() {
            draw_words(canvas, point, PALETTE[at], legend + 22.0 * at as f64);
        }
        let mut bottom = first;
        for panel in &panels {
            bottom += PANEL_HEAD + PANEL;
            draw_panel(canvas, panel, &points, &x, bottom);
        }
        for (at, text) in &x.ticks {
            canvas.text(text, (place_x(&x, *at), bottom + 14.0), TICK.anchored(Anchor::Middle));
        }
        let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
        canvas.text(&x.label, (middle, bottom + 34.0), SMALL.anchored(Anchor::Middle));
    });
    Some(Chart {
        name: file.to_owned(),
        svg,
    })
}

/// The highest end of some estimates.
fn highest(estimates: impl Iterator<Item = Estimate>) -> f64 {
    estimates.map(|it| ends(it).1).fold(0.0, f64::max)
}

fn lowest(estimates: impl Iterator<Item = Estimate>) -> f64 {
    estimates.map(|it| ends(it).0).fold(0.0, f64::min)
}

/// Of the interval; of the value alone where there is none.
fn ends(it: Estimate) -> (f64, f64) {
    it.interval().unwrap_or((it.value, it.value))
}

/// An axis of seconds from zero, in minutes where these are many.
fn in_minutes(seconds: Axis) -> Axis {
    let high = seconds.high;
    let axis = Axis::of_time_between(0.0, high, "the deployment began");
    Axis {
        label: axis
            .label
            .replace("time since the deployment began", "a deployment takes"),
        ..axis
    }
}

fn place_x(x: &Axis, value: f64) -> f64 {
    LEFT + x.place(value).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

/// The point in words: what colour it has, and its figures.
fn draw_words(canvas: &Canvas, point: &Point, colour: Colour, y: f64) {
    canvas.dot((LEFT + 6.0, y), 6.0, Paint::solid(colour));
    let name = NAME.clip(&point.name, 300.0);
    canvas.text(&name, (LEFT + 20.0, y), NAME);
    let mut words = vec![format!("takes {}", duration(point.duration.value))];
    words.extend(
        point
            .exposure
            .map(|it| format!("{} errors above the old version's", short(it.value, 3))),
    );
    words.extend(
        point
            .missing
            .map(|it| format!("{} task-s below desired", short(it.value, 3))),
    );
    words.extend(
        point
            .cost
            .map(|it| format!("extra tasks for {} USD", short(it.value, 2))),
    );
    canvas.text(&words.join(", "), (LEFT + 32.0 + NAME.width(&name), y), SMALL);
}

fn draw_panel(canvas: &Canvas, panel: &Panel, points: &[Point], x: &Axis, bottom: f64) {
    let top = bottom - PANEL;
    let values = || points.iter().filter_map(panel.of);
    let y = if lowest(values()) < 0.0 {
        Axis::around_zero(panel.unit, lowest(values()), highest(values()))
    } else {
        let least = values().map(|it| it.value).fold(f64::INFINITY, f64::min);
        Axis::of_magnitudes(panel.unit, least, highest(values()))
    };
    // An interval may reach below what a logarithmic axis shows.
    let place_y = |value: f64| bottom - y.place(value.max(y.low)).clamp(0.0, 1.0) * PANEL;
    canvas.text(panel.title, (LEFT, top - 16.0), HEAD);
    canvas.text(&y.label, (WIDTH - RIGHT, top - 16.0), TICK.anchored(Anchor::End));
    for (at, text) in &y.ticks {
        canvas.line(
            (LEFT, place_y(*at)),
            (WIDTH - RIGHT, place_y(*at)),
            1.0,
            Paint::solid(GRID),
        );
        canvas.text(text, (LEFT - 8.0, place_y(*at)), TICK.anchored(Anchor::End));
    }
    for (at, _) in &x.ticks {
        let at = place_x(x, *at);
        canvas.line((at, top), (at, bottom), 1.0, Paint::faint(GRID, 0.6));
    }
    canvas.line((LEFT, bottom), (WIDTH - RIGHT, bottom), 1.0, Paint::solid(FAINT));
    if y.low < 0.0 {
        canvas.line(
            (LEFT, place_y(0.0)),
            (WIDTH - RIGHT, place_y(0.0)),
            1.0,
            Paint::solid(PALE),
        );
    }
    let mut labels: Vec<Label> = Vec::new();
    for (point, colour) in points.iter().zip(PALETTE) {
        let Some(value) = (panel.of)(point) else { continue };
        let centre = (place_x(x, point.duration.value), place_y(value.value));
        let (left, right) = ends(point.duration);
        let (low, high) = ends(value);
        let paint = Paint::solid(colour);
        canvas.line((place_x(x, left), centre.1), (place_x(x, right), centre.1), 2.0, paint);
        canvas.line((centre.0, place_y(low)), (centre.0, place_y(high)), 2.0, paint);
        canvas.dot(centre, 6.0, paint);
        match labels.iter_mut().find(|label| label.is_at(centre)) {
            Some(label) => label.text = format!("{}, {}", label.text, point.name),
            None => labels.push(Label {
                text: point.name.clone(),
                centre,
            }),
        }
    }
    labels::draw(canvas, &labels, (LEFT, WIDTH - RIGHT), top);
}

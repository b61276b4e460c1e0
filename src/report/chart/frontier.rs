//! What candidates cost against how near they come to missing an objective.
//!
//! One scale for all objectives, the strain: the share that is used of what is allowed, in the worst situation. Below the
//! line at 1 everything is met. Verdicts are told apart by shape as well as by colour.

use super::Chart;
use super::axis::Axis;
use super::canvas::{
    Anchor, BLUE, Canvas, FAINT, Font, GREEN, GRID, INK, ORANGE, PALE, Paint, Point, VERMILLION, WHITE,
};
use super::labels::{self, Label};
use crate::experiment::size::procedure::{Standing, Status};
use crate::experiment::size::{Found, Sizing};
use crate::report::words::{counted, short};

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 28.0;
const PANEL: f64 = 420.0;
const FOOT: f64 = 52.0;

const TITLE: Font = Font::new(22.0).bold();
const CAPTION: Font = Font::new(13.0).faint();
const SMALL: Font = Font::new(12.0);
const TICK: Font = Font::new(12.0).faint();

/// Strains outside of this are drawn at its ends.
const STRAINS: (f64, f64) = (0.01, 100.0);
/// More names than this hide the points.
const NAMES_MAX: usize = 12;

/// What a candidate is drawn as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Winner,
    Meets,
    Misses,
    Undecided,
    /// Run as written only, because it is dearer: its strain in trouble is not known.
    Unseen,
}

const MARKS: [(Mark, &str); 5] = [
    (Mark::Winner, "the winner"),
    (Mark::Meets, "meets everything"),
    (Mark::Misses, "misses an objective"),
    (Mark::Undecided, "undecided"),
    (Mark::Unseen, "dearer, only run as written"),
];

fn mark(found: &Found) -> Mark {
    match (found.status, found.standing) {
        (Status::Winner, _) => Mark::Winner,
        (Status::Infeasible, _) | (_, Standing::Infeasible) => Mark::Misses,
        (_, Standing::Feasible) => Mark::Meets,
        (Status::Dearer, Standing::Undecided) if found.runs_of_what_ifs == 0 => Mark::Unseen,
        _ => Mark::Undecided,
    }
}

/// `None` unless a candidate was run.
pub fn frontier(name: &str, sizing: &Sizing) -> Option<Chart> {
    let points: Vec<(f64, f64, &Found)> = sizing
        .found
        .iter()
        .filter_map(|found| {
            let strain = found.worst()?.strain.clamp(STRAINS.0, STRAINS.1);
            Some((found.cost?.value, strain, found))
        })
        .collect();
    let highest = |of: fn(&(f64, f64, &Found)) -> f64| points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    if points.is_empty() {
        return None;
    }
    let lowest_strain = points.iter().map(|point| point.1).fold(1.0, f64::min);
    let x = Axis::from_zero("USD an hour", highest(|point| point.0));
    let y = Axis::of_magnitudes("of what is allowed", lowest_strain, highest(|point| point.1).max(1.2));
    let title = format!("{name}: what candidates cost, and how near they come to a miss");
    let caption = format!(
        "Each point is a candidate. Upwards: of what the objectives allow (slow or failed requests, latency, money) the \
         share that is used, of the worst objective in the worst of {}; above 1 it is missed. To the right: what an hour \
         costs as written. The stairs join those that nothing both cheaper and safer was found for.",
        counted(sizing.situations.len(), "situation")
    );
    let lines = CAPTION.wrap(&caption, WIDTH - LEFT - RIGHT);
    let legend = 64.0 + 18.0 * lines.len() as f64;
    let top = legend + 34.0;
    let bottom = top + PANEL;
    let place = |cost: f64, strain: f64| -> Point {
        let across = x.place(cost).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT);
        (
            LEFT + across,
            bottom - y.place(strain.max(y.low)).clamp(0.0, 1.0) * PANEL,
        )
    };
    let svg = Canvas::svg(WIDTH, (bottom + FOOT).ceil(), &title, &caption, |canvas| {
        canvas.text(&TITLE.clip(&title, WIDTH - LEFT - RIGHT), (LEFT, 28.0), TITLE);
        for (line, text) in lines.iter().enumerate() {
            canvas.text(text, (LEFT, 54.0 + 18.0 * line as f64), CAPTION);
        }
        draw_legend(canvas, &points, legend);
        draw_axes(canvas, (&x, &y), (top, bottom), &place);
        let stairs = stairs(&points);
        for pair in stairs.windows(2) {
            let (from, to) = (place(pair[0].0, pair[0].1), place(pair[1].0, pair[1].1));
            canvas.polyline(&[from, (to.0, from.1), to], 1.5, Paint::faint(BLUE, 0.6));
        }
        // The winner last, over whatever lies beneath it.
        let (winner, others): (Vec<_>, Vec<_>) = points
            .iter()
            .copied()
            .partition(|point| point.2.status == Status::Winner);
        for (cost, strain, found) in others.into_iter().chain(winner) {
            draw_mark(canvas, mark(found), place(cost, strain));
        }
        labels::draw(canvas, &names(&points, &stairs, &place), (LEFT, WIDTH - RIGHT), top);
    });
    Some(Chart {
        name: "frontier".to_owned(),
        svg,
    })
}

/// Those that no other is both cheaper and safer than, from the cheapest on; not those seen in part.
fn stairs<'f>(points: &[(f64, f64, &'f Found)]) -> Vec<(f64, f64, &'f Found)> {
    let mut whole: Vec<_> = points
        .iter()
        .filter(|point| mark(point.2) != Mark::Unseen)
        .copied()
        .collect();
    whole.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut stairs: Vec<(f64, f64, &Found)> = Vec::new();
    for point in whole {
        if stairs.last().is_none_or(|last| point.1 < last.1) {
            stairs.push(point);
        }
    }
    stairs
}

/// The winner's name, then those on the stairs as far as there is room for names.
fn names(
    points: &[(f64, f64, &Found)],
    stairs: &[(f64, f64, &Found)],
    place: &impl Fn(f64, f64) -> Point,
) -> Vec<Label> {
    let winner = points.iter().filter(|point| point.2.status == Status::Winner);
    let others = stairs.iter().filter(|point| point.2.status != Status::Winner);
    let mut labels: Vec<Label> = Vec::new();
    for (at, (cost, strain, found)) in winner.chain(others).take(NAMES_MAX).enumerate() {
        let centre = place(*cost, *strain);
        let text = match (at, found.status) {
            (0, Status::Winner) => format!("{}, {} USD/h", found.name, short(*cost, 4)),
            _ => found.name.clone(),
        };
        if !labels.iter().any(|label| label.is_at(centre)) {
            labels.push(Label { text, centre });
        }
    }
    labels
}

fn draw_legend(canvas: &Canvas, points: &[(f64, f64, &Found)], y: f64) {
    let mut x = LEFT + 8.0;
    for (kind, words) in MARKS {
        let count = points.iter().filter(|point| mark(point.2) == kind).count();
        if count == 0 {
            continue;
        }
        let words = if kind == Mark::Winner {
            words.to_owned()
        } else {
            format!("{words} ({count})")
        };
        draw_mark(canvas, kind, (x, y));
        canvas.text(&words, (x + 14.0, y), SMALL);
        x += 42.0 + SMALL.width(&words);
    }
}

fn draw_axes(canvas: &Canvas, (x, y): (&Axis, &Axis), (top, bottom): (f64, f64), place: &impl Fn(f64, f64) -> Point) {
    for (at, text) in &y.ticks {
        let height = place(0.0, *at).1;
        canvas.line((LEFT, height), (WIDTH - RIGHT, height), 1.0, Paint::solid(GRID));
        canvas.text(text, (LEFT - 8.0, height), TICK.anchored(Anchor::End));
    }
    for (at, text) in &x.ticks {
        let across = place(*at, y.low).0;
        canvas.line((across, top), (across, bottom), 1.0, Paint::faint(GRID, 0.6));
        canvas.text(text, (across, bottom + 14.0), TICK.anchored(Anchor::Middle));
    }
    canvas.line((LEFT, bottom), (WIDTH - RIGHT, bottom), 1.0, Paint::solid(FAINT));
    let bound = place(0.0, 1.0).1;
    canvas.dashed(&[(LEFT, bound), (WIDTH - RIGHT, bound)], 2.0, INK);
    canvas.text("missed above this line", (LEFT + 8.0, bound - 10.0), SMALL);
    canvas.text(&y.label, (LEFT, top - 12.0), TICK);
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    canvas.text(&x.label, (middle, bottom + 34.0), SMALL.anchored(Anchor::Middle));
}

fn draw_mark(canvas: &Canvas, mark: Mark, (x, y): Point) {
    match mark {
        Mark::Winner => {
            canvas.dot((x, y), 11.0, Paint::solid(GREEN));
            canvas.dot((x, y), 8.0, Paint::solid(WHITE));
            canvas.dot((x, y), 6.0, Paint::solid(GREEN));
        }
        Mark::Meets => canvas.dot((x, y), 6.0, Paint::solid(GREEN)),
        Mark::Misses => {
            let arm = 5.0;
            let paint = Paint::solid(VERMILLION);
            canvas.line((x - arm, y - arm), (x + arm, y + arm), 2.5, paint);
            canvas.line((x - arm, y + arm), (x + arm, y - arm), 2.5, paint);
        }
        Mark::Undecided => {
            canvas.dot((x, y), 6.0, Paint::solid(ORANGE));
            canvas.dot((x, y), 3.5, Paint::solid(WHITE));
        }
        Mark::Unseen => canvas.dot((x, y), 4.0, Paint::solid(PALE)),
    }
}

//! The head of a panel: its title, its unit, and what each line, area and mark means.

use super::{BROAD, Direction, Frame, HEAD, LEFT, LEGEND_ROW, Panel, RIGHT, SMALL, Stroke, TICK, WIDTH};
use crate::report::chart::canvas::{Anchor, Canvas, Colour, INK, Paint, Point, VERMILLION};

/// Swatch, its name, and where it ends, from left to right in rows.
struct Entry<'a> {
    name: &'a str,
    colour: Colour,
    kind: EntryKind,
    x: f64,
    row: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum EntryKind {
    Line(f64),
    Guide,
    Area(Paint),
    Alert,
    Pin(Direction),
}

fn legend(panel: &Panel) -> Vec<Entry<'_>> {
    let kind = |stroke: Stroke| match stroke {
        Stroke::Guide | Stroke::GuideStep => EntryKind::Guide,
        Stroke::Broad => EntryKind::Line(BROAD),
        Stroke::Line | Stroke::Step => EntryKind::Line(3.0),
    };
    let areas = panel
        .areas
        .iter()
        .map(|area| (area.name.as_str(), area.paint.colour, EntryKind::Area(area.paint)));
    let lines = panel
        .series
        .iter()
        .map(|series| (series.name.as_str(), series.colour, kind(series.stroke)));
    let alert = (!panel.alerts.is_empty()).then_some((panel.alert_words, VERMILLION, EntryKind::Alert));
    let pinned = |direction| panel.pins.iter().any(|pin| pin.direction == direction);
    let up = pinned(Direction::Up).then_some(("scale out", INK, EntryKind::Pin(Direction::Up)));
    let down = pinned(Direction::Down).then_some(("scale in", INK, EntryKind::Pin(Direction::Down)));
    let start = LEFT + HEAD.width(&panel.title) + 24.0;
    let (mut x, mut row) = (start, 0);
    let mut entries = Vec::new();
    for (name, colour, kind) in areas.chain(lines).chain(alert).chain(up).chain(down) {
        let width = 26.0 + SMALL.width(name) + 16.0;
        if x + width > WIDTH - RIGHT && x > LEFT {
            (x, row) = (LEFT, row + 1);
        }
        entries.push(Entry {
            name,
            colour,
            kind,
            x,
            row,
        });
        x += width;
    }
    entries
}

pub(super) fn legend_rows(panel: &Panel) -> f64 {
    legend(panel).iter().map(|entry| entry.row + 1).max().unwrap_or(1) as f64
}

pub(super) fn draw_panel_head(canvas: &Canvas, panel: &Panel, frame: Frame) {
    let first = frame.top - 17.0 - LEGEND_ROW * (legend_rows(panel) - 1.0).max(0.0);
    canvas.text(&panel.title, (LEFT, first), HEAD);
    // The unit stands above its numbers, upright: a turned label is slower to read.
    canvas.text(
        &panel.y.label,
        (LEFT - 8.0, frame.top - 17.0),
        TICK.anchored(Anchor::End),
    );
    for entry in legend(panel) {
        let y = first + LEGEND_ROW * entry.row as f64;
        let paint = Paint::solid(entry.colour);
        match entry.kind {
            EntryKind::Line(width) => canvas.line((entry.x, y), (entry.x + 20.0, y), width, paint),
            EntryKind::Guide => canvas.dashed(&[(entry.x, y), (entry.x + 20.0, y)], 1.5, entry.colour),
            EntryKind::Area(paint) => canvas.rectangle((entry.x, y - 5.0), (entry.x + 20.0, y + 5.0), paint),
            EntryKind::Alert => canvas.rectangle((entry.x, y - 2.5), (entry.x + 20.0, y + 2.5), paint),
            EntryKind::Pin(direction) => draw_pin(canvas, (entry.x + 14.0, y), direction),
        }
        canvas.text(entry.name, (entry.x + 26.0, y), SMALL);
    }
}

pub(super) fn draw_pin(canvas: &Canvas, (x, y): Point, direction: Direction) {
    let tip = match direction {
        Direction::Up => -4.5,
        Direction::Down => 4.5,
    };
    canvas.polygon(
        &[(x, y + tip), (x - 4.5, y - tip), (x + 4.5, y - tip)],
        Paint::solid(INK),
    );
}

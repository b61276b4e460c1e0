//! Figures of rows: a name, a bar or an interval, and its value in words.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Colour, FAINT, Font, GRID, INK, Paint};

/// A chart of rows under headings.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The file's name without extension.
    pub name: String,
    pub title: String,
    pub caption: String,
    pub groups: Vec<Group>,
}

/// Rows that share an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub title: String,
    pub axis: Axis,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub name: String,
    pub value: f64,
    pub interval: Option<(f64, f64)>,
    pub shape: Shape,
    pub colour: Colour,
    /// To the right: the value in words.
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// From zero to the value, with its interval as a whisker.
    Bar,
    /// The value as a dot on its interval.
    Dot,
}

const WIDTH: f64 = 1200.0;
const NAMES: f64 = 300.0;
const PLOT_RIGHT: f64 = 790.0;
const MARGIN: f64 = 28.0;
const ROW: f64 = 26.0;
const GROUP_HEAD: f64 = 34.0;
const GROUP_FOOT: f64 = 34.0;

const TITLE: Font = Font::new(22.0).bold();
const CAPTION: Font = Font::new(13.0).faint();
const HEAD: Font = Font::new(14.0).bold();
const SMALL: Font = Font::new(12.0);
const TICK: Font = Font::new(12.0).faint();

impl Rows {
    /// The figure as an SVG document.
    pub fn to_svg(&self) -> String {
        let caption = CAPTION.wrap(&self.caption, WIDTH - 2.0 * MARGIN);
        let top = 54.0 + 18.0 * caption.len() as f64;
        let height = self
            .groups
            .iter()
            .map(|group| GROUP_HEAD + ROW * group.rows.len() as f64 + GROUP_FOOT)
            .sum::<f64>();
        Canvas::svg(
            WIDTH,
            (top + height + 10.0).ceil(),
            &self.title,
            &self.caption,
            |canvas| {
                canvas.text(&TITLE.clip(&self.title, WIDTH - 2.0 * MARGIN), (MARGIN, 28.0), TITLE);
                for (line, text) in caption.iter().enumerate() {
                    canvas.text(text, (MARGIN, 54.0 + 18.0 * line as f64), CAPTION);
                }
                let mut y = top;
                for group in &self.groups {
                    draw_group(canvas, group, y);
                    y += GROUP_HEAD + ROW * group.rows.len() as f64 + GROUP_FOOT;
                }
            },
        )
    }
}

fn draw_group(canvas: &Canvas, group: &Group, top: f64) {
    let x = |value: f64| NAMES + group.axis.place(value).clamp(0.0, 1.0) * (PLOT_RIGHT - NAMES);
    let (first, last) = (top + GROUP_HEAD, top + GROUP_HEAD + ROW * group.rows.len() as f64);
    canvas.text(&group.title, (MARGIN, top + GROUP_HEAD / 2.0), HEAD);
    for (at, text) in &group.axis.ticks {
        canvas.line((x(*at), first), (x(*at), last), 1.0, Paint::solid(GRID));
        canvas.text(text, (x(*at), last + 12.0), TICK.anchored(Anchor::Middle));
    }
    // To the left, where no tick can be wide enough to reach it.
    canvas.text(
        &group.axis.label,
        (NAMES - 44.0, last + 12.0),
        TICK.anchored(Anchor::End),
    );
    let zero = x(0.0_f64.clamp(group.axis.low, group.axis.high));
    for (at, row) in group.rows.iter().enumerate() {
        let y = first + ROW * (at as f64 + 0.5);
        canvas.text(
            &SMALL.clip(&row.name, NAMES - MARGIN - 12.0),
            (NAMES - 12.0, y),
            SMALL.anchored(Anchor::End),
        );
        if row.shape == Shape::Bar {
            let (from, to) = (zero.min(x(row.value)), zero.max(x(row.value)));
            canvas.rectangle(
                (from, y - 8.0),
                (to.max(from + 1.0), y + 8.0),
                Paint::faint(row.colour, 0.85),
            );
        }
        if let Some((low, high)) = row.interval {
            let paint = Paint::solid(if row.shape == Shape::Bar { INK } else { row.colour });
            canvas.line((x(low), y), (x(high), y), 2.0, paint);
            for end in [low, high] {
                canvas.line((x(end), y - 5.0), (x(end), y + 5.0), 2.0, paint);
            }
        }
        if row.shape == Shape::Dot {
            canvas.dot((x(row.value), y), 5.0, Paint::solid(row.colour));
        }
        canvas.text(
            &SMALL.clip(&row.words, WIDTH - PLOT_RIGHT - 16.0 - MARGIN),
            (PLOT_RIGHT + 16.0, y),
            SMALL,
        );
    }
    canvas.line((zero, first), (zero, last), 1.0, Paint::solid(FAINT));
}

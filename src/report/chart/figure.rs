//! Figures whose panels share one horizontal axis: what they hold, and how they are drawn.
//!
//! A figure explains itself: a title, a sentence that says what is shown (which runs, which band), panels with their
//! legends, and above them a lane that names the faults and deployments whose lines and shades cross all panels. What
//! stands in a figure is decided by the modules beside this one; nothing here knows of requests or tasks.

mod legend;

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, Colour, FAINT, Font, GRID, INK, Paint, Point, VERMILLION};
use legend::{draw_panel_head, draw_pin, legend_rows};

/// A chart on its way to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The file's name without extension.
    pub name: String,
    pub title: String,
    /// What is shown: of which runs, and what lines and bands mean.
    pub caption: String,
    pub x: Axis,
    pub panels: Vec<Panel>,
    pub marks: Vec<Mark>,
    pub shades: Vec<Shade>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    pub title: String,
    pub y: Axis,
    pub series: Vec<Series>,
    /// Below the lines, in this order.
    pub areas: Vec<Area>,
    /// Triangles at the top: when something was raised or lowered.
    pub pins: Vec<Pin>,
    /// Stretches of x that get a red bar at the foot of the panel, and what it means.
    pub alerts: Vec<(f64, f64)>,
    pub alert_words: &'static str,
}

/// What lies between two lines that hold until the next x.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    pub name: String,
    pub paint: Paint,
    /// x, low and high.
    pub steps: Vec<(f64, f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pin {
    pub x: f64,
    pub direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Up,
    Down,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    pub colour: Colour,
    pub stroke: Stroke,
    pub points: Vec<Datum>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    Line,
    /// A broad line, to lie below others and be seen where they leave it.
    Broad,
    /// Each value holds until the next x.
    Step,
    /// A dashed line: bounds and targets, and what mostly runs along another line.
    Guide,
    /// Dashed, and each value holds until the next x.
    GuideStep,
}

/// A value at x, absent where there is none, and the band around it if it stands for several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datum {
    pub x: f64,
    pub y: Option<f64>,
    pub band: Option<(f64, f64)>,
}

/// A vertical line through all panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    pub x: f64,
    pub label: String,
}

/// A stretch of x that lies in shadow.
#[derive(Clone, Debug, PartialEq)]
pub struct Shade {
    pub from: f64,
    pub to: f64,
    pub label: String,
}

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 28.0;
const LANE_ROW: f64 = 17.0;
const LANE_ROWS_MAX: usize = 5;
const PANEL_HEAD: f64 = 36.0;
const PANEL_GAP: f64 = 16.0;
const FOOT: f64 = 52.0;
/// Rows of a legend are this high.
const LEGEND_ROW: f64 = 17.0;
const BROAD: f64 = 6.0;

const TITLE: Font = Font::new(22.0).bold();
const CAPTION: Font = Font::new(13.0).faint();
const HEAD: Font = Font::new(14.0).bold();
const SMALL: Font = Font::new(12.0);
const TICK: Font = Font::new(12.0).faint();
const LABEL: Font = Font::new(12.0);

/// Where the panels of a figure lie.
struct Layout {
    caption: Vec<String>,
    lane_top: f64,
    labels: Vec<Label>,
    panels: Vec<Frame>,
    height: f64,
}

/// The plotting area of a panel, in pixels.
#[derive(Clone, Copy)]
struct Frame {
    top: f64,
    bottom: f64,
}

/// A label in the lane above the panels, and the line that it stands at.
struct Label {
    text: String,
    start: f64,
    line: Option<f64>,
    row: usize,
}

impl Figure {
    /// The figure as an SVG document.
    pub fn to_svg(&self) -> String {
        let layout = self.layout();
        Canvas::svg(WIDTH, layout.height, &self.title, &self.caption, |canvas| {
            canvas.text(&TITLE.clip(&self.title, WIDTH - LEFT - RIGHT), (LEFT, 28.0), TITLE);
            for (line, text) in layout.caption.iter().enumerate() {
                canvas.text(text, (LEFT, 54.0 + 18.0 * line as f64), CAPTION);
            }
            for frame in &layout.panels {
                self.draw_shades(canvas, *frame);
            }
            for (panel, frame) in self.panels.iter().zip(&layout.panels) {
                self.draw_panel(canvas, panel, *frame);
            }
            self.draw_marks(canvas, &layout);
            self.draw_x_axis(canvas, &layout);
        })
    }

    fn layout(&self) -> Layout {
        let caption = CAPTION.wrap(&self.caption, WIDTH - LEFT - RIGHT);
        let lane_top = 54.0 + 18.0 * caption.len() as f64 + 2.0;
        let labels = self.lane();
        let rows = labels.iter().map(|label| label.row + 1).max().unwrap_or(0);
        let plot = match self.panels.len() {
            0 | 1 => 340.0,
            2 => 220.0,
            3 => 170.0,
            _ => 130.0,
        };
        let mut top = lane_top + LANE_ROW * rows as f64 + 4.0;
        let mut panels = Vec::new();
        for panel in &self.panels {
            top += PANEL_HEAD + LEGEND_ROW * (legend_rows(panel) - 1.0).max(0.0);
            panels.push(Frame {
                top,
                bottom: top + plot,
            });
            top += plot + PANEL_GAP;
        }
        Layout {
            caption,
            lane_top,
            labels,
            panels,
            height: (top - PANEL_GAP + FOOT).ceil(),
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    /// Labels of marks and shades, from left to right, each in the first row where it does not touch another. What
    /// finds no row is counted in a last label.
    fn lane(&self) -> Vec<Label> {
        let shown = |x: f64| (self.x.low..=self.x.high).contains(&x);
        let marks = self.marks.iter().map(|mark| (mark.x, mark.label.as_str()));
        // What began earlier and still lasts is named where the figure begins.
        let lasting = self.shades.iter().filter(|shade| shade.to > self.x.low);
        let shades = lasting.map(|shade| (shade.from.max(self.x.low), shade.label.as_str()));
        let mut wanted: Vec<(f64, &str)> = shades.chain(marks).filter(|(x, _)| shown(*x)).collect();
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut ends = [f64::NEG_INFINITY; LANE_ROWS_MAX];
        let mut labels = Vec::new();
        let mut left_out = 0;
        for (x, text) in wanted {
            let text = LABEL.clip(text, 300.0);
            let width = LABEL.width(&text) + 12.0;
            // To the right of its line, unless the sheet ends there.
            let start = if self.x(x) + width > WIDTH {
                self.x(x) - width
            } else {
                self.x(x) + 4.0
            };
            match ends.iter().position(|&end| start >= end) {
                Some(row) => {
                    ends[row] = start + width;
                    labels.push(Label {
                        text,
                        start,
                        line: Some(self.x(x)),
                        row,
                    });
                }
                None => left_out += 1,
            }
        }
        if left_out > 0 {
            let text = format!("and {left_out} more: see events.csv");
            labels.push(Label {
                start: WIDTH - RIGHT - LABEL.width(&text),
                text,
                line: None,
                row: LANE_ROWS_MAX,
            });
        }
        labels
    }

    fn draw_shades(&self, canvas: &Canvas, frame: Frame) {
        for shade in &self.shades {
            let from = self.x(shade.from.clamp(self.x.low, self.x.high));
            let to = self.x(shade.to.clamp(self.x.low, self.x.high));
            canvas.rectangle((from, frame.top), (to, frame.bottom), Paint::faint(VERMILLION, 0.10));
        }
    }

    /// Each line begins at its label's row, so that it crosses no label above, and leaves out the panels' heads.
    fn draw_marks(&self, canvas: &Canvas, layout: &Layout) {
        let rows = layout.labels.iter().map(|label| label.row + 1).max().unwrap_or(0) as f64;
        for label in &layout.labels {
            let top = layout.lane_top + LANE_ROW * label.row as f64;
            canvas.text(&label.text, (label.start, top + LANE_ROW / 2.0), LABEL);
            let Some(x) = label.line else { continue };
            let paint = Paint::faint(INK, 0.55);
            canvas.line((x, top), (x, layout.lane_top + LANE_ROW * rows), 1.0, paint);
            for frame in &layout.panels {
                canvas.line((x, frame.top), (x, frame.bottom), 1.0, paint);
            }
        }
    }

    fn draw_x_axis(&self, canvas: &Canvas, layout: &Layout) {
        let Some(last) = layout.panels.last() else { return };
        for (at, text) in &self.x.ticks {
            canvas.text(text, (self.x(*at), last.bottom + 14.0), TICK.anchored(Anchor::Middle));
        }
        let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
        canvas.text(
            &self.x.label,
            (middle, last.bottom + 34.0),
            SMALL.anchored(Anchor::Middle),
        );
    }

    fn draw_panel(&self, canvas: &Canvas, panel: &Panel, frame: Frame) {
        let y = |value: f64| frame.bottom - panel.y.place(value).clamp(0.0, 1.0) * (frame.bottom - frame.top);
        for (at, text) in &panel.y.ticks {
            canvas.line((LEFT, y(*at)), (WIDTH - RIGHT, y(*at)), 1.0, Paint::solid(GRID));
            canvas.text(text, (LEFT - 8.0, y(*at)), TICK.anchored(Anchor::End));
        }
        for (at, _) in &self.x.ticks {
            canvas.line(
                (self.x(*at), frame.top),
                (self.x(*at), frame.bottom),
                1.0,
                Paint::faint(GRID, 0.6),
            );
        }
        for area in &panel.areas {
            self.draw_area(canvas, area, &y);
        }
        for series in &panel.series {
            self.draw_band(canvas, series, &y);
        }
        for series in &panel.series {
            self.draw_line(canvas, series, &y);
        }
        for pin in &panel.pins {
            draw_pin(canvas, (self.x(pin.x), frame.top + 5.0), pin.direction);
        }
        for (from, to) in &panel.alerts {
            let (from, to) = (self.x(*from), self.x(*to).max(self.x(*from) + 2.0));
            canvas.rectangle((from, frame.bottom - 5.0), (to, frame.bottom), Paint::solid(VERMILLION));
        }
        canvas.line(
            (LEFT, frame.bottom),
            (WIDTH - RIGHT, frame.bottom),
            1.0,
            Paint::solid(FAINT),
        );
        draw_panel_head(canvas, panel, frame);
    }

    fn draw_area(&self, canvas: &Canvas, area: &Area, y: &dyn Fn(f64) -> f64) {
        for (at, (x, low, high)) in area.steps.iter().enumerate() {
            let until = area.steps.get(at + 1).map_or(self.x.high, |next| next.0);
            let (from, to) = (x.max(self.x.low), until.min(self.x.high));
            if from < to && low < high {
                canvas.rectangle((self.x(from), y(*high)), (self.x(to), y(*low)), area.paint);
            }
        }
    }

    fn draw_band(&self, canvas: &Canvas, series: &Series, y: &dyn Fn(f64) -> f64) {
        for run in runs_of(&series.points, |datum| datum.band.map(|band| (datum.x, band))) {
            let upper = run.iter().map(|(x, band)| (self.x(*x), y(band.1)));
            let lower = run.iter().rev().map(|(x, band)| (self.x(*x), y(band.0)));
            let outline: Vec<Point> = upper.chain(lower).collect();
            canvas.polygon(&outline, Paint::faint(series.colour, 0.20));
        }
    }

    fn draw_line(&self, canvas: &Canvas, series: &Series, y: &dyn Fn(f64) -> f64) {
        for run in runs_of(&series.points, |datum| datum.y.map(|y| (datum.x, y))) {
            let corners = match series.stroke {
                Stroke::Line | Stroke::Broad | Stroke::Guide => run,
                Stroke::Step | Stroke::GuideStep => steps(&run),
            };
            let points: Vec<Point> = corners.into_iter().map(|(x, value)| (self.x(x), y(value))).collect();
            let paint = Paint::solid(series.colour);
            match (series.stroke, points.as_slice()) {
                (_, [alone]) => canvas.dot(*alone, 2.0, paint),
                (Stroke::Guide | Stroke::GuideStep, _) => canvas.dashed(&points, 1.5, series.colour),
                (Stroke::Broad, _) => canvas.polyline(&points, BROAD, paint),
                (Stroke::Line | Stroke::Step, _) => canvas.polyline(&points, 2.0, paint),
            }
        }
    }
}

/// Corners of a line whose values hold until the next x.
fn steps(run: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut corners = Vec::with_capacity(2 * run.len());
    let mut before = None;
    for &(x, value) in run {
        corners.extend(before.map(|before| (x, before)));
        corners.push((x, value));
        before = Some(value);
    }
    corners
}

/// Splits points at the gaps.
fn runs_of<T>(points: &[Datum], of: impl Fn(&Datum) -> Option<T>) -> Vec<Vec<T>> {
    let mut runs: Vec<Vec<T>> = vec![Vec::new()];
    for datum in points {
        match of(datum) {
            Some(point) => runs.last_mut().expect("there is always one").push(point),
            None => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

impl Series {
    /// The same, drawn otherwise.
    pub fn drawn(self, stroke: Stroke) -> Series {
        Series { stroke, ..self }
    }
}

impl Panel {
    /// A panel of lines alone.
    pub fn of_lines(title: impl Into<String>, y: Axis, series: Vec<Series>) -> Panel {
        Panel {
            title: title.into(),
            y,
            series,
            areas: vec![],
            pins: vec![],
            alerts: vec![],
            alert_words: "",
        }
    }
}

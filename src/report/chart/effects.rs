//! Main effects of a sweep as small multiples: a column for each path, a row for each response.

use super::Chart;
use super::axis::Axis;
use super::canvas::{Anchor, BLUE, Canvas, FAINT, Font, GRID, Paint, Point};
use crate::report::sweep::effects::{Effect, Effects, LevelEffect};
use crate::report::tables::runs::RESPONSES;
use crate::report::words::counted;
use crate::scenario::Dimension;

const WIDTH: f64 = 1200.0;
const MARGIN: f64 = 28.0;
/// For the numbers of the vertical axis.
const LEFT: f64 = 84.0;
const GAP: f64 = 18.0;
const PANEL: f64 = 150.0;
const HEAD: f64 = 40.0;
const FOOT: f64 = 58.0;
/// Paths side by side; more go below.
const ABREAST: usize = 5;
/// More paths than this are left to points.csv.
const PATHS_MAX: usize = 20;

const TITLE: Font = Font::new(22.0).bold();
const CAPTION: Font = Font::new(13.0).faint();
const NAME: Font = Font::new(13.0).bold();
const TICK: Font = Font::new(12.0).faint();

/// What a response is called, how it is scaled, and its unit.
const LABELS: [(&str, f64, &str); RESPONSES.len()] = [
    ("p99 latency", 1.0, "ms"),
    ("requests that failed", 100.0, "%"),
    ("cost", 1.0, "USD/h"),
];

/// One panel: a path against a response.
struct Panel<'e> {
    effect: &'e Effect,
    scale: f64,
    y: &'e Axis,
    left: f64,
    right: f64,
    top: f64,
}

/// The chart of a sweep of the named scenario. `None` if no response has an effect.
pub fn chart(name: &str, replications: u32, effects: &Effects) -> Option<Chart> {
    let mut rows: Vec<(usize, Vec<Effect>)> = (0..RESPONSES.len())
        .map(|response| (response, effects.on(response)))
        .filter(|(_, effects)| effects.iter().any(moves))
        .collect();
    let paths = rows.first()?.1.len();
    rows.iter_mut().for_each(|(_, effects)| effects.truncate(PATHS_MAX));
    let shown = paths.min(PATHS_MAX);
    let left_out = match paths - shown {
        0 => String::new(),
        more => format!(" {more} more paths are in points.csv."),
    };
    let title = format!("{name}: what each path does");
    let words = format!(
        "Each dot is the mean over all points with that value, whatever the other paths, in {} of each; bars are 95 % \
         intervals over replications, all of which met the same luck. A path with many values is cut into stretches of \
         equally many.{left_out}",
        counted(replications as usize, "run")
    );
    let caption = CAPTION.wrap(&words, WIDTH - 2.0 * MARGIN);
    let top = 54.0 + 18.0 * caption.len() as f64 + 8.0;
    let lines = shown.div_ceil(ABREAST);
    let height = top + rows.len() as f64 * lines as f64 * (HEAD + PANEL + FOOT) + 10.0;
    let svg = Canvas::svg(WIDTH, height.ceil(), &title, &words, |canvas| {
        canvas.text(&TITLE.clip(&title, WIDTH - 2.0 * MARGIN), (MARGIN, 28.0), TITLE);
        for (line, text) in caption.iter().enumerate() {
            canvas.text(text, (MARGIN, 54.0 + 18.0 * line as f64), CAPTION);
        }
        let mut y = top;
        for (response, effects) in &rows {
            let (label, scale, unit) = LABELS[*response];
            // One axis for all paths of a response: the eye compares them.
            let axis = vertical(effects, scale, unit);
            for line in effects.chunks(ABREAST) {
                canvas.text(&format!("{label}, {}", axis.label), (MARGIN, y + 10.0), NAME);
                draw_line(canvas, line, shown.min(ABREAST), scale, &axis, y + HEAD);
                y += HEAD + PANEL + FOOT;
            }
        }
    });
    Some(Chart {
        name: "effects".to_owned(),
        svg,
    })
}

/// Whether the response differs between levels.
fn moves(effect: &Effect) -> bool {
    let mut means = effect
        .levels
        .iter()
        .filter_map(|level| level.mean)
        .map(|mean| mean.value);
    let first = means.next();
    means.any(|mean| Some(mean) != first)
}

fn vertical(effects: &[Effect], scale: f64, unit: &str) -> Axis {
    let ends = |level: &LevelEffect| {
        let mean = level.mean?;
        Some(mean.interval().unwrap_or((mean.value, mean.value)))
    };
    let all = effects.iter().flat_map(|effect| &effect.levels).filter_map(ends);
    let (low, high) = all.fold((f64::INFINITY, 0.0_f64), |(low, high), (from, to)| {
        (low.min(from.max(0.0)), high.max(to))
    });
    Axis::of_magnitudes(unit, scale * if low.is_finite() { low } else { 0.0 }, scale * high)
}

fn draw_line(canvas: &Canvas, effects: &[Effect], abreast: usize, scale: f64, y: &Axis, top: f64) {
    let width = (WIDTH - LEFT - MARGIN - GAP * (abreast as f64 - 1.0)) / abreast as f64;
    for (at, text) in &y.ticks {
        let height = top + PANEL * (1.0 - y.place(*at));
        canvas.text(text, (LEFT - 8.0, height), TICK.anchored(Anchor::End));
    }
    for (at, effect) in effects.iter().enumerate() {
        let left = LEFT + at as f64 * (width + GAP);
        let panel = Panel {
            effect,
            scale,
            y,
            left,
            right: left + width,
            top,
        };
        panel.draw(canvas);
    }
}

impl Panel<'_> {
    fn draw(&self, canvas: &Canvas) {
        let bottom = self.top + PANEL;
        for (at, _) in &self.y.ticks {
            let height = self.height(*at);
            canvas.line((self.left, height), (self.right, height), 1.0, Paint::solid(GRID));
        }
        canvas.line((self.left, bottom), (self.right, bottom), 1.0, Paint::solid(FAINT));
        let places = self.places();
        self.draw_ticks(canvas, &places, bottom);
        let points: Vec<Point> = places
            .iter()
            .zip(&self.effect.levels)
            .filter_map(|(x, level)| Some((*x, self.height(self.scale * level.mean?.value))))
            .collect();
        // Between words there is nothing to be on the way to.
        if self.effect.levels.iter().all(|level| level.at.is_some()) {
            canvas.polyline(&points, 1.5, Paint::faint(BLUE, 0.6));
        }
        for (x, level) in places.iter().zip(&self.effect.levels) {
            let Some(mean) = level.mean else { continue };
            if let Some((low, high)) = mean.interval() {
                let (low, high) = (self.height(self.scale * low), self.height(self.scale * high));
                canvas.line((*x, low), (*x, high), 2.0, Paint::solid(BLUE));
                for end in [low, high] {
                    canvas.line((x - 4.0, end), (x + 4.0, end), 2.0, Paint::solid(BLUE));
                }
            }
            canvas.dot((*x, self.height(self.scale * mean.value)), 4.0, Paint::solid(BLUE));
        }
    }

    fn height(&self, value: f64) -> f64 {
        self.top + PANEL * (1.0 - self.y.place(value).clamp(0.0, 1.0))
    }

    /// Where each level lies: by its number, or evenly.
    fn places(&self) -> Vec<f64> {
        let inner = (self.left + 26.0, self.right - 26.0);
        let between = |share: f64| inner.0 + share * (inner.1 - inner.0);
        let numbers: Option<Vec<f64>> = self.effect.levels.iter().map(|level| level.at).collect();
        if let Some(numbers) = numbers {
            let (low, high) = (numbers[0], numbers[numbers.len() - 1]);
            if high > low {
                // Ratios count where values span more than an order of magnitude.
                let axis = Axis::of_magnitudes("", low, high);
                let (first, last) = (axis.place(low), axis.place(high));
                return numbers
                    .iter()
                    .map(|number| between((axis.place(*number) - first) / (last - first)))
                    .collect();
            }
        }
        let last = (self.effect.levels.len() - 1).max(1) as f64;
        (0..self.effect.levels.len())
            .map(|at| between(at as f64 / last))
            .collect()
    }

    /// The levels' names, as many as do not touch, and below them the path.
    fn draw_ticks(&self, canvas: &Canvas, places: &[f64], bottom: f64) {
        let mut free = f64::NEG_INFINITY;
        let last = places.len() - 1;
        let name = |at: usize| TICK.clip(&self.name(&self.effect.levels[at]), 110.0);
        let half = |at: usize| TICK.width(&name(at)) / 2.0;
        for (at, x) in places.iter().enumerate() {
            let fits = x - half(at) >= free && (at == last || x + half(at) + 6.0 <= places[last] - half(last));
            canvas.line((*x, bottom), (*x, bottom + 4.0), 1.0, Paint::solid(FAINT));
            if fits {
                canvas.text(&name(at), (*x, bottom + 14.0), TICK.anchored(Anchor::Middle));
                free = x + half(at) + 6.0;
            }
        }
        let middle = (self.left + self.right) / 2.0;
        let path = tail(&self.effect.path, self.right - self.left);
        canvas.text(&path, (middle, bottom + 34.0), NAME.anchored(Anchor::Middle));
    }

    /// A value as written; of a stretch the middle.
    fn name(&self, level: &LevelEffect) -> String {
        match (level.at, level.name.contains(" to "), self.effect.dimension) {
            (Some(at), true, dimension) => {
                let unit = match dimension {
                    Some(Dimension::Duration) => " s",
                    Some(Dimension::Memory) => " MiB",
                    Some(Dimension::Cpu) => " vCPU",
                    Some(Dimension::Rate) => "/s",
                    Some(Dimension::Factor) => "x",
                    Some(Dimension::Ratio) => return format!("~{} %", crate::report::words::short(100.0 * at, 3)),
                    _ => "",
                };
                format!("~{}{unit}", crate::report::words::short(at, 3))
            }
            _ => level.name.clone(),
        }
    }
}

/// The end of a path that fits: its last keys tell it apart.
fn tail(path: &str, width: f64) -> String {
    if NAME.width(path) <= width {
        return path.to_owned();
    }
    let letters: Vec<char> = path.chars().collect();
    let ends = (1..letters.len()).map(|start| format!("…{}", letters[start..].iter().collect::<String>()));
    ends.into_iter()
        .find(|text| NAME.width(text) <= width)
        .unwrap_or_else(|| path.to_owned())
}

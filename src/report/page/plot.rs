//! A chart of the page: drawn once as SVG that needs no script, and handed to the script for hovering and zooming.
//!
//! The drawing stretches to whatever width the reader has; all words stand beside it as HTML, so that they are as large
//! on a phone as on a desk. Colours are classes that the style sheet gives a light and a dark value. The numbers stand
//! under each chart as a table, thinned, with the name of the file that holds all.

use crate::report::chart::axis::{Axis, Scale};
use crate::report::table::significant;
use crate::report::words::{plain, short};
use serde::Serialize;
use serde_json::{Value as Json, json};

/// Rows of the table beneath a chart.
const ROWS_MOST: usize = 24;

/// The drawing's own units, which are stretched.
const WIDE: f64 = 1000.0;
const HIGH: f64 = 200.0;

/// One chart.
pub struct Plot {
    pub title: String,
    /// One sentence for those who cannot see it.
    pub alt: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
    /// x of each point; one list for all lines.
    pub at: Vec<f64>,
    /// The file that holds the numbers.
    pub file: &'static str,
    pub kind: Kind,
}

/// What lies along x.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Seconds of the run: cursors go in step and events are drawn.
    Timeline,
    /// Shares of requests, the tail spread out.
    Tail,
}

pub struct Line {
    pub name: String,
    pub tone: Tone,
    pub stroke: Stroke,
    pub values: Vec<Option<f64>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stroke {
    Line,
    /// Each value holds until the next.
    Step,
    /// Bounds and targets.
    Dashed,
}

/// A colour of the palette by its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// One of several equals.
    Nth(usize),
    Bad,
    Faint,
}

impl Tone {
    fn class(self) -> String {
        match self {
            Tone::Nth(at) => format!("t{}", at % 6),
            Tone::Bad => "tb".to_owned(),
            Tone::Faint => "tf".to_owned(),
        }
    }
}

/// A moment or a stretch of the run that is marked on every timeline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// What it is called beside the charts: `A`, `B`, …
    pub letter: String,
    pub from_s: f64,
    /// For a stretch.
    pub to_s: Option<f64>,
    pub label: String,
    pub when: String,
}

/// A chart as the template wants it.
#[derive(Serialize)]
pub struct Drawn {
    title: String,
    alt: String,
    unit: String,
    x_label: String,
    legend: Vec<Legend>,
    y_ticks: Vec<Tick>,
    x_ticks: Vec<Tick>,
    marks: Vec<Letter>,
    /// Paths within a 1000 × 200 box.
    svg: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    rows_said: String,
    file: &'static str,
    /// What the script draws from.
    data: String,
}

#[derive(Serialize)]
struct Legend {
    class: String,
    name: String,
    dashed: bool,
}

#[derive(Serialize)]
struct Tick {
    /// In percent from the low end.
    at: String,
    text: String,
}

#[derive(Serialize)]
struct Letter {
    at: String,
    letter: String,
}

impl Plot {
    /// Whether there is anything to see.
    pub fn has_ink(&self) -> bool {
        self.lines.iter().any(|line| line.values.iter().flatten().count() > 1)
    }

    pub fn draw(&self, marks: &[Mark]) -> Drawn {
        let marks = if self.kind == Kind::Timeline { marks } else { &[] };
        let unit = if self.kind == Kind::Tail { 1.0 } else { self.x_unit() };
        let tick = |axis: &Axis, value: f64, text: &str| {
            let place = axis.place(value);
            (-0.001..=1.001).contains(&place).then(|| Tick {
                at: decimals(100.0 * place, 2),
                text: text.to_owned(),
            })
        };
        let ticks = |axis: &Axis| {
            axis.ticks
                .iter()
                .filter_map(|(at, text)| tick(axis, *at, text))
                .collect()
        };
        let told = self.told();
        let every = told.len().div_ceil(ROWS_MOST).max(1);
        Drawn {
            title: self.title.clone(),
            alt: self.alt.clone(),
            unit: self.y.label.clone(),
            x_label: self.x.label.clone(),
            legend: self
                .lines
                .iter()
                .map(|line| Legend {
                    class: line.tone.class(),
                    name: line.name.clone(),
                    dashed: line.stroke == Stroke::Dashed,
                })
                .collect(),
            y_ticks: ticks(&self.y),
            x_ticks: ticks(&self.x),
            marks: self.letters(marks),
            svg: self.svg(marks),
            head: std::iter::once(self.x.label.clone())
                .chain(self.lines.iter().map(|line| line.name.clone()))
                .collect(),
            rows: told.iter().step_by(every).map(|at| self.row(*at, unit)).collect(),
            rows_said: if every == 1 {
                format!("All of it is in {}.", self.file)
            } else {
                format!(
                    "Every {} of {} points; all are in {}.",
                    ordinal(every),
                    told.len(),
                    self.file
                )
            },
            file: self.file,
            data: self.data(unit).to_string(),
        }
    }

    /// The points that the table of data may show: of curves with percentiles of their own, those of the last one.
    fn told(&self) -> Vec<usize> {
        let last = self.lines.last();
        let has = |at: &usize| last.is_some_and(|line| line.values[*at].is_some());
        (0..self.at.len())
            .filter(|at| self.kind == Kind::Timeline || has(at))
            .collect()
    }

    /// The letters of marks; those of marks that are too close to be told apart stand together.
    fn letters(&self, marks: &[Mark]) -> Vec<Letter> {
        const APART: f64 = 0.03;
        let mut letters: Vec<(f64, String)> = Vec::new();
        for mark in marks {
            let place = self.x.place(mark.from_s);
            if !(0.0..=1.0).contains(&place) {
                continue;
            }
            match letters.last_mut() {
                Some((last, together)) if place - *last < APART => together.push_str(&mark.letter),
                _ => letters.push((place, mark.letter.clone())),
            }
        }
        letters
            .into_iter()
            .map(|(place, letter)| Letter {
                at: decimals(100.0 * place, 2),
                letter,
            })
            .collect()
    }

    /// Seconds in the unit of the axis, which its label names in brackets.
    fn x_unit(&self) -> f64 {
        [("(days)", 86_400.0), ("(h)", 3_600.0), ("(min)", 60.0)]
            .into_iter()
            .find(|(name, _)| self.x.label.ends_with(name))
            .map_or(1.0, |(_, seconds)| seconds)
    }

    fn row(&self, at: usize, unit: f64) -> Vec<String> {
        let x = if self.kind == Kind::Tail {
            format!("{} %", significant(100.0 * self.at[at], 7))
        } else {
            plain(significant(self.at[at] / unit, 5))
        };
        let value = |line: &Line| line.values[at].map_or("–".to_owned(), |value| short(value, 4));
        std::iter::once(x).chain(self.lines.iter().map(value)).collect()
    }

    fn data(&self, unit: f64) -> Json {
        // Along the tail the script works with the number of nines, which is linear.
        let along = |value: f64| match self.x.scale {
            Scale::Tail => significant(-libm::log10((1.0 - value).max(1e-12)), 6),
            _ => significant(value / unit, 7),
        };
        let kind = match self.kind {
            Kind::Timeline => "timeline",
            Kind::Tail => "tail",
        };
        let lines = self.lines.iter().map(|line| {
            json!({
                "name": line.name,
                "tone": line.tone.class(),
                "stroke": match line.stroke { Stroke::Line => "line", Stroke::Step => "step", Stroke::Dashed => "dashed" },
                "y": line.values.iter().map(|value| value.map(|value| significant(value, 4))).collect::<Vec<_>>(),
            })
        });
        let ticks: Vec<Json> = self
            .x
            .ticks
            .iter()
            .map(|(at, text)| json!([along(*at), text]))
            .collect();
        json!({
            "kind": kind,
            "log": self.y.scale == Scale::Log,
            "unit": self.y.label.trim_end_matches(" (log)"),
            "low": self.y.low,
            "high": self.y.high,
            "x_low": along(self.x.low),
            "x_high": along(self.x.high),
            "x_ticks": if self.kind == Kind::Tail { Json::Array(ticks) } else { Json::Null },
            "x_unit": unit,
            "x": self.at.iter().map(|&at| along(at)).collect::<Vec<_>>(),
            "lines": lines.collect::<Vec<_>>(),
        })
    }

    fn svg(&self, marks: &[Mark]) -> String {
        let mut svg = String::new();
        for mark in marks {
            let from = self.x.place(mark.from_s).clamp(0.0, 1.0) * WIDE;
            if let Some(to) = mark.to_s {
                let to = self.x.place(to).clamp(0.0, 1.0) * WIDE;
                svg.push_str(&format!(
                    "<rect class=\"shade\" x=\"{}\" y=\"0\" width=\"{}\" height=\"{HIGH}\"/>",
                    decimals(from, 1),
                    decimals((to - from).max(1.0), 1)
                ));
            }
        }
        for (at, _) in &self.y.ticks {
            let y = decimals((1.0 - self.y.place(*at)) * HIGH, 1);
            svg.push_str(&format!("<path class=\"grid\" d=\"M0 {y}H{WIDE}\"/>"));
        }
        for mark in marks {
            let place = self.x.place(mark.from_s);
            if (0.0..=1.0).contains(&place) {
                svg.push_str(&format!(
                    "<path class=\"mark\" d=\"M{} 0V{HIGH}\"/>",
                    decimals(place * WIDE, 1)
                ));
            }
        }
        // The first line is the one that matters: it lies on top.
        for line in self.lines.iter().rev() {
            let dashed = if line.stroke == Stroke::Dashed { " dash" } else { "" };
            svg.push_str(&format!(
                "<path class=\"line {}{dashed}\" d=\"{}\"/>",
                line.tone.class(),
                self.path(line)
            ));
        }
        svg
    }

    fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        let mut drawing = false;
        for (at, value) in self.at.iter().zip(&line.values) {
            let Some(value) = value else {
                // A time without a value is a gap; a percentile that one curve has and another has not is none.
                drawing &= self.kind == Kind::Tail;
                continue;
            };
            let x = decimals(self.x.place(*at) * WIDE, 1);
            let y = decimals((1.0 - self.y.place(*value).clamp(-0.02, 1.02)) * HIGH, 1);
            match (drawing, line.stroke) {
                (false, _) => path.push_str(&format!("M{x} {y}")),
                (true, Stroke::Step) => path.push_str(&format!("H{x}V{y}")),
                (true, _) => path.push_str(&format!("L{x} {y}")),
            }
            drawing = true;
        }
        path
    }
}

/// With so many decimals, without trailing zeros.
fn decimals(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot() -> Plot {
        Plot {
            title: "Load".into(),
            alt: "Load over time.".into(),
            x: Axis::of_time(600.0),
            y: Axis::from_zero("requests a second", 10.0),
            lines: vec![Line {
                name: "</script><b>".into(),
                tone: Tone::Nth(0),
                stroke: Stroke::Line,
                values: vec![Some(0.0), None, Some(10.0), Some(5.0)],
            }],
            at: vec![0.0, 200.0, 400.0, 600.0],
            file: "timeline.csv",
            kind: Kind::Timeline,
        }
    }

    #[test]
    fn a_line_is_broken_where_there_is_no_value() {
        let plot = plot();
        assert_eq!(plot.path(&plot.lines[0]), "M0 200M666.7 0L1000 100");
    }

    #[test]
    fn a_curve_of_percentiles_goes_on_where_another_has_points() {
        let tail = Plot {
            kind: Kind::Tail,
            ..plot()
        };
        assert_eq!(tail.path(&tail.lines[0]), "M0 200L666.7 0L1000 100");
        assert_eq!(tail.told(), [0, 2, 3]);
    }

    #[test]
    fn the_script_gets_times_in_the_unit_of_the_axis() {
        let read: Json = serde_json::from_str(&plot().draw(&[]).data).expect("it is JSON");
        assert_eq!(
            read["x"],
            json!([0.0, 3.333333, 6.666667, 10.0]),
            "minutes, as the axis says"
        );
        assert_eq!(read["lines"][0]["y"], json!([0.0, null, 10.0, 5.0]));
    }

    #[test]
    fn marks_stand_on_timelines_alone() {
        let mark = Mark {
            letter: "A".into(),
            from_s: 60.0,
            to_s: Some(120.0),
            label: "zone_outage".into(),
            when: "1 min to 2 min".into(),
        };
        let mut plot = plot();
        assert!(
            plot.draw(std::slice::from_ref(&mark))
                .svg
                .contains("class=\"shade\" x=\"100\" y=\"0\" width=\"100\"")
        );
        let next = Mark {
            letter: "B".into(),
            from_s: 65.0,
            ..mark.clone()
        };
        let letters = plot.letters(&[mark.clone(), next]);
        assert_eq!((letters.len(), letters[0].letter.as_str()), (1, "AB"));
        plot.kind = Kind::Tail;
        assert!(!plot.draw(&[mark]).svg.contains("shade"));
    }
}

//! A range of a Latin hypercube: two ends in one dimension, and the values between them.

use super::dimension::Dimension;
use crate::engine::Key;
use crate::scenario::diagnostic::{Code, Diagnostic};
use crate::scenario::schema::SweepScale;
use crate::scenario::tree::{Node, Value};
use libm::{exp, log};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    dimension: Dimension,
    /// Both in the dimension's unit; `from` is below `to`.
    from: f64,
    to: f64,
    scale: SweepScale,
    /// Whole numbers at both ends.
    whole: bool,
}

impl Range {
    /// What `{ from, to, scale }` says. Errors: what is wrong with it; `None` if its form is wrong, which is told
    /// elsewhere.
    pub fn read(path: &str, node: &Node) -> Result<Range, Option<Diagnostic>> {
        let (from, to) = (node.get("from").ok_or(None)?, node.get("to").ok_or(None)?);
        let scale = match node.get("scale").and_then(Node::scalar) {
            None | Some("linear") => SweepScale::Linear,
            Some("log") => SweepScale::Log,
            Some(_) => return Err(None),
        };
        let Some(dimension) = Dimension::of([from, to].into_iter()) else {
            let message = format!("the ends of the range of `{path}` cannot be measured against each other");
            let problem = Diagnostic::new(Code::RangeWithoutMeasure, from.place, message);
            return Err(Some(problem.expected(
                "two numbers, or two quantities of one kind, such as `100ms` and `1s`",
            )));
        };
        let read = |node| dimension.read(node).expect("the dimension was found by reading");
        let range = Range {
            dimension,
            from: read(from),
            to: read(to),
            scale,
            whole: [from, to].iter().all(|node| is_whole(node)),
        };
        if range.from >= range.to {
            let message = format!(
                "the range of `{path}` runs from {} to {}",
                from.scalar().unwrap_or_default(),
                to.scalar().unwrap_or_default()
            );
            let problem =
                Diagnostic::new(Code::SweptRangeUpsideDown, to.place, message).expected("an end above `from`");
            let hint = if range.from > range.to {
                "exchange the two"
            } else {
                "a value that does not vary is set with `--set`"
            };
            return Err(Some(problem.hint(hint)));
        }
        if scale == SweepScale::Log && range.from <= 0.0 {
            let message = format!("the range of `{path}` begins at {}", from.scalar().unwrap_or_default());
            let problem = Diagnostic::new(Code::RangeWithoutMeasure, from.place, message);
            return Err(Some(
                problem
                    .expected("an end above zero, from which ratios can be taken")
                    .hint("begin higher, or leave `scale: log` out"),
            ));
        }
        Ok(range)
    }

    /// The value at a share of the way from end to end, `0 < share < 1`, for a design of so many points.
    pub fn at(&self, share: f64, points: u32) -> Value {
        // A whole number stands for the stretch up to the next, so that the last is as likely as the others.
        let end = if self.whole { self.to + 1.0 } else { self.to };
        let value = match self.scale {
            SweepScale::Linear => self.from + share * (end - self.from),
            SweepScale::Log => self.from * exp(share * log(end / self.from)),
        };
        if self.whole {
            let value = value.floor().clamp(self.from, self.to);
            return Value::Number((value as i64).to_string());
        }
        let value = value.clamp(self.from, self.to);
        let stratum = |share: f64| (share * f64::from(points)) as u32;
        let written = |digits| self.dimension.write(value, digits);
        // Six digits read well; where they would move a point into its neighbour's stratum, more are taken. What the
        // unit cannot tell stays as it is.
        let enough = (6..=MOST_DIGITS)
            .map(written)
            .find(|written| self.share_of(written).map(stratum) == Some(stratum(share)));
        enough.unwrap_or_else(|| written(MOST_DIGITS))
    }

    /// The share of the way from end to end at which a written value lies.
    fn share_of(&self, written: &Value) -> Option<f64> {
        let (Value::Number(text) | Value::Text(text)) = written else {
            return None;
        };
        let value = self.dimension.read_text(text)?;
        Some(match self.scale {
            SweepScale::Linear => (value - self.from) / (self.to - self.from),
            SweepScale::Log => log(value / self.from) / log(self.to / self.from),
        })
    }
}

/// A double has no more.
const MOST_DIGITS: usize = 16;

fn is_whole(node: &Node) -> bool {
    matches!(&node.value, Value::Number(text) if text.parse::<i64>().is_ok())
}

/// Where along its range each point of a Latin hypercube lies: every one of `points` equal parts holds exactly one, at
/// a uniform place in it. `key` is that of the seed and the path.
pub(super) fn latin_column(key: Key, points: u32) -> Vec<f64> {
    const ORDER: u64 = 0;
    const PLACE: u64 = 1;
    let luck = |purpose, point| key.child(purpose).child(u64::from(point));
    let mut order: Vec<u32> = (0..points).collect();
    order.sort_by_key(|point| (luck(ORDER, *point).bits(), *point));
    let mut shares = vec![0.0; points as usize];
    for (stratum, point) in order.into_iter().enumerate() {
        shares[point as usize] = (stratum as f64 + luck(PLACE, point).uniform()) / f64::from(points);
    }
    shares
}

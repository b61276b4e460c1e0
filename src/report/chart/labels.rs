//! Names beside points that lie anywhere.

use super::canvas::{Canvas, Font, INK};

const SMALL: Font = Font::new(12.0);

/// The name of a point, or of several that lie on each other.
pub struct Label {
    pub text: String,
    pub centre: (f64, f64),
}

impl Label {
    /// Whether a point lies so near that it would have the same label.
    pub fn is_at(&self, centre: (f64, f64)) -> bool {
        (self.centre.0 - centre.0).abs() < 9.0 && (self.centre.1 - centre.1).abs() < 9.0
    }
}

/// Names beside their points, clear of their crosses and of each other: above or below, to the right or the left. One that
/// finds no place is left out; the list above the panels has it.
pub fn draw(canvas: &Canvas, labels: &[Label], (left, right): (f64, f64), top: f64) {
    let mut taken: Vec<(f64, f64, f64)> = Vec::new();
    for label in labels {
        let name = SMALL.clip(&label.text, 380.0);
        let width = SMALL.width(&name);
        let (x, y) = label.centre;
        let lines = [(y - 11.0).max(top + 7.0), y + 13.0];
        let places = lines
            .iter()
            .flat_map(|line| [(x + 10.0, *line), (x - 10.0 - width, *line)]);
        let is_free = |&(from, line): &(f64, f64)| {
            let hits = |&(other, other_line, other_width): &(f64, f64, f64)| {
                (line - other_line).abs() < 13.0 && from < other + other_width && other < from + width
            };
            from > left && from + width < right && !taken.iter().any(hits)
        };
        if let Some((from, line)) = places.into_iter().find(is_free) {
            taken.push((from, line, width));
            canvas.text(&name, (from, line), SMALL.coloured(INK));
        }
    }
}

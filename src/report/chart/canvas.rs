//! A sheet to draw on, in pixels, that becomes an SVG document.
//!
//! The SVG backend of `plotters` draws; this wraps it so that figures speak in pixels and fractions of them, in one
//! font, with texts whose width is known. The widths are those of the font that is bundled (`assets/font`), so a layout
//! never depends on the fonts of a machine. No float is printed: the backend gets whole half-pixels.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, Drawable, PathElement, PointCollection, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, IntoTextStyle, RGBAColor, RGBColor, ShapeStyle};

/// Drawing units a pixel, so that lines are placed more finely than by whole pixels.
const FINE: f64 = 2.0;

/// The backend has no dashes. A line of this opacity is one, and is written as such when the document is finished.
const DASHED: f64 = 0.999;

/// Widths of the ASCII characters from the space on, in 2048ths of the font's size: DejaVu Sans 2.37.
const WIDTHS: [u16; 95] = [
    651, 821, 942, 1716, 1303, 1946, 1597, 563, 799, 799, 1024, 1716, 651, 739, 651, 690, 1303, 1303, 1303, 1303, 1303,
    1303, 1303, 1303, 1303, 1303, 690, 690, 1716, 1716, 1716, 1087, 2048, 1401, 1405, 1430, 1577, 1294, 1178, 1587,
    1540, 604, 604, 1343, 1141, 1767, 1532, 1612, 1235, 1612, 1423, 1300, 1251, 1499, 1401, 2025, 1403, 1251, 1403,
    799, 690, 799, 1716, 1024, 1024, 1255, 1300, 1126, 1300, 1260, 721, 1300, 1298, 569, 569, 1186, 569, 1995, 1298,
    1253, 1300, 1300, 842, 1067, 803, 1298, 1212, 1675, 1212, 1212, 1075, 1303, 690, 1303, 1716,
];
/// The bold cut is about this much wider.
const BOLD: f64 = 1.12;
/// For characters beyond ASCII.
const WIDTH_OTHERWISE: u16 = 1716;

pub type Colour = RGBColor;

pub const INK: Colour = RGBColor(0x22, 0x22, 0x22);
pub const FAINT: Colour = RGBColor(0x5f, 0x5f, 0x5f);
/// For broad lines that lie below others.
pub const PALE: Colour = RGBColor(0xb8, 0xb8, 0xb8);
pub const GRID: Colour = RGBColor(0xdd, 0xdd, 0xdd);
pub const WHITE: Colour = RGBColor(0xff, 0xff, 0xff);

/// Okabe and Ito's palette, which readers with any colour vision can tell apart; dark enough on white first.
pub const PALETTE: [Colour; 7] = [BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY, RGBColor(0x80, 0x6d, 0x00)];
pub const BLUE: Colour = RGBColor(0x00, 0x72, 0xb2);
pub const VERMILLION: Colour = RGBColor(0xd5, 0x5e, 0x00);
pub const GREEN: Colour = RGBColor(0x00, 0x9e, 0x73);
pub const ORANGE: Colour = RGBColor(0xe6, 0x9f, 0x00);
pub const PURPLE: Colour = RGBColor(0xaa, 0x55, 0x88);
pub const SKY: Colour = RGBColor(0x56, 0xb4, 0xe9);

/// A point in pixels from the upper left corner.
pub type Point = (f64, f64);

/// Colour and how much of it covers what lies below.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paint {
    pub colour: Colour,
    pub opacity: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Font {
    pub size: f64,
    pub weight: Weight,
    pub colour: Colour,
    pub anchor: Anchor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Normal,
    Bold,
}

/// Which point of the text lies at its position; vertically it is the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl Paint {
    pub const fn solid(colour: Colour) -> Paint {
        Paint { colour, opacity: 1.0 }
    }
    pub const fn faint(colour: Colour, opacity: f64) -> Paint {
        Paint { colour, opacity }
    }
    fn rgba(self) -> RGBAColor {
        RGBAColor(self.colour.0, self.colour.1, self.colour.2, self.opacity)
    }
}

impl Font {
    pub const fn new(size: f64) -> Font {
        Font {
            size,
            weight: Weight::Normal,
            colour: INK,
            anchor: Anchor::Start,
        }
    }
    pub const fn bold(self) -> Font {
        Font {
            weight: Weight::Bold,
            ..self
        }
    }
    pub const fn faint(self) -> Font {
        Font { colour: FAINT, ..self }
    }
    pub const fn coloured(self, colour: Colour) -> Font {
        Font { colour, ..self }
    }
    pub const fn anchored(self, anchor: Anchor) -> Font {
        Font { anchor, ..self }
    }

    /// Of the text in this font, in pixels.
    pub fn width(&self, text: &str) -> f64 {
        let width = |c: char| {
            let at = (c as usize).wrapping_sub(' ' as usize);
            u32::from(WIDTHS.get(at).copied().unwrap_or(WIDTH_OTHERWISE))
        };
        let units: u32 = text.chars().map(width).sum();
        let stretch = if self.weight == Weight::Bold { BOLD } else { 1.0 };
        f64::from(units) / 2048.0 * self.size * stretch
    }

    /// As much of the text as fits, with an ellipsis if that is not all.
    pub fn clip(&self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut kept: String = text.to_owned();
        while !kept.is_empty() && self.width(&kept) + self.size > width {
            kept.pop();
        }
        format!("{}…", kept.trim_end())
    }

    /// The text in lines that fit, broken at spaces.
    pub fn wrap(&self, text: &str, width: f64) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            match lines.last_mut() {
                Some(line) if self.width(line) + self.width(" ") + self.width(word) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => lines.push(word.to_owned()),
            }
        }
        lines
    }
}

/// Draws into an SVG document of a given size.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

impl<'a> Canvas<'a> {
    /// Draws on a white sheet of `width` × `height` pixels. `title` and `words` are for those who cannot see it.
    pub fn svg(width: f64, height: f64, title: &str, words: &str, draw: impl FnOnce(&Canvas)) -> String {
        let mut document = String::new();
        let size = ((width * FINE) as u32, (height * FINE) as u32);
        {
            let area = SVGBackend::with_string(&mut document, size).into_drawing_area();
            let canvas = Canvas { area };
            canvas.rectangle((0.0, 0.0), (width, height), Paint::solid(WHITE));
            draw(&canvas);
            canvas.area.present().expect("an SVG in memory cannot fail");
        }
        finish(&document, size, title, words)
    }

    pub fn line(&self, from: Point, to: Point, width: f64, paint: Paint) {
        self.polyline(&[from, to], width, paint);
    }

    pub fn polyline(&self, points: &[Point], width: f64, paint: Paint) {
        let points: Vec<(i32, i32)> = points.iter().map(|&point| fine(point)).collect();
        self.draw(&PathElement::new(points, stroke(width, paint)));
    }

    /// Dashes of 6 pixels with gaps of 4.
    pub fn dashed(&self, points: &[Point], width: f64, colour: Colour) {
        self.polyline(points, width, Paint::faint(colour, DASHED));
    }

    pub fn polygon(&self, points: &[Point], paint: Paint) {
        let points: Vec<(i32, i32)> = points.iter().map(|&point| fine(point)).collect();
        self.draw(&Polygon::new(points, paint.rgba()));
    }

    pub fn rectangle(&self, upper_left: Point, lower_right: Point, paint: Paint) {
        let style = ShapeStyle {
            color: paint.rgba(),
            filled: true,
            stroke_width: 0,
        };
        self.draw(&Rectangle::new([fine(upper_left), fine(lower_right)], style));
    }

    pub fn dot(&self, centre: Point, radius: f64, paint: Paint) {
        let style = ShapeStyle {
            color: paint.rgba(),
            filled: true,
            stroke_width: 0,
        };
        self.draw(&Circle::new(fine(centre), (radius * FINE) as i32, style));
    }

    pub fn text(&self, text: &str, at: Point, font: Font) {
        let anchor = match font.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let weight = match font.weight {
            Weight::Normal => FontStyle::Normal,
            Weight::Bold => FontStyle::Bold,
        };
        // The backend divides by 1.24; whole units keep its division from printing a float.
        let size = (font.size * FINE).round() * 1.24;
        let style = ("sans-serif", size, weight)
            .into_text_style(&self.area)
            .color(&font.colour);
        // The baseline by hand, as units of the x-height differ between viewers: a third of the size below the middle.
        let (x, y) = fine((at.0, at.1 + font.size * 0.36 - font.size * 0.76));
        self.draw(&Text::new(
            text.to_owned(),
            (x, y),
            style.pos(Pos::new(anchor, VPos::Top)),
        ));
    }

    fn draw<E>(&self, element: &E)
    where
        E: Drawable<SVGBackend<'a>>,
        for<'p> &'p E: PointCollection<'p, (i32, i32)>,
    {
        self.area.draw(element).expect("an SVG in memory cannot fail");
    }
}

fn fine(point: Point) -> (i32, i32) {
    ((point.0 * FINE).round() as i32, (point.1 * FINE).round() as i32)
}

fn stroke(width: f64, paint: Paint) -> ShapeStyle {
    ShapeStyle {
        color: paint.rgba(),
        filled: false,
        stroke_width: (width * FINE).round() as u32,
    }
}

/// Gives the document its size in pixels, and words for those who cannot see it.
fn finish(document: &str, size: (u32, u32), title: &str, words: &str) -> String {
    let (_, body) = document
        .split_once('\n')
        .expect("the document begins with the line of its root element");
    let dashes = format!("opacity=\"1\" stroke-dasharray=\"{} {}\"", 6.0 * FINE, 4.0 * FINE);
    let body = body.replace(&format!("opacity=\"{DASHED}\""), &dashes);
    format!(
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{}</title>\n<desc>{}</desc>\n{body}",
        f64::from(size.0) / FINE,
        f64::from(size.1) / FINE,
        size.0,
        size.1,
        escape(title),
        escape(words),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_font() {
        // In DejaVu Sans at 2048 units: "in" is 569 + 1298.
        assert!((Font::new(20.48).width("in") - 18.67).abs() < 1e-9);
        assert!(Font::new(12.0).bold().width("in") > Font::new(12.0).width("in"));
    }

    #[test]
    fn long_texts_are_clipped_and_wrapped_to_the_width() {
        let font = Font::new(10.0);
        let clipped = font.clip("a rather long label", 60.0);
        assert!(clipped.ends_with('…') && font.width(&clipped) <= 60.0, "{clipped}");
        assert_eq!(font.clip("short", 60.0), "short");
        let lines = font.wrap("one two three four five", 60.0);
        assert!(
            lines.len() > 1 && lines.iter().all(|line| font.width(line) <= 60.0),
            "{lines:?}"
        );
        assert_eq!(lines.join(" "), "one two three four five");
    }

    #[test]
    fn texts_are_escaped_in_the_document() {
        let svg = Canvas::svg(10.0, 10.0, "a < b", "x & y", |canvas| {
            canvas.text("p99 < 1 & more", (1.0, 1.0), Font::new(10.0));
        });
        assert!(
            svg.contains("<title>a &lt; b</title>") && svg.contains("p99 &lt; 1 &amp; more"),
            "{svg}"
        );
    }
}

//! Equal windows of time, and which of them an instant falls into.
//!
//! [`Windows::at`] is on the request path, so it multiplies by the reciprocal and puts the last unit right by comparing,
//! which is exact and does not divide. Windows are closed on the left and open on the right; the last one may be cut
//! short by the end.

use crate::units::{Instant, Span};

/// Consecutive windows of one width that cover `[start, end)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Windows {
    start: Instant,
    end: Instant,
    width: Span,
    reciprocal: f64,
    count: usize,
}

impl Windows {
    /// Panics if the width is zero or the end does not lie after the start.
    pub fn new(start: Instant, end: Instant, width: Span) -> Self {
        assert!(!width.is_zero(), "windows need a width");
        assert!(start < end, "windows need time to cover");
        let length = end.since(start).nanos();
        Windows {
            start,
            end,
            width,
            reciprocal: 1.0 / width.nanos() as f64,
            count: length.div_ceil(width.nanos()) as usize,
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }
    pub fn width(&self) -> Span {
        self.width
    }

    /// The window that contains `at`; `None` outside all of them.
    #[inline]
    pub fn at(&self, at: Instant) -> Option<usize> {
        if at < self.start || at >= self.end {
            return None;
        }
        let offset = at.since(self.start).nanos();
        let guess = (offset as f64 * self.reciprocal) as u64;
        // The product is off by less than one window, in either direction.
        let guess = if guess * self.width.nanos() > offset {
            guess - 1
        } else {
            guess
        };
        let guess = if (guess + 1) * self.width.nanos() <= offset {
            guess + 1
        } else {
            guess
        };
        Some(guess as usize)
    }

    /// `[from, to)` of a window; the last one ends where all end.
    pub fn bounds(&self, window: usize) -> (Instant, Instant) {
        let from = self.start + Span::from_nanos(self.width.nanos() * window as u64);
        (from, (from + self.width).min(self.end))
    }

    /// Splits `[from, to)` at the windows' borders: each window that it touches and the time it spends there.
    pub fn split(&self, from: Instant, to: Instant) -> impl Iterator<Item = (usize, Span)> + '_ {
        let from = from.max(self.start);
        let to = to.min(self.end);
        let windows = match (self.at(from), from < to) {
            (Some(first), true) => first..self.count,
            _ => 0..0,
        };
        windows
            .map(move |window| {
                let (begins, ends) = self.bounds(window);
                (window, ends.min(to).since(begins.max(from)))
            })
            .take_while(|(_, time)| !time.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(s: u64) -> Instant {
        Instant::ZERO + Span::from_secs(s)
    }

    #[test]
    fn an_instant_on_a_border_belongs_to_the_later_window() {
        let windows = Windows::new(seconds(10), seconds(40), Span::from_secs(12));
        assert_eq!(windows.count(), 3);
        assert_eq!(windows.at(seconds(9)), None);
        assert_eq!(windows.at(seconds(10)), Some(0));
        assert_eq!(windows.at(seconds(22) - Span::from_nanos(1)), Some(0));
        assert_eq!(windows.at(seconds(22)), Some(1));
        assert_eq!(windows.at(seconds(39)), Some(2));
        assert_eq!(windows.at(seconds(40)), None);
        assert_eq!(windows.bounds(2), (seconds(34), seconds(40)));
    }

    #[test]
    fn agrees_with_integer_division_at_every_border() {
        for width in [1, 3, 7, 1_000_003, 333_333_333, 60_000_000_000] {
            let windows = Windows::new(
                Instant::ZERO,
                Instant::from_nanos(width * 5000),
                Span::from_nanos(width),
            );
            for border in (0..5000).map(|k| k * width) {
                for at in [border.saturating_sub(1), border, border + 1] {
                    if at < width * 5000 {
                        assert_eq!(
                            windows.at(Instant::from_nanos(at)),
                            Some((at / width) as usize),
                            "{at} / {width}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn splits_a_stretch_of_time_at_the_borders() {
        let windows = Windows::new(seconds(10), seconds(40), Span::from_secs(10));
        let pieces: Vec<_> = windows.split(seconds(5), seconds(25)).collect();
        assert_eq!(pieces, [(0, Span::from_secs(10)), (1, Span::from_secs(5))]);
        let pieces: Vec<_> = windows.split(seconds(33), seconds(50)).collect();
        assert_eq!(pieces, [(2, Span::from_secs(7))]);
        assert_eq!(windows.split(seconds(41), seconds(50)).count(), 0);
        assert_eq!(windows.split(seconds(15), seconds(15)).count(), 0);
    }
}

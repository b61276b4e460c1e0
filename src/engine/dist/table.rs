//! Quantile tables: a shape's quantile as monotone cubics, so that a draw is a look-up, three multiplications and
//! three additions.
//!
//! Each half of the probability is cut by octaves (a quarter, an eighth, …) and each octave into equal cells, so that
//! the cells shrink towards both tails as the quantile grows steeper. Within a cell the cubic has the quantile's value
//! and slope at both ends, the slope limited to keep it monotone (Fritsch and Carlson). Beyond the last octave, once in
//! a million draws, the shape itself is asked.
//!
//! Everything is built through `libm` and evaluated without fused operations, so that a table and a draw are the same
//! bytes everywhere. A table's mean is that of its shape to 1e-7.

use super::shape::Shape;
use crate::special::Mass;

const CELL_BITS: u32 = 5;
const CELLS_PER_OCTAVE: usize = 1 << CELL_BITS;
const OCTAVES: usize = 20;
const CELLS: usize = 2 * OCTAVES * CELLS_PER_OCTAVE;

/// How far the mean of a table may lie from that of its shape, relatively.
const MEAN_TOLERANCE: f64 = 1e-7;

/// A shape's quantile, ready for draws: 40 KB, of which the first kilobytes serve nearly all.
#[derive(Clone)]
pub(super) struct Table {
    shape: Shape,
    cells: [Cell; CELLS],
}

/// The coefficients of a cubic over [0, 1), constant term first; never across two lines of the cache.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Cell([f64; 4]);

impl Table {
    /// The table of a shape.
    ///
    /// # Panics
    /// If its mean is not the shape's. The ranges that [`super::Dist`] accepts keep it ten times closer than demanded.
    pub(super) fn build(shape: Shape) -> Table {
        let mut table = Table {
            shape,
            cells: [Cell([0.0; 4]); CELLS],
        };
        for octave in 0..OCTAVES {
            for (side, mass) in [Mass::Below as fn(f64) -> Mass, Mass::Above].into_iter().enumerate() {
                for cell in 0..CELLS_PER_OCTAVE {
                    let width = cell_width(octave);
                    let start = width * (CELLS_PER_OCTAVE + cell) as f64;
                    let index = (octave * 2 + side) * CELLS_PER_OCTAVE + cell;
                    table.cells[index] = Cell::between(shape, mass(start), mass(start + width), width);
                }
            }
        }
        let error = table.mean() / shape.mean() - 1.0;
        assert!(
            error.abs() < MEAN_TOLERANCE,
            "the table of {shape:?} has a mean that is off by {error:e}"
        );
        table
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// The quantile at 64 uniform bits, read as the binary places of a probability.
    #[inline(always)]
    pub(super) fn at(&self, bits: u64) -> f64 {
        let upper = bits >> 63;
        // The distance to the nearer end, below a half: the upper side is the lower one's complement.
        let tail = bits ^ upper.wrapping_neg();
        // With a one at the end, nothing needs to be asked about zero, which lies far beyond the last octave either way.
        let octave = (tail | 1).leading_zeros() - 1;
        // What follows the leading one: first the cell, then the place within it.
        let rest = tail.wrapping_shl(octave + 2);
        let cell = rest >> (64 - CELL_BITS);
        let index = u64::from(octave) << (CELL_BITS + 1) | upper << CELL_BITS | cell;
        match self.cells.get(index as usize) {
            Some(Cell([a, b, c, d])) => {
                let t = (rest << CELL_BITS >> 11) as i64 as f64 * (1.0 / (1u64 << 53) as f64);
                a + t * (b + t * (c + t * d))
            }
            None => self.far(tail, upper == 1),
        }
    }

    /// The quantile beyond the last octave.
    #[cold]
    #[inline(never)]
    fn far(&self, tail: u64, upper: bool) -> f64 {
        let mass = (tail as f64 + 0.5) * (0.5 / (1u64 << 63) as f64);
        self.shape
            .quantile(if upper { Mass::Above(mass) } else { Mass::Below(mass) })
    }

    /// The mean of what the table draws: its cells exactly, the upper tail by the shape's formula, the lower by octaves
    /// (it holds half a millionth of the mass and the least of the values).
    fn mean(&self) -> f64 {
        let end = cell_width(OCTAVES - 1) * CELLS_PER_OCTAVE as f64;
        let lower: f64 = (1..=40)
            .map(|octave| end / (1u64 << octave) as f64)
            .map(|width| width * self.shape.quantile(Mass::Below(1.5 * width)))
            .sum();
        let cells = self.cells.iter().enumerate().rev();
        let body: f64 = cells
            .map(|(index, Cell([a, b, c, d]))| {
                cell_width(index / (2 * CELLS_PER_OCTAVE)) * (a + b / 2.0 + c / 3.0 + d / 4.0)
            })
            .sum();
        lower + body + self.shape.mean_above(end)
    }

    /// All coefficients, for a golden hash.
    #[cfg(test)]
    pub(super) fn coefficients(&self) -> impl Iterator<Item = f64> + '_ {
        self.cells.iter().flat_map(|cell| cell.0)
    }
}

/// The mass of one cell: octave 0 is the quarter next to the median.
fn cell_width(octave: usize) -> f64 {
    1.0 / (1u64 << (octave as u32 + 2 + CELL_BITS)) as f64
}

impl Cell {
    /// The monotone cubic between the quantiles of two masses of the same side, `width` apart.
    fn between(shape: Shape, start: Mass, end: Mass, width: f64) -> Cell {
        let (from, to) = (shape.quantile(start), shape.quantile(end));
        let rise = to - from;
        // The slope counts mass from below; on the upper side the cell runs the other way, as `rise` does.
        let slope = |mass: Mass, x: f64| rise.signum() * (shape.slope(mass, x) * width).min(3.0 * rise.abs());
        let (first, last) = (slope(start, from), slope(end, to));
        Cell([from, first, 3.0 * rise - 2.0 * first - last, first + last - 2.0 * rise])
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table of {:?}", self.shape)
    }
}

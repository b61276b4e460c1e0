//! Laws: distributions compiled for the request path.
//!
//! A draw is a function of a key's 64 bits. Families that are one shape times a scale share the shape's quantile table
//! with every other law of that shape; constants and uniforms are computed; lists are searched. Every law but a mixture
//! inverts one uniform, so that equal keys stay in step across laws.
//!
//! Deliberately not here: questions about the distribution (ask the [`Dist`]), and other uses of randomness.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shape::Shape;
use super::table::Table;
use super::{Dist, Empirical, Family};
use crate::engine::random::{Key, uniform_from};
use crate::units::{NANOS_PER_SECOND, Span};

/// A distribution ready to be drawn from. Cheap to clone; 32 bytes.
#[derive(Clone, Debug)]
pub struct Law(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Constant {
        value: f64,
        span: Span,
    },
    Uniform {
        low: f64,
        width: f64,
    },
    Table {
        table: Arc<Table>,
        scale: f64,
        scale_in_nanos: f64,
    },
    Empirical(Arc<Empirical>),
    Mixture(Arc<Mixture>),
}

#[derive(Clone, Debug)]
struct Mixture {
    dist: Dist,
    /// Each part with the share of it and those before.
    parts: Vec<(f64, Law)>,
}

/// The tables built so far, one a shape, so that a hundred lognormal laws of one cv share theirs.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    by_shape: BTreeMap<(u8, u64, u64), Arc<Table>>,
}

impl Tables {
    pub fn new() -> Self {
        Tables::default()
    }

    fn of(&mut self, shape: Shape) -> Arc<Table> {
        let key = match shape {
            Shape::Exponential => (0, 0, 0),
            Shape::Lognormal { sigma } => (1, sigma.to_bits(), 0),
            Shape::Gamma { shape } => (2, shape.to_bits(), 0),
            Shape::Weibull { shape } => (3, shape.to_bits(), 0),
            Shape::Pareto { alpha, bound } => (4, alpha.to_bits(), bound.to_bits()),
        };
        self.by_shape
            .entry(key)
            .or_insert_with(|| Arc::new(Table::build(shape)))
            .clone()
    }
}

/// What a mixture draws below its key: which part, and from it.
const PART: u64 = 0x7061_7274;
const WITHIN: u64 = 0x7769_7468;

impl Law {
    /// Compiles a distribution. One `tables` for a whole blueprint, so that laws of one shape share.
    pub fn compile(dist: &Dist, tables: &mut Tables) -> Law {
        if let Some((scale, shape)) = dist.shape() {
            let scale_in_nanos = scale * NANOS_PER_SECOND as f64;
            return Law(Kind::Table {
                table: tables.of(shape),
                scale,
                scale_in_nanos,
            });
        }
        Law(match dist.family() {
            Family::Constant(value) => Kind::Constant {
                value: *value,
                span: span_of(*value),
            },
            Family::Uniform { low, high } => Kind::Uniform {
                low: *low,
                width: high - low,
            },
            Family::Empirical(empirical) => Kind::Empirical(Arc::new(empirical.clone())),
            Family::Mixture(components) => {
                let mut share = 0.0;
                let compiled = components.iter().map(|part| {
                    share += part.share;
                    (share, Law::compile(&part.dist, tables))
                });
                let parts = compiled.collect();
                Kind::Mixture(Arc::new(Mixture {
                    dist: dist.clone(),
                    parts,
                }))
            }
            _ => unreachable!("the other families have a shape"),
        })
    }

    /// The law of a span that never varies.
    pub fn constant(span: Span) -> Law {
        Law(Kind::Constant {
            value: span.seconds(),
            span,
        })
    }

    /// Draws a span, the distribution being in seconds: rounded to the nearest nanosecond.
    #[inline(always)]
    pub fn sample(&self, key: Key) -> Span {
        match &self.0 {
            Kind::Constant { span, .. } => *span,
            Kind::Table {
                table, scale_in_nanos, ..
            } => rounded(table.at(key.bits()) * scale_in_nanos),
            _ => span_of(self.draw_without_table(key)),
        }
    }

    /// Draws a number in the distribution's own unit.
    #[inline]
    pub fn draw(&self, key: Key) -> f64 {
        match &self.0 {
            Kind::Table { table, scale, .. } => table.at(key.bits()) * scale,
            _ => self.draw_without_table(key),
        }
    }

    #[inline(never)]
    fn draw_without_table(&self, key: Key) -> f64 {
        match &self.0 {
            Kind::Mixture(mixture) => mixture.pick(key.child(PART).uniform()).draw(key.child(WITHIN)),
            _ => self.at(key.bits()),
        }
    }

    /// The number that the law gives for the uniform `u`, in the distribution's own unit: its quantile, by the same
    /// arithmetic as a draw. (A mixture, whose draws take two uniforms, is inverted numerically.)
    pub fn sample_unit(&self, u: f64) -> f64 {
        self.at((u * 2.0 * (1u64 << 63) as f64) as u64)
    }

    #[inline]
    fn at(&self, bits: u64) -> f64 {
        match &self.0 {
            Kind::Constant { value, .. } => *value,
            Kind::Uniform { low, width } => low + uniform_from(bits) * width,
            Kind::Table { table, scale, .. } => table.at(bits) * scale,
            Kind::Empirical(empirical) => empirical.at(uniform_from(bits)),
            Kind::Mixture(mixture) => mixture.dist.quantile(uniform_from(bits)),
        }
    }

    /// The span, if it is always the same.
    #[inline]
    pub fn is_constant(&self) -> Option<Span> {
        match self.0 {
            Kind::Constant { span, .. } => Some(span),
            _ => None,
        }
    }

    /// The longest span that a draw can give; a law without a bound has one all the same, a uniform being 53 bits.
    pub fn longest(&self) -> Span {
        match &self.0 {
            Kind::Mixture(mixture) => {
                let parts = mixture.parts.iter().map(|(_, law)| law.longest());
                parts.max().unwrap_or(Span::ZERO)
            }
            Kind::Constant { span, .. } => *span,
            _ => span_of(self.at(u64::MAX)),
        }
    }

    /// The exact mean, in the distribution's own unit.
    pub fn mean(&self) -> f64 {
        match &self.0 {
            Kind::Constant { value, .. } => *value,
            Kind::Uniform { low, width } => low + 0.5 * width,
            Kind::Table { table, scale, .. } => scale * table.shape().mean(),
            Kind::Empirical(empirical) => empirical.probabilities().map(|(value, p)| value * p).sum(),
            Kind::Mixture(mixture) => mixture.dist.mean(),
        }
    }
}

impl Mixture {
    fn pick(&self, u: f64) -> &Law {
        let index = self.parts.partition_point(|&(up_to, _)| up_to <= u);
        // Shares that add up to just under 1 leave the rest to the last part.
        &self.parts[index.min(self.parts.len() - 1)].1
    }
}

#[inline]
fn span_of(seconds: f64) -> Span {
    rounded(seconds * NANOS_PER_SECOND as f64)
}

/// The nearest nanosecond; halves go to the even one.
#[inline]
fn rounded(nanos: f64) -> Span {
    /// One unit in the last place of this is 1, so that adding it rounds, in one instruction where a saturating cast
    /// takes five. The lower bits are then the integer.
    const UNIT: f64 = (1u64 << 52) as f64;
    if nanos < UNIT * 0.5 {
        Span::from_nanos((nanos + UNIT).to_bits() - UNIT.to_bits())
    } else {
        // Above 26 days a double has no more than halves of a nanosecond to round.
        Span::from_nanos(nanos as u64)
    }
}

//! What the values of a swept path are measured in, so that they can be drawn from a range and written as numbers.

use crate::scenario::quantity::{self, Flaw, significant};
use crate::scenario::tree::{Node, Value};
use crate::units::{CpuUnits, MiB, Ratio, Span};

/// The kinds of number that a range or a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    Number,
    Duration,
    Memory,
    Cpu,
    Rate,
    Ratio,
    Factor,
    Throughput,
    Size,
    Money,
    Intervals,
}

impl Dimension {
    /// `MiB` is memory before it is a size, as it is in most keys.
    const ALL: [Dimension; 11] = [
        Dimension::Number,
        Dimension::Duration,
        Dimension::Memory,
        Dimension::Cpu,
        Dimension::Rate,
        Dimension::Ratio,
        Dimension::Factor,
        Dimension::Throughput,
        Dimension::Size,
        Dimension::Money,
        Dimension::Intervals,
    ];

    /// The dimension that all values share; `None` if there is none, as between words.
    pub(super) fn of<'n>(nodes: impl Iterator<Item = &'n Node> + Clone) -> Option<Dimension> {
        Dimension::ALL
            .into_iter()
            .find(|dimension| nodes.clone().all(|node| dimension.read(node).is_some()))
    }

    /// A name by which files tell it.
    pub const fn name(self) -> &'static str {
        match self {
            Dimension::Number => "number",
            Dimension::Duration => "s",
            Dimension::Memory => "mib",
            Dimension::Cpu => "vcpu",
            Dimension::Rate => "per_s",
            Dimension::Ratio => "share",
            Dimension::Factor => "factor",
            Dimension::Throughput => "mib_per_s",
            Dimension::Size => "bytes",
            Dimension::Money => "usd",
            Dimension::Intervals => "intervals",
        }
    }

    /// The inverse of [`Dimension::name`].
    pub fn by_name(name: &str) -> Option<Dimension> {
        Dimension::ALL.into_iter().find(|dimension| dimension.name() == name)
    }

    /// The value in the dimension's unit: seconds, MiB, vCPU, a second, a share, bytes, USD.
    pub(super) fn read(self, node: &Node) -> Option<f64> {
        let text = match (&node.value, self) {
            (Value::Number(text), Dimension::Number | Dimension::Cpu) => text,
            (Value::Text(text), dimension) if dimension != Dimension::Number => text,
            _ => return None,
        };
        self.read_text(text)
    }

    /// The same of a value as it was written.
    pub fn read_text(self, text: &str) -> Option<f64> {
        let value: Result<f64, Flaw> = match self {
            Dimension::Number => text.parse::<f64>().map_err(|_| Flaw::Malformed),
            Dimension::Duration => quantity::duration(text).map(Span::seconds),
            Dimension::Memory => quantity::memory(text).map(|memory| memory.0 as f64),
            Dimension::Cpu => quantity::cpu(text).map(|cpu| f64::from(cpu.0) / 1024.0),
            Dimension::Rate => quantity::rate(text),
            Dimension::Ratio => quantity::ratio(text).map(Ratio::get),
            Dimension::Factor => quantity::factor(text),
            Dimension::Throughput => quantity::throughput(text),
            Dimension::Size => quantity::size(text).map(|bytes| bytes as f64),
            Dimension::Money => quantity::money(text),
            Dimension::Intervals => quantity::intervals(text),
        };
        value.ok().filter(|value| value.is_finite())
    }

    /// The value as a scenario has it, rounded to so many digits and to what the unit can tell.
    pub(super) fn write(self, value: f64, digits: usize) -> Value {
        let value = significant(value, digits);
        let text = match self {
            Dimension::Number => return Value::Number(value.to_string()),
            Dimension::Duration => quantity::print_duration(Span::from_secs_f64(value)),
            Dimension::Memory => quantity::print_memory(MiB(value.round() as u64)),
            Dimension::Cpu => quantity::print_cpu(CpuUnits((value * 1024.0).round() as u32)),
            Dimension::Rate => quantity::print_rate(value),
            // Of the percent, not of the share: what is written has so many digits, and no more.
            Dimension::Ratio => format!("{}%", significant(100.0 * value, digits).clamp(0.0, 100.0)),
            Dimension::Factor => quantity::print_factor(value),
            Dimension::Throughput => quantity::print_throughput(value),
            Dimension::Size => quantity::print_size(value.round() as u64),
            Dimension::Money => quantity::print_money(value),
            Dimension::Intervals => quantity::print_intervals(value),
        };
        Value::Text(text)
    }
}

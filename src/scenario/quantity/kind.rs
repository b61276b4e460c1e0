//! The kinds of quantity by the name that the language's schema gives them.
//!
//! A kind knows how its values look (for messages and editors) and whether a text is one. The schema carries the name as
//! JSON Schema's `format`.

use super::*;

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Duration,
    Cpu,
    Memory,
    Rate,
    Ratio,
    Factor,
    Throughput,
    Size,
    Money,
    Intervals,
    Moment,
    StatusCodes,
    Level,
    OrOff,
}

impl Kind {
    pub const ALL: [Kind; 14] = [
        Kind::Duration,
        Kind::Cpu,
        Kind::Memory,
        Kind::Rate,
        Kind::Ratio,
        Kind::Factor,
        Kind::Throughput,
        Kind::Size,
        Kind::Money,
        Kind::Intervals,
        Kind::Moment,
        Kind::StatusCodes,
        Kind::Level,
        Kind::OrOff,
    ];

    /// The schema's `format`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Duration => "duration",
            Kind::Cpu => "cpu",
            Kind::Memory => "memory",
            Kind::Rate => "rate",
            Kind::Ratio => "ratio",
            Kind::Factor => "factor",
            Kind::Throughput => "throughput",
            Kind::Size => "size",
            Kind::Money => "money",
            Kind::Intervals => "intervals",
            Kind::Moment => "moment",
            Kind::StatusCodes => "status-codes",
            Kind::Level => "level",
            Kind::OrOff => "or-off",
        }
    }

    pub fn by_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// For messages: "expected …".
    pub const fn expectation(self) -> &'static str {
        match self {
            Kind::Duration => "a time with its unit (ns, us, ms, s, m, h, d), like `250ms` or `1.5h`",
            Kind::Cpu => "CPU units, like `256`, or vCPUs, like `0.25 vCPU`",
            Kind::Memory => "a size with its unit (MiB, GiB, TiB), like `512 MiB`",
            Kind::Rate => "a rate with its unit (/s, /m, /h, /d), like `300/s`",
            Kind::Ratio => "a share in percent from 0% to 100%, like `70%`",
            Kind::Factor => "a factor, like `1.4x`",
            Kind::Throughput => "a throughput, like `80 MiB/s`",
            Kind::Size => "a size with its unit (B, KiB, MiB, GiB, kB, MB, GB), like `30 KiB`",
            Kind::Money => "an amount of money, like `12.50 USD`",
            Kind::Intervals => "a share of the interval, like `0.5 interval`",
            Kind::Moment => "a date and time in UTC, like `2026-11-27T18:00:00Z`",
            Kind::StatusCodes => "status codes from 200 to 499, like `200` or `200-299,301`",
            Kind::Level => "a number, a share like `2%`, or a time like `250ms`",
            Kind::OrOff => "a whole number from 1 on, or `off`",
        }
    }

    /// A regular expression for editors; what it lets through can still be out of range.
    pub const fn pattern(self) -> &'static str {
        match self {
            Kind::Duration => r"^\s*[0-9.]+(e[0-9]+)?\s*(ns|us|µs|ms|s|m|h|d)\s*$",
            Kind::Cpu => r"^\s*[0-9.]+\s*(vCPU|vcpu|vCPUs)?\s*$",
            Kind::Memory => r"^\s*[0-9.]+\s*(MiB|GiB|TiB)\s*$",
            Kind::Rate => r"^\s*[0-9.]+(e[0-9]+)?\s*/(s|m|h|d)\s*$",
            Kind::Ratio => r"^\s*[0-9.]+\s*%\s*$",
            Kind::Factor => r"^\s*[0-9.]+\s*x\s*$",
            Kind::Throughput => r"^\s*[0-9.]+\s*(MiB|GiB)/s\s*$",
            Kind::Size => r"^\s*[0-9.]+\s*(B|KiB|MiB|GiB|kB|MB|GB)\s*$",
            Kind::Money => r"^\s*[0-9.]+\s*USD\s*$",
            Kind::Intervals => r"^\s*([0-9.]+\s*intervals?|0s)\s*$",
            Kind::Moment => r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z$",
            Kind::StatusCodes => r"^[0-9]{3}(-[0-9]{3})?(,[0-9]{3}(-[0-9]{3})?)*$",
            Kind::Level => r"^\s*[0-9.]+\s*(%|ns|us|µs|ms|s|m|h)?\s*$",
            Kind::OrOff => r"^([1-9][0-9]*|off)$",
        }
    }

    /// Whether a bare number (not a text) may stand for it.
    pub const fn takes_numbers(self) -> bool {
        matches!(self, Kind::Cpu | Kind::StatusCodes | Kind::Level | Kind::OrOff)
    }

    /// A harmless value, put in place of a wrong one so that the rest can still be checked.
    pub const fn stand_in(self) -> &'static str {
        match self {
            Kind::Duration => "1s",
            Kind::Cpu => "1 vCPU",
            Kind::Memory => "2 GiB",
            Kind::Rate => "1/s",
            Kind::Ratio => "50%",
            Kind::Factor => "1x",
            Kind::Throughput => "80 MiB/s",
            Kind::Size => "1 KiB",
            Kind::Money => "1 USD",
            Kind::Intervals => "1 interval",
            Kind::Moment => "2026-01-01T00:00:00Z",
            Kind::StatusCodes => "200",
            Kind::Level => "1",
            Kind::OrOff => "off",
        }
    }

    /// Whether the text is a value of this kind.
    pub fn check(self, text: &str) -> Result<(), Flaw> {
        match self {
            Kind::Duration => duration(text).map(drop),
            Kind::Cpu => cpu(text).map(drop),
            Kind::Memory => memory(text).map(drop),
            Kind::Rate => rate(text).map(drop),
            Kind::Ratio => ratio(text).map(drop),
            Kind::Factor => factor(text).map(drop),
            Kind::Throughput => throughput(text).map(drop),
            Kind::Size => size(text).map(drop),
            Kind::Money => money(text).map(drop),
            Kind::Intervals => intervals(text).map(drop),
            Kind::Moment => moment(text).map(drop),
            Kind::StatusCodes => status_codes(text).map(drop),
            Kind::Level => level(text).map(drop),
            Kind::OrOff => or_off(text).map(drop),
        }
    }
}

/// A bound in the unit of whatever it bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Level {
    Number(f64),
    /// In percent: `2%` is 2.
    Percent(f64),
    Duration(Span),
}

/// `100`, `2%` or `250ms`.
pub fn level(text: &str) -> Result<Level, Flaw> {
    match split(text) {
        Err(Flaw::NoUnit) => float(text.trim()).map(Level::Number),
        Ok((number, "%")) => float(number).map(Level::Percent),
        Ok(_) => duration(text).map(Level::Duration),
        Err(flaw) => Err(flaw),
    }
}

/// A whole number from 1 on; `None`: `off`.
pub fn or_off(text: &str) -> Result<Option<u32>, Flaw> {
    match text.trim() {
        "off" => Ok(None),
        number => match number.parse() {
            Ok(0) => Err(Flaw::OutOfRange("too small")),
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Flaw::Malformed),
        },
    }
}

pub fn print_or_off(number: Option<u32>) -> String {
    number.map_or_else(|| "off".to_owned(), |number| number.to_string())
}

/// Inclusive ranges of HTTP status codes.
pub fn status_codes(text: &str) -> Result<Vec<(u16, u16)>, Flaw> {
    text.split(',')
        .map(|part| {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            let code = |text: &str| text.trim().parse::<u16>().map_err(|_| Flaw::Malformed);
            let (low, high) = (code(low)?, code(high)?);
            if low < 200 || high > 499 || low > high {
                return Err(Flaw::OutOfRange("outside 200-499"));
            }
            Ok((low, high))
        })
        .collect()
}

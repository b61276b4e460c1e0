//! Numbers with units as people write them: `250ms`, `0.25 vCPU`, `512 MiB`, `300/s`, `70%`, `1.4x`.
//!
//! Decimals are read exactly: `0.1ms` is 100,000 ns, not what a double makes of it, and what is finer than a nanosecond
//! is refused, not rounded in silence. Each kind has a reader, a printer that writes the shortest text that reads back as
//! the same value, and a line in [`Kind`], by which the language's schema names it. A bare number is never a quantity.

use crate::units::{CpuUnits, MiB, Ratio, Span};

mod kind;
mod moment;

pub use kind::{Kind, Level, level, or_off, print_or_off, status_codes};
pub use moment::{Date, moment, print_moment};

/// Why a text is not the quantity that was wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A number without the unit that it needs.
    NoUnit,
    /// Not a number with one of the known units.
    Malformed,
    Negative,
    /// Infinite or not a number.
    NotFinite,
    /// Finer or larger than can be told; in words.
    OutOfRange(&'static str),
}

/// Units of time, with their length in nanoseconds, from short to long.
const TIME_UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// `1.5s`, `20us`, `2h`.
pub fn duration(text: &str) -> Result<Span, Flaw> {
    let (number, unit) = split(text)?;
    let (_, nanos) = TIME_UNITS
        .into_iter()
        .find(|(name, _)| *name == unit)
        .ok_or(Flaw::Malformed)?;
    let too_fine = Flaw::OutOfRange("finer than a nanosecond");
    let total = decimal_times(number, nanos)?.ok_or(too_fine)?;
    let total = u64::try_from(total).map_err(|_| Flaw::OutOfRange("longer than 500 years"))?;
    if total > 500 * 365 * 86_400_000_000_000 {
        return Err(Flaw::OutOfRange("longer than 500 years"));
    }
    Ok(Span::from_nanos(total))
}

pub fn print_duration(span: Span) -> String {
    let nanos = u128::from(span.nanos());
    if nanos == 0 {
        return "0s".to_owned();
    }
    // Minutes and hours only when whole, so that 90 s stays `90s` and 1.5 ms `1.5ms`.
    for (unit, length) in [("d", TIME_UNITS[7].1), ("h", TIME_UNITS[6].1), ("m", TIME_UNITS[5].1)] {
        if nanos.is_multiple_of(length) {
            return format!("{}{unit}", nanos / length);
        }
    }
    let (unit, length) = TIME_UNITS[..5]
        .iter()
        .rev()
        .find(|(name, length)| *name != "µs" && nanos >= *length)
        .expect("a nanosecond divides every span");
    let (whole, rest) = (nanos / length, nanos % length);
    if rest == 0 {
        return format!("{whole}{unit}");
    }
    let digits = length.ilog10() as usize;
    let fraction = format!("{rest:0digits$}");
    format!("{whole}.{}{unit}", fraction.trim_end_matches('0'))
}

/// `0.25 vCPU` or, as ECS has it, whole CPU units.
pub fn cpu(text: &str) -> Result<CpuUnits, Flaw> {
    let units = match split(text) {
        Ok((number, "vCPU" | "vcpu" | "vCPUs")) => {
            decimal_times(number, 1024)?.ok_or(Flaw::OutOfRange("not a whole number of CPU units (1024 are 1 vCPU)"))?
        }
        Ok(_) => return Err(Flaw::Malformed),
        Err(Flaw::NoUnit) => {
            decimal_times(text.trim(), 1)?.ok_or(Flaw::OutOfRange("not a whole number of CPU units"))?
        }
        Err(flaw) => return Err(flaw),
    };
    u32::try_from(units)
        .map(CpuUnits)
        .map_err(|_| Flaw::OutOfRange("more CPU than any task has"))
}

pub fn print_cpu(cpu: CpuUnits) -> String {
    format!("{} vCPU", cpu.vcpus())
}

/// `512 MiB`, `2 GiB`.
pub fn memory(text: &str) -> Result<MiB, Flaw> {
    let (number, unit) = split(text)?;
    let mib = match unit {
        "MiB" => 1,
        "GiB" => 1024,
        "TiB" => 1024 * 1024,
        _ => return Err(Flaw::Malformed),
    };
    let total = decimal_times(number, mib)?.ok_or(Flaw::OutOfRange("not a whole number of MiB"))?;
    u64::try_from(total)
        .ok()
        .filter(|total| *total <= 1 << 40)
        .map(MiB)
        .ok_or(Flaw::OutOfRange("more than 2^40 MiB"))
}

pub fn print_memory(memory: MiB) -> String {
    if memory.0 > 0 && memory.0.is_multiple_of(1024) {
        format!("{} GiB", memory.0 / 1024)
    } else {
        format!("{} MiB", memory.0)
    }
}

/// Rates from here on are refused: one a nanosecond is the clock's own step.
const TOO_OFTEN: f64 = 1e9;

/// `300/s`, `90/m`, `2000/h`: events a second, fewer than 1,000,000,000.
pub fn rate(text: &str) -> Result<f64, Flaw> {
    let (number, unit) = split(text)?;
    let seconds = match unit {
        "/s" => 1.0,
        "/m" => 60.0,
        "/h" => 3600.0,
        "/d" => 86_400.0,
        _ => return Err(Flaw::Malformed),
    };
    let rate = float(number)? / seconds;
    if rate < TOO_OFTEN {
        Ok(rate)
    } else {
        Err(Flaw::OutOfRange(
            "1,000,000,000/s or more: one a nanosecond, the clock's step",
        ))
    }
}

pub fn print_rate(rate: f64) -> String {
    format!("{rate}/s")
}

/// `70%`.
pub fn ratio(text: &str) -> Result<Ratio, Flaw> {
    let above = Flaw::OutOfRange("above 100%");
    let percent = percentage(text)?;
    let (number, _) = split(text)?;
    // Moving the point in the text, not dividing, gives the double that is nearest to what was written.
    let share = if number.contains(['e', 'E']) {
        percent / 100.0
    } else {
        float(&format!("{number}e-2"))?
    };
    Ratio::new(share).ok_or(above)
}

/// `70%` as 70.
pub fn percentage(text: &str) -> Result<f64, Flaw> {
    match split(text)? {
        (number, "%") => float(number),
        _ => Err(Flaw::Malformed),
    }
}

pub fn print_ratio(ratio: Ratio) -> String {
    // A double prints without exponent; its point goes two digits to the right.
    let text = ratio.get().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = format!("{fraction:0<2}");
    let (moved, rest) = fraction.split_at(2);
    let whole = format!("{whole}{moved}");
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if rest.is_empty() {
        format!("{whole}%")
    } else {
        format!("{whole}.{rest}%")
    }
}

/// `1.4x`.
pub fn factor(text: &str) -> Result<f64, Flaw> {
    match split(text)? {
        (number, "x") => float(number),
        _ => Err(Flaw::Malformed),
    }
}

pub fn print_factor(factor: f64) -> String {
    format!("{factor}x")
}

/// `80 MiB/s`.
pub fn throughput(text: &str) -> Result<f64, Flaw> {
    match split(text)? {
        (number, "MiB/s") => float(number),
        (number, "GiB/s") => Ok(float(number)? * 1024.0),
        _ => Err(Flaw::Malformed),
    }
}

pub fn print_throughput(mib_per_second: f64) -> String {
    format!("{mib_per_second} MiB/s")
}

/// Units of payloads with their bytes.
const SIZE_UNITS: [(&str, u128); 7] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];

/// `30 KiB`, `1.5 MB`, `200 B`: bytes.
pub fn size(text: &str) -> Result<u64, Flaw> {
    let (number, unit) = split(text)?;
    let (_, bytes) = SIZE_UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or(Flaw::Malformed)?;
    let total = decimal_times(number, *bytes)?.ok_or(Flaw::OutOfRange("not a whole number of bytes"))?;
    u64::try_from(total)
        .ok()
        .filter(|total| *total <= 1 << 40)
        .ok_or(Flaw::OutOfRange("more than 2^40 bytes"))
}

pub fn print_size(bytes: u64) -> String {
    let divides = |(_, unit): &&(&str, u128)| bytes > 0 && u128::from(bytes).is_multiple_of(*unit);
    let (name, unit) = SIZE_UNITS[..4].iter().rev().find(divides).unwrap_or(&SIZE_UNITS[0]);
    format!("{} {name}", u128::from(bytes) / unit)
}

/// `12.50 USD`.
pub fn money(text: &str) -> Result<f64, Flaw> {
    match split(text)? {
        (number, "USD") => float(number),
        _ => Err(Flaw::Malformed),
    }
}

pub fn print_money(usd: f64) -> String {
    format!("{usd} USD")
}

/// `0.5 interval`, `1 interval`, `0s`: a share of a period.
pub fn intervals(text: &str) -> Result<f64, Flaw> {
    match split(text)? {
        (number, "interval" | "intervals") => float(number),
        (number, "s") if float(number) == Ok(0.0) => Ok(0.0),
        _ => Err(Flaw::Malformed),
    }
}

pub fn print_intervals(share: f64) -> String {
    format!("{share} interval")
}

/// `number` rounded to so many significant decimal digits.
pub fn significant(number: f64, digits: usize) -> f64 {
    // Through decimal text: correctly rounded and the same everywhere, which a power of ten in floating point is not.
    format!("{number:.*e}", digits - 1)
        .parse()
        .expect("a number just printed parses")
}

/// A number and the unit behind it.
fn split(text: &str) -> Result<(&str, &str), Flaw> {
    let text = text.trim();
    let body = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(
        body.to_ascii_lowercase().as_str(),
        "inf" | "infinity" | "nan" | ".inf" | ".nan"
    ) {
        return Err(Flaw::NotFinite);
    }
    let signed = text.len() - body.len();
    let mut end = body
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(body.len());
    // An exponent belongs to the number only if digits follow: `1e3s`, but not the `e` of a unit.
    if let Some(exponent) = body[end..].strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if length > 0 {
            end = body.len() - digits.len() + length;
        }
    }
    let (number, unit) = text.split_at(signed + end);
    if number.parse::<f64>().is_err() {
        return Err(Flaw::Malformed);
    }
    if number.starts_with('-') && number.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) {
        return Err(Flaw::Negative);
    }
    let unit = unit.trim();
    if unit.is_empty() {
        Err(Flaw::NoUnit)
    } else {
        Ok((number, unit))
    }
}

fn float(number: &str) -> Result<f64, Flaw> {
    let value: f64 = number.parse().map_err(|_| Flaw::Malformed)?;
    if !value.is_finite() {
        Err(Flaw::NotFinite)
    } else if value < 0.0 {
        Err(Flaw::Negative)
    } else {
        Ok(value.abs())
    }
}

/// `number × scale` exactly; `Ok(None)` if that is not whole.
fn decimal_times(number: &str, scale: u128) -> Result<Option<u128>, Flaw> {
    let huge = Flaw::OutOfRange("too large");
    let number = number.strip_prefix('+').unwrap_or(number);
    if number.starts_with('-') {
        return if float(number)? == 0.0 {
            Ok(Some(0))
        } else {
            Err(Flaw::Negative)
        };
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| huge.clone())?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(Some(0));
    }
    if digits.len() > 25 || exponent.abs() > 40 {
        return if exponent < 0 || digits.len() <= 25 && exponent <= 0 {
            Ok(None)
        } else {
            Err(huge)
        };
    }
    let value: u128 = digits.parse().map_err(|_| Flaw::Malformed)?;
    let scaled = value.checked_mul(scale).ok_or(huge.clone())?;
    let shift = exponent - fraction.len() as i32;
    if shift >= 0 {
        let power = 10_u128.checked_pow(shift as u32).ok_or(huge.clone())?;
        scaled.checked_mul(power).map(Some).ok_or(huge)
    } else {
        match 10_u128.checked_pow(shift.unsigned_abs()) {
            Some(power) if scaled.is_multiple_of(power) => Ok(Some(scaled / power)),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests;

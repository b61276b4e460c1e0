//! Quantities that cross module borders: time, CPU, memory, shares, rates and money.
//!
//! Time is integer nanoseconds, money integer micro-dollars, so that nothing that is added up depends on the order of
//! the additions. Parsing and printing for people live in `scenario::quantity` and `report`; nothing here knows text.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A point in simulated time, in nanoseconds since the simulation began (warm-up included).
///
/// What users see counts from the end of the warm-up; [`crate::blueprint::Blueprint::clock`] converts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

/// A length of simulated time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Instant {
    /// The first instant of a simulation.
    pub const ZERO: Instant = Instant(0);
    /// Later than everything that happens.
    pub const NEVER: Instant = Instant(u64::MAX);

    pub const fn from_nanos(nanos: u64) -> Self {
        Instant(nanos)
    }
    pub const fn nanos(self) -> u64 {
        self.0
    }
    /// Seconds since the simulation began, for output only.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }
    /// The span since `earlier`; zero if `earlier` lies ahead.
    pub const fn since(self, earlier: Instant) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    pub const ZERO: Span = Span(0);
    /// Longer than every simulation.
    pub const FOREVER: Span = Span(u64::MAX);

    pub const fn from_nanos(nanos: u64) -> Self {
        Span(nanos)
    }
    pub const fn from_millis(millis: u64) -> Self {
        Span(millis * 1_000_000)
    }
    pub const fn from_secs(seconds: u64) -> Self {
        Span(seconds * NANOS_PER_SECOND)
    }
    /// Rounds to the nearest nanosecond; negative and NaN become zero, what exceeds the range its end.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Span((seconds * NANOS_PER_SECOND as f64).round() as u64)
    }
    pub const fn nanos(self) -> u64 {
        self.0
    }
    pub fn seconds(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }
    pub fn millis(self) -> f64 {
        self.0 as f64 / 1e6
    }
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
    /// The span `factor` times as long, rounded to the nanosecond.
    pub fn scaled(self, factor: f64) -> Span {
        Span((self.0 as f64 * factor).round() as u64)
    }
}

impl Add<Span> for Instant {
    type Output = Instant;
    fn add(self, span: Span) -> Instant {
        Instant(self.0.saturating_add(span.0))
    }
}

impl Sub<Span> for Instant {
    type Output = Instant;
    fn sub(self, span: Span) -> Instant {
        Instant(self.0.saturating_sub(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

/// CPU units as ECS counts them: 1024 are one vCPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuUnits(pub u32);

impl CpuUnits {
    pub fn vcpus(self) -> f64 {
        f64::from(self.0) / 1024.0
    }
}

/// Memory or image size in MiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MiB(pub u64);

impl MiB {
    pub fn gib(self) -> f64 {
        self.0 as f64 / 1024.0
    }
}

/// A share between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    pub const ZERO: Ratio = Ratio(0.0);
    pub const ONE: Ratio = Ratio(1.0);

    /// `None` outside [0, 1] and for NaN.
    pub fn new(value: f64) -> Option<Ratio> {
        (0.0..=1.0).contains(&value).then_some(Ratio(value))
    }
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Money in millionths of a US dollar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct MicroUsd(pub i64);

impl MicroUsd {
    /// Rounds to the nearest millionth.
    pub fn from_usd(usd: f64) -> Self {
        MicroUsd((usd * 1e6).round() as i64)
    }
    pub fn usd(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add for MicroUsd {
    type Output = MicroUsd;
    fn add(self, other: MicroUsd) -> MicroUsd {
        MicroUsd(self.0 + other.0)
    }
}

impl AddAssign for MicroUsd {
    fn add_assign(&mut self, other: MicroUsd) {
        self.0 += other.0;
    }
}

impl Sub for MicroUsd {
    type Output = MicroUsd;
    fn sub(self, other: MicroUsd) -> MicroUsd {
        MicroUsd(self.0 - other.0)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.seconds())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.seconds())
    }
}

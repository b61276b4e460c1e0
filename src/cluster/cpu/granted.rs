//! A CPU that is granted a portion of its instance's: what it wants, and what it makes of what it gets.
//!
//! The grant holds until the next one; it is given again whenever anybody on the instance wants something else, so no time
//! passes between a change of the jobs and the grant that goes with it. A fraction of a nanosecond of CPU time is lost at
//! each update, never gained.

use super::{Cpu, Law, Limit, Quota, Virtual};
use crate::cluster::host::{Portion, VCPU, portion};
use crate::units::{CpuUnits, Instant};

impl Cpu {
    /// What its jobs would use of the instance's CPU if they were alone there, as of the last change.
    pub fn wants(&self) -> Portion {
        // A process that stands, because it is ill or waits for its log driver, is not runnable. During a garbage collection
        // it is.
        if self.speed == 0 && self.paused.is_none() {
            return 0;
        }
        let runnable = VCPU * self.running();
        match (self.law, self.limit) {
            (Law::Granted, Limit::CfsQuota) if self.quota.throttled => 0,
            (Law::Granted, Limit::Fluid) => runnable.min(portion(CpuUnits(self.share as u32))),
            _ => runnable,
        }
    }

    pub fn granted(&self) -> Portion {
        self.granted
    }

    /// From now on it gets this much; never more than it wants.
    pub fn grant(&mut self, now: Instant, granted: Portion) {
        self.advance(now);
        self.granted = granted;
    }

    #[cold]
    #[inline(never)]
    pub(super) fn next_turn_of_granted(&self, finish: Virtual) -> Instant {
        match self.limit {
            Limit::CfsQuota if self.quota.throttled => Instant::from_nanos(self.quota.period_end),
            Limit::CfsQuota => (self.updated + self.time_to(finish)).min(self.exhaustion_of_granted()),
            Limit::Fluid | Limit::None => self.updated + self.time_to(finish),
        }
    }

    /// As [`Cpu::exhaustion`], for a portion of the hardware.
    fn exhaustion_of_granted(&self) -> Instant {
        if self.granted == 0 {
            return Instant::NEVER;
        }
        let Quota {
            period,
            size,
            spent,
            period_end,
            ..
        } = self.quota;
        let time_for = |work: u64| (u128::from(work) * u128::from(VCPU)).div_ceil(u128::from(self.granted)) as u64;
        let this_period = self.updated.nanos() + time_for(size - spent.min(size));
        if this_period < period_end {
            Instant::from_nanos(this_period)
        } else if time_for(size) < period {
            Instant::from_nanos(period_end + time_for(size))
        } else {
            Instant::NEVER
        }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn use_granted(&mut self, now: u64, passed: u64) {
        let granted = u128::from(self.granted);
        let used = |passed: u64| (u128::from(passed) * granted / u128::from(VCPU)) as u64;
        self.used += used(passed);
        if self.limit == Limit::CfsQuota {
            self.spend(now, passed, used);
        }
    }
}

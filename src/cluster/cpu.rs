//! The CPU of one task: its jobs share it equally, each runs on at most one hardware thread.
//!
//! Processor sharing is kept in virtual time: a clock that runs at the speed one job gets, so that a job leaves when the
//! clock reaches the value it had at admission plus the job's work, and admissions and departures move nobody else.
//! Virtual time counts 2⁻¹⁶ ns and is zero when idle; departures are rounded up to the nanosecond.
//!
//! `Fluid` runs n jobs on c cores at min(1, c/n) each. `CfsQuota` runs them at min(1, threads/n) until they have used
//! c × period of CPU time within a period, then not at all until the period ends [AGENT defaultCgroupCPUPeriod].
//! On an instance whose tasks share its CPU both hold for what the instance grants at the moment ([`Cpu::grant`]); what each
//! of them is granted is decided in [`super::host`].

use super::Attempt;
use super::host::{Portion, VCPU as WHOLE};
use crate::blueprint::{CpuLimit, CpuModel};
use crate::engine::arena::Id;
use crate::units::{CpuUnits, Instant, Span};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// 2⁻¹⁶ ns.
type Virtual = u64;

const FRACTION: u32 = 16;
const FULL_SPEED: u64 = 1 << FRACTION;
/// CPU units of one vCPU.
const VCPU: u64 = 1024;

#[derive(Clone, Debug)]
pub struct Cpu {
    law: Law,
    /// Under [`Law::Granted`].
    limit: Limit,
    share: u64,
    threads: u64,
    /// In 2⁻¹⁶ of full speed.
    speed: u64,
    /// While everything stands: the speed from before.
    paused: Option<u64>,
    virtual_now: Virtual,
    updated: Instant,
    /// Least finish first, ties in order of admission.
    jobs: BinaryHeap<Reverse<Job>>,
    admitted: u64,
    /// Scratch of [`Cpu::turn`], kept so that a departure allocates nothing.
    leaving: Vec<Job>,
    /// CPU time used since the start, in ns of one thread.
    used: u64,
    quota: Quota,
    /// Under [`Law::Granted`]: what the instance gives it at the moment.
    granted: Portion,
}

/// What bounds the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Law {
    Fluid,
    CfsQuota,
    /// What the instance grants, and the task's own [`Cpu::limit`].
    Granted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    Fluid,
    CfsQuota,
    None,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    /// Finish (a [`Virtual`]), then admission.
    key: u128,
    attempt: Id<Attempt>,
}

impl Job {
    #[inline]
    fn new(finish: Virtual, admission: u64, attempt: Id<Attempt>) -> Job {
        let key = u128::from(finish) << 64 | u128::from(admission);
        Job { key, attempt }
    }

    #[inline]
    fn finish(&self) -> Virtual {
        (self.key >> 64) as Virtual
    }

    fn admission(&self) -> u64 {
        self.key as u64
    }
}

impl Ord for Job {
    #[inline]
    fn cmp(&self, other: &Job) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for Job {
    #[inline]
    fn partial_cmp(&self, other: &Job) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Job {
    fn eq(&self, other: &Job) -> bool {
        self.key == other.key
    }
}

impl Eq for Job {}

/// CFS bandwidth control.
#[derive(Clone, Copy, Debug)]
struct Quota {
    period: u64,
    /// CPU time a period, ns.
    size: u64,
    spent: u64,
    period_end: u64,
    throttled: bool,
}

/// Everything a [`Cpu`] is made from.
#[derive(Clone, Copy, Debug)]
pub struct CpuSpec {
    pub model: CpuModel,
    /// For a task on an instance whose CPU is shared: what limits it beside the others. Nothing is granted at first.
    pub shared: Option<CpuLimit>,
    pub share: CpuUnits,
    /// Hardware threads of the host.
    pub threads: u32,
    pub period: Span,
    /// When the first period begins, counted back from now: less than a period.
    pub phase: Span,
}

impl Cpu {
    pub fn new(spec: CpuSpec, now: Instant) -> Self {
        let period = spec.period.nanos().max(1);
        let share = u64::from(spec.share.0).max(1);
        Cpu {
            law: match (spec.model, spec.shared) {
                (_, Some(_)) => Law::Granted,
                (CpuModel::Fluid, None) => Law::Fluid,
                (CpuModel::CfsQuota, None) => Law::CfsQuota,
            },
            limit: match (spec.model, spec.shared) {
                (_, Some(CpuLimit::Shares)) => Limit::None,
                (CpuModel::Fluid, _) => Limit::Fluid,
                (CpuModel::CfsQuota, _) => Limit::CfsQuota,
            },
            granted: 0,
            share,
            threads: u64::from(spec.threads).max(1),
            speed: FULL_SPEED,
            paused: None,
            virtual_now: 0,
            updated: now,
            jobs: BinaryHeap::new(),
            admitted: 0,
            leaving: Vec::new(),
            used: 0,
            quota: Quota {
                period,
                size: (share * period / VCPU).max(1),
                spent: 0,
                period_end: now.nanos() + period - spec.phase.nanos() % period,
                throttled: false,
            },
        }
    }

    /// Jobs that run or are stalled.
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// CPU time used until now, in ns of one thread.
    pub fn used(&mut self, now: Instant) -> u64 {
        self.advance(now);
        self.used
    }

    /// From now on the hardware runs at this share (0 to 1) of its full speed.
    pub fn set_speed(&mut self, now: Instant, speed: f64) {
        self.advance(now);
        let speed = (speed * FULL_SPEED as f64).round() as u64;
        match &mut self.paused {
            Some(before) => *before = speed,
            None => self.speed = speed,
        }
    }

    /// From now on no job goes on. What they would use of the CPU is used all the same, by whoever makes them wait.
    pub fn pause(&mut self, now: Instant) {
        self.advance(now);
        if self.paused.is_none() {
            self.paused = Some(std::mem::replace(&mut self.speed, 0));
        }
    }

    /// The jobs go on.
    pub fn resume(&mut self, now: Instant) {
        self.advance(now);
        if let Some(before) = self.paused.take() {
            self.speed = before;
        }
    }

    /// From now on the jobs have this share; a quota that is spent already stays spent until its period ends.
    pub fn set_share(&mut self, now: Instant, share: CpuUnits) {
        self.advance(now);
        self.share = u64::from(share.0).max(1);
        self.quota.size = (self.share * self.quota.period / VCPU).max(1);
    }

    /// Admits a job of this much work (CPU time at full speed).
    #[inline]
    pub fn admit(&mut self, now: Instant, attempt: Id<Attempt>, work: Span) {
        self.advance(now);
        let finish = self.virtual_now.saturating_add(work.nanos() << FRACTION);
        self.admitted += 1;
        self.jobs.push(Reverse(Job::new(finish, self.admitted, attempt)));
    }

    /// Loses all jobs.
    pub fn clear(&mut self, now: Instant) {
        self.advance(now);
        self.jobs.clear();
        self.settle();
    }

    /// Takes out a job that has not finished; nothing if it is not here.
    pub fn withdraw(&mut self, now: Instant, attempt: Id<Attempt>) {
        self.advance(now);
        self.jobs.retain(|Reverse(job)| job.attempt != attempt);
        self.settle();
    }

    /// Moves time on and tells which jobs have finished, in order of admission.
    #[inline]
    pub fn turn(&mut self, now: Instant, mut finished: impl FnMut(Id<Attempt>)) {
        self.advance(now);
        if let Some(first) = self.leave() {
            match self.leave() {
                None => finished(first.attempt),
                Some(second) => self.leave_together(first, second, finished),
            }
            self.settle();
        }
    }

    /// Takes out the job that is due first, if it is due.
    #[inline]
    fn leave(&mut self) -> Option<Job> {
        let Reverse(first) = self.jobs.peek()?;
        if first.finish() > self.virtual_now {
            return None;
        }
        self.jobs.pop().map(|Reverse(job)| job)
    }

    #[cold]
    fn leave_together(&mut self, first: Job, second: Job, mut finished: impl FnMut(Id<Attempt>)) {
        let mut leaving = std::mem::take(&mut self.leaving);
        leaving.extend([first, second]);
        while let Some(job) = self.leave() {
            leaving.push(job);
        }
        leaving.sort_unstable_by_key(Job::admission);
        for job in leaving.drain(..) {
            finished(job.attempt);
        }
        self.leaving = leaving;
    }

    /// When [`Cpu::turn`] has to be called next, if nothing is admitted meanwhile; `NEVER` when idle.
    #[inline]
    pub fn next_turn(&self) -> Instant {
        let Some(&Reverse(first)) = self.jobs.peek() else {
            return Instant::NEVER;
        };
        let now = self.updated;
        match self.law {
            Law::Fluid => now + self.time_to(first.finish()),
            Law::CfsQuota if self.quota.throttled => Instant::from_nanos(self.quota.period_end),
            Law::CfsQuota => (now + self.time_to(first.finish())).min(self.exhaustion()),
            Law::Granted => self.next_turn_of_granted(first.finish()),
        }
    }

    fn settle(&mut self) {
        if self.jobs.is_empty() {
            self.virtual_now = 0;
        }
    }

    /// Threads in use while running.
    fn running(&self) -> u64 {
        (self.jobs.len() as u64).min(self.threads)
    }

    /// Virtual time passes at numerator/denominator 2⁻¹⁶ ns a nanosecond.
    #[inline]
    fn rate(&self) -> (u64, u64) {
        let jobs = self.jobs.len() as u64;
        let (got, wanted) = match self.law {
            Law::Fluid => (self.share.min(VCPU * jobs), VCPU * jobs),
            Law::CfsQuota => (self.threads.min(jobs), jobs),
            Law::Granted => (self.granted, WHOLE * jobs),
        };
        if got == wanted {
            (self.speed, 1)
        } else {
            (self.speed * got, wanted)
        }
    }

    /// Until virtual time reaches `finish`, rounded up.
    #[inline]
    fn time_to(&self, finish: Virtual) -> Span {
        let distance = finish.saturating_sub(self.virtual_now);
        let (numerator, denominator) = self.rate();
        if (numerator, denominator) == (FULL_SPEED, 1) {
            return Span::from_nanos(distance.div_ceil(FULL_SPEED));
        }
        if numerator == 0 {
            return Span::FOREVER;
        }
        Span::from_nanos(match distance.checked_mul(denominator) {
            Some(product) => product.div_ceil(numerator),
            None => (u128::from(distance) * u128::from(denominator)).div_ceil(u128::from(numerator)) as u64,
        })
    }

    /// When the quota will be spent, if the jobs stay as they are.
    fn exhaustion(&self) -> Instant {
        let Quota {
            period,
            size,
            spent,
            period_end,
            ..
        } = self.quota;
        let running = self.running();
        let now = self.updated.nanos();
        let this_period = now + (size - spent.min(size)).div_ceil(running);
        if this_period < period_end {
            Instant::from_nanos(this_period)
        } else if running * period > size {
            Instant::from_nanos(period_end + size.div_ceil(running))
        } else {
            Instant::NEVER
        }
    }

    /// Accounts for the time since the last update, in which neither a departure nor a throttling fell.
    #[inline]
    fn advance(&mut self, now: Instant) {
        let passed = now.since(self.updated).nanos();
        if passed == 0 {
            return self.renew_quota(now);
        }
        self.updated = now;
        if self.jobs.is_empty() || self.quota.throttled {
            return self.renew_quota(now);
        }
        let (numerator, denominator) = self.rate();
        self.virtual_now += match passed.checked_mul(numerator) {
            // Nearly always; a division takes as long as all the rest.
            Some(product) if denominator == 1 => product,
            Some(product) => product / denominator,
            None => (u128::from(passed) * u128::from(numerator) / u128::from(denominator)) as u64,
        };
        match self.law {
            Law::Fluid => {
                let jobs = self.jobs.len() as u64;
                self.used += if VCPU * jobs <= self.share {
                    jobs * passed
                } else {
                    (u128::from(passed) * u128::from(self.share) / u128::from(VCPU)) as u64
                };
            }
            Law::Granted => self.use_granted(now.nanos(), passed),
            Law::CfsQuota => {
                let running = self.running();
                self.used += running * passed;
                self.spend(now.nanos(), passed, |passed| running * passed);
            }
        }
    }

    /// `used` tells how much is spent in some time.
    #[inline]
    fn spend(&mut self, now: u64, passed: u64, used: impl FnOnce(u64) -> u64) {
        let quota = &mut self.quota;
        if now < quota.period_end {
            quota.spent += used(passed);
        } else {
            // Periods whose quota was not spent leave no trace; only what was used since the last one's end counts.
            let into = (now - quota.period_end) % quota.period;
            quota.spent = used(into);
            quota.period_end = now - into + quota.period;
        }
        quota.throttled = quota.spent >= quota.size;
    }

    fn renew_quota(&mut self, now: Instant) {
        let quota = &mut self.quota;
        if now.nanos() >= quota.period_end {
            let into = (now.nanos() - quota.period_end) % quota.period;
            quota.period_end = now.nanos() - into + quota.period;
            quota.spent = 0;
            quota.throttled = false;
        }
    }
}

mod granted;
#[cfg(test)]
mod tests;

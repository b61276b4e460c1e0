//! Many runs of one blueprint, read together.
//!
//! A [`Pool`] picks requests by class or by who answered them and turns them into [`Estimate`]s. All sums run over
//! replications in their order, so results do not depend on which finished first.

use super::estimate::{self, Estimate};
use super::record::{Cell, FailureCount, Outcomes, RunRecord, SentCount};
use crate::blueprint::{Blueprint, ClassIx, ServiceIx};
use crate::sim::observation::{Reason, SenderSample, Work};
use crate::stats::LatencyHistogram;
use crate::units::Span;
use std::collections::BTreeMap;

/// Records of runs of the same blueprint, in order of replication, and the level of confidence to speak at.
#[derive(Clone, Copy, Debug)]
pub struct Pool<'a> {
    pub blueprint: &'a Blueprint,
    pub records: &'a [RunRecord],
    /// 0.95 in everything that is written.
    pub level: f64,
}

/// The requests of one class, or of all, over all runs.
#[derive(Clone, Debug)]
pub struct Requests {
    level: f64,
    runs: Vec<RunRequests>,
    latencies: Latencies,
}

#[derive(Clone, Copy, Debug)]
struct RunRequests {
    outcomes: Outcomes,
    attempts: u64,
    latency_sum: u128,
    degraded: u64,
    measured: Span,
}

/// Latencies of some served requests: of each run, and pooled.
#[derive(Clone, Debug)]
pub struct Latencies {
    level: f64,
    runs: Vec<LatencyHistogram>,
    pooled: LatencyHistogram,
}

impl<'a> Pool<'a> {
    /// Speaks at 95 %.
    pub fn new(blueprint: &'a Blueprint, records: &'a [RunRecord]) -> Self {
        Pool {
            blueprint,
            records,
            level: 0.95,
        }
    }

    /// Hours that a run measured, on average: those of the scenario, fewer where a limit ended runs.
    pub fn measured_hours(&self) -> f64 {
        let hours = self.records.iter().map(|record| record.measured.seconds() / 3600.0);
        hours.sum::<f64>() / self.records.len() as f64
    }

    /// How long the longest run measured.
    pub fn measured(&self) -> Span {
        let longest = self.records.iter().map(|record| record.measured).max();
        longest.unwrap_or(self.blueprint.measured())
    }

    /// Windows of the timeline that began before the last run was over.
    pub fn windows_seen(&self) -> usize {
        let Some(first) = self.records.first() else { return 0 };
        let windows = first.timeline.windows();
        let end = self.blueprint.measured_from() + self.measured();
        (0..windows.count())
            .take_while(|window| windows.bounds(*window).0 < end)
            .count()
    }

    /// Requests of one class, or of all.
    pub fn requests(&self, class: Option<ClassIx>) -> Requests {
        let of_run = |record: &RunRecord| {
            let totals = record.class_totals(class);
            RunRequests {
                outcomes: totals.outcomes,
                attempts: totals.attempts,
                latency_sum: totals.latency_sum,
                degraded: totals.degraded,
                measured: record.measured,
            }
        };
        Requests {
            level: self.level,
            runs: self.records.iter().map(of_run).collect(),
            latencies: self.latencies(|cell| class.is_none_or(|class| cell.class == class)),
        }
    }

    /// Why requests were not served, over all runs: class by class, the most frequent first.
    pub fn failures(&self) -> Vec<FailureCount> {
        let mut all: Vec<FailureCount> = self.records.iter().flat_map(|record| record.failures.clone()).collect();
        all.sort_by_key(|count| (count.class, count.outcome, count.failure));
        let same = all.chunk_by(|a, b| (a.class, a.outcome, a.failure) == (b.class, b.outcome, b.failure));
        let sum = |same: &[FailureCount]| FailureCount {
            requests: same.iter().map(|count| count.requests).sum(),
            ..same[0]
        };
        let mut sums: Vec<FailureCount> = same.map(sum).collect();
        sums.sort_by_key(|count| (count.class, std::cmp::Reverse(count.requests)));
        sums
    }

    /// Latencies of served requests in the cells that `wanted` picks.
    pub fn latencies(&self, wanted: impl Fn(&Cell) -> bool) -> Latencies {
        let runs: Vec<_> = self
            .records
            .iter()
            .map(|record| record.latencies_where(&wanted))
            .collect();
        let mut pooled = LatencyHistogram::fine();
        for run in &runs {
            pooled.merge(run);
        }
        Latencies {
            level: self.level,
            runs,
            pooled,
        }
    }

    /// CPU used over CPU reserved, over the measured time.
    pub fn cpu_utilization(&self, service: ServiceIx) -> Option<Estimate> {
        let of_run = |record: &RunRecord| {
            let windows = record.timeline.service(service);
            let used: u64 = windows.iter().map(|window| window.cpu_used).sum();
            let reserved: u64 = windows.iter().map(|window| window.cpu_reserved).sum();
            (used as f64, reserved as f64)
        };
        let runs: Vec<_> = self.records.iter().map(of_run).collect();
        estimate::ratio(&runs, self.level)
    }
}

/// What was sent from one place, over all runs.
#[derive(Clone, Debug)]
pub struct Calls {
    level: f64,
    runs: Vec<SentCount>,
}

impl Calls {
    pub fn total(&self) -> SenderSample {
        let mut sum = SenderSample::default();
        for run in &self.runs {
            sum.add(&run.total);
        }
        sum
    }

    /// `None` if nothing was called.
    pub fn attempts_per_call(&self) -> Option<Estimate> {
        let of_run = |run: &SentCount| {
            let calls = run.total.attempts - run.total.retried - run.total.hedged;
            (run.total.attempts as f64, calls as f64)
        };
        let runs: Vec<_> = self.runs.iter().map(of_run).collect();
        estimate::ratio(&runs, self.level)
    }

    /// Attempts that failed, by reason, the most frequent first.
    pub fn failed(&self) -> Vec<(Reason, u64)> {
        let mut sums: BTreeMap<Reason, u64> = BTreeMap::new();
        for (&reason, count) in self.runs.iter().flat_map(|run| &run.failed) {
            *sums.entry(reason).or_default() += count;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        sums
    }
}

/// What reached a service for each request of the clients, and what of that was for nothing, over all runs.
#[derive(Clone, Copy, Debug)]
pub struct Amplification {
    pub work: Work,
    /// `None` if no request was offered.
    pub attempts_per_request: Option<Estimate>,
    /// `None` if nothing reached it.
    pub wasted_share: Option<Estimate>,
    /// Of the CPU that it used; `None` if it used none.
    pub wasted_cpu_share: Option<Estimate>,
}

impl Pool<'_> {
    /// What was sent from one of the calls or, beyond them, of the traffic sources.
    pub fn calls(&self, at: usize) -> Calls {
        Calls {
            level: self.level,
            runs: self.records.iter().map(|record| record.sent[at].clone()).collect(),
        }
    }

    pub fn amplification(&self, service: ServiceIx) -> Amplification {
        let of_run = |record: &RunRecord| {
            let windows = record.timeline.service(service);
            let mut work = Work::default();
            windows.iter().for_each(|window| work.add(&window.work));
            let used: u64 = windows.iter().map(|window| window.cpu_used).sum();
            (work, used, record.class_totals(None).outcomes.offered())
        };
        let runs: Vec<(Work, u64, u64)> = self.records.iter().map(of_run).collect();
        let ratio = |parts: fn(&(Work, u64, u64)) -> (u64, u64)| {
            let pairs = runs
                .iter()
                .map(parts)
                .map(|(above, below)| (above as f64, below as f64));
            estimate::ratio(&pairs.collect::<Vec<_>>(), self.level)
        };
        let mut work = Work::default();
        runs.iter().for_each(|(of_run, ..)| work.add(of_run));
        Amplification {
            work,
            attempts_per_request: ratio(|(work, _, offered)| (work.attempts, *offered)),
            wasted_share: ratio(|(work, ..)| (work.wasted, work.attempts)).map(Estimate::as_share),
            wasted_cpu_share: ratio(|(work, used, _)| (work.wasted_cpu, *used)),
        }
    }
}

impl Requests {
    pub fn latencies(&self) -> &Latencies {
        &self.latencies
    }

    /// Over all runs.
    pub fn outcomes(&self) -> Outcomes {
        let mut sum = Outcomes::default();
        for run in &self.runs {
            sum.add(&run.outcomes);
        }
        sum
    }

    /// Served over offered. `None` if nothing was offered.
    pub fn availability(&self) -> Option<Estimate> {
        self.ratio(|run| (run.outcomes.served() as f64, run.outcomes.offered() as f64))
            .map(Estimate::as_share)
    }

    /// Mean latency of served requests, in ms. `None` if none was served.
    pub fn mean_ms(&self) -> Option<Estimate> {
        self.ratio(|run| (run.latency_sum as f64 / 1e6, run.outcomes.served() as f64))
    }

    /// Requests served a second of measured time.
    pub fn throughput(&self) -> Option<Estimate> {
        self.ratio(|run| (run.outcomes.served() as f64, run.measured.seconds()))
    }

    /// Served requests whose answer was not whole, over all runs.
    pub fn degraded(&self) -> u64 {
        self.runs.iter().map(|run| run.degraded).sum()
    }

    /// Of the served requests, those whose answer was not whole. `None` if none was served.
    pub fn degraded_share(&self) -> Option<Estimate> {
        self.ratio(|run| (run.degraded as f64, run.outcomes.served() as f64))
            .map(Estimate::as_share)
    }

    /// Attempts for each offered request.
    pub fn attempts(&self) -> Option<Estimate> {
        self.ratio(|run| (run.attempts as f64, run.outcomes.offered() as f64))
    }

    fn ratio(&self, of_run: impl Fn(&RunRequests) -> (f64, f64)) -> Option<Estimate> {
        let runs: Vec<_> = self.runs.iter().map(of_run).collect();
        estimate::ratio(&runs, self.level)
    }
}

impl Latencies {
    pub fn count(&self) -> u64 {
        self.pooled.len()
    }
    pub fn pooled(&self) -> &LatencyHistogram {
        &self.pooled
    }
    /// Of the pooled requests, in ms. `None` if none was served.
    pub fn quantile_ms(&self, quantile: f64) -> Option<Estimate> {
        estimate::quantile_ms(&self.runs, quantile, self.level)
    }
}

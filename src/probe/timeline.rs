//! A fixed number of windows over the measured time, and what was seen in each.
//!
//! Requests count in the window of their arrival. Levels (tasks desired, running, ...) are integrated over time, so that
//! a window's mean is exact however often they change. The memory is what the number of windows takes, whatever the
//! length of the run.

use super::coarse::CoarseHistogram;
use super::record::Outcomes;
use super::windows::Windows;
use crate::blueprint::{Blueprint, ClassIx, DependencyIx, ServiceIx};
use crate::sim::observation::{
    CacheLooks, DependencySample, Outcome, Reason, RequestFinished, Sample, SenderSample, ServiceLevels, Work,
};
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub struct Timeline {
    windows: Windows,
    /// By class, then window.
    requests: Vec<RequestWindow>,
    /// By service, then window.
    services: Vec<ServiceWindow>,
    /// By dependency, then window.
    dependencies: Vec<DependencySample>,
    /// Of all senders together, by window.
    sent: Vec<SenderSample>,
    /// Of all senders together, by window.
    refusals: Vec<Refusals>,
    /// By window; what had been looked for until its end, by cache.
    caches: Vec<Vec<CacheLooks>>,
}

/// Attempts that failed in one window because somebody said no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// A full queue or bulkhead, a limit, shedding, or a wait that had an end.
    pub turned_away: u64,
    /// No connection to a dependency was to be had.
    pub no_connection: u64,
}

impl Refusals {
    fn count(&mut self, reason: Reason, attempts: u64) {
        match reason {
            Reason::QueueFull
            | Reason::WaitedTooLong
            | Reason::Displaced
            | Reason::ConcurrencyLimit
            | Reason::RateLimited
            | Reason::CpuBusy
            | Reason::DependencyFull
            | Reason::BalancerFull
            | Reason::BulkheadFull
            | Reason::BulkheadTimeout => self.turned_away += attempts,
            Reason::ConnectionPoolFull | Reason::ConnectionPoolTimeout | Reason::TooManyConnections => {
                self.no_connection += attempts;
            }
            _ => {}
        }
    }
}

/// What became of the requests of one class that arrived in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestWindow {
    pub outcomes: [u32; Outcome::ALL.len()],
    /// Of the served ones.
    pub latencies: CoarseHistogram,
    /// ns, of the served ones.
    pub latency_sum: u64,
}

/// One service in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceWindow {
    /// Levels integrated over the window, in tasks × ns.
    pub desired: u64,
    pub pending: u64,
    pub running: u64,
    pub healthy: u64,
    pub stopping: u64,
    /// Time over which the levels were integrated, ns.
    pub covered: u64,
    /// ns of one vCPU.
    pub cpu_used: u64,
    pub cpu_reserved: u64,
    /// Requests over all tasks when the window ended.
    pub queued: u64,
    pub in_service: u64,
    pub work: Work,
}

impl RequestWindow {
    pub fn served(&self) -> u64 {
        u64::from(self.outcomes[Outcome::Served as usize])
    }
    pub fn offered(&self) -> u64 {
        self.outcomes.iter().map(|&count| u64::from(count)).sum()
    }
    pub fn add(&mut self, other: &RequestWindow) {
        for (mine, theirs) in self.outcomes.iter_mut().zip(&other.outcomes) {
            *mine += theirs;
        }
        self.latencies.add(&other.latencies);
        self.latency_sum += other.latency_sum;
    }
}

impl ServiceWindow {
    /// Mean of a level over the window; `None` if the run ended before it.
    pub fn mean(&self, level: impl Fn(&ServiceWindow) -> u64) -> Option<f64> {
        (self.covered > 0).then(|| level(self) as f64 / self.covered as f64)
    }
    /// CPU used over reserved; `None` if nothing was reserved.
    pub fn cpu_utilization(&self) -> Option<f64> {
        (self.cpu_reserved > 0).then(|| self.cpu_used as f64 / self.cpu_reserved as f64)
    }
}

impl Timeline {
    pub fn new(blueprint: &Blueprint) -> Self {
        let windows = Windows::new(
            blueprint.measured_from(),
            blueprint.horizon(),
            blueprint.timeline_window(),
        );
        let count = windows.count();
        Timeline {
            windows,
            requests: vec![RequestWindow::default(); blueprint.classes.len() * count],
            services: vec![ServiceWindow::default(); blueprint.services.len() * count],
            dependencies: vec![DependencySample::default(); blueprint.dependencies.len() * count],
            sent: vec![SenderSample::default(); count],
            refusals: vec![Refusals::default(); count],
            caches: vec![Vec::new(); count],
        }
    }

    /// Without what was seen in the windows.
    pub fn emptied(self) -> Self {
        Timeline {
            windows: self.windows,
            requests: Vec::new(),
            services: Vec::new(),
            dependencies: Vec::new(),
            sent: Vec::new(),
            refusals: Vec::new(),
            caches: Vec::new(),
        }
    }

    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// A class's windows in order of time.
    pub fn class(&self, class: ClassIx) -> &[RequestWindow] {
        let count = self.windows.count();
        &self.requests[class.at() * count..][..count]
    }
    /// A service's windows in order of time.
    pub fn service(&self, service: ServiceIx) -> &[ServiceWindow] {
        let count = self.windows.count();
        &self.services[service.at() * count..][..count]
    }
    /// A dependency at the end of each window.
    pub fn dependency(&self, dependency: DependencyIx) -> &[DependencySample] {
        let count = self.windows.count();
        &self.dependencies[dependency.at() * count..][..count]
    }

    /// Attempts that clients and calls sent in each window.
    pub fn sent(&self) -> &[SenderSample] {
        &self.sent
    }

    /// Attempts that somebody said no to, in each window.
    pub fn refusals(&self) -> &[Refusals] {
        &self.refusals
    }

    /// What had been looked for in each cache until the end of each window; empty in a window without a sample.
    pub fn caches(&self) -> &[Vec<CacheLooks>] {
        &self.caches
    }

    /// Over all windows.
    pub fn class_outcomes(&self, class: ClassIx) -> Outcomes {
        let mut sum = Outcomes::default();
        for window in self.class(class) {
            for (total, &count) in sum.0.iter_mut().zip(&window.outcomes) {
                *total += u64::from(count);
            }
        }
        sum
    }

    /// Counts a request that arrived in `window`.
    #[inline]
    pub(super) fn request(&mut self, window: usize, request: &RequestFinished) {
        let cell = &mut self.requests[request.class.at() * self.windows.count() + window];
        cell.outcomes[request.outcome as usize] += 1;
        if request.outcome == Outcome::Served {
            cell.latencies.record(request.latency);
            cell.latency_sum += request.latency.nanos();
        }
    }

    /// The service stood at `levels` until `until`.
    pub(super) fn levels(&mut self, levels: &ServiceLevels, until: Instant) {
        let base = levels.service.at() * self.windows.count();
        for (window, time) in self.windows.split(levels.at, until) {
            let cell = &mut self.services[base + window];
            let time = time.nanos();
            cell.covered += time;
            cell.desired += u64::from(levels.desired) * time;
            cell.pending += u64::from(levels.pending) * time;
            cell.running += u64::from(levels.running) * time;
            cell.healthy += u64::from(levels.healthy) * time;
            cell.stopping += u64::from(levels.stopping) * time;
        }
    }

    /// Counters since the last sample belong to the window that ends with this one; a sample that closes the warm-up
    /// belongs to none.
    pub(super) fn sample(&mut self, sample: &Sample) {
        let Some(window) = self.windows.at(sample.at - Span::from_nanos(1)) else {
            return;
        };
        let count = self.windows.count();
        for (service, seen) in sample.services.iter().enumerate() {
            let cell = &mut self.services[service * count + window];
            cell.cpu_used += seen.cpu_used;
            cell.cpu_reserved += seen.cpu_reserved;
            cell.queued = seen.queued;
            cell.in_service = seen.in_service;
            cell.work.add(&seen.work);
        }
        for seen in &sample.senders {
            self.sent[window].add(seen);
        }
        for &(_, reason, attempts) in &sample.failures {
            self.refusals[window].count(reason, attempts);
        }
        self.caches[window].clone_from(&sample.caches);
        for (dependency, seen) in sample.dependencies.iter().enumerate() {
            self.dependencies[dependency * count + window] = *seen;
        }
    }
}

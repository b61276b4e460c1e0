//! CloudWatch's datapoints: the last minutes of every metric, and statistics over them.
//!
//! A metric without a datapoint is not zero but missing, as AWS reports it: counts and times only while requests flow,
//! hosts only while some are registered, utilisation only while something runs [ALB23:load-balancer-cloudwatch-metrics].
//! Memory is bounded: as many minutes are kept as the longest alarm looks back.

use crate::aws::quotas::cloudwatch::PERIOD_S;
use crate::blueprint::{AlarmMetric, Expression, Metric, QueueMetric, Stat};
use crate::sim::signal::{LoadBalancerMeter, Meter, QueueMeter, ServiceMeter, TargetGroupMeter};
use crate::units::{NANOS_PER_SECOND, Span};
use std::collections::VecDeque;

/// Of every metric.
pub const PERIOD: Span = Span::from_secs(PERIOD_S);

/// What the control plane adds to the data plane's counters when a minute ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetCounts {
    /// Tasks in RUNNING, for each service.
    pub running: Vec<u32>,
    /// For each target group.
    pub hosts: Vec<HostCounts>,
    /// For each service, of its RUNNING tasks' memory; `None` where nothing is known of it.
    pub memory: Vec<Option<Level>>,
}

/// A utilisation over tasks, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level(StatisticSet);

impl Level {
    pub fn one(percent: f64) -> Self {
        Level(StatisticSet::one(percent))
    }

    /// With another task's.
    pub fn with(self, percent: f64) -> Self {
        Level(self.0.with(StatisticSet::one(percent)))
    }
}

/// Registered targets by health; those that are still `initial` or `draining` are neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCounts {
    pub healthy: u32,
    pub unhealthy: u32,
}

/// What a metric has gathered, as CloudWatch keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct StatisticSet {
    sum: f64,
    count: f64,
    minimum: f64,
    maximum: f64,
}

impl StatisticSet {
    /// `count` events that each report 1; nothing is reported if there were none.
    fn events(count: u64) -> Option<StatisticSet> {
        (count > 0).then_some(StatisticSet {
            sum: count as f64,
            count: count as f64,
            minimum: 1.0,
            maximum: 1.0,
        })
    }

    fn one(value: f64) -> StatisticSet {
        StatisticSet {
            sum: value,
            count: 1.0,
            minimum: value,
            maximum: value,
        }
    }

    fn with(self, other: StatisticSet) -> StatisticSet {
        StatisticSet {
            sum: self.sum + other.sum,
            count: self.count + other.count,
            minimum: self.minimum.min(other.minimum),
            maximum: self.maximum.max(other.maximum),
        }
    }

    fn get(self, stat: Stat) -> f64 {
        match stat {
            Stat::Sum => self.sum,
            Stat::Average => self.sum / self.count,
            Stat::Minimum => self.minimum,
            Stat::Maximum => self.maximum,
            Stat::SampleCount => self.count,
        }
    }
}

/// One minute; nothing of it if nobody was there to take its counters.
#[derive(Clone, Debug)]
struct Row {
    minute: u32,
    counted: Option<Counted>,
}

#[derive(Clone, Debug)]
struct Counted {
    services: Vec<ServiceMeter>,
    queues: Vec<QueueMeter>,
    target_groups: Vec<TargetGroupMeter>,
    load_balancers: Vec<LoadBalancerMeter>,
    fleet: FleetCounts,
}

/// The newest minutes, published or not; readers say up to which.
#[derive(Clone, Debug)]
pub struct Metrics {
    rows: VecDeque<Row>,
    keep: usize,
    /// The first minute ever reported.
    began: Option<u32>,
}

impl Metrics {
    pub fn keeping(minutes: usize) -> Self {
        Metrics {
            rows: VecDeque::with_capacity(minutes + 1),
            keep: minutes,
            began: None,
        }
    }

    pub fn ingest(&mut self, meter: &Meter, fleet: &FleetCounts) {
        let counted = Counted {
            services: meter.services.clone(),
            queues: meter.queues.clone(),
            target_groups: meter.target_groups.clone(),
            load_balancers: meter.load_balancers.clone(),
            fleet: fleet.clone(),
        };
        self.keep(meter.minute, Some(counted));
    }

    /// A minute of which there will never be a data point.
    pub fn miss(&mut self, minute: u32) {
        self.keep(minute, None);
    }

    fn keep(&mut self, minute: u32, counted: Option<Counted>) {
        if let Some(last) = self.rows.back() {
            assert!(minute == last.minute + 1, "minutes are reported one after the other");
        }
        self.began.get_or_insert(minute);
        self.rows.push_back(Row { minute, counted });
        if self.rows.len() > self.keep {
            self.rows.pop_front();
        }
    }

    /// The datapoints of the newest `periods` of `minutes` each, the last of which ends with `until`, oldest first.
    ///
    /// Fewer if the reports do not go back that far. Periods slide: one of 5 minutes ends with every minute
    /// [CW:alarm-evaluation].
    pub fn series(&self, metric: Metric, stat: Stat, until: u32, periods: usize, minutes: u32) -> Vec<Option<f64>> {
        let reported = self.began.map_or(0, |began| (until + 1).saturating_sub(began));
        let complete = (reported / minutes).min(periods as u32);
        (0..complete)
            .rev()
            .map(|age| self.statistic(metric, stat, until - age * minutes, minutes))
            .collect()
    }

    #[cfg(test)]
    pub fn minutes_kept(&self) -> usize {
        self.rows.len()
    }

    /// The values of arithmetic on metrics, as [`Metrics::series`] gives those of one.
    pub fn math(
        &self,
        (metrics, expression): (&[AlarmMetric], &Expression),
        until: u32,
        periods: usize,
        minutes: u32,
    ) -> Vec<Option<f64>> {
        let series = |each: &AlarmMetric| self.series(each.metric, each.stat, until, periods, minutes);
        let series: Vec<Vec<Option<f64>>> = metrics.iter().map(series).collect();
        let periods = series.first().map_or(0, Vec::len);
        (0..periods)
            .map(|at| value(expression, &|metric| series[metric][at]))
            .collect()
    }

    fn statistic(&self, metric: Metric, stat: Stat, until: u32, minutes: u32) -> Option<f64> {
        let rows = (until + 1 - minutes..=until).filter_map(|minute| self.row(minute));
        rows.filter_map(|row| row.report(metric))
            .reduce(StatisticSet::with)
            .map(|set| set.get(stat))
    }

    fn row(&self, minute: u32) -> Option<&Counted> {
        let first = self.rows.front()?.minute;
        self.rows.get(minute.checked_sub(first)? as usize)?.counted.as_ref()
    }
}

impl Counted {
    /// What a metric reported in this minute: percent, seconds or counts.
    fn report(&self, metric: Metric) -> Option<StatisticSet> {
        match metric {
            Metric::RequestCount(group) => StatisticSet::events(self.target_groups[group.at()].requests),
            // Sum is the only statistic that AWS gives it a meaning in: requests over healthy hosts.
            Metric::RequestCountPerTarget(group) => {
                let (requests, hosts) = (
                    self.target_groups[group.at()].requests,
                    self.fleet.hosts[group.at()].healthy,
                );
                (requests > 0 && hosts > 0).then(|| StatisticSet::one(requests as f64 / f64::from(hosts)))
            }
            Metric::TargetResponseTime(group) => response_time(&self.target_groups[group.at()]),
            Metric::Target2xx(group) => StatisticSet::events(self.target_groups[group.at()].target_2xx),
            Metric::Target4xx(group) => StatisticSet::events(self.target_groups[group.at()].target_4xx),
            Metric::Target5xx(group) => StatisticSet::events(self.target_groups[group.at()].target_5xx),
            Metric::HealthyHostCount(group) => self.hosts(group.at(), |hosts| hosts.healthy),
            Metric::UnhealthyHostCount(group) => self.hosts(group.at(), |hosts| hosts.unhealthy),
            Metric::Elb5xx(balancer) => StatisticSet::events(self.load_balancers[balancer.at()].elb_5xx),
            Metric::CpuUtilization(service) => {
                cpu_utilisation(&self.services[service.at()], self.fleet.running[service.at()])
            }
            Metric::MemoryUtilization(service) => self.fleet.memory[service.at()].map(|level| level.0),
            Metric::RunningTaskCount(service) => Some(StatisticSet::one(f64::from(self.fleet.running[service.at()]))),
            Metric::Queue(queue, metric) => Some(StatisticSet::one(of_queue(&self.queues[queue.at()], metric))),
        }
    }

    fn hosts(&self, group: usize, which: fn(&HostCounts) -> u32) -> Option<StatisticSet> {
        let hosts = &self.fleet.hosts[group];
        (hosts.healthy + hosts.unhealthy > 0).then(|| StatisticSet::one(f64::from(which(hosts))))
    }
}

/// A datapoint that divides by zero or misses an operand is missing.
fn value(expression: &Expression, datapoint: &impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let both = |a: &Expression, b: &Expression, operate: fn(f64, f64) -> f64| {
        Some(operate(value(a, datapoint)?, value(b, datapoint)?))
    };
    let result = match expression {
        Expression::Metric(at) => datapoint(*at),
        Expression::Number(number) => Some(*number),
        Expression::Add(a, b) => both(a, b, |a, b| a + b),
        Expression::Subtract(a, b) => both(a, b, |a, b| a - b),
        Expression::Multiply(a, b) => both(a, b, |a, b| a * b),
        Expression::Divide(a, b) => both(a, b, |a, b| a / b),
    };
    result.filter(|value| value.is_finite())
}

/// Gauges stand at the end of the minute, numbers count over it; an empty queue has an oldest message of no age.
fn of_queue(meter: &QueueMeter, metric: QueueMetric) -> f64 {
    match metric {
        QueueMetric::MessagesVisible => meter.visible as f64,
        QueueMetric::MessagesNotVisible => meter.not_visible as f64,
        QueueMetric::MessagesDelayed => meter.delayed as f64,
        QueueMetric::AgeOfOldestMessage => meter.oldest.seconds(),
        QueueMetric::MessagesSent => meter.sent as f64,
        QueueMetric::MessagesReceived => meter.received as f64,
        QueueMetric::MessagesDeleted => meter.deleted as f64,
    }
}

/// Used over reserved CPU in percent; a minute counts with its running tasks when minutes are averaged.
fn cpu_utilisation(meter: &ServiceMeter, running: u32) -> Option<StatisticSet> {
    (meter.cpu_reserved > 0).then(|| {
        let average = 100.0 * meter.cpu_used as f64 / meter.cpu_reserved as f64;
        let count = f64::from(running.max(1));
        StatisticSet {
            sum: average * count,
            count,
            minimum: 100.0 * meter.lowest,
            maximum: 100.0 * meter.highest,
        }
    })
}

/// Seconds over answered requests. The extremes of a minute are not metered; its mean stands for them.
fn response_time(meter: &TargetGroupMeter) -> Option<StatisticSet> {
    let answered = meter.target_2xx + meter.target_4xx + meter.target_5xx;
    (answered > 0).then(|| {
        let sum = meter.response_time as f64 / NANOS_PER_SECOND as f64;
        let mean = sum / answered as f64;
        StatisticSet {
            sum,
            count: answered as f64,
            minimum: mean,
            maximum: mean,
        }
    })
}

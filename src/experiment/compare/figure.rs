//! The figures that variants are compared in, each taken from one run.
//!
//! A figure that a run does not have (no deployment, nothing served) is absent, not zero.

use crate::blueprint::{Blueprint, ClassIx};
use crate::probe::{DeploymentStory, RunRecord};
use crate::units::{MicroUsd, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Failed over offered first attempts.
    FailedShare,
    MeanLatency,
    P50Latency,
    P95Latency,
    P99Latency,
    CostPerHour,
    /// From the start of a deployment to its end, the mean over those that ended.
    DeploymentDuration,
    /// From the start of a deployment until a breaker or an alarm decided against it.
    DetectionTime,
    /// Attempts that the revisions being deployed answered while they were.
    NewRevisionRequests,
    /// Of these, answered 5xx or cut off.
    NewRevisionErrors,
    /// The lowest number of healthy tasks of a service while it was deployed.
    LowestHealthy,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
    Neither,
}

impl Figure {
    pub const ALL: [Figure; 11] = [
        Figure::FailedShare,
        Figure::MeanLatency,
        Figure::P50Latency,
        Figure::P95Latency,
        Figure::P99Latency,
        Figure::CostPerHour,
        Figure::DeploymentDuration,
        Figure::DetectionTime,
        Figure::NewRevisionRequests,
        Figure::NewRevisionErrors,
        Figure::LowestHealthy,
    ];

    /// With its unit, for columns and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Figure::FailedShare => "failed_share",
            Figure::MeanLatency => "mean_ms",
            Figure::P50Latency => "p50_ms",
            Figure::P95Latency => "p95_ms",
            Figure::P99Latency => "p99_ms",
            Figure::CostPerHour => "cost_usd_per_hour",
            Figure::DeploymentDuration => "deployment_duration_s",
            Figure::DetectionTime => "detection_time_s",
            Figure::NewRevisionRequests => "new_revision_requests",
            Figure::NewRevisionErrors => "new_revision_errors",
            Figure::LowestHealthy => "lowest_healthy_tasks",
        }
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Figure::FailedShare => "requests that failed",
            Figure::MeanLatency => "mean latency",
            Figure::P50Latency => "p50 latency",
            Figure::P95Latency => "p95 latency",
            Figure::P99Latency => "p99 latency",
            Figure::CostPerHour => "cost per hour",
            Figure::DeploymentDuration => "deployment takes",
            Figure::DetectionTime => "bad version noticed after",
            Figure::NewRevisionRequests => "requests to the new version",
            Figure::NewRevisionErrors => "errors by the new version",
            Figure::LowestHealthy => "fewest healthy tasks",
        }
    }

    pub const fn better(self) -> Better {
        match self {
            Figure::LowestHealthy => Better::Higher,
            // A good version should get its requests and a bad one should not.
            Figure::NewRevisionRequests => Better::Neither,
            _ => Better::Lower,
        }
    }

    pub const fn is_latency(self) -> bool {
        matches!(
            self,
            Figure::MeanLatency | Figure::P50Latency | Figure::P95Latency | Figure::P99Latency
        )
    }

    /// All requests together and, for the two figures that decide most, each class by itself.
    pub(super) fn classes(self, blueprint: &Blueprint) -> Vec<Option<String>> {
        let mut classes = vec![None];
        if matches!(self, Figure::FailedShare | Figure::P99Latency) && blueprint.classes.len() > 1 {
            classes.extend(blueprint.classes.iter().map(|class| Some(class.name.clone())));
        }
        classes
    }

    /// The figure in one run; classes go by name, because variants may order them otherwise.
    pub(super) fn of(self, blueprint: &Blueprint, record: &RunRecord, class: Option<&str>) -> Option<f64> {
        let class = match class {
            Some(name) => Some(ClassIx::from_usize(
                blueprint.classes.iter().position(|class| class.name == name)?,
            )),
            None => None,
        };
        match self {
            Figure::FailedShare => {
                let outcomes = record.class_totals(class).outcomes;
                (outcomes.offered() > 0).then(|| outcomes.failed() as f64 / outcomes.offered() as f64)
            }
            Figure::MeanLatency => {
                let totals = record.class_totals(class);
                let served = totals.outcomes.served();
                (served > 0).then(|| totals.latency_sum as f64 / served as f64 / 1e6)
            }
            Figure::P50Latency => quantile_ms(record, class, 0.5),
            Figure::P95Latency => quantile_ms(record, class, 0.95),
            Figure::P99Latency => quantile_ms(record, class, 0.99),
            Figure::CostPerHour => {
                let cost = record
                    .cost
                    .iter()
                    .fold(MicroUsd::default(), |sum, line| sum + line.amount);
                let hours = record.measured.seconds() / 3600.0;
                (hours > 0.0).then(|| cost.usd() / hours)
            }
            Figure::DeploymentDuration => mean_s(record, |story| {
                let deployment = &story.deployment;
                deployment.ended.map(|ended| ended.since(deployment.started))
            }),
            Figure::DetectionTime => mean_s(record, |story| {
                let deployment = &story.deployment;
                deployment.detected.map(|detected| detected.since(deployment.started))
            }),
            Figure::NewRevisionRequests => answered(record, |count| count.requests),
            Figure::NewRevisionErrors => answered(record, |count| count.errors),
            Figure::LowestHealthy => record
                .deployments
                .iter()
                .map(|story| f64::from(story.deployment.lowest_healthy))
                .reduce(f64::min),
        }
    }
}

fn quantile_ms(record: &RunRecord, class: Option<ClassIx>, quantile: f64) -> Option<f64> {
    record.latencies(class).quantile(quantile).map(Span::millis)
}

fn mean_s(record: &RunRecord, span: impl Fn(&DeploymentStory) -> Option<Span>) -> Option<f64> {
    let spans: Vec<f64> = record.deployments.iter().filter_map(span).map(Span::seconds).collect();
    (!spans.is_empty()).then(|| spans.iter().sum::<f64>() / spans.len() as f64)
}

fn answered(record: &RunRecord, count: impl Fn(&crate::sim::observation::RevisionCount) -> u64) -> Option<f64> {
    let new = record
        .deployments
        .iter()
        .filter_map(|story| story.answered.get(story.deployment.to.at()));
    let counts: Vec<u64> = new.map(count).collect();
    (!counts.is_empty()).then(|| counts.iter().sum::<u64>() as f64)
}

//! The figures that variants are compared in, each taken from one run.
//!
//! A figure that a run does not have (no deployment, nothing served) is absent, not zero.

use crate::blueprint::{Blueprint, ClassIx};
use crate::probe::{RunRecord, Toll};
use crate::units::{MicroUsd, Span};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Failed over offered first attempts.
    FailedShare,
    /// Served with something left out over served; absent where nothing can be left out.
    DegradedShare,
    MeanLatency,
    P50Latency,
    P95Latency,
    P99Latency,
    CostPerHour,
    /// From the start of a deployment to its end, the mean over those that ended.
    DeploymentDuration,
    /// From the start of a deployment until a breaker or an alarm decided against it.
    DetectionTime,
    /// From that decision until the old revision was back, the mean over deployments that were rolled back.
    RollBackTime,
    /// Attempts that the revisions being deployed answered while they were.
    NewRevisionRequests,
    /// Of these, answered 5xx or cut off.
    NewRevisionErrors,
    /// Of these, more than the revisions before would have made.
    ErrorsAboveOld,
    /// The lowest number of healthy tasks of a service while it was deployed.
    LowestHealthy,
    /// Task-seconds of healthy tasks below the desired count, over all deployments.
    BelowDesired,
    /// Most tasks above the desired count in one deployment.
    PeakExtraTasks,
    /// What tasks above the desired count cost, over all deployments.
    ExtraCost,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
    Neither,
}

impl Figure {
    pub const ALL: [Figure; 17] = [
        Figure::FailedShare,
        Figure::DegradedShare,
        Figure::MeanLatency,
        Figure::P50Latency,
        Figure::P95Latency,
        Figure::P99Latency,
        Figure::CostPerHour,
        Figure::DeploymentDuration,
        Figure::DetectionTime,
        Figure::RollBackTime,
        Figure::NewRevisionRequests,
        Figure::NewRevisionErrors,
        Figure::ErrorsAboveOld,
        Figure::LowestHealthy,
        Figure::BelowDesired,
        Figure::PeakExtraTasks,
        Figure::ExtraCost,
    ];

    /// With its unit, for columns and keys.
    pub const fn name(self) -> &'static str {
        match self {
            Figure::FailedShare => "failed_share",
            Figure::DegradedShare => "degraded_share",
            Figure::MeanLatency => "mean_ms",
            Figure::P50Latency => "p50_ms",
            Figure::P95Latency => "p95_ms",
            Figure::P99Latency => "p99_ms",
            Figure::CostPerHour => "cost_usd_per_hour",
            Figure::DeploymentDuration => "deployment_duration_s",
            Figure::DetectionTime => "detection_time_s",
            Figure::RollBackTime => "roll_back_time_s",
            Figure::NewRevisionRequests => "new_revision_requests",
            Figure::NewRevisionErrors => "new_revision_errors",
            Figure::ErrorsAboveOld => "errors_above_old",
            Figure::LowestHealthy => "lowest_healthy_tasks",
            Figure::BelowDesired => "below_desired_task_s",
            Figure::PeakExtraTasks => "peak_extra_tasks",
            Figure::ExtraCost => "extra_cost_usd",
        }
    }

    /// For people.
    pub const fn label(self) -> &'static str {
        match self {
            Figure::FailedShare => "requests that failed",
            Figure::DegradedShare => "answers with something left out",
            Figure::MeanLatency => "mean latency",
            Figure::P50Latency => "p50 latency",
            Figure::P95Latency => "p95 latency",
            Figure::P99Latency => "p99 latency",
            Figure::CostPerHour => "cost per hour",
            Figure::DeploymentDuration => "deployment takes",
            Figure::DetectionTime => "bad version noticed after",
            Figure::RollBackTime => "roll-back takes",
            Figure::NewRevisionRequests => "requests to the new version",
            Figure::NewRevisionErrors => "errors by the new version",
            Figure::ErrorsAboveOld => "errors above the old version's",
            Figure::LowestHealthy => "fewest healthy tasks",
            Figure::BelowDesired => "capacity missing in deployments",
            Figure::PeakExtraTasks => "most extra tasks",
            Figure::ExtraCost => "extra tasks cost",
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
    pub fn of(self, blueprint: &Blueprint, record: &RunRecord, class: Option<&str>) -> Option<f64> {
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
            Figure::DegradedShare => {
                let totals = record.class_totals(class);
                let served = totals.outcomes.served();
                (blueprint.can_degrade() && served > 0).then(|| totals.degraded as f64 / served as f64)
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
            Figure::DeploymentDuration => mean(&tolls(blueprint, record, Toll::Duration)),
            Figure::DetectionTime => mean(&tolls(blueprint, record, Toll::Detection)),
            Figure::RollBackTime => mean(&tolls(blueprint, record, Toll::RollBack)),
            Figure::NewRevisionRequests => sum(&tolls(blueprint, record, Toll::Exposure)),
            Figure::NewRevisionErrors => sum(&tolls(blueprint, record, Toll::Errors)),
            Figure::ErrorsAboveOld => sum(&tolls(blueprint, record, Toll::ErrorsAboveOld)),
            Figure::LowestHealthy => tolls(blueprint, record, Toll::LowestHealthy)
                .into_iter()
                .reduce(f64::min),
            Figure::BelowDesired => sum(&tolls(blueprint, record, Toll::BelowDesired)),
            Figure::PeakExtraTasks => tolls(blueprint, record, Toll::PeakExtraTasks)
                .into_iter()
                .reduce(f64::max),
            Figure::ExtraCost => sum(&tolls(blueprint, record, Toll::ExtraCost)),
        }
    }
}

fn quantile_ms(record: &RunRecord, class: Option<ClassIx>, quantile: f64) -> Option<f64> {
    record.latencies(class).quantile(quantile).map(Span::millis)
}

/// A figure of each deployment that has it.
fn tolls(blueprint: &Blueprint, record: &RunRecord, toll: Toll) -> Vec<f64> {
    let stories = record.deployments.iter();
    stories.filter_map(|story| toll.of(blueprint, story)).collect()
}

fn sum(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum())
}

fn mean(values: &[f64]) -> Option<f64> {
    sum(values).map(|sum| sum / values.len() as f64)
}

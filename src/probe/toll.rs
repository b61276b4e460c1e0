//! What a deployment cost those who use the service, and those who pay for it: figures of one deployment in one run.
//!
//! A deployment's errors are compared with what the revision before it did: of a version that is as good as the old one
//! the excess is noise around zero. Deliberately not here: which variant did better (`experiment::compare`).

use super::estimate::{self, Estimate};
use super::{DeploymentStory, Pool};
use crate::aws::prices;
use crate::blueprint::{Architecture, Blueprint, Provider, RevisionIx, ServiceIx};
use crate::sim::observation::{DeploymentRecord, RevisionCount};
use crate::units::Instant;

/// A figure of a deployment; the columns of `deployments.csv` have the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toll {
    Duration,
    Detection,
    RollBack,
    /// Attempts that the new revision answered.
    Exposure,
    Errors,
    ErrorsAboveOld,
    LowestHealthy,
    DeepestDip,
    BelowDesired,
    PeakExtraTasks,
    PeakExtraCost,
    ExtraCost,
}

impl Toll {
    pub const ALL: [Toll; 12] = [
        Toll::Duration,
        Toll::Detection,
        Toll::RollBack,
        Toll::Exposure,
        Toll::Errors,
        Toll::ErrorsAboveOld,
        Toll::LowestHealthy,
        Toll::DeepestDip,
        Toll::BelowDesired,
        Toll::PeakExtraTasks,
        Toll::PeakExtraCost,
        Toll::ExtraCost,
    ];

    /// With its unit.
    pub const fn name(self) -> &'static str {
        match self {
            Toll::Duration => "duration_s",
            Toll::Detection => "detect_s",
            Toll::RollBack => "roll_back_s",
            Toll::Exposure => "requests_to",
            Toll::Errors => "errors_to",
            Toll::ErrorsAboveOld => "errors_above_old",
            Toll::LowestHealthy => "lowest_healthy",
            Toll::DeepestDip => "deepest_dip",
            Toll::BelowDesired => "below_desired_task_s",
            Toll::PeakExtraTasks => "peak_extra_tasks",
            Toll::PeakExtraCost => "peak_extra_usd_per_hour",
            Toll::ExtraCost => "extra_cost_usd",
        }
    }

    /// The figure of one deployment. `None` if it has none: not ended, nothing detected, nobody counted.
    pub fn of(self, blueprint: &Blueprint, story: &DeploymentStory) -> Option<f64> {
        let it = &story.deployment;
        let since = |later: Option<Instant>, earlier: Option<Instant>| Some(later?.since(earlier?).seconds());
        match self {
            Toll::Duration => since(it.ended, Some(it.started)),
            Toll::Detection => since(it.detected, Some(it.started)),
            Toll::RollBack => since(it.ended.filter(|_| it.outcome == "ROLLED_BACK"), it.detected),
            Toll::Exposure => story.new_revision().map(|count| count.requests as f64),
            Toll::Errors => story.new_revision().map(|count| count.errors as f64),
            Toll::ErrorsAboveOld => errors_above_old(story),
            Toll::LowestHealthy => Some(it.lowest_healthy.into()),
            Toll::DeepestDip => Some(it.deepest_dip.into()),
            Toll::BelowDesired => Some(it.below_desired_task_s),
            Toll::PeakExtraTasks => Some(it.peak_extra_tasks.into()),
            Toll::PeakExtraCost => {
                let (vcpu, gib) = size(blueprint, it);
                price(blueprint, it).map(|price| f64::from(it.peak_extra_tasks) * price.of(vcpu, gib))
            }
            Toll::ExtraCost => price(blueprint, it).map(|price| price.of(it.extra_vcpu_s, it.extra_gib_s) / 3600.0),
        }
    }
}

impl DeploymentStory {
    /// What the revision that it brings has answered.
    pub fn new_revision(&self) -> Option<RevisionCount> {
        self.answered.get(self.deployment.to.at()).copied()
    }
}

/// The same deployment in many runs: of one service to one revision, for the first time, the second, ….
#[derive(Clone, Debug)]
pub struct SameDeployment<'a> {
    pub service: ServiceIx,
    pub to: RevisionIx,
    occurrence: usize,
    /// In order of replication; runs in which it did not begin have none.
    pub stories: Vec<&'a DeploymentStory>,
}

impl Pool<'_> {
    /// The deployments of all runs, those that are the same together, in the order in which they first began.
    pub fn deployments(&self) -> Vec<SameDeployment<'_>> {
        let mut all: Vec<SameDeployment<'_>> = Vec::new();
        for record in self.records {
            for (at, story) in record.deployments.iter().enumerate() {
                let (service, to) = (story.deployment.service, story.deployment.to);
                let is_it = |other: &&DeploymentStory| (other.deployment.service, other.deployment.to) == (service, to);
                let occurrence = record.deployments[..at].iter().filter(is_it).count();
                let known = all
                    .iter_mut()
                    .find(|same| (same.service, same.to, same.occurrence) == (service, to, occurrence));
                match known {
                    Some(same) => same.stories.push(story),
                    None => all.push(SameDeployment {
                        service,
                        to,
                        occurrence,
                        stories: vec![story],
                    }),
                }
            }
        }
        all
    }

    /// The mean of a figure over the runs that have it, and of how many that are.
    pub fn toll(&self, of: &SameDeployment<'_>, toll: Toll) -> (usize, Option<Estimate>) {
        let values = of.stories.iter().filter_map(|story| toll.of(self.blueprint, story));
        let values: Vec<f64> = values.collect();
        (values.len(), estimate::mean(&values, self.level))
    }
}

/// Errors of the new revision less those that the old one would have made of as many requests: at the share that it
/// failed before the deployment, or else while it lasted. `None` for a service's creation, which replaces nothing.
fn errors_above_old(story: &DeploymentStory) -> Option<f64> {
    let it = &story.deployment;
    if it.from == it.to {
        return None;
    }
    let new = story.new_revision()?;
    let while_it_lasted = story.answered.get(it.from.at());
    let known = story.before.get(it.from.at()).filter(|count| count.requests > 0);
    let share = match known.or(while_it_lasted) {
        Some(old) if old.requests > 0 => old.errors as f64 / old.requests as f64,
        _ => 0.0,
    };
    Some(new.errors as f64 - share * new.requests as f64)
}

/// vCPUs and GiB of a task of the new revision.
fn size(blueprint: &Blueprint, it: &DeploymentRecord) -> (f64, f64) {
    let revision = &blueprint.services[it.service.at()].revisions[it.to.at()];
    let definition = &blueprint.task_definitions[revision.task_definition.at()];
    (definition.cpu.vcpus(), definition.memory.gib())
}

/// USD an hour.
struct Price {
    vcpu: f64,
    gib: f64,
}

impl Price {
    fn of(&self, vcpus: f64, gib: f64) -> f64 {
        vcpus * self.vcpu + gib * self.gib
    }
}

/// What the service's tasks cost on Fargate; `None` on instances, which are paid for anyway.
fn price(blueprint: &Blueprint, it: &DeploymentRecord) -> Option<Price> {
    let service = &blueprint.services[it.service.at()];
    let spot = match service.capacity.first()?.provider {
        Provider::Fargate => 1.0,
        Provider::FargateSpot => prices::FARGATE_SPOT_SHARE,
        Provider::Group(_) => return None,
    };
    let revision = &service.revisions[it.to.at()];
    let listed = match blueprint.task_definitions[revision.task_definition.at()].architecture {
        Architecture::X86_64 => prices::FARGATE_X86,
        Architecture::Arm64 => prices::FARGATE_ARM,
    };
    let share = spot * (1.0 - blueprint.prices.fargate.get());
    Some(Price {
        vcpu: listed.vcpu_hour * share,
        gib: listed.gb_hour * share,
    })
}

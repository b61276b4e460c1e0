//! The bill for the measured time of one run, at us-east-1's published On-Demand prices less the scenario's discounts.
//!
//! Usage is added up in integers (CPU units, MiB and nanoseconds), so a bill does not depend on the order in which tasks
//! ended. Only what falls into measured time is billed; what stands before and after it (a balancer, an alarm) is billed
//! by its share. MODEL lines: Fargate Spot costs 0.3 of On-Demand, and connections and bytes follow requests by `model.alb`.
//!
//! Between zones only what has a `payload` is billed: of the rest nothing says how many bytes move.
//!
//! Not here: traffic to the internet and through NAT gateways, CloudWatch Logs, image storage, Fargate tasks' own public
//! addresses, and unused reservations.

mod balancer;

use super::record::CostLine;
use crate::aws::prices;
use crate::blueprint::{Architecture, Blueprint, Market, Provider};
use crate::sim::observation::{InstanceRecord, Observation, TaskRecord};
use crate::units::{Instant, MicroUsd, NANOS_PER_SECOND, Span};
use balancer::BalancerUse;

/// Adds up usage while a run goes on.
#[derive(Clone, Debug)]
pub struct CostProbe {
    measured: Window,
    /// What is left of the price after discounts.
    pay: Pay,
    services: Vec<ServiceUse>,
    groups: Vec<GroupUse>,
    balancers: Vec<BalancerUse>,
    /// Bytes.
    crossed_zones: u64,
    /// What was still there when the run ended, to be billed once the end is known.
    open_tasks: Vec<TaskRecord>,
    open_instances: Vec<InstanceRecord>,
    /// Metrics that alarms watch, for each alarm; target tracking has two alarms of its own a policy.
    alarm_metrics: usize,
}

#[derive(Clone, Copy, Debug)]
struct Pay {
    fargate: f64,
    ec2: f64,
    alb: f64,
}

/// From the end of the warm-up to the horizon.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: Instant,
    to: Instant,
}

impl Window {
    /// The part of a stretch of time that lies within.
    fn share(&self, from: Instant, to: Instant) -> Span {
        to.min(self.to).since(from.max(self.from))
    }
}

#[derive(Clone, Debug)]
struct ServiceUse {
    name: String,
    /// In the order of [`KINDS`].
    fargate: [FargateUse; 4],
}

/// Integrals over time in nanoseconds: of CPU units, MiB, and GiB of storage beyond what is included.
#[derive(Clone, Copy, Debug, Default)]
struct FargateUse {
    cpu: u128,
    memory: u128,
    storage: u128,
}

#[derive(Clone, Debug)]
struct GroupUse {
    name: String,
    usd_per_hour: f64,
    market: Market,
    nanos: u128,
    /// CPU credits borrowed and not paid back by the end, and what an hour of a vCPU of them costs.
    surplus: f64,
    usd_per_surplus_vcpu_hour: f64,
}

/// One way to run a task on Fargate, with the names of its lines.
struct Kind {
    architecture: Architecture,
    spot: bool,
    vcpu: &'static str,
    memory: &'static str,
    storage: &'static str,
}

const KINDS: [Kind; 4] = [
    Kind {
        architecture: Architecture::X86_64,
        spot: false,
        vcpu: "fargate_vcpu",
        memory: "fargate_memory",
        storage: "fargate_storage",
    },
    Kind {
        architecture: Architecture::Arm64,
        spot: false,
        vcpu: "fargate_arm_vcpu",
        memory: "fargate_arm_memory",
        storage: "fargate_arm_storage",
    },
    Kind {
        architecture: Architecture::X86_64,
        spot: true,
        vcpu: "fargate_spot_vcpu",
        memory: "fargate_spot_memory",
        storage: "fargate_spot_storage",
    },
    Kind {
        architecture: Architecture::Arm64,
        spot: true,
        vcpu: "fargate_spot_arm_vcpu",
        memory: "fargate_spot_arm_memory",
        storage: "fargate_spot_arm_storage",
    },
];

const NANOS_PER_HOUR: f64 = 3600.0 * NANOS_PER_SECOND as f64;

impl CostProbe {
    pub fn new(blueprint: &Blueprint) -> Self {
        let service = |service: &crate::blueprint::Service| ServiceUse {
            name: service.name.clone(),
            fargate: Default::default(),
        };
        let group = |group: &crate::blueprint::AutoScalingGroup| GroupUse {
            name: group.name.clone(),
            usd_per_hour: group.instance_type.usd_per_hour,
            market: group.market,
            nanos: 0,
            surplus: 0.0,
            usd_per_surplus_vcpu_hour: group.credits.map_or(0.0, |it| it.burstable.usd_per_surplus_vcpu_hour),
        };
        let nodes_per_zone = blueprint.model.alb.nodes_per_zone;
        let balancers = blueprint
            .load_balancers
            .iter()
            .map(|each| BalancerUse::new(each, nodes_per_zone));
        let policies = blueprint
            .services
            .iter()
            .flat_map(|service| &service.auto_scaling)
            .map(|it| it.policies.len());
        CostProbe {
            measured: Window {
                from: blueprint.measured_from(),
                to: blueprint.horizon(),
            },
            pay: Pay {
                fargate: 1.0 - blueprint.prices.fargate.get(),
                ec2: 1.0 - blueprint.prices.ec2.get(),
                alb: 1.0 - blueprint.prices.alb.get(),
            },
            services: blueprint.services.iter().map(service).collect(),
            groups: blueprint.auto_scaling_groups.iter().map(group).collect(),
            balancers: balancers.collect(),
            crossed_zones: 0,
            open_tasks: Vec::new(),
            open_instances: Vec::new(),
            alarm_metrics: blueprint.alarms.iter().map(|alarm| alarm.metrics.len()).sum::<usize>()
                + 2 * policies.sum::<usize>(),
        }
    }

    pub fn observe(&mut self, observation: &Observation) {
        match observation {
            Observation::TaskEnded(task) => match task.stopped {
                Some(stopped) => self.task_ended(task, stopped),
                None => self.open_tasks.push(task.clone()),
            },
            Observation::InstanceEnded(instance) => match instance.terminated {
                Some(terminated) => self.instance_ended(instance, terminated),
                None => self.open_instances.push(instance.clone()),
            },
            Observation::Sampled(sample) => {
                for credits in &sample.credits {
                    self.groups[credits.group.at()].surplus += credits.owed;
                }
            }
            Observation::BalancerMinute {
                load_balancer,
                ended,
                meter,
            } => {
                self.balancers[load_balancer.at()].minute(self.measured, *ended, meter);
            }
            Observation::CrossedZones(bytes) => self.crossed_zones = *bytes,
            _ => {}
        }
    }

    /// The bill. `end` is the horizon, or when the run ended if it ended early.
    pub fn finish(mut self, end: Instant) -> Vec<CostLine> {
        self.measured.to = self.measured.to.min(end);
        for task in std::mem::take(&mut self.open_tasks) {
            self.task_ended(&task, end);
        }
        for instance in std::mem::take(&mut self.open_instances) {
            self.instance_ended(&instance, end);
        }
        let measured = self.measured.to.since(self.measured.from);
        let mut lines = Vec::new();
        for service in &self.services {
            service.bill(self.pay.fargate, &mut lines);
        }
        for group in &self.groups {
            let hours = group.nanos as f64 / NANOS_PER_HOUR;
            // Spot is a price of its own here too.
            let (item, share) = match group.market {
                Market::OnDemand => ("ec2_instance", self.pay.ec2),
                Market::Spot => ("ec2_spot_instance", prices::EC2_SPOT_SHARE),
            };
            push(
                &mut lines,
                (item, &group.name),
                (hours, "h"),
                group.usd_per_hour * share,
            );
            // In vCPU-minutes; discounts are on instances.
            push(
                &mut lines,
                ("ec2_cpu_credits", &group.name),
                (group.surplus / 60.0, "vCPU-h"),
                group.usd_per_surplus_vcpu_hour,
            );
        }
        for balancer in self.balancers {
            balancer.bill(self.measured, self.pay.alb, &mut lines);
        }
        // Each gigabyte is paid where it leaves and where it arrives.
        let crossed = (self.crossed_zones as f64 / 1e9, "GB");
        let line = ("transfer_between_zones", "all");
        push(&mut lines, line, crossed, 2.0 * prices::CROSS_ZONE_GB);
        let months = measured.nanos() as f64 / NANOS_PER_HOUR / prices::HOURS_PER_MONTH;
        let quantity = (self.alarm_metrics as f64 * months, "alarm-month");
        push(&mut lines, ("cloudwatch_alarm", "all"), quantity, prices::ALARM_MONTH);
        lines
    }

    /// Fargate bills from the start of the image pull until the task has stopped, by the second, at least a minute. A
    /// task that stood when the run began had been pulled before.
    fn task_ended(&mut self, task: &TaskRecord, stopped: Instant) {
        let spot = match task.provider {
            Provider::Fargate => false,
            Provider::FargateSpot => true,
            Provider::Group(_) => return,
        };
        let Some(started) = task.pull_started.or(task.running) else {
            return;
        };
        let billed = billed_until(started, stopped, prices::FARGATE_MINIMUM.as_secs());
        let nanos = u128::from(self.measured.share(started, billed).nanos());
        let kind = KINDS
            .iter()
            .position(|kind| kind.architecture == task.architecture && kind.spot == spot);
        let usage = &mut self.services[task.service.at()].fargate[kind.expect("every way to run a task has its kind")];
        usage.cpu += nanos * u128::from(task.cpu.0);
        usage.memory += nanos * u128::from(task.memory.0);
        usage.storage += nanos * u128::from(task.extra_storage_gib);
    }

    /// EC2 bills Linux instances by the second, at least a minute, from their launch.
    fn instance_ended(&mut self, instance: &InstanceRecord, terminated: Instant) {
        let billed = billed_until(instance.launched, terminated, prices::EC2_MINIMUM.as_secs());
        self.groups[instance.group.at()].nanos += u128::from(self.measured.share(instance.launched, billed).nanos());
    }
}

/// Whole seconds, and no fewer than the least.
fn billed_until(started: Instant, ended: Instant, least_s: u64) -> Instant {
    let seconds = ended.since(started).nanos().div_ceil(NANOS_PER_SECOND).max(least_s);
    Instant::from_nanos(started.nanos().saturating_add(seconds.saturating_mul(NANOS_PER_SECOND)))
}

impl ServiceUse {
    fn bill(&self, pay: f64, lines: &mut Vec<CostLine>) {
        for (kind, usage) in KINDS.iter().zip(&self.fargate) {
            let price = match kind.architecture {
                Architecture::X86_64 => prices::FARGATE_X86,
                Architecture::Arm64 => prices::FARGATE_ARM,
            };
            // Spot is a price of its own: what is taken off On-Demand prices is not taken off it.
            let share = if kind.spot { prices::FARGATE_SPOT_SHARE } else { pay };
            let hours = |integral: u128, unit: f64| integral as f64 / unit / NANOS_PER_HOUR;
            let of = |item| (item, self.name.as_str());
            push(
                lines,
                of(kind.vcpu),
                (hours(usage.cpu, 1024.0), "vCPU-h"),
                price.vcpu_hour * share,
            );
            push(
                lines,
                of(kind.memory),
                (hours(usage.memory, 1024.0), "GB-h"),
                price.gb_hour * share,
            );
            let storage = (hours(usage.storage, 1.0), "GB-h");
            push(
                lines,
                of(kind.storage),
                storage,
                prices::FARGATE_STORAGE_GB_HOUR * share,
            );
        }
    }
}

/// Appends a line, unless there is nothing of it.
fn push(lines: &mut Vec<CostLine>, (item, subject): (&'static str, &str), quantity: (f64, &'static str), price: f64) {
    let (quantity, unit) = quantity;
    if quantity > 0.0 {
        let amount = MicroUsd::from_usd(quantity * price);
        lines.push(CostLine {
            item,
            subject: subject.to_owned(),
            quantity,
            unit,
            amount,
        });
    }
}

#[cfg(test)]
mod tests;

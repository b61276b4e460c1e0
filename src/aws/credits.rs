//! CPU credits of the T families: who earns how many, and what more than these costs.
//!
//! A credit is a vCPU at full use for a minute. Source: EC2 User Guide, "Key concepts for burstable performance instances"
//! and "Unlimited mode" (tables of 2024; not in the sources of the other tables). T2, which alone gets launch credits and
//! is `standard` by default, is not in the table of types, nor T1.

use super::instance_types::InstanceType;
use crate::units::CpuUnits;

/// What a burstable type may use of its vCPUs for ever, and what it saves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burstable {
    /// Of all its vCPUs together: earned a minute, too.
    pub baseline_vcpus: f64,
    /// For surplus credits of `unlimited` mode, Linux.
    pub usd_per_surplus_vcpu_hour: f64,
}

/// Hours for which credits are saved.
const SAVED_HOURS: f64 = 24.0;

impl Burstable {
    pub fn earned_per_hour(&self) -> f64 {
        self.baseline_vcpus * 60.0
    }

    /// The most credits that an instance holds, and the most surplus that it may still pay back.
    pub fn most(&self) -> f64 {
        self.earned_per_hour() * SAVED_HOURS
    }
}

/// `None`: not a type that has credits.
pub fn of(of: &InstanceType) -> Option<Burstable> {
    let (family, size) = of.name.split_once('.')?;
    let usd_per_surplus_vcpu_hour = match family {
        "t3" => 0.05,
        "t4g" => 0.04,
        _ => return None,
    };
    let percent = match size {
        "micro" => 10.0,
        "small" | "medium" => 20.0,
        "large" => 30.0,
        "xlarge" | "2xlarge" => 40.0,
        _ => return None,
    };
    Some(Burstable {
        baseline_vcpus: CpuUnits(of.cpu.0).vcpus() * percent / 100.0,
        usd_per_surplus_vcpu_hour,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::instance_types::{TABLE, find};

    #[test]
    fn credits_are_as_published() {
        let earned = |name| {
            let burstable = of(find(name).expect("the table has it")).expect("it is burstable");
            let round = |credits: f64| (credits * 1e6).round() / 1e6;
            (round(burstable.earned_per_hour()), round(burstable.most()))
        };
        assert_eq!(earned("t3.micro"), (12.0, 288.0));
        assert_eq!(earned("t3.medium"), (24.0, 576.0));
        assert_eq!(earned("t3.large"), (36.0, 864.0));
        assert_eq!(earned("t4g.xlarge"), (96.0, 2304.0));
        assert_eq!(earned("t3.2xlarge"), (192.0, 4608.0));
        assert_eq!(of(find("m6i.large").expect("the table has it")), None);
    }

    #[test]
    fn every_type_of_a_t_family_has_credits() {
        for row in &TABLE {
            assert_eq!(of(row).is_some(), row.name.starts_with('t'), "{}", row.name);
        }
    }
}

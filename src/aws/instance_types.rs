//! EC2 instance types: size, network interfaces, trunked task limits, network baseline, price.
//!
//! Linux, shared tenancy, On-Demand, us-east-1. Sources: prices from AWS's price API as generated into Karpenter's AWS
//! provider on 2026-07-20, interfaces likewise on 2026-08-06, baseline bandwidth likewise on 2026-08-21; limits of tasks
//! with ENI trunking from the ECS Developer Guide, `container-instance-eni` (2023-06-15; m7i, r6i and r7g by analogy with
//! their size); vCPUs and memory are the published sizes.
//!
//! Not here: CPU credits of the T families (`credits`), and how a group launches instances.

use crate::units::{CpuUnits, MiB};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InstanceType {
    pub name: &'static str,
    pub cpu: CpuUnits,
    pub memory: MiB,
    /// Network interfaces, the instance's own included.
    pub enis: u32,
    /// Awsvpc tasks with ENI trunking; `None` where the type cannot.
    pub trunked_tasks: Option<u32>,
    pub baseline_mbit: u32,
    pub usd_per_hour: f64,
}

impl InstanceType {
    /// Awsvpc tasks that the instance takes: one for each interface but its own, or the trunk's limit where trunking is
    /// on and the type has it [DG:container-instance-eni].
    pub fn awsvpc_tasks(&self, trunking: Trunking) -> u32 {
        match (trunking, self.trunked_tasks) {
            (Trunking::On, Some(tasks)) => tasks,
            _ => self.enis - 1,
        }
    }

    /// MiB a second of its network without bursts.
    pub fn baseline_mib(&self) -> f64 {
        f64::from(self.baseline_mbit) * 1e6 / 8.0 / f64::from(1 << 20)
    }
}

/// The account setting `awsvpcTrunking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trunking {
    On,
    Off,
}

/// The row of a type by its name.
pub fn find(name: &str) -> Option<&'static InstanceType> {
    TABLE.iter().find(|row| row.name == name)
}

/// Network interfaces, and awsvpc tasks with trunking.
struct Network(u32, Option<u32>);

const fn row(
    name: &'static str,
    size: (u32, u64),
    network: Network,
    baseline_mbit: u32,
    usd_per_hour: f64,
) -> InstanceType {
    InstanceType {
        name,
        cpu: CpuUnits(size.0 * 1024),
        memory: MiB(size.1 * 1024),
        enis: network.0,
        trunked_tasks: network.1,
        baseline_mbit,
        usd_per_hour,
    }
}

/// All types that are known: name, (vCPU, GiB), (interfaces, trunked tasks), Mbit/s, USD an hour.
#[rustfmt::skip]
pub static TABLE: [InstanceType; 40] = [
    row("t3.micro",    ( 2,  1), Network(2, None),   64, 0.0104),
    row("t3.small",    ( 2,  2), Network(3, None),  128, 0.0208),
    row("t3.medium",   ( 2,  4), Network(3, None),  256, 0.0416),
    row("t3.large",    ( 2,  8), Network(3, None),  512, 0.0832),
    row("t3.xlarge",   ( 4, 16), Network(4, None), 1024, 0.1664),
    row("t3.2xlarge",  ( 8, 32), Network(4, None), 2048, 0.3328),
    row("t4g.small",   ( 2,  2), Network(3, None),  128, 0.0168),
    row("t4g.medium",  ( 2,  4), Network(3, None),  256, 0.0336),
    row("t4g.large",   ( 2,  8), Network(3, None),  512, 0.0672),
    row("t4g.xlarge",  ( 4, 16), Network(4, None), 1024, 0.1344),
    row("m5.large",    ( 2,  8), Network(3, Some(10)),  750, 0.0960),
    row("m5.xlarge",   ( 4, 16), Network(4, Some(20)), 1250, 0.1920),
    row("m5.2xlarge",  ( 8, 32), Network(4, Some(40)), 2500, 0.3840),
    row("m5.4xlarge",  (16, 64), Network(8, Some(60)), 5000, 0.7680),
    row("m6i.large",   ( 2,  8), Network(3, Some(10)),  781, 0.0960),
    row("m6i.xlarge",  ( 4, 16), Network(4, Some(20)), 1562, 0.1920),
    row("m6i.2xlarge", ( 8, 32), Network(4, Some(40)), 3125, 0.3840),
    row("m6i.4xlarge", (16, 64), Network(8, Some(60)), 6250, 0.7680),
    row("m7g.medium",  ( 1,  4), Network(2, Some(4)),  520, 0.0408),
    row("m7g.large",   ( 2,  8), Network(3, Some(10)),  937, 0.0816),
    row("m7g.xlarge",  ( 4, 16), Network(4, Some(20)), 1876, 0.1632),
    row("m7g.2xlarge", ( 8, 32), Network(4, Some(40)), 3750, 0.3264),
    row("m7i.large",   ( 2,  8), Network(3, Some(10)),  781, 0.1008),
    row("c5.large",    ( 2,  4), Network(3, Some(10)),  750, 0.0850),
    row("c5.xlarge",   ( 4,  8), Network(4, Some(20)), 1250, 0.1700),
    row("c5.2xlarge",  ( 8, 16), Network(4, Some(40)), 2500, 0.3400),
    row("c6i.large",   ( 2,  4), Network(3, Some(10)),  781, 0.0850),
    row("c6i.xlarge",  ( 4,  8), Network(4, Some(20)), 1562, 0.1700),
    row("c6i.2xlarge", ( 8, 16), Network(4, Some(40)), 3125, 0.3400),
    row("c6i.4xlarge", (16, 32), Network(8, Some(60)), 6250, 0.6800),
    row("c7g.medium",  ( 1,  2), Network(2, Some(4)),  520, 0.0363),
    row("c7g.large",   ( 2,  4), Network(3, Some(10)),  937, 0.0725),
    row("c7g.xlarge",  ( 4,  8), Network(4, Some(20)), 1876, 0.1450),
    row("c7g.2xlarge", ( 8, 16), Network(4, Some(40)), 3750, 0.2900),
    row("r5.large",    ( 2, 16), Network(3, Some(10)),  750, 0.1260),
    row("r6i.large",   ( 2, 16), Network(3, Some(10)),  781, 0.1260),
    row("r6i.xlarge",  ( 4, 32), Network(4, Some(20)), 1562, 0.2520),
    row("r6i.2xlarge", ( 8, 64), Network(4, Some(40)), 3125, 0.5040),
    row("r7g.large",   ( 2, 16), Network(3, Some(10)),  937, 0.1071),
    row("r7g.xlarge",  ( 4, 32), Network(4, Some(20)), 1876, 0.2142),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_published() {
        let m6i = find("m6i.large").unwrap();
        assert_eq!((m6i.cpu, m6i.memory), (CpuUnits(2048), MiB(8192)));
        assert_eq!((m6i.enis, m6i.trunked_tasks, m6i.usd_per_hour), (3, Some(10), 0.096));
        let t3 = find("t3.medium").unwrap();
        assert_eq!((t3.memory, t3.trunked_tasks, t3.baseline_mbit), (MiB(4096), None, 256));
        let c6i = find("c6i.4xlarge").unwrap();
        assert_eq!(
            (c6i.cpu, c6i.enis, c6i.trunked_tasks),
            (CpuUnits(16 * 1024), 8, Some(60))
        );
        assert_eq!(find("r7g.xlarge").unwrap().usd_per_hour, 0.2142);
        assert_eq!(find("m9z.huge"), None);
    }

    #[test]
    fn names_are_unique() {
        for (at, row) in TABLE.iter().enumerate() {
            assert!(
                TABLE[..at].iter().all(|other| other.name != row.name),
                "{} twice",
                row.name
            );
        }
    }

    #[test]
    fn within_a_family_a_larger_size_has_more_of_everything() {
        let family = |row: &InstanceType| row.name.split('.').next().map(str::to_owned);
        for pair in TABLE.windows(2).filter(|pair| family(&pair[0]) == family(&pair[1])) {
            let [small, large] = pair else {
                unreachable!("windows of two")
            };
            assert!(small.memory < large.memory && small.cpu <= large.cpu, "{}", large.name);
            assert!(
                small.enis <= large.enis && small.trunked_tasks <= large.trunked_tasks,
                "{}",
                large.name
            );
            assert!(small.usd_per_hour < large.usd_per_hour, "{}", large.name);
            assert!(small.baseline_mbit < large.baseline_mbit, "{}", large.name);
        }
    }

    #[test]
    fn within_a_family_the_price_of_memory_is_one() {
        // Sizes of a family cost the same for each GiB, to the rounding of the published price.
        let per_gib = |row: &InstanceType| row.usd_per_hour / row.memory.gib();
        for pair in TABLE
            .windows(2)
            .filter(|pair| pair[0].name.split('.').next() == pair[1].name.split('.').next())
        {
            assert!(
                (per_gib(&pair[0]) / per_gib(&pair[1]) - 1.0).abs() < 2e-3,
                "{}",
                pair[1].name
            );
        }
    }

    #[test]
    fn trunking_raises_the_limit_only_where_the_type_has_it() {
        let tasks = |name, trunking| find(name).unwrap().awsvpc_tasks(trunking);
        assert_eq!(
            (tasks("m5.large", Trunking::Off), tasks("m5.large", Trunking::On)),
            (2, 10)
        );
        assert_eq!(
            (tasks("t3.large", Trunking::Off), tasks("t3.large", Trunking::On)),
            (2, 2)
        );
    }
}

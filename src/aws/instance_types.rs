//! EC2 instance types: size, network interfaces, trunked task limits, price.

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

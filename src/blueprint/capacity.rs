//! Where tasks run: Auto Scaling groups of EC2 instances. Fargate needs no description beyond [`super::Model`].

use super::ZoneIx;
use crate::aws::instance_types::InstanceType;
use crate::engine::dist::Dist;

#[derive(Clone, Debug)]
pub struct AutoScalingGroup {
    /// The capacity provider's name.
    pub name: String,
    pub instance_type: &'static InstanceType,
    pub zones: Vec<ZoneIx>,
    pub min_size: u32,
    pub desired_capacity: u32,
    pub max_size: u32,
    /// Awsvpc tasks an instance takes: ENIs − 1, or the trunked limit [DG:container-instance-eni].
    pub awsvpc_tasks: u32,
    /// From the launch call until the instance is registered with the cluster and takes tasks.
    pub launch_time: Dist,
}

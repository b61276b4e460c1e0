//! Services of AWS that decide and tell: the control planes that a cluster leans on.

/// One of them. What tasks call while they start is a [`super::Backend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlService {
    /// The service scheduler, RunTask, and what the agents report.
    Ecs,
    /// Launches and terminations of instances.
    Ec2,
    ApplicationAutoScaling,
    /// Metrics and alarms.
    CloudWatch,
    /// What service discovery is told.
    CloudMap,
}

impl ControlService {
    pub const ALL: [ControlService; 5] = [
        ControlService::Ecs,
        ControlService::Ec2,
        ControlService::ApplicationAutoScaling,
        ControlService::CloudWatch,
        ControlService::CloudMap,
    ];
}

//! The ECS container agent's own constants: defaults of its settings and the rules that are in its code.
//!
//! Source: `aws/amazon-ecs-agent` @8dfceca (2026-06-30), README.md unless stated; Linux. Each setting is an environment
//! variable `ECS_…` of the instance, of which the scenario has those that change what is simulated.

use crate::units::Span;

/// Attempts of a pull [agent/dockerclient/dockerapi/docker_client.go].
pub const PULL_ATTEMPTS: u32 = 5;
/// Pauses between them: the first, what each grows by, the longest, and the share of it that luck adds.
pub const PULL_RETRY_BASE: Span = Span::from_millis(1_100);
pub const PULL_RETRY_FACTOR: f64 = 2.0;
pub const PULL_RETRY_MAX: Span = Span::from_secs(5);
pub const PULL_RETRY_JITTER: f64 = 0.2;

/// Pauses between attempts to connect to the control plane, as of a pull [ecs-agent/acs/session/session.go].
pub const RECONNECT_BASE: Span = Span::from_millis(250);
pub const RECONNECT_FACTOR: f64 = 1.5;
pub const RECONNECT_MAX: Span = Span::from_secs(120);
pub const RECONNECT_JITTER: f64 = 0.2;

/// Host ports that no container gets [BC:ecs PortMapping.hostPort].
pub const RESERVED_PORTS: [u16; 6] = [22, 2375, 2376, 51678, 51679, 51680];

/// Parameters of Systems Manager that one call gets [agent/taskresource/ssmsecret].
pub const PARAMETERS_A_CALL: u32 = 10;

/// `ECS_IMAGE_CLEANUP_INTERVAL`.
pub const IMAGE_CLEANUP_INTERVAL: Span = Span::from_secs(30 * 60);
/// `ECS_IMAGE_MINIMUM_CLEANUP_AGE`.
pub const IMAGE_MINIMUM_CLEANUP_AGE: Span = Span::from_secs(60 * 60);
/// `ECS_NUM_IMAGES_DELETE_PER_CYCLE`.
pub const IMAGES_DELETED_PER_CYCLE: u32 = 5;
/// `ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION`: a stopped task's containers stay, and with them its images.
pub const TASK_CLEANUP_WAIT: Span = Span::from_secs(3 * 60 * 60);

/// The pause after so many failed attempts (from 1), with `luck` in [0, 1).
pub fn pull_retry(failed: u32, luck: f64) -> Span {
    let grown = (1..failed.min(PULL_ATTEMPTS)).fold(PULL_RETRY_BASE, |pause, _| {
        pause.scaled(PULL_RETRY_FACTOR).min(PULL_RETRY_MAX)
    });
    grown.scaled(1.0 + PULL_RETRY_JITTER * luck)
}

/// The pause before the `attempt`th attempt to connect (from 1), with `luck` in [0, 1).
pub fn reconnect(attempt: u32, luck: f64) -> Span {
    // After 16 steps the longest pause is reached.
    let grown = (1..attempt.min(20)).fold(RECONNECT_BASE, |pause, _| {
        pause.scaled(RECONNECT_FACTOR).min(RECONNECT_MAX)
    });
    grown.scaled(1.0 + RECONNECT_JITTER * luck)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_from_1_1_to_5_seconds_and_luck_adds_up_to_a_fifth() {
        let pauses: Vec<f64> = (1..=4).map(|failed| pull_retry(failed, 0.0).seconds()).collect();
        assert_eq!(pauses, [1.1, 2.2, 4.4, 5.0]);
        assert_eq!(pull_retry(4, 0.5).seconds(), 5.5);
    }
}

//! What the answer rests on besides what the user wrote: values that AWS does not publish.

use crate::blueprint::Model;

/// The keys under `model:` and whether each has its default, in the order of the reference.
pub fn keys(model: &Model) -> Vec<(&'static str, bool)> {
    let default = Model::default();
    // A macro, so that a key cannot be compared under another's name.
    macro_rules! compare {
        ($($group:ident.$key:ident),* $(,)?) => {
            vec![$((
                concat!(stringify!($group), ".", stringify!($key)),
                model.$group.$key == default.$group.$key,
            )),*]
        };
    }
    compare![
        alb.nodes_per_zone,
        alb.first_health_check,
        alb.least_outstanding_ties,
        alb.node_loss_detection,
        alb.dns_ttl,
        alb.connect_timeout,
        alb.requests_per_connection,
        alb.bytes_per_request,
        scheduler.pass,
        scheduler.draining_counts_to_maximum,
        scheduler.restart_backoff,
        scheduler.placement_retry,
        scheduler.failed_zone_avoided,
        cloudwatch.publication_delay,
        cloudwatch.phase,
        target_tracking.scale_in,
        target_tracking.high_periods,
        target_tracking.low_periods,
        target_tracking.low_threshold,
        fargate.provisioning,
        fargate.pending,
        fargate.pull_rate,
        fargate.deprovisioning,
        fargate.launch_burst,
        fargate.launch_rate,
        ec2.eni_attach,
        ec2.pending,
        ec2.pull_rate,
        ec2.deprovisioning,
        task.container_start,
        task.target_registration,
        task.launches_per_minute,
        task.healthy_after,
        task.loss_detection,
        start_up.manifest,
        start_up.credentials,
        start_up.secret,
        start_up.log_stream,
        start_up.get_parameters_rate,
        start_up.create_log_stream_rate,
        start_up.throttling_patience,
        start_up.unpacked,
        start_up.lazy_share,
        start_up.lazy_slowdown,
        cpu.cfs_period,
        cpu.fargate_host_vcpus,
    ]
}

/// The keys that have their defaults.
pub fn left_at_default(model: &Model) -> Vec<&'static str> {
    keys(model)
        .into_iter()
        .filter_map(|(key, is_default)| is_default.then_some(key))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_the_scenario_sets_is_no_assumption_any_more() {
        let mut model = Model::default();
        assert_eq!(left_at_default(&model).len(), keys(&model).len());
        model.alb.nodes_per_zone = 3;
        let left = left_at_default(&model);
        assert_eq!(left.len(), keys(&model).len() - 1);
        assert!(!left.contains(&"alb.nodes_per_zone") && left.contains(&"fargate.provisioning"));
    }
}

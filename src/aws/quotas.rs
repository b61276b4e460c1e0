//! Limits and defaults of ECS, Application Load Balancers, CloudWatch and Application Auto Scaling.
//!
//! Sources: `[BC:…]` is the API model in botocore 1.44.5 (2026-11), `[GR:ecs]` the General Reference and `[DG:…]`,
//! `[ALB:…]`, `[AAS:…]`, `[CW:…]` the guides as of 2026; `[ALB23:…]` the guide of 2023-06-15. Quotas are the initial ones
//! of us-east-1. What AWS does not publish is not here but in the blueprint's model.

/// ECS: task definitions, services, launches.
pub mod ecs {
    use std::ops::RangeInclusive;

    /// RunTask calls a second for tasks on Fargate, at once and in the long run [DG:throttling].
    pub const RUN_TASK_CALLS_PER_SECOND: u32 = 20;
    /// Of a container on Linux [BC:ecs ContainerDefinition.cpu].
    pub const MOST_CPU_SHARES: u32 = 262_144;
    /// [GR:ecs]
    pub const CONTAINERS_PER_TASK_DEFINITION: usize = 10;
    /// [GR:ecs]
    pub const TASKS_PER_SERVICE: u32 = 5_000;
    /// [GR:ecs]
    pub const SERVICES_PER_CLUSTER: usize = 5_000;
    /// [GR:ecs]
    pub const INSTANCES_PER_CLUSTER: u32 = 5_000;
    /// [GR:ecs]
    pub const TARGET_GROUPS_PER_SERVICE: usize = 5;
    /// Tasks a service may start a minute, on Fargate as on EC2 [GR:ecs].
    pub const LAUNCHES_PER_MINUTE: u32 = 500;
    /// Launch bucket of Fargate in an account and region, and of Fargate Spot: tasks at once [DG:throttling].
    pub const FARGATE_LAUNCH_BURST: u32 = 100;
    /// … and its refill, tasks a second.
    pub const FARGATE_LAUNCH_RATE: u32 = 20;
    /// A task of a service without balancer and container check counts as healthy after so many seconds of RUNNING
    /// [BC:ecs minimumHealthyPercent].
    pub const HEALTHY_AFTER_S: u64 = 40;
    /// Replica services [BC:ecs DeploymentConfiguration].
    pub const MINIMUM_HEALTHY_PERCENT: u32 = 100;
    pub const MAXIMUM_PERCENT: u32 = 200;
    /// Deployment circuit breaker, bounded percent: default, and the bounds [DG:deployment-circuit-breaker].
    pub const BREAKER_PERCENT: f64 = 50.0;
    pub const BREAKER_THRESHOLD: RangeInclusive<u32> = 3..=200;
    /// Of a deployment that shifts traffic: one stage (each portion of LINEAR and CANARY counts as one), and the whole
    /// [DG:blue-green-deployment-how-it-works].
    pub const LIFECYCLE_STAGE_LIMIT_S: u64 = 86_400;
    pub const DEPLOYMENT_LIMIT_S: u64 = 30 * 86_400;
    /// Shares of LINEAR and CANARY in percent, in tenths of a percent, and their defaults [BC:ecs LinearConfiguration,
    /// CanaryConfiguration].
    pub const STEP_PERCENT: f64 = 10.0;
    pub const STEP_PERCENT_RANGE: RangeInclusive<f64> = 3.0..=100.0;
    pub const STEP_BAKE_TIME_S: u64 = 360;
    pub const CANARY_PERCENT: f64 = 5.0;
    pub const CANARY_PERCENT_RANGE: RangeInclusive<f64> = 0.1..=100.0;
    pub const CANARY_BAKE_TIME_S: u64 = 600;
    /// Bake times of a deployment, of a step and of a canary, in seconds.
    pub const BAKE_TIME_RANGE_S: RangeInclusive<u64> = 0..=86_400;
    /// Of a container's restart policy [BC:ecs ContainerRestartPolicy].
    pub const RESTART_ATTEMPT_PERIOD_S: RangeInclusive<u64> = 60..=1_800;
    pub const RESTART_ATTEMPT_PERIOD_DEFAULT_S: u64 = 300;
    pub const IGNORED_EXIT_CODES: usize = 50;
    /// Of a life-cycle hook [BC:ecs DeploymentLifecycleHookTimeoutConfiguration].
    pub const HOOK_TIMEOUT_S: u64 = 86_400;
    pub const HOOK_TIMEOUT_RANGE_S: RangeInclusive<u64> = 60..=1_209_600;
    /// SIGTERM to SIGKILL [BC:ecs ContainerDefinition.stopTimeout].
    pub const STOP_TIMEOUT_S: u64 = 30;
    pub const FARGATE_STOP_TIMEOUT_S: RangeInclusive<u64> = 2..=120;
    /// `startTimeout` on Fargate [BC:ecs ContainerDefinition.startTimeout].
    pub const FARGATE_START_TIMEOUT_S: RangeInclusive<u64> = 2..=120;
    /// Task-level `cpu` on EC2, in CPU units [BC:ecs TaskDefinition.cpu].
    pub const EC2_TASK_CPU: RangeInclusive<u32> = 128..=196_608;

    /// A container's own check [BC:ecs HealthCheck].
    pub mod health_check {
        use std::ops::RangeInclusive;

        pub const INTERVAL_S: u64 = 30;
        pub const INTERVAL_RANGE_S: RangeInclusive<u64> = 5..=300;
        pub const TIMEOUT_S: u64 = 5;
        pub const TIMEOUT_RANGE_S: RangeInclusive<u64> = 2..=60;
        pub const RETRIES: u32 = 3;
        pub const RETRIES_RANGE: RangeInclusive<u32> = 1..=10;
        pub const START_PERIOD_RANGE_S: RangeInclusive<u64> = 0..=300;
    }
}

/// CodeDeploy's blue/green deployments of ECS services.
pub mod code_deploy {
    use std::ops::RangeInclusive;

    /// [CD23:reference-appspec-file-structure-hooks]
    pub const HOOK_TIMEOUT_S: u64 = 3_600;
    /// Until green is in a steady state, and until it is again after a scaling event while traffic shifts
    /// [DG23:deployment-type-bluegreen].
    pub const STEADY_STATE_S: u64 = 3_600;
    pub const STEADY_AGAIN_S: u64 = 300;
    /// [BC:codedeploy BlueInstanceTerminationOption]
    pub const TERMINATION_WAIT_RANGE_S: RangeInclusive<u64> = 0..=172_800;
    /// Of a custom configuration [BC:codedeploy TrafficRoutingConfig].
    pub const PERCENTAGE_RANGE: RangeInclusive<f64> = 1.0..=99.0;
}

/// Functions that life-cycle hooks call.
pub mod lambda {
    /// [DG:deployment-lifecycle-hooks]
    pub const LONGEST_CALL_S: u64 = 900;
}

/// ECR, per account and region [ECR:userguide/service-quotas].
pub mod ecr {
    /// Calls a second: one for each image that is pulled …
    pub const BATCH_GET_IMAGE: f64 = 2_000.0;
    /// … and one for each of its layers that is not there.
    pub const GET_DOWNLOAD_URL_FOR_LAYER: f64 = 3_000.0;
}

/// Secrets Manager.
pub mod secrets_manager {
    /// Calls a second (AWS What's New, 2025-03-04).
    pub const GET_SECRET_VALUE: f64 = 10_000.0;
}

/// Application Load Balancers.
pub mod alb {
    use std::ops::RangeInclusive;

    /// [ALB23:load-balancer-limits], the default rules not counted.
    pub const RULES_PER_BALANCER: usize = 100;
    pub const LISTENERS_PER_BALANCER: usize = 50;
    pub const TARGET_GROUPS_PER_BALANCER: usize = 100;
    /// In a group as in a balancer.
    pub const TARGETS_PER_BALANCER: usize = 1_000;
    pub const TARGET_GROUPS_PER_ACTION: usize = 5;
    /// [BC:elbv2 RulePriority]
    pub const RULE_PRIORITY: RangeInclusive<u32> = 1..=50_000;
    /// Values in one condition [ALB23:load-balancer-listeners].
    pub const VALUES_PER_CONDITION: usize = 3;
    /// Values in the conditions of one rule, together [ALB23:load-balancer-listeners].
    pub const VALUES_PER_RULE: usize = 5;
    /// `*` and `?` in one rule [ALB23:load-balancer-listeners].
    pub const WILDCARDS_PER_RULE: usize = 5;
    /// Of a path or host pattern [BC:elbv2 RuleCondition].
    pub const PATTERN_LENGTH: usize = 128;
    /// [BC:elbv2 HttpHeaderConditionConfig]
    pub const HEADER_NAME_LENGTH: usize = 40;
    /// [BC:elbv2 TargetGroupTuple.Weight]
    pub const WEIGHT: RangeInclusive<u32> = 0..=999;
    /// [ALB:load-balancer attributes]
    pub const IDLE_TIMEOUT_S: u64 = 60;
    pub const IDLE_TIMEOUT_RANGE_S: RangeInclusive<u64> = 1..=4_000;
    /// [ALB:edit-target-group-attributes]
    pub const DEREGISTRATION_DELAY_S: u64 = 300;
    pub const DEREGISTRATION_DELAY_RANGE_S: RangeInclusive<u64> = 0..=3_600;
    /// Besides 0, which is off [ALB:edit-target-group-attributes].
    pub const SLOW_START_RANGE_S: RangeInclusive<u64> = 30..=900;

    /// [BC:elbv2 client_keep_alive.seconds]
    pub const CLIENT_KEEP_ALIVE_RANGE_S: RangeInclusive<u64> = 60..=604_800;
    /// Of both cookies and of groups [ALB:edit-target-group-attributes].
    pub const STICKINESS_RANGE_S: RangeInclusive<u64> = 1..=604_800;
    /// Anomaly mitigation gives new weights so often [ALB:edit-target-group-attributes].
    pub const REWEIGH_S: u64 = 5;
    /// [ALB23:zonal-shift]
    pub const ZONAL_SHIFT_RANGE_S: RangeInclusive<u64> = 60..=72 * 3_600;

    /// Checks of targets [ALB:target-group-health-checks].
    pub mod health_check {
        use std::ops::RangeInclusive;

        pub const PATH: &str = "/";
        pub const INTERVAL_S: u64 = 30;
        pub const INTERVAL_RANGE_S: RangeInclusive<u64> = 5..=300;
        pub const TIMEOUT_S: u64 = 5;
        pub const TIMEOUT_RANGE_S: RangeInclusive<u64> = 2..=120;
        pub const HEALTHY_THRESHOLD: u32 = 5;
        pub const UNHEALTHY_THRESHOLD: u32 = 2;
        pub const THRESHOLD_RANGE: RangeInclusive<u32> = 2..=10;
        /// Status codes that pass by default, and those that a matcher may name.
        pub const MATCHER: (u16, u16) = (200, 200);
        pub const MATCHER_RANGE: RangeInclusive<u16> = 200..=499;
    }
}

/// CloudWatch.
pub mod cloudwatch {
    /// Metrics of ECS and of balancers come once a minute [DG:available-metrics], [ALB23:load-balancer-cloudwatch-metrics].
    pub const PERIOD_S: u64 = 60;
    /// Periods beyond `EvaluationPeriods` that an alarm looks back when datapoints are missing: 2 in the guide's
    /// examples; AWS says that the number depends on the period [CW:alarms-and-missing-data].
    pub const EXTRA_PERIODS: u32 = 2;
    /// `Period × EvaluationPeriods` of an alarm with a period below an hour stays within a day [BC:cloudwatch].
    pub const LONGEST_RANGE_S: u64 = 86_400;
}

/// Application Auto Scaling of ECS services.
pub mod auto_scaling {
    /// Both cooldowns of target tracking [AAS].
    pub const COOLDOWN_S: u64 = 300;
}

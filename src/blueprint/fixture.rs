//! Blueprints for tests: the least that is valid, to be filled in by whoever tests something.

use super::*;
use crate::engine::dist::Dist;
use crate::units::{MiB, Ratio, Span};

fn nothing() -> Dist {
    Dist::constant(0.0).expect("zero is a constant")
}

/// No services, no traffic, an hour of measured time without warm-up, one zone, CloudWatch's minutes from instant 0 on.
pub fn empty() -> Blueprint {
    let mut model = Model::default();
    model.cloudwatch.phase = Some(0.0);
    Blueprint {
        name: "fixture".into(),
        question: None,
        seed: 1,
        warm_up: Span::ZERO,
        duration: Span::from_secs(3600),
        start: Start::SteadyState,
        kind: Kind::Terminating,
        truncation: Truncation::Mser5,
        transient: Transient::default(),
        starts_at: None,
        region: "us-east-1".into(),
        zones: vec!["us-east-1a".into()],
        network: Network {
            same_zone: nothing(),
            cross_zone: nothing(),
            client: nothing(),
            to_balancer: None,
            zone_delays: vec![],
            loss: Ratio::ZERO,
        },
        wires: Wires::default(),
        auto_scaling_groups: vec![],
        images: vec![],
        layers: vec![],
        task_definitions: vec![],
        services: vec![],
        programs: vec![],
        calls: vec![],
        caches: vec![],
        dependencies: vec![],
        queues: vec![],
        load_balancers: vec![],
        target_groups: vec![],
        traffic: vec![],
        classes: vec![],
        alarms: vec![],
        events: vec![],
        objectives: vec![],
        expectations: vec![],
        replications: 1,
        precision: None,
        stress: Stress::default(),
        size: None,
        prices: Discounts {
            fargate: Ratio::ZERO,
            ec2: Ratio::ZERO,
            alb: Ratio::ZERO,
        },
        model,
        model_keys: vec![],
        limits: Limits {
            in_flight: 1_000_000,
            run_out: Span::from_secs(3600),
        },
        traces: Traces { sampled: 0, kept: 0 },
    }
}

/// A service without revisions on Fargate, scaled within these bounds by these policies.
pub fn scaled_service(name: &str, (min_capacity, max_capacity): (u32, u32), policies: Vec<TargetTracking>) -> Service {
    Service {
        name: name.into(),
        desired_count: min_capacity,
        scheduling: Scheduling::default(),
        capacity: vec![CapacityShare {
            provider: Provider::Fargate,
            base: 0,
            weight: 1,
        }],
        placement_constraints: vec![],
        placement_strategy: vec![],
        health_check_grace_period: Span::ZERO,
        deployment: DeploymentConfiguration {
            strategy: DeploymentStrategy::Rolling,
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            circuit_breaker: None,
            alarms: None,
            early_success: None,
            bake_time: Span::ZERO,
            hooks: vec![],
            code_deploy: None,
        },
        load_balancers: vec![],
        auto_scaling: Some(AutoScaling {
            min_capacity,
            max_capacity,
            policies,
            scheduled: vec![],
        }),
        operations: vec![],
        consumes: vec![],
        revisions: vec![],
    }
}

/// Revisions of which nothing matters but that they are there.
pub fn revision() -> Revision {
    Revision {
        task_definition: TaskDefinitionIx(0),
        serving_container: 0,
        runtime: Runtime::Unbounded,
        cpu_model: CpuModel::Fluid,
        start_up: Dist::constant(1.0).expect("valid"),
        start_up_cpu: None,
        routes: vec![],
        operations: vec![],
        server_rules: None,
        on_disconnect: OnDisconnect::Continue,
        on_deadline: OnDeadline::Abandon,
        keep_alive: None,
        defects: Defects {
            fails_to_start: Ratio::ZERO,
            exits_after: None,
            fails_health_checks: Ratio::ZERO,
        },
        skew: Skew::default(),
    }
}

/// With ECS's default cooldowns.
pub fn target_tracking(metric: ScalingMetric, target_value: f64) -> TargetTracking {
    TargetTracking {
        name: format!("track-{target_value}"),
        metric,
        target_value,
        scale_out_cooldown: Span::from_secs(300),
        scale_in_cooldown: Span::from_secs(300),
        disable_scale_in: false,
    }
}

pub fn load_balancer(name: &str, zones: u16) -> LoadBalancer {
    LoadBalancer {
        name: name.into(),
        zones: (0..zones).map(ZoneIx).collect(),
        internet_facing: true,
        listeners: vec![],
        idle_timeout: Span::from_secs(60),
        attributes: LoadBalancerAttributes::default(),
    }
}

/// Adds an image of these layers (name, MiB); a name that is known is a layer that is shared.
pub fn image(blueprint: &mut Blueprint, name: &str, layers: &[(&str, u64)]) -> ImageIx {
    let mut of_image = Vec::new();
    for (layer, size) in layers {
        let known = blueprint.layers.iter().position(|known| known.name == *layer);
        let at = known.unwrap_or_else(|| {
            blueprint.layers.push(Layer {
                name: (*layer).into(),
                size: MiB(*size),
            });
            blueprint.layers.len() - 1
        });
        of_image.push(LayerIx(at as u32));
    }
    blueprint.images.push(Image {
        name: name.into(),
        size: MiB(layers.iter().map(|(_, size)| size).sum()),
        layers: of_image,
        loading: Loading::Whole,
    });
    ImageIx::from_usize(blueprint.images.len() - 1)
}

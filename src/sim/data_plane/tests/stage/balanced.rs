//! Balancers for the stage.

use crate::blueprint::*;
use crate::units::Span;

/// Sends the first traffic through a balancer.
pub fn through_balancer(blueprint: &mut Blueprint) {
    balanced(blueprint, 0, Algorithm::RoundRobin, 1);
    blueprint.traffic[0].to = Destination::LoadBalancer {
        load_balancer: LoadBalancerIx(0),
        listener: 0,
    };
}

/// Puts a balancer with `nodes` nodes before a service.
pub fn balanced(blueprint: &mut Blueprint, service: usize, algorithm: Algorithm, nodes: u32) {
    let group = TargetGroupIx::from_usize(blueprint.target_groups.len());
    blueprint.model.alb.nodes_per_zone = nodes;
    blueprint.target_groups.push(TargetGroup {
        name: "group".into(),
        algorithm,
        deregistration_delay: Span::from_secs(300),
        slow_start: Span::ZERO,
        attributes: TargetGroupAttributes::default(),
        health_check: HealthCheck {
            path: "/".into(),
            interval: Span::from_secs(30),
            timeout: Span::from_secs(5),
            healthy_threshold: 5,
            unhealthy_threshold: 2,
            matcher: vec![(200, 200)],
            runs: ProgramIx(1),
        },
    });
    blueprint.load_balancers.push(LoadBalancer {
        name: "alb".into(),
        zones: (0..blueprint.zones.len()).map(ZoneIx::from_usize).collect(),
        internet_facing: true,
        listeners: vec![Listener {
            name: "http".into(),
            port: 80,
            rules: vec![],
            default_action: Action::Forward(vec![WeightedGroup {
                target_group: group,
                weight: 1,
            }]),
            group_stickiness: None,
        }],
        idle_timeout: Span::from_secs(60),
        attributes: LoadBalancerAttributes::default(),
    });
    blueprint.services[service].load_balancers.push(ServiceLoadBalancer {
        target_group: group,
        alternate: None,
    });
}

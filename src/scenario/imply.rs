//! What a scenario implies: everything that may be left out and whose default depends on the rest, filled in.
//!
//! The result is a scenario in the same language that says everything; `check --resolved` prints it, and
//! [`super::resolve`] reads nothing else. Plain defaults are in [`super::schema`]; nothing is checked here, and what
//! cannot be filled in because a name refers to nothing stays as it is.

use super::schema::{
    Action, AlarmMetric, Arrivals, Balancing, DeploymentControllerType, DeploymentStrategy, Distribution, Duration,
    Exponential, Form, LaunchType, Listener, LoadBalancer, LoadBalancerType, Named, PlacementConstraint,
    PlacementField, PlacementStrategy, PlacementStrategyType, Request, Runtime, Scenario, SchedulingStrategy, Scheme,
    Service, ServiceLoadBalancer, TargetGroup, Traffic, WeightedTargetGroup, ZoneRebalancing,
};

mod calls;
mod tasks;

const LISTENER: &str = "http";

/// Fills everything in. `stem` names a scenario that has no name.
pub fn imply(said: &mut Scenario, stem: &str) {
    said.name.get_or_insert_with(|| stem.to_owned());
    cluster(said);
    dependencies(said);
    capacity(said);
    tasks::task_definitions(said);
    load_balancers(said);
    services(said);
    traffic(said);
    calls::calls(said);
    alarms(said);
    events(said);
}

fn cluster(said: &mut Scenario) {
    let region = &said.cluster.region;
    let zones = said
        .cluster
        .availability_zones
        .get_or_insert_with(|| vec![format!("{region}a"), format!("{region}b")]);
    for (_, provider) in &mut said.cluster.capacity_providers.0 {
        let group = &mut provider.auto_scaling_group;
        group.desired_capacity.get_or_insert(group.min_size);
        group.availability_zones.get_or_insert_with(|| zones.clone());
    }
    for (_, balancer) in &mut said.load_balancers.0 {
        balancer.availability_zones.get_or_insert_with(|| zones.clone());
    }
}

fn dependencies(said: &mut Scenario) {
    for (_, dependency) in &mut said.dependencies.0 {
        dependency.slots.get_or_insert(said.limits.in_flight);
        dependency.backlog.get_or_insert(said.limits.in_flight);
    }
}

fn capacity(said: &mut Scenario) {
    for (_, task) in &mut said.tasks.0 {
        if task.launch_type.is_none() && task.capacity_provider_strategy.is_empty() {
            task.launch_type = Some(LaunchType::Fargate);
        }
    }
    for (_, service) in &mut said.services.0 {
        if service.launch_type.is_none() && service.capacity_provider_strategy.is_empty() {
            service.launch_type = Some(LaunchType::Fargate);
        }
        let is_replica = service.scheduling_strategy == SchedulingStrategy::Replica;
        if service.placement_strategy.is_none() && is_replica && !on_fargate(service) {
            let spread = PlacementStrategy {
                kind: PlacementStrategyType::Spread,
                field: Some(PlacementField::Zone),
            };
            service.placement_strategy = Some(vec![spread]);
        }
    }
}

/// Whether its tasks run on Fargate, as far as one can tell before names are checked.
pub(super) fn on_fargate(service: &Service) -> bool {
    service.launch_type == Some(LaunchType::Fargate)
        || service
            .capacity_provider_strategy
            .iter()
            .any(|item| item.capacity_provider.starts_with("FARGATE"))
}

/// A balancer for each service that is sent traffic and says nothing of balancers.
fn load_balancers(said: &mut Scenario) {
    let Scenario {
        services,
        traffic,
        load_balancers,
        cluster,
        ..
    } = said;
    for (name, service) in &mut services.0 {
        let sent_traffic = traffic.0.iter().any(|(_, traffic)| traffic.to == *name);
        if service.load_balancers.is_some() {
            continue;
        }
        if !sent_traffic || load_balancers.get(name).is_some() {
            service.load_balancers = Some(Vec::new());
            continue;
        }
        let forward = WeightedTargetGroup {
            target_group: name.clone(),
            weight: 1,
        };
        let listener = Listener {
            port: 80,
            default_action: Action::Forward(vec![forward]),
            target_group_stickiness: None,
            rules: Vec::new(),
        };
        let balancer = LoadBalancer {
            kind: LoadBalancerType::Application,
            scheme: Scheme::InternetFacing,
            availability_zones: cluster.availability_zones.clone(),
            listeners: Named(vec![(LISTENER.to_owned(), listener)]),
            target_groups: Named(vec![(name.clone(), TargetGroup::default())]),
            idle_timeout: Duration::secs(60),
            client_keep_alive: None,
            minimum_load_balancer_capacity: None,
            zonal_shift: false,
        };
        load_balancers.0.push((name.clone(), balancer));
        service.load_balancers = Some(vec![ServiceLoadBalancer {
            target_group: name.clone(),
            container_name: None,
            advanced_configuration: None,
        }]);
    }
}

/// What keeps AZ rebalancing from working, if anything does [DG:service-rebalancing].
pub(super) fn rebalancing_obstacle(service: &Service) -> Option<&'static str> {
    let first = service.placement_strategy.iter().flatten().next();
    let spreads = |strategy: &PlacementStrategy| strategy.field == Some(PlacementField::Zone);
    let on_zones = |constraint: &PlacementConstraint| {
        let expression = constraint.expression.as_deref().unwrap_or_default();
        expression.contains("ecs.availability-zone")
    };
    if service.scheduling_strategy == SchedulingStrategy::Daemon {
        Some("the service is a DAEMON service")
    } else if first.is_some_and(|strategy| !spreads(strategy)) {
        Some("the first placement strategy is not a spread over `attribute:ecs.availability-zone`")
    } else if service.placement_constraints.iter().any(on_zones) {
        Some("a placement constraint is on zones")
    } else if service
        .deployment_configuration
        .maximum_percent
        .is_some_and(|percent| percent <= 100)
    {
        Some("`maximum_percent` is 100, so that no task can be started beside the desired ones")
    } else {
        None
    }
}

fn services(said: &mut Scenario) {
    let in_flight = said.limits.in_flight;
    let alarm_time = |names: &[String]| {
        let lengths = names.iter().filter_map(|name| said.alarms.get(name));
        let needed = lengths.map(|alarm| {
            alarm
                .period
                .0
                .nanos()
                .saturating_mul(u64::from(alarm.evaluation_periods))
        });
        let longest = needed.max().unwrap_or(0);
        Duration(crate::units::Span::from_nanos(longest.min(300_000_000_000)))
    };
    for (_, service) in &mut said.services.0 {
        let serving = {
            let named = service
                .task_definition
                .as_ref()
                .and_then(|name| said.task_definitions.get(name));
            let containers = service
                .containers
                .as_ref()
                .or(named.map(|definition| &definition.containers));
            containers.and_then(|containers| {
                containers
                    .0
                    .iter()
                    .find(|(_, container)| container.essential == Some(true))
                    .map(|(name, _)| name.clone())
            })
        };
        for binding in service.load_balancers.iter_mut().flatten() {
            binding.container_name = binding.container_name.take().or_else(|| serving.clone());
        }
        match &mut service.runtime {
            Runtime::ThreadPool(pool) => pool.backlog = pool.backlog.or(Some(in_flight)),
            Runtime::EventLoop(event_loop) => event_loop.backlog = event_loop.backlog.or(Some(in_flight)),
            Runtime::Unbounded => {}
        }
        if service.availability_zone_rebalancing.is_none() {
            let works = rebalancing_obstacle(service).is_none();
            service.availability_zone_rebalancing = Some(if works {
                ZoneRebalancing::Enabled
            } else {
                ZoneRebalancing::Disabled
            });
        }
        let deployment = &mut service.deployment_configuration;
        // [BC:ecs DeploymentConfiguration].
        let (minimum, maximum) = match service.scheduling_strategy {
            SchedulingStrategy::Replica => {
                service.desired_count.get_or_insert(1);
                (100, 200)
            }
            SchedulingStrategy::Daemon => (0, 100),
        };
        deployment.minimum_healthy_percent.get_or_insert(minimum);
        deployment.maximum_percent.get_or_insert(maximum);
        if deployment.strategy == DeploymentStrategy::Rolling {
            let alarms = deployment.alarms.as_ref().filter(|alarms| alarms.enable);
            let needed = alarms.map_or(Duration::ZERO, |alarms| alarm_time(&alarms.alarm_names));
            deployment.bake_time.get_or_insert(needed);
        }
        if service.deployment_controller.kind == DeploymentControllerType::CodeDeploy {
            service.deployment_group.get_or_insert_default();
        }
        match deployment.strategy {
            DeploymentStrategy::Linear => {
                deployment.bake_time.get_or_insert(Duration::ZERO);
                deployment.linear_configuration.get_or_insert_default();
            }
            DeploymentStrategy::Canary => {
                deployment.bake_time.get_or_insert(Duration::ZERO);
                deployment.canary_configuration.get_or_insert_default();
            }
            DeploymentStrategy::Rolling | DeploymentStrategy::BlueGreen => {}
        }
        for policy in service
            .auto_scaling
            .iter_mut()
            .flat_map(|scaling| &mut scaling.policies)
        {
            let super::schema::ScalingPolicy::TargetTracking(policy) = policy;
            let metric = policy.metric.and_then(|metric| serde_json::to_value(metric).ok());
            let name = metric
                .as_ref()
                .and_then(serde_json::Value::as_str)
                .unwrap_or("customized");
            policy.policy_name.get_or_insert_with(|| name.to_owned());
            if let Some(customized) = &mut policy.customized_metric_specification
                && let [(name, _)] = customized.metrics.0.as_slice()
            {
                customized.expression.get_or_insert_with(|| name.clone());
            }
        }
    }
}

fn traffic(said: &mut Scenario) {
    let Scenario {
        services,
        traffic,
        load_balancers,
        ..
    } = said;
    for (name, traffic) in &mut traffic.0 {
        let Traffic {
            to,
            balancing,
            rate,
            arrivals,
            users,
            think_time,
            requests,
            ..
        } = traffic;
        match destination(to, services, load_balancers) {
            Some(Way::Balancer(way)) => *to = way,
            Some(Way::Direct) => {
                balancing.get_or_insert(Form::Short(Balancing::RoundRobin));
            }
            None => {}
        }
        if rate.is_some() {
            arrivals.get_or_insert(Arrivals::Poisson);
        }
        if users.is_some() {
            think_time.get_or_insert(Form::Short(Duration::ZERO));
        }
        if requests.is_empty() {
            requests.push(Request {
                name: name.clone(),
                weight: 1.0,
                host: None,
                headers: Named::default(),
                source_ip: None,
                priority: None,
                payload: None,
                get: Some("/".to_owned()),
                head: None,
                post: None,
                put: None,
                patch: None,
                delete: None,
                options: None,
            });
        }
    }
}

enum Way {
    /// `balancer/listener`.
    Balancer(String),
    Direct,
}

/// How what `to` names is reached, if that is clear.
fn destination(to: &str, services: &Named<Service>, load_balancers: &Named<LoadBalancer>) -> Option<Way> {
    if let Some(balancer) = load_balancers.get(to) {
        return match balancer.listeners.0.as_slice() {
            [(listener, _)] => Some(Way::Balancer(format!("{to}/{listener}"))),
            _ => None,
        };
    }
    let service = services.get(to)?;
    let Some(binding) = service.load_balancers.iter().flatten().next() else {
        return Some(Way::Direct);
    };
    let forwards =
        |action: &[WeightedTargetGroup]| action.iter().any(|group| group.target_group == binding.target_group);
    load_balancers.0.iter().find_map(|(name, balancer)| {
        let listener = balancer.listeners.0.iter().find(|(_, listener)| {
            matches!(&listener.default_action, Action::Forward(groups) if forwards(groups))
                || listener
                    .rules
                    .iter()
                    .any(|rule| rule.forward.as_deref().is_some_and(forwards))
        });
        listener.map(|(listener, _)| Way::Balancer(format!("{name}/{listener}")))
    })
}

fn alarms(said: &mut Scenario) {
    for (_, alarm) in &mut said.alarms.0 {
        alarm.datapoints_to_alarm.get_or_insert(alarm.evaluation_periods);
        if let [(name, AlarmMetric { .. })] = alarm.metrics.0.as_slice() {
            alarm.expression.get_or_insert_with(|| name.clone());
        }
    }
}

fn events(said: &mut Scenario) {
    for event in &mut said.events {
        let crash = event.task_crash.as_mut();
        let (between, repair) = match &mut event.random {
            Some(random) => (Some(&mut random.time_between_failures), random.time_to_repair.as_mut()),
            None => (None, None),
        };
        let means = [
            crash.and_then(|crash| crash.time_between_failures.as_mut()),
            between,
            repair,
        ];
        // Mean times, as the words have it; a fixed one is written `{ constant: … }`.
        for time in means.into_iter().flatten() {
            if let Form::Short(mean) = *time {
                *time = Form::Long(Distribution::Exponential(Exponential { mean }));
            }
        }
    }
}

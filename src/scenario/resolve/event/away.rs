//! Faults of AWS's own services, and of what they give: capacity, memory.

use super::selection::{provider_named, selection};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_rate;
use crate::scenario::resolve::{Context, Table, model};
use crate::scenario::schema::{self, AwsService};

/// The fault with its label, if the event is one of these.
pub(super) fn fault(cx: &mut Context, said: &schema::Event, path: &Path) -> Option<(String, FaultKind)> {
    if let Some(outage) = &said.control_plane_outage {
        return Some(control_plane_outage(cx, outage, &path.key("control_plane_outage")));
    }
    if let Some(shortage) = &said.capacity_shortage {
        return capacity_shortage(cx, shortage, &path.key("capacity_shortage"));
    }
    if let Some(throttling) = &said.api_throttling {
        let rate = throttling.rate.0;
        let here = path.key("api_throttling");
        model::above_zero(cx, rate, &here.key("rate"));
        let label = format!("api_throttling {}", print_rate(rate));
        return Some((label, FaultKind::ApiThrottling { rate }));
    }
    if let Some(reclaim) = &said.spot_reclaim {
        return spot_reclaim(cx, reclaim, &path.key("spot_reclaim"));
    }
    let leak = said.memory_leak.as_ref()?;
    let here = path.key("memory_leak");
    let growth = leak.growth_per_hour.0.0 as f64;
    model::above_zero(cx, growth, &here.key("growth_per_hour"));
    let (label, on) = selection(cx, &leak.on, &here.key("on"))?;
    let growth = growth / 3600.0;
    Some((format!("memory_leak {label}"), FaultKind::MemoryLeak { on, growth }))
}

fn control_plane_outage(cx: &mut Context, said: &schema::ControlPlaneOutage, path: &Path) -> (String, FaultKind) {
    let mut of = Vec::new();
    let mut backends = Vec::new();
    let mut words = Vec::new();
    for (at, service) in said.of.iter().enumerate() {
        if said.of[..at].contains(service) {
            let message = "this service is away already";
            cx.report(Code::NameTaken, &path.key("of").at(at), message);
        }
        words.push(word(*service));
    }
    let named = |service: &AwsService| said.of.is_empty() || said.of.contains(service);
    for service in ALL.iter().filter(|service| named(service)) {
        match away(*service) {
            Away::Deciding(service) => of.push(service),
            Away::Called(backend) => backends.push(backend),
        }
    }
    if words.is_empty() {
        words.push("all");
    }
    let label = format!("control_plane_outage {}", words.join(" "));
    (label, FaultKind::ControlPlaneOutage { of, backends })
}

enum Away {
    Deciding(ControlService),
    Called(Backend),
}

const ALL: [AwsService; 10] = [
    AwsService::Ecs,
    AwsService::Ec2,
    AwsService::ApplicationAutoScaling,
    AwsService::Cloudwatch,
    AwsService::CloudMap,
    AwsService::Ecr,
    AwsService::SecretsManager,
    AwsService::Ssm,
    AwsService::Iam,
    AwsService::CloudwatchLogs,
];

fn away(service: AwsService) -> Away {
    match service {
        AwsService::Ecs => Away::Deciding(ControlService::Ecs),
        AwsService::Ec2 => Away::Deciding(ControlService::Ec2),
        AwsService::ApplicationAutoScaling => Away::Deciding(ControlService::ApplicationAutoScaling),
        AwsService::Cloudwatch => Away::Deciding(ControlService::CloudWatch),
        AwsService::CloudMap => Away::Deciding(ControlService::CloudMap),
        AwsService::Ecr => Away::Called(Backend::Registry),
        AwsService::SecretsManager => Away::Called(Backend::SecretsManager),
        AwsService::Ssm => Away::Called(Backend::ParameterStore),
        AwsService::Iam => Away::Called(Backend::Iam),
        AwsService::CloudwatchLogs => Away::Called(Backend::CloudWatchLogs),
    }
}

fn word(service: AwsService) -> &'static str {
    match service {
        AwsService::Ecs => "ecs",
        AwsService::Ec2 => "ec2",
        AwsService::ApplicationAutoScaling => "application_auto_scaling",
        AwsService::Cloudwatch => "cloudwatch",
        AwsService::CloudMap => "cloud_map",
        AwsService::Ecr => "ecr",
        AwsService::SecretsManager => "secrets_manager",
        AwsService::Ssm => "ssm",
        AwsService::Iam => "iam",
        AwsService::CloudwatchLogs => "cloudwatch_logs",
    }
}

fn capacity_shortage(cx: &mut Context, said: &schema::CapacityShortage, path: &Path) -> Option<(String, FaultKind)> {
    let name = &said.capacity_provider;
    let provider = provider_named(cx, name, &path.key("capacity_provider"));
    let zone = match &said.zone {
        Some(zone) => Some(cx.find(Table::Zone, zone, &path.key("zone"))?),
        None => None,
    };
    let place = said.zone.as_ref().map_or(String::new(), |zone| format!(" in {zone}"));
    let provider = provider?;
    let zone = zone.map(ZoneIx::from_usize);
    let label = format!("capacity_shortage {name}{place}");
    Some((label, FaultKind::CapacityShortage { provider, zone }))
}

/// Tasks on FARGATE_SPOT, of which there must be some.
fn spot_reclaim(cx: &mut Context, said: &schema::SpotReclaim, path: &Path) -> Option<(String, FaultKind)> {
    const SPOT: &str = "FARGATE_SPOT";
    let here = path.key("on");
    let mut on = said.on.clone();
    if let Some(name) = on.capacity_provider.as_deref().filter(|name| *name != SPOT) {
        return spot_instances(cx, name, &on, &here);
    }
    let is_spot = |item: &schema::CapacityProviderStrategyItem| item.capacity_provider == SPOT;
    let services = cx.said.services.0.iter();
    let services = services.map(|(name, service)| (name, &service.capacity_provider_strategy));
    let tasks = cx.said.tasks.0.iter();
    let tasks = tasks.map(|(name, task)| (name, &task.capacity_provider_strategy));
    let mut meant = services
        .chain(tasks)
        .filter(|(name, _)| on.service.as_ref().is_none_or(|only| only == *name));
    let known = on
        .service
        .as_ref()
        .is_none_or(|name| cx.said.services.get(name).is_some());
    if known && !meant.any(|(_, strategy)| strategy.iter().any(is_spot)) {
        let whose = on
            .service
            .as_ref()
            .map_or("no service".to_owned(), |name| format!("`{name}`"));
        let verb = if on.service.is_some() { "never runs" } else { "runs" };
        let message = format!("{whose} {verb} on {SPOT}");
        let hint = "give a service `capacity_provider_strategy: [{ capacity_provider: FARGATE_SPOT, weight: 1 }]`";
        cx.report_hint(Code::ReclaimWithoutSpot, path, message, hint);
        return None;
    }
    on.capacity_provider = Some(SPOT.to_owned());
    let (label, on) = selection(cx, &on, &here)?;
    Some((format!("spot_reclaim {label}"), FaultKind::SpotReclaim { on }))
}

/// Instances of a group that is on Spot.
fn spot_instances(cx: &mut Context, name: &str, on: &schema::Selection, path: &Path) -> Option<(String, FaultKind)> {
    let here = path.key("capacity_provider");
    let provider = provider_named(cx, name, &here)?;
    let said = cx.said.cluster.capacity_providers.get(name);
    let market = said.and_then(|said| said.auto_scaling_group.instance_market_options.as_ref());
    if market.is_none() {
        let message = format!("`{name}` is not Spot capacity: nobody takes it back");
        let hint = match provider {
            Provider::Group(_) => "give the group `instance_market_options: { market_type: spot }`",
            _ => "Spot tasks run on FARGATE_SPOT",
        };
        cx.report_hint(Code::ReclaimWithoutSpot, &here, message, hint);
        return None;
    }
    for (key, given) in [("service", on.service.is_some()), ("revision", on.revision.is_some())] {
        if given {
            let message = "what is taken back of a group is instances, whoever's tasks run there";
            cx.report(Code::ConflictingKeys, &path.key(key), message);
        }
    }
    let whole = schema::Selection {
        service: None,
        revision: None,
        ..on.clone()
    };
    let (label, on) = selection(cx, &whole, path)?;
    Some((format!("spot_reclaim {label}"), FaultKind::SpotReclaim { on }))
}

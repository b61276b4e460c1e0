//! Names of things as they stand in the tables.

use crate::blueprint::{
    Blueprint, Callee, ClassIx, DependencyIx, Destination, GroupIx, LoadBalancerIx, Provider, RevisionIx, ServiceIx,
    ZoneIx,
};
use crate::report::table::Value;
use crate::sim::observation::{FailurePlace, Sender};

pub fn class(blueprint: &Blueprint, class: ClassIx) -> Value {
    Value::text(&blueprint.classes[class.at()].name)
}
pub fn service(blueprint: &Blueprint, service: ServiceIx) -> Value {
    Value::text(&blueprint.services[service.at()].name)
}
pub fn dependency(blueprint: &Blueprint, dependency: DependencyIx) -> Value {
    Value::text(&blueprint.dependencies[dependency.at()].name)
}
pub fn zone(blueprint: &Blueprint, zone: ZoneIx) -> Value {
    Value::text(&blueprint.zones[zone.at()])
}
pub fn group(blueprint: &Blueprint, group: GroupIx) -> Value {
    Value::text(&blueprint.auto_scaling_groups[group.at()].name)
}
/// Counted from 1, as ECS counts revisions of a task definition: what runs at the start is 1.
pub fn revision(revision: RevisionIx) -> Value {
    Value::count(revision.at() as u64 + 1)
}
/// `FARGATE`, `FARGATE_SPOT` or the name of a group's capacity provider.
pub fn provider(blueprint: &Blueprint, provider: Provider) -> Value {
    match provider {
        Provider::Fargate => Value::text("FARGATE"),
        Provider::FargateSpot => Value::text("FARGATE_SPOT"),
        Provider::Group(at) => group(blueprint, at),
    }
}

/// A call as `service/operation/step`, a traffic source by its name.
pub fn sender(blueprint: &Blueprint, sender: Sender) -> &str {
    match sender {
        Sender::Call(call) => &blueprint.calls[call.at()].name,
        Sender::Traffic(traffic) => &blueprint.traffic[traffic.at()].name,
    }
}
/// The service, dependency or load balancer that it sends to.
pub fn receiver(blueprint: &Blueprint, sender: Sender) -> &str {
    let service = |service: ServiceIx| blueprint.services[service.at()].name.as_str();
    let balancer = |balancer: LoadBalancerIx| blueprint.load_balancers[balancer.at()].name.as_str();
    match sender {
        Sender::Call(call) => match &blueprint.calls[call.at()].to {
            Callee::Service { service: to, .. } => service(*to),
            Callee::LoadBalancer { load_balancer, .. } => balancer(*load_balancer),
            Callee::Queue(to) => &blueprint.queues[to.at()].name,
            Callee::Dependency(to) | Callee::DependencyOperation(to, _) => &blueprint.dependencies[to.at()].name,
        },
        Sender::Traffic(traffic) => match blueprint.traffic[traffic.at()].to {
            Destination::LoadBalancer { load_balancer, .. } => balancer(load_balancer),
            Destination::Service { service: to, .. } => service(to),
            Destination::Queue(to) => &blueprint.queues[to.at()].name,
        },
    }
}
/// `service/operation`, or whoever something was sent to.
pub fn place(blueprint: &Blueprint, place: FailurePlace) -> String {
    match place {
        FailurePlace::Service { service, operation } => {
            let service = &blueprint.services[service.at()];
            match operation {
                Some(operation) => format!("{}/{}", service.name, service.operations[operation.at()]),
                None => service.name.clone(),
            }
        }
        FailurePlace::Beyond(from) => receiver(blueprint, from).to_owned(),
    }
}

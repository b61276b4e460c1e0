//! Names of things as they stand in the tables.

use crate::blueprint::{Blueprint, ClassIx, DependencyIx, GroupIx, Provider, RevisionIx, ServiceIx, ZoneIx};
use crate::report::table::Value;

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

//! What faults resolve to, and what is refused.

use super::rules::codes;
use super::*;
use crate::scenario::diagnostic::Code;

fn shop(service: &str, event: &str) -> String {
    format!(
        "services: {{ web: {{ {service} operations: {{ get: [{{ cpu: 20ms }}] }} }} }}\n\
         traffic:\n  users: {{ to: web, rate: 10/s, requests: [{{ name: page, get: / }}, {{ name: upload, post: /file }}] }}\n  \
         crawler: {{ to: web, rate: 1/s }}\n\
         duration: 10m\nevents: [{{ at: 1m, {event} }}]\n"
    )
}

fn kind(service: &str, event: &str) -> FaultKind {
    match &blueprint(&shop(service, event)).events[0].what {
        Happening::Fault(fault) => fault.kind.clone(),
        other => panic!("{other:?} is no fault"),
    }
}

#[test]
fn poison_is_of_a_traffic_a_kind_of_requests_or_everybody() {
    let FaultKind::Poison(poison) = kind("", "poison_requests: { service: web, request: upload, share: 1% }") else {
        panic!("it is poison");
    };
    assert_eq!((poison.traffic, poison.classes), (None, vec![ClassIx(1)]));
    assert_eq!(poison.effect, PoisonEffect::Crash { exit_code: 1 });
    let FaultKind::Poison(poison) = kind("", "poison_requests: { service: web, traffic: crawler, effect: hang }")
    else {
        panic!("it is poison");
    };
    assert_eq!((poison.traffic, poison.classes), (Some(TrafficIx(1)), vec![]));
    assert_eq!(poison.effect, PoisonEffect::Hang);
    for (wrong, code) in [
        ("service: shop", Code::UnknownName),
        ("service: web, request: uplod", Code::UnknownName),
        // It is the other traffic's.
        ("service: web, traffic: crawler, request: upload", Code::UnknownName),
        ("service: web, revision: 2", Code::NobodySelected),
        ("service: web, share: 0%", Code::NobodySelected),
    ] {
        let found = codes(&shop("", &format!("poison_requests: {{ {wrong} }}")));
        assert_eq!(found, [code], "{wrong}");
    }
    let too_much = codes(&shop("", "poison_requests: { service: web, share: 120% }"));
    assert_eq!(too_much.len(), 1, "a share above 1 is refused: {too_much:?}");
}

#[test]
fn a_control_plane_outage_is_of_all_services_or_of_some() {
    let FaultKind::ControlPlaneOutage { of, backends } = kind("", "control_plane_outage: {}, lasting: 1m") else {
        panic!("it is an outage");
    };
    assert_eq!((of.len(), backends.len()), (5, 5));
    let FaultKind::ControlPlaneOutage { of, backends } = kind("", "control_plane_outage: { of: [ecs, ecr] }") else {
        panic!("it is an outage");
    };
    assert_eq!((of, backends), (vec![ControlService::Ecs], vec![Backend::Registry]));
    assert_eq!(
        codes(&shop("", "control_plane_outage: { of: [ecs, ecs] }")),
        [Code::NameTaken]
    );
}

#[test]
fn spot_is_taken_back_only_from_who_runs_on_it() {
    let on_spot = "capacity_provider_strategy: [{ capacity_provider: FARGATE_SPOT, weight: 1 }],";
    let FaultKind::SpotReclaim { on } = kind(on_spot, "spot_reclaim: { on: { service: web, share: 50% } }") else {
        panic!("it is a reclaim");
    };
    assert_eq!(
        (on.service, on.provider),
        (Some(ServiceIx(0)), Some(Provider::FargateSpot))
    );
    let without = "capacity_provider_strategy: [{ capacity_provider: FARGATE, weight: 1 }],";
    for event in ["spot_reclaim: {}", "spot_reclaim: { on: { service: web } }"] {
        assert_eq!(codes(&shop(without, event)), [Code::ReclaimWithoutSpot], "{event}");
    }
    let on_demand = "spot_reclaim: { on: { capacity_provider: FARGATE } }";
    assert_eq!(codes(&shop(on_spot, on_demand)), [Code::ReclaimWithoutSpot]);
}

#[test]
fn instances_of_a_group_are_taken_back_if_the_group_is_on_spot() {
    let text = |market: &str, on: &str| {
        format!(
            "cluster: {{ capacity_providers: {{ fleet: {{ auto_scaling_group: {{ instance_types: [m6i.large], min_size: 2, \
             max_size: 4, {market} }} }} }} }}\n\
             {}",
            shop(
                "launch_type: EC2,",
                &format!("spot_reclaim: {{ on: {{ capacity_provider: fleet{on} }} }}")
            )
        )
    };
    let spot = "instance_market_options: { market_type: spot }";
    assert_eq!(codes(&text("", "")), [Code::ReclaimWithoutSpot]);
    assert_eq!(codes(&text(spot, ", service: web")), [Code::ConflictingKeys]);
    let blueprint = blueprint(&text(spot, ", share: 50%"));
    assert_eq!(blueprint.auto_scaling_groups[0].market, Market::Spot);
    let Happening::Fault(fault) = &blueprint.events[0].what else {
        panic!("it is a fault");
    };
    let FaultKind::SpotReclaim { on } = &fault.kind else {
        panic!("it is a reclaim");
    };
    assert_eq!(on.provider, Some(Provider::Group(GroupIx(0))));
}

#[test]
fn shortages_throttling_and_leaks_need_somebody_and_some_amount() {
    for (event, code) in [
        ("capacity_shortage: { capacity_provider: fleet }", Code::UnknownName),
        (
            "capacity_shortage: { capacity_provider: FARGATE, zone: mars }",
            Code::UnknownName,
        ),
        ("api_throttling: { rate: 0/s }", Code::OutOfRange),
        (
            "memory_leak: { on: { service: web }, growth_per_hour: 0 MiB }",
            Code::OutOfRange,
        ),
        ("memory_leak: { on: {}, growth_per_hour: 1 GiB }", Code::MissingKey),
        ("dependency_outage: { dependencies: [db] }", Code::UnknownName),
    ] {
        assert_eq!(codes(&shop("", event)), [code], "{event}");
    }
}

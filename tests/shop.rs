//! The whole language at once: a shop that uses every part of it, what it resolves to, and what is refused for later.

use std::path::{Path, PathBuf};
use wavetank::blueprint::*;
use wavetank::scenario::{Code, Scenario, Style};
use wavetank::units::{Instant, Span};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shop")
}

fn shop() -> Scenario {
    Scenario::load(&folder().join("online-shop.yaml")).expect("it reads")
}

fn text() -> String {
    std::fs::read_to_string(folder().join("online-shop.yaml")).expect("it reads")
}

fn blueprint(scenario: &Scenario) -> Blueprint {
    let (blueprint, found) = scenario.resolve();
    // Its payments may be tried for longer than shoppers wait, which it is told.
    let codes: Vec<Code> = found.iter().map(|one| one.code).collect();
    assert_eq!(codes, [Code::LeavesBeforeRetries], "{}", found.render(Style::Plain));
    blueprint.expect("nothing is wrong")
}

#[test]
fn the_shop_resolves() {
    let it = blueprint(&shop());
    assert_eq!(it.kind, Kind::Terminating);
    assert_eq!(it.services.len(), 3);
    assert_eq!(it.measured_from(), Instant::ZERO + Span::from_secs(600));
    let catalog = &it.services[0];
    assert_eq!(catalog.capacity[0].provider, Provider::Group(GroupIx(0)));
    assert_eq!(it.auto_scaling_groups[0].awsvpc_tasks, 10);
    assert_eq!(
        catalog.placement_strategy,
        [PlacementStrategy::SpreadZone, PlacementStrategy::BinpackMemory]
    );
    // 18:30 is half an hour after 0, and 0 lies ten minutes after the beginning.
    let scaling = catalog.auto_scaling.as_ref().expect("it scales");
    assert_eq!(scaling.scheduled[0].at, Instant::ZERO + Span::from_secs(600 + 1800));
    let checkout = &it.services[1];
    assert_eq!(checkout.revisions.len(), 2);
    let (before, after) = (&checkout.revisions[0], &checkout.revisions[1]);
    assert_eq!(before.operations[0].program, after.operations[0].program);
    assert_eq!(
        (after.operations[0].cpu_factor, after.operations[0].error_ratio.get()),
        (1.4, 0.05)
    );
    let image = |revision: &Revision| {
        let task = &it.task_definitions[revision.task_definition.at()];
        it.images[task.containers[0].image.at()].size.0
    };
    assert_eq!((image(before), image(after)), (220, 420));
    let alternate = checkout.load_balancers[0].alternate.expect("it is blue/green");
    assert_eq!(
        alternate.rule,
        RuleRef {
            load_balancer: LoadBalancerIx(0),
            listener: 0,
            rule: 0
        }
    );
    assert!(matches!(it.events[1].what, Happening::Deploy(ref list) if list == &[(ServiceIx(1), RevisionIx(1))]));
    assert_eq!(it.alarms[0].threshold, 0.02);
    assert_eq!(it.expectations.len(), 4);
}

#[test]
fn task_definitions_come_from_awss_json() {
    let it = blueprint(&shop());
    let catalog = &it.task_definitions[0];
    assert_eq!(
        (catalog.cpu.0, catalog.memory.0, catalog.network_mode),
        (512, 1024, NetworkMode::Awsvpc)
    );
    let names: Vec<&str> = catalog
        .containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    assert_eq!(names, ["app", "migrate", "envoy"]);
    assert_eq!(catalog.containers[0].stop_timeout, Span::from_secs(60));
    assert!(
        catalog.containers[0].host_ports.is_empty(),
        "an awsvpc task takes no port of the instance"
    );
    assert_eq!(
        catalog.containers[0].depends_on,
        [
            ContainerDependency {
                container: 1,
                condition: ContainerCondition::Success
            },
            ContainerDependency {
                container: 2,
                condition: ContainerCondition::Healthy
            },
        ]
    );
    let check = catalog.containers[2].health_check.expect("envoy has one");
    assert_eq!(
        (check.interval, check.timeout),
        (Span::from_secs(10), Span::from_secs(5))
    );
    assert!(
        catalog.containers[1].exits.is_some(),
        "what others wait for to end ends"
    );
    let checkout = &it.task_definitions[1];
    assert_eq!(
        (checkout.memory.0, checkout.architecture, checkout.extra_storage_gib),
        (2048, Architecture::Arm64, 1)
    );
    // catalog: eight fields of the definition and one of its platform, three of a port, `environment`, `command`;
    // checkout: `family` and one of a port. `tags` stands outside.
    assert_eq!(shop().ignored_fields(), 8 + 1 + 3 + 1 + 1 + 1 + 1);
}

/// Expectations know their line, which is another in another text.
fn without_lines(scenario: &Scenario) -> String {
    let mut it = blueprint(scenario);
    it.expectations.iter_mut().for_each(|expectation| expectation.line = 0);
    format!("{it:#?}")
}

#[test]
fn the_resolved_text_means_the_same() {
    let it = shop();
    let resolved = it.resolved_text().expect("nothing is wrong");
    let again = Scenario::parse("resolved.yaml", resolved.as_str(), &folder()).expect("it reads");
    assert_eq!(without_lines(&again), without_lines(&it));
    assert_eq!(again.resolved_text().expect("nothing is wrong"), resolved);
}

#[test]
fn its_variants_resolve() {
    let variants = shop().variants().expect("the block is right");
    let strategies: Vec<_> = variants
        .iter()
        .map(|(name, variant)| (name.as_str(), blueprint(variant).services[1].deployment.strategy))
        .collect();
    assert_eq!(
        strategies,
        [
            ("rolling", DeploymentStrategy::Rolling),
            ("blue-green", DeploymentStrategy::BlueGreen)
        ]
    );
}

/// What the sketch of the language has and this version has not.
#[test]
fn what_comes_later_is_refused_by_name() {
    let later = [
        (
            "      auto_scaling_group: {",
            "      managed_scaling: { target_capacity: 90%, instance_warmup_period: 300s }\n      auto_scaling_group: {",
            "managed_scaling",
        ),
        (
            "      auto_scaling_group: {",
            "      managed_termination_protection: ENABLED\n      auto_scaling_group: {",
            "managed_termination_protection",
        ),
        (
            "      auto_scaling_group: {",
            "      managed_draining: ENABLED\n      auto_scaling_group: {",
            "managed_draining",
        ),
    ];
    for (old, new, word) in later {
        let text = text();
        assert_eq!(text.matches(old).count(), 1, "{old}");
        let found = Scenario::parse("shop.yaml", text.replace(old, new), &folder())
            .expect("it reads")
            .check();
        let shown = found.render(Style::Plain);
        assert!(
            found
                .iter()
                .all(|one| matches!(one.code, Code::NotModelledYet | Code::LeavesBeforeRetries)),
            "{word}: {shown}"
        );
        assert!(
            shown.contains(&format!("`{word}` is not modelled yet")),
            "{word}: {shown}"
        );
    }
}

#[test]
fn it_may_say_more_of_how_code_behaves() {
    let more = [
        ("    start_up: 12s", "    jit_warm_up: { factor: 3.0, requests: 500 }"),
        (
            "        - call: { to: catalog-db, timeout: 300ms }",
            "        - cache: { hit_ratio: 85%, miss: [{ call: { to: catalog-db, timeout: 300ms } }] }",
        ),
        (
            "cap: 2s, jitter: full } } } } }]",
            "cap: 2s, jitter: full } }, budget: 10% } } }]",
        ),
        (
            "timeout: 2s, retry:",
            "timeout: 2s, circuit_breaker: { failures: 50%, window: 10s }, retry:",
        ),
    ];
    for (old, new) in more {
        let text = text();
        assert_eq!(text.matches(old).count(), 1, "{old}");
        let written = Scenario::parse("shop.yaml", text.replace(old, new), &folder()).expect("it reads");
        let before = format!("{:?}", blueprint(&shop()));
        assert_ne!(
            format!("{:?}", blueprint(&written)),
            before,
            "{new} changes what is simulated"
        );
    }
}

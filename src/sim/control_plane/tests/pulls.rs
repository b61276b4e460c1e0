//! Pulls of images, second by second: layers, shared network, pull behaviours, and a registry in trouble.
//!
//! On EC2 a task takes 4 s for its interface and 1 s PENDING; a pull goes at 80 MiB/s, and all pulls on an instance
//! together at 100 MiB/s. On Fargate the pull begins 15 s after the task's creation.

use super::harness::{Stage, fleet, image, on_ec2, owned, without_balancer};
use super::life_cycle::record;
use crate::blueprint::*;
use crate::units::{Ratio, Span};

/// One task of `web` wherever it is, at 51 s on EC2 (the instance takes 50 s and the pass one) and at 0 on Fargate.
fn empty(mut blueprint: Blueprint) -> Blueprint {
    blueprint.start = Start::Empty;
    blueprint
}

/// A service beside `web` with an image of these layers; tasks of both fit one instance.
fn another(blueprint: &mut Blueprint, layers: &[(&str, u64)]) {
    let mut definition = blueprint.task_definitions[0].clone();
    definition.name = "other".into();
    definition.containers[0].image = image(blueprint, "other", layers);
    blueprint.task_definitions.push(definition);
    let mut service = blueprint.services[0].clone();
    service.name = "other".into();
    for revision in &mut service.revisions {
        revision.task_definition = TaskDefinitionIx(1);
    }
    blueprint.services.push(service);
}

fn behaves(mut blueprint: Blueprint, behavior: ImagePullBehavior) -> Blueprint {
    blueprint.auto_scaling_groups[0].agent.image_pull_behavior = behavior;
    blueprint
}

fn registry(stage: &mut Stage<'_>, trouble: Trouble) {
    stage.act(|control, _| control.backend_trouble_begins(0, &[Backend::Registry], trouble));
}

/// Another task of `web` from now on.
fn one_more(stage: &mut Stage<'_>, desired: u32) {
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), desired, "test"));
}

#[test]
fn pulls_on_one_instance_share_its_network() {
    // Both begin at 56: 400 and 200 MiB at 50/s each. The second is there at 60; the first has 200 left, at 80/s: 62.5.
    let mut blueprint = empty(without_balancer(on_ec2(fleet(1), 1)));
    another(&mut blueprint, &[("other", 200)]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(60.0, 1), (62.5, 0)]);
}

#[test]
fn pulls_on_fargate_share_nothing() {
    let mut blueprint = empty(without_balancer(fleet(1)));
    another(&mut blueprint, &[("web", 400)]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(20.0, 0), (20.0, 1)]);
}

#[test]
fn a_layer_that_two_images_list_is_stored_once() {
    // `web` stands; `other` begins at 10 and adds 40 MiB to the base: 11 + 5 + 0.5.
    let mut blueprint = without_balancer(on_ec2(fleet(1), 1));
    blueprint.images.clear();
    blueprint.layers.clear();
    image(&mut blueprint, "web", &[("base", 300), ("web", 100)]);
    another(&mut blueprint, &[("base", 300), ("other", 40)]);
    blueprint.services[1].desired_count = 0;
    // Only what may run in the group is held at the start: the other's own layer is taken away again.
    blueprint.services[1].revisions[0].task_definition = TaskDefinitionIx(0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    stage.act(|control, cx| control.deploy(cx, &[(ServiceIx(1), RevisionIx(1))]));
    stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(1), 1, "test"));
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(16.5, 1)]);
}

#[test]
fn a_layer_that_another_task_pulls_is_waited_for() {
    // Both begin at 56. The first pulls base and web: 300 + 100 MiB; the second only its own 40, and waits for the base.
    // 50/s each until 56.8, when the 40 are there; the base has 260 left at 80/s: 60.05; web 100 more: 61.3.
    let mut blueprint = empty(without_balancer(on_ec2(fleet(1), 1)));
    blueprint.images.clear();
    blueprint.layers.clear();
    image(&mut blueprint, "web", &[("base", 300), ("web", 100)]);
    another(&mut blueprint, &[("base", 300), ("other", 40)]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(60.05, 1), (61.3, 0)]);
}

#[test]
fn a_pull_goes_on_when_its_task_is_stopped() {
    // Stopped at 57 while it pulls (56 to 61); the next task begins at 60 + 1 + 5, finds everything, and waits for none.
    let blueprint = empty(without_balancer(on_ec2(fleet(1), 1)));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(57.0);
    one_more(&mut stage, 0);
    stage.run_until(60.0);
    one_more(&mut stage, 1);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(66.0, 1)]);
}

#[test]
fn the_default_falls_back_to_the_cache_after_five_attempts() {
    // Attempts at 16 and after 1.1, 2.2, 4.4 and 5 s, each a fifth longer at most.
    let blueprint = without_balancer(on_ec2(fleet(1), 1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    registry(&mut stage, Trouble::Out);
    one_more(&mut stage, 2);
    stage.run_until(100.0);
    let [(activating, 1)] = stage.entered("ACTIVATING")[..] else {
        panic!("one task starts")
    };
    let waited = activating - 16.0;
    assert!((12.7..12.7 * 1.2).contains(&waited), "{waited}");
}

#[test]
fn always_fails_without_the_registry_although_the_image_is_cached() {
    let blueprint = behaves(without_balancer(on_ec2(fleet(1), 1)), ImagePullBehavior::Always);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    registry(&mut stage, Trouble::Out);
    one_more(&mut stage, 2);
    stage.run_until(60.0);
    assert_eq!(stage.entered("ACTIVATING"), []);
    let failed = record(&stage, 1);
    assert_eq!(failed.stop_code, "TaskFailedToStart");
    let reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref web";
    assert_eq!(failed.stop_reason, reason);
}

#[test]
fn once_and_prefer_cached_do_not_ask_about_what_they_have() {
    for behavior in [ImagePullBehavior::Once, ImagePullBehavior::PreferCached] {
        let mut blueprint = behaves(without_balancer(on_ec2(fleet(1), 1)), behavior);
        blueprint.model.start_up.manifest = super::harness::constant(2.0);
        let mut stage = Stage::new(&blueprint);
        stage.run_until(10.0);
        registry(&mut stage, Trouble::Out);
        one_more(&mut stage, 2);
        stage.run_until(100.0);
        assert_eq!(stage.entered("ACTIVATING"), [(16.0, 1)]);
    }
}

#[test]
fn the_default_asks_for_the_manifest_every_time() {
    let mut blueprint = without_balancer(on_ec2(fleet(1), 1));
    blueprint.model.start_up.manifest = super::harness::constant(2.0);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    one_more(&mut stage, 2);
    stage.run_until(100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(18.0, 1)]);
}

#[test]
fn fargate_has_no_cache_to_fall_back_to() {
    let blueprint = without_balancer(fleet(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    registry(&mut stage, Trouble::Out);
    one_more(&mut stage, 2);
    // Asks at 26, fails 15.24 s later at most, and is STOPPED 10 s after that.
    stage.run_until(55.0);
    assert!(record(&stage, 1).stop_reason.starts_with("CannotPullContainerError: "));
}

#[test]
fn a_registry_that_comes_back_is_found_by_the_next_attempt() {
    // Out when the pull begins at 26; back before the second attempt 1.1 to 1.32 s later.
    let blueprint = without_balancer(fleet(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    registry(&mut stage, Trouble::Out);
    one_more(&mut stage, 2);
    stage.run_until(27.0);
    stage.act(|control, _| control.backend_trouble_ends(0));
    stage.run_until(100.0);
    let activating = stage.entered("ACTIVATING")[0].0;
    assert!((32.1..=32.32).contains(&activating), "{activating}");
}

#[test]
fn a_throttled_registry_serves_one_task_after_the_other() {
    // Five tasks ask at 15; two calls of each kind a second: manifests at 15, 15, 15.5, 16, 16.5, and the layers' lines
    // are no longer than that. 400 MiB take 5 s.
    let blueprint = empty(without_balancer(fleet(5)));
    let mut stage = Stage::new(&blueprint);
    registry(&mut stage, Trouble::Throttled(2.0));
    stage.run_until(100.0);
    let expected = [(20.0, 0), (20.0, 1), (20.5, 2), (21.0, 3), (21.5, 4)];
    assert_eq!(stage.entered("ACTIVATING"), expected);
}

#[test]
fn who_is_throttled_longer_than_it_is_patient_fails() {
    // One call in two seconds: at 15, 17 and 19; the fourth would wait 6 s and gives up after 5.
    let mut blueprint = empty(without_balancer(fleet(4)));
    blueprint.model.start_up.throttling_patience = Span::from_secs(5);
    let mut stage = Stage::new(&blueprint);
    registry(&mut stage, Trouble::Throttled(0.5));
    stage.run_until(60.0);
    let failed = record(&stage, 3);
    assert_eq!(failed.stopping.map(|at| at.seconds()), Some(20.0));
    assert_eq!(
        failed.stop_reason,
        "CannotPullContainerError: toomanyrequests: Rate exceeded"
    );
}

#[test]
fn a_lazily_loaded_image_starts_with_its_share_and_slows_the_start_up_while_it_loads() {
    // A tenth of 400 MiB: 0.5 s, ACTIVATING at 15.5; the rest is there at 20. The container starts at 16.5; its start-up
    // of 2 s at half speed until 20 has done 1.75 s of work, and the rest takes 0.25 s: listening at 20.25.
    let mut blueprint = empty(without_balancer(fleet(1)));
    blueprint.images[0].loading = Loading::Lazy;
    blueprint.model.start_up.lazy_share = Ratio::new(0.1).expect("a share");
    blueprint.model.start_up.lazy_slowdown = 2.0;
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    let expected = [
        (0.0, "PROVISIONING"),
        (10.0, "PENDING"),
        (15.5, "ACTIVATING"),
        (16.5, "RUNNING"),
    ];
    assert_eq!(stage.way(0), owned(&expected));
    let listens = |order: &crate::sim::signal::Order| matches!(order, crate::sim::signal::Order::Listen(_));
    let listening: Vec<f64> = stage
        .orders
        .iter()
        .filter(|(_, order)| listens(order))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(listening, [20.25]);
}

#[test]
fn an_image_goes_three_hours_after_its_last_task_at_the_agents_next_look() {
    // Stopped at 11 + 2 + 10 = 23 s: gone at the look at 3.5 h. A task that begins at 3.5 h + 11 s pulls it again (5 s).
    let blueprint = without_balancer(on_ec2(fleet(1), 1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    one_more(&mut stage, 0);
    let looks = 3.5 * 3600.0;
    stage.run_until(looks + 10.0);
    one_more(&mut stage, 1);
    stage.run_until(looks + 100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(looks + 21.0, 1)]);
}

#[test]
fn under_prefer_cached_images_stay_for_ever() {
    let mut blueprint = without_balancer(on_ec2(fleet(1), 1));
    blueprint.auto_scaling_groups[0].agent = Agent {
        image_pull_behavior: ImagePullBehavior::PreferCached,
        image_cleanup: None,
        ..Agent::default()
    };
    let mut stage = Stage::new(&blueprint);
    stage.run_until(10.0);
    one_more(&mut stage, 0);
    let later = 3.5 * 3600.0;
    stage.run_until(later + 10.0);
    one_more(&mut stage, 1);
    stage.run_until(later + 100.0);
    assert_eq!(stage.entered("ACTIVATING"), [(later + 16.0, 1)]);
}

//! Random fleets under random misfortunes: every invariant after every event, the bounds as long as nothing fails, and
//! rest once all is left alone.

use super::blue_green::{blue_green, meter, with_alarm};
use super::harness::{Health, Stage, as_daemon, constant, container, fleet, on_ec2, without_balancer};
use super::hooks::{lambda, pause};
use super::shift::{canary, linear, with_tests};
use crate::blueprint::*;
use crate::cluster::Task;
use crate::cluster::service::Halt;
use crate::engine::arena::Id;
use crate::engine::dist::Dist;
use crate::engine::random::Key;
use crate::sim::control_plane::{ShiftStep, SlowInstances};
use crate::sim::observation::Observation;
use crate::units::{CpuUnits, MiB, Ratio, Span};
use std::collections::BTreeSet;

/// A die for the swarm itself.
struct Dice(Key, u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.1 += 1;
        self.0.child(self.1).below(n)
    }

    fn happens(&mut self, one_in: u32) -> bool {
        self.below(one_in) == 0
    }
}

fn some_fleet(dice: &mut Dice) -> Blueprint {
    let desired = dice.below(7);
    let is_blue_green = dice.happens(3);
    let mut blueprint = if is_blue_green {
        let blueprint = match dice.below(4) {
            0 => linear(desired, 30 + dice.below(500), 20),
            1 => canary(desired, 1 + dice.below(999), 60),
            _ => blue_green(desired),
        };
        with_controller(
            with_hooks(with_alarm(with_tests(blueprint), dice.happens(2)), dice),
            dice,
        )
    } else {
        fleet(desired)
    };
    if dice.happens(2) {
        blueprint = on_ec2(blueprint, 1 + dice.below(5));
        let behaviors = [
            ImagePullBehavior::Default,
            ImagePullBehavior::Always,
            ImagePullBehavior::Once,
        ];
        blueprint.auto_scaling_groups[0].agent.image_pull_behavior = behaviors[dice.below(3) as usize];
    }
    if !is_blue_green && dice.happens(3) {
        blueprint = without_balancer(blueprint);
    }
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    if dice.happens(3) {
        blueprint.start = Start::Empty;
    }
    let spread = Dist::uniform(0.0, 30.0).expect("valid");
    blueprint.model.fargate.provisioning = spread.clone();
    blueprint.model.task.loss_detection = spread.clone();
    blueprint.model.alb.first_health_check = (0.0, 1.0);
    let attributes = &mut blueprint.target_groups[0].attributes;
    if dice.happens(3) {
        attributes.cross_zone = CrossZone::Off;
    }
    attributes.unhealthy_state_routing.count = Some(1 + dice.below(3));
    attributes.dns_failover.percentage = dice.happens(2).then(|| 1 + dice.below(100));
    blueprint.model.scheduler.draining_counts_to_maximum = dice.happens(4);
    let definition = &mut blueprint.task_definitions[0];
    definition.containers[0].shut_down = spread.clone();
    if dice.happens(2) {
        let mut init = container("init");
        init.essential = false;
        init.exits = Some(ContainerExit { after: spread, code: 0 });
        init.start_timeout = dice.happens(2).then_some(Span::from_secs(20));
        definition.containers[0].depends_on = vec![ContainerDependency {
            container: 1,
            condition: ContainerCondition::Complete,
        }];
        definition.containers.push(init);
    }
    if dice.happens(3) {
        definition.containers[0].secrets.parameter_store = 3;
    }
    if dice.happens(3) {
        definition.containers[0].cpu_use = CpuUnits(100);
        definition.containers[0].memory_use = Some(MemoryUse {
            base: MiB(500),
            growth_per_hour: MiB(1_000),
        });
    }
    if dice.happens(3) {
        definition.containers[0].restart_policy = Some(RestartPolicy {
            ignored_exit_codes: vec![],
            attempt_period: Span::from_secs(60),
        });
    }
    if dice.happens(3) {
        definition.containers[0].health_check = Some(ContainerHealthCheck {
            interval: Span::from_secs(10),
            timeout: Span::from_secs(5),
            retries: 3,
            start_period: Span::ZERO,
        });
    }
    let service = &mut blueprint.services[0];
    let (minimum, maximum) = [(100, 200), (50, 100), (50, 150), (0, 100), (90, 110)][dice.below(5) as usize];
    service.deployment.minimum_healthy_percent = minimum;
    service.deployment.maximum_percent = maximum;
    if dice.happens(2) {
        let breaker = CircuitBreaker {
            rollback: dice.happens(2),
            threshold: BreakerThreshold::BoundedPercent(50.0),
            reset_on_healthy_task: dice.happens(2),
        };
        service.deployment.circuit_breaker = Some(breaker);
    }
    if !is_blue_green && dice.happens(3) {
        let cleanup = [SourceCleanup::BeforeCompletion, SourceCleanup::AfterCompletion][dice.below(2) as usize];
        service.deployment.early_success = Some(EarlySuccess {
            healthy_percent: minimum + (100 - minimum) / 2,
            cleanup,
        });
    }
    if !is_blue_green && !blueprint.auto_scaling_groups.is_empty() && dice.happens(4) {
        as_daemon(&mut blueprint.services[0]);
    }
    let service = &mut blueprint.services[0];
    if dice.happens(4) {
        service.scheduling.protection = Some(TaskProtection {
            share: Ratio::new(0.5).expect("a share"),
            works_for: constant(200.0),
            expires_in: Span::from_secs(100),
        });
    }
    let mut family = service.clone();
    family.name = "family:job".into();
    family.desired_count = 0;
    family.load_balancers.clear();
    family.scheduling.strategy = SchedulingStrategy::Standalone;
    family.revisions[0].defects.exits_after = Some(constant(50.0));
    if dice.happens(2) {
        service.scheduling.zone_rebalancing = ZoneRebalancing::Enabled;
    }
    let share = |sixths: u32| Ratio::new(f64::from(sixths) / 6.0).expect("a share");
    let defects = &mut service.revisions[1].defects;
    defects.fails_to_start = share(dice.below(4));
    defects.fails_health_checks = share(dice.below(4));
    defects.exits_after = dice.happens(4).then(|| constant(50.0));
    blueprint.services.push(family);
    blueprint
}

/// One in three is deployed by CodeDeploy.
fn with_controller(mut blueprint: Blueprint, dice: &mut Dice) -> Blueprint {
    let group = CodeDeploy {
        rolls_back_on_failure: dice.happens(2),
        rolls_back_on_stop: dice.happens(2),
        blue: BlueInstances::Terminate,
    };
    blueprint.services[0].deployment.code_deploy = dice.happens(3).then_some(group);
    blueprint
}

/// Up to two hooks, on any stage that takes them.
fn with_hooks(mut blueprint: Blueprint, dice: &mut Dice) -> Blueprint {
    let stages = LifecycleStage::ALL.into_iter().filter(|stage| stage.takes_hooks());
    let stages: Vec<LifecycleStage> = stages.collect();
    for _ in 0..dice.below(3) {
        let stage = stages[dice.below(stages.len() as u32) as usize];
        let mut hook = if dice.happens(3) {
            let then = [TimeoutAction::Rollback, TimeoutAction::Continue][dice.below(2) as usize];
            pause(stage, u64::from(1 + dice.below(300)), then)
        } else {
            lambda(stage, f64::from(dice.below(60)))
        };
        if let HookTarget::Lambda(lambda) = &mut hook.target {
            lambda.in_progress = dice.below(2);
            lambda.failure_ratio = Ratio::new(f64::from(dice.below(3)) / 10.0).expect("a share");
        }
        blueprint.services[0].deployment.hooks.push(hook);
    }
    blueprint
}

fn shift_away_from(zone: u16) -> ZonalShift {
    ZonalShift {
        away_from: ZoneIx(zone),
        load_balancers: vec![LoadBalancerIx(0)],
        lasting: Span::from_secs(60),
    }
}

/// One random act, at random.
fn disturb(
    stage: &mut Stage<'_>,
    dice: &mut Dice,
    (dark, away): (&mut BTreeSet<u16>, &mut Vec<ControlService>),
    act: u32,
) {
    let service = ServiceIx(0);
    let has_group = !stage.cx.blueprint.auto_scaling_groups.is_empty();
    let key = stage.cx.key.child(u64::from(act));
    let count = 1 + dice.below(2);
    if !stage.cx.blueprint.alarms.is_empty() {
        // A minute that some alarm may dislike.
        meter(stage, act, if dice.happens(6) { 50 } else { 0 });
    }
    match dice.below(12) {
        1 if !away.is_empty() => {
            let of = std::mem::take(away);
            stage.act(|control, cx| control.control_services_return(cx, &of));
        }
        1 => {
            let of = &ControlService::ALL[dice.below(5) as usize..];
            away.extend_from_slice(of);
            stage.act(|control, _| control.control_services_go(of));
        }
        2 => {
            let zone = dice.happens(2).then(|| ZoneIx(dice.below(2) as u16));
            let provider = if has_group {
                Provider::Group(GroupIx(0))
            } else {
                Provider::Fargate
            };
            stage.act(|control, cx| {
                control.capacity_shortage_ends(cx, 3);
                control.capacity_shortage_begins(3, provider, zone);
            });
        }
        3 => {
            let rate = [0.05, 1.0][dice.below(2) as usize];
            stage.act(|control, _| {
                control.throttling_ends(4);
                control.throttling_begins(4, rate);
            });
        }
        4 => {
            let on = Selection::some_of(service, count);
            stage.act(|control, cx| control.reclaim_spot(cx, &on, key));
        }
        5 => {
            let on = Selection::some_of(service, count);
            stage.act(|control, cx| {
                control.memory_leak_ends(cx, 5);
                control.memory_leak_begins(cx, 5, &on, 20.0, key);
            });
        }
        _ => {}
    }
    match dice.below(16) {
        10 => {
            let step = [ShiftStep::Begins, ShiftStep::Ends][dice.below(2) as usize];
            let shift = shift_away_from(dice.below(2) as u16);
            stage.act(|control, cx| control.shift_zone(cx, &shift, step));
        }
        11 if dice.happens(4) => stage.act(|control, cx| control.stop_deployment(cx, service)),
        11 => stage.act(|control, cx| control.continue_deployment(cx, service)),
        0 if dice.happens(4) => {
            let step = |revision| ReleaseStep {
                wait: Span::ZERO,
                deploy: vec![(service, RevisionIx(revision))],
            };
            let release = Release {
                steps: vec![step(1), step(2)],
                on_failure: [OnReleaseFailure::Stop, OnReleaseFailure::RollBack][dice.below(2) as usize],
            };
            stage.act(|control, cx| control.begin_release(cx, &release));
        }
        0 => stage.deploy(1 + dice.below(2) as u16),
        1 => {
            let mut on = Selection::some_of(service, count);
            on.zone = dice.happens(2).then(|| ZoneIx(dice.below(2) as u16));
            stage.act(|control, cx| control.crash_tasks(cx, &on, key));
        }
        14 => stage.act(|control, cx| {
            control.tasks_recover(cx, 2);
            let on = Selection::some_of(service, count);
            control.tasks_fall_ill(cx, 2, &on, still(), key);
        }),
        15 => stage.act(|control, cx| control.tasks_recover(cx, 2)),
        2 => {
            let desired = dice.below(8);
            stage.act(|control, cx| control.set_desired_count(cx, service, desired, "swarm"));
        }
        3 if has_group => stage.act(|control, cx| control.lose_instances(cx, GroupIx(0), count, key)),
        4 => {
            let zone = dice.below(2) as u16;
            if dark.remove(&zone) {
                stage.act(|control, cx| control.zone_outage_ends(cx, ZoneIx(zone)));
            } else {
                dark.insert(zone);
                stage.act(|control, cx| control.zone_outage_begins(cx, ZoneIx(zone)));
            }
        }
        5 => {
            let health = [Health::Fine, Health::Status(500), Health::Silent][dice.below(3) as usize];
            stage.of_revision.insert(RevisionIx(dice.below(2) as u16), health);
        }
        6 => {
            let law = dice
                .happens(2)
                .then(|| crate::engine::dist::Law::constant(Span::from_secs(100)));
            stage.act(|control, cx| control.random_crashes(cx, service, law));
        }
        12 => stage.act(|control, cx| control.run_task(cx, ServiceIx(1), count)),
        8 if has_group => stage.act(|control, cx| control.drain_instances(cx, GroupIx(0), 1, key)),
        7 if has_group => {
            let slow = SlowInstances {
                group: GroupIx(0),
                count,
                factor: 2.0,
            };
            stage.act(|control, cx| control.slow_instances_begin(cx, act, slow, key));
        }
        9 => stage.act(|control, cx| control.stop_tasks(cx, service, count, "swarm", key)),
        13 if has_group => {
            stage.act(|control, cx| {
                control.agents_may_reconnect(cx, 1);
                control.agents_disconnect(cx, 1, GroupIx(0), count, key);
            });
        }
        8 => {
            let trouble = if dice.happens(2) {
                Trouble::Out
            } else {
                Trouble::Throttled(0.1)
            };
            stage.act(|control, _| {
                control.backend_trouble_ends(0);
                control.backend_trouble_begins(0, &[Backend::Registry, Backend::ParameterStore], trouble);
            });
        }
        _ => {}
    }
}

/// A process that hangs and does not answer its checks.
fn still() -> Ills {
    Ills {
        motion: Motion::Still,
        ..Ills::NONE
    }
}

#[test]
fn every_invariant_holds_under_random_misfortunes_and_what_is_left_alone_comes_to_rest() {
    for round in 0..60 {
        let mut dice = Dice(Key::root(1, round, 0), 0);
        let mut blueprint = some_fleet(&mut dice);
        blueprint.seed = round;
        let mut stage = Stage::new(&blueprint);
        let mut dark = BTreeSet::new();
        let mut away = Vec::new();
        for act in 0..25 {
            let pause = f64::from(dice.below(60_000)) / 1000.0;
            stage.run_until(stage.cx.now().seconds() + pause);
            disturb(&mut stage, &mut dice, (&mut dark, &mut away), act);
        }
        // All is well again; the last word is a good revision and a count that fits wherever it runs.
        for zone in dark {
            stage.act(|control, cx| control.zone_outage_ends(cx, ZoneIx(zone)));
        }
        stage.act(|control, cx| control.random_crashes(cx, ServiceIx(0), None));
        stage.act(|control, _| control.backend_trouble_ends(0));
        stage.act(|control, cx| control.agents_may_reconnect(cx, 1));
        stage.act(|control, cx| control.control_services_return(cx, &away));
        stage.act(|control, cx| control.capacity_shortage_ends(cx, 3));
        stage.act(|control, _| control.throttling_ends(4));
        stage.act(|control, cx| control.memory_leak_ends(cx, 5));
        stage.of_revision.clear();
        stage.act(|control, cx| control.set_desired_count(cx, ServiceIx(0), 2, "swarm"));
        stage.deploy(2);
        // The slowest shift has 34 portions with hooks of 150 s before and after each, twice: a rollback may come first.
        let shifts = blueprint.services[0].deployment.strategy.shifts_traffic();
        let rest = if shifts { 25_000.0 } else { 5_000.0 };
        stage.run_until(stage.cx.now().seconds() + rest);
        let service = &stage.control.services[0];
        let stuck = blueprint.services[0].deployment.minimum_healthy_percent == 90;
        let active = stage.control.instances.iter().filter(|(_, host)| host.is_active());
        let active = active.count() as u32;
        let full = !blueprint.auto_scaling_groups.is_empty() && active < 2;
        // A late alarm or hook may have taken the last word back, to a revision whose tasks exit by themselves.
        let exits = blueprint.services[0].revisions[service.primary.at()]
            .defects
            .exits_after
            .is_some();
        if service.halt == Halt::Going && !stuck && !full && !exits {
            assert!(
                service.deployment.is_none(),
                "round {round}: a deployment goes on for ever"
            );
            let wanted = match blueprint.services[0].scheduling.strategy {
                SchedulingStrategy::Replica | SchedulingStrategy::Standalone => 2,
                SchedulingStrategy::Daemon => active,
            };
            assert_eq!(stage.levels(), (0, wanted, wanted), "round {round}");
            let primary = |id: &Id<Task>| stage.control.tasks[*id].revision == service.primary;
            assert!(
                service.tasks.len() == wanted as usize && service.tasks.iter().all(primary),
                "round {round}"
            );
        }
    }
}

#[test]
fn the_bounds_hold_throughout_a_deployment_in_which_nothing_fails() {
    for round in 0..100 {
        let mut dice = Dice(Key::root(2, round, 0), 0);
        let desired = 1 + dice.below(12);
        let minimum = dice.below(101);
        let maximum = 100 + dice.below(101);
        let mut blueprint = fleet(desired);
        blueprint.seed = round;
        blueprint.model.fargate.provisioning = Dist::uniform(0.0, 60.0).expect("valid");
        blueprint.model.alb.first_health_check = (0.0, 1.0);
        blueprint.services[0].deployment.minimum_healthy_percent = minimum;
        blueprint.services[0].deployment.maximum_percent = maximum;
        let (lower, upper) = ((desired * minimum).div_ceil(100), desired * maximum / 100);
        let mut stage = Stage::new(&blueprint);
        stage.run_until(10.0);
        stage.deploy(1);
        stage.run_until(5000.0);
        for seen in &stage.seen {
            if let Observation::ServiceLevels(levels) = seen {
                assert!(levels.healthy >= lower, "round {round}: {} of {lower}", levels.healthy);
                assert!(levels.pending + levels.running <= upper, "round {round}: above {upper}");
            }
        }
        let outcome = stage.outcomes().first().map(|(outcome, _)| *outcome);
        let is_stuck = lower >= desired && upper <= desired;
        assert_eq!(
            outcome,
            if is_stuck { None } else { Some("COMPLETED") },
            "round {round}"
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_story() {
    let story = || {
        let mut dice = Dice(Key::root(3, 0, 0), 0);
        let blueprint = some_fleet(&mut dice);
        let mut stage = Stage::new(&blueprint);
        let mut dark = BTreeSet::new();
        let mut away = Vec::new();
        for act in 0..25 {
            stage.run_until(f64::from(act) * 30.0);
            disturb(&mut stage, &mut dice, (&mut dark, &mut away), act);
        }
        format!("{:?}", stage.seen)
    };
    assert_eq!(story(), story());
}

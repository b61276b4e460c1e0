//! Rolling deployments, second by second. The deployment begins at 100 s.

use super::harness::{Stage, at, fleet, on_ec2, owned, without_balancer};
use crate::blueprint::Blueprint;
use crate::sim::observation::Observation;

fn bounds(mut blueprint: Blueprint, minimum: u32, maximum: u32) -> Blueprint {
    blueprint.services[0].deployment.minimum_healthy_percent = minimum;
    blueprint.services[0].deployment.maximum_percent = maximum;
    blueprint
}

fn deployed(blueprint: &Blueprint, until: f64) -> Stage<'_> {
    let mut stage = Stage::new(blueprint);
    stage.run_until(100.0);
    stage.deploy(1);
    stage.run_until(until);
    stage
}

#[test]
fn desired_4_with_50_100_stops_two_then_starts_two() {
    // 101: 4 healthy, 2 to spare: stop 2. 102: total 2, upper 4: start 2 (what drains does not count). They are healthy
    // at 102 + 29 = 131. 132: 2 + 2 healthy, 2 to spare: stop 2. 133: start 2, healthy at 162. The last two stopped at
    // 132 are STOPPED at 174; 175: complete.
    let blueprint = bounds(fleet(4), 50, 100);
    let stage = deployed(&blueprint, 300.0);
    let expected = [
        (101.0, "stop 2"),
        (102.0, "start 2"),
        (132.0, "stop 2"),
        (133.0, "start 2"),
        (175.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    assert_eq!(stage.outcomes(), [("COMPLETED", 175.0)]);
    assert_eq!(stage.levels(), (0, 4, 4));
}

#[test]
fn desired_4_with_100_200_starts_four_then_stops_four() {
    // 101: start 4, healthy at 130. 131: 8 healthy, 4 to spare: stop 4; STOPPED at 173; 174: complete.
    let blueprint = bounds(fleet(4), 100, 200);
    let stage = deployed(&blueprint, 300.0);
    assert_eq!(
        stage.steps(),
        owned(&[(101.0, "start 4"), (131.0, "stop 4"), (174.0, "complete")])
    );
}

#[test]
fn desired_4_with_100_125_goes_one_by_one() {
    // Each round: start 1, healthy 29 s later, stop 1 a second after that, and a second later the next start: 31 s.
    let blueprint = bounds(fleet(4), 100, 125);
    let stage = deployed(&blueprint, 400.0);
    let expected = [
        (101.0, "start 1"),
        (131.0, "stop 1"),
        (132.0, "start 1"),
        (162.0, "stop 1"),
        (163.0, "start 1"),
        (193.0, "stop 1"),
        (194.0, "start 1"),
        (224.0, "stop 1"),
        (267.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
}

#[test]
fn desired_10_with_90_110_starts_and_stops_within_9_and_11() {
    // 101: room for 1 and one to spare. 102: the stopped one leaves room for 1 more. They are healthy at 130 and 131, the
    // second just before the pass: 9 + 2 - 9 = 2 to spare. 132: 7 + 2 leave room for 2, healthy at 161; and so on.
    let blueprint = bounds(fleet(10), 90, 110);
    let stage = deployed(&blueprint, 600.0);
    let steps = stage.steps();
    let expected = [
        (101.0, "start 1, stop 1"),
        (102.0, "start 1"),
        (131.0, "stop 2"),
        (132.0, "start 2"),
        (162.0, "stop 2"),
        (163.0, "start 2"),
        (193.0, "stop 2"),
        (194.0, "start 2"),
        (224.0, "stop 2"),
        (225.0, "start 2"),
        (255.0, "stop 1"),
        (298.0, "complete"),
    ];
    assert_eq!(steps, owned(&expected));
    for seen in &stage.seen {
        if let Observation::ServiceLevels(levels) = seen {
            assert!(
                levels.healthy >= 9,
                "{} healthy at {} s",
                levels.healthy,
                levels.at.seconds()
            );
            assert!(
                levels.pending + levels.running <= 11,
                "above the maximum at {} s",
                levels.at.seconds()
            );
        }
    }
}

#[test]
fn desired_2_with_75_100_is_stuck_and_says_so() {
    let blueprint = bounds(fleet(2), 75, 100);
    let stage = deployed(&blueprint, 4000.0);
    assert_eq!(stage.rows().len(), 1);
    assert_eq!(
        stage.said("was unable to stop or start tasks during a deployment"),
        [101.0]
    );
    assert_eq!(stage.outcomes(), []);
}

#[test]
fn a_deregistration_of_five_minutes_dominates_the_deployment() {
    // 131: stop 4, DEACTIVATING for 300 s although nothing is in flight, then 2 s and 10 s: STOPPED at 443.
    let mut blueprint = bounds(fleet(4), 100, 200);
    blueprint.target_groups[0].deregistration_delay = crate::units::Span::from_secs(300);
    let stage = deployed(&blueprint, 600.0);
    let expected = [
        (0.0, "RUNNING"),
        (131.0, "DEACTIVATING"),
        (431.0, "STOPPING"),
        (433.0, "DEPROVISIONING"),
        (443.0, "STOPPED"),
    ];
    assert_eq!(stage.way(0), owned(&expected));
    assert_eq!(stage.outcomes(), [("COMPLETED", 444.0)]);
}

#[test]
fn a_task_without_balancer_and_check_counts_40_seconds_after_running() {
    // 101: start 4, RUNNING at 122, counted at 162; 163: stop 4.
    let blueprint = bounds(without_balancer(fleet(4)), 100, 200);
    let stage = deployed(&blueprint, 300.0);
    // STOPPED at 163 + 2 + 10 = 175.
    assert_eq!(
        stage.steps(),
        owned(&[(101.0, "start 4"), (163.0, "stop 4"), (176.0, "complete")])
    );
}

#[test]
fn waits_are_told_once_for_each_reason() {
    let blueprint = bounds(fleet(4), 100, 200);
    let stage = deployed(&blueprint, 300.0);
    let waits: Vec<_> = stage
        .rows()
        .into_iter()
        .filter(|(_, decision, _)| decision == "wait")
        .collect();
    let expected = [
        (
            102.0,
            "wait".to_string(),
            "waiting for new tasks to become healthy".to_string(),
        ),
        (132.0, "wait".to_string(), "waiting for old tasks to stop".to_string()),
    ];
    assert_eq!(waits, expected);
}

#[test]
fn draining_tasks_count_to_the_maximum_if_the_model_says_so() {
    // 101: stop 2. They are DEACTIVATING and STOPPING until 133, so the starts wait until 134.
    let mut blueprint = bounds(fleet(4), 50, 100);
    blueprint.model.scheduler.draining_counts_to_maximum = true;
    let stage = deployed(&blueprint, 140.0);
    assert_eq!(stage.steps(), owned(&[(101.0, "stop 2"), (134.0, "start 2")]));
}

#[test]
fn a_full_cluster_starts_nothing_until_an_old_task_is_stopped() {
    // Two instances of two tasks, full. 101: no room for a new one, though 100/200 allows four; with 50/100 two are
    // stopped at 101 and hold their places until 143, when the starts that failed at 102 are tried again: 144.
    let blueprint = bounds(on_ec2(fleet(4), 2), 50, 100);
    let stage = deployed(&blueprint, 300.0);
    let created: Vec<f64> = stage
        .entered("PROVISIONING")
        .into_iter()
        .map(|(second, _)| second)
        .collect();
    assert_eq!(stage.entered("STOPPED")[0].0, 143.0);
    assert_eq!(created[..2], [144.0, 144.0]);
    assert_eq!(stage.said("was unable to place a task")[0], 102.0);
}

#[test]
fn a_full_cluster_with_100_200_waits_for_ever() {
    let blueprint = bounds(on_ec2(fleet(4), 2), 100, 200);
    let stage = deployed(&blueprint, 1000.0);
    assert_eq!(stage.steps(), []);
    // Every minute it tries again and says so.
    assert_eq!(stage.said("was unable to place a task")[..3], [101.0, 161.0, 221.0]);
    let reason = stage.rows()[0].2.clone();
    assert_eq!(reason, "no capacity for a task");
}

#[test]
fn a_new_deployment_supersedes_the_one_in_progress() {
    // At 110 the four tasks of revision 1 are on their way. Revision 2: upper 8, total 8, so nothing starts until some go:
    // 4 old healthy, lower 4: none to spare. Revision 1's tasks become healthy at 130 and make 8: 131: stop 4 of the old
    // (any of both revisions), then start 4.
    let blueprint = bounds(fleet(4), 100, 200);
    let mut stage = deployed(&blueprint, 110.0);
    stage.deploy(2);
    stage.run_until(600.0);
    assert_eq!(stage.outcomes()[0], ("STOPPED", 110.0));
    assert_eq!(stage.outcomes()[1].0, "COMPLETED");
    let revisions: Vec<u16> = stage.control.services[0]
        .tasks
        .iter()
        .map(|id| stage.control.tasks[*id].revision.0)
        .collect();
    assert_eq!(revisions, [2, 2, 2, 2]);
}

#[test]
fn a_failed_task_is_replaced_by_its_own_revision_during_a_deployment() {
    // 100/125: 101: start 1 new. 110: an old one crashes: 3 old + 1 pending new, lower 4. 111: one of revision 0 starts.
    let blueprint = bounds(fleet(4), 100, 125);
    let mut stage = deployed(&blueprint, 110.0);
    stage.act(|control, cx| {
        control.crash_tasks(
            cx,
            &crate::blueprint::Selection::some_of(crate::blueprint::ServiceIx(0), 1),
            cx.key,
        )
    });
    stage.run_until(112.0);
    let started = stage
        .entered("PROVISIONING")
        .last()
        .copied()
        .expect("a task was started");
    assert_eq!(started, (111.0, 5));
    let record = stage
        .control
        .tasks
        .iter()
        .find(|(_, task)| task.ordinal == 5)
        .expect("it exists")
        .1;
    assert_eq!(record.revision.0, 0);
    stage.run_until(600.0);
    assert_eq!(stage.outcomes()[0].0, "COMPLETED");
}

#[test]
fn services_deploy_at_once_without_touching_each_other() {
    let mut blueprint = bounds(fleet(4), 100, 200);
    let mut second = blueprint.services[0].clone();
    second.name = "second".into();
    second.load_balancers.clear();
    blueprint.services.push(second);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(100.0);
    use crate::blueprint::{RevisionIx, ServiceIx};
    stage.act(|control, cx| control.deploy(cx, &[(ServiceIx(0), RevisionIx(1)), (ServiceIx(1), RevisionIx(1))]));
    stage.run_until(300.0);
    assert_eq!(stage.outcomes(), [("COMPLETED", 174.0), ("COMPLETED", 176.0)]);
}

#[test]
fn lowest_healthy_and_extra_capacity_are_told_at_the_end() {
    // 100/200 of 4: four tasks too many from 111 (PENDING) until 173: 248 task-seconds of 1 vCPU and 2 GiB.
    let blueprint = bounds(fleet(4), 100, 200);
    let stage = deployed(&blueprint, 300.0);
    let ended = stage.seen.iter().find_map(|seen| match seen {
        Observation::DeploymentEnded(record) => Some(record.clone()),
        _ => None,
    });
    let record = ended.expect("it ended");
    assert_eq!(
        (record.lowest_healthy, record.extra_vcpu_s, record.extra_gib_s),
        (4, 248.0, 496.0)
    );
    assert_eq!(record.started, at(100.0));
}

#[test]
fn the_dip_is_what_the_desired_count_lacks_of_healthy_tasks_and_how_long() {
    // 50/100 of 4: two are stopped at 101 and replaced by two that are healthy at 131; the other two at 132 and 162:
    // 2 × 30 + 2 × 30 task-seconds below desired. Two are draining until 143 and two until 174, while as many start: two
    // too many from 112 (PENDING) to 174.
    let blueprint = bounds(fleet(4), 50, 100);
    let stage = deployed(&blueprint, 300.0);
    let ended = stage.seen.iter().find_map(|seen| match seen {
        Observation::DeploymentEnded(record) => Some(record.clone()),
        _ => None,
    });
    let record = ended.expect("it ended");
    assert_eq!((record.desired, record.lowest_healthy, record.deepest_dip), (4, 2, 2));
    assert_eq!((record.below_desired_task_s, record.extra_vcpu_s), (120.0, 124.0));
}

#[test]
fn tasks_that_scaling_adds_during_a_deployment_are_no_extra_ones() {
    // 100/200 of 4, and 6 desired from 105: 106 starts two more, PENDING at 116 and healthy at 135. Above the desired six
    // are two from 111, four from 116, two from 173 and none from 178: the old ones are stopped two by two at 131 and 136
    // and STOPPED 42 s later. Two healthy ones are missing from 105 until the first four new ones are healthy at 130.
    let blueprint = bounds(fleet(4), 100, 200);
    let mut stage = deployed(&blueprint, 105.0);
    stage.act(|control, cx| control.set_desired_count(cx, crate::blueprint::ServiceIx(0), 6, "scaling"));
    stage.run_until(300.0);
    let ended = stage.seen.iter().find_map(|seen| match seen {
        Observation::DeploymentEnded(record) => Some(record.clone()),
        _ => None,
    });
    let record = ended.expect("it ended");
    assert_eq!((record.desired, record.peak_extra_tasks), (4, 4));
    assert_eq!((record.extra_vcpu_s, record.below_desired_task_s), (248.0, 50.0));
}

#[test]
fn a_row_of_a_step_tells_what_the_pass_found_before_it_acted() {
    // 50/100 of 4: (second, old running, new running, new healthy, draining, lower, upper).
    let blueprint = bounds(fleet(4), 50, 100);
    let stage = deployed(&blueprint, 300.0);
    let rows = stage.seen.iter().filter_map(|seen| match seen {
        Observation::DeploymentStepped(step) if step.decision != "wait" => Some((
            step.at.seconds(),
            (step.old_running, step.new_running, step.new_healthy, step.draining),
            (step.lower, step.upper),
        )),
        _ => None,
    });
    let expected = [
        (101.0, (4, 0, 0, 0), (2, 4)),
        (102.0, (2, 0, 0, 2), (2, 4)),
        (132.0, (2, 2, 2, 2), (2, 4)),
        // The first two are DEPROVISIONING until 143.
        (133.0, (0, 2, 2, 4), (2, 4)),
        (175.0, (0, 4, 4, 0), (2, 4)),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn a_deployment_that_supersedes_one_in_progress_replaces_the_latest_completed_revision() {
    let blueprint = bounds(fleet(2), 100, 200);
    let mut stage = deployed(&blueprint, 105.0);
    stage.deploy(2);
    stage.run_until(300.0);
    let ended = stage.seen.iter().filter_map(|seen| match seen {
        Observation::DeploymentEnded(record) => Some((record.outcome, record.from.0, record.to.0)),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [("STOPPED", 0, 1), ("COMPLETED", 0, 2)]);
}

#[test]
fn a_desired_count_that_falls_during_a_deployment_takes_surplus_new_tasks_and_spare_old_ones() {
    // 100/200 of 4: 101: start 4. At 110 the desired count falls to 2: 111: two of the four new ones are too many, and
    // two of the four old ones to spare. 130: two new ones are healthy; 131: the last two old ones stop, gone at 173.
    let blueprint = bounds(fleet(4), 100, 200);
    let mut stage = deployed(&blueprint, 110.0);
    stage.act(|control, cx| control.set_desired_count(cx, crate::blueprint::ServiceIx(0), 2, "scaling"));
    stage.run_until(400.0);
    let expected = [
        (101.0, "start 4"),
        (111.0, "stop 4"),
        (131.0, "stop 2"),
        (174.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    assert_eq!(stage.levels(), (0, 2, 2));
}

#[test]
fn what_a_superseded_deployment_had_begun_makes_room_for_the_new_one() {
    // 100/200 of 4: the four tasks of revision 1 begin at 101. At 110 revision 2 is deployed: eight are the maximum, so
    // the four that are not healthy go at 111, and four of revision 2 begin at 112, healthy at 141. 142: the old ones
    // stop, gone at 184.
    let blueprint = bounds(fleet(4), 100, 200);
    let mut stage = deployed(&blueprint, 110.0);
    stage.deploy(2);
    stage.run_until(400.0);
    let expected = [
        (101.0, "start 4"),
        (111.0, "stop 4"),
        (112.0, "start 4"),
        (142.0, "stop 4"),
        (185.0, "complete"),
    ];
    assert_eq!(stage.steps(), owned(&expected));
    assert_eq!(stage.outcomes(), [("STOPPED", 110.0), ("COMPLETED", 185.0)]);
}

//! Steps of the scheduler by hand: bounds, replacement, scale-in.

use super::*;

fn view(desired: u32, minimum: u32, maximum: u32, old: u32, new: (u32, u32)) -> View {
    View {
        desired,
        minimum_healthy_percent: minimum,
        maximum_percent: maximum,
        new: Tasks {
            live: new.0,
            healthy: new.1,
            unhealthy: 0,
        },
        old: Tasks {
            live: old,
            healthy: old,
            unhealthy: 0,
        },
        draining: 0,
        leaving: 0,
        owed: 0,
        starts: Starts::Allowed,
    }
}

/// (start, stop) of each pass until nothing is left to do; every started task is healthy at the next pass but one, that
/// is: the passes between a start and its tasks' health are counted as one.
fn rolled(desired: u32, minimum: u32, maximum: u32) -> Vec<(u32, u32)> {
    let (mut old, mut live, mut healthy) = (desired, 0, 0);
    let mut steps = Vec::new();
    for _ in 0..100 {
        let step = decide(&view(desired, minimum, maximum, old, (live, healthy)));
        assert!(old + healthy - step.stop_old >= step.lower, "below the minimum");
        assert!(old + live + step.start_new <= step.upper, "above the maximum");
        if step.start_new + step.stop_old > 0 {
            steps.push((step.start_new, step.stop_old));
        } else if healthy == live {
            break;
        } else {
            healthy = live;
        }
        old -= step.stop_old;
        live += step.start_new;
    }
    assert!(
        old == 0 && healthy == desired || steps.is_empty(),
        "it ends with new tasks only"
    );
    steps
}

#[test]
fn desired_4_with_50_100_stops_two_then_starts_two() {
    assert_eq!(rolled(4, 50, 100), [(0, 2), (2, 0), (0, 2), (2, 0)]);
}

#[test]
fn desired_4_with_100_200_starts_four_then_stops_four() {
    assert_eq!(rolled(4, 100, 200), [(4, 0), (0, 4)]);
}

#[test]
fn desired_4_with_100_125_goes_one_by_one() {
    assert_eq!(
        rolled(4, 100, 125),
        [(1, 0), (0, 1), (1, 0), (0, 1), (1, 0), (0, 1), (1, 0), (0, 1)]
    );
}

#[test]
fn desired_10_with_90_110_keeps_9_healthy_and_11_at_most() {
    // 10 old: room for 1 (upper 11), one to spare (lower 9). Then 9 old + 1 new: one more start, none to spare until the
    // two are healthy: 9 + 2 - 9 = 2 go. From then on two start (room 2) and two stop, until 10 are new.
    assert_eq!(
        rolled(10, 90, 110),
        [
            (1, 1),
            (1, 0),
            (0, 2),
            (2, 0),
            (0, 2),
            (2, 0),
            (0, 2),
            (2, 0),
            (0, 2),
            (2, 0),
            (0, 1)
        ]
    );
}

#[test]
fn desired_2_with_75_100_is_stuck_because_the_minimum_rounds_up() {
    let step = decide(&view(2, 75, 100, 2, (0, 0)));
    assert_eq!((step.lower, step.upper), (2, 2));
    assert_eq!((step.start_new, step.stop_old, step.why), (0, 0, Why::Stuck));
}

#[test]
fn desired_3_with_100_125_is_stuck_because_the_maximum_rounds_down() {
    let step = decide(&view(3, 100, 125, 3, (0, 0)));
    assert_eq!((step.upper, step.why), (3, Why::Stuck));
}

#[test]
fn draining_tasks_hold_back_starts_only_if_the_model_says_so() {
    let after_stop = view(4, 50, 100, 2, (0, 0));
    assert_eq!(decide(&after_stop).start_new, 2);
    let counted = View {
        draining: 2,
        ..after_stop
    };
    assert_eq!(
        (decide(&counted).start_new, decide(&counted).why),
        (0, Why::WaitForOldToStop)
    );
}

#[test]
fn an_unhealthy_task_is_replaced_first_where_the_maximum_leaves_room() {
    let mut seen = view(4, 100, 200, 0, (4, 3));
    seen.new.unhealthy = 1;
    assert_eq!((decide(&seen).start_new, decide(&seen).stop_unhealthy), (1, 0));
    // The replacement starts: nothing more to do until it is healthy.
    seen.new.live = 5;
    assert_eq!((decide(&seen).start_new, decide(&seen).stop_unhealthy), (0, 0));
    seen.new.healthy = 4;
    assert_eq!((decide(&seen).start_new, decide(&seen).stop_unhealthy), (0, 1));
}

#[test]
fn unhealthy_tasks_are_stopped_one_at_a_time_where_the_maximum_leaves_no_room() {
    let mut seen = view(4, 50, 100, 0, (4, 2));
    seen.new.unhealthy = 2;
    assert_eq!((decide(&seen).start_new, decide(&seen).stop_unhealthy), (0, 1));
    // It is gone: its replacement starts, the other one waits for its turn.
    seen.new.live = 3;
    seen.new.unhealthy = 1;
    assert_eq!((decide(&seen).start_new, decide(&seen).stop_unhealthy), (1, 0));
    seen.new.live = 4;
    assert_eq!((decide(&seen).start_new, decide(&seen).stop_unhealthy), (0, 1));
}

#[test]
fn an_unhealthy_replacement_is_surplus_like_the_task_it_replaced() {
    let mut seen = view(4, 100, 200, 0, (5, 3));
    seen.new.unhealthy = 2;
    // 3 healthy + 2 unhealthy - 4 desired: either of the two goes; and another replacement starts.
    assert_eq!((decide(&seen).stop_unhealthy, decide(&seen).start_new), (1, 1));
}

#[test]
fn an_unhealthy_task_does_not_wait_for_a_replacement_that_finds_no_capacity() {
    let mut seen = view(4, 100, 200, 0, (4, 3));
    seen.new.unhealthy = 1;
    seen.starts = Starts::Unplaceable;
    assert_eq!(decide(&seen).stop_unhealthy, 1);
}

#[test]
fn scale_in_stops_what_is_above_the_desired_count_at_once() {
    let step = decide(&view(2, 100, 200, 0, (5, 5)));
    assert_eq!((step.stop_surplus, step.why), (3, Why::ScaleIn));
}

#[test]
fn a_failed_old_task_is_replaced_by_its_own_revision_while_the_minimum_needs_it() {
    // Desired 4 with 100/125: 4 old, one new; an old one crashes. Lower 4, upper 5.
    let mut seen = view(4, 100, 125, 3, (1, 0));
    seen.owed = 1;
    assert_eq!((decide(&seen).start_old, decide(&seen).start_new), (1, 0));
    // With the new one healthy, 3 + 1 meet the minimum: the next start is a new one.
    seen.new.healthy = 1;
    assert_eq!((decide(&seen).start_old, decide(&seen).start_new), (0, 1));
}

#[test]
fn a_failed_deployment_starts_and_takes_away_nothing() {
    let seen = View {
        starts: Starts::Forbidden,
        ..view(4, 50, 200, 4, (2, 2))
    };
    let step = decide(&seen);
    assert_eq!((step.start_new, step.stop_old, step.why), (0, 0, Why::Failed));
}

#[test]
fn unhealthy_old_tasks_go_as_healthy_ones_take_their_places() {
    // A rollback: the 4 of the good revision still stand, the 4 of the bad one are unhealthy or not yet running.
    let mut seen = view(4, 100, 200, 0, (4, 4));
    seen.old = Tasks {
        live: 4,
        healthy: 0,
        unhealthy: 2,
    };
    assert_eq!(decide(&seen).stop_old, 4);
    // A deployment that mends a service of 4 unhealthy tasks, which a balancer that fails open still uses.
    let mut seen = view(4, 100, 200, 0, (4, 0));
    seen.old = Tasks {
        live: 4,
        healthy: 0,
        unhealthy: 4,
    };
    assert_eq!(decide(&seen).stop_old, 0);
    seen.new.healthy = 3;
    assert_eq!(decide(&seen).stop_old, 3);
}

#[test]
fn a_step_that_only_removes_tasks_that_are_not_healthy_says_so() {
    let whole = Tasks {
        live: 4,
        healthy: 4,
        unhealthy: 0,
    };
    let never_healthy = Tasks {
        live: 2,
        healthy: 0,
        unhealthy: 0,
    };
    let view = View {
        desired: 4,
        minimum_healthy_percent: 100,
        maximum_percent: 200,
        new: whole,
        old: never_healthy,
        draining: 0,
        leaving: 0,
        owed: 0,
        starts: Starts::Allowed,
    };
    let step = decide(&view);
    assert_eq!((step.stop_old, step.why), (2, Why::RemoveUseless));
    assert_eq!(
        Why::WithinBounds.without_start(),
        Why::AboveMinimum,
        "a stop beside a start that found no place"
    );
}

#[test]
fn early_success_rounds_up_and_wants_one_task_of_any() {
    assert_eq!(enough_for_success(100, 90), 90);
    assert_eq!(enough_for_success(3, 50), 2);
    assert_eq!(enough_for_success(4, 0), 1);
    assert_eq!(enough_for_success(0, 50), 0);
}

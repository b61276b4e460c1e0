use super::*;
use crate::engine::arena::Arena;

fn tasks(count: usize) -> Vec<Id<Task>> {
    let mut arena: Arena<()> = Arena::new();
    (0..count).map(|_| Id::from_raw(arena.insert(()).raw())).collect()
}

fn published(view: &mut View, tasks: &[Id<Task>]) {
    let target = |&task: &Id<Task>| ViewTarget {
        task,
        ramping_since: None,
    };
    view.publish(tasks.iter().map(target).collect());
}

#[test]
fn counts_what_each_target_has_under_way() {
    let tasks = tasks(3);
    let mut view = View::default();
    published(&mut view, &tasks);
    assert_eq!(view.began(1), tasks[1]);
    view.began(1);
    view.began(2);
    view.ended(tasks[1]);
    assert_eq!(view.outstanding(), [0, 1, 1]);
}

#[test]
fn a_count_survives_the_targets_leaving_and_coming_back() {
    let tasks = tasks(3);
    let mut view = View::default();
    published(&mut view, &tasks);
    view.began(0);
    view.began(0);
    view.began(2);
    published(&mut view, &tasks[1..]);
    assert_eq!(view.outstanding(), [0, 1]);
    // One ends while its target is away.
    view.ended(tasks[0]);
    published(&mut view, &[tasks[2], tasks[0]]);
    assert_eq!(view.outstanding(), [1, 1]);
    view.ended(tasks[0]);
    view.ended(tasks[2]);
    assert_eq!(view.outstanding(), [0, 0]);
}

#[test]
fn the_next_task_in_a_slot_does_not_inherit_the_count() {
    let mut arena: Arena<()> = Arena::new();
    let old = arena.insert(());
    let mut view = View::default();
    published(&mut view, &[Id::from_raw(old.raw())]);
    view.began(0);
    arena.remove(old);
    let new = arena.insert(());
    assert_eq!(new.index(), old.index());
    published(&mut view, &[Id::from_raw(new.raw())]);
    assert_eq!(view.outstanding(), [0]);
    // What the old one had under way ends without touching the new one.
    view.began(0);
    view.ended(Id::from_raw(old.raw()));
    assert_eq!(view.outstanding(), [1]);
}

#[test]
fn round_robin_goes_on_from_the_target_it_stood_at() {
    let tasks = tasks(4);
    let mut view = View::default();
    published(&mut view, &tasks);
    view.position = 2;
    published(&mut view, &tasks[1..]);
    assert_eq!(view.position, 1, "the same target, one place further to the front");
    // Its target has left: from the start.
    published(&mut view, &tasks[..2]);
    assert_eq!(view.position, 0);
}

#[test]
#[should_panic(expected = "a target ends what it began")]
fn an_end_without_a_beginning_is_a_bug() {
    let tasks = tasks(1);
    let mut view = View::default();
    published(&mut view, &tasks);
    view.ended(tasks[0]);
}

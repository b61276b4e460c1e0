use super::*;
use crate::cluster::attempt::sample::attempts;

fn ms(millis: u64) -> Instant {
    Instant::ZERO + Span::from_millis(millis)
}

/// The attempt's caller waits from now on. Returns when the timer has to be armed.
fn wait(
    lists: &mut Deadlines,
    arena: &mut Arena<Attempt>,
    list: u16,
    id: Id<Attempt>,
    now: Instant,
) -> Option<Instant> {
    arena[id].due = now + lists.patience(list);
    let joined = lists.join(list, id, now);
    arena[id].deadline = joined.link();
    lists.tied(arena, joined, id);
    joined.arm
}

#[test]
fn equal_lengths_share_a_list() {
    let mut lists = Deadlines::default();
    let one = lists.list(Span::from_secs(1));
    let two = lists.list(Span::from_secs(2));
    assert_eq!(lists.list(Span::from_secs(1)), one);
    assert_ne!(one, two);
    assert_eq!(lists.len(), 2);
}

#[test]
fn the_timer_is_armed_for_the_first_and_moves_on_to_the_next_head() {
    let (mut arena, ids) = attempts(3);
    let mut lists = Deadlines::default();
    let list = lists.list(Span::from_secs(1));
    assert_eq!(wait(&mut lists, &mut arena, list, ids[0], ms(0)), Some(ms(1000)));
    assert_eq!(wait(&mut lists, &mut arena, list, ids[1], ms(100)), None);
    assert_eq!(wait(&mut lists, &mut arena, list, ids[2], ms(200)), None);
    // The first is answered; the timer goes off for it all the same and finds the second.
    lists.remove(&mut arena, ids[0]);
    assert_eq!(lists.due(&mut arena, list, ms(1000)), Due::Later(ms(1100)));
    assert_eq!(lists.due(&mut arena, list, ms(1100)), Due::Now(ids[1]));
    assert_eq!(lists.due(&mut arena, list, ms(1100)), Due::Later(ms(1200)));
    lists.remove(&mut arena, ids[2]);
    assert_eq!(lists.due(&mut arena, list, ms(1200)), Due::Nothing);
    // With nobody in it, the list needs its timer again.
    assert_eq!(wait(&mut lists, &mut arena, list, ids[0], ms(5000)), Some(ms(6000)));
}

#[test]
fn all_who_are_due_at_one_instant_come_in_order_of_arrival() {
    let (mut arena, ids) = attempts(3);
    let mut lists = Deadlines::default();
    let list = lists.list(Span::from_secs(1));
    for &id in &ids {
        wait(&mut lists, &mut arena, list, id, ms(0));
    }
    for &id in &ids {
        assert_eq!(lists.due(&mut arena, list, ms(1000)), Due::Now(id));
        assert!(arena[id].deadline.is_none());
    }
    assert_eq!(lists.due(&mut arena, list, ms(1000)), Due::Nothing);
}

#[test]
fn leaving_twice_changes_nothing() {
    let (mut arena, ids) = attempts(2);
    let mut lists = Deadlines::default();
    let list = lists.list(Span::from_secs(1));
    for &id in &ids {
        wait(&mut lists, &mut arena, list, id, ms(0));
    }
    lists.remove(&mut arena, ids[1]);
    lists.remove(&mut arena, ids[1]);
    assert_eq!(lists.due(&mut arena, list, ms(1000)), Due::Now(ids[0]));
}

#[test]
fn a_nodes_wait_is_due_by_when_it_began_there() {
    // The caller's 3 s from 0; the node's 1 s from 0.5 s.
    let (mut arena, ids) = attempts(1);
    let mut lists = Deadlines::default();
    let node = lists.list(Span::from_secs(1));
    arena[ids[0]].due = ms(3000);
    arena[ids[0]].at_node = ms(500);
    arena[ids[0]].flags.set(Flags::NODE_WAITS);
    let joined = lists.join(node, ids[0], ms(500));
    assert_eq!(joined.arm, Some(ms(1500)));
    arena[ids[0]].deadline = joined.link();
    assert_eq!(lists.due(&mut arena, node, ms(1400)), Due::Later(ms(1500)));
    assert_eq!(lists.due(&mut arena, node, ms(1500)), Due::Now(ids[0]));
}

#[test]
fn a_patience_that_goes_on_finds_its_place_in_the_order() {
    // Waits that began at 0, 100, 200 and 300 ms; the first and the third were with a node meanwhile and come back.
    let (mut arena, ids) = attempts(4);
    let mut lists = Deadlines::default();
    let list = lists.list(Span::from_secs(1));
    wait(&mut lists, &mut arena, list, ids[1], ms(100));
    wait(&mut lists, &mut arena, list, ids[3], ms(300));
    arena[ids[0]].due = ms(1000);
    arena[ids[2]].due = ms(1200);
    assert_eq!(
        lists.resume(&mut arena, list, ids[2]),
        None,
        "the timer stands at 1100 ms already"
    );
    assert_eq!(
        lists.resume(&mut arena, list, ids[0]),
        Some(ms(1000)),
        "due before all others"
    );
    for (n, &id) in ids.iter().enumerate() {
        assert_eq!(lists.due(&mut arena, list, ms(1000 + 100 * n as u64)), Due::Now(id));
    }
    assert_eq!(lists.due(&mut arena, list, ms(2000)), Due::Nothing);
}

#[test]
fn a_patience_that_goes_on_in_an_empty_list_arms_its_timer() {
    let (mut arena, ids) = attempts(1);
    let mut lists = Deadlines::default();
    let list = lists.list(Span::from_secs(1));
    arena[ids[0]].due = ms(700);
    assert_eq!(lists.resume(&mut arena, list, ids[0]), Some(ms(700)));
    assert_eq!(lists.due(&mut arena, list, ms(700)), Due::Now(ids[0]));
}

#[test]
fn wherever_a_patience_goes_on_the_order_is_that_of_deadlines_and_then_of_coming() {
    // Ten waits end at 1000, 1100, … 1900 ms; one more ends at each instant from 950 to 1950 ms in turn. It is looked for
    // from the ends of the list, and from each of the ten.
    let beside = [None].into_iter().chain((0..10).map(Some));
    for (more, beside) in beside.flat_map(|beside| (950..=1950).step_by(50).map(move |more| (more, beside))) {
        let (mut arena, ids) = attempts(11);
        let mut lists = Deadlines::default();
        let list = lists.list(Span::from_secs(1));
        for (n, &id) in ids[..10].iter().enumerate() {
            wait(&mut lists, &mut arena, list, id, ms(100 * n as u64));
        }
        arena[ids[10]].due = ms(more);
        let arm = match beside {
            None => lists.resume(&mut arena, list, ids[10]),
            Some(at) => lists.resume_beside(&mut arena, list, ids[10], ids[at]),
        };
        assert_eq!(arm, (more < 1000).then(|| ms(more)));
        let mut order: Vec<(u64, usize)> = (0..10).map(|n| (1000 + 100 * n as u64, n)).collect();
        order.push((more, 10));
        order.sort_unstable();
        for (_, n) in order {
            assert_eq!(lists.due(&mut arena, list, ms(2000)), Due::Now(ids[n]));
        }
        assert_eq!(lists.due(&mut arena, list, ms(2000)), Due::Nothing);
    }
}

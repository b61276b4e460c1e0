use super::*;
use crate::cluster::attempt::sample::attempts;
use proptest::prelude::*;

/// What the queue holds, from the head on.
fn drained(mut queue: Queue, arena: &mut Arena<Attempt>) -> Vec<u32> {
    std::iter::from_fn(|| queue.pop(arena)).map(|id| id.index()).collect()
}

#[test]
fn lets_go_in_order_of_arrival() {
    let (mut arena, ids) = attempts(3);
    let mut queue = Queue::default();
    assert_eq!(queue.pop(&mut arena), None);
    for &id in &ids {
        queue.push(&mut arena, id);
    }
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.pop(&mut arena), Some(ids[0]));
    assert_eq!(arena[ids[0]].phase, Phase::Ready);
    assert!(matches!(arena[ids[1]].phase, Phase::Queued(_)));
    assert_eq!(drained(queue, &mut arena), [1, 2]);
}

#[test]
fn who_leaves_from_the_middle_or_an_end_leaves_no_gap() {
    for leaves in 0..4 {
        let (mut arena, ids) = attempts(4);
        let mut queue = Queue::default();
        for &id in &ids {
            queue.push(&mut arena, id);
        }
        queue.remove(&mut arena, ids[leaves]);
        let others: Vec<u32> = (0..4).filter(|&n| n != leaves as u32).collect();
        assert_eq!(drained(queue, &mut arena), others);
    }
}

proptest! {
    #[test]
    fn behaves_as_a_list(operations in prop::collection::vec((0u8..3, any::<prop::sample::Index>()), 0..200)) {
        let (mut arena, ids) = attempts(20);
        let mut queue = Queue::default();
        let mut list: Vec<Id<Attempt>> = Vec::new();
        for (operation, which) in operations {
            match operation {
                0 => {
                    let id = ids[which.index(ids.len())];
                    if !list.contains(&id) {
                        queue.push(&mut arena, id);
                        list.push(id);
                    }
                }
                1 => {
                    let first = (!list.is_empty()).then(|| list.remove(0));
                    prop_assert_eq!(queue.pop(&mut arena), first);
                }
                _ if !list.is_empty() => {
                    let id = list.remove(which.index(list.len()));
                    queue.remove(&mut arena, id);
                }
                _ => {}
            }
            prop_assert_eq!(queue.len() as usize, list.len());
        }
        let rest: Vec<u32> = list.iter().map(|id| id.index()).collect();
        prop_assert_eq!(drained(queue, &mut arena), rest);
    }
}

//! Network interfaces: what passes one in a direction shares its bandwidth evenly.
//!
//! A Fargate task has one of its own; tasks of an instance share the instance's.

use crate::blueprint::Slowdown;
use crate::cluster::Task;
use crate::cluster::attempt::Attempt;
use crate::cluster::pace::Pace;
use crate::engine::arena::Id;
use crate::engine::calendar::TimerId;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::Interface;
use crate::units::Span;

/// One direction of an interface: its row of [`Interfaces::ways`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way(pub u32);

#[derive(Default)]
pub(super) struct Interfaces {
    /// Two for each interface: out, in.
    ways: Vec<Direction>,
    /// Which interface a task has, by its slot; that of the task that had the slot last.
    of_task: Vec<Option<(Id<Task>, u32)>>,
    /// Which is an instance's, by its slot, and a task's own, by its slot.
    of_instance: Vec<Option<u32>>,
    own: Vec<Option<u32>>,
}

struct Direction {
    /// Bytes a second.
    bandwidth: f64,
    pace: Pace,
    timer: TimerId,
}

/// Of n messages at once each takes n times as long.
const EVENLY: Slowdown = Slowdown {
    contention: 1.0,
    coherency: 0.0,
};

impl Interfaces {
    /// A task begins to serve, through this interface.
    pub fn begin(&mut self, task: Id<Task>, interface: Interface, cx: &mut Context<'_>) {
        let (table, slot) = match interface.instance {
            Some(instance) => (&mut self.of_instance, instance.index() as usize),
            None => (&mut self.own, task.index() as usize),
        };
        if table.len() <= slot {
            table.resize(slot + 1, None);
        }
        let at = *table[slot].get_or_insert(self.ways.len() as u32);
        for way in at..at + 2 {
            match self.ways.get_mut(way as usize) {
                Some(known) => known.bandwidth = interface.bandwidth,
                None => self.ways.push(Direction {
                    bandwidth: interface.bandwidth,
                    pace: Pace::new(EVENLY),
                    timer: cx.calendar.timer(Event::data_extra(DataEvent::InterfaceTurn, way)),
                }),
            }
        }
        let slot = task.index() as usize;
        if self.of_task.len() <= slot {
            self.of_task.resize(slot + 1, None);
        }
        self.of_task[slot] = Some((task, at));
    }

    fn of(&self, task: Id<Task>) -> Option<u32> {
        match self.of_task.get(task.index() as usize) {
            Some(Some((known, at))) if *known == task => Some(*at),
            _ => None,
        }
    }

    /// A message of so many bytes goes out of one task and into another, where there are any.
    pub fn pass(
        &mut self,
        (from, to): (Option<Id<Task>>, Option<Id<Task>>),
        (id, bytes): (Id<Attempt>, f64),
        cx: &mut Context<'_>,
    ) -> [Option<Way>; 2] {
        let out = from.and_then(|task| self.of(task)).map(Way);
        let into = to.and_then(|task| self.of(task)).map(|at| Way(at + 1));
        for way in [out, into].into_iter().flatten() {
            let direction = &mut self.ways[way.0 as usize];
            let alone = Span::from_secs_f64(bytes / direction.bandwidth);
            direction.pace.join(cx.now(), id, alone);
            cx.calendar.arm(direction.timer, direction.pace.next());
        }
        [out, into]
    }

    /// What a direction has let through by now.
    pub fn done(&mut self, way: Way, cx: &mut Context<'_>) -> Vec<Id<Attempt>> {
        let direction = &mut self.ways[way.0 as usize];
        let done = std::iter::from_fn(|| direction.pace.done(cx.now())).collect();
        cx.calendar.arm(direction.timer, direction.pace.next());
        done
    }

    pub fn withdraw(&mut self, way: Way, id: Id<Attempt>, cx: &mut Context<'_>) {
        let direction = &mut self.ways[way.0 as usize];
        direction.pace.withdraw(cx.now(), id);
        cx.calendar.arm(direction.timer, direction.pace.next());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::fixture;
    use crate::cluster::Instance;
    use crate::cluster::attempt::sample::attempts;
    use crate::engine::arena::Arena;
    use crate::units::Instant;

    #[test]
    fn tasks_of_an_instance_share_its_interface_and_a_fargate_task_has_its_own() {
        let blueprint = fixture::empty();
        let mut cx = Context::new(&blueprint, 0);
        let mut arena: Arena<()> = Arena::new();
        let [one, other, alone]: [Id<Task>; 3] = std::array::from_fn(|_| Id::from_raw(arena.insert(()).raw()));
        let instance: Id<Instance> = Id::from_raw(arena.insert(()).raw());
        let mut interfaces = Interfaces::default();
        for (task, instance) in [(one, Some(instance)), (other, Some(instance)), (alone, None)] {
            let interface = Interface {
                instance,
                bandwidth: 1e6,
            };
            interfaces.begin(task, interface, &mut cx);
        }
        let (_arena, ids) = attempts(3);
        let ways = [one, other, alone].map(|task| interfaces.pass((Some(task), None), (ids[0], 1000.0), &mut cx)[0]);
        assert_eq!(ways[0], ways[1]);
        assert_ne!(ways[0], ways[2]);
        let ends = |way: Option<Way>| interfaces.ways[way.expect("it has one").0 as usize].pace.next();
        assert_eq!(ends(ways[0]), Instant::ZERO + Span::from_millis(2));
        assert_eq!(ends(ways[2]), Instant::ZERO + Span::from_millis(1));
        let into = interfaces.pass((None, Some(one)), (ids[1], 1000.0), &mut cx)[1];
        assert!(into.is_some() && into != ways[0], "in and out do not share");
    }
}

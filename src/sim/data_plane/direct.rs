//! Ways straight to tasks where there is more to it than an algorithm over all of them: views of calling tasks, zones,
//! subsets, shards.
//!
//! A site without any of this has one view and never comes here. One that has it keeps a view for each calling task (or
//! one for all), and its attempts have a row beside them that says whose view they were picked from. The decisions are
//! `policy`'s.

use super::DataPlane;
use super::pick::{Picked, take};
use super::purpose;
use super::site::{SiteState, To};
use crate::blueprint::{
    self, Blueprint, CallIx, Direct, ProgramIx, ServiceIx, Step, ViewScope, Weights, ZonePreference,
};
use crate::cluster::Task;
use crate::cluster::attempt::{Attempt, Browser, Caller, Flags};
use crate::cluster::server::Servers;
use crate::cluster::view::{View, ViewTarget};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::routing::{Chooser, choose_among};
use crate::policy::sharding;
use crate::policy::zones::zone_for;
use crate::sim::context::Context;

/// What a site that sends straight to tasks has besides its algorithm.
pub(super) struct Ways {
    plan: Direct,
    /// Of its draws that no attempt makes.
    key: Key,
    /// Of calls: who makes them, if that is one service.
    caller: Option<ServiceIx>,
    /// Whom discovery lists.
    published: Vec<Id<Task>>,
    /// How often that has changed.
    version: u32,
    /// Where each target stands whom shards are drawn of; a place stays when its target goes, for the next one.
    places: Vec<Option<Id<Task>>>,
    /// By the calling task's slot; a view for all is the first.
    callers: Vec<Option<Box<CallerView>>>,
    /// Targets and callers by zone, for [`ZonePreference::Proportional`].
    targets_by_zone: Vec<u32>,
    callers_by_zone: Vec<u32>,
    /// Positions in the present view that may be taken.
    seats: Vec<u32>,
}

/// What one calling task (or all of them) knows.
struct CallerView {
    /// `None`: everybody's.
    task: Option<Id<Task>>,
    /// Among the calling tasks of the site that live: the lowest that was free.
    number: u32,
    /// Of [`Ways::published`] when this was last made of it.
    version: u32,
    view: View,
}

/// Whose view an attempt was picked from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    caller: Option<Id<Task>>,
}

/// Who sends what.
struct Asker {
    task: Option<Id<Task>>,
    browser: Browser,
}

impl Ways {
    /// `None` for a way that is nothing but an algorithm. `call`: the site's, if it is no traffic.
    pub fn new(blueprint: &Blueprint, plan: &Direct, call: Option<CallIx>, key: Key) -> Option<Box<Ways>> {
        if plan.is_plain() {
            return None;
        }
        Some(Box::new(Ways {
            plan: plan.clone(),
            key,
            caller: call.and_then(|call| caller_of(blueprint, call)),
            published: Vec::new(),
            version: 0,
            places: Vec::new(),
            callers: Vec::new(),
            targets_by_zone: vec![0; blueprint.zones.len()],
            callers_by_zone: vec![0; blueprint.zones.len()],
            seats: Vec::new(),
        }))
    }

    /// Discovery lists these from now on.
    pub fn publish(&mut self, tasks: &[Id<Task>], servers: &Servers) {
        self.published.clear();
        self.published.extend_from_slice(tasks);
        self.version += 1;
        for place in &mut self.places {
            if place.is_some_and(|task| !tasks.contains(&task)) {
                *place = None;
            }
        }
        for task in tasks {
            if self.places.contains(&Some(*task)) {
                continue;
            }
            match self.places.iter_mut().find(|place| place.is_none()) {
                Some(place) => *place = Some(*task),
                None => self.places.push(Some(*task)),
            }
        }
        by_zone(&mut self.targets_by_zone, tasks, servers);
    }

    /// Discovery lists these tasks of the service that calls.
    pub fn publish_callers(&mut self, service: ServiceIx, tasks: &[Id<Task>], servers: &Servers) {
        if self.caller == Some(service) {
            by_zone(&mut self.callers_by_zone, tasks, servers);
        }
    }

    /// Picks a task for an attempt.
    fn pick(&mut self, attempt: &mut Attempt, asker: &Asker, chooser: Chooser, servers: &Servers) -> Picked {
        let at = self.enter(asker.task.filter(|_| self.plan.view == ViewScope::PerTask), servers);
        let caller = self.callers[at].as_mut().expect("it has just entered");
        if caller.version != self.version {
            caller.version = self.version;
            let mut tasks = self.published.clone();
            if let Some(size) = self.plan.subset {
                let seats = sharding::subset(tasks.len(), size as usize, caller.number, self.key);
                tasks = seats.iter().map(|seat| tasks[*seat as usize]).collect();
            }
            show(&mut caller.view, &tasks, &self.plan, servers);
        }
        let key = attempt.key.child(purpose::TARGET);
        let view = &mut caller.view;
        self.seats.clear();
        match self.plan.shuffle_shard {
            Some(size) => {
                let client = self.key.child(u64::from(asker.browser.0));
                let shard = sharding::shard(self.places.len(), size as usize, client);
                let tasks = shard.iter().filter_map(|place| self.places[*place as usize]);
                self.seats
                    .extend(tasks.filter_map(|task| view.position_of(task)).map(|seat| seat as u32));
                self.seats.sort_unstable();
            }
            None => self.seats.extend(0..view.targets().len() as u32),
        }
        if let Some(own) = attempt.from {
            let zone = match self.plan.zones {
                ZonePreference::Any => None,
                ZonePreference::SameZone => Some(own.at()),
                ZonePreference::Proportional => {
                    let key = attempt.key.child(purpose::ZONE);
                    Some(zone_for(own.at(), &self.targets_by_zone, &self.callers_by_zone, key))
                }
            };
            if let Some(zone) = zone {
                let targets = view.targets();
                let is_there = |seat: &u32| {
                    let server = servers.get(targets[*seat as usize].task);
                    server.is_some_and(|server| server.zone.at() == zone)
                };
                keep_if_any(&mut self.seats, is_there);
            }
        }
        let Some(seat) = choose_among(view, &self.seats, chooser, key) else {
            return Picked::Nobody;
        };
        take(attempt, view, seat, servers)
    }

    /// Position of a calling task's view, which is made if there is none.
    fn enter(&mut self, task: Option<Id<Task>>, servers: &Servers) -> usize {
        let at = task.map_or(0, |task| task.index() as usize);
        if self.callers.len() <= at {
            self.callers.resize_with(at + 1, || None);
        }
        if self.callers[at].as_ref().is_none_or(|known| known.task != task) {
            let known = self.callers.iter().flatten();
            let living = known.filter(|known| known.task.is_none_or(|task| servers.get(task).is_some()));
            let taken: Vec<u32> = living.map(|known| known.number).collect();
            let number = (0..)
                .find(|number| !taken.contains(number))
                .expect("callers are finitely many");
            self.callers[at] = Some(Box::new(CallerView {
                task,
                number,
                version: 0,
                view: View::default(),
            }));
        }
        at
    }

    /// What was picked from a caller's view is over.
    fn ended(&mut self, row: Row, task: Id<Task>) {
        let at = row.caller.map_or(0, |task| task.index() as usize);
        if let Some(Some(caller)) = self.callers.get_mut(at)
            && caller.task == row.caller
        {
            caller.view.ended(task);
        }
    }
}

/// Fills a view with these tasks.
fn show(view: &mut View, tasks: &[Id<Task>], plan: &Direct, servers: &Servers) {
    let target = |&task: &Id<Task>| ViewTarget {
        task,
        ramping_since: None,
    };
    view.publish(tasks.iter().map(target).collect());
    if plan.weights == Weights::Cpu && !tasks.is_empty() {
        view.weigh(|task| servers.get(task).map_or(0, |server| server.reserved.0));
    }
}

/// Leaves only those that fit, unless none does.
fn keep_if_any(seats: &mut Vec<u32>, fits: impl Fn(&u32) -> bool) {
    if seats.iter().any(&fits) {
        seats.retain(fits);
    }
}

fn by_zone(counts: &mut [u32], tasks: &[Id<Task>], servers: &Servers) {
    counts.fill(0);
    for server in tasks.iter().filter_map(|task| servers.get(*task)) {
        counts[server.zone.at()] += 1;
    }
}

/// The service in whose operations a call stands.
fn caller_of(blueprint: &Blueprint, call: CallIx) -> Option<ServiceIx> {
    fn makes(blueprint: &Blueprint, program: ProgramIx, call: CallIx) -> bool {
        blueprint.programs[program.at()].steps.iter().any(|step| match step {
            Step::Call(made) => *made == call,
            other => other.parts().iter().any(|(part, _)| makes(blueprint, *part, call)),
        })
    }
    let calls = |service: &blueprint::Service| {
        let operations = service.revisions.iter().flat_map(|revision| &revision.operations);
        operations
            .into_iter()
            .any(|operation| makes(blueprint, operation.program, call))
    };
    blueprint.services.iter().position(calls).map(ServiceIx::from_usize)
}

impl DataPlane {
    /// Picks a task for an attempt of a site with [`Ways`].
    #[cold]
    #[inline(never)]
    pub(super) fn pick_by_ways(&mut self, id: Id<Attempt>) -> Picked {
        let asker = match self.attempts[id].caller {
            Caller::Strand(parent) => Asker {
                task: self.attempts.get(parent).and_then(|parent| parent.task),
                browser: Browser::NOBODY,
            },
            caller => Asker {
                task: None,
                browser: caller.browser(),
            },
        };
        let attempt = &mut self.attempts[id];
        let To::Service {
            chooser,
            ways: Some(ways),
            ..
        } = &mut self.sites[attempt.site.at()].to
        else {
            unreachable!("only such a site's attempts come here")
        };
        let picked = ways.pick(attempt, &asker, *chooser, &self.servers);
        attempt.flags.set(Flags::BY_WAYS);
        let caller = asker.task.filter(|_| ways.plan.view == ViewScope::PerTask);
        self.ways_rows.put(id, Row { caller });
        picked
    }

    /// The view that an attempt was picked from counts it no more.
    #[cold]
    #[inline(never)]
    pub(super) fn ended_by_ways(&mut self, id: Id<Attempt>) {
        let attempt = &mut self.attempts[id];
        if !attempt.flags.has(Flags::OUTSTANDING) {
            return;
        }
        attempt.flags.clear(Flags::OUTSTANDING);
        let task = attempt.task.expect("what is outstanding is so at a task");
        let row = *self.ways_rows.get(id).expect("who was picked by ways has a row");
        if let To::Service { ways: Some(ways), .. } = &mut self.sites[attempt.site.at()].to {
            ways.ended(row, task);
        }
    }

    /// Tells the ways to and from a service whom discovery lists.
    pub(super) fn publish_to_ways(&mut self, service: ServiceIx, tasks: &[Id<Task>]) {
        for SiteState { to, .. } in &mut self.sites {
            let To::Service { service: to, ways, .. } = to else {
                continue;
            };
            let Some(ways) = ways else { continue };
            ways.publish_callers(service, tasks, &self.servers);
            if *to == service {
                ways.publish(tasks, &self.servers);
            }
        }
    }
}

/// Of a site's draws that no attempt makes.
pub(super) fn site_key(cx: &Context<'_>, name: &str) -> Key {
    cx.key.entity("ways", name)
}

#[cfg(test)]
impl DataPlane {
    /// Requests that a task has in hand.
    pub fn present_at(&self, task: Id<Task>) -> u32 {
        self.servers.get(task).map_or(0, |server| server.present)
    }
}

//! Ways straight to tasks where there is more to it than an algorithm over all of them: views of calling tasks, zones,
//! subsets, shards.
//!
//! A site without any of this has one view and never comes here. One that has it keeps a view for each calling task (or
//! one for all), and its attempts have a row beside them that says whose view they were picked from. The decisions are
//! `policy`'s.

mod loads;
mod sending;

use super::pick::{Picked, take};
use super::site::{SiteState, To};
use super::{DataPlane, purpose};
use crate::blueprint::{
    self, Blueprint, CallIx, Direct, NetworkMode, OutlierDetection, OutlierFailure, ProgramIx, RoutingPolicy,
    ServiceIx, Step, ViewScope, Weights, ZonePreference,
};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Browser, Caller, Flags};
use crate::cluster::cause::Cause;
use crate::cluster::server::Servers;
use crate::cluster::view::{View, ViewTarget};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::policy::outlier::Record;
use crate::policy::routing::{Chooser, choose_among};
use crate::policy::sharding;
use crate::policy::zones::zone_for;
use crate::sim::context::Context;
use crate::units::Instant;
use loads::Loads;
use std::collections::VecDeque;

/// What a site that sends straight to tasks has besides its algorithm.
pub(super) struct Ways {
    plan: Direct,
    /// Of its draws that no attempt makes.
    key: Key,
    /// Of calls: who makes them, if that is one service.
    caller: Option<ServiceIx>,
    /// Whom discovery lists.
    published: Vec<Id<Task>>,
    /// What DNS will answer with, and from when on.
    coming: VecDeque<(Instant, Vec<Id<Task>>)>,
    /// What becomes of a connection to a task that is gone.
    gone: Gone,
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
    loads: Loads,
    /// Of targets that have failed.
    outliers: Vec<(Id<Task>, Record)>,
    /// Until when the last answer of DNS holds, and how many there have been.
    answer: (Instant, u64),
}

/// What answers at the address of a task that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    /// Its host refuses.
    Refused,
    /// Its network interface went with it: nobody.
    Unanswered,
}

/// Whose view an attempt was picked from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    caller: Option<Id<Task>>,
    /// How often the proxy has tried again.
    retries: u32,
    /// Where it has just tried.
    avoid: Option<Id<Task>>,
}

/// Records in an answer of Route 53 at most [DG:service-discovery].
const MOST_RECORDS: usize = 8;

/// Who sends what.
struct Asker {
    task: Option<Id<Task>>,
    browser: Browser,
    avoid: Option<Id<Task>>,
    now: Instant,
}

impl Ways {
    /// `None` for a way that is nothing but an algorithm. `call`: the site's, if it is no traffic.
    pub fn new(
        blueprint: &Blueprint,
        (service, plan): (ServiceIx, &Direct),
        call: Option<CallIx>,
        key: Key,
    ) -> Option<Box<Ways>> {
        if plan.is_plain() {
            return None;
        }
        let mut gone = Gone::Refused;
        if plan.dns.is_some() {
            let definition = blueprint.services[service.at()].revisions[0].task_definition;
            let definition = blueprint.task_definitions.get(definition.at());
            if definition.is_some_and(|definition| definition.network_mode == NetworkMode::Awsvpc) {
                gone = Gone::Unanswered;
            }
        }
        Some(Box::new(Ways {
            plan: plan.clone(),
            key,
            caller: call.and_then(|call| caller_of(blueprint, call)),
            published: Vec::new(),
            coming: VecDeque::new(),
            gone,
            version: 0,
            places: Vec::new(),
            callers: Vec::new(),
            targets_by_zone: vec![0; blueprint.zones.len()],
            callers_by_zone: vec![0; blueprint.zones.len()],
            seats: Vec::new(),
        }))
    }

    /// Discovery lists these from now on; DNS says so a little later, but for what stands at the beginning.
    pub fn publish(&mut self, tasks: &[Id<Task>], servers: &Servers, now: Instant) {
        match &self.plan.dns {
            Some(dns) if now > Instant::ZERO => self.coming.push_back((now + dns.propagation, tasks.to_vec())),
            _ => self.list(tasks, servers),
        }
    }

    fn list(&mut self, tasks: &[Id<Task>], servers: &Servers) {
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
        while let Some((_, tasks)) = self.coming.pop_front_if(|(from, _)| *from <= asker.now) {
            self.list(&tasks, servers);
        }
        let caller = self.callers[at].as_mut().expect("it has just entered");
        caller.look(
            &self.plan,
            (&self.published, self.version),
            self.key,
            servers,
            asker.now,
        );
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
        if !caller.outliers.is_empty() {
            let (targets, outliers) = (view.targets(), &caller.outliers);
            keep_if_any(&mut self.seats, |seat| {
                let task = targets[*seat as usize].task;
                let record = outliers.iter().find(|(known, _)| *known == task);
                record.is_none_or(|(_, record)| !record.is_ejected(asker.now))
            });
        }
        if let Some(avoid) = asker.avoid {
            let targets = view.targets();
            keep_if_any(&mut self.seats, |seat| targets[*seat as usize].task != avoid);
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
        let loads = self.plan.load_refresh;
        let loads = loads.map(|every| caller.loads.look(view, every, asker.now));
        let Some(seat) = choose_among(view, loads, &self.seats, chooser, key) else {
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
                loads: Loads::default(),
                outliers: Vec::new(),
                answer: (Instant::ZERO, 0),
            }));
        }
        at
    }

    /// A target has failed a caller, which may avoid it from now on.
    fn failed(&mut self, row: Row, task: Id<Task>, answer: Answer, now: Instant) {
        let Some(plan) = &self.plan.outliers else { return };
        let counts = match answer {
            Answer::Refused(_) | Answer::TimedOut(_) => true,
            Answer::Success | Answer::NotFound | Answer::Fixed(_) => false,
            _ => plan.counts == OutlierFailure::Any,
        };
        let at = row.caller.map_or(0, |task| task.index() as usize);
        let Some(Some(caller)) = self.callers.get_mut(at) else {
            return;
        };
        if counts && caller.task == row.caller {
            caller.failed(task, plan, now);
        }
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

impl CallerView {
    /// Learns whom it may send to, if there is anything new.
    fn look(
        &mut self,
        plan: &Direct,
        (published, version): (&[Id<Task>], u32),
        site: Key,
        servers: &Servers,
        now: Instant,
    ) {
        if let Some(dns) = &plan.dns {
            let (until, answers) = self.answer;
            if answers > 0 && now < until {
                return;
            }
            self.answer = (now + dns.ttl, answers + 1);
            let size = match dns.routing {
                RoutingPolicy::Multivalue => MOST_RECORDS,
                RoutingPolicy::Weighted => 1,
            };
            let key = site.child(u64::from(self.number)).child(answers);
            let mut seats = sharding::shard(published.len(), size, key);
            seats.sort_unstable();
            let tasks: Vec<Id<Task>> = seats.iter().map(|seat| published[*seat as usize]).collect();
            self.loads.forget();
            return show(&mut self.view, &tasks, plan, servers);
        }
        if self.version == version {
            return;
        }
        self.version = version;
        self.loads.forget();
        match plan.subset {
            Some(size) => {
                let seats = sharding::subset(published.len(), size as usize, self.number, site);
                let tasks: Vec<Id<Task>> = seats.iter().map(|seat| published[*seat as usize]).collect();
                show(&mut self.view, &tasks, plan, servers);
            }
            None => show(&mut self.view, published, plan, servers),
        }
    }

    fn failed(&mut self, task: Id<Task>, plan: &OutlierDetection, now: Instant) {
        let view = &self.view;
        self.outliers
            .retain(|(known, _)| *known == task || view.position_of(*known).is_some());
        let ejected = self
            .outliers
            .iter()
            .filter(|(_, record)| record.is_ejected(now))
            .count();
        let most = (view.targets().len() as f64 * plan.most.get()).floor().max(1.0);
        let at = self.outliers.iter().position(|(known, _)| *known == task);
        let at = at.unwrap_or_else(|| {
            self.outliers.push((task, Record::default()));
            self.outliers.len() - 1
        });
        let record = &mut self.outliers[at].1;
        if record.failed(now, plan) && (ejected as f64) < most {
            record.eject(now, plan);
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
pub(super) fn caller_of(blueprint: &Blueprint, call: CallIx) -> Option<ServiceIx> {
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

/// Of a site's draws that no attempt makes.
pub(super) fn site_key(cx: &Context<'_>, name: &str) -> Key {
    cx.key.entity("ways", name)
}

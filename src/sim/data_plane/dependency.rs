//! Dependencies: databases and the like, with slots, a queue, a zone and a standby. What few of them have beyond that is in
//! `extras`, and takes other ways from the first step on.

mod extras;
mod outages;
mod pools;

use super::site::To;
use super::{DataPlane, purpose};
use crate::blueprint::{Blueprint, DependencyIx, ZoneIx};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Flags, Phase, Site};
use crate::cluster::cause::Reason;
use crate::cluster::queue::Queue;
use crate::engine::arena::{Arena, Id};
use crate::engine::calendar::Calendar;
use crate::engine::dist::{Law, Tables};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::DependencySample;
use crate::sim::trace::Doing;
use crate::units::Span;

pub(super) use extras::Backed;
use extras::Extras;
use outages::Outages;

pub(super) struct DependencyState {
    pub zone: Option<ZoneIx>,
    /// Not yet used standby.
    standby: Option<ZoneIx>,
    failover: Span,
    slots: u32,
    backlog: u32,
    service_time: Law,
    /// Service times are this many times as long; the product of the faults in force.
    pub slowdown: f64,
    pub busy: u32,
    pub queue: Queue,
    /// The primary has failed and nobody has taken over yet.
    pub failing_over: bool,
    /// `None`: it serves all that it can.
    outages: Option<Box<Outages>>,
    pub extras: Option<Box<Extras>>,
}

impl DependencyState {
    pub fn new(blueprint: &Blueprint, at: usize, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Self {
        let written = &blueprint.dependencies[at];
        let extras = written.extras.as_ref();
        DependencyState {
            zone: written.zone,
            standby: written.standby,
            failover: written.failover,
            slots: written.slots,
            backlog: written.backlog,
            service_time: Law::compile(&written.service_time, tables),
            slowdown: 1.0,
            busy: 0,
            queue: Queue::default(),
            failing_over: false,
            outages: None,
            extras: extras.map(|extras| Box::new(Extras::new(blueprint, at, extras, calendar, tables))),
        }
    }

    pub fn has_standby(&self) -> bool {
        self.standby.is_some()
    }

    pub fn sample(&self) -> DependencySample {
        match &self.extras {
            None => DependencySample {
                queued: u64::from(self.queue.len()),
                in_service: u64::from(self.busy),
            },
            Some(extras) => extras.sample(),
        }
    }

    /// One slot is its own from now on.
    #[inline]
    fn serve(&self, cx: &mut Context<'_>, attempts: &mut Arena<Attempt>, id: Id<Attempt>) {
        let attempt = &mut attempts[id];
        attempt.phase = Phase::Waiting;
        attempt.at_node = cx.now();
        let time = self.service_time.sample(attempt.key.child(purpose::SERVICE));
        let time = if self.slowdown == 1.0 {
            time
        } else {
            time.scaled(self.slowdown)
        };
        cx.calendar
            .schedule_in(time, Event::data(DataEvent::DependencyDone, id));
    }
}

impl DataPlane {
    #[inline]
    fn dependency_of(&self, site: Site) -> DependencyIx {
        match self.sites[site.at()].to {
            To::Dependency(at) => at,
            _ => unreachable!("only what is sent to a dependency comes to one"),
        }
    }

    #[inline]
    pub(super) fn at_dependency(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id) else {
            return;
        };
        if attempt.flags.has(Flags::TRACED) {
            self.tracer.begins(cx.blueprint, id, attempt, Doing::Queue, cx.now());
        }
        let at = self.dependency_of(attempt.site);
        if self.dependencies[at.at()].outages.is_some() && self.is_not_served(cx, id, at) {
            return;
        }
        let dependency = &mut self.dependencies[at.at()];
        if dependency.extras.is_some() {
            return self.at_backed(cx, id);
        }
        if dependency.failing_over {
            return self.answer(cx, id, Answer::Refused(Reason::FailingOver.here()));
        }
        if dependency.busy < dependency.slots {
            dependency.busy += 1;
            dependency.serve(cx, &mut self.attempts, id);
        } else if dependency.queue.len() < dependency.backlog {
            dependency.queue.push(&mut self.attempts, id);
        } else {
            self.answer(cx, id, Answer::Refused(Reason::DependencyFull.here()));
        }
    }

    pub(super) fn dependency_done(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        // What was reset by a failover is served no more.
        let Some(attempt) = self.attempts.get(id).filter(|attempt| attempt.phase == Phase::Waiting) else {
            return;
        };
        let at = self.dependency_of(attempt.site);
        let dependency = &mut self.dependencies[at.at()];
        if dependency.extras.is_some() {
            return self.backed_done(cx, id);
        }
        match dependency.queue.pop(&mut self.attempts) {
            Some(next) => dependency.serve(cx, &mut self.attempts, next),
            None => dependency.busy -= 1,
        }
        self.answer(cx, id, Answer::Success);
    }

    /// The primary is gone: what it had in hand is reset, and the standby (or the primary itself, if there is none)
    /// answers after the failover time.
    pub(super) fn fail_over(&mut self, cx: &mut Context<'_>, at: DependencyIx) {
        if self.dependencies[at.at()].failing_over {
            return;
        }
        let lost: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|&(id, attempt)| {
                attempt.phase.is_in_hand()
                    && attempt.task.is_none()
                    && matches!(self.sites[attempt.site.at()].to, To::Dependency(to) if to == at)
                    && self.is_at_primary(id)
            })
            .map(|(id, _)| id)
            .collect();
        let dependency = &mut self.dependencies[at.at()];
        dependency.failing_over = true;
        dependency.queue = Queue::default();
        dependency.busy = 0;
        if let Some(extras) = &mut dependency.extras {
            extras.primary_lost();
        }
        let event = Event::data_extra(DataEvent::FailoverDone, u32::from(at.0));
        cx.calendar.schedule_in(dependency.failover, event);
        for id in lost {
            self.leave_backed(cx, id, Answer::Refused(Reason::FailingOver.here()));
        }
    }

    pub(super) fn failover_done(&mut self, cx: &Context<'_>, at: usize) {
        let dependency = &mut self.dependencies[at];
        dependency.failing_over = false;
        if let Some(standby) = dependency.standby.take() {
            dependency.zone = Some(standby);
        }
        if let Some(extras) = &mut dependency.extras {
            extras.has_taken_over(cx.now(), dependency.zone);
        }
    }

    /// A process is gone, and the connections that it kept.
    pub(super) fn drop_connections(&mut self, task: Id<Task>) {
        let extras = self.dependencies.iter_mut().filter_map(|each| each.extras.as_mut());
        for pools in extras.filter_map(|extras| extras.pools.as_mut()) {
            pools.drop_of(task);
        }
    }
}

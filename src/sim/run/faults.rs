//! Faults as time brings them: when each comes and goes, and its way to the plane that it befalls.
//!
//! An occurrence is told of when it begins and when it ends. No fault is in force twice at once: an occurrence that would
//! begin while the one before lasts is left out. Times, chances and victims are drawn by the fault's identity and its
//! occurrence, so that neither what another fault does nor that there is one changes anything of its luck.

use super::Run;
use crate::blueprint::{Blueprint, Fault, FaultKind, Happening, Recurrence, TimedEvent, Trouble, Turn};
use crate::engine::dist::{Dist, Law, Tables};
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::control_plane::SlowInstances;
use crate::sim::event::{Event, WorldEvent};
use crate::sim::observation::{self, EventKind, Observation};
use crate::units::{Instant, Span};

/// Below the key of an occurrence.
mod purpose {
    pub const UP: u64 = 80;
    pub const DOWN: u64 = 81;
    pub const COMES: u64 = 82;
}

/// What has become of the faults so far, by position in the blueprint's events.
pub(super) struct Faults {
    states: Vec<State>,
    /// For each event the faults that come together with it.
    followers: Vec<Vec<usize>>,
}

struct State {
    occurrences: u32,
    in_force: bool,
    times: Option<Times>,
}

/// Of a fault that comes and goes by turns.
struct Times {
    up: Law,
    down: Option<Law>,
}

impl Faults {
    pub fn new(blueprint: &Blueprint) -> Self {
        let mut followers = vec![Vec::new(); blueprint.events.len()];
        let mut states = Vec::new();
        for (at, event) in blueprint.events.iter().enumerate() {
            let mut times = None;
            if let Happening::Fault(fault) = &event.what {
                if let Some(leader) = fault.course.leader {
                    followers[leader].push(at);
                }
                if let Recurrence::ByTurns { up, down, .. } = &fault.course.recurrence {
                    times = Some(Times {
                        up: law(up),
                        down: down.as_ref().map(law),
                    });
                }
            }
            states.push(State {
                occurrences: 0,
                in_force: false,
                times,
            });
        }
        Faults { states, followers }
    }

    /// When an event first happens by itself; `None`: it comes only with another.
    pub fn first(&self, cx: &Context<'_>, at: usize, event: &TimedEvent) -> Option<Instant> {
        let Happening::Fault(fault) = &event.what else {
            return Some(event.at);
        };
        if fault.course.leader.is_some() {
            return None;
        }
        match (&fault.course.recurrence, &self.states[at].times) {
            (Recurrence::ByTurns { first: Turn::Up, .. }, Some(times)) => {
                let begun = times.up.sample(luck(cx, fault, 0).child(purpose::UP));
                Some(event.at + begun).filter(|first| *first <= fault.course.until)
            }
            _ => Some(event.at),
        }
    }
}

fn law(dist: &Dist) -> Law {
    Law::compile(dist, &mut Tables::new())
}

/// Of an occurrence: when, and whether at all.
fn luck(cx: &Context<'_>, fault: &Fault, occurrence: u32) -> Key {
    let times = cx.key.entity("fault times", &fault.identity);
    times.child(u64::from(occurrence))
}

/// Of an occurrence: whom it befalls.
fn victims(cx: &Context<'_>, fault: &Fault, occurrence: u32) -> Key {
    cx.key.entity("fault", &fault.identity).child(u64::from(occurrence))
}

impl Run {
    /// The time of a fault has come, and of those that come together with it.
    pub(super) fn fault_comes(&mut self, cx: &mut Context<'_>, at: u32, fault: &Fault) {
        let occurrence = self.faults.states[at as usize].occurrences;
        let ends = self.when_it_comes_again(cx, at, fault, occurrence);
        if !self.fault_begins(cx, at, fault, ends) {
            return;
        }
        for follower in self.faults.followers[at as usize].clone() {
            if let Happening::Fault(fault) = &cx.blueprint.events[follower].what {
                self.fault_begins(cx, follower as u32, fault, fault.lasting);
            }
        }
    }

    /// Schedules the next occurrence; gives how long this one lasts.
    fn when_it_comes_again(&self, cx: &mut Context<'_>, at: u32, fault: &Fault, occurrence: u32) -> Option<Span> {
        let times = self.faults.states[at as usize].times.as_ref();
        let (lasting, pause) = match (&fault.course.recurrence, times) {
            (Recurrence::ByTurns { .. }, Some(times)) => {
                let luck = |number| luck(cx, fault, number);
                let down = times.down.as_ref();
                let down = down.map(|down| down.sample(luck(occurrence).child(purpose::DOWN)));
                let up = times.up.sample(luck(occurrence + 1).child(purpose::UP));
                (down, Some(down.unwrap_or(Span::ZERO) + up))
            }
            (Recurrence::Every(period), _) => (fault.lasting, Some(*period)),
            _ => (fault.lasting, None),
        };
        let next = pause.map(|pause| cx.now() + pause);
        if let Some(next) = next.filter(|next| *next <= fault.course.until) {
            cx.calendar.schedule_at(next, Event::world(WorldEvent::Happens, at));
        }
        lasting
    }

    /// One occurrence; gives whether it comes at all.
    fn fault_begins(&mut self, cx: &mut Context<'_>, at: u32, fault: &Fault, lasting: Option<Span>) -> bool {
        let state = &mut self.faults.states[at as usize];
        let occurrence = state.occurrences;
        state.occurrences += 1;
        let comes = luck(cx, fault, occurrence)
            .child(purpose::COMES)
            .happens(fault.course.probability.get());
        if state.in_force || !comes {
            return false;
        }
        state.in_force = !fault.kind.is_momentary();
        self.observe_fault(cx, &fault.label, "", "begins");
        if let Some(lasting) = lasting.filter(|_| !fault.kind.is_momentary()) {
            cx.calendar.schedule_in(lasting, Event::world(WorldEvent::Ends, at));
        }
        let victims = victims(cx, fault, occurrence);
        self.data.fault_begins(cx, at, &fault.kind);
        self.fault_begins_in_control(cx, at, &fault.kind, victims);
        true
    }

    /// A fault is lifted, and with it those that came with it and have no end of their own.
    pub(super) fn fault_goes(&mut self, cx: &mut Context<'_>, at: u32, fault: &Fault) {
        self.fault_ends(cx, at, fault);
        for follower in self.faults.followers[at as usize].clone() {
            if let Happening::Fault(fault) = &cx.blueprint.events[follower].what
                && fault.lasting.is_none()
            {
                self.fault_ends(cx, follower as u32, fault);
            }
        }
    }

    fn fault_ends(&mut self, cx: &mut Context<'_>, at: u32, fault: &Fault) {
        if !std::mem::take(&mut self.faults.states[at as usize].in_force) {
            return;
        }
        self.observe_fault(cx, &fault.label, "begins", "ends");
        self.data.fault_ends(cx, at, &fault.kind);
        match &fault.kind {
            FaultKind::ZoneOutage { zone } => self.control.zone_outage_ends(cx, *zone),
            FaultKind::RandomTaskCrash { service, .. } => self.control.random_crashes(cx, *service, None),
            FaultKind::SlowInstance { .. } => self.control.slow_instances_end(cx, at),
            FaultKind::GrayFailure { .. } => self.control.tasks_recover(cx, at),
            FaultKind::Backend { .. } => self.control.backend_trouble_ends(at),
            FaultKind::AgentDisconnect { .. } => self.control.agents_may_reconnect(cx, at),
            FaultKind::LogsStall => self.control.logs_stall_ends(cx),
            FaultKind::ControlPlaneOutage { of, .. } => {
                self.control.backend_trouble_ends(at);
                self.control.control_services_return(cx, of);
            }
            FaultKind::CapacityShortage { .. } => self.control.capacity_shortage_ends(cx, at),
            FaultKind::ApiThrottling { .. } => self.control.throttling_ends(at),
            FaultKind::MemoryLeak { .. } => self.control.memory_leak_ends(cx, at),
            _ => {}
        }
    }

    /// The control plane's half of a fault: what befalls tasks and instances.
    fn fault_begins_in_control(&mut self, cx: &mut Context<'_>, at: u32, kind: &FaultKind, key: Key) {
        match kind {
            FaultKind::TaskCrash { on } => self.control.crash_tasks(cx, on, key),
            FaultKind::GrayFailure { on, ills } => self.control.tasks_fall_ill(cx, at, on, *ills, key),
            FaultKind::RandomTaskCrash {
                service,
                time_between_failures,
            } => {
                let law = law(time_between_failures);
                self.control.random_crashes(cx, *service, Some(law));
            }
            FaultKind::InstanceLoss { group, count } => self.control.lose_instances(cx, *group, *count, key),
            FaultKind::ZoneOutage { zone } => self.control.zone_outage_begins(cx, *zone),
            FaultKind::SlowInstance { group, count, factor } => {
                let slow = SlowInstances {
                    group: *group,
                    count: *count,
                    factor: *factor,
                };
                self.control.slow_instances_begin(cx, at, slow, key);
            }
            FaultKind::AgentDisconnect { group, count } => self.control.agents_disconnect(cx, at, *group, *count, key),
            FaultKind::LogsStall => self.control.logs_stall_begins(cx),
            FaultKind::Backend { of, trouble } => self.control.backend_trouble_begins(at, of, *trouble),
            FaultKind::ControlPlaneOutage { of, backends } => {
                self.control.backend_trouble_begins(at, backends, Trouble::Out);
                self.control.control_services_go(of);
            }
            FaultKind::CapacityShortage { provider, zone } => {
                self.control.capacity_shortage_begins(at, *provider, *zone);
            }
            FaultKind::ApiThrottling { rate } => self.control.throttling_begins(at, *rate),
            FaultKind::SpotReclaim { on } => self.control.reclaim_spot(cx, on, key),
            FaultKind::MemoryLeak { on, growth } => self.control.memory_leak_begins(cx, at, on, *growth, key),
            FaultKind::AddedLatency { .. }
            | FaultKind::Link { .. }
            | FaultKind::DependencySlow { .. }
            | FaultKind::DependencyOutage { .. }
            | FaultKind::DependencyFailover { .. }
            | FaultKind::CacheFlush(_)
            | FaultKind::Poison(_)
            | FaultKind::TrafficSpike { .. } => {}
        }
    }

    fn observe_fault(&self, cx: &mut Context<'_>, label: &str, from: &str, to: &str) {
        cx.observations.push(Observation::Happened(observation::Event {
            at: cx.now(),
            kind: EventKind::Fault,
            service: None,
            deployment: None,
            revision: None,
            task: None,
            instance: None,
            zone: None,
            from: from.to_owned(),
            to: to.to_owned(),
            reason: label.to_owned(),
        }));
    }
}

#[cfg(test)]
mod tests;

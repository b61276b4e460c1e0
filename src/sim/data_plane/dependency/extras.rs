//! Dependencies that do more than hold slots: operations of their own, service that slows down under load, read replicas,
//! row locks, errors, and a cache that a failover leaves cold.
//!
//! Everything here hides behind `DependencyState::extras`. What such a dependency knows of an attempt lies in a row beside
//! it ([`Backed`]), from its sending until its caller has the answer.

use super::pools::{Pooled, Pools};
use crate::blueprint::{self, Blueprint, ColdCache, DependencyIx, Endpoint, ZoneIx};
use crate::cluster::attempt::{Answer, Attempt, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::pace::Pace;
use crate::cluster::queue::Queue;
use crate::engine::arena::{Arena, Id};
use crate::engine::calendar::{Calendar, TimerId};
use crate::engine::dist::{Law, Tables};
use crate::engine::popularity::{Popularity, zipf_shares};
use crate::sim::context::Context;
use crate::sim::data_plane::network::{Between, Crossing, Hop};
use crate::sim::data_plane::{DataPlane, Leg, purpose};
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::DependencySample;
use crate::units::Instant;
use std::collections::BTreeMap;

/// Positions of the primary and the first replica in [`Extras::nodes`].
const PRIMARY: u16 = 0;
const FIRST_REPLICA: usize = 1;

pub(in crate::sim::data_plane) struct Extras {
    pub operations: Vec<OperationState>,
    /// By site: which operation is asked for.
    asked_for: Vec<u16>,
    /// The primary, then the replicas.
    pub nodes: Vec<Node>,
    /// Replicas are asked in turn.
    turn: usize,
    cold_cache: Option<ColdCache>,
    /// When the present primary took over, if one has.
    took_over: Option<Instant>,
    pub pools: Option<Pools>,
}

pub(in crate::sim::data_plane) struct OperationState {
    service_time: Law,
    error_ratio: f64,
    endpoint: Endpoint,
    locks: Option<Locks>,
}

struct Locks {
    popularity: Popularity,
    /// Rows that somebody has locked, with who waits for them.
    held: BTreeMap<u32, Queue>,
}

pub(in crate::sim::data_plane) struct Node {
    pub zone: Option<ZoneIx>,
    pub busy: u32,
    pub queue: Queue,
    pace: Option<(Pace, TimerId)>,
}

/// What is known of an attempt at such a dependency.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::data_plane) struct Backed {
    pub dependency: DependencyIx,
    operation: u16,
    pub endpoint: Endpoint,
    /// Position of what serves it.
    node: u16,
    /// The row that it needs, if its operation locks any.
    row: Option<u32>,
    pub pooled: Pooled,
}

impl Extras {
    pub fn new(
        blueprint: &Blueprint,
        at: usize,
        written: &blueprint::DependencyExtras,
        calendar: &mut Calendar<Event>,
        tables: &mut Tables,
    ) -> Self {
        let dependency = &blueprint.dependencies[at];
        let replicas = written.replicas.iter().flat_map(|replicas| &replicas.zones);
        let zones = std::iter::once(&dependency.zone).chain(replicas);
        let nodes = zones.enumerate().map(|(number, zone)| Node {
            zone: *zone,
            busy: 0,
            queue: Queue::default(),
            pace: written.slowdown.map(|slowdown| {
                let event = Event::data_extra(DataEvent::PaceDue, (at as u32) << 16 | number as u32);
                (Pace::new(slowdown), calendar.timer(event))
            }),
        });
        let nodes: Vec<Node> = nodes.collect();
        let operations = written.operations.iter().map(|operation| OperationState {
            service_time: Law::compile(&operation.service_time, tables),
            error_ratio: operation.error_ratio.get(),
            endpoint: match operation.endpoint {
                Endpoint::Reader if nodes.len() > FIRST_REPLICA => Endpoint::Reader,
                _ => Endpoint::Writer,
            },
            locks: operation.locks.map(|locks| Locks {
                popularity: Popularity::new(&zipf_shares(locks.rows, locks.zipf)),
                held: BTreeMap::new(),
            }),
        });
        Extras {
            operations: operations.collect(),
            asked_for: blueprint
                .calls
                .iter()
                .map(|call| call.to.dependency().map_or(0, |(_, operation)| operation.0))
                .collect(),
            pools: Pools::new(written, (nodes.len() - FIRST_REPLICA) as u32, calendar, tables),
            nodes,
            turn: 0,
            cold_cache: written.cold_cache,
            took_over: None,
        }
    }

    /// The replica whose turn it is, of those in zones that can be reached.
    fn replica(&mut self, is_down: impl Fn(ZoneIx) -> bool) -> Option<u16> {
        let count = self.nodes.len() - FIRST_REPLICA;
        let around = (0..count).map(|step| (self.turn + step) % count);
        let found = around
            .map(|at| at + FIRST_REPLICA)
            .find(|&at| !self.nodes[at].zone.is_some_and(&is_down))?;
        self.turn = found - FIRST_REPLICA + 1;
        Some(found as u16)
    }

    /// How many times as long service takes because the primary's cache is not warm yet.
    fn cold(&self, now: Instant) -> f64 {
        let (Some(cache), Some(since)) = (self.cold_cache, self.took_over) else {
            return 1.0;
        };
        let left = 1.0 - now.since(since).seconds() / cache.warms_over.seconds();
        1.0 + (cache.factor - 1.0) * left.max(0.0)
    }

    /// What is in hand at the primary is gone.
    pub fn primary_lost(&mut self) {
        let primary = &mut self.nodes[usize::from(PRIMARY)];
        primary.busy = 0;
        primary.queue = Queue::default();
        if let Some((pace, _)) = &mut primary.pace {
            pace.clear();
        }
        for operation in &mut self.operations {
            if let Some(locks) = &mut operation.locks {
                locks.held.clear();
            }
        }
        if let Some(pools) = &mut self.pools {
            pools.reset_primary();
        }
    }

    pub fn has_taken_over(&mut self, now: Instant, zone: Option<ZoneIx>) {
        self.nodes[usize::from(PRIMARY)].zone = zone;
        self.took_over = Some(now);
    }

    pub fn sample(&self) -> DependencySample {
        let sum = |of: fn(&Node) -> u32| self.nodes.iter().map(|node| u64::from(of(node))).sum();
        DependencySample {
            queued: sum(|node| node.queue.len()),
            in_service: sum(|node| node.busy),
        }
    }
}

impl DataPlane {
    /// A strand has sent an attempt for a dependency that has extras.
    #[inline(never)]
    pub(in crate::sim::data_plane) fn ask_backed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get_mut(id) else {
            return;
        };
        attempt.flags.set(Flags::BACKING);
        let (site, request_key) = (attempt.site, attempt.request_key);
        let at = self.dependency_of(site);
        let extras = self.extras_of(at);
        let operation = extras.asked_for[site.at()];
        let asked = &extras.operations[usize::from(operation)];
        let endpoint = asked.endpoint;
        let row = asked.locks.as_ref();
        let row = row.map(|locks| locks.popularity.draw(request_key.child(purpose::ROW)));
        let backed = Backed {
            dependency: at,
            operation,
            endpoint,
            node: PRIMARY,
            row,
            pooled: Pooled::NONE,
        };
        self.backed.put(id, backed);
        if self.extras_of(at).pools.is_some() {
            self.acquire_connection(cx, id, backed);
        } else {
            self.set_out(cx, id);
        }
    }

    /// It goes to the dependency: to the primary, or to the replica whose turn it is.
    pub(super) fn set_out(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(Backed {
            dependency, endpoint, ..
        }) = self.backed.get(id).copied()
        else {
            unreachable!("who sets out has been asked for");
        };
        let network = &self.network;
        let extras = self.dependencies[dependency.at()]
            .extras
            .as_mut()
            .expect("it has extras");
        let node = match endpoint {
            Endpoint::Writer => PRIMARY,
            Endpoint::Reader => extras
                .replica(|zone| network.down_since(zone).is_some())
                .unwrap_or(PRIMARY),
        };
        let zone = extras.nodes[usize::from(node)].zone;
        self.backed.get_mut(id).expect("it has just been there").node = node;
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Sent;
        attempt.zone = zone;
        let hop = Hop {
            leg: Leg::ToCallee,
            key: attempt.key,
            sender: attempt.site,
            from: attempt.from,
            to: zone,
            between: Between::AndDependency(dependency),
        };
        if self.network.carry(cx, id, hop, DataEvent::AtDependency) == Crossing::Lost {
            self.nobody_answers(cx, id);
        }
    }

    #[inline(never)]
    pub(super) fn at_backed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(&Backed { dependency, node, .. }) = self.backed.get(id) else {
            unreachable!("who comes to a dependency with extras has been asked for");
        };
        let state = &mut self.dependencies[dependency.at()];
        if state.failing_over && node == PRIMARY {
            return self.leave_backed(cx, id, Answer::Refused(Reason::FailingOver.here()));
        }
        let (slots, backlog) = (state.slots, state.backlog);
        let place = &mut state.extras.as_mut().expect("it has extras").nodes[usize::from(node)];
        if place.busy < slots {
            place.busy += 1;
            self.begin_backed(cx, id);
        } else if place.queue.len() < backlog {
            place.queue.push(&mut self.attempts, id);
        } else {
            self.leave_backed(cx, id, Answer::Refused(Reason::DependencyFull.here()));
        }
    }

    /// What somebody who is being served has been asked for.
    fn asked_for(&self, id: Id<Attempt>) -> Backed {
        *self.backed.get(id).expect("who is served has been asked for")
    }

    /// It has a slot: it locks its row, or waits for it in the slot.
    fn begin_backed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Backed {
            dependency,
            operation,
            row,
            ..
        } = self.asked_for(id);
        let extras = self.dependencies[dependency.at()]
            .extras
            .as_mut()
            .expect("it has extras");
        if let (Some(row), Some(locks)) = (row, &mut extras.operations[usize::from(operation)].locks) {
            if let Some(waiting) = locks.held.get_mut(&row) {
                return waiting.push(&mut self.attempts, id);
            }
            locks.held.insert(row, Queue::default());
        }
        self.serve_backed(cx, id);
    }

    /// It has all that it needs.
    fn serve_backed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Backed {
            dependency,
            operation,
            node,
            ..
        } = self.asked_for(id);
        let state = &mut self.dependencies[dependency.at()];
        let extras = state.extras.as_mut().expect("it has extras");
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Waiting;
        let law = &extras.operations[usize::from(operation)].service_time;
        let mut work = law.sample(attempt.key.child(purpose::SERVICE));
        let cold = if node == PRIMARY { extras.cold(cx.now()) } else { 1.0 };
        let factor = state.slowdown * cold;
        if factor != 1.0 {
            work = work.scaled(factor);
        }
        match &mut extras.nodes[usize::from(node)].pace {
            Some((pace, timer)) => {
                pace.join(cx.now(), id, work);
                cx.calendar.arm(*timer, pace.next());
            }
            None => cx
                .calendar
                .schedule_in(work, Event::data(DataEvent::DependencyDone, id)),
        }
    }

    /// Whoever is done at a node whose service has a common pace.
    pub(in crate::sim::data_plane) fn pace_due(&mut self, cx: &mut Context<'_>, which: u32) {
        let (at, node) = (DependencyIx((which >> 16) as u16), (which & 0xFFFF) as usize);
        loop {
            let now = cx.now();
            let place = &mut self.extras_of(at).nodes[node];
            let (pace, timer) = place.pace.as_mut().expect("who has a timer has a pace");
            match pace.done(now) {
                Some(id) => self.backed_done(cx, id),
                None => return cx.calendar.arm(*timer, pace.next()),
            }
        }
    }

    /// Service is over: lock and slot go to whoever waits for them.
    #[inline(never)]
    pub(super) fn backed_done(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Backed {
            dependency,
            operation,
            node,
            row,
            ..
        } = self.asked_for(id);
        let extras = self.dependencies[dependency.at()]
            .extras
            .as_mut()
            .expect("it has extras");
        let asked = &mut extras.operations[usize::from(operation)];
        let fails = asked.error_ratio > 0.0
            && self.attempts[id]
                .key
                .child(purpose::BACKED_ERROR)
                .happens(asked.error_ratio);
        let unlocked = match (row, &mut asked.locks) {
            (Some(row), Some(locks)) => locks.release(row, &mut self.attempts),
            _ => None,
        };
        let place = &mut extras.nodes[usize::from(node)];
        let admitted = place.queue.pop(&mut self.attempts);
        if admitted.is_none() {
            place.busy -= 1;
        }
        if let Some(next) = unlocked {
            self.serve_backed(cx, next);
        }
        if let Some(next) = admitted {
            self.begin_backed(cx, next);
        }
        let answer = if fails {
            Answer::Failure(Reason::DependencyError.here())
        } else {
            Answer::Success
        };
        self.leave_backed(cx, id, answer);
    }

    /// The dependency lets go of an attempt.
    pub(super) fn leave_backed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        self.connection_at_rest(id);
        self.answer(cx, id, answer);
    }

    /// Whether an attempt is in the primary's hands, or on no node of a dependency with extras.
    pub(super) fn is_at_primary(&self, id: Id<Attempt>) -> bool {
        match self.backed.get(id) {
            Some(backed) if self.attempts[id].flags.has(Flags::BACKING) => {
                backed.node == PRIMARY && !backed.pooled.is_before_the_way()
            }
            _ => true,
        }
    }

    /// To be asked only of dependencies that have some.
    pub(super) fn extras_of(&mut self, at: DependencyIx) -> &mut Extras {
        self.dependencies[at.at()].extras.as_mut().expect("it has extras")
    }
}

impl Locks {
    /// The row goes to whoever waits for it first.
    fn release(&mut self, row: u32, attempts: &mut Arena<Attempt>) -> Option<Id<Attempt>> {
        let next = self.held.get_mut(&row).and_then(|waiting| waiting.pop(attempts));
        if next.is_none() {
            self.held.remove(&row);
        }
        next
    }
}

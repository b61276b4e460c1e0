//! The data plane: serves requests from what the control plane last published.
//!
//! It knows servers, views and attempts in flight, not tasks' life cycles, deployments or desired counts. Each file has
//! one part of a request's way: `client` sends and retries, `balancer` routes, `server` executes, `call` settles answers
//! with whoever waits, `network` carries. Orders from the control plane are executed here, CloudWatch's counters are
//! read here. No step allocates (records come from arenas, queues are threaded through them), hashes or compares text.

mod afflictions;
mod anomalies;
mod balancer;
mod brown_out;
mod build;
mod cache;
mod call;
mod capacity;
mod causes;
mod client;
mod connections;
mod cookies;
mod course;
mod dependency;
mod direct;
mod dns;
mod faults;
mod foregone;
mod group;
mod guard;
mod heap;
mod hosts;
mod join;
mod journeys;
mod loss;
mod messaging;
mod meter;
mod network;
mod orders;
mod pick;
mod poison;
mod program;
mod rules;
mod send;
mod server;
mod site;
mod skew;
mod strand;
mod tracer;
mod wires;
mod work;

#[cfg(test)]
pub(crate) mod tests;

use crate::blueprint::ServiceIx;
use crate::cluster::Task;
use crate::cluster::aside::Aside;
use crate::cluster::attempt::Attempt;
use crate::cluster::cause::Cause;
use crate::cluster::deadline::Deadlines;
use crate::cluster::server::Servers;
use crate::engine::arena::{Arena, Id, RawId};
use crate::engine::calendar::TimerId;
use crate::sim::context::Context;
use crate::sim::event::DataEvent;
use crate::sim::observation::{RevisionCount, Work};
use crate::sim::signal::ServiceMeter;
use crate::units::Instant;

use afflictions::Affliction;
use balancer::Balancer;
use build::Actions;
use cache::Caches;
use client::Client;
use course::Courses;
use dependency::{Backed, DependencyState};
use foregone::Foregone;
use group::Group;
use guard::Guarded;
use hosts::Hosts;
use join::Races;
use journeys::Journeys;
use messaging::Messaging;
use network::Network;
use poison::Poisons;
use program::{Operations, Programs};
use rules::Rulebook;
use site::SiteState;
use skew::Skews;
use tracer::Tracer;
use wires::Wires;

pub struct DataPlane {
    attempts: Arena<Attempt>,
    servers: Servers,
    /// `None`: no instance's CPU is shared.
    hosts: Option<Box<Hosts>>,
    deadlines: Deadlines,
    /// One for each list of `deadlines`.
    deadline_timers: Vec<TimerId>,
    network: Network,
    /// `None`: messages are small, on connections that are always there.
    wires: Option<Box<Wires>>,
    balancers: Vec<Balancer>,
    groups: Vec<Group>,
    clients: Vec<Client>,
    journeys: Journeys,
    sites: Vec<SiteState>,
    /// Of the attempts with [`crate::cluster::attempt::Flags::GUARDED`].
    guarded: Aside<Attempt, Guarded>,
    dependencies: Vec<DependencyState>,
    /// Of attempts at dependencies that have extras.
    backed: Aside<Attempt, Backed>,
    programs: Programs,
    /// `None`: no program turns by what belongs to a request.
    courses: Option<Box<Courses>>,
    races: Races,
    /// `None`: there are no queues.
    messaging: Option<Box<Messaging>>,
    /// `None`: there are no caches.
    caches: Option<Box<Caches>>,
    operations: Operations,
    skews: Skews,
    rulebook: Rulebook,
    /// Of `parallel` steps of which a branch has failed: why the first one did.
    branch_failures: Aside<Attempt, Cause>,
    /// Of attempts that a site's ways straight to tasks have picked.
    ways_rows: Aside<Attempt, direct::Row>,
    /// By revision's row.
    counts: Vec<RevisionCount>,
    /// Since the last sample, by revision's row.
    work: Vec<Work>,
    /// The present CloudWatch minute of each service, so far: what tasks used that have left RUNNING in it.
    cpu_meters: Vec<ServiceMeter>,
    /// Whether anybody reads it, by service.
    cpu_is_read: Vec<bool>,
    /// Slots of servers whose CPU has got or lost jobs in the present event.
    cpus_changed: Vec<u32>,
    /// Clients' requests that have not ended.
    open_requests: u64,
    foregone: Foregone,
    stops_at: Instant,
    /// The limit of attempts in flight was reached.
    overflowed: bool,
    /// Of tasks that are ill.
    afflictions: Aside<Task, Affliction>,
    poisons: Poisons,
    tracer: Tracer,
    actions: Actions,
    /// Listener action and traffic of each class.
    class_actions: Vec<u32>,
    class_traffic: Vec<u16>,
}

impl DataPlane {
    /// Handles an event of this plane and what follows from it at once. One whose attempt is gone does nothing.
    ///
    /// A step never calls the next one: it says what follows, and the loop here takes it up. So each step is compiled
    /// in one place, and a request that goes through everything without delay does not climb the stack.
    pub fn handle(&mut self, cx: &mut Context<'_>, what: DataEvent, id: RawId, extra: u32) {
        let (mut what, mut id) = (what, id);
        let mut followed = 0;
        loop {
            // Each step computes the addresses of the fields that it uses: were they known to be the same in the next one, all
            // of them would be computed, and spilled, before the first.
            let plane = std::hint::black_box(&mut *self);
            let attempt = Id::from_raw(id);
            match what {
                DataEvent::Arrival => plane.arrival(cx, extra as usize),
                DataEvent::DeadlineDue => plane.deadlines_due(cx, extra as u16),
                DataEvent::CpuTurn => plane.cpu_turn(cx, extra as usize),
                DataEvent::Send => plane.send(cx, attempt),
                DataEvent::AtNode => plane.at_node(cx, attempt),
                DataEvent::AtTask => {
                    if plane.at_task(cx, attempt) {
                        what = DataEvent::GoOn;
                        continue;
                    }
                }
                DataEvent::AtDependency => plane.at_dependency(cx, attempt),
                DataEvent::GoOn => {
                    if let Some(call) = plane.go_on(cx, attempt) {
                        (what, id) = (DataEvent::Send, call.raw());
                        continue;
                    }
                }
                DataEvent::DependencyDone => plane.dependency_done(cx, attempt),
                DataEvent::AnswerAtNode => plane.answer_at_node(cx, attempt),
                DataEvent::AnswerAtCaller => plane.answer_at_caller(cx, attempt),
                rare => plane.handle_rare(cx, rare, id, extra),
            }
            match cx.at_once.get(followed) {
                Some(&next) => (what, id) = next,
                None => break,
            }
            followed += 1;
        }
        cx.at_once.clear();
        if !self.cpus_changed.is_empty() {
            self.arm_cpus(cx);
        }
    }

    /// Events that most requests never meet, out of the way of those that all do.
    #[cold]
    #[inline(never)]
    fn handle_rare(&mut self, cx: &mut Context<'_>, what: DataEvent, id: RawId, extra: u32) {
        let attempt = Id::from_raw(id);
        match what {
            DataEvent::Reweigh => self.reweigh(cx, extra as usize),
            DataEvent::FailoverDone => self.failover_done(cx, extra as usize),
            DataEvent::AskBacked => self.ask_backed(cx, attempt),
            DataEvent::PaceDue => self.pace_due(cx, extra),
            DataEvent::ConnectionSetUp => self.connection_set_up(cx, attempt),
            DataEvent::AcquireTimeout => self.acquire_timed_out(cx, attempt),
            DataEvent::IdleConnections => self.idle_connections(cx, Id::from_raw(id), extra),
            DataEvent::Visit => self.visit(cx, extra),
            DataEvent::PatienceEnds => self.patience_ends(cx, extra),
            DataEvent::HedgeDue => self.hedge_due(cx, attempt),
            DataEvent::PlaceTimeout => self.place_timed_out(cx, attempt),
            DataEvent::RequestToNode => self.over_the_wire(cx, attempt, Leg::ToNode),
            DataEvent::RequestToCallee => self.over_the_wire(cx, attempt, Leg::ToCallee),
            DataEvent::AnswerToNode => self.over_the_wire(cx, attempt, Leg::BackToNode),
            DataEvent::AnswerToCaller => self.over_the_wire(cx, attempt, Leg::BackToCaller),
            DataEvent::InterfaceTurn => self.interface_turn(cx, extra),
            DataEvent::LineDone => self.part_is_through(cx, attempt),
            DataEvent::ConnectionReaches => self.connection_reaches(cx, attempt),
            DataEvent::ConnectionOpens => self.connection_opens(cx, attempt),
            DataEvent::AnswerOnConnection => self.answer_on_connection(cx, attempt),
            DataEvent::JoinTimeout => self.join_timed_out(cx, attempt, extra),
            DataEvent::CreditsDue => self.credits_due(cx, Id::from_raw(id)),
            DataEvent::CollectionEnds => self.collection_ends(cx, Id::from_raw(id)),
            DataEvent::QueueTimeout => self.queue_timeout(cx, attempt),
            DataEvent::ConnectTimeout => self.connect_timed_out(cx, attempt),
            DataEvent::SendMessage => self.send_message(cx, attempt),
            DataEvent::MessageSent => self.message_sent(cx, attempt),
            DataEvent::ReceiveMessage => self.receive_message(cx, Id::from_raw(id)),
            DataEvent::MessageDeleted => self.message_deleted(cx, Id::from_raw(id)),
            DataEvent::MessagesDue => self.messages_due(cx, extra as usize),
            DataEvent::Arrival
            | DataEvent::DeadlineDue
            | DataEvent::CpuTurn
            | DataEvent::Send
            | DataEvent::AtNode
            | DataEvent::AtTask
            | DataEvent::AtDependency
            | DataEvent::GoOn
            | DataEvent::DependencyDone
            | DataEvent::AnswerAtNode
            | DataEvent::AnswerAtCaller => unreachable!("what all requests meet is handled where they do"),
        }
    }

    /// Takes up what follows from an order or a fault.
    fn follow_up(&mut self, cx: &mut Context<'_>) {
        self.handle(cx, DataEvent::GoOn, RawId::NONE, 0);
    }

    /// Attempts in flight, those that nobody waits for included.
    pub fn in_flight(&self) -> usize {
        self.attempts.len()
    }

    /// Clients' requests that have been offered and not ended.
    pub fn open_requests(&self) -> u64 {
        self.open_requests
    }

    pub fn overflowed(&self) -> bool {
        self.overflowed
    }

    /// Requests and errors of each revision of a service since the run began.
    pub fn revision_counts(&self, service: ServiceIx) -> Vec<RevisionCount> {
        self.counts[self.operations.revisions_of(service)].to_vec()
    }
}

/// Purposes below an attempt's key. Steps of its program take `STEP + step`.
mod purpose {
    /// Below the request's key.
    pub const CLASS: u64 = 1;
    pub const ATTEMPT: u64 = 1 << 8;
    pub const NEXT_REQUEST: u64 = 2;
    pub const BROWSER: u64 = 3;
    /// Below a journey's key: which one, and its requests.
    pub const JOURNEY: u64 = 20;
    pub const VISIT: u64 = 21;
    /// Below the key of a journey's request.
    pub const NEXT_STEP: u64 = 22;
    pub const ABANDONS: u64 = 23;
    pub const PATIENCE: u64 = 24;
    /// Below the attempt's key.
    pub const NODE: u64 = 1;
    pub const GROUP: u64 = 2;
    pub const TARGET: u64 = 3;
    pub const ERROR: u64 = 4;
    pub const PAUSE: u64 = 5;
    pub const DNS: u64 = 6;
    pub const SERVICE: u64 = 7;
    pub const SKEW: u64 = 8;
    /// Of setting up a connection to a dependency.
    pub const CONNECT: u64 = 40;
    pub const BACKED_ERROR: u64 = 41;
    /// Below the request's key.
    pub const ROW: u64 = 42;
    pub const GRAY_FAILURE: u64 = 80;
    /// Below the request's key.
    pub const POISON: u64 = 81;
    /// Below the attempt's key.
    pub const DEPENDENCY_OUTAGE: u64 = 82;
    pub const ZONE: u64 = 70;
    pub const PROXY: u64 = 71;
    /// Below an attempt's key, and below that of one of its crossings.
    pub const LINK: u64 = 72;
    pub const LOSS: u64 = 73;
    /// Below the request's key.
    pub const PAYLOAD: u64 = 74;
    /// Of setting up a connection to a task or node; the next two below it.
    pub const SET_UP: u64 = 75;
    pub const JITTER: u64 = 1 << 40;
    pub const WORK: u64 = 1 << 41;
    pub const FAIL: u64 = 30;
    /// Below the key of a request's call path.
    pub const CHOICE: u64 = 31;
    pub const TIMES: u64 = 32;
    pub const FOUND: u64 = 34;
    pub const CACHE_KEY: u64 = 35;
    /// Of sending, below the attempt's key; and the message itself.
    pub const SEND_MESSAGE: u64 = 36;
    pub const QUEUE_ERROR: u64 = 37;
    pub const MESSAGE: u64 = 38;
    /// Below a message's key, and below that the number of the receipt.
    pub const HANDLING: u64 = 39;
    /// Below the key of its handling.
    pub const DELETE_MESSAGE: u64 = 39;
    /// One turn of a loop, below either key.
    pub const TURN: u64 = 33;
    pub const CALL: u64 = 1 << 8;
    pub const LEG: u64 = 1 << 4;
    pub const HEDGE: u64 = 60;
    pub const OPTIONAL: u64 = 61;
    pub const QUEUE_TIMEOUT: u64 = 50;
    pub const SHEDDING: u64 = 51;
    pub const COLLECTION: u64 = 52;
    pub const STEP: u64 = 1 << 16;
    pub const BRANCH: u64 = 1 << 24;
}

/// Which way an attempt is carried: the four legs have draws of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leg {
    ToNode,
    ToCallee,
    BackToNode,
    BackToCaller,
}

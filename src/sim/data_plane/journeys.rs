//! Journeys: visitors who go from request to request, think in between, and leave.
//!
//! A visitor has a number for as long as the visit lasts, and is the client of its requests by that number: so cookies
//! and connections follow the journey, and an answer finds the visitor without a table. Open arrivals are visitors whose
//! number is given again after their visit; closed users keep theirs. All luck hangs on the journey's key and the ordinal
//! of its request. Traffic without journeys never comes here.

use super::client::{Client, finished};
use super::{DataPlane, purpose};
use crate::blueprint::{Blueprint, ClassIx, TrafficIx};
use crate::cluster::attempt::{Answer, Attempt, Browser, Caller, Flags};
use crate::cluster::cause::Reason;
use crate::engine::arena::Id;
use crate::engine::dist::{Law, Tables};
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::{JourneyCount, Observation};
use crate::units::{Instant, Span};

/// All visitors, and what has come of them.
#[derive(Default)]
pub(super) struct Journeys {
    /// The browser of the first visitor.
    base: u32,
    visitors: Vec<Visitor>,
    free: Vec<u32>,
    /// By traffic; empty for one without journeys.
    plans: Vec<Vec<Plan>>,
    /// A row for each step of each journey of each traffic, in order.
    counts: Vec<JourneyCount>,
}

/// One kind of journey, ready to be drawn from.
struct Plan {
    /// The share of it and those before.
    share: f64,
    steps: Vec<PlannedStep>,
    patience: Option<Law>,
    abandon_after_failure: f64,
}

struct PlannedStep {
    class: ClassIx,
    think_time: Law,
    /// Each with the probability of it and those before.
    next: Vec<(f64, usize)>,
    /// Its row in the counts.
    row: usize,
}

struct Visitor {
    traffic: TrafficIx,
    stage: Stage,
    /// Of the journey.
    key: Key,
    /// How many requests it has made.
    requests: u64,
    began: Instant,
    /// The attempt that it waits for.
    waits_for: Option<Id<Attempt>>,
    /// When its patience with the present request ends.
    leaves: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Between two journeys, or gone.
    Out,
    At {
        journey: usize,
        step: usize,
    },
}

/// How a visit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Finished,
    Failure,
    Patience,
}

impl Journeys {
    pub fn new(blueprint: &Blueprint, browsers: u32, tables: &mut Tables) -> Self {
        let mut journeys = Journeys {
            base: browsers.saturating_add(1),
            ..Journeys::default()
        };
        for (traffic, written) in blueprint.traffic.iter().enumerate() {
            let total: f64 = written.journeys.iter().map(|journey| journey.weight).sum();
            let mut share = 0.0;
            let mut plans = Vec::new();
            for (at, journey) in written.journeys.iter().enumerate() {
                share += journey.weight / total;
                let steps = journey.steps.iter().enumerate().map(|(step, written)| {
                    let mut sum = 0.0;
                    let next = written.next.iter().map(|&(next, probability)| {
                        sum += probability;
                        (sum, next)
                    });
                    journeys
                        .counts
                        .push(JourneyCount::none(TrafficIx::from_usize(traffic), at, step));
                    PlannedStep {
                        class: written.class,
                        think_time: Law::compile(&written.think_time, tables),
                        next: next.collect(),
                        row: journeys.counts.len() - 1,
                    }
                });
                plans.push(Plan {
                    share,
                    steps: steps.collect(),
                    patience: journey.patience.as_ref().map(|patience| Law::compile(patience, tables)),
                    abandon_after_failure: journey.abandon_after_failure.get(),
                });
            }
            journeys.plans.push(plans);
        }
        journeys
    }

    /// A number for a visitor who is about to begin.
    fn enter(&mut self, traffic: TrafficIx, key: Key) -> u32 {
        let visitor = Visitor {
            traffic,
            stage: Stage::Out,
            key,
            requests: 0,
            began: Instant::ZERO,
            waits_for: None,
            leaves: Instant::NEVER,
        };
        match self.free.pop() {
            Some(slot) => {
                self.visitors[slot as usize] = visitor;
                slot
            }
            None => {
                self.visitors.push(visitor);
                self.visitors.len() as u32 - 1
            }
        }
    }

    fn plan(&self, visitor: &Visitor, journey: usize) -> &Plan {
        &self.plans[visitor.traffic.at()][journey]
    }

    /// Another attempt takes the place of the one that a visitor waits for.
    #[inline]
    pub fn now_awaits(&mut self, caller: Caller, id: Id<Attempt>) {
        if let Caller::Client(_, browser) = caller
            && browser.0 >= self.base
            && let Some(visitor) = self.visitors.get_mut((browser.0 - self.base) as usize)
        {
            visitor.waits_for = Some(id);
        }
    }

    /// What the run's journeys that began in measured time came to; those under way are unfinished.
    pub fn counts(&mut self, measured_from: Instant) -> Vec<JourneyCount> {
        for slot in 0..self.visitors.len() {
            let visitor = &self.visitors[slot];
            if let Stage::At { journey, step } = visitor.stage
                && visitor.began >= measured_from
            {
                let row = self.plan(visitor, journey).steps[step].row;
                self.counts[row].unfinished += 1;
            }
        }
        std::mem::take(&mut self.counts)
    }
}

impl DataPlane {
    /// Closed users of a traffic think first, each on its own.
    pub(super) fn users_begin(&mut self, cx: &mut Context<'_>, traffic: TrafficIx, (users, key): (u32, Key)) {
        for user in 0..users {
            let slot = self.journeys.enter(traffic, key.child(u64::from(user) + 1));
            self.pause_before_journey(cx, slot);
        }
    }

    fn pause_before_journey(&mut self, cx: &mut Context<'_>, slot: u32) {
        let visitor = &self.journeys.visitors[slot as usize];
        let pause = self.clients[visitor.traffic.at()].think_time(visitor.key.child(purpose::PAUSE));
        self.visits_after(cx, slot, pause);
    }

    /// Nothing begins after the run's end.
    fn visits_after(&mut self, cx: &mut Context<'_>, slot: u32, pause: Span) {
        if cx.now() + pause < self.stops_at {
            cx.calendar
                .schedule_in(pause, Event::data_extra(DataEvent::Visit, slot));
        }
    }

    /// An open arrival begins a journey.
    #[cold]
    #[inline(never)]
    pub(super) fn visitor_arrives(&mut self, cx: &mut Context<'_>, at: usize, key: Key) {
        let slot = self.journeys.enter(TrafficIx::from_usize(at), key);
        self.visit(cx, slot);
    }

    /// A visitor makes the request of its step, or begins with the first.
    #[inline(never)]
    pub(super) fn visit(&mut self, cx: &mut Context<'_>, slot: u32) {
        if self.attempts.len() >= cx.blueprint.limits.in_flight as usize {
            self.overflowed = true;
            return;
        }
        let now = cx.now();
        let measured = cx.blueprint.measured_from();
        let journeys = &mut self.journeys;
        let visitor = &mut journeys.visitors[slot as usize];
        let plans = &journeys.plans[visitor.traffic.at()];
        let (journey, step) = match visitor.stage {
            Stage::At { journey, step } => (journey, step),
            Stage::Out => {
                let u = visitor.key.child(purpose::JOURNEY).uniform();
                let journey = plans.iter().position(|plan| u < plan.share).unwrap_or(plans.len() - 1);
                visitor.stage = Stage::At { journey, step: 0 };
                visitor.began = now;
                visitor.requests = 0;
                if now >= measured {
                    let count = &mut journeys.counts[plans[journey].steps[0].row];
                    count.started += 1;
                    count.came += 1;
                }
                (journey, 0)
            }
        };
        let plan = &plans[journey];
        let step = &plan.steps[step];
        if visitor.began >= measured {
            journeys.counts[step.row].requests += 1;
        }
        visitor.requests += 1;
        let request = visitor.key.child(purpose::VISIT).child(visitor.requests);
        let patience = plan
            .patience
            .as_ref()
            .map(|law| law.sample(request.child(purpose::PATIENCE)));
        visitor.leaves = patience.map_or(Instant::NEVER, |patience| now + patience);
        let sender = (step.class, Browser(journeys.base + slot));
        let site = self.clients[visitor.traffic.at()].site();
        let id = super::client::offer(&mut self.attempts, request, sender, site);
        visitor.waits_for = Some(id);
        if visitor.leaves != Instant::NEVER {
            cx.calendar
                .schedule_at(visitor.leaves, Event::data_extra(DataEvent::PatienceEnds, slot));
        }
        cx.follow(DataEvent::Send, id);
    }

    /// A visitor has its answer.
    pub(super) fn visitor_answered(&mut self, cx: &mut Context<'_>, browser: Browser, request: Key, answer: Answer) {
        let slot = browser.0 - self.journeys.base;
        let journeys = &mut self.journeys;
        let visitor = &mut journeys.visitors[slot as usize];
        visitor.waits_for = None;
        visitor.leaves = Instant::NEVER;
        let Stage::At { journey, step } = visitor.stage else {
            unreachable!("who is on no journey asks nothing")
        };
        let plan = &journeys.plans[visitor.traffic.at()][journey];
        let here = &plan.steps[step];
        let pause = here.think_time.sample(request.child(purpose::PAUSE));
        if answer.is_success() {
            let u = request.child(purpose::NEXT_STEP).uniform();
            let Some((_, next)) = here.next.iter().find(|(share, _)| u < *share) else {
                return self.visit_ends(cx, slot, End::Finished);
            };
            visitor.stage = Stage::At { journey, step: *next };
            if visitor.began >= cx.blueprint.measured_from() {
                journeys.counts[plan.steps[*next].row].came += 1;
            }
        } else if request.child(purpose::ABANDONS).happens(plan.abandon_after_failure) {
            return self.visit_ends(cx, slot, End::Failure);
        }
        self.visits_after(cx, slot, pause);
    }

    /// A visitor waits no longer, if it still waits for what its patience was drawn for.
    #[cold]
    pub(super) fn patience_ends(&mut self, cx: &mut Context<'_>, slot: u32) {
        let visitor = &self.journeys.visitors[slot as usize];
        let Some(id) = visitor.waits_for.filter(|_| visitor.leaves == cx.now()) else {
            return;
        };
        let Some(Caller::Client(class, _)) = self.attempts.get(id).map(|attempt| attempt.caller) else {
            return;
        };
        self.client_closes(id);
        let cause = self.hangs(id, Reason::TimedOut);
        if self.attempts[id].flags.has(Flags::TRACED) {
            self.trace_giving_up(cx, id, cause);
        }
        let answer = Answer::TimedOut(cause);
        self.count_failure(id, answer);
        let seen = finished(&self.attempts[id], class, answer, &self.operations, cx);
        cx.finished.push(seen);
        self.open_requests -= 1;
        if self.attempts[id].flags.has(Flags::TRACED) {
            let request = self.attempts[id].request_key;
            self.tracer.finished(cx, request);
        }
        self.disconnect(cx, id);
        self.visit_ends(cx, slot, End::Patience);
    }

    fn visit_ends(&mut self, cx: &mut Context<'_>, slot: u32, end: End) {
        let journeys = &mut self.journeys;
        let visitor = &mut journeys.visitors[slot as usize];
        let Stage::At { journey, step } = visitor.stage else {
            unreachable!("what ends has begun")
        };
        visitor.stage = Stage::Out;
        visitor.waits_for = None;
        visitor.leaves = Instant::NEVER;
        if visitor.began >= cx.blueprint.measured_from() {
            let plan = &journeys.plans[visitor.traffic.at()][journey];
            let count = &mut journeys.counts[plan.steps[step].row];
            match end {
                End::Finished => {
                    count.finished += 1;
                    count.time += cx.now().since(visitor.began).nanos();
                }
                End::Failure => count.abandoned_after_failure += 1,
                End::Patience => count.abandoned_impatient += 1,
            }
        }
        if self.clients[visitor.traffic.at()].is_closed() {
            visitor.key = visitor.key.child(purpose::NEXT_REQUEST);
            return self.pause_before_journey(cx, slot);
        }
        journeys.free.push(slot);
        let browser = Browser(journeys.base + slot);
        self.forget(browser);
    }

    /// The next visitor of this number brings no cookies and has no connection.
    fn forget(&mut self, browser: Browser) {
        for group in &mut self.groups {
            group.forget(browser);
        }
        for cookies in self.actions.cookies.iter_mut().flatten() {
            cookies.forget(browser);
        }
        for balancer in &mut self.balancers {
            let clients = balancer.extras.as_mut().and_then(|extras| extras.clients.as_mut());
            if let Some(clients) = clients {
                clients.forget(browser);
            }
        }
        if let Some(wires) = &mut self.wires {
            wires.forget(browser);
        }
    }

    /// Tells what has come of the journeys, when the run is over.
    pub(super) fn journeys_end(&mut self, cx: &mut Context<'_>) {
        let counts = self.journeys.counts(cx.blueprint.measured_from());
        if !counts.is_empty() {
            cx.observations.push(Observation::JourneysCounted(counts));
        }
    }
}

impl Client {
    /// How long a closed user pauses between journeys; others never do.
    fn think_time(&self, key: Key) -> Span {
        self.pause_law().map_or(Span::ZERO, |law| law.sample(key))
    }
}

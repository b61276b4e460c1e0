//! Clients: offer requests, wait, retry, give up, and see what came of it.

use super::causes::{failure, in_words_of};
use super::program::Operations;
use super::site::SiteState;
use super::{DataPlane, purpose};
use crate::blueprint::{ClassIx, Source, Traffic, TrafficIx};
use crate::cluster::attempt::{Answer, Attempt, Browser, Caller, Flags, Served, Site};
use crate::cluster::cause::Reason;
use crate::engine::arena::{Arena, Id};
use crate::engine::dist::{Law, Tables};
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::{Completeness, Failure, Observation, Outcome, RequestFinished, ServedBy, StepCounts};
use crate::units::Instant;
use crate::workload::{ArrivalStream, Replay};

/// One traffic source.
pub(super) struct Client {
    site: Site,
    key: Key,
    arrivals: Arrivals,
    /// Each class with the share of it and those before.
    classes: Vec<(f64, ClassIx)>,
    browsers: Browsers,
    after: After,
}

/// What comes after a request has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// A closed user thinks about the next one.
    AnotherRequest,
    /// A visitor's journey goes on or ends.
    Journey,
}

/// The clients of one traffic source that keep cookies and connections, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Browsers {
    first: u32,
    /// None for open requests without `clients`.
    count: u32,
}

/// How many clients that keep cookies and connections some traffic sources have.
pub(super) fn browsers(traffic: &[Traffic]) -> u32 {
    let of = |traffic: &Traffic| match traffic.source {
        Source::Closed { users, .. } => users,
        _ => traffic.clients.unwrap_or(0),
    };
    traffic.iter().map(of).fold(0, u32::saturating_add)
}

enum Arrivals {
    Open { stream: ArrivalStream, ordinal: u64 },
    Recorded(Replay),
    Closed { users: u32, think_time: Law },
}

impl Client {
    pub fn new(cx: &Context<'_>, at: usize, tables: &mut Tables) -> Self {
        let written = &cx.blueprint.traffic[at];
        let key = cx.key.entity("traffic", &written.name);
        let total: f64 = written.classes.iter().map(|(_, weight)| weight).sum();
        let mut share = 0.0;
        let classes = written.classes.iter().map(|&(class, weight)| {
            share += weight / total;
            (share, class)
        });
        Client {
            site: SiteState::of_traffic(cx.blueprint, at),
            key,
            arrivals: match &written.source {
                Source::Open { profile, arrivals } => Arrivals::Open {
                    stream: ArrivalStream::new(profile, arrivals, key.child(0), tables),
                    ordinal: 0,
                },
                Source::Recorded(recorded) => Arrivals::Recorded(Replay::new(recorded)),
                Source::Closed { users, think_time } => Arrivals::Closed {
                    users: *users,
                    think_time: Law::compile(think_time, tables),
                },
            },
            classes: classes.collect(),
            browsers: Browsers {
                first: browsers(&cx.blueprint.traffic[..at]).saturating_add(1),
                count: browsers(std::slice::from_ref(written)),
            },
            after: match &written.source {
                _ if !written.journeys.is_empty() => After::Journey,
                Source::Closed { .. } => After::AnotherRequest,
                Source::Open { .. } | Source::Recorded(_) => After::Nothing,
            },
        }
    }

    #[inline]
    fn class(&self, request: Key) -> ClassIx {
        if let [(_, only)] = self.classes.as_slice() {
            return *only;
        }
        let u = request.child(purpose::CLASS).uniform();
        let at = self
            .classes
            .iter()
            .position(|&(share, _)| u < share)
            .unwrap_or(self.classes.len() - 1);
        self.classes[at].1
    }

    /// When the next request comes, if one does before `stop`.
    #[inline(always)]
    fn next_arrival(&mut self, stop: Instant) -> Option<Instant> {
        let at = match &mut self.arrivals {
            Arrivals::Open { stream, .. } => stream.next(),
            Arrivals::Recorded(replay) => replay.next_at(),
            Arrivals::Closed { .. } => None,
        };
        at.filter(|&at| at < stop)
    }

    #[inline]
    pub fn after(&self) -> After {
        self.after
    }

    pub fn site(&self) -> Site {
        self.site
    }

    /// What closed users' pauses are drawn from.
    pub fn pause_law(&self) -> Option<&Law> {
        match &self.arrivals {
            Arrivals::Closed { think_time, .. } => Some(think_time),
            _ => None,
        }
    }

    pub fn is_closed(&self) -> bool {
        matches!(self.arrivals, Arrivals::Closed { .. })
    }

    /// Who sends an open request.
    #[inline]
    fn browser(&self, request: Key) -> Browser {
        match self.browsers.count {
            0 => Browser::NOBODY,
            count => Browser(self.browsers.first + request.child(purpose::BROWSER).below(count)),
        }
    }

    /// Key, class and sender of the request that arrives now.
    #[inline]
    fn take(&mut self) -> (Key, ClassIx, Browser) {
        let (ordinal, class) = match &mut self.arrivals {
            Arrivals::Open { ordinal, .. } => {
                *ordinal += 1;
                (*ordinal, None)
            }
            Arrivals::Recorded(replay) => replay.take(),
            Arrivals::Closed { .. } => unreachable!("closed users do not arrive"),
        };
        let key = self.key.child(ordinal);
        (key, class.unwrap_or_else(|| self.class(key)), self.browser(key))
    }
}

/// A client's request that has not been sent: the callee's half is blank.
#[inline(always)]
pub(super) fn offer(
    attempts: &mut Arena<Attempt>,
    key: Key,
    (class, browser): (ClassIx, Browser),
    site: Site,
) -> Id<Attempt> {
    let (id, attempt) = attempts.place(Attempt::BLANK);
    attempt.key = key.child(purpose::ATTEMPT + 1);
    attempt.request_key = key;
    attempt.caller = Caller::Client(class, browser);
    attempt.site = site;
    id
}

impl DataPlane {
    /// Starts all traffic: first arrivals, and closed users who think first.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        self.begin_weighing(cx);
        for at in 0..self.clients.len() {
            if let Arrivals::Closed { users, .. } = self.clients[at].arrivals {
                if self.clients[at].after == After::Journey {
                    let key = self.clients[at].key;
                    self.users_begin(cx, TrafficIx::from_usize(at), (users, key));
                    continue;
                }
                for user in 0..users {
                    let key = self.clients[at].key.child(u64::from(user) + 1);
                    let browser = Browser(self.clients[at].browsers.first + user);
                    self.think(cx, TrafficIx::from_usize(at), key, browser);
                }
            } else {
                self.schedule_arrival(cx, at);
            }
        }
    }

    #[inline(always)]
    fn schedule_arrival(&mut self, cx: &mut Context<'_>, at: usize) {
        if let Some(instant) = self.clients[at].next_arrival(self.stops_at) {
            cx.calendar
                .schedule_at(instant, Event::data_extra(DataEvent::Arrival, at as u32));
        }
    }

    #[inline]
    pub(super) fn arrival(&mut self, cx: &mut Context<'_>, at: usize) {
        let client = &mut self.clients[at];
        let (key, class, browser) = client.take();
        let (site, after) = (client.site, client.after);
        self.schedule_arrival(cx, at);
        if after == After::Journey {
            return self.visitor_arrives(cx, at, key);
        }
        if self.attempts.len() >= cx.blueprint.limits.in_flight as usize {
            self.overflowed = true;
            return;
        }
        let id = offer(&mut self.attempts, key, (class, browser), site);
        if self.tracer.follows(key) {
            self.attempts[id].flags.set(Flags::TRACED);
            self.tracer.counts_one_more();
        }
        self.send(cx, id);
    }

    /// A closed user thinks, then sends the request of this key.
    fn think(&mut self, cx: &mut Context<'_>, traffic: TrafficIx, key: Key, browser: Browser) {
        let client = &self.clients[traffic.at()];
        let Arrivals::Closed { think_time, .. } = &client.arrivals else {
            return;
        };
        let pause = think_time.sample(key.child(purpose::PAUSE));
        if cx.now() + pause >= self.stops_at {
            return;
        }
        let class = client.class(key);
        let site = client.site;
        let id = offer(&mut self.attempts, key, (class, browser), site);
        if self.tracer.follows(key) {
            self.attempts[id].flags.set(Flags::TRACED);
            self.tracer.counts_one_more();
        }
        cx.calendar.schedule_in(pause, Event::data(DataEvent::Send, id));
    }

    /// A client that is not gone has its answer: a closed user thinks about the next request, a journey goes on.
    #[inline(never)]
    pub(super) fn goes_on(
        &mut self,
        cx: &mut Context<'_>,
        (class, browser): (ClassIx, Browser),
        request: Key,
        answer: Answer,
    ) {
        let traffic = TrafficIx(self.class_traffic[class.at()]);
        if self.clients[traffic.at()].after == After::Journey {
            return self.visitor_answered(cx, browser, request, answer);
        }
        self.think(cx, traffic, request.child(purpose::NEXT_REQUEST), browser);
    }

    /// Ends what is still in flight when the run is over.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        for (id, attempt) in self.attempts.iter() {
            let Caller::Client(class, _) = attempt.caller else {
                continue;
            };
            if self.is_hedge(id, attempt) {
                continue;
            }
            if attempt.flags.has(Flags::CALLER_GONE) || attempt.first_sent == Instant::NEVER {
                continue;
            }
            cx.finished.push(RequestFinished {
                class,
                outcome: Outcome::Unfinished,
                arrived: attempt.first_sent,
                latency: cx.now().since(attempt.first_sent),
                attempts: u32::from(attempt.number),
                completeness: Completeness::Whole,
                served_by: None,
                failure: Some(in_words_of(
                    cx.blueprint,
                    &self.operations,
                    self.hangs(id, Reason::Unfinished),
                )),
            });
            self.open_requests -= 1;
            if attempt.flags.has(Flags::TRACED) {
                self.tracer.finished(cx, attempt.request_key);
            }
        }
        self.journeys_end(cx);
        self.tell_of_queues(cx);
        self.tracer.finish(cx);
        let crossed = self.wires.as_ref().map_or(0, |wires| wires.crossed_zones());
        if crossed > 0 {
            cx.observations.push(Observation::CrossedZones(crossed));
        }
        let counts = self.skews.counts();
        if !counts.is_empty() {
            cx.observations.push(Observation::SkewCounted(counts));
        }
        let counts = StepCounts {
            joins: self.join_counts(),
            caches: self.cache_counts(),
        };
        if counts != StepCounts::default() {
            cx.observations.push(Observation::StepsCounted(counts));
        }
        assert_eq!(
            self.open_requests, 0,
            "every request offered ends in exactly one outcome"
        );
    }
}

/// What is seen of a client's request that has come to its end.
#[inline(always)]
pub(super) fn finished(
    attempt: &Attempt,
    class: ClassIx,
    answer: Answer,
    operations: &Operations,
    cx: &Context<'_>,
) -> RequestFinished {
    let served_by = match attempt.zone {
        Some(zone) if attempt.served != Served::NOBODY => {
            let by = operations.revision(attempt.served);
            Some(ServedBy {
                service: by.service,
                revision: by.revision,
                zone,
            })
        }
        _ => None,
    };
    let (outcome, failure) = match answer {
        Answer::Success => (Outcome::Served, None),
        _ => ended_otherwise(attempt, answer, operations, cx),
    };
    RequestFinished {
        class,
        outcome,
        arrived: attempt.first_sent,
        latency: cx.now().since(attempt.first_sent),
        attempts: u32::from(attempt.number),
        completeness: if attempt.flags.has(Flags::DEGRADED) {
            Completeness::Degraded
        } else {
            Completeness::Whole
        },
        served_by,
        failure,
    }
}

/// What a request has come to that was not simply served.
#[cold]
#[inline(never)]
fn ended_otherwise(
    attempt: &Attempt,
    answer: Answer,
    operations: &Operations,
    cx: &Context<'_>,
) -> (Outcome, Option<Failure>) {
    let failure = (!answer.is_success()).then(|| failure(cx.blueprint, operations, attempt, answer));
    (outcome(answer), failure)
}

#[inline]
fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer::Success => Outcome::Served,
        Answer::NotFound => Outcome::ClientError,
        Answer::Error(400..=499) => Outcome::ClientError,
        Answer::Failure(_) | Answer::Overloaded(_) | Answer::Error(_) => Outcome::ServerError,
        Answer::Refused(_) | Answer::Rejected(_) => Outcome::Refused,
        Answer::Fixed(_) if answer.is_success() => Outcome::Served,
        Answer::Fixed(300..=399) => Outcome::Redirected,
        Answer::Fixed(_) => Outcome::FixedResponse,
        Answer::BadGateway(_) => Outcome::BadGateway,
        Answer::ServiceUnavailable(_) => Outcome::ServiceUnavailable,
        Answer::GatewayTimeout(_) => Outcome::GatewayTimeout,
        Answer::TimedOut(_) => Outcome::TimedOut,
    }
}

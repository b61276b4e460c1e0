//! Clients: offer requests, wait, retry, give up, and see what came of it.

use super::{DataPlane, purpose};
use crate::blueprint::{ClassIx, Destination, ProgramIx, RecordedArrival, RevisionIx, Source, TrafficIx};
use crate::cluster::Attempt;
use crate::cluster::attempt::{Answer, Callee, Caller, DeadlineLink, Flags, Phase, QueueLink, ServedOperation};
use crate::cluster::deadline::Deadlines;
use crate::cluster::view::View;
use crate::engine::arena::{Id, RawId};
use crate::engine::dist::{Law, Tables};
use crate::engine::random::Key;
use crate::policy::routing::Chooser;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::{Outcome, RequestFinished, ServedBy};
use crate::units::{Instant, Span};
use crate::workload::ArrivalStream;
use std::sync::Arc;

/// One traffic source.
pub(super) struct Client {
    pub to: To,
    pub patience: Option<u16>,
    pub max_attempts: u32,
    key: Key,
    arrivals: Arrivals,
    /// Each class with the share of it and those before.
    classes: Vec<(f64, ClassIx)>,
}

pub(super) enum To {
    Balancer(crate::blueprint::LoadBalancerIx),
    Direct {
        chooser: Chooser,
        view: View,
        service: crate::blueprint::ServiceIx,
    },
}

enum Arrivals {
    Open {
        stream: ArrivalStream,
        ordinal: u64,
    },
    Recorded {
        arrivals: Arc<[RecordedArrival]>,
        next: usize,
    },
    Closed {
        users: u32,
        think_time: Law,
    },
}

impl Client {
    pub fn new(cx: &Context<'_>, at: usize, deadlines: &mut Deadlines, tables: &mut Tables) -> Self {
        let written = &cx.blueprint.traffic[at];
        let key = cx.key.entity("traffic", &written.name);
        let total: f64 = written.classes.iter().map(|(_, weight)| weight).sum();
        let mut share = 0.0;
        let classes = written.classes.iter().map(|&(class, weight)| {
            share += weight / total;
            (share, class)
        });
        Client {
            to: match written.to {
                Destination::LoadBalancer { load_balancer, .. } => To::Balancer(load_balancer),
                Destination::Service { service, balancing } => To::Direct {
                    chooser: Chooser {
                        algorithm: balancing.into(),
                        ties: cx.blueprint.model.alb.least_outstanding_ties,
                        slow_start: Span::ZERO,
                    },
                    view: View::default(),
                    service,
                },
            },
            patience: written.timeout.map(|span| deadlines.list(span)),
            max_attempts: written.retry.max_attempts,
            key,
            arrivals: match &written.source {
                Source::Open { profile, arrivals } => Arrivals::Open {
                    stream: ArrivalStream::new(profile, *arrivals, key.child(0), tables),
                    ordinal: 0,
                },
                Source::Recorded(arrivals) => Arrivals::Recorded {
                    arrivals: arrivals.clone(),
                    next: 0,
                },
                Source::Closed { users, think_time } => Arrivals::Closed {
                    users: *users,
                    think_time: Law::compile(think_time, tables),
                },
            },
            classes: classes.collect(),
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
    #[inline]
    fn next_arrival(&mut self, stop: Instant) -> Option<Instant> {
        let at = match &mut self.arrivals {
            Arrivals::Open { stream, .. } => stream.next(),
            Arrivals::Recorded { arrivals, next } => arrivals.get(*next).map(|arrival| arrival.at),
            Arrivals::Closed { .. } => None,
        };
        at.filter(|&at| at < stop)
    }

    /// Key and class of the request that arrives now.
    #[inline]
    fn take(&mut self) -> (Key, ClassIx) {
        let (ordinal, class) = match &mut self.arrivals {
            Arrivals::Open { ordinal, .. } => {
                *ordinal += 1;
                (*ordinal, None)
            }
            Arrivals::Recorded { arrivals, next } => {
                *next += 1;
                (*next as u64, arrivals[*next - 1].class)
            }
            Arrivals::Closed { .. } => unreachable!("closed users do not arrive"),
        };
        let key = self.key.child(ordinal);
        (key, class.unwrap_or_else(|| self.class(key)))
    }
}

/// A request that has not been sent: the caller's half is the client, the callee's half empty.
fn fresh(key: Key, class: ClassIx) -> Attempt {
    Attempt {
        request_key: key,
        key: key.child(purpose::ATTEMPT + 1),
        caller: Caller::Client,
        callee: Callee::Destination,
        phase: Phase::Paused,
        flags: Flags::default(),
        number: 1,
        class,
        from: None,
        first_sent: Instant::NEVER,
        at_node: Instant::ZERO,
        last_pause: Span::ZERO,
        path: None,
        task: None,
        service: DataPlane::NO_SERVICE,
        revision: RevisionIx(0),
        zone: None,
        operation: ServedOperation::NoRoute,
        program: ProgramIx(0),
        step: 0,
        pending: 0,
        child: RawId::NONE,
        sibling: RawId::NONE,
        answer: Answer::Success,
        due: Instant::NEVER,
            deadline: DeadlineLink::NONE,
        queue: QueueLink::NONE,
    }
}

impl DataPlane {
    /// Starts all traffic: first arrivals, and closed users who think first.
    pub fn begin(&mut self, cx: &mut Context<'_>) {
        for at in 0..self.clients.len() {
            if let Arrivals::Closed { users, .. } = self.clients[at].arrivals {
                for user in 0..users {
                    let key = self.clients[at].key.child(u64::from(user) + 1);
                    self.think(cx, TrafficIx::from_usize(at), key);
                }
            } else {
                self.schedule_arrival(cx, at);
            }
        }
    }

    #[inline]
    fn schedule_arrival(&mut self, cx: &mut Context<'_>, at: usize) {
        if let Some(instant) = self.clients[at].next_arrival(self.stops_at) {
            cx.calendar
                .schedule_at(instant, Event::data_extra(DataEvent::Arrival, at as u32));
        }
    }

    #[inline]
    pub(super) fn arrival(&mut self, cx: &mut Context<'_>, at: usize) {
        let (key, class) = self.clients[at].take();
        self.schedule_arrival(cx, at);
        if self.attempts.len() >= cx.blueprint.limits.in_flight as usize {
            self.overflowed = true;
            return;
        }
        let id = self.attempts.insert(fresh(key, class));
        self.send(cx, id);
    }

    /// A closed user thinks, then sends the request of this key.
    fn think(&mut self, cx: &mut Context<'_>, traffic: TrafficIx, key: Key) {
        let client = &self.clients[traffic.at()];
        let Arrivals::Closed { think_time, .. } = &client.arrivals else {
            return;
        };
        let pause = think_time.sample(key.child(purpose::PAUSE));
        if cx.now() + pause >= self.stops_at {
            return;
        }
        let class = client.class(key);
        let id = self.attempts.insert(fresh(key, class));
        cx.calendar.schedule_in(pause, Event::data(DataEvent::Send, id));
    }

    /// The class's traffic.
    #[inline]
    pub(super) fn client_of(&self, class: ClassIx) -> usize {
        usize::from(self.class_traffic[class.at()])
    }

    /// A client's request has come to its end.
    #[inline]
    pub(super) fn request_finished(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let attempt = &self.attempts[id];
        let served_by = attempt
            .zone
            .filter(|_| attempt.service != DataPlane::NO_SERVICE)
            .map(|zone| ServedBy {
                service: attempt.service,
                revision: attempt.revision,
                zone,
            });
        cx.finished.push(RequestFinished {
            class: attempt.class,
            outcome: outcome(answer),
            arrived: attempt.first_sent,
            latency: cx.now().since(attempt.first_sent),
            attempts: u32::from(attempt.number),
            served_by,
        });
        self.open_requests -= 1;
        let (class, key) = (attempt.class, attempt.request_key);
        let traffic = self.client_of(class);
        if matches!(self.clients[traffic].arrivals, Arrivals::Closed { .. }) {
            self.think(cx, TrafficIx::from_usize(traffic), key.child(purpose::NEXT_REQUEST));
        }
    }

    /// Ends what is still in flight when the run is over.
    pub fn finish(&mut self, cx: &mut Context<'_>) {
        let open: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| {
                attempt.caller == Caller::Client
                    && !attempt.flags.has(Flags::CALLER_GONE)
                    && attempt.first_sent != Instant::NEVER
            })
            .map(|(id, _)| id)
            .collect();
        for id in open {
            let attempt = &self.attempts[id];
            cx.finished.push(RequestFinished {
                class: attempt.class,
                outcome: Outcome::Unfinished,
                arrived: attempt.first_sent,
                latency: cx.now().since(attempt.first_sent),
                attempts: u32::from(attempt.number),
                served_by: None,
            });
            self.open_requests -= 1;
        }
        assert_eq!(
            self.open_requests, 0,
            "every request offered ends in exactly one outcome"
        );
    }
}

fn outcome(answer: Answer) -> Outcome {
    match answer {
        Answer::Success => Outcome::Served,
        Answer::NotFound => Outcome::ClientError,
        Answer::Failure => Outcome::ServerError,
        Answer::Refused => Outcome::Refused,
        Answer::Fixed(_) if answer.is_success() => Outcome::Served,
        Answer::Fixed(_) => Outcome::FixedResponse,
        Answer::BadGateway => Outcome::BadGateway,
        Answer::ServiceUnavailable => Outcome::ServiceUnavailable,
        Answer::GatewayTimeout => Outcome::GatewayTimeout,
        Answer::TimedOut => Outcome::TimedOut,
    }
}

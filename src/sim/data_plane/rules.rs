//! Servers with rules: whom they take in, how long somebody may wait, and whom they turn away.
//!
//! A server without rules never comes here. One with rules has [`ServerExtras`], and every request that it has in hand a
//! row beside its record, said by a flag. A request that is turned away is answered 503 at the door; where a no costs
//! CPU time, it is a job like any other that ends in that answer.
//!
//! [`ServerExtras`]: crate::cluster::server::ServerExtras

use super::brown_out::answered;
use super::network::Delay;
use super::program::What;
use super::{DataPlane, purpose};
use crate::blueprint::{
    Blueprint, Collection, ConcurrencyLimit, ControlledDelay, Discipline, Priority, Revision, Runtime, Shedding,
};
use crate::cluster::Task;
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::queue::{Queue, Standing};
use crate::cluster::rate::TokenBucket;
use crate::cluster::server::{Admission, BrownedOut, Heap, Limit, LoadAverage, Memory, ServerExtras};
use crate::engine::arena::{Arena, Id};
use crate::engine::calendar::{Calendar, LaneId};
use crate::engine::dist::{Law, Tables};
use crate::policy::concurrency::{self, Ended, Sample};
use crate::policy::shedding;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::MemoryLeft;
use crate::units::{Instant, Span};

/// The rules of all servers, compiled, and what they know of requests.
pub(super) struct Rulebook {
    /// By revision's row.
    rules: Vec<Option<Rules>>,
    /// Of requests in the hands of a server with rules.
    in_hand: Aside<Attempt, InHand>,
}

/// A revision's rules.
pub(super) struct Rules {
    discipline: Discipline,
    concurrency: Option<ConcurrencyLimit>,
    shedding: Option<Shedding>,
    timeout: Option<Delay>,
    controlled_delay: Option<(ControlledDelay, [LaneId; 2])>,
    refusal_cpu: Span,
    /// With the length of its pauses.
    pub collection: Option<(Collection, Law)>,
}

/// What a server with rules knows of a request.
#[derive(Clone, Copy, Debug)]
struct InHand {
    arrived: Instant,
    wait: Wait,
    /// It is only here to be told this.
    refusal: Option<Reason>,
}

/// A request's first wait for a worker or a loop is the one that may end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    NotYet,
    First { until: Instant },
    Over,
}

impl Rulebook {
    pub fn new(blueprint: &Blueprint, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Rulebook {
        let revisions = blueprint.services.iter().flat_map(|service| &service.revisions);
        let rules = revisions.map(|revision| {
            revision.server_rules.as_ref().map(|rules| Rules {
                discipline: rules.queue.discipline,
                concurrency: rules.concurrency,
                shedding: rules.shedding.clone(),
                timeout: (rules.queue.timeout.as_ref()).map(|law| Delay::compile(law, calendar, tables)),
                controlled_delay: (rules.queue.controlled_delay)
                    .map(|rule| (rule, [calendar.lane(rule.target), calendar.lane(rule.interval)])),
                refusal_cpu: rules.refusal_cpu,
                collection: (rules.collection.as_ref()).map(|rule| (rule.clone(), Law::compile(&rule.pause, tables))),
            })
        });
        Rulebook {
            rules: rules.collect(),
            in_hand: Aside::default(),
        }
    }

    pub fn of(&self, revision: u32) -> &Rules {
        self.rules[revision as usize]
            .as_ref()
            .expect("only servers with rules are asked for them")
    }

    /// Queue and state of a server that starts with this revision.
    pub fn begin(
        &self,
        blueprint: &Blueprint,
        revision: &Revision,
        left: MemoryLeft,
        now: Instant,
    ) -> (Queue, Option<Box<ServerExtras>>) {
        let Some(rules) = revision.server_rules.as_deref() else {
            return (Queue::default(), None);
        };
        let lanes = match rules.queue.discipline {
            Discipline::Priority => Priority::LEVELS,
            // The last one is for health checks, and for work whose client is not known any more.
            Discipline::Fair => blueprint.classes.len() + 1,
            Discipline::Fifo | Discipline::Lifo | Discipline::AdaptiveLifo { .. } => 1,
        };
        let extras = ServerExtras {
            standing: Standing::default(),
            limit: rules.concurrency.map(|limit| Limit::new(limit.initial())),
            bucket: rules.rate.map(|limit| TokenBucket::new(limit.burst, limit.rate)),
            load: (rules.shedding.as_ref()).map(|shedding| LoadAverage::new(shedding.window, now, 0)),
            turning_away: 0,
            answered: 0,
            listening: None,
            warm_up: rules.warm_up,
            brown_out: (rules.brown_out).map(|rule| Box::new(BrownedOut::new(rule, now))),
            heap: rules.collection.as_ref().map(|_| Heap::default()),
            memory: rules.memory.map(|law| Memory {
                law,
                room: left.room,
                shrinks: left.shrinks,
            }),
        };
        (Queue::new(rules.queue.discipline, lanes), Some(Box::new(extras)))
    }

    /// What is known of a request that is lost goes with it.
    pub fn forget(&mut self, attempt: &mut Attempt, id: Id<Attempt>) {
        if attempt.flags.has(Flags::HAS_RULES) {
            attempt.flags.clear(Flags::HAS_RULES);
            self.in_hand.take(id);
        }
    }
}

/// For whose sake an attempt is made: the class of the client's request at the root of the calls; `None` for health
/// checks and where a caller has gone.
fn at_root(attempts: &Arena<Attempt>, id: Id<Attempt>) -> Caller {
    let mut caller = attempts[id].caller;
    while let Caller::Strand(parent) | Caller::Join(parent) = caller {
        match attempts.get(parent) {
            Some(parent) => caller = parent.caller,
            None => break,
        }
    }
    caller
}

/// How urgent an attempt is. Health checks come first, so that a busy server is not taken for a dead one; work whose
/// client is not known any more comes last.
pub(super) fn priority(blueprint: &Blueprint, attempts: &Arena<Attempt>, id: Id<Attempt>) -> Priority {
    match at_root(attempts, id) {
        Caller::Client(class, _) => blueprint.classes[class.at()].priority,
        Caller::Check(_) | Caller::StartUp | Caller::SetUp(_) => Priority::MOST_URGENT,
        // Messages can wait: that is what their queue is for.
        Caller::Strand(_) | Caller::Join(_) | Caller::Nobody | Caller::Poller(_) => Priority::LEAST_URGENT,
    }
}

fn lane(blueprint: &Blueprint, attempts: &Arena<Attempt>, discipline: Discipline, id: Id<Attempt>) -> u16 {
    match discipline {
        Discipline::Priority => u16::from(priority(blueprint, attempts, id).0),
        Discipline::Fair => match at_root(attempts, id) {
            Caller::Client(class, _) => class.0,
            _ => u16::MAX,
        },
        Discipline::Fifo | Discipline::Lifo | Discipline::AdaptiveLifo { .. } => 0,
    }
}

impl DataPlane {
    /// An attempt has reached a server that has rules. Gives whether its program begins now.
    #[cold]
    #[inline(never)]
    pub(super) fn at_server_with_rules(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>) -> bool {
        if let Some(reason) = self.sheds(cx, id, task) {
            self.turn_away(cx, id, task, reason);
            return false;
        }
        let server = self.servers.get(task).expect("it has just been looked at");
        let mut admission = server.admission();
        if admission == Admission::Refused && server.door.is_open() {
            let lane = lane(
                cx.blueprint,
                &self.attempts,
                self.rulebook.of(server.revision).discipline,
                id,
            );
            if let Some(other) = server.queue.less_urgent_than(&self.attempts, lane) {
                self.leaves_queue(cx, other, task, Reason::Displaced);
                admission = Admission::Queues;
            }
        }
        if admission == Admission::Refused {
            self.refused(cx, id, task);
            return false;
        }
        self.rulebook.in_hand.put(
            id,
            InHand {
                arrived: cx.now(),
                wait: Wait::NotYet,
                refusal: None,
            },
        );
        let attempt = &mut self.attempts[id];
        attempt.flags.set(Flags::HAS_RULES);
        let server = self.servers.get_mut(task).expect("it has just been looked at");
        server.present += 1;
        self.takes_memory(cx, id, task);
        if admission == Admission::Queues {
            self.waits(cx, id, task);
            return false;
        }
        let attempt = &mut self.attempts[id];
        let server = self.servers.get_mut(task).expect("it has just been looked at");
        if let Runtime::ThreadPool { .. } = server.runtime {
            server.busy += 1;
            attempt.flags.set(Flags::HOLDS_WORKER);
        }
        attempt.phase = Phase::Ready;
        true
    }

    /// Why the server turns away a request that reaches it, if it does. Health checks are let in, as a busy server is to be
    /// told from a dead one.
    fn sheds(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>) -> Option<Reason> {
        let now = cx.now();
        let attempt = &self.attempts[id];
        let server = self.servers.get_mut(task)?;
        if matches!(attempt.caller, Caller::Check(_)) || !server.door.is_open() {
            return None;
        }
        let rules = self.rulebook.of(server.revision);
        let extras = server.extras.as_mut()?;
        if let Some(bucket) = &mut extras.bucket {
            if bucket.available(now) == 0 {
                return Some(Reason::RateLimited);
            }
            bucket.take_one(now);
        }
        if let (Some(load), Some(shedding)) = (&mut extras.load, &rules.shedding) {
            if load.is_due(now) {
                let used = server.cpu.used(now) + server.beside.used(now);
                load.read(now, used, server.reserved.vcpus());
            }
            let priority = priority(cx.blueprint, &self.attempts, id);
            let refusal = shedding::refusal(&shedding.rules, load.share, priority);
            if refusal > 0.0 && attempt.key.child(purpose::SHEDDING).happens(refusal) {
                return Some(Reason::CpuBusy);
            }
        }
        let limit = extras.limit?;
        if extras.in_hand(server.present) < limit.requests() {
            return None;
        }
        let lane = lane(cx.blueprint, &self.attempts, rules.discipline, id);
        match server.queue.less_urgent_than(&self.attempts, lane) {
            Some(other) => {
                self.leaves_queue(cx, other, task, Reason::Displaced);
                None
            }
            None => Some(Reason::ConcurrencyLimit),
        }
    }

    /// A strand waits for a worker or a loop of a server with rules.
    #[cold]
    #[inline(never)]
    pub(super) fn waits(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>) {
        let server = self
            .servers
            .get_mut(task)
            .expect("a strand waits at a server that lives");
        let rules = self.rulebook.of(server.revision);
        let lane = lane(cx.blueprint, &self.attempts, rules.discipline, id);
        let was_empty = server.queue.is_empty();
        server.queue.push_in(&mut self.attempts, id, lane);
        let extras = server.extras.as_mut().expect("a server with rules");
        let since = extras.standing.joined(cx.now(), was_empty);
        let Some(known) = self.rulebook.in_hand.get(id).copied() else {
            // A branch of a `parallel` step: the request has long been taken in.
            return;
        };
        let attempt = &self.attempts[id];
        let had_a_turn = (0..attempt.step)
            .any(|before| matches!(self.programs.step(attempt.program, before), Some(step) if matches!(step.what, What::Cpu(_))));
        let wait = if known.wait == Wait::NotYet && !had_a_turn {
            let until = self.patience(cx, id, rules, since);
            Wait::First { until }
        } else {
            Wait::Over
        };
        self.rulebook.in_hand.put(id, InHand { wait, ..known });
    }

    /// How long somebody who joins a queue that has stood since then may wait; the end of it is scheduled.
    fn patience(&self, cx: &mut Context<'_>, id: Id<Attempt>, rules: &Rules, standing_since: Instant) -> Instant {
        let now = cx.now();
        let mut until = Instant::NEVER;
        if let Some(delay) = &rules.timeout {
            let span = delay.span(self.attempts[id].key.child(purpose::QUEUE_TIMEOUT));
            until = now + span;
        }
        let event = Event::data(DataEvent::QueueTimeout, id);
        if let Some((rule, [target, interval])) = rules.controlled_delay {
            let stands = now.since(standing_since) > rule.interval;
            let (span, lane) = if stands {
                (rule.target, target)
            } else {
                (rule.interval, interval)
            };
            if now + span <= until {
                cx.calendar.schedule_in_lane(lane, event);
                return now + span;
            }
        }
        if until < Instant::NEVER {
            cx.calendar.schedule_at(until, event);
        }
        until
    }

    /// A request has waited as long as it may, unless it has got its worker meanwhile.
    #[cold]
    pub(super) fn queue_timeout(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id) else {
            return;
        };
        let (Phase::Queued(_), Some(task), Some(known)) = (attempt.phase, attempt.task, self.rulebook.in_hand.get(id))
        else {
            return;
        };
        if known.wait == (Wait::First { until: cx.now() }) {
            self.leaves_queue(cx, id, task, Reason::WaitedTooLong);
        }
    }

    /// A request that waits at a server is turned away.
    fn leaves_queue(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>, reason: Reason) {
        let server = self
            .servers
            .get_mut(task)
            .expect("who is queued is so at a server that lives");
        server.queue.remove(&mut self.attempts, id);
        server.present -= 1;
        self.rulebook.forget(&mut self.attempts[id], id);
        self.turn_away(cx, id, task, reason);
    }

    /// A request that the server does not have in hand is told no, which may cost CPU time.
    fn turn_away(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, task: Id<Task>, reason: Reason) {
        let server = self.servers.get_mut(task).expect("a server that lives says no");
        let cost = self.rulebook.of(server.revision).refusal_cpu;
        if cost.is_zero() {
            return self.answer_unserved(cx, id, Answer::Overloaded(reason.here()));
        }
        server.present += 1;
        let extras = server.extras.as_mut().expect("a server with rules");
        extras.turning_away += 1;
        server.cpu.admit(cx.now(), id, cost);
        self.cpus_changed.push(task.index());
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::OnCpu;
        // Beyond the last step of any program.
        attempt.step = u16::MAX;
        attempt.flags.set(Flags::HAS_RULES);
        let known = InHand {
            arrived: cx.now(),
            wait: Wait::Over,
            refusal: Some(reason),
        };
        self.rulebook.in_hand.put(id, known);
    }

    /// A request leaves a server with rules: with this answer, or with none because it was cut short. Gives the answer
    /// that it really has.
    #[cold]
    #[inline(never)]
    pub(super) fn leaves_server_with_rules(
        &mut self,
        now: Instant,
        id: Id<Attempt>,
        answer: Option<Answer>,
    ) -> Option<Answer> {
        let attempt = &mut self.attempts[id];
        attempt.flags.clear(Flags::HAS_RULES);
        let known = self.rulebook.in_hand.take(id)?;
        let task = attempt.task.expect("a request is in the hands of a task");
        let server = self.servers.get_mut(task)?;
        let extras = server.extras.as_mut().expect("a server with rules");
        if let Some(reason) = known.refusal {
            extras.turning_away -= 1;
            return answer.map(|_| Answer::Overloaded(reason.here()));
        }
        if answer.is_some() {
            extras.answered = extras.answered.saturating_add(1);
            if let Some(state) = &mut extras.brown_out {
                answered(state, now, known.arrived);
            }
        }
        let in_hand = extras.in_hand(server.present);
        if let (Some(state), Some(law)) = (&mut extras.limit, self.rulebook.of(server.revision).concurrency)
            && answer == Some(Answer::Success)
        {
            let sample = Sample {
                // Nothing takes no time at all; a nanosecond keeps ratios finite.
                latency: now.since(known.arrived).max(Span::from_nanos(1)).seconds(),
                in_hand,
            };
            *state = concurrency::adjusted(law, *state, Ended::Answered(sample), now);
        }
        answer
    }
}

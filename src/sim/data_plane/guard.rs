//! Guards at work: budgets, breakers, limits, bulkheads, deadlines and hedges between a site and whom it sends to.
//!
//! A site without guards has no [`SiteExtras`] and pays one look at that; an attempt that a guard has to be told of
//! when it ends says so by a flag and has a row beside it. The decisions are `policy`'s.

mod bulkhead;
mod callers;
mod hedge;
mod told;

use super::DataPlane;
use super::site::SiteState;
use crate::blueprint::{DeadlineMode, Fallback, Guards, HedgeAfter, RetryAfter};
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::rate::TokenBucket;
use crate::engine::arena::Id;
use crate::engine::calendar::{Calendar, LaneId};
use crate::policy::budget::Budget;
use crate::policy::circuit_breaker::{Breaker, Permit};
use crate::policy::quantile::Percentile;
use crate::sim::context::Context;
use crate::sim::event::Event;
use crate::units::{Instant, Span};
use bulkhead::Places;
use callers::{Callers, Who};
pub(super) use hedge::Heard;
use hedge::Party;
use told::Change;

/// What few sites have.
pub(super) struct SiteExtras {
    guards: Guards,
    budgets: Callers<Budget>,
    hedge_budgets: Callers<Budget>,
    breakers: Callers<Breaker>,
    limits: Callers<TokenBucket>,
    bulkheads: Callers<Places>,
    /// Of what has been answered well, for hedges after a percentile.
    latency: Option<Percentile>,
    /// Of its hedges: what is due after a percentile comes nearly in order.
    hedges: LaneId,
    /// Whether the retry budget hears how attempts end.
    budget_hears: bool,
    /// Whether anybody here has to be told how an attempt ends.
    is_told: bool,
    /// Changes of its breakers that have been told.
    told: u32,
}

impl SiteExtras {
    /// `None` if the site has no guards.
    pub fn new(guards: &Guards, calendar: &mut Calendar<Event>) -> Option<Box<SiteExtras>> {
        if guards.is_none() {
            return None;
        }
        let percentile = guards.hedge.as_ref().and_then(|hedge| match hedge.after {
            HedgeAfter::Span(_) => None,
            HedgeAfter::Percentile(share) => Some(Percentile::new(share)),
        });
        let budget_hears = guards.budget.is_some_and(|budget| budget.rule.hears_answers());
        Some(Box::new(SiteExtras {
            guards: guards.clone(),
            budgets: Callers::default(),
            hedge_budgets: Callers::default(),
            breakers: Callers::default(),
            limits: Callers::default(),
            bulkheads: Callers::default(),
            latency: percentile,
            hedges: calendar.own_lane(),
            budget_hears,
            is_told: budget_hears || guards.breaker.is_some() || guards.bulkhead.is_some() || guards.hedge.is_some(),
            told: 0,
        }))
    }

    /// Asks breaker, limit and bulkhead, in this order.
    #[inline]
    fn check(&mut self, who: Who, now: Instant, waiting: Waiting) -> (Result<Pass, Reason>, Option<Change>) {
        let mut change = None;
        let mut permit = None;
        if let Some(rule) = &self.guards.breaker {
            let breaker = self.breakers.of(who, rule.scope, || Breaker::new(rule));
            let before = breaker.phase();
            permit = breaker.ask(rule, now);
            change = breaker.phase().changed_from(before);
            if permit.is_none() {
                return (Err(Reason::BreakerOpen), change);
            }
        }
        let place = self.takes_place(who, now, waiting);
        if let (Err(_), Some(rule), Some(permit)) = (place, &self.guards.breaker, permit)
            && let Some(breaker) = self.breakers.known(who, rule.scope)
        {
            breaker.abandoned(permit);
        }
        (place.map(|place| Pass { permit, place }), change)
    }

    fn takes_place(&mut self, who: Who, now: Instant, waiting: Waiting) -> Result<Place, Reason> {
        if let Some(rule) = &self.guards.rate_limit {
            let bucket = self
                .limits
                .of(who, rule.scope, || TokenBucket::new(rule.burst, rule.per_second));
            if bucket.available(now) == 0 {
                return Err(Reason::CallRateLimited);
            }
            bucket.take_one(now);
        }
        let Some(rule) = &self.guards.bulkhead else {
            return Ok(Place::None);
        };
        let places = self.bulkheads.of(who, rule.scope, || Places::new(rule));
        if places.has_room() {
            places.taken += 1;
            return Ok(Place::Holds);
        }
        match waiting {
            Waiting::Allowed if rule.max_waiting > 0 => Ok(Place::Waits),
            _ => Err(Reason::BulkheadFull),
        }
    }
}

/// Whether an attempt may wait for a place in a bulkhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Allowed,
    /// Hedges do not.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    None,
    Waits,
    Holds,
}

#[derive(Clone, Copy, Debug)]
struct Pass {
    permit: Option<Permit>,
    place: Place,
}

/// What is remembered of an attempt that the guards have let through or keep waiting, until it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarded {
    who: Who,
    permit: Option<Permit>,
    place: Place,
    /// Of the first attempt of its party.
    sent: Instant,
    /// Its patience does not last longer.
    until: Instant,
    party: Party,
}

/// What the guards make of an attempt that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// Patience lasts no longer than this.
    Given { until: Instant },
    /// It waits here, or has been answered.
    Kept,
}

impl DataPlane {
    /// Asks the guards of its site whether an attempt may be sent.
    #[inline(never)]
    pub(super) fn ask_leave(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> Leave {
        let now = cx.now();
        let attempt = &self.attempts[id];
        let (site, number) = (attempt.site, attempt.number);
        let (Some(who), Some(extras)) = (
            Who::sends(&self.attempts, attempt),
            self.sites[site.at()].extras.as_deref_mut(),
        ) else {
            return Leave::Given { until: Instant::NEVER };
        };
        if attempt.flags.has(Flags::GUARDED) {
            return self.leaves(cx, id);
        }
        let propagates = extras.guards.deadline == DeadlineMode::Propagate;
        let until = match attempt.caller {
            Caller::Strand(parent) if propagates => self.attempts[parent].deadline_known(),
            _ => Instant::NEVER,
        };
        if until <= now {
            self.answer_here(cx, id, Answer::Rejected(Reason::DeadlineOver.here()));
            return Leave::Kept;
        }
        if number == 1 {
            if let Some(budget) = &extras.guards.budget {
                let state = extras.budgets.of(who, budget.scope, || Budget::new(&budget.rule));
                state.requested(&budget.rule, now);
            }
            if let Some(budget) = extras.guards.hedge.as_ref().and_then(|hedge| hedge.budget.as_ref()) {
                let state = extras.hedge_budgets.of(who, budget.scope, || Budget::new(&budget.rule));
                state.requested(&budget.rule, now);
            }
        }
        let (pass, change) = extras.check(who, now, Waiting::Allowed);
        let leave = match pass {
            Err(reason) => {
                self.answer_here(cx, id, Answer::Rejected(reason.here()));
                Leave::Kept
            }
            Ok(pass) => {
                let attempt = &mut self.attempts[id];
                if propagates && pass.place != Place::Waits {
                    attempt.flags.set(Flags::DEADLINE);
                }
                if extras.is_told {
                    attempt.flags.set(Flags::GUARDED);
                    let row = Guarded {
                        who,
                        permit: pass.permit,
                        place: pass.place,
                        sent: now,
                        until,
                        party: extras.party(),
                    };
                    self.guarded.put(id, row);
                }
                if pass.place == Place::Waits {
                    self.waits_for_place(cx, id, who)
                } else {
                    extras.schedule_hedge(cx, id, extras.hedge_after());
                    Leave::Given { until }
                }
            }
        };
        if let Some(change) = change {
            self.breaker_changed(cx, id, change);
        }
        leave
    }

    /// An attempt with a row goes on its way.
    fn leaves(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> Leave {
        let now = cx.now();
        let attempt = &mut self.attempts[id];
        let Some(extras) = self.sites[attempt.site.at()].extras.as_deref() else {
            unreachable!("only a site with guards lets through")
        };
        let row = self.guarded.get_mut(id).expect("who is guarded has a row");
        if row.until <= now {
            self.answer_here(cx, id, Answer::Rejected(Reason::DeadlineOver.here()));
            return Leave::Kept;
        }
        if extras.guards.deadline == DeadlineMode::Propagate {
            attempt.flags.set(Flags::DEADLINE);
        }
        let until = row.until;
        if !matches!(row.party, Party::Follows(_)) {
            row.sent = now;
        }
        if let Party::Leads { .. } = row.party {
            extras.schedule_hedge(cx, id, extras.hedge_after());
        }
        Leave::Given { until }
    }

    /// Tells the guards how an attempt has ended that they have let through.
    #[inline(never)]
    pub(super) fn guards_hear(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) -> Heard {
        let now = cx.now();
        let attempt = &mut self.attempts[id];
        attempt.flags.clear(Flags::GUARDED);
        let (Some(extras), Some(row)) = (
            self.sites[attempt.site.at()].extras.as_deref_mut(),
            self.guarded.get(id),
        ) else {
            return Heard::Counts;
        };
        extras.bulkhead_hears(row, answer, now);
        let success = !answer.is_failure_of_callee();
        let mut change = None;
        match answer {
            // That says nothing about the callee.
            Answer::Rejected(_) => extras.abandons(row),
            _ => {
                if let (Some(budget), true) = (&extras.guards.budget, extras.budget_hears) {
                    let state = extras.budgets.of(row.who, budget.scope, || Budget::new(&budget.rule));
                    state.answered(&budget.rule, now, success);
                }
                if let (Some(rule), Some(permit)) = (&extras.guards.breaker, row.permit)
                    && let Some(breaker) = extras.breakers.known(row.who, rule.scope)
                {
                    let before = breaker.phase();
                    breaker.settled(rule, now, permit, success);
                    change = breaker.phase().changed_from(before);
                }
                if let (Some(latency), true) = (&mut extras.latency, success) {
                    latency.record(now.since(row.sent));
                }
            }
        }
        // Nearly always nobody else has a part in it.
        let ends_alone = row.place != Place::Holds && row.party.is_one();
        let row = if ends_alone {
            self.guarded.drop_row(id);
            None
        } else {
            self.guarded.take(id)
        };
        if let Some(change) = change {
            self.breaker_changed(cx, id, change);
        }
        let Some(row) = row else { return Heard::Counts };
        self.leaves_place(cx, id, &row);
        self.party_hears(cx, id, &row, success && !matches!(answer, Answer::Rejected(_)))
    }

    /// Nobody waits any more for an attempt that the guards have let through or keep waiting.
    #[inline(never)]
    pub(super) fn guards_forget(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some((row, extras)) = self.take_row(id) else {
            return;
        };
        extras.abandons(&row);
        self.leaves_place(cx, id, &row);
        self.party_ends(cx, &row);
    }

    /// Another record takes over what the guards know of an attempt.
    #[inline(never)]
    pub(super) fn guarded_goes_on_as(&mut self, id: Id<Attempt>, other: Id<Attempt>) {
        self.attempts[id].flags.clear(Flags::GUARDED);
        let Some(row) = self.guarded.take(id) else { return };
        self.attempts[other].flags.set(Flags::GUARDED);
        match row.party {
            Party::Alone => {}
            Party::Leads { others, .. } => {
                for follower in others.into_iter().flatten() {
                    if let Some(row) = self.guarded.get_mut(follower) {
                        row.party = Party::Follows(other);
                    }
                }
            }
            Party::Follows(lead) => {
                if let Some(Guarded {
                    party: Party::Leads { others, .. },
                    ..
                }) = self.guarded.get_mut(lead)
                {
                    for follower in others.iter_mut().filter(|it| **it == Some(id)) {
                        *follower = Some(other);
                    }
                }
            }
        }
        self.guarded.put(other, row);
    }

    /// Takes an attempt's row out.
    fn take_row(&mut self, id: Id<Attempt>) -> Option<(Guarded, &mut SiteExtras)> {
        let attempt = self.attempts.get_mut(id)?;
        attempt.flags.clear(Flags::GUARDED);
        let extras = self.sites[attempt.site.at()].extras.as_deref_mut()?;
        Some((self.guarded.take(id)?, extras))
    }

    /// Whether a site's guards allow another attempt after one that was answered so.
    #[inline(never)]
    pub(super) fn guards_allow_retry(&mut self, cx: &Context<'_>, id: Id<Attempt>, answer: Answer) -> bool {
        let attempt = &self.attempts[id];
        let site = &mut self.sites[attempt.site.at()];
        let Some(extras) = site.extras.as_deref_mut() else {
            return true;
        };
        let on = extras.guards.retry_on;
        let wanted = match answer {
            Answer::TimedOut(_) => on.timeout,
            Answer::Refused(_) => on.refused,
            Answer::Failure(_) | Answer::Error(500..) => on.server_error,
            Answer::BadGateway(_) => on.bad_gateway,
            Answer::ServiceUnavailable(_) | Answer::Overloaded(_) => on.service_unavailable,
            Answer::GatewayTimeout(_) => on.gateway_timeout,
            Answer::Success | Answer::NotFound | Answer::Error(_) | Answer::Fixed(_) | Answer::Rejected(_) => false,
        };
        if !wanted {
            return false;
        }
        match (&extras.guards.budget, Who::sends(&self.attempts, attempt)) {
            (Some(budget), Some(who)) => {
                let state = extras.budgets.of(who, budget.scope, || Budget::new(&budget.rule));
                let allowed = state.spend(&budget.rule, cx.now());
                site.sent.denied += u64::from(!allowed);
                allowed
            }
            _ => true,
        }
    }

    /// How long an answer asks its caller to wait before it tries again, as far as the caller listens.
    #[inline(never)]
    pub(super) fn asked_to_wait(&self, attempt: &Attempt, answer: Answer) -> Span {
        let extras = self.sites[attempt.site.at()].extras.as_deref();
        let listens = extras.is_some_and(|extras| extras.guards.retry_after == RetryAfter::Honoured);
        match answer {
            Answer::Overloaded(_) if listens => self.operations.revision(attempt.served).retry_after,
            _ => Span::ZERO,
        }
    }

    /// A call has failed for good. Whether its caller goes on with the call's fallback; if so, it stands there.
    #[inline(never)]
    pub(super) fn falls_back(&mut self, call: Id<Attempt>, caller: Id<Attempt>) -> bool {
        let site = &mut self.sites[self.attempts[call].site.at()];
        let has_one = |extras: &SiteExtras| extras.guards.fallback == Fallback::Steps;
        if !site.extras.as_deref().is_some_and(has_one) {
            return false;
        }
        site.sent.fallbacks += 1;
        let strand = &mut self.attempts[caller];
        // Past the jump that leads around it.
        strand.step += 1;
        strand.phase = Phase::Ready;
        strand.flags.set(Flags::DEGRADED);
        true
    }

    /// Ends an attempt's patience earlier than its own timeout does.
    #[cold]
    #[inline(never)]
    pub(super) fn bound_patience(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, until: Instant) {
        let Some(attempt) = self.attempts.get_mut(id) else {
            return;
        };
        if attempt.due <= until || attempt.deadline.is_none() {
            return;
        }
        attempt.due = until;
        self.deadlines.remove(&mut self.attempts, id);
        self.patience_goes_on(cx, id);
    }

    /// A strand that knows its deadline looks at it before each step; gives whether it ends here.
    #[cold]
    #[inline(never)]
    pub(super) fn abandons_late_work(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let attempt = &self.attempts[id];
        let late = cx.now() >= attempt.due
            && self.operations.revision(attempt.served).on_deadline == crate::blueprint::OnDeadline::Abandon;
        if late {
            self.strand_fails(cx, id, Reason::DeadlineOver.here());
        }
        late
    }
}

impl SiteExtras {
    /// An attempt ends without an answer that would say anything.
    fn abandons(&mut self, row: &Guarded) {
        if let (Some(rule), Some(permit)) = (&self.guards.breaker, row.permit)
            && let Some(breaker) = self.breakers.known(row.who, rule.scope)
        {
            breaker.abandoned(permit);
        }
    }
}

/// Guards of a site, if it has any.
impl SiteState {
    #[inline(always)]
    pub fn is_guarded(&self) -> bool {
        self.extras.is_some()
    }
}

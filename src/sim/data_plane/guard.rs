//! Guards at work: budgets and circuit breakers between a site and whom it sends to.
//!
//! A site without guards has no [`SiteExtras`] and pays one look at that; an attempt that a guard has to be told of
//! when it ends says so by a flag and has a row beside it. The decisions are `policy`'s.

use super::DataPlane;
use super::site::SiteState;
use crate::blueprint::{Blueprint, BudgetRule, Callee, Destination, Guards, SharedBy};
use crate::cluster::attempt::{Answer, Attempt, Caller, Flags};
use crate::cluster::cause::Reason;
use crate::engine::arena::{Arena, Id};
use crate::policy::budget::Budget;
use crate::policy::circuit_breaker::{Breaker, Permit};
use crate::sim::context::Context;
use crate::sim::observation::{Event, EventKind, Observation};

/// What few sites have.
pub(super) struct SiteExtras {
    guards: Guards,
    budgets: Callers<Budget>,
    breakers: Callers<Breaker>,
    /// Changes of its breakers that have been told.
    told: u32,
}

impl SiteExtras {
    /// `None` if the site has no guards.
    pub fn new(guards: &Guards) -> Option<Box<SiteExtras>> {
        (!guards.is_none()).then(|| {
            Box::new(SiteExtras {
                guards: guards.clone(),
                budgets: Callers::default(),
                breakers: Callers::default(),
                told: 0,
            })
        })
    }

    /// Whether somebody has to be told how an attempt ends.
    fn is_told(&self) -> bool {
        let budget = self.guards.budget.is_some_and(|budget| match budget.rule {
            BudgetRule::Ratio { .. } => false,
            BudgetRule::Tokens(rule) => rule.per_success > 0.0,
            BudgetRule::FailuresBelow { .. } => true,
        });
        budget || self.guards.breaker.is_some()
    }
}

/// The state that each caller has of its own, or all have together.
struct Callers<T> {
    rows: Vec<Option<(u32, T)>>,
}

impl<T> Default for Callers<T> {
    fn default() -> Self {
        Callers { rows: Vec::new() }
    }
}

impl<T> Callers<T> {
    /// A caller that has none yet begins with a new one.
    fn of(&mut self, who: Who, scope: SharedBy, new: impl FnOnce() -> T) -> &mut T {
        let who = if scope == SharedBy::All { Who::EVERYBODY } else { who };
        let slot = who.slot as usize;
        if self.rows.len() <= slot {
            self.rows.resize_with(slot + 1, || None);
        }
        let row = &mut self.rows[slot];
        if !matches!(row, Some((life, _)) if *life == who.life) {
            *row = Some((who.life, new()));
        }
        &mut row.as_mut().expect("it has just been put there").1
    }
}

/// A caller: a task, or one of the clients of a traffic source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Who {
    slot: u32,
    /// Tells one user of the slot from the next.
    life: u32,
}

impl Who {
    /// All callers together, and clients that are not told apart.
    const EVERYBODY: Who = Who { slot: 0, life: 0 };
}

/// Who sends an attempt; `None` if that is gone.
fn who(attempts: &Arena<Attempt>, attempt: &Attempt) -> Option<Who> {
    match attempt.caller {
        Caller::Client(_, browser) => Some(browser.at().map_or(Who::EVERYBODY, |at| Who {
            slot: at as u32,
            life: 0,
        })),
        Caller::Strand(parent) => attempts.get(parent)?.task.map(|task| Who {
            slot: task.index(),
            life: task.generation(),
        }),
        _ => None,
    }
}

/// What is remembered of an attempt that a guard has let through, until it ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarded {
    who: Who,
    permit: Option<Permit>,
}

/// What the guards make of an attempt that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    Given,
    /// It has been answered here.
    Refused,
}

impl DataPlane {
    /// Asks the guards of its site whether an attempt may be sent.
    #[inline(never)]
    pub(super) fn ask_leave(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> Leave {
        let now = cx.now();
        let attempt = &self.attempts[id];
        let (Some(who), Some(extras)) = (
            who(&self.attempts, attempt),
            self.sites[attempt.site.at()].extras.as_deref_mut(),
        ) else {
            return Leave::Given;
        };
        if let Some(budget) = &extras.guards.budget
            && attempt.number == 1
        {
            let state = extras.budgets.of(who, budget.scope, || Budget::new(&budget.rule));
            state.requested(&budget.rule, now);
        }
        let mut permit = None;
        if let Some(rule) = &extras.guards.breaker {
            let breaker = extras.breakers.of(who, rule.scope, || Breaker::new(rule));
            let before = breaker.phase();
            permit = breaker.ask(rule, now);
            let after = breaker.phase();
            if before.name() != after.name() {
                self.breaker_changed(cx, id, before.name(), after.name());
            }
            if permit.is_none() {
                self.answer_here(cx, id, Answer::Rejected(Reason::BreakerOpen.here()));
                return Leave::Refused;
            }
        }
        let extras = self.sites[self.attempts[id].site.at()].extras.as_deref();
        if extras.is_some_and(SiteExtras::is_told) {
            self.attempts[id].flags.set(Flags::GUARDED);
            self.guarded.put(id, Guarded { who, permit });
        }
        Leave::Given
    }

    /// Tells the guards how an attempt has ended that they have let through.
    #[inline(never)]
    pub(super) fn guards_hear(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, answer: Answer) {
        let now = cx.now();
        let Some((guarded, extras)) = self.let_go(id) else {
            return;
        };
        let success = !answer.is_failure_of_callee();
        if let Some(budget) = &extras.guards.budget {
            let state = extras
                .budgets
                .of(guarded.who, budget.scope, || Budget::new(&budget.rule));
            state.answered(&budget.rule, now, success);
        }
        if let (Some(rule), Some(permit)) = (&extras.guards.breaker, guarded.permit) {
            let breaker = extras.breakers.of(guarded.who, rule.scope, || Breaker::new(rule));
            let before = breaker.phase();
            breaker.settled(rule, now, permit, success);
            let after = breaker.phase();
            if before.name() != after.name() {
                self.breaker_changed(cx, id, before.name(), after.name());
            }
        }
    }

    /// Nobody waits any more for an attempt that the guards have let through.
    #[inline(never)]
    pub(super) fn guards_forget(&mut self, id: Id<Attempt>) {
        let Some((guarded, extras)) = self.let_go(id) else {
            return;
        };
        if let (Some(rule), Some(permit)) = (&extras.guards.breaker, guarded.permit) {
            let breaker = extras.breakers.of(guarded.who, rule.scope, || Breaker::new(rule));
            breaker.abandoned(permit);
        }
    }

    /// Another record takes over what the guards know of an attempt.
    #[inline(never)]
    pub(super) fn guarded_goes_on_as(&mut self, id: Id<Attempt>, other: Id<Attempt>) {
        self.attempts[id].flags.clear(Flags::GUARDED);
        if let Some(row) = self.guarded.take(id) {
            self.attempts[other].flags.set(Flags::GUARDED);
            self.guarded.put(other, row);
        }
    }

    /// Takes an attempt's row out.
    fn let_go(&mut self, id: Id<Attempt>) -> Option<(Guarded, &mut SiteExtras)> {
        let attempt = self.attempts.get_mut(id)?;
        attempt.flags.clear(Flags::GUARDED);
        let extras = self.sites[attempt.site.at()].extras.as_deref_mut()?;
        Some((self.guarded.take(id)?, extras))
    }

    /// Whether a site's guards allow another attempt after one that was answered so.
    #[inline(never)]
    pub(super) fn guards_allow_retry(&mut self, cx: &Context<'_>, id: Id<Attempt>, answer: Answer) -> bool {
        let attempt = &self.attempts[id];
        let Some(extras) = self.sites[attempt.site.at()].extras.as_deref_mut() else {
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
        match (&extras.guards.budget, who(&self.attempts, attempt)) {
            (Some(budget), Some(who)) => extras
                .budgets
                .of(who, budget.scope, || Budget::new(&budget.rule))
                .spend(&budget.rule, cx.now()),
            _ => true,
        }
    }

    /// Says that a breaker has changed, unless enough has been said.
    #[cold]
    fn breaker_changed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, from: &'static str, to: &'static str) {
        const MOST_TOLD: u32 = 1000;
        let attempt = &self.attempts[id];
        let site = attempt.site;
        let caller = match attempt.caller {
            Caller::Strand(parent) => self.attempts.get(parent),
            _ => None,
        };
        let by = caller.map(|caller| self.operations.revision(caller.served));
        let (zone, service, revision) = (
            caller.and_then(|caller| caller.zone),
            by.map(|by| by.service),
            by.map(|by| by.revision),
        );
        let Some(extras) = self.sites[site.at()].extras.as_deref_mut() else {
            return;
        };
        extras.told += 1;
        if extras.told > MOST_TOLD {
            return;
        }
        let mut reason = name(cx.blueprint, site.at());
        if extras.told == MOST_TOLD {
            reason.push_str("; further changes are not listed");
        }
        cx.observations.push(Observation::Happened(Event {
            at: cx.now(),
            kind: EventKind::CircuitBreaker,
            service,
            deployment: None,
            revision,
            task: None,
            instance: None,
            zone,
            from: from.to_owned(),
            to: to.to_owned(),
            reason,
        }));
    }
}

/// `checkout/buy/2 → payments`.
fn name(blueprint: &Blueprint, site: usize) -> String {
    let balancer = |at: crate::blueprint::LoadBalancerIx| &blueprint.load_balancers[at.at()].name;
    let (from, to) = match blueprint.calls.get(site) {
        Some(call) => (
            &call.name,
            match &call.to {
                Callee::Service { service, .. } => &blueprint.services[service.at()].name,
                Callee::LoadBalancer { load_balancer, .. } => balancer(*load_balancer),
                Callee::Dependency(at) => &blueprint.dependencies[at.at()].name,
            },
        ),
        None => {
            let traffic = &blueprint.traffic[site - blueprint.calls.len()];
            let to = match traffic.to {
                Destination::LoadBalancer { load_balancer, .. } => balancer(load_balancer),
                Destination::Service { service, .. } => &blueprint.services[service.at()].name,
            };
            (&traffic.name, to)
        }
    };
    format!("{from} → {to}")
}

/// Guards of a site, if it has any.
impl SiteState {
    #[inline(always)]
    pub fn is_guarded(&self) -> bool {
        self.extras.is_some()
    }
}

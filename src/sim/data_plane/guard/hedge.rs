//! Hedges: a second attempt beside one that is slow; the first good answer counts.
//!
//! The attempts of one try make a party. Its caller waits for the one that leads; the others know it. A failure is
//! passed over while another member is out; whoever brings a good answer takes the lead, and the others lose their
//! caller as one that times out does.

use super::Guarded;
use super::callers::Who;
use crate::blueprint::HedgeAfter;
use crate::cluster::attempt::{Attempt, Caller, Flags, Phase};
use crate::engine::arena::Id;
use crate::policy::budget::Budget;
use crate::policy::quantile::Percentile;
use crate::sim::context::Context;
use crate::sim::data_plane::{DataPlane, purpose};
use crate::sim::event::{DataEvent, Event};
use crate::units::{Instant, Span};

/// Hedges beside one attempt at most.
pub(super) const MOST: usize = 4;

/// An attempt's place among those of the same try.
#[derive(Clone, Copy, Debug)]
pub(super) enum Party {
    Alone,
    Leads {
        others: [Option<Id<Attempt>>; MOST],
        sent: u8,
    },
    Follows(Id<Attempt>),
}

impl Party {
    pub const NEW: Party = Party::Leads {
        others: [None; MOST],
        sent: 0,
    };

    /// Whether it has had one member only.
    #[inline]
    pub fn is_one(&self) -> bool {
        matches!(self, Party::Alone | Party::Leads { sent: 0, .. })
    }
}

/// What the caller makes of an answer to a member of a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim::data_plane) enum Heard {
    /// It counts.
    Counts,
    /// It failed, and another member is still out.
    PassedOver,
}

impl super::SiteExtras {
    /// How long after an attempt a hedge follows, if one does.
    #[inline]
    pub(super) fn hedge_after(&self) -> Option<Span> {
        match self.guards.hedge.as_ref()?.after {
            HedgeAfter::Span(span) => Some(span),
            HedgeAfter::Percentile(_) => self.latency.as_ref().and_then(Percentile::value),
        }
    }

    /// Of an attempt that is sent by itself.
    #[inline]
    pub(super) fn party(&self) -> Party {
        match self.guards.hedge {
            Some(_) => Party::NEW,
            None => Party::Alone,
        }
    }

    /// Has a hedge follow after a span, if one does.
    #[inline]
    pub(super) fn schedule_hedge(&self, cx: &mut Context<'_>, id: Id<Attempt>, after: Option<Span>) {
        if let Some(after) = after {
            let due = cx.now() + after;
            cx.calendar
                .schedule_at_in_lane(self.hedges, due, Event::data(DataEvent::HedgeDue, id));
        }
    }

    /// Whether the budget has one more hedge.
    fn affords_hedge(&mut self, who: Who, now: Instant) -> bool {
        let Some(budget) = self.guards.hedge.as_ref().and_then(|hedge| hedge.budget.as_ref()) else {
            return true;
        };
        self.hedge_budgets
            .of(who, budget.scope, || Budget::new(&budget.rule))
            .spend(&budget.rule, now)
    }
}

impl DataPlane {
    /// An attempt has been out for long enough: another goes beside it.
    pub(in crate::sim::data_plane) fn hedge_due(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let now = cx.now();
        let Some(attempt) = self.attempts.get(id).filter(|lead| lead.flags.has(Flags::GUARDED)) else {
            return;
        };
        let site = attempt.site;
        let (Some(who), Some(extras), Some(row)) = (
            Who::sends(&self.attempts, attempt),
            self.sites[site.at()].extras.as_deref_mut(),
            self.guarded.get(id).copied(),
        ) else {
            return;
        };
        let Party::Leads { mut others, sent } = row.party else {
            return;
        };
        if !extras.affords_hedge(who, now) {
            self.sites[site.at()].sent.denied += 1;
            return;
        }
        let (pass, change) = extras.check(who, now, super::Waiting::Never);
        let again = (u32::from(sent) + 1 < extras.guards.hedge.as_ref().map_or(0, |hedge| hedge.max))
            .then(|| extras.hedge_after())
            .flatten();
        if let Some(change) = change {
            self.breaker_changed(cx, id, change);
        }
        let Ok(pass) = pass else { return };
        let attempt = &self.attempts[id];
        let (due, number) = (attempt.due, attempt.number);
        let hedge = Attempt {
            due: Instant::NEVER,
            phase: Phase::Paused,
            ..self.same_again(id, attempt.key.child(purpose::HEDGE).child(u64::from(sent)))
        };
        let hedge = self.attempts.insert(hedge);
        self.attempts[hedge].flags.set(Flags::GUARDED);
        self.keeps_course(id, hedge);
        if let Some(free) = others.iter_mut().find(|other| other.is_none()) {
            *free = Some(hedge);
        }
        let lead = Guarded {
            party: Party::Leads { others, sent: sent + 1 },
            ..row
        };
        self.guarded.put(id, lead);
        let follower = Guarded {
            permit: pass.permit,
            place: pass.place,
            until: due,
            party: Party::Follows(id),
            ..row
        };
        self.guarded.put(hedge, follower);
        if let Some(extras) = self.sites[site.at()].extras.as_deref() {
            extras.schedule_hedge(cx, id, again);
        }
        let before = self.sites[site.at()].sent.attempts;
        self.send(cx, hedge);
        let sent = &mut self.sites[site.at()].sent;
        if sent.attempts != before {
            sent.attempts[usize::from(number > 1)] -= 1;
            sent.attempts[1] += 1;
            sent.hedged += 1;
        }
    }

    /// What an answer to a member means for its party. Its row has been taken out already.
    pub(super) fn party_hears(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, row: &Guarded, good: bool) -> Heard {
        let (lead, mut others, sent) = match row.party {
            Party::Alone => return Heard::Counts,
            Party::Leads { others, sent } => (id, others, sent),
            Party::Follows(lead) => match self.guarded.get(lead).map(|row| row.party) {
                Some(Party::Leads { others, sent }) => (lead, others, sent),
                _ => return Heard::Counts,
            },
        };
        for other in &mut others {
            if *other == Some(id) {
                *other = None;
            }
        }
        let caller = self.attempts[id].caller;
        if good {
            if let (true, Caller::Strand(parent)) = (lead != id, caller) {
                self.now_calls(parent, lead, id);
            }
            if lead != id {
                self.sites[self.attempts[id].site.at()].sent.hedges_won += 1;
            }
            // For the client's count of its attempts.
            self.attempts[id].number += u16::from(sent);
            let losers = others.into_iter().flatten().chain((lead != id).then_some(lead));
            for loser in losers {
                if let Some(row) = self.guarded.get_mut(loser) {
                    row.party = Party::Alone;
                }
                self.disconnect(cx, loser);
            }
            return Heard::Counts;
        }
        if lead != id {
            // The one that leads goes on without it.
            if let Some(row) = self.guarded.get_mut(lead) {
                row.party = Party::Leads { others, sent };
            }
            return Heard::PassedOver;
        }
        let Some(next) = others.iter_mut().find_map(Option::take) else {
            return Heard::Counts;
        };
        for other in others.into_iter().flatten() {
            if let Some(row) = self.guarded.get_mut(other) {
                row.party = Party::Follows(next);
            }
        }
        if let Some(row) = self.guarded.get_mut(next) {
            row.party = Party::Leads { others, sent };
        }
        if let Caller::Strand(parent) = caller {
            self.now_calls(parent, id, next);
        }
        Heard::PassedOver
    }

    /// The caller of a party is gone: so are its other members'.
    pub(super) fn party_ends(&mut self, cx: &mut Context<'_>, row: &Guarded) {
        let Party::Leads { others, .. } = row.party else { return };
        for other in others.into_iter().flatten() {
            if let Some(row) = self.guarded.get_mut(other) {
                row.party = Party::Alone;
            }
            self.disconnect(cx, other);
        }
    }

    /// Whom a hedge stands beside, if that is in this list of deadlines: both are due at the same time.
    #[inline(never)]
    pub(in crate::sim::data_plane) fn listed_lead(&self, id: Id<Attempt>, list: u16) -> Option<Id<Attempt>> {
        let Party::Follows(lead) = self.guarded.get(id)?.party else {
            return None;
        };
        self.attempts.get(lead)?.deadline.is_in(list).then_some(lead)
    }

    /// Whether an attempt stands beside one that its client waits for.
    pub(in crate::sim::data_plane) fn is_hedge(&self, id: Id<Attempt>, attempt: &Attempt) -> bool {
        attempt.flags.has(Flags::GUARDED)
            && matches!(self.guarded.get(id), Some(row) if matches!(row.party, Party::Follows(_)))
    }
}

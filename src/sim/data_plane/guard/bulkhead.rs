//! Bulkheads: attempts that wait for a place among those that their caller has under way.

use super::callers::Who;
use super::{Guarded, Leave, Place, SiteExtras};
use crate::blueprint::{Bulkhead, ConcurrencyLimit};
use crate::cluster::attempt::{Answer, Attempt, Flags, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::server::Limit;
use crate::engine::arena::Id;
use crate::policy::concurrency::{self, Ended, Sample};
use crate::sim::context::Context;
use crate::sim::data_plane::DataPlane;
use crate::sim::event::{DataEvent, Event};
use crate::units::{Instant, Span};
use std::collections::VecDeque;

/// A caller's bulkhead.
pub(super) struct Places {
    /// Attempts under way.
    pub taken: u32,
    limit: Limit,
    /// In order; some may have been given up.
    waiting: VecDeque<Id<Attempt>>,
}

impl Places {
    pub fn new(rule: &Bulkhead) -> Places {
        Places {
            taken: 0,
            limit: Limit::new(rule.max_concurrent.initial()),
            waiting: VecDeque::new(),
        }
    }

    pub fn has_room(&self) -> bool {
        self.taken < self.limit.requests()
    }
}

impl SiteExtras {
    /// A caller's bulkhead learns from an answer to an attempt that has a place in it, if it is one that learns.
    pub(super) fn bulkhead_hears(&mut self, row: &Guarded, answer: Answer, now: Instant) {
        let Some(rule) = &self.guards.bulkhead else { return };
        if row.place != Place::Holds || matches!(rule.max_concurrent, ConcurrencyLimit::Fixed(_)) {
            return;
        }
        let Some(places) = self.bulkheads.known(row.who, rule.scope) else {
            return;
        };
        let ended = match answer {
            Answer::Success => Ended::Answered(Sample {
                latency: now.since(row.sent).max(Span::from_nanos(1)).seconds(),
                in_hand: places.taken,
            }),
            Answer::TimedOut(_)
            | Answer::Refused(_)
            | Answer::Overloaded(_)
            | Answer::ServiceUnavailable(_)
            | Answer::GatewayTimeout(_) => Ended::Dropped,
            _ => return,
        };
        places.limit = concurrency::adjusted(rule.max_concurrent, places.limit, ended, now);
    }
}

impl DataPlane {
    /// There is no place in its caller's bulkhead.
    pub(super) fn waits_for_place(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, who: Who) -> Leave {
        let attempts = &mut self.attempts;
        let Some(extras) = self.sites[attempts[id].site.at()].extras.as_deref_mut() else {
            unreachable!("only a site with guards keeps waiting")
        };
        let rule = extras.guards.bulkhead.as_ref().expect("it waits for a bulkhead");
        let places = extras.bulkheads.of(who, rule.scope, || Places::new(rule));
        if places.waiting.len() >= rule.max_waiting as usize {
            places
                .waiting
                .retain(|waiting| attempts.get(*waiting).is_some_and(|it| it.phase == Phase::Paused));
        }
        if places.waiting.len() >= rule.max_waiting as usize {
            self.answer_here(cx, id, Answer::Rejected(Reason::BulkheadFull.here()));
            return Leave::Kept;
        }
        places.waiting.push_back(id);
        attempts[id].phase = Phase::Paused;
        if let Some(timeout) = rule.timeout {
            cx.calendar
                .schedule_in(timeout, Event::data(DataEvent::PlaceTimeout, id));
        }
        Leave::Kept
    }

    /// An attempt has waited long enough for a place in its bulkhead.
    pub(in crate::sim::data_plane) fn place_timed_out(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let waits = |attempt: &Attempt| attempt.flags.has(Flags::GUARDED) && attempt.phase == Phase::Paused;
        if self.attempts.get(id).is_some_and(waits) {
            self.answer_here(cx, id, Answer::Rejected(Reason::BulkheadTimeout.here()));
        }
    }

    /// Who has waited longest gets the place that is given up.
    pub(super) fn leaves_place(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, row: &Guarded) {
        if row.place != Place::Holds {
            return;
        }
        let site = self.attempts[id].site;
        let Some(extras) = self.sites[site.at()].extras.as_deref_mut() else {
            return;
        };
        let Some(rule) = &extras.guards.bulkhead else { return };
        let Some(places) = extras.bulkheads.known(row.who, rule.scope) else {
            return;
        };
        places.taken -= 1;
        // One place was given up, but an adaptive limit may have grown or shrunk.
        while places.has_room()
            && let Some(next) = places.waiting.pop_front()
        {
            let is_waiting = self.attempts.get(next).is_some_and(|it| it.phase == Phase::Paused);
            if let (true, Some(row)) = (is_waiting, self.guarded.get_mut(next)) {
                places.taken += 1;
                row.place = Place::Holds;
                cx.follow(DataEvent::Send, next);
            }
        }
    }
}

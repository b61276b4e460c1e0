//! Which loads a shock does not heal under.
//!
//! A load is shocked in every replication, and each run is watched afterwards, as [`crate::probe::stability`] watches any
//! run; but only a run that serves less than before counts as down, not one that is slower. Loads are evenly spaced below saturation, and halved between the highest from which all runs came back and the
//! lowest from which one did not.

use super::{Bench, NARROWING_LEVELS, below, round};
use crate::blueprint::{Blueprint, Shock, ShockKind};
use crate::experiment::plan::Outcome;
use crate::probe::stability::{self, Band, Standing, Trigger, attempts_per_request};
use crate::probe::{Estimate, RunRecord, estimate};
use crate::stats::{Interval, clopper_pearson};
use crate::units::{Instant, Span};

/// How much of its run lies before a spike: enough windows to know what was normal.
const BEFORE: f64 = 0.2;

/// Loads that were shocked.
#[derive(Clone, Debug, PartialEq)]
pub struct Shocks {
    pub shock: Shock,
    /// In order of load.
    pub loads: Vec<Shocked>,
}

/// One load and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shocked {
    pub load: f64,
    pub runs: usize,
    /// Runs of which it is known whether they came back.
    pub known: u64,
    /// Of these, those that did not.
    pub down: u64,
    /// Their share, with Clopper and Pearson's interval; `None` if nothing is known.
    pub down_share: Option<Interval>,
    /// Seconds from the end of the shock until a run was back, over those that came back.
    pub back_after_s: Option<Estimate>,
    /// Served over offered, before the shock and at the end.
    pub served_before: Option<Estimate>,
    pub served_end: Option<Estimate>,
    /// Attempts of clients and calls for each request, before the shock and at the end.
    pub attempts_before: Option<Estimate>,
    pub attempts_end: Option<Estimate>,
    /// What likely keeps most of those down that stay down.
    pub cause: Option<&'static str>,
}

impl Shocks {
    /// The smallest load from which some run did not come back lies between these two: the highest below it from which all
    /// did (`None`: none did), and itself. `None` if all came back.
    pub fn fragile_from(&self) -> Option<(Option<f64>, f64)> {
        let at = self.loads.iter().position(|it| it.down > 0)?;
        let healed = self.loads[..at].iter().rfind(|it| it.known > 0);
        Some((healed.map(|it| it.load), self.loads[at].load))
    }

    /// Whether it is known of any run how it stood in the end.
    pub fn are_known(&self) -> bool {
        self.loads.iter().any(|it| it.known > 0)
    }
}

impl<R, P> Bench<'_, '_, R, P>
where
    R: Fn(&Blueprint, u32) -> RunRecord + Sync,
    P: FnMut(&'static str, usize, usize),
{
    /// Shocks loads below `top`. `None` if a spike is asked for and the load cannot change, or nothing was finished.
    pub(super) fn shocks(&mut self, shock: Shock, top: f64) -> Option<Shocks> {
        if matches!(shock.kind, ShockKind::Spike { .. }) && !self.loading.can_change() {
            return None;
        }
        let loads = below(top, self.settings.levels);
        let mut shocks = Shocks {
            shock,
            loads: Vec::new(),
        };
        self.shock(&mut shocks, &loads);
        for _ in 0..NARROWING_LEVELS {
            let Some((healed, down)) = shocks.fragile_from() else {
                break;
            };
            let healed = healed.unwrap_or(0.0);
            let middle = round((healed + down) / 2.0);
            let narrow = down - healed <= self.settings.resolution.get() * down || healed == 0.0;
            if narrow || middle <= healed || middle >= down || self.effort.cancel.requested() {
                break;
            }
            self.shock(&mut shocks, &[middle]);
        }
        (!shocks.loads.is_empty()).then_some(shocks)
    }

    fn shock(&mut self, shocks: &mut Shocks, loads: &[f64]) {
        let Shock { kind, recovery } = shocks.shock;
        let blueprints = loads.iter().map(|&load| match kind {
            ShockKind::Events => (load, self.loading.befallen(load, recovery)),
            ShockKind::Spike { factor, lasting } => {
                let spike = Spike::new(self.settings.warm_up, lasting, recovery);
                let pieces = [(spike.from, load), (spike.to, factor * load), (Instant::NEVER, load)];
                let hold = spike.end.since(Instant::ZERO + self.settings.warm_up);
                (load, self.loading.over(&pieces, load, self.settings.warm_up, hold))
            }
        });
        let seen = self.perform("shocks", blueprints.collect());
        let warm_up = self.settings.warm_up;
        let trigger = |_: &RunRecord| match kind {
            ShockKind::Events => None,
            ShockKind::Spike { lasting, .. } => Some(Spike::new(warm_up, lasting, recovery).trigger()),
        };
        let seen = seen.iter().map(|(load, outcome)| Shocked::of(*load, outcome, trigger));
        shocks.loads.extend(seen);
        shocks.loads.sort_by(|one, other| one.load.total_cmp(&other.load));
    }
}

/// When a spike comes, and when its run is over.
struct Spike {
    from: Instant,
    to: Instant,
    end: Instant,
}

impl Spike {
    fn new(warm_up: Span, lasting: Span, recovery: Span) -> Spike {
        let from = Instant::ZERO + warm_up + (lasting + recovery).scaled(BEFORE);
        let to = from + lasting;
        Spike {
            from,
            to,
            end: to + recovery,
        }
    }

    fn trigger(&self) -> Trigger {
        Trigger {
            from: self.from,
            to: self.to,
            names: vec!["spike of traffic".to_owned()],
        }
    }
}

impl Shocked {
    /// Of the runs of one load; what befell a run is what `trigger` says, or else what the run says.
    fn of(load: f64, outcome: &Outcome, trigger: impl Fn(&RunRecord) -> Option<Trigger>) -> Shocked {
        let blueprint = &outcome.blueprint;
        let stood: Vec<_> = outcome
            .records
            .iter()
            .filter_map(|record| match trigger(record) {
                Some(trigger) => Some(stability::after(blueprint, record, trigger)),
                None => stability::stability(blueprint, record),
            })
            .collect();
        let known: Vec<_> = stood.iter().filter(|it| it.standing != Standing::NotKnown).collect();
        let down: Vec<_> = known.iter().filter(|it| stays_down(it)).collect();
        let backs: Vec<f64> = known.iter().filter_map(|it| it.back_after).map(Span::seconds).collect();
        let served = |seen: &stability::Seen| (seen.served as f64, seen.offered as f64);
        let attempts = |seen: &stability::Seen| {
            let each = attempts_per_request(seen).unwrap_or(0.0);
            (each * seen.offered as f64, seen.offered as f64)
        };
        type Figure = fn(&stability::Stability) -> stability::Seen;
        let ratio = |part: Figure, figure: &dyn Fn(&stability::Seen) -> (f64, f64)| {
            let pairs: Vec<(f64, f64)> = known.iter().map(|it| figure(&part(it))).collect();
            estimate::ratio(&pairs, 0.95)
        };
        let mut causes: Vec<&'static str> = down
            .iter()
            .filter_map(|it| it.evidence.first().map(|(kind, _)| kind.name()))
            .collect();
        causes.sort_unstable();
        let cause = causes.chunk_by(|a, b| a == b).max_by_key(|same| same.len());
        Shocked {
            load,
            runs: outcome.records.len(),
            known: known.len() as u64,
            down: down.len() as u64,
            down_share: clopper_pearson(down.len() as u64, known.len() as u64, 0.95),
            back_after_s: estimate::mean(&backs, 0.95),
            served_before: ratio(|it| it.before, &served).map(Estimate::as_share),
            served_end: ratio(|it| it.end, &served).map(Estimate::as_share),
            attempts_before: ratio(|it| it.before, &attempts),
            attempts_end: ratio(|it| it.end, &attempts),
            cause: cause.map(|same| same[0]),
        }
    }
}

/// Whether a run serves less in its last windows than before the shock, by more than chance. Latency has no part in it: near
/// saturation it wanders by a multiple of itself without any shock.
fn stays_down(it: &stability::Stability) -> bool {
    let normal = Band::of(std::slice::from_ref(&it.before));
    it.standing == Standing::StaysDown && normal.is_some_and(|normal| !normal.has_goodput(&it.end))
}

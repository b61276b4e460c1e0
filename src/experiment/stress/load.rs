//! The scenario under another load: blueprints whose traffic is a multiple of what it is at its peak.
//!
//! At load 1 every source holds the rate that it has when all together bring most; which sources the multiple is for,
//! the scenario says. Recorded arrivals come so many times as fast, again and again. Closed users are so many times as
//! many, for a whole run, because nobody joins them or leaves them while it lasts.

use crate::blueprint::{
    Blueprint, FaultKind, Happening, Kind, Raised, RateProfile, RateSegment, Recorded, RecordedArrival, Scope, Source,
    Traces, Traffic, TrafficIx,
};
use crate::units::{Instant, Span};
use crate::workload::rates_at_peak;

/// A request without a timeout counts as served if it is answered within this share of the measured time after it:
/// what overload leaves waiting is not served, what is merely on its way is.
const ANSWERED_WITHIN: f64 = 0.01;

/// A scenario, ready to be loaded.
#[derive(Clone, Debug)]
pub struct Loading {
    /// Without events.
    calm: Blueprint,
    /// With what befalls it.
    written: Blueprint,
    raised: Vec<bool>,
    /// Of the traffic's rates, at load 1.
    peak: Vec<f64>,
}

/// A multiple, and until when it holds; the last one holds for ever.
pub type Piece = (Instant, f64);

impl Loading {
    /// Of a scenario without its events, and with them.
    pub fn new(calm: &Blueprint, written: &Blueprint) -> Loading {
        let (calm, raised) = set_apart(calm, calm.stress.raised);
        let (written, _) = set_apart(written, calm.stress.raised);
        Loading {
            peak: rates_at_peak(&calm.traffic, calm.measured_from(), calm.horizon()),
            calm,
            written,
            raised,
        }
    }

    /// The scenario without events, as written.
    pub fn calm(&self) -> &Blueprint {
        &self.calm
    }

    /// Whether the load can change while a run lasts.
    pub fn can_change(&self) -> bool {
        let mut raised = self
            .calm
            .traffic
            .iter()
            .zip(&self.raised)
            .filter(|(_, raised)| **raised);
        raised.any(|(traffic, _)| !matches!(traffic.source, Source::Closed { .. }))
    }

    /// A constant load, measured for `hold` after `warm_up`.
    pub fn constant(&self, load: f64, warm_up: Span, hold: Span) -> Blueprint {
        self.over(&[(Instant::NEVER, load)], load, warm_up, hold)
    }

    /// A load that changes; closed users are as many as `users` says, all the time.
    pub fn over(&self, pieces: &[Piece], users: f64, warm_up: Span, hold: Span) -> Blueprint {
        let mut blueprint = measured_alone(&self.calm, warm_up, hold);
        self.load(&mut blueprint, |_| pieces.to_vec(), users);
        blueprint
    }

    /// What befalls the scenario as written, under a constant load, with so much time after it.
    pub fn befallen(&self, load: f64, recovery: Span) -> Blueprint {
        let over = events_end(&self.written);
        let horizon = self.written.horizon().max(over + recovery);
        let hold = horizon.since(self.written.measured_from());
        let mut blueprint = measured_alone(&self.written, self.written.warm_up, hold);
        let spikes = |at: usize| -> Vec<Piece> {
            let spikes = self.written.events.iter().filter_map(|event| match &event.what {
                Happening::Fault(fault) => match fault.kind {
                    FaultKind::TrafficSpike { traffic } if traffic.at() == at => Some((
                        event.at,
                        fault.lasting.map_or(Instant::NEVER, |lasting| event.at + lasting),
                    )),
                    _ => None,
                },
                _ => None,
            });
            // What a spike makes of the rate is seen where it begins.
            let factor = |from: Instant| match (&self.written.traffic[at].source, &self.calm.traffic[at].source) {
                (Source::Open { profile: with, .. }, Source::Open { profile: without, .. }) => {
                    let usual = without.rate(from);
                    if usual > 0.0 { with.rate(from) / usual } else { 1.0 }
                }
                _ => 1.0,
            };
            let mut cuts: Vec<Instant> = spikes.flat_map(|(from, to)| [from, to]).collect();
            cuts.sort_unstable();
            cuts.dedup();
            let begins = std::iter::once(Instant::ZERO).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([Instant::NEVER]);
            begins
                .zip(ends)
                .filter(|(from, to)| from < to)
                .map(|(from, to)| (to, load * factor(from)))
                .collect()
        };
        self.load(&mut blueprint, spikes, load);
        blueprint
    }

    /// Puts each source under its load.
    fn load(&self, blueprint: &mut Blueprint, pieces: impl Fn(usize) -> Vec<Piece>, users: f64) {
        let horizon = blueprint.horizon();
        for (at, traffic) in blueprint.traffic.iter_mut().enumerate() {
            let pieces = if self.raised[at] {
                pieces(at)
            } else {
                vec![(Instant::NEVER, 1.0)]
            };
            match &mut traffic.source {
                Source::Open { profile, .. } => *profile = profile_of(&pieces, self.peak[at]),
                Source::Recorded(recorded) => *recorded = replayed(recorded, &pieces, &self.calm, horizon),
                Source::Closed { users: count, .. } if self.raised[at] => {
                    *count = (f64::from(*count) * users).round().max(1.0) as u32;
                }
                Source::Closed { .. } => {}
            }
        }
    }
}

/// Whose load is raised, by traffic; a kind of request that shares its traffic with others gets one of its own.
fn set_apart(blueprint: &Blueprint, raised: Raised) -> (Blueprint, Vec<bool>) {
    let mut blueprint = blueprint.clone();
    let of = match raised {
        Raised::All => return (blueprint.clone(), vec![true; blueprint.traffic.len()]),
        Raised::Traffic(traffic) => traffic,
        Raised::Class(class) => {
            let from = blueprint.classes[class.at()].traffic;
            let traffic = &mut blueprint.traffic[from.at()];
            let sum: f64 = traffic.classes.iter().map(|(_, weight)| weight).sum();
            let (own, others): (Vec<_>, Vec<_>) = traffic.classes.iter().partition(|(each, _)| *each == class);
            if others.is_empty() {
                from
            } else {
                let share = own.iter().map(|(_, weight)| weight).sum::<f64>() / sum;
                let mut apart = Traffic {
                    name: format!("{} ({})", traffic.name, blueprint.classes[class.at()].name),
                    classes: own,
                    ..traffic.clone()
                };
                traffic.classes = others;
                multiply(traffic, 1.0 - share);
                multiply(&mut apart, share);
                let own = TrafficIx::from_usize(blueprint.traffic.len());
                blueprint.traffic.push(apart);
                blueprint.classes[class.at()].traffic = own;
                let kept = blueprint.wires.traffic.iter().find(|(traffic, _)| *traffic == from);
                if let Some((_, connections)) = kept.copied() {
                    blueprint.wires.traffic.push((own, connections));
                }
                own
            }
        }
    };
    let raised = (0..blueprint.traffic.len()).map(|at| at == of.at()).collect();
    (blueprint, raised)
}

fn multiply(traffic: &mut Traffic, factor: f64) {
    if let Source::Open { profile, .. } = &mut traffic.source {
        *profile = profile.times(factor, Instant::ZERO, Instant::NEVER);
    }
}

/// The scenario over another time: measured whole after its own warm-up, its objectives asked of all of it.
fn measured_alone(blueprint: &Blueprint, warm_up: Span, hold: Span) -> Blueprint {
    let mut blueprint = blueprint.clone();
    let shift = |at: Instant, from: Span, to: Span| at + to - from;
    for event in &mut blueprint.events {
        event.at = shift(event.at, blueprint.warm_up, warm_up);
    }
    blueprint.warm_up = warm_up;
    blueprint.duration = hold;
    blueprint.kind = Kind::Terminating;
    blueprint.traces = Traces { sampled: 0, kept: 0 };
    if blueprint.traffic.iter().any(|traffic| traffic.timeout.is_none()) {
        blueprint.limits.run_out = blueprint.limits.run_out.min(hold.scaled(ANSWERED_WITHIN));
    }
    for objective in &mut blueprint.objectives {
        objective.scope = match objective.scope {
            Scope::Every(window) if window < hold => Scope::Every(window),
            _ => Scope::Whole,
        };
    }
    blueprint
}

/// When the last event is over whose end is known.
pub fn events_end(blueprint: &Blueprint) -> Instant {
    let ends = blueprint.events.iter().map(|event| match &event.what {
        Happening::Fault(fault) => event.at + fault.lasting.unwrap_or(Span::ZERO),
        _ => event.at,
    });
    ends.max().unwrap_or(Instant::ZERO)
}

fn profile_of(pieces: &[Piece], rate: f64) -> RateProfile {
    let mut start = Instant::ZERO;
    let segments = pieces.iter().map(|&(end, load)| {
        let segment = RateSegment {
            start,
            end,
            from: rate * load,
            to: rate * load,
        };
        start = end;
        segment
    });
    RateProfile {
        segments: segments.collect(),
    }
}

/// The recording, so many times as fast: an arrival comes when the integrated load has reached its time.
fn replayed(recorded: &Recorded, pieces: &[Piece], calm: &Blueprint, horizon: Instant) -> Recorded {
    let round = recorded.repeat_every.unwrap_or(calm.horizon().since(Instant::ZERO));
    let mut arrivals = Vec::new();
    let mut pieces = pieces.iter().copied();
    let (mut end, mut load) = pieces.next().unwrap_or((Instant::NEVER, 1.0));
    // Where the piece begins, on the simulation's clock and on the recording's.
    let (mut here, mut there) = (0.0, 0.0);
    let mut rounds = 0.0;
    'rounds: while !recorded.arrivals.is_empty() {
        for arrival in recorded.arrivals.iter() {
            let wanted = rounds * round.seconds() + arrival.at.seconds();
            while end != Instant::NEVER && there + (end.seconds() - here) * load < wanted {
                there += (end.seconds() - here) * load;
                here = end.seconds();
                (end, load) = pieces.next().unwrap_or((Instant::NEVER, load));
            }
            let at = Instant::ZERO + Span::from_secs_f64(here + (wanted - there) / load);
            if at >= horizon {
                break 'rounds;
            }
            arrivals.push(RecordedArrival { at, ..*arrival });
        }
        rounds += 1.0;
    }
    Recorded {
        arrivals: arrivals.into(),
        repeat_every: None,
    }
}

impl Loading {
    /// Requests a second at load 1 of those sources that do not wait for answers.
    pub fn requests_a_second(&self) -> f64 {
        let each = self.calm.traffic.iter().zip(&self.peak);
        each.map(|(traffic, rate)| rate * traffic.requests_per_arrival()).sum()
    }
}

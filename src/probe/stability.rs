//! Whether a system comes back after what troubled it has gone, when, and if not, what keeps it down.
//!
//! A *trigger* is everything that befell a run: faults, spikes of traffic, deployments; it begins with the first of them and
//! is over with the last. What was normal is what was seen before it. A window of the timeline is *in the band* if its
//! requests were served, and as fast, as they were then. The system is back at the first window in the band from which
//! nearly all of the following ones are, if it also ends in the band. Everything here is a function of what one run's
//! timeline says.

mod evidence;

use super::record::RunRecord;
use super::timeline::Timeline;
use crate::blueprint::{Blueprint, ClassIx, Happening, Source};
use crate::sim::observation::{EventKind, SenderSample};
use crate::units::{Instant, Span};
pub use evidence::Loop;
use evidence::evidence;

/// Windows that a recovery is held for, and that the end of a run is judged by.
const HOLD: usize = 10;
/// Of these, at least so many must be in the band.
const HOLD_IN_BAND: f64 = 0.8;
/// A window may serve so much less than before, as a share of what it is offered; more where few requests make it noisy.
const GOODPUT_SLACK: f64 = 0.05;
/// A window's mean latency may be so many times that of before.
const LATENCY_SLACK: f64 = 2.0;
/// A rate is a spike while it is above so many times that at either end of the measured time,
const SPIKE_ABOVE: f64 = 1.1;
/// if it is so for no more than this share of it.
const SPIKE_SHARE: f64 = 0.25;

/// What befell a run, from the first beginning to the last end.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub from: Instant,
    pub to: Instant,
    /// In order of time, each once.
    pub names: Vec<String>,
}

/// What a window of the timeline says about all requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    pub offered: u64,
    pub served: u64,
    /// Of the served, ns.
    pub latency_sum: u64,
    pub sent: SenderSample,
}

/// How a run stands after its trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No window was out of the band.
    Unharmed,
    /// Back in the band so many windows after the trigger was over.
    Back {
        after: usize,
    },
    StaysDown,
    /// The trigger lasts until the end, or nearly so, or there was nothing before it to compare with.
    NotKnown,
}

impl Standing {
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Unharmed => "unharmed",
            Standing::Back { .. } => "back",
            Standing::StaysDown => "stays_down",
            Standing::NotKnown => "not_known",
        }
    }
}

/// What was normal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Served over offered.
    pub goodput: f64,
    /// Mean over served requests, ns.
    pub latency: f64,
}

impl Band {
    /// Of these windows. `None` if nothing was served in them.
    pub fn of(windows: &[Seen]) -> Option<Band> {
        let sum = sum(windows);
        (sum.served > 0).then(|| Band {
            goodput: sum.served as f64 / sum.offered as f64,
            latency: sum.latency_sum as f64 / sum.served as f64,
        })
    }

    /// Three standard deviations of a share are allowed where they are more than the slack. A window without requests says
    /// nothing against.
    pub fn has_goodput(&self, window: &Seen) -> bool {
        if window.offered == 0 {
            return true;
        }
        let offered = window.offered as f64;
        let noise = 3.0 * (self.goodput * (1.0 - self.goodput) / offered).sqrt();
        window.served as f64 / offered >= self.goodput - GOODPUT_SLACK.max(noise)
    }

    pub fn has_latency(&self, window: &Seen) -> bool {
        if window.served == 0 {
            return window.offered == 0;
        }
        window.latency_sum as f64 / window.served as f64 <= LATENCY_SLACK * self.latency
    }

    pub fn holds(&self, window: &Seen) -> bool {
        self.has_goodput(window) && self.has_latency(window)
    }
}

fn sum(windows: &[Seen]) -> Seen {
    windows.iter().fold(Seen::default(), |mut sum, window| {
        sum.offered += window.offered;
        sum.served += window.served;
        sum.latency_sum += window.latency_sum;
        sum.sent.add(&window.sent);
        sum
    })
}

/// How it stands: `from` is the first window that the trigger touches, `over` the first that it does not touch any more.
pub fn standing(windows: &[Seen], (from, over): (usize, usize)) -> Standing {
    let Some(band) = windows.get(..from).and_then(Band::of) else {
        return Standing::NotKnown;
    };
    if over + HOLD > windows.len() {
        return Standing::NotKnown;
    }
    if windows[from..].iter().all(|window| band.holds(window)) {
        return Standing::Unharmed;
    }
    match back(&windows[over..], |window| band.holds(window)) {
        Some(after) => Standing::Back { after },
        None => Standing::StaysDown,
    }
}

/// The first window that is good, of which most of the next are, if the last ones are too.
fn back(windows: &[Seen], good: impl Fn(&Seen) -> bool) -> Option<usize> {
    let mostly = |windows: &[Seen]| {
        let count = windows.iter().filter(|window| good(window)).count();
        count as f64 >= HOLD_IN_BAND * windows.len() as f64
    };
    if windows.len() < HOLD || !mostly(&windows[windows.len() - HOLD..]) {
        return None;
    }
    (0..windows.len()).find(|&at| good(&windows[at]) && mostly(&windows[at..windows.len().min(at + HOLD)]))
}

/// One run after its trigger.
#[derive(Clone, Debug)]
pub struct Stability {
    pub trigger: Trigger,
    pub standing: Standing,
    /// From the end of the trigger.
    pub back_after: Option<Span>,
    pub goodput_back_after: Option<Span>,
    pub latency_back_after: Option<Span>,
    pub before: Seen,
    pub end: Seen,
    /// Of runs that stay down: what was measured in the last windows that may keep them there, the likeliest first.
    pub evidence: Vec<(Loop, String)>,
}

/// What befell this run in measured time. `None` if nothing did.
pub fn trigger(blueprint: &Blueprint, record: &RunRecord) -> Option<Trigger> {
    let mut all: Vec<(Instant, Instant, String)> = Vec::new();
    let horizon = blueprint.horizon();
    for event in record.events.iter().filter(|event| event.kind == EventKind::Fault) {
        match all.iter_mut().find(|(.., name)| *name == event.reason) {
            Some((_, to, _)) if event.to == "ends" => *to = event.at,
            // What comes again is over when it is over for the last time.
            Some((_, to, _)) => *to = until_its_end(blueprint, &event.reason, event.at),
            None => {
                let to = until_its_end(blueprint, &event.reason, event.at);
                all.push((event.at, to, event.reason.clone()));
            }
        }
    }
    for story in &record.deployments {
        let it = &story.deployment;
        if it.from != it.to && it.started >= blueprint.measured_from() {
            let name = format!("deployment of {}", blueprint.services[it.service.at()].name);
            all.push((it.started, it.ended.unwrap_or(horizon), name));
        }
    }
    all.extend(spike(blueprint));
    all.sort_by_key(|(from, ..)| *from);
    let (first, last) = (all.first()?.0, all.iter().map(|(_, to, _)| *to).max()?);
    let mut names: Vec<String> = Vec::new();
    for (.., name) in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Some(Trigger {
        from: first,
        to: last,
        names,
    })
}

/// A fault that lasts but whose end was not seen lasts until the end of the run.
fn until_its_end(blueprint: &Blueprint, label: &str, begins: Instant) -> Instant {
    let fault = blueprint.events.iter().find_map(|event| match &event.what {
        Happening::Fault(fault) if fault.label == label => Some(fault),
        _ => None,
    });
    match fault {
        Some(fault) if fault.kind.is_momentary() => begins,
        _ => blueprint.horizon(),
    }
}

/// The time in which all traffic together is well above what it is at both ends of the measured time.
fn spike(blueprint: &Blueprint) -> Option<(Instant, Instant, String)> {
    let (from, to) = (blueprint.measured_from(), blueprint.horizon());
    let sources = || {
        blueprint.traffic.iter().filter_map(|traffic| match &traffic.source {
            Source::Open { profile, .. } => Some(profile),
            _ => None,
        })
    };
    let rate = |at: Instant| -> f64 { sources().map(|profile| profile.rate(at)).sum() };
    const STEPS: u64 = 1000;
    let length = to.since(from).nanos();
    let at = |step: u64| from + Span::from_nanos((u128::from(length) * u128::from(step) / u128::from(STEPS)) as u64);
    let usual = rate(from).max(rate(to - Span::from_nanos(1)));
    let above: Vec<u64> = (0..STEPS)
        .filter(|&step| rate(at(step)) > SPIKE_ABOVE * usual)
        .collect();
    let (first, last) = (*above.first()?, *above.last()?);
    (usual > 0.0 && (last - first) as f64 <= SPIKE_SHARE * STEPS as f64)
        .then(|| (at(first), at(last + 1), "spike of traffic".to_owned()))
}

/// How a run stands after what befell it. `None` if nothing did.
pub fn stability(blueprint: &Blueprint, record: &RunRecord) -> Option<Stability> {
    Some(after(blueprint, record, trigger(blueprint, record)?))
}

/// How a run stands after a trigger that is known.
pub fn after(blueprint: &Blueprint, record: &RunRecord, trigger: Trigger) -> Stability {
    let timeline = &record.timeline;
    let windows = seen(blueprint, timeline);
    let complete = (0..windows.len()).filter(|&window| {
        let (_, end) = timeline.windows().bounds(window);
        end <= blueprint.measured_from() + record.measured
    });
    let windows = &windows[..complete.count()];
    let from = timeline.windows().at(trigger.from).unwrap_or(0);
    let over = match timeline.windows().at(trigger.to) {
        // A window that begins with the end of the trigger is free of it.
        Some(window) => window + usize::from(timeline.windows().bounds(window).0 < trigger.to),
        None => windows.len(),
    };
    let standing = standing(windows, (from, over));
    let band = windows.get(..from).and_then(Band::of);
    let since = |count: usize| {
        let (begins, _) = timeline.windows().bounds(over + count);
        begins.since(trigger.to)
    };
    let back_by = |good: fn(&Band, &Seen) -> bool| {
        let band = band.filter(|_| matches!(standing, Standing::Back { .. } | Standing::StaysDown))?;
        back(&windows[over..], |window| good(&band, window)).map(since)
    };
    let last = windows.len().saturating_sub(HOLD);
    let evidence = match standing {
        Standing::StaysDown => evidence(blueprint, timeline, windows, (from, last)),
        _ => Vec::new(),
    };
    Stability {
        standing,
        back_after: match standing {
            Standing::Back { after: count } => Some(since(count)),
            _ => None,
        },
        goodput_back_after: back_by(Band::has_goodput),
        latency_back_after: back_by(Band::has_latency),
        before: sum(&windows[..from.min(windows.len())]),
        end: sum(&windows[last..]),
        evidence,
        trigger,
    }
}

fn seen(blueprint: &Blueprint, timeline: &Timeline) -> Vec<Seen> {
    let mut windows: Vec<Seen> = timeline
        .sent()
        .iter()
        .map(|&sent| Seen {
            sent,
            ..Seen::default()
        })
        .collect();
    for class in 0..blueprint.classes.len() {
        for (all, own) in windows.iter_mut().zip(timeline.class(ClassIx::from_usize(class))) {
            all.offered += own.offered();
            all.served += own.served();
            all.latency_sum += own.latency_sum;
        }
    }
    windows
}

/// Attempts that clients and calls send for each request that is offered.
pub fn attempts_per_request(seen: &Seen) -> Option<f64> {
    (seen.offered > 0).then(|| seen.sent.attempts as f64 / seen.offered as f64)
}

#[cfg(test)]
mod tests;

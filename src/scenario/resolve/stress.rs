//! How `wavetank stress` raises the load: whose, how far, and what it is shocked with.

use super::Context;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{self, ShockBy};
use crate::units::{Instant, Span};
use crate::workload::rates_at_peak;

/// Requests at load 1 that a level is measured with, unless the scenario says how long.
const REQUESTS: f64 = 20_000.0;

/// What `experiment.stress` asks for, or what is asked if it is absent.
pub(super) fn stress(cx: &mut Context, traffic: &[Traffic], classes: &[RequestClass], events: &[TimedEvent]) -> Stress {
    let scenario = cx.said;
    let asked = scenario.experiment.stress.is_some();
    let default = schema::Stress::default();
    let said = scenario.experiment.stress.as_ref().unwrap_or(&default);
    let root = Path::Root;
    let experiment = root.key("experiment");
    let path = experiment.key("stress");
    let rate: f64 = {
        let end = Instant::ZERO + scenario.warm_up.0 + scenario.duration.0;
        let peak = rates_at_peak(traffic, Instant::ZERO + scenario.warm_up.0, end);
        let each = traffic.iter().zip(&peak);
        each.map(|(traffic, rate)| requests_a_second(traffic, *rate)).sum()
    };
    if asked && rate <= 0.0 && !cx.problems.has_errors() {
        let message = "no requests come, so there is no load to raise";
        cx.report_hint(Code::LoadOfNobody, &path, message, "write `traffic:` with a rate");
    }
    bounds(cx, said, &path);
    let longest = traffic.iter().filter_map(|traffic| traffic.timeout).max();
    let longest = longest.unwrap_or(Span::ZERO);
    let hold = said.hold.map(|hold| hold.0).unwrap_or_else(|| {
        let most = scenario.duration.0.max(Span::from_secs(60));
        let wanted = if rate > 0.0 { REQUESTS / rate } else { 0.0 };
        // Whole seconds, which nobody minds.
        Span::from_secs(wanted.ceil() as u64).clamp(Span::from_secs(60), most)
    });
    let scales = scenario
        .services
        .iter()
        .any(|(_, service)| service.auto_scaling.is_some());
    let settle = Span::from_secs(if scales { 600 } else { 0 });
    let warm_up = said.warm_up.map(|warm_up| warm_up.0).unwrap_or_else(|| {
        let least = hold.scaled(0.25).max(longest.scaled(4.0)).max(scenario.warm_up.0);
        least + settle
    });
    let ramp_hold = said.ramp_hold.map(|hold| hold.0);
    for (key, span) in [("hold", said.hold), ("ramp_hold", said.ramp_hold)] {
        if let Some(span) = span {
            cx.positive(span.0, &path.key(key));
        }
    }
    Stress {
        raised: raised(cx, said, (traffic, classes), &path.key("load")),
        from: said.from,
        to: said.to,
        levels: said.levels,
        resolution: said.resolution.0,
        served: said.served.0,
        warm_up,
        hold,
        ramp_hold: ramp_hold.unwrap_or_else(|| hold.scaled(0.5).max(longest.scaled(80.0))),
        shock: shock(cx, &said.shock, longest, events, &path.key("shock")),
    }
}

/// Of a traffic whose rate, if it has one, is this.
fn requests_a_second(traffic: &Traffic, rate: f64) -> f64 {
    let arrivals = match &traffic.source {
        Source::Open { .. } => rate,
        Source::Recorded(recorded) => {
            let last = recorded.arrivals.last().map_or(Instant::ZERO, |last| last.at);
            let round = recorded.repeat_every.unwrap_or(last.since(Instant::ZERO)).seconds();
            if round > 0.0 {
                recorded.arrivals.len() as f64 / round
            } else {
                0.0
            }
        }
        // How long answers take is not known: as if they took a tenth of a second.
        Source::Closed { users, think_time } => f64::from(*users) / (think_time.mean() + 0.1),
    };
    arrivals * traffic.requests_per_arrival()
}

/// Loads that are no loads, or the wrong way round.
fn bounds(cx: &mut Context, said: &schema::Stress, path: &Path) {
    for (key, load) in [("from", said.from), ("to", said.to)] {
        if load.is_some_and(|load| !(load > 0.0 && load <= 1e6)) {
            cx.problems.report_with(
                Code::OutOfRange,
                &path.key(key),
                "no traffic can be multiplied by this",
                |diagnostic| diagnostic.expected("a multiple above 0, such as 0.5"),
            );
        }
    }
    if let (Some(from), Some(to)) = (said.from, said.to)
        && from >= to
    {
        let message = format!("the loads go from {from} to {to}");
        cx.problems
            .report_with(Code::LoadsUpsideDown, &path.key("from"), message, |diagnostic| {
                diagnostic.expected("`from` below `to`").hint("exchange the two")
            });
    }
    for (key, share, most) in [("resolution", said.resolution, 0.5), ("served", said.served, 1.0)] {
        let share = share.0.get();
        if share <= 0.0 || share > most {
            let message = "this share leaves nothing to find";
            cx.problems
                .report_with(Code::OutOfRange, &path.key(key), message, |diagnostic| {
                    diagnostic.expected(format!("a share above 0% and up to {}%", 100.0 * most))
                });
        }
    }
}

/// Whose load it is.
fn raised(
    cx: &mut Context,
    said: &schema::Stress,
    (traffic, classes): (&[Traffic], &[RequestClass]),
    path: &Path,
) -> Raised {
    let Some(name) = &said.load else { return Raised::All };
    if let Some(at) = traffic.iter().position(|traffic| traffic.name == *name) {
        return Raised::Traffic(TrafficIx::from_usize(at));
    }
    let Some(at) = classes.iter().position(|class| class.name == *name) else {
        let known: Vec<&str> = traffic.iter().map(|traffic| traffic.name.as_str()).collect();
        let known = known.into_iter().chain(classes.iter().map(|class| class.name.as_str()));
        let message = format!("neither traffic nor a kind of request is called `{name}`");
        cx.problems
            .report_with(Code::LoadOfNobody, path, message, |diagnostic| {
                diagnostic.did_you_mean(name, known)
            });
        return Raised::All;
    };
    let of = classes[at].traffic.at();
    let own_rate = traffic
        .iter()
        .find(|traffic| traffic.classes.iter().any(|(class, _)| class.at() == at))
        .is_some_and(|traffic| matches!(traffic.source, Source::Open { .. }) && traffic.journeys.is_empty());
    if !own_rate {
        let whose = traffic.get(of).map_or("its traffic", |traffic| traffic.name.as_str());
        let message = format!("`{name}` comes when `{whose}` brings it: it has no rate of its own to raise");
        cx.report_hint(
            Code::LoadOfItsOwnTime,
            path,
            message,
            format!("raise `{whose}` as a whole: `load: {whose}`"),
        );
        return Raised::All;
    }
    Raised::Class(ClassIx::from_usize(at))
}

fn shock(cx: &mut Context, said: &schema::Shock, longest: Span, events: &[TimedEvent], path: &Path) -> Option<Shock> {
    let befalls = |event: &TimedEvent| match &event.what {
        Happening::Fault(fault) => !matches!(fault.kind, FaultKind::TrafficSpike { .. }),
        _ => false,
    };
    let by = said.by.unwrap_or(if events.iter().any(befalls) {
        ShockBy::Events
    } else {
        ShockBy::Spike
    });
    for (key, given) in [("factor", said.factor.is_some()), ("lasting", said.lasting.is_some())] {
        if given && by != ShockBy::Spike {
            let message = format!("`{key}` is a spike's");
            cx.report_hint(Code::ConflictingKeys, &path.key(key), message, "say `by: spike`");
        }
    }
    if let Some(recovery) = said.recovery {
        cx.positive(recovery.0, &path.key("recovery"));
    }
    match by {
        ShockBy::None => {
            if said.recovery.is_some() {
                let message = "there is no shock to recover from";
                cx.report(Code::ConflictingKeys, &path.key("recovery"), message);
            }
            None
        }
        ShockBy::Events => {
            let tells =
                |event: &TimedEvent| matches!(event.what, Happening::Fault(_)) || !event.what.deploys().is_empty();
            if !events.iter().any(tells) && !cx.problems.has_errors() && !cx.said.events.is_empty() | said.by.is_some()
            {
                let message = "the scenario has no fault and no deployment that could shock it";
                cx.report_hint(
                    Code::ShockOfNothing,
                    &path.key("by"),
                    message,
                    "write one under `events`, or say `by: spike`",
                );
            }
            let end = cx.said.warm_up.0 + cx.said.duration.0;
            let left = |over: Instant| (Instant::ZERO + end).since(over);
            let over = events.iter().map(ends).max().unwrap_or(Instant::ZERO);
            let recovery = said.recovery.map(|recovery| recovery.0);
            Some(Shock {
                kind: ShockKind::Events,
                recovery: recovery.unwrap_or_else(|| left(over).max(Span::from_secs(300))),
            })
        }
        ShockBy::Spike => {
            let factor = said.factor.map_or(3.0, |factor| factor.0);
            if factor <= 1.1 {
                cx.problems.report_with(
                    Code::OutOfRange,
                    &path.key("factor"),
                    "this is no spike",
                    |diagnostic| diagnostic.expected("a multiple above 1.1x, such as 3x"),
                );
            }
            let lasting = said.lasting.map(|lasting| lasting.0);
            if let Some(lasting) = lasting {
                cx.positive(lasting, &path.key("lasting"));
            }
            let lasting = lasting.unwrap_or_else(|| Span::from_secs(10).max(longest.scaled(5.0)));
            Some(Shock {
                kind: ShockKind::Spike { factor, lasting },
                recovery: said
                    .recovery
                    .map_or_else(|| lasting.scaled(30.0), |recovery| recovery.0),
            })
        }
    }
}

/// When an event is over, as far as that is known before anything has run; what has no end ends at once.
fn ends(event: &TimedEvent) -> Instant {
    match &event.what {
        Happening::Fault(fault) => event.at + fault.lasting.unwrap_or(Span::ZERO),
        _ => event.at,
    }
}

//! When a fault comes and goes: once, again and again, at random, or whenever another does.

use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::scenario::diagnostic::{Code, nearest};
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::resolve::Context;
use crate::scenario::schema::{self, Time};
use crate::units::{Instant, Ratio, Span};

/// The fault with its course. `key` says what it is.
pub(super) fn fault(
    cx: &mut Context,
    said: &schema::Event,
    (label, kind): (String, FaultKind),
    key: &str,
    path: &Path,
) -> Option<Fault> {
    let given: Vec<&str> = says_when(said)
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect();
    if let FaultKind::TrafficSpike { .. } = kind
        && (!given.is_empty() || said.probability.is_some())
    {
        let message = "a traffic's spikes are part of its profile, and come at their times";
        cx.report(Code::ConflictingKeys, path, message);
    }
    if given.len() > 1 {
        let message = format!("`{}` both say when it comes again", given.join("` and `"));
        cx.report(Code::ConflictingKeys, path, message);
    }
    if said.at.is_none() && said.random.is_none() && said.together_with.is_none() {
        cx.problems
            .report_with(Code::MissingKey, path, "when this happens is not said", |d| {
                d.expected("`at`, or one of `random` and `together_with`")
            });
    }
    if said.at.is_some() && said.together_with.is_some() {
        let message = "it comes when the other fault does";
        cx.report(Code::ConflictingKeys, &path.key("at"), message);
    }
    if said.until.is_some() && (given.is_empty() || said.together_with.is_some()) {
        let message = "this does not come again";
        cx.report(Code::ConflictingKeys, &path.key("until"), message);
    }
    if let Some(lasting) = said.lasting {
        cx.positive(lasting.0, &path.key("lasting"));
        let by_turns = said.flapping.is_some() || said.random.as_ref().is_some_and(|it| it.time_to_repair.is_some());
        if kind.is_momentary() {
            let message = format!("`{key}` happens at once and does not last");
            cx.report(Code::ConflictingKeys, &path.key("lasting"), message);
        } else if by_turns {
            let message = "how long it lasts each time is said already";
            cx.report(Code::ConflictingKeys, &path.key("lasting"), message);
        }
    }
    let recurrence = recurrence(cx, said, &kind, key, path);
    let until = said.until.map_or(Instant::NEVER, |until| {
        if said.at.is_some_and(|at| until.0 < at.0) {
            let message = "it ends before it begins";
            cx.report(Code::ConflictingKeys, &path.key("until"), message);
        }
        Instant::ZERO + cx.said.warm_up.0 + until.0
    });
    Some(Fault {
        label,
        identity: identity(cx, said, key),
        kind,
        lasting: said.lasting.map(|lasting| lasting.0),
        course: Course {
            recurrence,
            until,
            probability: said.probability.map_or(Ratio::ONE, |share| share.0),
            leader: None,
        },
    })
}

/// What the fault's draws are keyed by: its name, or its kind and how many of the kind stand before it in the file.
fn identity(cx: &Context, said: &schema::Event, key: &str) -> String {
    if let Some(name) = &said.name {
        return name.clone();
    }
    let before = cx.said.events.iter().take_while(|other| !std::ptr::eq(*other, said));
    let is_alike = |other: &&schema::Event| other.name.is_none() && super::keys(other).contains(&(key, true));
    format!("{key} {}", before.filter(is_alike).count())
}

/// The keys that make a fault come again, or at other times than its own.
fn says_when(said: &schema::Event) -> [(&'static str, bool); 4] {
    [
        ("random", said.random.is_some()),
        ("flapping", said.flapping.is_some()),
        ("every", said.every.is_some()),
        ("together_with", said.together_with.is_some()),
    ]
}

fn recurrence(cx: &mut Context, said: &schema::Event, kind: &FaultKind, key: &str, path: &Path) -> Recurrence {
    if let Some(random) = &said.random {
        let here = path.key("random");
        let up = some_time(cx, &random.time_between_failures, &here.key("time_between_failures"));
        let down = match (&random.time_to_repair, said.lasting) {
            (Some(_), _) if kind.is_momentary() => {
                let message = format!("`{key}` happens at once: there is nothing to repair");
                cx.report(Code::ConflictingKeys, &here.key("time_to_repair"), message);
                None
            }
            (Some(repair), _) => Some(some_time(cx, repair, &here.key("time_to_repair"))),
            (None, Some(lasting)) => Dist::constant(lasting.0.seconds()).ok(),
            (None, None) if kind.is_momentary() => None,
            (None, None) => {
                let message = "how long each failure lasts is not said";
                cx.report_hint(
                    Code::MissingKey,
                    &here,
                    message,
                    "give `time_to_repair`, or `lasting` beside `random`",
                );
                None
            }
        };
        return Recurrence::ByTurns {
            first: Turn::Up,
            up,
            down,
        };
    }
    if let Some(flapping) = &said.flapping {
        let here = path.key("flapping");
        if kind.is_momentary() {
            let message = format!("`{key}` happens at once: it does not come and go");
            cx.report_hint(
                Code::ConflictingKeys,
                &here,
                message,
                "say how often by `every` or `random`",
            );
        }
        return Recurrence::ByTurns {
            first: Turn::Down,
            up: some_time(cx, &flapping.up, &here.key("up")),
            down: Some(some_time(cx, &flapping.down, &here.key("down"))),
        };
    }
    let Some(period) = said.every else {
        return Recurrence::Once;
    };
    let here = path.key("every");
    cx.positive(period.0, &here);
    let lasts = said.lasting.map(|lasting| lasting.0);
    if !kind.is_momentary() && lasts.is_none_or(|lasting| lasting >= period.0) {
        let message = match lasts {
            Some(lasting) => format!("it lasts {} and comes again before it ends", print_duration(lasting)),
            None => "it does not end, and so cannot come again".to_owned(),
        };
        let hint = format!("give a `lasting` below {}", print_duration(period.0));
        cx.report_hint(Code::FaultOverlapsItself, &here, message, hint);
    }
    Recurrence::Every(period.0)
}

/// A law of times that are not always nothing.
fn some_time(cx: &mut Context, time: &Time, path: &Path) -> Dist {
    let dist = cx.dist(time, path);
    if dist.mean() <= 0.0 {
        cx.positive(Span::ZERO, path);
    }
    dist
}

/// What somebody does happens once, at its time. `key` says what it is.
pub(super) fn check_plain(cx: &mut Context, said: &schema::Event, key: &str, path: &Path) {
    let faults_only = [
        ("until", said.until.is_some()),
        ("name", said.name.is_some()),
        ("probability", said.probability.is_some()),
        ("lasting", said.lasting.is_some() && key != "zonal_shift"),
    ];
    for (word, given) in says_when(said).into_iter().chain(faults_only) {
        if given && word == "lasting" {
            let message = format!("`{key}` happens at once and does not last");
            cx.report(Code::ConflictingKeys, &path.key(word), message);
        } else if given {
            let message = format!("`{word}` is for faults, and `{key}` is none");
            cx.report(Code::ConflictingKeys, &path.key(word), message);
        }
    }
    if said.at.is_none() {
        cx.problems
            .report_with(Code::MissingKey, path, "when this happens is not said", |d| {
                d.expected("`at`")
            });
    }
}

/// Finds the faults that others come together with. `faults`: for each event of the file its place in `events`.
pub(super) fn join(cx: &mut Context, events: &mut [TimedEvent], faults: &[Option<usize>]) {
    let root = Path::Root;
    let section = root.key("events");
    let said = &cx.said.events;
    let names: Vec<&str> = said.iter().filter_map(|event| event.name.as_deref()).collect();
    for (at, event) in said.iter().enumerate() {
        let path = section.at(at);
        if let Some(name) = &event.name
            && said[..at].iter().any(|before| before.name.as_ref() == Some(name))
        {
            cx.report(Code::NameTaken, &path.key("name"), format!("another fault is `{name}`"));
        }
        let Some(name) = &event.together_with else { continue };
        let here = path.key("together_with");
        let Some(leader) = said.iter().position(|other| other.name.as_ref() == Some(name)) else {
            let message = format!("there is no fault `{name}`");
            let near = nearest(name, names.iter().copied());
            cx.problems
                .report_with(Code::UnknownName, &here, message, |diagnostic| match near {
                    Some(near) => diagnostic.hint(format!("did you mean `{near}`?")),
                    None => diagnostic.hint("give the other fault a `name`"),
                });
            continue;
        };
        if said[leader].together_with.is_some() {
            let message = format!("`{name}` itself comes together with another");
            let hint = "name the fault that all of them come with";
            cx.report_hint(Code::FaultFollowsFollower, &here, message, hint);
            continue;
        }
        if let (Some(own), Some(leader)) = (faults[at], faults[leader])
            && let Happening::Fault(fault) = &mut events[own].what
        {
            fault.course.leader = Some(leader);
        }
    }
}

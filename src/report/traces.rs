//! Followed requests in full, as files that other tools open: OTLP for Jaeger and its kin, trace events for Perfetto.
//!
//! Both are drawn from one tree of spans: the client's request, the attempts as their senders see them, the same as whoever
//! serves them sees them, and the stages in between.

mod otlp;
mod perfetto;

use super::tables::{label, time};
use crate::blueprint::Blueprint;
use crate::probe::traces::{Owner, Path, Receivers, owner};
use crate::sim::observation::Outcome;
use crate::sim::trace::{Doing, Trace, TraceSpan, Traced, TracedAttempt, TracedEnd};
use crate::units::{Instant, Span};

/// The files' names and what is in them; none if nothing was kept.
pub fn files(blueprint: &Blueprint, traces: &[Trace]) -> Vec<(&'static str, Vec<u8>)> {
    if traces.is_empty() {
        return Vec::new();
    }
    let receivers = Receivers::new(blueprint);
    let trees: Vec<Tree> = traces
        .iter()
        .map(|trace| Tree::of(blueprint, &receivers, trace))
        .collect();
    vec![
        ("traces.otlp.json", json(&otlp::export(blueprint, &trees))),
        ("traces.perfetto.json", json(&perfetto::export(blueprint, &trees))),
    ]
}

fn json(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(value).expect("keys are strings");
    bytes.push(b'\n');
    bytes
}

/// One request.
struct Tree {
    luck: u64,
    /// Parents before their children.
    spans: Vec<Drawn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The client's request.
    Request,
    /// An attempt as its sender sees it.
    Sender,
    /// As whoever serves it sees it.
    Server,
    /// What happens in between.
    Within,
    /// A branch, which runs beside others.
    Branch,
}

struct Drawn {
    parent: Option<usize>,
    name: String,
    side: Side,
    whose: Owner,
    /// Which task of a service.
    slot: Option<u32>,
    start: Instant,
    end: Instant,
    /// How much of the request's latency this stands for itself.
    critical: Span,
    facts: Vec<(&'static str, Fact)>,
    /// Why it failed, if it did.
    failed: Option<String>,
}

enum Fact {
    Text(String),
    Count(u64),
    Millis(f64),
}

/// Where spans are drawn: whose they are, and what they stand below.
#[derive(Clone, Copy)]
struct Home {
    parent: usize,
    whose: Owner,
    slot: Option<u32>,
}

struct Builder<'a> {
    blueprint: &'a Blueprint,
    receivers: &'a Receivers,
    trace: &'a Trace,
    below: Vec<Vec<usize>>,
    critical: Vec<Span>,
    spans: Vec<Drawn>,
}

impl Tree {
    fn of(blueprint: &Blueprint, receivers: &Receivers, trace: &Trace) -> Tree {
        let count = trace.spans.len();
        let mut below = vec![Vec::new(); count + 1];
        for (at, span) in trace.spans.iter().enumerate() {
            below[span.parent.map_or(count, |parent| parent as usize)].push(at);
        }
        let mut builder = Builder {
            blueprint,
            receivers,
            trace,
            below,
            critical: Path::of(receivers, trace).spans,
            spans: Vec::new(),
        };
        builder.request();
        Tree {
            luck: trace.luck,
            spans: builder.spans,
        }
    }
}

impl Builder<'_> {
    fn request(&mut self) {
        let trace = self.trace;
        let class = &self.blueprint.classes[trace.class.at()].name;
        let mut facts = vec![
            ("wavetank.class", Fact::Text(class.clone())),
            ("wavetank.outcome", Fact::Text(trace.outcome.name().to_owned())),
        ];
        let mut failed = None;
        if let Some(failure) = trace.failure {
            let place = label::place(self.blueprint, failure.place);
            let words = format!("{} at {place}", failure.reason.name());
            facts.push(("wavetank.reason", Fact::Text(failure.reason.name().to_owned())));
            facts.push(("wavetank.where", Fact::Text(place)));
            failed = (trace.outcome != Outcome::Redirected).then_some(words);
        }
        self.spans.push(Drawn {
            parent: None,
            name: format!("request {class}"),
            side: Side::Request,
            whose: Owner::Clients,
            slot: None,
            start: trace.arrived,
            end: trace.ended,
            critical: Span::ZERO,
            facts,
            failed,
        });
        let home = Home {
            parent: 0,
            whose: Owner::Clients,
            slot: None,
        };
        self.attempts(self.trace.spans.len(), home);
    }

    fn push(
        &mut self,
        home: Home,
        name: String,
        side: Side,
        (start, end): (Instant, Instant),
        critical: Span,
    ) -> usize {
        self.spans.push(Drawn {
            parent: Some(home.parent),
            name,
            side,
            whose: home.whose,
            slot: home.slot,
            start,
            end,
            critical,
            facts: Vec::new(),
            failed: None,
        });
        self.spans.len() - 1
    }

    /// All attempts below a stage (or below the request itself), and the pauses between them.
    fn attempts(&mut self, at: usize, home: Home) {
        let mut before: Option<Instant> = None;
        for position in 0..self.below[at].len() {
            let child = self.below[at][position];
            let span = &self.trace.spans[child];
            if let Some(before) = before.filter(|before| *before < span.start) {
                let name = "back-off".to_owned();
                self.push(home, name, Side::Within, (before, span.start), Span::ZERO);
            }
            before = Some(before.map_or(span.end, |before| before.max(span.end)));
            if let Traced::Attempt(attempt) = &span.what {
                self.attempt(child, span, attempt, home);
            }
        }
    }

    fn attempt(&mut self, at: usize, span: &TraceSpan, attempt: &TracedAttempt, home: Home) {
        let (from, to) = (
            label::sender(self.blueprint, attempt.from),
            label::receiver(self.blueprint, attempt.from),
        );
        let sent = self.push(
            home,
            format!("{from} → {to}"),
            Side::Sender,
            (span.start, span.end),
            Span::ZERO,
        );
        let drawn = &mut self.spans[sent];
        drawn
            .facts
            .push(("wavetank.attempt", Fact::Count(u64::from(attempt.number))));
        if let Some((balancer, node)) = attempt.node {
            let balancer = &self.blueprint.load_balancers[balancer.at()].name;
            drawn
                .facts
                .push(("wavetank.load_balancer", Fact::Text(balancer.clone())));
            drawn.facts.push(("wavetank.node", Fact::Count(u64::from(node))));
        }
        match attempt.ended {
            TracedEnd::Success => drawn.facts.push(("http.response.status_code", Fact::Count(200))),
            TracedEnd::Failed { status, reason } => {
                if status > 0 {
                    drawn
                        .facts
                        .push(("http.response.status_code", Fact::Count(u64::from(status))));
                }
                drawn.failed = Some(reason.name().to_owned());
            }
            TracedEnd::GivenUp(reason) => drawn.failed = Some(reason.name().to_owned()),
            TracedEnd::Dropped => drawn.failed = Some("dropped".to_owned()),
            TracedEnd::Open => {}
        }
        let whose = owner(self.receivers, self.trace, at);
        let stages = self.below[at].clone();
        let is_there = |stage: &&usize| !matches!(self.trace.spans[**stage].what, Traced::Stage(Doing::Network));
        let there: Vec<usize> = stages.iter().filter(is_there).copied().collect();
        let mut server = Home {
            parent: sent,
            whose,
            slot: attempt.served.map(|served| served.slot),
        };
        let outside = Home { parent: sent, ..home };
        if let (Some(first), Some(last)) = (there.first(), there.last()) {
            let bounds = (self.trace.spans[*first].start, self.trace.spans[*last].end);
            let name = match attempt
                .served
                .and_then(|served| Some((served.service, served.operation?)))
            {
                Some((service, operation)) => self.blueprint.services[service.at()].operations[operation.at()].clone(),
                None => time::place(self.blueprint, whose).to_owned(),
            };
            server.parent = self.push(server, name, Side::Server, bounds, Span::ZERO);
            if let Some(served) = attempt.served {
                let facts = &mut self.spans[server.parent].facts;
                let zone = self.blueprint.zones[served.zone.at()].clone();
                facts.push(("cloud.availability_zone", Fact::Text(zone)));
                let revision = served.revision.at() as u64 + 1;
                facts.push(("aws.ecs.task.revision", Fact::Count(revision)));
            }
        }
        for stage in stages {
            let home = if there.contains(&stage) { server } else { outside };
            self.stage(stage, home);
        }
    }

    fn stage(&mut self, at: usize, home: Home) {
        let span = &self.trace.spans[at];
        let Traced::Stage(doing) = span.what else { return };
        let (bounds, critical) = ((span.start, span.end), self.critical[at]);
        if span.start == span.end && self.below[at].is_empty() {
            return;
        }
        let name = match doing {
            Doing::Network => "network",
            Doing::Queue => "queue",
            Doing::Cpu { .. } => "cpu",
            Doing::Wait => "wait",
            Doing::Dependency => "service",
            Doing::Call if self.below[at].len() < 2 => return self.attempts(at, home),
            Doing::Call => "call",
            Doing::Join => "parallel",
        };
        let drawn = self.push(home, name.to_owned(), Side::Within, bounds, critical);
        if let Doing::Cpu { work } = doing {
            self.spans[drawn]
                .facts
                .push(("wavetank.cpu_work_ms", Fact::Millis(work.millis())));
        }
        let home = Home { parent: drawn, ..home };
        match doing {
            Doing::Call => self.attempts(at, home),
            Doing::Join => {
                for (number, branch) in self.below[at].clone().into_iter().enumerate() {
                    let span = &self.trace.spans[branch];
                    let name = format!("branch {}", number + 1);
                    let drawn = self.push(home, name, Side::Branch, (span.start, span.end), Span::ZERO);
                    for stage in self.below[branch].clone() {
                        self.stage(stage, Home { parent: drawn, ..home });
                    }
                }
            }
            _ => {}
        }
    }
}

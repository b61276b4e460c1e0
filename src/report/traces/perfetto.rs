//! The trace event format, which Perfetto and Chrome open: a process for each service, and in it lanes for each task, since
//! slices of one lane must not overlap unless one lies within the other. Arrows lead from an attempt to who serves it.

use super::{Drawn, Fact, Side, Tree};
use crate::blueprint::Blueprint;
use crate::probe::traces::Owner;
use crate::report::tables::time::place;
use crate::units::Instant;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Whose lanes: a process and, in it, a task.
type Room = (Owner, Option<u32>);

#[derive(Default)]
struct Lanes {
    /// By room: until when each lane is taken.
    taken: BTreeMap<Room, Vec<Instant>>,
}

impl Lanes {
    /// The first lane that is free from the start on; it is taken until the end.
    fn take(&mut self, room: Room, start: Instant, end: Instant) -> usize {
        let lanes = self.taken.entry(room).or_default();
        let lane = lanes.iter().position(|until| *until <= start).unwrap_or(lanes.len());
        if lane == lanes.len() {
            lanes.push(end);
        }
        lanes[lane] = end;
        lane
    }
}

pub fn export(blueprint: &Blueprint, trees: &[Tree]) -> Value {
    // Lanes are given in order of time, over all requests.
    let mut order: Vec<(usize, usize)> = Vec::new();
    for (tree, each) in trees.iter().enumerate() {
        order.extend((0..each.spans.len()).map(|at| (tree, at)));
    }
    order.sort_by_key(|&(tree, at)| (trees[tree].spans[at].start, tree, at));
    let mut lanes = Lanes::default();
    let mut lane_of: Vec<Vec<usize>> = trees.iter().map(|tree| vec![0; tree.spans.len()]).collect();
    for (tree, at) in order {
        let spans = &trees[tree].spans;
        let span = &spans[at];
        lane_of[tree][at] = match span.parent {
            Some(parent) if !needs_a_lane(span) => lane_of[tree][parent],
            _ => {
                // Whatever is below it and in the same room may outlast it.
                let end = outlasts(spans, at);
                lanes.take((span.whose, span.slot), span.start, end)
            }
        };
    }
    let mut processes: BTreeMap<Owner, usize> = BTreeMap::new();
    for (whose, _) in lanes.taken.keys() {
        let next = processes.len() + 1;
        processes.entry(*whose).or_insert(next);
    }
    let thread = |room: Room, lane: usize| room.1.map_or(0, |slot| (slot as usize + 1) * 1000) + lane + 1;
    let mut events: Vec<Value> = Vec::new();
    for (whose, process) in &processes {
        let args = json!({ "name": place(blueprint, *whose) });
        events.push(json!({ "ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": args }));
    }
    for (room, taken) in &lanes.taken {
        for lane in 0..taken.len() {
            let name = match room.1 {
                Some(slot) => format!("task {slot}, lane {}", lane + 1),
                None => format!("lane {}", lane + 1),
            };
            let args = json!({ "name": name });
            let (pid, tid) = (processes[&room.0], thread(*room, lane));
            events.push(json!({ "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": args }));
        }
    }
    let mut arrows = 0_u64;
    for (tree, each) in trees.iter().enumerate() {
        for (at, span) in each.spans.iter().enumerate() {
            let at_home = |at: usize| {
                let span = &each.spans[at];
                (
                    processes[&span.whose],
                    thread((span.whose, span.slot), lane_of[tree][at]),
                )
            };
            let (pid, tid) = at_home(at);
            let ts = micros(blueprint, span.start);
            events.push(json!({
                "ph": "X",
                "name": span.name,
                "cat": category(span),
                "ts": ts,
                "dur": span.end.since(span.start).nanos() as f64 / 1e3,
                "pid": pid,
                "tid": tid,
                "args": args(each, span),
            }));
            if let (Side::Server, Some(parent)) = (span.side, span.parent) {
                arrows += 1;
                let (from, lane) = at_home(parent);
                let sent = micros(blueprint, each.spans[parent].start);
                events.push(json!({ "ph": "s", "id": arrows, "name": "sent", "cat": "sent", "ts": sent, "pid": from, "tid": lane }));
                events.push(json!({ "ph": "f", "bp": "e", "id": arrows, "name": "sent", "cat": "sent", "ts": ts, "pid": pid, "tid": tid }));
            }
        }
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events })
}

fn needs_a_lane(span: &Drawn) -> bool {
    matches!(span.side, Side::Request | Side::Server | Side::Branch)
}

/// Until when a span and what is drawn in its lane go on.
fn outlasts(spans: &[Drawn], at: usize) -> Instant {
    let mut in_lane = vec![false; spans.len() - at];
    in_lane[0] = true;
    let mut end = spans[at].end;
    for below in at + 1..spans.len() {
        let span = &spans[below];
        let parent = span.parent.filter(|parent| *parent >= at);
        if !needs_a_lane(span) && parent.is_some_and(|parent| in_lane[parent - at]) {
            in_lane[below - at] = true;
            end = end.max(span.end);
        }
    }
    end
}

/// On the user's clock.
fn micros(blueprint: &Blueprint, at: Instant) -> f64 {
    (at.nanos() as i128 - i128::from(blueprint.warm_up.nanos())) as f64 / 1e3
}

const fn category(span: &Drawn) -> &'static str {
    match span.side {
        Side::Request => "request",
        Side::Sender => "attempt",
        Side::Server => "server",
        Side::Within | Side::Branch => "stage",
    }
}

fn args(tree: &Tree, span: &Drawn) -> Value {
    let mut args = Map::new();
    args.insert("trace".to_owned(), format!("{:016x}", tree.luck).into());
    for (key, fact) in &span.facts {
        let value = match fact {
            Fact::Text(words) => words.as_str().into(),
            Fact::Count(count) => (*count).into(),
            Fact::Millis(millis) => (*millis).into(),
        };
        args.insert((*key).to_owned(), value);
    }
    if !span.critical.is_zero() {
        args.insert("critical_path_ms".to_owned(), span.critical.millis().into());
    }
    if let Some(why) = &span.failed {
        args.insert("failed".to_owned(), why.as_str().into());
    }
    Value::Object(args)
}

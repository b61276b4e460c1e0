//! W2 by hand: round robin over 100 servers of 4 workers, lognormal service of 20 ms (cv 1), 16,000/s, 0.5 ms each way.
//!
//! The next arrival in a register, a ring for each direction of the network, a heap for the ends of service.

use std::collections::VecDeque;

use super::heap::{Heap, entry};
use super::summary::Summary;
use wavetank::engine::{Dist, Key, Law, Tables};
use wavetank::stats::LatencyHistogram;
use wavetank::units::Span;

const ARRIVAL: u64 = 1;
const SERVICE: u64 = 2;
const SERVERS: u32 = 100;
const WORKERS: u32 = 4;
const HOP: u64 = 500_000;

#[derive(Clone, Copy)]
struct Request {
    born: u64,
    key: Key,
    server: u32,
}

#[derive(Default)]
struct Server {
    busy: u32,
    waiting: VecDeque<u32>,
}

pub fn run(requests: u64) -> Summary {
    let mut tables = Tables::new();
    let between = Law::compile(
        &Dist::exponential(1.0 / 16_000.0).expect("a mean above zero"),
        &mut tables,
    );
    let service = Law::compile(&Dist::lognormal_mean_cv(0.02, 1.0).expect("valid"), &mut tables);
    let client = Key::root(1, 1, 0).entity("client", "w2");

    let mut records: Vec<Request> = Vec::new();
    let mut free: Vec<u32> = Vec::new();
    let mut servers: Vec<Server> = (0..SERVERS).map(|_| Server::default()).collect();
    let (mut there, mut back) = (VecDeque::<(u64, u32)>::new(), VecDeque::<(u64, u32)>::new());
    let mut ends = Heap::new();
    let mut latencies = LatencyHistogram::fine();
    let (mut arrived, mut events, mut turn) = (0, 0, 0);
    let mut next_key = client.child(0);
    let mut next_arrival = between.sample(next_key.child(ARRIVAL)).nanos();
    loop {
        let next_there = there.front().map_or(u64::MAX, |front| front.0);
        let next_back = back.front().map_or(u64::MAX, |front| front.0);
        let next_end = ends.next();
        let next = next_arrival.min(next_there).min(next_back.min(next_end));
        if next == u64::MAX {
            return Summary::new(&latencies, events);
        }
        let now = next;
        events += 1;
        if next == next_end {
            let id = ends.least() as u32;
            let server = &mut servers[records[id as usize].server as usize];
            match server.waiting.pop_front() {
                Some(waiting) => {
                    let span = service.sample(records[waiting as usize].key.child(SERVICE));
                    ends.replace(entry(now + span.nanos(), u64::from(waiting)));
                }
                None => {
                    server.busy -= 1;
                    ends.pop();
                }
            }
            back.push_back((now + HOP, id));
        } else if next == next_there {
            let (_, id) = there.pop_front().expect("its head is due");
            let request = records[id as usize];
            let server = &mut servers[request.server as usize];
            if server.busy < WORKERS {
                server.busy += 1;
                ends.push(entry(
                    now + service.sample(request.key.child(SERVICE)).nanos(),
                    u64::from(id),
                ));
            } else {
                server.waiting.push_back(id);
            }
        } else if next == next_back {
            let (_, id) = back.pop_front().expect("its head is due");
            latencies.record(Span::from_nanos(now - records[id as usize].born));
            free.push(id);
        } else {
            let request = Request {
                born: now,
                key: next_key,
                server: turn,
            };
            turn = if turn + 1 == SERVERS { 0 } else { turn + 1 };
            let id = match free.pop() {
                Some(id) => {
                    records[id as usize] = request;
                    id
                }
                None => {
                    records.push(request);
                    records.len() as u32 - 1
                }
            };
            there.push_back((now + HOP, id));
            arrived += 1;
            next_key = client.child(arrived);
            let gap = between.sample(next_key.child(ARRIVAL)).nanos();
            next_arrival = if arrived < requests { now + gap } else { u64::MAX };
        }
    }
}

//! W3 by hand: a chain of five services of 20 servers × 4 workers, least outstanding requests at each hop, lognormal
//! service of 20 ms (cv 1), 0.5 ms each way, a timeout of 1 s at each hop, 2,800/s.
//!
//! A worker is freed before the next service is called. One ring serves every hop, because every hop takes equally
//! long; another holds the timeouts, whose answered ones are skipped when they come up; a heap holds the ends of service.

use std::collections::VecDeque;

use super::heap::{Heap, entry};
use super::summary::Summary;
use wavetank::engine::{Dist, Key, Law, Tables};
use wavetank::stats::LatencyHistogram;
use wavetank::units::Span;

const ARRIVAL: u64 = 1;
const SERVICE: u64 = 2;
const SERVICES: usize = 5;
const SERVERS: usize = 20;
const WORKERS: u32 = 4;
const HOP: u64 = 500_000;
const TIMEOUT: u64 = 1_000_000_000;

#[derive(Clone, Copy)]
struct Request {
    born: u64,
    key: Key,
    generation: u32,
    /// Strands of events that still mention this record: one, and one more for each timeout that cut it in two.
    strands: u8,
    /// A bit a hop: answered, or given up.
    settled: u8,
    servers: [u8; SERVICES],
}

#[derive(Default)]
struct Server {
    busy: u32,
    waiting: VecDeque<u32>,
}

/// A balancer's counters: outstanding requests times 32 plus the server's number, so that the least of them names the
/// server, the first among equals. Sixteen bits, because their minimum is one instruction for eight of them.
#[derive(Clone, Copy)]
struct Balancer([i16; 24]);

impl Balancer {
    fn new() -> Balancer {
        Balancer(std::array::from_fn(|server| {
            if server < SERVERS { server as i16 } else { i16::MAX }
        }))
    }

    #[inline]
    fn choose(&mut self) -> u8 {
        let least = self.0.iter().fold(i16::MAX, |least, &counter| least.min(counter));
        let server = (least & 31) as usize;
        self.0[server] += 32;
        server as u8
    }

    #[inline]
    fn settle(&mut self, server: u8) {
        self.0[server as usize] -= 32;
    }
}

/// What a ring's entry is about: the record, and the hop; answers travel back with this bit.
const BACK: u32 = 8;

struct Chain {
    service: Law,
    records: Vec<Request>,
    free: Vec<u32>,
    balancers: [Balancer; SERVICES],
    servers: Vec<Server>,
    hops: VecDeque<(u64, u32, u32)>,
    timeouts: VecDeque<(u64, u32, u32, u32)>,
    ends: Heap,
    latencies: LatencyHistogram,
    timed_out: u64,
    events: u64,
}

impl Chain {
    #[inline]
    fn call(&mut self, now: u64, id: u32, hop: usize) {
        let request = &mut self.records[id as usize];
        request.servers[hop] = self.balancers[hop].choose();
        self.hops.push_back((now + HOP, id, hop as u32));
        self.timeouts
            .push_back((now + TIMEOUT, id, request.generation, hop as u32));
    }

    #[inline]
    fn span(&self, id: u32, hop: usize) -> u64 {
        self.service
            .sample(self.records[id as usize].key.child(SERVICE + hop as u64))
            .nanos()
    }

    fn reach_server(&mut self, now: u64, id: u32, hop: usize) {
        let index = hop * SERVERS + usize::from(self.records[id as usize].servers[hop]);
        if self.servers[index].busy < WORKERS {
            self.servers[index].busy += 1;
            let end = now + self.span(id, hop);
            self.ends.push(entry(end, (u64::from(id) << 3) | hop as u64));
        } else {
            self.servers[index].waiting.push_back(id);
        }
    }

    fn end_service(&mut self, now: u64) {
        let payload = self.ends.least();
        let (id, hop) = ((payload >> 3) as u32, payload as usize & 7);
        let index = hop * SERVERS + usize::from(self.records[id as usize].servers[hop]);
        match self.servers[index].waiting.pop_front() {
            Some(waiting) => {
                let end = now + self.span(waiting, hop);
                self.ends.replace(entry(end, (u64::from(waiting) << 3) | hop as u64));
            }
            None => {
                self.servers[index].busy -= 1;
                self.ends.pop();
            }
        }
        if hop + 1 < SERVICES {
            self.call(now, id, hop + 1);
        } else {
            self.hops.push_back((now + HOP, id, hop as u32 | BACK));
        }
    }

    /// The answer of the call at `hop` reaches its caller.
    fn answer(&mut self, now: u64, id: u32, hop: usize) {
        let request = &mut self.records[id as usize];
        if request.settled & (1 << hop) != 0 {
            return self.release(id);
        }
        request.settled |= 1 << hop;
        self.balancers[hop].settle(request.servers[hop]);
        self.pass_up(now, id, hop);
    }

    fn pass_up(&mut self, now: u64, id: u32, hop: usize) {
        if hop > 0 {
            self.hops.push_back((now + HOP, id, (hop as u32 - 1) | BACK));
        } else {
            self.latencies
                .record(Span::from_nanos(now - self.records[id as usize].born));
            self.release(id);
        }
    }

    fn release(&mut self, id: u32) {
        let request = &mut self.records[id as usize];
        request.strands -= 1;
        if request.strands == 0 {
            request.generation += 1;
            self.free.push(id);
        }
    }

    /// The head of the timeouts is due; nearly always its call was answered long ago.
    #[inline]
    fn time_out(&mut self) {
        let (at, id, generation, hop) = self.timeouts.pop_front().expect("its head is due");
        let request = &mut self.records[id as usize];
        let hop = hop as usize;
        if request.generation != generation || request.settled & (1 << hop) != 0 {
            return;
        }
        self.timed_out += 1;
        self.events += 1;
        request.settled |= 1 << hop;
        request.strands += 1;
        self.balancers[hop].settle(request.servers[hop]);
        self.pass_up(at, id, hop);
    }

    fn arrive(&mut self, now: u64, key: Key) {
        let mut request = Request {
            born: now,
            key,
            generation: 0,
            strands: 1,
            settled: 0,
            servers: [0; SERVICES],
        };
        let id = match self.free.pop() {
            Some(id) => {
                request.generation = self.records[id as usize].generation;
                self.records[id as usize] = request;
                id
            }
            None => {
                self.records.push(request);
                self.records.len() as u32 - 1
            }
        };
        self.call(now, id, 0);
    }
}

pub fn run(requests: u64) -> Summary {
    let mut tables = Tables::new();
    let between = Law::compile(
        &Dist::exponential(1.0 / 2800.0).expect("a mean above zero"),
        &mut tables,
    );
    let client = Key::root(1, 1, 0).entity("client", "w3");
    let mut chain = Chain {
        service: Law::compile(&Dist::lognormal_mean_cv(0.02, 1.0).expect("valid"), &mut tables),
        records: Vec::new(),
        free: Vec::new(),
        balancers: [Balancer::new(); SERVICES],
        servers: (0..SERVICES * SERVERS).map(|_| Server::default()).collect(),
        hops: VecDeque::new(),
        timeouts: VecDeque::new(),
        ends: Heap::new(),
        latencies: LatencyHistogram::fine(),
        timed_out: 0,
        events: 0,
    };
    let mut arrived = 0;
    let mut next_key = client.child(0);
    let mut next_arrival = between.sample(next_key.child(ARRIVAL)).nanos();
    loop {
        let next_hop = chain.hops.front().map_or(u64::MAX, |front| front.0);
        let next_end = chain.ends.next();
        let next = next_arrival.min(next_hop).min(next_end);
        if chain.timeouts.front().is_some_and(|front| front.0 < next) {
            chain.time_out();
            continue;
        }
        if next == u64::MAX {
            break;
        }
        let now = next;
        chain.events += 1;
        if next == next_hop {
            let (_, id, what) = chain.hops.pop_front().expect("its head is due");
            let hop = (what & 7) as usize;
            if what & BACK == 0 {
                chain.reach_server(now, id, hop)
            } else {
                chain.answer(now, id, hop)
            }
        } else if next == next_end {
            chain.end_service(now);
        } else {
            chain.arrive(now, next_key);
            arrived += 1;
            next_key = client.child(arrived);
            let gap = between.sample(next_key.child(ARRIVAL)).nanos();
            next_arrival = if arrived < requests { now + gap } else { u64::MAX };
        }
    }
    assert!(
        chain.timed_out * 1000 < requests,
        "timeouts of one second are rare at this load"
    );
    Summary::new(&chain.latencies, chain.events)
}

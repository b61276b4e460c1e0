//! W1 by hand: M/M/1 at load 0.8, unit mean service, first come first served. Two registers and a queue.

use std::collections::VecDeque;

use super::summary::Summary;
use wavetank::engine::{Dist, Key, Law, Tables};
use wavetank::stats::LatencyHistogram;
use wavetank::units::Span;

const ARRIVAL: u64 = 1;
const SERVICE: u64 = 2;

pub fn run(requests: u64) -> Summary {
    let mut tables = Tables::new();
    let mut law = |mean| Law::compile(&Dist::exponential(mean).expect("a mean above zero"), &mut tables);
    let (between, service) = (law(1.25), law(1.0));
    let client = Key::root(1, 1, 0).entity("client", "w1");

    let mut queue: VecDeque<(u64, Key)> = VecDeque::new();
    let mut latencies = LatencyHistogram::fine();
    let (mut arrived, mut events) = (0, 0);
    let mut next_key = client.child(0);
    let mut next_arrival = between.sample(next_key.child(ARRIVAL)).nanos();
    let mut next_departure = u64::MAX;
    while next_arrival.min(next_departure) != u64::MAX {
        events += 1;
        if next_arrival < next_departure {
            let now = next_arrival;
            queue.push_back((now, next_key));
            if queue.len() == 1 {
                next_departure = now + service.sample(next_key.child(SERVICE)).nanos();
            }
            arrived += 1;
            next_key = client.child(arrived);
            let gap = between.sample(next_key.child(ARRIVAL)).nanos();
            next_arrival = if arrived < requests { now + gap } else { u64::MAX };
        } else {
            let now = next_departure;
            let (born, _) = queue.pop_front().expect("a departure has a customer");
            latencies.record(Span::from_nanos(now - born));
            next_departure = match queue.front() {
                Some((_, key)) => now + service.sample(key.child(SERVICE)).nanos(),
                None => u64::MAX,
            };
        }
    }
    Summary::new(&latencies, events)
}

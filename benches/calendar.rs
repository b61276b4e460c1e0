//! What an event costs: popping one and scheduling the next, by source and by how many are pending.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use wavetank::engine::{Calendar, Dist, Key, Law, Tables};
use wavetank::units::{Instant, Span};

const EVENTS: u64 = 100_000;

/// As large as the product's: 16 bytes.
type Event = (u64, u32, u32);

/// Delays drawn beforehand, so that only the calendar is measured.
fn delays() -> Vec<Span> {
    let lognormal = Dist::lognormal_mean_cv(0.02, 1.0).expect("valid");
    let law = Law::compile(&lognormal, &mut Tables::new());
    (0..1u64 << 14)
        .map(|n| law.sample(Key::root(1, 1, 0).child(n)))
        .collect()
}

fn calendar(criterion: &mut Criterion) {
    let delays = delays();
    let delay = |n: u64| delays[n as usize & (delays.len() - 1)];
    let mut group = criterion.benchmark_group("calendar");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(EVENTS));

    for pending in [320u64, 20_000] {
        group.bench_function(BenchmarkId::new("hold, irregular", pending), |bencher| {
            let mut calendar: Calendar<Event> = Calendar::new();
            (0..pending).for_each(|n| calendar.schedule_in(delay(n), (n, 0, 0)));
            bencher.iter(|| {
                for n in 0..EVENTS {
                    let event = calendar.pop().expect("events are pending");
                    calendar.schedule_in(delay(n), event);
                }
            });
        });

        group.bench_function(BenchmarkId::new("hold, 100 lanes", pending), |bencher| {
            let mut calendar: Calendar<Event> = Calendar::new();
            let lanes: Vec<_> = (1..=100)
                .map(|n| calendar.lane(Span::from_nanos(n * 200_017)))
                .collect();
            (0..pending).for_each(|n| calendar.schedule_in_lane(lanes[n as usize % 100], (n, 0, 0)));
            bencher.iter(|| {
                for n in 0..EVENTS {
                    let event = calendar.pop().expect("events are pending");
                    calendar.schedule_in_lane(lanes[(event.0 + n) as usize % 100], event);
                }
            });
        });
    }

    // A request as in W2: a hop, a service, a hop, at 320 services and 16 hops in flight.
    group.bench_function("hop, service, hop", |bencher| {
        let mut calendar: Calendar<Event> = Calendar::new();
        let hop = calendar.lane(Span::from_nanos(500_000));
        (0..336).for_each(|n| calendar.schedule_in(delay(n), (n, 0, 0)));
        bencher.iter(|| {
            for n in 0..EVENTS {
                let (id, stage, _) = calendar.pop().expect("events are pending");
                match stage {
                    0 => calendar.schedule_in_lane(hop, (id, 1, 0)),
                    1 => calendar.schedule_in(delay(n), (id, 2, 0)),
                    _ => calendar.schedule_in_lane(hop, (id, 0, 0)),
                }
            }
        });
    });

    // Processor sharing: every arrival and departure moves its server's one pending departure.
    group.bench_function("timer moved", |bencher| {
        let mut calendar: Calendar<Event> = Calendar::new();
        let timers: Vec<_> = (0..100).map(|n| calendar.timer((n, 0, 0))).collect();
        timers
            .iter()
            .zip(0..)
            .for_each(|(&timer, n)| calendar.arm(timer, Instant::ZERO + delay(n)));
        let mut n = 0;
        bencher.iter(|| {
            for _ in 0..EVENTS {
                n += 1;
                let (fired, ..) = calendar.pop().expect("timers are armed");
                let other = timers[(fired as usize + n as usize * 7) % 100];
                calendar.arm(timers[fired as usize], calendar.now() + delay(n));
                calendar.arm(other, calendar.now() + delay(n + 1));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, calendar);
criterion_main!(benches);

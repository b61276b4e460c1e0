//! What luck costs: a key, a draw of each law, an arrival, a record in the histogram.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;
use wavetank::blueprint::{Arrivals, RateProfile, RateSegment};
use wavetank::engine::{Dist, Key, Law, Tables};
use wavetank::stats::LatencyHistogram;
use wavetank::units::{Instant, Span};
use wavetank::workload::ArrivalStream;

const DRAWS: u64 = 100_000;

fn draws(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("draws");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(DRAWS));
    let client = Key::root(1, 1, 0).entity("client", "shop");
    group.bench_function("key", |bencher| {
        bencher.iter(|| (0..DRAWS).fold(0, |sum: u64, n| sum.wrapping_add(client.child(n).child(1).bits())));
    });

    let mut tables = Tables::new();
    let mut law = |dist: Result<Dist, _>| Law::compile(&dist.expect("valid"), &mut tables);
    let laws = [
        ("constant", law(Dist::constant(0.02))),
        ("uniform", law(Dist::uniform(0.01, 0.03))),
        ("exponential", law(Dist::exponential(0.02))),
        ("lognormal", law(Dist::lognormal_mean_cv(0.02, 1.0))),
        ("gamma", law(Dist::gamma_mean_cv(0.02, 2.0))),
        ("pareto", law(Dist::pareto(0.01, 1.5, Some(10.0)))),
    ];
    for (name, law) in &laws {
        group.bench_function(format!("{name} with its key"), |bencher| {
            let law = black_box(law);
            bencher.iter(|| {
                (0..DRAWS).fold(0, |sum: u64, n| {
                    sum.wrapping_add(law.sample(client.child(n).child(1)).nanos())
                })
            });
        });
    }

    group.bench_function("histogram", |bencher| {
        let spans: Vec<Span> = (0..DRAWS).map(|n| laws[3].1.sample(client.child(n))).collect();
        let mut histogram = LatencyHistogram::fine();
        bencher.iter(|| spans.iter().for_each(|&span| histogram.record(span)));
    });
    group.finish();
}

/// An arrival of each kind, its exponential included.
fn arrivals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("arrivals");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(DRAWS));
    let flat = RateProfile::constant(1000.0);
    let (start, end) = (Instant::ZERO, Instant::from_nanos(1_000_000_000_000_000));
    let ramp = RateProfile {
        segments: vec![RateSegment {
            start,
            end,
            from: 100.0,
            to: 2000.0,
        }],
    };
    let bursty = Arrivals::Bursty {
        ratio: 5.0,
        mean_high: Span::from_secs(1),
        mean_low: Span::from_secs(3),
    };
    for (name, profile, arrivals) in [
        ("poisson", &flat, Arrivals::Poisson),
        ("regular", &flat, Arrivals::Regular),
        ("bursty", &flat, bursty),
        ("poisson on a ramp", &ramp, Arrivals::Poisson),
    ] {
        let mut stream = ArrivalStream::new(profile, &arrivals, Key::root(1, 1, 0), &mut Tables::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| stream.by_ref().take(DRAWS as usize).fold(0, |sum, at| sum ^ at.nanos()));
        });
    }
    group.finish();
}

criterion_group!(benches, draws, arrivals);
criterion_main!(benches);

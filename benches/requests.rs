//! Requests simulated per second: the tightest hand-written loops for the three models of the speed page.
//!
//! The loops use the product's own draws and histogram, so that what is left between them and the product is the
//! kernel and the model.

mod ceiling {
    pub mod heap;
    pub mod summary;
    pub mod w1;
    pub mod w2;
    pub mod w3;
}

use ceiling::summary::Summary;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

struct Model {
    name: &'static str,
    requests: u64,
    run: fn(u64) -> Summary,
}

const MODELS: [Model; 3] = [
    Model {
        name: "w1",
        requests: 1_000_000,
        run: ceiling::w1::run,
    },
    Model {
        name: "w2",
        requests: 500_000,
        run: ceiling::w2::run,
    },
    Model {
        name: "w3",
        requests: 100_000,
        run: ceiling::w3::run,
    },
];

fn ceilings(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ceiling");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for model in MODELS {
        let summary = (model.run)(model.requests);
        let (mean, p99) = (summary.mean.millis(), summary.p99.millis());
        let events = summary.events as f64 / summary.served as f64;
        println!(
            "{}: mean {mean:.3} ms, p99 {p99:.3} ms, {events:.2} events a request",
            model.name
        );
        group.throughput(Throughput::Elements(model.requests));
        group.bench_function(model.name, |bencher| {
            bencher.iter(|| (model.run)(black_box(model.requests)))
        });
    }
    group.finish();
}

criterion_group!(benches, ceilings);
criterion_main!(benches);

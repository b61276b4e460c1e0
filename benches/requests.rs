//! Requests simulated per second: the product beside the tightest hand-written loops for the three models of the speed
//! page, and a shop, for which nobody wrote a loop.
//!
//! The loops use the product's own draws and histogram, so that what is left between them and the product is the
//! kernel and the model. The product is measured whole: control plane, probes and record included. Model by model and
//! sample by sample in turn, so that both see the same machine.

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
use std::path::Path;
use std::time::Duration;
use wavetank::blueprint::Blueprint;
use wavetank::cli::run_once;
use wavetank::scenario::{Scenario, Style};

struct Model {
    name: &'static str,
    /// The hand-written loop, if there is one.
    ceiling: Option<fn(u64) -> Summary>,
}

const MODELS: [Model; 5] = [
    Model {
        name: "w1",
        ceiling: Some(ceiling::w1::run),
    },
    Model {
        name: "w2",
        ceiling: Some(ceiling::w2::run),
    },
    Model {
        name: "w3",
        ceiling: Some(ceiling::w3::run),
    },
    Model {
        name: "w3-resilient",
        ceiling: None,
    },
    Model {
        name: "shop",
        ceiling: None,
    },
];

/// The product's model: `benches/models/<name>.yaml`.
fn blueprint(name: &str) -> Blueprint {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("benches/models")
        .join(name)
        .with_extension("yaml");
    let scenario = Scenario::load(&file).unwrap_or_else(|wrong| panic!("{}", wrong.render(Style::Plain)));
    let (blueprint, found) = scenario.resolve();
    blueprint.unwrap_or_else(|| panic!("{}", found.render(Style::Plain)))
}

fn requests(criterion: &mut Criterion) {
    for model in MODELS {
        let blueprint = blueprint(model.name);
        let record = run_once(&blueprint, 0);
        let offered: u64 = record.classes.iter().map(|class| class.outcomes.offered()).sum();
        let sum: u128 = record.classes.iter().map(|class| class.latency_sum).sum();
        println!(
            "{}: the product's mean is {:.3} ms",
            model.name,
            sum as f64 / offered as f64 / 1e6
        );
        let mut group = criterion.benchmark_group(model.name);
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(3))
            .throughput(Throughput::Elements(offered));
        if let Some(ceiling) = model.ceiling {
            let summary = ceiling(offered);
            println!(
                "{}: the ceiling's mean is {:.3} ms, p99 {:.3} ms, {:.2} events a request",
                model.name,
                summary.mean.millis(),
                summary.p99.millis(),
                summary.events as f64 / summary.served as f64
            );
            group.bench_function("ceiling", |bencher| bencher.iter(|| ceiling(black_box(offered))));
        }
        group.bench_function("product", |bencher| bencher.iter(|| run_once(black_box(&blueprint), 0)));
        group.finish();
    }
}

criterion_group!(benches, requests);
criterion_main!(benches);

//! How often 95 % intervals cover the truth, on queues whose truth is known: the tables of `docs/statistics.md`.
//!
//! `cargo bench --bench coverage` makes 100 experiments of each kind, `cargo bench --bench coverage -- 1000` those of the
//! page (1.7 billion requests). Other arguments pick tables by a part of their titles, such as `empty` or `500 requests`.
//! Seeds are fixed, so the tables are the same on every machine.

#[path = "coverage/experiment.rs"]
mod experiment;
#[path = "coverage/model.rs"]
mod model;

use experiment::{Answer, Coverage, answers, coverages};
use model::{Model, mg1, mm1, mmc, servers_without_end};

/// Relaxation times after which nothing of an empty start is left: e⁻¹⁰ of it.
const SETTLED: f64 = 10.0;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    let number = arguments.iter().find_map(|argument| argument.parse().ok());
    let experiments = number.unwrap_or(100);
    let words: Vec<&String> = arguments
        .iter()
        .filter(|argument| argument.parse::<usize>().is_err())
        .collect();
    let tables: [Table; 6] = [
        ("settled, 10 runs of 500 requests", |experiments| {
            settled(500, 10, experiments)
        }),
        ("settled, 40 runs of 500 requests", |experiments| {
            settled(500, 40, experiments)
        }),
        ("settled, 10 runs of 2000 requests", |experiments| {
            settled(2_000, 10, experiments)
        }),
        ("empty, M/M/1 at 90 %, 10 runs", empty),
        (
            "stopping, runs of 500 requests doubled until the half-width is small",
            stopping,
        ),
        ("settled, 10 runs of 20000 requests", |experiments| {
            settled(20_000, 10, experiments)
        }),
    ];
    for (title, table) in tables {
        if words.is_empty() || words.iter().any(|word| title.contains(word.as_str())) {
            println!("\n{title}; {experiments} experiments\n");
            table(experiments);
        }
    }
}

/// A title, and what prints the table of so many experiments.
type Table = (&'static str, fn(usize));

fn settled(requests: u64, runs: u32, experiments: usize) {
    println!("| model | mean covered | ± | p99 covered | ± | has p99 |");
    println!("| --- | --- | ---: | --- | ---: | ---: |");
    let models = [
        mm1("M/M/1, 50 %", 0.5),
        mm1("M/M/1, 80 %", 0.8),
        mmc("M/M/10, 80 %", 10, 8.0),
        mg1("M/D/1, 80 %", "1s", 0.0, 0.8),
        mg1(
            "M/G/1, 70 %, lognormal cv 1",
            "{ lognormal: { mean: 1s, cv: 1 } }",
            1.0,
            0.7,
        ),
        servers_without_end(),
    ];
    for model in &models {
        let setting = format!("replications: {runs}");
        let answers = answers(&model.scenario(requests, SETTLED, &setting), experiments, 0.99);
        let (mean, p99) = coverages(model, &answers);
        println!(
            "| {} | {} | {} | {} |",
            model.name,
            told(&mean),
            percent(mean.half_width),
            p99.map_or("– | – | –".to_owned(), |p99| of_p99(&p99, experiments)),
        );
    }
}

fn of_p99(p99: &Coverage, experiments: usize) -> String {
    let with_interval = percent(p99.with_interval as f64 / experiments as f64);
    match p99.with_interval {
        0 => format!("too few | – | {with_interval}"),
        _ => format!("{} | {} | {with_interval}", told(p99), percent(p99.half_width)),
    }
}

fn empty(experiments: usize) {
    println!("| seconds | truncation | cut | mean of cuts | not stationary | bias of the mean | ± | covered |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |");
    let model = mm1("M/M/1, 90 %", 0.9);
    for seconds in [500, 1_000, 2_000, 5_000] {
        for rule in ["none", "mser5"] {
            row(&model, seconds, 0.0, rule, experiments);
        }
    }
    println!("\nThe same when it has settled:\n");
    println!("| seconds | truncation | cut | mean of cuts | not stationary | bias of the mean | ± | covered |");
    println!("| ---: | --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for seconds in [1_000, 5_000] {
        for rule in ["none", "mser5"] {
            row(&model, seconds, SETTLED, rule, experiments);
        }
    }
}

fn row(model: &Model, seconds: u64, relaxations: f64, rule: &str, experiments: usize) {
    let requests = (seconds as f64 * model.rate) as u64;
    let setting = format!("replications: 10, truncation: {rule}");
    let answers = answers(&model.scenario(requests, relaxations, &setting), experiments, 0.99);
    let (mean, _) = coverages(model, &answers);
    let share =
        |of: fn(&Answer) -> bool| answers.iter().filter(|answer| of(answer)).count() as f64 / experiments as f64;
    let cut = share(|answer| answer.cut_s > 0.0);
    let total: f64 = answers.iter().map(|answer| answer.cut_s).sum();
    let mean_cut = if cut > 0.0 {
        format!("{:.0} s", total / (cut * experiments as f64))
    } else {
        "–".to_owned()
    };
    println!(
        "| {seconds} | {rule} | {} | {mean_cut} | {} | {:+.1} % | {} | {} |",
        percent(cut),
        percent(share(|answer| answer.not_stationary)),
        100.0 * mean.bias,
        percent(mean.half_width),
        told(&mean)
    );
}

fn stopping(experiments: usize) {
    println!("| model | asked | mean runs | mean covered | ± | reached |");
    println!("| --- | ---: | ---: | --- | ---: | ---: |");
    for (model, asked) in [
        (mm1("M/M/1, 50 %", 0.5), 4),
        (mm1("M/M/1, 50 %", 0.5), 2),
        (mm1("M/M/1, 80 %", 0.8), 10),
        (mm1("M/M/1, 80 %", 0.8), 5),
    ] {
        let setting = format!("precision: {{ half_width: {asked}%, of: [mean_ms], at_most: 640 }}");
        let answers = answers(&model.scenario(500, SETTLED, &setting), experiments, 0.99);
        let (mean, _) = coverages(&model, &answers);
        let runs: usize = answers.iter().map(|answer| answer.runs).sum();
        let reached = answers.iter().filter(|answer| {
            let (low, high) = answer.mean_ms.interval().expect("ten runs have an interval");
            0.5 * (high - low) <= 0.01 * f64::from(asked) * answer.mean_ms.value
        });
        println!(
            "| {} | ± {asked} % | {:.1} | {} | {} | {} |",
            model.name,
            runs as f64 / experiments as f64,
            told(&mean),
            percent(mean.half_width),
            percent(reached.count() as f64 / experiments as f64)
        );
    }
}

/// `94.1 % (92.5 to 95.5)`.
fn told(coverage: &Coverage) -> String {
    coverage.share().map_or("–".to_owned(), |share| {
        let [estimate, low, high] = [share.estimate, share.low, share.high].map(|share| 100.0 * share);
        format!("{estimate:.1} % ({low:.1} to {high:.1})")
    })
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

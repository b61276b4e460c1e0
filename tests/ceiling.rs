//! The hand-written loops that the benches compare with simulate what they say they simulate.

#[path = "../benches/ceiling"]
mod ceiling {
    pub mod heap;
    pub mod summary;
    pub mod w1;
    pub mod w2;
    pub mod w3;
}

use ceiling::summary::Summary;

fn within(value: f64, low: f64, high: f64, what: &str, summary: &Summary) {
    assert!(
        (low..=high).contains(&value),
        "{what} is {value}, not within {low} to {high}: {summary:?}"
    );
}

#[test]
fn w1_is_the_m_m_1_queue() {
    // Mean sojourn 5, p99 5 ln 100 = 23.03. The mean of n customers has standard deviation
    // √(ρ(2 + 5ρ − 4ρ² + ρ³)) / ((1 − ρ)² √n) = 44.5 / √n (Daley 1968): 0.044 for a million; three of them. The p99's
    // is about five times as large.
    let summary = ceiling::w1::run(1_000_000);
    assert_eq!((summary.served, summary.events), (1_000_000, 2_000_000));
    within(summary.mean.seconds(), 4.86, 5.14, "the mean", &summary);
    within(summary.p99.seconds(), 22.3, 23.8, "p99", &summary);
}

#[test]
fn w2_agrees_with_a_recursion_without_events() {
    // The recursion gives 26.20 to 26.27 ms and 112.1 to 112.6 ms (five seeds); half a million requests scatter by a
    // third of a percent, and the empty start costs a tenth.
    let summary = ceiling::w2::run(500_000);
    assert_eq!((summary.served, summary.events), (500_000, 2_000_000));
    within(summary.mean.millis(), 25.9, 26.6, "the mean", &summary);
    within(summary.p99.millis(), 110.5, 114.0, "p99", &summary);
}

#[test]
fn w3_agrees_with_other_simulators() {
    // 114.2 ms and 267 ms by other software.
    let summary = ceiling::w3::run(150_000);
    assert_eq!(summary.served, 150_000);
    within(
        summary.events as f64 / 150_000.0,
        15.999,
        16.001,
        "events a request",
        &summary,
    );
    within(summary.mean.millis(), 113.4, 115.0, "the mean", &summary);
    within(summary.p99.millis(), 264.0, 270.0, "p99", &summary);
}

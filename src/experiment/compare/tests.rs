//! Findings from pairs of numbers written by hand.

use super::*;

fn row_of(figure: Figure, values: &[(f64, f64)], level: f64) -> Row {
    let differences: Vec<f64> = values.iter().map(|(base, variant)| variant - base).collect();
    let interval = mean_interval(&differences, level);
    Row {
        figure,
        class: None,
        base: "rolling".into(),
        variant: "blue-green".into(),
        base_mean: 0.0,
        variant_mean: 0.0,
        difference: 0.0,
        interval,
        pairs: values.len(),
        finding: finding(figure.better(), &differences, interval),
    }
}

#[test]
fn a_difference_is_named_only_outside_the_noise() {
    // Differences 1, 2, 3: 2 ± 4.303·1/√3 = 2 ± 2.48 at 95 % and 2 ± 1.69 at 90 % (t = 2.920).
    let values = [(10.0, 11.0), (20.0, 22.0), (5.0, 8.0)];
    assert_eq!(row_of(Figure::MeanLatency, &values, 0.95).words(), "within noise");
    assert_eq!(row_of(Figure::MeanLatency, &values, 0.90).words(), "rolling better");
    assert_eq!(
        row_of(Figure::LowestHealthy, &values, 0.90).words(),
        "blue-green better"
    );
    assert_eq!(row_of(Figure::NewRevisionRequests, &values, 0.90).words(), "different");
}

#[test]
fn pairing_sees_what_the_spread_between_runs_would_hide() {
    // The runs differ by hundreds, the variants by about 1 in each of them.
    let values = [(100.0, 101.0), (500.0, 501.1), (900.0, 900.9), (300.0, 301.0)];
    assert_eq!(row_of(Figure::P99Latency, &values, 0.95).finding, Finding::BaseBetter);
}

#[test]
fn equal_runs_and_single_runs_say_so() {
    assert_eq!(
        row_of(Figure::CostPerHour, &[(2.0, 2.0), (2.0, 2.0)], 0.95).words(),
        "no difference"
    );
    assert_eq!(row_of(Figure::CostPerHour, &[(2.0, 3.0)], 0.95).words(), "too few runs");
    // A difference that is the same in all runs is certain as far as they go.
    assert_eq!(
        row_of(Figure::CostPerHour, &[(2.0, 3.0), (2.0, 3.0)], 0.95).words(),
        "rolling better"
    );
}

#[test]
fn no_latency_winner_where_the_shares_served_differ() {
    let better = [(0.0, 10.0), (0.0, 10.1), (0.0, 9.9)];
    let mut rows = vec![
        row_of(Figure::FailedShare, &better, 0.95),
        row_of(Figure::P99Latency, &better, 0.95),
    ];
    let cost = row_of(Figure::CostPerHour, &better, 0.95);
    rows.push(cost.clone());
    let mut other_class = row_of(Figure::P99Latency, &better, 0.95);
    other_class.class = Some("buy".into());
    rows.push(other_class.clone());
    withhold_latency_winners(&mut rows);
    assert_eq!(rows[1].words(), "no winner: shares served differ");
    assert_eq!(rows[0].finding, Finding::BaseBetter);
    assert_eq!(
        &rows[2..],
        [cost, other_class],
        "other figures and other classes keep theirs"
    );
}

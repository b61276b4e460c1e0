//! Expectations against small tables written by hand.

use super::*;

/// A table `summary` of three runs; run k alone sees the first number of its list.
struct Hand;

const LATENCIES: [f64; 3] = [9.0, 10.0, 12.5];

fn grid(mean: f64) -> Grid {
    let row = |class: &str, offered: f64, mean: Seen| vec![Seen::Text(class.into()), Seen::Number(offered), mean];
    Grid {
        columns: ["class", "offered", "mean_ms"].map(String::from).to_vec(),
        rows: vec![
            row("browse", 70.0, Seen::Number(mean)),
            row("buy", 30.0, Seen::Number(4.0)),
            row("search", 30.0, Seen::Nothing),
        ],
    }
}

impl Evidence for Hand {
    fn table(&self, name: &str) -> Option<Grid> {
        (name == "summary").then(|| grid(10.5))
    }
    fn table_of_run(&self, name: &str, run: usize) -> Option<Grid> {
        (name == "summary").then(|| grid(LATENCIES[run]))
    }
    fn runs(&self) -> usize {
        LATENCIES.len()
    }
    fn table_names(&self) -> Vec<String> {
        vec!["summary".into()]
    }
    fn verdict(&self, objective: &str) -> Option<&'static str> {
        (objective == "quick").then_some("met")
    }
}

fn table(filter: &[(&str, &str)], pick: Pick, bound: Bound) -> Finding {
    let filter = filter
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let subject = Subject::Table {
        file: "summary.csv".into(),
        filter,
        pick,
    };
    check_one(
        &Expectation {
            text: "as written".into(),
            line: 7,
            subject,
            bound,
        },
        &Hand,
    )
}

fn column(name: &str) -> Pick {
    Pick::Column(name.into())
}

const BROWSE: &[(&str, &str)] = &[("class", "browse")];

#[test]
fn a_cell_is_held_against_each_kind_of_bound() {
    let passes = |bound| table(BROWSE, column("mean_ms"), bound).passed();
    assert!(passes(Bound::Is(ExpectedValue::Number(10.5))));
    assert!(!passes(Bound::Is(ExpectedValue::Number(10.4))));
    assert!(passes(Bound::Near {
        value: 10.0,
        tolerance: 0.5
    }));
    assert!(!passes(Bound::Near {
        value: 10.0,
        tolerance: 0.4
    }));
    assert!(passes(Bound::AtMost(10.5)) && !passes(Bound::AtMost(10.0)));
    assert!(passes(Bound::AtLeast(10.5)) && !passes(Bound::AtLeast(11.0)));
    assert!(passes(Bound::Between(10.0, 11.0)) && !passes(Bound::Between(11.0, 12.0)));
}

#[test]
fn rows_are_counted_and_folded() {
    let seen = |filter, pick| table(filter, pick, Bound::AtLeast(0.0)).seen;
    assert_eq!(seen(&[("offered", "30")], Pick::Count), "2");
    assert_eq!(seen(&[], Pick::Sum("offered".into())), "130");
    assert_eq!(seen(&[], Pick::Minimum("mean_ms".into())), "4");
    assert_eq!(seen(&[], Pick::Maximum("mean_ms".into())), "10.5");
    assert_eq!(
        seen(&[], Pick::Last("mean_ms".into())),
        "4",
        "empty cells are passed over"
    );
}

#[test]
fn covers_means_the_interval_over_runs() {
    // Mean 10.5, standard deviation 1.80278, t(0.975, 2) = 4.30265: 10.5 ± 4.4784.
    let covers = |value| table(BROWSE, column("mean_ms"), Bound::Covers { value, level: 0.95 });
    assert!(covers(6.1).passed() && covers(14.9).passed(), "{}", covers(6.1).seen);
    assert!(!covers(6.0).passed() && !covers(15.0).passed());
    assert!(covers(6.0).seen.starts_with("6.02"), "{}", covers(6.0).seen);
    let agreed = table(
        &[("class", "buy")],
        column("mean_ms"),
        Bound::Covers {
            value: 4.0,
            level: 0.999,
        },
    );
    assert!(agreed.passed(), "{}", agreed.seen);
}

#[test]
fn a_failure_says_what_was_expected_what_was_seen_and_where() {
    let finding = table(BROWSE, column("mean_ms"), Bound::AtMost(0.1 + 0.2));
    let told = [finding.expected, finding.seen, finding.place, finding.text];
    assert_eq!(
        told,
        [
            "at most 0.3",
            "10.5",
            "summary.csv, class = browse, column mean_ms",
            "as written"
        ]
    );
}

#[test]
fn what_cannot_be_evaluated_has_failed_and_says_why() {
    let seen = |filter, pick| {
        let finding = table(filter, pick, Bound::AtLeast(0.0));
        assert!(!finding.passed());
        finding.seen
    };
    assert_eq!(
        seen(BROWSE, column("p98_ms")),
        "there is no column `p98_ms`; there are class, offered, mean_ms"
    );
    assert_eq!(
        seen(&[("colour", "red")], Pick::Count),
        "there is no column `colour`; there are class, offered, mean_ms"
    );
    assert_eq!(
        seen(&[("offered", "30")], column("mean_ms")),
        "2 rows match where one was expected"
    );
    assert_eq!(seen(&[("class", "x")], column("mean_ms")), "no row matches");
    assert_eq!(seen(&[("class", "search")], column("mean_ms")), "an empty cell");
    assert_eq!(seen(BROWSE, column("class")), "`browse`, which is no number");
}

#[test]
fn an_objective_is_known_by_its_verdict() {
    let objective = |name: &str, verdict: &str| {
        let subject = Subject::Objective(name.into());
        let bound = Bound::Is(ExpectedValue::Text(verdict.into()));
        check_one(
            &Expectation {
                text: String::new(),
                line: 1,
                subject,
                bound,
            },
            &Hand,
        )
    };
    assert!(objective("quick", "met").passed());
    assert!(!objective("quick", "not met").passed());
    assert_eq!(objective("slow", "met").seen, "there is no objective `slow`");
}

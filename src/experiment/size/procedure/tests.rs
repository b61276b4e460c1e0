//! The procedure against problems whose best candidate is known: normal costs, on common luck or each on its own.
//!
//! The share of correct selections must be at least the confidence asked for. Of N experiments with a share of 0.95 at
//! least 0.95 N − 3.09 √(0.95 · 0.05 N) are correct with a probability of 99.9 %: the bound of these tests.

use super::*;
use crate::engine::Key;
use crate::special::{Mass, normal_quantile};

/// What kind of problem.
#[derive(Clone, Copy, Debug)]
enum Means {
    /// The first is cheaper than all others by exactly the zone: the hardest there is.
    Slippage,
    /// Each is dearer than the one before by the zone.
    Monotone,
    /// Likewise, but the cheaper half misses an objective by one standard deviation of a run and the others meet it by
    /// as much: the first of these is the best.
    HalfMiss,
}

#[derive(Clone, Copy, Debug)]
struct Problem {
    means: Means,
    candidates: usize,
    /// Between the costs of two candidates in one run.
    correlation: f64,
    spread: Spread,
}

/// Standard deviations of a run's cost, in zones.
#[derive(Clone, Copy, Debug)]
enum Spread {
    /// 2 for all.
    Equal,
    /// From 1 for the first to 4 for the last.
    Growing,
    None,
}

impl Problem {
    const ZONE: f64 = 1.0;

    fn best(&self) -> usize {
        match self.means {
            Means::Slippage | Means::Monotone => 0,
            Means::HalfMiss => self.candidates / 2,
        }
    }

    fn mean(&self, at: usize) -> f64 {
        match self.means {
            Means::Slippage if at == 0 => 100.0,
            Means::Slippage => 100.0 + Self::ZONE,
            Means::Monotone | Means::HalfMiss => 100.0 + Self::ZONE * at as f64,
        }
    }

    fn deviation(&self, at: usize) -> f64 {
        match self.spread {
            Spread::Equal => 2.0,
            Spread::Growing => 1.0 + 3.0 * at as f64 / (self.candidates - 1) as f64,
            Spread::None => 0.0,
        }
    }

    /// Above zero meets the objective.
    fn margin(&self, at: usize) -> f64 {
        match self.means {
            Means::HalfMiss if at < self.best() => -1.0,
            _ => 1.0,
        }
    }
}

/// Draws of one experiment.
struct Draws {
    problem: Problem,
    key: Key,
    costs: Vec<Vec<f64>>,
    margins: [Vec<Vec<f64>>; 2],
    runs: u64,
}

impl Draws {
    fn new(problem: Problem, experiment: u64) -> Draws {
        let none = vec![Vec::new(); problem.candidates];
        Draws {
            problem,
            key: Key::root(1, 29, 0).child(experiment),
            costs: none.clone(),
            margins: [none.clone(), none],
            runs: 0,
        }
    }

    fn normal(&self, purpose: u64, candidate: u64, run: u64) -> f64 {
        let key = self.key.child(purpose).child(candidate).child(run);
        normal_quantile(Mass::Below(key.uniform()))
    }

    fn margins_to(&mut self, kind: usize, at: usize, to: u32) -> bool {
        for run in self.margins[kind][at].len() as u64..u64::from(to) {
            let drawn = self.problem.margin(at) + self.normal(2 + kind as u64, at as u64, run);
            self.margins[kind][at].push(drawn);
            self.runs += 1;
        }
        true
    }
}

impl Field for Draws {
    fn candidates(&self) -> usize {
        self.problem.candidates
    }

    fn run(&mut self, candidates: &[usize], depth: Depth, to: u32) -> bool {
        for &at in candidates {
            for run in self.costs[at].len() as u64..u64::from(to) {
                let common = self.problem.correlation.sqrt() * self.normal(0, 0, run);
                let own = (1.0 - self.problem.correlation).sqrt() * self.normal(1, at as u64, run);
                self.costs[at].push(self.problem.mean(at) + self.problem.deviation(at) * (common + own));
                self.runs += 1;
            }
            if depth == Depth::Whole && matches!(self.problem.means, Means::HalfMiss) {
                self.margins_to(0, at, to);
            }
        }
        true
    }

    fn run_fresh(&mut self, candidate: usize, to: u32) -> bool {
        !matches!(self.problem.means, Means::HalfMiss) || self.margins_to(1, candidate, to)
    }

    fn costs(&self, candidate: usize) -> &[f64] {
        &self.costs[candidate]
    }

    fn standing(&self, candidate: usize, runs: Runs, errors: Errors) -> Standing {
        if !matches!(self.problem.means, Means::HalfMiss) {
            return Standing::Feasible;
        }
        let margins: Moments = self.margins[runs as usize][candidate].iter().copied().collect();
        let (Some(mean), Some(deviation)) = (margins.mean(), margins.deviation()) else {
            return Standing::Undecided;
        };
        let n = margins.count() as f64;
        let reach = |error: f64| t_quantile(1.0 - error, n - 1.0) * deviation / n.sqrt();
        if mean - reach(errors.feasible) >= 0.0 {
            Standing::Feasible
        } else if mean + reach(errors.infeasible) < 0.0 {
            Standing::Infeasible
        } else {
            Standing::Undecided
        }
    }

    fn strain(&self, _: usize) -> f64 {
        0.0
    }
}

const RULES: Rules = Rules {
    error: 0.05,
    indifference: Indifference::Absolute(Problem::ZONE),
    first: 10,
    most: 640,
};

/// What came of many experiments.
struct Tally {
    experiments: u64,
    /// The best was found.
    correct: u64,
    /// Something else was said to be the best.
    wrong: u64,
    runs: u64,
}

impl Tally {
    fn of(problem: Problem, experiments: u64) -> Tally {
        let mut tally = Tally {
            experiments,
            correct: 0,
            wrong: 0,
            runs: 0,
        };
        for experiment in 0..experiments {
            let mut draws = Draws::new(problem, experiment);
            let selection = select(&mut draws, RULES);
            tally.runs += draws.runs;
            match (selection.ending, selection.winner) {
                (Ending::Found, Some(winner)) if winner == problem.best() => tally.correct += 1,
                (Ending::Found | Ending::NoneFeasible, _) => tally.wrong += 1,
                _ => {}
            }
        }
        tally
    }

    fn runs_each(&self) -> f64 {
        self.runs as f64 / self.experiments as f64
    }

    fn is_as_promised(&self) -> bool {
        let n = self.experiments as f64;
        self.correct as f64 >= 0.95 * n - 3.09 * (0.95 * 0.05 * n).sqrt()
    }
}

fn problem(means: Means, candidates: usize, correlation: f64, spread: Spread) -> Problem {
    Problem {
        means,
        candidates,
        correlation,
        spread,
    }
}

#[test]
fn the_best_is_selected_as_often_as_is_promised() {
    for (means, spread) in [
        (Means::Slippage, Spread::Equal),
        (Means::Monotone, Spread::Growing),
        (Means::HalfMiss, Spread::Equal),
    ] {
        for (candidates, experiments) in [(2, 1000), (5, 400), (10, 200)] {
            let tally = Tally::of(problem(means, candidates, 0.8, spread), experiments);
            let (correct, of) = (tally.correct, tally.experiments);
            assert!(
                tally.is_as_promised(),
                "{means:?}, {candidates} candidates: {correct} of {of}"
            );
        }
    }
}

/// With a correlation of 0.9 the differences have a tenth of the variance.
#[test]
fn common_luck_takes_fewer_runs_than_luck_of_its_own() {
    let runs = |correlation| Tally::of(problem(Means::Slippage, 5, correlation, Spread::Equal), 200).runs_each();
    let (common, own) = (runs(0.9), runs(0.0));
    assert!(common < 0.6 * own, "{common} runs against {own}");
}

/// Costs that are the same in every run are known at the first look, and no candidate is run again.
#[test]
fn costs_without_spread_are_compared_exactly() {
    for means in [Means::Slippage, Means::Monotone] {
        let mut draws = Draws::new(problem(means, 10, 0.0, Spread::None), 0);
        let selection = select(&mut draws, RULES);
        assert_eq!((selection.ending, selection.winner), (Ending::Found, Some(0)));
        assert_eq!(draws.runs, 10 * 10);
    }
}

/// Nothing between the candidates: any is right, and the search must not go on for ever to tell them apart.
#[test]
fn savings_smaller_than_the_zone_end_the_search() {
    let rules = Rules {
        indifference: Indifference::Share(0.05),
        ..RULES
    };
    let mut draws = Draws::new(problem(Means::Slippage, 5, 0.9, Spread::Equal), 0);
    assert_eq!(select(&mut draws, rules).ending, Ending::Found);
}

#[test]
fn what_cannot_be_decided_is_said_to_be_undecided() {
    let rules = Rules { most: 10, ..RULES };
    let mut draws = Draws::new(problem(Means::Slippage, 5, 0.0, Spread::Growing), 0);
    let selection = select(&mut draws, rules);
    assert_eq!(selection.ending, Ending::Exhausted);
    assert!(selection.winner.is_some() && selection.statuses.contains(&Status::Undecided));
}

#[test]
fn looks_double_up_to_the_most() {
    let rules = Rules { most: 50, ..RULES };
    assert_eq!(rules.looks(), [10, 20, 40, 50]);
    assert_eq!(Rules { most: 10, ..RULES }.looks(), [10]);
    // Thirds: the pairs', the judgements', and half of the last for the first confirmation.
    assert!((rules.error_of_pair(5) - 0.05 / 3.0 / 16.0).abs() < 1e-18);
    assert!((rules.errors(5, 0).feasible - 0.05 / 3.0 / 2.0 / 4.0).abs() < 1e-18);
    assert!((rules.errors(5, 1).infeasible - 0.05 / 3.0 / 40.0).abs() < 1e-18);
}

/// The table of `docs/size.md`: `cargo test --release --lib size::procedure::tests -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes; the test above holds the same to a smaller number of experiments"]
fn the_table_of_the_documentation() {
    println!("| means | candidates | spread | correlation | correct | wrong | undecided | runs |");
    println!("|---|---|---|---|---|---|---|---|");
    for means in [Means::Slippage, Means::Monotone, Means::HalfMiss] {
        for candidates in [2, 5, 10, 50] {
            for (spread, correlation) in [(Spread::Equal, 0.0), (Spread::Equal, 0.9), (Spread::Growing, 0.9)] {
                let tally = Tally::of(problem(means, candidates, correlation, spread), 1000);
                let share = |count: u64| 100.0 * count as f64 / tally.experiments as f64;
                println!(
                    "| {means:?} | {candidates} | {spread:?} | {correlation} | {:.2} % | {:.2} % | {:.2} % | {:.0} |",
                    share(tally.correct),
                    share(tally.wrong),
                    share(tally.experiments - tally.correct - tally.wrong),
                    tally.runs_each()
                );
                assert!(tally.is_as_promised());
            }
        }
    }
}

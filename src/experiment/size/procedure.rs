//! Ranking and selection: which of several candidates is the cheapest that meets what is asked, with a stated confidence.
//!
//! What is promised: with at least the confidence asked for, the winner meets everything, and no candidate that meets
//! everything is cheaper than it by more than the indifference zone. The error that is left is spent in thirds, each
//! by Bonferroni's inequality, which holds however the candidates depend on each other; under common random numbers
//! they do.
//!
//! * *Dearer.* A candidate is set aside when the upper confidence bound of the mean of (the leader's cost less the zone)
//!   − (its own cost), run by run on the same luck, is below zero: a paired t test for each candidate and each look, as
//!   in Clark and Yang's procedure (1986) and the screening of Nelson, Swann, Goldsman and Song (2001). Runs are a prefix
//!   of one sequence whose lengths are known beforehand (n, 2n, 4n, …), so a union over the lengths covers every path
//!   that the search can take, and a candidate that was set aside by a leader that fell may come back. Differences
//!   that are the same in every run have variance zero, and their bound is their mean: they are taken as exact.
//! * *Infeasible.* The bound on the other side, for each candidate and each look; the field divides it among its tests.
//! * *Feasible.* Decided by fresh runs of the winner alone, which have no part in its selection. To claim that all
//!   objectives are met, each must pass by itself at the whole error (an intersection-union test, Berger 1982). The first
//!   winner may spend half of the third, the next half of what is left, and so on.
//!
//! What a candidate is, how it is run and how it is judged is the field's affair, so that the procedure can be held
//! against problems whose answer is known.

use crate::stats::{Moments, t_quantile};

/// What the search is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// One minus the confidence; above 0 and below 1.
    pub error: f64,
    pub indifference: Indifference,
    /// Runs of each candidate at the first look; at least 2.
    pub first: u32,
    /// No candidate is run more often in the search, nor the winner in its confirmation.
    pub most: u32,
}

/// Savings that do not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Indifference {
    /// Of the winner's cost.
    Share(f64),
    /// In the unit of cost.
    Absolute(f64),
}

impl Indifference {
    /// What a candidate would have to cost to be cheaper by the whole zone.
    fn less(self, cost: f64) -> f64 {
        match self {
            Indifference::Share(share) => cost * (1.0 - share),
            Indifference::Absolute(zone) => cost - zone,
        }
    }
}

/// How much of a candidate is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What its cost needs.
    Cost,
    /// Everything that it has to meet.
    Whole,
}

/// Which runs are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    Search,
    /// Those that confirm, which the search has not seen.
    Fresh,
}

/// The one-sided errors that a judgement may make.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Of each test: all of them must pass.
    pub feasible: f64,
    /// Of all tests together: one that fails is enough.
    pub infeasible: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Feasible,
    Infeasible,
    Undecided,
}

/// Candidates that can be run and judged. Run number r of all candidates shares its luck.
pub trait Field {
    fn candidates(&self) -> usize;
    /// Makes the runs that these candidates lack of runs 0 to `to`. False: it was interrupted, and nothing may be judged.
    fn run(&mut self, candidates: &[usize], depth: Depth, to: u32) -> bool;
    /// Makes the fresh runs that a candidate lacks of the first `to`.
    fn run_fresh(&mut self, candidate: usize, to: u32) -> bool;
    /// By run, from 0 on.
    fn costs(&self, candidate: usize) -> &[f64];
    /// By all runs of this kind that the candidate has, at whatever depth: at the depth of cost never feasible.
    fn standing(&self, candidate: usize, runs: Runs, errors: Errors) -> Standing;
    /// How near the candidate comes to missing something; breaks ties of cost, the lowest wins.
    fn strain(&self, candidate: usize) -> f64;
}

/// What became of the search.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    pub ending: Ending,
    /// Confirmed on fresh runs. Without [`Ending::Found`] it meets everything, but a cheaper one may be undecided.
    pub winner: Option<usize>,
    /// For each candidate.
    pub statuses: Vec<Status>,
    /// Runs of a candidate at the last look.
    pub looked: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The winner is the cheapest, within the zone, with the confidence asked for.
    Found,
    /// No candidate meets everything.
    NoneFeasible,
    /// Something is undecided after as many runs as were allowed.
    Exhausted,
    Interrupted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Winner,
    /// Not cheaper than the winner by more than the zone.
    Dearer,
    Infeasible,
    /// Not shown to be any of these.
    Undecided,
}

impl Rules {
    /// The numbers of runs at which candidates are looked at.
    pub fn looks(&self) -> Vec<u32> {
        let mut looks = vec![self.first.min(self.most)];
        while looks[looks.len() - 1] < self.most {
            looks.push(self.after(looks[looks.len() - 1]));
        }
        looks
    }

    fn after(&self, runs: u32) -> u32 {
        runs.saturating_mul(2).min(self.most)
    }

    /// The error of one paired test of costs.
    pub fn error_of_pair(&self, candidates: usize) -> f64 {
        self.error / 3.0 / (candidates.saturating_sub(1).max(1) * self.looks().len()) as f64
    }

    /// Student's quantile of the test of a pair at each look.
    fn quantiles(&self, candidates: usize) -> Vec<(u64, f64)> {
        let level = 1.0 - self.error_of_pair(candidates);
        let looks = self.looks().into_iter();
        looks
            .map(|runs| (u64::from(runs), t_quantile(level, f64::from(runs - 1))))
            .collect()
    }

    /// The errors of one judgement: in the search, and of the attempt at a confirmation, counted from 0. A candidate is
    /// called infeasible at a look of the search or at one of its confirmation.
    pub fn errors(&self, candidates: usize, attempt: u32) -> Errors {
        let looks = self.looks().len() as f64;
        let halved = (0..=attempt.min(60)).fold(1.0, |share, _| 0.5 * share);
        Errors {
            feasible: self.error / 3.0 * halved / looks,
            infeasible: self.error / 3.0 / (2.0 * looks * candidates as f64),
        }
    }
}

struct Search<'f, F> {
    field: &'f mut F,
    rules: Rules,
    count: usize,
    infeasible: Vec<bool>,
    /// Chosen once, and fresh runs could not decide.
    unconfirmed: Vec<bool>,
    attempts: u32,
    /// Student's quantile of a pair's test, by the numbers of runs that there can be.
    quantiles: Vec<(u64, f64)>,
}

/// Searches until a winner is confirmed, nothing is left, or no more runs are allowed.
///
/// # Panics
/// If there is no candidate, or the first look has fewer than two runs.
pub fn select<F: Field>(field: &mut F, rules: Rules) -> Selection {
    let count = field.candidates();
    assert!(
        count > 0 && rules.first >= 2,
        "a search takes candidates and two runs of each"
    );
    let mut search = Search {
        field,
        rules,
        count,
        infeasible: vec![false; count],
        unconfirmed: vec![false; count],
        attempts: 0,
        quantiles: rules.quantiles(count),
    };
    let mut runs = search.rules.looks()[0];
    let all: Vec<usize> = (0..count).collect();
    if !search.field.run(&all, Depth::Cost, runs) {
        return search.end(Ending::Interrupted, None, runs);
    }
    loop {
        let Some(leader) = search.look(runs) else {
            return search.end(Ending::Interrupted, None, runs);
        };
        let open = search.open(leader);
        let last = runs >= search.rules.most || open.is_empty();
        match leader {
            None if search.infeasible.iter().all(|out| *out) => return search.end(Ending::NoneFeasible, None, runs),
            None if last => return search.end(Ending::Exhausted, None, runs),
            Some(leader) if last => match search.confirm(leader, runs) {
                None => return search.end(Ending::Interrupted, None, runs),
                Some(Standing::Feasible) => {
                    let found = open.is_empty() && search.blocked(leader).is_empty();
                    let ending = if found { Ending::Found } else { Ending::Exhausted };
                    return search.end(ending, Some(leader), runs);
                }
                Some(Standing::Infeasible) => search.infeasible[leader] = true,
                Some(Standing::Undecided) => search.unconfirmed[leader] = true,
            },
            _ => {
                runs = search.rules.after(runs);
                let costly: Vec<usize> = open.into_iter().chain(leader).collect();
                if !search.field.run(&costly, Depth::Cost, runs) {
                    return search.end(Ending::Interrupted, None, runs);
                }
            }
        }
    }
}

impl<F: Field> Search<'_, F> {
    /// Judges the candidates from the cheapest on, until one is feasible: what is dearer than that need not be run
    /// through everything. `None`: interrupted. Else the leader, if there is one.
    fn look(&mut self, runs: u32) -> Option<Option<usize>> {
        let mut order: Vec<usize> = (0..self.count).filter(|at| self.may_lead(*at)).collect();
        order.sort_by(|one, other| self.mean(*one).total_cmp(&self.mean(*other)));
        let mut leader: Option<usize> = None;
        for at in order {
            // Of those that cost exactly the same, the one farther from its bounds leads.
            let tied = leader.is_some_and(|leader| self.mean(leader) == self.mean(at));
            if leader.is_some() && !tied {
                break;
            }
            if !self.field.run(&[at], Depth::Cost, runs) {
                return None;
            }
            let errors = self.rules.errors(self.count, 0);
            let mut standing = self.field.standing(at, Runs::Search, errors);
            // What fails in normal operation need not be seen in trouble.
            if standing != Standing::Infeasible {
                if !self.field.run(&[at], Depth::Whole, runs) {
                    return None;
                }
                standing = self.field.standing(at, Runs::Search, errors);
            }
            match standing {
                Standing::Infeasible => self.infeasible[at] = true,
                Standing::Feasible if leader.is_none_or(|first| self.field.strain(at) < self.field.strain(first)) => {
                    leader = Some(at);
                }
                Standing::Feasible | Standing::Undecided => {}
            }
        }
        Some(leader)
    }

    fn may_lead(&self, at: usize) -> bool {
        !self.infeasible[at] && !self.unconfirmed[at]
    }

    /// Those that more runs may show to be better than the leader.
    fn open(&self, leader: Option<usize>) -> Vec<usize> {
        let rivals = (0..self.count).filter(|at| Some(*at) != leader && self.may_lead(*at));
        rivals
            .filter(|at| !leader.is_some_and(|leader| self.is_dearer(*at, leader)))
            .collect()
    }

    /// Those that might be better, but that no run of a confirmation could decide about.
    fn blocked(&self, leader: usize) -> Vec<usize> {
        let rivals = (0..self.count).filter(|at| self.unconfirmed[*at] && *at != leader);
        rivals.filter(|at| !self.is_dearer(*at, leader)).collect()
    }

    fn mean(&self, at: usize) -> f64 {
        let costs = self.field.costs(at);
        costs.iter().sum::<f64>() / costs.len() as f64
    }

    /// Whether it is shown that a candidate does not save more than the zone against another.
    fn is_dearer(&self, at: usize, than: usize) -> bool {
        let (ours, theirs) = (self.field.costs(at), self.field.costs(than));
        let pairs = theirs.iter().zip(ours);
        let savings: Moments = pairs
            .map(|(theirs, ours)| self.rules.indifference.less(*theirs) - ours)
            .collect();
        let (Some(mean), Some(variance)) = (savings.mean(), savings.variance()) else {
            return false;
        };
        // Pairs are as many as one of the two has runs, which is the number of a look.
        let n = savings.count();
        let quantile = self
            .quantiles
            .iter()
            .find(|(runs, _)| *runs == n)
            .map(|(_, quantile)| quantile);
        quantile.is_some_and(|quantile| mean + quantile * (variance / n as f64).sqrt() < 0.0)
    }

    /// Judges a leader by runs that it was not chosen by: at first as many as it was chosen by. `None`: interrupted.
    fn confirm(&mut self, leader: usize, chosen_by: u32) -> Option<Standing> {
        let errors = self.rules.errors(self.count, self.attempts);
        self.attempts += 1;
        let mut runs = chosen_by;
        loop {
            if !self.field.run_fresh(leader, runs) {
                return None;
            }
            let standing = self.field.standing(leader, Runs::Fresh, errors);
            if standing != Standing::Undecided || runs >= self.rules.most {
                return Some(standing);
            }
            runs = self.rules.after(runs);
        }
    }

    fn end(self, ending: Ending, winner: Option<usize>, looked: u32) -> Selection {
        let status = |at: usize| {
            if Some(at) == winner {
                Status::Winner
            } else if self.infeasible[at] {
                Status::Infeasible
            } else if winner.is_some_and(|winner| self.is_dearer(at, winner)) {
                Status::Dearer
            } else {
                Status::Undecided
            }
        };
        Selection {
            ending,
            winner,
            statuses: (0..self.count).map(status).collect(),
            looked,
        }
    }
}

#[cfg(test)]
mod tests;

//! A chain of states that last exponential times.
//!
//! The state at the start is drawn from the stationary law over time; what is left of an exponential time is exponential
//! again, so the process is stationary from instant 0 on.

use crate::blueprint::RateState;
use crate::engine::dist::Law;
use crate::engine::random::Key;
use crate::units::Span;

#[derive(Clone, Debug)]
pub struct States {
    states: Box<[State]>,
    now: usize,
    /// When the present state ends, in ns.
    turn: u64,
    /// Turns so far.
    turns: u64,
    key: Key,
}

#[derive(Clone, Debug)]
struct State {
    factor: f64,
    /// Mean length in ns.
    mean: f64,
    /// The states that may follow, each with the share of it and those before.
    next: Box<[(f64, usize)]>,
}

/// Purpose below a turn's key: which state follows.
const NEXT: u64 = 1;

impl States {
    /// A high and a low rate in turn. With `h` and `l` the mean lengths, the factor in the low state is
    /// (h+l)/(ratio·h+l): the mean over time is 1.
    pub fn two(ratio: f64, means: [Span; 2], exponential: &Law, key: Key) -> States {
        let [high, low] = means.map(|mean| mean.nanos() as f64);
        assert!(
            ratio.is_finite() && ratio >= 0.0,
            "the ratio of bursts is finite and not negative"
        );
        let factor_low = (high + low) / (ratio * high + low);
        let state = |factor, mean, next| State {
            factor,
            mean,
            next: Box::new([(1.0, next)]),
        };
        let states = Box::new([state(ratio * factor_low, high, 1), state(factor_low, low, 0)]);
        States::starting(states, &[high / (high + low)], exponential, key)
    }

    /// Any number of states; see [`RateState`].
    pub fn chain(written: &[RateState], exponential: &Law, key: Key) -> States {
        let shares = time_shares(written);
        let mean_ratio: f64 = shares
            .iter()
            .zip(written)
            .map(|(share, state)| share * state.ratio)
            .sum();
        assert!(mean_ratio > 0.0, "some state has arrivals");
        let states = written.iter().map(|state| State {
            factor: state.ratio / mean_ratio,
            mean: state.mean.nanos() as f64,
            next: running(state.next.iter().map(|(_, share)| *share))
                .zip(state.next.iter().map(|(next, _)| *next))
                .collect(),
        });
        let running_shares: Vec<f64> = running(shares.into_iter()).collect();
        States::starting(states.collect(), &running_shares, exponential, key)
    }

    /// In a state drawn by these shares of time, each with those before; what they leave is the last state's.
    fn starting(states: Box<[State]>, shares: &[f64], exponential: &Law, key: Key) -> States {
        assert!(
            states.iter().all(|state| state.mean > 0.0),
            "states of bursty arrivals last"
        );
        let u = key.child(0).uniform();
        let now = shares.iter().position(|&share| u < share).unwrap_or(states.len() - 1);
        let mut states = States {
            states,
            now,
            turn: 0,
            turns: 0,
            key,
        };
        states.turn = states.next_turn(exponential);
        states
    }

    pub fn factor(&self) -> f64 {
        self.states[self.now].factor
    }

    pub fn turn(&self) -> u64 {
        self.turn
    }

    pub fn advance_to(&mut self, at: u64, exponential: &Law) {
        if at < self.turn {
            return;
        }
        let next = &self.states[self.now].next;
        self.now = match &**next {
            [(_, only)] => *only,
            several => {
                let u = self.key.child(self.turns).child(NEXT).uniform();
                let next = several.iter().find(|(share, _)| u < *share);
                next.unwrap_or(&several[several.len() - 1]).1
            }
        };
        self.turn = self.next_turn(exponential);
    }

    /// A state lasts at least a nanosecond, so that every turn moves on.
    fn next_turn(&mut self, exponential: &Law) -> u64 {
        self.turns += 1;
        let length = (exponential.draw(self.key.child(self.turns)) * self.states[self.now].mean).round() as u64;
        self.turn.saturating_add(length.max(1))
    }
}

/// Sums so far.
fn running(shares: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
    shares.scan(0.0, |sum, share| {
        *sum += share;
        Some(*sum)
    })
}

/// The share of time in each state: how often it is entered (the stationary law of the chain of turns) by its length.
///
/// By the elimination of Grassmann, Taksar and Heyman, which subtracts nothing and so loses no digits.
fn time_shares(written: &[RateState]) -> Vec<f64> {
    let count = written.len();
    let mut chain = vec![vec![0.0; count]; count];
    for (from, state) in written.iter().enumerate() {
        for (to, share) in &state.next {
            chain[from][*to] += share;
        }
    }
    for last in (1..count).rev() {
        let down: f64 = chain[last][..last].iter().sum();
        assert!(down > 0.0, "every state of the chain leads to every other");
        for from in 0..last {
            chain[from][last] /= down;
            for to in 0..last {
                chain[from][to] += chain[from][last] * chain[last][to];
            }
        }
    }
    let mut entered: Vec<f64> = vec![1.0];
    while entered.len() < count {
        let into = chain.iter().map(|row| row[entered.len()]);
        let sum = entered.iter().zip(into).map(|(entered, into)| entered * into).sum();
        entered.push(sum);
    }
    let times: Vec<f64> = entered
        .iter()
        .zip(written)
        .map(|(entered, state)| entered * state.mean.seconds())
        .collect();
    let whole: f64 = times.iter().sum();
    times.into_iter().map(|time| time / whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(ratio: f64, seconds: u64, next: &[(usize, f64)]) -> RateState {
        RateState {
            ratio,
            mean: Span::from_secs(seconds),
            next: next.to_vec(),
        }
    }

    #[test]
    fn time_is_shared_by_how_often_a_state_is_entered_and_how_long_it_lasts() {
        // From 0 always to 1, from 1 to 0 or 2 alike, from 2 always to 0. Entered: x0 = x1/2 + x2, x1 = x0, x2 = x1/2,
        // so 2 : 2 : 1; with 1, 2 and 4 s that is 2 : 4 : 4.
        let states = [
            state(1.0, 1, &[(1, 1.0)]),
            state(1.0, 2, &[(0, 0.5), (2, 0.5)]),
            state(1.0, 4, &[(0, 1.0)]),
        ];
        let shares = time_shares(&states);
        for (share, exact) in shares.into_iter().zip([0.2, 0.4, 0.4]) {
            assert!((share - exact).abs() < 1e-15, "{share} against {exact}");
        }
    }
}

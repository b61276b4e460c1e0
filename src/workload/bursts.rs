//! What makes arrivals burst: a state that changes at random and multiplies the profile's rate.
//!
//! The state is independent of the profile, stationary from instant 0 on, and its factor is 1 on average, so the profile
//! stays the mean rate at every instant. Two kinds: a chain of states that last exponential times
//! (a Markov-modulated Poisson process), and sessions of Pareto length (self-similar arrivals).

mod sessions;
mod states;

use crate::blueprint::Arrivals;
use crate::engine::dist::Law;
use crate::engine::random::Key;
use sessions::Sessions;
use states::States;

#[derive(Clone, Debug)]
pub enum Bursts {
    /// One state for ever, at the profile's rate.
    None,
    States(Box<States>),
    Sessions(Box<Sessions>),
}

impl Bursts {
    /// `exponential` has mean 1.
    pub fn new(arrivals: &Arrivals, exponential: &Law, key: Key) -> Bursts {
        match arrivals {
            Arrivals::Poisson | Arrivals::Regular => Bursts::None,
            Arrivals::Bursty {
                ratio,
                mean_high,
                mean_low,
            } => Bursts::States(Box::new(States::two(*ratio, [*mean_high, *mean_low], exponential, key))),
            Arrivals::Modulated(states) => Bursts::States(Box::new(States::chain(states, exponential, key))),
            Arrivals::SelfSimilar(similar) => Bursts::Sessions(Box::new(Sessions::new(similar, exponential, key))),
        }
    }

    /// What the profile's rate is multiplied with now.
    pub fn factor(&self) -> f64 {
        match self {
            Bursts::None => 1.0,
            Bursts::States(states) => states.factor(),
            Bursts::Sessions(sessions) => sessions.factor(),
        }
    }

    /// When that changes next, in ns; the largest number for "never".
    pub fn turn(&self) -> u64 {
        match self {
            Bursts::None => u64::MAX,
            Bursts::States(states) => states.turn(),
            Bursts::Sessions(sessions) => sessions.turn(),
        }
    }

    /// Changes state if an instant is that of the next turn.
    pub fn advance_to(&mut self, at: u64, exponential: &Law) {
        match self {
            Bursts::None => {}
            Bursts::States(states) => states.advance_to(at, exponential),
            Bursts::Sessions(sessions) => sessions.advance_to(at, exponential),
        }
    }
}

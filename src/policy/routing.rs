//! Routing: which target a request goes to, and which rule or route takes a path.
//!
//! Targets are chosen from a node's own view: published targets and that node's own counts, nothing else. Rules and
//! routes (`rules`) are matched once, when a run is built: request classes are finite, so no request compares text.

mod among;
mod pattern;
mod rules;

use crate::blueprint::{Algorithm, Balancing, Ties};
use crate::cluster::view::{View, ViewTarget};
use crate::engine::random::Key;
use crate::units::{Instant, Span};
pub use among::choose_among;
pub use rules::{matching_route, matching_rule};

/// How a view's owner chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chooser {
    pub choice: Choice,
    pub ties: Ties,
    /// The length of slow start's ramp; zero is off.
    pub slow_start: Span,
}

/// By what a target is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    RoundRobin,
    LeastOutstandingRequests,
    /// By the view's weights; without any, each as likely as any other.
    WeightedRandom,
    /// Of two drawn at random the one with fewer requests under way; of two with as many the first drawn
    /// [Mitzenmacher 2001].
    PowerOfTwoChoices,
}

impl From<Algorithm> for Choice {
    fn from(algorithm: Algorithm) -> Choice {
        match algorithm {
            Algorithm::RoundRobin => Choice::RoundRobin,
            Algorithm::LeastOutstandingRequests => Choice::LeastOutstandingRequests,
            Algorithm::WeightedRandom => Choice::WeightedRandom,
        }
    }
}

impl From<Balancing> for Choice {
    fn from(balancing: Balancing) -> Choice {
        match balancing {
            Balancing::RoundRobin => Choice::RoundRobin,
            Balancing::LeastOutstandingRequests => Choice::LeastOutstandingRequests,
            Balancing::Random | Balancing::WeightedRandom => Choice::WeightedRandom,
            Balancing::PowerOfTwoChoices => Choice::PowerOfTwoChoices,
        }
    }
}

/// Purposes below the attempt's routing key.
const TIE: u64 = 1;
const RANDOM: u64 = 2;
const RAMP: u64 = 3;
const SECOND: u64 = 4;

/// Position in the view of the target to take; `None` if there is none. Moves round robin on.
#[inline(always)]
pub fn choose(view: &mut View, chooser: Chooser, key: Key, now: Instant) -> Option<usize> {
    match view.targets().len() {
        0 => None,
        1 => Some(0),
        count => Some(match chooser.choice {
            Choice::RoundRobin if view.ramping() => next_with_slow_start(view, chooser.slow_start, key, now),
            Choice::RoundRobin => next_in_turn(view),
            Choice::LeastOutstandingRequests => least_outstanding(view.outstanding(), chooser.ties, key),
            Choice::WeightedRandom if !view.weights().is_empty() => by_weight(view.weights(), key.child(RANDOM)),
            Choice::WeightedRandom => key.child(RANDOM).below(count as u32) as usize,
            Choice::PowerOfTwoChoices => less_of_two(view.outstanding(), key),
        }),
    }
}

#[inline]
fn next_in_turn(view: &mut View) -> usize {
    let at = view.position as usize;
    view.position = if at + 1 == view.targets().len() {
        0
    } else {
        view.position + 1
    };
    at
}

/// A target in slow start is taken with probability (time in slow start)/(length), else passed over; AWS says "linear"
/// and no more. While no target is out of slow start nobody is spared: each has its turn [ALB:edit-target-group-attributes].
#[inline(never)]
fn next_with_slow_start(view: &mut View, length: Span, key: Key, now: Instant) -> usize {
    let share = |target: &ViewTarget| match target.ramping_since {
        None => 1.0,
        Some(_) if length.is_zero() => 1.0,
        Some(since) => now.since(since).nanos() as f64 / length.nanos() as f64,
    };
    if view.targets().iter().all(|target| share(target) < 1.0) {
        return next_in_turn(view);
    }
    for turn in 0..2 * view.targets().len() as u64 {
        let at = next_in_turn(view);
        let share = share(&view.targets()[at]);
        if share >= 1.0 || key.child(RAMP).child(turn).uniform() < share {
            return at;
        }
    }
    next_in_turn(view)
}

#[inline(never)]
fn less_of_two(outstanding: &[u32], key: Key) -> usize {
    let (first, second) = two_of(outstanding.len() as u32, key);
    if outstanding[second] < outstanding[first] {
        second
    } else {
        first
    }
}

/// Two different numbers below `count`, which is 2 or more.
fn two_of(count: u32, key: Key) -> (usize, usize) {
    let first = key.child(RANDOM).below(count);
    let second = key.child(SECOND).below(count - 1);
    (first as usize, (second + u32::from(second >= first)) as usize)
}

/// Each with probability weight over sum; the sum is above 0.
#[inline(never)]
fn by_weight(weights: &[u32], key: Key) -> usize {
    let mut left = key.below(weights.iter().sum());
    for (at, &weight) in weights.iter().enumerate() {
        if left < weight {
            return at;
        }
        left -= weight;
    }
    unreachable!("a number below the sum falls to one of the weights")
}

/// Each pass is a plain loop over the counts, which compiles to several of them at a time.
#[inline(never)]
fn least_outstanding(outstanding: &[u32], ties: Ties, key: Key) -> usize {
    let least = outstanding.iter().copied().fold(u32::MAX, u32::min);
    let mut skip = match ties {
        Ties::FirstRegistered => 0,
        Ties::Uniform => {
            let equals: u32 = outstanding.iter().map(|&count| u32::from(count == least)).sum();
            if equals == 1 { 0 } else { key.child(TIE).below(equals) }
        }
    };
    for (at, &count) in outstanding.iter().enumerate() {
        if count == least {
            if skip == 0 {
                return at;
            }
            skip -= 1;
        }
    }
    unreachable!("the least of the counts is one of them")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Task;
    use crate::engine::arena::Id;

    fn view(outstanding: &[u32]) -> View {
        let mut view = View::default();
        view.publish(targets(outstanding.len()));
        for (at, &count) in outstanding.iter().enumerate() {
            for _ in 0..count {
                view.began(at);
            }
        }
        view
    }

    fn targets(count: usize) -> Vec<ViewTarget> {
        let mut arena: crate::engine::arena::Arena<()> = crate::engine::arena::Arena::new();
        let target = |_| ViewTarget {
            task: Id::<Task>::from_raw(arena.insert(()).raw()),
            ramping_since: None,
        };
        (0..count).map(target).collect()
    }

    fn chooser(algorithm: Algorithm, ties: Ties) -> Chooser {
        Chooser {
            choice: algorithm.into(),
            ties,
            slow_start: Span::ZERO,
        }
    }

    #[test]
    fn round_robin_takes_targets_in_turn() {
        let mut view = view(&[9, 0, 5]);
        let chooser = chooser(Algorithm::RoundRobin, Ties::Uniform);
        let key = Key::root(1, 1, 0);
        let turns: Vec<_> = (0..7)
            .filter_map(|_| choose(&mut view, chooser, key, Instant::ZERO))
            .collect();
        assert_eq!(turns, [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn least_outstanding_takes_the_least_busy_and_breaks_ties_uniformly() {
        let mut view = view(&[2, 1, 3, 1, 1]);
        let uniform = chooser(Algorithm::LeastOutstandingRequests, Ties::Uniform);
        let mut taken = [0u32; 5];
        for n in 0..3000 {
            taken[choose(&mut view, uniform, Key::root(1, n, 0), Instant::ZERO).expect("there are targets")] += 1;
        }
        assert_eq!((taken[0], taken[2]), (0, 0));
        // Binomial(3000, 1/3) has standard deviation 25.8: five of them around 1000.
        for at in [1, 3, 4] {
            assert!(taken[at].abs_diff(1000) < 130, "{taken:?}");
        }
        let first = chooser(Algorithm::LeastOutstandingRequests, Ties::FirstRegistered);
        assert_eq!(choose(&mut view, first, Key::root(1, 1, 0), Instant::ZERO), Some(1));
    }

    #[test]
    fn of_two_choices_the_less_busy_is_taken() {
        // Of the pairs of four targets with 3, 0, 2 and 1 under way: the one with 0 wins all three that it is in, that
        // with 1 two, that with 2 one.
        let mut view = view(&[3, 0, 2, 1]);
        let chooser = Chooser {
            choice: Choice::PowerOfTwoChoices,
            ..chooser(Algorithm::RoundRobin, Ties::Uniform)
        };
        let mut taken = [0u32; 4];
        let mut among = [0u32; 4];
        for n in 0..6000 {
            let key = Key::root(1, n, 0);
            taken[choose(&mut view, chooser, key, Instant::ZERO).expect("there are targets")] += 1;
            among[choose_among(&mut view, None, &[0, 1, 2, 3], chooser, key).expect("there are targets")] += 1;
        }
        assert_eq!(taken, among, "all targets are as good as some of them");
        for (count, sixths) in taken.into_iter().zip([0, 3, 1, 2]) {
            // Binomial(6000, ½) has a standard deviation of 38.7: five of them.
            assert!(count.abs_diff(1000 * sixths) < 194, "{taken:?}");
        }
    }

    #[test]
    fn among_some_targets_each_algorithm_keeps_to_them() {
        let mut view = view(&[0, 5, 0, 2, 0]);
        let seats = [1, 3];
        let key = Key::root(1, 1, 0);
        let of = |choice| Chooser {
            choice,
            ..chooser(Algorithm::RoundRobin, Ties::Uniform)
        };
        let turns: Vec<_> = (0..4)
            .filter_map(|_| choose_among(&mut view, None, &seats, of(Choice::RoundRobin), key))
            .collect();
        assert_eq!(turns, [1, 3, 1, 3]);
        let least = choose_among(&mut view, None, &seats, of(Choice::LeastOutstandingRequests), key);
        assert_eq!(least, Some(3));
        assert_eq!(
            choose_among(&mut view, None, &seats, of(Choice::PowerOfTwoChoices), key),
            Some(3)
        );
        let heavy = view.targets()[1].task;
        view.weigh(|task| if task == heavy { 9 } else { 0 });
        assert_eq!(
            choose_among(&mut view, None, &seats, of(Choice::WeightedRandom), key),
            Some(1)
        );
        assert_eq!(choose_among(&mut view, None, &[], of(Choice::RoundRobin), key), None);
    }

    #[test]
    fn slow_start_spares_nobody_once_no_target_is_out_of_it() {
        // What a rolling deployment comes to: two targets of different age, both in slow start, take turns.
        let mut targets = targets(2);
        targets[0].ramping_since = Some(Instant::ZERO);
        targets[1].ramping_since = Some(Instant::ZERO + Span::from_secs(20));
        let mut view = View::default();
        view.publish(targets);
        let chooser = Chooser {
            choice: Choice::RoundRobin,
            ties: Ties::Uniform,
            slow_start: Span::from_secs(100),
        };
        let now = Instant::ZERO + Span::from_secs(25);
        let turns: Vec<_> = (0..4)
            .filter_map(|n| choose(&mut view, chooser, Key::root(1, n, 0), now))
            .collect();
        assert_eq!(turns, [0, 1, 0, 1]);
        // At 100 s the first is out of it, and the second is spared again: 80 % of its turns, 0.8 in 1.8 requests.
        let now = Instant::ZERO + Span::from_secs(100);
        let second = (0..4000)
            .filter(|&n| choose(&mut view, chooser, Key::root(1, n, 0), now) == Some(1))
            .count();
        // Standard deviation of Binomial(4000, 0.444) is 31.4; five of them.
        assert!(second.abs_diff(1778) < 157, "{second}");
    }

    #[test]
    fn slow_start_gives_a_target_a_share_that_grows_linearly() {
        let mut targets = targets(2);
        targets[1].ramping_since = Some(Instant::ZERO);
        let mut view = View::default();
        view.publish(targets);
        let chooser = Chooser {
            choice: Choice::RoundRobin,
            ties: Ties::Uniform,
            slow_start: Span::from_secs(100),
        };
        let now = Instant::ZERO + Span::from_secs(25);
        let ramping = (0..4000)
            .filter(|&n| choose(&mut view, chooser, Key::root(1, n, 0), now) == Some(1))
            .count();
        // Accepted with probability 1/4 at each of its turns: of 1.25 requests a round it gets 0.25, one in five.
        // Standard deviation of Binomial(4000, 0.2) is 25.3.
        assert!(ramping.abs_diff(800) < 127, "{ramping}");
    }
}

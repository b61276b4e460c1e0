//! Choosing among some of a view's targets, for senders that may not or do not want to send to all.

use super::{Choice, Chooser, RANDOM, TIE, two_of};
use crate::blueprint::Ties;
use crate::cluster::view::View;
use crate::engine::random::Key;

/// One of these positions of the view, in ascending order; `None` if there are none. Moves round robin on. `loads` stand in
/// for the view's own counts, where somebody goes by older ones.
pub fn choose_among(
    view: &mut View,
    loads: Option<&[u32]>,
    seats: &[u32],
    chooser: Chooser,
    key: Key,
) -> Option<usize> {
    let count = seats.len() as u32;
    let seat = match (seats, chooser.choice) {
        ([], _) => return None,
        ([only], _) => *only,
        (_, Choice::RoundRobin) => {
            let next = seats.partition_point(|seat| *seat < view.position);
            let seat = seats[next % seats.len()];
            view.position = (seat + 1) % view.targets().len() as u32;
            seat
        }
        (_, Choice::LeastOutstandingRequests) => {
            let loads = loads.unwrap_or(view.outstanding());
            let outstanding = |seat: &u32| loads[*seat as usize];
            let least = seats.iter().map(outstanding).min().expect("there are some");
            let equals = seats.iter().filter(|seat| outstanding(seat) == least);
            let skip = match chooser.ties {
                Ties::FirstRegistered => 0,
                Ties::Uniform => key.child(TIE).below(equals.clone().count() as u32),
            };
            *equals.clone().nth(skip as usize).expect("it is one of them")
        }
        (_, Choice::PowerOfTwoChoices) => {
            let (first, second) = two_of(count, key);
            let (first, second) = (seats[first], seats[second]);
            let outstanding = loads.unwrap_or(view.outstanding());
            if outstanding[second as usize] < outstanding[first as usize] {
                second
            } else {
                first
            }
        }
        (_, Choice::WeightedRandom) => {
            let weight = |seat: u32| view.weights().get(seat as usize).copied().unwrap_or(1);
            let sum: u32 = seats.iter().map(|seat| weight(*seat)).sum();
            if sum == 0 {
                seats[key.child(RANDOM).below(count) as usize]
            } else {
                let mut left = key.child(RANDOM).below(sum);
                let falls_here = |seat: &&u32| match left.checked_sub(weight(**seat)) {
                    Some(less) => {
                        left = less;
                        false
                    }
                    None => true,
                };
                *seats
                    .iter()
                    .find(falls_here)
                    .expect("a number below the sum falls to one")
            }
        }
    };
    Some(seat as usize)
}

//! Who sends to which targets: subsets for callers, shards for clients.
//!
//! Subsets spread callers evenly over targets, so that none is left without; shards are drawn, so that two clients
//! rarely share all of theirs, and who brings down one shard leaves almost everybody something that stands.

use crate::engine::random::Key;

/// Positions of the targets that a caller of this number sends to, ascending: deterministic subsetting.
///
/// Callers are counted in rounds of ⌊targets / size⌋. Each round shuffles the targets by itself and deals them out, so
/// that each is in as many subsets as any other, but for what is left over [SRE book, chapter 20].
pub fn subset(targets: usize, size: usize, caller: u32, key: Key) -> Vec<u32> {
    let mut seats: Vec<u32> = (0..targets as u32).collect();
    if size >= targets {
        return seats;
    }
    let subsets = (targets / size) as u32;
    let (round, hand) = (caller / subsets, (caller % subsets) as usize);
    let key = key.child(u64::from(round));
    for last in (1..seats.len()).rev() {
        let with = key.child(last as u64).below(last as u32 + 1);
        seats.swap(last, with as usize);
    }
    let mut dealt = seats[hand * size..(hand + 1) * size].to_vec();
    dealt.sort_unstable();
    dealt
}

/// A client's shard: `size` of so many places, each set of places as likely as any other.
///
/// The places of the highest draws, so that a place more changes few shards.
pub fn shard(places: usize, size: usize, client: Key) -> Vec<u32> {
    let mut drawn: Vec<(f64, u32)> = (0..places as u32)
        .map(|place| (client.child(u64::from(place)).uniform(), place))
        .collect();
    drawn.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    drawn.truncate(size);
    drawn.into_iter().map(|(_, place)| place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_of_a_round_cover_every_target_once() {
        // 12 targets, subsets of 3: four callers a round.
        let key = Key::root(1, 1, 0);
        for round in 0..5 {
            let mut seen: Vec<u32> = (0..4).flat_map(|hand| subset(12, 3, 4 * round + hand, key)).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<_>>(), "round {round}");
        }
        assert_ne!(subset(12, 3, 0, key), subset(12, 3, 4, key), "rounds are dealt anew");
    }

    #[test]
    fn a_subset_of_all_is_all() {
        assert_eq!(subset(3, 5, 7, Key::root(1, 1, 0)), [0, 1, 2]);
    }

    #[test]
    fn two_shards_of_two_in_eight_are_the_same_once_in_28() {
        // Hypergeometric: 1 in C(8, 2) = 28 pairs share both places, 12 in 28 share one, 15 in 28 none.
        let key = Key::root(1, 2, 0);
        let mut shared = [0_u32; 3];
        let mine = shard(8, 2, key.child(u64::MAX));
        const DRAWN: u32 = 28_000;
        for client in 0..u64::from(DRAWN) {
            let other = shard(8, 2, key.child(client));
            shared[other.iter().filter(|place| mine.contains(place)).count()] += 1;
        }
        for (count, of_28) in shared.into_iter().zip([15.0, 12.0, 1.0]) {
            let share = of_28 / 28.0;
            // Binomial, five standard deviations.
            let tolerance = 5.0 * (f64::from(DRAWN) * share * (1.0 - share)).sqrt();
            let expected = f64::from(DRAWN) * share;
            assert!((f64::from(count) - expected).abs() < tolerance, "{shared:?}");
        }
    }

    #[test]
    fn a_place_more_changes_few_shards() {
        let key = Key::root(1, 3, 0);
        let changed = (0..1000).filter(|&client| {
            let mine = key.child(client);
            shard(8, 2, mine) != shard(9, 2, mine)
        });
        // The ninth place is among the two highest with probability 2/9: Binomial(1000, 2/9) ± five deviations of 13.1.
        assert!(changed.count().abs_diff(222) < 66);
    }
}

//! Zone-aware sending: how much of a zone's requests stays in it.

use crate::engine::random::Key;

/// The zone that a caller of zone `own` sends to, so that zones get what they can bear.
///
/// A zone bears as large a share of all requests as it has of all targets; its callers make as large a share as they are
/// of all callers. As long as targets bear what callers make everything stays at home. Otherwise what is too much goes to
/// the zones that have room, in proportion to their room, as Envoy's zone aware routing has it.
pub fn zone_for(own: usize, targets: &[u32], callers: &[u32], key: Key) -> usize {
    let share = |counts: &[u32], zone: usize| {
        let sum: u32 = counts.iter().sum();
        f64::from(counts[zone]) / f64::from(sum.max(1))
    };
    let (bears, makes) = (share(targets, own), share(callers, own));
    if bears >= makes {
        return own;
    }
    let u = key.uniform() * makes;
    if u < bears {
        return own;
    }
    let room = |zone: usize| (share(targets, zone) - share(callers, zone)).max(0.0);
    let all: f64 = (0..targets.len()).map(room).sum();
    let mut left = (u - bears) / (makes - bears) * all;
    let has_room = (0..targets.len()).filter(|zone| room(*zone) > 0.0);
    let mut last = own;
    for zone in has_room {
        last = zone;
        left -= room(zone);
        if left < 0.0 {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(own: usize, targets: &[u32], callers: &[u32]) -> Vec<f64> {
        let mut counts = vec![0; targets.len()];
        const DRAWN: u32 = 20_000;
        for n in 0..DRAWN {
            counts[zone_for(own, targets, callers, Key::root(1, u64::from(n), 0))] += 1;
        }
        let share = |count: u32| f64::from(count) / f64::from(DRAWN);
        counts.into_iter().map(share).collect()
    }

    #[test]
    fn what_a_zone_bears_stays_at_home() {
        assert_eq!(shares(0, &[4, 2, 2], &[4, 4, 4]), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_is_too_much_goes_where_there_is_room() {
        // Each zone makes a third; zone 1 bears 2/8 of it, 3/4 of its own. The rest goes to zone 0 (room 1/2 − 1/3) alone.
        let shares = shares(1, &[4, 2, 2], &[4, 4, 4]);
        // Binomial(20,000, ¾) has a standard deviation of 0.0031 as a share.
        assert!((shares[1] - 0.75).abs() < 0.0155, "{shares:?}");
        assert_eq!(shares[2], 0.0);
    }

    #[test]
    fn room_is_shared_in_proportion() {
        // Zone 0 has callers only; zones 1 and 2 bear 1/4 and 3/4.
        let shares = shares(0, &[0, 1, 3], &[5, 0, 0]);
        assert_eq!(shares[0], 0.0);
        assert!((shares[2] - 0.75).abs() < 0.0155, "{shares:?}");
    }
}

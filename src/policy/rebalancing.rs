//! Whether a service's tasks are spread evenly over zones, and where the next one goes if not.
//!
//! Each zone's part is the desired count over the zones, the remainder spread [DG:service-rebalancing]: zones differ by one
//! task at most. Deliberately not here: when it is asked, and what becomes of the answer (`sim::control_plane::rebalancing`).

use crate::blueprint::ZoneIx;

/// The emptiest zone, the first named of equals, if the fullest has at least two tasks more. Each pair: a zone that could
/// take tasks and those it has.
pub fn next_zone(zones: &[(ZoneIx, u32)]) -> Option<ZoneIx> {
    let fullest = zones.iter().map(|(_, tasks)| *tasks).max()?;
    let (zone, fewest) = zones.iter().min_by_key(|(_, tasks)| *tasks)?;
    (fullest >= fewest + 2).then_some(*zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_that_differ_by_one_task_are_balanced() {
        let next = |tasks: &[u32]| {
            let zones: Vec<(ZoneIx, u32)> = tasks
                .iter()
                .enumerate()
                .map(|(at, tasks)| (ZoneIx::from_usize(at), *tasks))
                .collect();
            next_zone(&zones)
        };
        assert_eq!(next(&[2, 1, 2]), None, "five over three zones");
        assert_eq!(next(&[3, 1, 1]), Some(ZoneIx(1)), "the first named of equals");
        assert_eq!(next(&[4, 0]), Some(ZoneIx(1)));
        assert_eq!(next(&[7]), None, "one zone alone");
        assert_eq!(next(&[]), None);
    }
}

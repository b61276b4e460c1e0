//! Links: what passes between two sets of places, and what may be wrong with it.

use super::{DependencyIx, ServiceIx, ZoneIx};
use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

/// Messages between two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    pub ends: [LinkEnd; 2],
    pub direction: Direction,
    /// Of the attempts that send messages over it, drawn for each attempt.
    pub share: Ratio,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    Anything,
    /// Who stands nowhere: users.
    Clients,
    /// Everything that stands in the zone.
    Zone(ZoneIx),
    /// The service's tasks, calling or called.
    Service(ServiceIx),
    Dependency(DependencyIx),
}

/// Which messages, by where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Both,
    /// From the first end to the second.
    Forward,
    Backward,
}

#[derive(Clone, Debug)]
pub enum LinkTrouble {
    /// Nothing arrives.
    Cut,
    /// Each message is lost with this probability, and sent again by TCP.
    Loss(Ratio),
    /// Each message takes this much longer.
    Delay(Dist),
}

/// How TCP sends again what was lost [RFC 6298].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retransmission {
    /// Before a message is sent the second time; doubled each time from then on.
    pub first: Span,
    /// No pause is longer.
    pub longest: Span,
    /// A message lost more often than this is given up.
    pub most: u32,
}

impl Retransmission {
    /// How late a message comes that is lost so many times; `None`: it never does.
    pub fn delay(&self, lost: u32) -> Option<Span> {
        if lost > self.most {
            return None;
        }
        let pauses = (0..lost).map(|n| {
            let doubled = self
                .first
                .nanos()
                .saturating_mul(1_u64.checked_shl(n).unwrap_or(u64::MAX));
            doubled.min(self.longest.nanos())
        });
        Some(Span::from_nanos(pauses.fold(0, u64::saturating_add)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_lost_again_and_again_waits_twice_as_long_each_time() {
        let tcp = Retransmission {
            first: Span::from_millis(200),
            longest: Span::from_secs(1),
            most: 5,
        };
        let millis = |lost| tcp.delay(lost).map(Span::millis);
        let expected = [0.0, 200.0, 600.0, 1400.0, 2400.0, 3400.0];
        for (lost, delay) in (0..).zip(expected) {
            assert_eq!(millis(lost), Some(delay));
        }
        assert_eq!(millis(6), None);
    }
}

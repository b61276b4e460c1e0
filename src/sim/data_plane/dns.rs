//! A balancer's DNS record over time, as clients with a cache see it.
//!
//! A client looks the record up again once its TTL is over, so what it sees now is what stood there some time ago:
//! uniformly up to a TTL. That holds both for addresses that have left and for those that have come back.

use crate::blueprint::ZoneIx;
use crate::units::{Instant, Span};

/// Zones that the record has left out, since when; in time.
#[derive(Clone, Debug, Default)]
pub(super) struct Dns {
    versions: Vec<Version>,
}

#[derive(Clone, Debug)]
struct Version {
    since: Instant,
    out: Vec<ZoneIx>,
}

impl Dns {
    /// The record changes. `ttl`: what was replaced longer ago than that is seen by nobody.
    pub fn change(&mut self, now: Instant, out: Vec<ZoneIx>, ttl: Span) {
        let seen_by_all = self.versions.iter().rposition(|version| version.since + ttl <= now);
        self.versions.drain(..seen_by_all.unwrap_or(0));
        self.versions.push(Version { since: now, out });
    }

    /// Whether a client that looked the record up `age` ago sees the zone's addresses.
    pub fn gives(&self, zone: ZoneIx, now: Instant, age: Span) -> bool {
        // What the world begins with has always been so.
        let stood = |version: &&Version| version.since == Instant::ZERO || version.since + age <= now;
        let seen = self.versions.iter().rev().find(stood);
        seen.is_none_or(|version| !version.out.contains(&zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_sees_the_record_as_it_was_when_it_looked_it_up() {
        let at = |seconds| Instant::ZERO + Span::from_secs(seconds);
        let (zone, other) = (ZoneIx(0), ZoneIx(1));
        let mut dns = Dns::default();
        let ttl = Span::from_secs(60);
        assert!(dns.gives(zone, at(5), Span::ZERO));
        dns.change(at(100), vec![zone], ttl);
        assert!(!dns.gives(zone, at(130), Span::from_secs(30)), "looked up at 100");
        assert!(dns.gives(zone, at(130), Span::from_secs(31)), "looked up at 99");
        assert!(dns.gives(other, at(130), Span::ZERO));
        dns.change(at(150), vec![], ttl);
        assert!(
            !dns.gives(zone, at(170), Span::from_secs(30)),
            "looked up at 140: still without it"
        );
        assert!(
            dns.gives(zone, at(170), Span::from_secs(10)),
            "looked up at 160: it is back"
        );
        dns.change(at(300), vec![other], ttl);
        assert_eq!(dns.versions.len(), 2, "what nobody can see is forgotten");
        assert!(dns.gives(other, at(310), Span::from_secs(60)), "looked up at 250");
    }

    #[test]
    fn what_stands_at_the_beginning_has_always_stood() {
        let mut dns = Dns::default();
        dns.change(Instant::ZERO, vec![ZoneIx(0)], Span::from_secs(60));
        assert!(!dns.gives(ZoneIx(0), Instant::ZERO, Span::from_secs(59)));
    }
}

//! What a balancer itself can take, where that is limited.
//!
//! AWS publishes no pace. MODEL: a balancer accepts `factor` times the requests a second of its busiest whole minute of
//! late, and never less than a floor and what its reservation is good for; what is beyond is answered 503.

use crate::aws::prices::lcu;
use crate::blueprint::{AlbModel, AlbScaling, LoadBalancer};
use crate::units::{Instant, NANOS_PER_SECOND, Span};
use std::collections::VecDeque;

#[derive(Clone, Debug)]
pub(super) struct Capacity {
    factor: f64,
    /// Requests a second that it always takes.
    floor: f64,
    /// Whole minutes that count.
    minutes: usize,
    /// Accepted in each of them, the last one last.
    past: VecDeque<u64>,
    minute: u64,
    in_minute: u64,
    second: u64,
    in_second: u64,
    /// Of a second of the present minute.
    limit: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Accepted,
    Rejected,
}

impl Capacity {
    pub fn new(scaling: &AlbScaling, balancer: &LoadBalancer, model: &AlbModel) -> Self {
        let reserved = f64::from(balancer.attributes.reserved_units) * requests_per_unit(balancer, model);
        let floor = scaling.floor.max(reserved);
        Capacity {
            factor: scaling.factor,
            floor,
            minutes: (scaling.window.nanos() / MINUTE.nanos()) as usize,
            past: VecDeque::new(),
            minute: 0,
            in_minute: 0,
            second: 0,
            in_second: 0,
            limit: floor.ceil() as u64,
        }
    }

    pub fn admit(&mut self, now: Instant) -> Admission {
        let second = now.nanos() / NANOS_PER_SECOND;
        if second != self.second {
            self.second = second;
            self.in_second = 0;
            self.minute_of(second / 60);
        }
        if self.in_second >= self.limit {
            return Admission::Rejected;
        }
        self.in_second += 1;
        self.in_minute += 1;
        Admission::Accepted
    }

    fn minute_of(&mut self, minute: u64) {
        if minute == self.minute {
            return;
        }
        self.past.push_back(self.in_minute);
        // Minutes without a request have passed unseen; more of them than count are as good as those that do.
        let unseen = (minute - self.minute - 1).min(self.minutes as u64);
        self.past.extend(std::iter::repeat_n(0, unseen as usize));
        let old = self.past.len().saturating_sub(self.minutes);
        self.past.drain(..old);
        self.minute = minute;
        self.in_minute = 0;
        let busiest = self.past.iter().copied().max().unwrap_or(0) as f64 / 60.0;
        self.limit = self.floor.max(self.factor * busiest).ceil() as u64;
    }
}

const MINUTE: Span = Span::from_secs(60);

/// Requests a second that use up one capacity unit, by the dimension that is used up first.
fn requests_per_unit(balancer: &LoadBalancer, model: &AlbModel) -> f64 {
    let rules = balancer.listeners.iter().map(|listener| listener.rules.len()).max();
    let billed = rules.unwrap_or(0).saturating_sub(lcu::FREE_RULES as usize) as f64;
    let by_connections = lcu::NEW_CONNECTIONS_PER_SECOND * model.requests_per_connection;
    let by_bytes = lcu::GB_PER_HOUR * 1e9 / 3600.0 / (model.bytes_per_request as f64).max(1.0);
    let by_rules = lcu::RULE_EVALUATIONS_PER_SECOND / billed.max(f64::MIN_POSITIVE);
    by_connections.min(by_bytes).min(by_rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::Model;

    #[test]
    fn a_reservation_is_good_for_what_its_first_dimension_takes() {
        // 100 units: 25 new connections × 10 requests each = 250 requests/s a unit; 1 GB an hour at 8192 bytes = 33.9/s a
        // unit, which is used up first. 3,391 requests/s in all.
        let model = Model::default().alb;
        let mut balancer = crate::blueprint::fixture::load_balancer("public", 1);
        balancer.attributes.reserved_units = 100;
        let scaling = AlbScaling {
            factor: 2.0,
            window: Span::from_secs(300),
            floor: 500.0,
        };
        let mut capacity = Capacity::new(&scaling, &balancer, &model);
        let accepted = (0..5_000)
            .filter(|_| capacity.admit(Instant::ZERO) == Admission::Accepted)
            .count();
        assert_eq!(accepted, 3_391);
    }

    #[test]
    fn what_was_busy_longer_ago_than_the_window_counts_no_more() {
        let model = Model::default().alb;
        let balancer = crate::blueprint::fixture::load_balancer("public", 1);
        let scaling = AlbScaling {
            factor: 2.0,
            window: Span::from_secs(120),
            floor: 10.0,
        };
        let mut capacity = Capacity::new(&scaling, &balancer, &model);
        for second in 0..60 {
            for _ in 0..10 {
                capacity.admit(Instant::ZERO + Span::from_secs(second));
            }
        }
        let mut limits = vec![];
        for second in [60, 120, 180] {
            capacity.admit(Instant::ZERO + Span::from_secs(second));
            limits.push(capacity.limit);
        }
        assert_eq!(limits, [20, 20, 10]);
        capacity.admit(Instant::ZERO + Span::from_secs(100_000));
        assert_eq!(capacity.limit, 10);
    }
}

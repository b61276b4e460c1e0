//! What a load balancer costs: its hours, its capacity units, its nodes' public addresses.
//!
//! An hour's capacity units are the largest of the dimensions' means over that hour, so hours are added up one by one;
//! a last, shorter hour counts by its length. Stand-ins, but for clients that are known one by one: connections and bytes
//! follow requests by `model.alb`, and what is in flight when a minute ends are the active connections.

use super::{NANOS_PER_HOUR, Window, push};
use crate::aws::prices::{self, lcu};
use crate::blueprint::LoadBalancer;
use crate::probe::record::CostLine;
use crate::sim::signal::LoadBalancerMeter;
use crate::units::{Instant, NANOS_PER_SECOND, Span};

#[derive(Clone, Debug)]
pub struct BalancerUse {
    name: String,
    /// Addresses of nodes that the internet reaches.
    public_addresses: u32,
    /// End of the last minute seen.
    last: Instant,
    hour: u64,
    usage: Usage,
    /// Units that are paid whether they are used or not.
    reserved: f64,
    /// Of the hours before.
    spent: Spent,
}

/// Capacity units × hours.
#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    billed: f64,
    /// What each dimension by itself would have come to.
    by_dimension: [f64; DIMENSIONS.len()],
}

/// Lines that cost nothing and say what the billed units come from.
const DIMENSIONS: [&str; 4] = [
    "alb_lcu_of_new_connections",
    "alb_lcu_of_active_connections",
    "alb_lcu_of_processed_bytes",
    "alb_lcu_of_rule_evaluations",
];

impl Spent {
    fn add(&mut self, usage: &Usage, reserved: f64, hours: f64) {
        let units = usage.capacity_units();
        self.billed += units.into_iter().fold(reserved, f64::max) * hours;
        for (sum, units) in self.by_dimension.iter_mut().zip(units) {
            *sum += units * hours;
        }
    }
}

/// Of the minutes of one hour, or what lies of them in measured time.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    seconds: f64,
    connections: f64,
    bytes: f64,
    rule_evaluations: f64,
    /// In flight × seconds.
    active: f64,
}

const HOUR: Span = Span::from_secs(3600);
const MINUTE: Span = Span::from_secs(60);

impl BalancerUse {
    pub fn new(balancer: &LoadBalancer, nodes_per_zone: u32) -> Self {
        let nodes = balancer.zones.len() as u32 * nodes_per_zone;
        BalancerUse {
            name: balancer.name.clone(),
            public_addresses: if balancer.internet_facing { nodes } else { 0 },
            last: Instant::ZERO,
            hour: 0,
            usage: Usage::default(),
            reserved: f64::from(balancer.attributes.reserved_units),
            spent: Spent::default(),
        }
    }

    /// A minute has ended. One that lies half in measured time counts half.
    pub fn minute(&mut self, measured: Window, ended: Instant, meter: &LoadBalancerMeter) {
        let began = self.last.max(ended - MINUTE);
        self.last = ended;
        let within = measured.share(began, ended);
        if within.is_zero() {
            return;
        }
        let middle = ended.min(measured.to).since(measured.from).nanos() - within.nanos() / 2;
        let hour = middle / HOUR.nanos();
        if hour != self.hour {
            self.spent.add(&self.usage, self.reserved, 1.0);
            self.usage = Usage::default();
            self.hour = hour;
        }
        self.usage
            .add(meter, within.nanos() as f64 / ended.since(began).nanos() as f64, within);
    }

    pub fn bill(mut self, measured: Window, pay: f64, lines: &mut Vec<CostLine>) {
        let length = measured.to.since(measured.from);
        let hours = length.nanos() as f64 / NANOS_PER_HOUR;
        let last = length
            .nanos()
            .saturating_sub(self.hour * HOUR.nanos())
            .min(HOUR.nanos()) as f64
            / NANOS_PER_HOUR;
        self.spent.add(&self.usage, self.reserved, last);
        push(lines, ("alb_hour", &self.name), (hours, "h"), prices::ALB_HOUR * pay);
        push(
            lines,
            ("alb_lcu", &self.name),
            (self.spent.billed, "LCU-h"),
            prices::LCU_HOUR * pay,
        );
        for (item, units) in DIMENSIONS.into_iter().zip(self.spent.by_dimension) {
            push(lines, (item, &self.name), (units, "LCU-h"), 0.0);
        }
        let addresses = f64::from(self.public_addresses) * hours;
        push(
            lines,
            ("public_ipv4", &self.name),
            (addresses, "h"),
            prices::PUBLIC_IPV4_HOUR,
        );
    }
}

impl Usage {
    fn add(&mut self, meter: &LoadBalancerMeter, share: f64, within: Span) {
        let seconds = within.nanos() as f64 / NANOS_PER_SECOND as f64;
        // The first rules of every request are free; the meter counts all that were processed.
        let free = meter.requests * u64::from(lcu::FREE_RULES);
        self.seconds += seconds;
        self.connections += meter.connections as f64 * share;
        self.bytes += meter.bytes as f64 * share;
        self.rule_evaluations += meter.rule_evaluations.saturating_sub(free) as f64 * share;
        self.active += meter.active as f64 * seconds;
    }

    /// Of each dimension, from means over the minutes that were seen. The largest is billed.
    fn capacity_units(&self) -> [f64; DIMENSIONS.len()] {
        if self.seconds == 0.0 {
            return [0.0; DIMENSIONS.len()];
        }
        [
            self.connections / self.seconds / lcu::NEW_CONNECTIONS_PER_SECOND,
            self.active / self.seconds / lcu::ACTIVE_CONNECTIONS,
            self.bytes / 1e9 / (self.seconds / 3600.0) / lcu::GB_PER_HOUR,
            self.rule_evaluations / self.seconds / lcu::RULE_EVALUATIONS_PER_SECOND,
        ]
    }
}

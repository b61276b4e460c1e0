//! The CPU credits of one burstable instance: earned all the time, spent by use, saved up to a day's worth.
//!
//! In `unlimited` mode what is missing is borrowed as surplus, paid back from what is earned and not used, and charged where
//! it is more than a day's worth [EC2 User Guide, "Unlimited mode"]. Deliberately not here: what CPU the instance gives for
//! its credits (`policy::credits`).

use super::host::VCPU;
use crate::blueprint::{CreditMode, Credits};
use crate::units::{Instant, NANOS_PER_SECOND};

/// Credits are vCPU-minutes.
#[derive(Clone, Copy, Debug)]
pub struct CreditAccount {
    pub terms: Credits,
    /// Below nothing by what was used in `standard` mode before its end was seen.
    pub balance: f64,
    /// Borrowed, and not paid back.
    pub surplus: f64,
    /// Borrowed beyond what may be paid back, since the beginning.
    pub charged: f64,
    /// Since the beginning.
    pub spent: f64,
    at: Instant,
    /// [`super::Host::used`] at that time.
    used: u128,
}

impl CreditAccount {
    pub fn new(terms: Credits, balance: f64, now: Instant) -> CreditAccount {
        CreditAccount {
            terms,
            balance,
            surplus: 0.0,
            charged: 0.0,
            spent: 0.0,
            at: now,
            used: 0,
        }
    }

    /// Brings it up to date, with what the host has used since it stands (in portions × ns).
    pub fn advance(&mut self, now: Instant, used: u128) {
        let minutes = now.since(self.at).seconds() / 60.0;
        let spent = (used - self.used) as f64 / (VCPU * 60 * NANOS_PER_SECOND) as f64;
        (self.at, self.used) = (now, used);
        self.spent += spent;
        let burstable = self.terms.burstable;
        let mut balance = self.balance + burstable.baseline_vcpus * minutes - spent;
        if self.terms.mode == CreditMode::Unlimited {
            // What is missing is borrowed, what is over pays back.
            let surplus = (self.surplus - balance).max(0.0);
            balance = (balance - self.surplus).max(0.0);
            self.charged += (surplus - burstable.most()).max(0.0);
            self.surplus = surplus.min(burstable.most());
        }
        // In standard mode what little is used beyond the last credit, before anybody looks, is missing afterwards: were it
        // forgiven, an instance could live on being looked at.
        self.balance = balance.min(burstable.most());
    }

    /// Surplus that its owner would pay for if the instance ended now.
    pub fn owed(&self) -> f64 {
        self.charged + self.surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{credits, instance_types};
    use crate::units::Span;

    /// A t3.medium: 24 credits an hour, 576 at most.
    fn account(mode: CreditMode, balance: f64) -> CreditAccount {
        let medium = instance_types::find("t3.medium").expect("the table has it");
        let terms = Credits {
            burstable: credits::of(medium).expect("it is burstable"),
            mode,
            at_start: balance,
        };
        CreditAccount::new(terms, balance, Instant::ZERO)
    }

    /// So many vCPUs for so many hours, one after the other.
    fn after(mut account: CreditAccount, uses: &[(f64, u64)]) -> CreditAccount {
        let (mut now, mut used) = (Instant::ZERO, 0_u128);
        for &(vcpus, hours) in uses {
            let length = Span::from_secs(hours * 3600);
            now = now + length;
            used += (vcpus * VCPU as f64) as u128 * u128::from(length.nanos());
            account.advance(now, used);
        }
        account
    }

    fn close(seen: f64, expected: f64) {
        assert!((seen - expected).abs() < 1e-3, "{seen} in place of {expected}");
    }

    #[test]
    fn a_balance_grows_by_what_is_earned_less_what_is_used_up_to_a_day() {
        // 24 an hour; a tenth of a vCPU uses 6.
        close(after(account(CreditMode::Standard, 0.0), &[(0.0, 1)]).balance, 24.0);
        close(after(account(CreditMode::Standard, 0.0), &[(0.1, 10)]).balance, 180.0);
        close(after(account(CreditMode::Standard, 0.0), &[(0.0, 30)]).balance, 576.0);
    }

    #[test]
    fn unlimited_borrows_pays_back_and_is_charged_for_more_than_a_day() {
        // Two vCPUs use 120 an hour, 96 more than are earned. Of 48 saved ones and two hours of it 144 are borrowed; six idle
        // hours pay them back, the seventh saves 24.
        let borrowed = after(account(CreditMode::Unlimited, 48.0), &[(2.0, 2)]);
        close(borrowed.surplus, 144.0);
        close(borrowed.balance, 0.0);
        let back = after(account(CreditMode::Unlimited, 48.0), &[(2.0, 2), (0.0, 6), (0.0, 1)]);
        close(back.surplus, 0.0);
        close(back.balance, 24.0);
        close(back.charged, 0.0);
        // Eight hours borrow 768: 576 may be paid back, 192 are charged.
        let charged = after(account(CreditMode::Unlimited, 0.0), &[(2.0, 8)]);
        close(charged.surplus, 576.0);
        close(charged.charged, 192.0);
        close(charged.owed(), 768.0);
    }
}

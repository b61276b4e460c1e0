//! The CPU of an EC2 instance, shared by the tasks on it.
//!
//! What nobody else wants may be borrowed; when more is wanted than there is, everybody gets in proportion to his shares,
//! and nobody more than he wants: what he leaves goes to the others, again in proportion (water-filling, the fluid limit of
//! Linux's fair scheduler with group shares). Within a task its server and what runs beside it share in the same way.
//! Deliberately not here: what a task wants (`cpu`), and when it is shared out anew (`sim::data_plane::hosts`).

use super::{CreditAccount, Instance, Task};
use crate::blueprint::{Credits, GroupIx};
use crate::engine::arena::Id;
use crate::units::{CpuUnits, Instant};

/// CPU in 2⁻²⁰ vCPU: fine enough for any proportion of shares.
pub type Portion = u64;

/// A whole vCPU.
pub const VCPU: Portion = 1 << 20;

/// So many CPU units, as a portion.
pub const fn portion(units: CpuUnits) -> Portion {
    units.0 as u64 * (VCPU / 1024)
}

/// Who wants CPU of an instance or of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// CPU shares: at least 2.
    pub shares: u64,
    pub wants: Portion,
}

/// Shares out a capacity: `granted` has what each of `claims` gets, in their order.
pub fn share_out(capacity: Portion, claims: &[Claim], granted: &mut Vec<Portion>) {
    granted.clear();
    granted.extend(claims.iter().map(|claim| claim.wants));
    if claims.iter().map(|claim| claim.wants).sum::<Portion>() <= capacity {
        return;
    }
    // Who wants no more than his proportion gets it; then all proportions of what is left are higher, so look again.
    const OPEN: Portion = Portion::MAX;
    granted.fill(OPEN);
    let (mut left, mut shares) = (capacity, claims.iter().map(|claim| claim.shares).sum::<u64>());
    loop {
        let (level, all) = (left, shares);
        for (claim, granted) in claims.iter().zip(granted.iter_mut()) {
            if *granted == OPEN && claim.wants * all <= level * claim.shares {
                *granted = claim.wants;
                left -= claim.wants;
                shares -= claim.shares;
            }
        }
        if shares == all {
            break;
        }
    }
    for (claim, granted) in claims.iter().zip(granted.iter_mut()) {
        if *granted == OPEN {
            *granted = left * claim.shares / shares;
        }
    }
}

/// An instance that is in service, and the tasks whose servers run on it.
#[derive(Clone, Debug)]
pub struct Host {
    pub instance: Id<Instance>,
    /// As [`Instance::ordinal`].
    pub ordinal: u32,
    pub group: GroupIx,
    /// All its vCPUs.
    pub full: Portion,
    /// What there is of them now: less if credits have run out.
    pub capacity: Portion,
    pub credits: Option<CreditAccount>,
    /// Of the credits spent, charged and owed, what has been told.
    pub told: (f64, f64, f64),
    /// Used since it stands, in portions × ns.
    pub used: u128,
    advanced: Instant,
    /// In the order in which they came.
    pub members: Vec<Member>,
    /// Somebody has come or gone, or the capacity is another, since it was last shared out.
    pub is_stale: bool,
}

/// What a host is made from.
#[derive(Clone, Copy, Debug)]
pub struct NewHost {
    pub instance: Id<Instance>,
    pub ordinal: u32,
    pub group: GroupIx,
    pub cpu: CpuUnits,
    pub credits: Option<Credits>,
}

/// A task on a host.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub task: Id<Task>,
    /// Of the task, against the other tasks of the instance.
    pub shares: u64,
    /// Of its server and of what runs beside it, against each other.
    pub within: [u64; 2],
    /// What runs beside the server wants all the time.
    pub beside: Portion,
    /// What server and rest wanted when the CPU was last shared out, and what they got.
    pub wanted: [Portion; 2],
    pub got: [Portion; 2],
}

impl Member {
    fn claim(&self) -> Claim {
        Claim {
            shares: self.shares,
            wants: self.wanted[0] + self.wanted[1],
        }
    }
}

impl Host {
    pub fn new(new: NewHost, now: Instant) -> Host {
        let balance = |terms: Credits| match now {
            Instant::ZERO => terms.at_start,
            _ => 0.0,
        };
        let credits = |terms| CreditAccount::new(terms, balance(terms), now);
        Host {
            instance: new.instance,
            ordinal: new.ordinal,
            group: new.group,
            full: portion(new.cpu),
            capacity: portion(new.cpu),
            credits: new.credits.map(credits),
            told: (0.0, 0.0, 0.0),
            used: 0,
            advanced: now,
            members: Vec::new(),
            is_stale: false,
        }
    }

    /// Accounts for the time since it was last shared out.
    pub fn advance(&mut self, now: Instant) {
        self.used += u128::from(self.in_use()) * u128::from(now.since(self.advanced).nanos());
        self.advanced = now;
    }

    pub fn join(&mut self, member: Member) {
        self.members.push(member);
        self.is_stale = true;
    }

    pub fn leave(&mut self, task: Id<Task>, now: Instant) {
        self.advance(now);
        self.is_stale = true;
        self.members.retain(|member| member.task != task);
    }

    /// All that its tasks get at the moment.
    pub fn in_use(&self) -> Portion {
        self.members.iter().map(|member| member.got[0] + member.got[1]).sum()
    }

    /// Shares the CPU out by what its members want ([`Member::wanted`]).
    pub fn settle(&mut self, now: Instant, scratch: &mut Scratch) {
        self.advance(now);
        self.is_stale = false;
        scratch.claims.clear();
        scratch.claims.extend(self.members.iter().map(Member::claim));
        share_out(self.capacity, &scratch.claims, &mut scratch.granted);
        for (member, &granted) in self.members.iter_mut().zip(&scratch.granted) {
            let [server, beside] = member.wanted;
            let claims =
                [(server, member.within[0]), (beside, member.within[1])].map(|(wants, shares)| Claim { shares, wants });
            share_out(granted, &claims, &mut scratch.parts);
            member.got = [scratch.parts[0], scratch.parts[1]];
        }
    }
}

/// Kept so that sharing out allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    claims: Vec<Claim>,
    granted: Vec<Portion>,
    parts: Vec<Portion>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(capacity: Portion, claims: &[(u64, Portion)]) -> Vec<Portion> {
        let claims: Vec<Claim> = claims.iter().map(|&(shares, wants)| Claim { shares, wants }).collect();
        let mut granted = Vec::new();
        share_out(capacity, &claims, &mut granted);
        granted
    }

    #[test]
    fn everybody_gets_what_he_wants_while_there_is_enough() {
        assert_eq!(shared(2 * VCPU, &[(256, VCPU), (768, VCPU)]), [VCPU, VCPU]);
    }

    #[test]
    fn what_is_short_goes_in_proportion_of_shares() {
        // 2 vCPUs at 256 to 768: a half and one and a half.
        assert_eq!(
            shared(2 * VCPU, &[(256, 2 * VCPU), (768, 2 * VCPU)]),
            [VCPU / 2, VCPU * 3 / 2]
        );
    }

    #[test]
    fn what_one_leaves_of_his_proportion_goes_to_the_others_in_theirs() {
        // Of 4 vCPUs the first could have 1 and wants a quarter: 3.75 are left for 1 to 2, of which the second wants one.
        assert_eq!(
            shared(4 * VCPU, &[(100, VCPU / 4), (100, VCPU), (200, 4 * VCPU)]),
            [VCPU / 4, VCPU, VCPU * 11 / 4]
        );
    }

    #[test]
    fn no_more_is_given_than_there_is_and_nothing_is_kept_back_but_roundings() {
        // Odd shares, everybody wants more than he can have.
        for tasks in 2..12_u64 {
            let claims: Vec<(u64, Portion)> = (0..tasks).map(|n| (2 + n * 97, (1 + n) * VCPU)).collect();
            let given: Portion = shared(VCPU, &claims).iter().sum();
            assert!(given <= VCPU && given + tasks > VCPU, "{tasks} tasks get {given}");
        }
    }
}

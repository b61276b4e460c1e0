//! CPU credits of the instances that have them: looked at when they may call for another ceiling.

use super::{DataPlane, Hosts};
use crate::blueprint::Blueprint;
use crate::cluster::Instance;
use crate::cluster::host::{Host, VCPU};
use crate::engine::arena::Id;
use crate::policy::credits::{CreditView, ceiling, look_again};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::observation::CreditSample;
use crate::units::{Instant, Span};

/// Sets what the host gives for the credits that it has; gives when to look again. `None`: it has nothing to do with credits.
fn look(host: &mut Host, blueprint: &Blueprint, now: Instant) -> Option<Span> {
    host.advance(now);
    let used = host.used;
    let account = host.credits.as_mut()?;
    account.advance(now, used);
    let view = CreditView {
        mode: account.terms.mode,
        balance: account.balance,
        baseline: account.terms.burstable.baseline_vcpus,
        full: host.full as f64 / VCPU as f64,
        ramp: blueprint.model.ec2.credit_ramp,
    };
    let capacity = (ceiling(view) * VCPU as f64) as u64;
    if host.capacity != capacity {
        host.capacity = capacity;
        host.is_stale = true;
    }
    Some(look_again(view))
}

impl Hosts {
    /// How the hosts with credits stand, and what those have left behind that are gone.
    pub fn sample_credits(&mut self, now: Instant) -> Vec<CreditSample> {
        let mut samples = std::mem::take(&mut self.last_words);
        samples.extend(self.hosts.iter_mut().flatten().filter_map(|host| sample(host, now)));
        samples
    }
}

/// What has changed since the last sample.
pub(super) fn sample(host: &mut Host, now: Instant) -> Option<CreditSample> {
    host.advance(now);
    let used = host.used;
    let account = host.credits.as_mut()?;
    account.advance(now, used);
    let told = (account.spent, account.charged, account.owed());
    let before = std::mem::replace(&mut host.told, told);
    Some(CreditSample {
        at: now,
        instance: host.ordinal,
        group: host.group,
        balance: account.balance.max(0.0),
        surplus: account.surplus,
        used: told.0 - before.0,
        charged: told.1 - before.1,
        owed: told.2 - before.2,
        ceiling: host.capacity as f64 / VCPU as f64,
    })
}

impl DataPlane {
    /// An instance's credits may call for another ceiling.
    pub(in crate::sim::data_plane) fn credits_due(&mut self, cx: &mut Context<'_>, instance: Id<Instance>) {
        let Some(hosts) = &mut self.hosts else { return };
        let Some(host) = hosts.get_mut(instance) else { return };
        let Some(wait) = look(host, cx.blueprint, cx.now()) else {
            return;
        };
        if host.is_stale {
            hosts.changed.push(instance.index());
            self.share_out_hosts(cx.now());
        }
        cx.calendar
            .schedule_in(wait, Event::data(DataEvent::CreditsDue, instance));
    }
}

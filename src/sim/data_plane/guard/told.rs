//! What is told of circuit breakers in `events.csv`.

use crate::blueprint::{Blueprint, Callee, Destination, LoadBalancerIx};
use crate::cluster::attempt::{Attempt, Caller};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::data_plane::DataPlane;
use crate::sim::observation::{Event, EventKind, Observation};

/// A breaker's change of phase: from, to.
pub(super) type Change = (&'static str, &'static str);

/// Of one site; what happens more often is not told.
const MOST_TOLD: u32 = 1000;

impl DataPlane {
    #[cold]
    pub(super) fn breaker_changed(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, (from, to): Change) {
        let attempt = &self.attempts[id];
        let site = attempt.site;
        let caller = match attempt.caller {
            Caller::Strand(parent) => self.attempts.get(parent),
            _ => None,
        };
        let by = caller.map(|caller| *self.operations.revision(caller.served));
        let zone = caller.and_then(|caller| caller.zone);
        let Some(extras) = self.sites[site.at()].extras.as_deref_mut() else {
            return;
        };
        extras.told += 1;
        if extras.told > MOST_TOLD {
            return;
        }
        let mut reason = name(cx.blueprint, site.at());
        if extras.told == MOST_TOLD {
            reason.push_str("; further changes are not listed");
        }
        cx.observations.push(Observation::Happened(Event {
            at: cx.now(),
            kind: EventKind::CircuitBreaker,
            service: by.map(|by| by.service),
            deployment: None,
            revision: by.map(|by| by.revision),
            task: None,
            instance: None,
            zone,
            from: from.to_owned(),
            to: to.to_owned(),
            reason,
        }));
    }
}

/// `checkout/buy/2 → payments`.
fn name(blueprint: &Blueprint, site: usize) -> String {
    let balancer = |at: LoadBalancerIx| &blueprint.load_balancers[at.at()].name;
    let (from, to) = match blueprint.calls.get(site) {
        Some(call) => (
            &call.name,
            match &call.to {
                Callee::Service { service, .. } => &blueprint.services[service.at()].name,
                Callee::LoadBalancer { load_balancer, .. } => balancer(*load_balancer),
                Callee::Queue(at) => &blueprint.queues[at.at()].name,
                Callee::Dependency(at) | Callee::DependencyOperation(at, _) => &blueprint.dependencies[at.at()].name,
            },
        ),
        None => {
            let traffic = &blueprint.traffic[site - blueprint.calls.len()];
            let to = match traffic.to {
                Destination::LoadBalancer { load_balancer, .. } => balancer(load_balancer),
                Destination::Service { service, .. } => &blueprint.services[service.at()].name,
                Destination::Queue(at) => &blueprint.queues[at.at()].name,
            };
            (&traffic.name, to)
        }
    };
    format!("{from} → {to}")
}

//! What is wrong with links: messages that do not arrive, arrive late, or are lost and sent again.

use super::{Between, Hop, leg_key};
use crate::blueprint::{Blueprint, CallIx, Direction, Link, LinkEnd, LinkTrouble, Retransmission, ServiceIx, ZoneIx};
use crate::cluster::attempt::Site;
use crate::engine::dist::{Law, Tables};
use crate::engine::random::Key;
use crate::sim::data_plane::faults::Which;
use crate::sim::data_plane::{Leg, direct, purpose};
use crate::units::{Ratio, Span};

/// Links in trouble, and the loss that there always is.
pub(super) struct Links {
    troubled: Vec<Troubled>,
    /// Of each message.
    loss: Ratio,
    tcp: Retransmission,
    /// The service that calls, by site; `None` for traffic.
    callers: Vec<Option<ServiceIx>>,
}

struct Troubled {
    fault: Which,
    link: Link,
    what: Trouble,
}

enum Trouble {
    Cut,
    Loss(f64),
    Delay(Law),
}

/// Where a message comes from or goes to.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    zone: Option<ZoneIx>,
    service: Option<ServiceIx>,
    dependency: Option<u16>,
    is_client: bool,
}

impl Place {
    fn is_at(&self, end: LinkEnd) -> bool {
        match end {
            LinkEnd::Anything => true,
            LinkEnd::Clients => self.is_client,
            LinkEnd::Zone(zone) => self.zone == Some(zone),
            LinkEnd::Service(service) => self.service == Some(service),
            LinkEnd::Dependency(dependency) => self.dependency == Some(dependency.0),
        }
    }
}

/// What the links do to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    Late(Span),
    Lost,
}

impl Links {
    pub fn new(blueprint: &Blueprint) -> Self {
        let calls = (0..blueprint.calls.len()).map(|at| direct::caller_of(blueprint, CallIx::from_usize(at)));
        Links {
            troubled: Vec::new(),
            loss: blueprint.network.loss,
            tcp: blueprint.model.network,
            callers: calls.collect(),
        }
    }

    /// Whether anything is the matter with any of them.
    pub fn troubled(&self) -> bool {
        self.always_troubled() || !self.troubled.is_empty()
    }

    /// Whether messages are lost even while no fault is there.
    pub fn always_troubled(&self) -> bool {
        self.loss > Ratio::ZERO
    }

    pub fn begins(&mut self, fault: Which, link: Link, trouble: &LinkTrouble) {
        let what = match trouble {
            LinkTrouble::Cut => Trouble::Cut,
            LinkTrouble::Loss(share) => Trouble::Loss(share.get()),
            LinkTrouble::Delay(dist) => Trouble::Delay(Law::compile(dist, &mut Tables::new())),
        };
        self.troubled.push(Troubled { fault, link, what });
    }

    pub fn ends(&mut self, fault: u32) {
        self.troubled.retain(|troubled| troubled.fault.position != fault);
    }

    /// Whether what passes between a node and a service's task in these zones may be affected.
    pub fn concern(&self, node: ZoneIx, task: ZoneIx, service: ServiceIx) -> bool {
        let node = Place {
            zone: Some(node),
            ..Place::default()
        };
        let task = Place {
            zone: Some(task),
            service: Some(service),
            ..Place::default()
        };
        let covers = |troubled: &Troubled| {
            let [one, other] = troubled.link.ends;
            (node.is_at(one) && task.is_at(other)) || (node.is_at(other) && task.is_at(one))
        };
        self.troubled.iter().any(covers)
    }

    /// What becomes of a message. `callee` is the service at the far end, if it is one.
    pub fn pass(&self, hop: Hop, callee: Option<ServiceIx>) -> Passage {
        let key = leg_key(hop);
        let mut late = Span::ZERO;
        let always = self.loss.get();
        if always > 0.0 {
            match self.sent_again(always, key.child(purpose::LOSS)) {
                Some(span) => late += span,
                None => return Passage::Lost,
            }
        }
        let (from, to) = self.ends_of(hop, callee);
        for troubled in &self.troubled {
            let [one, other] = troubled.link.ends;
            let forward = from.is_at(one) && to.is_at(other);
            let backward = from.is_at(other) && to.is_at(one);
            let covered = match troubled.link.direction {
                Direction::Both => forward || backward,
                Direction::Forward => forward,
                Direction::Backward => backward,
            };
            let share = troubled.link.share;
            let of_attempt = || hop.key.child(purpose::LINK).child(troubled.fault.salt);
            if !covered || (share < Ratio::ONE && !of_attempt().happens(share.get())) {
                continue;
            }
            let key = key.child(purpose::LINK).child(troubled.fault.salt);
            match &troubled.what {
                Trouble::Cut => return Passage::Lost,
                Trouble::Delay(law) => late += law.sample(key),
                Trouble::Loss(probability) => match self.sent_again(*probability, key) {
                    Some(span) => late += span,
                    None => return Passage::Lost,
                },
            }
        }
        Passage::Late(late)
    }

    /// How late a message comes that is lost with this probability each time it is sent; `None`: it never does.
    fn sent_again(&self, probability: f64, key: Key) -> Option<Span> {
        let mut lost = 0;
        while lost <= self.tcp.most && key.child(u64::from(lost)).happens(probability) {
            lost += 1;
        }
        self.tcp.delay(lost)
    }

    /// Where a message comes from and where it goes.
    fn ends_of(&self, hop: Hop, callee: Option<ServiceIx>) -> (Place, Place) {
        let is_node = hop.leg == Leg::BackToNode || hop.sender == Site::NONE;
        let near = Place {
            zone: hop.from,
            service: match is_node {
                true => None,
                false => self.callers.get(hop.sender.at()).copied().flatten(),
            },
            dependency: None,
            is_client: hop.from.is_none(),
        };
        let far = Place {
            zone: hop.to,
            service: callee,
            dependency: match hop.between {
                Between::AndDependency(dependency) => Some(dependency.0),
                _ => None,
            },
            is_client: false,
        };
        match hop.leg {
            Leg::ToNode | Leg::ToCallee => (near, far),
            Leg::BackToNode | Leg::BackToCaller => (far, near),
        }
    }
}

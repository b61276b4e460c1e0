//! Outages of dependencies, and brown-outs: which requests are not served, and how the others are slowed down.
//!
//! A request is looked at when it reaches the dependency. What it has in hand when an outage begins goes on; several at
//! once strike independently of each other.

use super::DependencyState;
use crate::blueprint::{DependencyIx, Outage, Unserved};
use crate::cluster::attempt::{Answer, Attempt};
use crate::cluster::cause::Reason;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::data_plane::{DataPlane, purpose};

/// Those in force, each with the position of its fault in the blueprint's events. Not empty.
pub(super) struct Outages(Vec<(u32, Outage)>);

impl Outages {
    /// Of the requests, those that are not served in this manner.
    fn share(&self, manner: Unserved) -> f64 {
        let of_it = self.0.iter().filter(|(_, outage)| outage.manner == manner);
        1.0 - of_it.fold(1.0, |served, (_, outage)| served * (1.0 - outage.share.get()))
    }
}

impl DependencyState {
    pub fn outage_begins(&mut self, fault: u32, outage: Outage) {
        self.slowdown *= outage.slow;
        self.outages
            .get_or_insert_with(|| Box::new(Outages(Vec::new())))
            .0
            .push((fault, outage));
    }

    pub fn outage_ends(&mut self, fault: u32, outage: Outage) {
        self.slowdown /= outage.slow;
        if let Some(outages) = &mut self.outages {
            outages.0.retain(|(each, _)| *each != fault);
            if outages.0.is_empty() {
                self.outages = None;
            }
        }
    }
}

impl DataPlane {
    /// An attempt has reached a dependency that is in trouble; gives whether that is all that comes of it.
    #[cold]
    #[inline(never)]
    pub(super) fn is_not_served(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, at: DependencyIx) -> bool {
        let Some(outages) = &self.dependencies[at.at()].outages else {
            return false;
        };
        let key = self.attempts[id].key.child(purpose::DEPENDENCY_OUTAGE);
        let is_in = |manner, purpose| key.child(purpose).happens(outages.share(manner));
        if is_in(Unserved::Unanswered, 0) {
            self.unanswered(cx, id);
        } else if is_in(Unserved::Refused, 1) {
            self.leave_backed(cx, id, Answer::Refused(Reason::DependencyOut.here()));
        } else {
            return false;
        }
        true
    }
}

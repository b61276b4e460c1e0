//! Fargate Spot takes its capacity back [DG:fargate-capacity-providers].
//!
//! The task gets SIGTERM at once and SIGKILL after its `stopTimeout`, of which the two minutes of warning leave at most
//! 120 s; its targets drain meanwhile. The scheduler replaces it on Spot, never on demand.

use super::ControlPlane;
use super::stopping::Manner;
use crate::blueprint::Selection;
use crate::cluster::task::{Stop, StopCode};
use crate::engine::random::Key;
use crate::sim::context::Context;

impl ControlPlane {
    /// The RUNNING tasks of a selection are interrupted.
    pub fn reclaim_spot(&mut self, cx: &mut Context<'_>, on: &Selection, key: Key) {
        for id in self.select(on, key) {
            let stop = Stop {
                code: StopCode::SpotInterruption,
                reason: "Your Spot Task was interrupted.".to_owned(),
            };
            self.stop_task(cx, id, stop, Manner::AtOnce);
        }
    }
}

//! What a sender knows of its targets' load where it does not look for each request.

use crate::cluster::view::View;
use crate::units::{Instant, Span};

/// Requests under way by position in the view, as they were.
#[derive(Default)]
pub(super) struct Loads {
    counts: Vec<u32>,
    until: Instant,
}

impl Loads {
    /// Looks again if it is time to.
    pub fn look(&mut self, view: &View, every: Span, now: Instant) -> &[u32] {
        if now >= self.until {
            self.counts.clear();
            self.counts.extend_from_slice(view.outstanding());
            self.until = now + every;
        }
        &self.counts
    }

    /// The targets are others.
    pub fn forget(&mut self) {
        self.until = Instant::ZERO;
    }
}

//! What is seen of journeys: counts by step, told when a run is over.

use crate::blueprint::TrafficIx;

/// What journeys that began in measured time came to at one of their steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JourneyCount {
    pub traffic: TrafficIx,
    /// Positions among the traffic's journeys and the journey's steps.
    pub journey: usize,
    pub step: usize,
    /// Journeys that began here.
    pub started: u64,
    /// How often one came here, those that began included.
    pub came: u64,
    /// Requests made here: those asked again after a failure are another each.
    pub requests: u64,
    /// Journeys that ended here because nothing was to follow.
    pub finished: u64,
    pub abandoned_after_failure: u64,
    pub abandoned_impatient: u64,
    /// Under way at the end of the run.
    pub unfinished: u64,
    /// From beginning to end of those that finished here, in ns.
    pub time: u64,
}

impl JourneyCount {
    pub fn none(traffic: TrafficIx, journey: usize, step: usize) -> Self {
        JourneyCount {
            traffic,
            journey,
            step,
            started: 0,
            came: 0,
            requests: 0,
            finished: 0,
            abandoned_after_failure: 0,
            abandoned_impatient: 0,
            unfinished: 0,
            time: 0,
        }
    }

    /// Both together; the place is that of the first.
    pub fn plus(self, other: &JourneyCount) -> Self {
        JourneyCount {
            started: self.started + other.started,
            came: self.came + other.came,
            requests: self.requests + other.requests,
            finished: self.finished + other.finished,
            abandoned_after_failure: self.abandoned_after_failure + other.abandoned_after_failure,
            abandoned_impatient: self.abandoned_impatient + other.abandoned_impatient,
            unfinished: self.unfinished + other.unfinished,
            time: self.time + other.time,
            ..self
        }
    }
}

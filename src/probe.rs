//! What was seen: probes turn the observations of one run into one [`RunRecord`], and many of those into figures.
//!
//! Probes only watch. A run with other probes, or none, is the same run. Counts and histograms are integers, so pooling
//! replications gives the same figures whatever thread made which.
//!
//! Files, charts and words for people are not here but in [`crate::report`].

pub mod coarse;
pub mod cost;
pub mod estimate;
pub mod pool;
pub mod record;
pub mod recorder;
pub mod stability;
pub mod timeline;
pub mod times;
pub mod toll;
pub mod traces;
pub mod verdict;
mod watch;
pub mod windows;

pub use cost::CostProbe;
pub use estimate::{Estimate, Precision, ratio};
pub use pool::Pool;
pub use record::{
    Cell, ClassRecord, CostLine, DeploymentStory, FailureCount, ObjectiveWindow, Outcomes, RunRecord, SentCount,
};
pub use recorder::Recorder;
pub use timeline::Timeline;
pub use toll::{SameDeployment, Toll};
pub use verdict::{Judgement, Verdict};

#[cfg(test)]
mod tests;

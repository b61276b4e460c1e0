//! Many runs for one answer: replications, comparisons on common luck, expectations.
//!
//! Everything here is folded in the order of the runs, never in the order in which threads finish, so that the same
//! scenario and seed give the same bytes on one thread or many. What one run is, the simulator knows; what was seen in
//! it, the probes; how results look, the report.

pub mod compare;
pub mod expect;
pub mod plan;
pub mod precision;
pub mod replicate;
pub mod size;
pub mod stress;
pub mod sweep;
pub mod transient;
pub mod verdict;

pub use compare::{Comparison, compare};
pub use plan::{Outcome, Plan, Variant};
pub use replicate::{Cancel, Workers};

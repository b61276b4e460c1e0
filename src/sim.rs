//! What happens: the run loop, and the two planes that it drives.
//!
//! The data plane serves requests from what the control plane last published; the control plane sees the data plane
//! only through [`signal::Signal`]s (health checks, CloudWatch's counters) and acts on it only through
//! [`signal::Order`]s. Neither imports the other; the run loop alone knows both and carries the messages across.

pub mod context;
pub mod control_plane;
pub mod data_plane;
pub mod event;
pub mod observation;
pub mod run;
pub mod signal;
pub mod trace;

//! The data plane alone, its orders given by hand: theory, timelines computed on paper, and everything at once.

mod afflictions;
mod balancer;
mod balancer_extras;
mod calls;
mod causes;
mod dependency;
mod disconnect;
mod everything;
mod foregone;
mod network;
mod skew;
pub(crate) mod stage;
mod start_up;
mod theory;

//! The data plane alone, its orders given by hand: theory, timelines computed on paper, and everything at once.

mod balancer;
mod balancer_extras;
mod calls;
mod causes;
mod dependency;
mod disconnect;
mod everything;
mod foregone;
mod journeys;
mod network;
mod skew;
pub(crate) mod stage;
mod start_up;
mod theory;
mod work;

//! The data plane alone, its orders given by hand: theory, timelines computed on paper, and everything at once.

mod afflictions;
mod balancer;
mod balancer_extras;
mod cache;
mod calls;
mod causes;
mod course;
mod dependency;
mod direct;
mod disconnect;
mod discovery;
mod everything;
mod foregone;
mod guards;
mod heap;
mod hedges;
mod join;
mod journeys;
mod network;
mod rules;
mod skew;
pub(crate) mod stage;
mod start_up;
mod theory;
mod traces;
mod work;

//! Wavetank: a discrete-event simulator of microservices on Amazon ECS.
//!
//! A scenario (what the user wrote) is resolved into a [`blueprint::Blueprint`] (typed and validated), simulated by
//! [`sim`] on the kernel in [`engine`], watched by [`probe`], replicated and compared by [`experiment`] and told by
//! [`report`]. Modules stand on floors and import only downwards; `ARCHITECTURE.md` draws the picture and
//! `tests/tidy.rs` keeps it.
#![forbid(unsafe_code)]
// Sources are named like `[DG:page]` in the docs, which rustdoc takes for links; and the docs are read by those who
// change the code, so they may point at what is private.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::private_intra_doc_links)]

pub mod aws;
pub mod blueprint;
pub mod cli;
pub mod cluster;
pub mod engine;
pub mod experiment;
pub mod policy;
pub mod probe;
pub mod report;
pub mod scenario;
pub mod sim;
pub mod special;
pub mod stats;
pub mod units;
pub mod workload;

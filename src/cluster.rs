//! The world as it is: instances, tasks, services, deployments, target groups (the control plane's half) and servers,
//! views and attempts in flight (the data plane's half).
//!
//! Records and their legal changes; nothing here schedules or draws luck, so each can be tested by hand.

pub mod aside;
pub mod attempt;
pub mod capacity;
pub mod cause;
pub mod connection_pool;
pub mod cpu;
pub mod credits;
pub mod deadline;
pub mod deployment;
pub mod download;
pub mod host;
pub mod image_store;
pub mod instance;
pub mod lru;
pub mod message;
pub mod pace;
pub mod poller;
pub mod queue;
pub mod rate;
pub mod server;
pub mod service;
pub mod target_group;
pub mod task;
pub mod view;

pub use attempt::Attempt;
pub use capacity::{AutoScalingGroup, Needs, Resources};
pub use credits::CreditAccount;
pub use deployment::Deployment;
pub use host::Host;
pub use image_store::ImageStore;
pub use instance::Instance;
pub use service::Service;
pub use target_group::TargetGroup;
pub use task::Task;

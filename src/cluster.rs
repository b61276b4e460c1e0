//! The world as it is: instances, tasks, services, deployments, target groups (the control plane's half) and servers,
//! nodes and requests in flight (the data plane's half); with the legal transitions and every invariant.

pub mod instance;
pub mod task;

pub use instance::Instance;
pub use task::Task;

//! The control plane alone: constants in the model, a data plane that answers at once, timelines worked out by hand.
//!
//! With the model of [`harness::fleet`] a task takes, from its creation: 10 s PROVISIONING, 5 + 5 s PENDING (pull of
//! 400 MiB at 80 MiB/s), 1 s to start its container, 3 s of registration: RUNNING after 24 s; its first check comes 5 s
//! later (half an interval): healthy after 29 s. Stopped, it takes 30 s of deregistration, 2 s to shut down and 10 s of
//! DEPROVISIONING: STOPPED after 42 s. A pass follows a change after 1 s.

mod alarms;
mod away;
mod blue_green;
mod breaker;
mod capacity;
mod code_deploy;
mod daemons;
mod disconnects;
mod draining;
mod early_success;
mod faults;
mod foregone;
mod harness;
mod health;
mod hooks;
mod life_cycle;
mod memory;
mod news;
mod protection;
mod pulls;
mod rebalancing;
mod releases;
mod resources;
mod restarts;
mod rolling;
mod scheduler;
mod shift;
mod standalone;
mod swarm;
mod together;
mod zones;

//! What tasks take and instances give, and the Auto Scaling groups that keep instances coming.
//!
//! What is taken is given back exactly once: [`Resources`] panics rather than go below nothing or above the whole.
//! Deliberately not here: which instance is chosen (`policy::placement`).

use super::Instance;
use crate::blueprint::{GroupIx, NetworkMode, TaskDefinition};
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::units::{CpuUnits, MiB};

/// What one task takes of an instance from its creation until STOPPED.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    pub cpu: CpuUnits,
    pub memory: MiB,
    /// 1 for awsvpc tasks.
    pub enis: u32,
    /// Static host ports.
    pub ports: Vec<u16>,
}

impl Needs {
    pub fn of(definition: &TaskDefinition) -> Needs {
        let awsvpc = definition.network_mode == NetworkMode::Awsvpc;
        let ports = definition.containers.iter().flat_map(|container| &container.host_ports);
        Needs {
            cpu: definition.cpu,
            memory: definition.memory,
            enis: u32::from(awsvpc),
            ports: if awsvpc { Vec::new() } else { ports.copied().collect() },
        }
    }
}

/// What an instance has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    pub cpu: CpuUnits,
    pub memory: MiB,
    pub enis: u32,
    /// Host ports in use, in the order they were taken.
    pub ports_taken: Vec<u16>,
}

impl Resources {
    pub fn take(&mut self, needs: &Needs) {
        assert!(
            self.cpu >= needs.cpu && self.memory >= needs.memory && self.enis >= needs.enis,
            "a task was placed where it does not fit"
        );
        assert!(
            !needs.ports.iter().any(|port| self.ports_taken.contains(port)),
            "a task was placed where its host port is taken"
        );
        self.cpu = CpuUnits(self.cpu.0 - needs.cpu.0);
        self.memory = MiB(self.memory.0 - needs.memory.0);
        self.enis -= needs.enis;
        self.ports_taken.extend(&needs.ports);
    }

    pub fn give_back(&mut self, needs: &Needs) {
        self.cpu = CpuUnits(self.cpu.0 + needs.cpu.0);
        self.memory = MiB(self.memory.0 + needs.memory.0);
        self.enis += needs.enis;
        for port in &needs.ports {
            let at = self.ports_taken.iter().position(|taken| taken == port);
            self.ports_taken
                .swap_remove(at.expect("a port that is given back was taken"));
        }
    }
}

/// An Auto Scaling group: instances in all states but terminated.
#[derive(Clone, Debug)]
pub struct AutoScalingGroup {
    pub group: GroupIx,
    pub key: Key,
    pub desired: u32,
    pub instances: Vec<Id<Instance>>,
    /// Launches so far, for the keys of instances.
    pub launches: u64,
}

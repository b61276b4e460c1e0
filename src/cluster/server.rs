//! The serving process of a task: its workers, its queue, its CPU.

use super::cpu::Cpu;
use super::queue::Queue;
use crate::blueprint::{RevisionIx, Runtime, ServiceIx, ZoneIx};
use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::engine::calendar::TimerId;
use crate::units::{CpuUnits, Instant};

#[derive(Clone, Debug)]
pub struct Server {
    pub task: Id<Task>,
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub zone: ZoneIx,
    pub door: Door,
    pub runtime: Runtime,
    /// Workers or loops in use.
    pub busy: u32,
    /// Waiting for a worker or a loop.
    pub queue: Queue,
    /// Taken in and not yet answered, queue included.
    pub present: u32,
    pub cpu: Cpu,
    pub cpu_timer: TimerId,
    pub reserved: CpuUnits,
    pub started: Instant,
    pub metered: Metered,
    pub sampled: Metered,
}

/// What had been used when a counter was last read.
#[derive(Clone, Copy, Debug)]
pub struct Metered {
    pub at: Instant,
    pub used: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The process starts up: connections are refused.
    Starting,
    Open,
    /// After SIGTERM: connections are refused, work in hand goes on.
    Closed,
}

/// What becomes of a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Begins,
    Queues,
    Refused,
}

impl Server {
    /// Whether a request that arrives now gets a worker, waits for one, or finds the backlog full.
    #[inline]
    pub fn admission(&self) -> Admission {
        if self.door != Door::Open {
            return Admission::Refused;
        }
        match self.runtime {
            Runtime::ThreadPool { workers, .. } if self.busy < workers => Admission::Begins,
            Runtime::ThreadPool { backlog, .. } if self.queue.len() < backlog => Admission::Queues,
            Runtime::EventLoop { backlog, loops } if self.queue.len() < backlog || self.busy < loops => {
                Admission::Begins
            }
            Runtime::Unbounded => Admission::Begins,
            _ => Admission::Refused,
        }
    }

    /// CPU time reserved between two instants, in ns of one vCPU.
    pub fn reserved_since(&self, earlier: Instant, now: Instant) -> u64 {
        (u128::from(now.since(earlier.max(self.started)).nanos()) * u128::from(self.reserved.0) / 1024) as u64
    }
}

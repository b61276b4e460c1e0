//! The serving process of a task: its workers, its queue, its CPU.

mod brown_out;
mod extras;

use super::attempt::Served;
use super::cpu::Cpu;
use super::queue::Queue;
use crate::blueprint::{Runtime, ServiceIx, ZoneIx};
use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::engine::calendar::TimerId;
use crate::units::{CpuUnits, Instant};

pub use brown_out::{BrownedOut, Dimmer};
pub use extras::{Heap, Limit, LimitWindow, LoadAverage, Memory, ServerExtras};

/// All servers, by task slot: at most one process has a slot.
#[derive(Clone, Debug, Default)]
pub struct Servers(Vec<Option<Server>>);

impl Servers {
    /// The task's process, if it lives.
    #[inline]
    pub fn get(&self, task: Id<Task>) -> Option<&Server> {
        match self.0.get(task.index() as usize) {
            Some(Some(server)) if server.task.generation() == task.generation() => Some(server),
            _ => None,
        }
    }

    /// The task's process, if it lives.
    #[inline]
    pub fn get_mut(&mut self, task: Id<Task>) -> Option<&mut Server> {
        match self.0.get_mut(task.index() as usize) {
            Some(Some(server)) if server.task.generation() == task.generation() => Some(server),
            _ => None,
        }
    }

    /// The process that has this slot now.
    #[inline]
    pub fn in_slot_mut(&mut self, slot: usize) -> Option<&mut Server> {
        self.0.get_mut(slot)?.as_mut()
    }

    pub fn start(&mut self, server: Server) {
        let slot = server.task.index() as usize;
        if self.0.len() <= slot {
            self.0.resize_with(slot + 1, || None);
        }
        assert!(
            self.0[slot].as_ref().is_none_or(|before| before.door == Door::Silent),
            "a task's slot is used again only when its process is gone"
        );
        self.0[slot] = Some(server);
    }

    /// The task's process is gone; gives what it was.
    pub fn stop(&mut self, task: Id<Task>) -> Option<Server> {
        self.get(task)?;
        self.0[task.index() as usize].take()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Server> {
        self.0.iter().flatten()
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Server> {
        self.0.iter_mut().flatten()
    }
}

#[derive(Clone, Debug)]
pub struct Server {
    pub task: Id<Task>,
    pub service: ServiceIx,
    /// Row of its revision in the data plane's table.
    pub revision: u32,
    /// What serves a request that this task has not routed yet.
    pub unrouted: Served,
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
    /// When that timer goes off.
    pub cpu_turns_at: Instant,
    pub reserved: CpuUnits,
    pub started: Instant,
    /// Since when (and from what usage) its CPU counts for CloudWatch; `None`: the task is not RUNNING.
    pub counted: Option<Metered>,
    pub sampled: Metered,
    pub beside: Beside,
    /// Somebody has been told that its health checks will pass and makes none: every change must be told.
    pub is_relied_on: bool,
    /// What few servers have; `None`: it serves in order, and refuses only what its backlog cannot hold.
    pub extras: Option<Box<ServerExtras>>,
}

/// CPU that other containers of the task use all the time.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    pub units: CpuUnits,
    pub since: Instant,
    /// ns of one vCPU until then.
    pub used: u64,
}

impl Beside {
    /// From now on so much is used.
    pub fn set(&mut self, now: Instant, units: CpuUnits) {
        *self = Beside {
            units,
            since: now,
            used: self.used(now),
        };
    }

    pub fn used(&self, now: Instant) -> u64 {
        let since = u128::from(now.since(self.since).nanos()) * u128::from(self.units.0) / 1024;
        self.used + since as u64
    }
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
    /// The host is dead: nothing is refused, nothing answered.
    Silent,
    /// Open, and the process is ill, or some requests are poison to it.
    Troubled,
}

impl Door {
    /// Whether requests are taken in.
    #[inline]
    pub fn is_open(self) -> bool {
        matches!(self, Door::Open | Door::Troubled)
    }
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
        if !self.door.is_open() {
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

    /// MiB of the task's memory that its requests have; `None`: nobody says that they take any.
    pub fn request_memory(&self) -> Option<(Id<Task>, f64)> {
        let extras = self.extras.as_ref()?;
        let memory = extras.memory?;
        Some((self.task, memory.used(extras.in_hand(self.present), extras.answered)))
    }

    /// CPU time that the task has used until now, in ns of one vCPU.
    pub fn used(&mut self, now: Instant) -> u64 {
        self.cpu.used(now) + self.beside.used(now)
    }

    /// CPU time reserved between two instants, in ns of one vCPU.
    pub fn reserved_since(&self, earlier: Instant, now: Instant) -> u64 {
        (u128::from(now.since(earlier.max(self.started)).nanos()) * u128::from(self.reserved.0) / 1024) as u64
    }
}

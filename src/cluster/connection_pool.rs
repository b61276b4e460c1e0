//! The connections that one task keeps open to a dependency, and who waits for one.
//!
//! The one used last is taken first, so that those not needed grow old and are closed. Waiters are served in order of
//! arrival. What a connection is at the dependency's end, and what setting one up costs, is the data plane's business.

use super::queue::Queue;
use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::units::Instant;

#[derive(Clone, Debug)]
pub struct ConnectionPool {
    pub task: Id<Task>,
    /// In use, idle or being set up.
    pub open: u32,
    /// Since when each idle one is; the last is taken first.
    pub idle: Vec<Instant>,
    pub waiting: Queue,
    /// Whether somebody will look after those that have been idle for long.
    pub is_watched: bool,
}

/// What somebody who needs a connection gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// An open one.
    Connection,
    /// Leave to set one up, which is counted already.
    SetUp,
    /// A place in the queue.
    Waits,
    /// Nothing: as many wait as may.
    Refused,
}

impl ConnectionPool {
    pub fn new(task: Id<Task>) -> Self {
        ConnectionPool {
            task,
            open: 0,
            idle: Vec::new(),
            waiting: Queue::default(),
            is_watched: false,
        }
    }

    /// Who is told to wait has to be put into the queue.
    pub fn acquire(&mut self, size: u32, max_waiting: u32) -> Acquired {
        if self.idle.pop().is_some() {
            Acquired::Connection
        } else if self.open < size {
            self.open += 1;
            Acquired::SetUp
        } else if self.waiting.len() < max_waiting {
            Acquired::Waits
        } else {
            Acquired::Refused
        }
    }

    /// Takes out the connections that have been idle since this instant or longer, down to `keep` idle ones; gives how many.
    pub fn close_idle(&mut self, since: Instant, keep: u32) -> u32 {
        let spare = self.idle.len().saturating_sub(keep as usize);
        let old = self.idle[..spare].iter().take_while(|&&at| at <= since).count();
        self.idle.drain(..old);
        self.open -= old as u32;
        old as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::arena::Arena;
    use crate::units::Span;

    fn pool() -> ConnectionPool {
        let mut arena = Arena::new();
        ConnectionPool::new(Id::from_raw(arena.insert(()).raw()))
    }

    #[test]
    fn an_idle_connection_is_taken_before_another_is_set_up_and_waiting_is_the_last_resort() {
        let mut pool = pool();
        assert_eq!(pool.acquire(2, 1), Acquired::SetUp);
        pool.idle.push(Instant::ZERO);
        assert_eq!(pool.acquire(2, 1), Acquired::Connection);
        assert_eq!(pool.acquire(2, 1), Acquired::SetUp);
        assert_eq!(pool.acquire(2, 1), Acquired::Waits);
        assert_eq!(pool.acquire(2, 0), Acquired::Refused);
    }

    #[test]
    fn those_idle_for_long_are_closed_and_some_are_kept() {
        let mut pool = pool();
        pool.open = 4;
        let at = |seconds| Instant::ZERO + Span::from_secs(seconds);
        pool.idle = vec![at(0), at(1), at(2), at(9)];
        assert_eq!(pool.close_idle(at(5), 0), 3);
        assert_eq!((pool.open, pool.idle.len()), (1, 1));
        assert_eq!(pool.close_idle(at(9), 1), 0, "one is kept");
        assert_eq!(pool.close_idle(at(9), 0), 1);
        assert_eq!(pool.open, 0);
    }
}

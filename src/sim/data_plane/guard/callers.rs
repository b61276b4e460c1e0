//! Who calls: the state that each caller has of its own, or all have together.

use crate::blueprint::SharedBy;
use crate::cluster::attempt::{Attempt, Caller};
use crate::engine::arena::Arena;

/// State by caller.
pub(super) struct Callers<T> {
    rows: Vec<Option<(u32, T)>>,
}

impl<T> Default for Callers<T> {
    fn default() -> Self {
        Callers { rows: Vec::new() }
    }
}

impl<T> Callers<T> {
    /// A caller that has none yet begins with a new one.
    #[inline]
    pub fn of(&mut self, who: Who, scope: SharedBy, new: impl FnOnce() -> T) -> &mut T {
        let who = who.within(scope);
        let slot = who.slot as usize;
        if !matches!(self.rows.get(slot), Some(Some((life, _))) if *life == who.life) {
            self.begin(who, new());
        }
        &mut self.rows[slot]
            .as_mut()
            .expect("it is there or has just been put there")
            .1
    }

    #[cold]
    fn begin(&mut self, who: Who, state: T) {
        let slot = who.slot as usize;
        if self.rows.len() <= slot {
            self.rows.resize_with(slot + 1, || None);
        }
        self.rows[slot] = Some((who.life, state));
    }

    /// That of a caller that has some; `None` also if another has its place by now.
    #[inline]
    pub fn known(&mut self, who: Who, scope: SharedBy) -> Option<&mut T> {
        let who = who.within(scope);
        match self.rows.get_mut(who.slot as usize) {
            Some(Some((life, state))) if *life == who.life => Some(state),
            _ => None,
        }
    }
}

/// A caller: a task, or one of the clients of a traffic source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Who {
    slot: u32,
    /// Tells one user of the slot from the next.
    life: u32,
}

impl Who {
    /// All callers together, and clients that are not told apart.
    const EVERYBODY: Who = Who { slot: 0, life: 0 };

    fn within(self, scope: SharedBy) -> Who {
        match scope {
            SharedBy::Caller => self,
            SharedBy::All => Who::EVERYBODY,
        }
    }

    /// Who sends an attempt; `None` if that is gone.
    #[inline]
    pub fn sends(attempts: &Arena<Attempt>, attempt: &Attempt) -> Option<Who> {
        match attempt.caller {
            Caller::Client(_, browser) => Some(browser.at().map_or(Who::EVERYBODY, |at| Who {
                slot: at as u32,
                life: 0,
            })),
            Caller::Strand(parent) => attempts.get(parent)?.task.map(|task| Who {
                slot: task.index(),
                life: task.generation(),
            }),
            _ => None,
        }
    }
}

//! Poison requests: those that kill or hang whoever serves them.
//!
//! Whether a request is poison belongs to the client's request at the root of its calls, so that all of its attempts,
//! wherever they are made, carry it. The servers that cannot stand it have a troubled door meanwhile: who comes through
//! is looked at there and, if it is poison, has a row here and acts when its turn comes. So requests elsewhere, and at
//! other times, pay nothing. That a process dies is the control plane's business; it is told once.

use super::faults::Which;
use super::{DataPlane, purpose};
use crate::blueprint::{ClassIx, Poison, PoisonEffect, Runtime};
use crate::cluster::Task;
use crate::cluster::aside::Aside;
use crate::cluster::attempt::{Attempt, Caller, Flags, Phase};
use crate::cluster::server::Door;
use crate::engine::arena::{Arena, Id};
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::signal::Signal;

#[derive(Default)]
pub(super) struct Poisons {
    in_force: Vec<InForce>,
    rows: Aside<Attempt, Row>,
}

struct InForce {
    fault: Which,
    poison: Poison,
}

/// Of poison that has come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    /// What it will do when its turn comes.
    Will(PoisonEffect),
    /// It hangs.
    Hangs,
}

impl Poisons {
    /// Whether the attempt is poison and has not acted yet, or hangs.
    pub(super) fn keeps(&self, id: Id<Attempt>) -> bool {
        self.rows.get(id).is_some()
    }
}

/// For which client's request an attempt is made: its key and class. A message has a key of its own, the same whenever it
/// is received, and no class. `None`: for nobody who is known any more.
fn at_root(attempts: &Arena<Attempt>, id: Id<Attempt>) -> Option<(Key, Option<ClassIx>)> {
    let mut attempt = attempts.get(id)?;
    loop {
        match attempt.caller {
            Caller::Strand(parent) | Caller::Join(parent) => attempt = attempts.get(parent)?,
            Caller::Client(class, _) => return Some((attempt.request_key, Some(class))),
            Caller::Poller(_) => return Some((attempt.request_key, None)),
            Caller::Nobody | Caller::StartUp | Caller::SetUp(_) | Caller::Check(_) => return None,
        }
    }
}

impl DataPlane {
    pub(super) fn poison_begins(&mut self, fault: Which, poison: &Poison) {
        self.poisons.in_force.push(InForce {
            fault,
            poison: poison.clone(),
        });
        self.look_at_doors();
    }

    pub(super) fn poison_ends(&mut self, fault: u32) {
        self.poisons.in_force.retain(|each| each.fault.position != fault);
        self.look_at_doors();
    }

    /// Doors are troubled where somebody ill or vulnerable is behind them.
    fn look_at_doors(&mut self) {
        let Self {
            servers,
            poisons,
            afflictions,
            operations,
            ..
        } = self;
        for server in servers.iter_mut() {
            let revision = operations.revision_of(server);
            let endangers = |each: &InForce| each.poison.endangers(server.service, revision);
            let troubled = afflictions.get(server.task).is_some() || poisons.in_force.iter().any(endangers);
            match (server.door, troubled) {
                (Door::Open, true) => server.door = Door::Troubled,
                (Door::Troubled, false) => server.door = Door::Open,
                _ => {}
            }
        }
    }

    /// Whether poison that comes to this task now would do something.
    pub(super) fn is_endangered(&self, task: Id<Task>) -> bool {
        let Some(server) = self.servers.get(task).filter(|_| !self.poisons.in_force.is_empty()) else {
            return false;
        };
        let revision = self.operations.revision_of(server);
        let mut poisons = self.poisons.in_force.iter();
        poisons.any(|each| each.poison.endangers(server.service, revision))
    }

    /// An attempt comes through a troubled door: what it is from now on, if it is poison to who is behind it.
    pub(super) fn taste(&mut self, cx: &Context<'_>, id: Id<Attempt>, task: Id<Task>) {
        if !self.is_endangered(task) {
            return;
        }
        let Some((request, class)) = at_root(&self.attempts, id) else {
            return;
        };
        let server = self.servers.get(task).expect("somebody is behind the door");
        let revision = self.operations.revision_of(server);
        for InForce { fault, poison } in &self.poisons.in_force {
            let luck = request.child(purpose::POISON).child(fault.salt);
            if poison.endangers(server.service, revision)
                && poison.is_in(class, cx.blueprint)
                && luck.happens(poison.share.get())
            {
                self.poisons.rows.put(id, Row::Will(poison.effect));
                self.attempts[id].flags.set(Flags::AFFLICTED);
                return;
            }
        }
    }

    /// An attempt with a flag takes its turn; gives whether it was poison, which ends or stops it.
    pub(super) fn acts(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let Some(Row::Will(effect)) = self.poisons.rows.take(id) else {
            return false;
        };
        let attempt = &mut self.attempts[id];
        let task = attempt.task.expect("a strand runs on a task");
        match effect {
            PoisonEffect::Crash { exit_code } => {
                attempt.phase = Phase::Ready;
                cx.signals.push(Signal::Crashed { task, exit_code });
            }
            PoisonEffect::Hang => {
                let server = self.servers.get_mut(task).expect("a strand dies with its server");
                if let Runtime::EventLoop { loops, .. } = server.runtime
                    && !attempt.flags.has(Flags::HOLDS_LOOP)
                {
                    if server.busy >= loops {
                        // It waits for a loop like everybody, and hangs when it has one.
                        self.poisons.rows.put(id, Row::Will(effect));
                        return false;
                    }
                    server.busy += 1;
                    attempt.flags.set(Flags::HOLDS_LOOP);
                }
                // It keeps what it holds: no event of its own will ever move it.
                attempt.phase = Phase::Waiting;
                self.poisons.rows.put(id, Row::Hangs);
            }
        }
        true
    }

    /// Whether the strand hangs, so that nobody can cancel it.
    pub(super) fn is_stuck(&self, id: Id<Attempt>) -> bool {
        self.poisons.rows.get(id) == Some(&Row::Hangs)
    }
}

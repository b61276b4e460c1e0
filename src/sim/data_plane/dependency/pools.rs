//! Connection pools on the caller's side: each task of a caller keeps a bounded number of connections to a dependency.
//!
//! A connection is in one pool, and counts at the dependency, which takes a bounded number of them. It is used by one
//! attempt at a time, from its sending until its caller has the answer or gives up. A caller that gives up closes it; the
//! dependency notices when it is done with the work that is left without a caller.

use super::DependencyState;
use super::extras::Backed;
use crate::blueprint::{self, DependencyIx, Endpoint};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Phase};
use crate::cluster::cause::Reason;
use crate::cluster::connection_pool::{Acquired, ConnectionPool};
use crate::engine::arena::Id;
use crate::engine::calendar::{Calendar, LaneId};
use crate::engine::dist::Tables;
use crate::sim::context::Context;
use crate::sim::data_plane::network::Delay;
use crate::sim::data_plane::{DataPlane, purpose};
use crate::sim::event::{DataEvent, Event};
use crate::units::{Instant, Span};

pub(in crate::sim::data_plane) struct Pools {
    size: u32,
    min_idle: u32,
    max_waiting: u32,
    acquire_timeout: LaneId,
    acquire_span: Span,
    idle_timeout: Span,
    connect_time: Delay,
    /// For the primary and for the replicas together.
    ends: [End; 2],
}

/// The pools whose connections go to one endpoint.
struct End {
    /// By slot of the caller's task.
    pools: Vec<Option<ConnectionPool>>,
    /// Open at the dependency.
    connections: u32,
    most: u32,
    /// Counts the resets of all connections.
    epoch: u32,
}

/// How an attempt stands with its caller's pool.
#[derive(Clone, Copy, Debug)]
pub(in crate::sim::data_plane) struct Pooled {
    stage: Stage,
    /// Whose pool it is.
    task: Option<Id<Task>>,
    epoch: u32,
    /// When it began to wait.
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is no pool.
    None,
    Waiting,
    SettingUp,
    /// It has a connection.
    Connected,
    /// Its caller has closed the connection, and the dependency has not noticed.
    Closing,
    /// It has a connection no more.
    Over,
}

impl Pooled {
    pub const NONE: Pooled = Pooled {
        stage: Stage::None,
        task: None,
        epoch: 0,
        since: Instant::ZERO,
    };

    /// Still with its caller.
    pub fn is_before_the_way(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::SettingUp)
    }
}

impl Pools {
    pub fn new(
        written: &blueprint::DependencyExtras,
        replicas: u32,
        calendar: &mut Calendar<Event>,
        tables: &mut Tables,
    ) -> Option<Pools> {
        let pool = written.connection_pool.as_ref()?;
        let most = written.max_connections.unwrap_or(u32::MAX);
        let end = |most: u32| End {
            pools: Vec::new(),
            connections: 0,
            most,
            epoch: 0,
        };
        Some(Pools {
            size: pool.size,
            min_idle: pool.min_idle,
            max_waiting: pool.max_waiting,
            acquire_timeout: calendar.lane(pool.acquire_timeout),
            acquire_span: pool.acquire_timeout,
            idle_timeout: pool.idle_timeout,
            connect_time: Delay::compile(&pool.connect_time, calendar, tables),
            ends: [end(most), end(most.saturating_mul(replicas))],
        })
    }

    /// The pool of a task, if it still lives.
    fn pool(&mut self, endpoint: Endpoint, task: Id<Task>) -> Option<&mut ConnectionPool> {
        let slot = self.ends[endpoint.at()].pools.get_mut(task.index() as usize)?;
        slot.as_mut().filter(|pool| pool.task == task)
    }

    /// The pool of a task, opened when it is first used.
    fn pool_or_new(&mut self, endpoint: Endpoint, task: Id<Task>) -> &mut ConnectionPool {
        let pools = &mut self.ends[endpoint.at()].pools;
        let slot = task.index() as usize;
        if pools.len() <= slot {
            pools.resize_with(slot + 1, || None);
        }
        if pools[slot].as_ref().is_none_or(|pool| pool.task != task) {
            pools[slot] = Some(ConnectionPool::new(task));
        }
        pools[slot].as_mut().expect("it has just been put there")
    }

    /// All connections to the primary are reset; those in use are found out about one by one.
    pub fn reset_primary(&mut self) {
        let end = &mut self.ends[Endpoint::Writer.at()];
        end.epoch += 1;
        end.connections = 0;
        for pool in end.pools.iter_mut().flatten() {
            pool.open -= pool.idle.len() as u32;
            pool.idle.clear();
        }
    }

    /// A process is gone, and its pools with it. Gives nothing back to anybody: who waits is gone as well.
    pub fn drop_of(&mut self, task: Id<Task>) {
        for end in &mut self.ends {
            let Some(slot) = end.pools.get_mut(task.index() as usize) else {
                continue;
            };
            if let Some(pool) = slot.take_if(|pool| pool.task == task) {
                end.connections -= pool.idle.len() as u32;
            }
        }
    }
}

/// To be asked only of dependencies that have pools.
fn pools_of(dependencies: &mut [DependencyState], at: DependencyIx) -> &mut Pools {
    let extras = dependencies[at.at()].extras.as_mut();
    extras.and_then(|extras| extras.pools.as_mut()).expect("it has pools")
}

impl DataPlane {
    /// An attempt needs a connection of its caller's pool before it can set out.
    pub(super) fn acquire_connection(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, backed: Backed) {
        let caller = match self.attempts[id].caller {
            Caller::Strand(parent) => self.attempts.get(parent).and_then(|parent| parent.task),
            _ => None,
        };
        let Some(task) = caller else {
            // Nobody keeps connections for a caller that is gone.
            return self.set_out(cx, id);
        };
        let pools = pools_of(&mut self.dependencies, backed.dependency);
        let epoch = pools.ends[backed.endpoint.at()].epoch;
        let (size, most, lane) = (pools.size, pools.max_waiting, pools.acquire_timeout);
        let pool = pools.pool_or_new(backed.endpoint, task);
        let acquired = pool.acquire(size, most);
        if acquired == Acquired::Waits {
            pool.waiting.push(&mut self.attempts, id);
        }
        self.backed.get_mut(id).expect("its row has just been put").pooled = Pooled {
            stage: match acquired {
                Acquired::Connection => Stage::Connected,
                Acquired::SetUp => Stage::SettingUp,
                Acquired::Waits => Stage::Waiting,
                Acquired::Refused => Stage::Over,
            },
            task: Some(task),
            epoch,
            since: cx.now(),
        };
        match acquired {
            Acquired::Connection => self.set_out(cx, id),
            Acquired::SetUp => self.set_up_connection(cx, id),
            Acquired::Waits => cx
                .calendar
                .schedule_in_lane(lane, Event::data(DataEvent::AcquireTimeout, id)),
            Acquired::Refused => self.answer_here(cx, id, Answer::Refused(Reason::ConnectionPoolFull.here())),
        }
    }

    fn set_up_connection(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(backed) = self.backed.get_mut(id) else {
            unreachable!("who sets up a connection has been asked for");
        };
        backed.pooled.stage = Stage::SettingUp;
        let pools = pools_of(&mut self.dependencies, backed.dependency);
        let attempt = &mut self.attempts[id];
        attempt.phase = Phase::Sent;
        let key = attempt.key;
        let connect_time = &pools.connect_time;
        connect_time.schedule(cx, || key.child(purpose::CONNECT), DataEvent::ConnectionSetUp, id);
    }

    /// A connection has been set up, or the dependency takes no more.
    pub(in crate::sim::data_plane) fn connection_set_up(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(backed) = self.backed.get_mut(id) else {
            return;
        };
        if backed.pooled.stage != Stage::SettingUp || self.attempts.get(id).is_none() {
            return;
        }
        let (dependency, endpoint, task) = (backed.dependency, backed.endpoint, backed.pooled.task);
        let fails_over = self.dependencies[dependency.at()].failing_over && endpoint == Endpoint::Writer;
        let pools = pools_of(&mut self.dependencies, dependency);
        let end = &mut pools.ends[endpoint.at()];
        if end.connections < end.most && !fails_over {
            end.connections += 1;
            backed.pooled.stage = Stage::Connected;
            backed.pooled.epoch = end.epoch;
            return self.set_out(cx, id);
        }
        backed.pooled.stage = Stage::Over;
        self.close_connection(cx, dependency, endpoint, task);
        let reason = if fails_over {
            Reason::FailingOver
        } else {
            Reason::TooManyConnections
        };
        self.answer_here(cx, id, Answer::Refused(reason.here()));
    }

    /// It has waited for a connection as long as the pool lets it.
    pub(in crate::sim::data_plane) fn acquire_timed_out(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(backed) = self.backed.get_mut(id) else {
            return;
        };
        let pools = pools_of(&mut self.dependencies, backed.dependency);
        let has_waited = cx.now().since(backed.pooled.since) >= pools.acquire_span;
        if backed.pooled.stage != Stage::Waiting || !has_waited || self.attempts.get(id).is_none() {
            return;
        }
        backed.pooled.stage = Stage::Over;
        let task = backed.pooled.task.expect("who waits does so at a task's pool");
        if let Some(pool) = pools.pool(backed.endpoint, task) {
            pool.waiting.remove(&mut self.attempts, id);
        }
        self.answer_here(cx, id, Answer::Refused(Reason::ConnectionPoolTimeout.here()));
    }

    /// The dependency is done with an attempt: a connection that its caller has closed meanwhile counts no more.
    pub(super) fn connection_at_rest(&mut self, id: Id<Attempt>) {
        let Some(backed) = self.backed.get_mut(id) else {
            return;
        };
        if backed.pooled.stage == Stage::Closing {
            backed.pooled.stage = Stage::Over;
            let pools = pools_of(&mut self.dependencies, backed.dependency);
            pools.ends[backed.endpoint.at()].closed(backed.pooled.epoch);
        }
    }

    /// The caller has its answer: what it was served over is free for the next, unless it was reset.
    #[inline(never)]
    pub(in crate::sim::data_plane) fn connection_free(
        &mut self,
        cx: &mut Context<'_>,
        id: Id<Attempt>,
        answer: Answer,
    ) {
        let Some(backed) = self
            .backed
            .get_mut(id)
            .filter(|backed| backed.pooled.stage == Stage::Connected)
        else {
            return;
        };
        backed.pooled.stage = Stage::Over;
        let Backed {
            dependency,
            endpoint,
            pooled,
            ..
        } = *backed;
        let task = pooled.task.expect("a connection is of a task's pool");
        let pools = pools_of(&mut self.dependencies, dependency);
        let end = &mut pools.ends[endpoint.at()];
        if matches!(answer, Answer::Refused(_)) || pooled.epoch != end.epoch {
            end.closed(pooled.epoch);
            return self.close_connection(cx, dependency, endpoint, Some(task));
        }
        let (min_idle, idle_timeout) = (pools.min_idle, pools.idle_timeout);
        let Some(pool) = pools.pool(endpoint, task) else {
            return pools.ends[endpoint.at()].closed(pooled.epoch);
        };
        if let Some(next) = pool.waiting.pop(&mut self.attempts) {
            let waited = &mut self.backed.get_mut(next).expect("who waits has a row").pooled;
            waited.stage = Stage::Connected;
            waited.epoch = pooled.epoch;
            return self.set_out(cx, next);
        }
        pool.idle.push(cx.now());
        if !pool.is_watched && pool.idle.len() > min_idle as usize {
            pool.is_watched = true;
            let event = watch(dependency, endpoint, task);
            cx.calendar.schedule_in(idle_timeout, event);
        }
    }

    /// The caller of an attempt gives up. Gives whether the attempt was still with its caller, and is gone.
    #[inline(never)]
    pub(in crate::sim::data_plane) fn backed_disconnected(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) -> bool {
        let Some(backed) = self.backed.get_mut(id) else {
            return false;
        };
        let Backed {
            dependency,
            endpoint,
            pooled,
            ..
        } = *backed;
        match pooled.stage {
            Stage::None | Stage::Closing | Stage::Over => false,
            Stage::Waiting => {
                backed.pooled.stage = Stage::Over;
                let pools = pools_of(&mut self.dependencies, dependency);
                if let Some(pool) = pooled.task.and_then(|task| pools.pool(endpoint, task)) {
                    pool.waiting.remove(&mut self.attempts, id);
                }
                self.attempts.remove(id);
                true
            }
            Stage::SettingUp => {
                backed.pooled.stage = Stage::Over;
                self.attempts.remove(id);
                self.close_connection(cx, dependency, endpoint, pooled.task);
                true
            }
            Stage::Connected => {
                let is_there = !matches!(self.attempts[id].phase, Phase::Answered(_) | Phase::Lost);
                if is_there {
                    backed.pooled.stage = Stage::Closing;
                } else {
                    backed.pooled.stage = Stage::Over;
                    pools_of(&mut self.dependencies, dependency).ends[endpoint.at()].closed(pooled.epoch);
                }
                self.close_connection(cx, dependency, endpoint, pooled.task);
                false
            }
        }
    }

    /// A pool has one connection less: whoever waits longest may set up another.
    fn close_connection(
        &mut self,
        cx: &mut Context<'_>,
        dependency: DependencyIx,
        endpoint: Endpoint,
        task: Option<Id<Task>>,
    ) {
        let pools = pools_of(&mut self.dependencies, dependency);
        let Some(pool) = task.and_then(|task| pools.pool(endpoint, task)) else {
            return;
        };
        pool.open -= 1;
        if let Some(next) = pool.waiting.pop(&mut self.attempts) {
            pool.open += 1;
            self.set_up_connection(cx, next);
        }
    }

    /// Connections of a pool may have been idle for long enough to be closed.
    pub(in crate::sim::data_plane) fn idle_connections(&mut self, cx: &mut Context<'_>, task: Id<Task>, which: u32) {
        let (dependency, endpoint) = watched(which);
        let pools = pools_of(&mut self.dependencies, dependency);
        let (min_idle, idle_timeout) = (pools.min_idle, pools.idle_timeout);
        let Some(pool) = pools.pool(endpoint, task) else {
            return;
        };
        let closed = pool.close_idle(cx.now() - idle_timeout, min_idle);
        pool.is_watched = pool.idle.len() > min_idle as usize;
        if pool.is_watched {
            let next = pool.idle[0] + idle_timeout;
            cx.calendar.schedule_at(next, watch(dependency, endpoint, task));
        }
        pools.ends[endpoint.at()].connections -= closed;
    }
}

#[cfg(test)]
impl DataPlane {
    /// Once nothing is in flight, every open connection is idle in a pool and counts at the dependency.
    pub fn check_connections(&self) {
        let extras = self.dependencies.iter().filter_map(|each| each.extras.as_ref());
        for end in extras
            .filter_map(|extras| extras.pools.as_ref())
            .flat_map(|pools| &pools.ends)
        {
            let open: u32 = end.pools.iter().flatten().map(|pool| pool.open).sum();
            let idle: usize = end.pools.iter().flatten().map(|pool| pool.idle.len()).sum();
            assert_eq!((open, open as usize), (end.connections, idle), "a connection is lost");
        }
    }
}

impl End {
    /// A connection set up in this epoch counts no more.
    fn closed(&mut self, epoch: u32) {
        if epoch == self.epoch {
            self.connections -= 1;
        }
    }
}

fn watch(dependency: DependencyIx, endpoint: Endpoint, task: Id<Task>) -> Event {
    Event {
        extra: u32::from(dependency.0) << 1 | endpoint.at() as u32,
        ..Event::data(DataEvent::IdleConnections, task)
    }
}

fn watched(which: u32) -> (DependencyIx, Endpoint) {
    let endpoint = if which & 1 == 0 {
        Endpoint::Writer
    } else {
        Endpoint::Reader
    };
    (DependencyIx((which >> 1) as u16), endpoint)
}

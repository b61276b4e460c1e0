//! What the calendar holds: a `Copy` record of 16 bytes, dispatched by `match` in two levels.
//!
//! The first level is the plane that handles the event, the second what it is. An event names at most one record (whose
//! id is generational, so that one that comes too late finds nothing) and carries at most 32 bits more.

use crate::engine::arena::{Id, RawId};

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub what: What,
    pub extra: u32,
    pub id: RawId,
}

const _: () = assert!(size_of::<Event>() == 16);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Data(DataEvent),
    Control(ControlEvent),
    World(WorldEvent),
}

/// Steps of requests; handled by `data_plane`. What `id` and `extra` are is said for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEvent {
    /// A traffic source's next arrival. `extra`: traffic.
    Arrival,
    /// An attempt is sent, after a back-off pause or a closed user's think time. `id`: attempt.
    Send,
    /// An attempt reaches a balancer's node. `id`: attempt.
    AtNode,
    /// An attempt reaches its task. `id`: attempt.
    AtTask,
    /// An attempt reaches its dependency. `id`: attempt.
    AtDependency,
    /// A strand goes on with its program: its `wait` is over, or it has got what it waited for. `id`: attempt.
    GoOn,
    /// A dependency has served an attempt. `id`: attempt.
    DependencyDone,
    /// A request has waited for a worker or loop as long as it may. `id`: attempt.
    QueueTimeout,
    /// A burstable instance's credits may call for another ceiling. `id`: instance.
    CreditsDue,
    /// A garbage collection is over. `id`: task.
    CollectionEnds,
    /// The answer reaches the balancer's node. `id`: attempt.
    AnswerAtNode,
    /// The answer reaches the caller. `id`: attempt.
    AnswerAtCaller,
    /// The head of a deadline list may be due. `extra`: list.
    DeadlineDue,
    /// The next change of a task's CPU: a departure, the quota spent, or the quota renewed. `extra`: server.
    CpuTurn,
    /// A visitor makes the request of its step. `extra`: visitor.
    Visit,
    /// A visitor's patience may be over. `extra`: visitor.
    PatienceEnds,
    /// An attempt has been out long enough for a hedge. `id`: attempt.
    HedgeDue,
    /// An attempt has waited long enough for a place in its caller's bulkhead. `id`: attempt.
    PlaceTimeout,
    /// A connection that nobody answers is given up. `id`: attempt.
    ConnectTimeout,
    /// A target group's targets get new weights. `extra`: target group.
    Reweigh,
    /// A dependency's standby takes over. `extra`: dependency.
    FailoverDone,
    /// An attempt is sent for a dependency that has extras. `id`: attempt.
    AskBacked,
    /// A departure at a dependency whose service slows down under load. `extra`: dependency (upper 16 bits) and node.
    PaceDue,
    /// A connection to a dependency has been set up. `id`: the attempt that needs it.
    ConnectionSetUp,
    /// An attempt has waited for a connection as long as its caller's pool lets it. `id`: attempt.
    AcquireTimeout,
    /// Idle connections of a pool may be old. `id`: the caller's task. `extra`: dependency and endpoint.
    IdleConnections,
    /// A message is to go over a wire to a balancer's node. `id`: attempt.
    RequestToNode,
    /// The same to a task or a dependency. `id`: attempt.
    RequestToCallee,
    /// The same for an answer to a balancer's node. `id`: attempt.
    AnswerToNode,
    /// The same to the caller. `id`: attempt.
    AnswerToCaller,
    /// A network interface may have let a message through. `extra`: interface and direction.
    InterfaceTurn,
    /// A client's line has let a message through. `id`: attempt.
    LineDone,
    /// The set-up of a connection comes to its task. `id`: the attempt that needs it.
    ConnectionReaches,
    /// A connection is open. `id`: the attempt that needs it.
    ConnectionOpens,
    /// An answer reaches the caller, who keeps the connection. `id`: attempt.
    AnswerOnConnection,
    /// A `parallel` step has waited long enough for its branches. `id`: attempt. `extra`: which of its joins.
    JoinTimeout,
    /// A message is sent to a queue. `id`: the attempt that sends it.
    SendMessage,
    /// A message is in its queue. `id`: the attempt that sends it.
    MessageSent,
    /// A consumer looks into its queue. `id`: poller.
    ReceiveMessage,
    /// A consumer has deleted the message that it has handled. `id`: poller.
    MessageDeleted,
    /// Messages of a queue may become visible or expire. `extra`: queue.
    MessagesDue,
}

/// Steps of orchestration; handled by `control_plane`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlEvent {
    /// The service scheduler looks at a service. `extra`: service.
    SchedulerPass,
    /// A task's current state is over. `id`: task. `extra`: the step's ordinal, so that an overtaken step finds nothing.
    TaskStep,
    /// Something of a container is due. `id`: task. `extra`: container and what (`control_plane::agent::ContainerStep`).
    ContainerStep,
    /// A task without balancer and checks has run long enough to count as healthy. `id`: task.
    HealthyAfter,
    /// A node checks a target. `id`: task. `extra`: target group (upper 16 bits) and node.
    TargetCheck,
    /// A health check was not answered in time. `id`: task. `extra`: target group (upper 16 bits) and node.
    TargetCheckTimeout,
    /// A target's deregistration delay is over. `id`: task (which may be gone before). `extra`: target group.
    TargetUnused,
    /// A layer has been pulled to an instance. `id`: instance. `extra`: the turn's ordinal.
    LayerPulled,
    /// An agent that was cut off connects again. `id`: instance.
    AgentReconnects,
    /// An instance's agent cleans up images. `id`: instance.
    ImageCleanup,
    /// A RunTask that was throttled is called again. `extra`: how many tasks (upper 16 bits) and which family's.
    RunTask,
    /// An instance has been launched. `id`: instance.
    InstanceLaunched,
    /// An Auto Scaling group looks at its size. `extra`: group.
    GroupPass,
    /// A minute of metrics has been published. `extra`: minute.
    MetricsPublished,
    /// A scheduled scaling action. `extra`: service.
    ScheduledScaling,
    /// A task has its random crash. `id`: task. `extra`: which fault, so that a lifted one crashes nothing.
    RandomCrash,
    /// The next step of a release begins. `extra`: release.
    ReleaseStep,
    /// Silence has lasted long enough for loss. `id`: task on Fargate.
    TaskLost,
    /// Silence has lasted long enough for loss. `id`: instance.
    InstanceLost,
    /// Spot takes an instance back. `id`: instance.
    SpotTerminates,
}

/// What befalls the world, and the run's own marks; handled by the run loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldEvent {
    /// `extra`: position in the blueprint's events.
    Happens,
    /// A fault with an end is lifted. `extra`: position in the blueprint's events.
    Ends,
    /// A CloudWatch minute ends: counters are read.
    MinuteEnds,
    /// A window of the timeline ends.
    WindowEnds,
    /// Warm-up is over.
    MeasuringBegins,
    /// The horizon.
    MeasuringEnds,
}

impl Event {
    pub fn data<T>(what: DataEvent, id: Id<T>) -> Event {
        Event {
            what: What::Data(what),
            extra: 0,
            id: id.raw(),
        }
    }
    pub fn data_extra(what: DataEvent, extra: u32) -> Event {
        Event {
            what: What::Data(what),
            extra,
            id: RawId::NONE,
        }
    }
    pub fn data_of<T>(what: DataEvent, id: Id<T>, extra: u32) -> Event {
        Event {
            extra,
            ..Event::data(what, id)
        }
    }
    pub fn control<T>(what: ControlEvent, id: Id<T>, extra: u32) -> Event {
        Event {
            what: What::Control(what),
            extra,
            id: id.raw(),
        }
    }
    pub fn control_extra(what: ControlEvent, extra: u32) -> Event {
        Event {
            what: What::Control(what),
            extra,
            id: RawId::NONE,
        }
    }
    pub fn world(what: WorldEvent, extra: u32) -> Event {
        Event {
            what: What::World(what),
            extra,
            id: RawId::NONE,
        }
    }
}

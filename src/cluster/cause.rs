//! Causes: why an attempt failed, and where, kept as a failure climbs from callee to caller.
//!
//! A refusal is born with its [`Reason`] alone ([`Reason::here`]). Where it happened is filled in when somebody is told
//! of it, from the record of the attempt; a strand that fails because a call failed hands the same cause on. So the
//! client learns the root of its failure, not that somebody in between answered 500.
//!
//! A new kind of failure is one variant here, one name, and the place that says it.

use super::attempt::{Attempt, Served, Site};

/// Why and where. Eight bytes, because every answer has room for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub reason: Reason,
    /// The call or traffic source whose attempt failed; [`Site::NONE`] until somebody is told.
    pub site: Site,
    pub place: Place,
}

/// Who was concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Not filled in yet.
    Unknown,
    /// A task that served this, or was to.
    Serving(Served),
    /// On the way of what is sent from here, or at the dependency that it goes to.
    Beyond(Site),
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The operation's own `error_ratio`.
    OwnError,
    /// The task is ill: it runs and is wrong.
    GrayFailure,
    /// No route of the service takes the request.
    NoRoute,
    /// Revisions of caller and callee do not understand each other.
    VersionSkew,
    /// A caller without balancer knows of no task.
    NoTask,
    /// The target that was picked has died, and its sender does not know it yet.
    TargetGone,
    /// The process does not listen yet.
    NotListening,
    /// The process shuts down and takes no more.
    ShuttingDown,
    /// Every worker is busy and the backlog full.
    QueueFull,
    /// It waited for a worker or a loop longer than the server lets anybody wait.
    WaitedTooLong,
    /// It made room in the queue for something more urgent.
    Displaced,
    /// The server had as many requests in hand as it lets itself have.
    ConcurrencyLimit,
    /// The server's bucket had no token left.
    RateLimited,
    /// The server's CPU was too busy.
    CpuBusy,
    /// The task died while it had the request in hand.
    TaskDied,
    /// The target closed the idle connection as the request came.
    ConnectionClosed,
    /// The dependency's slots are busy and its backlog full.
    DependencyFull,
    /// The dependency's primary has failed and nobody has taken over.
    FailingOver,
    /// The dependency has served it and answers with an error.
    DependencyError,
    /// The dependency is out and refuses it.
    DependencyOut,
    /// The queue answers with an error, and has no message.
    QueueError,
    /// As many wait for a connection of the caller's pool as may.
    ConnectionPoolFull,
    /// No connection of the caller's pool became free within its `acquire_timeout`.
    ConnectionPoolTimeout,
    /// The dependency takes no more connections.
    TooManyConnections,
    /// Nobody answered the connection attempt.
    Unreachable,
    /// The target group has no target, or no group has a weight.
    NoTarget,
    /// The balancer takes no more.
    BalancerFull,
    /// The deregistration delay ended with the request in hand.
    DeregistrationOver,
    /// The balancer's rule answers by itself.
    FixedResponse,
    /// A `parallel` step had not enough branches in time.
    JoinTimedOut,
    /// The caller's circuit breaker is open.
    BreakerOpen,
    /// The caller's own rate limit.
    CallRateLimited,
    /// The caller's bulkhead and its waiting room are full.
    BulkheadFull,
    /// Waited too long for a place in the caller's bulkhead.
    BulkheadTimeout,
    /// The deadline that came with the request was over before the work was done.
    DeadlineOver,
    /// The sender's patience ended while this was going on, at the far end of the calls.
    TimedOut(Stage),
    /// The balancer's idle timeout ended while this was going on.
    IdleTimeout(Stage),
    /// The run ended while this was going on.
    Unfinished(Stage),
}

/// What was going on at the far end of a chain of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Waiting for a worker, a loop or a dependency's slot.
    Queue,
    Cpu,
    /// In a `wait` step.
    Wait,
    /// A dependency was serving it.
    Dependency,
    /// Request or answer was under way.
    Network,
    /// Nothing was ever going to come.
    Lost,
    /// A pause before another attempt.
    Backoff,
}

impl Reason {
    /// The cause of a failure that happens to the attempt at hand.
    #[inline]
    pub const fn here(self) -> Cause {
        Cause {
            reason: self,
            site: Site::NONE,
            place: Place::Unknown,
        }
    }

    /// For tables; words are its parts with spaces.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::OwnError => "own_error",
            Reason::GrayFailure => "gray_failure",
            Reason::NoRoute => "no_route",
            Reason::VersionSkew => "version_skew",
            Reason::NoTask => "no_task",
            Reason::TargetGone => "target_gone",
            Reason::NotListening => "not_listening",
            Reason::ShuttingDown => "shutting_down",
            Reason::QueueFull => "queue_full",
            Reason::WaitedTooLong => "waited_too_long",
            Reason::Displaced => "displaced",
            Reason::ConcurrencyLimit => "concurrency_limit",
            Reason::RateLimited => "rate_limited",
            Reason::CpuBusy => "cpu_busy",
            Reason::TaskDied => "task_died",
            Reason::ConnectionClosed => "connection_closed",
            Reason::DependencyFull => "dependency_full",
            Reason::FailingOver => "failing_over",
            Reason::DependencyError => "dependency_error",
            Reason::DependencyOut => "dependency_out",
            Reason::QueueError => "queue_error",
            Reason::ConnectionPoolFull => "connection_pool_full",
            Reason::ConnectionPoolTimeout => "connection_pool_timeout",
            Reason::TooManyConnections => "too_many_connections",
            Reason::Unreachable => "unreachable",
            Reason::NoTarget => "no_target",
            Reason::BalancerFull => "balancer_full",
            Reason::DeregistrationOver => "deregistration_over",
            Reason::FixedResponse => "fixed_response",
            Reason::JoinTimedOut => "join_timed_out",
            Reason::BreakerOpen => "breaker_open",
            Reason::CallRateLimited => "call_rate_limited",
            Reason::BulkheadFull => "bulkhead_full",
            Reason::BulkheadTimeout => "bulkhead_timeout",
            Reason::DeadlineOver => "deadline_over",
            Reason::TimedOut(stage) => match stage {
                Stage::Queue => "timed_out_in_queue",
                Stage::Cpu => "timed_out_on_cpu",
                Stage::Wait => "timed_out_in_wait",
                Stage::Dependency => "timed_out_in_dependency",
                Stage::Network => "timed_out_on_the_way",
                Stage::Lost => "timed_out_unanswered",
                Stage::Backoff => "timed_out_in_backoff",
            },
            Reason::IdleTimeout(stage) => match stage {
                Stage::Queue => "idle_timeout_in_queue",
                Stage::Cpu => "idle_timeout_on_cpu",
                Stage::Wait => "idle_timeout_in_wait",
                Stage::Dependency => "idle_timeout_in_dependency",
                Stage::Network => "idle_timeout_on_the_way",
                Stage::Lost => "idle_timeout_unanswered",
                Stage::Backoff => "idle_timeout_in_backoff",
            },
            Reason::Unfinished(stage) => match stage {
                Stage::Queue => "unfinished_in_queue",
                Stage::Cpu => "unfinished_on_cpu",
                Stage::Wait => "unfinished_in_wait",
                Stage::Dependency => "unfinished_in_dependency",
                Stage::Network => "unfinished_on_the_way",
                Stage::Lost => "unfinished_unanswered",
                Stage::Backoff => "unfinished_in_backoff",
            },
        }
    }

    /// Whether it is a fact about who was asked, and not about the way there.
    const fn is_the_targets(self) -> bool {
        !matches!(
            self,
            Reason::NoTask
                | Reason::Unreachable
                | Reason::NoTarget
                | Reason::BalancerFull
                | Reason::FixedResponse
                | Reason::BreakerOpen
                | Reason::CallRateLimited
                | Reason::BulkheadFull
                | Reason::BulkheadTimeout
        )
    }
}

impl Cause {
    /// With what is not known yet filled in from the attempt that it happened to.
    pub fn of(self, attempt: &Attempt) -> Cause {
        let site = match self.site {
            Site::NONE => attempt.site,
            known => known,
        };
        let place = match self.place {
            Place::Unknown if self.reason.is_the_targets() && attempt.served != Served::NOBODY => {
                Place::Serving(attempt.served)
            }
            Place::Unknown => Place::Beyond(site),
            known => known,
        };
        Cause { site, place, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_keeps_what_is_known_of_it() {
        let attempt = Attempt {
            site: Site(3),
            served: Served(7),
            ..Attempt::BLANK
        };
        let full = Reason::QueueFull.here().of(&attempt);
        assert_eq!((full.site, full.place), (Site(3), Place::Serving(Served(7))));
        let caller = Attempt {
            site: Site(4),
            served: Served(8),
            ..Attempt::BLANK
        };
        assert_eq!(full.of(&caller), full, "whoever hears of it later changes nothing");
        let nobody = Reason::NoTask.here().of(&caller);
        assert_eq!(
            nobody.place,
            Place::Beyond(Site(4)),
            "no task is to blame for there being none"
        );
    }
}

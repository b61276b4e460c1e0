//! Connections between a balancer's nodes and its targets, and the race for an idle one.
//!
//! Both ends close a connection that has been idle for too long: the node after the balancer's idle timeout, the target
//! after its keep-alive. A target that closes first tells the node so, but a request that is sent before the news has
//! come meets a closed connection and is answered 502 [ALB23:load-balancer-troubleshooting]. MODEL: a node takes the
//! connection that it used last. Only groups with a target whose keep-alive is the shorter one have a table.

use crate::cluster::Task;
use crate::engine::arena::Id;
use crate::units::{Instant, Span};

#[derive(Clone, Debug)]
pub(super) struct Connections {
    idle_timeout: Span,
    /// By node, then by the task's slot.
    nodes: Vec<Vec<Idle>>,
}

/// A node's idle connections to one task, the one used last on top.
#[derive(Clone, Debug, Default)]
struct Idle {
    task: Option<Id<Task>>,
    since: Vec<Instant>,
}

/// What becomes of a request on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    Through,
    /// The target has closed the connection, and the node does not know yet.
    ToClosed,
}

impl Connections {
    pub fn new(idle_timeout: Span, nodes: usize) -> Self {
        Connections {
            idle_timeout,
            nodes: vec![Vec::new(); nodes],
        }
    }

    fn idle(&mut self, node: usize, task: Id<Task>) -> &mut Vec<Instant> {
        let slots = &mut self.nodes[node];
        let slot = task.index() as usize;
        if slots.len() <= slot {
            slots.resize(slot + 1, Idle::default());
        }
        let idle = &mut slots[slot];
        if idle.task != Some(task) {
            idle.task = Some(task);
            idle.since.clear();
        }
        &mut idle.since
    }

    /// A node sends a request to a task, `way` off, that keeps idle connections for `keep_alive`.
    pub fn send(&mut self, node: usize, task: Id<Task>, keep_alive: Option<Span>, way: Span, now: Instant) -> Sent {
        let idle_timeout = self.idle_timeout;
        let idle = self.idle(node, task);
        let Some(since) = idle.pop() else {
            return Sent::Through;
        };
        let lasted = now.since(since);
        // The target's answer left it one way earlier, and its keep-alive has run since; the news takes one way to come.
        if lasted >= idle_timeout || keep_alive.is_some_and(|keep_alive| lasted >= keep_alive) {
            // Those below have been idle for longer still.
            idle.clear();
            return Sent::Through;
        }
        match keep_alive {
            Some(keep_alive) if lasted + way + way > keep_alive => Sent::ToClosed,
            _ => Sent::Through,
        }
    }

    /// The answer has come: the connection is idle.
    pub fn rest(&mut self, node: usize, task: Id<Task>, now: Instant) {
        self.idle(node, task).push(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::arena::Arena;

    #[test]
    fn a_request_that_the_targets_close_crosses_meets_a_closed_connection() {
        // Keep-alive 5 s, 10 ms each way. The answer reaches the node at 0, so the target closes at 4.99 s, and the node
        // knows at 5 s. What is sent after 4.98 s arrives too late.
        let mut arena: Arena<()> = Arena::new();
        let task = Id::<Task>::from_raw(arena.insert(()).raw());
        let way = Span::from_millis(10);
        for (millis, wanted) in [
            (4_979, Sent::Through),
            (4_980, Sent::Through),
            (4_981, Sent::ToClosed),
            (4_999, Sent::ToClosed),
            (5_000, Sent::Through),
        ] {
            let mut connections = Connections::new(Span::from_secs(60), 1);
            connections.rest(0, task, Instant::ZERO);
            let now = Instant::ZERO + Span::from_millis(millis);
            let keep_alive = Some(Span::from_secs(5));
            assert_eq!(connections.send(0, task, keep_alive, way, now), wanted, "{millis} ms");
        }
    }

    #[test]
    fn a_node_that_closes_first_meets_nothing() {
        let mut arena: Arena<()> = Arena::new();
        let task = Id::<Task>::from_raw(arena.insert(()).raw());
        let mut connections = Connections::new(Span::from_secs(5), 1);
        connections.rest(0, task, Instant::ZERO);
        let now = Instant::ZERO + Span::from_millis(5_995);
        let sent = connections.send(0, task, Some(Span::from_secs(6)), Span::from_millis(10), now);
        assert_eq!(sent, Sent::Through);
    }
}

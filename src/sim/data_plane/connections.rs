//! Connections between a balancer's nodes and its targets, and the race for an idle one.
//!
//! Both ends close a connection that has been idle for too long: the node after the balancer's idle timeout, the target
//! after its keep-alive. A target that closes first tells the node so, but a request that is sent before the news has
//! come meets a closed connection and is answered 502 [ALB23:load-balancer-troubleshooting]. MODEL: a node takes the
//! connection that it used last. Only groups with a target whose keep-alive is the shorter one have a table. The clients'
//! side is only counted, for the bill.

use crate::cluster::Task;
use crate::cluster::attempt::Browser;
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

/// Connections between known clients and one balancer, which capacity units count.
#[derive(Clone, Debug)]
pub(super) struct ClientConnections {
    idle_timeout: Span,
    keep_alive: Span,
    /// By browser.
    kept: Vec<Option<Kept>>,
    /// Requests of known clients since the last minute's end.
    pub requests: u64,
    /// Connections that these have opened.
    pub opened: u64,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    opened: Instant,
    used: Instant,
}

impl ClientConnections {
    pub fn new(idle_timeout: Span, keep_alive: Span, browsers: u32) -> Self {
        ClientConnections {
            idle_timeout,
            keep_alive,
            kept: vec![None; browsers as usize],
            requests: 0,
            opened: 0,
        }
    }

    fn is_open(&self, kept: Kept, now: Instant) -> bool {
        now < kept.used + self.idle_timeout && now < kept.opened + self.keep_alive
    }

    /// A request has come from a client, on the connection that it has or on a new one.
    pub fn request(&mut self, browser: Browser, now: Instant) {
        let Some(at) = browser.at() else { return };
        self.requests += 1;
        if self.kept.len() <= at {
            self.kept.resize(at + 1, None);
        }
        let open = self.kept[at].filter(|kept| self.is_open(*kept, now));
        self.opened += u64::from(open.is_none());
        let opened = open.map_or(now, |kept| kept.opened);
        self.kept[at] = Some(Kept { opened, used: now });
    }

    /// The browser is given to somebody else; its connection closes.
    pub fn forget(&mut self, browser: Browser) {
        if let Some(kept) = browser.at().and_then(|at| self.kept.get_mut(at)) {
            *kept = None;
        }
    }

    /// Connections that are open now.
    pub fn open(&self, now: Instant) -> u64 {
        let open = self.kept.iter().flatten().filter(|kept| self.is_open(**kept, now));
        open.count() as u64
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
    fn a_clients_connection_ends_idle_or_old() {
        let at = |seconds| Instant::ZERO + Span::from_secs(seconds);
        let mut clients = ClientConnections::new(Span::from_secs(60), Span::from_secs(300), 2);
        // Opened at 0, used until 290, too old at 300; the next is opened at 310, idle for too long at 400.
        for second in [0, 50, 100, 150, 200, 250, 290, 310, 400] {
            clients.request(Browser(1), at(second));
        }
        assert_eq!((clients.requests, clients.opened), (9, 3));
        clients.request(Browser::NOBODY, at(400));
        assert_eq!(clients.requests, 9, "who comes once is counted otherwise");
        clients.request(Browser(2), at(410));
        assert_eq!(clients.open(at(459)), 2);
        assert_eq!(clients.open(at(460)), 1);
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

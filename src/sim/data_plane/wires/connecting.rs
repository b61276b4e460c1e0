//! Opening connections: round trips, and CPU time of whoever is called.
//!
//! The first message comes to the callee after all crossings but the last, the callee spends `connection_cpu` on it
//! beside its workers and loops, and answers; then the request sets out. A balancer's node spends nothing that anybody
//! waits for. What is wrong with a link or a zone meets these crossings as it meets any message.

use super::kept::{Found, Peer, Who};
use super::*;
use crate::cluster::cause::Reason;
use crate::cluster::server::Door;

impl DataPlane {
    pub(super) fn keeps_connections(&self, id: Id<Attempt>) -> bool {
        let site = self.attempts[id].site;
        let wires = self.wires.as_ref().expect("who comes here has wires");
        site != Site::NONE && wires.kept[site.at()].is_some()
    }

    /// Who keeps the connections that an attempt of the site uses; `None`: a client that comes once, or a caller that is
    /// gone.
    fn holder(&self, attempt: &Attempt) -> Option<Who> {
        match attempt.caller {
            Caller::Client(_, browser) => browser.at().map(Who::Client),
            Caller::Strand(parent) => self.attempts.get(parent)?.task.map(Who::Task),
            _ => None,
        }
    }

    /// An attempt is on an open connection, or sets one up.
    pub(super) fn connects(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, leg: Leg) {
        let attempt = &self.attempts[id];
        let who = self.holder(attempt);
        let hop = self.hop(attempt, leg);
        let theirs = match (attempt.path, attempt.task) {
            (Some(path), _) => self.deadlines.patience(self.balancers[path.load_balancer.at()].idle),
            (None, Some(_)) => self
                .operations
                .revision(attempt.served)
                .keep_alive
                .unwrap_or(Span::FOREVER),
            (None, None) => Span::FOREVER,
        };
        let (site, peer) = (attempt.site, peer(attempt));
        let way = self.network.span_while_well(hop);
        let kept = self.wires().kept[site.at()]
            .as_mut()
            .expect("its site keeps connections");
        let found = match who {
            Some(who) => kept.take(who, peer, theirs, way, cx.now()),
            None => Found::New { again: false },
        };
        match found {
            Found::Open => self.transfers(cx, id, leg),
            Found::New { again } => self.sets_up(cx, id, leg, again),
            Found::Closing => {
                self.attempts[id].phase = Phase::Answered(Answer::Refused(Reason::ConnectionClosed.here()));
                let event = Event::data(DataEvent::AnswerAtCaller, id);
                cx.calendar.schedule_in(way + way, event);
            }
        }
    }

    fn sets_up(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, leg: Leg, again: bool) {
        let attempt = &self.attempts[id];
        let wires = self.wires.as_ref().expect("who comes here has wires");
        let kept = wires.kept[attempt.site.at()].as_ref();
        let rule = kept.expect("its site keeps connections").rule;
        let key = attempt.key.child(purpose::SET_UP);
        let costs = leg == Leg::ToCallee && self.law_of_set_up(attempt).is_some();
        let (crossings, event) = if costs {
            (2 * rule.round_trips - 1, DataEvent::ConnectionReaches)
        } else {
            (2 * rule.round_trips, DataEvent::ConnectionOpens)
        };
        let mut span = Span::ZERO;
        if again {
            span += rule.reconnect_jitter.scaled(key.child(purpose::JITTER).uniform());
        }
        for nth in 0..crossings {
            match self.crossing_of_set_up(id, leg, nth) {
                Some(late) => span += late,
                None => return self.nobody_answers(cx, id),
            }
        }
        cx.calendar.schedule_in(span, Event::data(event, id));
    }

    /// CPU time that a connection to the task of an attempt takes there.
    fn law_of_set_up(&self, attempt: &Attempt) -> Option<&Law> {
        attempt.task?;
        let wires = self.wires.as_ref().expect("who comes here has wires");
        let service = self.operations.revision(attempt.served).service;
        wires.connection_cpu[service.at()].as_ref()
    }

    /// How long one message of a set-up takes; they go there and back in turn. `None`: it is lost.
    fn crossing_of_set_up(&self, id: Id<Attempt>, leg: Leg, nth: u32) -> Option<Span> {
        let attempt = &self.attempts[id];
        let leg = if nth.is_multiple_of(2) { leg } else { Leg::BackToCaller };
        let mut hop = self.hop(attempt, leg);
        hop.key = hop.key.child(purpose::SET_UP).child(u64::from(nth));
        self.network.crossing(hop)
    }

    /// A set-up has come to its task, which works on it.
    pub(in crate::sim::data_plane) fn connection_reaches(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id) else { return };
        let task = attempt.task.expect("who sets up a connection to a task has picked it");
        let key = attempt.key.child(purpose::SET_UP).child(purpose::WORK);
        let work = self.law_of_set_up(attempt).map(|law| law.sample(key));
        let zone = attempt.zone;
        let Some(server) = self.servers.get_mut(task) else {
            return cx.follow(DataEvent::AtTask, id);
        };
        // Whoever does not listen, or listens and does not hear, does so to connections as it does to requests.
        let (Door::Open | Door::Troubled, Some(work)) = (server.door, work) else {
            return cx.follow(DataEvent::AtTask, id);
        };
        let strand = self.attempts.insert(Attempt {
            caller: Caller::SetUp(id),
            phase: Phase::OnCpu,
            task: Some(task),
            served: server.unrouted,
            zone,
            // Beyond the last step of any program.
            step: u16::MAX,
            ..Attempt::BLANK
        });
        server.cpu.admit(cx.now(), strand, work);
        self.cpus_changed.push(task.index());
    }

    /// The task has done its work on a set-up.
    #[cold]
    pub(in crate::sim::data_plane) fn connection_made(
        &mut self,
        cx: &mut Context<'_>,
        strand: Id<Attempt>,
        id: Id<Attempt>,
    ) {
        self.attempts.remove(strand);
        let Some(attempt) = self.attempts.get(id).filter(|attempt| attempt.phase == Phase::Sent) else {
            return;
        };
        if attempt.flags.has(Flags::CALLER_GONE) {
            return self.never_sent(cx, id);
        }
        // The crossings before it were odd in number: this one goes back.
        match self.crossing_of_set_up(id, Leg::ToCallee, u32::MAX) {
            Some(span) => cx
                .calendar
                .schedule_in(span, Event::data(DataEvent::ConnectionOpens, id)),
            None => self.nobody_answers(cx, id),
        }
    }

    /// The connection is open: the request sets out.
    pub(in crate::sim::data_plane) fn connection_opens(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let Some(attempt) = self.attempts.get(id) else { return };
        if attempt.flags.has(Flags::CALLER_GONE) {
            return self.never_sent(cx, id);
        }
        let leg = if attempt.path.is_some() {
            Leg::ToNode
        } else {
            Leg::ToCallee
        };
        self.transfers(cx, id, leg);
    }

    /// Its caller has given up before there was a connection.
    fn never_sent(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        self.trace_goes(cx, id);
        self.attempts.remove(id);
    }

    /// An answer has come on a connection, which is idle from now on, or closed.
    pub(in crate::sim::data_plane) fn answer_on_connection(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        if let Some(attempt) = self.attempts.get(id)
            && let Phase::Answered(answer) = attempt.phase
            && let Some(who) = self.holder(attempt)
            && !attempt.flags.has(Flags::CALLER_GONE)
        {
            let (site, peer, now) = (attempt.site, peer(attempt), cx.now());
            let kept = self.wires().kept[site.at()]
                .as_mut()
                .expect("its site keeps connections");
            match answer {
                Answer::Refused(_) => kept.lost(who),
                _ => kept.rest(who, peer, now),
            }
        }
        self.answer_at_caller(cx, id);
    }

    /// A process is gone, and its ends of connections.
    pub(in crate::sim::data_plane) fn close_connections(&mut self, task: Id<Task>) {
        let Some(wires) = &mut self.wires else { return };
        for kept in wires.kept.iter_mut().flatten() {
            kept.drop_of(task.raw());
        }
    }
}

/// The other end of an attempt's connection.
fn peer(attempt: &Attempt) -> Peer {
    match (attempt.path, attempt.task) {
        (Some(path), _) => Peer::Node(path.node),
        (None, Some(task)) => Peer::Task(task.raw()),
        (None, None) => unreachable!("a dependency's connections are its pool's"),
    }
}

//! Health checks whose outcome is foregone: who needs not be asked, and what makes up for a question that was not asked.
//!
//! A check that runs no program, of a task that nothing but such checks ever reaches, through a network that is well,
//! passes as the last one did until something befalls the task or the network. Whoever asked is told so with the answer
//! ([`Outlook::Foregone`]), asks no more, and is told when it no longer holds ([`Signal::Stirred`]): the orders that
//! concern a task and the changes of the network each pass through one place, from where it is said. A check that would
//! be under way at that moment is put where it would be, to fare as it would have fared.
//!
//! Which tasks nothing reaches is settled when the plane is built, by following traffic and calls: so a request finds
//! nothing here to look at.

use super::network::{Between, Hop};
use super::orders::check_key;
use super::{DataPlane, Leg};
use crate::blueprint::{
    Action, Blueprint, CallIx, Callee, Destination, LoadBalancerIx, ProgramIx, ServiceIx, Step, TargetGroupIx,
};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Check, Phase, Site};
use crate::cluster::server::Door;
use crate::cluster::target_group::Outlook;
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::{Order, Signal, UnmadeCheck, Whose};
use crate::units::Span;

/// What is foregone at all.
pub(super) struct Foregone {
    /// By service: nothing but checks that run no program comes to its tasks.
    undisturbed: Vec<bool>,
    /// The longest that such a check is under way, there and back, while the network is well; `None`: there is no bound.
    within: Option<Span>,
    /// The network as it was when it was last looked at.
    network: u32,
}

impl Foregone {
    pub fn new(blueprint: &Blueprint, longest_hop: Option<Span>) -> Self {
        let reached = Reached::by_anything(blueprint);
        let undisturbed = blueprint
            .services
            .iter()
            .zip(reached.services)
            .map(|(service, reached)| {
                let checks_run_nothing = groups_of(service).all(|group| {
                    let runs = blueprint.target_groups[group.at()].health_check.runs;
                    blueprint.programs[runs.at()].steps.is_empty()
                });
                !reached && checks_run_nothing
            });
        Foregone {
            undisturbed: undisturbed.collect(),
            within: longest_hop.map(|hop| hop + hop),
            network: 0,
        }
    }

    /// From now on every check is made.
    pub fn nothing(&mut self) {
        self.within = None;
    }
}

/// Target groups that the service's tasks may be in.
fn groups_of(service: &crate::blueprint::Service) -> impl Iterator<Item = TargetGroupIx> {
    service.load_balancers.iter().flat_map(|each| {
        let alternate = each.alternate.as_ref().map(|alternate| alternate.target_group);
        std::iter::once(each.target_group).chain(alternate)
    })
}

/// What requests come to, wherever they begin.
struct Reached<'b> {
    blueprint: &'b Blueprint,
    services: Vec<bool>,
    balancers: Vec<bool>,
    calls: Vec<bool>,
}

impl<'b> Reached<'b> {
    /// Traffic, and checks that make calls, reach their destinations; what is reached reaches what it calls.
    fn by_anything(blueprint: &'b Blueprint) -> Self {
        let mut reached = Reached {
            blueprint,
            services: vec![false; blueprint.services.len()],
            balancers: vec![false; blueprint.load_balancers.len()],
            calls: vec![false; blueprint.calls.len()],
        };
        for traffic in &blueprint.traffic {
            match traffic.to {
                Destination::LoadBalancer { load_balancer, .. } => reached.balancer(load_balancer),
                Destination::Service { service, .. } => reached.service(service),
                Destination::Queue(_) => {}
            }
        }
        for (at, service) in blueprint.services.iter().enumerate() {
            if !service.consumes.is_empty() {
                reached.service(ServiceIx::from_usize(at));
            }
        }
        for group in &blueprint.target_groups {
            reached.program(group.health_check.runs);
        }
        reached
    }

    fn service(&mut self, at: ServiceIx) {
        if std::mem::replace(&mut self.services[at.at()], true) {
            return;
        }
        let blueprint = self.blueprint;
        let revisions = blueprint.services[at.at()].revisions.iter();
        for operation in revisions.flat_map(|revision| &revision.operations) {
            self.program(operation.program);
        }
    }

    /// Whatever its rules say: weights change, and rules with them.
    fn balancer(&mut self, at: LoadBalancerIx) {
        if std::mem::replace(&mut self.balancers[at.at()], true) {
            return;
        }
        let blueprint = self.blueprint;
        let forwards_to = |group: TargetGroupIx| {
            let listeners = blueprint.load_balancers[at.at()].listeners.iter();
            let actions = listeners.flat_map(|listener| {
                let rules = listener.rules.iter().map(|rule| &rule.action);
                rules.chain([&listener.default_action])
            });
            let mut forwarded = actions.flat_map(|action| match action {
                Action::Forward(groups) => groups.as_slice(),
                Action::FixedResponse(_) | Action::Redirect(_) => &[],
            });
            forwarded.any(|each| each.target_group == group)
        };
        for (position, service) in blueprint.services.iter().enumerate() {
            if groups_of(service).any(forwards_to) {
                self.service(ServiceIx::from_usize(position));
            }
        }
    }

    fn program(&mut self, at: ProgramIx) {
        let blueprint = self.blueprint;
        for step in &blueprint.programs[at.at()].steps {
            if let Step::Call(call) = step {
                self.call(*call);
            }
            for (part, _) in step.parts() {
                self.program(part);
            }
        }
    }

    fn call(&mut self, at: CallIx) {
        if std::mem::replace(&mut self.calls[at.at()], true) {
            return;
        }
        match self.blueprint.calls[at.at()].to {
            Callee::Service { service, .. } => self.service(service),
            Callee::LoadBalancer { load_balancer, .. } => self.balancer(load_balancer),
            // Who consumes a queue is reached in any case.
            Callee::Dependency(_) | Callee::DependencyOperation(..) | Callee::Queue(_) => {}
        }
    }
}

impl DataPlane {
    /// Makes every check, foregone or not: what the shortcut is held against.
    pub fn make_every_check(&mut self) {
        self.foregone.nothing();
    }

    /// What is known of a task's next checks by a node, after one that was answered like this. Foregone, somebody relies
    /// on it from now on.
    pub(super) fn outlook(&mut self, task: Id<Task>, check: Check, answer: Answer) -> Outlook {
        let (Some(within), Answer::Success) = (self.foregone.within, answer) else {
            return Outlook::Open;
        };
        let Some(node) = self.zone_of_node(check) else {
            return Outlook::Open;
        };
        let Some(server) = self.servers.get_mut(task) else {
            return Outlook::Open;
        };
        let undisturbed = self.foregone.undisturbed[server.service.at()] && server.door == Door::Open;
        if !undisturbed || self.network.is_troubled_between(node, server.zone, server.service) {
            return Outlook::Open;
        }
        server.is_relied_on = true;
        Outlook::Foregone { within }
    }

    /// What befalls the task may change how its checks go: whoever relies on them is told.
    pub(super) fn stir(&mut self, cx: &mut Context<'_>, order: &Order) {
        if let Some(task) = order.stirs()
            && let Some(server) = self.servers.get_mut(task)
            && std::mem::take(&mut server.is_relied_on)
        {
            cx.signals.push(Signal::Stirred(Whose::Of(task)));
        }
    }

    /// Says that nothing is foregone any more, if the network has changed since it was last looked at.
    pub(super) fn stir_all_if_network_changed(&mut self, cx: &mut Context<'_>) {
        if self.foregone.network == self.network.changes() {
            return;
        }
        self.foregone.network = self.network.changes();
        let mut any = false;
        for server in self.servers.iter_mut() {
            any |= std::mem::take(&mut server.is_relied_on);
        }
        if any {
            cx.signals.push(Signal::Stirred(Whose::Everyones));
        }
    }

    /// Puts a check that was not made where it would be by now: on its way to the task, or back with its answer.
    pub(super) fn resume_check(&mut self, cx: &mut Context<'_>, unmade: UnmadeCheck) {
        let check = Check {
            target_group: unmade.target_group,
            node: unmade.node,
            number: unmade.check,
        };
        let node = self.zone_of_node(check).expect("a check is a node's");
        let key = check_key(cx, check, unmade.sent);
        let served = self.operations.unrouted(unmade.service, unmade.revision);
        let hop = |leg| Hop {
            leg,
            sender: Site::NONE,
            key,
            from: Some(node),
            to: Some(unmade.zone),
            between: Between::AndTask(served),
        };
        let there = unmade.sent + self.network.span_while_well(hop(Leg::ToCallee));
        let back = there + self.network.span_while_well(hop(Leg::BackToCaller));
        let (phase, at, event) = if cx.now() < there {
            (Phase::Sent, there, DataEvent::AtTask)
        } else if cx.now() < back {
            (Phase::Answered(Answer::Success), back, DataEvent::AnswerAtCaller)
        } else {
            return super::orders::tell(cx, unmade.task, check, Answer::Success, Outlook::Open);
        };
        let id = self.attempts.insert(Attempt {
            key,
            request_key: key,
            caller: Caller::Check(check),
            phase,
            task: Some(unmade.task),
            served,
            program: self.groups[check.target_group.at()].check_program,
            from: Some(node),
            zone: Some(unmade.zone),
            first_sent: unmade.sent,
            ..Attempt::BLANK
        });
        cx.calendar.schedule_at(at, Event::data(event, id));
    }

    /// Every check that somebody relies on would indeed pass.
    pub(super) fn check_foregone(&self) {
        for server in self.servers.iter().filter(|server| server.is_relied_on) {
            assert!(
                server.door == Door::Open && server.present == 0 && server.busy == 0,
                "a server whose checks are foregone listens and has nothing to do"
            );
            assert_eq!(
                self.foregone.network,
                self.network.changes(),
                "a network through which checks are foregone has not changed"
            );
        }
    }
}

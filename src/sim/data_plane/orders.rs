//! Executes what the control plane orders: servers come and go, targets are published, weights change, health is asked.

use super::network::{AtBalancer, Crossing, Hop};
use super::program::To;
use super::server::metered_from;
use super::{DataPlane, Leg, client};
use crate::blueprint::{Action, ClassIx, ServiceIx, TargetGroupIx};
use crate::cluster::Attempt;
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Callee, Caller, Check, DeadlineLink, Flags, Phase, QueueLink, ServedOperation};
use crate::cluster::cpu::{Cpu, CpuSpec};
use crate::cluster::queue::Queue;
use crate::cluster::server::{Door, Server};
use crate::cluster::view::ViewTarget;
use crate::engine::arena::{Id, RawId};
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::{Order, ServerSpec, Signal, balancer_of};
use crate::units::{Instant, Span};

impl DataPlane {
    pub fn execute(&mut self, cx: &mut Context<'_>, order: Order) {
        match order {
            Order::StartServer(spec) => self.start_server(cx, spec),
            Order::Listen(task) => self.set_door(task, Door::Open),
            Order::CloseServer(task) => self.set_door(task, Door::Closed),
            Order::KillServer(task) => {
                if self.server_of(task).is_some() {
                    self.kill(cx, task.index() as usize);
                }
            }
            Order::SetSpeed { task, speed } => {
                let now = cx.now();
                if let Some(server) = self.server_of(task) {
                    server.cpu.set_speed(now, speed);
                    let (timer, next) = (server.cpu_timer, server.cpu.next_turn());
                    cx.calendar.arm(timer, next);
                }
            }
            Order::PublishTargets {
                target_group,
                node,
                targets,
            } => {
                let targets = targets.iter().map(|target| ViewTarget {
                    task: target.task,
                    ramping_since: target.ramping_since,
                });
                self.groups[target_group.at()].views[usize::from(node)].publish(targets.collect());
            }
            Order::PublishDiscovery { service, tasks } => self.publish_discovery(service, &tasks),
            Order::CutOff { target_group, task } => self.cut_off_target(cx, target_group, task),
            Order::SetWeights { rule, groups } => {
                let at = self
                    .actions
                    .at(rule.load_balancer, rule.listener, usize::from(rule.rule));
                self.actions.all[at as usize] = Action::Forward(groups);
            }
            Order::CheckTarget {
                target_group,
                node,
                task,
                check,
            } => {
                self.check_target(cx, target_group, node, task, check);
            }
        }
        self.run_ready(cx);
    }

    fn server_of(&mut self, task: Id<Task>) -> Option<&mut Server> {
        self.servers
            .get_mut(task.index() as usize)?
            .as_mut()
            .filter(|server| server.task == task)
    }

    fn set_door(&mut self, task: Id<Task>, door: Door) {
        if let Some(server) = self.server_of(task) {
            server.door = door;
        }
    }

    fn start_server(&mut self, cx: &mut Context<'_>, spec: ServerSpec) {
        let slot = spec.task.index() as usize;
        if self.servers.len() <= slot {
            self.servers.resize_with(slot + 1, || None);
        }
        assert!(
            self.servers[slot].is_none(),
            "a task's slot is used again only when its process is gone"
        );
        let revision = &cx.blueprint.services[spec.service.at()].revisions[spec.revision.at()];
        let period = cx.blueprint.model.cpu.cfs_period;
        // Each process has its own phase of the CFS period; keyed by slot and time, which no policy of the data plane moves.
        let phase = cx
            .key
            .entity("cfs", "")
            .child(slot as u64)
            .child(cx.now().nanos())
            .uniform();
        let mut cpu = Cpu::new(
            CpuSpec {
                model: revision.cpu_model,
                share: spec.cpu,
                threads: spec.host_vcpus,
                period,
                phase: period.scaled(phase),
            },
            cx.now(),
        );
        cpu.set_speed(cx.now(), spec.speed);
        let timer = cx.calendar.timer(Event::data_extra(DataEvent::CpuTurn, slot as u32));
        self.servers[slot] = Some(Server {
            task: spec.task,
            service: spec.service,
            revision: spec.revision,
            zone: spec.zone,
            door: Door::Starting,
            runtime: revision.runtime,
            busy: 0,
            queue: Queue::default(),
            present: 0,
            cpu,
            cpu_timer: timer,
            reserved: spec.cpu,
            started: cx.now(),
            metered: metered_from(cx.now()),
            sampled: metered_from(cx.now()),
        });
    }

    fn publish_discovery(&mut self, service: ServiceIx, tasks: &[Id<Task>]) {
        let targets: Vec<ViewTarget> = tasks
            .iter()
            .map(|&task| ViewTarget {
                task,
                ramping_since: None,
            })
            .collect();
        for call in &mut self.calls {
            if let To::Service { service: to, view, .. } = &mut call.to
                && *to == service
            {
                view.publish(targets.clone());
            }
        }
        for each in &mut self.clients {
            if let client::To::Direct { service: to, view, .. } = &mut each.to
                && *to == service
            {
                view.publish(targets.clone());
            }
        }
    }

    /// The deregistration delay is over: what still runs on the target through this group is answered 502.
    fn cut_off_target(&mut self, cx: &mut Context<'_>, target_group: TargetGroupIx, task: Id<Task>) {
        let through = |attempt: &Attempt| {
            attempt.task == Some(task)
                && attempt.flags.has(Flags::OUTSTANDING)
                && attempt.path.is_some_and(|path| path.target_group == Some(target_group))
                && !matches!(attempt.caller, Caller::Check(_))
        };
        let cut: Vec<Id<Attempt>> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| through(attempt))
            .map(|(id, _)| id)
            .collect();
        for id in cut {
            self.cut_off(cx, id, Answer::BadGateway);
        }
    }

    /// A node asks a target for its health: a request like any other, through the target's own queue.
    fn check_target(
        &mut self,
        cx: &mut Context<'_>,
        target_group: TargetGroupIx,
        node: u16,
        task: Id<Task>,
        check: u32,
    ) {
        let Some(load_balancer) = balancer_of(cx.blueprint, target_group) else {
            return;
        };
        let zone = self.balancers[load_balancer.at()].nodes[usize::from(node)];
        let key = cx
            .key
            .entity("check", "")
            .child(u64::from(target_group.0))
            .child(u64::from(node));
        let key = key.child(u64::from(check)).child(cx.now().nanos());
        let program = self.groups[target_group.at()].check_program;
        let (service, revision, at) = match self.server_of(task) {
            Some(server) => (server.service, server.revision, Some(server.zone)),
            None => {
                let status = Answer::Refused.status();
                cx.signals.push(Signal::CheckAnswered {
                    target_group,
                    node,
                    task,
                    check,
                    status,
                });
                return;
            }
        };
        let id = self.attempts.insert(Attempt {
            request_key: key,
            key,
            caller: Caller::Check(Check {
                target_group,
                node,
                number: check,
            }),
            callee: Callee::Known,
            phase: Phase::Sent,
            flags: Flags::default(),
            number: 1,
            class: ClassIx(0),
            from: Some(zone),
            first_sent: cx.now(),
            at_node: cx.now(),
            last_pause: Span::ZERO,
            path: None,
            task: Some(task),
            service,
            revision,
            zone: at,
            operation: ServedOperation::HealthCheck,
            program,
            step: 0,
            pending: 0,
            child: RawId::NONE,
            sibling: RawId::NONE,
            answer: Answer::Success,
            due: Instant::NEVER,
            deadline: DeadlineLink::NONE,
            queue: QueueLink::NONE,
        });
        let hop = Hop {
            leg: Leg::ToCallee,
            from: Some(zone),
            to: at,
            at_balancer: AtBalancer::Elsewhere,
            service,
            dependency: None,
        };
        match self.network.carry(cx, id, key, hop, DataEvent::AtCallee) {
            Crossing::UnderWay => {}
            Crossing::Arrived => self.at_callee(cx, id),
            Crossing::Lost => {
                self.attempts.remove(id);
            }
        }
    }

    pub(super) fn check_answered(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, check: Check, answer: Answer) {
        let Check {
            target_group,
            node,
            number,
        } = check;
        let task = self.attempts[id].task.expect("a health check is asked of a task");
        cx.signals.push(Signal::CheckAnswered {
            target_group,
            node,
            task,
            check: number,
            status: answer.status(),
        });
    }
}

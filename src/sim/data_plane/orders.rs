//! Executes what the control plane orders: servers come and go, targets are published, weights change, health is asked.

use super::network::{Between, Crossing, Hop};
use super::site::To;
use super::{DataPlane, Leg};
use crate::blueprint::{Action, ServiceIx, TargetGroupIx, ZoneIx};
use crate::cluster::Task;
use crate::cluster::attempt::{Answer, Attempt, Caller, Check, Flags, Phase, Site};
use crate::cluster::cause::Reason;
use crate::cluster::cpu::{Cpu, CpuSpec};
use crate::cluster::server::{Beside, Door, Metered, Server};
use crate::cluster::target_group::Outlook;
use crate::cluster::view::ViewTarget;
use crate::engine::arena::Id;
use crate::engine::random::Key;
use crate::sim::context::Context;
use crate::sim::event::{DataEvent, Event};
use crate::sim::signal::{Order, ServerSpec, Signal};
use crate::units::{CpuUnits, Instant, Span};

impl DataPlane {
    pub fn execute(&mut self, cx: &mut Context<'_>, order: Order) {
        self.stir(cx, &order);
        match order {
            Order::StartServer(spec) => self.start_server(cx, spec),
            Order::StartUp { task, work } => self.start_up(cx, task, work),
            Order::Listen(task) => {
                self.set_door(task, self.open_door(task));
                if let Some(extras) = self.servers.get_mut(task).and_then(|server| server.extras.as_mut()) {
                    extras.listening = Some(cx.now());
                }
                self.begin_receiving(cx, task);
            }
            Order::CloseServer(task) => {
                self.set_door(task, Door::Closed);
                self.stop_receiving(task);
            }
            Order::KillServer(task) => {
                self.kill(cx, task);
            }
            Order::SilenceServer(task) => self.silence(cx, task),
            Order::CountCpu(task) => self.count_cpu(cx.now(), task),
            Order::StopCountingCpu(task) => self.stop_counting_cpu(cx.now(), task),
            Order::SetSpeed { task, speed } => {
                if let Some(server) = self.servers.get_mut(task).filter(|server| server.door != Door::Silent) {
                    server.cpu.set_speed(cx.now(), speed);
                    self.cpus_changed.push(task.index());
                }
            }
            Order::Afflict { task, ills } => self.afflict(cx, task, ills),
            Order::PartCpu { task, left } => {
                if self.servers.get(task).is_some_and(|server| server.door != Door::Silent) {
                    self.part_cpu(cx.now(), task, left);
                }
            }
            Order::HostStands(stands) => self.host_stands(cx, stands),
            Order::HostGone(instance) => self.host_gone(cx.now(), instance),
            Order::PublishTargets {
                target_group,
                node,
                targets,
            } => {
                let targets = targets.iter().map(|target| ViewTarget {
                    task: target.task,
                    ramping_since: target.ramping_since,
                });
                let group = &mut self.groups[target_group.at()];
                let view = &mut group.views[usize::from(node)];
                view.publish(targets.collect());
                if let Some(anomalies) = group.extras.as_mut().and_then(|extras| extras.anomalies.as_mut()) {
                    anomalies.weigh(view);
                }
            }
            Order::PublishZones { load_balancer, out } => {
                let ttl = cx.blueprint.model.alb.dns_ttl;
                let dns = &mut self.balancers[load_balancer.at()].dns;
                dns.get_or_insert_default().change(cx.now(), out, ttl);
            }
            Order::PublishDiscovery { service, tasks } => self.publish_discovery(service, &tasks, cx.now()),
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
                let check = Check {
                    target_group,
                    node,
                    number: check,
                };
                self.check_target(cx, task, check);
            }
            Order::ResumeCheck(check) => self.resume_check(cx, check),
        }
        self.follow_up(cx);
    }

    fn set_door(&mut self, task: Id<Task>, door: Door) {
        if let Some(server) = self.servers.get_mut(task) {
            server.door = door;
        }
    }

    fn start_server(&mut self, cx: &mut Context<'_>, spec: ServerSpec) {
        let slot = spec.task.index() as usize;
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
                shared: spec.host.map(|host| host.limit),
                share: spec.left.server,
                threads: spec.host_vcpus,
                period,
                phase: period.scaled(phase),
            },
            cx.now(),
        );
        cpu.set_speed(cx.now(), spec.speed);
        let timer = cx.calendar.timer(Event::data_extra(DataEvent::CpuTurn, slot as u32));
        if let Some(wires) = &mut self.wires {
            wires.begin(cx, spec.task, spec.interface);
        }
        let row = self.operations.row_of(spec.service, spec.revision);
        let (queue, extras) = self.rulebook.begin(cx.blueprint, revision, spec.memory, cx.now());
        // On a shared instance it has to be granted first.
        let beside = match (spec.host, &mut self.hosts) {
            (Some(host), Some(hosts)) => {
                hosts.join(spec.task, host, spec.left);
                self.cpus_changed.push(slot as u32);
                CpuUnits(0)
            }
            _ => spec.left.beside,
        };
        self.servers.start(Server {
            task: spec.task,
            service: spec.service,
            revision: row as u32,
            unrouted: self.operations.revisions[row].unrouted,
            zone: spec.zone,
            door: Door::Starting,
            runtime: revision.runtime,
            busy: 0,
            queue,
            present: 0,
            cpu,
            cpu_timer: timer,
            cpu_turns_at: Instant::NEVER,
            reserved: spec.cpu,
            started: cx.now(),
            counted: None,
            sampled: Metered { at: cx.now(), used: 0 },
            beside: Beside {
                units: beside,
                since: cx.now(),
                used: 0,
            },
            is_relied_on: false,
            extras,
        });
    }

    /// A strand that nobody asked for and that ends when its CPU time is spent; it has no worker, loop or place in the queue.
    fn start_up(&mut self, cx: &mut Context<'_>, task: Id<Task>, work: Span) {
        let Some(server) = self.servers.get_mut(task).filter(|server| server.door != Door::Silent) else {
            return;
        };
        let id = self.attempts.insert(Attempt {
            caller: Caller::StartUp,
            phase: Phase::OnCpu,
            task: Some(task),
            served: server.unrouted,
            zone: Some(server.zone),
            // Beyond the last step of any program.
            step: u16::MAX,
            ..Attempt::BLANK
        });
        server.cpu.admit(cx.now(), id, work);
        self.cpus_changed.push(task.index());
    }

    #[cold]
    pub(super) fn started_up(&mut self, cx: &mut Context<'_>, id: Id<Attempt>) {
        let strand = self.attempts.remove(id).expect("it has just ended");
        let task = strand.task.expect("a start-up runs on a task");
        cx.signals.push(Signal::StartedUp(task));
    }

    fn publish_discovery(&mut self, service: ServiceIx, tasks: &[Id<Task>], now: Instant) {
        let targets: Vec<ViewTarget> = tasks
            .iter()
            .map(|&task| ViewTarget {
                task,
                ramping_since: None,
            })
            .collect();
        for site in &mut self.sites {
            if let To::Service {
                service: to,
                view,
                ways: None,
                ..
            } = &mut site.to
                && *to == service
            {
                view.publish(targets.clone());
            }
        }
        self.publish_to_ways(service, tasks, now);
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
            self.cut_off(cx, id, Answer::BadGateway(Reason::DeregistrationOver.here()));
        }
    }

    /// A node asks a target for its health: a request like any other, through the target's own queue.
    fn check_target(&mut self, cx: &mut Context<'_>, task: Id<Task>, check: Check) {
        let Some(zone) = self.zone_of_node(check) else {
            return;
        };
        let key = check_key(cx, check, cx.now());
        let program = self.groups[check.target_group.at()].check_program;
        let Some(server) = self.servers.get(task) else {
            return tell(
                cx,
                task,
                check,
                Answer::Refused(Reason::TargetGone.here()),
                Outlook::Open,
            );
        };
        let served = server.unrouted;
        let hop = Hop {
            leg: Leg::ToCallee,
            sender: Site::NONE,
            key,
            from: Some(zone),
            to: Some(server.zone),
            between: Between::AndTask(served),
        };
        let id = self.attempts.insert(Attempt {
            key,
            request_key: key,
            caller: Caller::Check(check),
            phase: Phase::Sent,
            task: Some(task),
            served,
            program,
            from: hop.from,
            zone: hop.to,
            first_sent: cx.now(),
            ..Attempt::BLANK
        });
        if self.network.carry(cx, id, hop, DataEvent::AtTask) == Crossing::Lost {
            self.attempts.remove(id);
        }
    }

    /// Where the node stands that makes the check; `None`: the group has no balancer any more.
    pub(super) fn zone_of_node(&self, check: Check) -> Option<ZoneIx> {
        let load_balancer = self.groups[check.target_group.at()].load_balancer?;
        Some(self.balancers[load_balancer.at()].nodes[usize::from(check.node)])
    }

    pub(super) fn check_answered(&mut self, cx: &mut Context<'_>, id: Id<Attempt>, check: Check, answer: Answer) {
        let task = self.attempts[id].task.expect("a health check is asked of a task");
        let outlook = self.outlook(task, check, answer);
        tell(cx, task, check, answer, outlook);
    }
}

/// Of a check's draws.
pub(super) fn check_key(cx: &Context<'_>, check: Check, sent: Instant) -> Key {
    let group = cx.key.entity("check", "").child(u64::from(check.target_group.0));
    let node = group.child(u64::from(check.node));
    node.child(u64::from(check.number)).child(sent.nanos())
}

/// Tells the control plane how a health check went, and how the next ones will.
pub(super) fn tell(cx: &mut Context<'_>, task: Id<Task>, check: Check, answer: Answer, outlook: Outlook) {
    cx.signals.push(Signal::CheckAnswered {
        target_group: check.target_group,
        node: check.node,
        task,
        check: check.number,
        status: answer.status(),
        outlook,
    });
}

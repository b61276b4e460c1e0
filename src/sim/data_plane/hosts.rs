//! Instances whose tasks share their CPU: who is on which, and when it is shared out anew.
//!
//! After each event in which the CPU of somebody on such an instance has changed its mind about what it wants, the
//! instance's CPU is shared out again, and whoever gets another portion than before goes on with that. A task that is on no
//! such instance is never looked at here; where there is none, there are no [`Hosts`].

mod credits;

use super::DataPlane;
use crate::blueprint::{Blueprint, GroupIx};
use crate::cluster::host::{Host, Member, NewHost, Scratch, portion};
use crate::cluster::server::Servers;
use crate::cluster::{Instance, Task};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::observation::CreditSample;
use crate::sim::signal::{CpuLeft, HostStands, OnHost};
use crate::units::{CpuUnits, Instant};

#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    /// By instance's slot.
    hosts: Vec<Option<Host>>,
    /// Slot of the instance that a server is on, by its task's slot.
    under: Vec<Option<u32>>,
    /// Slots of instances to be shared out anew.
    changed: Vec<u32>,
    /// How the credits of instances stood that have gone since the last sample.
    last_words: Vec<CreditSample>,
    scratch: Scratch,
}

impl Hosts {
    /// `None`: no instance's CPU is shared.
    pub fn new(blueprint: &Blueprint) -> Option<Box<Hosts>> {
        let mut groups = (0..blueprint.auto_scaling_groups.len()).map(GroupIx::from_usize);
        groups.any(|group| blueprint.shares_cpu(group)).then(Box::default)
    }

    fn get_mut(&mut self, instance: Id<Instance>) -> Option<&mut Host> {
        let host = self.hosts.get_mut(instance.index() as usize)?.as_mut();
        host.filter(|host| host.instance == instance)
    }

    fn stands(&mut self, blueprint: &Blueprint, stands: HostStands, now: Instant) {
        let at = stands.instance.index() as usize;
        if self.hosts.len() <= at {
            self.hosts.resize_with(at + 1, || None);
        }
        let group = &blueprint.auto_scaling_groups[stands.group.at()];
        let new = NewHost {
            instance: stands.instance,
            ordinal: stands.ordinal,
            group: stands.group,
            cpu: group.instance_type.cpu,
            credits: group.credits,
        };
        self.hosts[at] = Some(Host::new(new, now));
    }

    fn gone(&mut self, instance: Id<Instance>, now: Instant) {
        if let Some(host) = self.get_mut(instance) {
            let last = credits::sample(host, now);
            self.last_words.extend(last);
            self.hosts[instance.index() as usize] = None;
        }
    }

    /// A server has started there.
    pub fn join(&mut self, task: Id<Task>, on: OnHost, left: CpuLeft) {
        let (slot, at) = (task.index() as usize, on.instance.index());
        if self.under.len() <= slot {
            self.under.resize(slot + 1, None);
        }
        self.under[slot] = Some(at);
        let host = self.get_mut(on.instance);
        let host = host.expect("an instance stands before anything runs on it");
        host.join(Member {
            task,
            shares: u64::from(on.shares),
            within: left.shares.map(u64::from),
            beside: portion(left.beside),
            wanted: [0; 2],
            got: [0; 2],
        });
        self.changed.push(at);
    }

    /// What runs beside a server takes another part. Gives whether the server is on a host at all.
    fn part(&mut self, task: Id<Task>, left: CpuLeft) -> bool {
        let Some(&Some(at)) = self.under.get(task.index() as usize) else {
            return false;
        };
        let host = self.hosts[at as usize]
            .as_mut()
            .expect("an instance outlives its servers");
        let member = host.members.iter_mut().find(|member| member.task == task);
        let member = member.expect("who is under a host is its member");
        (member.within, member.beside) = (left.shares.map(u64::from), portion(left.beside));
        self.changed.push(at);
        true
    }

    fn leave(&mut self, task: Id<Task>, now: Instant) {
        if let Some(under) = self.under.get_mut(task.index() as usize)
            && let Some(at) = under.take()
            && let Some(host) = &mut self.hosts[at as usize]
        {
            host.leave(task, now);
            self.changed.push(at);
        }
    }

    /// Shares out the CPU of every instance on which one of `cpus` is; adds to them those that get something else.
    fn settle(&mut self, now: Instant, servers: &mut Servers, cpus: &mut Vec<u32>) {
        for slot in cpus.iter() {
            if let Some(&Some(at)) = self.under.get(*slot as usize) {
                self.changed.push(at);
            }
        }
        while let Some(at) = self.changed.pop() {
            if let Some(host) = &mut self.hosts[at as usize] {
                settle(host, now, servers, cpus, &mut self.scratch);
            }
        }
    }
}

fn settle(host: &mut Host, now: Instant, servers: &mut Servers, cpus: &mut Vec<u32>, scratch: &mut Scratch) {
    let mut wants_otherwise = host.is_stale;
    for member in &mut host.members {
        let server = servers.get(member.task).expect("a member is there until it leaves");
        let wanted = [server.cpu.wants(), member.beside];
        wants_otherwise |= std::mem::replace(&mut member.wanted, wanted) != wanted;
    }
    if !wants_otherwise {
        return;
    }
    host.settle(now, scratch);
    for member in &host.members {
        let server = servers.get_mut(member.task).expect("it has just been there");
        let [granted, beside] = member.got;
        if server.cpu.granted() != granted {
            server.cpu.grant(now, granted);
            cpus.push(member.task.index());
        }
        let beside = CpuUnits((beside / portion(CpuUnits(1))) as u32);
        if server.beside.units != beside {
            server.beside.set(now, beside);
        }
    }
}

impl DataPlane {
    pub(super) fn host_stands(&mut self, cx: &mut Context<'_>, stands: HostStands) {
        let hosts = self.hosts.as_mut().expect("orders name hosts where CPU is shared");
        hosts.stands(cx.blueprint, stands, cx.now());
        self.credits_due(cx, stands.instance);
    }

    pub(super) fn host_gone(&mut self, now: Instant, instance: Id<Instance>) {
        let hosts = self.hosts.as_mut().expect("orders name hosts where CPU is shared");
        hosts.gone(instance, now);
    }

    /// Containers beside a server take another part of its task's CPU.
    pub(super) fn part_cpu(&mut self, now: Instant, task: Id<Task>, left: CpuLeft) {
        let shared = self.hosts.as_mut().is_some_and(|hosts| hosts.part(task, left));
        let server = self.servers.get_mut(task).expect("it has been looked for");
        server.cpu.set_share(now, left.server);
        if !shared {
            server.beside.set(now, left.beside);
        }
        self.cpus_changed.push(task.index());
    }

    /// A server is no more, or nothing of it runs.
    pub(super) fn leaves_host(&mut self, now: Instant, task: Id<Task>) {
        if let Some(hosts) = &mut self.hosts {
            hosts.leave(task, now);
            // So that the others are looked at, whatever else happens.
            self.cpus_changed.push(task.index());
        }
    }

    /// See [`Hosts::settle`].
    #[cold]
    #[inline(never)]
    pub(super) fn share_out_hosts(&mut self, now: Instant) {
        if let Some(hosts) = &mut self.hosts {
            hosts.settle(now, &mut self.servers, &mut self.cpus_changed);
        }
    }
}

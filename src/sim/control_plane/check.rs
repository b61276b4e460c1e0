//! Every invariant of the control plane in one list.

use super::ControlPlane;
use super::daemons::is_daemon;
use super::standalone::is_standalone;
use crate::blueprint::{Blueprint, TrafficShare};
use crate::cluster::Task;
use crate::cluster::capacity::{Needs, Resources};
use crate::cluster::instance::InstanceState;
use crate::cluster::service::{Counts, Halt};
use crate::cluster::target_group::TargetState;
use crate::cluster::task::TaskState;
use crate::engine::arena::Id;

impl ControlPlane {
    /// # Panics
    /// With a sentence, if anything does not agree with anything else.
    pub fn check(&self, blueprint: &Blueprint) {
        self.check_services(blueprint);
        self.check_instances(blueprint);
        self.check_targets();
        self.check_foregone();
    }

    fn check_services(&self, blueprint: &Blueprint) {
        let mut members = 0;
        for (at, service) in self.services.iter().enumerate() {
            let mut counts = Counts::default();
            for id in &service.tasks {
                let task = self.tasks.get(*id).expect("a service lists only tasks that exist");
                assert_eq!(task.service.at(), at, "a task is listed by its own service");
                assert!(task.state() != TaskState::Stopped, "a STOPPED task is forgotten");
                assert!(
                    !task.healthy || task.state() == TaskState::Running,
                    "only RUNNING tasks count as healthy"
                );
                assert_eq!(
                    task.stop.is_some(),
                    !task.state().is_live(),
                    "who stops has a reason, who lives has none"
                );
                counts.add(task.state());
                counts.healthy += u32::from(task.healthy);
            }
            if is_daemon(blueprint, service.service) {
                let mut hosts: Vec<_> = service.tasks.iter().map(|id| self.tasks[*id].instance).collect();
                hosts.sort_unstable();
                hosts.dedup();
                assert_eq!(
                    hosts.len(),
                    service.tasks.len(),
                    "an instance has one task of a daemon service"
                );
            }
            assert_eq!(
                counts, service.counts,
                "counts by state agree with the tasks of service {at}"
            );
            members += service.tasks.len();
            if service.deployment.is_none() && service.halt == Halt::Going {
                assert_eq!(
                    (service.shifted, service.test_side),
                    (TrafficShare::NOTHING, service.side),
                    "without a deployment all traffic of service {at} is on one side"
                );
            }
        }
        assert_eq!(members, self.tasks.len(), "every task belongs to one service");
    }

    fn check_instances(&self, blueprint: &Blueprint) {
        let mut members = 0;
        for group in &self.groups {
            let kind = &blueprint.auto_scaling_groups[group.group.at()];
            members += group.instances.len();
            assert!(
                group.instances.len() as u32 <= group.desired,
                "a group has at most its desired capacity"
            );
            for id in &group.instances {
                let instance = &self.instances[*id];
                assert!(
                    instance.state() != InstanceState::Terminated,
                    "a terminated instance is forgotten"
                );
                let is_new_replica = |id: &Id<Task>| {
                    let task = &self.tasks[*id];
                    task.state().is_launching()
                        && !is_daemon(blueprint, task.service)
                        && !is_standalone(blueprint, task.service)
                };
                assert!(
                    instance.is_active() || !instance.tasks.iter().any(is_new_replica),
                    "a DRAINING instance has no task that is not RUNNING yet"
                );
                let mut whole = instance.free.clone();
                for task in &instance.tasks {
                    let task = &self.tasks[*task];
                    assert_eq!(
                        (task.instance, task.zone),
                        (Some(*id), instance.zone),
                        "a task knows its instance"
                    );
                    let revision = &blueprint.services[task.service.at()].revisions[task.revision.at()];
                    whole.give_back(&Needs::of(&blueprint.task_definitions[revision.task_definition.at()]));
                }
                let size = Resources {
                    cpu: kind.instance_type.cpu,
                    memory: kind.memory_for_tasks(),
                    enis: kind.awsvpc_tasks,
                    ports_taken: Vec::new(),
                };
                assert_eq!(
                    whole, size,
                    "what is free and what is taken make up instance {}",
                    instance.ordinal
                );
            }
        }
        assert_eq!(members, self.instances.len(), "every instance belongs to one group");
        let placed = self.tasks.iter().filter(|(_, task)| task.instance.is_some()).count();
        let listed: usize = self.instances.iter().map(|(_, instance)| instance.tasks.len()).sum();
        assert_eq!(placed, listed, "an instance lists exactly the tasks on it");
    }

    fn check_targets(&self) {
        for group in &self.target_groups {
            for target in &group.targets {
                assert_eq!(target.views.len(), group.nodes.len(), "each node has its view");
                if let Some(task) = self.tasks.get(target.task) {
                    assert!(
                        task.registered.contains(&group.group),
                        "a task knows where it is a target"
                    );
                    let runs = task.state() == TaskState::Running;
                    assert!(
                        runs || target.state == TargetState::Draining,
                        "only RUNNING tasks are registered"
                    );
                } else {
                    assert_eq!(
                        target.state,
                        TargetState::Draining,
                        "a task that is gone has no registered target"
                    );
                }
            }
            for node in &group.nodes {
                for routable in &node.published {
                    let target = group
                        .find(routable.task)
                        .expect("a node routes to targets of its group");
                    assert!(target.is_registered(), "a node routes to no draining target");
                }
            }
        }
        for (_, task) in self.tasks.iter() {
            let holds = |at: &crate::blueprint::TargetGroupIx| !self.target_groups[at.at()].targets.is_empty();
            assert!(task.registered.iter().all(holds), "a task is a target where it says so");
        }
    }
}

//! The control plane's distributions, compiled once, and the purposes that keep its draws apart.

use crate::blueprint::{Blueprint, HookTarget, Provider, RevisionIx, ServiceIx};
use crate::engine::dist::{Dist, Law, Tables};

/// What a draw below a task's, instance's or service's key is for.
pub mod purpose {
    pub const PROVISIONING: u64 = 1;
    pub const PENDING: u64 = 2;
    pub const DEPROVISIONING: u64 = 3;
    pub const REGISTRATION: u64 = 4;
    pub const CONTAINER_START: u64 = 5;
    pub const START_UP: u64 = 6;
    pub const CONTAINER_EXIT: u64 = 7;
    pub const SHUT_DOWN: u64 = 8;
    pub const FAILS_TO_START: u64 = 9;
    pub const EXITS_AFTER: u64 = 10;
    pub const CONTAINER_CHECK: u64 = 11;
    pub const TARGET_CHECK: u64 = 12;
    pub const FIRST_CHECK: u64 = 13;
    pub const PLACEMENT: u64 = 14;
    pub const STOP_CHOICE: u64 = 15;
    pub const LOSS_DETECTION: u64 = 16;
    pub const LAUNCH: u64 = 17;
    pub const RANDOM_CRASH: u64 = 18;
    pub const PULL_RETRY: u64 = 30;
    pub const MANIFEST: u64 = 31;
    pub const RESOURCE: u64 = 32;
    pub const RESOURCE_RETRY: u64 = 33;
    pub const RESTART: u64 = 34;
    pub const START_UP_CPU: u64 = 25;
    pub const RECONNECT: u64 = 35;
    pub const PROTECTION: u64 = 26;
    pub const PROTECTED_WORK: u64 = 27;
    /// Children of a service by task, of a group by instance.
    pub const MEMBER: u64 = 19;
    pub const HOOK: u64 = 20;
    pub const HOOK_CALL: u64 = 21;
    pub const HOOK_FAILS: u64 = 22;
}

#[derive(Clone, Debug)]
pub struct Laws {
    pub fargate: HostLaws,
    pub ec2: HostLaws,
    pub container_start: Law,
    pub registration: Law,
    pub loss_detection: Law,
    pub manifest: Law,
    pub credentials: Law,
    pub secret: Law,
    pub log_stream: Law,
    /// By Auto Scaling group.
    pub launch: Vec<Law>,
    /// By task definition and container.
    pub containers: Vec<Vec<ContainerLaws>>,
    /// By service and revision.
    revisions: Vec<Vec<RevisionLaws>>,
    /// Of the work that a task protects, by service.
    pub protected_work: Vec<Option<Law>>,
    /// Of a call, by service and life-cycle hook; a pause has none.
    hooks: Vec<Vec<Option<Law>>>,
}

#[derive(Clone, Debug)]
pub struct HostLaws {
    /// Fargate's provisioning; on EC2, the attachment of a network interface.
    pub provisioning: Law,
    pub pending: Law,
    pub deprovisioning: Law,
    /// MiB a second.
    pub pull_rate: f64,
}

#[derive(Clone, Debug)]
pub struct ContainerLaws {
    pub shut_down: Law,
    pub exits_after: Option<Law>,
}

#[derive(Clone, Debug)]
pub struct RevisionLaws {
    pub start_up: Law,
    pub start_up_cpu: Option<Law>,
    pub exits_after: Option<Law>,
}

impl Laws {
    pub fn compile(blueprint: &Blueprint) -> Self {
        let tables = &mut Tables::new();
        let mut law = |dist: &Dist| Law::compile(dist, tables);
        let model = &blueprint.model;
        Laws {
            fargate: HostLaws {
                provisioning: law(&model.fargate.provisioning),
                pending: law(&model.fargate.pending),
                deprovisioning: law(&model.fargate.deprovisioning),
                pull_rate: model.fargate.pull_rate,
            },
            ec2: HostLaws {
                provisioning: law(&model.ec2.eni_attach),
                pending: law(&model.ec2.pending),
                deprovisioning: law(&model.ec2.deprovisioning),
                pull_rate: model.ec2.pull_rate,
            },
            container_start: law(&model.task.container_start),
            registration: law(&model.task.target_registration),
            loss_detection: law(&model.task.loss_detection),
            manifest: law(&model.start_up.manifest),
            credentials: law(&model.start_up.credentials),
            secret: law(&model.start_up.secret),
            log_stream: law(&model.start_up.log_stream),
            launch: blueprint
                .auto_scaling_groups
                .iter()
                .map(|group| law(&group.launch_time))
                .collect(),
            containers: blueprint
                .task_definitions
                .iter()
                .map(|definition| {
                    let containers = definition.containers.iter();
                    let compiled = containers.map(|container| ContainerLaws {
                        shut_down: law(&container.shut_down),
                        exits_after: container.exits.as_ref().map(|exit| law(&exit.after)),
                    });
                    compiled.collect()
                })
                .collect(),
            protected_work: blueprint
                .services
                .iter()
                .map(|service| {
                    service
                        .scheduling
                        .protection
                        .as_ref()
                        .map(|protection| law(&protection.works_for))
                })
                .collect(),
            revisions: blueprint
                .services
                .iter()
                .map(|service| {
                    let compiled = service.revisions.iter().map(|revision| RevisionLaws {
                        start_up: law(&revision.start_up),
                        start_up_cpu: revision.start_up_cpu.as_ref().map(&mut law),
                        exits_after: revision.defects.exits_after.as_ref().map(&mut law),
                    });
                    compiled.collect()
                })
                .collect(),
            hooks: blueprint
                .services
                .iter()
                .map(|service| {
                    let compiled = service.deployment.hooks.iter().map(|hook| match &hook.target {
                        HookTarget::Lambda(lambda) => Some(law(&lambda.duration)),
                        HookTarget::Pause => None,
                    });
                    compiled.collect()
                })
                .collect(),
        }
    }

    pub fn hook(&self, service: ServiceIx, hook: usize) -> Option<&Law> {
        self.hooks[service.at()][hook].as_ref()
    }

    pub fn host(&self, provider: Provider) -> &HostLaws {
        match provider {
            Provider::Fargate | Provider::FargateSpot => &self.fargate,
            Provider::Group(_) => &self.ec2,
        }
    }

    pub fn revision(&self, service: ServiceIx, revision: RevisionIx) -> &RevisionLaws {
        &self.revisions[service.at()][revision.at()]
    }
}

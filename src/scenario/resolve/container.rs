//! What a container definition says beside its image, order and checks: secrets, logs, restarts.

use super::Context;
use crate::aws::agent;
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_memory;
use crate::scenario::schema;

/// How many secrets come from where. `valueFrom` is an ARN of Secrets Manager, or an ARN or a name of Parameter Store.
pub(super) fn secrets(said: &schema::Container) -> Secrets {
    let mut secrets = Secrets::default();
    for secret in said.secrets.iter().flatten() {
        if secret.value_from.starts_with("arn:") && secret.value_from.contains(":secretsmanager:") {
            secrets.secrets_manager += 1;
        } else {
            secrets.parameter_store += 1;
        }
    }
    secrets
}

pub(super) fn restart_policy(cx: &mut Context, said: &schema::Container, path: &Path) -> Option<RestartPolicy> {
    let policy = said.restart_policy.as_ref()?;
    let path = path.key("restart_policy");
    cx.within(
        policy.restart_attempt_period.0,
        ecs::RESTART_ATTEMPT_PERIOD_S,
        &path.key("restart_attempt_period"),
    );
    if policy.ignored_exit_codes.len() > ecs::IGNORED_EXIT_CODES {
        let message = format!("{} exit codes to be ignored", policy.ignored_exit_codes.len());
        cx.problems
            .report_with(Code::WrongLength, &path.key("ignored_exit_codes"), message, |d| {
                d.expected(format!("at most {}", ecs::IGNORED_EXIT_CODES))
            });
    }
    policy.enabled.then(|| RestartPolicy {
        ignored_exit_codes: policy.ignored_exit_codes.clone(),
        attempt_period: policy.restart_attempt_period.0,
    })
}

pub(super) fn logs(said: &schema::Container) -> Option<Logs> {
    said.log_configuration
        .as_ref()
        .map(|configuration| match configuration.mode {
            schema::LogMode::NonBlocking => Logs::NonBlocking,
            schema::LogMode::Blocking => Logs::Blocking,
        })
}

pub(super) fn memory_use(cx: &mut Context, name: &str, said: &schema::Container, path: &Path) -> Option<MemoryUse> {
    let declared = said.memory_use.as_ref()?;
    if let Some(limit) = said.memory.filter(|limit| declared.base.0 >= limit.0) {
        let message = format!(
            "`{name}` uses {} from its start on, and is killed at {}",
            print_memory(declared.base.0),
            print_memory(limit.0)
        );
        let path = path.key("memory_use");
        cx.report_hint(
            Code::MemoryBeyondLimit,
            &path.key("base"),
            message,
            "raise the container's `memory`: as it is, it is killed as soon as it starts",
        );
    }
    Some(MemoryUse {
        base: declared.base.0,
        growth_per_hour: declared.growth_per_hour.0,
    })
}

/// Static ports of the instance; 0 is a dynamic one.
pub(super) fn host_ports(cx: &mut Context, said: &schema::Container, path: &Path) -> Vec<u16> {
    let section = path.key("host_ports");
    let mut ports = Vec::new();
    for (at, port) in said.host_ports.iter().flatten().enumerate() {
        if agent::RESERVED_PORTS.contains(port) {
            let message = format!("every instance itself needs port {port}");
            cx.report_hint(
                Code::ReservedPort,
                &section.at(at),
                message,
                "take another port: AWS places no task that wants this one",
            );
        }
        if *port != 0 {
            ports.push(*port);
        }
    }
    ports
}

//! What a container definition says beside its image, order and checks: secrets, logs, restarts.

use super::Context;
use crate::aws::quotas::ecs;
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
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
        .map(|configuration| match configuration.log_driver {
            schema::LogDriver::Awslogs => Logs::CloudWatch,
        })
}

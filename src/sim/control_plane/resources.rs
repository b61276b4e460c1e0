//! What a task needs of AWS before its images are pulled: credentials of its role, secrets, log streams.
//!
//! They are asked for one after the other. A service that does not answer is asked again as a registry is; one that takes
//! no more calls is waited for. A task that does not get what it needs never runs: `ResourceInitializationError`.
//! Deliberately not here: the services' state (`backends`), and the pull (`pulls`).

use super::ControlPlane;
use super::backends::{Api, Reply};
use super::laws::purpose;
use crate::aws::agent;
use crate::blueprint::Provider;
use crate::cluster::task::{Preparing, StopCode, Task};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::units::Span;

/// In the order in which they are asked for.
const NEEDS: [Need; 4] = [Need::Credentials, Need::Secrets, Need::Parameters, Need::LogStreams];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Of the execution role: on Fargate always, on an instance for secrets only (else its own role serves).
    Credentials,
    Secrets,
    /// Ten to a call [AGENT:ssmsecret].
    Parameters,
    LogStreams,
}

impl Need {
    fn api(self) -> Api {
        match self {
            Need::Credentials => Api::AssumeRole,
            Need::Secrets => Api::GetSecretValue,
            Need::Parameters => Api::GetParameters,
            Need::LogStreams => Api::CreateLogStream,
        }
    }

    /// What a task says that does not get it.
    fn complaint(self) -> &'static str {
        match self {
            Need::Credentials => {
                "unable to pull secrets or registry auth: execution resource retrieval failed: unable to get credentials"
            }
            Need::Secrets => {
                "unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret \
                 from asm"
            }
            Need::Parameters => {
                "unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve \
                 secrets from ssm"
            }
            Need::LogStreams => "failed to validate logger args: failed to create Cloudwatch log stream",
        }
    }
}

impl ControlPlane {
    /// Calls that a task makes for a need.
    fn calls(&self, cx: &Context<'_>, id: Id<Task>, need: Need) -> usize {
        let containers = &self.definition(cx, id).containers;
        let secrets = || containers.iter().map(|container| container.secrets);
        let manager: u32 = secrets().map(|secrets| secrets.secrets_manager).sum();
        let parameters: u32 = secrets().map(|secrets| secrets.parameter_store).sum();
        let calls = match need {
            Need::Credentials => {
                let on_fargate = !matches!(self.tasks[id].provider, Provider::Group(_));
                u32::from(on_fargate || manager + parameters > 0)
            }
            Need::Secrets => manager,
            Need::Parameters => parameters.div_ceil(agent::PARAMETERS_A_CALL),
            Need::LogStreams => containers.iter().filter(|container| container.logs.is_some()).count() as u32,
        };
        calls as usize
    }

    /// Gets what the task needs from the `from`th on, for which `failed` attempts have failed; then the images.
    pub(super) fn get_resources(&mut self, cx: &mut Context<'_>, id: Id<Task>, from: usize, failed: u32) {
        for (at, need) in NEEDS.iter().enumerate().skip(from) {
            let calls = self.calls(cx, id, *need);
            if calls == 0 {
                continue;
            }
            let patience = cx.blueprint.model.start_up.throttling_patience;
            let failed = if at == from { failed } else { 0 };
            match self.backends.call(cx.now(), need.api(), calls, patience) {
                Reply::After(wait) => {
                    let time = wait + self.time_of_calls(id, at, calls);
                    if !time.is_zero() {
                        self.tasks[id].preparing = Preparing::Resources {
                            next: at + 1,
                            failed: 0,
                        };
                        return self.step_in(cx, id, time);
                    }
                }
                Reply::Throttled(after) => {
                    self.tasks[id].preparing = Preparing::WithoutResource { at };
                    return self.step_in(cx, id, after);
                }
                Reply::Out if failed + 1 < agent::PULL_ATTEMPTS => {
                    let failed = failed + 1;
                    let key = self.tasks[id].key.child(purpose::RESOURCE_RETRY).child(at as u64);
                    self.tasks[id].preparing = Preparing::Resources { next: at, failed };
                    return self.step_in(
                        cx,
                        id,
                        agent::pull_retry(failed, key.child(u64::from(failed)).uniform()),
                    );
                }
                Reply::Out => {
                    let reason = format!("service call has been retried {} time(s)", agent::PULL_ATTEMPTS);
                    return self.fail_without(cx, id, *need, &reason);
                }
            }
        }
        self.begin_pull(cx, id);
    }

    fn time_of_calls(&self, id: Id<Task>, at: usize, calls: usize) -> Span {
        let law = match NEEDS[at] {
            Need::Credentials => &self.laws.credentials,
            Need::Secrets | Need::Parameters => &self.laws.secret,
            Need::LogStreams => &self.laws.log_stream,
        };
        let key = self.tasks[id].key.child(purpose::RESOURCE).child(at as u64);
        (0..calls).fold(Span::ZERO, |sum, call| sum + law.sample(key.child(call as u64)))
    }

    /// The task's patience with a service that takes no more calls is over.
    pub(super) fn without_resource(&mut self, cx: &mut Context<'_>, id: Id<Task>, at: usize) {
        self.fail_without(cx, id, NEEDS[at], "ThrottlingException: Rate exceeded");
    }

    fn fail_without(&mut self, cx: &mut Context<'_>, id: Id<Task>, need: Need, why: &str) {
        let reason = format!("ResourceInitializationError: {}: {why}", need.complaint());
        self.fail_to_start(cx, id, StopCode::TaskFailedToStart, &reason);
    }
}

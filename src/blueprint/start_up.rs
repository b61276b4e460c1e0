//! What tasks need of AWS to start, besides capacity: its services, and how long their parts of a start take.

use crate::engine::dist::Dist;
use crate::units::{Ratio, Span};

/// A service of AWS that is called while tasks start, with request quotas of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// ECR's BatchGetImage and GetDownloadUrlForLayer.
    Registry,
    SecretsManager,
    /// Of Systems Manager.
    ParameterStore,
    /// Gives the credentials of a task's execution role.
    Iam,
    CloudWatchLogs,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trouble {
    /// Calls fail.
    Out,
    /// Calls a second that it takes, of each kind.
    Throttled(f64),
}

#[derive(Clone, Debug)]
pub struct StartUpModel {
    /// Until the registry has said what an image is; nothing of it where the registry is not asked.
    pub manifest: Dist,
    /// One call for the credentials of a task's role …
    pub credentials: Dist,
    /// … for a secret, or for up to ten parameters …
    pub secret: Dist,
    /// … for a container's log stream.
    pub log_stream: Dist,
    /// Calls a second that an account's Parameter Store takes (standard throughput), and CloudWatch Logs for new streams.
    pub get_parameters_rate: f64,
    pub create_log_stream_rate: f64,
    /// How long a throttled call is tried again before the task fails.
    pub throttling_patience: Span,
    /// How many times larger an image is on the disk than on its way.
    pub unpacked: f64,
    /// Of a lazily loaded image, what must be there before its container starts [FAST'16].
    pub lazy_share: Ratio,
    /// How many times longer the start-up of a container takes while its image still loads.
    pub lazy_slowdown: f64,
}

impl Default for StartUpModel {
    fn default() -> Self {
        StartUpModel {
            manifest: Dist::constant(0.0).expect("zero is a time"),
            credentials: Dist::constant(0.0).expect("zero is a time"),
            secret: Dist::constant(0.1).expect("it is a time"),
            log_stream: Dist::constant(0.1).expect("it is a time"),
            get_parameters_rate: 40.0,
            create_log_stream_rate: 50.0,
            throttling_patience: Span::from_secs(60),
            unpacked: 2.5,
            lazy_share: Ratio::new(0.064).expect("it is a share"),
            lazy_slowdown: 1.2,
        }
    }
}

//! The services of AWS that tasks call while they start: which are out, and how many calls each takes.
//!
//! A call to one that is out fails at once. Calls above a quota wait in line for their turn; one that would wait longer
//! than callers are patient fails when their patience ends. Deliberately not here: what is called for (`pulls`,
//! `resources`).

use super::ControlPlane;
use crate::aws::quotas::{ecr, secrets_manager};
use crate::blueprint::{Backend, StartUpModel, Trouble};
use crate::cluster::rate::TokenBucket;
use crate::units::{Instant, Span};

/// A kind of calls with a quota of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Api {
    BatchGetImage,
    GetDownloadUrlForLayer,
    AssumeRole,
    GetSecretValue,
    GetParameters,
    CreateLogStream,
}

impl Api {
    const ALL: [Api; 6] = [
        Api::BatchGetImage,
        Api::GetDownloadUrlForLayer,
        Api::AssumeRole,
        Api::GetSecretValue,
        Api::GetParameters,
        Api::CreateLogStream,
    ];

    /// Calls a second in an account and region.
    fn quota(self, model: &StartUpModel) -> f64 {
        match self {
            // Instances and Fargate's hosts get credentials from endpoints of their own; no quota is known.
            Api::AssumeRole => 1e6,
            Api::GetSecretValue => secrets_manager::GET_SECRET_VALUE,
            Api::GetParameters => model.get_parameters_rate,
            Api::CreateLogStream => model.create_log_stream_rate,
            Api::BatchGetImage => ecr::BATCH_GET_IMAGE,
            Api::GetDownloadUrlForLayer => ecr::GET_DOWNLOAD_URL_FOR_LAYER,
        }
    }

    fn of(self) -> Backend {
        match self {
            Api::BatchGetImage | Api::GetDownloadUrlForLayer => Backend::Registry,
            Api::AssumeRole => Backend::Iam,
            Api::GetSecretValue => Backend::SecretsManager,
            Api::GetParameters => Backend::ParameterStore,
            Api::CreateLogStream => Backend::CloudWatchLogs,
        }
    }
}

/// What comes of some calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Answered, once they have had their turn.
    After(Span),
    /// Refused until the caller gives up, after this.
    Throttled(Span),
    Out,
}

/// All of them, as they are now.
#[derive(Clone, Debug)]
pub(super) struct Backends {
    /// By [`Api`]: calls a second, and the line.
    lines: Vec<(f64, TokenBucket)>,
    /// What goes on, by the position of its fault in the blueprint's events.
    troubles: Vec<(u32, Backend, Trouble)>,
}

/// A second's worth of calls may come at once.
fn bucket(rate: f64) -> TokenBucket {
    TokenBucket::new(rate.ceil().max(1.0) as u32, rate)
}

impl Backends {
    pub(super) fn new(model: &StartUpModel) -> Self {
        let quotas = Api::ALL.iter().map(|api| api.quota(model));
        Backends {
            lines: quotas.map(|quota| (quota, bucket(quota))).collect(),
            troubles: Vec::new(),
        }
    }

    pub(super) fn begins(&mut self, fault: u32, of: Backend, trouble: Trouble) {
        self.troubles.push((fault, of, trouble));
        self.set_quotas(of);
    }

    pub(super) fn ends(&mut self, fault: u32) {
        while let Some(at) = self.troubles.iter().position(|(each, ..)| *each == fault) {
            let (_, of, _) = self.troubles.remove(at);
            self.set_quotas(of);
        }
    }

    /// The lowest rate holds; who is in line stays where it is.
    fn set_quotas(&mut self, backend: Backend) {
        for (api, (quota, line)) in Api::ALL.iter().zip(&mut self.lines) {
            if api.of() == backend {
                let rates = self.troubles.iter().filter(|(_, of, _)| *of == backend);
                let rates = rates.filter_map(|(.., trouble)| match trouble {
                    Trouble::Throttled(rate) => Some(*rate),
                    Trouble::Out => None,
                });
                *line = bucket(rates.fold(*quota, f64::min));
            }
        }
    }

    /// `count` calls at once, all of which must be answered.
    pub(super) fn call(&mut self, now: Instant, api: Api, count: usize, patience: Span) -> Reply {
        let is_out = |(_, of, trouble): &(u32, Backend, Trouble)| *of == api.of() && *trouble == Trouble::Out;
        if self.troubles.iter().any(is_out) {
            return Reply::Out;
        }
        let (_, line) = &mut self.lines[api as usize];
        let mut wait = Span::ZERO;
        for _ in 0..count {
            if line.next(now).since(now) > patience {
                return Reply::Throttled(patience);
            }
            wait = line.reserve(now).since(now);
        }
        Reply::After(wait)
    }
}

impl ControlPlane {
    /// A service that tasks call at their start gets into trouble until [`ControlPlane::backend_trouble_ends`]. `fault`:
    /// its position in the blueprint's events.
    pub fn backend_trouble_begins(&mut self, fault: u32, of: &[Backend], trouble: Trouble) {
        for backend in of {
            self.backends.begins(fault, *backend, trouble);
        }
    }

    pub fn backend_trouble_ends(&mut self, fault: u32) {
        self.backends.ends(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Instant {
        Instant::ZERO + Span::from_secs_f64(seconds)
    }

    const PATIENCE: Span = Span::from_secs(3);

    #[test]
    fn calls_wait_their_turn_and_fail_when_the_line_is_longer_than_their_patience() {
        // 2 a second: two at once, then one each half second; the ninth would come at 3.5 s.
        let mut backends = Backends::new(&StartUpModel::default());
        backends.begins(0, Backend::Registry, Trouble::Throttled(2.0));
        let mut call = |count| backends.call(at(0.0), Api::BatchGetImage, count, PATIENCE);
        assert_eq!(call(2), Reply::After(Span::ZERO));
        assert_eq!(call(1), Reply::After(Span::from_millis(500)));
        assert_eq!(call(5), Reply::After(Span::from_secs(3)));
        assert_eq!(call(1), Reply::Throttled(PATIENCE));
        // The other call has its own line.
        assert_eq!(
            backends.call(at(0.0), Api::GetDownloadUrlForLayer, 1, PATIENCE),
            Reply::After(Span::ZERO)
        );
    }

    #[test]
    fn of_two_outages_both_must_end() {
        let mut backends = Backends::new(&StartUpModel::default());
        backends.begins(0, Backend::Registry, Trouble::Out);
        backends.begins(1, Backend::Registry, Trouble::Out);
        let call = |backends: &mut Backends| backends.call(at(0.0), Api::BatchGetImage, 1, PATIENCE);
        assert_eq!(call(&mut backends), Reply::Out);
        backends.ends(0);
        assert_eq!(call(&mut backends), Reply::Out);
        backends.ends(1);
        assert_eq!(call(&mut backends), Reply::After(Span::ZERO));
    }
}

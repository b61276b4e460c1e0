//! Sites: where requests are sent from, each with its destination, patience and retries.
//!
//! A call of a program and a traffic source send alike, so both are rows of one table: the calls first, then the traffic.

use super::build::Actions;
use super::direct::{self, Ways};
use super::guard::SiteExtras;
use crate::blueprint::{
    Balancing, Blueprint, CallIx, CallSite, Callee, DeadlineMode, DependencyIx, Destination, Guards, LoadBalancerIx,
    QueueIx, Retry, ServiceIx, TrafficIx,
};
use crate::cluster::attempt::Site;
use crate::cluster::cause::Reason;
use crate::cluster::deadline::Deadlines;
use crate::cluster::view::View;
use crate::policy::routing::Chooser;
use crate::sim::context::Context;
use crate::sim::observation::{Sender, SenderSample};
use crate::units::Span;

pub(super) struct SiteState {
    pub to: To,
    /// List of the deadlines, if the sender's patience ends.
    pub patience: Option<u16>,
    pub retry: Retry,
    /// It has guards, or ways straight to tasks, that are to be asked before anything is sent.
    pub is_special: bool,
    /// What few sites have.
    pub extras: Option<Box<SiteExtras>>,
    pub sent: Sent,
}

/// What has been sent from a site since it was last asked.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// First attempts, and all others.
    pub attempts: [u64; 2],
    /// Of the others, those beside one that still ran.
    pub hedged: u64,
    /// Retries and hedges that a budget did not allow.
    pub denied: u64,
    /// Hedges whose answer came first.
    pub hedges_won: u64,
    /// Calls that failed for good and were made up for.
    pub fallbacks: u64,
    /// Attempts that failed, by reason.
    pub failed: Vec<(Reason, u64)>,
}

impl Sent {
    #[cold]
    #[inline(never)]
    pub fn failed(&mut self, reason: Reason) {
        match self.failed.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.failed.push((reason, 1)),
        }
    }

    pub fn sample(&self) -> SenderSample {
        let [first, others] = self.attempts;
        SenderSample {
            attempts: first + others,
            retried: others - self.hedged,
            hedged: self.hedged,
            hedges_won: self.hedges_won,
            denied: self.denied,
            fallbacks: self.fallbacks,
        }
    }
}

pub(super) enum To {
    /// Straight to one of the service's healthy tasks.
    Service {
        service: ServiceIx,
        chooser: Chooser,
        view: View,
        /// What is more to it than the algorithm; the view is empty then.
        ways: Option<Box<Ways>>,
    },
    Balancer {
        load_balancer: LoadBalancerIx,
        action: ActionOf,
    },
    Dependency(DependencyIx),
    /// What is sent is a message.
    Queue(QueueIx),
}

/// Which of the listeners' actions takes what the site sends.
#[derive(Clone, Copy)]
pub(super) enum ActionOf {
    Site(u32),
    /// That of the request's class.
    Class,
}

impl SiteState {
    /// All sites of a blueprint.
    pub fn all(cx: &mut Context<'_>, deadlines: &mut Deadlines, actions: &Actions) -> Vec<SiteState> {
        let blueprint = cx.blueprint;
        let mut sites = Vec::new();
        for (at, call) in blueprint.calls.iter().enumerate() {
            let to = match &call.to {
                Callee::Service { service, balancing, .. } => {
                    let key = direct::site_key(cx, &call.name);
                    let ways = Ways::new(blueprint, (*service, &call.direct), Some(CallIx::from_usize(at)), key);
                    To::direct(blueprint, *service, *balancing, ways)
                }
                Callee::LoadBalancer {
                    load_balancer,
                    listener,
                    http,
                } => To::Balancer {
                    load_balancer: *load_balancer,
                    action: ActionOf::Site(actions.of(blueprint, *load_balancer, *listener, http)),
                },
                Callee::Dependency(dependency) | Callee::DependencyOperation(dependency, _) => {
                    To::Dependency(*dependency)
                }
                Callee::Queue(queue) => To::Queue(*queue),
            };
            sites.push(SiteState {
                to,
                patience: call_patience(call, deadlines),
                retry: call.retry.clone(),
                is_special: false,
                extras: SiteExtras::new(&call.guards, &mut cx.calendar),
                sent: Sent::default(),
            });
        }
        for traffic in &blueprint.traffic {
            let to = match traffic.to {
                Destination::LoadBalancer { load_balancer, .. } => To::Balancer {
                    load_balancer,
                    action: ActionOf::Class,
                },
                Destination::Service { service, balancing } => {
                    let key = direct::site_key(cx, &traffic.name);
                    let ways = Ways::new(blueprint, (service, &traffic.direct), None, key);
                    To::direct(blueprint, service, balancing, ways)
                }
                Destination::Queue(queue) => To::Queue(queue),
            };
            sites.push(SiteState {
                to,
                patience: patience(traffic.timeout, &traffic.guards, deadlines),
                retry: traffic.retry.clone(),
                is_special: false,
                extras: SiteExtras::new(&traffic.guards, &mut cx.calendar),
                sent: Sent::default(),
            });
        }
        for site in &mut sites {
            site.is_special = site.extras.is_some() || matches!(site.to, To::Service { ways: Some(_), .. });
        }
        assert!(
            sites.len() < Site::NONE.at(),
            "a scenario has fewer than 65,535 calls and traffic sources"
        );
        sites
    }

    /// The site of a traffic source.
    pub fn of_traffic(blueprint: &Blueprint, traffic: usize) -> Site {
        Site((blueprint.calls.len() + traffic) as u16)
    }
}

impl To {
    fn direct(blueprint: &Blueprint, service: ServiceIx, balancing: Balancing, ways: Option<Box<Ways>>) -> To {
        To::Service {
            service,
            chooser: Chooser {
                choice: balancing.into(),
                ties: blueprint.model.alb.least_outstanding_ties,
                slow_start: Span::ZERO,
            },
            view: View::default(),
            ways,
        }
    }
}

/// Who sends from a site, in terms of the blueprint.
pub(super) fn sender(blueprint: &Blueprint, site: Site) -> Sender {
    match site.at().checked_sub(blueprint.calls.len()) {
        None => Sender::Call(CallIx::from_usize(site.at())),
        Some(traffic) => Sender::Traffic(TrafficIx::from_usize(traffic)),
    }
}

/// The caller's patience, or that of the proxy beside it if it is the shorter.
fn call_patience(call: &CallSite, deadlines: &mut Deadlines) -> Option<u16> {
    let proxy = call.direct.proxy.and_then(|proxy| proxy.per_request_timeout);
    patience(call.timeout.into_iter().chain(proxy).min(), &call.guards, deadlines)
}

/// The list for a sender's patience. One without a timeout may be told its caller's deadline.
fn patience(timeout: Option<Span>, guards: &Guards, deadlines: &mut Deadlines) -> Option<u16> {
    let told = (guards.deadline == DeadlineMode::Propagate).then_some(Span::FOREVER);
    timeout.or(told).map(|span| deadlines.list(span))
}

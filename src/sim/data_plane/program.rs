//! Operations compiled: flat programs of laws, delays and call sites.

use super::network::Delay;
use crate::blueprint::{self, Blueprint, CallIx, Callee, OperationIx, ProgramIx, ServiceIx, Step as Written};
use crate::cluster::deadline::Deadlines;
use crate::cluster::view::View;
use crate::engine::calendar::Calendar;
use crate::engine::dist::{Law, Tables};
use crate::policy::routing::Chooser;
use crate::sim::event::Event;
use crate::units::Span;

pub(super) enum Step {
    Cpu(Law),
    Wait(Delay),
    Call(CallIx),
    Parallel(Box<[ProgramIx]>),
}

pub(super) struct Programs {
    steps: Vec<Step>,
    /// First step of each program, and one past the last.
    bounds: Vec<u32>,
    /// For each revision row and operation: which program, how much slower, how often wrong.
    pub operations: Vec<Vec<blueprint::Operation>>,
}

impl Programs {
    pub fn new(blueprint: &Blueprint, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Self {
        let mut steps = Vec::new();
        let mut bounds = vec![0];
        for program in &blueprint.programs {
            for step in &program.steps {
                steps.push(match step {
                    Written::Cpu(dist) => Step::Cpu(Law::compile(dist, tables)),
                    Written::Wait(dist) => Step::Wait(Delay::compile(dist, calendar, tables)),
                    Written::Call(call) => Step::Call(*call),
                    Written::Parallel(branches) => Step::Parallel(branches.clone().into()),
                });
            }
            bounds.push(steps.len() as u32);
        }
        let revisions = blueprint.services.iter().flat_map(|service| &service.revisions);
        Programs {
            steps,
            bounds,
            operations: revisions.map(|revision| revision.operations.clone()).collect(),
        }
    }

    #[inline]
    pub fn step(&self, program: ProgramIx, step: u16) -> Option<&Step> {
        let at = self.bounds[program.at()] + u32::from(step);
        (at < self.bounds[program.at() + 1]).then(|| &self.steps[at as usize])
    }

    #[inline]
    pub fn operation(&self, revision_row: usize, operation: OperationIx) -> &blueprint::Operation {
        &self.operations[revision_row][operation.at()]
    }
}

/// A call of a program, ready to be made.
pub(super) struct CallSite {
    pub to: To,
    /// List of the deadlines, if the caller's patience ends.
    pub patience: Option<u16>,
    pub max_attempts: u32,
}

pub(super) enum To {
    Service {
        service: ServiceIx,
        chooser: Chooser,
        view: View,
    },
    Balancer {
        load_balancer: blueprint::LoadBalancerIx,
        action: u32,
    },
    Dependency(usize),
}

impl CallSite {
    pub fn new(blueprint: &Blueprint, at: usize, deadlines: &mut Deadlines, actions: &super::build::Actions) -> Self {
        let call = &blueprint.calls[at];
        let to = match &call.to {
            Callee::Service { service, balancing, .. } => To::Service {
                service: *service,
                chooser: Chooser {
                    algorithm: (*balancing).into(),
                    ties: blueprint.model.alb.least_outstanding_ties,
                    slow_start: Span::ZERO,
                },
                view: View::default(),
            },
            Callee::LoadBalancer {
                load_balancer,
                listener,
                method,
                host,
                path,
            } => To::Balancer {
                load_balancer: *load_balancer,
                action: actions.of(blueprint, *load_balancer, *listener, *method, host, path),
            },
            Callee::Dependency(dependency) => To::Dependency(dependency.at()),
        };
        CallSite {
            to,
            patience: call.timeout.map(|span| deadlines.list(span)),
            max_attempts: call.retry.max_attempts,
        }
    }
}

//! Operations compiled: flat programs of laws, delays and call sites, and what each revision makes of them.

mod compile;

use compile::compile;

use super::join::Race;
use super::network::Delay;
use super::purpose;
use crate::blueprint::{
    Blueprint, CacheIx, CallIx, Callee, HttpRequest, OnDeadline, OnDisconnect, OperationIx, ProgramIx, Revision,
    RevisionIx, ServiceIx, Step as Written,
};
use crate::cluster::attempt::{Attempt, Served};
use crate::cluster::server::Server;
use crate::engine::calendar::Calendar;
use crate::engine::count::Count;
use crate::engine::dist::{Law, Tables};
use crate::engine::random::{Key, Purpose};
use crate::policy::routing;
use crate::sim::event::Event;
use crate::units::Span;

pub(super) struct Step {
    pub what: What,
    /// Of its draws, below the attempt's key.
    pub purpose: Purpose,
}

pub(super) enum What {
    Cpu(Law),
    Wait(Delay),
    Call(CallIx),
    /// The same, where the call path of requests matters.
    CallOnCourse(CallIx),
    /// All branches are waited for.
    Parallel(Box<[ProgramIx]>),
    Race(Box<Race>),
    Steer(Box<Steer>),
}

/// Says where a program goes on, which takes no time. Steps are counted from the program's first.
pub(super) enum Steer {
    Choose {
        /// The probability of choosing this or one before it; the last is 1.
        cumulative: Box<[f64]>,
        /// First steps.
        to: Box<[u16]>,
    },
    Jump(u16),
    /// Begins a loop within `depth` others; its first step is the next one.
    Repeat {
        depth: u8,
        times: Count,
        after: u16,
    },
    /// The end of a loop's last step.
    Again {
        depth: u8,
        first: u16,
    },
    /// A look into a cache. What is done on a miss follows; on a hit, it is at `hit`.
    Look {
        cache: CacheIx,
        depth: u8,
        hit: u16,
        after: u16,
    },
    /// The end of what is done on a miss.
    Fill {
        depth: u8,
    },
    /// What the server may leave out follows, up to `after`.
    Optional {
        after: u16,
    },
    Fail {
        share: f64,
        status: u16,
    },
}

impl What {
    /// Programs that it runs at once.
    pub fn branches(&self) -> &[ProgramIx] {
        match self {
            What::Parallel(branches) => branches,
            What::Race(race) => &race.branches,
            _ => &[],
        }
    }
}

pub(super) struct Programs {
    steps: Vec<Step>,
    /// First step of each program, and one past its last.
    bounds: Vec<(u32, u32)>,
    /// Whether any program turns by what belongs to a request.
    steer_by_request: bool,
}

impl Programs {
    pub fn new(blueprint: &Blueprint, calendar: &mut Calendar<Event>, tables: &mut Tables) -> Self {
        let steer_by_request = blueprint
            .programs
            .iter()
            .flat_map(|program| &program.steps)
            .any(|step| {
                matches!(
                    step,
                    Written::Choose(_) | Written::Repeat { .. } | Written::Cache { .. } | Written::Optional(_)
                )
            });
        let (steps, bounds) = compile(blueprint, steer_by_request, calendar, tables);
        Programs {
            steps,
            bounds,
            steer_by_request,
        }
    }

    pub fn steer_by_request(&self) -> bool {
        self.steer_by_request
    }

    #[inline]
    pub fn step(&self, program: ProgramIx, step: u16) -> Option<&Step> {
        let (first, end) = self.bounds[program.at()];
        let at = first + u32::from(step);
        (at < end).then(|| &self.steps[at as usize])
    }
}

impl Programs {
    /// CPU time that a strand was given which went straight on up to its present step, drawn once more: luck is a function
    /// of keys. Branches that ended early count as a whole.
    #[cold]
    #[inline(never)]
    pub fn cpu_spent(&self, attempt: &Attempt, factor: f64) -> Span {
        self.cpu_of_steps(attempt.program, attempt.step, attempt.key, factor)
    }

    fn cpu_of_steps(&self, program: ProgramIx, until: u16, key: Key, factor: f64) -> Span {
        let mut spent = Span::ZERO;
        for number in 0..until {
            let Some(step) = self.step(program, number) else { break };
            match &step.what {
                What::Cpu(law) => {
                    let work = law.sample(key.child_for(step.purpose));
                    spent += if factor == 1.0 { work } else { work.scaled(factor) };
                }
                What::Parallel(_) | What::Race(_) => {
                    let branches = step.what.branches();
                    let forked = key.child(purpose::STEP + u64::from(number));
                    for (at, &branch) in branches.iter().enumerate() {
                        let key = forked.child(purpose::BRANCH + at as u64);
                        spent += self.cpu_of_steps(branch, u16::MAX, key, factor);
                    }
                }
                What::Wait(_) | What::Call(_) | What::CallOnCourse(_) | What::Steer(_) => {}
            }
        }
        spent
    }
}

/// What the request path needs of a revision.
#[derive(Clone, Copy, Debug)]
pub(super) struct RevisionRow {
    pub service: ServiceIx,
    pub revision: RevisionIx,
    pub on_disconnect: OnDisconnect,
    pub on_deadline: OnDeadline,
    pub keep_alive: Option<Span>,
    /// How long its refusals ask to wait.
    pub retry_after: Span,
    /// Its row for what has not been routed or finds no route.
    pub unrouted: Served,
}

/// An operation of a revision; the row that [`Served`] names.
#[derive(Clone, Copy, Debug)]
pub(super) struct OperationRow {
    /// Its revision's row.
    pub revision: u32,
    /// `None`: no route takes the request, or versions may not understand each other (`skew`).
    pub program: Option<ProgramIx>,
    pub error_ratio: f64,
    pub cpu_factor: f64,
}

/// Who serves what: the tables through which a request finds its operation without comparing a text.
pub(super) struct Operations {
    rows: Vec<OperationRow>,
    pub revisions: Vec<RevisionRow>,
    /// First of `revisions` for each service, and one past the last.
    first_revision: Vec<u32>,
    /// By what is asked for (class, then call) and revision.
    served: Vec<Served>,
    classes: usize,
}

impl Operations {
    pub fn new(blueprint: &Blueprint) -> Self {
        let mut rows = Vec::new();
        let mut revisions = Vec::new();
        let mut first_revision = vec![0];
        // First operation of each revision.
        let mut first = Vec::new();
        for (service, written) in blueprint.services.iter().enumerate() {
            for (at, revision) in written.revisions.iter().enumerate() {
                first.push(rows.len() as u16);
                let row = |program, error_ratio, cpu_factor| OperationRow {
                    revision: revisions.len() as u32,
                    program,
                    error_ratio,
                    cpu_factor,
                };
                rows.extend(
                    revision
                        .operations
                        .iter()
                        .map(|each| row(Some(each.program), each.error_ratio.get(), each.cpu_factor)),
                );
                let retry_after = revision.server_rules.as_ref().and_then(|rules| rules.retry_after);
                let unrouted = Served(rows.len() as u16);
                rows.push(row(None, 0.0, 1.0));
                revisions.push(RevisionRow {
                    service: ServiceIx::from_usize(service),
                    revision: RevisionIx::from_usize(at),
                    on_disconnect: revision.on_disconnect,
                    on_deadline: revision.on_deadline,
                    keep_alive: revision.keep_alive,
                    retry_after: retry_after.unwrap_or(Span::ZERO),
                    unrouted,
                });
            }
            first_revision.push(revisions.len() as u32);
        }
        assert!(
            rows.len() < Served::NOBODY.at(),
            "a scenario has fewer than 65,535 operations over all revisions"
        );
        let all = || {
            blueprint
                .services
                .iter()
                .flat_map(|service| &service.revisions)
                .enumerate()
        };
        let of = |row: usize, operation: Option<OperationIx>| match operation {
            Some(operation) => Served(first[row] + operation.0),
            None => revisions[row].unrouted,
        };
        let mut served = Vec::new();
        for class in &blueprint.classes {
            served.extend(all().map(|(row, revision)| of(row, operation(revision, &class.http))));
        }
        for call in &blueprint.calls {
            served.extend(all().map(|(row, revision)| {
                let asked = match &call.to {
                    Callee::Service { operation, .. } => {
                        Some(*operation).filter(|at| at.at() < revision.operations.len())
                    }
                    Callee::LoadBalancer { http, .. } => operation(revision, http),
                    Callee::Dependency(_) | Callee::DependencyOperation(..) | Callee::Queue(_) => None,
                };
                of(row, asked)
            }));
        }
        Operations {
            rows,
            revisions,
            first_revision,
            served,
            classes: blueprint.classes.len(),
        }
    }

    #[inline]
    pub fn row(&self, served: Served) -> &OperationRow {
        &self.rows[served.at()]
    }

    /// What an operation of a revision is served by.
    pub fn of_operation(&self, revision: u32, operation: OperationIx) -> Served {
        Served(self.first_row(revision as usize) + operation.0)
    }

    /// A revision's rows end with that of what is unrouted.
    fn first_row(&self, revision: usize) -> u16 {
        match revision.checked_sub(1) {
            Some(before) => self.revisions[before].unrouted.0 + 1,
            None => 0,
        }
    }

    /// The revision that serves; not to be asked of [`Served::NOBODY`].
    #[inline]
    pub fn revision(&self, served: Served) -> &RevisionRow {
        &self.revisions[self.row(served).revision as usize]
    }

    /// Which of its service's operations a row is; `None`: what finds no route, or may not be understood.
    pub fn operation(&self, served: Served) -> Option<OperationIx> {
        let revision = self.row(served).revision as usize;
        let first = self.first_row(revision);
        (served.0 < self.revisions[revision].unrouted.0).then(|| OperationIx(served.0 - first))
    }

    #[inline]
    pub fn of_class(&self, class: usize, revision: u32) -> Served {
        self.served[class * self.revisions.len() + revision as usize]
    }

    #[inline]
    pub fn of_call(&self, call: usize, revision: u32) -> Served {
        self.of_class(self.classes + call, revision)
    }

    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// Gives a call to a revision a row of its own without a program; returns the row that served it before.
    pub fn divert(&mut self, call: usize, revision: u32) -> Served {
        let diverted = Served(self.rows.len() as u16);
        assert!(
            diverted != Served::NOBODY,
            "a scenario has fewer than 65,535 operations over all revisions"
        );
        self.rows.push(OperationRow {
            revision,
            program: None,
            error_ratio: 0.0,
            cpu_factor: 1.0,
        });
        let at = (self.classes + call) * self.revisions.len() + revision as usize;
        std::mem::replace(&mut self.served[at], diverted)
    }

    /// What serves what a revision's task has not routed yet.
    pub fn unrouted(&self, service: ServiceIx, revision: RevisionIx) -> Served {
        self.revisions[self.row_of(service, revision)].unrouted
    }

    /// The row of a service's revision.
    pub fn row_of(&self, service: ServiceIx, revision: RevisionIx) -> usize {
        self.revisions_of(service).start + revision.at()
    }

    /// Which of its service's revisions a server runs.
    pub fn revision_of(&self, server: &Server) -> usize {
        server.revision as usize - self.revisions_of(server.service).start
    }

    /// Rows of a service's revisions.
    pub fn revisions_of(&self, service: ServiceIx) -> std::ops::Range<usize> {
        self.first_revision[service.at()] as usize..self.first_revision[service.at() + 1] as usize
    }

    pub fn services(&self) -> usize {
        self.first_revision.len() - 1
    }

    /// The service of each row.
    pub fn service_of_rows(&self) -> Vec<ServiceIx> {
        self.rows
            .iter()
            .map(|row| self.revisions[row.revision as usize].service)
            .collect()
    }
}

fn operation(revision: &Revision, http: &HttpRequest) -> Option<OperationIx> {
    if revision.routes.is_empty() {
        return Some(OperationIx(0));
    }
    routing::matching_route(&revision.routes, http.method, &http.path).map(|route| revision.routes[route].operation)
}

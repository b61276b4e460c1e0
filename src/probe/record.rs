//! What one replication left behind, ready to be added up with others.
//!
//! Everything is a count or a list in order of time; nothing here is an average, so records of many replications can be
//! pooled in any number and always give the same figures. Only what concerns measured time is kept: requests that
//! arrived in it, and tasks, deployments and events that were not over before it began.

use super::coarse::CoarseHistogram;
use super::timeline::Timeline;
use super::traces::TraceRecord;
use crate::blueprint::ClassIx;
use crate::sim::observation::{
    CreditSample, DeploymentRecord, DeploymentStep, Event, Failure, InstanceRecord, JourneyCount, Outcome, QueueCount,
    Reason, RevisionCount, ScalingRecord, SenderSample, ServedBy, SkewCount, StepCounts, TaskRecord,
};
use crate::stats::LatencyHistogram;
use crate::units::{Instant, MicroUsd, Span};
use std::collections::BTreeMap;

/// One replication, seen whole.
#[derive(Clone, Debug)]
pub struct RunRecord {
    pub replication: u32,
    /// Why a limit ended the run before its time, if one did.
    pub ended_early: Option<String>,
    /// How much of the measured time was simulated: all of it unless the run ended early.
    pub measured: Span,
    /// For each of the blueprint's classes.
    pub classes: Vec<ClassRecord>,
    /// The cells that saw a request, by class, then service, revision and zone; requests that no task answered first.
    pub cells: Vec<Cell>,
    /// For each of the blueprint's objectives, its windows in order of time; none for objectives about cost.
    pub objectives: Vec<Vec<ObjectiveWindow>>,
    /// Of the requests that were not served: why, and where; in the order of the columns named.
    pub failures: Vec<FailureCount>,
    /// For each of the blueprint's calls, then each of its traffic sources.
    pub sent: Vec<SentCount>,
    pub traces: TraceRecord,
    pub timeline: Timeline,
    pub events: Vec<Event>,
    pub tasks: Vec<TaskRecord>,
    pub instances: Vec<InstanceRecord>,
    pub deployments: Vec<DeploymentStory>,
    pub deployment_steps: Vec<DeploymentStep>,
    pub scaling: Vec<ScalingRecord>,
    /// Calls between revisions that may not understand each other.
    pub skew: Vec<SkewCount>,
    /// What came of journeys that began in measured time, by step.
    pub journeys: Vec<JourneyCount>,
    pub steps: StepCounts,
    /// What came of the messages of each of the blueprint's queues.
    pub queues: Vec<QueueCount>,
    /// CPU credits of instances that have them, by window.
    pub credits: Vec<CreditSample>,
    /// What the measured time costs.
    pub cost: Vec<CostLine>,
}

/// How many requests of a class ended in the same way for the same reason at the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureCount {
    pub class: ClassIx,
    pub outcome: Outcome,
    pub failure: Failure,
    pub requests: u64,
}

/// What was sent from one place in measured time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentCount {
    pub total: SenderSample,
    /// Attempts that failed, by reason.
    pub failed: BTreeMap<Reason, u64>,
}

/// How many requests ended in which way; indexed by `Outcome as usize`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes(pub [u64; Outcome::ALL.len()]);

/// The requests of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassRecord {
    pub outcomes: Outcomes,
    /// Of all offered requests together, retries included.
    pub attempts: u64,
    /// Sum of the latencies of the served ones, in ns.
    pub latency_sum: u128,
    /// Of the served ones, those whose answer was not whole.
    pub degraded: u64,
}

/// The finest cell: requests of one class that one revision answered in one zone.
#[derive(Clone, Debug)]
pub struct Cell {
    pub class: ClassIx,
    /// `None`: no task gave the last answer (timed out, refused, or answered by a balancer).
    pub served_by: Option<ServedBy>,
    pub served: u64,
    pub failed: u64,
    /// Of the served requests.
    pub latencies: LatencyHistogram,
}

/// One window of one objective, exact to the nanosecond of its borders.
#[derive(Clone, Debug)]
pub struct ObjectiveWindow {
    /// Requests that arrived in `[from, to)`.
    pub from: Instant,
    pub to: Instant,
    pub offered: u64,
    pub served: u64,
    /// Served with a latency at or below the objective's bound; equals `served` where it has no such bound.
    pub within: u64,
    /// Over served requests, ns.
    pub latency_sum: u128,
    /// Of served requests; empty if the objective is not about a quantile, or spans the whole run (where the cells have
    /// finer ones).
    pub latencies: CoarseHistogram,
}

/// A deployment and what its revisions answered while it lasted.
#[derive(Clone, Debug)]
pub struct DeploymentStory {
    pub deployment: DeploymentRecord,
    /// For each revision of the service: attempts answered since the run began, until the deployment did.
    pub before: Vec<RevisionCount>,
    /// For each revision of the service: attempts answered between the start and the end of the deployment; the new
    /// revision's until the service's next deployment or the end of the run. Empty if they were not counted.
    pub answered: Vec<RevisionCount>,
}

/// One line of the bill for the measured time of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CostLine {
    /// What is paid for: `fargate_vcpu`, `ec2_instance`, `alb_hour`, ...
    pub item: &'static str,
    /// Whose it is: a service, a group or a balancer.
    pub subject: String,
    pub quantity: f64,
    /// Of the quantity: `vCPU-h`, `GB-h`, `h`, `LCU-h`.
    pub unit: &'static str,
    /// Discounts taken off.
    pub amount: MicroUsd,
}

impl Outcomes {
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }
    pub fn served(&self) -> u64 {
        self.of(Outcome::Served)
    }
    /// Each request has exactly one outcome, so they add up to what was offered.
    pub fn offered(&self) -> u64 {
        self.0.iter().sum()
    }
    pub fn failed(&self) -> u64 {
        self.offered() - self.served()
    }
    pub fn add(&mut self, other: &Outcomes) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }
}

impl RunRecord {
    /// Lets go of everything but what verdicts and bills are made of, so that thousands of runs fit into memory.
    pub fn for_verdicts(self) -> RunRecord {
        RunRecord {
            failures: Vec::new(),
            sent: Vec::new(),
            traces: TraceRecord::default(),
            timeline: self.timeline.emptied(),
            events: Vec::new(),
            tasks: Vec::new(),
            instances: Vec::new(),
            deployments: Vec::new(),
            deployment_steps: Vec::new(),
            scaling: Vec::new(),
            skew: Vec::new(),
            journeys: Vec::new(),
            steps: StepCounts::default(),
            queues: Vec::new(),
            credits: Vec::new(),
            ..self
        }
    }

    /// Takes over the latencies of another run. Percentiles are of the requests of all runs together, so that it does not
    /// matter to them which run holds which, and two histograms need not be kept where one will do.
    pub fn take_latencies(&mut self, other: &mut RunRecord) {
        for cell in std::mem::take(&mut other.cells) {
            match self
                .cells
                .iter_mut()
                .find(|mine| mine.class == cell.class && mine.served_by == cell.served_by)
            {
                Some(mine) => {
                    mine.served += cell.served;
                    mine.failed += cell.failed;
                    mine.latencies.merge(&cell.latencies);
                }
                None => self.cells.push(cell),
            }
        }
    }

    /// Latencies of served requests, of one class or of all.
    pub fn latencies(&self, class: Option<ClassIx>) -> LatencyHistogram {
        self.latencies_where(|cell| class.is_none_or(|class| cell.class == class))
    }

    /// Latencies of served requests in the cells that `wanted` picks.
    pub fn latencies_where(&self, wanted: impl Fn(&Cell) -> bool) -> LatencyHistogram {
        let mut sum = LatencyHistogram::fine();
        for cell in self.cells.iter().filter(|cell| wanted(cell)) {
            sum.merge(&cell.latencies);
        }
        sum
    }

    /// Of one class, or of all together.
    pub fn class_totals(&self, class: Option<ClassIx>) -> ClassRecord {
        let mut sum = ClassRecord::default();
        let wanted = self
            .classes
            .iter()
            .enumerate()
            .filter(|(at, _)| class.is_none_or(|class| class.at() == *at));
        for (_, each) in wanted {
            sum.outcomes.add(&each.outcomes);
            sum.attempts += each.attempts;
            sum.latency_sum += each.latency_sum;
            sum.degraded += each.degraded;
        }
        sum
    }

    /// Checks that the three sets of books agree: by class, by cell and by window. They are kept separately, so a
    /// request that one of them lost or counted twice shows.
    ///
    /// # Panics
    /// If they do not, which is a bug.
    pub fn check_ledger(&self) {
        for (at, class) in self.classes.iter().enumerate() {
            let ix = ClassIx::from_usize(at);
            let cells = || self.cells.iter().filter(|cell| cell.class == ix);
            let served: u64 = cells().map(|cell| cell.served).sum();
            let failed: u64 = cells().map(|cell| cell.failed).sum();
            let recorded: u64 = cells().map(|cell| cell.latencies.len()).sum();
            assert_eq!(
                served,
                class.outcomes.served(),
                "class {at}: cells and class disagree about what was served"
            );
            assert_eq!(
                failed,
                class.outcomes.failed(),
                "class {at}: cells and class disagree about what failed"
            );
            assert_eq!(recorded, served, "class {at}: each served request has one latency");
            assert!(
                class.attempts >= class.outcomes.offered(),
                "class {at}: a request has at least one attempt"
            );
            let windows = self.timeline.class_outcomes(ix);
            assert_eq!(
                windows, class.outcomes,
                "class {at}: the timeline and the class disagree about outcomes"
            );
        }
    }

    /// Checks that every request that was sent in measured time has ended in exactly one outcome.
    ///
    /// # Panics
    /// If not, which is a bug: a request was lost, or ended twice.
    pub fn check_offered(&self, sent_by_class: &[u64]) {
        assert_eq!(
            sent_by_class.len(),
            self.classes.len(),
            "the ledger has a line for each class"
        );
        for (at, (class, sent)) in self.classes.iter().zip(sent_by_class).enumerate() {
            assert_eq!(
                class.outcomes.offered(),
                *sent,
                "class {at}: requests offered and outcomes seen do not add up"
            );
        }
    }
}

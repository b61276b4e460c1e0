//! Watches one run and turns it into a [`RunRecord`].
//!
//! [`Recorder::request_finished`] is on the request path: it indexes flat arrays and does not hash, search or allocate
//! (a cell's histogram is made when the cell sees its first request, a window's grows with its highest octave). What
//! happened before measured time is dropped here, so that nothing further up has to know of the warm-up.

use super::cost::CostProbe;
use super::record::{Cell, ClassRecord, DeploymentStory, FailureCount, RunRecord, SentCount};
use super::timeline::Timeline;
use super::traces::TraceProbe;
use super::watch::Watch;
use crate::blueprint::{Blueprint, ClassIx, RevisionIx};
use crate::sim::observation::{
    Completeness, CreditSample, DeploymentStep, Event, Failure, InstanceRecord, JourneyCount, Observation, Observer,
    Outcome, QueueCount, RequestFinished, RevisionCount, Sample, ScalingRecord, Sender, ServedBy, ServiceLevels,
    SkewCount, StepCounts, TaskRecord,
};
use crate::stats::LatencyHistogram;
use crate::units::Instant;
use std::collections::BTreeMap;

/// The observer that every run has.
#[derive(Clone, Debug)]
pub struct Recorder {
    replication: u32,
    measured_from: Instant,
    horizon: Instant,
    /// The latest instant that anything was seen at.
    last_seen: Instant,
    /// When the requests that were never answered were given up: the end of a run that a limit ended.
    given_up: Instant,
    ended_early: Option<String>,
    classes: Vec<ClassRecord>,
    places: Places,
    /// By class, then place.
    cells: Vec<Option<Box<Cell>>>,
    watches: Vec<Watch>,
    failures: BTreeMap<(ClassIx, Outcome, Failure), u64>,
    /// Calls, then traffic sources.
    sent: Vec<SentCount>,
    calls: usize,
    traces: TraceProbe,
    timeline: Timeline,
    /// What each service stood at since its last change.
    levels: Vec<Option<ServiceLevels>>,
    events: Vec<Event>,
    tasks: Vec<TaskRecord>,
    instances: Vec<InstanceRecord>,
    deployments: Vec<DeploymentStory>,
    /// By deployment: the service's counters when first and when last seen.
    counted: Vec<Counted>,
    deployment_steps: Vec<DeploymentStep>,
    scaling: Vec<ScalingRecord>,
    skew: Vec<SkewCount>,
    journeys: Vec<JourneyCount>,
    steps: StepCounts,
    queues: Vec<QueueCount>,
    credits: Vec<CreditSample>,
    cost: CostProbe,
}

#[derive(Clone, Debug)]
struct Counted {
    deployment: u32,
    first: Vec<RevisionCount>,
    ended: Option<Vec<RevisionCount>>,
    /// For the service's last deployment.
    run_over: Option<Vec<RevisionCount>>,
}

/// Numbers the places that can answer a request: 0 for "no task", then service by service, revision and zone.
#[derive(Clone, Debug)]
struct Places {
    first_of_service: Vec<usize>,
    zones: usize,
    count: usize,
}

impl Places {
    fn new(blueprint: &Blueprint) -> Self {
        let zones = blueprint.zones.len();
        let mut count = 1;
        let mut first_of_service = Vec::new();
        for service in &blueprint.services {
            first_of_service.push(count);
            count += service.revisions.len() * zones;
        }
        Places {
            first_of_service,
            zones,
            count,
        }
    }

    #[inline]
    fn of(&self, served_by: Option<ServedBy>) -> usize {
        match served_by {
            None => 0,
            Some(by) => self.first_of_service[by.service.at()] + by.revision.at() * self.zones + by.zone.at(),
        }
    }
}

impl Recorder {
    pub fn new(blueprint: &Blueprint, replication: u32) -> Self {
        let places = Places::new(blueprint);
        Recorder {
            replication,
            measured_from: blueprint.measured_from(),
            horizon: blueprint.horizon(),
            last_seen: Instant::ZERO,
            given_up: Instant::ZERO,
            ended_early: None,
            classes: vec![ClassRecord::default(); blueprint.classes.len()],
            cells: vec![None; blueprint.classes.len() * places.count],
            places,
            watches: blueprint
                .objectives
                .iter()
                .map(|objective| Watch::new(blueprint, objective))
                .collect(),
            failures: BTreeMap::new(),
            sent: vec![SentCount::default(); blueprint.calls.len() + blueprint.traffic.len()],
            calls: blueprint.calls.len(),
            traces: TraceProbe::new(blueprint, replication),
            timeline: Timeline::new(blueprint),
            levels: vec![None; blueprint.services.len()],
            events: Vec::new(),
            tasks: Vec::new(),
            instances: Vec::new(),
            deployments: Vec::new(),
            counted: Vec::new(),
            deployment_steps: Vec::new(),
            scaling: Vec::new(),
            skew: Vec::new(),
            journeys: Vec::new(),
            steps: StepCounts::default(),
            queues: Vec::new(),
            credits: Vec::new(),
            cost: CostProbe::new(blueprint),
        }
    }

    /// The run is over: adds up what is open and checks the books.
    ///
    /// # Panics
    /// If a request was lost or counted twice, which is a bug; see [`RunRecord::check_ledger`].
    pub fn into_record(mut self) -> RunRecord {
        let end = match self.ended_early {
            Some(_) => {
                let last = self.last_seen.max(self.given_up).min(self.horizon);
                last.max(self.measured_from)
            }
            None => self.horizon,
        };
        for levels in self.levels.iter().flatten() {
            self.timeline.levels(levels, end);
        }
        // Ordinals count up, so this is the order in which they began.
        self.tasks.sort_by_key(|task| task.task);
        self.instances.sort_by_key(|instance| instance.instance);
        self.deployments.sort_by_key(|story| story.deployment.deployment);
        for story in &mut self.deployments {
            let counted = self
                .counted
                .iter()
                .find(|counted| counted.deployment == story.deployment.deployment);
            let to = story.deployment.to;
            story.answered = counted.map(|counted| counted.difference(to)).unwrap_or_default();
            story.before = counted.map(|counted| counted.first.clone()).unwrap_or_default();
        }
        let measured_from = self.measured_from;
        self.deployments
            .retain(|story| story.deployment.ended.is_none_or(|ended| ended >= measured_from));
        let record = RunRecord {
            replication: self.replication,
            ended_early: self.ended_early,
            measured: end.since(measured_from),
            classes: self.classes,
            cells: self.cells.into_iter().flatten().map(|cell| *cell).collect(),
            objectives: self.watches.into_iter().map(Watch::into_cells).collect(),
            failures: self.failures.into_iter().map(counted).collect(),
            sent: self.sent,
            traces: self.traces.finish(),
            timeline: self.timeline,
            events: self.events,
            tasks: self.tasks,
            instances: self.instances,
            deployments: self.deployments,
            deployment_steps: self.deployment_steps,
            scaling: self.scaling,
            skew: self.skew,
            journeys: self.journeys,
            steps: self.steps,
            queues: self.queues,
            credits: self.credits,
            cost: self.cost.finish(end),
        };
        record.check_ledger();
        record
    }

    fn measures(&self, at: Instant) -> bool {
        (self.measured_from..=self.horizon).contains(&at)
    }

    #[cold]
    #[inline(never)]
    fn failed(&mut self, request: &RequestFinished) {
        if let Some(failure) = request.failure {
            let same = (request.class, request.outcome, failure);
            *self.failures.entry(same).or_default() += 1;
        }
    }

    fn sent_until(&mut self, sample: &Sample) {
        for (count, seen) in self.sent.iter_mut().zip(&sample.senders) {
            count.total.add(seen);
        }
        for &(sender, reason, attempts) in &sample.failures {
            let at = match sender {
                Sender::Call(call) => call.at(),
                Sender::Traffic(traffic) => self.calls + traffic.at(),
            };
            *self.sent[at].failed.entry(reason).or_default() += attempts;
        }
    }

    fn levels_changed(&mut self, levels: ServiceLevels) {
        if let Some(before) = self.levels[levels.service.at()].replace(levels) {
            self.timeline.levels(&before, levels.at);
        }
    }

    fn counts_taken(&mut self, deployment: u32, counts: Vec<RevisionCount>) {
        match self.counted.iter_mut().find(|counted| counted.deployment == deployment) {
            Some(counted) if counted.ended.is_none() => counted.ended = Some(counts),
            Some(counted) => counted.run_over = Some(counts),
            None => self.counted.push(Counted {
                deployment,
                first: counts,
                ended: None,
                run_over: None,
            }),
        }
    }
}

impl Counted {
    /// What each revision answered while the deployment lasted; the new one until it was replaced or the run was over.
    fn difference(&self, to: RevisionIx) -> Vec<RevisionCount> {
        let Some(ended) = &self.ended else { return Vec::new() };
        let mut last = ended.clone();
        if let Some(run_over) = &self.run_over {
            last[to.at()] = run_over[to.at()];
        }
        let pairs = last.iter().zip(&self.first);
        pairs
            .map(|(last, first)| RevisionCount {
                requests: last.requests - first.requests,
                errors: last.errors - first.errors,
            })
            .collect()
    }
}

fn counted(((class, outcome, failure), requests): ((ClassIx, Outcome, Failure), u64)) -> FailureCount {
    FailureCount {
        class,
        outcome,
        failure,
        requests,
    }
}

#[cold]
fn new_cell(class: ClassIx, served_by: Option<ServedBy>) -> Box<Cell> {
    Box::new(Cell {
        class,
        served_by,
        served: 0,
        failed: 0,
        latencies: LatencyHistogram::fine(),
    })
}

impl Observer for Recorder {
    #[inline]
    fn request_finished(&mut self, request: &RequestFinished) {
        if request.outcome == Outcome::Unfinished {
            self.given_up = self.given_up.max(request.arrived + request.latency);
        }
        let Some(window) = self.timeline.windows().at(request.arrived) else {
            return;
        };
        let served = request.outcome == Outcome::Served;
        let class = &mut self.classes[request.class.at()];
        class.outcomes.0[request.outcome as usize] += 1;
        class.attempts += u64::from(request.attempts);
        let place = self.places.of(request.served_by);
        let cell = self.cells[request.class.at() * self.places.count + place]
            .get_or_insert_with(|| new_cell(request.class, request.served_by));
        if served {
            class.latency_sum += u128::from(request.latency.nanos());
            class.degraded += u64::from(request.completeness == Completeness::Degraded);
            cell.served += 1;
            cell.latencies.record(request.latency);
        } else {
            cell.failed += 1;
            self.failed(request);
        }
        self.timeline.request(window, request);
        for watch in &mut self.watches {
            watch.request(request);
        }
    }

    fn observed(&mut self, observation: Observation) {
        self.cost.observe(&observation);
        match observation {
            Observation::Happened(event) => {
                self.last_seen = event.at;
                if self.measures(event.at) {
                    self.events.push(event);
                }
            }
            Observation::ServiceLevels(levels) => {
                self.last_seen = levels.at;
                self.levels_changed(levels);
            }
            Observation::TaskEnded(task) => {
                if task.stopped.is_none_or(|stopped| stopped >= self.measured_from) {
                    self.tasks.push(task);
                }
            }
            Observation::InstanceEnded(instance) => {
                if instance
                    .terminated
                    .is_none_or(|terminated| terminated >= self.measured_from)
                {
                    self.instances.push(instance);
                }
            }
            Observation::DeploymentStarted(deployment) => {
                self.deployments.push(DeploymentStory {
                    deployment,
                    before: Vec::new(),
                    answered: Vec::new(),
                });
            }
            Observation::DeploymentEnded(deployment) => {
                let number = deployment.deployment;
                match self
                    .deployments
                    .iter_mut()
                    .find(|story| story.deployment.deployment == number)
                {
                    Some(story) => story.deployment = deployment,
                    None => self.deployments.push(DeploymentStory {
                        deployment,
                        before: Vec::new(),
                        answered: Vec::new(),
                    }),
                }
            }
            Observation::DeploymentStepped(step) => {
                if self.measures(step.at) {
                    self.deployment_steps.push(step);
                }
            }
            Observation::Scaled(scaling) => {
                if self.measures(scaling.at) {
                    self.scaling.push(scaling);
                }
            }
            Observation::Sampled(sample) => {
                self.last_seen = sample.at;
                self.timeline.sample(&sample);
                self.sent_until(&sample);
                self.credits.extend_from_slice(&sample.credits);
            }
            Observation::RevisionCounts { deployment, counts } => self.counts_taken(deployment, counts),
            Observation::BalancerMinute { ended, .. } => self.last_seen = ended,
            Observation::SkewCounted(counts) => self.skew = counts,
            Observation::JourneysCounted(counts) => self.journeys = counts,
            // The bill's.
            Observation::CrossedZones(_) => {}
            Observation::Traced(trace) => self.traces.take(*trace),
            Observation::StepsCounted(counts) => self.steps = counts,
            Observation::QueuesCounted(counts) => self.queues = counts,
            Observation::LimitReached(reason) => self.ended_early = Some(reason),
        }
    }
}

//! Deployments, changes and faults at their times.

mod away;
mod course;
mod fault;
mod poison;
mod release;
mod selection;
mod zonal_shift;

use super::{Context, Table, standalone};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema::{self, Deploy};
use crate::units::{Instant, Span};

/// What an event makes of a service.
pub(super) struct Deployed<'t> {
    /// Position of the event in the file.
    pub event: usize,
    /// Of a release, the step.
    pub step: Option<usize>,
    pub said: &'t Deploy,
}

impl Deployed<'_> {
    /// Does something where the deployment of the service stands.
    pub fn at<R>(&self, service: &str, what: impl FnOnce(&Path) -> R) -> R {
        let root = Path::Root;
        let events = root.key("events");
        let event = events.at(self.event);
        match self.step {
            None => what(&event.key("deploy").key(service)),
            Some(step) => what(&event.key("release").key("steps").at(step).key("deploy").key(service)),
        }
    }
}

/// The services that one event deploys, with their revisions: all at once, or for each step of a release.
pub(super) type Deploys = Vec<Vec<(ServiceIx, RevisionIx)>>;

/// Positions of the events in order of their time, equal times in the order written.
fn in_time(cx: &Context) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cx.said.events.len()).collect();
    order.sort_by_key(|at| time_of(&cx.said.events[*at]));
    order
}

/// From 0; an event that does not say it is there from the beginning.
fn time_of(event: &schema::Event) -> Span {
    event.at.map_or(Span::ZERO, |at| at.0)
}

/// For each event the services that it deploys with their revisions, and for each service what is deployed, in time.
pub(super) fn revisions<'t>(cx: &mut Context<'t>) -> (Vec<Deploys>, Vec<Vec<Deployed<'t>>>) {
    let said = cx.said;
    let mut by_event = vec![Vec::new(); said.events.len()];
    let mut by_service: Vec<Vec<Deployed>> = said.services.0.iter().map(|_| Vec::new()).collect();
    for event in in_time(cx) {
        let is_release = said.events[event].deploy.is_none();
        for (step, deploys) in said.events[event].deploys().enumerate() {
            let mut together = Vec::new();
            for (name, deploy) in deploys.iter() {
                let deployed = Deployed {
                    event,
                    step: is_release.then_some(step),
                    said: deploy,
                };
                let Some(service) = deployed.at(name, |path| cx.find(Table::Service, name, path)) else {
                    continue;
                };
                by_service[service].push(deployed);
                let revision = RevisionIx::from_usize(by_service[service].len());
                together.push((ServiceIx::from_usize(service), revision));
            }
            by_event[event].push(together);
        }
    }
    (by_event, by_service)
}

/// `deploys` is what [`revisions`] found.
pub(super) fn events(cx: &mut Context, deploys: &[Deploys]) -> Vec<TimedEvent> {
    let root = Path::Root;
    let section = root.key("events");
    let said = cx.said;
    let mut events = Vec::new();
    // By position in the file: where its fault stands in the list.
    let mut faults = vec![None; said.events.len()];
    for at in in_time(cx) {
        let event = &said.events[at];
        let path = section.at(at);
        let time = time_of(event);
        if let Some(end) = cx.duration().filter(|end| time >= *end) {
            let (at, end) = (print_duration(time), print_duration(end));
            let message = format!("this happens at {at} and the run ends at {end}");
            cx.report(Code::EventAfterEnd, &path.key("at"), message);
        }
        // A fault that is always at work is so in the warm-up too.
        let instant = match event.at {
            Some(_) => Instant::ZERO + said.warm_up.0 + time,
            None => Instant::ZERO,
        };
        for what in happenings(cx, event, &deploys[at], &path) {
            zonal_shift::check_overlap(cx, &events, (instant, &what), &path);
            if let Happening::Fault(_) = what {
                faults[at] = Some(events.len());
            }
            events.push(TimedEvent { at: instant, what });
        }
    }
    course::join(cx, &mut events, &faults);
    events
}

/// Every key that says what happens, and whether the event has it.
fn keys(said: &schema::Event) -> Vec<(&'static str, bool)> {
    vec![
        ("deploy", said.deploy.is_some()),
        ("release", said.release.is_some()),
        ("set_desired_count", said.set_desired_count.is_some()),
        ("continue_deployment", said.continue_deployment.is_some()),
        ("stop_deployment", said.stop_deployment.is_some()),
        ("zone_outage", said.zone_outage.is_some()),
        ("task_crash", said.task_crash.is_some()),
        ("gray_failure", said.gray_failure.is_some()),
        ("poison_requests", said.poison_requests.is_some()),
        ("instance_loss", said.instance_loss.is_some()),
        ("drain_instance", said.drain_instance.is_some()),
        ("run_task", said.run_task.is_some()),
        ("slow_instance", said.slow_instance.is_some()),
        ("added_latency", said.added_latency.is_some()),
        ("partition", said.partition.is_some()),
        ("packet_loss", said.packet_loss.is_some()),
        ("dependency_slow", said.dependency_slow.is_some()),
        ("dependency_outage", said.dependency_outage.is_some()),
        ("dependency_failover", said.dependency_failover.is_some()),
        ("cache_flush", said.cache_flush.is_some()),
        ("traffic_spike", said.traffic_spike.is_some()),
        ("zonal_shift", said.zonal_shift.is_some()),
        ("agent_disconnect", said.agent_disconnect.is_some()),
        ("logs_stall", said.logs_stall.is_some()),
        ("stop_task", said.stop_task.is_some()),
        ("control_plane_outage", said.control_plane_outage.is_some()),
        ("capacity_shortage", said.capacity_shortage.is_some()),
        ("api_throttling", said.api_throttling.is_some()),
        ("spot_reclaim", said.spot_reclaim.is_some()),
        ("memory_leak", said.memory_leak.is_some()),
        ("secrets_outage", said.secrets_outage.is_some()),
        ("iam_outage", said.iam_outage.is_some()),
        ("logs_outage", said.logs_outage.is_some()),
        ("registry_outage", said.registry_outage.is_some()),
        ("registry_throttled", said.registry_throttled.is_some()),
    ]
}

fn happenings(cx: &mut Context, said: &schema::Event, deploys: &Deploys, path: &Path) -> Vec<Happening> {
    let keys = keys(said);
    let given: Vec<&str> = keys.iter().filter(|(_, given)| *given).map(|(key, _)| *key).collect();
    if given.len() != 1 {
        let message = match given.as_slice() {
            [] => "nothing happens in this event".to_owned(),
            _ => format!("`{}` happen in one event", given.join("` and `")),
        };
        let all: Vec<String> = keys.iter().map(|(key, _)| format!("`{key}`")).collect();
        cx.problems
            .report_with(Code::NotExactlyOne, path, message, |diagnostic| {
                diagnostic.expected(format!("one of {}", all.join(", ")))
            });
        return Vec::new();
    }
    if let Some(fault) = fault::fault(cx, said, path) {
        return course::fault(cx, said, fault, given[0], path)
            .map(|fault| Happening::Fault(Box::new(fault)))
            .into_iter()
            .collect();
    }
    if is_fault(given[0]) {
        // What is wrong with it has been said.
        return Vec::new();
    }
    course::check_plain(cx, said, given[0], path);
    if let Some(named) = &said.deploy {
        release::some_service(cx, named, &path.key("deploy"));
        return vec![Happening::Deploy(deploys.concat())];
    }
    if let Some(said) = &said.release {
        return vec![Happening::Release(release::release(
            cx,
            said,
            deploys,
            &path.key("release"),
        ))];
    }
    if let Some(name) = &said.stop_deployment {
        let found = cx.find(Table::Service, name, &path.key("stop_deployment"));
        let found = found.map(|at| Happening::StopDeployment(ServiceIx::from_usize(at)));
        return found.into_iter().collect();
    }
    if let Some(name) = &said.continue_deployment {
        return continue_deployment(cx, name, &path.key("continue_deployment"))
            .into_iter()
            .collect();
    }
    if let Some(counts) = &said.set_desired_count {
        let here = path.key("set_desired_count");
        return counts
            .iter()
            .filter_map(|(name, count)| {
                let service = ServiceIx::from_usize(cx.find(Table::Service, name, &here.key(name))?);
                super::service::check_desired_count(cx, *count, &here.key(name));
                super::scheduling::check_is_replica(cx, service, &here.key(name));
                Some(Happening::SetDesiredCount { service, count: *count })
            })
            .collect();
    }
    if let Some(run) = &said.run_task {
        return standalone::run_task(cx, run, &path.key("run_task"))
            .into_iter()
            .collect();
    }
    if let Some(drain) = &said.drain_instance {
        let group = fault::group(cx, &drain.capacity_provider, &path.key("drain_instance"));
        let count = drain.count;
        return group
            .map(|group| Happening::DrainInstances { group, count })
            .into_iter()
            .collect();
    }
    if let Some(shift) = &said.zonal_shift {
        let shift = zonal_shift::zonal_shift(cx, shift, said, path);
        return shift.map(Happening::ZonalShift).into_iter().collect();
    }
    if let Some(stop) = &said.stop_task {
        return super::start_up::stop_task(cx, stop, &path.key("stop_task"))
            .into_iter()
            .collect();
    }
    unreachable!("every key that an event can have has been looked at")
}

/// Whether the key says what goes wrong; the others are what somebody does.
fn is_fault(key: &str) -> bool {
    !matches!(
        key,
        "deploy"
            | "release"
            | "set_desired_count"
            | "continue_deployment"
            | "stop_deployment"
            | "stop_task"
            | "drain_instance"
            | "run_task"
            | "zonal_shift"
    )
}

fn continue_deployment(cx: &mut Context, name: &str, path: &Path) -> Option<Happening> {
    let at = cx.find(Table::Service, name, path)?;
    let service = &cx.said.services.0[at].1;
    let hooks = &service.deployment_configuration.lifecycle_hooks;
    let is_pause = |hook: &schema::LifecycleHook| hook.target_type == schema::HookTargetType::Pause;
    let waits_when_ready = service
        .deployment_group
        .as_ref()
        .is_some_and(|group| group.deployment_ready_option.action_on_timeout == schema::ReadyAction::StopDeployment);
    if !waits_when_ready && !hooks.iter().any(is_pause) {
        let message = format!("no deployment of `{name}` ever pauses");
        let hint = "a hook `{ target_type: PAUSE, lifecycle_stages: [POST_SCALE_UP] }` would hold it up";
        cx.report_hint(Code::NothingToContinue, path, message, hint);
    }
    Some(Happening::ContinueDeployment(ServiceIx::from_usize(at)))
}

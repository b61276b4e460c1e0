//! Deployments, changes and faults at their times.

mod zonal_shift;

use super::{Context, Table, standalone};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::schema::{self, Deploy, Form};
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
    order.sort_by_key(|at| cx.said.events[*at].at.0);
    order
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
    for at in in_time(cx) {
        let event = &said.events[at];
        let path = section.at(at);
        if let Some(end) = cx.duration().filter(|end| event.at.0 >= *end) {
            let (at, end) = (print_duration(event.at.0), print_duration(end));
            let message = format!("this happens at {at} and the run ends at {end}");
            cx.report(Code::EventAfterEnd, &path.key("at"), message);
        }
        let instant = Instant::ZERO + said.warm_up.0 + event.at.0;
        for what in happenings(cx, event, &deploys[at], &path) {
            zonal_shift::check_overlap(cx, &events, (instant, &what), &path);
            events.push(TimedEvent { at: instant, what });
        }
    }
    events
}

fn happenings(cx: &mut Context, said: &schema::Event, deploys: &Deploys, path: &Path) -> Vec<Happening> {
    let keys = [
        ("deploy", said.deploy.is_some()),
        ("release", said.release.is_some()),
        ("set_desired_count", said.set_desired_count.is_some()),
        ("continue_deployment", said.continue_deployment.is_some()),
        ("stop_deployment", said.stop_deployment.is_some()),
        ("zone_outage", said.zone_outage.is_some()),
        ("task_crash", said.task_crash.is_some()),
        ("instance_loss", said.instance_loss.is_some()),
        ("drain_instance", said.drain_instance.is_some()),
        ("run_task", said.run_task.is_some()),
        ("slow_instance", said.slow_instance.is_some()),
        ("added_latency", said.added_latency.is_some()),
        ("dependency_slow", said.dependency_slow.is_some()),
        ("dependency_failover", said.dependency_failover.is_some()),
        ("traffic_spike", said.traffic_spike.is_some()),
        ("zonal_shift", said.zonal_shift.is_some()),
        ("agent_disconnect", said.agent_disconnect.is_some()),
        ("logs_stall", said.logs_stall.is_some()),
        ("stop_task", said.stop_task.is_some()),
        ("secrets_outage", said.secrets_outage.is_some()),
        ("iam_outage", said.iam_outage.is_some()),
        ("logs_outage", said.logs_outage.is_some()),
        ("registry_outage", said.registry_outage.is_some()),
        ("registry_throttled", said.registry_throttled.is_some()),
    ];
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
    let lasts = !matches!(
        given[0],
        "deploy"
            | "set_desired_count"
            | "continue_deployment"
            | "stop_deployment"
            | "stop_task"
            | "instance_loss"
            | "drain_instance"
            | "run_task"
            | "dependency_failover"
    );
    let at_once = said.task_crash.as_ref().is_some_and(|crash| crash.count.is_some());
    if said.lasting.is_some() && (!lasts || at_once) {
        let message = format!("`{}` happens at once and does not last", given[0]);
        cx.report(Code::ConflictingKeys, &path.key("lasting"), message);
    }
    if let Some(lasting) = said.lasting {
        cx.positive(lasting.0, &path.key("lasting"));
    }
    if let Some(named) = &said.deploy {
        some_service(cx, named, &path.key("deploy"));
        return vec![Happening::Deploy(deploys.concat())];
    }
    if let Some(said) = &said.release {
        return vec![Happening::Release(release(cx, said, deploys, &path.key("release")))];
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
        let group = group(cx, &drain.capacity_provider, &path.key("drain_instance"));
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
    let fault = fault(cx, said, path);
    let lasting = said.lasting.map(|lasting| lasting.0);
    fault
        .map(|(label, kind)| Happening::Fault(Fault { label, kind, lasting }))
        .into_iter()
        .collect()
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

fn some_service(cx: &mut Context, deploys: &schema::Named<Deploy>, path: &Path) {
    if deploys.is_empty() {
        let message = "no service is deployed here";
        cx.problems
            .report_with(Code::WrongLength, path, message, |d| d.expected("services by name"));
    }
}

fn release(cx: &mut Context, said: &schema::Release, deploys: &Deploys, path: &Path) -> Release {
    let section = path.key("steps");
    if said.steps.is_empty() {
        let message = "this release has no steps";
        cx.problems.report_with(Code::WrongLength, &section, message, |d| {
            d.expected("steps that deploy services")
        });
    }
    for (at, step) in said.steps.iter().enumerate() {
        some_service(cx, &step.deploy, &section.at(at).key("deploy"));
    }
    let steps = said.steps.iter().zip(deploys);
    Release {
        steps: steps
            .map(|(step, deploy)| ReleaseStep {
                wait: step.wait.0,
                deploy: deploy.clone(),
            })
            .collect(),
        on_failure: match said.on_failure {
            schema::OnReleaseFailure::Stop => OnReleaseFailure::Stop,
            schema::OnReleaseFailure::RollBack => OnReleaseFailure::RollBack,
        },
    }
}

/// The fault with its label.
fn fault(cx: &mut Context, said: &schema::Event, path: &Path) -> Option<(String, FaultKind)> {
    if let Some(zone) = &said.zone_outage {
        let found = cx.find(Table::Zone, zone, &path.key("zone_outage"))?;
        return Some((
            format!("zone_outage {zone}"),
            FaultKind::ZoneOutage {
                zone: ZoneIx::from_usize(found),
            },
        ));
    }
    if let Some(crash) = &said.task_crash {
        return task_crash(cx, crash, &path.key("task_crash"));
    }
    if let Some(loss) = &said.instance_loss {
        let here = path.key("instance_loss");
        let group = group(cx, &loss.capacity_provider, &here)?;
        let label = format!("instance_loss {} of {}", loss.count, loss.capacity_provider);
        return Some((
            label,
            FaultKind::InstanceLoss {
                group,
                count: loss.count,
            },
        ));
    }
    if let Some(slow) = &said.slow_instance {
        let here = path.key("slow_instance");
        let factor = factor(cx, slow.factor, &here.key("factor"));
        let group = group(cx, &slow.capacity_provider, &here)?;
        let label = format!(
            "slow_instance {} of {} by {factor}x",
            slow.count, slow.capacity_provider
        );
        return Some((
            label,
            FaultKind::SlowInstance {
                group,
                count: slow.count,
                factor,
            },
        ));
    }
    if let Some(latency) = &said.added_latency {
        return added_latency(cx, latency, &path.key("added_latency"));
    }
    if let Some(slow) = &said.dependency_slow {
        let here = path.key("dependency_slow");
        let factor = factor(cx, slow.factor, &here.key("factor"));
        let found = cx.find(Table::Dependency, &slow.dependency, &here.key("dependency"))?;
        let dependency = DependencyIx::from_usize(found);
        let label = format!("dependency_slow {} by {factor}x", slow.dependency);
        return Some((label, FaultKind::DependencySlow { dependency, factor }));
    }
    if let Some(spike) = &said.traffic_spike {
        return super::traffic::spikes::fault(cx, spike, &path.key("traffic_spike"));
    }
    if let Some(fault) = super::start_up::fault(cx, said, path) {
        return Some(fault);
    }
    let name = said.dependency_failover.as_ref()?;
    let here = path.key("dependency_failover");
    let found = cx.find(Table::Dependency, name, &here)?;
    if cx.said.dependencies.0[found].1.standby.is_none() {
        let message = format!("`{name}` has no standby to fail over to");
        cx.report_hint(
            Code::FailoverWithoutStandby,
            &here,
            message,
            format!("give `dependencies.{name}` a `zone` and a `standby`"),
        );
    }
    let dependency = DependencyIx::from_usize(found);
    Some((
        format!("dependency_failover {name}"),
        FaultKind::DependencyFailover { dependency },
    ))
}

fn task_crash(cx: &mut Context, said: &schema::TaskCrash, path: &Path) -> Option<(String, FaultKind)> {
    let service = cx
        .find(Table::Service, &said.service, &path.key("service"))
        .map(ServiceIx::from_usize);
    match (said.count, &said.time_between_failures) {
        (Some(count), None) => {
            let label = format!("task_crash {count} of {}", said.service);
            Some((
                label,
                FaultKind::TaskCrash {
                    service: service?,
                    count,
                },
            ))
        }
        (None, Some(time)) => {
            let time_between_failures = cx.dist(time, &path.key("time_between_failures"));
            if time_between_failures.mean() <= 0.0 {
                cx.positive(Span::ZERO, &path.key("time_between_failures"));
            }
            let label = format!("task_crash at random of {}", said.service);
            Some((
                label,
                FaultKind::RandomTaskCrash {
                    service: service?,
                    time_between_failures,
                },
            ))
        }
        _ => {
            cx.problems.report_with(
                Code::NotExactlyOne,
                path,
                "how the tasks crash is not clear",
                |diagnostic| diagnostic.expected("one of `count` (at once) and `time_between_failures` (at random)"),
            );
            None
        }
    }
}

fn added_latency(cx: &mut Context, said: &schema::AddedLatency, path: &Path) -> Option<(String, FaultKind)> {
    let delay = cx.dist(&said.delay, &path.key("delay"));
    let keys = [
        (Table::Zone, "zone", &said.zone),
        (Table::Service, "service", &said.service),
        (Table::Dependency, "dependency", &said.dependency),
    ];
    let given: Vec<_> = keys
        .into_iter()
        .filter_map(|(table, key, name)| Some((table, key, name.as_ref()?)))
        .collect();
    let (between, scope) = match given.as_slice() {
        [] => (LatencyScope::Everywhere, "everywhere".to_owned()),
        [(table, key, name)] => {
            let found = cx.find(*table, name, &path.key(key))?;
            let scope = match table {
                Table::Zone => LatencyScope::Zone(ZoneIx::from_usize(found)),
                Table::Service => LatencyScope::Service(ServiceIx::from_usize(found)),
                _ => LatencyScope::Dependency(DependencyIx::from_usize(found)),
            };
            (scope, format!("{key} {name}"))
        }
        _ => {
            cx.problems
                .report_with(Code::NotExactlyOne, path, "several scopes in one fault", |diagnostic| {
                    diagnostic.expected("at most one of `zone`, `service` and `dependency`; none of them is everywhere")
                });
            return None;
        }
    };
    let mean = match &said.delay {
        Form::Short(delay) => print_duration(delay.0),
        Form::Long(_) => format!("{:.3}s on average", delay.mean()),
    };
    Some((
        format!("added_latency {mean} {scope}"),
        FaultKind::AddedLatency { between, delay },
    ))
}

fn group(cx: &mut Context, name: &str, path: &Path) -> Option<GroupIx> {
    cx.find(Table::CapacityProvider, name, &path.key("capacity_provider"))
        .map(GroupIx::from_usize)
}

fn factor(cx: &mut Context, said: schema::Factor, path: &Path) -> f64 {
    if said.0 <= 0.0 {
        cx.problems.report_with(Code::OutOfRange, path, "a factor of 0", |d| {
            d.expected("a factor above 0, like `3x`")
        });
    }
    said.0
}

//! What a fault is and whom it befalls; when it comes is in `course`.

use super::selection::selection;
use super::{away, poison};
use crate::blueprint::*;
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::quantity::print_duration;
use crate::scenario::resolve::{Context, Table, link, start_up, traffic};
use crate::scenario::schema::{self, Form};
use crate::units::{Ratio, Span};

/// The fault with its label.
pub(super) fn fault(cx: &mut Context, said: &schema::Event, path: &Path) -> Option<(String, FaultKind)> {
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
    if let Some(gray) = &said.gray_failure {
        return gray_failure(cx, gray, &path.key("gray_failure"));
    }
    if let Some(said) = &said.poison_requests {
        return poison::poison(cx, said, &path.key("poison_requests"));
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
    if said.partition.is_some() || said.packet_loss.is_some() {
        return link::fault(cx, said, path);
    }
    if let Some(slow) = &said.dependency_slow {
        let here = path.key("dependency_slow");
        let factor = factor(cx, slow.factor, &here.key("factor"));
        let found = cx.find(Table::Dependency, &slow.dependency, &here.key("dependency"))?;
        let dependency = DependencyIx::from_usize(found);
        let label = format!("dependency_slow {} by {factor}x", slow.dependency);
        return Some((label, FaultKind::DependencySlow { dependency, factor }));
    }
    if let Some(said) = &said.dependency_outage {
        return dependency_outage(cx, said, &path.key("dependency_outage"));
    }
    if let Some(spike) = &said.traffic_spike {
        return traffic::spikes::fault(cx, spike, &path.key("traffic_spike"));
    }
    if let Some(fault) = start_up::fault(cx, said, path) {
        return Some(fault);
    }
    if let Some(fault) = away::fault(cx, said, path) {
        return Some(fault);
    }
    if let Some(flush) = &said.cache_flush {
        return super::super::cache::flush(cx, flush, &path.key("cache_flush"));
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
    match (&said.on, &said.service, said.count, &said.time_between_failures) {
        (Some(on), None, None, None) => {
            let (label, on) = selection(cx, on, &path.key("on"))?;
            Some((format!("task_crash {label}"), FaultKind::TaskCrash { on }))
        }
        (None, Some(name), Some(count), None) => {
            let service = cx.find(Table::Service, name, &path.key("service"))?;
            let on = Selection::some_of(ServiceIx::from_usize(service), count);
            Some((format!("task_crash {count} of {name}"), FaultKind::TaskCrash { on }))
        }
        (None, Some(name), None, Some(time)) => {
            let service = cx.find(Table::Service, name, &path.key("service"));
            let time_between_failures = cx.dist(time, &path.key("time_between_failures"));
            if time_between_failures.mean() <= 0.0 {
                cx.positive(Span::ZERO, &path.key("time_between_failures"));
            }
            Some((
                format!("task_crash at random of {name}"),
                FaultKind::RandomTaskCrash {
                    service: ServiceIx::from_usize(service?),
                    time_between_failures,
                },
            ))
        }
        _ => {
            let message = "how the tasks crash is not clear";
            cx.problems
                .report_with(Code::NotExactlyOne, path, message, |diagnostic| {
                    diagnostic.expected(
                    "`service` with one of `count` (at once) and `time_between_failures` (at random), or `on` alone",
                )
                });
            None
        }
    }
}

fn gray_failure(cx: &mut Context, said: &schema::GrayFailure, path: &Path) -> Option<(String, FaultKind)> {
    let mut what = Vec::new();
    if let Some(slow) = said.slow {
        let slow = factor(cx, slow, &path.key("slow"));
        what.push(format!("slow by {slow}x"));
    }
    if let Some(ratio) = said.error_ratio {
        what.push(format!("{}% errors", ratio.0.get() * 100.0));
    }
    if said.hangs {
        what.push("hangs".to_owned());
    }
    if what.is_empty() {
        cx.problems
            .report_with(Code::MissingKey, path, "nothing is wrong with these tasks", |d| {
                d.expected("one or several of `slow`, `error_ratio` and `hangs: true`")
            });
    }
    let (label, on) = selection(cx, &said.on, &path.key("on"))?;
    let ills = Ills {
        slow: said.slow.map_or(1.0, |slow| slow.0),
        error_ratio: said.error_ratio.map_or(0.0, |ratio| ratio.0.get()),
        motion: if said.hangs { Motion::Still } else { Motion::Moving },
        checks: match said.health_checks {
            schema::ChecksOfTheIll::Suffer => ChecksOfTheIll::Suffer,
            schema::ChecksOfTheIll::Pass => ChecksOfTheIll::Pass,
        },
    };
    let label = format!("gray_failure {label}: {}", what.join(", "));
    Some((label, FaultKind::GrayFailure { on, ills }))
}

fn dependency_outage(cx: &mut Context, said: &schema::DependencyOutage, path: &Path) -> Option<(String, FaultKind)> {
    let here = path.key("dependencies");
    let mut dependencies = Vec::new();
    for (at, name) in said.dependencies.iter().enumerate() {
        let found = DependencyIx::from_usize(cx.find(Table::Dependency, name, &here.at(at))?);
        if dependencies.contains(&found) {
            cx.report(Code::NameTaken, &here.at(at), format!("`{name}` is here twice"));
        }
        dependencies.push(found);
    }
    if dependencies.is_empty() {
        cx.problems
            .report_with(Code::WrongLength, &here, "an outage of nothing", |d| {
                d.expected("names of `dependencies`")
            });
    }
    let slow = said.slow.map_or(1.0, |slow| factor(cx, slow, &path.key("slow")));
    let share = said.share.0.get();
    if share == 0.0 && slow == 1.0 {
        let message = "nothing is wrong with these dependencies";
        cx.problems.report_with(Code::MissingKey, path, message, |d| {
            d.expected("a `share` above 0, or `slow`")
        });
    }
    let mut what = Vec::new();
    if share > 0.0 {
        let how = match said.unserved {
            schema::Unserved::Refused => "refused",
            schema::Unserved::Unanswered => "unanswered",
        };
        what.push(format!("{}% {how}", share * 100.0));
    }
    if slow != 1.0 {
        what.push(format!("slow by {slow}x"));
    }
    let label = format!("dependency_outage {}: {}", said.dependencies.join(" "), what.join(", "));
    let outage = Outage {
        share: said.share.0,
        manner: match said.unserved {
            schema::Unserved::Refused => Unserved::Refused,
            schema::Unserved::Unanswered => Unserved::Unanswered,
        },
        slow,
    };
    Some((label, FaultKind::DependencyOutage { dependencies, outage }))
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
    let mean = match &said.delay {
        Form::Short(delay) => print_duration(delay.0),
        Form::Long(_) => format!("{:.3}s on average", delay.mean()),
    };
    if !said.between.is_empty() {
        for (_, key, _) in &given {
            let message = format!("`{key}` and `between` say where twice");
            cx.report(Code::ConflictingKeys, &path.key(key), message);
        }
        let (link, label) = link::link(cx, &said.between, (said.direction, said.share), path)?;
        let trouble = Box::new(LinkTrouble::Delay(delay));
        return Some((
            format!("added_latency {mean} {label}"),
            FaultKind::Link { link, trouble },
        ));
    }
    for (key, given) in [
        ("direction", said.direction != schema::Direction::Both),
        ("share", said.share.0 < Ratio::ONE),
    ] {
        if given {
            let hint = "say `between` which two, like `between: [us-east-1a, us-east-1b]`";
            let message = format!("`{key}` of a link means nothing without its ends");
            cx.report_hint(Code::ConflictingKeys, &path.key(key), message, hint);
        }
    }
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
    Some((
        format!("added_latency {mean} {scope}"),
        FaultKind::AddedLatency { between, delay },
    ))
}

pub(super) fn group(cx: &mut Context, name: &str, path: &Path) -> Option<GroupIx> {
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

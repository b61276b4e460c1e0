//! Timelines of alarms and scaling that a reader can compute by hand: minutes begin at instant 0, publication takes 60 s.

use super::*;
use crate::blueprint::fixture::{empty, load_balancer, scaled_service, target_tracking};
use crate::blueprint::{
    AlarmMetric, Expression, MetricMath, QueueIx, QueueMetric, ScalingMetric, ScheduledCapacity, Stat, TargetGroupIx,
    TargetTracking,
};
use crate::policy::scaling::Deployment;
use crate::sim::event::What;
use crate::sim::observation::{EventKind, Observation};
use crate::sim::signal::{LoadBalancerMeter, QueueMeter, ServiceMeter, TargetGroupMeter};
use crate::units::Instant;

const MINUTE: u64 = 60_000_000_000;

/// What a minute brings: CPU in percent, requests, errors among them.
#[derive(Clone, Copy, Default)]
struct Load {
    cpu: Option<f64>,
    requests: u64,
    errors: u64,
    /// Messages of the only queue.
    backlog: u64,
}

fn cpu(percent: f64) -> Load {
    Load {
        cpu: Some(percent),
        ..Load::default()
    }
}

fn requests(requests: u64, errors: u64) -> Load {
    Load {
        requests,
        errors,
        ..Load::default()
    }
}

fn backlog(backlog: u64) -> Load {
    Load {
        backlog,
        ..Load::default()
    }
}

fn meter(minute: u32, load: Load) -> Meter {
    let service = load.cpu.map_or(ServiceMeter::default(), |percent| ServiceMeter {
        cpu_used: (percent * 1e7) as u64,
        cpu_reserved: 1_000_000_000,
        highest: percent / 100.0,
        lowest: percent / 200.0,
    });
    let ok = load.requests - load.errors;
    Meter {
        queues: vec![QueueMeter {
            visible: load.backlog,
            ..QueueMeter::default()
        }],
        request_memory: vec![],
        minute,
        ended: Instant::from_nanos((u64::from(minute) + 1) * MINUTE),
        services: vec![service],
        target_groups: vec![TargetGroupMeter {
            requests: load.requests,
            target_2xx: ok,
            target_4xx: 0,
            target_5xx: load.errors,
            response_time: load.requests * 20_000_000,
        }],
        load_balancers: vec![LoadBalancerMeter {
            requests: load.requests,
            ..LoadBalancerMeter::default()
        }],
    }
}

/// One service and one target group, whose world is what the test says.
struct Bench {
    blueprint: Blueprint,
    running: u32,
    desired: u32,
    deployment: Deployment,
}

/// What happened: (second, text).
type Log = Vec<(u64, String)>;

impl Bench {
    fn new(running: u32, policies: Vec<TargetTracking>) -> Bench {
        let mut blueprint = empty();
        blueprint.services.push(scaled_service("web", (1, 100), policies));
        blueprint.load_balancers.push(load_balancer("public", 1));
        Bench {
            blueprint,
            running,
            desired: running,
            deployment: Deployment::None,
        }
    }

    /// Runs the minutes through; `after` sees each decision (second, new count) and may change what runs from then on.
    fn run(&mut self, loads: &[Load]) -> Log {
        self.run_with(loads, |_, _| None)
    }

    fn run_with(&mut self, loads: &[Load], mut running_at: impl FnMut(u64, u32) -> Option<u32>) -> Log {
        let blueprint = self.blueprint.clone();
        let mut cx = Context::new(&blueprint, 0);
        let mut monitoring = Monitoring::new(&blueprint);
        let mut log = Log::new();
        monitoring.begin(&mut cx);
        for (minute, load) in loads.iter().enumerate() {
            let ends = Instant::from_nanos((minute as u64 + 1) * MINUTE);
            // What is published at the very end of a minute was scheduled before and comes first.
            self.handle(&mut cx, &mut monitoring, ends, &mut log, &mut running_at);
            let fleet = FleetCounts {
                running: vec![self.running],
                memory: vec![None],
                hosts: vec![HostCounts {
                    healthy: self.running,
                    unhealthy: 0,
                }],
            };
            monitoring.ingest(&mut cx, &meter(minute as u32, *load), &fleet);
        }
        self.handle(&mut cx, &mut monitoring, Instant::NEVER, &mut log, &mut running_at);
        log
    }

    fn handle(
        &mut self,
        cx: &mut Context<'_>,
        monitoring: &mut Monitoring,
        until: Instant,
        log: &mut Log,
        running_at: &mut impl FnMut(u64, u32) -> Option<u32>,
    ) {
        while let Some(event) = cx.calendar.pop_until(until) {
            let second = cx.now().nanos() / 1_000_000_000;
            self.running = running_at(second, self.desired).unwrap_or(self.running);
            let decisions = match event.what {
                What::Control(ControlEvent::MetricsPublished) => {
                    let view = ServiceView {
                        running: self.running,
                        desired: self.desired,
                        deployment: self.deployment,
                    };
                    monitoring.published(cx, event.extra);
                    monitoring.decide(cx, event.extra, &[view])
                }
                What::Control(ControlEvent::ScheduledScaling) => monitoring
                    .scheduled(cx, ServiceIx(0), self.desired)
                    .into_iter()
                    .collect(),
                other => unreachable!("nobody scheduled {other:?}"),
            };
            for decision in decisions {
                self.desired = decision.to;
                decision.observe(cx);
            }
            for observation in cx.observations.drain(..) {
                match observation {
                    Observation::Happened(event) if event.kind == EventKind::Alarm => {
                        log.push((second, format!("{} → {}", event.from, event.to)));
                    }
                    Observation::Scaled(record) => {
                        log.push((second, format!("{} {} → {}", record.action, record.from, record.to)));
                    }
                    _ => {}
                }
            }
        }
    }
}

fn minutes(parts: &[(usize, Load)]) -> Vec<Load> {
    parts.iter().flat_map(|&(count, load)| vec![load; count]).collect()
}

fn cpu60() -> Vec<TargetTracking> {
    vec![target_tracking(ScalingMetric::Cpu, 60.0)]
}

fn log(entries: &[(u64, &str)]) -> Log {
    entries
        .iter()
        .map(|&(second, text)| (second, text.to_owned()))
        .collect()
}

#[test]
fn target_tracking_scales_out_three_published_minutes_after_a_jump() {
    // 10 tasks at 50 % jump to 88 % at 600 s. Minutes 10, 11 and 12 breach; the last ends at 780 s and is published at
    // 840 s: ceil(10 × 88 / 60) = 15.
    let mut bench = Bench::new(10, cpu60());
    let seen = bench.run(&minutes(&[(10, cpu(50.0)), (3, cpu(88.0))]));
    assert_eq!(seen, log(&[(840, "scale out 10 → 15")]));
}

#[test]
fn stale_minutes_do_not_scale_out_again_while_the_cooldown_lasts() {
    // The five new tasks run at 890 s, so minute 14 on (840 s) is at 58.7 %. The minutes published at 900 s and 960 s
    // still say 88 %: from 15 running that would be 22, but what was added counts as present. One refusal is told.
    let mut bench = Bench::new(10, cpu60());
    let loads = minutes(&[(10, cpu(50.0)), (5, cpu(88.0)), (20, cpu(58.7))]);
    let seen = bench.run_with(&loads, |second, desired| (second >= 890).then_some(desired));
    assert_eq!(seen, log(&[(840, "scale out 10 → 15"), (900, "refused 15 → 15")]));
}

#[test]
fn target_tracking_scales_in_after_fifteen_published_minutes_below_nine_tenths() {
    // From 600 s on at 40 %: minutes 10 to 24 are below 54; the last ends at 1,500 s, published at 1,560 s:
    // ceil(10 × 40 / 60) = 7. The minute published at 1,620 s still says 40 %, for which the cooldown is; the 7 then sit
    // at 57 %, above 54: nothing more.
    let mut bench = Bench::new(10, cpu60());
    let loads = minutes(&[(10, cpu(58.0)), (16, cpu(40.0)), (30, cpu(57.0))]);
    let seen = bench.run_with(&loads, |second, desired| (second >= 1_570).then_some(desired));
    assert_eq!(seen, log(&[(1_560, "scale in 10 → 7"), (1_620, "refused 7 → 7")]));
}

#[test]
fn a_minute_at_exactly_nine_tenths_starts_the_count_again() {
    // Minute 14 is at 54 %: fifteen in a row are 15 to 29, which end at 1,800 s.
    let loads = minutes(&[(14, cpu(40.0)), (1, cpu(54.0)), (16, cpu(40.0))]);
    assert_eq!(
        Bench::new(10, cpu60()).run(&loads)[0],
        (1_860, "scale in 10 → 7".to_owned())
    );
}

#[test]
fn requests_per_target_divides_by_healthy_hosts() {
    // 10 hosts, 15,000 requests a minute: 1,500 for each, target 1,000. Three minutes end at 180 s, published at 240 s.
    let policy = target_tracking(ScalingMetric::RequestCountPerTarget(TargetGroupIx(0)), 1000.0);
    let seen = Bench::new(10, vec![policy]).run(&minutes(&[(3, requests(15_000, 0))]));
    assert_eq!(seen, log(&[(240, "scale out 10 → 15")]));
}

/// Follows the messages of the queue for each running task.
fn backlog_for_each_task(target: f64) -> TargetTracking {
    let metric = |id: &str, metric: Metric| AlarmMetric {
        id: id.into(),
        metric,
        stat: Stat::Average,
    };
    let of_queue = Metric::Queue(QueueIx(0), QueueMetric::MessagesVisible);
    let tasks = Metric::RunningTaskCount(ServiceIx(0));
    let quotient = Expression::Divide(Box::new(Expression::Metric(0)), Box::new(Expression::Metric(1)));
    let math = MetricMath {
        metrics: vec![metric("backlog", of_queue), metric("tasks", tasks)],
        expression: quotient,
    };
    target_tracking(ScalingMetric::Customized(Box::new(math)), target)
}

#[test]
fn a_customized_metric_scales_by_the_backlog_for_each_running_task() {
    // 10 tasks and 1,500 messages: 150 for each, target 100. Three minutes end at 180 s, published at 240 s:
    // ceil(10 × 150 / 100) = 15.
    let mut bench = Bench::new(10, vec![backlog_for_each_task(100.0)]);
    assert_eq!(bench.run(&[backlog(1_500); 3]), log(&[(240, "scale out 10 → 15")]));
}

#[test]
fn with_no_task_running_the_backlog_for_each_has_no_datapoint_and_nothing_is_scaled() {
    let mut bench = Bench::new(0, vec![backlog_for_each_task(100.0)]);
    assert_eq!(bench.run(&[backlog(1_500); 20]), log(&[]));
}

#[test]
fn without_requests_there_is_no_datapoint_and_nothing_is_scaled_in() {
    let policy = target_tracking(ScalingMetric::RequestCountPerTarget(TargetGroupIx(0)), 1000.0);
    let seen = Bench::new(10, vec![policy]).run(&minutes(&[(5, requests(10_000, 0)), (60, requests(0, 0))]));
    assert_eq!(seen, log(&[]));
}

#[test]
fn two_policies_scale_in_only_together() {
    // CPU is low from the start, requests per target only from minute 20 on: minutes 20 to 34 end at 2,100 s.
    let policies = vec![
        cpu60().remove(0),
        target_tracking(ScalingMetric::RequestCountPerTarget(TargetGroupIx(0)), 1000.0),
    ];
    let both = |requests| Load {
        cpu: Some(30.0),
        requests,
        ..Load::default()
    };
    let seen = Bench::new(10, policies).run(&minutes(&[(20, both(10_000)), (15, both(6_000))]));
    assert_eq!(seen, log(&[(960, "refused 10 → 10"), (2_160, "scale in 10 → 6")]));
}

#[test]
fn a_deployment_suspends_scaling_in_only() {
    let mut bench = Bench::new(10, cpu60());
    bench.deployment = Deployment::InProgress;
    assert_eq!(
        bench.run(&minutes(&[(20, cpu(30.0))])),
        log(&[(960, "refused 10 → 10")])
    );
    let mut bench = Bench::new(10, cpu60());
    bench.deployment = Deployment::InProgress;
    assert_eq!(
        bench.run(&minutes(&[(3, cpu(88.0))])),
        log(&[(240, "scale out 10 → 15")])
    );
}

#[test]
fn scheduled_actions_set_bounds_and_clamp_at_once() {
    let mut bench = Bench::new(4, vec![]);
    let action = |second: u64, min_capacity, max_capacity| ScheduledCapacity {
        at: Instant::from_nanos(second * 1_000_000_000),
        min_capacity,
        max_capacity,
    };
    bench.blueprint.services[0].auto_scaling.as_mut().unwrap().scheduled = vec![
        action(90, Some(10), None),
        action(200, None, Some(40)),
        action(300, Some(2), Some(6)),
    ];
    let seen = bench.run(&minutes(&[(10, cpu(50.0))]));
    assert_eq!(seen, log(&[(90, "scale out 4 → 10"), (300, "scale in 10 → 6")]));
}

#[test]
fn the_publication_delay_moves_everything() {
    let mut bench = Bench::new(10, cpu60());
    bench.blueprint.model.cloudwatch.publication_delay = Span::from_secs(150);
    let seen = bench.run(&minutes(&[(10, cpu(50.0)), (3, cpu(88.0))]));
    assert_eq!(seen, log(&[(930, "scale out 10 → 15")]));
}

mod watching;

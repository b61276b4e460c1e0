//! Both planes under the run loop: what clients feel of what the control plane does.

use super::blue_green::blue_green;
use super::harness::{fleet, on_ec2};
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::sim::observation::{Observation, Observer, Outcome, RequestFinished};
use crate::units::{Instant, Ratio, Span};
use std::collections::BTreeMap;

#[derive(Default)]
struct Notes {
    outcomes: BTreeMap<Outcome, u64>,
    /// Requests served by each revision.
    revisions: BTreeMap<u16, u64>,
    deployments: Vec<(&'static str, f64)>,
    tasks_ended: u32,
    last_healthy: u32,
}

impl Observer for Notes {
    fn request_finished(&mut self, request: &RequestFinished) {
        *self.outcomes.entry(request.outcome).or_default() += 1;
        if let Some(by) = request.served_by {
            *self.revisions.entry(by.revision.0).or_default() += 1;
        }
    }
    fn observed(&mut self, observation: Observation) {
        match observation {
            Observation::DeploymentEnded(record) => {
                self.deployments
                    .push((record.outcome, record.ended.map_or(f64::NAN, |ended| ended.seconds())));
            }
            Observation::TaskEnded(_) => self.tasks_ended += 1,
            Observation::ServiceLevels(levels) => self.last_healthy = levels.healthy,
            _ => {}
        }
    }
}

impl Notes {
    fn failed(&self) -> u64 {
        self.outcomes
            .iter()
            .filter(|(outcome, _)| **outcome != Outcome::Served)
            .map(|(_, count)| count)
            .sum()
    }

    fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or(0)
    }
}

/// 40 requests a second of 5 ms of CPU through the balancer, for 600 s.
fn with_traffic(mut blueprint: Blueprint) -> Blueprint {
    blueprint.duration = Span::from_secs(600);
    let work = vec![Step::Cpu(Dist::constant(0.005).expect("valid"))];
    // Checks do nothing, so that they are answered at once.
    blueprint.programs = vec![Program { steps: work }, Program { steps: vec![] }];
    for group in &mut blueprint.target_groups {
        group.health_check.runs = ProgramIx(1);
    }
    let no_retry = Backoff {
        base: Span::ZERO,
        factor: 1.0,
        cap: Span::ZERO,
        jitter: Jitter::None,
    };
    blueprint.traffic = vec![Traffic {
        name: "users".into(),
        to: Destination::LoadBalancer {
            load_balancer: LoadBalancerIx(0),
            listener: 0,
        },
        source: Source::Open {
            profile: RateProfile {
                segments: vec![RateSegment {
                    start: Instant::ZERO,
                    end: Instant::NEVER,
                    from: 40.0,
                    to: 40.0,
                }],
            },
            arrivals: Arrivals::Poisson,
        },
        clients: None,
        journeys: vec![],
        classes: vec![(ClassIx(0), 1.0)],
        timeout: Some(Span::from_secs(30)),
        retry: Retry {
            max_attempts: 1,
            backoff: no_retry,
        },
        guards: Guards::default(),
        direct: Direct::default(),
    }];
    blueprint.classes = vec![RequestClass {
        name: "users".into(),
        traffic: TrafficIx(0),
        priority: Default::default(),
        http: HttpRequest::get("/"),
    }];
    blueprint
}

fn event(blueprint: &mut Blueprint, second: u64, what: Happening) {
    blueprint.events.push(TimedEvent {
        at: Instant::ZERO + Span::from_secs(second),
        what,
    });
}

fn fault(kind: FaultKind, lasting: Option<u64>) -> Happening {
    Happening::Fault(Box::new(Fault {
        label: "fault".into(),
        identity: "fault".into(),
        kind,
        lasting: lasting.map(Span::from_secs),
        course: Course::default(),
    }))
}

fn deploy() -> Happening {
    Happening::Deploy(vec![(ServiceIx(0), RevisionIx(1))])
}

fn noted(blueprint: &Blueprint) -> Notes {
    let mut notes = Notes::default();
    crate::sim::run::run(blueprint, 0, &mut notes);
    notes
}

#[test]
fn a_rolling_deployment_of_a_good_revision_loses_no_request() {
    let mut blueprint = with_traffic(fleet(4));
    event(&mut blueprint, 100, deploy());
    let notes = noted(&blueprint);
    assert_eq!(notes.failed(), 0, "{:?}", notes.outcomes);
    assert_eq!(notes.deployments, [("COMPLETED", 174.0)]);
    assert!(notes.revisions[&0] > 0 && notes.revisions[&1] > 0);
    // Four old ones, and at the horizon the four new ones.
    assert_eq!(notes.tasks_ended, 8);
}

#[test]
fn a_blue_green_deployment_of_a_good_revision_loses_no_request_and_serves_by_one_colour_at_a_time() {
    let mut blueprint = with_traffic(blue_green(4));
    event(&mut blueprint, 100, deploy());
    let notes = noted(&blueprint);
    assert_eq!(notes.failed(), 0, "{:?}", notes.outcomes);
    assert_eq!(notes.deployments, [("COMPLETED", 294.0)]);
    // Shifted at 131 of 600 s: 40/s each side of it, within five standard deviations.
    let (blue, green) = (notes.revisions[&0] as f64, notes.revisions[&1] as f64);
    assert!((blue - 5240.0).abs() < 5.0 * 5240f64.sqrt(), "{blue}");
    assert!((green - 18_760.0).abs() < 5.0 * 18_760f64.sqrt(), "{green}");
}

#[test]
fn a_revision_that_answers_500_is_felt_by_clients_until_it_is_rolled_back_by_alarm() {
    let mut blueprint = with_traffic(blue_green(4));
    blueprint.services[0].revisions[1].operations[0].error_ratio = Ratio::ONE;
    blueprint.model.cloudwatch.phase = Some(0.0);
    blueprint.alarms = vec![Alarm {
        name: "5xx".into(),
        metrics: vec![AlarmMetric {
            id: "m".into(),
            metric: Metric::Target5xx(TargetGroupIx(1)),
            stat: Stat::Sum,
        }],
        expression: Expression::Metric(0),
        comparison: Comparison::GreaterThan,
        threshold: 100.0,
        period: Span::from_secs(60),
        evaluation_periods: 1,
        datapoints_to_alarm: 1,
        missing: MissingData::NotBreaching,
    }];
    blueprint.services[0].deployment.alarms = Some(DeploymentAlarms {
        alarms: vec![AlarmIx(0)],
        rollback: true,
    });
    event(&mut blueprint, 100, deploy());
    let notes = noted(&blueprint);
    // Shifted at 131. The minute that ends at 180 is published at 240; 241: back. Green is gone 42 s later, at 283.
    assert_eq!(notes.deployments, [("ROLLED_BACK", 284.0)]);
    let errors = notes.of(Outcome::ServerError) as f64;
    assert!(
        (errors - 4400.0).abs() < 5.0 * 4400f64.sqrt(),
        "110 s of 40/s: {errors}"
    );
}

#[test]
fn crashed_tasks_cost_only_what_they_had_in_hand() {
    let mut blueprint = with_traffic(fleet(4));
    event(
        &mut blueprint,
        100,
        fault(
            FaultKind::TaskCrash {
                on: Selection::some_of(ServiceIx(0), 2),
            },
            None,
        ),
    );
    let notes = noted(&blueprint);
    assert!(notes.failed() <= 20, "{:?}", notes.outcomes);
    assert_eq!(notes.last_healthy, 4);
}

#[test]
fn a_zone_outage_is_survived_and_the_fleet_is_whole_again() {
    let mut blueprint = with_traffic(fleet(4));
    blueprint.load_balancers[0].zones = vec![ZoneIx(0), ZoneIx(1)];
    event(
        &mut blueprint,
        100,
        fault(FaultKind::ZoneOutage { zone: ZoneIx(1) }, Some(120)),
    );
    let notes = noted(&blueprint);
    assert!(notes.failed() > 0, "clients feel it until checks have failed");
    let total: u64 = notes.outcomes.values().sum();
    assert!(notes.failed() * 10 < total, "{:?}", notes.outcomes);
    assert_eq!(notes.last_healthy, 4);
}

#[test]
fn a_lost_instance_is_survived_too() {
    let mut blueprint = with_traffic(on_ec2(fleet(4), 3));
    event(
        &mut blueprint,
        100,
        fault(
            FaultKind::InstanceLoss {
                group: GroupIx(0),
                count: 1,
            },
            None,
        ),
    );
    let slow = FaultKind::SlowInstance {
        group: GroupIx(0),
        count: 1,
        factor: 3.0,
    };
    event(&mut blueprint, 200, fault(slow, Some(60)));
    let notes = noted(&blueprint);
    let total: u64 = notes.outcomes.values().sum();
    assert!(notes.failed() * 20 < total, "{:?}", notes.outcomes);
    assert_eq!(notes.last_healthy, 4);
}

#[test]
fn an_overloaded_fleet_fails_its_checks_and_is_replaced_although_it_works() {
    // 40/s of 150 ms of CPU are six vCPUs' work for four: queues grow until checks, which wait in them, time out.
    let mut blueprint = with_traffic(fleet(4));
    blueprint.duration = Span::from_secs(200);
    blueprint.programs[0].steps = vec![Step::Cpu(Dist::constant(0.15).expect("valid"))];
    blueprint.services[0].revisions[0].runtime = Runtime::ThreadPool {
        workers: 4,
        backlog: 1000,
    };
    let notes = noted(&blueprint);
    assert!(notes.tasks_ended > 4, "some were replaced: {}", notes.tasks_ended);
}

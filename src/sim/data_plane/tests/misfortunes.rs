//! What befalls a shop of three services that does everything at once: faults, deaths, orders, half a second apart.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::signal::Order;
use crate::units::Ratio;

/// What befalls the shop at a half second.
pub fn misfortune(stage: &mut Stage<'_>, tick: u64) {
    let service = (tick % 3) as usize;
    let zone = FaultKind::ZoneOutage { zone: ZoneIx(1) };
    let latency = FaultKind::AddedLatency {
        between: LatencyScope::Service(ServiceIx(1)),
        delay: constant(0.004),
    };
    match tick % 7 {
        3 => {
            let outage = FaultKind::DependencyOutage {
                dependencies: vec![DependencyIx(0)],
                outage: Outage {
                    share: Ratio::new(0.3).expect("a share"),
                    manner: if tick.is_multiple_of(3) {
                        Unserved::Refused
                    } else {
                        Unserved::Unanswered
                    },
                    slow: 1.0,
                },
            };
            match tick.is_multiple_of(2) {
                true => stage.fault(&outage),
                false => stage.lift(&outage),
            }
        }
        5 => {
            let poison = FaultKind::Poison(Poison {
                service: ServiceIx::from_usize(service),
                revision: None,
                traffic: None,
                classes: vec![],
                share: Ratio::new(0.01).expect("a share"),
                effect: PoisonEffect::Crash { exit_code: 1 },
            });
            match tick.is_multiple_of(2) {
                true => stage.fault(&poison),
                false => stage.lift(&poison),
            }
        }
        _ => {}
    }
    match tick % 13 {
        2 | 7 | 12 => {
            let n = (tick as usize / 3) % 6;
            stage.kill(stage.tasks[service][n]);
            let next = stage.start(service, (n % 2) as u16, 1.0);
            stage.tasks[service].pop();
            stage.tasks[service][n] = next;
            if tick.is_multiple_of(2) {
                stage.publish(service, stage.tasks[service].clone());
            }
        }
        0 | 1 => stage.order(Order::PublishZones {
            load_balancer: LoadBalancerIx((tick / 13 % 2) as u16),
            out: vec![ZoneIx(1); usize::from(tick.is_multiple_of(13))],
        }),
        3 => stage.publish(service, stage.tasks[service].clone()),
        4 => {
            let speed = if tick.is_multiple_of(2) { 0.4 } else { 1.0 };
            stage.order(Order::SetSpeed {
                task: stage.tasks[service][1],
                speed,
            });
        }
        5 if !tick.is_multiple_of(2) => stage.fault(&zone),
        5 => stage.lift(&zone),
        6 if tick.is_multiple_of(2) => stage.fault(&latency),
        6 => stage.lift(&latency),
        8 => stage.fault(&FaultKind::DependencyFailover {
            dependency: DependencyIx(0),
        }),
        11 => {
            let still = tick.is_multiple_of(2);
            let ills = Ills {
                slow: 2.0,
                error_ratio: 0.2,
                motion: if still { Motion::Still } else { Motion::Moving },
                checks: ChecksOfTheIll::Suffer,
            };
            let task = stage.tasks[service][3];
            stage.order(Order::SetSpeed {
                task,
                speed: if still { 0.0 } else { 1.0 },
            });
            let well = (tick / 13).is_multiple_of(2);
            stage.order(Order::Afflict {
                task,
                ills: if well && !still { Ills::NONE } else { ills },
            });
        }
        9 => {
            let task = stage.tasks[service][2];
            for target_group in [TargetGroupIx(0), TargetGroupIx(1)] {
                stage.order(Order::CutOff { target_group, task });
            }
        }
        10 => {
            for (target_group, service) in [(TargetGroupIx(0), 0), (TargetGroupIx(1), 2)] {
                for n in 0..6 {
                    stage.order(Order::CheckTarget {
                        target_group,
                        node: n % 4,
                        task: stage.tasks[service][usize::from(n)],
                        check: tick as u32,
                    });
                }
            }
        }
        _ => {}
    }
}

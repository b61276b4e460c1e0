//! Deployments that shift traffic: which stage comes next, which share of production traffic green gets next, and how
//! long that is looked at.
//!
//! BLUE_GREEN shifts everything at once; LINEAR by equal portions, and the bake time after the one that reaches 100 % is
//! skipped; CANARY a portion first, then the rest [DG:deployment-type-linear] [BC:ecs LinearConfiguration,
//! CanaryConfiguration]. The stages before and of the shift are gone through with every portion. Deliberately not here:
//! when a stage is done (`sim::control_plane::life_cycle`).

use crate::blueprint::{DeploymentStrategy, LifecycleStage, TrafficShare};
use crate::units::Span;

/// Where a deployment stands when its present stage is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    pub stage: LifecycleStage,
    /// Of the production traffic, on green.
    pub share: TrafficShare,
    pub before_each_portion: Repeats,
}

/// Whether the stage before the production shift comes with every portion (ECS) or with the first one only (CodeDeploy).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    Always,
    OnlyTheFirst,
}

/// The stage that follows; `None`: the deployment is complete.
pub fn next_stage(view: &View) -> Option<LifecycleStage> {
    use LifecycleStage::*;
    Some(match view.stage {
        ReconcileService => PreScaleUp,
        PreScaleUp => ScaleUp,
        ScaleUp => PostScaleUp,
        PostScaleUp => TestTrafficShift,
        TestTrafficShift => PostTestTrafficShift,
        PostTestTrafficShift => PreProductionTrafficShift,
        PreProductionTrafficShift => ProductionTrafficShift,
        ProductionTrafficShift if view.share == TrafficShare::ALL => PostProductionTrafficShift,
        ProductionTrafficShift => match view.before_each_portion {
            Repeats::Always => PreProductionTrafficShift,
            Repeats::OnlyTheFirst => ProductionTrafficShift,
        },
        PostProductionTrafficShift => BakeTime,
        BakeTime => CleanUp,
        CleanUp => return None,
    })
}

/// Green's share of production traffic after the next shift.
pub fn next_share(strategy: DeploymentStrategy, share: TrafficShare) -> TrafficShare {
    match strategy {
        DeploymentStrategy::Linear(portion) => share.plus(portion.share),
        DeploymentStrategy::Canary(portion) if share == TrafficShare::NOTHING => portion.share,
        DeploymentStrategy::Canary(_) | DeploymentStrategy::BlueGreen | DeploymentStrategy::Rolling => {
            TrafficShare::ALL
        }
    }
}

/// How long a share is looked at before the next shift.
pub fn bake_after(strategy: DeploymentStrategy, share: TrafficShare) -> Span {
    match strategy {
        DeploymentStrategy::Linear(portion) | DeploymentStrategy::Canary(portion) if share < TrafficShare::ALL => {
            portion.bake
        }
        _ => Span::ZERO,
    }
}

/// All shares that green gets, one after the other, each with how long it is looked at.
pub fn schedule(strategy: DeploymentStrategy) -> Vec<(TrafficShare, Span)> {
    let mut shares = Vec::new();
    let mut share = TrafficShare::NOTHING;
    while share < TrafficShare::ALL {
        share = next_share(strategy, share);
        shares.push((share, bake_after(strategy, share)));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::Portion;

    fn portion(tenths: u32, minutes: u64) -> Portion {
        Portion {
            share: TrafficShare::from_tenths(tenths).expect("a share"),
            bake: Span::from_secs(60 * minutes),
        }
    }

    fn told(strategy: DeploymentStrategy) -> Vec<(u32, f64)> {
        let shares = schedule(strategy).into_iter();
        shares
            .map(|(share, bake)| (share.tenths(), bake.seconds() / 60.0))
            .collect()
    }

    #[test]
    fn linear_shifts_equal_portions_and_skips_the_bake_after_the_last() {
        let quarters = DeploymentStrategy::Linear(portion(250, 6));
        assert_eq!(told(quarters), [(250, 6.0), (500, 6.0), (750, 6.0), (1000, 0.0)]);
    }

    #[test]
    fn the_last_portion_is_what_is_left() {
        // 33.4, 66.8, 100; 3 % takes 33 portions to 99 % and one more.
        let thirds = DeploymentStrategy::Linear(portion(334, 1));
        assert_eq!(told(thirds), [(334, 1.0), (668, 1.0), (1000, 0.0)]);
        assert_eq!(told(DeploymentStrategy::Linear(portion(30, 1))).len(), 34);
        assert_eq!(told(DeploymentStrategy::Linear(portion(1000, 1))), [(1000, 0.0)]);
    }

    #[test]
    fn a_canary_goes_first_and_all_the_rest_follows() {
        assert_eq!(
            told(DeploymentStrategy::Canary(portion(1, 10))),
            [(1, 10.0), (1000, 0.0)]
        );
        assert_eq!(told(DeploymentStrategy::BlueGreen), [(1000, 0.0)]);
    }

    #[test]
    fn the_stages_are_gone_through_in_order_and_those_of_the_shift_with_every_portion() {
        use LifecycleStage::*;
        let quarter = TrafficShare::from_tenths(250).expect("a share");
        let next = |stage, share| {
            next_stage(&View {
                stage,
                share,
                before_each_portion: Repeats::Always,
            })
        };
        for pair in LifecycleStage::ALL.windows(2) {
            assert_eq!(next(pair[0], TrafficShare::ALL), Some(pair[1]));
        }
        assert_eq!(next(CleanUp, TrafficShare::ALL), None);
        assert_eq!(next(ProductionTrafficShift, quarter), Some(PreProductionTrafficShift));
        let once = View {
            stage: ProductionTrafficShift,
            share: quarter,
            before_each_portion: Repeats::OnlyTheFirst,
        };
        assert_eq!(next_stage(&once), Some(ProductionTrafficShift));
    }
}

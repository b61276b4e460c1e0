//! The life cycle of deployments that shift traffic: their stages, and the portions in which traffic moves.
//!
//! Which stage follows which, and when, is `policy::shift`'s; what happens in one is `sim::control_plane::life_cycle`'s.

use crate::units::Span;

/// In AWS's order [DG:blue-green-deployment-how-it-works]. A rolling deployment knows SCALE_UP and BAKE_TIME only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LifecycleStage {
    /// Only with more than one revision in the service: what an earlier deployment has left is cleared away.
    ReconcileService,
    PreScaleUp,
    /// Green to the desired count, without traffic. A rolling deployment replaces here.
    ScaleUp,
    PostScaleUp,
    /// The test listener's rule turns to green.
    TestTrafficShift,
    PostTestTrafficShift,
    /// Before each portion of the production traffic.
    PreProductionTrafficShift,
    ProductionTrafficShift,
    PostProductionTrafficShift,
    /// Both revisions are kept.
    BakeTime,
    /// Blue goes.
    CleanUp,
}

impl LifecycleStage {
    pub const ALL: [LifecycleStage; 11] = [
        LifecycleStage::ReconcileService,
        LifecycleStage::PreScaleUp,
        LifecycleStage::ScaleUp,
        LifecycleStage::PostScaleUp,
        LifecycleStage::TestTrafficShift,
        LifecycleStage::PostTestTrafficShift,
        LifecycleStage::PreProductionTrafficShift,
        LifecycleStage::ProductionTrafficShift,
        LifecycleStage::PostProductionTrafficShift,
        LifecycleStage::BakeTime,
        LifecycleStage::CleanUp,
    ];

    /// [DG:blue-green-deployment-how-it-works]
    pub const fn takes_hooks(self) -> bool {
        !matches!(
            self,
            LifecycleStage::ScaleUp | LifecycleStage::BakeTime | LifecycleStage::CleanUp
        )
    }

    pub const fn name(self) -> &'static str {
        match self {
            LifecycleStage::ReconcileService => "RECONCILE_SERVICE",
            LifecycleStage::PreScaleUp => "PRE_SCALE_UP",
            LifecycleStage::ScaleUp => "SCALE_UP",
            LifecycleStage::PostScaleUp => "POST_SCALE_UP",
            LifecycleStage::TestTrafficShift => "TEST_TRAFFIC_SHIFT",
            LifecycleStage::PostTestTrafficShift => "POST_TEST_TRAFFIC_SHIFT",
            LifecycleStage::PreProductionTrafficShift => "PRE_PRODUCTION_TRAFFIC_SHIFT",
            LifecycleStage::ProductionTrafficShift => "PRODUCTION_TRAFFIC_SHIFT",
            LifecycleStage::PostProductionTrafficShift => "POST_PRODUCTION_TRAFFIC_SHIFT",
            LifecycleStage::BakeTime => "BAKE_TIME",
            LifecycleStage::CleanUp => "CLEAN_UP",
        }
    }
}

/// A share of production traffic in tenths of a percent, the finest that ECS knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficShare(u16);

impl TrafficShare {
    pub const NOTHING: TrafficShare = TrafficShare(0);
    pub const ALL: TrafficShare = TrafficShare(1000);

    /// `None` beyond 100 %.
    pub fn from_tenths(tenths: u32) -> Option<Self> {
        let tenths = u16::try_from(tenths).ok()?;
        (tenths <= Self::ALL.0).then_some(TrafficShare(tenths))
    }

    /// Of a percent: 0 to 1000.
    pub fn tenths(self) -> u32 {
        u32::from(self.0)
    }

    /// This and another one, at most everything.
    pub fn plus(self, other: TrafficShare) -> Self {
        TrafficShare((self.0 + other.0).min(Self::ALL.0))
    }
}

/// `10 %`, `2.5 %`.
impl std::fmt::Display for TrafficShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 % 10 {
            0 => write!(f, "{} %", self.0 / 10),
            tenth => write!(f, "{}.{tenth} %", self.0 / 10),
        }
    }
}

/// A part of the traffic, above nothing, and how long it is looked at before more is shifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    pub share: TrafficShare,
    pub bake: Span,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_a_percent_survives() {
        let share = |tenths| TrafficShare::from_tenths(tenths).expect("a share");
        assert_eq!(share(1).to_string(), "0.1 %");
        assert_eq!(share(33).to_string(), "3.3 %");
        assert_eq!(TrafficShare::ALL.to_string(), "100 %");
        assert_eq!(share(999).plus(share(33)), TrafficShare::ALL);
        assert_eq!(TrafficShare::from_tenths(1001), None);
    }
}

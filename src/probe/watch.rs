//! Counts the requests that each objective is about, in exactly its windows.
//!
//! A latency objective needs no histogram for its verdict: the quantile q is at or below the bound if and only if the
//! share within the bound is at least q. So the count `within` decides, exactly; the coarse histogram only says by how
//! much.

use super::coarse::CoarseHistogram;
use super::record::ObjectiveWindow;
use super::windows::Windows;
use crate::blueprint::{Blueprint, ClassIx, Measure, Objective, Scope};
use crate::sim::observation::{Outcome, RequestFinished};
use crate::units::{Instant, Span};

/// Watches one objective over one run.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    class: Option<ClassIx>,
    /// `None`: not about requests (cost), or about none of the measured time.
    windows: Option<Windows>,
    bound: Span,
    keeps_latencies: bool,
    cells: Vec<ObjectiveWindow>,
}

impl Watch {
    pub(super) fn new(blueprint: &Blueprint, objective: &Objective) -> Self {
        let (start, end) = (blueprint.measured_from(), blueprint.horizon());
        let windows = match objective.scope {
            _ if matches!(objective.measure, Measure::CostPerHour { .. }) => None,
            Scope::Whole => Some(Windows::new(start, end, blueprint.measured())),
            Scope::During(from, to) => {
                let zero = Instant::ZERO + blueprint.warm_up;
                let (from, to) = ((zero + from).max(start), (zero + to).min(end));
                (from < to).then(|| Windows::new(from, to, to.since(from)))
            }
            Scope::Every(width) => Some(Windows::new(start, end, width)),
        };
        let bound = match objective.measure {
            Measure::Latency { at_most, .. } | Measure::MeanLatency { at_most } => at_most,
            Measure::Availability { .. } | Measure::CostPerHour { .. } => Span::FOREVER,
        };
        let cell = |window| {
            let (from, to) = windows.expect("only called for the windows there are").bounds(window);
            let latencies = CoarseHistogram::default();
            ObjectiveWindow {
                from,
                to,
                offered: 0,
                served: 0,
                within: 0,
                latency_sum: 0,
                latencies,
            }
        };
        Watch {
            class: objective.class,
            bound,
            keeps_latencies: matches!(objective.measure, Measure::Latency { .. }) && objective.scope != Scope::Whole,
            cells: (0..windows.map_or(0, |windows| windows.count())).map(cell).collect(),
            windows,
        }
    }

    #[inline]
    pub(super) fn request(&mut self, request: &RequestFinished) {
        if self.class.is_some_and(|class| class != request.class) {
            return;
        }
        let Some(window) = self.windows.as_ref().and_then(|windows| windows.at(request.arrived)) else {
            return;
        };
        let cell = &mut self.cells[window];
        cell.offered += 1;
        if request.outcome == Outcome::Served {
            cell.served += 1;
            cell.within += u64::from(request.latency <= self.bound);
            cell.latency_sum += u128::from(request.latency.nanos());
            if self.keeps_latencies {
                cell.latencies.record(request.latency);
            }
        }
    }

    pub(super) fn into_cells(self) -> Vec<ObjectiveWindow> {
        self.cells
    }
}

//! Blue/green by ECS itself: green beside blue, one shift of the listener rule's weights, bake time, clean-up
//! [DG:blue-green-deployment-how-it-works].
//!
//! Stages without hooks or a test listener take no time, so what is seen is RECONCILE_SERVICE, SCALE_UP, the shift,
//! BAKE_TIME and CLEAN_UP. Blue and green are each kept at the desired count; minimum and maximum percent do not bind
//! them. Until the clean-up an alarm shifts the weights back at once, to the blue that stands beside green; were blue not
//! whole at that moment, it would first be made so, and green would go on answering meanwhile.

use super::ControlPlane;
use super::stepping::Done;
use crate::blueprint::{Action, RevisionIx, ServiceIx, ServiceLoadBalancer, WeightedGroup};
use crate::cluster::deployment::Stage;
use crate::cluster::task::{Stop, StopCode};
use crate::policy::rollout::{self, Starts, Step, Tasks, View};
use crate::sim::context::Context;
use crate::sim::signal::Order;

/// The stage's name; it takes no time, so no pass ever finds a deployment in it.
const TRAFFIC_SHIFT: &str = "PRODUCTION_TRAFFIC_SHIFT";

impl ControlPlane {
    pub(super) fn blue_green_pass(&mut self, cx: &mut Context<'_>, at: ServiceIx) {
        let service = &self.services[at.at()];
        let (primary, production) = (service.primary, service.production);
        let stage = service
            .deployment
            .as_ref()
            .map(|deployment| (deployment.stage, deployment.from, deployment.to));
        match stage {
            None => self.keep(cx, at, &[primary]),
            Some((Stage::Reconcile, ..)) => {
                self.keep(cx, at, &[production]);
                let service = &self.services[at.at()];
                let had_shifted = service.completed.is_some_and(|completed| completed != production);
                let why = if had_shifted {
                    "removing the blue of the superseded deployment"
                } else {
                    "removing the unfinished green"
                };
                self.remove_all_but(cx, at, production, why);
                if self.only_exist(at, production) {
                    self.enter_stage(cx, at, Stage::ScaleUp);
                    self.request_pass(cx, at);
                }
            }
            Some((Stage::ScaleUp, from, to)) => {
                if from == to {
                    self.keep(cx, at, &[to]);
                } else {
                    self.keep(cx, at, &[to, from]);
                }
                if self.all_healthy(cx, at, to) {
                    if from == to {
                        // The service's creation: there is no blue to shift from.
                        self.complete(cx, at);
                    } else {
                        self.tell_deployment(cx, at, Stage::ScaleUp.name(), TRAFFIC_SHIFT, "");
                        self.step_row(cx, at, self.found(at), "shift traffic", "all green tasks are healthy");
                        self.shift(cx, at, to);
                        self.bake(cx, at, TRAFFIC_SHIFT);
                    }
                }
            }
            Some((Stage::Bake { until }, from, to)) => {
                self.keep(cx, at, &[to, from]);
                if until <= cx.now() {
                    self.enter_stage(cx, at, Stage::CleanUp);
                    self.remove_all_but(cx, at, to, "bake time is over");
                }
            }
            Some((Stage::CleanUp, _, to)) => {
                self.keep(cx, at, &[to]);
                self.remove_all_but(cx, at, to, "cleaning up blue");
                if self.only_exist(at, to) {
                    self.complete(cx, at);
                }
            }
            Some((Stage::RollBack, ..)) if production != primary => {
                self.keep(cx, at, &[primary, production]);
                if self.all_healthy(cx, at, primary) {
                    self.shift(cx, at, primary);
                    self.remove_all_but(cx, at, primary, "removing the failed green");
                }
            }
            Some((Stage::RollBack, ..)) => {
                self.keep(cx, at, &[primary]);
                self.remove_all_but(cx, at, primary, "removing the failed green");
                if self.only_exist(at, primary) && self.all_healthy(cx, at, primary) {
                    self.rolled_back(cx, at);
                }
            }
        }
    }

    /// Keeps each colour at the desired count, the last named first, and notes what came of it in one row. Where both
    /// act, the row has the reason of the first named.
    fn keep(&mut self, cx: &mut Context<'_>, at: ServiceIx, colours: &[RevisionIx]) {
        let found = self.found(at);
        let mut told: Option<(Step, Done)> = None;
        for revision in colours.iter().rev() {
            let (step, done) = self.keep_one(cx, at, *revision);
            told = Some(match told {
                Some((before, other)) if other.acted() => (if done.acted() { step } else { before }, done.with(&other)),
                _ => (step, done),
            });
        }
        if let Some((step, done)) = told {
            self.note_step(cx, at, found, &step, &done);
        }
    }

    fn keep_one(&mut self, cx: &mut Context<'_>, at: ServiceIx, revision: RevisionIx) -> (Step, Done) {
        let service = &self.services[at.at()];
        let starts = match self.starts(cx, at) {
            // The throttle and the failure are the primary's.
            Starts::Throttled | Starts::Forbidden if revision != service.primary => Starts::Allowed,
            starts => starts,
        };
        let view = View {
            desired: service.desired,
            minimum_healthy_percent: 100,
            maximum_percent: 200,
            new: self.tasks_of(cx, at, |of| of == revision),
            old: Tasks::default(),
            draining: 0,
            leaving: 0,
            owed: 0,
            starts,
        };
        let step = rollout::decide(&view);
        let done = self.take_step(cx, at, revision, &step);
        // What a colour loses is made good here; nothing is owed.
        self.services[at.at()].owed.clear();
        (step, done)
    }

    /// Stops all tasks of other revisions.
    fn remove_all_but(&mut self, cx: &mut Context<'_>, at: ServiceIx, kept: RevisionIx, why: &str) {
        let stop = Stop {
            code: StopCode::ServiceSchedulerInitiated,
            reason: "Scaling activity initiated by deployment".to_string(),
        };
        let found = self.found(at);
        let stopped = self
            .stop_some(cx, at, u32::MAX, |task| task.revision != kept, &stop)
            .len();
        self.services[at.at()].owed.clear();
        if stopped > 0 {
            self.step_row(cx, at, found, &format!("stop {stopped}"), why);
        }
    }

    fn only_exist(&self, at: ServiceIx, revision: RevisionIx) -> bool {
        self.services[at.at()]
            .tasks
            .iter()
            .all(|id| self.tasks[*id].revision == revision)
    }

    fn all_healthy(&self, cx: &Context<'_>, at: ServiceIx, revision: RevisionIx) -> bool {
        let tasks = self.tasks_of(cx, at, |of| of == revision);
        tasks.healthy >= self.services[at.at()].desired
    }

    /// PRODUCTION_TRAFFIC_SHIFT: the other side of every load balancer takes all requests.
    fn shift(&mut self, cx: &mut Context<'_>, at: ServiceIx, to: RevisionIx) {
        let service = &mut self.services[at.at()];
        service.production = to;
        service.side = service.side.other();
        let side = service.side;
        for load_balancer in &cx.blueprint.services[at.at()].load_balancers {
            if let Some(alternate) = &load_balancer.alternate {
                let groups = weights(cx, load_balancer, side);
                cx.orders.push(Order::SetWeights {
                    rule: alternate.rule,
                    groups,
                });
            }
        }
        self.publish_discovery(cx, at);
    }
}

/// The rule's weights with all of the pair's weight on one side; other groups of the rule keep theirs.
fn weights(
    cx: &Context<'_>,
    load_balancer: &ServiceLoadBalancer,
    side: crate::cluster::service::Side,
) -> Vec<WeightedGroup> {
    let alternate = load_balancer.alternate.as_ref().expect("only pairs are shifted");
    let listener =
        &cx.blueprint.load_balancers[alternate.rule.load_balancer.at()].listeners[usize::from(alternate.rule.listener)];
    let rule = listener.rules.get(usize::from(alternate.rule.rule));
    let Action::Forward(groups) = rule.map_or(&listener.default_action, |rule| &rule.action) else {
        unreachable!("a production listener rule forwards; the scenario's check refuses others")
    };
    let pair = [load_balancer.target_group, alternate.target_group];
    let total: u32 = groups
        .iter()
        .filter(|group| pair.contains(&group.target_group))
        .map(|group| group.weight)
        .sum();
    let mut shifted: Vec<WeightedGroup> = groups
        .iter()
        .copied()
        .filter(|group| !pair.contains(&group.target_group))
        .collect();
    let chosen = side.group(load_balancer);
    shifted.extend(pair.map(|target_group| WeightedGroup {
        target_group,
        weight: if target_group == chosen { total.max(1) } else { 0 },
    }));
    shifted
}

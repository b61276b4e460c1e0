//! Health checks that are not made because their outcome is foregone, and how they are made good.
//!
//! A node that holds a target healthy and has been told that its checks will pass ([`Outlook::Foregone`]) makes none:
//! they would change nothing. Only their rhythm goes on, so that when something befalls the target the number of the
//! last one, the one that would be under way and the time of the next follow from the clock. Checks come before
//! everything else of their instant, so that their place does not depend on when they were scheduled. Not here: when an
//! outcome is foregone, which only the data plane can say.

use super::ControlPlane;
use super::targets::place_of_check;
use crate::blueprint::TargetGroupIx;
use crate::cluster::Task;
use crate::cluster::target_group::{Opinion, Outlook};
use crate::engine::arena::Id;
use crate::sim::context::Context;
use crate::sim::event::{ControlEvent, Event};
use crate::sim::signal::{Order, UnmadeCheck, Whose};
use crate::units::{Instant, Span};

/// Which of a node's two events about a target comes first where they fall on one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckEvent {
    TimesOut,
    IsDue,
}

/// The order of checks and their timeouts within an instant: by registration of the target, then by node.
pub(super) fn order_of(what: CheckEvent, target: u32, node: usize) -> u64 {
    (what as u64) << 62 | u64::from(target) << 16 | node as u64
}

impl ControlPlane {
    pub(super) fn schedule_check(
        &self,
        cx: &mut Context<'_>,
        (what, at): (CheckEvent, Instant),
        (group, position, node): (TargetGroupIx, usize, usize),
    ) {
        let target = &self.target_groups[group.at()].targets[position];
        let event = match what {
            CheckEvent::TimesOut => ControlEvent::TargetCheckTimeout,
            CheckEvent::IsDue => ControlEvent::TargetCheck,
        };
        let event = Event::control(event, target.task, place_of_check(group, node));
        cx.calendar
            .schedule_first(at, order_of(what, target.number, node), event);
    }

    /// A check has passed, and the next ones will: if that is all there is to it, they are not made.
    pub(super) fn rely_on(
        &mut self,
        cx: &Context<'_>,
        (group, position, node): (TargetGroupIx, usize, usize),
        outlook: Outlook,
    ) {
        let Outlook::Foregone { within } = outlook else { return };
        let settings = &cx.blueprint.target_groups[group.at()].health_check;
        let target = &self.target_groups[group.at()].targets[position];
        let revision = &cx.blueprint.services[target.service.at()].revisions[target.revision.at()];
        let passes = revision.defects.fails_health_checks.get() == 0.0;
        let in_time = within < settings.timeout && within < settings.interval;
        let view = &mut self.target_groups[group.at()].targets[position].views[node];
        if passes && in_time && view.opinion == Opinion::Healthy {
            view.outlook = outlook;
        }
    }

    /// Something has befallen these tasks: their checks are made again.
    pub(super) fn stirred(&mut self, cx: &mut Context<'_>, whose: Whose) {
        let mut places = Vec::new();
        let mut add = |at: TargetGroupIx, position: usize| {
            let target = &self.target_groups[at.at()].targets[position];
            let foregone = |node: &usize| target.views[*node].outlook != Outlook::Open;
            if target.is_registered() {
                let nodes = (0..target.views.len()).filter(foregone);
                places.extend(nodes.map(|node| (target.number, (at, position, node))));
            }
        };
        match whose {
            Whose::Of(task) => {
                for at in self.tasks.get(task).map_or(&[][..], |task| &task.registered) {
                    if let Some(position) = self.target_groups[at.at()].position(task) {
                        add(*at, position);
                    }
                }
            }
            Whose::Everyones => {
                for group in &self.target_groups {
                    (0..group.targets.len()).for_each(|position| add(group.group, position));
                }
            }
        }
        // As the checks would have come, had they been made.
        places.sort_unstable();
        for (_, place) in places {
            self.make_good(cx, place);
        }
    }

    /// Counts the checks that were not made, goes on with the one that would be under way, and makes the next one.
    fn make_good(&mut self, cx: &mut Context<'_>, place: (TargetGroupIx, usize, usize)) {
        let (at, position, node) = place;
        let settings = &cx.blueprint.target_groups[at.at()].health_check;
        let target = &mut self.target_groups[at.at()].targets[position];
        let now = cx.now();
        let view = &mut target.views[node];
        let Outlook::Foregone { within } = std::mem::replace(&mut view.outlook, Outlook::Open) else {
            unreachable!("only what was foregone is made good")
        };
        // One that falls on the present would have been made: what has befallen the target has come after it.
        let unmade = now.since(view.sent).nanos() / settings.interval.nanos();
        if unmade == 0 {
            // The next check is still in the calendar.
            return;
        }
        view.sent = view.sent + Span::from_nanos(settings.interval.nanos() * unmade);
        view.check += u32::try_from(unmade).expect("a target has fewer than 2^32 checks");
        let (sent, check) = (view.sent, view.check);
        let under_way = now <= sent + within;
        if under_way {
            view.waiting = Some(sent + settings.timeout);
            cx.orders.push(Order::ResumeCheck(UnmadeCheck {
                target_group: at,
                node: node as u16,
                task: target.task,
                check,
                sent,
                service: target.service,
                revision: target.revision,
                zone: target.zone,
            }));
            self.schedule_check(cx, (CheckEvent::TimesOut, sent + settings.timeout), place);
        }
        self.schedule_check(cx, (CheckEvent::IsDue, sent + settings.interval), place);
    }

    /// Whether a target's checks can be foregone by what this plane knows of it.
    pub(super) fn check_foregone(&self) {
        for group in &self.target_groups {
            for target in group.targets.iter().filter(|target| target.is_registered()) {
                for view in &target.views {
                    let is_quiet = view.opinion == Opinion::Healthy && view.against == 0 && view.waiting.is_none();
                    assert!(
                        view.outlook == Outlook::Open || is_quiet,
                        "a node is not asked only while it holds the target healthy without a doubt"
                    );
                    if view.outlook != Outlook::Open {
                        self.check_serves(target.task);
                    }
                }
            }
        }
    }

    fn check_serves(&self, id: Id<Task>) {
        let serves = self.tasks.get(id).is_some_and(|task| {
            task.silence.is_none()
                && task
                    .containers
                    .iter()
                    .any(|container| container.is_running() && container.ready)
        });
        assert!(serves, "a target whose checks are foregone is a task that serves");
    }
}

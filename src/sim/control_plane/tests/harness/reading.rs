//! What a stage has seen, as tests compare it: seconds and words.

use super::Stage;
use crate::sim::observation::{EventKind, Observation};

impl Stage<'_> {
    /// `(second, decision)` of each row of `deployment_steps` but waits.
    pub fn steps(&self) -> Vec<(f64, String)> {
        self.rows()
            .into_iter()
            .filter(|(_, decision, _)| decision != "wait")
            .map(|(s, decision, _)| (s, decision))
            .collect()
    }

    /// `(second, decision, reason)` of each row of `deployment_steps`.
    pub fn rows(&self) -> Vec<(f64, String, String)> {
        let step = |seen: &Observation| match seen {
            Observation::DeploymentStepped(step) => {
                Some((step.at.seconds(), step.decision.clone(), step.reason.clone()))
            }
            _ => None,
        };
        self.seen.iter().filter_map(step).collect()
    }

    /// `(second, task, to)` of each row of `events.csv` of a kind.
    pub fn happened(&self, kind: EventKind) -> Vec<(f64, Option<u32>, String)> {
        let row = |seen: &Observation| match seen {
            Observation::Happened(event) if event.kind == kind => {
                Some((event.at.seconds(), event.task, event.to.clone()))
            }
            _ => None,
        };
        self.seen.iter().filter_map(row).collect()
    }

    /// When tasks (not those of the steady start) entered a state.
    pub fn entered(&self, state: &str) -> Vec<(f64, u32)> {
        let rows = self.happened(EventKind::Task).into_iter();
        let rows = rows.filter(|(second, _, to)| to == state && *second > 0.0);
        rows.map(|(second, task, _)| (second, task.expect("a row about a task")))
            .collect()
    }

    /// When tasks were created.
    pub fn created(&self) -> Vec<f64> {
        let rows = self
            .happened(EventKind::Task)
            .into_iter()
            .filter(|(.., to)| to == "PROVISIONING");
        rows.map(|(second, ..)| second).collect()
    }

    /// The whole way of one task.
    pub fn way(&self, task: u32) -> Vec<(f64, String)> {
        let rows = self
            .happened(EventKind::Task)
            .into_iter()
            .filter(|(_, of, _)| *of == Some(task));
        rows.map(|(second, _, to)| (second, to)).collect()
    }

    /// What a target's state became.
    pub fn target(&self, task: u32) -> Vec<(f64, String)> {
        let rows = self
            .happened(EventKind::Target)
            .into_iter()
            .filter(|(_, of, _)| *of == Some(task));
        rows.map(|(second, _, to)| (second, to)).collect()
    }

    /// Messages of the service scheduler that contain a text.
    pub fn said(&self, text: &str) -> Vec<f64> {
        let row = |seen: &Observation| match seen {
            Observation::Happened(event) if event.kind == EventKind::Service && event.reason.contains(text) => {
                Some(event.at.seconds())
            }
            _ => None,
        };
        self.seen.iter().filter_map(row).collect()
    }

    /// Outcome and end of each deployment that has ended.
    pub fn outcomes(&self) -> Vec<(&'static str, f64)> {
        let ended = |seen: &Observation| match seen {
            Observation::DeploymentEnded(record) => record.ended.map(|ended| (record.outcome, ended.seconds())),
            _ => None,
        };
        self.seen.iter().filter_map(ended).collect()
    }

    pub fn levels(&self) -> (u32, u32, u32) {
        let counts = &self.control.services[0].counts;
        (counts.pending(), counts.running(), counts.healthy)
    }
}

//! How far the runs are: a bar on a terminal, a line at the beginning elsewhere, nothing under `--quiet`.
//!
//! One tick a run, never an event of a run, so that watching costs nothing.

use super::terminal::Terminal;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

pub struct Progress {
    /// `None` off a terminal.
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Announces so many runs of a scenario.
    pub fn begin(terminal: &Terminal, scenario: &str, runs: usize) -> Self {
        if !terminal.is_watched() {
            let noun = if runs == 1 { "run" } else { "runs" };
            terminal.mention(&format!("{scenario}: {runs} {noun}"));
            return Progress { bar: None };
        }
        let bar = ProgressBar::new(runs as u64);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} runs, {eta} left")
            .expect("the template is well formed");
        bar.set_style(style);
        bar.set_message(scenario.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress { bar: Some(bar) }
    }

    pub fn done(&self, runs: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(runs as u64);
        }
    }

    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

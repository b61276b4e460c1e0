//! How far the runs are: a bar on a terminal, a line at the beginning elsewhere, nothing under `--quiet`.
//!
//! One tick a run, never an event of a run, so that watching costs nothing.

use super::terminal::Terminal;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

pub struct Progress<'a> {
    terminal: &'a Terminal,
    scenario: &'a str,
    /// What is being done with it, if it is done in parts.
    part: Option<&'a str>,
    /// Runs that have been announced.
    announced: usize,
    /// What is being done, if that was said.
    words: String,
    /// `None` off a terminal, and before the first announcement.
    bar: Option<ProgressBar>,
}

impl<'a> Progress<'a> {
    pub fn new(terminal: &'a Terminal, scenario: &'a str) -> Self {
        Progress {
            terminal,
            scenario,
            part: None,
            announced: 0,
            words: String::new(),
            bar: None,
        }
    }

    /// Runs of another kind follow, which are counted by themselves.
    pub fn begins(&mut self, what: &'a str) {
        self.part = Some(what);
        self.announced = 0;
        if let Some(bar) = &self.bar {
            bar.set_message(self.name());
            bar.reset_eta();
        }
    }

    /// The scenario, and what is being done with it if that has parts.
    fn name(&self) -> String {
        match self.part {
            Some(part) => format!("{}, {part}", self.scenario),
            None => self.scenario.to_owned(),
        }
    }

    /// So many runs of so many are done. What was announced may grow.
    pub fn is_at(&mut self, done: usize, of: usize) {
        if of != self.announced {
            self.announce(done, of);
        }
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
        }
    }

    /// So many runs are there from an earlier start, and are not in the estimate of the time left.
    pub fn goes_on_at(&mut self, done: usize, of: usize) {
        if done > 0 {
            let noun = if of == 1 { "run" } else { "runs" };
            let text = format!("{}: {done} of {of} {noun} are there already", self.scenario);
            self.terminal.mention(&text);
        }
        self.announce(0, of);
        if let Some(bar) = &self.bar {
            bar.set_position(done as u64);
            bar.reset_eta();
        }
    }

    fn announce(&mut self, done: usize, runs: usize) {
        self.announced = runs;
        if !self.terminal.is_watched() {
            let noun = if runs == 1 { "run" } else { "runs" };
            let text = match done {
                0 => format!("{}: {runs} {noun}", self.name()),
                _ => format!("{}: not precise enough after {done}, on to {runs} {noun}", self.name()),
            };
            self.terminal.mention(&text);
            return;
        }
        let name = self.name();
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::new(runs as u64);
            let style = ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len} runs, {eta} left")
                .expect("the template is well formed");
            bar.set_style(style);
            bar.set_message(name);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        bar.set_length(runs as u64);
    }

    /// What is being done now, in words, where how much there is to do shows only on the way: said once off a terminal.
    pub fn does(&mut self, words: &str, done: usize, of: usize) {
        if self.terminal.is_watched() {
            if self.bar.is_none() {
                self.announce(done, of);
            }
            if let Some(bar) = &self.bar {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
                if self.words != words {
                    bar.set_message(format!("{}: {words}", self.scenario));
                }
            }
        } else if self.words != words {
            self.terminal.mention(&format!("{}: {words}", self.scenario));
        }
        if self.words != words {
            words.clone_into(&mut self.words);
        }
    }

    /// Runs `speak`, which writes to the terminal, without a bar in the way.
    pub fn aside(&self, speak: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(speak),
            None => speak(),
        }
    }

    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

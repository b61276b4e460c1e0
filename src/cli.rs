//! The command line: arguments in, a library call, results and words out, an exit status.
//!
//! One file a subcommand. Results go to files and to standard output, progress and complaints to standard error.
//! Nothing is computed here that a program using the library would have to compute again.

mod arguments;
mod check;
mod evidence;
mod explain;
mod folder;
mod gallery;
mod interrupt;
mod merge;
mod progress;
mod report;
mod results;
mod run;
mod schema;
mod select;
mod simulate;
mod size;
mod stress;
mod sweep;
mod sweep_folder;
mod sweep_tables;
mod terminal;
mod test;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;
use terminal::Terminal;

// For tests that hold results against expectations without a terminal.
pub use evidence::Results;
pub use simulate::run_once;

/// How a command ended; the number is the process's exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Good = 0,
    /// An objective or an expectation was not met, or a limit ended a run so that it could not be finished.
    NotMet = 1,
    /// The scenario or the arguments are wrong.
    Wrong = 2,
    /// The outside world failed: disk full, no permission.
    WorldFailed = 3,
    /// An objective could be neither affirmed nor denied with the runs that were made.
    Undecided = 4,
    /// Interrupted before anything was finished, as a shell reports it.
    Interrupted = 130,
}

impl Status {
    /// The graver of two endings: a failure of the world over wrong input over unmet over undecided.
    pub fn and(self, other: Status) -> Status {
        let gravity = |status: Status| match status {
            Status::Good => 0,
            Status::Undecided => 1,
            Status::NotMet => 2,
            Status::Wrong => 3,
            Status::WorldFailed => 4,
            Status::Interrupted => 5,
        };
        if gravity(other) > gravity(self) { other } else { self }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// Parses the process's arguments, does what they say, and returns the exit status.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(problem) = arguments.contradiction() {
        problem.exit();
    }
    let terminal = Terminal::new(&arguments.terminal);
    let done = match arguments.command {
        Command::Run(run) => run::run(&terminal, &run),
        Command::Compare(compare) => run::compare(&terminal, &compare.into()),
        Command::Sweep(sweep) => sweep::sweep(&terminal, &sweep),
        Command::Merge(merge) => merge::merge(&terminal, &merge),
        Command::Size(size) => size::size(&terminal, &size),
        Command::Test(test) => test::test(&terminal, &test),
        Command::Stress(stress) => stress::stress(&terminal, &stress),
        Command::Check(check) => check::check(&terminal, &check),
        Command::Schema => schema::schema(&terminal),
        Command::Explain(explain) => explain::explain(&terminal, &explain),
        Command::Report(report) => report::report(&terminal, &report),
        Command::Gallery(gallery) => gallery::gallery(&terminal, &gallery),
    };
    let mut status = done.unwrap_or_else(|error| {
        terminal.complain(&format!("error: {error:#}"));
        Status::WorldFailed
    });
    if let Some(why) = terminal.unsaid() {
        terminal.complain(&format!("error: cannot write to standard output: {why}"));
        status = status.and(Status::WorldFailed);
    }
    status.into()
}

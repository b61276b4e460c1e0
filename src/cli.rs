//! The command line: arguments in, a library call, results and words out, an exit status.

mod arguments;

use arguments::Arguments;
use clap::Parser;
use std::process::ExitCode;

/// Parses the process's arguments.
pub fn main() -> ExitCode {
    let _ = Arguments::parse();
    ExitCode::SUCCESS
}

//! What can be said on the command line. The doc comments are the help texts, written to read well at 80 columns.

use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Simulates microservices on Amazon ECS: what happens at the peak, when a zone
/// dies, when a version is bad, and what it costs.
///
/// A scenario is a YAML file; the smallest has three lines. Start with
///
///   wavetank run scenarios/hello.yaml
#[derive(Debug, Parser)]
#[command(name = "wavetank", version, arg_required_else_help = true, verbatim_doc_comment, after_help = STATUSES)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub terminal: TerminalOptions,
}

impl Arguments {
    /// What options that are right by themselves ask for together and cannot have.
    pub fn contradiction(&self) -> Option<clap::Error> {
        let conflict = |text| Some(Arguments::command().error(clap::error::ErrorKind::ArgumentConflict, text));
        let writes_markdown = matches!(
            self.command,
            Command::Run(_)
                | Command::Compare(_)
                | Command::Size(_)
                | Command::Sweep(_)
                | Command::Merge(_)
                | Command::Test(_)
                | Command::Stress(_)
        );
        match &self.command {
            Command::Compare(compare) if compare.scenarios.len() > 1 && !compare.vary.is_empty() => {
                conflict("`--vary` makes variants of one file, and several are given")
            }
            Command::Sweep(sweep) if sweep.changes.precision.is_some() => {
                conflict("every point of a sweep has the same number of runs: give `--replications`, not `--precision`")
            }
            _ if self.terminal.format == Format::Markdown && !writes_markdown => {
                conflict("`--format markdown` is for run, compare, size, sweep, merge, test and stress")
            }
            _ => None,
        }
    }
}

const STATUSES: &str = "Exit status:
  0  good
  1  an objective or expectation was not met
  2  the scenario or the arguments are wrong (nothing is written)
  3  the outside world failed: disk full, no permission
  4  undecided at the precision reached: more replications would tell";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Simulate scenarios and write tables, charts and a summary
    Run(Run),
    /// Check the expectations that scenarios carry in their `expect:` blocks
    Test(Test),
    /// Say everything that is wrong with scenarios, without running them
    Check(Check),
    /// Run variants, or several files, on the same luck: how they differ
    Compare(Compare),
    /// Run a scenario at many points: grids, lists, Latin hypercubes
    Sweep(Sweep),
    /// Join the parts of a sweep that several processes have made
    Merge(Merge),
    /// Raise the load: the knee, the capacity, and what does not heal
    Stress(Stress),
    /// Find the cheapest candidate that meets the objectives
    Size(Size),
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Explain a diagnostic's code
    Explain(Explain),
    /// Make the page of results that were written before
    Report(Report),
    /// Write the gallery's small results (tables and SVG), or check them
    Gallery(Gallery),
}

#[derive(Debug, Args)]
pub struct TerminalOptions {
    /// How results are printed
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub format: Format,
    /// Print results and complaints only: no progress, no paths
    #[arg(long, short, global = true, help_heading = "Output")]
    pub quiet: bool,
    /// Colours: auto also heeds NO_COLOR and CLICOLOR_FORCE
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Output"
    )]
    pub color: ColorChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
    /// GitHub-flavoured, for pull requests and job summaries
    Markdown,
}

/// What replaces values of the scenario, whichever the command.
#[derive(Clone, Debug, Default, Args)]
pub struct Changes {
    /// Replace a value of the scenario, such as
    /// services.web.desired_count=5 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE", verbatim_doc_comment)]
    pub set: Vec<String>,
    /// Seed of the random draws instead of the scenario's
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Number of runs instead of the scenario's
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub replications: Option<u32>,
    /// Go on, doubling the runs, until figures are known to ± this share,
    /// such as 5% (the mean and the p99, or experiment.precision.of)
    #[arg(long, value_name = "SHARE", verbatim_doc_comment)]
    pub precision: Option<String>,
}

/// How the runs are done; no result depends on it.
#[derive(Clone, Debug, Default, Args)]
pub struct Effort {
    /// Threads to run on; by default one for each core
    #[arg(long, value_name = "NUMBER")]
    pub threads: Option<NonZeroUsize>,
}

#[derive(Clone, Debug, Args)]
pub struct Run {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub changes: Changes,
    /// Compare variants on the same luck: replace a value by each of
    /// several, such as services.web.desired_count=3,5 (repeatable)
    #[arg(long, value_name = "PATH=A,B", verbatim_doc_comment)]
    pub vary: Vec<String>,
    #[command(flatten)]
    pub effort: Effort,
    /// Folder for the results; by default results/<scenario's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// Scenario file, whose variants are compared; or several, of which
    /// the first is what the others are compared with
    #[arg(required = true, value_name = "SCENARIO", verbatim_doc_comment)]
    pub scenarios: Vec<PathBuf>,
    /// Replace a value by each of several, such as
    /// services.web.desired_count=3,5 (repeatable; of one file only); by
    /// default the scenario's own `experiment.compare`
    #[arg(long, value_name = "PATH=A,B", verbatim_doc_comment)]
    pub vary: Vec<String>,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub effort: Effort,
    /// Folder for the results; by default results/<scenario's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Sweep {
    /// Scenario file
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Every combination of these values (repeatable), such as
    /// services.web.desired_count=2,4,8; by default the points of the
    /// scenario's own `experiment.sweep`
    #[arg(long, value_name = "PATH=A,B", verbatim_doc_comment, help_heading = "Points")]
    pub grid: Vec<String>,
    /// Points from a CSV file: paths in its header, a point in each row
    #[arg(long, value_name = "FILE", help_heading = "Points")]
    pub list: Option<PathBuf>,
    /// A range of a Latin hypercube (repeatable), such as
    /// traffic.users.rate=50/s..500/s, or 50/s..500/s:log
    #[arg(long, value_name = "PATH=A..B", verbatim_doc_comment, help_heading = "Points")]
    pub lhs: Vec<String>,
    /// How many points the Latin hypercube has
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        help_heading = "Points"
    )]
    pub points: Option<u32>,
    /// Only the i-th of n shares of the work, such as 2/8; `wavetank merge`
    /// joins them
    #[arg(long, value_name = "I/N", verbatim_doc_comment, help_heading = "Parts")]
    pub shard: Option<String>,
    /// Runs that are kept together: what is lost at most, on each thread,
    /// when the process is killed
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = Sweep::RUNS_PER_PART,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        verbatim_doc_comment,
        help_heading = "Parts"
    )]
    pub runs_per_part: u32,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub effort: Effort,
    /// Folder for parts and results; by default results/NAME-sweep. What
    /// is there already is not done again
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    pub out: Option<PathBuf>,
}

impl Sweep {
    /// Few enough that little is lost, many enough that the disk is not what one waits for.
    pub const RUNS_PER_PART: u32 = 32;
}

#[derive(Clone, Debug, Args)]
pub struct Merge {
    /// Folders that `wavetank sweep --shard` has written to
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Folder for the whole; may be one of them
    #[arg(long, value_name = "DIR", required = true)]
    pub out: PathBuf,
}

#[derive(Clone, Debug, Args)]
pub struct Stress {
    /// Scenario file
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Raise only this traffic, or this kind of request; by default all
    /// together (experiment.stress.load)
    #[arg(long, value_name = "NAME", verbatim_doc_comment)]
    pub load: Option<String>,
    /// Lowest load, as a multiple of the scenario's traffic at its peak
    #[arg(long, value_name = "MULTIPLE")]
    pub from: Option<String>,
    /// Highest load; by default it is doubled until the response collapses
    #[arg(long, value_name = "MULTIPLE")]
    pub to: Option<String>,
    /// Evenly spaced loads, before the answers are narrowed down
    #[arg(long, value_name = "NUMBER")]
    pub levels: Option<String>,
    /// How long each load is measured, such as 5m
    #[arg(long, value_name = "TIME")]
    pub hold: Option<String>,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub effort: Effort,
    /// Folder for the results; by default
    /// results/<scenario's name>-stress
    #[arg(long, value_name = "DIR", verbatim_doc_comment)]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Size {
    /// Scenario file
    #[arg(required = true, value_name = "SCENARIO")]
    pub scenario: PathBuf,
    /// Choose a value among several, such as
    /// services.web.desired_count=2,3,4 (repeatable: every combination);
    /// beside the scenario's own `experiment.size.over`
    #[arg(long, value_name = "PATH=A,B", verbatim_doc_comment)]
    pub over: Vec<String>,
    /// What the choice has to stand, instead of the scenario's own
    /// `experiment.size.through`: zone_loss, each zone in turn
    #[arg(long, value_name = "WHAT-IF", verbatim_doc_comment)]
    pub through: Option<String>,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub effort: Effort,
    /// Folder for the results; by default results/<scenario's name>-size
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Test {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "SCENARIO|DIR")]
    pub scenarios: Vec<PathBuf>,
    /// Also write what was found as JUnit's XML, for CI servers
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub effort: Effort,
}

#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "SCENARIO|DIR")]
    pub scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub changes: Changes,
    /// Print the scenario with every default filled in
    #[arg(long)]
    pub resolved: bool,
}

#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// The code that stands in brackets behind a complaint; all, if absent
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub struct Report {
    /// Folders that `wavetank run` or `wavetank compare` has written
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// Where the page of one folder goes instead of DIR/report.html
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct Gallery {
    /// Scenario files, or folders of them
    #[arg(default_value = "scenarios", value_name = "SCENARIO|DIR")]
    pub scenarios: Vec<PathBuf>,
    /// Write nothing; fail if a committed file differs by a byte
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub effort: Effort,
    /// Folder that holds a folder for each scenario
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
}

impl From<Compare> for Run {
    fn from(compare: Compare) -> Run {
        let Compare {
            scenarios,
            vary,
            changes,
            effort,
            out,
        } = compare;
        Run {
            scenarios,
            changes,
            vary,
            effort,
            out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_help_page_fits_80_columns() {
        fn longest(command: &mut clap::Command) -> usize {
            let help = command.clone().term_width(80).render_long_help().to_string();
            let own = help.lines().map(|line| line.chars().count()).max().unwrap_or(0);
            own.max(command.get_subcommands_mut().map(longest).max().unwrap_or(0))
        }
        let mut command = Arguments::command();
        command.build();
        assert!(
            longest(&mut command) <= 80,
            "a line of help is {} columns wide",
            longest(&mut command)
        );
    }
}

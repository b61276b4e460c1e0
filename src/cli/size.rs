//! `wavetank size`: finds the cheapest candidate that meets the objectives, and says what it did not try.

use super::Status;
use super::arguments::{Format, Size};
use super::folder::{File, Folder, MANIFEST};
use super::interrupt;
use super::progress::Progress;
use super::run::told_paths;
use super::select::{self, quoted};
use super::simulate;
use super::terminal::Terminal;
use crate::blueprint::Blueprint;
use crate::experiment::size::procedure::Ending;
use crate::experiment::size::{Sizing, rules, size as search};
use crate::report::chart::frontier::frontier;
use crate::report::chart::png::Rasteriser;
use crate::report::provenance::{Manifest, Provenance};
use crate::report::{summary, tables};
use crate::scenario::{Candidates, Diagnostics, Scenario};
use std::path::PathBuf;

pub fn size(terminal: &Terminal, size: &Size) -> anyhow::Result<Status> {
    let files = select::files(std::slice::from_ref(&size.scenario))?;
    let settings: Vec<String> = size.over.clone();
    if let Err(why) = select::check_arguments(&files, &size.changes, &[]).and_then(|()| check_choices(&settings)) {
        terminal.complain(&format!("error: {why}"));
        return Ok(Status::Wrong);
    }
    let (scenario, blueprint, candidates) = match chosen_from(size) {
        Ok((found, chosen)) => {
            tell(terminal, size, &found, Status::Good);
            chosen
        }
        Err(found) => {
            tell(terminal, size, &found, Status::Wrong);
            return Ok(Status::Wrong);
        }
    };
    let cancel = interrupt::watch();
    let path = folder(size, &blueprint);
    // Now and not after an hour of simulation.
    let folder = Folder::open(&path)?;
    let goal = blueprint.size.expect("candidates come from a size");
    let mut progress = Progress::new(terminal, &blueprint.name);
    let sizing = search(
        candidates,
        rules(&goal, blueprint.replications),
        &simulate::workers(size.effort.threads),
        &cancel,
        simulate::run_once,
        |words, done, of| progress.does(words, done, of),
    );
    progress.end();
    if sizing.runs == 0 {
        folder.discard();
        terminal.complain(&format!(
            "{}: interrupted before any run was finished; nothing was written",
            blueprint.name
        ));
        return Ok(Status::Interrupted);
    }
    let provenance = Provenance {
        command: command(size),
        scenario: size.scenario.display().to_string(),
        scenario_hash: scenario.hash(),
        settings: size.changes.set.iter().chain(&size.over).cloned().collect(),
    };
    let told = summary::size::Told {
        blueprint: &blueprint,
        sizing: &sizing,
        provenance: &provenance,
    };
    let written = folder.write(&everything(&told));
    match terminal.format {
        Format::Text => terminal.say(&told.text()),
        Format::Markdown => terminal.say_plain(&told.markdown()),
        Format::Json => terminal.say_json(&told.json()),
    }
    let status = standing(&sizing);
    match written {
        Ok(written) => terminal.mention(&told_paths(&path, &written)),
        // What was computed has been told; only the files are missing.
        Err(error) => {
            terminal.complain(&format!("error: {error:#}"));
            return Ok(status.and(Status::WorldFailed));
        }
    }
    Ok(status)
}

/// What is wrong with `--over` itself, whatever the scenario.
fn check_choices(over: &[String]) -> Result<(), String> {
    for choice in over {
        if choice
            .split_once('=')
            .is_none_or(|(path, values)| path.is_empty() || values.is_empty())
        {
            return Err(format!(
                "`{choice}` is not of the form path=values, such as services.web.desired_count=2,3,4"
            ));
        }
    }
    Ok(())
}

type Chosen = (Scenario, Blueprint, Candidates);

/// The scenario as the arguments change it, and its candidates. Errors: everything that is wrong, at once.
fn chosen_from(size: &Size) -> Result<(Diagnostics, Chosen), Diagnostics> {
    let mut scenario = select::changed(&size.scenario, &size.changes)?;
    for choice in &size.over {
        let (path, values) = choice.split_once('=').unwrap_or((choice, ""));
        scenario = scenario.over(path, values)?;
    }
    if let Some(what_if) = &size.through {
        scenario = scenario.with("experiment.size.through", what_if)?;
    }
    // Nobody said what to choose from: the language's own complaint tells how.
    if scenario.resolve().0.is_some_and(|blueprint| blueprint.size.is_none()) {
        scenario = scenario.with("experiment.size", "{}")?;
    }
    let (blueprint, mut found) = scenario.resolve();
    match (blueprint, scenario.candidates()) {
        (Some(blueprint), Ok(Some(candidates))) if !found.has_errors() => {
            Ok((found, (scenario, blueprint, candidates)))
        }
        (_, candidates) => {
            if let Err(more) = candidates {
                found = found.merge(more);
            }
            Err(found)
        }
    }
}

fn tell(terminal: &Terminal, size: &Size, found: &Diagnostics, status: Status) {
    match terminal.format {
        Format::Text | Format::Markdown => select::complain(terminal, found),
        Format::Json if found.is_empty() => {}
        Format::Json => {
            let verdict = select::verdict(&size.scenario, found, None);
            terminal.complain(&select::verdicts(vec![verdict], status).to_string());
        }
    }
}

fn folder(size: &Size, blueprint: &Blueprint) -> PathBuf {
    size.out
        .clone()
        .unwrap_or_else(|| format!("results/{}-size", select::folder_name(&blueprint.name)).into())
}

/// What repeats this on the command line.
fn command(size: &Size) -> String {
    let mut words = vec!["wavetank size".to_owned(), quoted(&size.scenario.display().to_string())];
    let over = size.over.iter().map(|over| ("--over", over.clone()));
    let through = size.through.iter().map(|through| ("--through", through.clone()));
    let options = over.chain(through).chain(select::options(&size.changes));
    words.extend(options.map(|(option, value)| format!("{option} {}", quoted(&value))));
    words.join(" ")
}

fn everything(told: &summary::size::Told) -> Vec<File> {
    let mut files = Vec::new();
    let sizing = told.sizing;
    for table in [
        tables::candidates::candidates(sizing),
        tables::candidates::candidate_objectives(sizing),
    ] {
        files.push(File {
            name: format!("{}.csv", table.schema.name),
            bytes: table.to_csv(),
        });
    }
    let mut json = serde_json::to_vec_pretty(&told.json()).expect("keys are strings");
    json.push(b'\n');
    files.push(File {
        name: "size.json".to_owned(),
        bytes: json,
    });
    if let Some(chart) = frontier(&told.blueprint.name, told.sizing) {
        files.push(File {
            name: format!("{}.png", chart.name),
            bytes: Rasteriser::new().png(&chart.svg),
        });
        files.push(File {
            name: format!("{}.svg", chart.name),
            bytes: chart.svg.into_bytes(),
        });
    }
    let names = files.iter().map(|file| file.name.clone()).collect();
    let looked = told.sizing.selection.looked as usize;
    let manifest = Manifest::new(told.provenance, told.blueprint, looked, names);
    files.push(File {
        name: MANIFEST.to_owned(),
        bytes: manifest.to_json(),
    });
    files
}

fn standing(sizing: &Sizing) -> Status {
    match sizing.selection.ending {
        Ending::Found => Status::Good,
        Ending::NoneFeasible => Status::NotMet,
        // What is known was told, but the question is open.
        Ending::Exhausted | Ending::Interrupted => Status::Undecided,
    }
}

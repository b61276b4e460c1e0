//! `wavetank sweep`: many points, in parts that survive whatever ends the process.

use super::Status;
use super::arguments::Sweep;
use super::progress::Progress;
use super::select;
use super::simulate;
use super::sweep_folder::{Found, PARTS, SweepFolder, alone};
use super::sweep_tables;
use super::terminal::Terminal;
use super::{arguments::Format, interrupt};
use crate::experiment::replicate::replicate;
use crate::experiment::sweep::{Blueprints, Cut, NoShard, Performed, Shard, perform};
use crate::experiment::{Cancel, Workers};
use crate::report::sweep::manifest::{About, Manifest};
use crate::report::sweep::{Layout, PathColumn, Run};
use crate::report::tables::runs;
use crate::report::words::{count, counted};
use crate::scenario::source::{Place, Sources};
use crate::scenario::{Code, Design, Diagnostic, Diagnostics, GivenDesign};
use std::path::PathBuf;

/// A sweep that is right, and of what.
struct Selected {
    design: Design,
    cut: Cut,
    manifest: Manifest,
}

pub fn sweep(terminal: &Terminal, sweep: &Sweep) -> anyhow::Result<Status> {
    let cancel = interrupt::watch();
    let workers = simulate::workers(sweep.effort.threads);
    if let Err(why) = select::check_arguments(std::slice::from_ref(&sweep.scenario), &sweep.changes, &[]) {
        terminal.complain(&format!("error: {why}"));
        return Ok(Status::Wrong);
    }
    let shard = read_shard(sweep.shard.as_deref());
    let selected = select(sweep, &workers, &cancel);
    let (shard, selected) = match (shard, selected) {
        (Ok(shard), Ok((selected, doubts))) => {
            select::tell(terminal, &sweep.scenario, &doubts, Status::Good);
            (shard, selected)
        }
        (shard, selected) => {
            for problems in [shard.err(), selected.err()].into_iter().flatten() {
                select::tell(terminal, &sweep.scenario, &problems, Status::Wrong);
            }
            return Ok(if cancel.requested() {
                Status::Interrupted
            } else {
                Status::Wrong
            });
        }
    };
    let path = sweep
        .out
        .clone()
        .unwrap_or_else(|| default_folder(&selected.manifest.name));
    let folder = SweepFolder::new(&path);
    let manifest = match folder.manifest()? {
        Ok(Some(there)) => match folder.foreign(&there, &selected.manifest) {
            Some(problems) => {
                select::tell(terminal, &sweep.scenario, &problems, Status::Wrong);
                return Ok(Status::Wrong);
            }
            // Its own command began the sweep and stays.
            None => there,
        },
        Ok(None) => selected.manifest.clone(),
        Err(problems) => {
            select::tell(terminal, &sweep.scenario, &problems, Status::Wrong);
            return Ok(Status::Wrong);
        }
    };
    folder.begin(&manifest, shard)?;
    folder.tidy(shard)?;
    let performed = run(terminal, &selected, &manifest, &folder, shard, &workers, &cancel)?;
    end(terminal, &manifest, &selected.cut, &folder, shard, performed)
}

/// Where a sweep goes unless `--out` says otherwise.
fn default_folder(name: &str) -> PathBuf {
    format!("results/{}-sweep", select::folder_name(name)).into()
}

fn read_shard(given: Option<&str>) -> Result<Shard, Diagnostics> {
    let Some(text) = given else { return Ok(Shard::WHOLE) };
    text.parse().map_err(|why: NoShard| {
        let problem = argument_problem("--shard", text, Code::ShardOutOfRange, format!("`{text}` {why}"));
        alone(problem_with(
            problem,
            "`i/n` with i from 1 to n, such as `1/4` to `4/4`",
        ))
    })
}

fn problem_with((problem, sources): (Diagnostic, Sources), expected: &str) -> (Diagnostic, Sources) {
    (problem.expected(expected), sources)
}

fn argument_problem(option: &str, text: &str, code: Code, message: String) -> (Diagnostic, Sources) {
    let mut sources = Sources::default();
    let file = sources.add(option, text);
    let end = text.len() as u32;
    (Diagnostic::new(code, Place { file, start: 0, end }, message), sources)
}

/// The design and what decides its results, with what is doubtful about it.
///
/// Errors: with everything that is wrong with the scenario, the design and its points.
fn select(sweep: &Sweep, workers: &Workers, cancel: &Cancel) -> Result<(Selected, Diagnostics), Diagnostics> {
    let given = GivenDesign {
        grid: sweep.grid.clone(),
        list: sweep.list.clone(),
        latin_hypercube: sweep.lhs.clone(),
        points: sweep.points,
    };
    let (scenario, unread) = select::changed(&sweep.scenario, &sweep.changes)?.with_design(&given);
    let (blueprint, found) = scenario.resolve();
    let found = found.merge(unread);
    let design = match scenario.design() {
        Ok(design) => design,
        Err(more) => return Err(found.merge(more)),
    };
    let Some(blueprint) = blueprint.filter(|_| !found.has_errors()) else {
        return Err(found);
    };
    let Some(design) = design else {
        let name = sweep.scenario.display().to_string();
        let message = "the scenario has no `experiment.sweep`, and no argument gives points";
        let problem = argument_problem(&name, "", Code::EmptyDesign, message.to_owned());
        let expected = "`--grid PATH=A,B,C`, `--list FILE.csv`, or `--lhs PATH=FROM..TO` with `--points NUMBER`";
        return Err(alone(problem_with(problem, expected)));
    };
    // What is wrong with any point is told before the first is run.
    let mut of_points = Vec::new();
    let check = |point| design.resolve(point).1;
    replicate(design.len(), workers, cancel, check, |point, found| {
        of_points.push((point, found))
    });
    if of_points.len() < design.len() {
        return Err(Diagnostics::default());
    }
    let of_points = design.gather(of_points, &found);
    let found = found.merge(of_points);
    if found.has_errors() {
        return Err(found);
    }
    let points = u32::try_from(design.len()).expect("a design has a bounded number of points");
    let cut = Cut::new(points, blueprint.replications, sweep.runs_per_part).expect("the design has counted its runs");
    let column = |path: &crate::scenario::SweptPath| PathColumn {
        path: path.path.clone(),
        dimension: path.dimension,
    };
    let layout = Layout {
        paths: design.paths().iter().map(column).collect(),
        points: (0..design.len()).map(|point| design.values(point)).collect(),
    };
    let about = About {
        name: blueprint.name.clone(),
        command: command(sweep),
        scenario: sweep.scenario.display().to_string(),
        scenario_hash: design.hash(),
        settings: sweep.changes.set.clone(),
        seed: blueprint.seed,
        warm_up_s: blueprint.warm_up.seconds(),
        duration_s: blueprint.duration.seconds(),
    };
    let manifest = Manifest::new(about, &layout, &cut);
    Ok((Selected { design, cut, manifest }, found))
}

/// What repeats this, whichever the shard and the folder.
fn command(sweep: &Sweep) -> String {
    let mut more: Vec<(&str, String)> = Vec::new();
    more.extend(sweep.grid.iter().map(|grid| ("--grid", grid.clone())));
    more.extend(sweep.list.iter().map(|list| ("--list", list.display().to_string())));
    more.extend(sweep.lhs.iter().map(|range| ("--lhs", range.clone())));
    more.extend(sweep.points.map(|points| ("--points", points.to_string())));
    if sweep.runs_per_part != Sweep::RUNS_PER_PART {
        more.push(("--runs-per-part", sweep.runs_per_part.to_string()));
    }
    select::repeating("sweep", &sweep.scenario, &sweep.changes, more)
}

/// Does the shard's parts that are not there.
fn run(
    terminal: &Terminal,
    selected: &Selected,
    manifest: &Manifest,
    folder: &SweepFolder,
    shard: Shard,
    workers: &Workers,
    cancel: &Cancel,
) -> anyhow::Result<Performed> {
    let cut = &selected.cut;
    let mine: Vec<u32> = (0..cut.parts()).filter(|part| shard.has(*part)).collect();
    let mut to_do = Vec::new();
    for part in &mine {
        match folder.part(&manifest.identity, cut, *part)? {
            Found::Whole(_) => {}
            Found::Missing => to_do.push(*part),
            Found::Damaged(why) => {
                terminal.complain(&format!(
                    "warning[{}]: {} is damaged and is made again: {why}",
                    Code::DamagedPart,
                    folder.part_path(*part).display()
                ));
                to_do.push(*part);
            }
        }
    }
    let runs = |parts: &[u32]| parts.iter().map(|part| cut.runs_of(*part).len()).sum::<usize>();
    let (all, left) = (runs(&mine), runs(&to_do));
    let name = if shard.is_whole() {
        manifest.name.clone()
    } else {
        format!("{} {shard}", manifest.name)
    };
    let mut progress = Progress::new(terminal, &name);
    if left > 0 {
        progress.goes_on_at(all - left, all);
    } else if all > 0 {
        terminal.mention(&format!("{name}: {} are there already", counted(all, "run")));
    }
    let blueprints = Blueprints::new(workers.count(), |point| {
        let (blueprint, _) = selected.design.resolve(point as usize);
        blueprint.expect("every point was found right before the first run")
    });
    let one = |place: crate::experiment::sweep::Place| {
        let blueprint = blueprints.of(place.point);
        let record = simulate::run_once(&blueprint, place.replication);
        Run {
            point: place.point,
            replication: place.replication,
            figures: runs::of_run(&blueprint, &record),
        }
    };
    let keep = |part, rows: Vec<Run>| folder.write_part(&manifest.identity, part, &rows, shard);
    let performed = perform(cut, &to_do, workers, cancel, one, keep, |done| {
        progress.is_at(all - left + done, all)
    });
    progress.end();
    let performed = performed?;
    Ok(Performed {
        parts: mine.len() - to_do.len() + performed.parts,
        ..performed
    })
}

/// Says how it stands; makes the tables if all parts are this process's to make and are there.
fn end(
    terminal: &Terminal,
    manifest: &Manifest,
    cut: &Cut,
    folder: &SweepFolder,
    shard: Shard,
    performed: Performed,
) -> anyhow::Result<Status> {
    let mine = (0..cut.parts()).filter(|part| shard.has(*part)).count();
    let place = folder.path().join(PARTS);
    if performed.parts < mine {
        let lost = match performed.lost {
            0 => String::new(),
            lost => format!(" ({} of an unfinished part are made again)", counted(lost, "run")),
        };
        terminal.complain(&format!(
            "{}: interrupted; {} of {} parts are in {}/{lost}; the same command goes on",
            manifest.name,
            count(performed.parts as u64),
            count(mine as u64),
            place.display(),
        ));
        return Ok(Status::Interrupted);
    }
    if shard.is_whole() {
        terminal.mention(&format!("{} in {}/", counted(mine, "part"), place.display()));
        sweep_tables::finish(terminal, folder, manifest, |part| {
            match folder.part(&manifest.identity, cut, part)? {
                Found::Whole(rows) => Ok(rows),
                Found::Missing | Found::Damaged(_) => {
                    anyhow::bail!("{} was altered meanwhile", folder.part_path(part).display())
                }
            }
        })?;
        return Ok(Status::Good);
    }
    let text = format!(
        "{}: shard {shard} is done, {} in {}/\nwhen all are: wavetank merge DIR... --out DIR",
        manifest.name,
        counted(mine, "part"),
        place.display()
    );
    match terminal.format {
        Format::Text | Format::Markdown => terminal.say(&text),
        Format::Json => terminal.say_json(&serde_json::json!({
            "name": manifest.name,
            "command": manifest.command,
            "shard": shard.to_string(),
            "parts": mine,
            "of_parts": cut.parts(),
            "folder": folder.path().display().to_string(),
        })),
    }
    Ok(Status::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_that_does_not_exist_is_a_diagnostic_of_the_argument() {
        for text in ["0/3", "4/3", "1/0", "x"] {
            let found = read_shard(Some(text)).expect_err("it does not exist").to_json();
            assert_eq!(found[0]["code"], "WT1111", "{text}");
            assert_eq!(found[0]["file"], "--shard");
            assert!(found[0]["message"].as_str().is_some_and(|words| words.contains(text)));
        }
        assert_eq!(read_shard(None).map(|shard| shard.is_whole()).ok(), Some(true));
    }
}

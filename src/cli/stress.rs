//! `wavetank stress`: raises the load, writes how the system responds, and says what it bears.

use super::Status;
use super::arguments::{Format, Stress};
use super::folder::{File, Folder, MANIFEST};
use super::progress::Progress;
use super::select::{self, Stressful};
use super::simulate::{self, run_once};
use super::terminal::Terminal;
use super::{interrupt, run};
use crate::experiment::stress::{Effort, Stressed, stress as perform};
use crate::probe::Verdict;
use crate::report::chart::png::Rasteriser;
use crate::report::chart::stress as chart;
use crate::report::provenance::{Manifest, Provenance};
use crate::report::summary::stress as summary;
use crate::report::tables;

pub fn stress(terminal: &Terminal, stress: &Stress) -> anyhow::Result<Status> {
    let Some(selected) = select::stressful(terminal, stress)? else {
        return Ok(Status::Wrong);
    };
    let Stressful {
        calm,
        written,
        provenance,
    } = selected;
    let default = || format!("results/{}-stress", select::folder_name(&written.name)).into();
    let path = stress.out.clone().unwrap_or_else(default);
    // Now and not after an hour of simulation.
    let folder = Folder::open(&path)?;
    let cancel = interrupt::watch();
    let workers = simulate::workers(stress.effort.threads);
    let mut doing = "";
    let mut progress = Progress::new(terminal, &written.name);
    let effort = Effort {
        workers: &workers,
        cancel: &cancel,
        run: run_once,
        progress: |what: &'static str, done, of| {
            if doing != what {
                doing = what;
                progress.begins(what);
            }
            progress.is_at(done, of);
        },
    };
    let stressed = perform(&calm, &written, effort);
    progress.end();
    let Some(stressed) = stressed else {
        folder.discard();
        let name = &written.name;
        terminal.complain(&format!(
            "{name}: interrupted before any load was measured; nothing was written"
        ));
        return Ok(Status::Interrupted);
    };
    let written = folder.write(&everything(&stressed, &calm, &provenance));
    match terminal.format {
        Format::Text => terminal.say(&summary::text(&stressed, &provenance.command)),
        Format::Markdown => terminal.say_plain(&summary::markdown(&stressed, &provenance.command)),
        Format::Json => terminal.say_json(&summary::json(&stressed, &provenance)),
    }
    let status = match stressed.as_written() {
        Some(Verdict::NotMet) => Status::NotMet,
        Some(Verdict::Undecided) => Status::Undecided,
        Some(Verdict::Met) | None => Status::Good,
    };
    match written {
        Ok(written) => terminal.mention(&run::told_paths(&path, &written)),
        // What was computed has been told; only the files are missing.
        Err(error) => {
            terminal.complain(&format!("error: {error:#}"));
            return Ok(status.and(Status::WorldFailed));
        }
    }
    Ok(status)
}

fn everything(stressed: &Stressed, calm: &crate::blueprint::Blueprint, provenance: &Provenance) -> Vec<File> {
    let mut files = Vec::new();
    for table in tables::stress::all(stressed) {
        files.push(File {
            name: format!("{}.csv", table.schema.name),
            bytes: table.to_csv(),
        });
    }
    let rasteriser = Rasteriser::new();
    for chart in chart::all(stressed) {
        files.push(File {
            name: format!("{}.png", chart.name),
            bytes: rasteriser.png(&chart.svg),
        });
        files.push(File {
            name: format!("{}.svg", chart.name),
            bytes: chart.svg.into_bytes(),
        });
    }
    let mut json = serde_json::to_vec_pretty(&summary::json(stressed, provenance)).expect("keys are strings");
    json.push(b'\n');
    files.push(File {
        name: "summary.json".to_owned(),
        bytes: json,
    });
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let names = files.iter().map(|file| file.name.clone()).collect();
    let runs = stressed.levels.iter().map(|level| level.runs.len()).min().unwrap_or(0);
    let manifest = Manifest::new(provenance, calm, runs, names);
    files.push(File {
        name: MANIFEST.to_owned(),
        bytes: manifest.to_json(),
    });
    files
}

//! Everything that a simulated scenario leaves behind, as files in memory.
//!
//! The scenario as written fills the folder itself; beside it stand the comparison and, in `variants/`, the tables of
//! each variant. The manifest lists all of it. Which folder, and how files are written, is not decided here.

use super::folder::{File, MANIFEST};
use super::select::VariantsAre;
use super::simulate::Simulated;
use crate::experiment::replicate::replicate;
use crate::experiment::{Cancel, Outcome, Workers};
use crate::probe::Pool;
use crate::report::chart::png::Rasteriser;
use crate::report::chart::{self, Chart};
use crate::report::provenance::{Manifest, Provenance, Said};
use crate::report::{page, summary, tables, traces};
use std::borrow::Cow;

/// Folder of the variants' tables.
pub(super) const VARIANTS: &str = "variants";

/// What `wavetank run` writes.
pub fn everything(simulated: &Simulated, provenance: &Provenance, said: &Said, workers: &Workers) -> Vec<File> {
    let outcome = simulated.as_written();
    let mut files = tables_and_drawings(simulated, workers);
    let pictures = pictures(&files, workers);
    files.extend(pictures);
    let first = outcome.records.iter().find(|record| record.replication == 0);
    let traces = first.map_or(&[][..], |record| &record.traces.kept);
    files.extend(
        traces::files(&outcome.blueprint, traces)
            .into_iter()
            .map(|(name, bytes)| File {
                name: name.to_owned(),
                bytes,
            }),
    );
    let mut json = serde_json::to_vec_pretty(&summary_json(simulated, provenance)).expect("keys are strings");
    json.push(b'\n');
    files.push(File {
        name: "summary.json".to_owned(),
        bytes: json,
    });
    files.extend(scenario_files(said));
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let names = files.iter().map(|file| file.name.clone());
    let mut names: Vec<String> = names.chain([page::NAME.to_owned()]).collect();
    names.sort();
    let manifest = Manifest::new(provenance, &outcome.blueprint, outcome.records.len(), names);
    files.push(File {
        name: MANIFEST.to_owned(),
        bytes: manifest.to_json(),
    });
    // The page is made of the files as they will lie in the folder, so that the folder told again gives the same bytes.
    let written = files
        .iter()
        .map(|file| (file.name.clone(), Cow::Borrowed(&*file.bytes)));
    let page = page::page("the results", &written.collect()).expect("what was just made is whole");
    files.push(File {
        name: page::NAME.to_owned(),
        bytes: page,
    });
    files
}

/// What was simulated, as it was written and with everything that it implies.
fn scenario_files(said: &Said) -> [File; 3] {
    let text = |name: &str, text: &str| File {
        name: name.to_owned(),
        bytes: text.as_bytes().to_vec(),
    };
    let values = tables::values::values(&said.values);
    [
        text(page::results::SCENARIO, &said.written),
        text(page::results::RESOLVED, &said.resolved),
        File {
            name: format!("{}.csv", values.schema.name),
            bytes: values.to_csv(),
        },
    ]
}

/// Tables and SVG charts: what the gallery keeps, as far as it is small.
pub fn tables_and_drawings(simulated: &Simulated, workers: &Workers) -> Vec<File> {
    let variants = simulated.variants().iter().map(|variant| {
        let folder = format!("{VARIANTS}/{}/", super::select::folder_name(&variant.name));
        (folder, variant)
    });
    let own = (String::new(), simulated.as_written());
    let outcomes: Vec<(String, &Outcome)> = std::iter::once(own).chain(variants).collect();
    let mut files = at_once(outcomes.len(), workers, |at| {
        table_files(&outcomes[at].0, outcomes[at].1)
    });
    if let Some(comparison) = &simulated.comparison {
        let table = tables::comparison::comparison(comparison);
        files.push(File {
            name: format!("{}.csv", table.schema.name),
            bytes: table.to_csv(),
        });
    }
    let drawn = charts(simulated).into_iter();
    files.extend(drawn.map(|chart| File {
        name: format!("{}.svg", chart.name),
        bytes: chart.svg.into_bytes(),
    }));
    files
}

/// Each drawing in pixels.
fn pictures(files: &[File], workers: &Workers) -> Vec<File> {
    let drawings = files
        .iter()
        .filter_map(|file| Some((file.name.strip_suffix(".svg")?, file.bytes.as_slice())));
    let drawings: Vec<(&str, &[u8])> = drawings.collect();
    let rasteriser = Rasteriser::new();
    at_once(drawings.len(), workers, |at| {
        let (name, svg) = drawings[at];
        let svg = std::str::from_utf8(svg).expect("drawings are text");
        vec![File {
            name: format!("{name}.png"),
            bytes: rasteriser.png(svg),
        }]
    })
}

/// What `make` makes of 0 to `count`−1, in order, as many at a time as there are workers.
fn at_once(count: usize, workers: &Workers, make: impl Fn(usize) -> Vec<File> + Sync) -> Vec<File> {
    let mut files = Vec::new();
    // What has been simulated is shown, also after an interruption.
    let never = Cancel::default();
    replicate(count, workers, &never, make, |_, made| files.extend(made));
    files
}

fn table_files(folder: &str, outcome: &Outcome) -> Vec<File> {
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let tables = tables::all(&pool).into_iter();
    tables
        .map(|table| File {
            name: format!("{folder}{}.csv", table.schema.name),
            bytes: table.to_csv(),
        })
        .collect()
}

fn charts(simulated: &Simulated) -> Vec<Chart> {
    let outcome = simulated.as_written();
    let mut charts = chart::all(&Pool::new(&outcome.blueprint, &outcome.records));
    if let Some(comparison) = &simulated.comparison {
        charts.extend(chart::compared(
            &outcome.blueprint.name,
            simulated.variants(),
            comparison,
        ));
    }
    charts
}

/// The summary for the terminal.
pub fn summary_text(simulated: &Simulated, provenance: &Provenance) -> String {
    let outcome = simulated.as_written();
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let mut text = match simulated.variants_are {
        VariantsAre::Changes => summary::text(&pool, simulated.reached.as_ref(), &provenance.command),
        VariantsAre::Files => {
            let runs = simulated.variants().iter();
            runs.map(|it| summary::verdicts_of(&it.name, &Pool::new(&it.blueprint, &it.records)))
                .collect()
        }
    };
    if let Some(comparison) = &simulated.comparison {
        text.push('\n');
        text.push_str(&summary::comparison(comparison));
    }
    if simulated.variants_are == VariantsAre::Files {
        if let Some(reached) = &simulated.reached {
            text.push_str(&summary::precision_reached(reached));
        }
        text.push_str(&summary::repeat(&provenance.command));
    }
    text
}

/// The summary as GitHub-flavoured Markdown.
pub fn summary_markdown(simulated: &Simulated, provenance: &Provenance) -> String {
    let outcome = simulated.as_written();
    let pool = Pool::new(&outcome.blueprint, &outcome.records);
    let run = summary::markdown::text(&pool, simulated.reached.as_ref(), &provenance.command);
    let Some(comparison) = &simulated.comparison else {
        return run;
    };
    let differ = summary::markdown::comparison(comparison);
    match simulated.variants_are {
        VariantsAre::Changes => run + &differ,
        // Who compares two files asks how they differ; how each of them runs is in the files.
        VariantsAre::Files => {
            let verdict = summary::markdown::verdict(comparison);
            let objectives = summary::markdown::objectives(simulated.variants());
            format!(
                "{verdict}{}{objectives}\nRepeat with `{}`\n",
                differ.trim_start(),
                provenance.command
            )
        }
    }
}

/// The summary for programs, with the comparison's rows.
pub fn summary_json(simulated: &Simulated, provenance: &Provenance) -> serde_json::Value {
    let outcome = simulated.as_written();
    let mut json = summary::json(&Pool::new(&outcome.blueprint, &outcome.records), provenance);
    if let Some(comparison) = &simulated.comparison {
        json["comparison"] = tables::comparison::comparison(comparison).to_json();
    }
    if let Some(reached) = &simulated.reached {
        json["precision"] = summary::precision_json(reached);
    }
    json
}

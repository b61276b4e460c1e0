//! The tables and the chart of a whole sweep, made from its parts; the end of `sweep` and of `merge`.
//!
//! Rows go to the disk as they are read, so memory does not grow with the runs. All files are written beside their
//! places and moved there together.

use super::arguments::Format;
use super::interrupt;
use super::sweep_folder::{SweepFolder, beside};
use super::terminal::Terminal;
use crate::experiment::sweep::Shard;
use crate::report::chart::effects::chart;
use crate::report::chart::png::Rasteriser;
use crate::report::sweep::manifest::Manifest;
use crate::report::sweep::{Layout, Run, Sinks, Writer, Written, summary};
use anyhow::Context;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Makes the tables of a sweep all of whose parts `rows` knows, says what they come to, and where they are.
pub fn finish(
    terminal: &Terminal,
    folder: &SweepFolder,
    manifest: &Manifest,
    rows: impl FnMut(u32) -> anyhow::Result<Vec<Run>>,
) -> anyhow::Result<()> {
    let layout = manifest.layout();
    let mut files = Files::default();
    let written = write(&mut files, folder, manifest, &layout, rows)?;
    files.whole(&folder.path().join("points.csv"), &written.points_csv)?;
    if let Some(chart) = chart(&manifest.name, manifest.replications, &written.effects) {
        let png = Rasteriser::new().png(&chart.svg);
        files.whole(&folder.path().join(format!("{}.svg", chart.name)), chart.svg.as_bytes())?;
        files.whole(&folder.path().join(format!("{}.png", chart.name)), &png)?;
    }
    let names = files.rename()?;
    match terminal.format {
        Format::Text => terminal.say(&summary::text(manifest, &written)),
        Format::Markdown => terminal.say_plain(&summary::markdown(manifest, &written)),
        Format::Json => terminal.say_json(&summary::json(manifest, &written)),
    }
    terminal.mention(&format!("wrote {} to {}/", names.join(" "), folder.path().display()));
    Ok(())
}

/// Writes every run's row.
fn write<'l>(
    files: &mut Files,
    folder: &SweepFolder,
    manifest: &Manifest,
    layout: &'l Layout,
    mut rows: impl FnMut(u32) -> anyhow::Result<Vec<Run>>,
) -> anyhow::Result<Written<'l>> {
    let cut = manifest.cut().expect("a manifest that was read or made has a cut");
    let csv = folder.path().join("runs.csv");
    let sinks = Sinks {
        csv: files.open(&csv)?,
        #[cfg(feature = "parquet")]
        parquet: files.open(&folder.path().join("runs.parquet"))?,
    };
    let writing = || format!("cannot write {}", csv.display());
    let mut writer = Writer::new(layout, sinks).with_context(writing)?;
    for part in 0..cut.parts() {
        for run in rows(part)? {
            writer.push(run).with_context(writing)?;
        }
    }
    writer.finish().with_context(writing)
}

/// Files that are written and not yet in their places; what is not moved there is removed again.
#[derive(Default)]
struct Files {
    /// Where each belongs.
    places: Vec<PathBuf>,
}

impl Files {
    fn open(&mut self, path: &Path) -> anyhow::Result<BufWriter<fs::File>> {
        let file = fs::File::create(beside(path, Shard::WHOLE));
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        self.places.push(path.to_owned());
        Ok(BufWriter::with_capacity(1 << 18, file))
    }

    fn whole(&mut self, path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.open(path)?.write_all(bytes);
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Puts all in their places. Returns their names.
    fn rename(mut self) -> anyhow::Result<Vec<String>> {
        let _whole = interrupt::hold();
        let mut names = Vec::new();
        for path in &self.places {
            let beside = beside(path, Shard::WHOLE);
            fs::File::open(&beside)
                .and_then(|file| file.sync_all())
                .and_then(|()| fs::rename(&beside, path))
                .with_context(|| format!("cannot write {}", path.display()))?;
            names.push(path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
        self.places.clear();
        Ok(names)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for path in &self.places {
            // What cannot be removed any more was never made, or has been moved.
            let _ = fs::remove_file(beside(path, Shard::WHOLE));
        }
    }
}

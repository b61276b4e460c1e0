//! `report.html`: one file that answers by itself, offline, on a phone and on paper.
//!
//! The page is a function of the files of a results folder ([`results`]), so a run and a folder told again a year later
//! give the same bytes. Each block of it is a module that turns files into plain words and numbers; the template in
//! `assets/page` only sets them, and escapes everything. Charts are drawn once without script ([`plot`]) and taken over
//! by uPlot for hovering and zooming. However long the run, rows and points are bounded, and what is left out is named.
//!
//! Nothing is measured or judged here: a figure that no file has cannot stand on the page.

mod anatomy;
mod felt;
mod figures;
mod happenings;
mod honesty;
mod needed;
mod plot;
pub mod results;
mod signs;
mod story;
mod timelines;
mod verdict;
mod versus;

use crate::report::words::{counted, duration};
use crate::scenario::Diagnostics;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
pub use results::Files;
use serde::Serialize;
use timelines::Tracks;

/// The file's name.
pub const NAME: &str = "report.html";

const TEMPLATE: &str = include_str!("../../assets/page/page.html");
const STYLE: &str = include_str!("../../assets/page/style.css");
const SCRIPT: &str = include_str!("../../assets/page/script.js");
/// uPlot 1.6.32, MIT; its licence stands in the page beside it.
const UPLOT: &str = include_str!("../../assets/uplot/uPlot.iife.min.js");
const UPLOT_STYLE: &str = include_str!("../../assets/uplot/uPlot.min.css");
const UPLOT_LICENCE: &str = include_str!("../../assets/uplot/LICENSE");

/// What the template sets.
#[derive(Serialize)]
struct Page<'a> {
    style: &'a str,
    script: &'a str,
    uplot: &'a str,
    uplot_style: &'a str,
    uplot_licence: &'a str,
    name: &'a str,
    question: Option<&'a str>,
    setting: String,
    verdict: verdict::Overall,
    stories: story::Stories,
    headline: figures::Headline,
    precision: figures::Precision,
    timelines: timelines::Timelines,
    happenings: happenings::Happenings,
    anatomy: anatomy::Anatomy,
    versus: Option<versus::Versus>,
    bill: versus::Bill,
    honesty: honesty::Honesty,
    origin: honesty::Origin,
}

/// The page of a results folder, which complaints call `folder`.
///
/// Errors: everything that is wrong with the folder.
pub fn page(folder: &str, files: &Files) -> Result<Vec<u8>, Diagnostics> {
    let results = results::read(folder, files)?;
    let tracks = Tracks::of(&results);
    let stories = story::stories(&results, &tracks);
    let (marks, marks_left_out) = story::marks(&results);
    let page = Page {
        style: STYLE,
        script: SCRIPT,
        uplot: UPLOT,
        uplot_style: UPLOT_STYLE,
        uplot_licence: UPLOT_LICENCE,
        name: results.name(),
        question: results.summary["question"].as_str(),
        setting: setting(&results),
        verdict: verdict::overall(&results, &stories),
        headline: figures::headline(&results),
        precision: figures::precision(&results),
        timelines: timelines::timelines(&results, &tracks, marks, marks_left_out),
        happenings: happenings::happenings(&results),
        anatomy: anatomy::anatomy(&results),
        versus: versus::versus(&results),
        bill: versus::bill(&results),
        honesty: honesty::honesty(&results),
        origin: honesty::origin(&results),
        stories,
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment
        .add_template("page", TEMPLATE)
        .expect("the template is part of the program and was tried");
    let template = environment.get_template("page").expect("it was just added");
    let text = template
        .render(Serde(&page))
        .expect("the template asks for what it is given");
    Ok(text.into_bytes())
}

/// `10 runs of 2 h after 10 min of warm-up, seed 42`.
fn setting(results: &results::Results) -> String {
    let warm_up_s = results.manifest["warm_up_s"].as_f64().unwrap_or(0.0);
    let warm_up = if warm_up_s > 0.0 {
        format!(" after {} of warm-up", duration(warm_up_s))
    } else {
        String::new()
    };
    format!(
        "{} of {}{warm_up}, seed {}",
        counted(results.replications(), "run"),
        duration(results.duration_s()),
        results.manifest["seed"]
    )
}

#[cfg(test)]
mod tests;

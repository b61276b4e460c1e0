//! What a sweep comes to, in a few lines: its points where they are few, and what each path does to the responses.

use super::effects::{Effect, LevelEffect};
use super::manifest::Manifest;
use super::{PointRow, Written};
use crate::report::table::Value;
use crate::report::tables::runs::{POINTS, POINTS_BEFORE_PATHS, RESPONSES};
use crate::report::words::{aligned, counted, short};
use serde_json::json;

/// More points than this are left to points.csv.
const POINTS_SHOWN: usize = 24;
/// A table of points wider than this is left out too.
const WIDTH: usize = 80;
/// Paths whose effects are told, the strongest first.
const EFFECTS_SHOWN: usize = 6;

/// For the terminal, in 80 columns.
pub fn text(manifest: &Manifest, written: &Written) -> String {
    let mut text = format!("{}\n", head(manifest));
    if let Some(table) = points_table(manifest, &written.points) {
        text.push('\n');
        for (at, path) in manifest.paths.iter().enumerate() {
            text.push_str(&format!("  {}: {}\n", letter(at), path.path));
        }
        text.push_str(&aligned_rows(&table));
    }
    for (response, label) in LABELS.iter().enumerate() {
        let effects = strongest(written.effects.on(response));
        if effects.is_empty() {
            continue;
        }
        text.push_str(&format!("\n{label}, by path (mean over all other values):\n"));
        let rows: Vec<Vec<String>> = effects.iter().map(|effect| effect_row(effect, response)).collect();
        text.push_str(&aligned_rows(&rows));
    }
    text.push_str(&format!("\nrepeat with: {}\n", manifest.command));
    text
}

/// As GitHub-flavoured Markdown.
pub fn markdown(manifest: &Manifest, written: &Written) -> String {
    let mut text = format!("## {}\n\n", head(manifest));
    let piped = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    if let Some(mut table) = points_table(manifest, &written.points) {
        for (at, path) in manifest.paths.iter().enumerate() {
            table[0][at + 1] = format!("`{}`", path.path);
        }
        text.push_str(&piped(&table[0]));
        text.push_str(&format!("|{}\n", "---|".repeat(table[0].len())));
        table[1..].iter().for_each(|row| text.push_str(&piped(row)));
        text.push('\n');
    }
    for (response, label) in LABELS.iter().enumerate() {
        let effects = strongest(written.effects.on(response));
        if effects.is_empty() {
            continue;
        }
        text.push_str(&format!("| path | {label}: lowest | highest |\n|---|---|---|\n"));
        for effect in effects {
            let row = effect_row(&effect, response);
            text.push_str(&format!("| `{}` | {} | {} |\n", row[0], row[1], row[3]));
        }
        text.push('\n');
    }
    text.push_str(&format!("`{}`\n", manifest.command));
    text
}

/// For programs: the manifest's facts and the points' rows.
pub fn json(manifest: &Manifest, written: &Written) -> serde_json::Value {
    let points = written.points.iter().map(|row| {
        let values = manifest.paths.iter().zip(&row.values);
        let values: serde_json::Map<String, serde_json::Value> = values
            .map(|(path, value)| (path.path.clone(), value.as_str().into()))
            .collect();
        let mut object = serde_json::Map::new();
        object.insert("point".to_owned(), row.point.into());
        object.insert("values".to_owned(), values.into());
        let figures = POINTS.columns[POINTS_BEFORE_PATHS..].iter().zip(&row.figures);
        object.extend(figures.map(|(column, value)| (column.name.to_owned(), value.into())));
        serde_json::Value::Object(object)
    });
    json!({
        "name": manifest.name,
        "command": manifest.command,
        "seed": manifest.seed,
        "replications": manifest.replications,
        "runs": manifest.runs,
        "points": points.collect::<Vec<_>>(),
    })
}

const LABELS: [&str; RESPONSES.len()] = ["p99 latency (ms)", "Failed requests (%)", "Cost (USD/h)"];

fn head(manifest: &Manifest) -> String {
    format!(
        "{}: {} of {} each, {}",
        manifest.name,
        counted(manifest.points.len(), "point"),
        counted(manifest.replications as usize, "run"),
        counted(manifest.paths.len(), "path")
    )
}

/// Paths by letters: `a` to `z`.
fn letter(path: usize) -> char {
    char::from(b'a' + (path % 26) as u8)
}

/// Head and rows, a row for each point; `None` if they are too many or too wide.
fn points_table(manifest: &Manifest, points: &[PointRow]) -> Option<Vec<Vec<String>>> {
    if points.len() > POINTS_SHOWN || manifest.paths.len() > 26 {
        return None;
    }
    let mut head = vec!["point".to_owned()];
    head.extend((0..manifest.paths.len()).map(|at| letter(at).to_string()));
    head.extend(["p99 ms", "±", "failed %", "USD/h"].map(str::to_owned));
    let mut table = vec![head];
    for row in points {
        let number = |name: &str| row.figure(name).as_number();
        let cell = |number: Option<f64>, digits| number.map_or("-".to_owned(), |number| aligned(number, digits));
        let half = number("p99_ms_high").zip(number("p99_ms_low"));
        let mut cells = vec![row.point.to_string()];
        cells.extend(row.values.iter().cloned());
        cells.push(cell(number("p99_ms"), 3));
        cells.push(cell(half.map(|(high, low)| 0.5 * (high - low)), 2));
        cells.push(number("failed_share").map_or("-".to_owned(), |share| short(100.0 * share, 3)));
        cells.push(cell(number("cost_usd_per_hour"), 3));
        table.push(cells);
    }
    let wide = aligned_rows(&table).lines().any(|line| line.chars().count() > WIDTH);
    (!wide).then_some(table)
}

/// Columns in line, numbers to the right.
fn aligned_rows(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let blank = " ".repeat(width - cell.chars().count());
            // Words to the left, whatever begins like a number to the right.
            if cell.starts_with(char::is_alphabetic) && !rows[0].contains(cell) {
                format!("{cell}{blank}")
            } else {
                format!("{blank}{cell}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(&format!("  {}\n", line.trim_end()));
    }
    text
}

/// Lowest and highest mean along a path.
fn ends(effect: &Effect) -> Option<[(&LevelEffect, f64); 2]> {
    let means = || {
        effect
            .levels
            .iter()
            .filter_map(|level| Some((level, level.mean?.value)))
    };
    let lowest = means().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let highest = means().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some([lowest, highest])
}

/// Those that move the response, the strongest first.
fn strongest(effects: Vec<Effect>) -> Vec<Effect> {
    let reach = |effect: &Effect| ends(effect).map_or(0.0, |[(_, low), (_, high)]| high - low);
    let mut moving: Vec<Effect> = effects.into_iter().filter(|effect| reach(effect) > 0.0).collect();
    moving.sort_by(|a, b| reach(b).total_cmp(&reach(a)));
    moving.truncate(EFFECTS_SHOWN);
    moving
}

/// `services.web.desired_count   12.3 at 8   to   41.2 at 2`.
fn effect_row(effect: &Effect, response: usize) -> Vec<String> {
    let scale = if RESPONSES[response] == "failed_share" {
        100.0
    } else {
        1.0
    };
    let end = |level: &LevelEffect, mean: f64| format!("{} at {}", short(scale * mean, 3), level.name);
    match ends(effect) {
        Some([(low, lowest), (high, highest)]) => {
            vec![
                effect.path.clone(),
                end(low, lowest),
                "to".to_owned(),
                end(high, highest),
            ]
        }
        None => vec![effect.path.clone(), Value::Missing.cell(), String::new(), String::new()],
    }
}

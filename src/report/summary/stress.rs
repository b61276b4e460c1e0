//! How much a scenario bears: capacity, knee and the fragile region first, each with what it means to whoever is on call.

use super::{WIDTH, labelled, markdown, style};
use crate::experiment::stress::{Bracket, Level, Shocked, Stressed};
use crate::probe::{Estimate, Verdict};
use crate::report::chart::stress::shock_in_words;
use crate::report::provenance::{FORMAT, Provenance};
use crate::report::tables;
use crate::report::words::{counted, duration, share, short};
use serde_json::{Value, json};

/// For the terminal.
pub fn text(stressed: &Stressed, command: &str) -> String {
    let mut text = format!("{}: {}\n\n", style::bold(&stressed.name), head(stressed));
    for (label, answer) in answers(stressed) {
        let words = match answer.mood {
            Mood::Good => style::good(&answer.found),
            Mood::Bad => style::bad(&answer.found),
            Mood::Doubtful => style::doubtful(&answer.found),
            Mood::Plain => style::bold(&answer.found),
        };
        text.push_str(&labelled(label, &format!("{words}; {}", answer.means)));
    }
    text.push('\n');
    text.push_str(&columns(
        &LEVEL_HEADER,
        stressed.levels.iter().map(level_cells).collect(),
    ));
    if let Some(shocks) = &stressed.shocks {
        let told = format!(
            "\nAfter {}, watched for {}:\n",
            shock_in_words(stressed),
            duration(shocks.shock.recovery.seconds())
        );
        text.push_str(&told);
        text.push_str(&columns(&SHOCK_HEADER, shocks.loads.iter().map(shock_cells).collect()));
    }
    text.push_str(&format!("\n{}", labelled("Ramp", &ramp(stressed))));
    if stressed.interrupted {
        let words = style::doubtful("interrupted: the loads that were not finished are missing");
        text.push_str(&labelled("Note", &words));
    }
    text + &super::repeat(command)
}

/// For pull requests.
pub fn markdown(stressed: &Stressed, command: &str) -> String {
    let mut text = format!("### {}, under stress\n\n{}\n", stressed.name, head(stressed));
    let rows = answers(stressed).map(|(label, answer)| vec![label.to_owned(), answer.found, answer.means]);
    text.push_str(&markdown::table(&["", "load", "which means"], 3, rows.to_vec()));
    let levels = stressed
        .levels
        .iter()
        .map(|level| level_cells(level).to_vec())
        .collect();
    text.push_str(&markdown::table(&LEVEL_HEADER, 0, levels));
    if let Some(shocks) = &stressed.shocks {
        text.push_str(&format!("\nAfter {}:\n", shock_in_words(stressed)));
        let rows = shocks.loads.iter().map(|it| shock_cells(it).to_vec()).collect();
        text.push_str(&markdown::table(&SHOCK_HEADER, 0, rows));
    }
    text.push_str(&format!("\nRamp: {}\n\nRepeat with `{command}`\n", ramp(stressed)));
    text
}

/// For programs: the answers, and rows with the columns of the tables of the same names.
pub fn json(stressed: &Stressed, provenance: &Provenance) -> Value {
    let bracket = |it: &Option<Bracket>| it.map(|it| json!({ "load": it.load, "low": it.low, "high": it.high }));
    let fragile = stressed.shocks.as_ref().and_then(|shocks| shocks.fragile_from());
    let mut json = json!({
        "format": FORMAT,
        "wavetank": env!("CARGO_PKG_VERSION"),
        "name": stressed.name,
        "command": provenance.command,
        "scenario_hash": provenance.scenario_hash,
        "seed": stressed.seed,
        "replications": stressed.replications,
        "interrupted": stressed.interrupted,
        "raised": stressed.raised,
        "requests_per_s_at_load_1": stressed.rate,
        "verdict_at_load_1": stressed.as_written().map(Verdict::name),
        "knee": bracket(&stressed.knee),
        "saturation": bracket(&stressed.saturation),
        "capacity": { "met_to": stressed.capacity.met_to, "not_met_from": stressed.capacity.not_met_from },
        "fragile_from": fragile.map(|(healed, down)| json!({ "all_back_to": healed, "some_down_from": down })),
        "ways_differ": stressed.branches.as_ref().and_then(|it| it.region()).map(|(low, high)| json!({ "low": low, "high": high })),
    });
    for table in tables::stress::all(stressed) {
        json[table.schema.name] = table.to_json();
    }
    json
}

/// What was found, how good it is, and what it means.
struct Answer {
    found: String,
    mood: Mood,
    means: String,
}

enum Mood {
    Good,
    Bad,
    Doubtful,
    Plain,
}

fn head(stressed: &Stressed) -> String {
    let of = stressed
        .raised
        .as_ref()
        .map_or(String::new(), |name| format!(" of {name}"));
    let rate = if stressed.rate > 0.0 {
        format!("; load 1 is {} requests/s in all", short(stressed.rate, 3))
    } else {
        String::new()
    };
    format!(
        "{} {of}in {} each, seed {}{rate}",
        counted(stressed.levels.len(), "load"),
        counted(stressed.replications as usize, "run"),
        stressed.seed
    )
    .replace("  ", " ")
}

fn answers(stressed: &Stressed) -> [(&'static str, Answer); 4] {
    [
        ("Capacity", capacity(stressed)),
        ("Knee", knee(stressed)),
        ("Fragile", fragile(stressed)),
        ("Saturation", saturation(stressed)),
    ]
}

/// `1.25`, and in brackets how many requests a second that are.
fn load(stressed: &Stressed, load: f64) -> String {
    if stressed.rate > 0.0 && stressed.raised.is_none() {
        format!("{} ({}/s)", short(load, 4), short(load * stressed.rate, 3))
    } else {
        short(load, 4)
    }
}

fn between(it: &Bracket) -> String {
    match (it.low, it.high) {
        (Some(low), Some(high)) => format!("between {} and {}", short(low, 4), short(high, 4)),
        (None, Some(high)) => format!("below {}", short(high, 4)),
        (Some(low), None) => format!("above {}", short(low, 4)),
        (None, None) => "anywhere in what was tried".to_owned(),
    }
}

fn capacity(stressed: &Stressed) -> Answer {
    let asked = match stressed.objectives.len() {
        0 => format!("{} of the requests are served", share(stressed.settings.served.get())),
        1 => format!("“{}” is met", stressed.objectives[0].name),
        count => format!("all {count} objectives are met"),
    };
    let not_met = match stressed.objectives.len() {
        0 => "they are not",
        _ => "not",
    };
    let it = stressed.capacity;
    let found = match (it.met_to, it.not_met_from) {
        (Some(met), Some(not)) => format!(
            "load {}: up to it {asked}, from {} on {not_met}",
            load(stressed, met),
            short(not, 4)
        ),
        (Some(met), None) => format!("at least load {}: up to it {asked}", load(stressed, met)),
        (None, Some(not)) => format!("below load {}, the lowest tried: {not_met} that {asked}", short(not, 4)),
        (None, None) => format!("undecided whether {asked} under any load"),
    };
    let (mood, means) = match stressed.as_written() {
        Some(Verdict::Met) => {
            let room = it.met_to.map_or(0.0, |met| met - 1.0);
            let room = format!(
                "the scenario's own load leaves room for {} % more",
                short((100.0 * room).round(), 3)
            );
            (Mood::Good, room)
        }
        Some(Verdict::NotMet) => (Mood::Bad, "the scenario's own load, 1, is too much".to_owned()),
        Some(Verdict::Undecided) => (
            Mood::Doubtful,
            "whether the scenario's own load, 1, is too much is undecided: ask for more runs".to_owned(),
        ),
        None => (
            Mood::Plain,
            "the scenario's own load, 1, was not among those tried".to_owned(),
        ),
    };
    Answer { found, mood, means }
}

fn knee(stressed: &Stressed) -> Answer {
    let Some(it) = &stressed.knee else {
        return Answer {
            found: "none".to_owned(),
            mood: Mood::Bad,
            means: "nothing was served under any load".to_owned(),
        };
    };
    Answer {
        found: format!("load {}, {}", load(stressed, it.load), between(it)),
        mood: Mood::Plain,
        means: "above it waiting grows faster than what is served: a good place for scaling to begin".to_owned(),
    }
}

fn saturation(stressed: &Stressed) -> Answer {
    match &stressed.saturation {
        Some(it) => {
            let highest = stressed.levels.iter().map(Level::goodput).fold(0.0, f64::max);
            Answer {
                found: format!("load {}, {}", load(stressed, it.load), between(it)),
                mood: Mood::Plain,
                means: format!(
                    "more requests bring no more answers; no more than {}/s were served under any load",
                    short(highest, 4)
                ),
            }
        }
        None => Answer {
            found: "not reached".to_owned(),
            mood: Mood::Plain,
            means: "what is served still grows at the highest load tried".to_owned(),
        },
    }
}

fn fragile(stressed: &Stressed) -> Answer {
    let unknown = |means: &str| Answer {
        found: "not known".to_owned(),
        mood: Mood::Doubtful,
        means: means.to_owned(),
    };
    let Some(shocks) = &stressed.shocks else {
        return unknown("no load was shocked");
    };
    if !shocks.are_known() {
        return unknown("the shock lasts until the end of the runs, or nothing was seen before it");
    }
    let after = shock_in_words(stressed);
    let Some((healed, down)) = shocks.fragile_from() else {
        let most = shocks.loads.iter().rfind(|it| it.known > 0);
        let bound = most.and_then(|it| it.down_share).map_or(String::new(), |share| {
            format!(
                " (at most {} % of the runs at the highest, at 95 %)",
                short(100.0 * share.high, 2)
            )
        });
        return Answer {
            found: "no load found".to_owned(),
            mood: Mood::Good,
            means: format!(
                "after {after} every run came back, up to load {}{bound}",
                short(most.map_or(0.0, |it| it.load), 4)
            ),
        };
    };
    let from = match healed {
        Some(healed) => format!("between {} and {}", short(healed, 4), short(down, 4)),
        None => format!("{} or below", short(down, 4)),
    };
    let worst = shocks.loads.iter().rfind(|it| it.cause.is_some());
    let cause = worst.and_then(|it| it.cause).map_or(String::new(), |cause| {
        format!(", kept down by {}", cause.replace('_', " "))
    });
    Answer {
        found: format!("from load {from} on"),
        mood: Mood::Bad,
        means: format!(
            "there {after} can leave it down for good{cause}; to end it, shed load to below {}",
            short(healed.unwrap_or(down), 4)
        ),
    }
}

fn ramp(stressed: &Stressed) -> String {
    let Some(branches) = &stressed.branches else {
        return "not made: the load cannot change while a run lasts, or it was interrupted".to_owned();
    };
    let course = format!(
        "up in steps of {}, for a moment to load {}, and down again",
        duration(branches.hold.seconds()),
        short(branches.top, 3)
    );
    match branches.region() {
        None => format!("{course}: both ways serve the same"),
        Some((low, high)) if low == high => format!("{course}: at load {} the way down serves less", short(low, 4)),
        Some((low, high)) => format!(
            "{course}: from load {} to {} the way down serves less (hysteresis)",
            short(low, 4),
            short(high, 4)
        ),
    }
}

const LEVEL_HEADER: [&str; 8] = [
    "load",
    "offered/s",
    "served/s",
    "failed",
    "mean ms",
    "p99 ms",
    "attempts",
    "verdict",
];

fn level_cells(level: &Level) -> [String; 8] {
    let cell = |estimate: Option<Estimate>| estimate.map_or("–".to_owned(), |it| short(it.value, 3));
    let spread = |estimate: Option<Estimate>| {
        let half = estimate
            .and_then(|it| it.interval())
            .map(|(low, high)| (high - low) / 2.0);
        half.map_or_else(
            || cell(estimate),
            |half| format!("{} ± {}", cell(estimate), short(half, 1)),
        )
    };
    [
        short(level.load, 4),
        cell(level.offered),
        spread(level.served),
        level.failed.map_or("–".to_owned(), |it| share_failed(it.value)),
        spread(level.mean_ms),
        cell(level.p99_ms),
        level.attempts.map_or("–".to_owned(), |it| format!("{:.2}", it.value)),
        level.verdict.name().to_owned(),
    ]
}

/// To a tenth of a percent, but never nothing where there is something.
fn share_failed(failed: f64) -> String {
    if failed > 0.0 && failed < 0.0005 {
        "< 0.1 %".to_owned()
    } else {
        format!("{:.1} %", 100.0 * failed.max(0.0))
    }
}

const SHOCK_HEADER: [&str; 5] = ["load", "stay down", "95 % interval", "back after", "kept down by"];

fn shock_cells(shocked: &Shocked) -> [String; 5] {
    let percent = |share: f64| format!("{} %", short((1000.0 * share).round() / 10.0, 3));
    let interval = shocked.down_share;
    let after = shocked.back_after_s.map(|it| {
        let half = it.interval().map(|(low, high)| (high - low) / 2.0);
        duration(it.value) + &half.map_or(String::new(), |half| format!(" ± {}", duration(half)))
    });
    [
        short(shocked.load, 4),
        format!("{} of {}", shocked.down, shocked.known),
        interval.map_or("–".to_owned(), |it| {
            format!("{} to {}", percent(it.low), percent(it.high))
        }),
        after.unwrap_or("–".to_owned()),
        shocked.cause.unwrap_or("").replace('_', " "),
    ]
}

/// Rows under a header, each column as wide as its widest cell, set to the right.
fn columns<const N: usize>(header: &[&str; N], rows: Vec<[String; N]>) -> String {
    let mut all = vec![header.map(str::to_owned)];
    all.extend(rows);
    let width = |at: usize| all.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let gap = if widths.iter().sum::<usize>() + 2 * N <= WIDTH {
        2
    } else {
        1
    };
    let mut text = String::new();
    for row in all {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(gap));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

//! The architecture, as a test: floors, doors, the wall, and the habits that keep results reproducible.
//!
//! Each rule reads the source text with comments and strings blanked out and complains as `file:line: rule: why`.
//! Test code may reach anywhere (a unit test may load a scenario), so `#[cfg(test)]` items and `tests.rs` files are
//! exempt from all rules but the length of files. What only a type can keep is not here.

#[path = "tidy/source.rs"]
mod source;

use source::{Source, Word, read_all};
use std::fmt::Write;

/// Who stands on which floor. A module may name only modules of lower floors (and its own); peers are strangers.
/// Why `blueprint` lies below `cluster`: docs/decisions/0001-blueprint-below-cluster.md.
const FLOORS: &[(&str, u8)] = &[
    ("units", 0),
    ("special", 0),
    ("engine", 1),
    ("stats", 1),
    ("aws", 2),
    ("blueprint", 3),
    ("cluster", 4),
    ("policy", 5),
    ("workload", 5),
    ("sim", 6),
    ("probe", 7),
    ("scenario", 7),
    ("experiment", 8),
    ("report", 9),
    ("cli", 10),
];

/// Crates that have one door, and the modules that may open it. Everyone else asks those modules.
const DOORS: &[(&[&str], &[&str], &str)] = &[
    (&["rand", "rand_distr"], &["engine"], "luck comes from keyed draws only"),
    (
        &["libm"],
        &["engine", "special", "scenario", "report", "workload"],
        "one library of elementary functions, pinned, so that all platforms agree, also for quantities and axes",
    ),
    (
        &["hdrhistogram"],
        &["stats"],
        "one idea of a latency histogram and of its error",
    ),
    (
        &[
            "granit_parser",
            "serde_saphyr",
            "schemars",
            "annotate_snippets",
            "strsim",
        ],
        &["scenario"],
        "what the user wrote is read, described and explained in one place",
    ),
    (
        &["rayon"],
        &["experiment"],
        "one place decides what runs in parallel and in which order results are folded",
    ),
    (
        &["csv"],
        &["report", "scenario"],
        "tables are written by report, traces read by scenario",
    ),
    (&["parquet"], &["report"], "tables are written by report"),
    (
        &["plotters", "resvg", "comfy_table", "minijinja"],
        &["report"],
        "what people look at is drawn in one place",
    ),
    (
        &["clap", "anyhow", "indicatif", "console", "ctrlc", "anstream"],
        &["cli", "main"],
        "the terminal and its signals belong to the command line; the library returns values and typed errors",
    ),
    (&["statrs", "proptest", "insta"], &[], "oracles are for tests"),
];

/// Methods of `f64` whose last bits differ between platforms. `sqrt` is exact by IEEE 754 and welcome.
const PLATFORM_DEPENDENT: &[&str] = &[
    "ln", "ln_1p", "log", "log2", "log10", "exp", "exp2", "exp_m1", "powf", "powi", "sin", "cos", "tan", "asin",
    "acos", "atan", "atan2", "sin_cos", "sinh", "cosh", "tanh", "cbrt", "hypot", "mul_add",
];

const LONGEST_FILE: usize = 500;

struct Complaint {
    place: String,
    rule: &'static str,
    why: String,
}

fn complain(source: &Source, line: usize, rule: &'static str, why: impl Into<String>) -> Complaint {
    Complaint {
        place: format!("{}:{line}", source.path),
        rule,
        why: why.into(),
    }
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn floors(source: &Source) -> Vec<Complaint> {
    let own = source.module();
    // The crate's root and the binary stand outside.
    if own == "lib" || own == "main" {
        return Vec::new();
    }
    let Some(standing) = floor(own) else {
        let why = format!("`{own}` has no floor: give it one in FLOORS and in ARCHITECTURE.md");
        return vec![complain(source, 1, "floors", why)];
    };
    let mut complaints = Vec::new();
    for (line, named) in source.crate_modules() {
        match floor(&named) {
            Some(other) if named != own && other >= standing => {
                let why = format!(
                    "`{own}` (floor {standing}) names `{named}` (floor {other}); imports only go down, so move the \
                     shared type to a lower floor or pass the value in"
                );
                complaints.push(complain(source, line, "floors", why));
            }
            _ => {}
        }
    }
    complaints
}

fn doors(source: &Source) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for (crates, open_to, why) in DOORS {
        if open_to.contains(&source.module()) {
            continue;
        }
        for name in *crates {
            for line in source.uses_of_crate(name) {
                let places = if open_to.is_empty() {
                    "tests".to_string()
                } else {
                    open_to.join(", ")
                };
                complaints.push(complain(
                    source,
                    line,
                    "doors",
                    format!("`{name}` is used only in {places}: {why}"),
                ));
            }
        }
    }
    complaints
}

fn wall(source: &Source) -> Vec<Complaint> {
    let other = match source.plane() {
        Some("data_plane") => "control_plane",
        Some("control_plane") => "data_plane",
        _ => return Vec::new(),
    };
    let why = format!("the planes speak only through sim::signal; `{other}` is on the other side");
    source
        .lines_with(other)
        .map(|line| complain(source, line, "wall", why.clone()))
        .collect()
}

fn determinism(source: &Source) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for name in ["HashMap", "HashSet", "RandomState"] {
        for line in source.lines_with(name) {
            let why = format!("the order of a `{name}` differs from run to run; use BTreeMap, BTreeSet or an index");
            complaints.push(complain(source, line, "determinism", why));
        }
    }
    if source.module() != "cli" {
        for line in source.uses_of_path("time", &["Instant", "SystemTime"]) {
            let why = "the wall clock must not reach a result; time here is units::Instant and units::Span";
            complaints.push(complain(source, line, "determinism", why));
        }
    }
    for name in PLATFORM_DEPENDENT {
        for line in source.method_calls(name) {
            let why = format!("`.{name}()` gives other bits on other platforms; use engine::math");
            complaints.push(complain(source, line, "determinism", why));
        }
    }
    complaints
}

fn habits(source: &Source) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for line in source.method_calls("unwrap") {
        let why = "say why it holds: expect(\"…\"), or return an error";
        complaints.push(complain(source, line, "habits", why));
    }
    for name in ["todo", "unimplemented", "dbg"] {
        for line in source.macro_calls(name) {
            complaints.push(complain(source, line, "habits", format!("`{name}!` is for drafts")));
        }
    }
    if source.module() != "cli" {
        for name in ["print", "println", "eprint", "eprintln"] {
            for line in source.macro_calls(name) {
                let why = format!("`{name}!` outside cli: return a value and let the command line print it");
                complaints.push(complain(source, line, "habits", why));
            }
        }
    }
    for line in source.lines_containing("allow(dead_code)") {
        complaints.push(complain(
            source,
            line,
            "habits",
            "code that nothing calls is deleted, not allowed",
        ));
    }
    if source.path.ends_with("/mod.rs") {
        complaints.push(complain(
            source,
            1,
            "habits",
            "`foo.rs` beside `foo/`, never `foo/mod.rs`",
        ));
    }
    if !source.is_test && !source.text.starts_with("//!") {
        complaints.push(complain(
            source,
            1,
            "habits",
            "the first line says what the file holds: `//! …`",
        ));
    }
    complaints
}

fn length(source: &Source) -> Vec<Complaint> {
    let lines = source.text.lines().count();
    if lines <= LONGEST_FILE {
        return Vec::new();
    }
    let why = format!("{lines} lines, more than {LONGEST_FILE}: which idea wants a file of its own?");
    vec![complain(source, LONGEST_FILE + 1, "length", why)]
}

/// Fails with all complaints of a rule at once.
fn keep(rule: fn(&Source) -> Vec<Complaint>, folders: &[&str]) {
    let mut sentences = String::new();
    let mut count = 0;
    for source in folders.iter().flat_map(|folder| read_all(folder)) {
        for complaint in rule(&source) {
            count += 1;
            writeln!(sentences, "{}: {}: {}", complaint.place, complaint.rule, complaint.why).expect("a String grows");
        }
    }
    assert!(count == 0, "{count} breach(es) of the architecture:\n{sentences}");
}

#[test]
fn imports_only_go_down_the_floors() {
    keep(floors, &["src"]);
}

#[test]
fn every_outside_crate_has_its_door() {
    keep(doors, &["src"]);
}

#[test]
fn the_planes_do_not_know_each_other() {
    keep(wall, &["src"]);
}

#[test]
fn nothing_that_varies_reaches_a_result() {
    keep(determinism, &["src"]);
}

#[test]
fn no_drafts_and_no_bare_unwraps() {
    keep(habits, &["src"]);
}

#[test]
fn files_stay_short() {
    keep(length, &["src", "tests", "benches"]);
}

#[test]
fn every_module_of_the_crate_has_a_floor() {
    let source = read_all("src")
        .into_iter()
        .find(|source| source.path == "src/lib.rs")
        .expect("src/lib.rs exists");
    for line in source.text.lines().filter_map(|line| line.strip_prefix("pub mod ")) {
        let module = line.trim_end_matches(';');
        assert!(
            floor(module).is_some(),
            "`{module}` has no floor: give it one in FLOORS"
        );
    }
}

// The rules themselves, held against text that breaks them.

fn breaches(rule: fn(&Source) -> Vec<Complaint>, path: &str, text: &str) -> Vec<String> {
    rule(&Source::new(path, text))
        .into_iter()
        .map(|complaint| complaint.place)
        .collect()
}

#[test]
fn an_import_that_climbs_is_seen_however_it_is_written() {
    assert_eq!(
        breaches(floors, "src/policy.rs", "use crate::sim::event::Event;"),
        ["src/policy.rs:1"]
    );
    assert_eq!(
        breaches(
            floors,
            "src/policy/routing.rs",
            "\nuse crate::{\n units::Span,\n report::{Table},\n};"
        ),
        ["src/policy/routing.rs:4"]
    );
    assert_eq!(
        breaches(floors, "src/policy/routing.rs", "use super::super::sim::Event;"),
        ["src/policy/routing.rs:1"]
    );
    assert_eq!(
        breaches(floors, "src/policy.rs", "fn f() -> super::cli::X {}"),
        ["src/policy.rs:1"]
    );
    assert_eq!(
        breaches(floors, "src/policy.rs", "use crate::workload::Rate;"),
        ["src/policy.rs:1"],
        "peers"
    );
}

#[test]
fn an_import_that_descends_is_fine() {
    let text = "use crate::{units::Span, blueprint::sim};\n// use crate::cli\nconst A: &str = \"crate::cli\";";
    assert!(breaches(floors, "src/policy.rs", text).is_empty());
}

#[test]
fn test_code_may_reach_up() {
    let text = "#[cfg(test)]\nmod tests {\n    use crate::cli::run;\n}\nuse crate::sim::Event;";
    assert_eq!(breaches(floors, "src/policy.rs", text), ["src/policy.rs:5"]);
    assert!(breaches(floors, "src/policy/tests.rs", "use crate::cli::run;").is_empty());
}

#[test]
fn a_crate_used_past_its_door_is_seen() {
    assert_eq!(breaches(doors, "src/sim.rs", "use rand::Rng;"), ["src/sim.rs:1"]);
    assert_eq!(
        breaches(doors, "src/sim.rs", "fn f() { let x = ::rand::random(); }"),
        ["src/sim.rs:1"]
    );
    assert!(breaches(doors, "src/engine/random.rs", "use rand::Rng;").is_empty());
    assert!(breaches(doors, "src/cli.rs", "use crate::report::csv::Table; let rand = 1;").is_empty());
}

#[test]
fn a_plane_that_looks_over_the_wall_is_seen() {
    let text = "use crate::sim::control_plane::Scheduler; // control_plane";
    assert_eq!(
        breaches(wall, "src/sim/data_plane/server.rs", text),
        ["src/sim/data_plane/server.rs:1"]
    );
    assert!(
        breaches(
            wall,
            "src/sim/data_plane/server.rs",
            "// what the control_plane published"
        )
        .is_empty()
    );
}

#[test]
fn luck_clocks_and_platform_mathematics_are_seen() {
    assert_eq!(
        breaches(determinism, "src/sim.rs", "use std::collections::{BTreeMap, HashMap};"),
        ["src/sim.rs:1"]
    );
    assert_eq!(
        breaches(determinism, "src/sim.rs", "use std::time::Instant;"),
        ["src/sim.rs:1"]
    );
    assert_eq!(
        breaches(determinism, "src/sim.rs", "let y = x\n    .ln();"),
        ["src/sim.rs:2"]
    );
    assert!(breaches(determinism, "src/sim.rs", "let y = x.sqrt(); let ln = 1;").is_empty());
}

#[test]
fn drafts_are_seen() {
    let text = "//! Doc.\nfn f() { todo!() }\nfn g() { x.unwrap() }\n#[allow(dead_code)]\nfn h() { println!() }";
    assert_eq!(
        breaches(habits, "src/sim.rs", text),
        ["src/sim.rs:3", "src/sim.rs:2", "src/sim.rs:5", "src/sim.rs:4"]
    );
    assert!(
        breaches(
            habits,
            "src/sim.rs",
            "//! Doc: unwrap() and todo!\nfn f() { x.unwrap_or(1) }"
        )
        .is_empty()
    );
}

#[test]
fn words_know_their_neighbours() {
    let source = Source::new("src/x.rs", "a::b!(c.d())");
    let told: Vec<_> = source
        .words
        .iter()
        .map(
            |Word {
                 text, before, after, ..
             }| (text.as_str(), *before, *after),
        )
        .collect();
    assert_eq!(
        told,
        [("a", "", "::"), ("b", "::", "!"), ("c", "(", "."), ("d", ".", "(")]
    );
}

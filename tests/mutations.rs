//! Scenario files broken by the thousand: each gets diagnostics or resolves, and none panics.
//!
//! What is left unbroken is broken by line (deleted, doubled, swapped), by character, by word (another word of the same
//! file in its place) and by nesting. The mutations are a fixed function of their number, so a failure repeats.

use std::path::{Path, PathBuf};
use wavetank::blueprint::Blueprint;
use wavetank::scenario::{Code, Scenario, Style};

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shop = root.join("tests/shop");
    let mut files = vec![(
        shop.clone(),
        std::fs::read_to_string(shop.join("online-shop.yaml")).expect("it reads"),
    )];
    let invalid = root.join("scenarios/invalid");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&invalid)
        .expect("it exists")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.sort();
    for path in names {
        if path.extension().is_some_and(|ending| ending == "yaml")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            files.push((invalid.clone(), text));
        }
    }
    files
}

/// SplitMix64: good enough to choose what to break.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

/// Words that have surprised other parsers.
const WORDS: [&str; 24] = [
    "",
    "0",
    "-1",
    "1e308",
    ".nan",
    ".inf",
    "null",
    "true",
    "[]",
    "{}",
    "0s",
    "1ns",
    "500d",
    "100%",
    "0%",
    "101%",
    "\"\"",
    "99999999999999999999",
    "*a",
    "&a x",
    "[[[[1]]]]",
    "{ a: { a: { a: 1 } } }",
    "é",
    "2026-02-30T00:00:00Z",
];

fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    match dice.below(8) {
        0 => drop(lines.remove(dice.below(lines.len()))),
        1 => {
            let line = lines[dice.below(lines.len())].clone();
            lines.insert(dice.below(lines.len() + 1), line);
        }
        2 => {
            let (a, b) = (dice.below(lines.len()), dice.below(lines.len()));
            lines.swap(a, b);
        }
        3 => {
            let at = dice.below(lines.len());
            lines[at] = lines[at].trim_start().to_owned();
        }
        4 => {
            let mut characters: Vec<char> = text.chars().collect();
            let at = dice.below(characters.len());
            characters[at] = ['{', '}', '[', ']', ':', ',', ' ', '-', '9', 'x', '"', '\n', '/'][dice.below(13)];
            return characters.into_iter().collect();
        }
        5 => {
            let mut characters: Vec<char> = text.chars().collect();
            let from = dice.below(characters.len());
            let to = (from + dice.below(12)).min(characters.len());
            characters.drain(from..to);
            return characters.into_iter().collect();
        }
        kind => {
            // A word by another word of the file, or by one that has surprised others.
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '%' | '-');
            let words: Vec<&str> = text.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
            let old = words[dice.below(words.len())];
            let new = if kind == 6 {
                words[dice.below(words.len())]
            } else {
                WORDS[dice.below(WORDS.len())]
            };
            let places: Vec<usize> = text.match_indices(old).map(|(at, _)| at).collect();
            let at = places[dice.below(places.len())];
            return format!("{}{new}{}", &text[..at], &text[at + old.len()..]);
        }
    }
    lines.join("\n")
}

const ROUNDS: u64 = 3_000;

#[test]
fn no_broken_scenario_panics() {
    let files = sources();
    let threads = 2;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let files = &files;
            scope.spawn(move || {
                (thread..ROUNDS)
                    .step_by(threads as usize)
                    .for_each(|round| one(files, round))
            });
        }
    });
}

fn one(files: &[(PathBuf, String)], round: u64) {
    let mut dice = Dice(round);
    // The shop has everything in it, so it gets a third of the rounds.
    let file = if round.is_multiple_of(3) {
        0
    } else {
        dice.below(files.len())
    };
    let (folder, text) = &files[file];
    let mut broken = text.clone();
    for _ in 0..=dice.below(3) {
        if !broken.trim().is_empty() {
            broken = mutate(&broken, &mut dice);
        }
    }
    let outcome = std::panic::catch_unwind(|| match Scenario::parse("broken.yaml", broken.as_str(), folder) {
        Ok(scenario) => {
            let (blueprint, mut found) = scenario.resolve();
            assert_eq!(
                blueprint.is_some(),
                !found.has_errors(),
                "a blueprint exactly if there are no errors"
            );
            let disagrees = found.iter().any(|one| one.code == Code::SchemaDisagrees);
            assert!(!disagrees, "the schema let through what the types refuse");
            if round.is_multiple_of(8) {
                found = scenario.check();
            }
            if let Some(blueprint) = blueprint.filter(|_| round % 4 == 1) {
                let resolved = scenario.resolved_text().expect("there is a blueprint");
                let again = Scenario::parse("broken.yaml", resolved.as_str(), folder).expect("it reads");
                let (again, problems) = again.resolve();
                let again = again.unwrap_or_else(|| panic!("{}\n{resolved}", problems.render(Style::Plain)));
                assert_eq!(without_lines(again), without_lines(blueprint), "{resolved}");
            }
            found.render(Style::Plain).len() + found.to_json().to_string().len()
        }
        Err(found) => {
            assert!(found.has_errors(), "what cannot be read has a reason");
            found.render(Style::Plain).len()
        }
    });
    assert!(outcome.is_ok(), "round {round}:\n{broken}");
}

/// Expectations know their line, which is another in another text.
fn without_lines(mut it: Blueprint) -> String {
    it.expectations.iter_mut().for_each(|expectation| expectation.line = 0);
    format!("{it:#?}")
}

#[test]
fn no_broken_task_definition_panics() {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shop");
    let read = |name: &str| std::fs::read_to_string(shop.join(name)).expect("it reads");
    let (text, catalog) = (read("online-shop.yaml"), read("taskdefs/catalog.json"));
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("taskdefs");
    std::fs::create_dir(&inside).expect("it is made");
    std::fs::write(inside.join("checkout.json"), read("taskdefs/checkout.json")).expect("it is written");
    for round in 0..200 {
        let mut dice = Dice(round ^ 0x7a5c);
        let broken = mutate(&catalog, &mut dice);
        std::fs::write(inside.join("catalog.json"), &broken).expect("it is written");
        let outcome = std::panic::catch_unwind(|| {
            let scenario = Scenario::parse("shop.yaml", text.as_str(), folder.path()).expect("it reads");
            let (blueprint, found) = scenario.resolve();
            assert_eq!(
                blueprint.is_some(),
                !found.has_errors(),
                "a blueprint exactly if there are no errors"
            );
            found.render(Style::Plain).len()
        });
        assert!(outcome.is_ok(), "round {round}:\n{broken}");
    }
}

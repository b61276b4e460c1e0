//! Every lesson is a scenario that asks, expects and is held to it, and a page that teaches it.
//!
//! That the expectations are met is `wavetank test scenarios/lessons/`, which takes minutes and belongs to CI.

use std::fs;
use std::path::{Path, PathBuf};

const SECTIONS: [&str; 4] = ["## Predict", "## Run", "## What it shows", "## Where it happened"];

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("the folder is part of the repository")
        .map(|entry| entry.expect("its entries can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .expect("a file has a name")
        .to_string_lossy()
        .into_owned()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_lesson_has_a_question_an_expectation_and_a_page() {
    let index = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lessons/README.md"));
    for scenario in files("scenarios/lessons", "yaml") {
        let name = stem(&scenario);
        let said = text(&scenario);
        for key in ["question:", "expect:"] {
            let has = said.lines().any(|line| line.starts_with(key));
            assert!(has, "scenarios/lessons/{name}.yaml has no `{key}`");
        }
        assert!(
            said.starts_with("# Question:") && said.contains("# Expected:"),
            "scenarios/lessons/{name}.yaml begins with its question and what is expected, as comments"
        );
        let page = text(&Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/lessons/{name}.md")));
        for section in SECTIONS {
            assert!(
                page.contains(section),
                "docs/lessons/{name}.md has no section `{section}`"
            );
        }
        assert!(
            page.contains(&format!("scenarios/lessons/{name}.yaml")),
            "docs/lessons/{name}.md says what to run"
        );
        assert!(
            index.contains(&format!("({name}.md)")),
            "docs/lessons/README.md lists {name}"
        );
    }
}

#[test]
fn every_page_of_a_lesson_has_its_scenario() {
    for page in files("docs/lessons", "md") {
        let name = stem(&page);
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/lessons/{name}.yaml"));
        assert!(
            name == "README" || scenario.exists(),
            "docs/lessons/{name}.md has no scenario"
        );
    }
}

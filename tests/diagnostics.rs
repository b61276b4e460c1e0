//! Every code of a diagnostic has its page and a file under `scenarios/invalid` that yields it and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wavetank::scenario::{Code, Diagnostics, Scenario, Style, explain};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/invalid")
}

fn check(path: &Path) -> Diagnostics {
    match Scenario::load(path) {
        Ok(scenario) => scenario.check(),
        Err(found) => found,
    }
}

fn codes(found: &Diagnostics) -> BTreeSet<Code> {
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn each_code_has_a_file_that_yields_exactly_it() {
    let mut wrong = String::new();
    for code in Code::ALL.iter().filter(|code| code.example().is_some()) {
        let path = folder().join(format!("{}-{}.yaml", code.as_str(), code.slug()));
        let found = check(&path);
        if codes(&found) != BTreeSet::from([*code]) {
            wrong.push_str(&format!("{}:\n{}\n", path.display(), found.render(Style::Plain)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_file_is_the_example_of_a_code() {
    for entry in std::fs::read_dir(folder()).expect("the folder exists") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a plain name");
        let (code, rest) = name.split_once('-').expect("the code stands first");
        let code: Code = code.parse().expect("a code that exists");
        assert_eq!(rest.rsplit_once('.').expect("an ending").0, code.slug());
    }
}

#[test]
fn each_code_is_explained() {
    for code in Code::ALL {
        let page = explain(*code);
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        assert!(page.lines().count() > 2, "{code} is not explained");
    }
    assert_eq!("201".parse::<Code>(), Ok(Code::UnknownKey));
    assert_eq!("wt0201".parse::<Code>(), Ok(Code::UnknownKey));
    assert!("WT9999".parse::<Code>().is_err());
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("large.yaml");
    std::fs::write(&path, "# a comment\n".repeat(400_000)).expect("it is written");
    assert_eq!(codes(&check(&path)), BTreeSet::from([Code::FileTooLarge]));
    assert_eq!(
        codes(&check(&folder.path().join("none.yaml"))),
        BTreeSet::from([Code::UnreadableFile])
    );
}

/// What is made from the language's definition is current: the schema that editors read, and the page of documentation.
/// `UPDATE_SCHEMA=1` writes both anew.
#[test]
fn what_is_made_from_the_language_is_current() {
    let schema = serde_json::to_string_pretty(wavetank::scenario::json_schema()).expect("it is JSON") + "\n";
    let files = [
        ("schema/scenario.schema.json", schema),
        ("docs/scenario.md", wavetank::scenario::schema::reference()),
    ];
    for (name, current) in files {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("the folder is made");
            std::fs::write(&path, &current).expect("it is written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == current,
            "{name}: run `UPDATE_SCHEMA=1 cargo test --test diagnostics` and commit it"
        );
    }
}

use super::*;
use crate::scenario::schema;
use crate::scenario::source::Sources;
use crate::scenario::yaml;

/// The codes that the form of a text yields, with what stands at each place.
fn problems(text: &str) -> Vec<(Code, String)> {
    let mut sources = Sources::default();
    let file = sources.add("test.yaml", text);
    let (tree, found) = yaml::parse(&sources, file);
    assert_eq!(found, []);
    let tree = tree.expect("a tree");
    let mut problems = Problems::new(&tree);
    let json = conform(schema::json_schema(), &tree, &mut problems);
    serde_json::from_value::<schema::Scenario>(json).expect("what conforms reads into the types");
    let at = |place| sources.slice(place).lines().next().unwrap_or("").to_owned();
    problems
        .into_list()
        .into_iter()
        .map(|problem| (problem.code, at(problem.place)))
        .collect()
}

#[test]
fn says_everything_at_once() {
    let found = problems(
        "duraton: 10m
warm_up: 10
start: emty
seed: -1
cluster: { network: nothing, availability_zones: us-east-1a }
services:
  web:
    cpu: 1 core
    desired_count: 2.5
    operations: { get: [{ cpu: 20ms, wait: 1s }, { sleep: 1s }, cpu] }
    runtime: { unbounded: {} }
traffic:
  users: { rate: 100 }
",
    );
    let expected = [
        (Code::UnknownKey, "duraton"),
        (Code::MissingUnit, "10"),
        (Code::UnknownWord, "emty"),
        (Code::OutOfRange, "-1"),
        (Code::UnknownWord, "nothing"),
        (Code::WrongKind, "us-east-1a"),
        (Code::MalformedQuantity, "1 core"),
        (Code::OutOfRange, "2.5"),
        (Code::WrongKind, "unbounded"),
        (Code::NotExactlyOne, "{ cpu: 20ms, wait: 1s }"),
        (Code::NotModelledYet, "sleep"),
        (Code::WrongKind, "cpu"),
        (Code::MissingUnit, "100"),
        (Code::MissingKey, "users"),
    ];
    for (code, at) in expected {
        assert!(
            found.contains(&(code, at.to_owned())),
            "{code} at {at} is not in {found:#?}"
        );
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn refuses_numbers_that_are_none() {
    let found = problems("duration: .inf\nseed: .nan\nwarm_up: -1s\n");
    assert_eq!(
        found.iter().map(|(code, _)| *code).collect::<Vec<_>>(),
        [Code::OutOfRange; 3]
    );
}

#[test]
fn takes_every_form_of_a_time() {
    let laws = [
        "1s",
        "{ constant: 1s }",
        "{ uniform: [1s, 2s] }",
        "{ exponential: { mean: 1s } }",
        "{ lognormal: { median: 1s, p95: 2s } }",
        "{ empirical: [1s, 2s] }",
        "{ empirical: { file: a.csv } }",
        "{ mixture: [{ weight: 1, time: 1s }] }",
    ];
    for law in laws {
        assert_eq!(
            problems(&format!("duration: 1s\nservices: {{ a: {{ start_up: {law} }} }}")),
            [],
            "{law}"
        );
    }
}

#[test]
fn the_not_modelled_words_stand_where_the_schema_has_a_definition() {
    let schema = schema::json_schema();
    for (definition, word, _) in later::LATER {
        let known = *definition == "Scenario" || schema["$defs"].get(*definition).is_some();
        assert!(known, "{definition} (for {word}) is not in the schema");
    }
}

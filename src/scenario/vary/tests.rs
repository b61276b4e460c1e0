use crate::scenario::tests::parse;
use crate::scenario::{Code, Diagnostics, split_values};

const WEB: &str = "
services: { web: { desired_count: 3, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 10/s } }
duration: 10m
";

fn codes(found: &Diagnostics) -> Vec<Code> {
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn sets_what_is_written_and_what_is_not() {
    let web = parse(WEB);
    let count = |path, value| {
        let (blueprint, found) = web.with(path, value).expect("a path").resolve();
        assert!(found.is_empty());
        blueprint.expect("nothing is wrong").services[0].desired_count
    };
    assert_eq!(count("services.web.desired_count", "6"), 6);
    assert_eq!(count("services.web.cpu", "2 vCPU"), 3);
    assert_eq!(count("services.web.runtime", "{ thread_pool: { workers: 8 } }"), 3);
    assert_eq!(
        count("services.web.operations.get[0].cpu", "{ exponential: { mean: 1ms } }"),
        3
    );
}

#[test]
fn refuses_paths_that_lead_nowhere() {
    let web = parse(WEB);
    for (path, hint) in [
        ("services.web.desired_cout", "desired_count"),
        ("services.wbe.desired_count", "web"),
        ("servces.web.desired_count", "services"),
        ("services.web.operations.get[1].cpu", ""),
        ("services..web", ""),
        ("duration.x", ""),
    ] {
        let found = web.with(path, "1").expect_err(path);
        assert_eq!(codes(&found), [Code::UnknownPath], "{path}");
        let hints = found.to_json().to_string();
        assert!(hints.contains(hint), "{path}: {hints}");
    }
}

#[test]
fn a_wrong_value_is_a_problem_of_the_argument() {
    let found = parse(WEB)
        .with("services.web.desired_count", "six")
        .expect("a path")
        .check();
    assert_eq!(codes(&found), [Code::WrongKind]);
    assert_eq!(found.to_json()[0]["file"], "--set services.web.desired_count");
    let found = parse(WEB)
        .with("services.web.desired_count", "[")
        .expect_err("no value");
    assert_eq!(codes(&found), [Code::MalformedYaml]);
}

#[test]
fn several_paths_make_every_combination() {
    let paths = [
        (
            "services.web.desired_count".to_owned(),
            vec!["2".to_owned(), "4".to_owned()],
        ),
        (
            "services.web.cpu".to_owned(),
            vec!["1 vCPU".to_owned(), "2 vCPU".to_owned()],
        ),
    ];
    let made = parse(WEB).vary(&paths).expect("the paths are right");
    let names: Vec<&str> = made.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["2, 1 vCPU", "2, 2 vCPU", "4, 1 vCPU", "4, 2 vCPU"]);
}

#[test]
fn compares_variants_that_change_several_paths() {
    let text = format!(
        "{WEB}experiment:
  compare:
    services.web.desired_count: {{ few: 1, many: 4 }}
    services.web.cpu: {{ many: 1 vCPU, few: 4 vCPU }}
"
    );
    let variants = parse(&text).variants().expect("the block is right");
    let seen: Vec<_> = variants
        .into_iter()
        .map(|(name, variant)| {
            let it = variant.resolve().0.expect("nothing is wrong");
            (name, it.services[0].desired_count, it.task_definitions[0].cpu.vcpus())
        })
        .collect();
    assert_eq!(seen, [("few".to_owned(), 1, 4.0), ("many".to_owned(), 4, 1.0)]);
}

#[test]
fn a_variants_problem_is_shown_where_it_stands() {
    let text = format!("{WEB}experiment: {{ compare: {{ services.web.desired_count: {{ few: 1, many: lots }} }} }}\n");
    let found = parse(&text).check();
    assert_eq!(codes(&found), [Code::WrongKind]);
    assert_eq!(found.to_json()[0]["line"], 5);
}

#[test]
fn splits_values_outside_brackets_and_quotes() {
    assert_eq!(split_values("a, b"), ["a", "b"]);
    assert_eq!(
        split_values("{x: 1, y: 2},[1,2],\"a,b\""),
        ["{x: 1, y: 2}", "[1,2]", "\"a,b\""]
    );
    assert_eq!(split_values(""), [""]);
}

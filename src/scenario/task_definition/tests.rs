use crate::scenario::{Code, Diagnostics, Scenario};

/// A scenario with one service whose task definition is in a file.
fn scenario(json: &str, beside: &str) -> (Scenario, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("shop.json"), json).expect("it is written");
    let text = format!(
        "
task_definitions: {{ shop: {{ file: shop.json{beside} }} }}
services: {{ web: {{ task_definition: shop, operations: {{ get: [{{ cpu: 1ms }}] }} }} }}
traffic: {{ users: {{ to: web, rate: 10/s }} }}
duration: 10m
"
    );
    (
        Scenario::parse("test.yaml", text, folder.path()).expect("it reads"),
        folder,
    )
}

fn codes(found: &Diagnostics) -> Vec<Code> {
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

fn check(json: &str) -> Vec<Code> {
    codes(&scenario(json, "").0.check())
}

fn definition(containers: &str) -> String {
    format!(
        r#"{{"family":"shop","cpu":"1024","memory":"2048","networkMode":"awsvpc","containerDefinitions":[{containers}]}}"#
    )
}

#[test]
fn reads_the_wrapped_and_the_bare_form() {
    let bare = definition(r#"{"name":"web","image":"web"}"#);
    assert_eq!(check(&bare), []);
    assert_eq!(check(&format!(r#"{{"taskDefinition":{bare},"tags":[]}}"#)), []);
}

#[test]
fn numbers_may_be_strings_and_sizes_may_have_words() {
    let json = r#"{"family":"shop","cpu":"1 vCPU","memory":"2 GB","networkMode":"awsvpc","containerDefinitions":
        [{"name":"web","memory":"1024","stopTimeout":"45","healthCheck":{"retries":"5"}}]}"#;
    let (it, _folder) = scenario(json, "");
    let it = it.resolve().0.expect("nothing is wrong");
    let task = &it.task_definitions[0];
    assert_eq!((task.cpu.0, task.memory.0), (1024, 2048));
    assert_eq!(task.containers[0].stop_timeout, crate::units::Span::from_secs(45));
    assert_eq!(task.containers[0].health_check.expect("it has one").retries, 5);
}

#[test]
fn what_stands_beside_the_file_wins() {
    let json = definition(r#"{"name":"web","image":"web","stopTimeout":45}"#);
    let (it, _folder) = scenario(
        &json,
        ", cpu: 2 vCPU, memory: 4 GiB, containers: { web: { stop_timeout: 5s } }",
    );
    let it = it.resolve().0.expect("nothing is wrong");
    assert_eq!(it.task_definitions[0].cpu.0, 2048);
    assert_eq!(
        it.task_definitions[0].containers[0].stop_timeout,
        crate::units::Span::from_secs(5)
    );
    let (it, _folder) = scenario(&json, ", containers: { wbe: {} }");
    assert_eq!(codes(&it.check()), [Code::UnknownName]);
}

#[test]
fn problems_point_into_the_file() {
    let json = definition("\n{\"name\":\"web\",\"healthCheck\":{\"interval\":1}}\n");
    let (it, _folder) = scenario(&json, "");
    let found = it.check().to_json();
    assert_eq!(
        (&found[0]["code"], &found[0]["file"], &found[0]["line"]),
        (&"WT0208".into(), &"shop.json".into(), &2.into())
    );
}

#[test]
fn refuses_what_is_no_task_definition() {
    assert_eq!(check("{}"), [Code::MalformedTaskDefinition]);
    assert_eq!(check("[]"), [Code::MalformedTaskDefinition]);
    assert_eq!(check("{"), [Code::MalformedTaskDefinition]);
    assert_eq!(check(""), [Code::EmptyFile]);
    assert_eq!(check(&definition("")), [Code::NoContainers]);
    assert_eq!(
        check(r#"{"family":"shop","cpu":"256","memory":"512"}"#),
        [Code::NoContainers]
    );
    assert_eq!(
        check(&definition(r#"{"name":"web","cpu":"lots"}"#)),
        [Code::MalformedTaskDefinition]
    );
    assert_eq!(
        check(&definition(r#"{"image":"web"}"#)),
        [Code::MalformedTaskDefinition]
    );
    assert_eq!(check(&definition(r#"{"name":"a"},{"name":"a"}"#)), [Code::NameTaken]);
    let eleven: Vec<String> = (0..11).map(|at| format!(r#"{{"name":"c{at}"}}"#)).collect();
    assert_eq!(check(&definition(&eleven.join(","))), [Code::TooManyContainers]);
    assert_eq!(
        check(&definition(r#"{"name":"a","essential":false}"#)),
        [Code::NoEssentialContainer]
    );
}

#[test]
fn a_text_that_is_not_json_is_shown_where_it_breaks() {
    let place = |json: &str| {
        let found = scenario(json, "").0.check();
        let [problem] = &found.iter().collect::<Vec<_>>()[..] else {
            panic!("{found:?}");
        };
        assert_eq!(problem.code, Code::MalformedTaskDefinition);
        let file = found.sources().file(problem.place.file);
        assert_eq!(file.name, "shop.json");
        found.sources().line_and_column(problem.place)
    };
    // A colon is missing behind `cpu`, a comma behind the first line of the second, and the third is cut off.
    assert_eq!(place("{\n  \"family\": \"shop\",\n  \"cpu\" \"256\"\n}\n"), (3, 9));
    assert_eq!(place("{\n  \"family\": \"shop\"\n  \"cpu\": \"256\"\n}\n"), (3, 3));
    assert_eq!(
        place("{\n  \"family\": \"shop\",\n  \"containerDefinitions\": ["),
        (3, 27)
    );
    assert_eq!(check("{ \"family\": \"é\" \"ü\" }"), [Code::MalformedTaskDefinition]);
}

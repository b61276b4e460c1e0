use super::*;
use crate::scenario::path::{Path, Step};
use proptest::prelude::*;

fn read(text: &str) -> (Option<Node>, Vec<Code>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("test.yaml", text);
    let (node, problems) = parse(&sources, file);
    (
        node,
        problems.into_iter().map(|problem| problem.code).collect(),
        sources,
    )
}

#[test]
fn keeps_the_text_of_scalars_and_their_places() {
    let (node, problems, sources) = read("a: 10\nb: { c: 10s, d: '10' }\n");
    assert_eq!(problems, []);
    let node = node.expect("a tree");
    assert_eq!(node.get("a").expect("a").value, Value::Number("10".into()));
    let b = node.get("b").expect("b");
    assert_eq!(b.get("c").expect("c").value, Value::Text("10s".into()));
    assert_eq!(b.get("d").expect("d").value, Value::Text("10".into()));
    assert_eq!(sources.line_and_column(b.get("c").expect("c").place), (2, 9));
    assert_eq!(sources.slice(b.place), "{ c: 10s, d: '10' }");
}

#[test]
fn points_at_the_nearest_thing_that_exists() {
    let (node, _, sources) = read("services:\n  web:\n    cpu: 1\n");
    let node = node.expect("a tree");
    let root = Path::Root;
    let services = root.key("services");
    let web = services.key("web");
    assert_eq!(sources.slice(node.place_of(&web.key("cpu"))), "1");
    assert_eq!(sources.slice(node.place_of(&web.key("memory"))), "web");
    assert_eq!(
        sources.slice(node.place_of(&root.key("none"))).lines().next(),
        Some("services:")
    );
}

#[test]
fn only_true_and_false_are_booleans() {
    let (node, _, _) = read("[true, yes, True, null, ~, on]");
    let kinds: Vec<_> = match node.expect("a tree").value {
        Value::List(items) => items.iter().map(Node::kind).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kinds, ["true or false", "text", "text", "nothing", "nothing", "text"]);
}

#[test]
fn refuses_duplicate_keys_and_goes_on() {
    let (node, problems, _) = read("a: 1\na: 2\nb: 3\nb: 4\n");
    assert_eq!(problems, [Code::DuplicateKey, Code::DuplicateKey]);
    assert_eq!(node.expect("a tree").entries().len(), 2);
}

#[test]
fn refuses_what_would_grow() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{below}]\n"));
    }
    assert_eq!(read(&bomb).1, [Code::TooManyValues]);
    assert_eq!(read(&"[".repeat(100_000)).1, [Code::TooDeep]);
    assert_eq!(read(&"{a: ".repeat(10_000)).1, [Code::TooDeep]);
}

#[test]
fn tells_an_empty_text_from_a_wrong_one() {
    assert_eq!(read("").1, [Code::EmptyFile]);
    assert_eq!(read("# only a comment\n").1, [Code::EmptyFile]);
    assert_eq!(read("a: [1\n").1, [Code::MalformedYaml]);
    assert_eq!(read("a: *b\n").1, [Code::MalformedYaml]);
    assert_eq!(read("a: &x [*x]\n").1, [Code::MalformedYaml]);
    assert_eq!(read("a: 1\n---\nb: 2\n").1, [Code::SeveralDocuments]);
    assert_eq!(read("? [a]\n: 1\n").1, [Code::MalformedYaml]);
}

#[test]
fn reads_json() {
    let (node, problems, _) = read("{\"a\": [1, 2.5, \"x\\ny\", true, null]}");
    assert_eq!(problems, []);
    assert_eq!(
        node.expect("a tree").to_json(),
        serde_json::json!({"a": [1, 2.5, "x\ny", true, null]})
    );
}

#[test]
fn sets_a_value_and_makes_maps_on_the_way() {
    let (node, _, _) = read("a: { b: [1, 2] }");
    let mut node = node.expect("a tree");
    let value = Node {
        value: Value::Number("7".into()),
        place: Place::default(),
    };
    let key = |text: &str| Step::Key(text.into());
    node.set(&[key("a"), key("b"), Step::At(1)], value.clone())
        .expect("it exists");
    node.set(&[key("c"), key("d")], value.clone()).expect("it is made");
    assert_eq!(node.to_json(), serde_json::json!({"a": {"b": [1, 7]}, "c": {"d": 7}}));
    assert_eq!(node.set(&[key("a"), key("b"), Step::At(2)], value), Err(2));
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Into::into),
        any::<u32>().prop_map(Into::into),
        (-1e9..1e9f64).prop_map(|x| serde_json::json!(x)),
        "[ -~éß\n\t]{0,12}".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::btree_map("[ -~é]{1,8}", inner, 0..5)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn reads_back_what_it_prints(value in any_json()) {
        let text = print(&serde_json::json!({ "root": value }));
        let (node, problems, _) = read(&text);
        prop_assert_eq!(problems, vec![], "{}", text);
        prop_assert_eq!(&node.expect("a tree").to_json()["root"], &value, "{}", text);
    }

    #[test]
    fn never_panics(text in "[a-c0-9:\\-\\[\\]{}, \n&*!#'\"|>?%]{0,60}") {
        let _ = read(&text);
    }
}

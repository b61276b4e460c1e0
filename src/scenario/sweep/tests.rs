use super::range::latin_column;
use super::*;
use crate::scenario::tests::parse;

const WEB: &str = "
services: { web: { desired_count: 3, operations: { get: [{ cpu: 20ms }] } } }
traffic: { users: { to: web, rate: 10/s } }
duration: 10m
";

fn design(sweep: &str) -> Design {
    let scenario = parse(&format!("{WEB}experiment: {{ sweep: {sweep} }}\n"));
    scenario
        .design()
        .unwrap_or_else(|found| panic!("{}", found.render(crate::scenario::Style::Plain)))
        .expect("it is there")
}

fn given(arguments: GivenDesign) -> Result<Design, Diagnostics> {
    let (scenario, unread) = parse(WEB).with_design(&arguments);
    let found = scenario.resolve().1.merge(unread);
    match scenario.design() {
        Ok(Some(design)) if !found.has_errors() => Ok(design),
        Ok(_) => Err(found),
        Err(more) => Err(found.merge(more)),
    }
}

fn codes(found: &Diagnostics) -> Vec<Code> {
    found.iter().map(|diagnostic| diagnostic.code).collect()
}

/// A column of the design, as numbers.
fn column(design: &Design, at: usize) -> Vec<f64> {
    let dimension = design.paths()[at].dimension.expect("numbers");
    let values = (0..design.len()).map(|point| design.values(point)[at].clone());
    values
        .map(|value| dimension.read_text(&value).expect("it was written"))
        .collect()
}

#[test]
fn a_grid_is_every_combination_the_last_path_fastest() {
    let design = design("{ grid: { services.web.desired_count: [2, 4], services.web.cpu: [1 vCPU, 512] } }");
    let points: Vec<_> = (0..design.len()).map(|point| design.values(point)).collect();
    assert_eq!(points, [["2", "1 vCPU"], ["2", "512"], ["4", "1 vCPU"], ["4", "512"]]);
    let counts = (0..4).map(|point| design.resolve(point).0.expect("right").services[0].desired_count);
    assert_eq!(counts.collect::<Vec<_>>(), [2, 2, 4, 4]);
    assert_eq!(column(&design, 1), [1.0, 0.5, 1.0, 0.5]);
}

#[test]
fn a_hypercube_stands_inside_a_list_inside_a_grid() {
    let design = design(
        "{ grid: { services.web.desired_count: [2, 4] }, list: [{ seed: 1 }, { seed: 2 }], \
         latin_hypercube: { points: 3, over: { traffic.users.rate: { from: 5/s, to: 50/s } } } }",
    );
    assert_eq!(design.len(), 12);
    let names: Vec<&str> = design.paths().iter().map(|path| path.path.as_str()).collect();
    assert_eq!(names, ["services.web.desired_count", "seed", "traffic.users.rate"]);
    assert_eq!(column(&design, 0)[..6], [2.0; 6]);
    assert_eq!(column(&design, 1)[..6], [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    // Crossed: the same three rates at each combination.
    let rates = column(&design, 2);
    assert!(rates.chunks(3).all(|chunk| chunk == &rates[..3]));
}

#[test]
fn each_stratum_of_a_latin_hypercube_holds_exactly_one_point() {
    for points in [1, 2, 7, 64, 1000] {
        for seed in 0..20 {
            let mut strata: Vec<u32> = latin_column(Key::root(1, seed, 0), points)
                .into_iter()
                .map(|share| {
                    assert!(0.0 < share && share < 1.0);
                    (share * f64::from(points)) as u32
                })
                .collect();
            strata.sort_unstable();
            assert_eq!(strata, (0..points).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_strata_survive_rounding_on_either_scale() {
    for (range, scale) in [("from: 100ms, to: 1s", "linear"), ("from: 1ms, to: 100s", "log")] {
        let design = design(&format!(
            "{{ latin_hypercube: {{ points: 500, over: {{ \"services.web.operations.get[0].cpu\": \
             {{ {range}, scale: {scale} }} }} }} }}"
        ));
        let values = column(&design, 0);
        let (low, high) = if scale == "log" {
            (1e-3_f64, 1e2_f64)
        } else {
            (0.1, 1.0)
        };
        let place = |value: f64| match scale {
            "log" => (value / low).ln() / (high / low).ln(),
            _ => (value - low) / (high - low),
        };
        let mut strata: Vec<usize> = values.iter().map(|value| (500.0 * place(*value)) as usize).collect();
        strata.sort_unstable();
        assert_eq!(strata, (0..500).collect::<Vec<_>>(), "{scale}");
    }
}

#[test]
fn a_point_is_jittered_within_its_stratum() {
    // 1,000 places uniform in their strata: their mean is within 4.9 standard deviations (1/√12/√1000) of a half.
    let places = latin_column(Key::root(1, 7, 0), 1000)
        .into_iter()
        .map(|share| (share * 1000.0).fract());
    let mean = places.sum::<f64>() / 1000.0;
    assert!((mean - 0.5).abs() < 4.9 * (1.0_f64 / 12.0 / 1000.0).sqrt(), "{mean}");
}

#[test]
fn another_path_changes_nothing_for_the_others() {
    let rate = "traffic.users.rate: { from: 5/s, to: 50/s, scale: log }";
    let count = "services.web.desired_count: { from: 1, to: 9 }";
    let sweep = |over: &str| design(&format!("{{ latin_hypercube: {{ points: 40, over: {{ {over} }} }} }}"));
    let alone = sweep(rate);
    let both = sweep(&format!("{count}, {rate}"));
    assert_eq!(column(&alone, 0), column(&both, 1));
    assert_ne!(column(&both, 0), column(&both, 1));
}

#[test]
fn whole_numbers_are_equally_likely() {
    // 900 points over nine whole numbers: strata of a hundredth of a number each, so exactly 100 each.
    for value in 1..=9 {
        let design =
            design("{ latin_hypercube: { points: 900, over: { services.web.desired_count: { from: 1, to: 9 } } } }");
        let hits = column(&design, 0)
            .into_iter()
            .filter(|count| *count == f64::from(value));
        assert_eq!(hits.count(), 100, "{value}");
    }
}

#[test]
fn values_are_written_as_a_scenario_has_them() {
    let design = design(
        "{ latin_hypercube: { points: 20, over: { \
         \"services.web.operations.get[0].cpu\": { from: 1ms, to: 9ms }, \
         traffic.users.rate: { from: 600/m, to: 100/s }, \
         services.web.memory: { from: 2 GiB, to: 8 GiB }, \
         services.web.cpu: { from: 512, to: 4 vCPU }, \
         prices.discount.fargate: { from: 10%, to: 50% } } } }",
    );
    for point in 0..design.len() {
        let values = design.values(point);
        for (value, ending) in values.iter().zip(["ms", "/s", "iB", " vCPU", "%"]) {
            assert!(value.ends_with(ending), "{value}");
            let digits = value.chars().filter(char::is_ascii_digit).count();
            assert!(digits <= if ending == " vCPU" { 12 } else { 7 }, "{value}");
        }
    }
    let rates = column(&design, 1);
    assert!(rates.iter().all(|rate| (10.0..=100.0).contains(rate)));
}

#[test]
fn the_command_line_says_the_same_as_the_block() {
    let inside = design(
        "{ grid: { services.web.desired_count: [2, 4] }, \
         latin_hypercube: { points: 3, over: { traffic.users.rate: { from: 5/s, to: 50/s, scale: log } } } }",
    );
    let outside = given(GivenDesign {
        grid: vec!["services.web.desired_count=2,4".into()],
        latin_hypercube: vec!["traffic.users.rate=5/s..50/s:log".into()],
        points: Some(3),
        ..GivenDesign::default()
    })
    .expect("right");
    let points = |design: &Design| (0..design.len()).map(|point| design.values(point)).collect::<Vec<_>>();
    assert_eq!(points(&inside), points(&outside));
}

#[test]
fn a_list_is_read_from_a_file_with_its_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("points.csv");
    let list = |text: &str| {
        std::fs::write(&file, text).expect("written");
        given(GivenDesign {
            list: Some(file.clone()),
            ..GivenDesign::default()
        })
    };
    let design = list(
        "services.web.desired_count,traffic.users.rate,services.web.runtime\n\
         2, 10/s,\"{ thread_pool: { workers: 4 } }\"\n\n3, 20/s,\"{ thread_pool: { workers: 8 } }\"\n",
    )
    .expect("right");
    assert_eq!(design.len(), 2);
    assert_eq!(design.values(1), ["3", "20/s", "{ thread_pool: { workers: 8 } }"]);
    assert!(design.resolve(1).0.is_some());

    let found = list("services.web.desired_count,traffic.users.rate\n2,10/s\n3\n").expect_err("a short row");
    assert_eq!(codes(&found), [Code::MalformedTable]);
    assert_eq!(found.to_json()[0]["line"], 3);
    let found = list("services.web.desired_cout\n2\n").expect_err("a path that is not there");
    assert_eq!(codes(&found), [Code::UnknownPath]);
    assert!(found.to_json()[0]["hint"].to_string().contains("desired_count"));
    let found = list("services.web.desired_count\n").expect_err("no points");
    assert_eq!(codes(&found), [Code::EmptyDesign]);
    assert_eq!(codes(&list("").expect_err("nothing")), [Code::EmptyDesign]);
    let found = list("services.web.desired_count\n2\n[\n").expect_err("no value");
    assert_eq!(codes(&found), [Code::MalformedDesign]);
}

#[test]
fn every_problem_of_the_arguments_is_told_at_once() {
    let found = given(GivenDesign {
        grid: vec![
            "services.web.desired_count".into(),
            "=1".into(),
            "services.wbe.cpu=1".into(),
        ],
        list: Some("/none/points.csv".into()),
        latin_hypercube: vec!["a=1".into(), "a=1..2:cubic".into()],
        points: Some(3),
    })
    .expect_err("all of it is wrong");
    let mut found = codes(&found);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            Code::UnreadableFile,
            Code::UnknownPath,
            Code::MalformedDesign,
            Code::MalformedDesign,
            Code::MalformedDesign,
            Code::MalformedDesign
        ]
    );
    for half in [
        GivenDesign {
            latin_hypercube: vec!["seed=1..9".into()],
            ..GivenDesign::default()
        },
        GivenDesign {
            points: Some(3),
            ..GivenDesign::default()
        },
    ] {
        assert_eq!(
            codes(&given(half).expect_err("the other half is missing")),
            [Code::MalformedDesign]
        );
    }
}

#[test]
fn every_problem_of_a_design_is_told_at_once() {
    let scenario = parse(&format!(
        "{WEB}experiment:\n  sweep:\n    grid: {{ services.web.desired_cout: [1], services.web.cpu: [256, 0.25 vCPU], seed: [] }}\n    \
         latin_hypercube: {{ points: 4, over: {{ traffic.users.rate: {{ from: 9/s, to: 2/s }}, duration: {{ from: 1m, to: 5/s }} }} }}\n"
    ));
    let found = scenario.design().expect_err("much of it is wrong");
    let lines: Vec<_> = found
        .to_json()
        .as_array()
        .expect("a list")
        .iter()
        .map(|problem| (problem["code"].clone(), problem["line"].clone()))
        .collect();
    let expected = [
        ("WT0211", 7),
        ("WT1103", 7),
        ("WT1101", 7),
        ("WT1102", 8),
        ("WT1104", 8),
    ];
    assert_eq!(lines, expected.map(|(code, line)| (code.into(), line.into())));
}

#[test]
fn a_doubt_about_some_points_is_told_once() {
    let scenario = parse(&format!(
        "{WEB}experiment: {{ sweep: {{ grid: {{ traffic.users.rate: [10/s, 300/s, 400/s, 500/s, 600/s] }} }} }}\n"
    ));
    let found = scenario.check();
    assert_eq!(codes(&found), [Code::QueueWithoutBound]);
    let message = found.iter().next().expect("one").message.clone();
    assert!(
        message.starts_with("points 1 (traffic.users.rate=300/s), 2 (traffic.users.rate=400/s), "),
        "{message}"
    );
    assert!(message.contains(" and 1 more: "), "{message}");
}

#[test]
fn a_point_that_cannot_be_run_is_named_with_the_reason_and_its_place() {
    let scenario = parse(&format!(
        "{WEB}experiment:\n  sweep:\n    grid:\n      services.web.memory: [2 GiB, 5 GiB]\n      services.web.cpu: [1 vCPU, 512, 256]\n"
    ));
    let found = scenario.check();
    let told = found.to_json().to_string();
    assert!(
        found.iter().all(|problem| problem.code == Code::PointCannotRun),
        "{told}"
    );
    for words in ["services.web.memory=5 GiB", "services.web.cpu=256", "WT0407"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(
        !told.contains("services.web.memory=2 GiB, services.web.cpu=1 vCPU"),
        "{told}"
    );
}

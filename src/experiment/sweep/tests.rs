use super::*;

fn cut(points: u32, replications: u32, runs_per_part: u32) -> Cut {
    Cut::new(points, replications, runs_per_part).expect("it can be numbered")
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("a test asks for at least one")
}

fn workers(count: usize) -> Workers {
    Workers::new(threads(count))
}

#[test]
fn every_run_is_in_exactly_one_part() {
    let cut = cut(7, 5, 8);
    let runs: Vec<u32> = (0..cut.parts()).flat_map(|part| cut.runs_of(part)).collect();
    assert_eq!(runs, (0..35).collect::<Vec<_>>());
    assert_eq!(cut.runs_of(4), 32..35);
    assert_eq!(
        cut.place(14),
        Place {
            point: 2,
            replication: 4
        }
    );
}

#[test]
fn every_part_is_in_exactly_one_shard() {
    for of in 1..=5 {
        let shards: Vec<Shard> = (1..=of)
            .map(|number| format!("{number}/{of}").parse().expect("it exists"))
            .collect();
        for part in 0..23 {
            assert_eq!(shards.iter().filter(|shard| shard.has(part)).count(), 1);
        }
    }
}

#[test]
fn shards_that_do_not_exist_are_refused_with_the_reason() {
    for (text, why) in [
        ("0/3", NoShard::Zero),
        ("4/3", NoShard::Beyond),
        ("1/0", NoShard::OfNone),
        ("0/0", NoShard::OfNone),
        ("1", NoShard::Malformed),
        ("-1/3", NoShard::Malformed),
        ("1/3/5", NoShard::Malformed),
        ("1/5000000000", NoShard::Malformed),
    ] {
        assert_eq!(text.parse::<Shard>(), Err(why), "{text}");
    }
}

#[test]
fn more_runs_than_32_bits_number_are_no_cut() {
    assert!(Cut::new(65_536, 65_536, 32).is_none());
    assert!(Cut::new(65_535, 65_537, 32).is_some());
    assert!(Cut::new(0, 5, 32).is_none());
    let last = Cut::new(u32::MAX, 1, 7).expect("numbered");
    assert_eq!(last.runs_of(last.parts() - 1).end, u32::MAX);
}

#[test]
fn parts_come_whole_and_in_order_on_any_number_of_threads() {
    for count in [1, 2, 5] {
        let cut = cut(5, 7, 8);
        let wanted = [0, 2, 4];
        let mut seen = Vec::new();
        let done = perform(
            &cut,
            &wanted,
            &workers(count),
            &Cancel::default(),
            |place| place,
            |part, rows| {
                seen.push((part, rows));
                Ok::<_, ()>(())
            },
            |_| {},
        );
        assert_eq!(done, Ok(Performed { parts: 3, lost: 0 }));
        for (part, rows) in seen {
            let expected: Vec<Place> = cut.runs_of(part).map(|run| cut.place(run)).collect();
            assert_eq!(rows, expected);
        }
    }
}

#[test]
fn a_part_that_cannot_be_kept_stops_the_sweep_and_nothing_else() {
    let cancel = Cancel::default();
    let mut kept = 0;
    let done = perform(
        &cut(1000, 1, 4),
        &(0..250).collect::<Vec<_>>(),
        &workers(2),
        &cancel,
        |place| place,
        |part, _| {
            kept += 1;
            if part == 3 { Err("disk full") } else { Ok(()) }
        },
        |_| {},
    );
    assert_eq!((done, kept), (Err("disk full"), 4));
    assert!(!cancel.requested());
}

#[test]
fn an_interruption_keeps_the_parts_that_were_whole() {
    let cancel = Cancel::default();
    let done = perform(
        &cut(100, 1, 4),
        &(0..25).collect::<Vec<_>>(),
        &workers(1),
        &cancel,
        |place| {
            if place.point == 9 {
                cancel.request();
            }
        },
        |_, _| Ok::<_, ()>(()),
        |_| {},
    );
    // One worker: run 9 is the last that is begun, and the parts of runs 0-3 and 4-7 are whole.
    assert_eq!(done, Ok(Performed { parts: 2, lost: 2 }));
}

#[test]
fn a_point_is_resolved_once_for_all_its_runs() {
    let resolved = std::sync::atomic::AtomicUsize::new(0);
    let scenario =
        crate::scenario::Scenario::parse("a", "duration: 1s\n", std::path::Path::new("")).expect("a scenario");
    let blueprint = scenario.resolve().0.expect("right");
    let blueprints = Blueprints::new(threads(2), |_| {
        resolved.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        blueprint.clone()
    });
    let done = perform(
        &cut(30, 6, 4),
        &(0..45).collect::<Vec<_>>(),
        &workers(2),
        &Cancel::default(),
        |place| blueprints.of(place.point).seed,
        |_, _| Ok::<_, ()>(()),
        |_| {},
    );
    assert_eq!(done.expect("nothing fails").parts, 45);
    assert_eq!(resolved.load(std::sync::atomic::Ordering::SeqCst), 30);
}

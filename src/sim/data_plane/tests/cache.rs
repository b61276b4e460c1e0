//! Caches: what is found, what is fetched, and who waits for it.

use super::stage::*;
use crate::blueprint::*;
use crate::engine::popularity::zipf_shares;
use crate::sim::observation::Outcome;
use crate::units::{Ratio, Span};

fn wait(millis: u64) -> Step {
    Step::Wait(constant(millis as f64 / 1e3))
}

fn share(share: f64) -> Ratio {
    Ratio::new(share).expect("a share")
}

/// One cache of each task: a hit takes 1 ms, a miss `miss`; then 5 ms for everybody.
fn cached(millis: &[u64], content: CacheContent, coalesces: bool, miss: Vec<Step>) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![], workers(1000));
    blueprint.programs.push(Program { steps: vec![wait(1)] });
    blueprint.programs.push(Program { steps: miss });
    blueprint.programs[0].steps = vec![
        Step::Cache {
            cache: CacheIx(0),
            hits: 0.0,
            hit: ProgramIx(2),
            miss: ProgramIx(3),
        },
        wait(5),
    ];
    blueprint.caches = vec![Cache {
        name: "web/get/1".into(),
        scope: CacheScope::Task,
        content,
        coalesces,
        latency: None,
        bytes: None,
    }];
    blueprint
}

/// Keys by popularity, with room for so many.
fn keys(shares: Vec<f64>, capacity: u32, ttl: Option<u64>) -> CacheContent {
    CacheContent::Keys {
        shares,
        capacity,
        ttl: ttl.map(Span::from_millis),
    }
}

fn one_key(ttl: Option<u64>) -> CacheContent {
    keys(vec![1.0], 1, ttl)
}

fn took(stage: &Stage) -> Vec<f64> {
    let mut rows = stage.seen();
    rows.sort_by(|one, other| one.0.total_cmp(&other.0));
    rows.iter().map(|row| row.2).collect()
}

/// The hit ratio of `count` requests a millisecond apart, each of which has ended when the next one comes.
fn hit_ratio(content: CacheContent, count: u64) -> f64 {
    let requests: Vec<u64> = (0..count).map(|at| at * 10).collect();
    let blueprint = cached(&requests, content, false, vec![]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(10 * count));
    let counts = &stage.plane.cache_counts()[0];
    counts.hits as f64 / counts.looks as f64
}

#[test]
fn what_was_fetched_is_found_until_it_expires() {
    // Fetched from 0 to 20 ms and good until 120 ms: found at 50 and 119 ms, fetched again at 120 ms.
    let blueprint = cached(&[0, 50, 119, 120], one_key(Some(100)), false, vec![wait(20)]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(took(&stage), [25.0, 6.0, 6.0, 25.0]);
}

#[test]
fn a_miss_that_fails_fills_nothing() {
    let fail = Step::Fail {
        share: Ratio::ONE,
        status: 500,
    };
    let blueprint = cached(&[0, 50], one_key(None), false, vec![wait(20), fail]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let failed = |arrived| (arrived, Outcome::ServerError, 20.0);
    assert_eq!(stage.seen(), [failed(0.0), failed(50.0)]);
    assert_eq!(stage.plane.cache_counts()[0].fills, 0);
}

#[test]
fn without_coalescing_everybody_who_misses_fetches() {
    let blueprint = cached(&[0, 5, 10, 30], one_key(None), false, vec![wait(20)]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(took(&stage), [25.0, 25.0, 25.0, 6.0]);
    assert_eq!(stage.plane.cache_counts()[0].fills, 3);
}

#[test]
fn with_coalescing_those_who_miss_wait_for_the_first() {
    // Fetched from 0 to 20 ms: who comes at 5 and 10 ms goes on then, and has no hit's steps to do.
    let blueprint = cached(&[0, 5, 10, 30], one_key(None), true, vec![wait(20)]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(took(&stage), [25.0, 20.0, 15.0, 6.0]);
    let counts = &stage.plane.cache_counts()[0];
    assert_eq!(
        (counts.looks, counts.hits, counts.coalesced, counts.fills),
        (4, 1, 2, 1)
    );
}

#[test]
fn those_who_wait_fail_with_the_first() {
    let fail = Step::Fail {
        share: Ratio::ONE,
        status: 500,
    };
    let blueprint = cached(&[0, 5], one_key(None), true, vec![wait(20), fail]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(5.0, Outcome::ServerError, 15.0), (0.0, Outcome::ServerError, 20.0)]
    );
}

#[test]
fn if_the_first_is_cancelled_the_next_one_fetches() {
    // The first gives up at 10 ms; the second, which came at 5 ms, fetches from then on until 30 ms; the third with it.
    let mut blueprint = cached(&[], one_key(None), true, vec![wait(20)]);
    blueprint.services[0].revisions[0].on_disconnect = OnDisconnect::Cancel;
    more_traffic(&mut blueprint, &[0], Some(Span::from_millis(10)));
    more_traffic(&mut blueprint, &[5, 6], None);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(took(&stage), [10.0, 30.0, 29.0]);
}

#[test]
fn an_event_loop_is_free_while_somebody_else_fetches() {
    // One loop: while the first fetches for 20 ms and the second waits for it, a third has 5 ms of CPU to itself.
    let mut blueprint = cached(&[0, 1], one_key(None), true, vec![wait(20)]);
    blueprint.services[0].revisions[0].runtime = Runtime::EventLoop { loops: 1, backlog: 10 };
    blueprint.programs[0].steps.insert(0, Step::Cpu(constant(0.001)));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    // CPU from 0 to 1 and from 1 to 2 ms; fetched at 21 ms, then 5 ms more.
    assert_eq!(took(&stage), [26.0, 25.0]);
}

#[test]
fn each_task_starts_with_an_empty_cache() {
    let blueprint = cached(&[0, 50, 100], one_key(None), true, vec![wait(20)]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(60));
    let task = stage.tasks[0][0];
    stage.kill(task);
    let task = stage.start(0, 0, 1.0);
    stage.publish(0, vec![task]);
    stage.run();
    assert_eq!(took(&stage), [25.0, 6.0, 25.0]);
}

#[test]
fn a_process_that_dies_takes_with_it_who_fetched_and_who_waited() {
    let blueprint = cached(&[0, 5, 50], one_key(None), true, vec![wait(20)]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(10));
    let task = stage.tasks[0][0];
    stage.kill(task);
    let task = stage.start(0, 0, 1.0);
    stage.publish(0, vec![task]);
    stage.run();
    assert_eq!(took(&stage), [10.0, 5.0, 25.0]);
}

#[test]
fn a_shared_cache_outlives_tasks_and_hands_the_fetching_on() {
    // Two tasks in turn; the first dies at 10 ms while it fetches, and the second fetches from then on until 30 ms.
    let mut blueprint = cached(&[0, 5, 50], one_key(None), true, vec![wait(20)]);
    blueprint.caches[0].scope = CacheScope::Shared;
    let mut stage = Stage::with_tasks(&blueprint, 2);
    stage.run_until(ms(10));
    let (first, second) = (stage.tasks[0][0], stage.tasks[0][1]);
    stage.kill(first);
    stage.publish(0, vec![second]);
    stage.run();
    assert_eq!(took(&stage), [10.0, 30.0, 6.0]);
}

#[test]
fn a_look_into_a_shared_cache_takes_its_latency() {
    let mut blueprint = cached(&[0, 50], one_key(None), false, vec![wait(20)]);
    blueprint.caches[0].latency = Some(constant(0.002));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(took(&stage), [27.0, 8.0]);
}

#[test]
fn a_flush_empties_a_cache_or_a_share_of_it() {
    let flush = |share| {
        FaultKind::CacheFlush(CacheFlush {
            caches: vec![CacheIx(0)],
            share,
        })
    };
    let blueprint = cached(&[0, 50, 100], one_key(None), false, vec![wait(20)]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(60));
    stage.fault(&flush(Ratio::ONE));
    stage.run();
    assert_eq!(took(&stage), [25.0, 6.0, 25.0]);

    // Half of 1000 keys, all of which have been fetched: five standard deviations of √(1000 / 4) are 79.
    let first: Vec<u64> = (0..20_000).collect();
    let blueprint = cached(&first, keys(zipf_shares(1000, 0.0), 1000, None), false, vec![]);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(15_000));
    let fetched = stage.plane.cache_counts()[0].fills;
    stage.fault(&flush(share(0.5)));
    stage.run();
    let again = stage.plane.cache_counts()[0].fills - fetched;
    assert!((again as f64 - 500.0).abs() < 79.0 + 7.0, "{again}");
}

#[test]
fn a_retry_looks_for_the_key_that_its_request_looked_for() {
    // A miss takes longer than the client waits, but fills: the second attempt finds what the first one fetched.
    let mut blueprint = cached(&[0], keys(zipf_shares(1000, 0.0), 1000, None), false, vec![wait(20)]);
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    blueprint.traffic[0].retry = fixed(2, Span::from_millis(50));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 66.0)]);
}

#[test]
fn a_hit_ratio_is_come_to_by_fills() {
    // Half a million fills away from 80 %, a cache that has been filled n times finds n / 500 · 80 %.
    let content = |warms_up| CacheContent::Ratio {
        hits: share(0.8),
        warms_up,
    };
    // Five standard errors: 5 · √(0.8 · 0.2 / 10,000).
    let warm = hit_ratio(content(0), 10_000);
    assert!((warm - 0.8).abs() < 0.02, "{warm}");
    // dn/dt = 1 − 0.8 n/500 until n = 500: it takes 500/0.8 · ln 5 = 1006 looks to fill it, of which 500 miss.
    let cold = hit_ratio(content(500), 1006);
    assert!((cold - 506.0 / 1006.0).abs() < 0.08, "{cold}");
}

#[test]
fn the_least_recently_used_key_makes_room_as_king_says() {
    // Keys of probabilities 6/11, 3/11, 2/11. With room for one, a look hits if it repeats the last one: Σ p². With room
    // for two, the state is the ordered pair of the last two different keys, P(i, j) = p_i · p_j / (1 − p_i) [King 1971].
    let p = zipf_shares(3, 1.0);
    let one: f64 = p.iter().map(|p| p * p).sum();
    let pair = |i: usize, j: usize| p[i] * p[j] / (1.0 - p[i]) * (p[i] + p[j]);
    let two: f64 = (0..3)
        .flat_map(|i| (0..3).map(move |j| (i, j)))
        .filter(|(i, j)| i != j)
        .map(|(i, j)| pair(i, j))
        .sum();
    for (capacity, exact) in [(1, one), (2, two)] {
        let seen = hit_ratio(keys(p.clone(), capacity, None), 20_000);
        // Looks are nearly independent: five standard errors are 5 · √(0.25 / 20,000) = 0.018.
        assert!((seen - exact).abs() < 0.018, "{capacity}: {seen}, not {exact}");
    }
}

#[test]
fn a_key_that_expires_is_found_as_often_as_the_closed_form_says() {
    // Poisson looks of rate λ at one key that is good for T: of 1 + λT looks one misses. λT = 100/s · 50 ms = 5.
    let mut blueprint = cached(&[], one_key(Some(50)), false, vec![]);
    blueprint.traffic[0].source = crate::sim::data_plane::tests::stage::blueprint(vec![], workers(1), 100.0, 1).traffic
        [0]
    .source
    .clone();
    blueprint.duration = Span::from_secs(200);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(200_000));
    let counts = &stage.plane.cache_counts()[0];
    let seen = counts.hits as f64 / counts.looks as f64;
    // 20,000 looks are 3333 cycles of mean 6 and standard deviation √5: five standard errors of 1/6 are
    // 5 · √5/6 / √3333 / 6 = 0.0054.
    assert!((seen - 5.0 / 6.0).abs() < 0.0054, "{seen}");
}

//! Visitors who go from request to request, to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::engine::dist::Dist;
use crate::sim::observation::{JourneyCount, Observation, Outcome};
use crate::units::{Ratio, Span};

fn step(name: &str, think_s: f64, next: &[(usize, f64)]) -> JourneyStep {
    JourneyStep {
        name: name.into(),
        class: ClassIx(0),
        think_time: constant(think_s),
        next: next.to_vec(),
    }
}

/// Visitors at these milliseconds, who take these steps for requests that wait for `seconds`.
fn visitors_at(millis: &[u64], seconds: f64, steps: Vec<JourneyStep>) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![Step::Wait(constant(seconds))], workers(10));
    blueprint.traffic[0].journeys = vec![Journey {
        name: "shopping".into(),
        weight: 1.0,
        steps,
        patience: None,
        abandon_after_failure: Ratio::ONE,
    }];
    blueprint
}

fn patience(blueprint: &mut Blueprint, seconds: f64) {
    let journey = &mut blueprint.traffic[0].journeys[0];
    journey.patience = Some(Dist::constant(seconds).expect("a time"));
}

fn counts(stage: &mut Stage<'_>) -> Vec<JourneyCount> {
    stage.plane.finish(&mut stage.cx);
    let found = stage.cx.observations.iter().find_map(|seen| match seen {
        Observation::JourneysCounted(counts) => Some(counts.clone()),
        _ => None,
    });
    found.expect("there are journeys")
}

#[test]
fn a_visitor_thinks_after_each_answer_and_goes_on() {
    // 100 ms for each answer, 1 s of thought after the first: requests at 0 and 1.1 s.
    let steps = vec![step("browse", 1.0, &[(1, 1.0)]), step("pay", 5.0, &[])];
    let blueprint = visitors_at(&[0], 0.1, steps);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::Served, 100.0), (1100.0, Outcome::Served, 100.0)]
    );
    let counts = counts(&mut stage);
    let [browse, pay] = counts.as_slice() else {
        panic!("two steps")
    };
    assert_eq!((browse.started, browse.came, browse.finished), (1, 1, 0));
    assert_eq!((pay.started, pay.came, pay.finished), (0, 1, 1));
    assert_eq!(pay.time, 1_200_000_000, "nobody thinks after the last answer");
}

#[test]
fn a_visitor_whose_request_fails_leaves_or_asks_again() {
    // Nobody listens until 1.5 s. Who leaves, leaves at once; who stays thinks for 1 s and is served at the third time.
    for (abandon_after_failure, requests, finished) in [(Ratio::ONE, 1, 0), (Ratio::ZERO, 3, 1)] {
        let mut blueprint = visitors_at(&[0], 0.1, vec![step("browse", 1.0, &[])]);
        blueprint.traffic[0].journeys[0].abandon_after_failure = abandon_after_failure;
        let mut stage = Stage::with_tasks(&blueprint, 0);
        stage.run_until(ms(1500));
        let task = stage.start(0, 0, 1.0);
        stage.publish(0, vec![task]);
        stage.run();
        let count = counts(&mut stage)[0];
        assert_eq!((count.requests, count.finished), (requests, finished));
        assert_eq!(count.abandoned_after_failure, 1 - finished);
        assert_eq!(count.came, 1, "who asks again has not come again");
    }
}

#[test]
fn a_visitor_leaves_when_its_patience_is_over() {
    // The answer would take 3 s and patience is 1 s; the work goes on to its end.
    let mut blueprint = visitors_at(&[0], 3.0, vec![step("browse", 0.0, &[])]);
    patience(&mut blueprint, 1.0);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 1000.0)]);
    assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].requests, 1);
    assert_eq!(counts(&mut stage)[0].abandoned_impatient, 1);
}

#[test]
fn patience_is_over_all_attempts_of_a_request() {
    // Attempts of 400 ms at 0 and 500 ms; at 950 ms the visitor leaves in the pause before the third.
    let mut blueprint = visitors_at(&[0], 3.0, vec![step("browse", 0.0, &[])]);
    patience(&mut blueprint, 0.95);
    blueprint.traffic[0].timeout = Some(Span::from_millis(400));
    blueprint.traffic[0].retry = fixed(5, Span::from_millis(100));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 950.0)]);
    assert_eq!(stage.plane.revision_counts(ServiceIx(0))[0].requests, 2);
    // And while an attempt is under way: at 700 ms it is the second.
    patience(&mut blueprint, 0.7);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 700.0)]);
}

#[test]
fn patience_that_outlasts_the_answer_ends_nothing() {
    // Patience of 1.05 s; answered after 100 ms, again after 1 s of thought: at 1.05 s it waits for nothing, and for each
    // request patience is drawn anew.
    let mut blueprint = visitors_at(&[0], 0.1, vec![step("browse", 1.0, &[(1, 1.0)]), step("pay", 0.0, &[])]);
    patience(&mut blueprint, 1.05);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let counts = counts(&mut stage);
    assert_eq!((counts[1].finished, counts[0].abandoned_impatient), (1, 0));
}

#[test]
fn a_cookie_follows_the_journey_and_not_the_number() {
    // One node and two tasks in turn. The first visitor stays with its task for three requests (two of them would have gone to the
    // other), the second one, who gets the first one's number, takes the turn that comes.
    let steps = vec![
        step("a", 0.0, &[(1, 1.0)]),
        step("b", 0.0, &[(2, 1.0)]),
        step("c", 0.0, &[]),
    ];
    let mut blueprint = visitors_at(&[0, 10_000], 0.1, steps);
    through_balancer(&mut blueprint);
    blueprint.load_balancers[0].zones.truncate(1);
    let zones = |blueprint: &Blueprint| {
        let mut stage = Stage::with_tasks(blueprint, 2);
        stage.run();
        let zone = |request: &crate::sim::observation::RequestFinished| request.served_by.expect("served").zone.0;
        stage.finished.iter().map(zone).collect::<Vec<_>>()
    };
    let turns = zones(&blueprint);
    assert_ne!(turns[0], turns[1]);
    blueprint.target_groups[0].attributes.stickiness = Some(Stickiness {
        cookie: Cookie::LoadBalancer,
        duration: Span::from_secs(3600),
    });
    let sticky = zones(&blueprint);
    assert_eq!(sticky[..3], [sticky[0]; 3]);
    assert_eq!(sticky[3..], [sticky[3]; 3]);
    assert_ne!(sticky[0], sticky[3], "the next visitor takes the next turn");
}

#[test]
fn a_closed_user_goes_on_journey_after_journey() {
    // 1 s of pause, 100 ms, 400 ms of thought, 100 ms: 1.6 s a round; in 8 s five rounds end, and no sixth begins.
    let steps = vec![step("browse", 0.4, &[(1, 1.0)]), step("pay", 0.0, &[])];
    let mut blueprint = visitors_at(&[], 0.1, steps);
    blueprint.duration = Span::from_secs(8);
    blueprint.traffic[0].source = Source::Closed {
        users: 1,
        think_time: constant(1.0),
    };
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let counts = counts(&mut stage);
    assert_eq!((counts[0].started, counts[1].finished), (5, 5));
    assert_eq!(counts[1].unfinished, 0);
    let arrived: Vec<f64> = stage.seen().iter().map(|(at, ..)| *at).take(4).collect();
    assert_eq!(arrived, [1000.0, 1500.0, 2600.0, 3100.0]);
}

#[test]
fn journeys_make_as_many_requests_as_their_absorbing_chain() {
    // Browsing again with 1/2, to the cart with 1/4; back from there with 1/3, on to pay with 1/3: 2.4 + 0.6 + 0.2 = 3.2
    // requests each, and 1/5 of the visitors pay. The number of requests of one journey has a variance of 5.2 (below),
    // so 20,000 of them have a mean within 4.9·√(5.2/20,000) = 0.08 at odds of one in a million, and 1/5 is met within
    // 4.9·√(0.16/20,000) = 0.0139.
    //
    // Variance: with N the fundamental matrix, t = N·1 and var = (2N − I)t − t². From the cart t = (1 + 3.2/3 + 1/3) = 2.4,
    // from pay 1. 2·(2.4·3.2 + 0.6·2.4 + 0.2·1) − 3.2 − 3.2² = 18.64 − 13.44 = 5.2.
    let steps = vec![
        step("browse", 0.0, &[(0, 0.5), (1, 0.25)]),
        step("cart", 0.0, &[(0, 1.0 / 3.0), (2, 1.0 / 3.0)]),
        step("pay", 0.0, &[]),
    ];
    let visitors: Vec<u64> = (0..20_000).map(|at| at * 10).collect();
    let blueprint = visitors_at(&visitors, 0.0, steps);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let counts = counts(&mut stage);
    let mean = |of: fn(&JourneyCount) -> u64| counts.iter().map(of).sum::<u64>() as f64 / 20_000.0;
    assert!(
        (mean(|it| it.requests) - 3.2).abs() < 0.08,
        "{}",
        mean(|it| it.requests)
    );
    let paid = counts[2].came as f64 / 20_000.0;
    assert!((paid - 0.2).abs() < 0.0139, "{paid}");
    assert_eq!(mean(|it| it.finished), 1.0);
}

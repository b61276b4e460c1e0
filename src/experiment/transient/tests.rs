//! What is found in runs whose latency in each second is written by hand.

use super::*;
use crate::blueprint::{
    HttpRequest, Measure, Objective, PreciseFigure, PrecisionGoal, RequestClass, ServiceIx, TrafficIx, ZoneIx, fixture,
};
use crate::experiment::Cancel;
use crate::experiment::plan::Plan;
use crate::experiment::replicate::Workers;
use crate::probe::Recorder;
use crate::sim::observation::{Completeness, Observer, Outcome as Ending, RequestFinished, ServedBy};
use crate::units::{Instant, Ratio};
use std::num::NonZeroUsize;

/// 200 windows of a second behind ten seconds of warm-up.
fn steady() -> Blueprint {
    let mut service = fixture::scaled_service("web", (1, 1), vec![]);
    service.revisions = vec![fixture::revision()];
    Blueprint {
        kind: Kind::Steady,
        warm_up: Span::from_secs(10),
        duration: Span::from_secs(200),
        services: vec![service],
        classes: vec![RequestClass {
            name: "read".into(),
            traffic: TrafficIx(0),
            priority: Default::default(),
            http: HttpRequest::get("/"),
        }],
        ..fixture::empty()
    }
}

/// A run with a request in the middle of every `every`th second, each of the latency that `millis` says.
fn run(blueprint: &Blueprint, every: u64, millis: impl Fn(u64) -> u64) -> RunRecord {
    let mut recorder = Recorder::new(blueprint, 0);
    for second in (0..200).step_by(every as usize) {
        recorder.request_finished(&RequestFinished {
            class: ClassIx(0),
            outcome: Ending::Served,
            arrived: Instant::from_nanos((10_500 + 1000 * second) * 1_000_000),
            latency: Span::from_millis(millis(second)),
            attempts: 1,
            completeness: Completeness::Whole,
            served_by: Some(ServedBy {
                service: ServiceIx(0),
                revision: crate::blueprint::RevisionIx(0),
                zone: ZoneIx(0),
            }),
            failure: None,
        });
    }
    recorder.into_record()
}

/// 100 ms, after so many seconds of ten; every other second a millisecond more, so that a longer rest is a better one.
fn filling(seconds: u64) -> impl Fn(u64) -> u64 + Copy {
    move |second| if second < seconds { 10 } else { 100 + second % 2 }
}

fn outcome(blueprint: &Blueprint, millis: impl Fn(u64) -> u64 + Copy) -> Outcome {
    Outcome {
        name: "it".into(),
        blueprint: blueprint.clone(),
        records: vec![run(blueprint, 1, millis); 3],
        planned: 10,
    }
}

fn seconds(transient: Transient) -> (f64, Option<f64>) {
    (transient.cut.seconds(), transient.too_long.map(Span::seconds))
}

#[test]
fn the_front_in_which_latency_still_rises_is_cut() {
    let found = found(&[outcome(&steady(), filling(30))]);
    assert_eq!(seconds(found[0]), (30.0, None));
}

#[test]
fn more_than_a_third_is_told_and_left() {
    // 70 s are more than a third of 200, 65 are not.
    assert_eq!(seconds(found(&[outcome(&steady(), filling(65))])[0]), (65.0, None));
    assert_eq!(seconds(found(&[outcome(&steady(), filling(70))])[0]), (0.0, Some(70.0)));
    // It never settles.
    let ramp = found(&[outcome(&steady(), |second| 100 + second)]);
    assert!(ramp[0].cut.is_zero() && ramp[0].too_long.is_some(), "{ramp:?}");
}

#[test]
fn a_front_that_hardly_moves_the_mean_stays_unless_a_precision_needs_it_gone() {
    // Ten seconds of 90 instead of 100 ms move the mean of 200 s by half a percent.
    let slightly = |second: u64| if second < 10 { 90 } else { 100 + second % 2 };
    assert_eq!(seconds(found(&[outcome(&steady(), slightly)])[0]), (0.0, None));
    let mut precise = steady();
    precise.precision = Some(PrecisionGoal {
        half_width: Ratio::new(0.02).expect("a share"),
        figures: vec![PreciseFigure::MeanLatency],
        runs_most: 100,
    });
    assert_eq!(seconds(found(&[outcome(&precise, slightly)])[0]), (10.0, None));
}

#[test]
fn variants_measure_the_same_time_the_shortest_that_is_settled_in_all() {
    let blueprint = steady();
    let outcomes = [10, 40, 0].map(|settling| outcome(&blueprint, filling(settling)));
    let cuts = found(&outcomes).into_iter().map(seconds).collect::<Vec<_>>();
    assert_eq!(cuts, [(40.0, None); 3]);
    // One that does not settle says so, and is still measured in the time of the others.
    let outcomes = [10, 100].map(|settling| outcome(&blueprint, filling(settling)));
    let cuts = found(&outcomes).into_iter().map(seconds).collect::<Vec<_>>();
    assert_eq!(cuts, [(10.0, None), (10.0, Some(100.0))]);
}

#[test]
fn seconds_without_requests_are_taken_together_with_their_neighbours() {
    let blueprint = steady();
    let of = |every| of_runs(&vec![run(&blueprint, every, filling(40)); 3], 0.01);
    // A request every three seconds: stretches of three seconds, cut by fives.
    assert_eq!(of(3).cut, Span::from_secs(45));
    // Every five seconds: fifty stretches of four would leave some empty.
    assert_eq!(of(5), Transient::default());
    assert_eq!(of_runs(&[], 0.01), Transient::default());
}

#[test]
fn what_is_not_steady_or_asks_for_a_time_is_never_cut() {
    let variant = |blueprint: Blueprint| Variant {
        name: String::new(),
        blueprint,
    };
    let terminating = Blueprint {
        kind: Kind::Terminating,
        ..steady()
    };
    let told_not_to = Blueprint {
        truncation: Truncation::Never,
        ..steady()
    };
    let mut of_a_time = steady();
    of_a_time.objectives = vec![Objective {
        name: "at first".into(),
        class: None,
        measure: Measure::MeanLatency {
            at_most: Span::from_millis(1),
        },
        scope: Scope::During(Span::ZERO, Span::from_secs(10)),
    }];
    assert!(may_be_cut(&[variant(steady())]));
    for blueprint in [terminating, told_not_to, of_a_time] {
        assert!(!may_be_cut(&[variant(blueprint.clone())]));
        assert!(
            !may_be_cut(&[variant(steady()), variant(blueprint)]),
            "they would not be paired"
        );
    }
}

/// Twenty runs that settle within 30 s.
fn perform(
    cancel: &Cancel,
    run: impl Fn(&Blueprint, u32) -> RunRecord + Sync,
    progress: impl FnMut(usize, usize),
) -> Outcome {
    let variant = Variant {
        name: "it".into(),
        blueprint: steady(),
    };
    let plan = Plan {
        variants: &[variant],
        replications: 20,
        most: 20,
    };
    let workers = Workers::new(NonZeroUsize::MIN);
    let mut outcomes = plan.perform(&workers, cancel, run, |_| true, progress);
    outcomes.remove(0)
}

fn make(blueprint: &Blueprint) -> RunRecord {
    run(blueprint, 1, filling(30))
}

#[test]
fn runs_that_were_looked_at_are_made_again_without_what_is_cut() {
    let mut told = Vec::new();
    let tell = |done, of| told.push((done, of));
    let outcome = perform(&Cancel::default(), |blueprint, _| make(blueprint), tell);
    assert_eq!(outcome.records.len(), 20);
    assert_eq!(outcome.blueprint.transient.cut, Span::from_secs(30));
    for record in &outcome.records {
        assert_eq!(record.classes[0].outcomes.served(), 170, "a request a second, less 30");
        assert_eq!(record.measured, Span::from_secs(170));
    }
    assert!(told.iter().all(|(_, of)| *of == 20));
    assert_eq!(
        told.iter().filter(|(done, _)| *done == 1).count(),
        2,
        "the first ten are made twice"
    );
    assert_eq!(told.last(), Some(&(20, 20)));
}

#[test]
fn an_interruption_keeps_what_was_finished_before_or_after_the_cut() {
    // Interrupted while the run of this number is made, which is finished nonetheless.
    let after = |runs: usize| {
        let (cancel, made) = (Cancel::default(), std::sync::atomic::AtomicUsize::new(0));
        let count = |blueprint: &Blueprint, _: u32| {
            if made.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1 == runs {
                cancel.request();
            }
            make(blueprint)
        };
        let outcome = perform(&cancel, count, |_, _| {});
        assert!(outcome.was_interrupted());
        (outcome.records.len(), outcome.blueprint.transient.cut.seconds())
    };
    assert_eq!(after(3), (3, 0.0));
    // With the last of those that are looked at: they are whole, and nothing has been made anew.
    assert_eq!(after(10), (10, 0.0));
    assert_eq!(after(12), (2, 30.0));
    assert_eq!(after(16), (6, 30.0));
}

/// Runs that start far above or below the rest, each as often: their mean does, by chance, too.
#[test]
fn what_differs_from_run_to_run_as_much_as_from_the_rest_is_chance() {
    let blueprint = steady();
    let with_fronts = |fronts: &[u64]| {
        let of_front = |&front: &u64| {
            run(
                &blueprint,
                1,
                |second| if second < 20 { front } else { 100 + second % 2 },
            )
        };
        let records: Vec<RunRecord> = fronts.iter().map(of_front).collect();
        of_runs(&records, 0.01).cut.seconds()
    };
    // Mean front 60, differences −90 to 10: t = −1.39 with 3 degrees of freedom.
    assert_eq!(with_fronts(&[10, 10, 110, 110]), 0.0);
    // The same mean front, between 50 and 70.
    assert_eq!(with_fronts(&[50, 50, 70, 70]), 20.0);
    assert_eq!(with_fronts(&[10]), 0.0, "one run says nothing about chance");
}

//! Version skew: who is not understood by whom, and what comes of it, by hand.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{Observation, Outcome, SkewCount};
use crate::units::{Ratio, Span};

/// Requests at these milliseconds to `web`, whose only step is a call to `second` (10 ms); two revisions of each.
fn pair(arrivals: &[u64]) -> Blueprint {
    let mut blueprint = requests_at(arrivals, vec![Step::Call(CallIx(0))], workers(10));
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(0.01))],
    });
    blueprint.services.push(service("second", 3, workers(10)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    for service in &mut blueprint.services {
        let next = service.revisions[0].clone();
        service.revisions.push(next);
    }
    blueprint
}

fn need(service: u16, failing: f64, answer: SkewAnswer) -> Need {
    Need {
        service: ServiceIx(service),
        at_least: RevisionIx(1),
        failing: Ratio::new(failing).expect("a share"),
        answer,
    }
}

/// Starts one task of each service in these revisions instead of those that stand.
fn stage(blueprint: &Blueprint, web: u16, second: u16) -> Stage<'_> {
    let mut stage = Stage::with_tasks(blueprint, 0);
    for (service, revision) in [(0, web), (1, second)] {
        let task = stage.start_revision(service, revision, 0, 1.0);
        stage.publish(service, vec![task]);
    }
    stage
}

fn counts(stage: &mut Stage<'_>) -> Vec<SkewCount> {
    stage.plane.finish(&mut stage.cx);
    let counts = stage.cx.observations.iter().find_map(|seen| match seen {
        Observation::SkewCounted(counts) => Some(counts.clone()),
        _ => None,
    });
    counts.unwrap_or_default()
}

#[test]
fn a_new_caller_is_not_understood_by_an_old_callee_and_by_a_new_one_it_is() {
    let mut blueprint = pair(&[0, 100]);
    blueprint.services[0].revisions[1].skew.needs = vec![need(1, 1.0, SkewAnswer::ServerError)];
    let mut old = stage(&blueprint, 1, 0);
    old.run();
    // Answered at the door, at once.
    let failed = [(0.0, Outcome::ServerError, 0.0), (100.0, Outcome::ServerError, 0.0)];
    assert_eq!(old.seen(), failed);
    let seen = old.plane.revision_counts(ServiceIx(1))[0];
    assert_eq!((seen.requests, seen.errors), (2, 2));
    let [count] = counts(&mut old)[..] else {
        panic!("one pair")
    };
    assert_eq!(
        (count.calls, count.failed, count.first, count.last),
        (2, 2, ms(0), ms(100))
    );
    assert_eq!(
        (count.caller, count.callee),
        ((ServiceIx(0), RevisionIx(1)), (ServiceIx(1), RevisionIx(0)))
    );
    for (web, second) in [(0, 0), (0, 1), (1, 1)] {
        let mut fine = stage(&blueprint, web, second);
        fine.run();
        let served = [(0.0, Outcome::Served, 10.0), (100.0, Outcome::Served, 10.0)];
        assert_eq!(fine.seen(), served, "{web} calling {second}");
        assert_eq!(counts(&mut fine), []);
    }
}

#[test]
fn a_new_callee_does_not_understand_old_callers_that_it_needs_anew() {
    let mut blueprint = pair(&[0]);
    blueprint.services[1].revisions[1].skew.needs_of_callers = vec![need(0, 1.0, SkewAnswer::ServerError)];
    for (web, second, outcome) in [
        (0, 0, Outcome::Served),
        (0, 1, Outcome::ServerError),
        (1, 0, Outcome::Served),
        (1, 1, Outcome::Served),
    ] {
        let mut stage = stage(&blueprint, web, second);
        stage.run();
        assert_eq!(stage.finished[0].outcome, outcome, "{web} calling {second}");
    }
}

#[test]
fn a_callee_that_never_answers_costs_the_caller_its_timeout() {
    let mut blueprint = pair(&[0]);
    blueprint.calls[0].timeout = Some(Span::from_millis(300));
    blueprint.services[0].revisions[1].skew.needs = vec![need(1, 1.0, SkewAnswer::Nothing)];
    let mut stage = stage(&blueprint, 1, 0);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 300.0)]);
}

#[test]
fn behind_a_balancer_the_node_gives_up_for_a_callee_that_never_answers() {
    // The balancer's idle timeout is 60 s.
    let mut blueprint = pair(&[0]);
    balanced(&mut blueprint, 1, Algorithm::RoundRobin, 1);
    blueprint.calls[0].to = Callee::LoadBalancer {
        load_balancer: LoadBalancerIx(0),
        listener: 0,
        http: HttpRequest::get("/"),
    };
    blueprint.services[0].revisions[1].skew.needs = vec![need(1, 1.0, SkewAnswer::Nothing)];
    let mut stage = stage(&blueprint, 1, 0);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::ServerError, 60_000.0)]);
}

#[test]
fn a_share_of_the_calls_fails_and_retries_draw_again() {
    // Half of 4,000 first attempts: 2,000 ± 6 standard deviations of 31.6. With a second attempt a quarter fails: 1,000
    // ± 6 × 27.4. Each of these must be understood by a draw of its own.
    let arrivals: Vec<u64> = (0..4000).map(|at| 20 * at).collect();
    for (attempts, expected, spread) in [(1, 2000.0, 31.6), (2, 1000.0, 27.4)] {
        let mut blueprint = pair(&arrivals);
        blueprint.duration = Span::from_secs(100);
        blueprint.calls[0].retry = fixed(attempts, Span::ZERO);
        blueprint.services[0].revisions[1].skew.needs = vec![need(1, 0.5, SkewAnswer::ServerError)];
        let mut stage = stage(&blueprint, 1, 0);
        stage.run();
        let failed = stage
            .seen()
            .iter()
            .filter(|(_, outcome, _)| *outcome == Outcome::ServerError)
            .count();
        assert!(
            (failed as f64 - expected).abs() < 6.0 * spread,
            "{failed} of 4,000 with {attempts} attempts"
        );
    }
}

#[test]
fn branches_of_a_parallel_step_are_their_callers_revision_too() {
    let mut blueprint = pair(&[0]);
    blueprint.programs.push(Program {
        steps: vec![Step::Call(CallIx(0))],
    });
    blueprint.programs[0].steps = vec![Step::Parallel(Parallel::all(vec![ProgramIx(3), ProgramIx(3)]))];
    blueprint.services[0].revisions[1].skew.needs = vec![need(1, 1.0, SkewAnswer::ServerError)];
    let mut stage = stage(&blueprint, 1, 0);
    stage.run();
    assert_eq!(counts(&mut stage)[0].failed, 2);
}

//! Retry budgets and circuit breakers: who is let through, to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::{EventKind, Observation, Outcome};
use crate::units::{Ratio, Span};

fn share(value: f64) -> Ratio {
    Ratio::new(value).expect("a share")
}

/// Requests at these milliseconds that are refused at once, as nobody serves, and tried again at once.
fn refused_at(millis: &[u64], max_attempts: u32) -> Blueprint {
    let mut blueprint = requests_at(millis, vec![], workers(1));
    blueprint.traffic[0].retry = fixed(max_attempts, Span::ZERO);
    blueprint
}

fn attempts(blueprint: &Blueprint) -> Vec<u32> {
    let mut stage = Stage::with_tasks(blueprint, 0);
    stage.run();
    stage.finished.iter().map(|request| request.attempts).collect()
}

#[test]
fn a_budget_allows_retries_up_to_its_share_of_the_requests() {
    // 50 % of the requests so far: none for the first, one for the second, none for the third, one for the fourth.
    let mut blueprint = refused_at(&[0, 1, 2, 3], 3);
    blueprint.traffic[0].guards.budget = Some(RetryBudget {
        rule: BudgetRule::Ratio {
            ratio: share(0.5),
            window: Span::from_secs(10),
            minimum: 0.0,
        },
        scope: SharedBy::Caller,
    });
    assert_eq!(attempts(&blueprint), [1, 2, 1, 2]);
}

#[test]
fn each_client_has_a_budget_of_its_own_unless_all_share_one() {
    // The bucket holds two retries and hardly fills. Of one: the first request takes both. Of each of very many clients:
    // every request finds its own bucket full.
    let mut blueprint = refused_at(&[0, 1, 2], 3);
    blueprint.traffic[0].clients = Some(1_000_000);
    let budget = |scope| {
        Some(RetryBudget {
            rule: BudgetRule::Tokens(TokenRule {
                capacity: 2.0,
                per_request: 0.0,
                per_success: 0.0,
                per_second: 0.001,
                cost: 1.0,
            }),
            scope,
        })
    };
    blueprint.traffic[0].guards.budget = budget(SharedBy::All);
    assert_eq!(attempts(&blueprint), [3, 1, 1]);
    blueprint.traffic[0].guards.budget = budget(SharedBy::Caller);
    assert_eq!(attempts(&blueprint), [3, 3, 3]);
}

#[test]
fn only_the_answers_that_are_named_are_tried_again() {
    let mut blueprint = refused_at(&[0], 3);
    blueprint.traffic[0].guards.retry_on.refused = false;
    assert_eq!(attempts(&blueprint), [1]);
}

fn breaker(trip: Trip) -> Option<BreakerRule> {
    Some(BreakerRule {
        trip,
        open_for: Span::from_millis(100),
        half_open: 1,
        scope: SharedBy::Caller,
    })
}

#[test]
fn an_open_breaker_fails_at_once_what_it_does_not_let_through() {
    // Work takes 50 ms and patience 10. The requests at 0 and 1 ms time out, which opens the breaker at 11 ms. What comes
    // until 111 ms fails at once, without a retry. At 120 ms one is let through; that at 121 ms is not, and at 130 ms the
    // breaker opens again.
    let mut blueprint = requests_at(
        &[0, 1, 20, 110, 120, 121],
        vec![Step::Wait(constant(0.05))],
        workers(10),
    );
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    blueprint.traffic[0].retry = fixed(1, Span::ZERO);
    blueprint.traffic[0].guards.breaker = breaker(Trip::Consecutive(2));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::TimedOut, 10.0),
            (1.0, Outcome::TimedOut, 10.0),
            (20.0, Outcome::Refused, 0.0),
            (110.0, Outcome::Refused, 0.0),
            (121.0, Outcome::Refused, 0.0),
            (120.0, Outcome::TimedOut, 10.0),
        ]
    );
    assert_eq!(
        stage.plane.revision_counts(ServiceIx(0))[0].requests,
        3,
        "who was let through"
    );
    let changes: Vec<_> = stage
        .cx
        .observations
        .iter()
        .filter_map(|observation| match observation {
            Observation::Happened(event) if event.kind == EventKind::CircuitBreaker => {
                Some((event.at, event.to.as_str(), event.reason.as_str()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        changes,
        [
            (ms(11), "open", "users → web"),
            (ms(120), "half-open", "users → web"),
            (ms(130), "open", "users → web"),
        ]
    );
}

#[test]
fn an_open_breaker_ends_retries_too() {
    // The second refusal opens the breaker: the third attempt is not let through, and is not tried again.
    let mut blueprint = refused_at(&[0], 10);
    blueprint.traffic[0].guards.breaker = breaker(Trip::Consecutive(2));
    assert_eq!(attempts(&blueprint), [3]);
}

#[test]
fn each_calling_task_has_a_breaker_of_its_own() {
    // Two tasks call in turn a service that nobody serves; one failure opens. Each learns for itself: the calls of the first
    // two requests are made and refused, then both are open.
    let mut blueprint = requests_at(&[0, 1, 2, 3], vec![Step::Call(CallIx(0))], workers(10));
    blueprint.services.push(service("second", 2, workers(1)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint.calls[0].guards.breaker = breaker(Trip::Consecutive(1));
    let opened = |blueprint: &Blueprint| {
        let mut stage = Stage::with_tasks(blueprint, 2);
        stage.publish(1, vec![]);
        stage.run();
        let opens =
            |observation: &&Observation| matches!(observation, Observation::Happened(event) if event.to == "open");
        stage.cx.observations.iter().filter(opens).count()
    };
    assert_eq!(opened(&blueprint), 2);
    blueprint.calls[0].guards.breaker = breaker(Trip::Consecutive(1)).map(|rule| BreakerRule {
        scope: SharedBy::All,
        ..rule
    });
    assert_eq!(opened(&blueprint), 1);
}

#[test]
fn a_try_whose_caller_is_cut_short_leaves_room_for_another() {
    // The only call of a half-open breaker dies with its caller's patience: the next request may try in its place. The
    // callee takes 50 ms, the client waits 10, and the caller cancels what nobody waits for.
    let mut blueprint = requests_at(&[0, 200, 220], vec![Step::Call(CallIx(0))], workers(10));
    blueprint.services[0].revisions[0].on_disconnect = OnDisconnect::Cancel;
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(0.05))],
    });
    blueprint.services.push(service("second", 3, workers(10)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint.calls[0].guards.breaker = breaker(Trip::Consecutive(1));
    blueprint.traffic[0].timeout = Some(Span::from_millis(10));
    let mut stage = Stage::new(&blueprint);
    // The first finds nobody, which opens the breaker.
    let second = stage.tasks[1].clone();
    stage.publish(1, vec![]);
    stage.run_until(ms(100));
    stage.publish(1, second);
    stage.run();
    let outcomes: Vec<_> = stage.finished.iter().map(|request| request.outcome).collect();
    assert_eq!(outcomes, [Outcome::ServerError, Outcome::TimedOut, Outcome::TimedOut]);
    assert_eq!(stage.plane.revision_counts(ServiceIx(1))[0].requests, 2);
}

/// Success and attempts for each request when half of all attempts fail at random: `clients` send 1,000 requests a second
/// over a minute and try up to four times.
fn when_half_fails(budget: Option<BudgetRule>, clients: u32, rate: f64) -> (f64, f64) {
    let mut blueprint = blueprint(vec![], Runtime::Unbounded, rate, 60);
    blueprint.services[0].revisions[0].operations[0].error_ratio = share(0.5);
    blueprint.traffic[0].clients = Some(clients);
    blueprint.traffic[0].retry = fixed(4, Span::ZERO);
    blueprint.traffic[0].guards.budget = budget.map(|rule| RetryBudget {
        rule,
        scope: SharedBy::Caller,
    });
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let offered = stage.finished.len() as f64;
    let served = stage
        .finished
        .iter()
        .filter(|request| request.outcome == Outcome::Served);
    let attempts: u32 = stage.finished.iter().map(|request| request.attempts).sum();
    (served.count() as f64 / offered, f64::from(attempts) / offered)
}

/// M. Brooker's buckets: full with 5, a tenth for each request.
fn tenth() -> Option<BudgetRule> {
    Some(BudgetRule::Tokens(TokenRule {
        capacity: 5.0,
        per_request: 0.1,
        per_success: 0.0,
        per_second: 0.0,
        cost: 1.0,
    }))
}

#[test]
fn retries_and_budgets_bring_and_cost_what_brookers_simulator_says() {
    // Of 60,000 requests a share has a standard deviation of at most 0.002, a number of attempts (variance 1.1) of 0.0043;
    // five of them. The budget's load varies only with the number of requests of each client: 5 tokens in 600 ± 24.
    let (served, load) = when_half_fails(None, 100, 1000.0);
    assert!(
        (served - 0.9375).abs() < 0.01 && (load - 1.875).abs() < 0.022,
        "{served} {load}"
    );
    let (served, load) = when_half_fails(tenth(), 100, 1000.0);
    assert!(
        (served - 0.5538).abs() < 0.01 && (load - 1.107).abs() < 0.005,
        "{served} {load}"
    );
    let failures = BudgetRule::FailuresBelow {
        ratio: share(0.1),
        window: Span::from_secs(10),
        minimum: 20,
    };
    // Each of the 100 clients finds out with its first 20 of 600 attempts, of which up to a half may be retries.
    let (served, load) = when_half_fails(Some(failures), 100, 1000.0);
    assert!(
        (served - 0.5).abs() < 0.02 && (1.0..1.02).contains(&load),
        "{served} {load}"
    );
}

#[test]
fn a_budget_for_each_client_is_none_when_there_are_many_clients() {
    // Six requests of each of a thousand clients do not use up its 5 tokens. Brooker's 1.604 ± 0.004 and 0.802 ± 0.004; here
    // 6,000 requests: standard deviations of 0.011 (attempts) and 0.005 (shares); four of them.
    let (served, load) = when_half_fails(tenth(), 1000, 100.0);
    assert!(
        (load - 1.604).abs() < 0.048 && (served - 0.802).abs() < 0.024,
        "{served} {load}"
    );
}

#[test]
fn a_budget_of_a_tenth_keeps_a_callee_that_refuses_all_at_a_tenth_more() {
    // Three attempts of each request, all refused: 3 times the load, or 1.1 times.
    let millis: Vec<u64> = (0..10_000).collect();
    let mut blueprint = refused_at(&millis, 3);
    let load = |blueprint: &Blueprint| f64::from(attempts(blueprint).iter().sum::<u32>()) / 10_000.0;
    assert_eq!(load(&blueprint), 3.0);
    blueprint.traffic[0].guards.budget = Some(RetryBudget {
        rule: BudgetRule::Ratio {
            ratio: share(0.1),
            window: Span::from_secs(10),
            minimum: 0.0,
        },
        scope: SharedBy::Caller,
    });
    assert_eq!(load(&blueprint), 1.1);
}

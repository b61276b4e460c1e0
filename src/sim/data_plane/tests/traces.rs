//! Requests that are followed: every stage to the millisecond.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Reason;
use crate::sim::trace::{Doing, Trace, Traced, TracedEnd};
use crate::units::{Instant, Span};

/// Spans in the order in which they began, as `what from–to` in ms, indented by depth.
fn drawn(trace: &Trace) -> Vec<String> {
    let depth =
        |at: usize| std::iter::successors(trace.spans[at].parent, |at| trace.spans[*at as usize].parent).count();
    let millis = |at: Instant| at.since(Instant::ZERO).millis();
    let words = |what: &Traced| match what {
        Traced::Attempt(attempt) => format!("attempt {}", attempt.number),
        Traced::Branch => "branch".to_owned(),
        Traced::Stage(Doing::Cpu { work }) => format!("cpu of {}", work.millis()),
        Traced::Stage(doing) => format!("{doing:?}").to_lowercase(),
    };
    let spans = trace.spans.iter().enumerate();
    let spans = spans.filter(|(_, span)| span.start < span.end);
    spans
        .map(|(at, span)| {
            let indent = "  ".repeat(depth(at));
            format!(
                "{indent}{} {}–{}",
                words(&span.what),
                millis(span.start),
                millis(span.end)
            )
        })
        .collect()
}

/// `web` does 10 ms of CPU and calls a service with one worker, which waits 20 ms; each crossing takes 1 ms.
fn chain() -> Blueprint {
    let steps = vec![Step::Cpu(constant(0.01)), Step::Call(CallIx(0))];
    let mut blueprint = requests_at(&[0], steps, workers(10));
    blueprint.traces.sampled = 100;
    blueprint.network.client = constant(0.001);
    blueprint.network.same_zone = constant(0.001);
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(0.02))],
    });
    blueprint.services.push(service("second", 3, workers(1)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint
}

#[test]
fn a_trace_shows_every_stage_of_a_request() {
    // Two requests at once share the CPU: 20 ms each, of which 10 ms are work. The second then waits for the worker.
    let mut blueprint = chain();
    blueprint.traffic[0].source = recorded(&[0, 0]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let expected = [
        "attempt 1 0–64",
        "  network 0–1",
        "  cpu of 10 1–21",
        "  call 21–63",
        "    attempt 1 21–63",
        "      network 21–22",
        "      queue 22–42",
        "      wait 42–62",
        "      network 62–63",
        "  network 63–64",
    ];
    assert_eq!(drawn(stage.traces()[1]), expected);
}

#[test]
fn attempts_after_a_failed_one_stand_below_the_same_call() {
    // The call waits 15 ms, pauses 5 ms and tries again; the worker is free at 32 ms, and works for nobody until then.
    let mut blueprint = chain();
    blueprint.calls[0].timeout = Some(Span::from_millis(15));
    blueprint.calls[0].retry = fixed(2, Span::from_millis(5));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let trace = stage.traces()[0];
    let expected = [
        "attempt 1 0–47",
        "  network 0–1",
        "  cpu of 10 1–11",
        "  call 11–46",
        "    attempt 1 11–26",
        "      network 11–12",
        "      wait 12–32",
        "    attempt 2 31–46",
        "      network 31–32",
        "      wait 32–52",
        "  network 46–47",
    ];
    assert_eq!(drawn(trace), expected);
    let ends = trace.spans.iter().filter_map(|span| match &span.what {
        Traced::Attempt(attempt) => Some(attempt.ended),
        _ => None,
    });
    let given_up = TracedEnd::GivenUp(Reason::TimedOut(crate::sim::observation::Stage::Wait));
    let failed = TracedEnd::Failed {
        status: 500,
        reason: Reason::TimedOut(crate::sim::observation::Stage::Wait),
    };
    assert_eq!(ends.collect::<Vec<_>>(), [failed, given_up, given_up]);
}

#[test]
fn branches_stand_below_their_join() {
    let mut blueprint = chain();
    blueprint.programs[0].steps = vec![Step::Parallel(Parallel::all(vec![ProgramIx(3), ProgramIx(4)]))];
    for millis in [5.0, 30.0] {
        blueprint.programs.push(Program {
            steps: vec![Step::Wait(constant(millis / 1000.0))],
        });
    }
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let expected = [
        "attempt 1 0–32",
        "  network 0–1",
        "  join 1–31",
        "    branch 1–6",
        "      wait 1–6",
        "    branch 1–31",
        "      wait 1–31",
        "  network 31–32",
    ];
    assert_eq!(drawn(stage.traces()[0]), expected);
}

#[test]
fn a_step_that_waits_for_its_event_loop_queues() {
    let mut blueprint = requests_at(
        &[0, 0],
        vec![Step::Cpu(constant(0.01))],
        Runtime::EventLoop { loops: 1, backlog: 10 },
    );
    blueprint.traces.sampled = 100;
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let expected = ["attempt 1 0–20", "  queue 0–10", "  cpu of 10 10–20"];
    assert_eq!(drawn(stage.traces()[1]), expected);
}

#[test]
fn a_dependencys_queue_is_told_from_its_service() {
    let mut blueprint = requests_at(&[0, 0], vec![Step::Call(CallIx(0))], workers(10));
    blueprint.traces.sampled = 100;
    blueprint.dependencies.push(Dependency {
        name: "store".into(),
        zone: None,
        standby: None,
        failover: Span::ZERO,
        slots: 1,
        backlog: 10,
        service_time: constant(0.01),
    });
    blueprint.calls.push(call(Callee::Dependency(DependencyIx(0))));
    let mut stage = Stage::new(&blueprint);
    stage.run();
    let expected = [
        "attempt 1 0–20",
        "  call 0–20",
        "    attempt 1 0–20",
        "      queue 0–10",
        "      dependency 10–20",
    ];
    assert_eq!(drawn(stage.traces()[1]), expected);
}

#[test]
fn who_is_followed_changes_nothing() {
    let mut blueprint = blueprint(vec![Step::Cpu(exponential(0.008))], workers(2), 100.0, 20);
    let run = |blueprint: &Blueprint| {
        let mut stage = Stage::new(blueprint);
        stage.run_until(ms(60_000));
        (stage.seen(), stage.traces().len())
    };
    let (seen, none) = run(&blueprint);
    blueprint.traces.sampled = 100;
    let (same, followed) = run(&blueprint);
    assert!(seen == same && none == 0);
    // 2 · 100 of about 2,000 requests are expected: a binomial with a deviation of 13.
    assert!((140..=260).contains(&followed), "{followed}");
}

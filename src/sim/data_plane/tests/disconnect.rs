//! What becomes of work whose caller has gone, and of work whose process is killed.

use super::stage::*;
use crate::blueprint::*;
use crate::sim::observation::Outcome;
use crate::sim::signal::Order;
use crate::units::{Instant, Span};

/// One worker; work of 3 s. One client gives up after 1 s, the other waits for ever.
fn patient_behind_impatient(on_disconnect: OnDisconnect, impatient: &[u64], patient: &[u64]) -> Blueprint {
    let mut blueprint = requests_at(impatient, vec![Step::Wait(constant(3.0))], workers(1));
    blueprint.traffic[0].timeout = Some(Span::from_secs(1));
    blueprint.services[0].revisions[0].on_disconnect = on_disconnect;
    more_traffic(&mut blueprint, patient, None);
    blueprint
}

#[test]
fn cancelling_frees_the_worker_at_the_timeout() {
    // The worker is free at 1 s, so the patient client's work runs from 1 to 4 s.
    let blueprint = patient_behind_impatient(OnDisconnect::Cancel, &[0], &[500]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::TimedOut, 1000.0), (500.0, Outcome::Served, 3500.0)]
    );
}

#[test]
fn continuing_wastes_the_worker_until_the_work_is_done() {
    // The worker is free at 3 s: from 3 to 6 s.
    let blueprint = patient_behind_impatient(OnDisconnect::Continue, &[0], &[500]);
    let mut stage = Stage::new(&blueprint);
    stage.run();
    assert_eq!(
        stage.seen(),
        [(0.0, Outcome::TimedOut, 1000.0), (500.0, Outcome::Served, 5500.0)]
    );
}

#[test]
fn cancelling_takes_queued_work_out_of_the_queue() {
    // A patient request has the worker until 3 s; the impatient one that queues from 0.1 s leaves at 1.1 s, so the next
    // patient one runs from 3 to 6 s. Else the impatient one would run from 3 to 6 s all the same.
    for (on_disconnect, last) in [(OnDisconnect::Cancel, 5800.0), (OnDisconnect::Continue, 8800.0)] {
        let blueprint = patient_behind_impatient(on_disconnect, &[100], &[0, 200]);
        let mut stage = Stage::new(&blueprint);
        stage.run();
        assert_eq!(
            stage.seen(),
            [
                (100.0, Outcome::TimedOut, 1000.0),
                (0.0, Outcome::Served, 3000.0),
                (200.0, Outcome::Served, last)
            ]
        );
    }
}

#[test]
fn cancelling_stops_cpu_work_of_all_branches_though_some_have_ended() {
    // Branches of 10 ms, 400 ms and 10 s of CPU side by side on four vCPUs; the client gives up at 1 s.
    let steps = vec![Step::Parallel(Parallel::all(vec![
        ProgramIx(2),
        ProgramIx(3),
        ProgramIx(4),
    ]))];
    let mut blueprint = requests_at(&[0], steps, workers(1));
    for seconds in [0.01, 0.4, 10.0] {
        blueprint.programs.push(Program {
            steps: vec![Step::Cpu(constant(seconds))],
        });
    }
    blueprint.traffic[0].timeout = Some(Span::from_secs(1));
    blueprint.services[0].revisions[0].on_disconnect = OnDisconnect::Cancel;
    let mut stage = Stage::with_tasks(&blueprint, 0);
    let task = stage.start(0, 0, 4.0);
    stage.publish(0, vec![task]);
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::TimedOut, 1000.0)]);
    // 10 ms, 400 ms, and 1 s of the third.
    assert_eq!(stage.sample().services[0].cpu_used, 1_410_000_000);
}

#[test]
fn cancelling_goes_down_the_chain_of_calls() {
    // The first service calls the second, which holds its worker for 10 s; the client gives up at 1 s; both cancel.
    let mut blueprint = requests_at(&[0], vec![Step::Call(CallIx(0))], workers(1));
    blueprint.programs.push(Program {
        steps: vec![Step::Wait(constant(10.0))],
    });
    blueprint.services.push(service("second", 3, workers(1)));
    blueprint.calls.push(call(Callee::Service {
        service: ServiceIx(1),
        operation: OperationIx(0),
        balancing: Balancing::RoundRobin,
    }));
    blueprint.traffic[0].timeout = Some(Span::from_secs(1));
    for service in &mut blueprint.services {
        service.revisions[0].on_disconnect = OnDisconnect::Cancel;
    }
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(999));
    let busy = |stage: &mut Stage<'_>| stage.sample().services.iter().map(|each| each.in_service).sum::<u64>();
    assert_eq!(busy(&mut stage), 2);
    stage.run_until(ms(1000));
    assert_eq!(busy(&mut stage), 0);
    assert_eq!(stage.plane.in_flight(), 0);
}

#[test]
fn a_killed_process_resets_what_it_has_in_hand() {
    // One works, one is queued; the process dies at 0.5 s. What comes after finds nobody.
    let blueprint = requests_at(&[0, 100, 600], vec![Step::Wait(constant(3.0))], workers(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(500));
    stage.kill(stage.tasks[0][0]);
    stage.run();
    assert_eq!(
        stage.seen(),
        [
            (0.0, Outcome::Refused, 500.0),
            (100.0, Outcome::Refused, 400.0),
            (600.0, Outcome::Refused, 0.0)
        ]
    );
    let counts = stage.plane.revision_counts(ServiceIx(0))[0];
    assert_eq!((counts.requests, counts.errors), (2, 2));
}

#[test]
fn work_that_died_with_its_process_does_not_go_on_in_the_next_one() {
    // The process dies at 0.9 s, while the request is in a wait that would end at 1 s, and the news takes 0.2 s to reach
    // the client. Another process has the slot at once. It must see nothing of the old one's CPU step.
    let steps = vec![Step::Wait(constant(0.8)), Step::Cpu(constant(5.0))];
    let mut blueprint = requests_at(&[0], steps, workers(1));
    blueprint.network.client = constant(0.2);
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(900));
    stage.kill(stage.tasks[0][0]);
    let next = stage.start(0, 0, 1.0);
    assert_eq!(next.index(), 0, "the slot is used again");
    stage.run();
    assert_eq!(stage.seen(), [(0.0, Outcome::Refused, 1100.0)]);
    assert_eq!(stage.sample().services[0].cpu_used, 0);
}

#[test]
fn a_closed_process_finishes_what_it_has_and_refuses_the_rest() {
    let blueprint = requests_at(&[0, 600], vec![Step::Wait(constant(1.0))], workers(2));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(500));
    stage.order(Order::CloseServer(stage.tasks[0][0]));
    stage.run();
    assert_eq!(
        stage.seen(),
        [(600.0, Outcome::Refused, 0.0), (0.0, Outcome::Served, 1000.0)]
    );
}

#[test]
fn what_is_in_flight_at_the_end_is_unfinished() {
    let blueprint = requests_at(&[0, 100], vec![Step::Wait(constant(3.0))], workers(1));
    let mut stage = Stage::new(&blueprint);
    stage.run_until(ms(3500));
    stage.plane.finish(&mut stage.cx);
    stage.run_until(Instant::ZERO);
    let unfinished: Vec<_> = stage.cx.finished.iter().map(|request| request.outcome).collect();
    assert_eq!(stage.seen(), [(0.0, Outcome::Served, 3000.0)]);
    assert_eq!(unfinished, [Outcome::Unfinished]);
}

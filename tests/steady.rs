//! A steady scenario that starts far from its steady state is told so; one that starts there is not.

use wavetank::probe::{Pool, Recorder, RunRecord};
use wavetank::report::summary::warnings;
use wavetank::scenario::Scenario;

fn told(duration: &str, warm_up: &str) -> Vec<String> {
    let text = format!(
        "services: {{ q: {{ load_balancers: [], runtime: {{ thread_pool: {{ workers: 1 }} }}, \
         operations: {{ get: [{{ wait: {{ exponential: {{ mean: 1s }} }} }}] }} }} }}\n\
         cluster: {{ network: none }}\n\
         traffic: {{ customers: {{ to: q, rate: 0.95/s }} }}\n\
         duration: {duration}\nwarm_up: {warm_up}\n"
    );
    let scenario = Scenario::parse("steady.yaml", text, std::path::Path::new("")).expect("it is a map");
    let blueprint = scenario.resolve().0.expect("the scenario is right");
    let records: Vec<RunRecord> = (0..200)
        .map(|replication| {
            let mut recorder = Recorder::new(&blueprint, replication);
            wavetank::sim::run::run(&blueprint, replication, &mut recorder);
            recorder.into_record()
        })
        .collect();
    warnings::all(&Pool::new(&blueprint, &records))
        .into_iter()
        .filter(|warning| warning.contains("MSER-5"))
        .collect()
}

/// M/M/1 at 95 % from empty: the relaxation time 1/(1 − √ρ)² is 1,560 s, so a third of 4,000 s are still filling up;
/// with ten relaxation times before the measurement nothing is left to see.
#[test]
fn a_queue_that_fills_up_is_told_from_one_that_is_full() {
    assert_eq!(told("4000s", "0s").len(), 1);
    assert_eq!(told("4000s", "16000s"), Vec::<String>::new());
}

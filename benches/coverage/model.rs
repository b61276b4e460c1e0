//! Queues whose answers are known exactly, as scenarios: what is asked of them, and what theory says.

use std::path::Path;
use wavetank::blueprint::Blueprint;
use wavetank::scenario::{Scenario, Style};

/// A queue with a mean service time of a second.
#[derive(Clone, Debug)]
pub struct Model {
    pub name: &'static str,
    workers: Option<u32>,
    service: &'static str,
    /// Requests a second.
    pub rate: f64,
    /// s, from arrival to answer.
    pub mean_s: f64,
    /// `None` where it has no closed form.
    pub p99_s: Option<f64>,
    /// s, in which what is left of an empty start falls to 1/e.
    pub relaxation_s: f64,
}

impl Model {
    /// A run that offers so many requests on average, after so many relaxation times.
    pub fn scenario(&self, requests: u64, relaxations: f64, experiment: &str) -> Blueprint {
        let runtime = match self.workers {
            Some(workers) => format!("runtime: {{ thread_pool: {{ workers: {workers} }} }}"),
            None => "runtime: unbounded".to_owned(),
        };
        let text = format!(
            "services: {{ q: {{ load_balancers: [], {runtime}, operations: {{ get: [{{ wait: {} }}] }} }} }}\n\
             cluster: {{ network: none }}\n\
             traffic: {{ customers: {{ to: q, rate: {}/s }} }}\n\
             duration: {:.3}s\nwarm_up: {:.3}s\nexperiment: {{ traces: {{ sampled: 0 }}, {experiment} }}\n",
            self.service,
            self.rate,
            requests as f64 / self.rate,
            relaxations * self.relaxation_s
        );
        let scenario = Scenario::parse("coverage.yaml", text, Path::new("")).expect("it is a map");
        let (blueprint, found) = scenario.resolve();
        blueprint.unwrap_or_else(|| panic!("{}", found.render(Style::Plain)))
    }
}

const EXPONENTIAL: &str = "{ exponential: { mean: 1s } }";

/// One worker: the time in the system is exponential with mean 1/(1 − ρ).
pub fn mm1(name: &'static str, rate: f64) -> Model {
    let mean_s = 1.0 / (1.0 - rate);
    Model {
        name,
        workers: Some(1),
        service: EXPONENTIAL,
        rate,
        mean_s,
        p99_s: Some(mean_s * libm::log(100.0)),
        relaxation_s: relaxation(rate, 1.0),
    }
}

/// A queue of one server falls back to its mean as exp(−(1 − √ρ)² t) (Cohen 1982, for exponential service); with more
/// servers it does so as much faster.
fn relaxation(load: f64, servers: f64) -> f64 {
    let gap = 1.0 - load.sqrt();
    1.0 / (servers * gap * gap)
}

/// So many workers: Erlang C waits, exponentially at the spare rate; the time in the system is that and the service.
pub fn mmc(name: &'static str, workers: u32, rate: f64) -> Model {
    let (offered, spare) = (rate, f64::from(workers) - rate);
    // Erlang B by its recursion, and C from it.
    let lost = (1..=workers).fold(1.0, |lost, n| offered * lost / (f64::from(n) + offered * lost));
    let load = offered / f64::from(workers);
    let waits = lost / (1.0 - load * (1.0 - lost));
    let longer = |t: f64| {
        let both = (spare * libm::exp(-t) - libm::exp(-spare * t)) / (spare - 1.0);
        (1.0 - waits) * libm::exp(-t) + waits * both
    };
    Model {
        name,
        workers: Some(workers),
        service: EXPONENTIAL,
        rate,
        mean_s: 1.0 + waits / spare,
        p99_s: Some(falls_to(0.01, longer)),
        relaxation_s: relaxation(load, f64::from(workers)),
    }
}

/// Where a falling function of time falls to a value.
fn falls_to(value: f64, function: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1e3);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if function(middle) > value {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// One worker and service of this coefficient of variation: Pollaczek and Khinchine's mean.
pub fn mg1(name: &'static str, service: &'static str, cv: f64, rate: f64) -> Model {
    Model {
        name,
        workers: Some(1),
        service,
        rate,
        mean_s: 1.0 + rate * (1.0 + cv * cv) / (2.0 * (1.0 - rate)),
        p99_s: None,
        // Of the diffusion that the queue resembles: as exponential service, spread out by its variance.
        relaxation_s: relaxation(rate, 1.0) * (1.0 + cv * cv) / 2.0,
    }
}

/// Nobody waits: the time in the system is the service, lognormal with mean 1 s and cv 1, and all are independent.
pub fn servers_without_end() -> Model {
    let sigma = libm::sqrt(libm::log(2.0));
    // The normal distribution's 99th percentile.
    const Z99: f64 = 2.326_347_874_040_841;
    Model {
        name: "M/G/∞",
        workers: None,
        service: "{ lognormal: { mean: 1s, cv: 1 } }",
        rate: 10.0,
        mean_s: 1.0,
        p99_s: Some(libm::exp(Z99 * sigma - 0.5 * sigma * sigma)),
        relaxation_s: 1.0,
    }
}

//! `cross_checks.csv`: what was simulated, held against laws that must hold whatever the model says.
//!
//! A law is looked at only where its conditions are met, which is decided from the scenario and from what was seen: a
//! service that tries again, fails or is deployed meanwhile is left out rather than judged by a law that is not about it.

use crate::blueprint::{
    Arrivals, Blueprint, Destination, Operation, ProgramIx, RateProfile, Runtime, Service, ServiceIx, Source, Step,
};
use crate::engine::dist::Family;
use crate::probe::traces::{Owner, Part};
use crate::probe::{Pool, RunRecord, estimate};
use crate::report::table::{Schema, Table, Value, column};
use crate::report::words::short;
use crate::sim::observation::Outcome;

pub const CROSS_CHECKS: Schema = Schema {
    name: "cross_checks",
    about: "One row for each law of queueing theory whose conditions a service meets: what was simulated beside what the \
            law says.",
    columns: &[
        column(
            "law",
            "`utilisation law` (CPU used = arrivals × CPU that each needs), `Little's law` (number at a service = arrivals \
             × time there), `M/M/c` (mean time at one task with Poisson arrivals and exponential service) or `M/M/c \
             bound` (several tasks cannot do better than their workers together).",
        ),
        column("where", "Service that it is held at."),
        column("measured_of", "What was simulated, with its unit."),
        column("measured", "Its value over all runs."),
        column(
            "measured_half_width",
            "Half of its 95 % interval over runs; empty if there is none.",
        ),
        column("expected_of", "What the law makes of other figures."),
        column("expected", "Its value."),
        column(
            "verdict",
            "`holds`, or how far off it is: further than chance explains (1.7 times the 95 % interval, which chance \
             leaves once in a thousand checks) and than 1 %.",
        ),
    ],
};

/// Quantiles of the normal distribution, 99.9 % over 95 %, both two-sided: 3.29 / 1.96.
const THOUSANDTH: f64 = 1.68;
/// What the edges of measured time may add: work that began before it or ends after it.
const EDGES: f64 = 0.01;

pub fn cross_checks(pool: &Pool) -> Table {
    let mut table = Table::new(&CROSS_CHECKS);
    // With failures or retries, what arrives is not what is served.
    let well = pool.requests(None).availability().is_some_and(|it| it.value > 0.9999)
        && pool.requests(None).attempts().is_some_and(|it| it.value < 1.0001);
    if !well {
        return table;
    }
    for (at, service) in pool.blueprint.services.iter().enumerate() {
        let ix = ServiceIx::from_usize(at);
        let checks = [
            utilisation(pool, ix, service),
            little(pool, ix, service),
            erlang(pool, ix, service),
        ];
        for check in checks.into_iter().flatten() {
            table.push(check.row(&service.name));
        }
    }
    table
}

struct Check {
    law: &'static str,
    measured_of: &'static str,
    measured: f64,
    half_width: Option<f64>,
    expected_of: &'static str,
    expected: f64,
    sense: Sense,
}

/// Which way a law binds.
#[derive(PartialEq, Eq)]
enum Sense {
    Equal,
    AtLeast,
}

impl Check {
    fn row(&self, place: &str) -> Vec<Value> {
        let allowed = THOUSANDTH * self.half_width.unwrap_or(0.0) + EDGES * self.expected;
        let off = self.measured - self.expected;
        let holds = match self.sense {
            Sense::Equal => off.abs() <= allowed,
            Sense::AtLeast => off >= -allowed,
        };
        let verdict = if holds {
            "holds".to_owned()
        } else {
            format!("{} % off", short(100.0 * off / self.expected, 2))
        };
        vec![
            Value::text(self.law),
            Value::text(place),
            Value::text(self.measured_of),
            Value::measured(self.measured),
            Value::or_missing(self.half_width.map(Value::measured)),
            Value::text(self.expected_of),
            Value::measured(self.expected),
            Value::Text(verdict),
        ]
    }
}

fn half((low, high): (f64, f64)) -> f64 {
    (high - low) / 2.0
}

/// The only operation of a service of one revision that does nothing but serve.
fn plain(service: &Service) -> Option<&Operation> {
    let [revision] = service.revisions.as_slice() else {
        return None;
    };
    let [operation] = revision.operations.as_slice() else {
        return None;
    };
    let alone = revision.server_rules.is_none() && service.consumes.is_empty();
    alone.then_some(operation)
}

/// CPU time that a program takes on average, in seconds; `None` if that hangs on more than the program.
fn cpu_of(blueprint: &Blueprint, program: ProgramIx) -> Option<f64> {
    let steps = &blueprint.programs[program.at()].steps;
    steps
        .iter()
        .map(|step| match step {
            Step::Cpu(cpu) => Some(cpu.mean()),
            Step::Wait(_) | Step::Call(_) => Some(0.0),
            Step::Choose(_) | Step::Repeat { .. } => {
                let parts = step.parts().into_iter();
                parts.map(|(part, times)| Some(times * cpu_of(blueprint, part)?)).sum()
            }
            _ => None,
        })
        .sum()
}

/// U = λ S: the CPU used is what arrives times what each needs.
fn utilisation(pool: &Pool, ix: ServiceIx, service: &Service) -> Option<Check> {
    let operation = plain(service)?;
    let need = cpu_of(pool.blueprint, operation.program)? * operation.cpu_factor;
    let used = pool.cpu_utilization(ix)?;
    let attempts = pool.amplification(ix).work;
    let reserved: u64 = (pool.records.iter())
        .flat_map(|record| record.timeline.service(ix))
        .map(|window| window.cpu_reserved)
        .sum();
    let expected = attempts.attempts as f64 * need * 1e9 / reserved as f64;
    // Work of a few requests may be anything.
    (attempts.attempts >= 1000 && attempts.wasted == 0 && need > 0.0).then(|| Check {
        law: "utilisation law",
        measured_of: "CPU used of reserved, %",
        measured: 100.0 * used.value,
        half_width: used.interval().map(|interval| 100.0 * half(interval)),
        expected_of: "arrivals × CPU of each, %",
        expected: 100.0 * expected,
        sense: Sense::Equal,
    })
}

/// Whether requests at a service are there for nobody but itself.
fn is_leaf(blueprint: &Blueprint, program: ProgramIx) -> bool {
    blueprint.programs[program.at()].steps.iter().all(|step| match step {
        Step::Cpu(_) | Step::Wait(_) => true,
        Step::Choose(_) | Step::Repeat { .. } => step.parts().iter().all(|(part, _)| is_leaf(blueprint, *part)),
        _ => false,
    })
}

/// Mean time at a service of one followed request, with the half-width of its 95 % interval by the spread of the
/// requests, which are chosen by lot.
fn time_at(pool: &Pool, ix: ServiceIx) -> Option<(f64, f64)> {
    let followed = pool.records.iter().flat_map(|record| &record.traces.times);
    let here = |owner: Owner, part: Part| owner == Owner::Service(ix) && !matches!(part, Part::Network | Part::Backoff);
    let times: Vec<f64> = followed
        .filter(|time| time.outcome == Outcome::Served)
        .map(|time| {
            let parts = time.parts.iter().filter(|(owner, part, _)| here(*owner, *part));
            parts.map(|(.., span)| span.seconds()).sum()
        })
        .collect();
    let count = times.len() as f64;
    let mean = times.iter().sum::<f64>() / count;
    let squares: f64 = times.iter().map(|time| (time - mean) * (time - mean)).sum();
    (times.len() >= 100).then(|| (mean, 1.96 * (squares / (count - 1.0) / count).sqrt()))
}

/// L = λ W: the mean number at a service is what arrives times how long it stays.
fn little(pool: &Pool, ix: ServiceIx, service: &Service) -> Option<Check> {
    let leaf = service.revisions.iter().flat_map(|revision| &revision.operations);
    if !{ leaf }.all(|operation| is_leaf(pool.blueprint, operation.program)) {
        return None;
    }
    let of_run = |record: &RunRecord| {
        let windows = record.timeline.service(ix);
        let seen: u64 = windows.iter().map(|window| window.queued + window.in_service).sum();
        seen as f64 / windows.len().max(1) as f64
    };
    let runs: Vec<f64> = pool.records.iter().map(of_run).collect();
    let number = estimate::mean(&runs, pool.level)?;
    let arrivals = pool.requests(None).throughput()?.value;
    let (time, spread) = time_at(pool, ix)?;
    let over_runs = half(number.interval()?);
    (time > 0.0).then(|| Check {
        law: "Little's law",
        measured_of: "mean number at it",
        measured: number.value,
        // Both sides are uncertain, independently.
        half_width: Some((over_runs * over_runs + arrivals * spread * arrivals * spread).sqrt()),
        expected_of: "arrivals × mean time at it",
        expected: arrivals * time,
        sense: Sense::Equal,
    })
}

/// Mean time in M/M/c, against one task; several tasks of so many workers each do no better than one of all of them.
fn erlang(pool: &Pool, ix: ServiceIx, service: &Service) -> Option<Check> {
    let blueprint = pool.blueprint;
    let operation = plain(service)?;
    let Runtime::ThreadPool { workers, .. } = service.revisions[0].runtime else {
        return None;
    };
    let [Step::Wait(wait)] = blueprint.programs[operation.program.at()].steps.as_slice() else {
        return None;
    };
    let Family::Exponential { mean } = *wait.family() else {
        return None;
    };
    let [traffic] = blueprint.traffic.as_slice() else {
        return None;
    };
    let straight = matches!(traffic.to, Destination::Service { service, .. } if service == ix);
    let Source::Open {
        arrivals: Arrivals::Poisson,
        profile,
    } = &traffic.source
    else {
        return None;
    };
    let steady = straight && is_constant(profile) && service.auto_scaling.is_none() && blueprint.events.is_empty();
    let servers = workers * service.desired_count;
    let arrivals = pool.requests(None).throughput()?.value;
    let time = pool.requests(None).mean_ms()?;
    let expected = 1e3 * steady.then(|| time_in_mmc(arrivals, mean, servers)).flatten()?;
    Some(Check {
        law: if service.desired_count == 1 {
            "M/M/c"
        } else {
            "M/M/c bound"
        },
        measured_of: "mean latency, ms",
        measured: time.value,
        half_width: Some(half(time.interval()?)),
        expected_of: "mean time in the queue of theory, ms",
        expected,
        sense: if service.desired_count == 1 {
            Sense::Equal
        } else {
            Sense::AtLeast
        },
    })
}

fn is_constant(profile: &RateProfile) -> bool {
    let rate = profile.segments.first().map(|segment| segment.from);
    let same = |rate: f64| {
        profile
            .segments
            .iter()
            .all(|segment| segment.from == rate && segment.to == rate)
    };
    rate.is_some_and(same)
}

/// Mean time in M/M/c in seconds, waiting included, by Erlang's C formula [Erlang 1917; Kleinrock 1975, 3.5]. `None` if
/// more comes than can be served.
fn time_in_mmc(arrivals: f64, service_s: f64, servers: u32) -> Option<f64> {
    let load = arrivals * service_s;
    let room = f64::from(servers) - load;
    // Erlang's B by its recursion, which neither overflows nor cancels.
    let blocked = (1..=servers).fold(1.0, |blocked, count| {
        load * blocked / (f64::from(count) + load * blocked)
    });
    let waits = f64::from(servers) * blocked / (room + load * blocked);
    (room > 0.0).then(|| service_s + waits * service_s / room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_time_in_mmc_is_that_of_textbooks() {
        // M/M/1: 1 / (μ − λ). M/M/2 at load 1: a third waits, so 1 + 1/3. No arrivals: service alone.
        let near = |time: Option<f64>, expected: f64| (time.expect("stable") - expected).abs() < 1e-12;
        assert!(near(time_in_mmc(0.8, 1.0, 1), 5.0));
        assert!(near(time_in_mmc(1.0, 1.0, 2), 4.0 / 3.0));
        assert!(near(time_in_mmc(0.0, 2.0, 7), 2.0));
        assert_eq!(time_in_mmc(2.0, 1.0, 2), None);
    }

    #[test]
    fn a_figure_that_is_off_is_said_to_be_off() {
        let check = |measured: f64, sense| {
            let check = Check {
                law: "Little's law",
                measured_of: "",
                measured,
                half_width: Some(0.1),
                expected_of: "",
                expected: 10.0,
                sense,
            };
            check.row("web").last().expect("a verdict").cell()
        };
        // Chance and edges allow 0.168 + 0.1.
        assert_eq!(check(10.2, Sense::Equal), "holds");
        assert_eq!(check(11.0, Sense::Equal), "10 % off");
        assert_eq!(check(11.0, Sense::AtLeast), "holds");
        assert_eq!(check(9.0, Sense::AtLeast), "−10 % off");
    }

    #[test]
    fn runs_that_fail_are_not_held_against_laws_of_runs_that_do_not() {
        let shop = sample::shop();
        let runs = sample::runs(&shop, 2);
        assert!(cross_checks(&Pool::new(&shop, &runs)).rows.is_empty());
    }
}

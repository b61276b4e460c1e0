//! One load, and how the system responds to it.

use crate::blueprint::ServiceIx;
use crate::experiment::plan::Outcome;
use crate::experiment::verdict;
use crate::probe::{Estimate, Pool, RunRecord, Verdict, estimate};
use crate::units::Ratio;

/// What was seen under a constant load.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// A multiple of the scenario's traffic.
    pub load: f64,
    /// In order of replication.
    pub runs: Vec<LevelRun>,
    /// Of these, ended by a limit.
    pub cut_short: usize,
    /// Requests a second.
    pub offered: Option<Estimate>,
    /// Requests a second that were served.
    pub served: Option<Estimate>,
    /// Of the offered requests.
    pub failed: Option<Estimate>,
    /// Latency of served requests, ms.
    pub mean_ms: Option<Estimate>,
    pub p50_ms: Option<Estimate>,
    pub p95_ms: Option<Estimate>,
    pub p99_ms: Option<Estimate>,
    /// Attempts of clients for each request.
    pub attempts: Option<Estimate>,
    /// CPU used over reserved of the service that uses most of its own, and its name.
    pub busiest: Option<(String, Estimate)>,
    /// On the scenario's objectives.
    pub verdict: Verdict,
}

/// One run of a level, for differences between levels on the same luck.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelRun {
    /// Requests a second.
    pub offered: f64,
    pub served: f64,
    /// Of served requests; `None` if nothing was served.
    pub mean_ms: Option<f64>,
}

impl LevelRun {
    fn of(record: &RunRecord) -> LevelRun {
        let totals = record.class_totals(None);
        let seconds = record.measured.seconds();
        let a_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let served = totals.outcomes.served();
        LevelRun {
            offered: a_second(totals.outcomes.offered()),
            served: a_second(served),
            mean_ms: (served > 0).then(|| totals.latency_sum as f64 / served as f64 / 1e6),
        }
    }

    /// Served a second over mean latency: what is to be gained over what it costs those who gain it. Kleinrock, "Power and
    /// deterministic rules of thumb for probabilistic problems in computer communications" (1979).
    pub fn power(&self) -> f64 {
        self.mean_ms.map_or(0.0, |mean| self.served / mean)
    }
}

impl Level {
    /// Of the runs of one load. `served` is asked where there are no objectives.
    pub(super) fn of(load: f64, outcome: &Outcome, served: Ratio) -> Level {
        let pool = Pool::new(&outcome.blueprint, &outcome.records);
        let requests = pool.requests(None);
        let runs: Vec<LevelRun> = outcome.records.iter().map(LevelRun::of).collect();
        let offered: Vec<f64> = runs.iter().map(|run| run.offered).collect();
        let quantile = |share| requests.latencies().quantile_ms(share);
        let services = (0..outcome.blueprint.services.len()).map(ServiceIx::from_usize);
        let used = services.filter_map(|service| Some((service, pool.cpu_utilization(service)?)));
        let busiest = used.max_by(|one, other| one.1.value.total_cmp(&other.1.value));
        let availability = requests.availability();
        let verdict = if outcome.blueprint.objectives.is_empty() {
            let cut_short = verdict::ended_early(&outcome.records).is_some();
            availability.map_or(Verdict::NotMet, |it| enough(it, served, cut_short))
        } else {
            verdict::overall(&pool.judge(), &outcome.records)
        };
        Level {
            load,
            cut_short: verdict::ended_early(&outcome.records).map_or(0, |(runs, _)| runs),
            offered: estimate::mean(&offered, pool.level),
            served: requests.throughput(),
            failed: availability.map(Estimate::complement),
            mean_ms: requests.mean_ms(),
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            attempts: requests.attempts(),
            busiest: busiest.map(|(service, it)| (outcome.blueprint.services[service.at()].name.clone(), it)),
            verdict,
            runs,
        }
    }

    /// Served over offered.
    pub fn availability(&self) -> f64 {
        self.failed.map_or(0.0, |failed| 1.0 - failed.value)
    }

    /// Served a second.
    pub fn goodput(&self) -> f64 {
        self.served.map_or(0.0, |served| served.value)
    }

    /// Goodput over mean latency.
    pub fn power(&self) -> f64 {
        self.mean_ms.map_or(0.0, |mean| self.goodput() / mean.value)
    }

    pub fn was_cut_short(&self) -> bool {
        self.cut_short > 0
    }

    /// A figure of this level and of another in the replications that both have.
    pub(super) fn beside(&self, other: &Level, figure: impl Fn(&LevelRun) -> f64) -> Vec<(f64, f64)> {
        let both = self.runs.iter().zip(&other.runs);
        both.map(|(mine, others)| (figure(mine), figure(others))).collect()
    }
}

/// Whether enough is served, by the interval.
fn enough(availability: Estimate, served: Ratio, cut_short: bool) -> Verdict {
    let value = availability.value;
    let (low, high) = availability.interval().unwrap_or((value, value));
    if cut_short || high < served.get() {
        Verdict::NotMet
    } else if low >= served.get() {
        Verdict::Met
    } else {
        Verdict::Undecided
    }
}

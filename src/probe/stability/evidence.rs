//! What was measured in the last windows of a run that stays down, against those before its trigger: evidence, not proof.

use super::{HOLD, Seen, attempts_per_request, sum};
use crate::blueprint::{Blueprint, DependencyIx, ServiceIx};
use crate::probe::timeline::{Refusals, ServiceWindow, Timeline};
use crate::sim::observation::{CacheLooks, DependencySample, Work};

/// What keeps a system down after its trigger has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loop {
    /// Attempts for each request stay above what they were, because more are tried again: the work is of its own making.
    Retries,
    /// A cache finds less than before: what it does not find is the load that keeps it from being filled.
    ColdCache,
    /// Callers get no connection to a dependency.
    NoConnections,
    /// Work is done for callers that have given up, so that their successors give up too.
    WastedWork,
    /// Fewer healthy tasks than wanted: what overloads them also takes them out.
    UnhealthyTasks,
    /// Fewer tasks than before are wanted.
    ScaledIn,
    /// Who could be served is turned away, or waits longer than the server lets anybody wait.
    TurnedAway,
    /// What waits is old, and nothing was measured that feeds it.
    Queue,
    /// A service's CPU is used up.
    Cpu,
    Unknown,
}

impl Loop {
    pub const fn name(self) -> &'static str {
        match self {
            Loop::Retries => "retries",
            Loop::ColdCache => "cold_cache",
            Loop::NoConnections => "no_connections",
            Loop::WastedWork => "wasted_work",
            Loop::UnhealthyTasks => "unhealthy_tasks",
            Loop::ScaledIn => "scaled_in",
            Loop::TurnedAway => "turned_away",
            Loop::Queue => "queue",
            Loop::Cpu => "cpu",
            Loop::Unknown => "unknown",
        }
    }
}

/// The windows that are compared: those before the trigger, and the last ones.
#[derive(Clone, Copy)]
struct Compared<'a> {
    blueprint: &'a Blueprint,
    timeline: &'a Timeline,
    /// All requests, up to the last window that is complete.
    windows: &'a [Seen],
    from: usize,
    last: usize,
}

/// Compares the windows before `from` with those from `last` on; the likeliest first.
pub(super) fn evidence(
    blueprint: &Blueprint,
    timeline: &Timeline,
    windows: &[Seen],
    (from, last): (usize, usize),
) -> Vec<(Loop, String)> {
    let it = Compared {
        blueprint,
        timeline,
        windows,
        from,
        last,
    };
    let mut found = Vec::new();
    found.extend(it.retries());
    found.extend(it.caches());
    found.extend(it.refusals());
    for at in 0..blueprint.services.len() {
        it.service(ServiceIx::from_usize(at), &mut found);
    }
    for (at, dependency) in blueprint.dependencies.iter().enumerate() {
        let windows = &timeline.dependency(DependencyIx::from_usize(at))[..windows.len()];
        let queued = |windows: &[DependencySample]| {
            windows.iter().map(|window| window.queued).sum::<u64>() as f64 / windows.len().max(1) as f64
        };
        let (before, end) = it.both(windows);
        found.extend(queue(&dependency.name, queued(before), queued(end)));
    }
    found.sort_by_key(|(kind, _)| *kind);
    if found.is_empty() {
        let seconds = HOLD as f64 * timeline.windows().width().seconds();
        found.push((
            Loop::Unknown,
            format!("nothing that was counted in the last {seconds} s explains it"),
        ));
    }
    found
}

impl Compared<'_> {
    fn both<'a, T>(&self, windows: &'a [T]) -> (&'a [T], &'a [T]) {
        (&windows[..self.from], &windows[self.last..])
    }

    /// More attempts for each request, and more of them because one had failed.
    fn retries(&self) -> Option<(Loop, String)> {
        let (before, end) = self.both(self.windows);
        let (before, end) = (sum(before), sum(end));
        let again = |seen: &Seen| (seen.sent.retried + seen.sent.hedged) as f64 / seen.offered.max(1) as f64;
        let of_retries = again(&end) - again(&before);
        let (before, end) = (attempts_per_request(&before)?, attempts_per_request(&end)?);
        // A cold cache, too, makes more calls for each request.
        (end > 1.1 * before && of_retries > 0.05 * before).then(|| {
            let words = format!("{end:.2} attempts for each request, {before:.2} before");
            (Loop::Retries, words)
        })
    }

    /// Caches that find less than they did.
    fn caches(&self) -> Vec<(Loop, String)> {
        let caches = self.timeline.caches();
        let at_end_of = |window: usize, cache: usize| caches[window].get(cache).copied().unwrap_or_default();
        let between = |cache: usize, begin: usize, end: usize| {
            let last = end
                .checked_sub(1)
                .map_or(CacheLooks::default(), |window| at_end_of(window, cache));
            let first = begin
                .checked_sub(1)
                .map_or(CacheLooks::default(), |window| at_end_of(window, cache));
            let looks = last.looks.saturating_sub(first.looks);
            (looks > 0).then(|| last.hits.saturating_sub(first.hits) as f64 / looks as f64)
        };
        let cold = |(at, cache): (usize, &crate::blueprint::Cache)| {
            let before = between(at, 0, self.from)?;
            let end = between(at, self.last, self.windows.len())?;
            (end < 0.8 * before).then(|| {
                let (end, before) = (100.0 * end, 100.0 * before);
                let words = format!("the cache {} finds {end:.0} %, {before:.0} % before", cache.name);
                (Loop::ColdCache, words)
            })
        };
        self.blueprint.caches.iter().enumerate().filter_map(cold).collect()
    }

    /// Attempts that somebody said no to.
    fn refusals(&self) -> Vec<(Loop, String)> {
        let (attempts_before, attempts) = self.both(self.windows);
        let (before, end) = self.both(&self.timeline.refusals()[..self.windows.len()]);
        let share = |windows: &[Refusals], seen: &[Seen], of: fn(&Refusals) -> u64| {
            let refused: u64 = windows.iter().map(of).sum();
            refused as f64 / sum(seen).sent.attempts.max(1) as f64
        };
        let judged = |kind: Loop, of: fn(&Refusals) -> u64, words: &str| {
            let (before, end) = (share(before, attempts_before, of), share(end, attempts, of));
            let words = format!(
                "{:.0} % of all attempts {words}, {:.0} % before",
                100.0 * end,
                100.0 * before
            );
            (end > 0.05 && end > 2.0 * before).then_some((kind, words))
        };
        let found = [
            judged(
                Loop::NoConnections,
                |it| it.no_connection,
                "get no connection to a dependency",
            ),
            judged(
                Loop::TurnedAway,
                |it| it.turned_away,
                "are turned away by full queues, limits or shedding",
            ),
        ];
        found.into_iter().flatten().collect()
    }

    /// Wasted work, missing tasks, queue and CPU of one service.
    fn service(&self, service: ServiceIx, found: &mut Vec<(Loop, String)>) {
        let windows = &self.timeline.service(service)[..self.windows.len()];
        let (before, end) = self.both(windows);
        let name = &self.blueprint.services[service.at()].name;
        let share = |windows: &[ServiceWindow]| {
            let mut work = Work::default();
            windows.iter().for_each(|window| work.add(&window.work));
            work.wasted as f64 / work.attempts.max(1) as f64
        };
        let (wasted_before, wasted) = (share(before), share(end));
        if wasted > 0.1 && wasted > 2.0 * wasted_before {
            let percent = 100.0 * wasted;
            found.push((
                Loop::WastedWork,
                format!("{percent:.0} % of what {name} does is for callers that have given up"),
            ));
        }
        let mean = |windows: &[ServiceWindow], level: fn(&ServiceWindow) -> u64| {
            let covered: u64 = windows.iter().map(|window| window.covered).sum();
            let sum: u64 = windows.iter().map(level).sum();
            sum as f64 / covered.max(1) as f64
        };
        let (healthy, desired) = (mean(end, |window| window.healthy), mean(end, |window| window.desired));
        if desired > 0.0 && healthy < 0.9 * desired {
            found.push((
                Loop::UnhealthyTasks,
                format!("{healthy:.1} of {desired:.1} tasks of {name} are healthy"),
            ));
        }
        let desired_before = mean(before, |window| window.desired);
        if desired < 0.9 * desired_before {
            found.push((
                Loop::ScaledIn,
                format!("{desired:.1} tasks of {name} are wanted, {desired_before:.1} before"),
            ));
        }
        let queued = |windows: &[ServiceWindow]| {
            windows.iter().map(|window| window.queued).sum::<u64>() as f64 / windows.len().max(1) as f64
        };
        found.extend(queue(name, queued(before), queued(end)));
        let used = |windows: &[ServiceWindow]| {
            let (used, reserved) = windows.iter().fold((0, 0), |(used, reserved), window| {
                (used + window.cpu_used, reserved + window.cpu_reserved)
            });
            100.0 * used as f64 / (reserved as f64).max(1.0)
        };
        if used(end) > 90.0 && used(before) < 85.0 {
            let (before, end) = (used(before), used(end));
            found.push((
                Loop::Cpu,
                format!("{end:.0} % of the CPU of {name} is used, {before:.0} % before"),
            ));
        }
    }
}

fn queue(name: &str, before: f64, end: f64) -> Option<(Loop, String)> {
    (end >= 10.0 && end > 3.0 * before).then(|| (Loop::Queue, format!("{end:.0} wait at {name}, {before:.1} before")))
}

#[cfg(test)]
mod tests;

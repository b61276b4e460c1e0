//! What users felt: latency percentiles over time, and what became of the requests.

use super::axis::Axis;
use super::canvas::{BLUE, Colour, FAINT, GREEN, INK, ORANGE, PALETTE, PURPLE, SKY, VERMILLION};
use super::figure::{Figure, Panel, Series};
use super::over_runs::{bounds, caption, highest, lowest, lowest_above_zero, marks, series, shades, time};
use crate::blueprint::ClassIx;
use crate::probe::timeline::RequestWindow;
use crate::probe::{Pool, RunRecord};
use crate::report::tables::summary::failures;
use crate::report::tables::timeline::requests;
use crate::sim::observation::Outcome;

/// More panels than these do not fit on a page; the rest is in `timeline.csv`.
pub const PANELS_MAX: usize = 8;
/// Windows that serve a smaller share than this are marked on the latency panels.
const ALERT_BELOW: f64 = 0.99;

/// Latency percentiles over time, a panel for each class.
pub fn latency(pool: &Pool) -> Figure {
    let classes = (0..pool.blueprint.classes.len()).map(ClassIx::from_usize);
    let left_out = pool.blueprint.classes.len().saturating_sub(PANELS_MAX);
    let mut words = format!(
        "Latency of served requests, retries included, by time of arrival. {}",
        caption(pool)
    );
    words.push_str(" Red bars: windows in which less than 99 % of the requests were served.");
    if left_out > 0 {
        words.push_str(&format!(" {left_out} more classes are in timeline.csv."));
    }
    Figure {
        name: "latency".to_owned(),
        title: format!("{}: how long requests took", pool.blueprint.name),
        caption: words,
        x: time(pool),
        panels: classes
            .take(PANELS_MAX)
            .map(|class| latency_panel(pool, class))
            .collect(),
        marks: marks(pool),
        shades: shades(pool),
    }
}

fn latency_panel(pool: &Pool, class: ClassIx) -> Panel {
    let percentile = |name: &str, colour: Colour, share: f64| {
        series(pool, name, colour, move |record, window| {
            let latency = record.timeline.class(class)[window].latencies.quantile(share)?;
            Some(latency.millis())
        })
    };
    let lines = vec![
        percentile("p50", BLUE, 0.5),
        percentile("p95", ORANGE, 0.95),
        percentile("p99", VERMILLION, 0.99),
    ];
    let outcomes = pool.requests(Some(class)).outcomes();
    let share = served_share(outcomes.served(), outcomes.offered());
    Panel {
        title: format!("{}: {share}", pool.blueprint.classes[class.at()].name),
        y: Axis::of_latency(lowest_above_zero(&lines).unwrap_or(1.0), highest(&lines)),
        series: lines,
        areas: Vec::new(),
        pins: Vec::new(),
        alerts: alerts(pool, class),
        alert_words: "under 99 % served",
    }
}

/// `99.32 % served`, never rounded up to a hundred.
pub fn served_share(served: u64, offered: u64) -> String {
    if offered == 0 {
        return "nothing offered".to_owned();
    }
    if served == offered {
        return "all served".to_owned();
    }
    let share = 100.0 * served as f64 / offered as f64;
    // So many digits that a failure shows.
    let digits = [2, 3, 4, 5]
        .into_iter()
        .find(|&digits| !format!("{share:.digits$}").starts_with("100"));
    format!("{share:.*} % served", digits.unwrap_or(5))
}

fn alerts(pool: &Pool, class: ClassIx) -> Vec<(f64, f64)> {
    let count = pool.windows_seen();
    let bad = (0..count).filter(|&window| {
        let sum = requests(pool, class, window);
        (sum.served() as f64) < ALERT_BELOW * sum.offered() as f64
    });
    let mut stretches: Vec<(f64, f64)> = Vec::new();
    for (from, to) in bad.map(|window| bounds(pool, window)) {
        match stretches.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => stretches.push((from, to)),
        }
    }
    stretches
}

/// Offered, served and failed over time, why they failed, and the share served by class.
pub fn outcomes(pool: &Pool) -> Figure {
    Figure {
        name: "requests".to_owned(),
        title: format!("{}: what became of the requests", pool.blueprint.name),
        caption: format!("All clients' requests by time of arrival. {}", caption(pool)),
        x: time(pool),
        panels: vec![rates(pool), failures_by_reason(pool), shares_served(pool)],
        marks: marks(pool),
        shades: shades(pool),
    }
}

/// Requests a second over all classes in a window.
fn rate(pool: &Pool, record: &RunRecord, window: usize, of: impl Fn(&RequestWindow) -> u64) -> Option<f64> {
    let classes = (0..pool.blueprint.classes.len()).map(ClassIx::from_usize);
    let count: u64 = classes.map(|class| of(&record.timeline.class(class)[window])).sum();
    let (from, to) = bounds(pool, window);
    Some(count as f64 / (to - from))
}

fn rates(pool: &Pool) -> Panel {
    let line = |name: &str, colour: Colour, of: fn(&RequestWindow) -> u64| {
        series(pool, name, colour, move |record, window| rate(pool, record, window, of))
    };
    let lines = vec![
        line("offered", INK, RequestWindow::offered),
        line("served", BLUE, RequestWindow::served),
        line("failed", VERMILLION, |window| window.offered() - window.served()),
    ];
    Panel::of_lines("Requests a second", Axis::from_zero("per s", highest(&lines)), lines)
}

fn failures_by_reason(pool: &Pool) -> Panel {
    const COLOURS: [Colour; 9] = [
        PURPLE,
        VERMILLION,
        ORANGE,
        BLUE,
        FAINT,
        GREEN,
        SKY,
        INK,
        Colour {
            0: 0x80,
            1: 0x6d,
            2: 0x00,
        },
    ];
    let seen = pool.requests(None).outcomes();
    let lines: Vec<Series> = failures()
        .zip(COLOURS)
        .filter(|(outcome, _)| seen.of(*outcome) > 0)
        .map(|(outcome, colour)| {
            series(pool, in_words(outcome), colour, move |record, window| {
                rate(pool, record, window, |cell| u64::from(cell.outcomes[outcome as usize]))
            })
        })
        .collect();
    let title = if lines.is_empty() {
        "Failures by reason: none"
    } else {
        "Failures by reason"
    };
    Panel::of_lines(title, Axis::from_zero("per s", highest(&lines)), lines)
}

fn shares_served(pool: &Pool) -> Panel {
    let classes = pool.blueprint.classes.iter().enumerate().take(PALETTE.len());
    let lines: Vec<Series> = classes
        .map(|(at, class)| {
            series(pool, &class.name, PALETTE[at], move |record, window| {
                let cell = &record.timeline.class(ClassIx::from_usize(at))[window];
                (cell.offered() > 0).then(|| 100.0 * cell.served() as f64 / cell.offered() as f64)
            })
        })
        .collect();
    Panel::of_lines(
        "Share served by class",
        Axis::of_percent(lowest(&lines).unwrap_or(0.0)),
        lines,
    )
}

/// An outcome as a legend names it.
pub const fn in_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Served => "served",
        Outcome::ClientError => "4xx by target",
        Outcome::ServerError => "5xx by target",
        Outcome::TimedOut => "client timeout",
        Outcome::Refused => "refused",
        Outcome::FixedResponse => "fixed response",
        Outcome::Redirected => "redirected",
        Outcome::BadGateway => "502 by balancer",
        Outcome::ServiceUnavailable => "503 by balancer",
        Outcome::GatewayTimeout => "504 by balancer",
        Outcome::Unfinished => "unfinished at the end",
    }
}

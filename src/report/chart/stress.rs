//! Load against response: what is served, how long it takes, whether the way back is the way out, and how likely a shock
//! does not heal.

use super::Chart;
use super::axis::Axis;
use super::canvas::{BLUE, Colour, GREEN, INK, ORANGE, PURPLE, VERMILLION};
use super::figure::{Datum, Figure, Mark, Panel, Series, Shade, Stroke};
use super::over_runs::{highest, lowest, lowest_above_zero};
use crate::experiment::stress::{Branch, Level, Shocked, Stressed};
use crate::probe::Estimate;
use crate::report::words::{counted, duration, short};

/// Those for which there is something to draw.
pub fn all(stressed: &Stressed) -> Vec<Chart> {
    let figures = [
        Some(goodput(stressed)),
        Some(latency(stressed)),
        hysteresis(stressed),
        healing(stressed),
    ];
    let figures = figures.into_iter().flatten();
    figures
        .map(|figure| Chart {
            name: figure.name.clone(),
            svg: figure.to_svg(),
        })
        .collect()
}

fn figure(stressed: &Stressed, name: &str, title: &str, caption: String, panels: Vec<Panel>) -> Figure {
    let ends = panels
        .iter()
        .flat_map(|panel| &panel.series)
        .flat_map(|series| &series.points);
    let most = ends.map(|datum| datum.x).fold(0.0, f64::max);
    Figure {
        name: name.to_owned(),
        title: format!("{}: {title}", stressed.name),
        caption,
        x: Axis::from_zero(unit(stressed), most),
        panels,
        marks: marks(stressed),
        shades: Vec::new(),
    }
}

fn unit(stressed: &Stressed) -> String {
    let rate = if stressed.rate > 0.0 {
        format!("; 1 is {} requests a second", short(stressed.rate, 3))
    } else {
        String::new()
    };
    match &stressed.raised {
        Some(name) => format!("load of {name} (multiples of the scenario's traffic{rate} in all)"),
        None => format!("load (multiples of the scenario's traffic{rate})"),
    }
}

fn marks(stressed: &Stressed) -> Vec<Mark> {
    let mark = |load: Option<f64>, label: &str| {
        load.map(|x| Mark {
            x,
            label: format!("{label} {}", short(x, 3)),
        })
    };
    let capacity = mark(stressed.capacity.met_to, "capacity");
    let knee = mark(stressed.knee.map(|knee| knee.load), "knee");
    let saturation = mark(stressed.saturation.map(|it| it.load), "saturation");
    [knee, capacity, saturation].into_iter().flatten().collect()
}

fn line(levels: &[Level], name: &str, colour: Colour, value: impl Fn(&Level) -> Option<Estimate>) -> Series {
    series(name, colour, levels.iter().map(|level| (level.load, value(level))))
}

fn series(name: &str, colour: Colour, points: impl Iterator<Item = (f64, Option<Estimate>)>) -> Series {
    let points = points.map(|(x, estimate)| Datum {
        x,
        y: estimate.map(|it| it.value),
        band: estimate.and_then(|it| it.interval()),
    });
    Series {
        name: name.to_owned(),
        colour,
        stroke: Stroke::Line,
        points: points.collect(),
    }
}

fn goodput(stressed: &Stressed) -> Figure {
    let levels = &stressed.levels;
    let offered = line(levels, "offered", INK, |level| level.offered).drawn(Stroke::Guide);
    let served = line(levels, "served", BLUE, |level| level.served);
    let failed = line(levels, "failed", VERMILLION, |level| {
        level.failed.map(|it| it.as_share().scaled(100.0))
    });
    let attempts = line(levels, "attempts for each request", PURPLE, |level| level.attempts);
    let rates = vec![served, offered];
    let failed = vec![failed];
    let attempts = vec![attempts];
    let mut panels = vec![
        Panel::of_lines(
            "Requests served, and offered",
            Axis::from_zero("1/s", highest(&rates)),
            rates,
        ),
        Panel::of_lines("Requests that failed", Axis::from_zero("%", highest(&failed)), failed),
    ];
    // Clients that never try again make one for each.
    if highest(&attempts) > 1.0 {
        let y = Axis::from_zero("attempts", highest(&attempts));
        panels.push(Panel::of_lines(
            "Attempts that clients make for each request",
            y,
            attempts,
        ));
    }
    let caption = format!(
        "Constant loads, {} each; bands are 95 % intervals. Above saturation more requests bring no more that are served.",
        counted(stressed.replications as usize, "run")
    );
    figure(stressed, "stress_goodput", "what is served under load", caption, panels)
}

fn latency(stressed: &Stressed) -> Figure {
    let levels = &stressed.levels;
    let lines = vec![
        line(levels, "mean", INK, |level| level.mean_ms),
        line(levels, "p50", GREEN, |level| level.p50_ms),
        line(levels, "p95", BLUE, |level| level.p95_ms),
        line(levels, "p99", VERMILLION, |level| level.p99_ms),
    ];
    let y = Axis::of_latency(lowest_above_zero(&lines).unwrap_or(1.0), highest(&lines));
    let cpu = vec![line(levels, "busiest service", ORANGE, |level| {
        level.busiest.as_ref().map(|(_, used)| used.scaled(100.0))
    })];
    let mut panels = vec![Panel::of_lines("Latency of served requests", y, lines)];
    if highest(&cpu) > 0.0 {
        let y = Axis::from_zero("%", highest(&cpu));
        panels.push(Panel::of_lines("CPU used of what is reserved", y, cpu));
    }
    let caption =
        "Latency belongs to the requests that were served: read it beside what was served. Bands are 95 % intervals. \
                   At the knee goodput over mean latency is highest (Kleinrock's power)."
            .to_owned();
    figure(
        stressed,
        "stress_latency",
        "how long it takes under load",
        caption,
        panels,
    )
}

fn hysteresis(stressed: &Stressed) -> Option<Figure> {
    let branches = stressed.branches.as_ref()?;
    let way = |name: &str, colour, value: &dyn Fn(&Branch) -> Option<Estimate>| {
        series(
            name,
            colour,
            branches.loads.iter().map(|branch| (branch.load, value(branch))),
        )
    };
    let percent = |share: Option<Estimate>| share.map(|it| it.scaled(100.0));
    let shares = vec![
        way("on the way up", BLUE, &|branch| percent(branch.up.served_share)),
        way("on the way down", VERMILLION, &|branch| {
            percent(branch.down.served_share)
        }),
    ];
    let means = vec![
        way("on the way up", BLUE, &|branch| branch.up.mean_ms),
        way("on the way down", VERMILLION, &|branch| branch.down.mean_ms),
    ];
    let y = Axis::of_latency(lowest_above_zero(&means).unwrap_or(1.0), highest(&means));
    let panels = vec![
        Panel::of_lines(
            "Requests that are served",
            Axis::of_percent(lowest(&shares).unwrap_or(0.0)),
            shares,
        ),
        Panel::of_lines("Mean latency of served requests", y, means),
    ];
    let caption = format!(
        "The load goes up step by step, {} each, for a moment to {} × and down again; {}, bands are 95 % intervals. Where the way \
         down lies below, the system remembers the overload: in shadow.",
        duration(branches.hold.seconds()),
        short(branches.top, 3),
        counted(branches.runs, "run")
    );
    let mut figure = figure(stressed, "stress_hysteresis", "up and down again", caption, panels);
    figure.shades = branches
        .region()
        .map(|(from, to)| Shade {
            from,
            to,
            label: "the ways differ".to_owned(),
        })
        .into_iter()
        .collect();
    Some(figure)
}

fn healing(stressed: &Stressed) -> Option<Figure> {
    let shocks = stressed.shocks.as_ref().filter(|shocks| shocks.are_known())?;
    let datum = |it: &Shocked| Datum {
        x: it.load,
        y: it.down_share.map(|share| 100.0 * share.estimate),
        band: it.down_share.map(|share| (100.0 * share.low, 100.0 * share.high)),
    };
    let down = Series {
        name: "runs that stay down".to_owned(),
        colour: VERMILLION,
        stroke: Stroke::Line,
        points: shocks.loads.iter().map(datum).collect(),
    };
    let after = vec![series(
        "the others are back after",
        BLUE,
        shocks.loads.iter().map(|it| (it.load, it.back_after_s)),
    )];
    let mut panels = vec![Panel::of_lines(
        "Runs that do not come back",
        Axis::from_zero("%", 100.0),
        vec![down],
    )];
    if highest(&after) > 0.0 {
        panels.push(Panel::of_lines(
            "Time until the others are back",
            Axis::from_zero("s", highest(&after)),
            after,
        ));
    }
    let caption = format!(
        "After {}, watched for {}. The band is Clopper and Pearson's 95 % interval of a proportion; in shadow loads under which \
         some run stayed down.",
        shock_in_words(stressed),
        duration(shocks.shock.recovery.seconds())
    );
    let mut figure = figure(stressed, "stress_healing", "does a shock heal?", caption, panels);
    if let Some((_, from)) = shocks.fragile_from() {
        let to = shocks.loads.last().map_or(from, |it| it.load);
        figure.shades.push(Shade {
            from,
            to,
            label: "fragile".to_owned(),
        });
    }
    Some(figure)
}

/// `a spike of 3 times the load for 10 s`, or the scenario's events.
pub fn shock_in_words(stressed: &Stressed) -> String {
    use crate::blueprint::ShockKind;
    match stressed.shocks.as_ref().map(|shocks| shocks.shock.kind) {
        Some(ShockKind::Spike { factor, lasting }) => format!(
            "a spike of {} times the load for {}",
            short(factor, 3),
            duration(lasting.seconds())
        ),
        Some(ShockKind::Events) => "the scenario's own events".to_owned(),
        None => "no shock".to_owned(),
    }
}

//! Where the time of requests goes: all that were served beside the slowest of them.

use super::axis::Axis;
use super::canvas::{BLUE, Colour, FAINT, GREEN, ORANGE, PURPLE, SKY, VERMILLION};
use super::rows::{Group, Row, Rows, Shape};
use crate::probe::Pool;
use crate::probe::times::{Times, Whose};
use crate::probe::traces::Part;
use crate::report::table::significant;
use crate::report::tables::time::in_words;
use crate::report::words::{count, short};

/// Rows of a group; what is left is added up in one more.
const ROWS_MAX: usize = 9;

/// Bars by place and kind of time, longest first. `None` if no served request was followed.
pub fn time(pool: &Pool) -> Option<Rows> {
    let served = pool.times(None, Whose::Served)?;
    let slowest = pool.times(None, Whose::Slowest)?;
    let caption = format!(
        "Of {} served requests that were followed step by step. Each moment of a request is put down to one thing: of branches \
         that run side by side, to the one that ended last. So the bars of a group add up to its mean latency.",
        count(served.requests as u64)
    );
    Some(Rows {
        name: "time".to_owned(),
        title: format!("{}: where the time goes", pool.blueprint.name),
        caption,
        groups: vec![
            group(pool, "All served requests", &served),
            group(pool, "The slowest 1 %", &slowest),
        ],
    })
}

fn group(pool: &Pool, title: &str, times: &Times) -> Group {
    let row = |name: String, colour: Colour, span| Row {
        name,
        value: times.mean_ms(span),
        interval: None,
        shape: Shape::Bar,
        colour,
        words: format!(
            "{} ms, {} %",
            significant(times.mean_ms(span), 3),
            short(100.0 * times.share(span), 2)
        ),
    };
    let (told, rest) = times.parts.split_at(times.parts.len().min(ROWS_MAX));
    let mut rows: Vec<Row> = told
        .iter()
        .map(|&(owner, part, span)| row(in_words(pool.blueprint, owner, part), colour(part), span))
        .collect();
    if !rest.is_empty() {
        let sum = rest
            .iter()
            .fold(crate::units::Span::ZERO, |sum, &(_, _, span)| sum + span);
        rows.push(row(format!("{} more", rest.len()), FAINT, sum));
    }
    let highest = rows.iter().map(|row| row.value).fold(0.0, f64::max);
    Group {
        title: format!("{title}: {} ms", significant(times.mean_ms(times.latency), 3)),
        axis: Axis::from_zero("ms", highest),
        rows,
    }
}

/// One for each kind of time.
fn colour(part: Part) -> Colour {
    match part {
        Part::Queue => VERMILLION,
        Part::Cpu => BLUE,
        Part::Contention => ORANGE,
        Part::Wait => SKY,
        Part::Service => GREEN,
        Part::Network => FAINT,
        Part::Backoff => PURPLE,
    }
}

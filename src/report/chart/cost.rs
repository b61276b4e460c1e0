//! What the measured time costs, line by line.

use super::axis::Axis;
use super::canvas::{BLUE, FAINT};
use super::rows::{Group, Row, Rows, Shape};
use crate::probe::Pool;
use crate::probe::estimate;
use crate::probe::record::RunRecord;
use crate::report::table::significant;
use crate::report::tables::cost::{lines, per_hour, per_million, per_month, total};
use crate::report::words::plain;

/// Bars of cost per hour, dearest first. `None` if nothing costs anything.
pub fn cost(pool: &Pool) -> Option<Rows> {
    let mut bars: Vec<Row> = lines(pool.records)
        .into_iter()
        .filter_map(|(item, subject)| bar(pool, item, &subject))
        // Some lines only say what others come from.
        .filter(|bar| bar.value > 0.0)
        .collect();
    // By cost, then name, so that equal costs keep one order.
    bars.sort_by(|a, b| b.value.total_cmp(&a.value).then_with(|| a.name.cmp(&b.name)));
    let sum = total(pool)?;
    if sum.value <= 0.0 {
        return None;
    }
    let hourly = |usd: f64| per_hour(pool, usd);
    let monthly = significant(per_month(pool, sum.value), 4);
    let millions = per_million(pool, sum.value);
    let millions = millions.map_or(String::new(), |usd| {
        format!(" and {} USD a million requests served", significant(usd, 3))
    });
    bars.push(Row {
        name: "total".to_owned(),
        value: hourly(sum.value),
        interval: sum.interval().map(|(low, high)| (hourly(low), hourly(high))),
        shape: Shape::Bar,
        colour: FAINT,
        words: format!("{} USD/h", significant(hourly(sum.value), 4)),
    });
    let highest = bars
        .iter()
        .map(|bar| bar.interval.map_or(bar.value, |interval| interval.1))
        .fold(0.0, f64::max);
    let runs = pool.records.len();
    let mean = if runs > 1 {
        format!("Means over {runs} runs; whiskers are 95 % intervals.")
    } else {
        "One run.".to_owned()
    };
    Some(Rows {
        name: "cost".to_owned(),
        title: format!("{}: what it costs", pool.blueprint.name),
        caption: format!(
            "US dollars for each hour of measured time, at published On-Demand prices less the scenario's discounts. {mean} \
             The total is {} USD a month{millions}.",
            plain(monthly)
        ),
        groups: vec![Group {
            title: "Cost per hour".to_owned(),
            axis: Axis::from_zero("USD/h", highest),
            rows: bars,
        }],
    })
}

fn bar(pool: &Pool, item: &'static str, subject: &str) -> Option<Row> {
    let amount = |record: &RunRecord| {
        let lines = record
            .cost
            .iter()
            .filter(|line| line.item == item && line.subject == subject);
        per_hour(pool, lines.map(|line| line.amount.usd()).sum())
    };
    let amounts: Vec<f64> = pool.records.iter().map(amount).collect();
    let mean = estimate::mean(&amounts, pool.level)?;
    Some(Row {
        name: format!("{} ({subject})", item.replace('_', " ")),
        value: mean.value,
        interval: mean.interval(),
        shape: Shape::Bar,
        colour: BLUE,
        words: format!("{} USD/h", significant(mean.value, 4)),
    })
}

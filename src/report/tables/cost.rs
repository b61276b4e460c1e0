//! `cost.csv`: the bill for the measured time.

use crate::probe::estimate::{self, Estimate};
use crate::probe::record::{CostLine, RunRecord};
use crate::probe::{Pool, verdict};
use crate::report::table::{Schema, Table, Value, column};

pub const COST: Schema = Schema {
    name: "cost",
    about: "One row for each line of the bill for the measured time, then `total`: means over runs, at us-east-1's \
            published On-Demand prices less the scenario's discounts.",
    columns: &[
        column("item", "What is paid for, or `total`."),
        column(
            "subject",
            "Whose it is: a service, an Auto Scaling group or a load balancer.",
        ),
        column("quantity", "How much of it, in the unit of the next column."),
        column("unit", "`vCPU-h`, `GB-h`, `h`, `LCU-h`, ..."),
        column("cost_usd", "What it costs."),
        column(
            "cost_usd_low",
            "Its 95 % interval over runs; empty if there is one run, or all agree.",
        ),
        column("cost_usd_high", ""),
        column("cost_usd_per_hour", "For each hour of measured time."),
        column("cost_usd_per_month", "For 730 such hours."),
        column("cost_usd_per_million_requests", "For each million requests served."),
    ],
};

/// Hours of a month, as AWS's calculators count them.
pub const HOURS_PER_MONTH: f64 = crate::aws::prices::HOURS_PER_MONTH;

pub fn cost(pool: &Pool) -> Table {
    let mut table = Table::new(&COST);
    for (item, subject) in lines(pool.records) {
        let is_it = |line: &&CostLine| line.item == item && line.subject == subject;
        let of_run = |record: &RunRecord| {
            let lines = || record.cost.iter().filter(is_it);
            (
                lines().map(|line| line.quantity).sum::<f64>(),
                lines().map(|line| line.amount.usd()).sum::<f64>(),
            )
        };
        let (quantities, amounts): (Vec<f64>, Vec<f64>) = pool.records.iter().map(of_run).unzip();
        let unit = pool
            .records
            .iter()
            .flat_map(|record| &record.cost)
            .find(is_it)
            .map(|line| line.unit);
        let quantity = estimate::mean(&quantities, pool.level).map(|quantity| Value::measured(quantity.value));
        let names = [Value::text(item), Value::text(subject), Value::or_missing(quantity)];
        push(&mut table, pool, names, unit, estimate::mean(&amounts, pool.level));
    }
    push(
        &mut table,
        pool,
        [Value::text("total"), Value::Missing, Value::Missing],
        None,
        total(pool),
    );
    table
}

/// What one run's measured time costs, on average. `None` without runs.
pub fn total(pool: &Pool) -> Option<Estimate> {
    let totals: Vec<f64> = pool.records.iter().map(verdict::total_usd).collect();
    estimate::mean(&totals, pool.level)
}

/// For each hour of measured time.
pub fn per_hour(pool: &Pool, usd: f64) -> f64 {
    usd / pool.measured_hours()
}

/// A month at this rate.
pub fn per_month(pool: &Pool, usd: f64) -> f64 {
    per_hour(pool, usd) * HOURS_PER_MONTH
}

/// For each million requests served. `None` if none was.
pub fn per_million(pool: &Pool, usd: f64) -> Option<f64> {
    let served: u64 = pool
        .records
        .iter()
        .map(|record| record.class_totals(None).outcomes.served())
        .sum();
    (served > 0).then(|| usd * pool.records.len() as f64 / served as f64 * 1e6)
}

/// Item and subject of all lines, each once, in the order of the bill.
pub fn lines(records: &[RunRecord]) -> Vec<(&'static str, String)> {
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    for line in records.iter().flat_map(|record| &record.cost) {
        if !lines
            .iter()
            .any(|(item, subject)| *item == line.item && *subject == line.subject)
        {
            lines.push((line.item, line.subject.clone()));
        }
    }
    lines
}

fn push(table: &mut Table, pool: &Pool, names: [Value; 3], unit: Option<&'static str>, cost: Option<Estimate>) {
    let number = |number: Option<f64>| Value::or_missing(number.map(Value::measured));
    let interval = cost.and_then(|cost| cost.interval());
    let usd = cost.map(|cost| cost.value);
    let mut row = names.to_vec();
    row.extend([
        Value::or_missing(unit.map(Value::text)),
        number(usd),
        number(interval.map(|interval| interval.0)),
        number(interval.map(|interval| interval.1)),
        number(usd.map(|usd| per_hour(pool, usd))),
        number(usd.map(|usd| per_month(pool, usd))),
        number(usd.and_then(|usd| per_million(pool, usd))),
    ]);
    table.push(row);
}

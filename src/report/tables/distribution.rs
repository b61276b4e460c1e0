//! `distribution.csv`: the whole distribution of latency, with the tail spread out.

use super::label;
use crate::blueprint::ClassIx;
use crate::probe::Pool;
use crate::report::chart::axis::Axis;
use crate::report::chart::distribution::beyond;
use crate::report::table::{Schema, Table, Value, column, significant};

pub const DISTRIBUTION: Schema = Schema {
    name: "distribution",
    about: "Latency of the served requests of all runs at percentiles that lie evenly in rarity: each factor of ten has \
            the same number of rows. Percentiles with fewer than ten requests beyond them are left out.",
    columns: &[
        column("class", "Request class, or `all`."),
        column(
            "percentile",
            "In percent: 99 is the latency that one request in a hundred exceeds.",
        ),
        column("latency_ms", "Latency of the served ones at this percentile."),
    ],
};

/// Steps from nothing to the rarest percentile shown.
const STEPS: u32 = 160;

pub fn distribution(pool: &Pool) -> Table {
    let mut table = Table::new(&DISTRIBUTION);
    let classes = (0..pool.blueprint.classes.len()).map(ClassIx::from_usize);
    for class in classes.map(Some).chain([None]) {
        let requests = pool.requests(class);
        let latencies = requests.latencies().pooled().ranked();
        let axis = Axis::of_shares(latencies.len() as f64 / 10.0);
        let name = class.map_or_else(|| Value::text("all"), |class| label::class(pool.blueprint, class));
        for step in 0..=STEPS {
            let share = axis.at_place(f64::from(step) / f64::from(STEPS));
            if let Some(latency) = beyond(&latencies, share) {
                let percentile = Value::Number(significant(100.0 * share, 7));
                table.push(vec![name.clone(), percentile, Value::measured(latency)]);
            }
        }
    }
    table
}

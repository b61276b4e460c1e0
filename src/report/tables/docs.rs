//! Prints the schemas of all tables as `docs/results.md`, so that the documentation cannot disagree with the files.

use super::{SCHEMAS, candidates, comparison, runs, stress, values};
use crate::report::table::Schema;

const HEAD: &str = "\
# Results

<!-- Generated from the tables' schemas in src/report/tables; a test keeps it up to date. -->

`wavetank run` writes these files to `results/<scenario>/` (or `--out DIR`). Times are in seconds of simulated time from
the end of the warm-up; a number without a unit in its column's name is a count or a share. An empty cell means that
there is no such thing (a time that did not come, a percentile of nothing) or no honest interval; the column `note` then
says why. Equal runs write equal bytes: nothing about the machine or the wall clock stands in any file.

A column `x_low` and `x_high` beside `x` is its 95 % interval over replications. Percentiles are those of the served
requests of all replications together; their intervals invert the interval of the share of requests below them, and are
left out under 10 replications or 100 requests beyond the percentile. Latency is that of served requests: read it beside
`availability`.

Only measured time is told: requests that arrived in it, events and decisions within it, and tasks, instances and
deployments that were not over before it began. Tables of single happenings (events, tasks, instances, deployments,
steps, scaling) have the rows of all replications, one run after the other.

| file | what it is |
|---|---|
| `manifest.json` | Which program, scenario, seed and settings made the folder, and the files in it. |
| `summary.json` | Verdicts, figures, cost, deployments and warnings for programs; rows have the columns below. |
| `report.html` | All of it as one page, to be forwarded: verdict, story, timelines, cost, comparison, provenance. |
| `scenario.yaml`, `scenario.resolved.yaml` | The scenario as written, and with every default filled in. |
| `*.csv` | The tables below. |
| `latency.svg` | Percentiles of latency over time, a panel for each class. |
| `requests.svg` | Offered, served and failed over time, failures by reason, share served by class. |
| `tasks.svg`, `cpu.svg` | Tasks and CPU of each service over time. |
| `deployment_<service>_<number>.svg` | One deployment of the first run, step by step, against its bounds. |
| `deployments.svg`, `variants_deployments.svg` | How long each deployment, or each variant's deployments, takes against whom it hurts and what it costs. |
| `distribution.svg` | Latency against percentile, the tail spread out. |
| `time.svg` | Where the time of requests goes, of all that were served beside the slowest. |
| `cost.svg` | What an hour costs, line by line. |
| `comparison.svg` | Paired differences between variants with their intervals. |
| `variants.svg`, `variants_over_time.svg` | The variants' figures as bars, and what users felt under each over time. |
| `effects.svg` | A sweep's main effects: each swept path against p99, failures and cost. |
| `parts/part-*.csv` | A sweep's runs as they were finished, exactly; the first line carries their hash. |
| `runs.parquet` | A sweep's `runs.csv` with types. |
| `traces.otlp.json` | Requests of the first run in full (`experiment.traces`), as an OpenTelemetry `ExportTraceServiceRequest`: opens in Jaeger. |
| `traces.perfetto.json` | The same as trace events, a process for each service and lanes for its tasks: opens in ui.perfetto.dev. |
| `stress_goodput.svg`, `stress_latency.svg` | What `wavetank stress` saw under each load: what is served, and how long it takes. |
| `stress_hysteresis.svg`, `stress_healing.svg` | The load up and down again, and how likely a shock does not heal. |
| `size.json` | What `wavetank size` found: the winner, every candidate with its objectives, and what was not tried. |
| `frontier.svg` | What each candidate costs against how near it comes to missing an objective. |
| `*.png` | The same pictures for where SVG is not shown. |

In charts of several runs a line is the median of the runs and a band holds the middle 80 % of them, window by window.
";

/// The tables that are not of one scenario's runs.
const OF_SEVERAL: [&Schema; 9] = [
    &comparison::COMPARISON,
    &values::VALUES,
    &stress::LEVELS,
    &stress::SHOCKS,
    &stress::BRANCHES,
    &candidates::CANDIDATES,
    &candidates::CANDIDATE_OBJECTIVES,
    &runs::RUNS,
    &runs::POINTS,
];

/// Queries to begin with; `docs/queries/ask.py` asks them of the committed results.
const QUERIES: [&str; 5] = [
    include_str!("../../../docs/queries/1-variants.sql"),
    include_str!("../../../docs/queries/2-worst-windows.sql"),
    include_str!("../../../docs/queries/3-deployments.sql"),
    include_str!("../../../docs/queries/4-tail.sql"),
    include_str!("../../../docs/queries/5-tasks.sql"),
];

const ASKING: &str = "
## Asking with DuckDB

The tables are made to be asked. [DuckDB](https://duckdb.org) reads them where they lie, `duckdb -f docs/queries/1-variants.sql`
from the project's root; these queries stand in `docs/queries/` with [their answers](queries/answers.txt).
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(ASKING);
    for query in QUERIES {
        page.push_str(&format!("\n```sql\n{query}```\n"));
    }
    for schema in SCHEMAS.into_iter().chain(OF_SEVERAL) {
        page.push_str(&section(schema));
    }
    page
}

fn section(schema: &Schema) -> String {
    let mut text = format!(
        "\n## {}.csv\n\n{}\n\n| column | what it holds |\n|---|---|\n",
        schema.name, schema.about
    );
    let mut left_out = "";
    for column in schema.columns {
        // A column without words of its own continues the one before it.
        let doc = if column.doc.is_empty() { left_out } else { column.doc };
        left_out = "〃";
        text.push_str(&format!("| `{}` | {} |\n", column.name, doc));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/results.md");
        let kept = std::fs::read_to_string(path).expect("docs/results.md exists");
        if std::env::var_os("WAVETANK_UPDATE_DOCS").is_some() {
            std::fs::write(path, page()).expect("docs/results.md can be written");
        } else {
            assert!(
                kept == page(),
                "docs/results.md is out of date; run the test with WAVETANK_UPDATE_DOCS=1"
            );
        }
    }

    #[test]
    fn every_first_column_and_every_name_is_explained_once() {
        for schema in SCHEMAS.into_iter().chain(OF_SEVERAL) {
            assert!(
                !schema.columns[0].doc.is_empty(),
                "{}: the first column continues nothing",
                schema.name
            );
            let mut names: Vec<_> = schema.columns.iter().map(|column| column.name).collect();
            names.sort();
            names.dedup();
            assert_eq!(
                names.len(),
                schema.columns.len(),
                "{}: a column's name occurs twice",
                schema.name
            );
        }
    }
}

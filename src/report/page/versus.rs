//! How variants differ, what they cost, and the bill.

use super::results::{Results, Row};
use crate::report::words::{counted, plain, short};
use serde::Serialize;

/// Rows of the table of differences.
const ROWS_MOST: usize = 120;
const LINES_MOST: usize = 60;

#[derive(Serialize)]
pub struct Versus {
    variants: Vec<String>,
    sentence: String,
    /// What is decided, the rest in sentences below.
    rows: Vec<Difference>,
    rows_left_out: usize,
    within_noise: Vec<String>,
    same: Vec<String>,
    undecided: Vec<String>,
    frontier: Option<Frontier>,
}

#[derive(Serialize)]
struct Difference {
    figure: String,
    class: String,
    base: String,
    variant: String,
    base_value: String,
    variant_value: String,
    difference: String,
    half: String,
    finding: String,
    tone: &'static str,
    /// Of the interval, in percent of the track; zero stands in the middle.
    left: String,
    width: String,
    dot: String,
}

/// Cost against what is wanted, a dot for each variant.
#[derive(Serialize)]
struct Frontier {
    y_label: String,
    alt: String,
    dots: Vec<Dot>,
    x_low: String,
    x_high: String,
    y_low: String,
    y_high: String,
}

#[derive(Serialize)]
struct Dot {
    name: String,
    left: String,
    bottom: String,
    words: String,
    class: String,
}

/// `None` if nothing was compared.
pub fn versus(results: &Results) -> Option<Versus> {
    let sheet = results.sheet("comparison");
    if sheet.is_empty() {
        return None;
    }
    let mut variants: Vec<String> = Vec::new();
    for row in sheet.rows() {
        for name in [row.text("base"), row.text("variant")] {
            if !variants.iter().any(|it| it == name) {
                variants.push(name.to_owned());
            }
        }
    }
    let (mut decided, mut within_noise, mut same, mut undecided) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for row in sheet.rows() {
        let name = described(&row, variants.len());
        match row.text("finding") {
            "within noise" => within_noise.push(name),
            "no difference" => same.push(name),
            "too few runs" => undecided.push(format!("{name} (too few runs)")),
            finding if finding.starts_with("no winner") => undecided.push(format!("{name} (shares served differ)")),
            _ => decided.push(row),
        }
    }
    let pairs = sheet.rows().filter_map(|row| row.number("pairs")).fold(0.0, f64::max);
    let rows: Vec<Difference> = decided.iter().take(ROWS_MOST).map(difference).collect();
    let clipped = |list: Vec<String>| {
        const MOST: usize = 40;
        let more = list.len().saturating_sub(MOST);
        let mut list: Vec<String> = list.into_iter().take(MOST).collect();
        if more > 0 {
            list.push(format!("{more} more in comparison.csv"));
        }
        list
    };
    Some(Versus {
        sentence: format!(
            "{} on the same requests and luck, compared run by run; differences are variant minus base, and all intervals \
             hold together at 95 %.",
            counted(pairs as usize, "run")
        ),
        rows_left_out: decided.len() - rows.len(),
        rows,
        within_noise: clipped(within_noise),
        same: clipped(same),
        undecided: clipped(undecided),
        frontier: frontier(results, &variants),
        variants,
    })
}

fn figure(name: &str) -> String {
    match name {
        "failed_share" => "requests that failed".to_owned(),
        "mean_ms" => "mean latency".to_owned(),
        "cost_usd_per_hour" => "cost per hour".to_owned(),
        name => {
            let words = name
                .trim_end_matches("_ms")
                .trim_end_matches("_s")
                .trim_end_matches("_usd")
                .replace("p99_9", "p99.9");
            words.replace('_', " ")
        }
    }
}

fn described(row: &Row, variants: usize) -> String {
    let class = match row.text("class") {
        "all" => String::new(),
        class => format!(" of {class}"),
    };
    let pair = if variants > 2 {
        format!(" ({} against {})", row.text("variant"), row.text("base"))
    } else {
        String::new()
    };
    format!("{}{class}{pair}", figure(row.text("figure")))
}

/// Factor and unit in which a figure is told.
fn unit(name: &str) -> (f64, &'static str) {
    if name.ends_with("share") {
        (100.0, " %")
    } else if name.ends_with("_ms") {
        (1.0, " ms")
    } else if name.ends_with("usd_per_hour") {
        (1.0, " USD")
    } else if name.ends_with("_s") {
        (1.0, " s")
    } else {
        (1.0, "")
    }
}

fn difference(row: &Row) -> Difference {
    let (scale, unit) = unit(row.text("figure"));
    let number = |column: &str| row.number(column).map(|value| scale * value);
    let told = |column: &str| number(column).map_or("–".to_owned(), |value| format!("{}{unit}", short(value, 3)));
    let (low, high) = (number("difference_low"), number("difference_high"));
    let middle = number("difference").unwrap_or(0.0);
    let (low, high) = (low.unwrap_or(middle), high.unwrap_or(middle));
    let reach = low.abs().max(high.abs()).max(middle.abs()).max(1e-300) * 1.1;
    let place = |value: f64| 50.0 + 50.0 * value / reach;
    let finding = row.text("finding");
    let tone = if finding == format!("{} better", row.text("variant")) {
        "good"
    } else if finding.ends_with("better") {
        "bad"
    } else {
        "plain"
    };
    Difference {
        figure: figure(row.text("figure")),
        class: row.text("class").to_owned(),
        base: row.text("base").to_owned(),
        variant: row.text("variant").to_owned(),
        base_value: told("base_value"),
        variant_value: told("variant_value"),
        difference: format!("{}{unit}", short(middle, 3)),
        half: if high > low {
            format!("± {}", short((high - low) / 2.0, 2))
        } else {
            String::new()
        },
        finding: finding.to_owned(),
        tone,
        left: format!("{:.1}", place(low)),
        width: format!("{:.1}", (place(high) - place(low)).max(0.8)),
        dot: format!("{:.1}", place(middle)),
    }
}

fn frontier(results: &Results, variants: &[String]) -> Option<Frontier> {
    let value = |figure: &str, name: &str| {
        results
            .sheet("comparison")
            .rows()
            .filter(|row| row.text("figure") == figure && row.text("class") == "all")
            .find_map(|row| match name {
                name if row.text("base") == name => row.number("base_value"),
                name if row.text("variant") == name => row.number("variant_value"),
                _ => None,
            })
    };
    let points = |figure: &str| -> Option<Vec<(f64, f64)>> {
        variants
            .iter()
            .map(|name| Some((value("cost_usd_per_hour", name)?, value(figure, name)?)))
            .collect()
    };
    // What differs more is what is asked about: failures if there are any, else the tail.
    let failing = points("failed_share").filter(|points| points.iter().any(|(_, failed)| *failed > 0.0005));
    let (points, y_label, scale, unit) = match failing {
        Some(points) => (points, "requests that failed", 100.0, "%"),
        None => (points("p99_ms")?, "p99 latency", 1.0, "ms"),
    };
    let high = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(0.0, f64::max).max(1e-9) * 1.15;
    // Of shares there is no more than all.
    let most = if unit == "%" { 1.0 } else { f64::INFINITY };
    let (x_high, y_high) = (high(|it| it.0), high(|it| it.1).min(most));
    let dots = variants
        .iter()
        .zip(&points)
        .enumerate()
        .map(|(at, (name, (cost, bad)))| Dot {
            name: name.clone(),
            left: format!("{:.1}", 100.0 * cost / x_high),
            bottom: format!("{:.1}", 100.0 * bad / y_high),
            words: format!("{} USD an hour, {} {unit}", short(*cost, 3), short(scale * bad, 3)),
            class: format!("t{}", at % 6),
        });
    Some(Frontier {
        y_label: format!("{y_label} ({unit})"),
        alt: format!("Cost per hour of each variant against {y_label}; low and to the left is better."),
        dots: dots.collect(),
        x_low: "0".to_owned(),
        x_high: format!("{} USD/h", short(x_high, 2)),
        y_low: "0".to_owned(),
        y_high: short(scale * y_high, 2),
    })
}

#[derive(Serialize)]
pub struct Bill {
    total: Option<String>,
    rows: Vec<Item>,
    left_out: usize,
}

#[derive(Serialize)]
struct Item {
    what: String,
    subject: String,
    quantity: String,
    per_hour: String,
    per_month: String,
    percent: String,
}

pub fn bill(results: &Results) -> Bill {
    let per_hour = |row: &Row| row.number("cost_usd_per_hour").unwrap_or(0.0);
    let all: Vec<Row> = results.sheet("cost").rows().collect();
    let total = all.iter().find(|row| row.text("item") == "total");
    // Lines that cost nothing are parts of another.
    let mut lines: Vec<&Row> = all
        .iter()
        .filter(|row| row.text("item") != "total" && per_hour(row) > 0.0)
        .collect();
    lines.sort_by(|one, other| per_hour(other).total_cmp(&per_hour(one)));
    let most = lines.first().map_or(1.0, |row| per_hour(row));
    let rows: Vec<Item> = lines
        .iter()
        .take(LINES_MOST)
        .map(|row| Item {
            what: row.text("item").replace('_', " "),
            subject: row.text("subject").to_owned(),
            quantity: row.number("quantity").map_or(String::new(), |quantity| {
                format!("{} {}", short(quantity, 3), row.text("unit"))
            }),
            per_hour: short(per_hour(row), 3),
            per_month: row
                .number("cost_usd_per_month")
                .map_or("–".to_owned(), |usd| short(usd, 3)),
            percent: format!("{:.1}", 100.0 * per_hour(row) / most),
        })
        .collect();
    Bill {
        total: total.map(|row| {
            let usd = |column: &str| {
                row.number(column)
                    .map_or("–".to_owned(), |usd| plain(crate::report::table::significant(usd, 3)))
            };
            format!(
                "{} USD an hour, {} USD a month, {} USD a million requests served",
                usd("cost_usd_per_hour"),
                usd("cost_usd_per_month"),
                usd("cost_usd_per_million_requests")
            )
        }),
        left_out: lines.len() - rows.len(),
        rows,
    }
}

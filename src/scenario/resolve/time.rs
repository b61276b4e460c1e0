//! Times: a constant, or a distribution by whatever is known of it.
//!
//! Each family takes exactly one complete set of parameters. A wrong distribution is reported and zero stands in.

use super::Context;
use crate::engine::dist::{Dist, DistError};
use crate::scenario::diagnostic::Code;
use crate::scenario::path::Path;
use crate::scenario::schema::{Distribution, Duration, Form, Lognormal, MeasuredFile, Pareto, Shaped, Time};
use crate::scenario::table;

pub(super) fn dist(cx: &mut Context, time: &Time, path: &Path) -> Dist {
    let made = match time {
        Form::Short(constant) => Dist::constant(seconds(constant)),
        Form::Long(distribution) => match family(cx, distribution, path) {
            Some(made) => made,
            None => return zero(),
        },
    };
    made.unwrap_or_else(|error| {
        cx.report(Code::ImpossibleDistribution, path, error.to_string());
        zero()
    })
}

fn zero() -> Dist {
    Dist::constant(0.0).expect("zero is a time")
}

fn seconds(duration: &Duration) -> f64 {
    duration.0.seconds()
}

/// `None` if something has been reported already.
fn family(cx: &mut Context, distribution: &Distribution, path: &Path) -> Option<Result<Dist, DistError>> {
    Some(match distribution {
        Distribution::Constant(value) => Dist::constant(seconds(value)),
        Distribution::Uniform([low, high]) => Dist::uniform(seconds(low), seconds(high)),
        Distribution::Exponential(exponential) => Dist::exponential(seconds(&exponential.mean)),
        Distribution::Lognormal(parameters) => lognormal(cx, parameters, &path.key("lognormal"))?,
        Distribution::Gamma(parameters) => gamma(cx, parameters, &path.key("gamma"))?,
        Distribution::Weibull(parameters) => weibull(cx, parameters, &path.key("weibull"))?,
        Distribution::Pareto(parameters) => pareto(cx, parameters, &path.key("pareto"))?,
        Distribution::Empirical(Form::Short(values)) => Dist::empirical(values.iter().map(seconds).collect()),
        Distribution::Empirical(Form::Long(measured)) => {
            Dist::empirical(measurements(cx, measured, &path.key("empirical"))?)
        }
        Distribution::Mixture(parts) => {
            let here = path.key("mixture");
            let parts = parts.iter().enumerate();
            Dist::mixture(
                parts
                    .map(|(at, part)| (part.weight, dist(cx, &part.time, &here.at(at).key("time"))))
                    .collect(),
            )
        }
    })
}

/// Reports that the parameters given are not one complete set.
fn wrong_set(cx: &mut Context, given: &[(&str, bool)], sets: &str, path: &Path) {
    let given: Vec<String> = given
        .iter()
        .filter(|(_, given)| *given)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    let message = match given.as_slice() {
        [] => "this distribution has no parameters".to_owned(),
        given => format!("{} do not make this distribution", given.join(" and ")),
    };
    cx.problems
        .report_with(Code::DistributionParameters, path, message, |diagnostic| {
            diagnostic.expected(sets)
        });
}

fn lognormal(cx: &mut Context, law: &Lognormal, path: &Path) -> Option<Result<Dist, DistError>> {
    let Lognormal {
        mean,
        cv,
        median,
        p95,
        mu,
        sigma,
    } = law;
    match (mean, cv, median, p95, mu, sigma) {
        (Some(mean), Some(cv), None, None, None, None) => Some(Dist::lognormal_mean_cv(seconds(mean), *cv)),
        (None, None, Some(median), Some(p95), None, None) => {
            Some(Dist::lognormal_median_p95(seconds(median), seconds(p95)))
        }
        (None, None, None, None, Some(mu), Some(sigma)) => Some(Dist::lognormal(*mu, *sigma)),
        _ => {
            let given = [
                ("mean", mean.is_some()),
                ("cv", cv.is_some()),
                ("median", median.is_some()),
                ("p95", p95.is_some()),
                ("mu", mu.is_some()),
                ("sigma", sigma.is_some()),
            ];
            wrong_set(
                cx,
                &given,
                "`mean` and `cv`, or `median` and `p95`, or `mu` and `sigma`",
                path,
            );
            None
        }
    }
}

fn given_of_shaped(law: &Shaped) -> [(&'static str, bool); 6] {
    [
        ("mean", law.mean.is_some()),
        ("cv", law.cv.is_some()),
        ("median", law.median.is_some()),
        ("p95", law.p95.is_some()),
        ("shape", law.shape.is_some()),
        ("scale", law.scale.is_some()),
    ]
}

fn gamma(cx: &mut Context, law: &Shaped, path: &Path) -> Option<Result<Dist, DistError>> {
    match (law.mean, law.cv, law.median, law.p95, law.shape, law.scale) {
        (Some(mean), Some(cv), None, None, None, None) => Some(Dist::gamma_mean_cv(seconds(&mean), cv)),
        (None, None, None, None, Some(shape), Some(scale)) => Some(Dist::gamma(shape, seconds(&scale))),
        _ => {
            wrong_set(
                cx,
                &given_of_shaped(law),
                "`mean` and `cv`, or `shape` and `scale`",
                path,
            );
            None
        }
    }
}

fn weibull(cx: &mut Context, law: &Shaped, path: &Path) -> Option<Result<Dist, DistError>> {
    match (law.mean, law.cv, law.median, law.p95, law.shape, law.scale) {
        (Some(mean), Some(cv), None, None, None, None) => Some(Dist::weibull_mean_cv(seconds(&mean), cv)),
        (None, None, Some(median), Some(p95), None, None) => {
            Some(Dist::weibull_median_p95(seconds(&median), seconds(&p95)))
        }
        (None, None, None, None, Some(shape), Some(scale)) => Some(Dist::weibull(shape, seconds(&scale))),
        _ => {
            let sets = "`mean` and `cv`, or `median` and `p95`, or `shape` and `scale`";
            wrong_set(cx, &given_of_shaped(law), sets, path);
            None
        }
    }
}

fn pareto(cx: &mut Context, law: &Pareto, path: &Path) -> Option<Result<Dist, DistError>> {
    let Pareto {
        mean,
        cv,
        median,
        p95,
        alpha,
        minimum,
        truncated_at,
    } = law;
    match (mean, cv, median, p95, alpha, minimum, truncated_at) {
        (Some(mean), Some(cv), None, None, None, None, None) => Some(Dist::pareto_mean_cv(seconds(mean), *cv)),
        (None, None, Some(median), Some(p95), None, None, None) => {
            Some(Dist::pareto_median_p95(seconds(median), seconds(p95)))
        }
        (None, None, None, None, Some(alpha), Some(minimum), truncated_at) => Some(Dist::pareto(
            seconds(minimum),
            *alpha,
            truncated_at.as_ref().map(seconds),
        )),
        _ => {
            let given = [
                ("mean", mean.is_some()),
                ("cv", cv.is_some()),
                ("median", median.is_some()),
                ("p95", p95.is_some()),
                ("alpha", alpha.is_some()),
                ("minimum", minimum.is_some()),
                ("truncated_at", truncated_at.is_some()),
            ];
            let sets = "`mean` and `cv`, or `median` and `p95`, or `alpha` and `minimum` (and perhaps `truncated_at`)";
            wrong_set(cx, &given, sets, path);
            None
        }
    }
}

fn measurements(cx: &mut Context, measured: &MeasuredFile, path: &Path) -> Option<Vec<f64>> {
    let column = measured.column.as_deref();
    let table = table::read(cx, &measured.file, &path.key("file"))?;
    let at = match column {
        None => 0,
        Some(column) => match table.column(column) {
            Some(at) => at,
            None => {
                let message = format!("`{}` has no column `{column}`", measured.file);
                cx.problems
                    .report_with(Code::UnknownName, &path.key("column"), message, |diagnostic| {
                        diagnostic.did_you_mean(column, table.header.iter().map(String::as_str))
                    });
                return None;
            }
        },
    };
    table.numbers(cx, at)
}

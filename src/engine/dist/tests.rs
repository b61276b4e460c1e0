//! Every family against statrs (moments, distribution function), every law against its distribution
//! (Kolmogorov-Smirnov), every table against its shape, and the bytes of all of them.

use super::table::Table;
use super::*;
use crate::engine::random::Key;
use crate::units::Span;
use proptest::prelude::*;
use statrs::distribution::{ContinuousCDF, Exp, Gamma, LogNormal, Pareto, Weibull};
use statrs::statistics::Distribution;

fn law(dist: &Dist) -> Law {
    Law::compile(dist, &mut Tables::new())
}

fn close(a: f64, b: f64, relative: f64) -> bool {
    a == b || (a - b).abs() <= relative * a.abs().max(b.abs())
}

/// A distribution, and what another library says of it: the share up to a point, the mean, the variance.
type Oracle = (Dist, Box<dyn Fn(f64) -> f64>, f64, f64);

/// A distribution of every kind beside the one that statrs makes of the same parameters.
fn oracles() -> Vec<Oracle> {
    fn oracle<D>(dist: Result<Dist, DistError>, other: D) -> Oracle
    where
        D: ContinuousCDF<f64, f64> + Distribution<f64> + 'static,
    {
        let (mean, variance) = (other.mean().expect("a mean"), other.variance().expect("a variance"));
        (dist.expect("valid"), Box::new(move |x| other.cdf(x)), mean, variance)
    }
    vec![
        oracle(
            Dist::uniform(2.0, 5.0),
            statrs::distribution::Uniform::new(2.0, 5.0).expect("valid"),
        ),
        oracle(Dist::exponential(0.02), Exp::new(50.0).expect("valid")),
        oracle(Dist::lognormal(-4.0, 0.8), LogNormal::new(-4.0, 0.8).expect("valid")),
        oracle(Dist::gamma(0.4, 3.0), Gamma::new(0.4, 1.0 / 3.0).expect("valid")),
        oracle(Dist::gamma(9.0, 0.5), Gamma::new(9.0, 2.0).expect("valid")),
        oracle(Dist::weibull(0.6, 2.0), Weibull::new(0.6, 2.0).expect("valid")),
        oracle(Dist::weibull(3.0, 2.0), Weibull::new(3.0, 2.0).expect("valid")),
        oracle(Dist::pareto(0.01, 2.5, None), Pareto::new(0.01, 2.5).expect("valid")),
    ]
}

/// The largest distance between the share of draws up to each point and the distribution function, where both jump at
/// most where the other does.
fn distance(mut draws: Vec<f64>, share_up_to: impl Fn(f64) -> f64) -> f64 {
    draws.sort_by(f64::total_cmp);
    let n = draws.len() as f64;
    let mut worst = 0.0f64;
    for (index, &x) in draws.iter().enumerate() {
        // Only the last of equal draws: before it the empirical share has not jumped yet.
        if draws.get(index + 1) != Some(&x) {
            worst = worst.max(((index + 1) as f64 / n - share_up_to(x)).abs());
        }
    }
    worst
}

const DRAWS: u64 = 40_000;
/// Kolmogorov's bound for one test in a million: P(D > c/√n) ≈ 2 exp(−2c²) at c = 2.7.
fn bound() -> f64 {
    2.7 / (DRAWS as f64).sqrt()
}

fn draws(law: &Law) -> Vec<f64> {
    (0..DRAWS)
        .map(|n| law.draw(Key::root(1, 7, 0).child(n).child(1)))
        .collect()
}

#[test]
fn moments_and_shares_agree_with_statrs() {
    for (dist, share_up_to, mean, variance) in oracles() {
        assert!(
            close(dist.mean(), mean, 1e-12),
            "{dist:?}: mean {} against {mean}",
            dist.mean()
        );
        assert!(
            close(dist.variance(), variance, 1e-10),
            "{dist:?}: variance {} against {variance}",
            dist.variance()
        );
        for p in [1e-6, 0.01, 0.3, 0.5, 0.9, 0.999, 1.0 - 1e-9] {
            let x = dist.quantile(p);
            // statrs' normal distribution is good to about 1e-10.
            assert!((share_up_to(x) - p).abs() < 2e-10, "{dist:?}: quantile of {p} is {x}");
            assert!((dist.share_up_to(x) - p).abs() < 1e-12, "{dist:?}: share up to {x}");
        }
    }
}

#[test]
fn draws_follow_the_distribution() {
    for (dist, share_up_to, ..) in oracles() {
        let worst = distance(draws(&law(&dist)), share_up_to);
        assert!(worst < bound(), "{dist:?}: {worst}");
    }
    for dist in unusual() {
        let worst = distance(draws(&law(&dist)), |x| dist.share_up_to(x));
        assert!(worst < bound(), "{dist:?}: {worst}");
    }
}

#[test]
fn draws_are_distributed_as_those_of_rand_distr() {
    // Its samplers reject and take several uniforms from a cursor, so nothing is shared with ours but the keys. For
    // two samples of n the bound widens by √2.
    fn check(dist: Result<Dist, DistError>, other: impl rand_distr::Distribution<f64>) {
        let dist = dist.expect("valid");
        let mut theirs: Vec<f64> = (0..DRAWS)
            .map(|n| other.sample(&mut Key::root(1, 8, 0).child(n).cursor()))
            .collect();
        theirs.sort_by(f64::total_cmp);
        let share_up_to = |x: f64| theirs.partition_point(|&value| value <= x) as f64 / DRAWS as f64;
        let worst = distance(draws(&law(&dist)), share_up_to);
        assert!(worst < bound() * 2f64.sqrt(), "{dist:?}: {worst}");
    }
    check(Dist::exponential(0.02), rand_distr::Exp::new(50.0).expect("valid"));
    check(
        Dist::lognormal(-4.0, 0.8),
        rand_distr::LogNormal::new(-4.0, 0.8).expect("valid"),
    );
    check(Dist::gamma(0.4, 3.0), rand_distr::Gamma::new(0.4, 3.0).expect("valid"));
    check(
        Dist::weibull(0.6, 2.0),
        rand_distr::Weibull::new(2.0, 0.6).expect("valid"),
    );
    check(
        Dist::pareto(0.01, 2.5, None),
        rand_distr::Pareto::new(0.01, 2.5).expect("valid"),
    );
}

/// Distributions that statrs has not.
fn unusual() -> Vec<Dist> {
    let truncated = Dist::pareto(1.0, 0.9, Some(1000.0)).expect("valid");
    let listed = Dist::empirical(vec![3.0, 1.0, 1.0, 7.5]).expect("valid");
    let exponential = Dist::exponential(10.0).expect("valid");
    let mixed = Dist::mixture(vec![
        (3.0, exponential.clone()),
        (1.0, listed.clone()),
        (1.0, truncated.clone()),
    ]);
    vec![
        truncated,
        listed,
        mixed.expect("valid"),
        Dist::mixture(vec![(2.0, exponential)]).expect("valid"),
    ]
}

#[test]
fn means_and_variances_are_the_integrals_of_the_quantile() {
    // The midpoint rule over a million quantiles: right to about 1e-3 for these.
    for dist in unusual() {
        let n = 200_000;
        let quantiles: Vec<f64> = (0..n)
            .map(|i| dist.quantile((f64::from(i) + 0.5) / f64::from(n)))
            .collect();
        let mean = quantiles.iter().sum::<f64>() / f64::from(n);
        let variance = quantiles.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n);
        assert!(
            close(mean, dist.mean(), 1e-3),
            "{dist:?}: mean {mean} against {}",
            dist.mean()
        );
        assert!(
            close(variance, dist.variance(), 5e-3),
            "{dist:?}: variance {variance} against {}",
            dist.variance()
        );
    }
}

#[test]
fn constructors_by_moments_have_these_moments() {
    let cases = [
        Dist::lognormal_mean_cv(0.02, 1.0),
        Dist::lognormal_mean_cv(0.02, 0.1),
        Dist::gamma_mean_cv(0.02, 0.5),
        Dist::gamma_mean_cv(0.02, 3.0),
        Dist::weibull_mean_cv(0.02, 0.25),
        Dist::weibull_mean_cv(0.02, 1.0),
        Dist::weibull_mean_cv(0.02, 4.0),
    ];
    for (dist, cv) in cases.into_iter().zip([1.0, 0.1, 0.5, 3.0, 0.25, 1.0, 4.0]) {
        let dist = dist.expect("valid");
        assert!(
            close(dist.mean(), 0.02, 1e-12) && close(dist.cv(), cv, 1e-9),
            "{dist:?}: {}",
            dist.cv()
        );
    }
    let dist = Dist::lognormal_median_p95(0.1, 0.35).expect("valid");
    assert!(close(dist.quantile(0.5), 0.1, 1e-12) && close(dist.quantile(0.95), 0.35, 1e-12));
    assert_eq!(Dist::lognormal_mean_cv(3.0, 0.0), Dist::constant(3.0));
    // A Weibull law of cv 1 is exponential.
    let Family::Weibull { shape, .. } = *Dist::weibull_mean_cv(1.0, 1.0).expect("valid").family() else {
        panic!()
    };
    assert!(close(shape, 1.0, 1e-9), "{shape}");
}

#[test]
fn what_makes_no_sense_is_refused_with_a_sentence() {
    let refused = [
        Dist::constant(-1.0),
        Dist::constant(f64::NAN),
        Dist::uniform(2.0, 1.0),
        Dist::exponential(0.0),
        Dist::lognormal(f64::INFINITY, 1.0),
        Dist::lognormal(0.0, 50.0),
        Dist::lognormal(709.0, 6.0),
        Dist::weibull(0.01, 1.0),
        Dist::pareto(1.0, 1e-9, Some(2.0)),
        Dist::lognormal_mean_cv(1.0, -0.5),
        Dist::lognormal_median_p95(0.2, 0.1),
        Dist::gamma(1e9, 1.0),
        Dist::weibull_mean_cv(1.0, 1e6),
        Dist::pareto(1.0, 0.9, None),
        Dist::pareto(1.0, 2.0, Some(0.5)),
        Dist::empirical(vec![]),
        Dist::empirical_weighted(vec![(1.0, 0.0)]),
        Dist::mixture(vec![]),
        Dist::exponential(1.0).and_then(|dist| dist.scaled(-1.0)),
    ];
    let sentences: Vec<String> = refused
        .into_iter()
        .map(|dist| dist.expect_err("refused").to_string())
        .collect();
    insta::assert_debug_snapshot!(sentences);
}

#[test]
fn a_truncated_pareto_never_passes_its_bound() {
    let dist = Dist::pareto(1.0, 0.5, Some(50.0)).expect("valid");
    let law = law(&dist);
    assert!(draws(&law).iter().all(|x| (1.0..=50.0).contains(x)));
    assert!(close(law.sample_unit(1.0), 50.0, 1e-9), "{}", law.sample_unit(1.0));
    assert!(close(law.sample_unit(0.0), 1.0, 1e-9));
}

#[test]
fn equal_weights_may_be_left_out() {
    let values = vec![5.0, 2.0, 9.0];
    let weighted = values.iter().map(|&value| (value, 2.5)).collect();
    assert_eq!(Dist::empirical(values), Dist::empirical_weighted(weighted));
}

proptest! {
    #[test]
    fn scaling_scales_every_draw(factor in 0.001f64..1000.0, n in any::<u64>()) {
        let key = Key::root(1, n, 0);
        for (dist, ..) in oracles().into_iter().filter(|oracle| !matches!(oracle.0.family(), Family::Gamma { .. })) {
            let scaled = dist.scaled(factor).expect("valid");
            prop_assert!(close(law(&scaled).draw(key), factor * law(&dist).draw(key), 1e-12), "{:?}", dist);
            prop_assert!(close(scaled.mean(), factor * dist.mean(), 1e-12));
        }
    }
}

#[test]
fn a_table_follows_its_shape_and_never_falls() {
    let shapes = [
        Shape::Exponential,
        Shape::Lognormal { sigma: 0.1 },
        Shape::Lognormal {
            sigma: 0.832_554_611_157_697_7,
        },
        Shape::Lognormal { sigma: 2.0 },
        Shape::Gamma { shape: 0.3 },
        Shape::Gamma { shape: 20.0 },
        Shape::Weibull { shape: 0.5 },
        Shape::Weibull { shape: 4.0 },
        Shape::Pareto {
            alpha: 1.2,
            bound: f64::INFINITY,
        },
        Shape::Pareto { alpha: 1.0, bound: 1e4 },
    ];
    for shape in shapes {
        let table = Table::build(shape);
        // Evenly over the body, and by powers of two into both tails.
        let body = (0..20_000u64).map(|n| n * (u64::MAX / 20_000) + 12_345);
        let tails = (0..64).flat_map(|n| [u64::MAX >> n, !(u64::MAX >> n)]);
        let mut places: Vec<u64> = body.chain(tails).collect();
        places.sort();
        let mut last = 0.0;
        for bits in places {
            let p = (bits as f64 + 0.5) * (0.5 / (1u64 << 63) as f64);
            let q = (!bits as f64 + 0.5) * (0.5 / (1u64 << 63) as f64);
            let exact = shape.quantile(if bits >> 63 == 1 {
                Mass::Above(q)
            } else {
                Mass::Below(p)
            });
            let drawn = table.at(bits);
            // Relative where it matters; values below a millionth of the mean need not be that good.
            let allowed = 1e-6 * exact.max(1e-6 * shape.mean());
            assert!(
                (drawn - exact).abs() <= allowed,
                "{shape:?} at {p}: {drawn} against {exact}"
            );
            assert!(drawn >= last * (1.0 - 1e-12), "{shape:?} falls at {p}");
            last = drawn;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn every_valid_shape_has_a_table(sigma in 1e-6f64..6.0, place in 0.0f64..1.0) {
        // Over the whole of each valid range, evenly in the logarithm. Building asserts the mean.
        let between = |low: f64, high: f64| low * libm::pow(high / low, place);
        let dists = [
            Dist::lognormal(0.0, sigma),
            Dist::gamma(between(1e-3, 1e3), 1.0),
            Dist::weibull(between(0.1, 1e4), 1.0),
            Dist::pareto(1.0, between(1.000_001, 1e3), None),
            Dist::pareto(1.0, between(0.01, 1e3), Some(1.0 + libm::pow(10.0, 3.0 * sigma - 9.0))),
        ];
        for dist in dists {
            let dist = dist.expect("valid");
            let (drawn, exact) = (law(&dist).sample_unit(0.9), dist.quantile(0.9));
            prop_assert!((drawn - exact).abs() < 1e-5 * (exact + dist.mean()), "{:?}: {} {}", dist, drawn, exact);
        }
    }
}

#[test]
fn spans_are_rounded_to_the_nearest_nanosecond() {
    let key = Key::root(1, 1, 1);
    for (seconds, nanos) in [
        (0.0, 0),
        (1.4e-9, 1),
        (1.6e-9, 2),
        (0.25, 250_000_000),
        (3e6, 3_000_000_000_000_000),
    ] {
        let constant = law(&Dist::constant(seconds).expect("valid"));
        assert_eq!(constant.sample(key), Span::from_nanos(nanos));
        assert_eq!(constant.is_constant(), Some(Span::from_nanos(nanos)));
    }
    let forever = law(&Dist::constant(1e300).expect("valid"));
    assert_eq!(forever.sample(key), Span::FOREVER);
    let law = law(&Dist::exponential(0.02).expect("valid"));
    assert_eq!(law.sample(key).nanos(), (law.draw(key) * 1e9).round() as u64);
    assert_eq!(law.is_constant(), None);
}

#[test]
fn laws_of_one_shape_share_their_table_and_stay_in_step() {
    let mut tables = Tables::new();
    let quick = Law::compile(&Dist::lognormal_mean_cv(0.01, 1.0).expect("valid"), &mut tables);
    let slow = Law::compile(&Dist::lognormal_mean_cv(0.03, 1.0).expect("valid"), &mut tables);
    let key = Key::root(1, 5, 0).child(3);
    assert!(close(3.0 * quick.draw(key), slow.draw(key), 1e-12));
    assert!(size_of::<Law>() <= 32);
    fn crosses_threads<T: Send + Sync + Clone>() {}
    crosses_threads::<Law>();
}

/// FNV-1a over the bytes of numbers.
fn hash(numbers: impl Iterator<Item = f64>) -> String {
    let bytes = numbers.flat_map(|number| number.to_bits().to_le_bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    format!("{hash:016x}")
}

#[test]
fn tables_and_draws_are_these_bytes() {
    let mut golden = Vec::new();
    let listed: Vec<Dist> = oracles().into_iter().map(|oracle| oracle.0).chain(unusual()).collect();
    for dist in listed {
        let table = dist.shape().map(|(_, shape)| Table::build(shape));
        let table = table.map_or("-".repeat(16), |table| hash(table.coefficients()));
        let law = law(&dist);
        let drawn = hash((0..10_000).map(|n| law.draw(Key::root(1, 7, 0).child(n))));
        let name = format!("{:?}", dist.family());
        golden.push(format!("{table} {drawn} {}", name.chars().take(60).collect::<String>()));
    }
    insta::assert_debug_snapshot!(golden);
}

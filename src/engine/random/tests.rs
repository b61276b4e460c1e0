//! Is a key's draw uniform, and are neighbours independent? Bounds are quantiles of the statistic under the null
//! hypothesis at odds of about one in a million; the draws are fixed, so a failure is a change of the mixer.

use super::*;
use rand::{Rng, RngExt};

/// Four standard deviations and more: a normal variable exceeds this in absolute value once in a million.
const Z: f64 = 4.9;

/// Wilson and Hilferty's upper quantile of chi-square at [`Z`].
fn chi_square_bound(degrees: f64) -> f64 {
    let spread = 2.0 / (9.0 * degrees);
    degrees * (1.0 - spread + Z * spread.sqrt()).powi(3)
}

fn chi_square(counts: &[u32], total: u32) -> f64 {
    let expected = f64::from(total) / counts.len() as f64;
    counts
        .iter()
        .map(|&count| (f64::from(count) - expected).powi(2) / expected)
        .sum()
}

/// A draw as the simulation makes them: ordinal, then purpose.
fn draw(seed: u64, ordinal: u64, purpose: u64) -> Key {
    Key::root(1, seed, 0)
        .entity("client", "shop")
        .child(ordinal)
        .child(purpose)
}

/// Philox4x32-10 (Salmon et al. 2011), the second opinion.
fn philox(counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let mut x = counter;
    for _ in 0..10 {
        let a = u64::from(x[0]) * 0xD251_1F53;
        let b = u64::from(x[2]) * 0xCD9E_8D57;
        x = [
            (b >> 32) as u32 ^ x[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ x[3] ^ key[1],
            a as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    x
}

#[test]
fn the_second_opinion_is_philox() {
    // Known answers of the Random123 distribution (kat_vectors).
    assert_eq!(
        philox([0; 4], [0; 2]),
        [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
    );
    assert_eq!(
        philox([u32::MAX; 4], [u32::MAX; 2]),
        [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    );
}

#[test]
fn paths_give_these_bits() {
    let root = Key::root(1, 42, 0);
    let golden = [
        root.bits(),
        root.child(0).bits(),
        root.child(1).child(0).bits(),
        root.child(0).child(1).bits(),
        root.entity("service", "cart").bits(),
        Key::root(1, 42, 1).bits(),
        root.cursor().next_u64(),
    ];
    insta::assert_debug_snapshot!(golden.map(|bits| format!("{bits:016x}")));
}

#[test]
fn names_are_told_apart_from_each_other_and_from_numbers() {
    let root = Key::root(1, 1, 1);
    assert_ne!(root.entity("ab", "c"), root.entity("a", "bc"));
    assert_ne!(root.entity("service", "cart"), root.entity("client", "cart"));
    assert_ne!(root.child(1).child(2), root.child(2).child(1));
    assert_ne!(Key::root(1, 2, 3), Key::root(1, 3, 2));
}

#[test]
fn a_uniform_excludes_both_ends() {
    assert_eq!(uniform_from(0), 1.0 / (1u64 << 53) as f64);
    assert_eq!(uniform_from(u64::MAX), 1.0 - 1.0 / (1u64 << 53) as f64);
    assert_eq!(uniform_from(0), 1.0 - uniform_from(u64::MAX));
}

#[test]
fn below_stays_below_and_reaches_everything() {
    let mut counts = [0u32; 7];
    for ordinal in 0..70_000 {
        counts[draw(1, ordinal, 5).below(7) as usize] += 1;
    }
    assert!(chi_square(&counts, 70_000) < chi_square_bound(6.0), "{counts:?}");
    assert_eq!(draw(1, 1, 1).below(1), 0);
}

#[test]
fn sequential_ordinals_fill_buckets_evenly() {
    // Upper bits, middle bits, lower bits, and for several seeds that are small integers.
    for seed in 0..4 {
        for shift in [56, 28, 0] {
            let mut counts = [0u32; 256];
            for ordinal in 0..100_000 {
                counts[(draw(seed, ordinal, 3).bits() >> shift) as usize & 255] += 1;
            }
            let statistic = chi_square(&counts, 100_000);
            assert!(
                statistic < chi_square_bound(255.0),
                "seed {seed}, shift {shift}: {statistic}"
            );
        }
    }
}

#[test]
fn pairs_of_neighbours_fill_the_square_evenly() {
    // Neighbouring ordinals, neighbouring purposes, neighbouring replications, parent and child.
    let pairs: [fn(u64) -> (Key, Key); 4] = [
        |n| (draw(1, n, 3), draw(1, n + 1, 3)),
        |n| (draw(1, n, 3), draw(1, n, 4)),
        |n| {
            (
                Key::root(1, 9, n as u32).child(7),
                Key::root(1, 9, n as u32 + 1).child(7),
            )
        },
        |n| (Key::root(1, 9, 0).child(n), Key::root(1, 9, 0).child(n).child(1)),
    ];
    for (which, pair) in pairs.iter().enumerate() {
        let mut counts = [0u32; 1024];
        for n in 0..200_000 {
            let (a, b) = pair(n);
            counts[(a.below(32) * 32 + b.below(32)) as usize] += 1;
        }
        let statistic = chi_square(&counts, 200_000);
        assert!(statistic < chi_square_bound(1023.0), "pair {which}: {statistic}");
    }
}

#[test]
fn neighbours_are_uncorrelated() {
    // The correlation of n independent uniform pairs has standard deviation 1/√n.
    let n = 200_000;
    for lag in [1, 2, 1000] {
        let sum: f64 = (0..n)
            .map(|i| (draw(3, i, 1).uniform() - 0.5) * (draw(3, i + lag, 1).uniform() - 0.5) * 12.0)
            .sum();
        let correlation = sum / n as f64;
        assert!(correlation.abs() < Z / (n as f64).sqrt(), "lag {lag}: {correlation}");
    }
}

#[test]
fn one_bit_of_the_path_flips_half_of_the_draw() {
    // Each output bit flips with probability 1/2: its count over n trials has standard deviation √n / 2. There are
    // 64 × 64 counts, so the bound is taken at 6 deviations (two in a billion each).
    let trials = 4_000u64;
    let variants: [fn(u64, u64) -> u64; 2] = [
        |number, flip| Key::root(1, 1, 1).child(number ^ flip).bits() ^ Key::root(1, 1, 1).child(number).bits(),
        |number, flip| Key(mix(number) ^ flip).child(2).bits() ^ Key(mix(number)).child(2).bits(),
    ];
    for (which, variant) in variants.iter().enumerate() {
        // The key's own bits go through one round only, whose known worst bias is a percent or so: there the bound is
        // 3 % of the trials more. The number goes through two rounds and meets the plain bound.
        let allowed = 6.0 * (trials as f64).sqrt() / 2.0 + [0.0, 0.03 * trials as f64][which];
        for input in 0..64 {
            let mut flips = [0u32; 64];
            for number in 0..trials {
                let difference = variant(number, 1 << input);
                for (output, count) in flips.iter_mut().enumerate() {
                    *count += (difference >> output & 1) as u32;
                }
            }
            for (output, &count) in flips.iter().enumerate() {
                let excess = (f64::from(count) - trials as f64 / 2.0).abs();
                assert!(
                    excess < allowed,
                    "variant {which}: bit {input} flips bit {output} {count} times"
                );
            }
        }
    }
}

#[test]
fn sums_of_draws_agree_with_philox() {
    // Two-sample Kolmogorov-Smirnov on sums of four uniforms: the distance of two samples of n exceeds c √(2/n) with
    // probability 2 exp(-2c²); c = 2.7 makes that one in a million.
    let n = 50_000u32;
    let mut ours: Vec<f64> = (0..n)
        .map(|i| (0..4).map(|purpose| draw(5, u64::from(i), purpose).uniform()).sum())
        .collect();
    let mut theirs: Vec<f64> = (0..n)
        .map(|i| {
            philox([i, 0, 0, 0], [5, 0])
                .iter()
                .map(|&word| (f64::from(word) + 0.5) / 4_294_967_296.0)
                .sum()
        })
        .collect();
    ours.sort_by(f64::total_cmp);
    theirs.sort_by(f64::total_cmp);
    let (mut i, mut j, mut distance) = (0, 0, 0.0f64);
    while i < ours.len() && j < theirs.len() {
        if ours[i] <= theirs[j] {
            i += 1
        } else {
            j += 1
        }
        distance = distance.max((i as f64 - j as f64).abs() / f64::from(n));
    }
    assert!(distance < 2.7 * (2.0 / f64::from(n)).sqrt(), "{distance}");
}

#[test]
fn a_cursor_serves_rand() {
    let key = draw(1, 1, 1);
    let mut cursor = key.cursor();
    let numbers: Vec<f64> = (0..10_000).map(|_| cursor.random::<f64>()).collect();
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    assert!((mean - 0.5).abs() < Z * (1.0f64 / 12.0 / 10_000.0).sqrt(), "{mean}");
    let mut bytes = [0u8; 11];
    key.cursor().fill_bytes(&mut bytes);
    assert_eq!(bytes[..8], key.cursor().next_u64().to_le_bytes());
}

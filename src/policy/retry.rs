//! How long to pause before trying again.
//!
//! The pause before retry k (from 0) starts from d = min(cap, base · factor^k); jitter spreads it [AWS Architecture
//! Blog, "Exponential Backoff and Jitter"]. Draws belong to the attempt that follows the pause.

use crate::blueprint::{Backoff, Jitter};
use crate::engine::random::Key;
use crate::units::Span;

/// The pause before retry `retry` (0 before the second attempt); `last` is the pause before it, zero if there was none.
pub fn pause(backoff: &Backoff, retry: u32, last: Span, key: Key) -> Span {
    let full = exponential(backoff, retry);
    match backoff.jitter {
        Jitter::None => full,
        Jitter::Full => full.scaled(key.uniform()),
        Jitter::Equal => {
            let half = full.scaled(0.5);
            half + half.scaled(key.uniform())
        }
        Jitter::Decorrelated => {
            let base = backoff.base;
            let high = last.max(base).scaled(3.0);
            let width = Span::from_nanos(high.nanos().saturating_sub(base.nanos()));
            (base + width.scaled(key.uniform())).min(backoff.cap)
        }
    }
}

/// min(cap, base · factor^retry), by multiplication so that every machine agrees.
fn exponential(backoff: &Backoff, retry: u32) -> Span {
    let mut pause = backoff.base;
    for _ in 0..retry {
        if pause >= backoff.cap {
            break;
        }
        pause = pause.scaled(backoff.factor);
    }
    pause.min(backoff.cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(jitter: Jitter) -> Backoff {
        Backoff {
            base: Span::from_millis(100),
            factor: 2.0,
            cap: Span::from_secs(1),
            jitter,
        }
    }

    fn mean_ms(jitter: Jitter, retry: u32, last: Span) -> f64 {
        let draws = 20_000;
        let total: f64 = (0..draws)
            .map(|n| pause(&backoff(jitter), retry, last, Key::root(1, n, 0)).millis())
            .sum();
        total / draws as f64
    }

    #[test]
    fn without_jitter_pauses_double_up_to_the_cap() {
        let pauses: Vec<_> = (0..6)
            .map(|k| pause(&backoff(Jitter::None), k, Span::ZERO, Key::root(1, 1, 0)).millis())
            .collect();
        assert_eq!(pauses, [100.0, 200.0, 400.0, 800.0, 1000.0, 1000.0]);
    }

    #[test]
    fn jitter_has_the_means_of_its_uniforms() {
        // A uniform of width w has standard deviation w/√12; over 20,000 draws five standard errors are 0.0102 w.
        assert!((mean_ms(Jitter::Full, 2, Span::ZERO) - 200.0).abs() < 0.0102 * 400.0);
        assert!((mean_ms(Jitter::Equal, 2, Span::ZERO) - 300.0).abs() < 0.0102 * 200.0);
        let last = Span::from_millis(200);
        assert!((mean_ms(Jitter::Decorrelated, 2, last) - 350.0).abs() < 0.0102 * 500.0);
    }

    #[test]
    fn decorrelated_jitter_never_exceeds_the_cap() {
        let last = Span::from_secs(1);
        for n in 0..1000 {
            let pause = pause(&backoff(Jitter::Decorrelated), 5, last, Key::root(1, n, 0));
            assert!((Span::from_millis(100)..=Span::from_secs(1)).contains(&pause));
        }
    }
}

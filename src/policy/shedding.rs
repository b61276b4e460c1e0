//! Whether a server turns a request away before it does anything for it.

use crate::blueprint::{Priority, SheddingRule};

/// The probability with which a request of this priority is refused while so much of the CPU is used; the strictest of
/// the rules that fit decides.
pub fn refusal(rules: &[SheddingRule], used: f64, priority: Priority) -> f64 {
    let fits = rules.iter().filter(|rule| priority.0 >= rule.priority);
    fits.map(|rule| ramp(used, rule.from.get(), rule.to.get()))
        .fold(0.0, f64::max)
}

/// 0 below `from`, 1 from `to` on, in proportion between.
pub fn ramp(used: f64, from: f64, to: f64) -> f64 {
    if used < from {
        0.0
    } else if used >= to {
        1.0
    } else {
        (used - from) / (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ratio;

    fn rule(priority: u8, from: f64, to: f64) -> SheddingRule {
        SheddingRule {
            priority,
            from: Ratio::new(from).expect("a share"),
            to: Ratio::new(to).expect("a share"),
        }
    }

    #[test]
    fn the_least_urgent_are_refused_first() {
        let rules = [rule(5, 0.5, 0.75), rule(0, 0.75, 1.0)];
        let at = |used, priority| refusal(&rules, used, Priority(priority));
        assert_eq!(
            [at(0.4, 7), at(0.625, 7), at(0.75, 5), at(0.9, 7)],
            [0.0, 0.5, 1.0, 1.0]
        );
        assert_eq!([at(0.7, 4), at(0.875, 4), at(1.0, 0)], [0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_rule_without_a_ramp_is_a_threshold() {
        let rules = [rule(0, 0.8, 0.8)];
        assert_eq!(refusal(&rules, 0.799, Priority(0)), 0.0);
        assert_eq!(refusal(&rules, 0.8, Priority(0)), 1.0);
    }
}

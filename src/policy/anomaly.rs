//! Anomaly mitigation: which targets fail more than their peers, and what weight each gets.
//!
//! AWS says that a target's share of HTTP 5xx and failed connections is compared with its peers' when at least three are
//! healthy, that weights change every 5 s, that an anomalous target's drops to a minimum and then recovers gradually
//! [ALB:edit-target-group-attributes, automatic target weights], and no more. MODEL: the comparison is the z test of two
//! proportions, the target's against all its peers' together, over the requests answered since the last one.

use crate::blueprint::AnomalyModel;

/// A target's full weight.
pub const FULL: u32 = 1_000;

/// Below so many targets nobody has peers to speak of [ALB:edit-target-group-attributes].
const LEAST_TARGETS: usize = 3;

/// What was seen of a target since weights were last given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub requests: u32,
    /// HTTP 5xx of the target and connections that failed.
    pub errors: u32,
    /// 1 to [`FULL`].
    pub weight: u32,
}

/// The targets' next weights, in their order.
pub fn reweigh(seen: &[Seen], model: &AnomalyModel, step: f64) -> Vec<u32> {
    let (requests, errors) = seen.iter().fold((0, 0), |(requests, errors), target| {
        (requests + u64::from(target.requests), errors + u64::from(target.errors))
    });
    let least = ((f64::from(FULL) * model.minimum_weight.get()).round() as u32).max(1);
    let recovered = (f64::from(FULL - least) * step).ceil() as u32;
    seen.iter()
        .map(|target| {
            if seen.len() >= LEAST_TARGETS && is_anomalous(target, (requests, errors), model) {
                least
            } else {
                (target.weight + recovered).min(FULL)
            }
        })
        .collect()
}

fn is_anomalous(target: &Seen, (requests, errors): (u64, u64), model: &AnomalyModel) -> bool {
    let mine = f64::from(target.requests);
    let others = (requests - u64::from(target.requests)) as f64;
    if target.requests < model.minimum_requests || others == 0.0 {
        return false;
    }
    let pooled = errors as f64 / requests as f64;
    let deviation = (pooled * (1.0 - pooled) * (1.0 / mine + 1.0 / others)).sqrt();
    let excess = f64::from(target.errors) / mine - (errors - u64::from(target.errors)) as f64 / others;
    excess > 0.0 && excess >= model.z * deviation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Ratio;

    fn model() -> AnomalyModel {
        crate::blueprint::Model::default().alb.anomaly_detection
    }

    fn seen(rows: &[(u32, u32)]) -> Vec<Seen> {
        let target = |&(requests, errors): &(u32, u32)| Seen {
            requests,
            errors,
            weight: FULL,
        };
        rows.iter().map(target).collect()
    }

    #[test]
    fn a_target_that_fails_more_than_its_peers_drops_to_the_minimum() {
        // 30 of 100 against 2 of 200: pooled 32/300, deviation sqrt(0.1067 × 0.8933 × (1/100 + 1/200)) = 0.0378; the excess
        // of 0.29 is 7.7 of them.
        let weights = reweigh(&seen(&[(100, 1), (100, 30), (100, 1)]), &model(), 0.1);
        assert_eq!(weights, [FULL, 50, FULL]);
    }

    #[test]
    fn what_luck_explains_is_normal() {
        // 4 of 100 against 2 of 200: an excess of 0.03 with a deviation of 0.0171, 1.75 of them.
        assert_eq!(
            reweigh(&seen(&[(100, 4), (100, 1), (100, 1)]), &model(), 0.1),
            [FULL, FULL, FULL]
        );
        // All are equally bad: nobody stands out.
        assert_eq!(
            reweigh(&seen(&[(100, 50), (100, 50), (100, 50)]), &model(), 0.1),
            [FULL, FULL, FULL]
        );
    }

    #[test]
    fn two_targets_have_no_peers_and_few_requests_say_nothing() {
        assert_eq!(reweigh(&seen(&[(100, 90), (100, 0)]), &model(), 0.1), [FULL, FULL]);
        assert_eq!(
            reweigh(&seen(&[(5, 5), (100, 0), (100, 0)]), &model(), 0.1),
            [FULL, FULL, FULL]
        );
        assert_eq!(
            reweigh(&seen(&[(0, 0), (0, 0), (0, 0)]), &model(), 0.1),
            [FULL, FULL, FULL]
        );
    }

    #[test]
    fn a_weight_recovers_in_equal_steps() {
        let mut model = model();
        model.minimum_weight = Ratio::new(0.1).expect("a share");
        let mut targets = seen(&[(100, 0), (100, 0), (100, 0)]);
        targets[0].weight = 100;
        let mut way = vec![];
        for _ in 0..5 {
            targets[0].weight = reweigh(&targets, &model, 0.25)[0];
            way.push(targets[0].weight);
        }
        assert_eq!(way, [325, 550, 775, 1000, 1000]);
    }
}

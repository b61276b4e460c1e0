//! Journeys: chains of requests that one visitor makes.

use super::ClassIx;
use crate::engine::dist::Dist;
use crate::units::Ratio;

/// One kind of visitor. Each visit begins with the first step.
#[derive(Clone, Debug)]
pub struct Journey {
    pub name: String,
    /// Among the journeys of the traffic; they sum to more than 0.
    pub weight: f64,
    /// At least one; from each of them the journey can end.
    pub steps: Vec<JourneyStep>,
    /// How long the visitor waits for an answer, drawn for each request; `None`: for ever.
    pub patience: Option<Dist>,
    /// How likely a request that was not served ends the journey; otherwise it is asked again.
    pub abandon_after_failure: Ratio,
}

#[derive(Clone, Debug)]
pub struct JourneyStep {
    pub name: String,
    pub class: ClassIx,
    /// From the answer to the next request, whatever that is.
    pub think_time: Dist,
    /// Steps that may follow, with probabilities; what they leave to 1 ends the journey.
    pub next: Vec<(usize, f64)>,
}

impl Journey {
    /// How often a visitor comes to each step if all is served: the solution of v = first + Pᵀv.
    ///
    /// By elimination without pivots: I − Pᵀ has columns that sum to the probability of ending, none negative, which
    /// keeps every pivot above 0 as long as the journey can end from everywhere.
    pub fn visits(&self) -> Vec<f64> {
        let count = self.steps.len();
        let mut rows = vec![vec![0.0; count + 1]; count];
        for (from, step) in self.steps.iter().enumerate() {
            rows[from][from] += 1.0;
            for (to, probability) in &step.next {
                rows[*to][from] -= probability;
            }
        }
        rows[0][count] = 1.0;
        for pivot in 0..count {
            let (above, below) = rows.split_at_mut(pivot + 1);
            let row = &above[pivot];
            for other in below {
                let factor = other[pivot] / row[pivot];
                for (cell, of_pivot) in other.iter_mut().zip(row) {
                    *cell -= factor * of_pivot;
                }
            }
        }
        let mut visits = vec![0.0; count];
        for at in (0..count).rev() {
            let known: f64 = rows[at][at + 1..count]
                .iter()
                .zip(&visits[at + 1..])
                .map(|(cell, visits)| cell * visits)
                .sum();
            visits[at] = (rows[at][count] - known) / rows[at][at];
        }
        visits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_those_of_the_absorbing_chain() {
        // Browse (again with 1/2, to the cart with 1/4), cart (back with 1/3, pays with 1/3), pay. Browse: v = 1 + v/2 +
        // c/3, c = v/4, so v = 1 / (1 − 1/2 − 1/12) = 2.4, c = 0.6, p = 0.2.
        let step = |next: &[(usize, f64)]| JourneyStep {
            name: String::new(),
            class: ClassIx(0),
            think_time: Dist::constant(0.0).expect("valid"),
            next: next.to_vec(),
        };
        let journey = Journey {
            name: String::new(),
            weight: 1.0,
            steps: vec![
                step(&[(0, 0.5), (1, 0.25)]),
                step(&[(0, 1.0 / 3.0), (2, 1.0 / 3.0)]),
                step(&[]),
            ],
            patience: None,
            abandon_after_failure: Ratio::ZERO,
        };
        for (visits, exact) in journey.visits().into_iter().zip([2.4, 0.6, 0.2]) {
            assert!((visits - exact).abs() < 1e-12, "{visits} against {exact}");
        }
    }
}

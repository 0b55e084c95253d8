//! The mixed model of AB-MCTS-M: the children of a node are groups of scores that have something in common.
//!
//! A score below child `j` is `y = α_j + ε` with `ε ~ N(0, σ_y²)`, `α_j ~ N(μ, σ_α²)`, `μ ~ N(0.5, 0.2²)`,
//! `σ_α ~ HalfNormal(0.2)` and `σ_y ~ HalfNormal(0.3)`. A new child is a new group.
//!
//! Given the two deviations everything is normal, so `μ` and all `α` are integrated in closed form and only the
//! deviations lie on a grid. The likelihood needs counts and sums per size of group, which are kept as scores come, so
//! a step costs the same however many children there are. The original fits the same model by MCMC, for seconds a step.
//!
//! Source: Inoue et al. 2025, section 3.4 and appendix, and the published code for the priors.

use std::collections::BTreeMap;

use super::State;
use crate::thompson::{Arms, Dice, Moments};
use crate::tree::NodeId;

/// Quantiles of the standard half-normal distribution at (i + ½)/9: points that are equally likely a priori.
const HALF_NORMAL: [f64; 9] =
    [0.069_685, 0.210_428, 0.355_490, 0.508_488, 0.674_490, 0.861_634, 1.085_325, 1.382_994, 1.914_506];
/// Scales of the priors of σ_α and σ_y.
const SCALES: (f64, f64) = (0.2, 0.3);
/// Mean and variance of the prior of μ.
const MU: (f64, f64) = (0.5, 0.04);
/// A subtree of so many nodes of which so large a share has the same score, to a hundredth, is not gone into.
const STALE: (u32, f64) = (4, 0.75);

/// Sums over the groups below a node, and how often each score came in the node's own subtree.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    by_size: BTreeMap<u32, Sums>,
    /// Scores in all groups.
    scores: f64,
    /// Squared deviations from the groups' own means.
    within: f64,
    counts: BTreeMap<u8, u32>,
    commonest: u32,
    noted: u32,
}

/// Sums over the groups of one size.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    groups: f64,
    means: f64,
    squared_means: f64,
}

/// One point of the grid: what the scores say if these are the deviations.
#[derive(Debug, Clone, Copy, Default)]
struct Point {
    log_likelihood: f64,
    /// Mean and variance of `μ`.
    mu: (f64, f64),
    sigma_alpha: f64,
    sigma_y: f64,
}

/// The parameters that all groups share, drawn from their posterior.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    mu: f64,
    sigma_alpha: f64,
    sigma_y: f64,
}

impl Groups {
    /// Notes a score of the node's own subtree.
    pub(super) fn note(&mut self, score: f64) {
        let count = self.counts.entry((score * 100.0).round() as u8).or_default();
        *count += 1;
        self.commonest = self.commonest.max(*count);
        self.noted += 1;
    }

    /// Whether the subtree says the same again and again.
    pub(super) fn is_stale(&self) -> bool {
        self.noted >= STALE.0 && f64::from(self.commonest) >= STALE.1 * f64::from(self.noted)
    }

    /// A group has grown.
    pub(super) fn change(&mut self, before: Moments, after: Moments) {
        let (less, more) = (before.weight as u32, after.weight as u32);
        if let Some(sums) = self.by_size.get_mut(&less) {
            sums.add(before.mean, -1.0);
            if sums.groups <= 0.0 {
                self.by_size.remove(&less);
            }
        }
        self.by_size.entry(more).or_default().add(after.mean, 1.0);
        self.scores += after.weight - before.weight;
        self.within += after.squares - before.squares;
    }

    /// Draws the shared parameters from their posterior.
    pub(super) fn draw(&self, dice: &mut Dice) -> Shared {
        let grid = HALF_NORMAL.iter().flat_map(|alpha| HALF_NORMAL.iter().map(move |y| (*alpha, *y)));
        let points: Vec<Point> = grid.map(|(alpha, y)| self.given(alpha * SCALES.0, y * SCALES.1)).collect();
        let likeliest = points.iter().map(|point| point.log_likelihood).fold(f64::NEG_INFINITY, f64::max);
        let weight = |point: &Point| (point.log_likelihood - likeliest).exp();
        let mut left = dice.uniform() * points.iter().map(weight).sum::<f64>();
        let chosen = points.iter().find(|point| {
            left -= weight(point);
            left <= 0.0
        });
        let point = chosen.or(points.last()).copied().unwrap_or_default();
        let mu = point.mu.0 + point.mu.1.sqrt() * dice.normal();
        Shared { mu, sigma_alpha: point.sigma_alpha, sigma_y: point.sigma_y }
    }

    /// The likelihood of the deviations, up to a constant, and the posterior of `μ` given them.
    ///
    /// The mean of a group of `n` scores is `N(μ, v)` with `v = σ_α² + σ_y²/n`; what its scores deviate from it says
    /// something of `σ_y` alone.
    fn given(&self, sigma_alpha: f64, sigma_y: f64) -> Point {
        let (alpha2, y2) = (sigma_alpha.powi(2), sigma_y.powi(2));
        let (mut precision, mut weighted, mut squares) = (1.0 / MU.1, MU.0 / MU.1, MU.0.powi(2) / MU.1);
        let (mut log_variances, mut groups) = (0.0, 0.0);
        for (size, sums) in &self.by_size {
            let v = alpha2 + y2 / f64::from(*size);
            precision += sums.groups / v;
            weighted += sums.means / v;
            squares += sums.squared_means / v;
            log_variances += sums.groups * v.ln();
            groups += sums.groups;
        }
        let between = -0.5 * (log_variances + precision.ln() + squares - weighted.powi(2) / precision);
        let within = -0.5 * ((self.scores - groups) * y2.ln() + self.within.max(0.0) / y2);
        let mu = (weighted / precision, 1.0 / precision);
        Point { log_likelihood: between + within, mu, sigma_alpha, sigma_y }
    }
}

impl Sums {
    fn add(&mut self, mean: f64, sign: f64) {
        self.groups += sign;
        self.means += sign * mean;
        self.squared_means += sign * mean * mean;
    }
}

impl Shared {
    /// A score of a new group.
    fn of_new(&self, dice: &mut Dice) -> f64 {
        self.mu + (self.sigma_alpha.powi(2) + self.sigma_y.powi(2)).sqrt() * dice.normal()
    }

    /// Another score of a group.
    fn of(&self, group: &Moments, dice: &mut Dice) -> f64 {
        let (alpha2, y2) = (self.sigma_alpha.powi(2), self.sigma_y.powi(2));
        let precision = group.weight / y2 + 1.0 / alpha2;
        let mean = (group.weight * group.mean / y2 + self.mu / alpha2) / precision;
        mean + (1.0 / precision + y2).sqrt() * dice.normal()
    }
}

/// The child to go on with; `None` where a new one is to be made.
pub(super) fn descend(states: &[State], state: &State, arms: &mut Arms, dice: &mut Dice) -> Option<NodeId> {
    if state.groups.by_size.is_empty() {
        return None;
    }
    let shared = state.groups.draw(dice);
    let make = shared.of_new(dice);
    let draw = |child: NodeId, dice: &mut Dice| {
        let child = states.get(child.0 as usize).filter(|child| !child.groups.is_stale())?;
        Some(shared.of(&child.subtree, dice))
    };
    arms.best(dice, draw).filter(|(_, best)| *best >= make).map(|(child, _)| child)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of these scores below one node.
    fn groups(scores: &[&[f64]]) -> Groups {
        let mut groups = Groups::default();
        for group in scores {
            let mut seen = Moments::default();
            for score in *group {
                let before = seen;
                seen.add(*score);
                groups.change(before, seen);
            }
        }
        groups
    }

    /// The density of the scores given all parameters, up to a constant.
    fn density(scores: &[&[f64]], sigma_y: f64, alphas: &[f64]) -> f64 {
        let of = |(group, alpha): (&&[f64], &f64)| {
            group.iter().map(|y| -0.5 * ((y - alpha) / sigma_y).powi(2) - sigma_y.ln()).sum::<f64>()
        };
        scores.iter().zip(alphas).map(of).sum::<f64>().exp()
    }

    /// The closed form against importance sampling of the whole model from its prior.
    #[test]
    fn a_new_group_is_expected_as_the_whole_model_expects_it() {
        let scores: [&[f64]; 3] = [&[0.2, 0.3, 0.25], &[0.6], &[0.1, 0.2]];
        let mut dice = Dice::new(5);
        let (mut weights, mut means, mut squares) = (0.0, 0.0, 0.0);
        for _ in 0..200_000 {
            let mu = MU.0 + MU.1.sqrt() * dice.normal();
            let sigma_alpha = SCALES.0 * dice.normal().abs();
            let sigma_y = SCALES.1 * dice.normal().abs();
            let alphas: Vec<f64> = scores.iter().map(|_| mu + sigma_alpha * dice.normal()).collect();
            let weight = density(&scores, sigma_y, &alphas);
            weights += weight;
            means += weight * mu;
            squares += weight * (mu * mu + sigma_alpha.powi(2) + sigma_y.powi(2));
        }
        let (mean, variance) = (means / weights, squares / weights - (means / weights).powi(2));

        let (groups, mut drawn) = (groups(&scores), Moments::default());
        (0..30_000).for_each(|_| drawn.add(groups.draw(&mut dice).of_new(&mut dice)));
        assert!((drawn.mean - mean).abs() < 0.01, "{} instead of {mean}", drawn.mean);
        let found = (drawn.squares / drawn.weight).sqrt();
        assert!((found - variance.sqrt()).abs() < 0.03, "{found} instead of {}", variance.sqrt());
    }

    #[test]
    fn without_scores_the_prior_speaks() {
        let (mut dice, mut drawn) = (Dice::new(5), Moments::default());
        (0..20_000).for_each(|_| drawn.add(Groups::default().draw(&mut dice).mu));
        assert!((drawn.mean - 0.5).abs() < 0.01, "{drawn:?}");
        assert!((drawn.squares / drawn.weight - 0.04).abs() < 0.003, "{drawn:?}");
    }

    #[test]
    fn a_subtree_that_repeats_itself_is_stale() {
        let stale = |scores: &[f64]| {
            let mut groups = Groups::default();
            scores.iter().for_each(|score| groups.note(*score));
            groups.is_stale()
        };
        assert!(stale(&[0.5, 0.5, 0.5, 0.2]));
        assert!(stale(&[0.501, 0.499, 0.5, 0.2]), "to a hundredth");
        assert!(!stale(&[0.5, 0.5, 0.5]), "three are too few");
        assert!(!stale(&[0.5, 0.5, 0.2, 0.2]));
    }
}

//! Formulas by hand, and draws by their moments.

use super::*;
use crate::tree::NodeId;

fn seen(values: &[f64]) -> Moments {
    let mut moments = Moments::default();
    values.iter().for_each(|value| moments.add(*value));
    moments
}

fn assert_close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() < tolerance, "{found} instead of {expected}");
}

/// Mean and variance of draws.
fn drawn(draw: impl Fn(&mut Dice) -> f64) -> (f64, f64) {
    let (mut dice, count) = (Dice::new(7), 100_000.0);
    let mut moments = Moments::default();
    (0..100_000).for_each(|_| moments.add(draw(&mut dice)));
    (moments.mean, moments.squares / count)
}

#[test]
fn the_normal_posterior_is_the_published_one() {
    // The worked example: {0.2, 0.8} on the prior of AB-MCTS.
    let after = NormalInverseChiSquare::default().after(&seen(&[0.2, 0.8]));
    assert_close(after.kappa, 3.0, 1e-12);
    assert_close(after.nu, 3.0, 1e-12);
    assert_close(after.mean, 1.0 / 3.0, 1e-12);
    assert_close(after.tau2, (0.1 + 0.18 + 2.0 * 0.25 / 3.0) / 3.0, 1e-12);
    assert_close(after.tau2, 0.14889, 1e-5);
}

#[test]
fn the_beta_posterior_counts_shares_of_successes() {
    let after = Beta::default().after(&seen(&[0.2, 0.8, 1.0]));
    assert_close(after.a, 2.5, 1e-12);
    assert_close(after.b, 1.5, 1e-12);
    assert_close(after.mean(), 0.625, 1e-12);
}

#[test]
fn observations_come_one_by_one_in_halves_or_together() {
    let all = seen(&[0.1, 0.9, 0.4, 0.4]);
    let joined = seen(&[0.1, 0.9]).with(&seen(&[0.4, 0.4]));
    let mut halves = Moments::default();
    for value in [0.1, 0.9, 0.4, 0.4] {
        halves.add_weighted(value, 0.25);
        halves.add_weighted(value, 0.75);
    }
    for moments in [joined, halves, all.scaled(0.5).scaled(2.0), Moments::default().with(&all)] {
        assert_close(moments.weight, all.weight, 1e-12);
        assert_close(moments.mean, 0.45, 1e-12);
        assert_close(moments.squares, 0.33, 1e-12);
    }
}

#[test]
fn draws_have_the_moments_of_their_distributions() {
    let (mean, variance) = drawn(Dice::normal);
    assert_close(mean, 0.0, 0.02);
    assert_close(variance, 1.0, 0.02);
    for shape in [0.3, 1.0, 4.5] {
        let (mean, variance) = drawn(|dice| dice.gamma(shape));
        assert_close(mean, shape, 0.03 * shape.max(1.0));
        assert_close(variance, shape, 0.06 * shape.max(1.0));
    }
    for beta in [Beta { a: 0.5, b: 0.5 }, Beta { a: 6.0, b: 2.0 }] {
        let (mean, variance) = drawn(|dice| beta.draw(dice));
        assert_close(mean, beta.mean(), 0.005);
        assert_close(variance.sqrt(), beta.deviation(), 0.005);
    }
    // The mean is a Student t with ν degrees of freedom, so its variance is τ²/κ · ν/(ν-2).
    let belief = NormalInverseChiSquare { mean: 0.4, kappa: 5.0, nu: 10.0, tau2: 0.2 };
    let (mean, variance) = drawn(|dice| belief.draw(dice));
    assert_close(mean, 0.4, 0.005);
    assert_close(variance, 0.2 / 5.0 * 10.0 / 8.0, 0.003);
}

#[test]
fn a_few_arms_are_all_drawn_anew_and_the_largest_is_chosen() {
    let mut arms = Arms::default();
    for child in 1..=20 {
        arms.push(NodeId(child));
    }
    let mut dice = Dice::new(1);
    for best in [7, 20, 1] {
        let draw = |child: NodeId, _: &mut Dice| Some(if child.0 == best { 0.9 } else { 0.1 });
        assert_eq!(arms.best(&mut dice, draw), Some((NodeId(best), 0.9)));
    }
    assert_eq!(arms.best(&mut dice, |_, _| None), None);
    assert_eq!(Arms::default().best(&mut dice, |_, _| Some(1.0)), None);
}

#[test]
fn of_many_arms_all_have_their_turn_and_changes_count_at_once() {
    let mut arms = Arms::default();
    for child in 0..5_000 {
        assert_eq!(arms.push(NodeId(child)), child as usize);
    }
    let (mut dice, mut draws) = (Dice::new(1), 0);
    let mut best = |arms: &mut Arms, largest: u32| {
        arms.best(&mut dice, |child, _| {
            draws += 1;
            Some(if child.0 == largest { 0.9 } else { 0.1 })
        })
    };
    assert_eq!(best(&mut arms, 4_321).map(|best| best.0), Some(NodeId(4_321)), "new arms are due");
    // It was chosen, so it is drawn again; another becomes large when it is its turn.
    let found =
        (0..5_000 / 8 + 1).find(|_| best(&mut arms, 2_500).is_some_and(|best| best.0 == NodeId(2_500)));
    assert!(found.is_some());
    arms.changed(17);
    assert_eq!(best(&mut arms, 17).map(|best| best.0), Some(NodeId(17)));
    assert!(draws < 5_008 + 630 * 11, "{draws} draws");
}

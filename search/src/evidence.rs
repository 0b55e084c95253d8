//! What policies write into the tree of programs that were probed or compared.

use crate::grow::{evaluate, record};
use crate::policy::{Operator, Preference, Trial, TrialResult};
use crate::tree::{Change, Evaluator, NodeId, Tree};

/// Writes down what a probe or a comparison found. Other results, and what is found of nodes that hold no program, change
/// nothing.
pub(crate) fn note(tree: &mut Tree, trial: &Trial, result: &TrialResult) {
    match (&trial.operator, result) {
        (Operator::Probe { programs, .. }, TrialResult::Probed { behaviours, .. }) => {
            for (node, behaviour) in programs.iter().zip(behaviours) {
                if let (Some(behaviour), Some(_)) = (*behaviour, tree.attempt(*node)) {
                    record(tree, Change::Probed { node: *node, behaviour });
                }
            }
        }
        (Operator::Compare { other }, TrialResult::Compared { preference }) => {
            let (node_points, other_points) = points(*preference);
            give_points(tree, trial.node, node_points);
            give_points(tree, *other, other_points);
        }
        _ => {}
    }
}

fn give_points(tree: &mut Tree, node: NodeId, points: f64) {
    if tree.attempt(node).is_some() {
        evaluate(tree, node, Evaluator::Comparison, points);
    }
}

/// Points of the trial's program and of the other one.
const fn points(preference: Preference) -> (f64, f64) {
    match preference {
        Preference::Node => (1.0, 0.0),
        Preference::Other => (0.0, 1.0),
        Preference::Tie => (0.5, 0.5),
        Preference::Inconsistent => (0.0, 0.0),
    }
}

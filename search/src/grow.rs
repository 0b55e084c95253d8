//! How policies write what they decided into the tree. Model answers are foreign: what they give is made to fit here.

use crate::choose::consensus::Outputs;
use crate::policy::{Draft, Operator, Trial, TrialResult};
use crate::suite::SuiteRun;
use crate::tree::{Change, Evaluation, Evaluator, NodeId, NodeKind, Tree};

/// Adds the nodes that a trial made below the trial's node and judges their programs by the visible tests.
///
/// The operator says what kind of nodes they are and how many at most. Priors are normalised over the batch. Runs of
/// [`Operator::RunTests`] are kept at the trial's node.
pub(crate) fn grow(tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
    if let (TrialResult::Ran { runs }, Operator::RunTests { suites, .. }) = (result, &trial.operator) {
        keep_runs(tree, trial.node, suites, runs);
    }
    let (TrialResult::Made { drafts }, Some((kind, count))) = (result, trial.operator.makes()) else {
        return Vec::new();
    };
    let drafts = drafts.get(..count).unwrap_or(drafts);
    let priors = normalised(drafts);
    let mut nodes = Vec::with_capacity(drafts.len());
    for (draft, prior) in drafts.iter().zip(priors) {
        let Some(node) = plant(tree, trial.node, kind, trial, draft, prior) else { break };
        nodes.push(node);
    }
    nodes
}

/// Adds one node that a trial made below `parent` and judges its program by the visible tests.
pub(crate) fn plant(
    tree: &mut Tree,
    parent: NodeId,
    kind: NodeKind,
    trial: &Trial,
    draft: &Draft,
    prior: f64,
) -> Option<NodeId> {
    let mut attempt = draft.attempt.clone();
    if let Some(attempt) = &mut attempt {
        attempt.passed = attempt.passed.min(attempt.total);
    }
    let score = attempt.as_ref().filter(|attempt| attempt.total > 0).map(crate::Attempt::pass_fraction);
    let added = tree.add(parent, kind, trial.operator.name(), prior, attempt);
    debug_assert!(added.is_ok(), "a policy grew below a node that does not exist: {added:?}");
    let node = added.ok()?;
    if let Some(score) = score {
        evaluate(tree, node, Evaluator::VisiblePassFraction, score);
    }
    Some(node)
}

/// Adds what a division made: the draft below the function, and at most `room` stubs below the draft.
pub(crate) fn division(tree: &mut Tree, trial: &Trial, result: &TrialResult, room: usize) -> Vec<NodeId> {
    let TrialResult::Made { drafts } = result else { return Vec::new() };
    let Some((draft, stubs)) = drafts.split_first() else { return Vec::new() };
    let Some(node) = plant(tree, trial.node, NodeKind::Module, trial, draft, 1.0) else { return Vec::new() };
    let mut nodes = vec![node];
    for stub in stubs.iter().take(room) {
        nodes.extend(plant(tree, node, NodeKind::Module, trial, stub, 1.0));
    }
    nodes
}

/// Adds the candidates that a composition made, and gives what each of them did.
pub(crate) fn candidates(
    tree: &mut Tree,
    trial: &Trial,
    result: &TrialResult,
    kind: NodeKind,
) -> (Vec<NodeId>, Vec<Outputs>) {
    let TrialResult::Composed { drafts, behaviours } = result else { return Default::default() };
    let most = trial.operator.makes().map_or(0, |(_, most)| most);
    let mut nodes = Vec::new();
    let mut found = Vec::new();
    for (index, draft) in drafts.iter().take(most).enumerate() {
        let Some(node) = plant(tree, trial.node, kind, trial, draft, 1.0) else { break };
        nodes.push(node);
        found.push(behaviours.get(index).cloned().unwrap_or_default());
    }
    (nodes, found)
}

/// Keeps what came of a program on suites, and judges it by the tests among them that a model wrote.
fn keep_runs(tree: &mut Tree, node: NodeId, suites: &[NodeId], runs: &[SuiteRun]) {
    let (mut passed, mut total) = (0, 0);
    for (suite, run) in suites.iter().zip(runs) {
        let mut run = run.clone();
        for outcome in &mut run.outcomes {
            outcome.distance = outcome.distance.filter(|distance| distance.is_finite() && *distance >= 0.0);
        }
        if *suite != NodeId::ROOT {
            (passed, total) = (passed + run.passed(), total + run.total());
        }
        record(tree, Change::Ran { node, suite: *suite, run });
    }
    if total > 0 {
        evaluate(tree, node, Evaluator::GeneratedPassFraction, f64::from(passed) / f64::from(total));
    }
}

/// Records a judgement of a node that the policy made.
pub(crate) fn evaluate(tree: &mut Tree, node: NodeId, evaluator: Evaluator, score: f64) {
    record(tree, Change::Evaluated { node, evaluation: Evaluation { evaluator, score } });
}

/// Records a change that the policy has made sure of: it names nodes of this tree and numbers in range.
pub(crate) fn record(tree: &mut Tree, change: Change) {
    let applied = tree.apply(change);
    debug_assert!(applied.is_ok(), "a policy made a change that does not fit: {applied:?}");
}

/// Whether any program of the tree passes all visible tests.
pub(crate) fn any_passes(tree: &Tree) -> bool {
    tree.nodes().filter_map(|node| node.attempt.as_ref()).any(crate::Attempt::passes_all)
}

/// The nodes of `nodes` whose programs came out like this.
pub(crate) fn with_outcome(
    tree: &Tree,
    nodes: impl IntoIterator<Item = NodeId>,
    outcome: crate::Outcome,
) -> Vec<NodeId> {
    let has = |node: &NodeId| tree.attempt(*node).is_some_and(|attempt| attempt.outcome() == outcome);
    nodes.into_iter().filter(has).collect()
}

/// The nodes of `nodes` that hold a program, one per fingerprint, the first of each.
pub(crate) fn distinct(tree: &Tree, nodes: impl IntoIterator<Item = NodeId>) -> Vec<NodeId> {
    let mut seen = std::collections::BTreeSet::new();
    let first = |node: &NodeId| tree.attempt(*node).is_some_and(|attempt| seen.insert(attempt.fingerprint));
    nodes.into_iter().filter(first).collect()
}

/// Priors of a batch, summing to 1. One that is missing or no number counts as the mean of the others; if all are
/// missing or 0, all are equal.
fn normalised(drafts: &[Draft]) -> Vec<f64> {
    let usable = |draft: &Draft| draft.prior.filter(|prior| prior.is_finite() && *prior >= 0.0);
    let given: Vec<f64> = drafts.iter().filter_map(usable).map(|prior| prior.min(1.0)).collect();
    let mean = if given.is_empty() { 1.0 } else { given.iter().sum::<f64>() / given.len() as f64 };
    let weights: Vec<f64> =
        drafts.iter().map(|draft| usable(draft).map_or(mean, |prior| prior.min(1.0))).collect();
    proportions(&weights)
}

/// Weights scaled to sum to 1; equal shares if they sum to 0.
pub(crate) fn proportions(weights: &[f64]) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    let share = 1.0 / weights.len().max(1) as f64;
    weights.iter().map(|weight| if sum > 0.0 { (weight / sum).min(1.0) } else { share }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drafts(priors: &[Option<f64>]) -> Vec<Draft> {
        let draft =
            |prior: &Option<f64>| Draft { kind: crate::NodeKind::Thought, prior: *prior, attempt: None };
        priors.iter().map(draft).collect()
    }

    fn check(priors: &[Option<f64>], expected: &[f64]) {
        let found = normalised(&drafts(priors));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
    }

    #[test]
    fn priors_are_normalised_whatever_the_model_gave() {
        check(&[Some(0.5), Some(0.3), Some(0.2)], &[0.5, 0.3, 0.2]);
        check(&[Some(0.9), Some(0.9)], &[0.5, 0.5]);
        check(&[None, None, None], &[1.0 / 3.0; 3]);
        check(&[Some(0.0), Some(0.0)], &[0.5, 0.5]);
        check(&[Some(0.6), None, Some(0.2)], &[0.5, 1.0 / 3.0, 1.0 / 6.0]);
        check(&[Some(f64::NAN), Some(0.5)], &[0.5, 0.5]);
        check(&[Some(-3.0), Some(7.0)], &[0.5, 0.5]);
        check(&[], &[]);
    }
}

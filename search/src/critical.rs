//! Critical sampling: programs that pass are written anew from the part of them that is surely right, and where none
//! passes the best are repaired.
//!
//! Source: Le et al. 2022, *CodeRL*, section 3.4 ("program refining", "program repairing"). The published code does not
//! hold it, so numbers are the paper's and its reproductions'. Where it differs, on purpose:
//!
//! - where no critic model scores tokens, the model itself names the last right line, the program is cut after it, and
//!   the rest is asked for as a continuation;
//! - the best failing programs are those that pass most visible tests, and repairs are shown what the tests said, which
//!   says more than the class of the error;
//! - without visible tests nothing speaks against a program that parses, so it is refined;
//! - programs that nothing can be learnt from (they do not parse, and there are no tests) are drawn afresh.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::batch::Batch;
use crate::checked;
use crate::choose;
use crate::grow::{any_passes, distinct, grow, with_outcome};
use crate::policy::{Decision, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`CriticalSampling`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CriticalSamplingConfig {
    /// Programs per stage (N), at least 1. Default 5; the paper has 5, 20 and 1000 for pass@1, @5 and @1000.
    #[serde(deserialize_with = "checked::count")]
    pub programs: usize,
    /// Stages of refinement or repair after the first. Default 1.
    pub iterations: usize,
    /// Failing programs that are repaired (M), at least 1. Default 1.
    #[serde(deserialize_with = "checked::count")]
    pub repaired: usize,
    /// Programs drawn from one request in the first stage, at least 1. Default 1.
    #[serde(deserialize_with = "checked::count")]
    pub per_request: usize,
    /// Sampling temperature, in `[0, 2]`. Default 0.6.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for CriticalSamplingConfig {
    fn default() -> Self {
        Self {
            programs: 5,
            iterations: 1,
            repaired: 1,
            per_request: 1,
            temperature: 0.6,
            max_output_tokens: 2048,
        }
    }
}

/// The critical sampling policy. The requests of a stage can all be in flight; a stage waits for the one before.
#[derive(Debug, Clone)]
pub struct CriticalSampling {
    config: CriticalSamplingConfig,
    /// Stages that are over.
    stages: usize,
    batch: Batch,
    stopped: Option<StopReason>,
}

impl CriticalSampling {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: CriticalSamplingConfig) -> Self {
        let batch = batch(&config, draws(&config));
        Self { config, stages: 0, batch, stopped: None }
    }

    fn end_stage(&mut self, tree: &Tree) {
        self.stages += 1;
        if self.stages <= self.config.iterations {
            self.batch = batch(&self.config, self.next_stage(tree));
            return;
        }
        self.stopped = Some(StopReason::done(any_passes(tree)));
    }

    /// Refines what passes, or else what nothing speaks against; else repairs the best; else draws afresh.
    fn next_stage(&self, tree: &Tree) -> Vec<(NodeId, Operator)> {
        let programs = self.config.programs.max(1);
        for outcome in [Outcome::Passed, Outcome::Untested] {
            let all = tree.nodes().map(|node| node.id);
            let sources = distinct(tree, with_outcome(tree, all, outcome));
            if !sources.is_empty() {
                let refine = |(source, count)| (source, Operator::RefineFromPrefix { count });
                return shares(&sources, programs).into_iter().map(refine).collect();
            }
        }
        let testable = |node: &NodeId| tree.attempt(*node).is_some_and(|attempt| attempt.total > 0);
        let failing: Vec<NodeId> = choose::ranking(tree).into_iter().filter(testable).collect();
        let best = failing.get(..self.config.repaired.max(1)).unwrap_or(&failing);
        if best.is_empty() {
            return draws(&self.config);
        }
        let repair = |(source, count)| {
            std::iter::repeat_n((source, Operator::Refine { reflection: None, count: 1 }), count)
        };
        shares(best, programs).into_iter().flat_map(repair).collect()
    }
}

impl SearchPolicy for CriticalSampling {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.batch.ask(slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let nodes = grow(tree, trial, result);
        self.batch.tell();
        if self.batch.is_done() {
            self.end_stage(tree);
        }
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        self.stopped
    }
}

fn batch(config: &CriticalSamplingConfig, trials: Vec<(NodeId, Operator)>) -> Batch {
    let CriticalSamplingConfig { temperature, max_output_tokens, .. } = *config;
    let decision = |(node, operator)| Decision { node, operator, temperature, max_output_tokens };
    Batch::new(trials.into_iter().map(decision))
}

/// Requests for `programs` independent programs.
fn draws(config: &CriticalSamplingConfig) -> Vec<(NodeId, Operator)> {
    let (programs, most) = (config.programs.max(1), config.per_request.max(1));
    let request = |from: usize| {
        let count = most.min(programs - from);
        (NodeId::ROOT, Operator::Resample { count, style: ProgramStyle::Direct, drawn: None })
    };
    (0..programs).step_by(most).map(request).collect()
}

/// `total` shared out among the sources: the first get one more where it does not come out even, and where there are
/// more sources than shares the last get none.
fn shares(sources: &[NodeId], total: usize) -> Vec<(NodeId, usize)> {
    let (each, over) = (total / sources.len().max(1), total % sources.len().max(1));
    let share = |(index, source): (usize, &NodeId)| (*source, each + usize::from(index < over));
    sources.iter().enumerate().map(share).filter(|(_, count)| *count > 0).collect()
}

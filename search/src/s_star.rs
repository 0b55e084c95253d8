//! S\*: parallel chains of repair, then a choice among the survivors by what they do where they differ.
//!
//! Source: Li et al. 2025, *S\*: Test Time Scaling for Code Generation*, section 3 and the published code: 16 samples, each
//! a chain of up to three programs that ends with the first that passes; then pairwise judgements on inputs written to
//! tell programs apart. Where it differs, on purpose:
//!
//! - survivors are clustered by what they do on mutations of the visible tests' inputs and on inputs that the model
//!   wrote, and one representative of each of the three leading clusters is compared: the original compares across all
//!   groups, which is quadratic in the survivors;
//! - a revision is shown the program before it and its failures, not the whole chain;
//! - where no comparison decides, the ladder does (in the original, a further round on code alone; here
//!   [`Operator::Compare`] judges the code where no input tells two programs apart).

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::batch::Batch;
use crate::checked;
use crate::choose::contest;
use crate::evidence;
use crate::grow::{any_passes, grow};
use crate::policy::{Decision, Operator, ProgramStyle, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, NodeKind, Tree};

#[cfg(test)]
mod tests;

/// Settings of [`SStar`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SStarConfig {
    /// Chains, at least 1. Default 16.
    #[serde(deserialize_with = "checked::count")]
    pub samples: usize,
    /// Programs per chain, the first one included; at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub rounds: usize,
    /// Inputs that the model is asked for, besides mutations of the visible tests' inputs; 0 for none. Default 10.
    pub written_inputs: usize,
    /// Clusters whose representatives are compared. Default 3; 0 or 1 leaves the choice to the ladder.
    pub clusters: usize,
    /// Temperature of programs, in `[0, 2]`. Default 0.7.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Temperature of inputs and judgements, in `[0, 2]`. Default 0.
    #[serde(deserialize_with = "checked::temperature")]
    pub judge_temperature: f64,
    /// Longest answer in tokens. Default 4096.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for SStarConfig {
    fn default() -> Self {
        Self {
            samples: 16,
            rounds: 3,
            written_inputs: 10,
            clusters: 3,
            temperature: 0.7,
            judge_temperature: 0.0,
            max_output_tokens: 4096,
        }
    }
}

/// The S\* policy. All chains can be in flight at once, and so can all comparisons.
#[derive(Debug, Clone)]
pub struct SStar {
    config: SStarConfig,
    stage: Stage,
    batch: Batch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Generate,
    WriteInputs,
    Probe,
    Compare,
    Done,
}

impl SStar {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: SStarConfig) -> Self {
        let mut policy = Self { config, stage: Stage::Generate, batch: Batch::default() };
        for _ in 0..policy.config.samples.max(1) {
            let operator = Operator::Resample { count: 1, style: ProgramStyle::Direct, drawn: None };
            policy.push(NodeId::ROOT, operator, policy.config.temperature);
        }
        policy
    }

    fn push(&mut self, node: NodeId, operator: Operator, temperature: f64) {
        let max_output_tokens = self.config.max_output_tokens;
        self.batch.push(Decision { node, operator, temperature, max_output_tokens });
    }

    /// The next step of a chain whose newest program is `node`. An unusable answer ends its chain.
    fn go_on(&mut self, tree: &Tree, node: NodeId) {
        let failed = tree.attempt(node).is_some_and(|attempt| attempt.outcome() == Outcome::Failed);
        let programs = tree.lineage(node).filter(|node| node.attempt.is_some()).count();
        if failed && programs < self.config.rounds {
            self.push(node, Operator::Refine { reflection: None, count: 1 }, self.config.temperature);
        }
    }

    /// Moves on once everything that was asked for is in.
    fn next_stage(&mut self, tree: &Tree) {
        let judge = self.config.judge_temperature;
        while self.batch.is_done() && self.stage != Stage::Done {
            self.stage = match self.stage {
                Stage::Generate if contest::level(tree).len() < 2 || self.config.clusters < 2 => Stage::Done,
                Stage::Generate => {
                    if self.config.written_inputs > 0 {
                        let count = self.config.written_inputs;
                        self.push(NodeId::ROOT, Operator::WriteInputs { count }, judge);
                    }
                    Stage::WriteInputs
                }
                Stage::WriteInputs => {
                    let written = tree.nodes().filter(|node| node.kind == NodeKind::Inputs);
                    let (programs, inputs) = (contest::level(tree), written.map(|node| node.id).collect());
                    self.push(NodeId::ROOT, Operator::Probe { programs, inputs }, judge);
                    Stage::Probe
                }
                Stage::Probe => {
                    for (node, other) in contest::pairs(tree, self.config.clusters) {
                        self.push(node, Operator::Compare { other }, judge);
                    }
                    Stage::Compare
                }
                Stage::Compare | Stage::Done => Stage::Done,
            };
        }
    }
}

impl SearchPolicy for SStar {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        self.batch.ask(slots)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.batch.tell();
        let made = grow(tree, trial, result);
        evidence::note(tree, trial, result);
        if self.stage == Stage::Generate {
            made.iter().for_each(|node| self.go_on(tree, *node));
        }
        self.next_stage(tree);
        made
    }

    fn stop_reason(&self, tree: &Tree) -> Option<StopReason> {
        if self.stage != Stage::Done {
            return None;
        }
        Some(StopReason::done(any_passes(tree)))
    }
}

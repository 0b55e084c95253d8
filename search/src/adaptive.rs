//! Adaptive: direct programs first; then, step by step, whichever move is likely to pay: another direct program, thoughts,
//! a program from one, a revision, a thought written anew. The default strategy.
//!
//! 1. *Direct probe*: a few programs from one request. If they pass and the model's own check agrees, that is all.
//! 2. *Tree*: at every node, Thompson sampling between the moves that can be made there and the children that can be
//!    gone on with ([`grove`]). Moves are believed what was seen of them in the whole tree and, where given, in earlier
//!    problems ([`experience`]). Where revisions do not help, this comes down to resampling.
//! 3. *Settling*: what passes is checked by the model before it is believed ([`evidence`]); calls are kept back for it.
//!    Where there are no visible tests and programs differ, the model writes tests, which the choice weighs with the
//!    number of programs that behave alike.
//!
//! It ends when a program is accepted, when nothing is likely to do better, or with its own bounds.
//!
//! Ours. The parts are from elsewhere: widening by Thompson sampling from AB-MCTS (Inoue et al. 2025), thoughts and
//! rethinking from RethinkMCTS (Li et al. 2025), verdicts from CodeTree (Li et al. 2025), direct attempts before
//! planning from PaT (see `docs/strategies.md` for what was measured).

use serde::{Deserialize, Serialize};

use self::evidence::{Evidence, Settled};
use self::grove::Grove;
use crate::budget::Cost;
use crate::checked;
use crate::evidence::note;
use crate::grow::{evaluate, grow, record};
use crate::policy::{
    Decision, Operator, ProgramStyle, SearchPolicy, Shown, StopReason, ThoughtStyle, Trial, TrialResult,
    VerifyStyle,
};
use crate::thompson::Dice;
use crate::tree::{Change, Evaluator, NodeId, Tree};

pub use self::experience::{Class, Experience, Move, Situation};

mod evidence;
mod experience;
mod grove;
#[cfg(test)]
mod tests;

/// Settings of [`Adaptive`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdaptiveConfig {
    /// Programs at most, at least 1. Default 20.
    #[serde(deserialize_with = "checked::count")]
    pub generations: usize,
    /// No trial begins after so many model calls, at least 1; what the last ones ask again may exceed it. Default 60.
    #[serde(deserialize_with = "checked::count")]
    pub calls: usize,
    /// Share of the calls that is kept for checking what passes, in `[0, 1]`, and at least 4 calls. Default 0.15.
    #[serde(deserialize_with = "checked::share")]
    pub reserve: f64,
    /// Moves chosen from one state of the tree, at least 1, which can be in flight together. Default 4. With 1 every move
    /// knows the results of all before, which saves a tenth of the calls and takes three times as long.
    #[serde(deserialize_with = "checked::count")]
    pub batch: usize,
    /// Programs drawn from the first request for programs from the statement, at least 2; from each later one twice as
    /// many, for then the problem is not easy. Default 4.
    #[serde(deserialize_with = "checked::count")]
    pub per_request: usize,
    /// Whether programs from the statement are all different, where the model can draw without replacement, as local ones
    /// can. Default true.
    pub distinct: bool,
    /// Revisions of one program drawn from one request, at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub revisions: usize,
    /// Thoughts asked for at once, at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub thoughts: usize,
    /// Deepest node, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub max_depth: usize,
    /// Whether thoughts are rewritten. Default true.
    pub rethink: bool,
    /// The search ends when a move does better than the best program with less than this probability, in `[0, 1]`.
    /// Default 0.01; 0 never ends it.
    #[serde(deserialize_with = "checked::share")]
    pub stop_below: f64,
    /// What earlier problems taught. Default nothing. Part of what identifies a run, so that a search can be repeated.
    pub experience: Experience,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for AdaptiveConfig {
    fn default() -> Self {
        Self {
            generations: 20,
            calls: 60,
            reserve: 0.15,
            batch: 4,
            per_request: 4,
            distinct: true,
            revisions: 3,
            thoughts: 3,
            max_depth: 5,
            rethink: true,
            stop_below: 0.01,
            experience: Experience::default(),
            max_output_tokens: 2048,
        }
    }
}

/// The adaptive policy. The trials of a batch can be in flight together; a batch waits for the one before.
#[derive(Debug, Clone)]
pub struct Adaptive {
    config: AdaptiveConfig,
    grove: Grove,
    evidence: Evidence,
    /// The rest of the batch, the next trial last.
    planned: Vec<Decision>,
    in_flight: usize,
    /// Programs asked for, those of them that come straight from the statement, and calls made.
    asked: usize,
    direct: usize,
    calls: usize,
    /// Seed of the last trial told, which the next batch is drawn with.
    seed: u64,
    /// Whether nothing more is tried, and only what there is compared.
    concluding: bool,
    stopped: Option<StopReason>,
}

/// Temperature of what should vary: programs from the statement, thoughts, and all but the first of a node's programs.
const VARIED: f64 = 0.8;
/// Temperature of the first program of a node.
const STEADY: f64 = 0.2;
/// How many times the programs of the first request a later one asks for.
const LATER: usize = 2;
/// Calls that a comparison takes.
const COMPARISON_CALLS: usize = 3;
/// Inputs that the model is asked for.
const INPUTS: usize = 8;
/// Tests that the model is asked for at most.
const TESTS: usize = 8;

impl Adaptive {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub fn new(config: AdaptiveConfig) -> Self {
        let mut policy = Self {
            grove: Grove::new(&config),
            evidence: Evidence::default(),
            planned: Vec::new(),
            in_flight: 0,
            asked: 0,
            direct: 0,
            calls: 0,
            seed: 0,
            concluding: false,
            stopped: None,
            config,
        };
        policy.planned.push(policy.direct_probe());
        policy
    }

    fn direct_probe(&self) -> Decision {
        let count = self.config.per_request.max(2).min(self.config.generations.max(1));
        let operator = Operator::Resample { count, style: ProgramStyle::Direct, drawn: None };
        let max_output_tokens = self.config.max_output_tokens;
        Decision { node: NodeId::ROOT, operator, temperature: VARIED, max_output_tokens }
    }

    /// What this search has taught so far.
    #[must_use]
    pub const fn experience(&self) -> &Experience {
        self.grove.experience()
    }

    /// Chooses the next batch, or ends the search.
    fn plan(&mut self, tree: &Tree) {
        let mut dice = Dice::new(self.seed);
        match self.evidence.settle() {
            Settled::Accepted => self.stopped = Some(StopReason::Accepted),
            Settled::Probe(programs, inputs) => {
                self.planned.push(self.question(NodeId::ROOT, Operator::Probe { programs, inputs }));
            }
            Settled::WriteInputs if self.calls < self.config.calls.max(1) => {
                let operator = Operator::WriteInputs { count: INPUTS };
                self.planned.push(Decision { temperature: VARIED, ..self.question(NodeId::ROOT, operator) });
            }
            Settled::WriteTests if self.calls < self.config.calls.max(1) => {
                let operator = Operator::GenerateTests { tests: TESTS, suites: 1 };
                self.planned.push(self.question(NodeId::ROOT, operator));
            }
            Settled::Test(programs, tests) => {
                let run = Operator::RunTests { suites: vec![tests], shown: Shown::Unchanged };
                let runs = programs.into_iter().map(|program| self.question(program, run.clone()));
                self.planned.extend(runs.collect::<Vec<_>>());
            }
            Settled::Check(program) if self.calls < self.config.calls.max(1) => {
                self.planned.push(self.question(program, Operator::Verify { style: VerifyStyle::Verdict }));
            }
            _ if self.concluding || self.hopeless(&mut dice) => {}
            _ => self.plan_moves(tree, &mut dice),
        }
        if self.planned.is_empty() && self.stopped.is_none() {
            self.conclude(tree);
        }
        self.planned.reverse();
    }

    fn plan_moves(&mut self, tree: &Tree, dice: &mut Dice) {
        let mut programs = self.asked;
        let reserve = ((self.config.reserve * self.config.calls as f64).ceil() as usize).max(4);
        let calls = self.config.calls.max(1).saturating_sub(reserve).max(1).saturating_sub(self.calls);
        for _ in 0..self.config.batch.max(1).min(calls) {
            let left = self.config.generations.max(1).saturating_sub(programs);
            if left == 0 {
                break;
            }
            let Some((node, act)) = self.grove.choose(dice) else { break };
            let decision = self.decision(tree, node, act, left);
            programs += decision.operator.generations() as usize;
            self.push(decision);
        }
        self.grove.forget_losses();
    }

    /// Adds a decision to the batch. Two requests for programs from the statement are one for more.
    fn push(&mut self, decision: Decision) {
        let more = decision.operator.generations() as usize;
        let same = |planned: &&mut Decision| matches!(planned.operator, Operator::Resample { .. });
        if let Operator::Resample { .. } = decision.operator
            && let Some(Decision { operator: Operator::Resample { count, .. }, .. }) =
                self.planned.iter_mut().find(same)
        {
            *count += more;
            return;
        }
        self.planned.push(decision);
    }

    fn decision(&self, tree: &Tree, node: NodeId, act: Move, left: usize) -> Decision {
        let count = self.config.thoughts.max(1);
        let after = self.grove.last_program(node).unwrap_or(node);
        let operator = match act {
            Move::Resample => Operator::Resample {
                count: self.config.per_request.saturating_mul(LATER).clamp(1, left),
                style: ProgramStyle::Direct,
                drawn: None,
            },
            Move::Propose => Operator::Propose { count, style: ThoughtStyle::Rated },
            Move::Implement => Operator::Implement,
            Move::Extend => Operator::Extend { count, after },
            Move::Refine => {
                Operator::Refine { reflection: None, count: self.config.revisions.clamp(1, left) }
            }
            Move::Rethink => Operator::Rethink { after },
        };
        let first = tree.children(node).all(|child| child.attempt.is_none());
        let temperature = match act {
            Move::Implement | Move::Refine if first => STEADY,
            _ => VARIED,
        };
        Decision { node, operator, temperature, max_output_tokens: self.config.max_output_tokens }
    }

    /// Nothing more is tried: lets the leading programs be compared, or ends the search.
    fn conclude(&mut self, tree: &Tree) {
        self.concluding = true;
        let affordable = self.calls + COMPARISON_CALLS <= self.config.calls;
        match self.evidence.rivals(tree).filter(|_| affordable) {
            Some((one, other)) => self.planned.push(self.question(one, Operator::Compare { other })),
            None if self.evidence.is_accepted() => self.stopped = Some(StopReason::Accepted),
            None => self.stopped = Some(StopReason::Exhausted),
        }
    }

    /// A question about a program, which has one answer.
    const fn question(&self, program: NodeId, operator: Operator) -> Decision {
        Decision {
            node: program,
            operator,
            temperature: 0.0,
            max_output_tokens: self.config.max_output_tokens,
        }
    }

    /// Whether nothing is likely to do better than the best program.
    fn hopeless(&self, dice: &mut Dice) -> bool {
        self.asked > 0 && self.grove.hopeless(self.evidence.best_worth(), self.config.stop_below, dice)
    }

    fn take_nodes(&mut self, tree: &mut Tree, trial: &Trial, nodes: &[NodeId]) {
        for node in nodes {
            self.grove.add(tree, *node);
            self.evidence.add(tree, *node);
        }
        if nodes.is_empty() && trial.operator.generations() > 0 {
            self.grove.failed(trial.node, &trial.operator);
        }
        if self.grove.is_worse(trial.node) {
            record(tree, Change::Reverted { node: trial.node });
        }
    }
}

impl SearchPolicy for Adaptive {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let mut decisions = Vec::new();
        while decisions.len() < slots
            && let Some(mut decision) = self.planned.pop()
        {
            if let Operator::Resample { count, drawn, .. } = &mut decision.operator {
                *drawn = self.config.distinct.then_some(self.direct);
                self.direct += *count;
            }
            self.asked += decision.operator.generations() as usize;
            self.in_flight += 1;
            decisions.push(decision);
        }
        decisions
    }

    fn charge(&mut self, trial: &Trial, cost: &Cost) {
        self.calls += usize::try_from(cost.calls).unwrap_or(usize::MAX);
        self.grove.charge(trial, cost);
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.seed = trial.seed;
        let nodes = grow(tree, trial, result);
        note(tree, trial, result);
        match (&trial.operator, result) {
            (Operator::Verify { .. }, _) => {
                let accepted = result.verdict();
                if let Some(accepted) = accepted {
                    let verdict = if accepted { 1.0 } else { 0.0 };
                    evaluate(tree, trial.node, Evaluator::VerifyGeneral, verdict);
                }
                self.evidence.judge(tree, trial.node, accepted);
                self.grove.judge(trial.node, accepted);
            }
            (Operator::Probe { programs, .. }, _) => {
                let inputs = if let TrialResult::Probed { inputs, .. } = result { *inputs } else { 0 };
                self.evidence.probe(tree, programs, inputs);
            }
            (Operator::WriteInputs { .. }, _) => self.evidence.take_inputs(nodes.first().copied()),
            (Operator::GenerateTests { .. }, _) => self.evidence.take_tests(nodes.first().copied()),
            (Operator::RunTests { .. }, _) => self.evidence.tested(tree, trial.node),
            (Operator::Rethink { .. }, TrialResult::Replaced) => {
                record(tree, Change::Rethought { node: trial.node });
                self.grove.rethought(trial.node);
            }
            _ => self.take_nodes(tree, trial, &nodes),
        }
        if self.planned.is_empty() && self.in_flight == 0 {
            self.plan(tree);
        }
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        self.stopped
    }
}

//! ANPL: a sketch with holes is filled hole by hole, run as a whole, and mended at the one hole that is to blame.
//!
//! Source: Huang et al. 2023, *ANPL: Towards Natural Programming with Interactive Decomposition*, section 3, with the
//! published code's tries and temperatures. There a person reads what went in and out of every hole and decides which
//! one to write anew; here the policy does, so that a sketch can be filled without anybody. Where it differs, on purpose:
//!
//! - a hole whose tries are used up keeps the best it got, where the original fails as a whole: the program is there
//!   and the pool knows what it is worth;
//! - a hole is blamed from what went in and out of all holes in a failing run, by the model; if it blames none, the
//!   holes come in turn;
//! - a hole that is written anew must still give what it gave in the tests that pass;
//! - a new implementation that makes the whole worse is taken back;
//! - without a sketch of the user's, the model writes one, and another where the holes of the first are no help.
//!
//! Holes that the user's sketch has filled are part of the program and are never touched.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::{candidates, division};
use crate::policy::{Decision, Operator, Pieces, SearchPolicy, StopReason, Trial, TrialResult};
use crate::tree::{NodeId, NodeKind, Tree};
use crate::turn::one_at_a_time;

#[cfg(test)]
mod tests;

/// Settings of [`Anpl`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnplConfig {
    /// Tries to fill a hole, at least 1. Default 5, the published code's.
    #[serde(deserialize_with = "checked::count")]
    pub tries: usize,
    /// What the temperature rises by with every try, from 0; in `[0, 2]`, and never above 2. Default 0.1.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature_step: f64,
    /// Implementations drawn at once when a hole is written anew, at least 1. Default 5.
    #[serde(deserialize_with = "checked::count")]
    pub samples: usize,
    /// Temperature then, in `[0, 2]`. Default 0.5.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// How often a hole of one sketch is written anew. Default 8.
    pub rounds: usize,
    /// Sketches that the model writes at most where the user brings none, at least 1. Default 10.
    #[serde(deserialize_with = "checked::count")]
    pub sketches: usize,
    /// Holes of a sketch that the model writes, at most; at least 1. Default 8.
    #[serde(deserialize_with = "checked::count")]
    pub holes: usize,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for AnplConfig {
    fn default() -> Self {
        Self {
            tries: 5,
            temperature_step: 0.1,
            samples: 5,
            temperature: 0.5,
            rounds: 8,
            sketches: 10,
            holes: 8,
            max_output_tokens: 2048,
        }
    }
}

/// Who writes the sketch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SketchBy {
    /// The user: there is one sketch, and all of its holes are filled however many they are.
    User,
    /// The model.
    Model,
}

/// The ANPL policy. Every step needs the result of the one before, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct Anpl {
    config: AnplConfig,
    by: SketchBy,
    step: Step,
    waiting: bool,
    /// The sketch itself: the entry point as it calls the holes.
    sketch: Option<NodeId>,
    holes: Vec<Hole>,
    sketches: usize,
    rounds: usize,
    /// The best whole of this sketch.
    best: Option<Whole>,
}

/// A hole and what fills it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Hole {
    stub: NodeId,
    filled: Option<NodeId>,
}

/// A whole program, and what filled the holes of its sketch.
#[derive(Debug, Clone, PartialEq)]
struct Whole {
    program: NodeId,
    passed: u32,
    holes: Vec<Hole>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Sketch,
    Fill { hole: usize, attempt: usize },
    Join,
    Blame { program: NodeId },
    Mend { hole: usize, program: NodeId },
    Stop(StopReason),
}

impl Anpl {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: AnplConfig, by: SketchBy) -> Self {
        Self {
            config,
            by,
            step: Step::Sketch,
            waiting: false,
            sketch: None,
            holes: Vec::new(),
            sketches: 0,
            rounds: 0,
            best: None,
        }
    }

    fn decide(&self) -> Option<Decision> {
        let config = &self.config;
        let (node, operator, temperature) = match &self.step {
            Step::Sketch => {
                let operator = Operator::Decompose { helpers: self.holes_max(), known: Vec::new() };
                let temperature = config.temperature_step * self.sketches as f64;
                (NodeId::ROOT, operator, temperature.min(2.0))
            }
            Step::Fill { hole, attempt } => {
                let pieces = Pieces { parts: self.parts(Some(*hole)), ..Pieces::default() };
                let temperature = config.temperature_step * *attempt as f64;
                (self.holes.get(*hole)?.stub, Operator::Compose { count: 1, pieces }, temperature.min(2.0))
            }
            Step::Join => {
                let pieces = Pieces { draft: self.sketch, parts: self.parts(None), ..Pieces::default() };
                (NodeId::ROOT, Operator::Compose { count: 0, pieces }, 0.0)
            }
            Step::Blame { program } => {
                let holes = self.holes.iter().map(|hole| hole.stub).collect();
                (*program, Operator::BlameHole { holes }, 0.0)
            }
            Step::Mend { hole, program } => {
                let (parts, after) = (self.parts(Some(*hole)), Some(*program));
                let pieces = Pieces { parts, after, ..Pieces::default() };
                let operator = Operator::Compose { count: config.samples.max(1), pieces };
                (self.holes.get(*hole)?.stub, operator, config.temperature)
            }
            Step::Stop(_) => return None,
        };
        Some(Decision { node, operator, temperature, max_output_tokens: config.max_output_tokens })
    }

    const fn holes_max(&self) -> usize {
        match self.by {
            SketchBy::User => usize::MAX - 1,
            SketchBy::Model => self.config.holes,
        }
    }

    /// What fills the holes, the one under way left out.
    fn parts(&self, but: Option<usize>) -> Vec<NodeId> {
        let others = self.holes.iter().enumerate().filter(|(index, _)| Some(*index) != but);
        others.filter_map(|(_, hole)| hole.filled).collect()
    }

    fn sketched(&mut self, nodes: &[NodeId]) {
        self.sketches += 1;
        self.rounds = 0;
        self.best = None;
        let Some((sketch, stubs)) = nodes.split_first() else {
            self.step = self.next_sketch();
            return;
        };
        self.sketch = Some(*sketch);
        self.holes = stubs.iter().map(|stub| Hole { stub: *stub, filled: None }).collect();
        self.step = if stubs.is_empty() { Step::Join } else { Step::Fill { hole: 0, attempt: 0 } };
    }

    fn next_sketch(&self) -> Step {
        if self.by == SketchBy::Model && self.sketches < self.config.sketches {
            Step::Sketch
        } else {
            Step::Stop(StopReason::Exhausted)
        }
    }

    /// Takes one try at a hole: the first that its tests do not speak against fills it, else the first of all.
    fn filled(&mut self, hole: usize, attempt: usize, made: Option<(NodeId, bool)>) {
        let fits = made.is_some_and(|(_, fits)| fits);
        if let (Some((node, _)), Some(hole)) = (made, self.holes.get_mut(hole))
            && (fits || hole.filled.is_none())
        {
            hole.filled = Some(node);
        }
        self.step = if !fits && attempt + 1 < self.config.tries.max(1) {
            Step::Fill { hole, attempt: attempt + 1 }
        } else if hole + 1 < self.holes.len() {
            Step::Fill { hole: hole + 1, attempt: 0 }
        } else {
            Step::Join
        };
    }

    /// Takes the program as a whole. A worse one than the best of this sketch is taken back.
    fn joined(&mut self, tree: &Tree, made: Option<NodeId>) {
        let attempt = made.and_then(|program| Some((program, tree.attempt(program)?)));
        self.step = match attempt {
            Some((_, attempt)) if attempt.outcome() == Outcome::Passed => Step::Stop(StopReason::Accepted),
            Some((_, attempt)) if attempt.outcome() == Outcome::Untested => Step::Stop(StopReason::Exhausted),
            Some((program, attempt)) => {
                if self.best.as_ref().is_none_or(|best| attempt.passed >= best.passed) {
                    let holes = self.holes.clone();
                    self.best = Some(Whole { program, passed: attempt.passed, holes });
                }
                self.mend()
            }
            None => self.mend(),
        };
    }

    /// Goes on from the best whole.
    fn mend(&mut self) -> Step {
        let Some(best) = self.best.clone() else { return self.next_sketch() };
        self.holes = best.holes;
        if self.holes.is_empty() || self.rounds >= self.config.rounds {
            return self.next_sketch();
        }
        Step::Blame { program: best.program }
    }

    fn blamed(&mut self, program: NodeId, result: &TrialResult) {
        let named = match result {
            TrialResult::HoleBlamed { hole } => hole.filter(|hole| *hole < self.holes.len()),
            _ => None,
        };
        let hole = named.unwrap_or(self.rounds % self.holes.len().max(1));
        self.rounds += 1;
        self.step = Step::Mend { hole, program };
    }

    fn mended(&mut self, hole: usize, made: &[(NodeId, bool)]) {
        let fitting = made.iter().find(|(_, fits)| *fits).map(|(node, _)| *node);
        self.step = match (fitting, self.holes.get_mut(hole)) {
            (Some(node), Some(hole)) => {
                hole.filled = Some(node);
                Step::Join
            }
            _ => self.mend(),
        };
    }

    fn composed(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        let kind = if trial.node == NodeId::ROOT { NodeKind::Solution } else { NodeKind::Module };
        let (nodes, behaviours) = candidates(tree, trial, result, kind);
        let made: Vec<(NodeId, bool)> =
            nodes.iter().copied().zip(behaviours.iter().map(|behaviour| !behaviour.fails)).collect();
        match self.step {
            Step::Fill { hole, attempt } => self.filled(hole, attempt, made.first().copied()),
            Step::Mend { hole, .. } => self.mended(hole, &made),
            _ => self.joined(tree, nodes.first().copied()),
        }
        nodes
    }
}

impl SearchPolicy for Anpl {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        match (&trial.operator, &self.step) {
            (Operator::Compose { .. }, _) => self.composed(tree, trial, result),
            (_, Step::Blame { program }) => {
                self.blamed(*program, result);
                Vec::new()
            }
            _ => {
                let nodes = division(tree, trial, result, self.holes_max());
                self.sketched(&nodes);
                nodes
            }
        }
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}

//! AlphaCodium: a fixed flow from reflection on the problem to a program that is mended test by test, where tests that
//! once passed hold it like anchors.
//!
//! Source: Ridnik, Kredo, Friedman 2024, *Code Generation with AlphaCodium: From Prompt Engineering to Flow Engineering*,
//! section 3, and the published code. Where it differs, on purpose:
//!
//! - a fix that breaks an anchor is undone alone; the published code goes back to the program before the first fix of
//!   this test;
//! - visible tests that still fail come once more after those that the model wrote, as published, but within the same
//!   number of fixes, so that the most that is spent is fixed;
//! - answers are JSON, lists and code blocks instead of YAML, and there is no frequency penalty, which not all servers
//!   know;
//! - the best program of all is submitted, which the last one need not be.
//!
//! A failed test is shown whether it can be trusted or not, as published: that a fix may not break an anchor is what
//! guards against wrong ones.

use serde::{Deserialize, Serialize};

use crate::attempt::Outcome;
use crate::checked;
use crate::grow::grow;
use crate::policy::{Decision, Operator, SearchPolicy, Shown, StopReason, Trial, TrialResult};
use crate::suite::TestId;
use crate::tree::{NodeId, Tree};
use crate::turn::one_at_a_time;

mod mend;
#[cfg(test)]
mod tests;

use mend::Mending;

/// Settings of [`AlphaCodium`]. The defaults are the published code's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlphaCodiumConfig {
    /// Possible solutions asked for, at least 1. Default 3.
    #[serde(deserialize_with = "checked::count")]
    pub solutions: usize,
    /// Tests that the model is asked to write, at least 1. Default 6.
    #[serde(deserialize_with = "checked::count")]
    pub tests: usize,
    /// First programs at most, until one passes the visible tests; at least 1. Default 8. The first two follow the
    /// chosen solution, the others all solutions in turn.
    #[serde(deserialize_with = "checked::count")]
    pub first_programs: usize,
    /// Fixes for visible tests at most, at least 1. Default 4.
    #[serde(deserialize_with = "checked::count")]
    pub visible_fixes: usize,
    /// Fixes for one visible test at most, at least 1. Default 3, and one more where there is only one test.
    #[serde(deserialize_with = "checked::count")]
    pub fixes_per_test: usize,
    /// Fixes for tests that the model wrote at most, one per test; at least 1. Default 4.
    #[serde(deserialize_with = "checked::count")]
    pub generated_fixes: usize,
    /// Sampling temperature, in `[0, 2]`. Default 0.2.
    #[serde(deserialize_with = "checked::temperature")]
    pub temperature: f64,
    /// Longest answer in tokens. Default 2048.
    #[serde(deserialize_with = "checked::tokens")]
    pub max_output_tokens: u32,
}

impl Default for AlphaCodiumConfig {
    fn default() -> Self {
        Self {
            solutions: 3,
            tests: 6,
            first_programs: 8,
            visible_fixes: 4,
            fixes_per_test: 3,
            generated_fixes: 4,
            temperature: 0.2,
            max_output_tokens: 2048,
        }
    }
}

/// The AlphaCodium policy. Every step needs the result of the one before, so one trial is in flight at a time.
#[derive(Debug, Clone)]
pub struct AlphaCodium {
    config: AlphaCodiumConfig,
    step: Step,
    waiting: bool,
    /// The reflection on the problem; the root where there is none.
    analysis: NodeId,
    solutions: Vec<NodeId>,
    chosen: Option<NodeId>,
    suite: Option<NodeId>,
    first_programs: usize,
    /// The first program that came nearest so far.
    nearest: Option<NodeId>,
    mending: Option<Mending>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Analyse,
    Solutions,
    Choose,
    Tests,
    Implement,
    /// How far the first program `program` is from passing the visible tests.
    Measure {
        program: NodeId,
    },
    /// What `program` comes to on all tests, before it is mended.
    Examine {
        program: NodeId,
    },
    /// Has the feedback on `program` speak of one test and the anchors.
    Show {
        program: NodeId,
        test: TestId,
    },
    Fix {
        program: NodeId,
        test: TestId,
    },
    /// What a fix comes to on all tests.
    Check {
        fix: NodeId,
        test: TestId,
    },
    Stop(StopReason),
}

impl AlphaCodium {
    /// A policy that has asked for nothing yet.
    #[must_use]
    pub const fn new(config: AlphaCodiumConfig) -> Self {
        Self {
            config,
            step: Step::Analyse,
            waiting: false,
            analysis: NodeId::ROOT,
            solutions: Vec::new(),
            chosen: None,
            suite: None,
            first_programs: 0,
            nearest: None,
            mending: None,
        }
    }

    fn decide(&self) -> Option<Decision> {
        let count = self.config.solutions.max(1);
        let tests = self.config.tests.max(1);
        let (node, operator) = match self.step {
            Step::Analyse => (NodeId::ROOT, Operator::Analyse),
            Step::Solutions => (self.analysis, Operator::ProposeSolutions { count }),
            Step::Choose => (self.analysis, Operator::ChooseSolution { among: self.solutions.clone() }),
            Step::Tests => (self.analysis, Operator::GenerateTests { tests, suites: 1 }),
            Step::Implement => (self.followed(), Operator::Implement),
            Step::Measure { program } => (program, run(vec![NodeId::ROOT], Shown::Unchanged)),
            Step::Examine { program: node } | Step::Check { fix: node, .. } => {
                (node, run(self.all_suites(), Shown::Unchanged))
            }
            Step::Show { program, test } => (program, run(self.all_suites(), self.shown(test))),
            Step::Fix { program, .. } => (program, Operator::Refine { reflection: None, count: 1 }),
            Step::Stop(_) => return None,
        };
        let (temperature, max_output_tokens) = (self.config.temperature, self.config.max_output_tokens);
        Some(Decision { node, operator, temperature, max_output_tokens })
    }

    /// The solution that the next first program follows.
    fn followed(&self) -> NodeId {
        let turn = self.first_programs.checked_rem(self.solutions.len()).unwrap_or(0);
        let in_turn = self.solutions.get(turn).copied();
        let chosen = self.chosen.or_else(|| self.solutions.first().copied());
        let followed = if self.first_programs < 2 { chosen } else { in_turn };
        followed.unwrap_or(self.analysis)
    }

    fn all_suites(&self) -> Vec<NodeId> {
        std::iter::once(NodeId::ROOT).chain(self.suite).collect()
    }

    /// One failed test, and the anchors, which must stay as they are.
    fn shown(&self, test: TestId) -> Shown {
        let anchors = self.mending.iter().flat_map(|mending| mending.anchors.iter().copied());
        Shown::Only(std::iter::once(test).chain(anchors).collect())
    }

    fn next(&mut self, tree: &Tree, made: Option<NodeId>) -> Step {
        match self.step {
            Step::Analyse => {
                self.analysis = made.unwrap_or(NodeId::ROOT);
                Step::Solutions
            }
            Step::Solutions if self.solutions.len() > 1 => Step::Choose,
            Step::Solutions => Step::Tests,
            Step::Choose => {
                self.chosen = made;
                Step::Tests
            }
            Step::Tests => {
                self.suite = made;
                Step::Implement
            }
            Step::Implement => {
                self.first_programs += 1;
                match made.filter(|program| tree.attempt(*program).is_some()) {
                    Some(program) => Step::Measure { program },
                    None => self.next_first(),
                }
            }
            Step::Measure { program } => self.measured(tree, program),
            Step::Examine { program } => self.begin_mending(tree, program),
            Step::Show { program, test } => Step::Fix { program, test },
            Step::Fix { test, .. } => match made.filter(|fix| tree.attempt(*fix).is_some()) {
                Some(fix) => Step::Check { fix, test },
                None => self.fixed(tree, None, test),
            },
            Step::Check { fix, test } => self.fixed(tree, Some(fix), test),
            stop @ Step::Stop(_) => stop,
        }
    }

    fn measured(&mut self, tree: &Tree, program: NodeId) -> Step {
        let distance = |node: NodeId| {
            let run = tree.node(node).and_then(|node| node.run(NodeId::ROOT));
            run.and_then(crate::SuiteRun::distance).unwrap_or(f64::INFINITY)
        };
        let passed = |node: NodeId| tree.attempt(node).map_or((false, 0), |it| (it.parses, it.passed));
        let nearer = self.nearest.is_none_or(|nearest| {
            let closer = distance(program).total_cmp(&distance(nearest));
            closer.then_with(|| passed(nearest).cmp(&passed(program))).is_lt()
        });
        if nearer {
            self.nearest = Some(program);
        }
        match tree.attempt(program).map(crate::Attempt::outcome) {
            Some(Outcome::Failed) | None => self.next_first(),
            Some(Outcome::Passed | Outcome::Untested) => Step::Examine { program },
        }
    }

    /// Another first program, or the nearest of them where there were enough.
    const fn next_first(&self) -> Step {
        match self.nearest {
            _ if self.first_programs < self.config.first_programs => Step::Implement,
            Some(program) => Step::Examine { program },
            None => Step::Stop(StopReason::Exhausted),
        }
    }

    fn begin_mending(&mut self, tree: &Tree, program: NodeId) -> Step {
        let mut mending = Mending::new(&self.config, tree, program, self.suite);
        let step = step_of(&mut mending, tree);
        self.mending = Some(mending);
        step
    }

    fn fixed(&mut self, tree: &Tree, fix: Option<NodeId>, test: TestId) -> Step {
        let Some(mending) = &mut self.mending else { return Step::Stop(StopReason::Exhausted) };
        mending.take_fix(tree, fix, test);
        step_of(mending, tree)
    }
}

fn step_of(mending: &mut Mending, tree: &Tree) -> Step {
    match mending.next_failure(tree) {
        Some(test) => Step::Show { program: mending.program, test },
        None if mending.is_done(tree) => Step::Stop(StopReason::Accepted),
        None => Step::Stop(StopReason::Exhausted),
    }
}

const fn run(suites: Vec<NodeId>, shown: Shown) -> Operator {
    Operator::RunTests { suites, shown }
}

impl SearchPolicy for AlphaCodium {
    fn ask(&mut self, _tree: &Tree, slots: usize) -> Vec<Decision> {
        let decision = self.decide();
        one_at_a_time(&mut self.waiting, slots, decision)
    }

    fn tell(&mut self, tree: &mut Tree, trial: &Trial, result: &TrialResult) -> Vec<NodeId> {
        self.waiting = false;
        let nodes = grow(tree, trial, result);
        if self.step == Step::Solutions {
            self.solutions.clone_from(&nodes);
        }
        self.step = self.next(tree, nodes.first().copied());
        nodes
    }

    fn stop_reason(&self, _tree: &Tree) -> Option<StopReason> {
        if let Step::Stop(reason) = self.step { Some(reason) } else { None }
    }
}

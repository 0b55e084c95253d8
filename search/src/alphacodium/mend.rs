//! The second half of the flow: a program is mended for one failed test after the other, and no fix may break a test
//! that passed before.

use super::AlphaCodiumConfig;
use crate::attempt::Outcome;
use crate::suite::TestId;
use crate::tree::{NodeId, Tree};

/// A program that is being mended.
#[derive(Debug, Clone)]
pub(super) struct Mending {
    /// The program in its present state.
    pub(super) program: NodeId,
    /// Tests that passed when it was their turn.
    pub(super) anchors: Vec<TestId>,
    /// All tests in their order; the visible ones come twice, the second time for those that still failed.
    tests: Vec<TestId>,
    /// The test whose turn it is.
    turn: usize,
    /// Where the tests that the model wrote begin.
    generated_from: usize,
    /// Fixes of the test whose turn it is.
    fixes_here: usize,
    fixes_left: Fixes,
    per_visible_test: usize,
}

/// Fixes that are left.
#[derive(Debug, Clone, Copy)]
struct Fixes {
    visible: usize,
    generated: usize,
}

impl Mending {
    pub(super) fn new(
        config: &AlphaCodiumConfig,
        tree: &Tree,
        program: NodeId,
        suite: Option<NodeId>,
    ) -> Self {
        let visible = tests_of(tree, program, NodeId::ROOT);
        let generated = suite.map(|suite| tests_of(tree, program, suite)).unwrap_or_default();
        let lone = usize::from(visible.len() == 1);
        Self {
            program,
            anchors: Vec::new(),
            generated_from: visible.len(),
            tests: [visible.clone(), generated, visible].concat(),
            turn: 0,
            fixes_here: 0,
            fixes_left: Fixes {
                visible: config.visible_fixes.max(1),
                generated: config.generated_fixes.max(1),
            },
            per_visible_test: config.fixes_per_test.max(1) + lone,
        }
    }

    /// The next test that fails and may be fixed. Those that pass on the way become anchors, those that have had their
    /// fixes are left as they are.
    pub(super) fn next_failure(&mut self, tree: &Tree) -> Option<TestId> {
        while let Some(test) = self.tests.get(self.turn).copied() {
            if passes(tree, self.program, test) {
                if !self.anchors.contains(&test) {
                    self.anchors.push(test);
                }
            } else if self.may_fix() {
                return Some(test);
            }
            self.turn += 1;
            self.fixes_here = 0;
        }
        None
    }

    /// Takes a fix for `test`, or the lack of one. It stays if no anchor breaks; in the first part even where the test
    /// still fails, for it may be a step, and afterwards only if the test passes.
    pub(super) fn take_fix(&mut self, tree: &Tree, fix: Option<NodeId>, test: TestId) {
        self.fixes_here += 1;
        let visible_part = self.is_visible_part();
        let left = if visible_part { &mut self.fixes_left.visible } else { &mut self.fixes_left.generated };
        *left = left.saturating_sub(1);
        let Some(fix) = fix else { return };
        let holds = self.anchors.iter().all(|anchor| passes(tree, fix, *anchor));
        let parses = tree.attempt(fix).is_some_and(|attempt| attempt.parses);
        if holds && parses && (visible_part || passes(tree, fix, test)) {
            self.program = fix;
        }
    }

    /// Whether the program passes every test, and there was one.
    pub(super) fn is_done(&self, tree: &Tree) -> bool {
        let stands = tree.attempt(self.program).is_some_and(|it| it.outcome() != Outcome::Failed);
        stands && !self.tests.is_empty() && self.tests.iter().all(|test| passes(tree, self.program, *test))
    }

    const fn may_fix(&self) -> bool {
        if self.is_visible_part() {
            self.fixes_left.visible > 0 && self.fixes_here < self.per_visible_test
        } else {
            self.fixes_left.generated > 0 && self.fixes_here == 0
        }
    }

    const fn is_visible_part(&self) -> bool {
        self.turn < self.generated_from
    }
}

fn tests_of(tree: &Tree, program: NodeId, suite: NodeId) -> Vec<TestId> {
    let run = tree.node(program).and_then(|node| node.run(suite));
    let total = run.map_or(0, crate::SuiteRun::total);
    (0..total).map(|index| TestId { suite, index }).collect()
}

fn passes(tree: &Tree, program: NodeId, test: TestId) -> bool {
    let run = tree.node(program).and_then(|node| node.run(test.suite));
    run.is_some_and(|run| usize::try_from(test.index).is_ok_and(|index| run.passes(index)))
}

//! What a run said, as text for the next question: failed tests first, under limits, cut only between tests.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::fence::{cut_middle, fenced, one_line};
use crate::scrub::scrub;
use crate::trace::BlockVerdict;

/// Characters of one token, roughly, for code and English.
const CHARS_PER_TOKEN: usize = 4;

/// What stands above the failed tests that a model wrote.
const DOUBTFUL: &str = "These tests were written by a model from the statement. What they expect may be wrong; where it contradicts the statement, follow the statement.";

/// Everything that is known of a program's visible runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Failed tests, in the problem's order.
    pub failed: Vec<FailedTest>,
    /// Passed tests, as a user would write them.
    pub passed: Vec<String>,
    /// Failed tests that a model wrote, in their order. They may be wrong themselves.
    pub failed_generated: Vec<FailedTest>,
    /// Passed tests that a model wrote.
    pub passed_generated: Vec<String>,
    /// A model's judgement of the executed blocks of one failing test.
    pub blocks: Vec<BlockVerdict>,
    /// Remarks of critics and verifiers.
    pub notes: Vec<Note>,
}

/// One failed test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedTest {
    /// The test as a user would write it: the call, the assertion, or the input.
    pub test: String,
    /// What was expected, as source text; empty where the test itself says it.
    pub expected: String,
    /// What happened: the value or output that came, or the error's class and message.
    pub actual: String,
    /// How it failed.
    pub kind: FailureKind,
    /// Number (from 1) and text of the offending source line, where known.
    pub line: Option<(u32, String)>,
}

/// How a test failed, the most informative first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// A wrong value, output or assertion.
    WrongAnswer,
    /// Out of time.
    Timeout,
    /// An exception, a syntax error, a refused action, or a limit other than time.
    Crash,
}

/// A remark on a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Who says so: `critic`, `verifier`.
    pub author: String,
    /// The remark.
    pub text: String,
}

/// How much feedback a question may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FeedbackLimits {
    /// Most failed tests shown.
    pub max_failed_tests: usize,
    /// Longest value (test, expected, actual, source line), in characters; its middle is cut out.
    pub max_value_chars: usize,
    /// Longest text, in tokens of about 4 characters; cut between tests, never inside one.
    pub max_feedback_tokens: usize,
}

impl Default for FeedbackLimits {
    fn default() -> Self {
        Self { max_failed_tests: 6, max_value_chars: 400, max_feedback_tokens: 2048 }
    }
}

/// Rendered feedback: every foreign text in it stands in a fence that it cannot close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct FeedbackText(String);

impl FeedbackText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Feedback {
    /// The feedback as text within `limits`. Equal feedback gives equal text on every machine.
    #[must_use]
    pub fn render(&self, limits: &FeedbackLimits) -> FeedbackText {
        let mut page = Page::new(limits);
        page.text = self.headline();
        write_failed(&mut page, &self.failed, None, limits);
        write_failed(&mut page, &self.failed_generated, Some(DOUBTFUL), limits);
        self.write_blocks(&mut page, limits);
        self.write_notes(&mut page, limits);
        self.write_passed(&mut page, limits);
        FeedbackText(page.text.trim_end().to_owned())
    }

    fn headline(&self) -> String {
        let sum = |passed: usize, failed: usize, what: &str| match (passed, failed) {
            (0, 0) => None,
            (passed, 0) => Some(format!("All {passed} {what} passed.\n")),
            (passed, failed) => Some(format!("{passed} of {} {what} passed.\n", passed + failed)),
        };
        let visible = sum(self.passed.len(), self.failed.len(), "visible tests");
        let generated =
            sum(self.passed_generated.len(), self.failed_generated.len(), "tests that a model wrote");
        let lines: String = visible.into_iter().chain(generated).collect();
        if lines.is_empty() { "No test was run.\n".to_owned() } else { lines }
    }

    fn write_blocks(&self, page: &mut Page, limits: &FeedbackLimits) {
        let lines: Vec<String> = self
            .blocks
            .iter()
            .map(|block| {
                let verdict = if block.correct { "correct" } else { "wrong" };
                let why = one_line(&cut_middle(&block.explanation, limits.max_value_chars));
                format!("- {} ({verdict}): {why}\n", one_line(&cut_middle(&block.block, 40)))
            })
            .collect();
        page.add(
            Some("Block by block, for the first failed test that could be traced:"),
            &lines,
            lines.len(),
            "more blocks",
        );
    }

    fn write_notes(&self, page: &mut Page, limits: &FeedbackLimits) {
        let notes: Vec<String> = self
            .notes
            .iter()
            .map(|note| {
                let text = cut_middle(note.text.trim(), limits.max_value_chars.saturating_mul(4));
                format!("From the {}:\n{}\n", one_line(&note.author), fenced(&text, "text"))
            })
            .collect();
        page.add(Some("Additional review."), &notes, notes.len(), "more remarks");
    }

    fn write_passed(&self, page: &mut Page, limits: &FeedbackLimits) {
        if self.failed.is_empty() && self.failed_generated.is_empty() {
            return;
        }
        let tests: Vec<String> = self
            .passed
            .iter()
            .chain(&self.passed_generated)
            .map(|test| format!("{}\n", fenced(&cut_middle(test, limits.max_value_chars), "text")))
            .collect();
        page.add(Some("Passed, and must stay so:"), &tests, tests.len(), "more passed tests");
    }
}

fn write_failed(page: &mut Page, failed: &[FailedTest], heading: Option<&str>, limits: &FeedbackLimits) {
    let mut failed: Vec<&FailedTest> = failed.iter().collect();
    failed.sort_by_key(|test| test.kind);
    let sections: Vec<String> = failed
        .iter()
        .take(limits.max_failed_tests)
        .enumerate()
        .map(|(index, test)| test.section(Some(index + 1), limits.max_value_chars))
        .collect();
    page.add(heading, &sections, failed.len(), "more failed tests");
}

impl FailedTest {
    /// The test on its own, as a section of the feedback; each value cut to `value_chars_max` characters.
    #[must_use]
    pub fn section(&self, number: Option<usize>, value_chars_max: usize) -> String {
        let value = |text: &str| fenced(&cut_middle(text.trim_end(), value_chars_max), "text");
        let actual = match self.kind {
            // The program's own value: a path in it may be the answer.
            FailureKind::WrongAnswer => self.actual.clone(),
            FailureKind::Timeout | FailureKind::Crash => scrub(&self.actual),
        };
        let number = number.map_or_else(String::new, |number| format!(" {number}"));
        let mut text = format!("Failed test{number}:\n{}\n", value(&self.test));
        if !self.expected.is_empty() {
            let _ = writeln!(text, "Expected:\n{}", value(&self.expected));
        }
        let _ = writeln!(text, "{}:\n{}", self.kind.heading(), value(&actual));
        if let Some((number, source)) = &self.line {
            let _ = writeln!(text, "At line {number}:\n{}", value(source));
        }
        text
    }
}

impl FailureKind {
    const fn heading(self) -> &'static str {
        match self {
            Self::WrongAnswer => "Actual",
            Self::Timeout => "Too slow",
            Self::Crash => "Error",
        }
    }
}

/// Text that grows by whole pieces while there is room.
struct Page {
    text: String,
    chars_left: usize,
}

impl Page {
    const fn new(limits: &FeedbackLimits) -> Self {
        Self { text: String::new(), chars_left: limits.max_feedback_tokens.saturating_mul(CHARS_PER_TOKEN) }
    }

    /// Adds pieces until one does not fit, and says how many of `total` are left out.
    fn add(&mut self, heading: Option<&str>, pieces: &[String], total: usize, what: &str) {
        if total == 0 {
            return;
        }
        let heading = heading.map_or_else(String::new, |heading| format!("{heading}\n"));
        let mut room = self.chars_left.saturating_sub(heading.chars().count() + 1);
        let mut added = String::new();
        let mut shown = 0;
        for piece in pieces {
            let length = piece.chars().count();
            if length > room {
                break;
            }
            room -= length;
            added.push_str(piece);
            shown += 1;
        }
        self.text.push('\n');
        if shown > 0 {
            self.text.push_str(&heading);
            self.text.push_str(&added);
            self.chars_left = room;
        }
        if total > shown {
            let _ = writeln!(self.text, "({} {what} left out.)", total - shown);
        }
    }
}

#[cfg(test)]
mod tests;

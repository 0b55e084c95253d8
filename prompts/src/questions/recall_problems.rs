//! Similar problems with their solutions, and the method that this problem needs.
//!
//! Source: Islam et al. 2024, *MapCoder*, section 3 ("Retrieval agent"); the wording is ours. Unlike the original, the
//! answer is read by its headings and not as XML, so that a `<` in a program does not cost the problem.

use serde::Serialize;

use crate::message::Message;
use crate::parse::AnswerError;
use crate::parse::sections::{Section, sections};
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for problems like this one, from memory.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RecallProblems<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Similar problems wanted.
    pub count: usize,
}

/// What a model recalls.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recalled {
    /// Similar problems, at least one and at most as many as were asked for.
    pub problems: Vec<SimilarProblem>,
    /// How the method works that the problem at hand needs; empty if the model does not say.
    pub tutorial: String,
}

/// A problem like the one at hand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SimilarProblem {
    /// What it asks for.
    pub problem: String,
    /// How it is solved, in steps.
    pub plan: String,
    /// A program that solves it; empty if the model gave none.
    pub code: String,
}

impl Question for RecallProblems<'_> {
    type Answer = Recalled;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("recall_problems", self)
    }

    fn parse(&self, reply: &str) -> Result<Recalled, AnswerError> {
        if reply.trim().is_empty() {
            return Err(AnswerError::Empty);
        }
        let mut recalled = Recalled::default();
        for section in sections(reply, &["problem", "plan", "code", "tutorial"]) {
            recalled.take(section);
        }
        recalled.problems.retain(|similar| !similar.problem.is_empty() && !similar.plan.is_empty());
        recalled.problems.truncate(self.count);
        if recalled.problems.is_empty() {
            Err(AnswerError::NoSection { wanted: "section `Problem` with a section `Plan` below it" })
        } else {
            Ok(recalled)
        }
    }

    fn answer_form(&self) -> String {
        format!(
            "Answer with {} times the headings `# Problem`, `## Code` and `## Plan`, each with its text below it, and `# Tutorial` at the end.",
            self.count
        )
    }
}

impl Recalled {
    /// Files a section by the word in its heading.
    fn take(&mut self, section: Section) {
        let Section { heading, text } = section;
        let says = |word: &str| heading.contains(word);
        if says("tutorial") || says("algorithm") {
            join(&mut self.tutorial, &text);
            return;
        }
        let part = match self.problems.last_mut() {
            Some(similar) if says("plan") => &mut similar.plan,
            Some(similar) if says("code") || says("solution") => &mut similar.code,
            Some(similar) if says("description") => &mut similar.problem,
            _ if says("problem") => {
                self.problems.push(SimilarProblem { problem: text, ..SimilarProblem::default() });
                return;
            }
            // A heading of the model's own inside a tutorial, or words before the first problem.
            _ if !self.tutorial.is_empty() => &mut self.tutorial,
            _ => return,
        };
        join(part, &text);
    }
}

fn join(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

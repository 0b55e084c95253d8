//! One plan of a program: functions, each of which builds on those before it.
//!
//! Source: Hu et al. 2023, *Tree-Planner*, "plan sampling", with functions for the actions of a robot; the wording is
//! ours.

use serde::Serialize;

use crate::function::Function;
use crate::message::Message;
use crate::parse::AnswerError;
use crate::question::Question;
use crate::task::Task;
use crate::template::{PromptError, render};

/// Asks for a plan.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SamplePlan<'a> {
    /// The problem.
    pub task: &'a Task,
    /// Functions at most.
    pub steps: usize,
}

impl Question for SamplePlan<'_> {
    /// At least one and at most `steps` functions, of the name of an earlier one only the first.
    type Answer = Vec<Function>;

    fn messages(&self) -> Result<Vec<Message>, PromptError> {
        render("sample_plan", self)
    }

    fn parse(&self, reply: &str) -> Result<Vec<Function>, AnswerError> {
        if reply.trim().is_empty() {
            return Err(AnswerError::Empty);
        }
        let mut steps: Vec<Function> = Vec::new();
        for step in reply.lines().filter_map(step) {
            if steps.len() < self.steps && steps.iter().all(|other| other.name != step.name) {
                steps.push(step);
            }
        }
        if steps.is_empty() { Err(AnswerError::NoItems) } else { Ok(steps) }
    }

    fn answer_form(&self) -> String {
        "Answer with a numbered list; every item is one line: `def name(parameters) -> type: what it does`."
            .to_owned()
    }
}

/// The function that a line names: `1. def f(x: int) -> int: doubles x`, whatever marks stand around it. Lines that are
/// indented below a definition are its code and name none.
fn step(line: &str) -> Option<Function> {
    let start = line.find("def ")?;
    let before = line.get(..start)?;
    if before.contains(char::is_alphabetic) || line.starts_with("  ") {
        return None;
    }
    let line = line.get(start..)?;
    let open = line.find('(')?;
    let name = line.get("def ".len()..open)?.trim();
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let close = open + closing(line.get(open..)?)?;
    let rest = line.get(close + 1..)?;
    let (returns, doc) = rest.split_once(':').unwrap_or((rest, ""));
    let returns = returns.trim_matches([' ', '`', '*']);
    let arrow = returns.starts_with("->") && returns.len() > 2;
    let signature = format!(
        "{}{}{}",
        line.get(..=close)?,
        if arrow { " " } else { "" },
        if arrow { returns } else { "" }
    );
    let doc = doc.trim_matches([' ', '`', '*', '"', '#', '.']).to_owned();
    is_name.then(|| Function { name: name.to_owned(), signature, doc })
}

fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })
}

//! Our questions as turns of the embedded model (`models/embedded/training/dialogues.py` is the other side).

use std::fmt::Write as _;

use codeagent_prompts::{Message, Role, fenced};
use serde_json::json;

use super::names::Names;
use super::stub::stub;
use super::transcript::{Block, blocks};
use crate::local::chat::Prompt;

/// Failed tests that a repair turn tells.
const FAILED_MAX: usize = 4;
/// What every answer begins with: the plan, as a comment.
const PLAN: &str = "#";

/// What a question wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// A program, after a plan if one is given.
    Program,
    /// A list of rated thoughts.
    Thoughts,
    /// A plan, or one thought.
    Line,
}

/// The turn that says a question; `None` for a question the model can't answer.
pub(super) fn read(messages: &[Message]) -> Option<Prompt> {
    let system = messages.iter().find(|message| message.role == Role::System)?;
    let wanted = wanted(&system.content)?;
    let question = messages.iter().find(|message| message.role == Role::User)?;
    let stub = stub(&question.content)?;
    let names = Names::of(&stub);
    let mut text = format!("<|start|>{}<|answer|>", names.exchanged(&stub));
    if let Some((program, failed)) = attempt(messages) {
        let (program, failed) = (names.exchanged(&program), names.exchanged(&failed));
        let _ = write!(text, "{program}\n<|end|><|feedback|>{failed}<|answer|>");
    }
    text.push_str(PLAN);
    let plan = plan(&question.content).filter(|_| wanted == Wanted::Program);
    if let Some(plan) = &plan {
        let _ = writeln!(text, " {plan}");
    }
    let lead = plan.map_or_else(|| PLAN.to_owned(), |plan| format!("{PLAN} {plan}\n"));
    let stop = if wanted == Wanted::Program { Vec::new() } else { vec!["\n".to_owned()] };
    let reply = Box::new(move |answer: &str| reply(wanted, &lead, &names.restored(answer)));
    Some(Prompt { text, stop, reply })
}

fn wanted(system: &str) -> Option<Wanted> {
    if system.contains("nswer is one complete ```python code block") {
        return Some(Wanted::Program);
    }
    if system.starts_with("You are a strategist") {
        return Some(if system.contains("JSON list") { Wanted::Thoughts } else { Wanted::Line });
    }
    system.starts_with("You are a planner").then_some(Wanted::Line)
}

fn reply(wanted: Wanted, lead: &str, answer: &str) -> String {
    match wanted {
        Wanted::Program => fenced(&format!("{lead}{answer}"), "python"),
        Wanted::Line => answer.trim().to_owned(),
        Wanted::Thoughts => json!([{ "thought": answer.trim(), "reasonableness": 1.0 }]).to_string(),
    }
}

/// The plan that a program is to follow: the last thought of a chain, or a plan in a block.
fn plan(question: &str) -> Option<String> {
    if let Some((_, rest)) = question.split_once("\n# Thoughts\n") {
        let thought = rest.lines().rfind(|line| line.starts_with(|first: char| first.is_ascii_digit()))?;
        return thought.split_once(". ").map(|(_, thought)| thought.trim().to_owned());
    }
    let (_, rest) = question.split_once("\n# The plan\n")?;
    let plan = blocks(rest).into_iter().next()?.text;
    (!plan.trim().is_empty()).then(|| plan.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// The last program of a conversation that failed, and what its tests said.
fn attempt(messages: &[Message]) -> Option<(String, String)> {
    let mut program = None;
    let mut failed: Vec<Failed> = Vec::new();
    for block in messages.iter().flat_map(|message| blocks(&message.content)) {
        if block.language == "python" {
            (program, failed) = (Some(block.text), Vec::new());
        } else if block.label.starts_with("Failed test") {
            failed.push(Failed { test: block.text, ..Failed::default() });
        } else if let Some(last) = failed.last_mut() {
            last.take(block);
        }
    }
    let program = program.filter(|_| !failed.is_empty())?;
    Some((program, said(&failed)))
}

/// One failed test of a rendered feedback.
#[derive(Debug, Default)]
struct Failed {
    test: String,
    expected: String,
    actual: String,
    error: String,
    slow: bool,
}

impl Failed {
    fn take(&mut self, block: Block<'_>) {
        match block.label {
            "Expected:" => self.expected = block.text,
            "Actual:" => self.actual = block.text,
            "Error:" => self.error = block.text,
            "Too slow:" => self.slow = true,
            _ => {}
        }
    }

    /// The test in a line, as in training.
    fn line(&self) -> String {
        // A call stands on one line and ends with its parenthesis; anything else was read from standard input.
        let is_call = !self.test.contains('\n') && self.test.ends_with(')') && self.test.contains('(');
        let value = |text: &str| if is_call { text.to_owned() } else { python_text(text) };
        let test = if is_call { self.test.clone() } else { format!("input {}", python_text(&self.test)) };
        let expected = value(&self.expected);
        if self.slow {
            format!("{test} took too long, expected {expected}\n")
        } else if self.error.is_empty() {
            let verb = if is_call { "returned" } else { "printed" };
            format!("{test} {verb} {}, expected {expected}\n", value(&self.actual))
        } else {
            format!(
                "{test} raised {}, expected {expected}\n",
                self.error.lines().next_back().unwrap_or_default()
            )
        }
    }

    /// An error that kept the whole program from starting.
    fn keeps_from_starting(&self) -> bool {
        ["SyntaxError", "IndentationError", "TabError"].iter().any(|class| self.error.contains(class))
    }
}

fn said(failed: &[Failed]) -> String {
    match failed.first() {
        Some(first) if first.keeps_from_starting() => {
            format!("{}\n", first.error.lines().next_back().unwrap_or_default())
        }
        _ => failed.iter().take(FAILED_MAX).map(Failed::line).collect(),
    }
}

/// A text as Python prints it, with a final line break, which feedback leaves out.
fn python_text(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("'{escaped}\\n'")
}

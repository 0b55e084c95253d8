//! Rows for training on what a batch found out: programs that passed, and pairs of one that passed and one that did not.
//!
//! Both are conversations, as chat models are trained on: messages of `role` and `content`, programs in a fence. Equal programs
//! for one problem count once. The tests that decide are not part of a row.

use std::collections::BTreeSet;
use std::io::{self, Write};

use codeagent::prompts::fenced;
use serde::Serialize;

use super::{Attempts, Export, line};
use crate::batch::SampleRow;

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

#[derive(Serialize)]
struct Conversation {
    messages: [Message; 2],
}

#[derive(Serialize)]
struct Preference {
    prompt: [Message; 1],
    chosen: [Message; 1],
    rejected: [Message; 1],
}

/// Writes rows for fine-tuning: `{messages}`, one for each program that passed. Needs the data set for the statements.
///
/// # Errors
/// That of `out`.
pub fn write_chats(export: &Export<'_>, out: &mut impl Write) -> io::Result<()> {
    for problem in &export.problems {
        let Some(prompt) = problem.prompt() else { continue };
        for program in Programs::of(problem).right {
            line(out, &Conversation { messages: [asked(&prompt), answered(program)] })?;
        }
    }
    Ok(())
}

/// Writes rows for preference training: `{prompt, chosen, rejected}`. The first program that passed is paired with the first
/// that did not, the second with the second, as far as there are both. Needs the data set for the statements.
///
/// # Errors
/// That of `out`.
pub fn write_pairs(export: &Export<'_>, out: &mut impl Write) -> io::Result<()> {
    for problem in &export.problems {
        let Some(prompt) = problem.prompt() else { continue };
        let Programs { right, wrong } = Programs::of(problem);
        for (chosen, rejected) in right.into_iter().zip(wrong) {
            let (chosen, rejected) = ([answered(chosen)], [answered(rejected)]);
            line(out, &Preference { prompt: [asked(&prompt)], chosen, rejected })?;
        }
    }
    Ok(())
}

fn asked(prompt: &str) -> Message {
    Message { role: "user", content: prompt.to_owned() }
}

fn answered(program: &str) -> Message {
    Message { role: "assistant", content: fenced(program, "python") }
}

/// The different programs for a problem. One that passed once and failed once is neither right nor wrong.
struct Programs<'a> {
    right: Vec<&'a str>,
    wrong: Vec<&'a str>,
}

impl<'a> Programs<'a> {
    fn of(problem: &Attempts<'a>) -> Self {
        let of = |passed: bool| -> Vec<&'a str> {
            let judged = |row: &&SampleRow| row.passed == passed && row.tests.total > 0;
            let programs = problem.resolved().filter(judged).map(|row| row.solution.as_str());
            let mut seen = BTreeSet::new();
            programs.filter(|program| !program.trim().is_empty() && seen.insert(*program)).collect()
        };
        let (mut right, mut wrong) = (of(true), of(false));
        let both: BTreeSet<&str> = right.iter().copied().filter(|program| wrong.contains(program)).collect();
        right.retain(|program| !both.contains(program));
        wrong.retain(|program| !both.contains(program));
        Self { right, wrong }
    }
}

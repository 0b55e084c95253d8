//! How a model goes on with programs that have begun to repeat themselves: prompts, and what answers come to.
//!
//! Source: Dong et al. 2025, *Rethinking Repetition Problems of LLMs in Code Generation*, section 5.1 (`CodeRepetEval` and
//! its measures). The prompts are our own, made by [`generate`]; files of theirs are read, too. Unlike their program,
//! prompt and answer are compiled together, and length and repetition are those of the answer alone.

mod generate;
mod prompts;
mod summary;

use std::sync::Arc;

use codeagent::models::decode::Language;
use codeagent::models::decode::repetition::{GRAM, Sameness, repeated_grams, repeated_statements};
use codeagent_sandbox::{Limits, Program, Run, Sandbox, SandboxError, run_program};
use serde::{Deserialize, Serialize};

pub use generate::{Family, Kind, generate};
pub use prompts::{RepetitionPrompt, RepetitionPrompts, read_prompts};
pub use summary::{MethodSummary, summarise};

/// How an answer came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerEnd {
    /// The model ended it.
    Ended,
    /// It has as many tokens as it may have.
    Length,
    /// It was cut for repetition.
    Cut,
    /// The model had nothing to draw.
    Nothing,
}

/// What one answer comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How it ended.
    pub end: AnswerEnd,
    /// Tokens that were drawn, those that were cut off included.
    pub tokens: u64,
    /// Milliseconds from the request to the answer.
    pub ms: f64,
    /// Whether prompt and answer together compile.
    pub compiles: bool,
    /// Repetition of terminals by their class.
    pub terminals: Repeated,
    /// Repetition of terminals by their text.
    pub texts: Repeated,
}

/// How much of a text was there before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// TR-N: the share of 4-grams of terminals, in `[0, 1]`.
    pub grams: f64,
    /// TR-S: the share of statements, in `[0, 1]`.
    pub statements: f64,
}

impl Repeated {
    /// How much of a Python text was there before.
    #[must_use]
    pub fn of(text: &str, sameness: Sameness) -> Self {
        Self {
            grams: repeated_grams(text, Language::Python, GRAM, sameness),
            statements: repeated_statements(text, Language::Python, sameness),
        }
    }
}

/// Compiles what it reads, and runs none of it.
const COMPILER: &str = "import sys\ncompile(sys.stdin.buffer.read(), 'answer.py', 'exec')\n";

/// Whether a text is a Python program, as the sandbox's own compiler says.
///
/// # Errors
/// [`SandboxError`] where the compiler could not be run.
///
/// # Cancellation
/// Dropping the future kills the compiler.
pub async fn compiles(text: &str, sandbox: &Arc<dyn Sandbox>, limits: Limits) -> Result<bool, SandboxError> {
    let program = Program { source: COMPILER.to_owned(), entry: None };
    let run = Run { program, stdin: text.as_bytes().to_vec(), limits, ..Run::default() };
    Ok(run_program(sandbox, &run).await?.verdict.is_passed())
}

//! The questions, one file each. Their wording is in `templates/`.

mod analyse_problem;
mod block_analysis;
mod direct_program;
mod generate_tests;
mod implement_thoughts;
mod modular_program;
mod program;
mod pseudocode_program;
mod reask;
mod refine_program;
mod refine_with_history;
mod reflect_on_failure;
mod rethink;
mod revise_with_modules;
mod self_evaluation;
mod solutions;
mod thoughts;

pub use analyse_problem::{AnalyseProblem, ShownTest};
pub use block_analysis::BlockAnalysis;
pub use direct_program::DirectProgram;
pub use generate_tests::{GenerateTests, WrittenTest};
pub use implement_thoughts::ImplementThoughts;
pub use modular_program::ModularProgram;
pub use pseudocode_program::PseudocodeProgram;
pub use reask::Reask;
pub use refine_program::RefineProgram;
pub use refine_with_history::{PastProgram, RefineWithHistory};
pub use reflect_on_failure::ReflectOnFailure;
pub use rethink::Rethink;
pub use revise_with_modules::ReviseWithModules;
pub use self_evaluation::{SelfEvaluation, SelfScore};
pub use solutions::{ChooseSolution, PossibleSolutions};
pub use thoughts::{Asked, Thought, Thoughts};

use crate::parse::AnswerError;

/// A short answer in prose: one pair of enclosing quotes or fences and a leading label are dropped.
fn prose(reply: &str, labels: &[&str]) -> Result<String, AnswerError> {
    let mut text = reply.trim();
    if let Some(inner) = text.strip_prefix("```").and_then(|text| text.strip_suffix("```")) {
        text = inner.split_once('\n').map_or(inner, |(_, body)| body).trim();
    }
    for label in labels {
        let head = text.trim_start_matches(['*', '#', ' ']);
        if let Some((_, rest)) =
            head.split_once(':').filter(|(word, _)| bare(word).eq_ignore_ascii_case(label))
        {
            text = rest.trim_start_matches('*').trim();
        }
    }
    let unquoted =
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).filter(|text| !text.contains('"'));
    let text = unquoted.unwrap_or(text).trim();
    if text.is_empty() { Err(AnswerError::Empty) } else { Ok(text.to_owned()) }
}

fn bare(word: &str) -> &str {
    word.trim_matches(['*', '#', ' ', '_'])
}

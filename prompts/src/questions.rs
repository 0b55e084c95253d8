//! The questions, one file each. Their wording is in `templates/`.

mod analyse_problem;
mod blame;
mod blame_function;
mod block_analysis;
mod call_inputs;
mod combine_observations;
mod compare_programs;
mod compose_function;
mod continue_program;
mod decide_step;
mod direct_program;
mod divide_function;
mod generate_tests;
mod implement_plan;
mod implement_thoughts;
mod input_validator;
mod last_right_line;
mod listed;
mod modular_program;
mod mutate_program;
mod output_grade;
mod plain_program;
mod plan;
mod plan_confidence;
mod program;
mod program_review;
mod pseudocode_program;
mod reask;
mod recall_problems;
mod refine_program;
mod refine_with_history;
mod refine_with_plan;
mod reflect_on_failure;
mod reflections;
mod refute_program;
mod rethink;
mod revise_with_modules;
mod sample_plan;
mod self_evaluation;
mod solutions;
mod strategies;
mod thoughts;
mod write_inputs;

pub use analyse_problem::{AnalyseProblem, ShownTest};
pub use blame::Blame;
pub use blame_function::BlameFunction;
pub use block_analysis::BlockAnalysis;
pub use call_inputs::CallInputs;
pub use combine_observations::{CombineObservations, Wanted};
pub use compare_programs::{ComparePrograms, ComparedRun, Preferred};
pub use compose_function::{ComposeFunction, Failing};
pub use continue_program::ContinueProgram;
pub use decide_step::DecideStep;
pub use direct_program::DirectProgram;
pub use divide_function::DivideFunction;
pub use generate_tests::{GenerateTests, WrittenTest};
pub use implement_plan::ImplementPlan;
pub use implement_thoughts::ImplementThoughts;
pub use input_validator::{InputValidator, VALIDATOR};
pub use last_right_line::LastRightLine;
pub use modular_program::ModularProgram;
pub use mutate_program::{MutateProgram, Scored};
pub use output_grade::{GRADE_MAX, Graded, OutputGrade};
pub use plain_program::PlainProgram;
pub use plan::Plan;
pub use plan_confidence::PlanConfidence;
pub use program_review::{ProgramReview, Review};
pub use pseudocode_program::PseudocodeProgram;
pub use reask::Reask;
pub use recall_problems::{RecallProblems, Recalled, SimilarProblem};
pub use refine_program::RefineProgram;
pub use refine_with_history::{PastProgram, RefineWithHistory};
pub use refine_with_plan::{PlannedProgram, RefineWithPlan};
pub use reflect_on_failure::ReflectOnFailure;
pub use reflections::Reflections;
pub use refute_program::{GENERATOR, RefuteProgram};
pub use rethink::Rethink;
pub use revise_with_modules::ReviseWithModules;
pub use sample_plan::SamplePlan;
pub use self_evaluation::{SelfEvaluation, SelfScore};
pub use solutions::{ChooseSolution, PossibleSolutions};
pub use strategies::Strategies;
pub use thoughts::{Asked, Thought, Thoughts};
pub use write_inputs::{Rival, WriteInputs};

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

//! Refine: a failed or rejected program, what was said of it and perhaps a reflection on it, to a revised program.

use codeagent_prompts::questions::RefineProgram;
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};
use crate::feedback;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    let reflection = inputs.reflection.as_deref();
    // A reflection has made use of what critics said, so it stands for their remarks, as in CodeTree.
    let feedback = match (reflection, &candidate.feedback) {
        (Some(_), Some(tests)) => tests.clone(),
        _ => feedback::with_remarks(&ports.problem, candidate),
    };
    let question =
        RefineProgram { task: &ports.task, program: &candidate.written, feedback: &feedback, reflection };
    program::write(ports, talk, "refine_program", &question, 1, NodeKind::Revision).await
}

//! Refine: a failed program, what its tests said and perhaps a reflection on it, to a revised program.

use codeagent_prompts::questions::RefineProgram;
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some((candidate, feedback)) = inputs.failed() else { return Ok(unusable()) };
    let question = RefineProgram {
        task: &ports.task,
        program: &candidate.written,
        feedback,
        reflection: inputs.reflection.as_deref(),
    };
    program::write(ports, talk, "refine_program", &question, 1, NodeKind::Revision).await
}

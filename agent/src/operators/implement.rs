//! Implement: a chain of thoughts (or the bare problem) to one complete program.

use codeagent_prompts::questions::ImplementThoughts;
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let question = ImplementThoughts { task: &ports.task, thoughts: &inputs.thoughts };
    program::write(ports, talk, "implement", &question, 1, NodeKind::Solution).await
}

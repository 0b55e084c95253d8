//! Implement: a plan, a chain of thoughts or the bare problem to one complete program.

use codeagent_prompts::questions::{ImplementPlan, ImplementThoughts};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let (task, kind) = (&ports.task, NodeKind::Solution);
    if let Some(plan) = &inputs.plan {
        let question = ImplementPlan { task, plan, tutorial: inputs.tutorial() };
        return program::write(ports, talk, "implement_plan", &question, 1, kind).await;
    }
    let question = ImplementThoughts { task, thoughts: &inputs.thoughts };
    program::write(ports, talk, "implement", &question, 1, kind).await
}

//! Verify: the model's own confidence that a program which passes the visible tests passes all tests (RethinkMCTS).

use codeagent_prompts::questions::SelfEvaluation;
use codeagent_search::policy::{Trial, TrialResult};

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    let question =
        SelfEvaluation { task: &ports.task, thoughts: &inputs.thoughts, program: &candidate.written };
    let answered = talk.ask(trial.operator.name(), &question, 1).await?.pop();
    let confidence = answered.map(|answered| answered.answer.score);
    Ok((TrialResult::Verified { confidence }, Vec::new()))
}

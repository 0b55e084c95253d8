//! Blame: which thought above a failed program is at fault (RethinkMCTS).

use codeagent_prompts::questions::Blame;
use codeagent_search::policy::{Trial, TrialResult};

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some((candidate, feedback)) = inputs.failed() else { return Ok(unusable()) };
    let question =
        Blame { task: &ports.task, thoughts: &inputs.thoughts, program: &candidate.written, feedback };
    let answered = talk.ask(trial.operator.name(), &question, 1).await?.pop();
    Ok((TrialResult::Blamed { place: answered.and_then(|answered| answered.answer) }, Vec::new()))
}

//! Rethink: a thought rewritten in place from what its program's failure teaches (RethinkMCTS).

use codeagent_prompts::questions::Rethink;
use codeagent_search::policy::{Trial, TrialResult};

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::notebook::{Content, Note};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some((candidate, feedback)) = inputs.failed() else { return Ok(unusable()) };
    let question = Rethink {
        task: &ports.task,
        thoughts: &inputs.thoughts,
        number: inputs.number,
        program: &candidate.written,
        feedback,
    };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let content = Content::Thought(answered.answer);
    Ok((TrialResult::Replaced, vec![Note { prompt: answered.prompt, answer: answered.text, content }]))
}

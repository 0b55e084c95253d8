//! Reflect: a failed program to a diagnosis in words (Reflexion).

use codeagent_prompts::questions::ReflectOnFailure;
use codeagent_search::policy::{Draft, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

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
    let question = ReflectOnFailure { task: &ports.task, program: &candidate.written, feedback };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let draft = Draft { kind: NodeKind::Reflection, prior: None, attempt: None };
    let content = Content::Reflection(answered.answer);
    let note = Note { prompt: answered.prompt, answer: answered.text, content };
    Ok((TrialResult::Made { drafts: vec![draft] }, vec![note]))
}

//! Write inputs: test inputs of the model's own, without right answers.

use codeagent_prompts::questions::WriteInputs;
use codeagent_search::policy::{Draft, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Made, Ports, TrialError, unusable};
use crate::inputs;
use crate::notebook::{Content, Note};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    count: usize,
) -> Result<Made, TrialError> {
    let question = WriteInputs { task: &ports.task, count, apart: None };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let read = answered.answer.iter().filter_map(|text| inputs::written(&ports.problem, text));
    let written = inputs::distinct(read);
    if written.is_empty() {
        return Ok(unusable());
    }
    let draft = Draft { kind: NodeKind::Inputs, prior: None, attempt: None };
    let note = Note { prompt: answered.prompt, answer: answered.text, content: Content::Inputs(written) };
    Ok((TrialResult::Made { drafts: vec![draft] }, vec![note]))
}

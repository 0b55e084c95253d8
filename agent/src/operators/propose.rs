//! Propose and Extend: the first thoughts on a problem, or thoughts that continue a chain.

use codeagent_prompts::questions::{Asked, Thought, Thoughts};
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
    count: usize,
) -> Result<Made, TrialError> {
    let asked = match (inputs.candidate(), inputs.failed()) {
        (None, _) => Asked::First,
        (Some(_), None) => Asked::AfterSuccess,
        (_, Some((candidate, feedback))) => Asked::AfterFailure { program: &candidate.written, feedback },
    };
    let question = Thoughts { task: &ports.task, count, chain: &inputs.thoughts, asked };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let draft =
        |thought: &Thought| Draft { kind: NodeKind::Thought, prior: thought.reasonableness, attempt: None };
    let drafts = answered.answer.iter().map(draft).collect();
    let note = |thought: Thought| Note {
        prompt: answered.prompt.clone(),
        answer: answered.text.clone(),
        content: Content::Thought(thought.text),
    };
    let notes = answered.answer.into_iter().map(note).collect();
    Ok((TrialResult::Made { drafts }, notes))
}

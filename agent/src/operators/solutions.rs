//! Propose solutions and choose one: whole solutions in words (AlphaCodium).

use codeagent_prompts::questions::{ChooseSolution, PossibleSolutions};
use codeagent_search::policy::{Draft, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::notebook::{Content, Note};

const DRAFT: Draft = Draft { kind: NodeKind::Thought, prior: None, attempt: None };

pub(super) async fn propose(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    count: usize,
) -> Result<Made, TrialError> {
    let question = PossibleSolutions { task: &ports.task, thoughts: &inputs.thoughts, count };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let note = |solution: String| Note {
        prompt: answered.prompt.clone(),
        answer: answered.text.clone(),
        content: Content::Thought(solution),
    };
    let notes: Vec<Note> = answered.answer.into_iter().map(note).collect();
    Ok((TrialResult::Made { drafts: vec![DRAFT; notes.len()] }, notes))
}

pub(super) async fn choose(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let text = |note: &std::sync::Arc<Note>| match &note.content {
        Content::Thought(text) => Some(text.clone()),
        _ => None,
    };
    let solutions: Vec<String> = inputs.sources.iter().filter_map(text).collect();
    let question = ChooseSolution { task: &ports.task, thoughts: &inputs.thoughts, solutions: &solutions };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let content = Content::Thought(answered.answer);
    let note = Note { prompt: answered.prompt, answer: answered.text, content };
    Ok((TrialResult::Made { drafts: vec![DRAFT] }, vec![note]))
}

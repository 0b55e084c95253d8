//! Propose and Extend: the first thoughts on a problem, or thoughts that continue a chain.

use codeagent_prompts::questions::{Asked, Strategies, Thought, Thoughts};
use codeagent_search::policy::{Draft, ThoughtStyle, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::notebook::Content;

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
    let drafts = answered.answer.iter().map(|thought| draft(thought.reasonableness)).collect();
    let notes = answered.notes(|thought: Thought| Content::Thought(thought.text));
    Ok((TrialResult::Made { drafts }, notes))
}

/// First thoughts without ratings.
pub(super) async fn strategies(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    count: usize,
    style: ThoughtStyle,
) -> Result<Made, TrialError> {
    let question = Strategies { task: &ports.task, count, open: style == ThoughtStyle::Open };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let drafts = answered.answer.iter().map(|_| draft(None)).collect();
    Ok((TrialResult::Made { drafts }, answered.notes(Content::Thought)))
}

const fn draft(prior: Option<f64>) -> Draft {
    Draft { kind: NodeKind::Thought, prior, attempt: None }
}

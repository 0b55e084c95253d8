//! Combine: what follows from a set of observations (PlanSearch).

use codeagent_prompts::questions::{CombineObservations, Wanted};
use codeagent_search::policy::{Combined, Draft, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::notebook::{Content, Note};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    wanted: Combined,
    count: usize,
) -> Result<Made, TrialError> {
    let wanted = match (wanted, inputs.plan.as_deref()) {
        (Combined::Observations, _) => Wanted::Observations { count },
        (Combined::OtherPlan(_), Some(plan)) => Wanted::OtherPlan { plan },
        (Combined::Plan | Combined::OtherPlan(_), _) => Wanted::Plan,
    };
    let question = CombineObservations { task: &ports.task, observations: &inputs.thoughts, wanted };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let draft = Draft { kind: NodeKind::Thought, prior: None, attempt: None };
    let drafts = vec![draft; answered.answer.len()];
    let note = |text: String| Note {
        prompt: answered.prompt.clone(),
        answer: answered.text.clone(),
        content: Content::Thought(text),
    };
    let notes = answered.answer.into_iter().map(note).collect();
    Ok((TrialResult::Made { drafts }, notes))
}

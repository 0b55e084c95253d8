//! Plan and RatePlan: the steps of a solution, after those of a recalled problem, and how sure the model is of them
//! (MapCoder).

use codeagent_prompts::questions::{Plan, PlanConfidence};
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
    let similar = inputs.exemplar.as_deref().map(|exemplar| &exemplar.similar);
    let question = Plan { task: &ports.task, similar, tutorial: inputs.tutorial() };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let draft = Draft { kind: NodeKind::Plan, prior: None, attempt: None };
    let content = Content::Plan(answered.answer);
    let note = Note { prompt: answered.prompt, answer: answered.text, content };
    Ok((TrialResult::Made { drafts: vec![draft] }, vec![note]))
}

pub(super) async fn rate(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some(plan) = &inputs.plan else { return Ok(unusable()) };
    let question = PlanConfidence { task: &ports.task, plan };
    let answered = talk.ask(trial.operator.name(), &question, 1).await?.pop();
    let grade = answered.map(|answered| answered.answer / 100.0);
    Ok((TrialResult::Graded { grade }, Vec::new()))
}

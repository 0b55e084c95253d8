//! Recall: similar problems with their solutions, from the model's memory (MapCoder).

use codeagent_prompts::questions::RecallProblems;
use codeagent_search::policy::{Draft, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Made, Ports, TrialError, unusable};
use crate::notebook::{Content, Exemplar};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    count: usize,
) -> Result<Made, TrialError> {
    let question = RecallProblems { task: &ports.task, count };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let draft = || Draft { kind: NodeKind::Thought, prior: None, attempt: None };
    let drafts = answered.answer.problems.iter().map(|_| draft()).collect();
    let tutorial = answered.answer.tutorial.clone();
    let exemplar = |similar| Content::Exemplar(Box::new(Exemplar { similar, tutorial: tutorial.clone() }));
    let notes = answered.map(|recalled| recalled.problems).notes(exemplar);
    Ok((TrialResult::Made { drafts }, notes))
}

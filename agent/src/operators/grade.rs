//! Grade: how near a failed program's outputs are to the expected ones, says a critic (CodeTree).

use codeagent_prompts::questions::{GRADE_MAX, OutputGrade};
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
    let question = OutputGrade { task: &ports.task, program: &candidate.written, feedback };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok((TrialResult::Graded { grade: None }, Vec::new()));
    };
    let grade = answered.answer.grade.map(|grade| f64::from(grade) / f64::from(GRADE_MAX));
    let content = Content::remark("critic", answered.answer.analysis);
    let note = Note { prompt: answered.prompt, answer: answered.text, content };
    Ok((TrialResult::Graded { grade }, vec![note]))
}

//! Verify: whether a program that passes the visible tests passes all tests: the model's own confidence (RethinkMCTS) or
//! a critic's verdict (CodeTree), or several such (generative verification).

use codeagent_prompts::parse::verdict::Decision;
use codeagent_prompts::questions::{ProgramReview, SelfEvaluation};
use codeagent_search::policy::{Trial, TrialResult, VerifyStyle};

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::notebook::{Candidate, Content, Note};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    style: VerifyStyle,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    match style {
        VerifyStyle::Confidence => confidence(ports, talk, trial, inputs, candidate).await,
        VerifyStyle::Verdict => verdict(ports, talk, trial, candidate).await,
        VerifyStyle::Verdicts { count } => verdicts(ports, talk, trial, candidate, count.max(1)).await,
        _ => Ok(unusable()),
    }
}

async fn confidence(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    candidate: &Candidate,
) -> Result<Made, TrialError> {
    let question =
        SelfEvaluation { task: &ports.task, thoughts: &inputs.thoughts, program: &candidate.written };
    let answered = talk.ask(trial.operator.name(), &question, 1).await?.pop();
    let confidence = answered.map(|answered| answered.answer.score);
    Ok((TrialResult::Verified { confidence }, Vec::new()))
}

async fn verdict(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    candidate: &Candidate,
) -> Result<Made, TrialError> {
    let tested = candidate.report.total() > 0;
    let question = ProgramReview { task: &ports.task, program: &candidate.written, tested };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok((TrialResult::Judged { accepted: None }, Vec::new()));
    };
    let accepted = answered.answer.decision.map(|decision| decision == Decision::Accept);
    let content = Content::remark("verifier", answered.answer.reasons);
    let note = Note { prompt: answered.prompt, answer: answered.text, content };
    Ok((TrialResult::Judged { accepted }, vec![note]))
}

async fn verdicts(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    candidate: &Candidate,
    count: u32,
) -> Result<Made, TrialError> {
    let tested = candidate.report.total() > 0;
    let question = ProgramReview { task: &ports.task, program: &candidate.written, tested };
    let answers = talk.ask(trial.operator.name(), &question, count).await?;
    let decisions: Vec<Decision> =
        answers.into_iter().filter_map(|answered| answered.answer.decision).collect();
    Ok((TrialResult::Verified { confidence: balance(&decisions) }, Vec::new()))
}

/// The share of verdicts that accept, less that of those that reject; `None` without any.
fn balance(decisions: &[Decision]) -> Option<f64> {
    let votes = |decision| decisions.iter().filter(|it| **it == decision).count() as f64;
    let (accepting, rejecting) = (votes(Decision::Accept), votes(Decision::Reject));
    let all = accepting + rejecting;
    (all > 0.0).then(|| (accepting - rejecting) / all)
}

#[cfg(test)]
mod tests {
    use super::Decision::{Accept, Reject};
    use super::*;

    #[test]
    fn verdicts_balance_out() {
        assert_eq!(balance(&[Accept, Accept, Reject, Accept]), Some(0.5));
        assert_eq!(balance(&[Reject]), Some(-1.0));
        assert_eq!(balance(&[]), None);
    }
}

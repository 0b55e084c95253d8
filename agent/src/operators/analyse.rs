//! Analyse: what the problem asks for, point by point, before any solution (AlphaCodium).

use codeagent_prompts::questions::{AnalyseProblem, ShownTest};
use codeagent_search::policy::{Draft, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Made, Ports, TrialError, unusable};
use crate::feedback;
use crate::notebook::{Content, Note};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
) -> Result<Made, TrialError> {
    let shown = |case| ShownTest {
        test: feedback::input(case),
        expected: feedback::expected(case).unwrap_or_default(),
    };
    let tests: Vec<ShownTest> = ports.problem.visible.iter().map(shown).collect();
    let question = AnalyseProblem { task: &ports.task, tests: &tests };
    let Some(answered) = talk.ask(trial.operator.name(), &question, 1).await?.pop() else {
        return Ok(unusable());
    };
    let draft = Draft { kind: NodeKind::Thought, prior: None, attempt: None };
    let content = Content::Thought(answered.answer);
    let note = Note { prompt: answered.prompt, answer: answered.text, content };
    Ok((TrialResult::Made { drafts: vec![draft] }, vec![note]))
}

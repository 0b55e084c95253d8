//! Reflect: a failed or rejected program to what to change, in words: one diagnosis (Reflexion), or several reflections
//! (CodeTree).

use codeagent_prompts::questions::{ReflectOnFailure, Reflections};
use codeagent_search::policy::{Draft, ReflectionStyle, Trial, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::{Answered, Conversation};
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::feedback;
use crate::notebook::Content;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    count: usize,
    style: ReflectionStyle,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    let feedback = &feedback::with_remarks(&ports.problem, candidate);
    let (name, task, program) = (trial.operator.name(), &ports.task, &candidate.written);
    let answered = if style == ReflectionStyle::Diagnosis {
        let question = ReflectOnFailure { task, program, feedback };
        talk.ask(name, &question, 1).await?.pop().map(|one| one.map(|text| vec![text]))
    } else {
        let (thoughts, open) = (&inputs.thoughts, style == ReflectionStyle::Open);
        talk.ask(name, &Reflections { task, thoughts, program, feedback, count, open }, 1).await?.pop()
    };
    Ok(answered.map_or_else(unusable, made))
}

fn made(answered: Answered<Vec<String>>) -> Made {
    let draft = || Draft { kind: NodeKind::Reflection, prior: None, attempt: None };
    let drafts = answered.answer.iter().map(|_| draft()).collect();
    (TrialResult::Made { drafts }, answered.notes(Content::Reflection))
}

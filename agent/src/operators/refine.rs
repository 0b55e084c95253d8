//! Refine: a failed or rejected program, what was said of it and perhaps a reflection on it, to revised programs; or, with
//! its plan, to a revised program and plan (MapCoder).

use codeagent_prompts::questions::{RefineProgram, RefineWithPlan};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};
use crate::feedback;

/// Calls that an analysis takes at most.
pub(super) const ANALYSIS_CALLS: u64 = 2;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    count: usize,
) -> Result<Made, TrialError> {
    let Some(mut candidate) = inputs.candidate().cloned() else { return Ok(unusable()) };
    let again = inputs.is_revision && candidate.feedback.is_some();
    if again && ports.feedback.analyses_revisions() && talk.calls_left() > ANALYSIS_CALLS {
        feedback::add_analysis(ports, talk, &mut candidate).await?;
    }
    let reflection = inputs.reflection.as_deref();
    // A reflection has made use of what critics said, so it stands for their remarks, as in CodeTree.
    let feedback = match (reflection, &candidate.feedback) {
        (Some(_), Some(tests)) => tests.clone(),
        _ => feedback::with_remarks(&ports.problem, &candidate),
    };
    let question =
        RefineProgram { task: &ports.task, program: &candidate.written, feedback: &feedback, reflection };
    program::write(ports, talk, "refine_program", &question, count, NodeKind::Revision).await
}

pub(super) async fn with_plan(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some(candidate) = inputs.candidate() else { return Ok(unusable()) };
    let question = RefineWithPlan {
        task: &ports.task,
        plan: inputs.plan.as_deref().unwrap_or_default(),
        tutorial: inputs.tutorial(),
        program: &candidate.written,
        feedback: &feedback::with_remarks(&ports.problem, candidate),
    };
    program::write(ports, talk, "refine_with_plan", &question, 1, NodeKind::Revision).await
}

//! Mutate: a program, with others to be inspired by, to a changed program (evolution).

use codeagent_prompts::questions::{MutateProgram, Scored};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};
use crate::notebook::Candidate;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some(parent) = inputs.candidate() else { return Ok(unusable()) };
    let inspirations: Vec<Scored<'_>> =
        inputs.sources.iter().filter_map(|note| note.candidate()).map(scored).collect();
    let question = MutateProgram {
        task: &ports.task,
        parent: scored(parent),
        feedback: parent.feedback.as_ref(),
        inspirations: &inspirations,
    };
    program::write(ports, talk, "mutate_program", &question, 1, NodeKind::Revision).await
}

fn scored(candidate: &Candidate) -> Scored<'_> {
    let report = &candidate.report;
    Scored { program: &candidate.written, passed: report.passed(), total: report.total() }
}

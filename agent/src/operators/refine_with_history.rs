//! Refine with history: revised programs, given all that was tried on the way to a failed one (LATS).

use codeagent_prompts::questions::{PastProgram, RefineWithHistory};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    count: usize,
) -> Result<Made, TrialError> {
    let past = inputs.history.iter().filter_map(|(note, reflection)| {
        let candidate = note.candidate()?;
        let (program, feedback) = (&candidate.written, candidate.feedback.as_ref()?);
        Some(PastProgram { program, feedback, reflection: reflection.as_deref() })
    });
    let history: Vec<PastProgram<'_>> = past.collect();
    if history.is_empty() {
        return Ok(unusable());
    }
    let question = RefineWithHistory { task: &ports.task, history: &history };
    program::write(ports, talk, "refine_with_history", &question, count, NodeKind::Revision).await
}

//! Resample: independent programs straight from the problem.

use codeagent_prompts::questions::{DirectProgram, ModularProgram, PseudocodeProgram};
use codeagent_search::policy::ProgramStyle;
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Made, Ports, TrialError, program};

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    count: usize,
    style: ProgramStyle,
) -> Result<Made, TrialError> {
    let (task, kind) = (&ports.task, NodeKind::Solution);
    match style {
        ProgramStyle::Direct => {
            program::write(ports, talk, "direct_program", &DirectProgram { task }, count, kind).await
        }
        ProgramStyle::Modular => {
            program::write(ports, talk, "modular_program", &ModularProgram { task }, count, kind).await
        }
        ProgramStyle::Pseudocode => {
            program::write(ports, talk, "pseudocode_program", &PseudocodeProgram { task }, count, kind).await
        }
    }
}

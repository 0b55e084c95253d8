//! Revise with modules: programs written anew around representative sub-modules of earlier ones (CodeChain).

use codeagent_prompts::questions::ReviseWithModules;
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program};
use crate::modules::{self, Module};
use crate::notebook::Content;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    clusters: usize,
    count: usize,
) -> Result<Made, TrialError> {
    let shown = representatives(ports, inputs, clusters);
    let question = ReviseWithModules { task: &ports.task, modules: &shown };
    program::write(ports, talk, "revise_with_modules", &question, count, NodeKind::Revision).await
}

/// The sub-modules of the sources, clustered; one representative of each cluster.
fn representatives(ports: &Ports, inputs: &Inputs, clusters: usize) -> Vec<String> {
    let entry = ports.problem.entry.function();
    let found: Vec<Module> = inputs
        .sources
        .iter()
        .filter_map(|note| match &note.content {
            Content::Program(candidate) => Some(candidate),
            _ => None,
        })
        .flat_map(|candidate| modules::extract(&candidate.written, entry))
        .collect();
    // All samples of a round show the same modules, so the seed is fixed, as in the original.
    modules::representatives(&found, clusters, 0).into_iter().map(|module| module.source).collect()
}

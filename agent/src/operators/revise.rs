//! Revise with modules: programs written anew around representative sub-modules of earlier ones (CodeChain).

use codeagent_prompts::questions::ReviseWithModules;
use codeagent_search::policy::{ModuleChoice, Trial};
use codeagent_search::tree::NodeKind;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program};
use crate::modules::{self, Offer};
use crate::notebook::{Candidate, Content};
use crate::score;

/// What is asked for.
pub(super) struct Revision {
    /// Number of clusters, and so of modules shown at most.
    pub(super) clusters: usize,
    /// Which module of a cluster is shown.
    pub(super) choice: ModuleChoice,
    /// Programs wanted.
    pub(super) count: usize,
}

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    trial: &Trial,
    inputs: &Inputs,
    revision: Revision,
) -> Result<Made, TrialError> {
    let shown = representatives(ports, trial, inputs, &revision);
    let question = ReviseWithModules { task: &ports.task, modules: &shown };
    program::write(ports, talk, "revise_with_modules", &question, revision.count, NodeKind::Revision).await
}

/// Sources of the modules that stand for all modules of the source programs.
fn representatives(ports: &Ports, trial: &Trial, inputs: &Inputs, revision: &Revision) -> Vec<String> {
    let entry = ports.problem.entry.function();
    let offers: Vec<Offer> = inputs
        .sources
        .iter()
        .filter_map(|note| match &note.content {
            Content::Program(candidate) => Some(candidate),
            _ => None,
        })
        .flat_map(|candidate| offers(candidate, entry))
        .collect();
    // All samples of a round show the same modules, so clustering has a fixed seed, as in the original; only the
    // random control draws with the trial's.
    let seed = if revision.choice == ModuleChoice::Random { trial.seed } else { 0 };
    let chosen = modules::representatives(&offers, revision.clusters, revision.choice, seed);
    chosen.into_iter().map(|module| module.source.clone()).collect()
}

fn offers(candidate: &Candidate, entry: Option<&str>) -> Vec<Offer> {
    let pass_fraction = score::pass_fraction(&candidate.report);
    let offer = |module| Offer { module, pass_fraction };
    modules::extract(&candidate.written, entry).into_iter().map(offer).collect()
}

//! Revise with modules: programs written anew around representative sub-modules of earlier ones (CodeChain).

use std::sync::{Arc, Mutex, PoisonError};

use codeagent_prompts::questions::ReviseWithModules;
use codeagent_search::policy::{ModuleChoice, Trial};
use codeagent_search::tree::{NodeId, NodeKind};

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program};
use crate::modules::{self, Offer};
use crate::notebook::{Candidate, Content};
use crate::score;

/// What the modules shown depend on: equal for all requests of a round.
#[derive(Debug, PartialEq)]
pub(super) struct Round {
    /// Programs whose sub-modules are clustered.
    sources: Vec<NodeId>,
    /// Number of clusters, and so of modules shown at most.
    clusters: usize,
    /// Which module of a cluster is shown.
    choice: ModuleChoice,
    seed: u64,
}

impl Round {
    pub(super) fn new(trial: &Trial, sources: &[NodeId], clusters: usize, choice: ModuleChoice) -> Self {
        // All samples of a round show the same modules, so clustering has a fixed seed, as in the original; only the
        // random control draws with the trial's.
        let seed = if choice == ModuleChoice::Random { trial.seed } else { 0 };
        Self { sources: sources.to_vec(), clusters, choice, seed }
    }
}

/// The modules of the last round. Parsing all its programs and clustering what they consist of costs more than the rest
/// of a request, so it is done once per round.
#[derive(Default)]
pub(crate) struct RoundModules(Mutex<Option<(Round, Arc<[String]>)>>);

impl RoundModules {
    /// The modules of `round`. Who asks while they are sought waits for them.
    fn of(&self, round: Round, find: impl FnOnce(&Round) -> Vec<String>) -> Arc<[String]> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, modules)) = last.as_ref().filter(|(known, _)| *known == round) {
            return Arc::clone(modules);
        }
        let modules = Arc::from(find(&round));
        *last = Some((round, Arc::clone(&modules)));
        modules
    }
}

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    round: Round,
    count: usize,
) -> Result<Made, TrialError> {
    let shown = ports.round_modules.of(round, |round| representatives(ports, inputs, round));
    let question = ReviseWithModules { task: &ports.task, modules: &shown };
    program::write(ports, talk, "revise_with_modules", &question, count, NodeKind::Revision).await
}

/// Sources of the modules that stand for all modules of the source programs.
fn representatives(ports: &Ports, inputs: &Inputs, round: &Round) -> Vec<String> {
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
    let chosen = modules::representatives(&offers, round.clusters, round.choice, round.seed);
    chosen.into_iter().map(|module| module.source.clone()).collect()
}

fn offers(candidate: &Candidate, entry: Option<&str>) -> Vec<Offer> {
    let pass_fraction = score::pass_fraction(&candidate.report);
    let offer = |module| Offer { module, pass_fraction };
    modules::extract(&candidate.written, entry).into_iter().map(offer).collect()
}

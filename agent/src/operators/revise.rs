//! Revise with modules: programs written anew around representative sub-modules of earlier ones (CodeChain).

use std::sync::Arc;

use codeagent_models::Embedded;
use codeagent_prompts::questions::ReviseWithModules;
use codeagent_search::policy::{ModuleChoice, Trial};
use codeagent_search::tree::{NodeId, NodeKind};
use tokio::sync::Mutex;

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
    pub(super) fn new(
        ports: &Ports,
        trial: &Trial,
        sources: &[NodeId],
        clusters: usize,
        choice: ModuleChoice,
    ) -> Self {
        // All samples of a round show the same modules, so clustering has a fixed seed: that of the search by an embedding
        // model, by syntax always the same one, as in the original. Only the random control draws with the trial's.
        let seed = match (choice, &ports.embedder) {
            (ModuleChoice::Random, _) => trial.seed,
            (_, Some(_)) => ports.seed,
            (_, None) => 0,
        };
        Self { sources: sources.to_vec(), clusters, choice, seed }
    }
}

/// The modules of the last round. Finding them costs more than the rest of a request, so it is done once per round.
#[derive(Default)]
pub(crate) struct RoundModules(Mutex<Option<(Round, Arc<Found>)>>);

/// What stands for all modules of the source programs.
struct Found {
    /// Sources of the representatives.
    shown: Vec<String>,
    /// The vectors of all modules, where an embedding model gave them.
    embedded: Option<Embedded>,
}

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    round: Round,
    count: usize,
    opens_round: bool,
) -> Result<Made, TrialError> {
    let found = found(ports, inputs, round).await?;
    // Which request asked for the vectors is chance; which one is charged for them is not.
    if let (true, Some(embedder), Some(embedded)) = (opens_round, &ports.embedder, &found.embedded) {
        talk.settle_vectors(embedder.model(), embedded);
    }
    let question = ReviseWithModules { task: &ports.task, modules: &found.shown };
    program::write(ports, talk, "revise_with_modules", &question, count, NodeKind::Revision).await
}

/// The modules of `round`. Who asks while they are sought waits for them.
async fn found(ports: &Ports, inputs: &Inputs, round: Round) -> Result<Arc<Found>, TrialError> {
    let mut last = ports.round_modules.0.lock().await;
    if let Some((_, found)) = last.as_ref().filter(|(known, _)| *known == round) {
        return Ok(Arc::clone(found));
    }
    let found = Arc::new(find(ports, inputs, &round).await?);
    *last = Some((round, Arc::clone(&found)));
    Ok(found)
}

async fn find(ports: &Ports, inputs: &Inputs, round: &Round) -> Result<Found, TrialError> {
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
    let Round { clusters, choice, seed, .. } = *round;
    let (chosen, embedded) = match &ports.embedder {
        Some(embedder) => {
            let texts: Vec<&str> = offers.iter().map(|offer| offer.module.source.as_str()).collect();
            let embedded = embedder.embed(&texts).await?;
            let chosen = modules::representatives_by(&offers, &embedded.vectors, clusters, choice, seed);
            (chosen, Some(embedded))
        }
        None => (modules::representatives(&offers, clusters, choice, seed), None),
    };
    Ok(Found { shown: chosen.into_iter().map(|module| module.source.clone()).collect(), embedded })
}

fn offers(candidate: &Candidate, entry: Option<&str>) -> Vec<Offer> {
    let pass_fraction = score::pass_fraction(&candidate.report);
    let offer = |module| Offer { module, pass_fraction };
    modules::extract(&candidate.written, entry).into_iter().map(offer).collect()
}

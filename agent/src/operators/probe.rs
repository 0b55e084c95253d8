//! Probe: what programs do on inputs whose right answers nobody knows.
//!
//! Source: the consensus of FunCoder (Chen et al. 2024, section 2.2) and of CodeT, on inputs alone. Asks no model.

use codeagent_search::policy::TrialResult;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::answers::{Answer, behaviours, counting};
use crate::event::EventKind;
use crate::inputs::{self, Input};
use crate::notebook::{Candidate, Content};
use crate::score;

/// Mutated inputs of a function: a thousand calls share one session, so they cost little.
const CALLS: usize = 32;
/// Mutated inputs of a whole program, each a run of its own.
const RUNS: usize = 12;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let probes = probes(ports, inputs);
    let candidates: Vec<Option<&Candidate>> = inputs.sources.iter().map(|note| note.candidate()).collect();
    if candidates.iter().all(Option::is_none) {
        return Ok(unusable());
    }
    let mut seen: Vec<Option<Vec<Answer>>> = Vec::with_capacity(candidates.len());
    for candidate in &candidates {
        let answers = match candidate {
            Some(candidate) => Some(ports.examiner.probe(&ports.problem, &candidate.source, &probes).await?),
            None => None,
        };
        talk.cost.executions += u64::from(answers.is_some());
        seen.push(answers);
    }
    let counting = counting(&judges(&candidates, &seen), probes.len());
    let ran: Vec<&[Answer]> = seen.iter().flatten().map(Vec::as_slice).collect();
    talk.events.push(EventKind::ProbeFinished {
        programs: score::count(ran.len()),
        inputs: score::count(probes.len()),
        counting: score::count(counting.len()),
    });
    let mut found = behaviours(&ran, &counting, &ports.problem.checker).into_iter();
    let behaviour = |answers: &Option<Vec<Answer>>| {
        let behaviour = answers.as_ref().and_then(|_| found.next());
        behaviour.filter(|_| !counting.is_empty())
    };
    let behaviours = seen.iter().map(behaviour).collect();
    Ok((TrialResult::Probed { behaviours, inputs: score::count(counting.len()) }, Vec::new()))
}

/// Mutations of the visible tests' inputs, and what models wrote.
fn probes(ports: &Ports, inputs: &Inputs) -> Vec<Input> {
    // Behaviours of different trials can be compared as far as may be: the inputs depend on the problem alone.
    let mutations = inputs::mutations(&ports.problem, most(ports), 0);
    let written = inputs.written.iter().flat_map(|note| match &note.content {
        Content::Inputs(written) => written.clone(),
        _ => Vec::new(),
    });
    inputs::distinct(mutations.into_iter().chain(written))
}

/// Mutated inputs that the problem gets.
pub(super) fn most(ports: &Ports) -> usize {
    if ports.problem.entry.function().is_some() { CALLS } else { RUNS }
}

/// Whose answers say which inputs are valid: the programs that pass all visible tests; all of them where none does.
fn judges<'a>(candidates: &[Option<&Candidate>], seen: &'a [Option<Vec<Answer>>]) -> Vec<&'a [Answer]> {
    let of = |wanted: fn(&Candidate) -> bool| -> Vec<&'a [Answer]> {
        let chosen = candidates.iter().zip(seen).filter(|(candidate, _)| candidate.is_some_and(wanted));
        chosen.filter_map(|(_, answers)| answers.as_deref()).collect()
    };
    let passing = of(|candidate| candidate.report.is_passed());
    if passing.is_empty() { of(|_| true) } else { passing }
}

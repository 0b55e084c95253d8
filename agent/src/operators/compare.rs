//! Compare: judges between two programs by what they do where they differ.
//!
//! Source: Li et al. 2025, *S\**, "adaptive input synthesis": the model writes inputs that tell two programs apart, both
//! run, and it judges what came out, twice, in either order. Unlike there, where it finds no such input, mutations of
//! the visible tests' inputs are tried, and where the programs do the same on those too, it judges the code alone.

use codeagent_prompts::questions::{ComparePrograms, ComparedRun, Preferred, Rival, WriteInputs};
use codeagent_search::policy::{Preference, TrialResult};

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, probe, unusable};
use crate::answers::Answer;
use crate::inputs::{self, Input};
use crate::notebook::Candidate;

/// Inputs asked for.
const WRITTEN: usize = 5;
/// Inputs shown to the judge.
const SHOWN: usize = 3;
/// Calls that judging takes.
const JUDGEMENTS: u64 = 2;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let other = inputs.sources.first().and_then(|note| note.candidate());
    let (Some(one), Some(other)) = (inputs.candidate(), other) else { return Ok(unusable()) };
    let runs = telling_runs(ports, talk, one, other).await?;
    let forth = judged(ports, talk, one, other, &runs).await?;
    let swapped: Vec<ComparedRun> = runs.into_iter().map(ComparedRun::swapped).collect();
    let back = judged(ports, talk, other, one, &swapped).await?;
    let preference = match (forth, back) {
        (None, _) | (_, None) => return Ok(unusable()),
        (Some(Preferred::First), Some(Preferred::Second)) => Preference::Node,
        (Some(Preferred::Second), Some(Preferred::First)) => Preference::Other,
        (Some(Preferred::Neither), Some(Preferred::Neither)) => Preference::Tie,
        _ => Preference::Inconsistent,
    };
    Ok((TrialResult::Compared { preference }, Vec::new()))
}

async fn judged(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    first: &Candidate,
    second: &Candidate,
    runs: &[ComparedRun],
) -> Result<Option<Preferred>, TrialError> {
    let question =
        ComparePrograms { task: &ports.task, first: &first.written, second: &second.written, runs };
    Ok(talk.ask("compare_programs", &question, 1).await?.pop().map(|answered| answered.answer))
}

/// Runs that tell the two programs apart; none where nothing does.
async fn telling_runs(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    one: &Candidate,
    other: &Candidate,
) -> Result<Vec<ComparedRun>, TrialError> {
    let written = written(ports, talk, one, other).await?;
    let runs = different(ports, talk, one, other, &written).await?;
    if !runs.is_empty() {
        return Ok(runs);
    }
    different(ports, talk, one, other, &inputs::mutations(&ports.problem, probe::most(ports), 0)).await
}

/// Inputs that the model wrote to tell the two apart. Not asked for where the calls left are needed for judging.
async fn written(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    one: &Candidate,
    other: &Candidate,
) -> Result<Vec<Input>, TrialError> {
    if talk.calls_left() <= JUDGEMENTS + 1 {
        return Ok(Vec::new());
    }
    let apart = Some(Rival { first: &one.written, second: &other.written });
    let question = WriteInputs { task: &ports.task, count: WRITTEN, apart };
    let answered = talk.ask("write_inputs", &question, 1).await?.pop();
    let texts = answered.map(|answered| answered.answer).unwrap_or_default();
    Ok(inputs::distinct(texts.iter().filter_map(|text| inputs::written(&ports.problem, text))))
}

/// Runs both programs; what they did where they did not do the same.
async fn different(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    one: &Candidate,
    other: &Candidate,
    inputs: &[Input],
) -> Result<Vec<ComparedRun>, TrialError> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    talk.cost.executions += 2;
    let first = ports.examiner.probe(&ports.problem, &one.source, inputs).await?;
    let second = ports.examiner.probe(&ports.problem, &other.source, inputs).await?;
    let entry = ports.problem.entry.function();
    let run = |(input, (first, second)): (&Input, (&Answer, &Answer))| ComparedRun {
        input: input.show(entry),
        first: first.show(),
        second: second.show(),
    };
    let pairs = inputs.iter().zip(first.iter().zip(&second));
    let apart = pairs.filter(|(_, (first, second))| !first.is_like(second, &ports.problem.checker));
    Ok(apart.take(SHOWN).map(run).collect())
}

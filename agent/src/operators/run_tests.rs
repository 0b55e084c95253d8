//! Run tests: a program on suites that the model wrote, beside the visible ones. Asks the model nothing.

use codeagent_sandbox::case::Case;
use codeagent_sandbox::verdict::Verdict;
use codeagent_search::policy::{Shown, TrialResult};
use codeagent_search::suite::{SuiteRun, TestId};
use codeagent_search::tree::NodeId;

use super::ask::Conversation;
use super::{Inputs, Made, Ports, TrialError, program, unusable};
use crate::feedback::{self, Judged};
use crate::notebook::{Candidate, Content, Note};
use crate::score;

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    suites: &[NodeId],
    shown: &Shown,
) -> Result<Made, TrialError> {
    let (Some(candidate), Some(note)) = (inputs.candidate(), &inputs.program) else { return Ok(unusable()) };
    let written: Vec<Case> = inputs.sources.iter().flat_map(|note| cases(note)).cloned().collect();
    let report = if written.is_empty() {
        None
    } else {
        let report = ports.examiner.examine_on(&ports.problem, &candidate.source, &written).await?;
        program::note_run(talk, &report);
        Some(report)
    };
    let visible = judged(&ports.problem.visible, &candidate.report);
    let mut rest = report.as_ref().map(|report| judged(&written, report)).unwrap_or_default().into_iter();
    let mut by_suite: Vec<(NodeId, Vec<Judged<'_>>)> = Vec::with_capacity(suites.len());
    for (suite, source) in suites.iter().zip(&inputs.sources) {
        let run = match &source.content {
            Content::Tests(cases) => rest.by_ref().take(cases.len()).collect(),
            _ => visible.clone(),
        };
        by_suite.push((*suite, run));
    }
    let runs = by_suite.iter().map(|(_, run)| suite_run(run)).collect();
    let mut notes = Vec::new();
    if *shown != Shown::Unchanged {
        let selection = selected(&candidate.source, &visible, &by_suite, shown);
        let feedback = feedback::of_selection(&selection);
        let content = Content::Program(Box::new(Candidate { feedback, ..candidate.clone() }));
        notes.push(Note { content, ..Note::clone(note) });
    }
    Ok((TrialResult::Ran { runs }, notes))
}

fn cases(note: &Note) -> &[Case] {
    if let Content::Tests(cases) = &note.content { cases } else { &[] }
}

fn judged<'a>(cases: &'a [Case], report: &'a codeagent_sandbox::judge::Report) -> Vec<Judged<'a>> {
    let one = |(case, result): (&'a Case, &'a codeagent_sandbox::judge::CaseResult)| (case, &result.verdict);
    cases.iter().zip(&report.results).map(one).collect()
}

fn suite_run(run: &[Judged<'_>]) -> SuiteRun {
    let outcome = |(_, verdict): &(&Case, &Verdict)| score::test_outcome(verdict);
    SuiteRun { outcomes: run.iter().map(outcome).collect() }
}

/// The visible tests and those of the model that are shown.
fn selected<'a>(
    source: &'a str,
    visible: &[Judged<'a>],
    by_suite: &[(NodeId, Vec<Judged<'a>>)],
    shown: &Shown,
) -> feedback::Selection<'a> {
    let pick = |suite: NodeId, run: &[Judged<'a>]| -> Vec<Judged<'a>> {
        let is_shown = |index: u32| match shown {
            Shown::Only(tests) => tests.contains(&TestId { suite, index }),
            _ => true,
        };
        run.iter().zip(0..).filter(|(_, index)| is_shown(*index)).map(|(judged, _)| *judged).collect()
    };
    let written = by_suite.iter().filter(|(suite, _)| *suite != NodeId::ROOT);
    feedback::Selection {
        source,
        visible: pick(NodeId::ROOT, visible),
        generated: written.flat_map(|(suite, run)| pick(*suite, run)).collect(),
    }
}

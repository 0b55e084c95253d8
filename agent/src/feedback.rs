//! From a judge's report to the feedback that the next question shows.

use codeagent_prompts::feedback::{FailedTest, FailureKind, Feedback, FeedbackLimits, FeedbackText, Note};
use codeagent_prompts::questions::BlockAnalysis;
use codeagent_prompts::trace::{BlockVerdict, ExecutedBlock, listing};
use codeagent_sandbox::case::{Case, Test};
use codeagent_sandbox::judge::Report;
use codeagent_sandbox::trace::BlockTrace;
use codeagent_sandbox::value;
use codeagent_sandbox::verdict::{Failure, Verdict};

use crate::event::TestFailed;
use crate::notebook::Candidate;
use crate::operators::{Conversation, Ports, TrialError};
use crate::problem::Problem;

/// Failed tests that a trace is tried for, in order.
const TRACED_MAX: usize = 3;

/// Failed tests of one program that the log tells of.
const LOGGED_MAX: usize = 100;

/// Longest text of one of them, in characters.
const LOGGED_CHARS: usize = 400;

/// What the visible tests, and the analysis of one of them, say of a program.
pub(crate) fn of_tests(problem: &Problem, candidate: &Candidate) -> FeedbackText {
    render(problem, candidate, Vec::new())
}

/// What the visible tests say of a program, and what critics remarked on it.
pub(crate) fn with_remarks(problem: &Problem, candidate: &Candidate) -> FeedbackText {
    match &candidate.feedback {
        Some(feedback) if candidate.remarks.is_empty() => feedback.clone(),
        _ => render(problem, candidate, candidate.remarks.clone()),
    }
}

fn render(problem: &Problem, candidate: &Candidate, notes: Vec<Note>) -> FeedbackText {
    let results = problem.visible.iter().zip(&candidate.report.results);
    let judged: Vec<Judged<'_>> = results.map(|(case, result)| (case, &result.verdict)).collect();
    let (passed, failed) = sides(&judged, &candidate.source);
    let blocks = candidate.blocks.clone();
    Feedback { passed, failed, blocks, notes, ..Feedback::default() }.render(&FeedbackLimits::default())
}

/// A case and what came of it.
pub(crate) type Judged<'a> = (&'a Case, &'a Verdict);

/// The tests that feedback speaks of.
pub(crate) struct Selection<'a> {
    /// Program text that verdicts name lines of.
    pub(crate) source: &'a str,
    /// Visible tests.
    pub(crate) visible: Vec<Judged<'a>>,
    /// Tests that the model wrote.
    pub(crate) generated: Vec<Judged<'a>>,
}

/// What chosen tests say of a program; `None` if none of them failed.
pub(crate) fn of_selection(selection: &Selection<'_>) -> Option<FeedbackText> {
    let (passed, failed) = sides(&selection.visible, selection.source);
    let (passed_generated, failed_generated) = sides(&selection.generated, selection.source);
    if failed.is_empty() && failed_generated.is_empty() {
        return None;
    }
    let feedback = Feedback { passed, failed, passed_generated, failed_generated, ..Feedback::default() };
    Some(feedback.render(&FeedbackLimits::default()))
}

/// Passed and failed tests.
fn sides(tests: &[Judged<'_>], source: &str) -> (Vec<String>, Vec<FailedTest>) {
    let (mut passed, mut failed) = (Vec::new(), Vec::new());
    for (case, verdict) in tests {
        if verdict.is_passed() {
            passed.push(case.name.clone());
        } else {
            failed.push(failed_test(case, verdict, source));
        }
    }
    (passed, failed)
}

/// Adds to what is said of a failed program what an analysis of it finds.
pub(crate) async fn add_analysis(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    candidate: &mut Candidate,
) -> Result<(), TrialError> {
    candidate.blocks = analyse(ports, talk, candidate).await?;
    candidate.feedback = Some(of_tests(&ports.problem, candidate));
    Ok(())
}

/// Has the model judge the blocks that the first traceable failed test ran through, one by one (LDB, as RethinkMCTS
/// uses it). Empty where no trace could be made or the allotment is spent.
async fn analyse(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    candidate: &Candidate,
) -> Result<Vec<BlockVerdict>, TrialError> {
    if !talk.may_ask() {
        return Ok(Vec::new());
    }
    let failed = failed_indices(&candidate.report).take(TRACED_MAX);
    for index in failed {
        let Some(trace) = ports.examiner.trace(&ports.problem, &candidate.source, index).await? else {
            continue;
        };
        let (Some(case), Some(result)) =
            (ports.problem.visible.get(index), candidate.report.results.get(index))
        else {
            continue;
        };
        let question = BlockAnalysis {
            task: &ports.task,
            program: &candidate.written,
            test: &failed_test(case, &result.verdict, &candidate.source),
            listing: &listing(&executed(&trace), trace.total),
        };
        let answered = talk.ask("block_analysis", &question, 1).await?.pop();
        return Ok(answered.map(|answered| answered.answer).unwrap_or_default());
    }
    Ok(Vec::new())
}

fn failed_indices(report: &Report) -> impl Iterator<Item = usize> {
    let failed = |(index, result): (usize, &codeagent_sandbox::judge::CaseResult)| {
        let traceable = matches!(
            &result.verdict,
            Verdict::Failed {
                failure: Failure::Wrong { .. } | Failure::Exception { .. } | Failure::NotPlainData { .. }
            }
        );
        traceable.then_some(index)
    };
    report.results.iter().enumerate().filter_map(failed).collect::<Vec<_>>().into_iter()
}

fn executed(trace: &BlockTrace) -> Vec<ExecutedBlock> {
    let block = |block: &codeagent_sandbox::trace::Block| ExecutedBlock {
        source: block.source.clone(),
        before: block.before.clone(),
        after: block.after.clone(),
    };
    trace.blocks.iter().map(block).collect()
}

fn failed_test(case: &Case, verdict: &Verdict, source: &str) -> FailedTest {
    let line = verdict.line().and_then(|number| {
        let text = source.lines().nth(usize::try_from(number).ok()?.checked_sub(1)?)?;
        Some((number, text.trim().to_owned()))
    });
    let (kind, actual) = outcome(verdict);
    FailedTest { test: case.name.clone(), expected: expected(case).unwrap_or_default(), actual, kind, line }
}

/// A test's input as a user would write it; for calls, with what they must return.
pub(crate) fn input(case: &Case) -> String {
    if let Test::Stdio { input, .. } = &case.test { input.clone() } else { case.name.clone() }
}

/// What a test expects, as source text or output; `None` where the test is code that says it.
pub(crate) fn expected(case: &Case) -> Option<String> {
    match &case.test {
        Test::Call { expected, .. } => Some(value::repr(expected)),
        Test::Stdio { expected, .. } => Some(expected.clone()),
        _ => None,
    }
}

/// The visible tests that a program fails, for the log.
pub(crate) fn failed_visible(report: &Report) -> Vec<TestFailed> {
    let results = report.results.iter().zip(0..).filter(|(result, _)| !result.verdict.is_passed());
    let failed = results.map(|(result, test)| TestFailed {
        test,
        verdict: result.verdict.class().to_owned(),
        expected: match &result.verdict {
            Verdict::Failed { failure: Failure::Wrong { expected, .. } } => Some(logged(expected)),
            _ => None,
        },
        actual: logged(&outcome(&result.verdict).1),
    });
    failed.take(LOGGED_MAX).collect()
}

fn logged(text: &str) -> String {
    text.chars().take(LOGGED_CHARS).collect()
}

fn outcome(verdict: &Verdict) -> (FailureKind, String) {
    match verdict {
        Verdict::Passed => (FailureKind::WrongAnswer, "passed".to_owned()),
        Verdict::Failed { failure } => failed(failure),
        Verdict::Timeout { .. } => (FailureKind::Timeout, "did not finish within the time limit".to_owned()),
        Verdict::Memory => (FailureKind::Crash, "used more than the memory limit".to_owned()),
        Verdict::Crashed { cause } => (FailureKind::Crash, format!("crashed the interpreter ({cause})")),
        Verdict::Denied { what } => (FailureKind::Crash, format!("was refused: {what}")),
        Verdict::OutputLimit => (FailureKind::Crash, "printed more than the output limit".to_owned()),
        _ => (FailureKind::Crash, verdict.class().to_owned()),
    }
}

fn failed(failure: &Failure) -> (FailureKind, String) {
    match failure {
        Failure::Wrong { actual, .. } => (FailureKind::WrongAnswer, actual.clone()),
        Failure::Syntax { message, .. } => (FailureKind::Crash, format!("SyntaxError: {message}")),
        Failure::Exception { class, message, .. } if message.is_empty() => {
            (FailureKind::Crash, class.clone())
        }
        Failure::Exception { class, message, .. } => (FailureKind::Crash, format!("{class}: {message}")),
        Failure::NoAnswer => (FailureKind::Crash, "ended without an answer".to_owned()),
        Failure::NotPlainData { what } => {
            (FailureKind::WrongAnswer, format!("an answer that is not plain data ({what})"))
        }
        Failure::Exit { code } => (FailureKind::Crash, format!("exited with status {code}")),
        _ => (FailureKind::Crash, "failed".to_owned()),
    }
}

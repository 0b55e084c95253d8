//! From an answer to a judged candidate: the tail that all program-writing operators share.

use codeagent_prompts::Question;
use codeagent_prompts::questions::PlannedProgram;
use codeagent_sandbox::judge::Report;
use codeagent_search::policy::{Draft, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::{Answered, Conversation};
use super::{Made, Ports, TrialError};
use crate::event::EventKind;
use crate::feedback;
use crate::notebook::{Candidate, Content, Note};
use crate::program::assemble;
use crate::score;

/// What a model wrote.
pub(super) struct Written {
    program: String,
    /// The plan that it now follows, where it was asked for one.
    plan: Option<String>,
}

impl From<String> for Written {
    fn from(program: String) -> Self {
        Self { program, plan: None }
    }
}

impl From<PlannedProgram> for Written {
    fn from(PlannedProgram { program, plan }: PlannedProgram) -> Self {
        Self { program, plan }
    }
}

/// Asks for `count` programs and judges each that can be read.
pub(super) async fn write<Q: Question<Answer: Into<Written>> + Sync>(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    name: &'static str,
    question: &Q,
    count: usize,
    kind: NodeKind,
) -> Result<Made, TrialError> {
    let answers = talk.ask_for_programs(name, question, count).await?;
    if answers.is_empty() {
        return Ok(super::unusable());
    }
    let mut drafts = Vec::with_capacity(answers.len());
    let mut notes = Vec::with_capacity(answers.len());
    for answered in answers {
        let (draft, note) = judge(ports, talk, answered.map(Into::into), kind).await?;
        drafts.push(draft);
        notes.push(note);
    }
    Ok((TrialResult::Made { drafts }, notes))
}

/// Counts a run of a program and says what came of it.
pub(super) fn note_run(talk: &mut Conversation<'_>, report: &Report) {
    talk.cost.executions += 1;
    talk.events.push(EventKind::ExecFinished {
        verdict: score::class(report).to_owned(),
        passed: score::count(report.passed()),
        total: score::count(report.total()),
        ms: score::milliseconds(report),
    });
}

pub(super) async fn judge(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    answered: Answered<Written>,
    kind: NodeKind,
) -> Result<(Draft, Note), TrialError> {
    let Written { program: written, plan } = answered.answer;
    let source = assemble(&ports.problem, &written);
    let report = ports.examiner.examine(&ports.problem, &source).await?;
    note_run(talk, &report);
    let mut attempt = score::attempt(&ports.problem, &source, &report);
    attempt.mean_logprob = answered.mean_logprob;
    // What does not parse is not worth a look.
    if let Some(appraiser) = ports.appraiser.as_ref().filter(|_| attempt.parses) {
        attempt.learned = Some(appraiser.assess(&source).await?.score);
    }
    let mut candidate = Candidate {
        written,
        source,
        plan,
        report,
        blocks: Vec::new(),
        remarks: Vec::new(),
        feedback: None,
        probes: None,
    };
    if attempt.total > 0 && !attempt.passes_all() {
        candidate.feedback = Some(feedback::of_tests(&ports.problem, &candidate));
        if ports.feedback.analyses_failures() {
            feedback::add_analysis(ports, talk, &mut candidate).await?;
        }
    }
    let draft = Draft { kind, prior: None, attempt: Some(attempt) };
    let content = Content::Program(Box::new(candidate));
    Ok((draft, Note { prompt: answered.prompt, answer: answered.text, content }))
}

//! Compose: a function whose helpers are finished to implementations of it, tried on the same inputs and tests
//! (FunCoder's conquer and consensus, the steps of Tree-Planner, the holes of ANPL).

use std::sync::Arc;

use codeagent_prompts::questions::{CallInputs, ComposeFunction, Failing};
use codeagent_prompts::{Entry, Function};
use codeagent_sandbox::case::Case;
use codeagent_search::choose::consensus::Outputs;
use codeagent_search::policy::{Draft, Pieces, TrialResult};
use codeagent_search::tree::NodeKind;

use super::ask::{Answered, Conversation};
use super::decompose::own_text;
use super::pieces::{Above, MAIN, call, entry, put};
use super::{Inputs, Made, Ports, TrialError, blame_hole, program, unusable};
use crate::assertion;
use crate::modules::FunctionGraph;
use crate::notebook::{Content, Note, Written};
use crate::probes::{self, EVALUATE, Probes};

/// Temperature at which inputs are asked for.
const INPUTS_TEMPERATURE: f64 = 0.2;

/// Model calls at most.
pub(super) fn calls(count: usize, pieces: &Pieces) -> u64 {
    let inputs = if pieces.inputs > 0 && pieces.earlier.is_empty() { 2 } else { 0 };
    match count {
        0 => 0,
        1 => inputs + 2,
        _ => inputs + 1,
    }
}

/// The function, and what it is tried with.
struct Subject<'a> {
    ports: &'a Ports,
    function: Function,
    is_entry: bool,
    known: FunctionGraph,
    tests: Vec<String>,
    calls: Vec<String>,
}

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    count: usize,
    pieces: &Pieces,
) -> Result<Made, TrialError> {
    let functions = &inputs.functions;
    let Some(function) = functions.function(&ports.problem) else { return Ok(unusable()) };
    let above = match (pieces.inputs, &ports.sketch) {
        (0, Some(_)) => Above::Verbatim,
        (0, None) => Above::Parts,
        _ => Above::No,
    };
    let is_entry = function.name == entry(&ports.problem).name;
    let mut tests = functions
        .subject
        .as_ref()
        .and_then(|note| note.function())
        .map_or_else(Vec::new, |it| it.tests.clone());
    tests.extend(blame_hole::regressions(ports, talk, inputs, &function.name).await?);
    let known = functions.graph(above);
    let mut subject = Subject { ports, function, is_entry, known, tests, calls: Vec::new() };
    subject.calls = subject.inputs(talk, inputs, count, pieces).await?;

    let mut candidates = Vec::new();
    if let Some(written) = functions.draft.as_ref().and_then(|note| note.function()) {
        candidates.extend(subject.draft(talk, written, above).await?);
    }
    for answered in subject.ask(talk, inputs, count).await? {
        candidates.extend(subject.candidate(talk, answered).await?);
    }
    Ok(composed(inputs, candidates))
}

/// A candidate with what it came to.
struct Tried {
    draft: Draft,
    note: Note,
    fails: bool,
}

/// Puts the candidates beside the earlier ones, so that equal outputs have equal numbers.
fn composed(inputs: &Inputs, candidates: Vec<Tried>) -> Made {
    if candidates.is_empty() {
        return unusable();
    }
    let earlier = inputs.functions.earlier.iter().map(|note| note.probes());
    let all: Vec<Option<&Probes>> = earlier
        .chain(candidates.iter().map(|tried| tried.note.probes()))
        .map(|probes| probes.map(|probes| &**probes))
        .collect();
    let found = probes::behaviours(&all).into_iter().skip(inputs.functions.earlier.len());
    let behaviours: Vec<Outputs> = found
        .zip(&candidates)
        .map(|(behaviour, tried)| Outputs { fails: tried.fails, ..behaviour })
        .collect();
    let (drafts, notes) = candidates.into_iter().map(|tried| (tried.draft, tried.note)).unzip();
    (TrialResult::Composed { drafts, behaviours }, notes)
}

impl Subject<'_> {
    fn is_whole(&self) -> bool {
        self.is_entry && self.ports.problem.entry == Entry::Stdio
    }

    /// The inputs of earlier candidates, or new ones. A whole program has none but those of its tests.
    async fn inputs(
        &self,
        talk: &mut Conversation<'_>,
        inputs: &Inputs,
        count: usize,
        pieces: &Pieces,
    ) -> Result<Vec<String>, TrialError> {
        let mut earlier = inputs.functions.earlier.iter().filter_map(|note| note.probes());
        if let Some(probes) = earlier.next() {
            return Ok(probes.calls.clone());
        }
        if pieces.inputs == 0 || count == 0 || !pieces.earlier.is_empty() || self.is_whole() {
            return Ok(Vec::new());
        }
        let (task, call) = (&self.ports.task, call(&self.ports.problem, &self.function));
        let question =
            CallInputs { task, function: &self.function, whole: false, call: &call, count: pieces.inputs };
        let usual = std::mem::replace(&mut talk.temperature, INPUTS_TEMPERATURE);
        let answered = talk.ask("call_inputs", &question, 1).await?.pop();
        talk.temperature = usual;
        Ok(answered.map(|answered| answered.answer).unwrap_or_default())
    }

    async fn ask(
        &self,
        talk: &mut Conversation<'_>,
        inputs: &Inputs,
        count: usize,
    ) -> Result<Vec<Answered<String>>, TrialError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let functions = &inputs.functions;
        let others: Vec<Function> = functions
            .others
            .iter()
            .filter_map(|note| note.function())
            .map(|written| written.function.clone())
            .filter(|other| !self.known.knows(&other.name))
            .collect();
        let failing = functions.after.as_ref().and_then(|note| match &note.content {
            Content::Program(candidate) => Some(candidate),
            _ => None,
        });
        let so_far = failing.map(|candidate| blame_hole::source_of(candidate, &self.function.name));
        let failed = match (&so_far, failing.and_then(|candidate| candidate.feedback.as_ref())) {
            (Some(source), Some(feedback)) => Some(Failing { source, feedback }),
            _ => None,
        };
        let question = ComposeFunction {
            task: &self.ports.task,
            function: &self.function,
            whole: self.is_whole(),
            code: &self.known.whole(),
            others: &others,
            tests: &self.tests,
            failed,
        };
        talk.ask_for_programs("compose_function", &question, count).await
    }

    /// An implementation that is there already.
    async fn draft(
        &self,
        talk: &mut Conversation<'_>,
        written: &Written,
        above: Above,
    ) -> Result<Option<Tried>, TrialError> {
        let answered = Answered {
            prompt: Vec::new(),
            text: String::new(),
            mean_logprob: None,
            answer: written.source.clone(),
        };
        let mut graph = self.known.clone();
        if above == Above::Verbatim {
            // What the user wrote goes first and stays as it is.
            let parts = std::mem::take(&mut graph);
            put(&mut graph, written, above);
            graph.add(&parts.whole());
        } else {
            put(&mut graph, written, above);
        }
        self.tried(talk, answered, &graph).await.map(Some)
    }

    async fn candidate(
        &self,
        talk: &mut Conversation<'_>,
        answered: Answered<String>,
    ) -> Result<Option<Tried>, TrialError> {
        let Some(own) = own_text(&answered.answer, &self.function.name, &self.known) else { return Ok(None) };
        let mut graph = self.known.clone();
        if !graph.add(&own) || !graph.knows(&self.function.name) {
            return Ok(None);
        }
        self.tried(talk, Answered { answer: own, ..answered }, &graph).await.map(Some)
    }

    /// Runs a candidate, whose own source is the answer, within the program that `graph` makes.
    async fn tried(
        &self,
        talk: &mut Conversation<'_>,
        answered: Answered<String>,
        graph: &FunctionGraph,
    ) -> Result<Tried, TrialError> {
        let mut text = graph.assemble(&self.function.name);
        let probes = self.probe(talk, &text).await?.map(Arc::new);
        if !self.is_entry {
            return self.part(talk, answered, text, probes).await;
        }
        if self.is_whole() {
            text = format!("{text}\n\nif __name__ == \"__main__\":\n    {MAIN}()\n");
        }
        let answered = Answered { answer: text, ..answered };
        let answered = answered.map(Into::into);
        let (draft, mut note) = program::judge(self.ports, talk, answered, NodeKind::Solution).await?;
        let fails = draft.attempt.as_ref().is_some_and(|attempt| attempt.total > attempt.passed);
        if let Content::Program(candidate) = &mut note.content {
            candidate.probes = probes;
        }
        Ok(Tried { draft, note, fails })
    }

    async fn part(
        &self,
        talk: &mut Conversation<'_>,
        answered: Answered<String>,
        text: String,
        probes: Option<Arc<Probes>>,
    ) -> Result<Tried, TrialError> {
        let problem = &self.ports.problem;
        let cases: Vec<Case> = self
            .tests
            .iter()
            .filter_map(|test| assertion::case(test, problem.limits.time, &problem.checker))
            .collect();
        let mut trouble = probes.as_ref().and_then(|probes| probes.trouble());
        let mut fails = false;
        if !cases.is_empty() {
            let source = crate::program::part(problem, &text);
            let report =
                self.ports.examiner.test_function(problem, source, &self.function.name, &cases).await?;
            talk.cost.executions += 1;
            fails = report.passed() < report.total();
            let failed = report.results.iter().zip(&cases).find(|(result, _)| !result.verdict.is_passed());
            trouble =
                failed.map(|(result, case)| format!("{}: {}", case.name, result.verdict.class())).or(trouble);
        }
        let written = Written {
            function: self.function.clone(),
            source: answered.answer,
            tests: self.tests.clone(),
            probes,
            trouble,
        };
        let content = Content::Function(Box::new(written));
        let note = Note { prompt: answered.prompt, answer: answered.text, content };
        let draft = Draft { kind: NodeKind::Module, prior: None, attempt: None };
        Ok(Tried { draft, note, fails })
    }

    async fn probe(&self, talk: &mut Conversation<'_>, text: &str) -> Result<Option<Probes>, TrialError> {
        if self.calls.is_empty() {
            return Ok(None);
        }
        let problem = &self.ports.problem;
        let source = probes::harnessed(&crate::program::part(problem, text));
        let arguments = probes::arguments(&self.calls);
        let probe = self.ports.examiner.probe_function(problem, source, EVALUATE, &arguments).await?;
        talk.cost.executions += 1;
        Ok(Some(Probes::read(self.calls.clone(), probe)))
    }
}

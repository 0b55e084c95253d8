//! Blame a hole: a failed program to the one of its holes that does not do what it is for (ANPL without a person). Also:
//! what a hole returned in the tests that the program passes, which it must go on to return.

use codeagent_prompts::Function;
use codeagent_prompts::questions::BlameFunction;
use codeagent_sandbox::case::Test;
use codeagent_sandbox::{Arguments, Claim, Probe, Probed, Value};
use codeagent_search::policy::TrialResult;

use super::ask::Conversation;
use super::pieces::{MAIN, call, entry};
use super::{Inputs, Made, Ports, TrialError, unusable};
use crate::assertion;
use crate::modules::{FunctionGraph, parts};
use crate::notebook::{Candidate, Content};
use crate::problem::Entry;

/// Calls of one run that are recorded.
const CALLS_MAX: usize = 40;
/// Longest line of a call that is shown, in characters.
const LINE_CHARS_MAX: usize = 300;
/// Regression tests of one hole at most.
const REGRESSIONS_MAX: usize = 12;

/// End of a text that was cut. No value is written so.
const CUT: char = '\u{2026}';

/// Name of the function that records calls.
const RECORD: &str = "_record_calls";

/// Runs the program once with watched functions and gives what went in and came out of them.
const HARNESS: &str = r#"


def _record_calls(names, start, args, kwargs, stdin, most):
    import contextlib
    import io
    import sys
    records = []

    def watched(name, function):
        def call(*args, **kwargs):
            given = [repr(value) for value in args] + [f"{key}={value!r}" for key, value in kwargs.items()]
            record = [name, ", ".join(given), None, None]
            if len(records) < most:
                records.append(record)
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                record[3] = f"{type(error).__name__}: {error}"
                raise
            record[2] = repr(result)
            return result
        return call

    for name in names:
        if callable(globals().get(name)):
            globals()[name] = watched(name, globals()[name])
    if stdin is not None:
        sys.stdin = io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            eval(start, globals())(*args, **dict(kwargs))
    except BaseException:
        pass
    # What is cut is marked with `CUT`, so that nobody takes it for the whole value.
    cut = lambda text: text if text is None or len(text) <= 4000 else text[:4000] + "\u2026"
    return [[cut(text) for text in record] for record in records]
"#;

/// One call of a hole.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    name: String,
    given: String,
    returned: Option<String>,
    raised: Option<String>,
}

pub(super) async fn carry_out(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
) -> Result<Made, TrialError> {
    let Some((candidate, feedback)) = inputs.failed() else { return Ok(unusable()) };
    let holes: Vec<Function> = inputs
        .functions
        .others
        .iter()
        .filter_map(|note| note.function())
        .map(|written| written.function.clone())
        .collect();
    let names: Vec<&str> = holes.iter().map(|hole| hole.name.as_str()).collect();
    let verdicts = candidate.report.results.iter();
    let failing =
        verdicts.enumerate().find(|(_, result)| !result.verdict.is_passed()).map(|(index, _)| index);
    let calls = match failing {
        Some(test) => record(ports, talk, candidate, &names, test).await?,
        None => Vec::new(),
    };
    let listing: Vec<String> = calls.iter().map(Call::shown).collect();
    let question = BlameFunction {
        task: &ports.task,
        program: &candidate.written,
        feedback,
        calls: &listing.join("\n"),
        functions: &holes,
    };
    let answered = talk.ask("blame_function", &question, 1).await?.pop();
    let hole = answered.and_then(|answered| answered.answer);
    Ok((TrialResult::HoleBlamed { hole }, Vec::new()))
}

/// What a hole returned in the tests that the whole program passes, as assertions that it must keep.
pub(super) async fn regressions(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    inputs: &Inputs,
    hole: &str,
) -> Result<Vec<String>, TrialError> {
    let after = inputs.functions.after.as_ref();
    let Some(Content::Program(candidate)) = after.map(|note| &note.content) else { return Ok(Vec::new()) };
    let mut kept: Vec<String> = Vec::new();
    for (test, result) in candidate.report.results.iter().enumerate() {
        if !result.verdict.is_passed() || kept.len() >= REGRESSIONS_MAX {
            continue;
        }
        for call in record(ports, talk, candidate, &[hole], test).await? {
            let test = call.test().filter(|test| kept.len() < REGRESSIONS_MAX && !kept.contains(test));
            kept.extend(test);
        }
    }
    Ok(kept)
}

/// What is written for a function in a program, with nothing around it.
pub(super) fn source_of(candidate: &Candidate, name: &str) -> String {
    let found = parts(&candidate.written).unwrap_or_default();
    let own = found.into_iter().rev().find(|part| part.names.iter().any(|defined| defined == name));
    own.map(|part| part.source).unwrap_or_default()
}

/// The calls of the functions `names` in one visible test. None where the test is code of its own.
async fn record(
    ports: &Ports,
    talk: &mut Conversation<'_>,
    candidate: &Candidate,
    names: &[&str],
    test: usize,
) -> Result<Vec<Call>, TrialError> {
    let problem = &ports.problem;
    let Some(case) = problem.visible.get(test) else { return Ok(Vec::new()) };
    let (args, kwargs, stdin) = match &case.test {
        Test::Call { args, kwargs, .. } => (args.clone(), kwargs.clone(), Value::None),
        Test::Stdio { input, .. } => (Vec::new(), Vec::new(), Value::str(input.as_str())),
        _ => return Ok(Vec::new()),
    };
    let (start, source) = match problem.entry {
        Entry::Function { .. } => (call(problem, &entry(problem)), candidate.source.clone()),
        Entry::Stdio => {
            // Without the guard and the bare calls that run the program: it must not run while it is loaded.
            let mut graph = FunctionGraph::default();
            graph.add(&candidate.source);
            (MAIN.to_owned(), graph.whole())
        }
    };
    let pairs = kwargs
        .into_iter()
        .map(|(name, value)| Value::Tuple(vec![Value::str(name.as_str()), value]))
        .collect();
    let arguments = Arguments {
        args: vec![
            Value::List(names.iter().map(|name| Value::str(*name)).collect()),
            Value::str(start.as_str()),
            Value::List(args),
            Value::List(pairs),
            stdin,
            Value::int(i64::try_from(CALLS_MAX).unwrap_or(i64::MAX)),
        ],
        kwargs: Vec::new(),
    };
    let source = format!("{}{HARNESS}", source.trim_end());
    talk.cost.executions += 1;
    let probe = ports.examiner.probe_function(problem, source, RECORD, &[arguments]).await?;
    Ok(calls_of(probe))
}

fn calls_of(probe: Probe) -> Vec<Call> {
    let Probe::Answers(answers) = probe else { return Vec::new() };
    match answers.into_iter().next() {
        Some(Probed::Claim(Claim::Value { value: Value::List(records), .. })) => {
            records.iter().filter_map(Call::read).collect()
        }
        _ => Vec::new(),
    }
}

impl Call {
    fn read(record: &Value) -> Option<Self> {
        let Value::List(fields) = record else { return None };
        let text = |index: usize| match fields.get(index) {
            Some(Value::Str(text)) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
            _ => None,
        };
        Some(Self { name: text(0)?, given: text(1)?, returned: text(2), raised: text(3) })
    }

    /// What the call says that its function must return: an assertion, if whole values can be written as literals.
    fn test(&self) -> Option<String> {
        let returned = self.returned.as_ref().filter(|returned| !returned.ends_with(CUT))?;
        let text = format!("{}({}) == {returned}", self.name, self.given);
        (!self.given.ends_with(CUT) && assertion::is_about(&text, &self.name)).then_some(text)
    }

    fn shown(&self) -> String {
        let came = match (&self.returned, &self.raised) {
            (Some(value), _) => format!("returned {value}"),
            (None, Some(error)) => format!("raised {error}"),
            (None, None) => "did not return".to_owned(),
        };
        let line = format!("{}({}) {came}", self.name, self.given);
        match line.char_indices().nth(LINE_CHARS_MAX) {
            Some((end, _)) => format!("{}{CUT}", line.get(..end).unwrap_or_default()),
            None => line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(given: &str, returned: &str) -> Call {
        let returned = Some(returned.to_owned());
        Call { name: "f".into(), given: given.into(), returned, raised: None }
    }

    #[test]
    fn what_is_cut_is_no_test_and_is_shown_as_cut() {
        assert_eq!(call("1, [2]", "'a'").test().as_deref(), Some("f(1, [2]) == 'a'"));
        assert_eq!(
            call("'x\u{2026}'", "1").test().as_deref(),
            Some("f('x\u{2026}') == 1"),
            "a value of its own"
        );
        for (given, returned) in
            [("1, 2\u{2026}", "3"), ("1", "[1, 2\u{2026}"), ("1", "12\u{2026}"), ("1", "<object>")]
        {
            assert_eq!(call(given, returned).test(), None, "{given} {returned}");
        }
        let line = call(&"9".repeat(4_000), "1").shown();
        assert!(line.chars().count() == LINE_CHARS_MAX + 1 && line.ends_with(CUT));
    }
}

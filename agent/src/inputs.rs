//! Test inputs without right answers: those of the visible tests, mutations of them, and those that a model wrote. What
//! programs do on them tells programs apart.

use codeagent_sandbox::literal::{Call, CallAssertion, checked_calls};
use codeagent_sandbox::value::{Value, canonical, repr};
use codeagent_sandbox::{Arguments, Case, Test};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

mod bounds;
mod luck;
mod mutate;
mod stdin;
#[cfg(test)]
mod tests;

/// Values that inputs made together may have, so that they fit in memory however long the visible ones are.
pub(crate) const VALUES_MAX: usize = 4_000_000;

/// Bytes of a text that take as much memory as one value.
const VALUE_BYTES: usize = 16;

/// One input of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Input {
    /// Arguments of the entry point.
    Call(Arguments),
    /// What stands on standard input.
    Stdin(String),
}

impl Input {
    /// The input as a person would write it.
    pub(crate) fn show(&self, entry: Option<&str>) -> String {
        match self {
            Self::Call(arguments) => {
                let named = arguments.kwargs.iter().map(|(name, value)| format!("{name}={}", repr(value)));
                let all: Vec<_> = arguments.args.iter().map(repr).chain(named).collect();
                format!("{}({})", entry.unwrap_or_default(), all.join(", "))
            }
            Self::Stdin(text) => text.clone(),
        }
    }

    /// The memory that it takes, in values.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Call(call) => {
                let named = call.kwargs.iter().map(|(_, value)| value);
                1 + call.args.iter().chain(named).map(bounds::size).sum::<usize>()
            }
            Self::Stdin(text) => 1 + text.len() / VALUE_BYTES,
        }
    }

    /// Bytes that are equal for inputs that are the same.
    fn identity(&self) -> Vec<u8> {
        match self {
            Self::Stdin(text) => text.as_bytes().to_vec(),
            Self::Call(Arguments { args, kwargs }) => {
                let named = kwargs.iter().map(|(name, value)| (Value::str(name.as_str()), value.clone()));
                canonical(&Value::Tuple(vec![Value::List(args.clone()), Value::Dict(named.collect())]))
            }
        }
    }
}

/// The inputs of a problem's visible tests, each once. Tests that are more than one call with literal arguments give none.
pub(crate) fn visible(problem: &Problem) -> Vec<Input> {
    let entry = problem.entry.function().unwrap_or_default();
    distinct(problem.visible.iter().flat_map(|case| of_case(case, entry)))
}

/// Up to `count` new inputs like those of the visible tests; the same ones for the same problem and seed.
pub(crate) fn mutations(problem: &Problem, count: usize, seed: u64) -> Vec<Input> {
    mutate::inputs(&visible(problem), count, seed)
}

/// What a model wrote as an input, if it can be read: a call of the entry point with literal arguments (what it says of
/// the result is passed over), or a text for standard input.
pub(crate) fn written(problem: &Problem, text: &str) -> Option<Input> {
    let Some(entry) = problem.entry.function() else { return Some(Input::Stdin(text.to_owned())) };
    let call = Call::parse(text).map(|call| (call.entry, call.args, call.kwargs));
    let (called, args, kwargs) = call.or_else(|| {
        let assertion = CallAssertion::parse(&format!("assert {text}"))?;
        Some((assertion.entry, assertion.args, assertion.kwargs))
    })?;
    is_entry(&called, entry).then_some(Input::Call(Arguments { args, kwargs }))
}

/// Whether a call of `called` is one of the entry point. Test code calls it `candidate`, too; an answer's calls of a
/// method are cut down to the method's own name.
fn is_entry(called: &str, entry: &str) -> bool {
    called == entry || called == "candidate" || entry.rsplit('.').next() == Some(called)
}

/// The inputs without repetitions, the first of each.
pub(crate) fn distinct(inputs: impl IntoIterator<Item = Input>) -> Vec<Input> {
    let mut seen = std::collections::BTreeSet::new();
    inputs.into_iter().filter(|input| seen.insert(input.identity())).collect()
}

/// The first of `inputs`, as many as fit in memory together: at least one, where there is one.
pub(crate) fn held(inputs: impl IntoIterator<Item = Input>) -> Vec<Input> {
    let mut taken = 0;
    let fits = |input: &Input| {
        let fits = taken < VALUES_MAX;
        taken += input.weight();
        fits
    };
    inputs.into_iter().take_while(fits).collect()
}

fn of_case(case: &Case, entry: &str) -> Vec<Input> {
    let call = |args: &[Value], kwargs: &[(String, Value)]| {
        Input::Call(Arguments { args: args.to_vec(), kwargs: kwargs.to_vec() })
    };
    match &case.test {
        Test::Call { args, kwargs, .. } => vec![call(args, kwargs)],
        Test::Stdio { input, .. } => vec![Input::Stdin(input.clone())],
        Test::Code { setup, code } => match CallAssertion::parse(code) {
            Some(said) if is_entry(&said.entry, entry) => vec![call(&said.args, &said.kwargs)],
            Some(_) => Vec::new(),
            None => {
                let calls = checked_calls(setup, code, entry).unwrap_or_default();
                calls.iter().map(|it| call(&it.assertion.args, &it.assertion.kwargs)).collect()
            }
        },
        _ => Vec::new(),
    }
}

//! What a function does on inputs whose right answers nobody knows, and which of several functions do the same.

use codeagent_sandbox::{Arguments, Claim, Probe, Probed, Value, value};
use codeagent_search::choose::consensus::Outputs;

/// What came of calling one function on some inputs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probes {
    /// Call expressions.
    pub(crate) calls: Vec<String>,
    /// What came of each.
    pub(crate) outputs: Vec<Output>,
}

/// What came of one call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Output {
    /// It returned this, or, if it printed, this and what it printed.
    Value(Value),
    /// It returned something that can't be compared.
    Opaque,
    /// It returned nothing: why.
    Crash(String),
}

/// Two floats this close, absolutely or relatively, are one output.
const TOLERANCE: f64 = 1e-9;

/// Name of the function that evaluates a call.
pub(crate) const EVALUATE: &str = "_evaluate_a_call";

/// Evaluates a call inside the program. What it prints is part of what it returns; an iterator is read out.
const HARNESS: &str = r#"


def _evaluate_a_call(call):
    import contextlib
    import io
    import itertools
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        value = eval(call, globals())
        if hasattr(value, "__next__"):
            value = list(itertools.islice(value, 1000))
    lines = [line.rstrip() for line in printed.getvalue().rstrip().split("\n")]
    return value if lines == [""] else [value, lines]
"#;

/// A program that can be asked for the values of calls.
pub(crate) fn harnessed(source: &str) -> String {
    format!("{}{HARNESS}", source.trim_end())
}

/// The arguments with which [`EVALUATE`] makes each of these calls.
pub(crate) fn arguments(calls: &[String]) -> Vec<Arguments> {
    calls.iter().map(|call| Arguments { args: vec![Value::str(call.as_str())], kwargs: Vec::new() }).collect()
}

impl Probes {
    /// What a probe with [`arguments`] of `calls` found.
    pub(crate) fn read(calls: Vec<String>, probe: Probe) -> Self {
        let outputs = match probe {
            Probe::Answers(answers) => answers.into_iter().map(output).collect(),
            Probe::Unloadable(verdict) => vec![Output::Crash(verdict.class().to_owned()); calls.len()],
        };
        Self { calls, outputs }
    }

    /// The first call that returned nothing, and why.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.calls.iter().zip(&self.outputs).find_map(|(call, output)| match output {
            Output::Crash(why) => Some(format!("{call}: {why}")),
            _ => None,
        })
    }
}

fn output(probed: Probed) -> Output {
    match probed {
        Probed::Claim(Claim::Value { value, .. }) => Output::Value(value),
        Probed::Claim(Claim::NotPlain { .. }) => Output::Opaque,
        Probed::Claim(Claim::Exception(problem)) => {
            Output::Crash(format!("{}: {}", problem.class, problem.message))
        }
        Probed::Ended(verdict) => Output::Crash(verdict.class().to_owned()),
    }
}

/// The behaviours of candidates that were all called on the same inputs: values that are equal, floats with a
/// tolerance and sets and dictionaries without order, are one class. Classes are numbered by first appearance, so that
/// those of the first candidates do not depend on the later ones.
pub(crate) fn behaviours(candidates: &[Option<&Probes>]) -> Vec<Outputs> {
    let inputs = candidates.iter().flatten().map(|probes| probes.outputs.len()).max().unwrap_or(0);
    let mut found = vec![Outputs { outputs: vec![None; inputs], fails: false }; candidates.len()];
    for input in 0..inputs {
        let mut classes: Vec<Option<&Value>> = Vec::new();
        for (candidate, behaviour) in candidates.iter().zip(&mut found) {
            let output = candidate.and_then(|probes| probes.outputs.get(input));
            let class = output.and_then(|output| class(output, &mut classes));
            if let Some(place) = behaviour.outputs.get_mut(input) {
                *place = class;
            }
        }
    }
    found
}

/// The class of an output, a new one if need be. What can't be compared is alone in its class.
fn class<'o>(output: &'o Output, classes: &mut Vec<Option<&'o Value>>) -> Option<u32> {
    let index = match output {
        Output::Crash(_) => return None,
        Output::Opaque => {
            classes.push(None);
            classes.len() - 1
        }
        Output::Value(new) => {
            let known = classes
                .iter()
                .position(|known| known.is_some_and(|known| value::close(new, known, TOLERANCE)));
            known.unwrap_or_else(|| {
                classes.push(Some(new));
                classes.len() - 1
            })
        }
    };
    u32::try_from(index).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(outputs: Vec<Output>) -> Probes {
        Probes { calls: vec![String::new(); outputs.len()], outputs }
    }

    fn literal(text: &str) -> Output {
        Output::Value(codeagent_sandbox::literal::parse(text).unwrap())
    }

    fn check(one_input: &[Output], expected: &[Option<u32>]) {
        let candidates: Vec<Probes> = one_input.iter().map(|output| probes(vec![output.clone()])).collect();
        let found = behaviours(&candidates.iter().map(Some).collect::<Vec<_>>());
        let classes: Vec<Option<u32>> = found.iter().map(|behaviour| behaviour.outputs[0]).collect();
        assert_eq!(classes, expected);
    }

    #[test]
    fn equal_values_are_one_class() {
        let [a, b] = [literal("[1, 2]"), literal("[2, 1]")];
        check(&[a.clone(), b.clone(), a], &[Some(0), Some(1), Some(0)]);
        check(&[literal("{1, 2}"), literal("{2, 1}")], &[Some(0), Some(0)]);
        check(&[literal("{'a': 1, 'b': 2}"), literal("{'b': 2, 'a': 1}")], &[Some(0), Some(0)]);
        check(
            &[literal("0.1"), literal("0.10000000000000002"), literal("0.2")],
            &[Some(0), Some(0), Some(1)],
        );
        check(&[b, Output::Crash("x".into()), literal("None")], &[Some(0), None, Some(1)]);
    }

    #[test]
    fn what_cannot_be_compared_agrees_with_nothing() {
        check(&[Output::Opaque, Output::Opaque], &[Some(0), Some(1)]);
    }

    #[test]
    fn candidates_without_probes_crash_everywhere() {
        let tried = probes(vec![literal("1"), literal("2")]);
        let found = behaviours(&[None, Some(&tried)]);
        assert_eq!(found[0].outputs, [None, None]);
        assert_eq!(found[1].outputs, [Some(0), Some(0)]);
    }
}

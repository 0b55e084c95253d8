//! What programs did on inputs whose right answers nobody knows, and who did the same.

use codeagent_sandbox::value::{Value, canonical, close, python_eq, repr};
use codeagent_sandbox::{Checker, Claim, Failure, Outcome, Probe, Probed, Verdict};
use serde::{Deserialize, Serialize};

use crate::digest::number;

#[cfg(test)]
mod tests;

/// What one program did on one input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It returned this.
    Value(Value),
    /// It printed this and ended with status 0.
    Output(String),
    /// It raised, crashed, took too long, or answered with nothing that can be compared.
    Error(String),
}

impl Answer {
    /// The answers to `count` calls.
    pub(crate) fn of_probe(probe: Probe, count: usize) -> Vec<Self> {
        match probe {
            Probe::Answers(answers) => answers.into_iter().map(Self::of_call).collect(),
            Probe::Unloadable(verdict) => vec![Self::of_verdict(&verdict); count],
        }
    }

    /// The answer to a text on standard input.
    pub(crate) fn of_run(outcome: &Outcome) -> Self {
        match &outcome.verdict {
            Verdict::Passed => Self::Output(String::from_utf8_lossy(&outcome.stdout).into_owned()),
            other => Self::of_verdict(other),
        }
    }

    fn of_call(probed: Probed) -> Self {
        match probed {
            Probed::Claim(Claim::Value { value, .. }) => Self::Value(value),
            Probed::Claim(Claim::Exception(problem)) => Self::Error(problem.class),
            Probed::Claim(Claim::NotPlain { what }) => {
                Self::Error(format!("returned {what}, which is no plain data"))
            }
            Probed::Ended(verdict) => Self::of_verdict(&verdict),
        }
    }

    fn of_verdict(verdict: &Verdict) -> Self {
        Self::Error(match verdict {
            Verdict::Failed { failure: Failure::Exception { class, .. } } => class.clone(),
            other => other.class().to_owned(),
        })
    }

    pub(crate) const fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }

    /// The answer as a person would write it.
    pub(crate) fn show(&self) -> String {
        match self {
            Self::Value(value) => repr(value),
            Self::Output(text) => text.clone(),
            Self::Error(what) => format!("(error: {what})"),
        }
    }

    /// Whether a judge with this checker could not tell the two apart. Errors are all alike: which one a program ends
    /// with on an input is an accident.
    pub(crate) fn is_like(&self, other: &Self, checker: &Checker) -> bool {
        match (self, other) {
            (Self::Value(one), Self::Value(other)) => {
                let near = matches!(checker, Checker::Float { atol } if close(one, other, *atol));
                near || python_eq(one, other) || canonical(one) == canonical(other)
            }
            (Self::Output(one), Self::Output(other)) => {
                lines(one).eq(lines(other)) || tokens_alike(one, other, checker)
            }
            (Self::Error(_), Self::Error(_)) => true,
            _ => false,
        }
    }

    /// Bytes that say what it is.
    fn identity(&self) -> Vec<u8> {
        let (tag, rest) = match self {
            Self::Value(value) => (b'v', canonical(value)),
            Self::Output(text) => (b'o', lines(text).collect::<Vec<_>>().join("\n").into_bytes()),
            Self::Error(_) => (b'e', Vec::new()),
        };
        [vec![tag], (rest.len() as u64).to_le_bytes().to_vec(), rest].concat()
    }
}

/// Which inputs count: those from which at least half of the `judges` return without an error. None without judges.
pub(crate) fn counting(judges: &[&[Answer]], inputs: usize) -> Vec<usize> {
    let returns = |input: usize| {
        judges.iter().filter(|answers| answers.get(input).is_some_and(|answer| !answer.is_error())).count()
    };
    (0..inputs).filter(|input| !judges.is_empty() && 2 * returns(*input) >= judges.len()).collect()
}

/// A hash of what each program did on the `counting` inputs, equal for those that did alike. The first of like answers
/// stands for all of them.
pub(crate) fn behaviours(programs: &[&[Answer]], counting: &[usize], checker: &Checker) -> Vec<u64> {
    let mut hashers = vec![blake3::Hasher::new(); programs.len()];
    let missing = Answer::Error(String::new());
    for input in counting {
        let mut different: Vec<&Answer> = Vec::new();
        for (answers, hasher) in programs.iter().zip(&mut hashers) {
            let answer = answers.get(*input).unwrap_or(&missing);
            let known = different.iter().find(|other| answer.is_like(other, checker)).copied();
            if known.is_none() {
                different.push(answer);
            }
            hasher.update(&known.unwrap_or(answer).identity());
        }
    }
    hashers.iter().map(|hasher| number(&hasher.finalize())).collect()
}

/// Lines as exact judging sees them: without white space at their ends and empty lines at the end.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_end().lines().map(str::trim_end)
}

/// Whether outputs are equal token by token, numbers within the checker's tolerance, where the checker looks at tokens.
fn tokens_alike(one: &str, other: &str, checker: &Checker) -> bool {
    let tolerance = match checker {
        Checker::Tokens => 1e-6,
        Checker::Float { atol } => *atol,
        _ => return false,
    };
    let alike = |one: &str, other: &str| {
        one == other
            || matches!((one.parse::<f64>(), other.parse::<f64>()), (Ok(one), Ok(other)) if close(&one.into(), &other.into(), tolerance))
    };
    let (mut left, mut right) = (one.split_whitespace(), other.split_whitespace());
    loop {
        match (left.next(), right.next()) {
            (None, None) => return true,
            (Some(one), Some(other)) if alike(one, other) => {}
            _ => return false,
        }
    }
}

//! Tests that a model wrote, read out of its texts.

use std::collections::BTreeMap;
use std::time::Duration;

use codeagent_sandbox::case::{Case, Test};
use codeagent_sandbox::literal::{CallAssertion, Expectation, assertions};
use codeagent_sandbox::{Arguments, Claim};
use codeagent_search::choose::evidence::GeneratedTest;

use super::passages::passages;
use crate::problem::Problem;

/// What of a text is a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// Each assertion, which ends where its statement does.
    #[default]
    Assertions,
    /// Each assertion with what was written behind it, as CodeT reads them. What follows is often the beginning of
    /// something else that no program can pass, so that its assertion does not count.
    Passages,
}

/// A distinct test.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenTest {
    /// The statement, as it was first written.
    pub statement: String,
    /// How often it was written, and about which input.
    pub test: GeneratedTest,
    /// What the call must return, where the test is about one call.
    expected: Option<Expectation>,
}

/// The distinct tests of some texts, and the inputs that programs are to answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WrittenTests {
    tests: Vec<WrittenTest>,
    inputs: Vec<Arguments>,
}

impl WrittenTests {
    /// Reads the first `per_text` tests of the problem's entry point out of each text. Assertions are equal if they say the
    /// same of the same input. The inputs of visible tests are inputs too. Nothing is read for programs
    /// from stdin to stdout.
    #[must_use]
    pub fn read<'t>(
        problem: &Problem,
        texts: impl IntoIterator<Item = &'t str>,
        reading: Reading,
        per_text: usize,
    ) -> Self {
        let mut reader = Reader::default();
        let Some(entry) = problem.entry.function() else { return reader.tests };
        for case in &problem.visible {
            reader.visible(&case.test, entry);
        }
        for text in texts {
            let tests = match reading {
                Reading::Assertions => assertions(text, entry).into_iter().map(str::to_owned).collect(),
                Reading::Passages => passages(text, entry),
            };
            for test in tests.iter().take(per_text) {
                reader.add(test, entry);
            }
        }
        reader.tests
    }

    /// The tests, in the order in which they were first written.
    #[must_use]
    pub fn tests(&self) -> &[WrittenTest] {
        &self.tests
    }

    /// The inputs that all programs answer.
    #[must_use]
    pub fn inputs(&self) -> &[Arguments] {
        &self.inputs
    }

    /// Which tests the answers to all inputs pass; those that are not about one call, none.
    pub(super) fn passed(&self, claims: &[Option<Claim>]) -> Vec<bool> {
        let holds = |test: &WrittenTest| {
            let claim = claims.get(test.test.input?)?.as_ref()?;
            match claim {
                Claim::Value { value, .. } => Some(test.expected.as_ref()?.holds(value)),
                _ => None,
            }
        };
        self.tests.iter().map(|test| holds(test).unwrap_or(false)).collect()
    }

    /// The tests that are not about one call, by index, as cases.
    pub(super) fn others<'a>(
        &'a self,
        prelude: &'a str,
        time_limit: Duration,
    ) -> impl Iterator<Item = (usize, Case)> + 'a {
        let others = self.tests.iter().enumerate().filter(|(_, test)| test.expected.is_none());
        others.map(move |(index, test)| {
            let code = Test::Code { setup: prelude.to_owned(), code: test.statement.clone() };
            (index, Case { name: test.statement.clone(), test: code, time_limit })
        })
    }
}

/// Reads tests and finds those that were there before.
#[derive(Default)]
struct Reader {
    tests: WrittenTests,
    /// By input and expectation, or by text.
    known: BTreeMap<String, usize>,
    inputs: BTreeMap<String, usize>,
}

impl Reader {
    fn visible(&mut self, test: &Test, entry: &str) {
        match test {
            Test::Call { args, kwargs, .. } => {
                self.input(Arguments { args: args.clone(), kwargs: kwargs.clone() });
            }
            Test::Code { code, .. } => {
                if let Some(call) = CallAssertion::parse(code).filter(|call| call.entry == entry) {
                    self.input(Arguments { args: call.args, kwargs: call.kwargs });
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, statement: &str, entry: &str) {
        let call = CallAssertion::parse(statement).filter(|call| call.entry == entry);
        let (input, expected) = match call {
            Some(CallAssertion { args, kwargs, expected, .. }) => {
                (Some(self.input(Arguments { args, kwargs })), Some(expected))
            }
            None => (None, None),
        };
        let key = match (&input, &expected) {
            (Some(input), Some(expected)) => format!("{input} {}", serialised(expected)),
            _ => statement.to_owned(),
        };
        let next = self.tests.tests.len();
        let place = *self.known.entry(key).or_insert(next);
        match self.tests.tests.get_mut(place) {
            Some(known) => known.test.draws = known.test.draws.saturating_add(1),
            None => self.tests.tests.push(WrittenTest {
                statement: statement.to_owned(),
                test: GeneratedTest { draws: 1, input },
                expected,
            }),
        }
    }

    fn input(&mut self, arguments: Arguments) -> usize {
        let next = self.tests.inputs.len();
        let place = *self.inputs.entry(serialised(&arguments)).or_insert(next);
        if place == next {
            self.tests.inputs.push(arguments);
        }
        place
    }
}

/// Plain data as text; what can't be written (it always can) is one and the same.
fn serialised(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use codeagent_sandbox::Value;

    use super::*;

    #[test]
    fn equal_tests_are_one_and_inputs_are_shared() {
        let problem = Problem::function("t", "f", "").example("f(3) == 4").unwrap();
        let texts = [
            "assert f(1) == 2\nassert f( 1 )==2, 'again'\nassert f(1) == 3\n",
            "assert f(1) == 2\nassert abs(f(2)) < 1",
        ];
        let read = WrittenTests::read(&problem, texts, Reading::Assertions, 5);
        let seen: Vec<_> = read.tests().iter().map(|test| (test.test.draws, test.test.input)).collect();
        assert_eq!(seen, [(3, Some(1)), (1, Some(1)), (1, None)]);
        assert_eq!(read.inputs().len(), 2);
        let answer = |value: i64| Some(Claim::Value { value: Value::from(value), subclass: false });
        assert_eq!(read.passed(&[answer(4), answer(3)]), [false, true, false]);
        assert_eq!(read.passed(&[answer(4), None]), [false; 3]);
        assert_eq!(read.others("", Duration::ZERO).map(|(index, _)| index).collect::<Vec<_>>(), [2]);
        assert_eq!(WrittenTests::read(&problem, texts, Reading::Assertions, 1).tests().len(), 1);
    }

    #[test]
    fn what_follows_an_assertion_is_read_with_it_or_left() {
        let problem = Problem::function("t", "f", "");
        let text = ["assert f(1) == 2\nimport absent\nassert f(1) == 2"];
        let draws = |reading| {
            let read = WrittenTests::read(&problem, text, reading, 5);
            read.tests().iter().map(|test| (test.test.draws, test.test.input)).collect::<Vec<_>>()
        };
        assert_eq!(draws(Reading::Assertions), [(2, Some(0))]);
        assert_eq!(draws(Reading::Passages), [(1, None), (1, Some(0))]);
    }

    #[test]
    fn programs_from_stdin_have_no_such_tests() {
        let problem = Problem::stdio("t", "").prints("1", "2");
        assert_eq!(
            WrittenTests::read(&problem, ["assert f(1) == 2"], Reading::Passages, 5),
            WrittenTests::default()
        );
    }
}

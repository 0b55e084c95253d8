//! Rows of HumanEval: `task_id`, `prompt`, `entry_point`, `canonical_solution`, `test`.
//!
//! Source: Chen et al. 2021, *Evaluating Large Language Models Trained on Code*, section 2.2. Visible tests are the
//! examples of the docstring, hidden tests are `check(entry_point)`, which counts as one test.

use std::time::Duration;

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};

use crate::datasets::docstring;
use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::names::entry_fault;
use crate::datasets::{ProblemWithHidden, eval_plus, limits};
use crate::hidden::HiddenTests;
use crate::references::References;

/// Seconds for one test.
const TIME_S: u64 = 5;

/// Examples in docstrings that contradict the data set's own tests and references, by number; misprints of the source, and
/// so of all sets that are made of it.
const MISPRINTS: [(&str, &str); 4] = [
    ("47", "median([-10, 4, 6, 1000, 10, 20]) == 15.0"),
    ("116", "sort_array([1, 5, 2, 3, 4]) == [1, 2, 3, 4, 5]"),
    ("116", "sort_array([-2, -3, -4, -5, -6]) == [-6, -5, -4, -3, -2]"),
    ("148", "bf('Earth', 'Mercury') == 'Venus'"),
];

/// Reads one row. `examples` says whether the docstring's examples become visible tests.
pub(crate) fn read(row: &Field<'_>, examples: Examples) -> Result<ProblemWithHidden, DatasetError> {
    let problem = problem(row, examples)?;
    let name = problem.entry.function().unwrap_or_default();
    let test = row.required("test")?.text()?;
    let setup = match eval_plus::without_numpy(test) {
        Some(test) => format!("{}{test}", problem.prelude),
        None => setup(&problem.prelude, test),
    };
    let hidden = check(name, setup, problem.limits.time);
    let reference = row.optional("canonical_solution")?.map(|body| body.text()).transpose()?;
    let reference = reference.map(|body| match examples {
        Examples::Visible => body.to_owned(),
        Examples::Ignored => behind_signature(&problem, body),
    });
    let references = References::new(reference.into_iter().collect());
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(vec![hidden]), references })
}

/// The problem of a row, without the tests that decide.
pub(crate) fn problem(row: &Field<'_>, examples: Examples) -> Result<Problem, DatasetError> {
    let id = row.required("task_id")?.label()?;
    let prompt = row.required("prompt")?.text()?;
    let name = entry(row)?;
    let checker = Checker::Exact;
    let limits = limits(TIME_S);
    let signature = signature(prompt, name);
    let mut visible = match examples {
        Examples::Visible => {
            let parameters = signature.as_deref().and_then(docstring::parameters).unwrap_or_default();
            docstring::cases(docstring::examples(prompt, name, &parameters), name, &checker, limits.time)
        }
        Examples::Ignored => Vec::new(),
    };
    let number = id.rsplit('/').next().unwrap_or_default();
    visible.retain(|case| !MISPRINTS.contains(&(number, case.name.as_str())));
    Ok(Problem {
        id,
        statement: prompt.to_owned(),
        entry: Entry::Function { name: name.to_owned(), signature },
        prelude: prelude(prompt, name),
        starter: prompt.to_owned(),
        buggy: None,
        visible,
        checker,
        limits,
    })
}

/// The name of the function.
pub(crate) fn entry<'a>(row: &Field<'a>) -> Result<&'a str, DatasetError> {
    let field = row.required("entry_point")?;
    let name = field.text()?.trim();
    match entry_fault(name) {
        Some(fault) => Err(field.error(fault, "name the function that the prompt defines")),
        None => Ok(name),
    }
}

/// The test `check(name)`, which some code defines.
pub(crate) fn check(name: &str, setup: String, time_limit: Duration) -> Case {
    let code = format!("check({name})");
    Case { name: code.clone(), test: Test::Code { setup, code }, time_limit }
}

/// A body without the docstring of its prompt: bodies of MBPP as completion have an indentation of their own, which does
/// not fit.
fn behind_signature(problem: &Problem, body: &str) -> String {
    let signature = problem.starter.split("'''").next().unwrap_or_default();
    format!("{}\n{body}", signature.trim_end())
}

/// What becomes of the examples in a docstring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Examples {
    /// They are visible tests.
    Visible,
    /// They stay part of the statement only.
    Ignored,
}

/// What stands before the function: imports and helpers.
fn prelude(prompt: &str, name: &str) -> String {
    let end = definition(prompt, name).unwrap_or(0);
    match prompt.get(..end).unwrap_or_default().trim() {
        "" => String::new(),
        code => format!("{code}\n"),
    }
}

/// The test with what it uses: helpers and imports of the prompt, and `math`, which six rows of MBPP name without an
/// import because this form has no place for the list of imports that the original gives.
fn setup(prelude: &str, test: &str) -> String {
    let import = if test.contains("math.") { "import math\n" } else { "" };
    format!("{prelude}{import}{test}")
}

/// The signature of a function that some code defines, such as `def f(a: int) -> int`.
pub(crate) fn signature(code: &str, name: &str) -> Option<String> {
    let definition = code.get(definition(code, name)?..)?;
    let end = definition.find(":\n").or_else(|| definition.trim_end().strip_suffix(':').map(str::len))?;
    definition.get(..end).map(|signature| signature.trim_end().to_owned())
}

/// Where the last definition of a function begins; some rows have a space before the bracket.
pub(crate) fn definition(code: &str, name: &str) -> Option<usize> {
    code.rfind(&format!("def {name}(")).or_else(|| code.rfind(&format!("def {name} (")))
}

#[cfg(test)]
mod tests {
    use super::setup;

    #[test]
    fn tests_come_with_what_they_use() {
        assert_eq!(setup("def g(): pass\n", "def check(f): pass\n"), "def g(): pass\ndef check(f): pass\n");
        assert_eq!(setup("", "assert math.isclose(1, 1)\n"), "import math\nassert math.isclose(1, 1)\n");
    }
}

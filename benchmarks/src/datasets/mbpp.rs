//! Rows of MBPP: the full form (`text`, `code`, `test_list`, `test_setup_code`, `challenge_test_list`; the sanitised
//! original says `prompt` and `test_imports`), and the function-completion form, which has the fields of HumanEval.
//!
//! Source: Austin et al. 2021, *Program Synthesis with Large Language Models*, section 2.1. Protocol `strict`: no test is
//! visible; name and number of arguments come from the first assertion, because statements do not give them. `legacy` shows
//! the first assertion, `codetree-compat` all of them.

use std::time::Duration;

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};

use crate::datasets::docstring::{scan, split_top_level};
use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::names::entry_fault;
use crate::datasets::{ProblemWithHidden, eval_plus, limits};
use crate::hidden::{HiddenTests, PLUS};
use crate::protocol::Protocol;
use crate::references::References;

/// Seconds for one test.
const TIME_S: u64 = 5;

/// Reads one row of the full form.
pub(crate) fn read(row: &Field<'_>, protocol: Protocol) -> Result<ProblemWithHidden, DatasetError> {
    let statement = match row.optional("text")? {
        Some(text) => text,
        None => row.required("prompt")?,
    };
    let tests = row.required("test_list")?;
    let assertions = tests.texts()?;
    let first = assertions.first().ok_or_else(|| tests.error("is empty", "give at least one assertion"))?;
    let Some((name, signature)) = signature(first) else {
        return Err(tests.error("the first assertion calls no function", "write it as `assert f(1) == 2`"));
    };
    let setup = setup(row, &assertions)?;
    let limits = limits(TIME_S);
    let case = |code: &&str| Case {
        name: code.trim().to_owned(),
        test: Test::Code { setup: setup.clone(), code: code.trim().to_owned() },
        time_limit: limits.time,
    };
    let (shown, judged): (&[&str], &[&str]) = match protocol {
        Protocol::Legacy => assertions.split_at(1),
        Protocol::CodetreeCompat => (&assertions, &assertions),
        _ => (&[], &assertions),
    };
    let problem = Problem {
        id: format!("MBPP/{}", row.required("task_id")?.label()?),
        statement: with_tests(statement.text()?, shown),
        entry: Entry::Function { name, signature: Some(signature) },
        prelude: String::new(),
        starter: String::new(),
        buggy: None,
        visible: shown.iter().map(case).collect(),
        checker: Checker::Exact,
        limits,
    };
    let mut hidden: Vec<Case> = judged.iter().map(case).collect();
    if let Some(test) = row.optional("test")? {
        hidden.push(eval_plus_test(test.text()?, &setup, limits.time));
    }
    let reference = row.optional("code")?.map(|code| code.text()).transpose()?.map(str::to_owned);
    let references = References::new(reference.into_iter().collect());
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(hidden), references })
}

/// The test of MBPP+ in the form in which its authors pass it around: code that carries inputs and answers.
fn eval_plus_test(test: &str, setup: &str, time_limit: Duration) -> Case {
    let code = eval_plus::without_numpy(test).unwrap_or_else(|| test.to_owned());
    Case { name: PLUS.to_owned(), test: Test::Code { setup: setup.to_owned(), code }, time_limit }
}

/// The statement with the assertions that it shows.
fn with_tests(statement: &str, shown: &[&str]) -> String {
    if shown.is_empty() {
        return statement.to_owned();
    }
    let tests: Vec<&str> = shown.iter().map(|assertion| assertion.trim()).collect();
    format!("{}\n\nThe solution must pass these tests:\n\n{}\n", statement.trim_end(), tests.join("\n"))
}

/// Code that runs before each assertion. The originals run behind the program and use what it imports, so modules that
/// the assertions name come from the reference.
fn setup(row: &Field<'_>, assertions: &[&str]) -> Result<String, DatasetError> {
    let mut lines = match row.optional("test_imports")? {
        Some(imports) => imports.texts()?,
        None => Vec::new(),
    };
    if let Some(reference) = row.optional("code")? {
        lines.extend(reference.text()?.lines().filter(|line| imports_for(line, assertions)));
    }
    if let Some(code) = row.optional("test_setup_code")? {
        lines.push(code.text()?);
    }
    Ok(lines.join("\n"))
}

/// Whether a line imports a module that an assertion names.
fn imports_for(line: &str, assertions: &[&str]) -> bool {
    line.strip_prefix("import ").is_some_and(|module| {
        let qualifier = format!("{}.", module.trim());
        assertions.iter().any(|assertion| assertion.contains(&qualifier))
    })
}

/// Python's own functions that stand around calls, as in `assert set(f(1)) == {2}`.
const WRAPPERS: [&str; 18] = [
    "abs",
    "all",
    "any",
    "bool",
    "dict",
    "float",
    "int",
    "isinstance",
    "len",
    "list",
    "max",
    "min",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
];

/// Name and signature of the function that an assertion calls: the outermost one that is not a wrapper, or is one that
/// stands alone, since some rows ask for a function `sum`.
pub(super) fn signature(assertion: &str) -> Option<(String, String)> {
    let calls = calls(assertion.trim().strip_prefix("assert")?);
    let (name, inside) = calls.iter().find(|(name, _)| !WRAPPERS.contains(name)).or_else(|| calls.first())?;
    let arity = split_top_level(inside).len();
    let parameters: Vec<_> = (1..=arity).map(|number| format!("arg{number}")).collect();
    Some(((*name).to_owned(), format!("def {name}({})", parameters.join(", "))))
}

/// Names and arguments of the calls in a text, outermost first; methods and functions of modules aside.
fn calls(text: &str) -> Vec<(&str, &str)> {
    let call = |(open, _)| {
        let before = text.get(..open)?.trim_end();
        let name = scan::name_before(before);
        let is_qualified = before.strip_suffix(name)?.ends_with('.');
        let (inside, _) = scan::bracket(text.get(open..)?)?;
        (!is_qualified && entry_fault(name).is_none()).then_some((name, inside))
    };
    text.match_indices('(').filter_map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::{imports_for, signature};

    fn check(assertion: &str, expected: Option<&str>) {
        assert_eq!(signature(assertion).map(|(_, signature)| signature).as_deref(), expected, "{assertion}");
    }

    #[test]
    fn signatures_come_from_assertions() {
        check("assert f((1, 2), [3]) == 4", Some("def f(arg1, arg2)"));
        check("assert f()==1", Some("def f()"));
        check("assert set(f('a, b (')) == {1}", Some("def f(arg1)"));
        check("assert math.isclose(f(1), 2.0)", Some("def f(arg1)"));
        check("assert (f (1)) == 2", Some("def f(arg1)"));
        check("assert 1.5 == f(1)", Some("def f(arg1)"));
        check("assert int(f(5, 3)) == 35", Some("def f(arg1, arg2)"));
        check("assert sum(10,15) == 25", Some("def sum(arg1, arg2)"));
        check("assert 1 == 1", None);
    }

    #[test]
    fn modules_that_assertions_name_are_imported() {
        let assertions = ["assert f(1) == sys.getsizeof(1)"];
        let imported = |line| imports_for(line, &assertions);
        assert!(imported("import sys \r"));
        assert!(!imported("import math"));
        assert!(!imported("    import sys"));
        assert!(!imported("def f(x):"));
    }
}

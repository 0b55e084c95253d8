//! Rows of MBPP: the full form (`text`, `code`, `test_list`, `test_setup_code`, `challenge_test_list`; the sanitised
//! original says `prompt` and `test_imports`), and the function-completion form, which has the fields of HumanEval.
//!
//! Source: Austin et al. 2021, *Program Synthesis with Large Language Models*, section 2.1. Protocol `strict`: no test is
//! visible; name and number of arguments come from the first assertion, because statements do not give them.

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};

use crate::datasets::docstring::{scan, split_top_level};
use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::names::entry_fault;
use crate::datasets::{ProblemWithHidden, limits};
use crate::hidden::HiddenTests;

/// Seconds for one test.
const TIME_S: u64 = 5;

/// Reads one row of the full form.
pub(crate) fn read(row: &Field<'_>) -> Result<ProblemWithHidden, DatasetError> {
    let statement = match row.optional("text")? {
        Some(text) => text,
        None => row.required("prompt")?,
    };
    let tests = row.required("test_list")?;
    let assertions = texts(&tests)?;
    let first = assertions.first().ok_or_else(|| tests.error("is empty", "give at least one assertion"))?;
    let Some((name, signature)) = signature(first) else {
        return Err(tests.error("the first assertion calls no function", "write it as `assert f(1) == 2`"));
    };
    let setup = setup(row)?;
    let limits = limits(TIME_S);
    let case = |code: &&str| Case {
        name: code.trim().to_owned(),
        test: Test::Code { setup: setup.clone(), code: code.trim().to_owned() },
        time_limit: limits.time,
    };
    let problem = Problem {
        id: format!("MBPP/{}", row.required("task_id")?.label()?),
        statement: statement.text()?.to_owned(),
        entry: Entry::Function { name, signature: Some(signature) },
        prelude: String::new(),
        starter: String::new(),
        visible: Vec::new(),
        checker: Checker::Exact,
        limits,
    };
    Ok(ProblemWithHidden { problem, hidden: HiddenTests::new(assertions.iter().map(case).collect()) })
}

/// Code that runs before each assertion.
fn setup(row: &Field<'_>) -> Result<String, DatasetError> {
    let mut lines = match row.optional("test_imports")? {
        Some(imports) => texts(&imports)?,
        None => Vec::new(),
    };
    if let Some(code) = row.optional("test_setup_code")? {
        lines.push(code.text()?);
    }
    Ok(lines.join("\n"))
}

fn texts<'a>(list: &Field<'a>) -> Result<Vec<&'a str>, DatasetError> {
    list.items()?.iter().map(Field::text).collect()
}

/// Name and signature of the function that an assertion calls. The outermost call counts unless it is one of Python's
/// own functions around it, as in `assert set(f(1)) == {2}`.
fn signature(assertion: &str) -> Option<(String, String)> {
    const WRAPPERS: [&str; 10] =
        ["abs", "all", "dict", "isinstance", "len", "list", "round", "set", "sorted", "tuple"];
    let mut text = assertion.trim().strip_prefix("assert")?;
    loop {
        let open = text.find('(')?;
        let name = scan::name_before(text.get(..open)?.trim_end());
        let call = text.get(open..)?;
        let qualified = text.get(..open)?.contains('.');
        if name.is_empty() || qualified || WRAPPERS.contains(&name) || entry_fault(name).is_some() {
            text = call.get(1..)?;
            continue;
        }
        let (inside, _) = scan::bracket(call)?;
        let arity = split_top_level(inside).len();
        let parameters: Vec<_> = (1..=arity).map(|number| format!("arg{number}")).collect();
        return Some((name.to_owned(), format!("def {name}({})", parameters.join(", "))));
    }
}

#[cfg(test)]
mod tests {
    use super::signature;

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
        check("assert 1 == 1", None);
    }
}

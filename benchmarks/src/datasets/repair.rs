//! Rows with a program to repair: HumanEvalPack and QuixBugs.
//!
//! HumanEvalPack (Muennighoff et al. 2023, *OctoPack*) has the fields of HumanEval and `buggy_solution`, the body of a
//! wrong program. Visible are the examples of the docstring, hidden is `test`. Other languages than Python are refused.
//!
//! QuixBugs (Lin et al. 2017, *QuixBugs: A Multi-Lingual Program Repair Benchmark Set*, as OctoPack packs it) has `name`,
//! `buggy_program`, `docstring`, `solution` and `tests`. Visible are the examples of the docstring, hidden are the tests,
//! which count as one. Some pass linked nodes or take a generator's answers, so these travel by value (`objects.rs`).

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::human_eval::{self, Examples, signature};
use crate::datasets::names::entry_fault;
use crate::datasets::{ProblemWithHidden, docstring, limits, objects};
use crate::hidden::HiddenTests;
use crate::references::References;

/// Seconds for one test: one of the right programs takes exponential time.
const TIME_S: u64 = 20;

/// Reads one row of HumanEvalPack.
pub(crate) fn read_pack(row: &Field<'_>) -> Result<ProblemWithHidden, DatasetError> {
    let id = row.required("task_id")?;
    if let Some((language, _)) = id.label()?.split_once('/')
        && !["Python", "HumanEval"].contains(&language)
    {
        let reason = format!("the language `{}` is not supported", language.escape_debug());
        return Err(id.error(reason, "give the rows for Python"));
    }
    let buggy = row.required("buggy_solution")?.text()?;
    let mut problem = human_eval::problem(row, Examples::Visible)?;
    problem.buggy = Some(format!("{}{buggy}", problem.starter));
    let name = problem.entry.function().unwrap_or_default();
    // The test ends in its own call, which is for whoever runs it behind the program.
    let test = row.required("test")?.text()?.trim_end();
    let test = test.strip_suffix(&format!("check({name})")).unwrap_or(test);
    let hidden = human_eval::check(name, format!("{}{test}", problem.prelude), problem.limits.time);
    let reference = row.required("canonical_solution")?.text()?.to_owned();
    let (hidden, references) = (HiddenTests::new(vec![hidden]), References::new(vec![reference]));
    Ok(ProblemWithHidden { problem, hidden, references })
}

/// Reads one row of QuixBugs.
pub(crate) fn read_quix_bugs(row: &Field<'_>) -> Result<ProblemWithHidden, DatasetError> {
    let name_field = row.required("name")?;
    let name = name_field.text()?;
    if let Some(fault) = entry_fault(name) {
        return Err(name_field.error(fault, "name the function that the program defines"));
    }
    let statement = row.required("docstring")?.text()?.trim().trim_matches('"').trim();
    let buggy = row.required("buggy_program")?.text()?;
    let reference = row.required("solution")?.text()?;
    let tests = row.required("tests")?.text()?;
    let signature = signature(buggy, name);
    let limits = limits(TIME_S);
    let parameters = signature.as_deref().and_then(docstring::parameters).unwrap_or_default();
    let examples = docstring::examples(statement, name, &parameters);
    let mut visible = docstring::cases(examples, name, &Checker::Exact, limits.time);
    // Not those that leave out the quotes, nor what a generator answers: neither is plain data.
    visible.retain(|case| matches!(case.test, Test::Call { .. }));
    let hidden = Case {
        name: "tests".to_owned(),
        test: Test::Code { setup: objects::function_setup(name), code: tests.to_owned() },
        time_limit: limits.time,
    };
    let problem = Problem {
        id: format!("QuixBugs/{name}"),
        statement: statement.to_owned(),
        entry: Entry::Function { name: name.to_owned(), signature },
        prelude: String::new(),
        starter: String::new(),
        buggy: Some(buggy.to_owned()),
        visible: if buggy.contains("yield ") { Vec::new() } else { visible },
        checker: Checker::Exact,
        limits,
    };
    let hidden = HiddenTests::with_harness(vec![hidden], objects::harness());
    Ok(ProblemWithHidden { problem, hidden, references: References::new(vec![reference.to_owned()]) })
}

#[cfg(test)]
mod tests;

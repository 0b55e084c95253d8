//! Rows of ClassEval: `task_id`, `skeleton`, `test`, `solution_code`, `class_name`, `test_classes`, `import_statement`.
//!
//! Source: Du et al. 2023, *ClassEval: A Manually-Crafted Benchmark for Evaluating LLMs on Class-level Code Generation*. The entry
//! is a class, and each class of unit tests is one hidden test; no test is visible. Objects travel between tests and
//! candidate by value (`objects.rs`), so tests that share a file, a database or the clock with the candidate can't be
//! judged, nor can rows that need packages which the sandboxes lack. Both are warnings.

use std::time::Duration;

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Checker, Test};
use codeagent_sandbox::value::{Value, repr};

use crate::datasets::error::DatasetError;
use crate::datasets::fields::Field;
use crate::datasets::names::{entry_fault, is_identifier};
use crate::datasets::{ProblemWithHidden, limits, objects};
use crate::hidden::HiddenTests;
use crate::references::References;

/// Seconds for one class of unit tests.
const TIME_S: u64 = 10;

/// Runs a class of unit tests; the first that fails is the error.
const RUNNER: &str = include_str!("class_eval.py");

/// Packages that some rows import and that no sandbox has.
const PACKAGES: [&str; 9] = ["numpy", "pandas", "PIL", "nltk", "bs4", "docx", "openpyxl", "gensim", "PyPDF2"];

/// What tests and candidate would have to share.
const SHARED: [(&str, &str); 4] =
    [("sqlite3", "a database"), (".db", "a database"), ("open(", "files"), ("mock", "patched functions")];

/// Reads one row.
pub(crate) fn read(row: &Field<'_>, warnings: &mut Vec<String>) -> Result<ProblemWithHidden, DatasetError> {
    let id = row.required("task_id")?.label()?;
    let class_field = row.required("class_name")?;
    let class = class_field.text()?;
    if let Some(fault) = entry_fault(class) {
        return Err(class_field.error(fault, "name the class that the skeleton defines"));
    }
    let skeleton_field = row.required("skeleton")?;
    let skeleton = skeleton_field.text()?;
    if !skeleton.contains(&format!("class {class}")) {
        let reason = format!("does not define the class `{class}`");
        return Err(skeleton_field.error(reason, "give the class with the signatures of its methods"));
    }
    let imports = row.optional("import_statement")?.map_or_else(|| Ok(Vec::new()), |it| it.texts())?;
    let imports = imports.join("\n");
    let test = row.required("test")?;
    let reference = row.optional("solution_code")?.map(|code| code.text()).transpose()?;
    if let Some(why) = unjudgeable(&imports, test.text()?, reference.unwrap_or_default()) {
        warnings.push(format!("{}: {why}; right programs fail", test.place()));
    }
    let limits = limits(TIME_S);
    let hidden = cases(row, class, skeleton, (&imports, test.text()?), limits.time)?;
    let problem = Problem {
        id,
        statement: skeleton.to_owned(),
        entry: Entry::Function { name: class.to_owned(), signature: None },
        prelude: if imports.is_empty() { imports } else { format!("{imports}\n") },
        starter: skeleton.to_owned(),
        buggy: None,
        visible: Vec::new(),
        checker: Checker::Exact,
        limits,
    };
    let hidden = HiddenTests::with_harness(hidden, objects::harness());
    Ok(ProblemWithHidden {
        problem,
        hidden,
        references: References::new(reference.into_iter().map(str::to_owned).collect()),
    })
}

/// Why the tests of a row fail whatever the program does.
fn unjudgeable(imports: &str, test: &str, reference: &str) -> Option<String> {
    let imported = imports.lines().chain(test.lines().filter(|line| line.contains("import ")));
    let mut modules = imported.filter_map(|line| line.split_whitespace().nth(1)?.split('.').next());
    if let Some(package) = modules.find(|module| PACKAGES.contains(module)) {
        return Some(format!("needs the package {package}, which the sandboxes lack"));
    }
    if let Some((_, what)) = SHARED.iter().find(|(mark, _)| test.contains(mark)) {
        return Some(format!("the tests share {what} with the program, which runs elsewhere"));
    }
    // A table of functions, as a calculator has it.
    let is_table = |line: &str| line.trim_start().starts_with(['\'', '"']) && line.contains(": lambda");
    let keeps_functions = reference.lines().any(is_table);
    keeps_functions
        .then(|| "objects keep functions in their fields, which cannot travel to the tests".to_owned())
}

fn cases(
    row: &Field<'_>,
    class: &str,
    skeleton: &str,
    (imports, test): (&str, &str),
    time_limit: Duration,
) -> Result<Vec<Case>, DatasetError> {
    let setup = format!("{}\n{RUNNER}\n{imports}\n{test}\n", objects::class_setup(class, skeleton));
    let names = row.required("test_classes")?;
    let case = |name: &Field<'_>| {
        let text = name.text()?;
        if !is_identifier(text) || !test.contains(&format!("class {text}")) {
            return Err(name.error("is no class of the test", "name classes that `test` defines"));
        }
        let code = format!("{class} = _classes[{}]\nrun({text})", repr(&Value::str(class)));
        let test = Test::Code { setup: setup.clone(), code };
        Ok(Case { name: text.to_owned(), test, time_limit })
    };
    let cases: Vec<Case> = names.items()?.iter().map(case).collect::<Result<_, _>>()?;
    if cases.is_empty() {
        return Err(names.error("is empty", "name at least one class of unit tests"));
    }
    Ok(cases)
}

#[cfg(test)]
mod tests;

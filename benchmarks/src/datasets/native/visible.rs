//! Further visible tests of problems, such as counterexamples that were found: JSON lines of `task_id`, `in` and `out`, the
//! latter two as in a problem's `public_tests`.

use std::path::Path;

use codeagent::problem::{Entry, Problem};
use codeagent_sandbox::case::{Case, Test};
use codeagent_sandbox::value::{Value, repr};
use serde_json::json;

use super::{call_test, stdio_test, with_examples};
use crate::datasets::error::DatasetError;
use crate::datasets::fields::Row;
use crate::datasets::source::Documents;

/// Adds the tests that `file` holds for `problem` to its visible ones, and to its statement, which is what models are shown
/// first. Returns how many there were.
///
/// # Errors
/// [`DatasetError`] if the file cannot be read, or at the first line that is no test.
pub fn add_visible_tests(problem: &mut Problem, file: &Path) -> Result<usize, DatasetError> {
    let mut documents = Documents::open_lines(file)?;
    let mut found: Vec<Case> = Vec::new();
    while let Some(document) = documents.next()? {
        let row = Row::parse(&document.file, document.line, &document.bytes)?;
        if row.root().required("task_id")?.label()? == problem.id {
            found.push(case(&row, problem)?);
        }
    }
    found.retain(|case| !problem.visible.contains(case));
    problem.statement = with_examples(&problem.statement, &found);
    let count = found.len();
    problem.visible.extend(found);
    Ok(count)
}

fn case(row: &Row<'_>, problem: &Problem) -> Result<Case, DatasetError> {
    let root = row.root();
    let (input, output) = (root.required("in")?, root.required("out")?);
    let (name, test) = match &problem.entry {
        Entry::Stdio => stdio_test(&input, &output, &problem.checker)?,
        Entry::Function { name, signature } => {
            call_test(&input, &output, name, signature.as_deref(), &problem.checker)?
        }
    };
    Ok(Case { name, test, time_limit: problem.limits.time })
}

/// A test as a line that [`add_visible_tests`] reads, with a line feed. `None` for tests that are no comparison of one
/// answer, and for calls with positional and named arguments at once.
#[must_use]
pub fn visible_test_line(problem: &Problem, case: &Case) -> Option<String> {
    let (input, output) = match &case.test {
        Test::Stdio { input, expected, .. } => (input.clone(), expected.clone()),
        Test::Call { args, kwargs, expected, .. } if kwargs.is_empty() => {
            (repr(&Value::List(args.clone())), repr(expected))
        }
        Test::Call { args, kwargs, expected, .. } if args.is_empty() => {
            let named = kwargs.iter().map(|(name, value)| (Value::str(name.as_str()), value.clone()));
            (repr(&Value::Dict(named.collect())), repr(expected))
        }
        _ => return None,
    };
    Some(format!("{}\n", json!({"task_id": problem.id, "in": input, "out": output})))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn what_is_written_is_read_again() {
        let function = Problem::function("t/1", "f", "Add.").example("f(1, [2]) == -3").unwrap();
        let named = Problem::function("t/1", "f", "Add.").example("f(a=1, b='x') == None").unwrap();
        let stdio = Problem::stdio("t/1", "Add.").prints("1 \"2\"\n", "3\n");
        for problem in [function, named, stdio] {
            let line = visible_test_line(&problem, &problem.visible[0]).unwrap();
            let mut bare = Problem { visible: Vec::new(), ..problem.clone() };
            assert_eq!(add_visible_tests(&mut bare, file(&line).path()).unwrap(), 1);
            assert_eq!(bare.visible[0].test, problem.visible[0].test);
            assert!(bare.statement.len() > problem.statement.len(), "{}", bare.statement);
            assert_eq!(add_visible_tests(&mut bare, file(&line).path()).unwrap(), 0, "known already");
        }
    }

    #[test]
    fn tests_of_other_problems_are_passed_over_and_bad_lines_placed() {
        let mut problem = Problem::function("t/1", "f", "Add.");
        let other = file("{\"task_id\": \"t/2\", \"in\": \"[1]\", \"out\": \"2\"}\n");
        assert_eq!(add_visible_tests(&mut problem, other.path()).unwrap(), 0);
        for (line, reason) in [
            ("{\"task_id\": \"t/1\", \"in\": \"[1]\"}", "out"),
            ("{\"task_id\": \"t/1\", \"in\": \"f(1)\", \"out\": \"2\"}", "neither a Python literal nor JSON"),
            ("{\"in\": \"[1]\", \"out\": \"2\"}", "task_id"),
            ("nonsense", ""),
        ] {
            let bad = file(&format!("{{\"task_id\": \"t/2\", \"in\": \"[1]\", \"out\": \"2\"}}\n{line}\n"));
            let error = add_visible_tests(&mut problem, bad.path()).unwrap_err();
            assert!(error.to_string().contains(reason) && error.to_string().contains(":2"), "{error}");
        }
        assert!(problem.visible.is_empty());
    }
}

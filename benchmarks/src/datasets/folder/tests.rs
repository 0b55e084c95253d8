use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::datasets::{DatasetErrorKind, load_dataset, load_problem};

fn problem(folder: &Path, name: &str, files: &[(&str, &str)]) {
    fs::create_dir_all(folder.join(name)).unwrap();
    for (file, text) in files {
        fs::write(folder.join(name).join(file), text).unwrap();
    }
}

const TESTS: &str = r#"{"inputs": ["1\n"], "outputs": ["2\n"]}"#;

/// Two problems and what is none.
fn data_set() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let starter = ("starter_code.py", "def f(x):\n");
    let calls = ("input_output.json", r#"{"fn_name": "f", "inputs": [[1]], "outputs": [[2]]}"#);
    problem(folder.path(), "0001", &[("question.txt", "Call."), calls, starter]);
    let solutions = ("solutions.json", r#"["print(2)", "print(1 + 1)"]"#);
    let metadata = ("metadata.json", "{}");
    problem(
        folder.path(),
        "0000",
        &[("question.txt", "Print."), ("input_output.json", TESTS), solutions, metadata],
    );
    problem(folder.path(), "notes", &[("a.txt", "")]);
    folder
}

#[test]
fn each_folder_is_a_problem() {
    let folder = data_set();
    let read = load_dataset(folder.path()).unwrap();
    let told: Vec<_> = read
        .problems
        .iter()
        .map(|it| (it.problem.id.as_str(), it.hidden.len(), it.references.len()))
        .collect();
    assert_eq!(told, [("APPS/0000", 1, 2), ("APPS/0001", 1, 0)]);
    assert_eq!(read.problems[1].problem.entry.function(), Some("f"));
    let name = folder.path().display();
    assert_eq!(load_problem(&format!("{name}#0001")).unwrap().problem, read.problems[1]);
    assert_eq!(load_problem(&format!("{name}/0000")).unwrap().problem, read.problems[0]);
}

#[test]
fn a_problem_without_tests_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    problem(folder.path(), "0000", &[("question.txt", "Print.")]);
    let read = load_dataset(folder.path()).unwrap();
    assert!(
        read.warnings.len() == 1 && read.warnings[0].contains("0000: has no tests"),
        "{:?}",
        read.warnings
    );
}

#[test]
fn bad_folders() {
    for (file, text, reason) in [
        ("input_output.json", "{", "0000: `input_output`: is not JSON: EOF while parsing"),
        (
            "input_output.json",
            r#"{"inputs": [1], "outputs": []}"#,
            "0000: `input_output`: has 1 inputs and 0 outputs",
        ),
        ("solutions.json", "[1]", "0000: `solutions[0]`: expected a text, found a number"),
        ("solutions.json", "3", "0000: `solutions`: expected a list, found a number"),
    ] {
        let folder = data_set();
        fs::write(folder.path().join("0000").join(file), text).unwrap();
        let error = load_dataset(folder.path()).unwrap_err();
        assert_eq!(error.kind, DatasetErrorKind::Field);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let folder = data_set();
    fs::write(folder.path().join("0000/question.txt"), b"\xff").unwrap();
    let error = load_dataset(folder.path()).unwrap_err().to_string();
    assert!(error.contains("0000/question.txt: is not UTF-8"), "{error}");
}

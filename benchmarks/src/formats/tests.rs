//! Each form as a snapshot of a small batch, what is read back, and bad input with its positions.

use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::batch::tests::{batch, row};
use crate::batch::{BatchResults, Counted, SampleStatus, Tokens};
use crate::datasets::load_dataset;

/// What only hidden tests hold.
const CANARY: i64 = 715_517_715_517;

/// Ids of the problems, in an order that is not that of the alphabet.
const IDS: [&str; 3] = ["T/1", "T/0", "T/2"];

type Writer = fn(&Export<'_>, Unattempted, &mut Vec<u8>) -> io::Result<()>;
type ReaderOf = fn(&Path, &Dataset) -> Result<Imported, crate::DatasetError>;

/// The forms that are written and read back as one file.
const FORMS: [(&str, Writer, ReaderOf); 6] = [
    ("human-eval", human_eval::write, human_eval::read),
    ("human-eval-results", human_eval::write_results, human_eval::read_results),
    ("evalplus", evalplus::write, evalplus::read),
    ("bigcode", bigcode::write, bigcode::read),
    ("apps", apps::write, apps::read),
    ("livecodebench", livecodebench::write, livecodebench::read),
];

fn dataset() -> Dataset {
    let rows = IDS.map(|id| {
        let problem = json!({
            "v": 1, "id": id, "prompt": format!("Double a number, for {id}."), "starter": "def f(x):\n",
            "entry": {"kind": "function", "name": "f"},
            "public_tests": [{"in": "[1]", "out": "2"}],
            "hidden_tests": [{"in": format!("[{CANARY}]"), "out": (2 * CANARY).to_string()}],
        });
        format!("{problem}\n")
    });
    let file = file(rows.concat().as_bytes());
    load_dataset(file.path()).unwrap()
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn sample(task: &str, sample: u32, status: SampleStatus, program: &str) -> SampleRow {
    let passed = usize::from(status == SampleStatus::Passed);
    SampleRow {
        completion: program.into(),
        solution: program.into(),
        tests: Counted { passed, total: 1 },
        failure: (status == SampleStatus::Failed).then(|| "wrong_answer".into()),
        tokens: Tokens { r#in: 30, cached: 10, out: 5 },
        ..row(task, sample, status, 2)
    }
}

const RIGHT: &str = "def f(x):\n    return 2 * x\n";
const WRONG: &str = "def f(x):\n    return x  # ```\n";

fn rows() -> Vec<SampleRow> {
    vec![
        sample("T/0", 0, SampleStatus::Passed, RIGHT),
        sample("T/1", 2, SampleStatus::Timeout, "def f(x):\n    while True: pass\n"),
        sample("T/1", 0, SampleStatus::Failed, WRONG),
        sample("T/1", 1, SampleStatus::Passed, RIGHT),
        sample("T/0", 1, SampleStatus::Error, "never shown"),
        sample("T/0", 2, SampleStatus::Passed, RIGHT),
        sample("T/0", 3, SampleStatus::Passed, "beyond what is asked for"),
        sample("strange", 0, SampleStatus::Passed, "of no problem"),
    ]
}

/// What a writer makes of the small batch, with the data set.
fn written(write: impl FnOnce(&Export<'_>, &mut Vec<u8>) -> io::Result<()>) -> String {
    let (batch, rows, dataset) = (batch(&IDS, 3), rows(), dataset());
    let export = Export::new(&batch, &rows, Some(&dataset)).unwrap();
    let mut bytes = Vec::new();
    write(&export, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn results() -> BatchResults {
    BatchResults::of(&batch(&IDS, 3), &[1, 2, 3], &rows())
}

const SPAN: inspect::Span = inspect::Span {
    began: Moment { us: 1_767_225_599_000_000 },
    ended: Some(Moment { us: 1_767_225_600_500_000 }),
};

fn pretty(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn forms_of_samples() {
    for (name, write, _) in FORMS {
        insta::assert_snapshot!(name, written(|export, out| write(export, Unattempted::Empty, out)));
    }
    let left_out = written(|export, out| human_eval::write(export, Unattempted::LeftOut, out));
    assert_eq!(
        left_out.lines().count(),
        5,
        "T/2 has no sample, and one of T/0 ended in an error: {left_out}"
    );
    assert!(written(|export, out| bigcode::write(export, Unattempted::LeftOut, out)).ends_with(",[]]"));
}

#[test]
fn results_for_evalplus() {
    let statuses = |base: &str, plus: Option<&str>| evalplus::Statuses {
        base_status: base.to_owned(),
        plus_status: plus.map(str::to_owned),
    };
    let found = [
        ("T/0", statuses("pass", Some("pass"))),
        ("T/0", statuses("pass", Some("timeout"))),
        ("T/1", statuses("fail", Some("pass"))),
    ];
    let judged = found.each_ref().map(|(task_id, statuses)| evalplus::JudgedSample {
        task_id,
        solution: RIGHT.to_owned(),
        statuses,
    });
    let mut bytes = Vec::new();
    evalplus::write_results("2026-01-31 23:59", "abc", &judged, &mut bytes).unwrap();
    assert!(bytes.starts_with(evalplus::OWN_RESULTS));
    let text = String::from_utf8(bytes).unwrap().replace(env!("CARGO_PKG_VERSION"), "[version]");
    insta::assert_snapshot!("evalplus-results", text);
    let file = file(text.as_bytes());
    let again = evalplus::read_results(file.path(), &dataset()).unwrap();
    let passed: Vec<_> = String::from_utf8(again.to_json_lines().unwrap())
        .unwrap()
        .lines()
        .map(|line| pretty(line)["passed"].clone())
        .collect();
    assert_eq!(passed, [json!(true), json!(false), json!(false)]);
}

#[test]
fn forms_for_training() {
    insta::assert_snapshot!("sft", written(training::write_chats));
    insta::assert_snapshot!("dpo", written(training::write_pairs));
}

#[test]
fn a_program_that_passed_and_failed_teaches_nothing() {
    let rows = [sample("T/0", 0, SampleStatus::Passed, RIGHT), sample("T/0", 1, SampleStatus::Failed, RIGHT)];
    let (batch, dataset) = (batch(&IDS, 2), dataset());
    let export = Export::new(&batch, &rows, Some(&dataset)).unwrap();
    let mut bytes = Vec::new();
    training::write_chats(&export, &mut bytes).unwrap();
    training::write_pairs(&export, &mut bytes).unwrap();
    assert_eq!(bytes, b"");
}

#[test]
fn an_inspect_log() {
    let log = written(|export, out| inspect::write(export, &results(), SPAN, out));
    insta::assert_snapshot!("inspect", log.replace(env!("CARGO_PKG_VERSION"), "[version]"));
}

#[test]
fn an_lm_eval_run() {
    let (batch, rows) = (batch(&IDS, 3), rows());
    let export = Export::new(&batch, &rows, None).unwrap();
    assert_eq!(
        lm_eval::names(&export, SPAN.began),
        ["results_2025-12-31T23-59-59.000000.json", "samples_d_2025-12-31T23-59-59.000000.jsonl"]
    );
    insta::assert_snapshot!(
        "lm-eval-results",
        written(|export, out| lm_eval::write_results(export, &results(), SPAN.began, out))
    );
    insta::assert_snapshot!(
        "lm-eval-samples",
        written(|export, out| lm_eval::write_samples(export, &[1, 2, 3], out))
    );
}

#[test]
fn no_hidden_test_is_in_any_form() {
    let dataset = dataset();
    assert!(dataset.problems.iter().all(|it| !it.hidden.is_empty()));
    let mut all: Vec<String> = FORMS
        .iter()
        .map(|(_, write, _)| written(|export, out| write(export, Unattempted::Empty, out)))
        .collect();
    all.push(written(training::write_chats));
    all.push(written(training::write_pairs));
    all.push(written(|export, out| inspect::write(export, &results(), SPAN, out)));
    all.push(written(|export, out| lm_eval::write_results(export, &results(), SPAN.began, out)));
    all.push(written(|export, out| lm_eval::write_samples(export, &[1], out)));
    assert!(all.iter().any(|text| text.contains("Double a number")), "statements are there");
    assert!(all.iter().all(|text| !text.contains(&CANARY.to_string())));
}

#[test]
fn programs_of_one_file_each() {
    let (batch, rows) = (batch(&IDS, 3), rows());
    let export = Export::new(&batch, &rows, None).unwrap();
    let files = evalplus::files(&export, Unattempted::Empty).unwrap();
    let names: Vec<&str> = files.iter().map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(names, ["T_1/0.py", "T_1/1.py", "T_1/2.py", "T_0/0.py", "T_0/1.py", "T_2/0.py"]);
}

#[test]
fn ids_that_are_no_names_make_no_folders() {
    for id in ["..", ".hidden", "a\\b", "a\nb", "C:x", "a\0", "", &"x/".repeat(150)] {
        let rows = [sample(id, 0, SampleStatus::Passed, RIGHT)];
        let batch = batch(&[id], 1);
        let export = Export::new(&batch, &rows, None).unwrap();
        let refused = evalplus::files(&export, Unattempted::LeftOut);
        assert_eq!(refused, Err(ExportError::NoFolderName { id: id.to_owned() }));
    }
    let rows = ["a/b", "a_b"].map(|id| sample(id, 0, SampleStatus::Passed, RIGHT));
    let batch = batch(&["a/b", "a_b"], 1);
    let export = Export::new(&batch, &rows, None).unwrap();
    assert!(matches!(evalplus::files(&export, Unattempted::LeftOut), Err(ExportError::SharedFolder { .. })));
}

#[test]
fn a_batch_of_another_data_set_is_refused() {
    let dataset = dataset();
    let batch = batch(&["T/0", "U/0"], 1);
    let refused = Export::new(&batch, &[], Some(&dataset)).unwrap_err();
    assert_eq!(refused, ExportError::OtherDataset { id: "U/0".to_owned() });
}

/// Positions of faults, and the programs that stand.
fn imported(read: ReaderOf, text: &str) -> (Vec<String>, Vec<String>) {
    let file = file(text.as_bytes());
    let imported = read(file.path(), &dataset()).unwrap();
    assert_eq!(imported.fault_count, imported.faults.len());
    let fault = |fault: &crate::DatasetError| {
        let (line, column) = fault.place.position.unwrap();
        format!("{line}:{column} {}", fault.reason)
    };
    let stands = |it: &ImportedSample| format!("{}#{} {}", it.task_id, it.sample, it.text.text());
    (imported.faults.iter().map(fault).collect(), imported.samples.iter().map(stands).collect())
}

#[test]
fn bad_rows_are_placed_and_the_others_stand() {
    let (faults, stands) = imported(
        human_eval::read,
        "{\"task_id\": \"T/0\", \"completion\": \"a\"}\r\n\n{\"task_id\": \"T/0\", \"completion\": null}\n\
         {\"task_id\": \"U/0\", \"completion\": \"\"}\n[]\n{\"task_id\": \"T/0\"}\n{\"task_id\": \"T/0\", \"completion\": \"b",
    );
    assert_eq!(stands, ["T/0#0 a"]);
    insta::assert_snapshot!("faults-human-eval", faults.join("\n"));

    let (faults, stands) = imported(bigcode::read, "[[\"a\", 3],\n \"b\", [\"c\"], [\"d\"]]");
    assert_eq!(stands, ["T/1#0 a", "T/2#0 c"]);
    insta::assert_snapshot!("faults-bigcode", faults.join("\n"));

    let (faults, stands) =
        imported(apps::read, "{\"2\": [\"a\", null], \"0\": \"b\",\n\"9\": [], \"x\": [\"c\"], \"1\": 4}");
    assert_eq!(stands, ["T/2#0 a", "T/1#0 b"]);
    insta::assert_snapshot!("faults-apps", faults.join("\n"));

    let (faults, stands) = imported(
        livecodebench::read,
        "[{\"question_id\": \"T/0\", \"code_list\": [\"a\", []]},\n3,\n{\"question_id\": \"T/1\"},\n\
         {\"code_list\": []}, {\"question_id\": \"U\", \"code_list\": []}]",
    );
    assert_eq!(stands, ["T/0#0 a"]);
    insta::assert_snapshot!("faults-livecodebench", faults.join("\n"));

    let (faults, stands) = imported(
        evalplus::read_results,
        "{\"eval\": {\"T/0\": [{\"solution\": \"a\", \"base_status\": \"pass\"}, {\"solution\": \"b\"}],\n\
         \"U/0\": [], \"T/1\": {}}}",
    );
    assert_eq!(stands, ["T/0#0 a"]);
    insta::assert_snapshot!("faults-evalplus-results", faults.join("\n"));
}

#[test]
fn files_of_another_form_are_errors_of_the_whole() {
    for (read, text) in [
        (bigcode::read as ReaderOf, "{}"),
        (apps::read, "[]"),
        (livecodebench::read, "{\"a\": 1}"),
        (evalplus::read_results, "{}"),
        (bigcode::read, ""),
        (bigcode::read, "[[\"a\"]"),
        (bigcode::read, "\u{feff}[]"),
    ] {
        let file = file(text.as_bytes());
        let fault = read(file.path(), &dataset()).unwrap_err();
        assert!(fault.place.position.is_some(), "{fault}");
    }
    assert!(evalplus::read_folder(Path::new("no/such"), &dataset()).is_err());
}

#[test]
fn what_is_not_ours_is_kept_in_meta() {
    let read = |read: ReaderOf, text: &str| {
        let file = file(text.as_bytes());
        let lines = read(file.path(), &dataset()).unwrap().to_json_lines().unwrap();
        String::from_utf8(lines).unwrap()
    };
    let first = read(
        evalplus::read,
        "{\"task_id\": \"T/0\", \"solution\": \"s\", \"completion\": \"c\", \"model\": {\"n\": 1}}",
    );
    assert_eq!(
        first,
        "{\"v\":1,\"task_id\":\"T/0\",\"sample\":0,\"solution\":\"s\",\"meta\":{\"completion\":\"c\",\"model\":{\"n\":1}}}\n"
    );
    let again = read(evalplus::read, &first);
    assert_eq!(pretty(&again)["meta"]["model"], json!({"n": 1}), "{again}");
    let graded = read(
        livecodebench::read,
        "[{\"question_id\": \"T/0\", \"code_list\": [\"a\", \"b\"], \"graded_list\": [true, false], \"difficulty\": \"easy\"}]",
    );
    let second = pretty(graded.lines().nth(1).unwrap());
    assert_eq!(second["meta"], json!({"graded_list": false, "difficulty": "easy"}));
    let judged = read(
        evalplus::read_results,
        "{\"eval\": {\"T/0\": [{\"solution\": \"a\", \"base_status\": \"pass\", \"plus_status\": \"timeout\"}]}}",
    );
    let judged = pretty(&judged);
    assert_eq!((&judged["passed"], &judged["result"]), (&json!(false), &json!("failed: timeout")));
    assert_eq!(judged["meta"]["base_status"], "pass");
}

/// Statuses and programs of a problem's samples.
fn attempts() -> impl Strategy<Value = Vec<(SampleStatus, String)>> {
    let status = prop::sample::select(vec![
        SampleStatus::Passed,
        SampleStatus::Failed,
        SampleStatus::Timeout,
        SampleStatus::Capped,
        SampleStatus::Error,
    ]);
    let program = prop_oneof![any::<String>(), "[\\x00-\\x7f\u{2028}\u{85}\r\n]{0,20}"];
    prop::collection::vec((status, program), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_back(all in prop::collection::vec(attempts(), 3), fill in any::<bool>()) {
        let rows: Vec<SampleRow> = IDS.iter().zip(&all).flat_map(|(id, attempts)| {
            (0..).zip(attempts).map(|(number, (status, program))| sample(id, number, *status, program))
        }).collect();
        let (batch, dataset) = (batch(&IDS, 4), dataset());
        let export = Export::new(&batch, &rows, Some(&dataset)).unwrap();
        let unattempted = if fill { Unattempted::Empty } else { Unattempted::LeftOut };
        let expected: Vec<(String, usize, String)> = export.problems.iter().flat_map(|it| {
            let programs = it.programs(unattempted).into_iter().enumerate();
            programs.map(|(number, program)| (it.id.to_owned(), number, program.to_owned()))
        }).collect();
        let programs = |imported: Imported| -> Vec<(String, usize, String)> {
            imported.samples.into_iter().map(|it| (it.task_id, it.sample, it.text.text().to_owned())).collect()
        };
        for (name, write, read) in FORMS {
            let mut bytes = Vec::new();
            write(&export, unattempted, &mut bytes).unwrap();
            let file = file(&bytes);
            let imported = read(file.path(), &dataset).unwrap();
            prop_assert_eq!(&imported.faults, &Vec::new(), "{}", name);
            prop_assert_eq!(&programs(imported), &expected, "{}", name);
        }
        let folder = tempfile::tempdir().unwrap();
        for (path, program) in evalplus::files(&export, unattempted).unwrap() {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, program).unwrap();
        }
        let imported = evalplus::read_folder(folder.path(), &dataset).unwrap();
        prop_assert_eq!(programs(imported), expected);
    }

    #[test]
    fn no_text_breaks_a_reader(text in any::<String>(), json in "[\\[\\]{}\":,a0-9 ]{0,40}") {
        let dataset = dataset();
        for text in [text, json] {
            let file = file(text.as_bytes());
            for (_, _, read) in FORMS {
                let _ = read(file.path(), &dataset);
            }
            let _ = evalplus::read_results(file.path(), &dataset);
        }
    }
}

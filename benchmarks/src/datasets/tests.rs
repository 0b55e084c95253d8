//! Files of problems: how they are told apart, chosen from, and refused.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeagent::problem::Entry;
use codeagent_sandbox::{Case, Test};

use super::{DatasetErrorKind, load_dataset, load_dataset_under, load_problem, load_problem_under};
use crate::hidden::HiddenTests;
use crate::protocol::Protocol;

const NATIVE: &str =
    r#"{"id":"a/1","prompt":"p","entry":{"kind":"stdio"},"public_tests":[{"in":"1","out":"2"}]}"#;
const HUMAN_EVAL: &str = r#"{"task_id":"HumanEval/1","prompt":"import math\n\n\ndef f(x: int,\n      y=2) -> int:\n    \"\"\" Doc\n    >>> f(1)\n    2\n    \"\"\"\n","entry_point":"f","canonical_solution":"    return 2\n","test":"def check(candidate):\n    assert candidate(1) == 2\n"}"#;
const COMPLETION: &str = r#"{"task_id":"MbppEval/2","prompt":"def f(x):\n    '''\n    f(1) == 2\n    '''\n","entry_point":"f","canonical_solution":"","test":"def check(candidate):\n    assert f(1) == 2\n"}"#;
const MBPP: &str = r#"{"text":"Say it.","code":"","task_id":2,"test_setup_code":"import math","test_list":["assert g((1, 2), 3) == 4 ","assert g((), 1) == 1"],"challenge_test_list":[]}"#;
const APPS: &str = r#"{"name":7,"description":"d","public_tests":{"input":["1\n"],"output":["2\n"]},"private_tests":{"input":["3\n"],"output":["4\n"]},"difficulty":"interview"}"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }
}

fn gzip(content: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn id_of(name: &str) -> String {
    load_problem(name).unwrap().problem.problem.id
}

fn error_of(path: &Path) -> String {
    load_problem(path.to_str().unwrap()).unwrap_err().to_string()
}

#[test]
fn every_form_is_recognised_by_content() {
    let folder = Folder::new();
    for (row, id, hidden) in [
        (NATIVE, "a/1", 0),
        (HUMAN_EVAL, "HumanEval/1", 1),
        (COMPLETION, "MbppEval/2", 1),
        (MBPP, "MBPP/2", 2),
        (APPS, "APPS/7", 1),
    ] {
        for (name, content) in [
            ("a.json", row.as_bytes().to_vec()),
            ("a.jsonl", format!("{row}\n").into_bytes()),
            ("a.gz", gzip(row)),
        ] {
            let path = folder.file(name, content);
            let loaded = load_problem(path.to_str().unwrap()).unwrap();
            assert_eq!(
                (loaded.problem.problem.id.as_str(), loaded.problem.hidden.len()),
                (id, hidden),
                "{name}"
            );
        }
    }
}

#[test]
fn references_are_read_and_not_told() {
    let folder = Folder::new();
    for (row, from, to) in [
        (HUMAN_EVAL, "\"    return 2\\n\"", "3"),
        (COMPLETION, "\"canonical_solution\":\"\"", "\"canonical_solution\":{}"),
        (MBPP, "\"code\":\"\"", "\"code\":[]"),
    ] {
        let path = folder.file("a.json", row);
        let loaded = load_problem(path.to_str().unwrap()).unwrap();
        assert_eq!(loaded.problem.references.len(), 1);
        assert!(format!("{loaded:?}").contains("References(1)"), "{loaded:?}");
        assert!(row.contains(from), "{row}");
        let error = error_of(&folder.file("a.json", row.replace(from, to)));
        assert!(error.contains("expected a text, found"), "{error}");
    }
}

/// Python's infinities are read in the one data set that has them.
#[test]
fn infinities_are_read_where_they_are_known() {
    let folder = Folder::new();
    let plus = r#"{"task_id":"Mbpp/404","prompt":"p","entry_point":"f","canonical_solution":"","base_input":[[-Infinity]],"atol":0}"#;
    assert_eq!(id_of(folder.file("a.json", plus).to_str().unwrap()), "Mbpp/404");
    let other = NATIVE.replace("\"p\"", "NaN");
    assert!(error_of(&folder.file("b.json", other)).contains("b.json:1:22: expected value"));
    let broken = plus.replace("\"p\"", "p");
    assert!(error_of(&folder.file("c.json", broken)).contains("c.json:1:32: expected value"));
}

#[test]
fn mbpp_shows_what_the_protocol_says() {
    let folder = Folder::new();
    let path = folder.file("a.json", MBPP);
    let read = |protocol| {
        let loaded = load_problem_under(path.to_str().unwrap(), protocol).unwrap();
        assert_eq!(loaded.protocol, protocol);
        let names: Vec<String> = loaded.problem.problem.visible.into_iter().map(|case| case.name).collect();
        (names, loaded.problem.hidden.len(), loaded.problem.problem.statement)
    };
    let [first, second] = ["assert g((1, 2), 3) == 4", "assert g((), 1) == 1"].map(str::to_owned);
    assert_eq!(read(Protocol::Strict), (vec![], 2, "Say it.".to_owned()));
    assert_eq!(read(Protocol::RethinkCompat), read(Protocol::Strict));
    let (visible, hidden, statement) = read(Protocol::Legacy);
    assert_eq!((visible, hidden), (vec![first.clone()], 1));
    assert!(statement.contains(&first) && !statement.contains(&second), "{statement}");
    let (visible, hidden, statement) = read(Protocol::CodetreeCompat);
    assert_eq!((visible, hidden), (vec![first.clone(), second.clone()], 2));
    assert!(statement.contains(&first) && statement.contains(&second), "{statement}");
}

#[test]
fn a_data_set_has_one_protocol_and_another_hash_under_another_one() {
    let folder = Folder::new();
    let path = folder.file("a.jsonl", format!("{MBPP}\n{APPS}\n"));
    let strict = load_dataset(&path).unwrap();
    assert_eq!(strict.protocol, Protocol::Strict);
    let shown = load_dataset_under(&path, Protocol::CodetreeCompat).unwrap();
    assert_eq!(shown.protocol, Protocol::CodetreeCompat);
    assert_ne!(shown.hash, strict.hash);
}

#[test]
fn human_eval_rows() {
    let folder = Folder::new();
    let path = folder.file("a.json", HUMAN_EVAL);
    let problem = load_problem(path.to_str().unwrap()).unwrap().problem.problem;
    let Entry::Function { name, signature } = &problem.entry else { panic!("function") };
    assert_eq!((name.as_str(), signature.as_deref()), ("f", Some("def f(x: int,\n      y=2) -> int")));
    assert_eq!(problem.prelude, "import math\n");
    assert_eq!(problem.starter, problem.statement);
    assert_eq!(problem.visible.iter().map(|case| case.name.as_str()).collect::<Vec<_>>(), ["f(1) == 2"]);
}

#[test]
fn hidden_tests_of_human_eval_may_use_what_the_prompt_brings() {
    let folder = Folder::new();
    let path = folder.file("a.json", HUMAN_EVAL);
    let hidden = load_problem(path.to_str().unwrap()).unwrap().problem.hidden;
    let setup = "import math\ndef check(candidate):\n    assert candidate(1) == 2\n".to_owned();
    let test = Test::Code { setup, code: "check(f)".to_owned() };
    let case = Case { name: "check(f)".to_owned(), test, time_limit: Duration::from_secs(5) };
    assert_eq!(hidden, HiddenTests::new(vec![case]));
}

#[test]
fn mbpp_shows_no_test() {
    let folder = Folder::new();
    for row in [COMPLETION, MBPP] {
        let path = folder.file("a.json", row);
        assert_eq!(load_problem(path.to_str().unwrap()).unwrap().problem.problem.visible, []);
    }
    let problem = load_problem(folder.file("a.json", MBPP).to_str().unwrap()).unwrap().problem.problem;
    let signature = Some("def g(arg1, arg2)".to_owned());
    assert_eq!(problem.entry, Entry::Function { name: "g".into(), signature });
}

#[test]
fn one_of_several_is_chosen_by_id() {
    let folder = Folder::new();
    let path = folder.file("all #1.jsonl.gz", gzip(&format!("{HUMAN_EVAL}\n\n{MBPP}\r\n{APPS}\n")));
    let path = path.to_str().unwrap();
    assert_eq!(id_of(&format!("{path}#MBPP/2")), "MBPP/2");
    assert_eq!(id_of(&format!("{path}#7")), "APPS/7");
    let absent = load_problem(&format!("{path}#MBPP/3")).unwrap_err();
    assert_eq!(absent.kind, DatasetErrorKind::Selection);
    assert!(
        absent.to_string().contains("no problem `MBPP/3`; choose one of its 3 ids, such as MBPP/2"),
        "{absent}"
    );
    let several = load_problem(path).unwrap_err();
    assert_eq!(several.kind, DatasetErrorKind::Selection);
    assert!(several.to_string().contains("holds several problems; choose one as"), "{several}");
    assert!(several.to_string().ends_with("#HumanEval/1"), "{several}");
}

#[test]
fn a_file_with_a_hash_in_its_name_is_a_file() {
    let folder = Folder::new();
    assert_eq!(id_of(folder.file("a#b.json", NATIVE).to_str().unwrap()), "a/1");
}

#[test]
fn json_in_a_jsonl_file_and_the_reverse() {
    let folder = Folder::new();
    let pretty = NATIVE.replace(",\"", ",\n\"");
    assert_eq!(id_of(folder.file("pretty.jsonl", pretty).to_str().unwrap()), "a/1");
    let two = folder.file("two.json", format!("{NATIVE}\n{APPS}\n"));
    assert!(error_of(&two).contains("holds several problems"), "{}", error_of(&two));
    let garbage = folder.file("garbage.json", format!("{NATIVE}\n]\n"));
    assert!(error_of(&garbage).contains("garbage.json:2:1: expected value"), "{}", error_of(&garbage));
}

#[test]
fn rows_are_placed_by_their_line() {
    let folder = Folder::new();
    let path = folder.file("a.jsonl", format!("{NATIVE}\n\n{}\n", NATIVE.replace("\"stdio\"", "3")));
    let error = load_dataset(&path).unwrap_err().to_string();
    assert!(error.contains("a.jsonl:3:42: `entry.kind`: expected a text"), "{error}");
}

#[test]
fn equal_problems_count_once_and_different_ones_need_ids() {
    let folder = Folder::new();
    let twice = load_dataset(&folder.file("a.jsonl", format!("{NATIVE}\n{NATIVE}\n"))).unwrap();
    assert_eq!((twice.problems.len(), twice.warnings.len()), (1, 1));
    let other = NATIVE.replace("\"p\"", "\"q\"");
    let error =
        load_dataset(&folder.file("a.jsonl", format!("{NATIVE}\n{other}\n"))).unwrap_err().to_string();
    assert!(error.contains("a.jsonl:2:1: another problem has the id `a/1`"), "{error}");
}

#[test]
fn the_hash_is_of_the_problems_and_their_hidden_tests() {
    let folder = Folder::new();
    let hash = |content: &str| load_dataset(&folder.file("a.jsonl", content)).unwrap().hash;
    let base = hash(&format!("{HUMAN_EVAL}\n{NATIVE}\n"));
    assert_eq!(base.len(), 64);
    assert_eq!(base, hash(&format!("{HUMAN_EVAL}\n\n{}", NATIVE.replace(',', ", "))));
    assert_ne!(base, hash(&format!("{NATIVE}\n{HUMAN_EVAL}\n")));
    assert_ne!(
        base,
        hash(&format!("{}\n{NATIVE}\n", HUMAN_EVAL.replace("candidate(1) == 2", "candidate(1) == 3")))
    );
}

#[test]
fn a_row_may_have_tens_of_mebibytes() {
    let folder = Folder::new();
    let row = HUMAN_EVAL.replacen('{', &format!("{{\"padding\": \"{}\", ", "x".repeat(20 << 20)), 1);
    let read = load_problem(folder.file("large.jsonl", row).to_str().unwrap()).unwrap();
    let plain = load_problem(folder.file("plain.jsonl", HUMAN_EVAL).to_str().unwrap()).unwrap();
    assert_eq!(read.problem.problem.id, plain.problem.problem.id);
}

#[test]
fn what_cannot_be_read_is_refused_at_once() {
    let folder = Folder::new();
    let path = |name: &str| folder.0.path().join(name);
    let check = |path: &Path, reason: &str| {
        let error = load_problem(path.to_str().unwrap()).unwrap_err();
        assert_eq!(error.kind, DatasetErrorKind::Unreadable, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(error.to_string().starts_with(path.to_str().unwrap()), "{error}");
    };
    check(&path("absent.json"), "cannot be read (");
    check(folder.0.path(), "is a directory; name a file inside it");
    let large = folder.file("large.json", "");
    fs::File::options().write(true).open(&large).unwrap().set_len((256 << 20) + 1).unwrap();
    check(&large, "a document is larger than 256 MiB");
    let bomb = gzip(&" ".repeat(1 << 20)).repeat(257);
    check(&folder.file("bomb.gz", bomb), "a document is larger than 256 MiB");
    let packed = gzip(&format!("{NATIVE}\n").repeat(50));
    check(&folder.file("cut.gz", &packed[..packed.len() / 2]), "cannot be read (");
    let mut damaged = packed;
    damaged[12] ^= 0xff;
    check(&folder.file("damaged.gz", damaged), "cannot be read (");
}

#[cfg(unix)]
#[test]
fn pipes_devices_and_circles_are_refused_at_once() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new();
    let path = |name: &str| folder.0.path().join(name);
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    assert!(error_of(&path("pipe")).contains("is not a regular file"));
    assert!(error_of(Path::new("/dev/zero")).contains("is not a regular file"));
    symlink(path("b"), path("a")).unwrap();
    symlink(path("a"), path("b")).unwrap();
    assert!(error_of(&path("a")).contains("cannot be read ("));

    let locked = folder.file("locked.json", NATIVE);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // A privileged user may read it all the same.
    if fs::File::open(&locked).is_err() {
        assert!(error_of(&locked).contains("make it readable for you"));
    }
}

#[test]
fn empty_files_and_foreign_objects() {
    let folder = Folder::new();
    let empty = folder.file("empty.jsonl", "");
    assert!(error_of(&empty).contains("is empty"), "{}", error_of(&empty));
    assert!(load_dataset(&empty).unwrap_err().to_string().contains("is empty"));
    let foreign = folder.file("foreign.json", "{\"code\": 1}");
    assert!(
        error_of(&foreign).contains("1:1: is no problem in a form that is known"),
        "{}",
        error_of(&foreign)
    );
    let list = folder.file("list.json", format!("[{NATIVE}]"));
    assert!(error_of(&list).contains("1:1: expected an object, found a list"), "{}", error_of(&list));
    let text = folder.file("text.json", "hello");
    assert!(error_of(&text).contains("1:1: expected value"), "{}", error_of(&text));
}

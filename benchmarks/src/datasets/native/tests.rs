//! Problem files, good and bad. Each bad one must give its position, its field and its reason.

use std::path::Path;
use std::time::Duration;

use codeagent::problem::Entry;
use codeagent_sandbox::case::{Checker, Test};

use crate::datasets::fields::Row;
use crate::datasets::{DatasetError, ProblemWithHidden};

const GOOD: &str = r#"{"v": 1,
"id": "demo/1",
"prompt": "text",
"language": "python",
"entry": {"kind": "function", "name": "f", "signature": "def f(a: int) -> int"},
"starter": "",
"public_tests": [{"in": "[1]", "out": "2"}],
"hidden_tests": [{"in": "{\"a\": 1}", "out": "None"}],
"checker": {"kind": "exact", "atol": 1e-6},
"limits": {"time_s": 2.0, "memory_mib": 256},
"sketch": null, "meta": {}}"#;

fn read(text: &[u8]) -> Result<(ProblemWithHidden, Vec<String>), DatasetError> {
    let row = Row::parse(Path::new("problem.json"), 1, text)?;
    let mut warnings = Vec::new();
    super::read(&row.root(), &mut warnings).map(|problem| (problem, warnings))
}

/// [`GOOD`] with one piece replaced.
fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from} must occur once");
    GOOD.replace(from, to)
}

fn check_text(text: &[u8], expected: &str) {
    let error = read(text).expect_err(&String::from_utf8_lossy(&text[..text.len().min(200)])).to_string();
    assert!(error.starts_with(&format!("problem.json:{expected}")), "expected {expected}\nfound    {error}");
    assert!(error.contains("; ") && !error.contains('\n'), "{error}");
}

fn check(from: &str, to: &str, expected: &str) {
    check_text(changed(from, to).as_bytes(), expected);
}

#[test]
fn a_good_file_is_read_whole() {
    let (read, warnings) = read(GOOD.as_bytes()).unwrap();
    assert_eq!(warnings, [""; 0]);
    assert_eq!(
        (read.problem.id.as_str(), read.problem.statement.as_str()),
        ("demo/1", "text\n\nExamples:\n\nf(1) == 2")
    );
    let signature = Some("def f(a: int) -> int".to_owned());
    assert_eq!(read.problem.entry, Entry::Function { name: "f".into(), signature });
    assert_eq!(read.problem.limits.time, Duration::from_secs(2));
    assert_eq!(read.problem.visible[0].name, "f(1) == 2");
    assert_eq!(read.hidden.len(), 1);
    assert_eq!(format!("{:?}", read.hidden), "HiddenTests(1)");
}

#[test]
fn few_fields_are_required() {
    let text = r#"{"id":"a","prompt":"p","entry":{"kind":"stdio"},"public_tests":[{"in":"1","out":"2"}]}"#;
    let (read, _) = read(text.as_bytes()).unwrap();
    assert_eq!(read.problem.entry, Entry::Stdio);
    let Test::Stdio { input, expected, checker } = &read.problem.visible[0].test else { panic!("stdio") };
    assert_eq!((input.as_str(), expected.as_str(), checker), ("1", "2", &Checker::Exact));
}

#[test]
fn a_program_to_repair_and_a_right_one() {
    let text = changed(
        "\"starter\": \"\"",
        "\"buggy\": \"def f(a): return a\", \"reference\": \"def f(a): return 2\"",
    );
    let (read, warnings) = read(text.as_bytes()).unwrap();
    assert_eq!((warnings.len(), read.references.len()), (0, 1));
    assert_eq!(read.problem.buggy.as_deref(), Some("def f(a): return a"));
    assert!(!format!("{read:?}").contains("return 2"), "{read:?}");
    check("\"starter\": \"\"", "\"buggy\": 3", "6:10: `buggy`: expected a text");
    check("\"starter\": \"\"", "\"reference\": [\"\"]", "6:14: `reference`: expected a text");
}

#[test]
fn tests_are_python_or_json() {
    for (text, expected) in [
        (r"[1, 'a', (2,), {3}]", "f(1, 'a', (2,), {3})"),
        (r#"[true, null, {\"a\": 1.5}]"#, "f(True, None, {'a': 1.5})"),
        (r"(1,)", "f(1)"),
        (r"[]", "f()"),
        (r#"{\"x\": [1], \"y\": 2}"#, "f(x=[1], y=2)"),
    ] {
        let text = changed(", \"signature\": \"def f(a: int) -> int\"", "").replace(r"[1]", text);
        let (read, _) = read(text.as_bytes()).unwrap();
        assert_eq!(read.problem.visible[0].name, format!("{expected} == 2"));
    }
}

#[test]
fn unknown_fields_are_warnings() {
    let (_, warnings) = read(changed("\"meta\"", "\"metta\"").as_bytes()).unwrap();
    assert_eq!(warnings, ["problem.json:11:26: `metta`: unknown field, ignored; did you mean `meta`?"]);
    let (_, warnings) = read(changed("\"out\": \"2\"", "\"out\": \"2\", \"zzz\": 1").as_bytes()).unwrap();
    assert_eq!(warnings, ["problem.json:7:51: `public_tests[0].zzz`: unknown field, ignored"]);
}

#[test]
fn what_is_no_json() {
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> = [0xff, 0xfe].into_iter().chain(utf16.clone()).collect();
    let mut invalid = GOOD.as_bytes().to_vec();
    invalid[31] = 0xff;
    check_text(b"", "1:1: is empty");
    check_text(b" \n\t\n", "1:1: is empty");
    check_text(format!("\u{feff}{GOOD}").as_bytes(), "1:1: starts with a byte order mark");
    check_text(&utf16, "1:1: is not UTF-8");
    check_text(&marked, "1:1: is not UTF-8");
    check_text(&invalid, "3:");
    check_text(b"\0", "1:1: is not UTF-8");
    check("text", "te\0xt", "3:14: control character");
    check("text", "\\ud800", "3:18: ");
    check("text", "\\ud800\\u0041", "3:");
    check("text", "te\nxt", "4:1: control character");
    check_text(format!("{GOOD} x").as_bytes(), "11:29: text follows the end");
    check_text(format!("{GOOD}{GOOD}").as_bytes(), "11:28: text follows the end");
    check("{\"v\": 1,", "{// version\n\"v\": 1,", "1:2: key must be a string");
    check("\"v\": 1", "\"v\": 1,,", "1:9: ");
    check("\"meta\": {}", "\"meta\": {},", "11:28: trailing comma");
    check("1e-6", "NaN", "9:38: expected value");
    check("1e-6", "Infinity", "9:38: expected value");
    check("1e-6", "-", "9:39: invalid number");
    check("2.0", "1e999", "10:");
    check("\"meta\": {}", "\"meta\": {}, \"v\": 1", "11:31: the key `v` is given twice");
    check("\"out\": \"2\"", "\"out\": \"2\", \"out\": \"3\"", "7:48: the key `out` is given twice");
    check_text("[".repeat(100_000).as_bytes(), "1:128: is nested more than 128 levels deep");
    check("{}}", &format!("{}}}", "{\"a\":".repeat(100_000)), "11:");
}

#[test]
fn what_is_cut_short() {
    for tenth in 1..10 {
        let cut = GOOD.len() * tenth / 10;
        let error = read(&GOOD.as_bytes()[..cut]).unwrap_err().to_string();
        assert!(error.contains("EOF") && error.contains("cut short"), "{error}");
    }
    check_text(&GOOD.as_bytes()[..GOOD.len() - 1], "11:26: EOF");
}

#[test]
fn fields_of_the_wrong_type() {
    check("\"v\": 1", "\"v\": \"1\"", "1:7: `v`: expected a whole number");
    check("\"demo/1\"", "7", "2:7: `id`: expected a text, found a number");
    check("\"text\"", "[\"text\"]", "3:11: `prompt`: expected a text, found a list");
    check("\"python\"", "true", "4:13: `language`: expected a text, found a truth value");
    check("\"starter\": \"\"", "\"starter\": {}", "6:12: `starter`: expected a text, found an object");
    check("\"f\"", "1", "5:39: `entry.name`: expected a text");
    check("\"def f(a: int) -> int\"", "[]", "5:57: `entry.signature`: expected a text");
    check("\"function\"", "1", "5:19: `entry.kind`: expected a text");
    check(
        "[{\"in\": \"[1]\", \"out\": \"2\"}]",
        "{}",
        "7:17: `public_tests`: expected a list, found an object",
    );
    check("\"[1]\"", "[1]", "7:25: `public_tests[0].in`: expected a text, found a list");
    check("\"2\"", "2", "7:39: `public_tests[0].out`: expected a text, found a number");
    check("{\"in\": \"[1]\", \"out\": \"2\"}", "1", "7:18: `public_tests[0]`: expected an object");
    check("\"None\"", "null", "8:46: `hidden_tests[0].out`: expected a text, found null");
    check(
        "{\"kind\": \"exact\", \"atol\": 1e-6}",
        "\"exact\"",
        "9:12: `checker`: expected an object, found a text",
    );
    check("1e-6", "\"1e-6\"", "9:38: `checker.atol`: expected a number");
    check("2.0", "\"2\"", "10:22: `limits.time_s`: expected a number");
    check("256", "2.5", "10:41: `limits.memory_mib`: expected a whole number");
    check("\"meta\": {}", "\"meta\": 1", "11:25: `meta`: expected an object");
    check_text(b"[1]", "1:1: expected an object, found a list");
    check_text(b"\"text\"", "1:1: expected an object");
}

#[test]
fn null_is_no_value() {
    for (from, field) in [
        ("\"demo/1\"", "id"),
        ("\"text\"", "prompt"),
        ("\"python\"", "language"),
        ("{\"kind\": \"function\", \"name\": \"f\", \"signature\": \"def f(a: int) -> int\"}", "entry"),
        ("[{\"in\": \"[1]\", \"out\": \"2\"}]", "public_tests"),
        ("{\"kind\": \"exact\", \"atol\": 1e-6}", "checker"),
        ("{\"time_s\": 2.0, \"memory_mib\": 256}", "limits"),
        ("{}", "meta"),
    ] {
        let error = read(changed(from, "null").as_bytes()).unwrap_err().to_string();
        assert!(error.contains(&format!("`{field}`: expected")) && error.contains("found null"), "{error}");
    }
}

#[test]
fn missing_fields() {
    check("\"id\": \"demo/1\",\n", "", "1:1: the field `id` is missing");
    check("\"prompt\": \"text\",\n", "", "1:1: the field `prompt` is missing");
    check("\"entry\": {", "\"entri\": {", "1:1: the field `entry` is missing");
    check("\"kind\": \"function\", ", "", "5:10: `entry`: the field `kind` is missing");
    check("\"name\": \"f\", ", "", "5:10: `entry`: the field `name` is missing");
    check("\"in\": \"[1]\", ", "", "7:18: `public_tests[0]`: the field `in` is missing");
    check(", \"out\": \"2\"", "", "7:18: `public_tests[0]`: the field `out` is missing");
    check("\"kind\": \"exact\", ", "", "9:12: `checker`: the field `kind` is missing");
    let no_tests = changed("{\"in\": \"[1]\", \"out\": \"2\"}", "").replace("hidden_tests", "hidden");
    check_text(no_tests.as_bytes(), "1:1: there is no test");
}

#[test]
fn ids_and_names() {
    check("demo/1", "", "2:7: `id`: is empty");
    check("demo/1", "../x", "2:7: `id`: has an empty part, `.` or `..`");
    check("demo/1", "/x", "2:7: `id`: has an empty part");
    check("demo/1", "a\\u0000b", "2:7: `id`: holds a control character");
    check("demo/1", "a\\u001b[2Jb", "2:7: `id`: holds a control character");
    check("demo/1", &"x".repeat(300), "2:7: `id`: is longer than 200 characters");
    check("\"f\"", "\"lambda\"", "5:39: `entry.name`: is a keyword of Python");
    check("\"f\"", "\"2f\"", "5:39: `entry.name`: is not a Python identifier");
    check("\"f\"", "\"os.system('x')\"", "5:39: `entry.name`: is not a Python identifier");
    check("\"f\"", "\"\"", "5:39: `entry.name`: is not a Python identifier");
    check("\"f\"", "\"g\"", "5:57: `entry.signature`: does not define `g`");
    check("\"function\"", "\"class\"", "5:19: `entry.kind`: is no kind of entry");
}

#[test]
fn values_out_of_range() {
    check("\"v\": 1", "\"v\": 2", "1:7: `v`: this version of the format is not known");
    check("\"v\": 1", "\"v\": -1", "1:7: `v`: expected a whole number");
    check("python", "cobol", "4:13: `language`: this language is not supported");
    check("\"text\"", "\"  \"", "3:11: `prompt`: is empty");
    check("text", &"x".repeat(10 << 20), "3:11: `prompt`: is 10485760 bytes long");
    check(
        "\"starter\": \"\"",
        &format!("\"starter\": \"{}\"", "x".repeat(2 << 20)),
        "6:12: `starter`: is 2097152 bytes",
    );
    check("2.0", "0", "10:22: `limits.time_s`: 0 is out of range");
    check("2.0", "-1", "10:22: `limits.time_s`: -1 is out of range");
    check("2.0", "1e300", "10:22: `limits.time_s`: ");
    check("256", "0", "10:41: `limits.memory_mib`: 0 is out of range");
    check("256", "-5", "10:41: `limits.memory_mib`: expected a whole number");
    check("256", "99999999999999999999", "10:41: `limits.memory_mib`: expected a whole number");
    check("256", "18446744073709551615", "10:41: `limits.memory_mib`: 18446744073709551615 is out of range");
    check("1e-6", "-1", "9:38: `checker.atol`: -1 is out of range");
    check("\"exact\"", "\"program\"", "9:12: `checker`: the field `source` is missing");
    check("\"exact\"", "\"fuzzy\"", "9:21: `checker.kind`: is no kind of checker");
}

#[test]
fn tests_that_do_not_parse_or_fit() {
    check("\"[1]\"", "\"[1\"", "7:25: `public_tests[0].in`: is neither a Python literal nor JSON");
    check("\"[1]\"", "\"\"", "7:25: `public_tests[0].in`: is neither");
    check("\"[1]\"", "\"[open('/etc/passwd')]\"", "7:25: `public_tests[0].in`: is neither");
    check("\"[1]\"", "\"1\"", "7:25: `public_tests[0].in`: is no list of arguments");
    check("\"[1]\"", "\"[1, 2]\"", "7:25: `public_tests[0].in`: gives 2 arguments, the signature takes 1");
    check("\"[1]\"", "\"{'b': 1}\"", "7:25: `public_tests[0].in`: the signature has no parameter `b`");
    check("\"[1]\"", "\"{1: 1}\"", "7:25: `public_tests[0].in`: a named argument has no valid name");
    check("\"2\"", "\"x y\"", "7:39: `public_tests[0].out`: is neither a Python literal nor JSON");
    let deep = format!("\"{}\"", "[".repeat(100_000));
    check("\"2\"", &deep, "7:39: `public_tests[0].out`: is neither");
    check("\"[1]\"", &deep, "7:25: `public_tests[0].in`: is neither");
}

#[test]
fn sketches() {
    let sketch = |holes: &str| format!("{{\"holes\": [{holes}]}}");
    let check = |holes: &str, expected: &str| check("null", &sketch(holes), expected);
    check(r#"{"id": "a"}, {"id": "a"}"#, "11:42: `sketch.holes[1].id`: the id `a` is given twice");
    check(
        r#"{"id": "a", "depends_on": ["a"]}"#,
        "11:49: `sketch.holes[0].depends_on[0]`: `a` depends on itself",
    );
    check(
        r#"{"id": "a", "depends_on": ["b"]}"#,
        "11:49: `sketch.holes[0].depends_on[0]`: there is no hole `b`",
    );
    check(
        r#"{"id": "a", "depends_on": ["b"]}, {"id": "b", "depends_on": ["a"]}"#,
        "11:22: `sketch.holes[0]`: `a` depends on itself through others",
    );
    check(r#"{"id": ""}"#, "11:29: `sketch.holes[0].id`: is empty");
    check("1", "11:22: `sketch.holes[0]`: expected an object");
    let good = changed("null", &sketch(r#"{"id": "a", "depends_on": ["b"]}, {"id": "b"}"#));
    let (_, warnings) = read(good.as_bytes()).unwrap();
    assert_eq!(warnings, ["problem.json:11:11: `sketch`: the sketch is not used by this version"]);
}

proptest::proptest! {
    #[test]
    fn no_change_of_a_good_file_panics(at in 0..GOOD.len(), byte: u8) {
        let mut text = GOOD.as_bytes().to_vec();
        text[at] = byte;
        drop(read(&text));
    }
}

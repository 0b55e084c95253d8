//! Malformed problems, configurations and flags: the documented exit code and one line with place, reason and remedy, at
//! once and without a panic.

use std::time::{Duration, Instant};

use codeagent_tests::binary::{self, Ended, Sandboxed};

const GOOD: &str = r#"{"v":1,"id":"demo/1","prompt":"Double it.","language":"python","entry":{"kind":"function","name":"f","signature":"def f(a: int) -> int"},"starter":"","public_tests":[{"in":"[1]","out":"2"}],"hidden_tests":[],"checker":{"kind":"exact"},"limits":{"time_s":2.0,"memory_mib":256},"meta":{}}"#;

/// The second that is promised, and some for a machine that has much else to do.
const AT_ONCE: Duration = Duration::from_secs(1 + 4);

/// Changes of the good problem: a part, and what stands there instead.
const CHANGES: &[(&str, &str)] = &[
    (r#""id":"demo/1","#, ""),
    (r#""prompt":"Double it.","#, ""),
    (r#"{"in":"[1]","out":"2"}"#, ""),
    (r#""in":"[1]","#, ""),
    (r#","out":"2""#, ""),
    (r#""kind":"function","#, ""),
    (r#""name":"f","#, ""),
    (r#""demo/1""#, "null"),
    (r#""demo/1""#, "7"),
    (r#""demo/1""#, r#""""#),
    (r#""demo/1""#, r#""../../etc/passwd""#),
    (r#""demo/1""#, r#""a\u0000b""#),
    (r#""demo/1""#, r#""a\u001b[2Jb""#),
    (r#""demo/1""#, r#""\ud800""#),
    (r#""Double it.""#, "null"),
    (r#""Double it.""#, r#""  ""#),
    (r#""Double it.""#, "[1]"),
    (r#""python""#, r#""cobol""#),
    (r#""v":1"#, r#""v":2"#),
    (r#""v":1"#, r#""v":"one""#),
    (r#""v":1"#, r#""v":1e999"#),
    (r#""kind":"function""#, r#""kind":"oracle""#),
    (r#""name":"f""#, r#""name":"lambda""#),
    (r#""name":"f""#, r#""name":"f()""#),
    (r#""name":"f""#, r#""name":"g""#),
    (r#""def f(a: int) -> int""#, r#""f(a)""#),
    (r#""in":"[1]""#, r#""in":"[1""#),
    (r#""in":"[1]""#, r#""in":"1""#),
    (r#""in":"[1]""#, r#""in":"[1, 2]""#),
    (r#""in":"[1]""#, r#""in":1"#),
    (r#""out":"2""#, r#""out":"two words""#),
    (r#""public_tests":["#, r#""public_tests":[7,"#),
    (r#""exact""#, r#""guess""#),
    (r#""exact""#, r#""program""#),
    (r#""time_s":2.0"#, r#""time_s":0"#),
    (r#""time_s":2.0"#, r#""time_s":-1"#),
    (r#""time_s":2.0"#, r#""time_s":NaN"#),
    (r#""memory_mib":256"#, r#""memory_mib":99999999999999999999"#),
    (r#""memory_mib":256"#, r#""memory_mib":1.5"#),
    (r#""meta":{}"#, r#""meta":[]"#),
    (r#""v":1,"#, r#""v":1,"id":"twice","#),
    (r#""v":1,"#, r#""v":1, // a comment"#),
    (r#""meta":{}}"#, r#""meta":{}} trailing"#),
];

/// Whole files that are no problem.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let utf16 = GOOD.encode_utf16().flat_map(u16::to_le_bytes);
    let mut files = vec![
        ("empty", Vec::new()),
        ("blank", b" \n\n".to_vec()),
        ("a list", b"[]".to_vec()),
        ("a text", b"\"problem\"".to_vec()),
        ("another object", b"{\"a\": 1}".to_vec()),
        ("UTF-16", [0xff, 0xfe].into_iter().chain(utf16).collect()),
        (
            "invalid UTF-8",
            GOOD.replace("Double", "D\u{1}").bytes().map(|b| if b == 1 { 0xe9 } else { b }).collect(),
        ),
        ("NUL", GOOD.replace("Double", "D\0").into_bytes()),
        ("nested", "[".repeat(100_000).into_bytes()),
        (
            "nested field",
            GOOD.replace("{}", &format!("{}1{}", "[".repeat(5000), "]".repeat(5000))).into_bytes(),
        ),
        ("huge prompt", GOOD.replace("Double it.", &"x".repeat(10 << 20)).into_bytes()),
        ("long id", GOOD.replace("demo/1", &"x".repeat(300)).into_bytes()),
        ("two rows", format!("{GOOD}\n{}\n", GOOD.replace("demo/1", "demo/2")).into_bytes()),
        ("not gzip", b"\x1f\x8b\x08broken".to_vec()),
    ];
    files.extend((1..10).map(|tenth| ("cut short", GOOD.bytes().take(GOOD.len() * tenth / 10).collect())));
    files
}

/// The verbs that read a problem end with this exit code and one line that holds the place, a reason and a remedy.
fn check(place: &Sandboxed, arguments: &[&str], code: i32, says: &str) -> String {
    let start = Instant::now();
    let ended = Ended::of(place.command(arguments).stdin(std::process::Stdio::null()));
    assert!(start.elapsed() < AT_ONCE, "{arguments:?}: {:?}", start.elapsed());
    assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
    assert_eq!(ended.stdout, "", "{arguments:?}");
    let line = ended.stderr.trim_end_matches('\n');
    assert!(!line.contains('\n') && line.len() < 1000, "{arguments:?}: not one line: {line}");
    assert!(line.starts_with(says) && line.contains("; "), "{arguments:?}: {line}");
    assert!(!line.contains("panicked") && !line.contains('\u{1b}'), "{arguments:?}: {line}");
    ended.stderr
}

#[test]
fn malformed_problems_end_with_6_and_one_line() {
    let _ = binary::path();
    let place = Sandboxed::new();
    let mut all: Vec<(String, Vec<u8>)> =
        files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    for (from, to) in CHANGES {
        assert!(GOOD.contains(from), "{from}");
        all.push((format!("{from} to {to}"), GOOD.replacen(from, to, 1).into_bytes()));
    }
    assert!(all.len() >= 40);
    for (index, (name, bytes)) in all.into_iter().enumerate() {
        let _ = place.file("p.json", bytes);
        let arguments: &[&str] = if index % 4 == 0 {
            &["verify", "absent.py", "--problem", "p.json"]
        } else {
            &["solve", "p.json", "--replay", "absent.jsonl"]
        };
        let line = check(&place, arguments, 6, "p.json");
        assert!(!line.contains("absent"), "{name}: the problem is read first: {line}");
    }
}

#[test]
fn an_unknown_field_is_a_warning() {
    let place = Sandboxed::new();
    let _ = place.file("p.json", GOOD.replace(r#""v":1,"#, r#""v":1,"promt":"x","#));
    let _ = place.file("right.py", "def f(a):\n    return 2 * a\n");
    let ended = Ended::of(&mut place.command(&["verify", "right.py", "--problem", "p.json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("promt") && ended.stderr.contains("did you mean `prompt`?"), "{ended:?}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_ends_with_6_and_one_line() {
    let _ = binary::path();
    let place = Sandboxed::new();
    std::fs::create_dir(place.path().join("folder.json")).unwrap();
    std::os::unix::fs::symlink("loop.json", place.path().join("loop.json")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place.path().join("pipe.json")).status().unwrap();
    assert!(made.success());
    for name in ["absent.json", "folder.json", "loop.json", "pipe.json", "/dev/zero", "", "absent.jsonl#1"] {
        check(&place, &["solve", name], 6, name.split('#').next().unwrap());
    }
}

#[test]
fn wrong_settings_end_with_2_and_say_where() {
    let _ = binary::path();
    let place = Sandboxed::new();
    let _ = place.file("p.json", GOOD);
    let _ = place.file("unknown.toml", "[budget]\ncals = 1\n");
    let _ = place.file("type.toml", "[budget]\n\ncalls = \"many\"\n");
    let _ = place.file("broken.toml", "[budget\n");
    let cases: &[(&[&str], &str)] = &[
        (&["--config", "unknown.toml"], "unknown.toml:2:1: "),
        (&["--config", "type.toml"], "type.toml:3:9: "),
        (&["--config", "broken.toml"], "broken.toml:1:"),
        (&["--config", "absent.toml"], "absent.toml: "),
        (&["--set", "budget.calls=0"], "--set budget.calls: "),
        (&["--set", "budget.cals=1"], "--set budget.cals: "),
        (&["--set", "search.strategy=magic"], "search: "),
        (&["--strategy", "magic"], "search: "),
        (&["--set", "search.resample.programs=-1", "--strategy", "resample"], "search"),
        (&["--set", "search.resample.progams=3", "--strategy", "resample"], "search"),
        (&["--seed", "1x"], "--seed: "),
        (&["-j", "0"], "--jobs: "),
        (&["--concurrency", "9-1"], "--concurrency: "),
        (&["--max-cost", "free"], "--max-cost: "),
        (&["--base-url", "ftp://host"], "--base-url: "),
        (&["--base-url", "http://me:secret@host/v1"], "--base-url: "),
        (&["-m", "no-such-profile"], "-m: "),
        (&["--set", "limits.retry_backoff=5 parsecs"], "--set limits.retry_backoff: "),
        (&["--set", "limits.retry_attempts=0"], "--set limits.retry_attempts: "),
    ];
    for (arguments, says) in cases {
        let line = check(&place, &[&["solve", "p.json"], *arguments].concat(), 2, says);
        assert!(!line.contains("secret"), "{line}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let place = Sandboxed::new();
    let _ = place.file("p.json", GOOD);
    for arguments in [
        vec!["slove", "p.json"],
        vec!["solve"],
        vec!["solve", "p.json", "--no-such-flag"],
        vec!["solve", "p.json", "--no-cache", "--cache-only"],
        vec!["solve", "p.json", "--set", "store.url=mysql://host/db"],
        vec!["solve", "p.json", "--record", "a", "--replay", "b"],
        vec!["solve", "p.json", "--max-time", "soon"],
        vec!["solve", "p.json", "--sandbox", "docker"],
        vec!["solve", "p.json", "--sandbox", "none", "--replay", "p.json"],
        vec!["show", "p.json", "--node", "minus one"],
    ] {
        let ended = Ended::of(&mut place.command(&arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(
            ended.stdout.is_empty() && !ended.stderr.is_empty() && !ended.stderr.contains("panicked"),
            "{ended:?}"
        );
    }
}

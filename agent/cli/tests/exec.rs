//! `exec` and signals, through the local sandbox; skipped aloud where this machine has none.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "says why it skips")]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::Home;
use serde_json::Value;

/// A home, unless this machine has no local sandbox.
fn home() -> Option<Home> {
    let home = Home::new();
    home.write("probe.py", "print(1)\n");
    let ended = home.run(&["exec", "probe.py", "--sandbox", "local"]);
    if ended.code == Some(4) && std::env::var_os("CI").is_none() {
        eprintln!("skipped: {}", ended.stderr);
        return None;
    }
    assert_eq!(ended.code, Some(0), "{ended:?}");
    Some(home)
}

fn exec(home: &Home, source: &str, arguments: &[&str]) -> (Option<i32>, Value) {
    home.write("program.py", source);
    let all = ["exec", "program.py", "--sandbox", "local", "--json"].iter().chain(arguments).copied();
    let ended = home.run(&all.collect::<Vec<_>>());
    (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|_| ended.shown().into()))
}

#[test]
fn a_program_and_its_verdict() {
    let Some(home) = home() else { return };
    home.write("input", "3 4\n");
    let (code, result) = exec(&home, "print(sum(map(int, input().split())))", &["--stdin", "input"]);
    assert_eq!(code, Some(0), "{result}");
    assert_eq!((&result["verdict"], &result["exit"]), (&"passed".into(), &0.into()));
    assert_eq!((&result["stdout"], &result["stderr"]), (&"7\n".into(), &"".into()));
    for field in ["wall_ms", "cpu_ms", "peak_mib"] {
        assert!(result[field].is_u64(), "{field}: {result}");
    }
}

#[test]
fn verdicts_that_are_not_passed_exit_with_1() {
    let Some(home) = home() else { return };
    let cases: [(&str, &[&str], &str); 4] = [
        ("import sys; sys.exit(3)", &[], "failed"),
        ("1/0", &[], "failed"),
        ("while True: pass", &["--timeout", "500ms"], "timeout"),
        ("while True: print('x' * 10000)", &["--set", "sandbox.output_kib=64"], "output-limit"),
    ];
    for (source, arguments, verdict) in cases {
        let (code, result) = exec(&home, source, arguments);
        assert_eq!((code, &result["verdict"]), (Some(1), &verdict.into()), "{source}: {result}");
    }
}

#[test]
fn control_characters_of_a_program_are_shown_and_not_obeyed() {
    let Some(home) = home() else { return };
    home.write("program.py", "import sys; print('\\x1b[2J'); print('\\x07', file=sys.stderr)");
    let ended = home.run(&["exec", "program.py", "--sandbox", "local"]);
    assert_eq!(ended.stdout, "\\u{1b}[2J\n");
    assert!(ended.stderr.starts_with("\\u{7}\n"), "{}", ended.stderr);
}

#[test]
fn the_program_may_come_from_our_stdin() {
    let Some(home) = home() else { return };
    let mut command = home.command(["exec", "-", "--sandbox", "local"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"print('in')").unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"in\n");
}

#[test]
fn a_signal_ends_a_run_within_five_seconds() {
    let Some(home) = home() else { return };
    home.write("endless.py", "while True: pass");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut command =
            home.command(["exec", "endless.py", "--sandbox", "local", "--timeout", "100s", "-vv"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // The first log line comes after the handlers are in place.
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let started = Instant::now();
        let sent =
            std::process::Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{signal}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

//! `codeagent sandbox`: the interpreter made once by whoever comes first, requests and answers as JSON, bad requests.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::process::{Child, Stdio};

use codeagent_tests::binary::{Ended, Sandboxed};
use serde_json::{Value, json};

/// Runs one request; the answer, and the exit code.
fn run(request: &str) -> (Value, Option<i32>) {
    let place = Sandboxed::new();
    let mut command = place.command(&["sandbox", "run", "--json"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
    let ended: Ended = child.wait_with_output().unwrap().into();
    (serde_json::from_str(ended.stdout.lines().next().unwrap()).unwrap(), ended.code)
}

#[test]
fn a_program_is_answered() {
    let (answer, code) = run(&json!({"code": "print(input())", "stdin": "hello"}).to_string());
    assert_eq!((&answer["verdict"], &answer["stdout"], code), (&"passed".into(), &"hello\n".into(), Some(0)));
    let bytes = "import sys\nsys.stdout.buffer.write(bytes([0, 255]))\nsys.exit(2)";
    let (answer, code) = run(&json!({"code": bytes}).to_string());
    assert_eq!(
        (&answer["verdict"], &answer["stdout_hex"], code),
        (&"failed".into(), &"00ff".into(), Some(1))
    );
}

#[test]
fn a_function_is_answered_test_by_test() {
    let code = "import os\ndef f(x):\n    if x == 0: raise KeyError(x)\n    if x == 1: os._exit(0)\n    \
                return {x} if x > 2 else object()";
    let tests: Vec<_> = (0..4).map(|x| json!({"args": [x]})).collect();
    let request =
        json!({"backend": "wasm", "kind": "function", "code": code, "entry_point": "f", "tests": tests});
    let (answer, code) = run(&request.to_string());
    let rows =
        json!([{"exception": "KeyError"}, {"ended": "failed"}, {"not_plain": "object"}, {"value_py": "{3}"}]);
    assert_eq!((&answer["verdict"], &answer["tests"], code), (&"failed".into(), &rows, Some(1)));
}

#[test]
fn limits_of_the_request_hold() {
    let limits = json!({"wall_ms": 300, "memory_mb": 64, "output_kb": 1, "processes": 1});
    for (code, verdict) in [
        ("while True: pass", "timeout"),
        ("x = bytearray(1 << 28)", "memory"),
        ("print('x' * 2000)", "output-limit"),
    ] {
        let (answer, _) = run(&json!({"code": code, "limits": limits}).to_string());
        assert_eq!(answer["verdict"], verdict, "{code}");
    }
}

#[test]
fn a_bad_request_is_an_error_with_a_remedy() {
    for (request, part) in [
        ("", "EOF"),
        ("{\"code\": 1}", "invalid type"),
        ("{\"code\": \"\", \"tests\": [{}]}", "missing field `args`"),
        ("{\"code\": \"\", \"limits\": {\"wall\": 1}}", "unknown field `wall`"),
        ("{\"code\": \"\", \"kind\": \"function\"}", "entry_point"),
        ("{\"code\": \"\", \"backend\": \"docker\"}", "unknown variant `docker`"),
    ] {
        let (answer, code) = run(request);
        assert_eq!(code, Some(6), "{request}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(part), "{request}: {answer}");
        assert!(answer["hint"].as_str().unwrap().contains("`code`"), "{answer}");
    }
}

#[test]
fn back_ends_tell_what_they_are() {
    let place = Sandboxed::new();
    let shown = Ended::of(&mut place.command(&["sandbox", "info", "--json"]));
    let wasm: Value = serde_json::from_str(shown.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&wasm["backend"], &wasm["level"], shown.code), (&"wasm".into(), &"strict".into(), Some(0)));
    let has = |list: &str, item: &str| wasm[list].as_array().unwrap().iter().any(|value| value == item);
    assert!(
        has("modules", "json") && has("absent", "sqlite3") && !wasm["layers"].as_array().unwrap().is_empty()
    );
}

#[test]
fn the_sandbox_tests_itself() {
    let place = Sandboxed::new();
    let tested = Ended::of(&mut place.command(&["sandbox", "selftest", "--json"]));
    assert_eq!(tested.code, Some(0), "{tested:?}");
    assert_eq!(serde_json::from_str::<Value>(&tested.stdout).unwrap()["passed"], true);
    // A program that ends by itself must not take its worker along.
    assert!(!tested.stderr.contains("broke"), "{}", tested.stderr);
}

/// Both wait for one of them.
#[test]
fn two_that_come_at_once_make_the_interpreter_once() {
    let place = Sandboxed::new();
    let cache = place.path().join("cache");
    let start = || -> Child {
        let mut command = place.command(&["sandbox", "prepare", "--json"]);
        command
            .env("CODEAGENT_CACHE_DIR", &cache)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let made = [start(), start()].map(|child| Ended::from(child.wait_with_output().unwrap()));
    assert!(made.iter().all(|ended| ended.code == Some(0)), "{made:?}");
    let mut files: Vec<_> = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cwasm"));
    assert_eq!(files.len(), 1);
    let again =
        Ended::of(place.command(&["sandbox", "prepare", "--json"]).env("CODEAGENT_CACHE_DIR", &cache));
    assert!(again.stdout.contains("\"was_prepared\":true"), "{again:?}");
}

//! The wasm back-end as its users see it. The interpreter is prepared once per machine, in the user's cache folder.
#![cfg(feature = "wasm")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use codeagent_sandbox::wasm::WasmSandbox;
use codeagent_sandbox::{Clock, Failure, Limits, Outcome, Program, Run, Sandbox, Verdict, run_program};

static SANDBOX: LazyLock<WasmSandbox> = LazyLock::new(|| WasmSandbox::new().unwrap());

/// Runs a program within these limits.
async fn run_within(source: &str, limits: Limits, seed: u64) -> Outcome {
    let sandbox: Arc<dyn Sandbox> = Arc::new(SANDBOX.clone());
    let program = Program { source: source.into(), entry: None };
    let run = Run { program, stdin: b"3 4\n".to_vec(), limits, seed, ..Run::default() };
    run_program(&sandbox, &run).await.unwrap()
}

async fn run(source: &str) -> Outcome {
    run_within(source, Limits::default(), 0).await
}

/// Runs a program that passes and returns its stdout.
async fn stdout(source: &str) -> String {
    let execution = run(source).await;
    assert_eq!(execution.verdict, Verdict::Passed, "{}", String::from_utf8_lossy(&execution.stderr));
    String::from_utf8(execution.stdout).unwrap()
}

#[tokio::test]
async fn a_program_reads_computes_and_prints() {
    assert_eq!(stdout("print(sum(map(int, input().split())))").await, "7\n");
    assert_eq!(stdout("import sys; print(open('/dev/stdin').read(), end='')").await, "3 4\n");
}

#[tokio::test]
async fn an_exit_status_is_reported() {
    assert_eq!(run("import sys; sys.exit(3)").await.exit, Some(3));
    assert_eq!(run("import os; os._exit(4)").await.exit, Some(4));
}

#[tokio::test]
async fn loops_and_sleeps_end_at_the_time_limit() {
    let limits = Limits::default().with_wall(Duration::from_millis(300));
    let timeout = Verdict::Timeout { clock: Clock::Wall };
    for source in
        ["while True: pass", "import time; time.sleep(60)", "import re; re.match('(a+)+b', 'a' * 60)"]
    {
        let execution = run_within(source, limits, 0).await;
        assert_eq!(execution.verdict, timeout, "{source}");
    }
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    let limits = Limits::default().with_memory_mib(64);
    let execution = run_within("b = bytearray(100 << 20)", limits, 0).await;
    assert_eq!(execution.verdict, Verdict::Memory);
    let execution = run_within("b = bytearray(32 << 20); print(len(b))", limits, 0).await;
    assert_eq!(execution.verdict, Verdict::Passed);
}

#[tokio::test]
async fn output_ends_at_its_limit() {
    let execution = run("while True: print('x' * 1000)").await;
    assert_eq!(execution.verdict, Verdict::OutputLimit);
    assert_eq!(execution.stdout.len(), Limits::default().output_bytes);
}

#[tokio::test]
async fn recursion_is_pythons_own_affair_up_to_the_stack() {
    let deep =
        "import sys\nsys.setrecursionlimit(20000)\ndef f(n): return n and 1 + f(n - 1)\nprint(f(9000))";
    assert_eq!(stdout(deep).await, "9000\n");
    let endless = run("def f(): f()\nf()").await;
    assert!(String::from_utf8_lossy(&endless.stderr).contains("RecursionError"));
    let nested = "x = []\nfor _ in range(10**6): x = [x]\nrepr(x)";
    assert!(matches!(run(nested).await.verdict, Verdict::Failed { .. } | Verdict::Crashed { .. }));
}

#[tokio::test]
async fn what_lies_outside_is_refused_with_an_exception() {
    let cases = [
        ("open('/etc/passwd')", "open etc/passwd"),
        ("open('x', 'w')", "write x"),
        ("import socket; socket.socket()", "sockets/tcp-create-socket create-tcp-socket"),
        ("import os; os.listdir('/')", "list ."),
    ];
    for (source, refusal) in cases {
        let execution = run(source).await;
        assert_eq!(execution.refusals, [refusal], "{source}");
        assert_eq!(execution.exit, Some(1), "{source}: {}", String::from_utf8_lossy(&execution.stderr));
    }
}

#[tokio::test]
async fn nothing_of_the_host_is_visible() {
    assert_eq!(
        stdout("import os; print(dict(os.environ), os.path.exists('/python-stdlib'))").await,
        "{} False\n"
    );
    assert_eq!(stdout("import __main__; print('prepare' in vars(__main__))").await, "False\n");
}

#[tokio::test]
async fn a_seed_fixes_everything() {
    let source =
        "import os, random, time; print(time.time(), os.urandom(8), random.random(), hash('a'), id([]))";
    let (first, second) = (stdout(source).await, stdout(source).await);
    assert_eq!(first, second);
    let other = run_within(source, Limits::default(), 1).await;
    assert_ne!(other.stdout, first.as_bytes());
}

#[tokio::test]
async fn a_loop_that_waits_for_the_clock_gets_out() {
    let source = "import time\nstart = time.time()\nwhile time.time() - start < 0.3: pass\nprint('out')";
    assert_eq!(stdout(source).await, "out\n");
}

#[tokio::test]
async fn files_are_not_offered() {
    let sandbox: Arc<dyn Sandbox> = Arc::new(SANDBOX.clone());
    let run = Run { files: [("a.txt".to_owned(), Vec::new())].into(), ..Run::default() };
    let error = run_program(&sandbox, &run).await.unwrap_err().to_string();
    assert!(error.contains("files") && error.contains("local sandbox"), "{error}");
}

#[tokio::test]
async fn one_program_leaves_nothing_for_the_next() {
    stdout("import builtins, json; builtins.left = 1; json.left = 1").await;
    assert_eq!(
        stdout("import builtins, json; print(hasattr(builtins, 'left'), hasattr(json, 'left'))").await,
        "False False\n"
    );
}

#[tokio::test]
async fn what_is_listed_can_be_imported() {
    let modules = tokio::task::spawn_blocking(|| SANDBOX.interpreter()).await.unwrap().unwrap().modules;
    for module in
        ["asyncio", "collections.abc", "decimal", "doctest", "heapq", "json", "unittest.mock", "zlib"]
    {
        assert!(modules.iter().any(|name| name == module), "{module}");
    }
    // Parts of packages may need what is not here; what stands on top does not.
    let top: Vec<_> = modules.iter().filter(|name| !name.contains('.') && *name != "antigravity").collect();
    let source = format!(
        "import contextlib, importlib, io\nfor name in {top:?}:\n    \
         try:\n        with contextlib.redirect_stdout(io.StringIO()): importlib.import_module(name)\n    \
         except ImportError as error: print(name, error)"
    );
    assert_eq!(stdout(&source).await, "");
}

#[tokio::test]
async fn want_of_a_standard_module_is_told() {
    let expected = [
        (
            "import sqlite3",
            "No module named 'sqlite3' (a standard module that the wasm sandbox does not have)",
        ),
        ("import numpy", "No module named 'numpy'"),
    ];
    for (source, message) in expected {
        let verdict = run(source).await.verdict;
        let Verdict::Failed { failure: Failure::Exception { class, message: said, .. } } = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!((class.as_str(), said.as_str()), ("ModuleNotFoundError", message));
    }
    let capabilities = SANDBOX.capabilities();
    assert!(capabilities.absent.iter().any(|name| name == "ssl") && capabilities.modules.len() > 150);
}

#[test]
fn a_damaged_interpreter_is_made_anew() {
    let good = SANDBOX.interpreter().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let code = folder.path().join(good.path.file_name().unwrap());
    let manifest = "json";
    std::fs::copy(good.path.with_extension(manifest), code.with_extension(manifest)).unwrap();
    let mut bytes = std::fs::read(&good.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&code, bytes).unwrap();

    let sandbox = WasmSandbox::with_cache(folder.path());
    assert!(!sandbox.is_prepared());
    sandbox.prepare(|_| ()).unwrap();
    assert!(WasmSandbox::with_cache(folder.path()).is_prepared());
    assert_eq!(sandbox.interpreter().unwrap().bytes, good.bytes);
}

#[tokio::test]
async fn it_conforms() {
    use codeagent_sandbox::conformance::{Suite, deviations};
    let deviations = deviations(Arc::new(SANDBOX.clone()), Suite::Contained).await.unwrap();
    assert!(deviations.is_empty(), "{deviations:#?}");
}

//! Programs that attack the sandbox, and harmless ones that a sandbox may break: `programs/hostile/*.py`, one each.
//!
//! A program begins with a head of comments, `# key: value`:
//!
//! - `category`: resource, crash, process, host, kernel, network, channel, reward-hack, state, benign;
//! - `wasm`, `local`: the classes of verdict that are right there (not: that come out today);
//! - `kind: attack`: the program defines `attack()`, which returns true where it got through; right is then whatever ends
//!   well or badly, and the word BREACH is printed where it got through;
//! - `test`: an assertion of one call, for a program that is a function `f`;
//! - `stdin`, `prints`: input and right output (final line break aside), `\n`, `\r` standing for line breaks;
//!   `prints-hex`, `prints-bytes`: the right output in hex, its right length; `stderr`: what stderr must hold;
//! - `survivor`: a process name, `absent`: a path, which must not be there afterwards;
//! - `group`: programs that run one after the other, in the order of their names.
//!
//! Every attack has a fuse: in a sandbox that holds nothing it annoys the machine for seconds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use codeagent_sandbox::literal::{CallAssertion, Expectation};
use codeagent_sandbox::{
    Case, Checker, Judge, JudgeOptions, Limits, Outcome, Program, Run, Sandbox, SandboxError, Test, Verdict,
    run_program,
};
use codeagent_tests::{jobs, pool};

/// What is put behind an attack.
const ATTACK: &str = "
try:
    reached = attack()
except BaseException as error:
    reached = False
    print('refused:', type(error).__name__)
print('BREACH' if reached else 'CONTAINED')
";

/// Verdicts of an attack that did not get through.
const CONTAINED: &str = "passed failed denied crashed memory";

/// Programs that must hit a time limit wait for it; the others must have time on a busy machine.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(20);
/// No run takes so long, whatever the program does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program of the corpus.
struct Specimen {
    name: String,
    head: BTreeMap<String, String>,
    source: String,
}

/// The corpus, in the order of the names.
fn corpus() -> Vec<Specimen> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/hostile");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let source = std::fs::read_to_string(path).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Specimen { name, head: head(&source), source }
    };
    paths.iter().map(read).collect()
}

fn head(source: &str) -> BTreeMap<String, String> {
    let comments = source.lines().map_while(|line| line.strip_prefix("# "));
    let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    let pairs = comments.filter_map(|line| line.split_once(": ")).filter(|(key, _)| is_key(key));
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

impl Specimen {
    fn value(&self, key: &str) -> Option<String> {
        self.head.get(key).map(|value| value.replace("\\n", "\n").replace("\\r", "\r"))
    }

    fn right_verdicts(&self, backend: &str) -> String {
        self.value(backend).unwrap_or_else(|| CONTAINED.to_owned())
    }

    /// What is wrong with how it comes out in `sandbox`; empty where nothing is.
    async fn check(&self, sandbox: &Arc<dyn Sandbox>) -> Vec<String> {
        let backend = sandbox.capabilities().backend;
        let right = self.right_verdicts(&backend);
        let limit = if right.contains("timeout") { SHORT } else { LONG };
        let outcome = match self.value("test") {
            Some(test) => tokio::time::timeout(PATIENCE, call(sandbox, &self.source, &test, limit)).await,
            None => tokio::time::timeout(PATIENCE, self.run(sandbox, limit)).await,
        };
        let mut wrong = match outcome {
            Err(_) => vec!["hangs".to_owned()],
            Ok(Err(error)) => vec![format!("the sandbox breaks: {error:?}")],
            Ok(Ok(execution)) => self.faults(&execution, &right),
        };
        wrong.extend(self.traces());
        wrong.iter().map(|wrong| format!("{} in {backend}: {wrong}", self.name)).collect()
    }

    async fn run(&self, sandbox: &Arc<dyn Sandbox>, limit: Duration) -> Result<Seen, SandboxError> {
        let is_attack = self.head.get("kind").is_some_and(|kind| kind == "attack");
        let source = format!("{}{}", self.source, if is_attack { ATTACK } else { "" });
        run(sandbox, &source, self.value("stdin").unwrap_or_default().as_bytes(), limit).await
    }

    fn faults(&self, execution: &Seen, right: &str) -> Vec<String> {
        let class = execution.verdict.class();
        let (stdout, stderr) = (&execution.stdout, String::from_utf8_lossy(&execution.stderr));
        let shown = String::from_utf8_lossy(&stdout[..stdout.len().min(300)]).into_owned();
        let mut wrong = Vec::new();
        if !right.split(' ').any(|right| right == class) {
            let end = &stderr[stderr.floor_char_boundary(stderr.len().saturating_sub(300))..];
            wrong
                .push(format!("{:?}, right is {right}; stdout {shown:?}, stderr {end:?}", execution.verdict));
        }
        if stdout.windows(6).any(|word| word == b"BREACH") {
            wrong.push(format!("gets through: {shown}"));
        }
        let is_whole = class == "passed" && right.contains("passed");
        let prints = self.value("prints").filter(|_| is_whole);
        if prints.is_some_and(|prints| prints.trim_end().as_bytes() != stdout.trim_ascii_end()) {
            wrong.push(format!("prints {shown:?}"));
        }
        let hex: String = stdout.iter().map(|byte| format!("{byte:02x}")).collect();
        if self.value("prints-hex").is_some_and(|right| is_whole && right != hex) {
            wrong.push(format!("prints {hex}"));
        }
        if self.value("prints-bytes").is_some_and(|right| right != stdout.len().to_string()) {
            wrong.push(format!("prints {} bytes", stdout.len()));
        }
        if self.value("stderr").is_some_and(|part| !stderr.contains(&part)) {
            wrong.push(format!("stderr is {stderr:?}"));
        }
        wrong
    }

    /// What it left on the host.
    fn traces(&self) -> Vec<String> {
        let file = self.value("absent").filter(|path| Path::new(path).exists());
        let process = self.value("survivor").filter(|name| is_running(name));
        file.into_iter().chain(process).map(|left| format!("leaves {left}")).collect()
    }
}

fn is_running(name: &str) -> bool {
    let Ok(processes) = std::fs::read_dir("/proc") else { return false };
    let names =
        processes.filter_map(|process| std::fs::read_to_string(process.ok()?.path().join("comm")).ok());
    names.into_iter().any(|running| running.trim_end() == name)
}

/// What is looked at of a run.
struct Seen {
    verdict: Verdict,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs a whole program as a script, with the corpus's limits.
async fn run(
    sandbox: &Arc<dyn Sandbox>,
    source: &str,
    stdin: &[u8],
    limit: Duration,
) -> Result<Seen, SandboxError> {
    let program = Program { source: source.to_owned(), entry: None };
    let limits = Limits::default().with_wall(limit);
    let run = Run { program, stdin: stdin.to_vec(), limits, seed: 1, ..Run::default() };
    let Outcome { verdict, stdout, stderr, .. } = run_program(sandbox, &run).await?;
    Ok(Seen { verdict, stdout, stderr })
}

/// Judges a function by one assertion, and puts the verdict as that of a run.
async fn call(
    sandbox: &Arc<dyn Sandbox>,
    source: &str,
    assertion: &str,
    limit: Duration,
) -> Result<Seen, SandboxError> {
    let program = Program { source: source.to_owned(), entry: Some("f".to_owned()) };
    let call = CallAssertion::parse(assertion).unwrap();
    let Expectation::Equal(expected) = call.expected else { panic!("no equality in {assertion}") };
    let test = Test::Call { args: call.args, kwargs: call.kwargs, expected, checker: Checker::Exact };
    let case = Case { name: assertion.to_owned(), test, time_limit: limit };
    let report = Judge::new(Arc::clone(sandbox)).judge(&program, &[case], &JudgeOptions::default()).await?;
    let verdict = report.results[0].verdict.clone();
    Ok(Seen { verdict, stdout: Vec::new(), stderr: Vec::new() })
}

/// Checks the programs of the corpus whose names begin so, groups in order, in every sandbox.
#[expect(clippy::print_stderr, reason = "says what was run")]
fn check(chosen: impl Fn(&Specimen) -> bool) {
    let mut groups: BTreeMap<String, Vec<Specimen>> = BTreeMap::new();
    for specimen in corpus().into_iter().filter(chosen) {
        groups
            .entry(specimen.value("group").unwrap_or_else(|| specimen.name.clone()))
            .or_default()
            .push(specimen);
    }
    let programs: usize = groups.values().map(Vec::len).sum();
    assert!(programs > 0, "no program was chosen");
    let groups: Arc<[Vec<Specimen>]> = groups.into_values().collect();
    let mut jobs = Vec::new();
    for sandbox in pool::sandboxes() {
        for index in 0..groups.len() {
            let (sandbox, groups) = (Arc::clone(sandbox), Arc::clone(&groups));
            jobs.push(async move {
                let mut wrong = Vec::new();
                for specimen in &groups[index] {
                    wrong.extend(specimen.check(&sandbox).await);
                }
                wrong
            });
        }
    }
    let mut wrong: Vec<String> = jobs::all(jobs).into_iter().flatten().collect();
    wrong.sort();
    eprintln!("{programs} programs in {} sandboxes, {} wrong", pool::sandboxes().len(), wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn is_benign(specimen: &Specimen) -> bool {
    specimen.head["category"] == "benign"
}

#[test]
fn attacks_are_contained() {
    check(|specimen| !is_benign(specimen));
}

#[test]
fn harmless_programs_work() {
    check(is_benign);
}

#[test]
fn the_corpus_covers_every_category() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for specimen in corpus() {
        *counts.entry(specimen.head["category"].clone()).or_default() += 1;
        let is_attack = specimen.head.contains_key("kind");
        let has_verdicts = ["wasm", "local"].iter().all(|backend| specimen.head.contains_key(*backend));
        assert!(is_attack || has_verdicts, "{} says no verdicts", specimen.name);
    }
    let categories = [
        "benign",
        "channel",
        "crash",
        "host",
        "kernel",
        "network",
        "process",
        "resource",
        "reward-hack",
        "state",
    ];
    assert!(counts.keys().map(String::as_str).eq(categories), "{counts:?}");
}

// Bad input: a clear verdict each, nothing hangs.

/// A verdict in short: its class, and for failures how.
fn phrase(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Failed { failure } => {
            serde_json::to_value(failure).unwrap()["kind"].as_str().unwrap().to_owned()
        }
        other => other.class().to_owned(),
    }
}

/// Runs a program or, where there is an assertion, judges a function; in every sandbox the verdict must be one of `right`.
fn comes_out(source: &str, stdin: &[u8], assertion: Option<&str>, right: &[&str]) {
    let limit = if right.contains(&"timeout") { SHORT } else { LONG };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for sandbox in pool::sandboxes() {
        let outcome = runtime.block_on(async {
            let outcome = async {
                match assertion {
                    Some(assertion) => call(sandbox, source, assertion, limit).await,
                    None => run(sandbox, source, stdin, limit).await,
                }
            };
            tokio::time::timeout(PATIENCE, outcome).await
        });
        let backend = sandbox.capabilities().backend;
        let start = &source[..source.floor_char_boundary(60)];
        let execution = outcome.unwrap_or_else(|_| panic!("hangs in {backend}: {start:?}"));
        let execution = execution.unwrap_or_else(|error| panic!("{backend} breaks: {error:?}: {start:?}"));
        let seen = phrase(&execution.verdict);
        assert!(
            right.contains(&seen.as_str()),
            "{:?} in {backend}, right is {right:?}: {start:?}",
            execution.verdict
        );
    }
}

#[test]
fn large_programs() {
    let comment = format!(
        "print(1)\n{}",
        "# padding padding padding padding padding padding padding pad\n".repeat(1 << 18)
    );
    comes_out(&comment, b"", None, &["passed"]);
    let text = format!("print(len('{}'))", "x".repeat(16 << 20));
    comes_out(&text, b"", None, &["passed", "memory"]);
    let lines = "x = 1\n".repeat(200_000);
    comes_out(&lines, b"", None, &["passed", "memory"]);
}

#[test]
fn empty_programs() {
    for source in ["", "\n\n", "# nothing\n", "\u{feff}", "pass"] {
        comes_out(source, b"", None, &["passed"]);
        comes_out(source, b"", Some("assert f() == 1"), &["exception"]);
    }
}

#[test]
fn programs_that_do_not_parse() {
    let deep = format!("x = {}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let digits = format!("x = {}", "9".repeat(1_000_000));
    for source in [
        "print(1",
        "def f(:\n",
        "x = \0 1",
        "\0",
        "if True:\npass",
        "\tx\n  y",
        "'\u{1f422}",
        "x = $",
        "\u{202e}1",
        &deep,
        &digits,
    ] {
        comes_out(source, b"", None, &["syntax", "memory", "crashed"]);
        comes_out(source, b"", Some("assert f() == 1"), &["syntax", "memory", "crashed"]);
    }
}

#[test]
fn entry_points_that_are_none() {
    for (source, right) in [
        ("g = 1", "exception"),
        ("f = 1", "exception"),
        ("f = None", "exception"),
        ("class f: pass", "not-plain-data"),
        ("f = __builtins__", "exception"),
        ("from math import pi as f", "exception"),
        ("del_ = 1\ndef f(): pass\ndel f", "exception"),
        ("def f(a, b): return 1", "exception"),
        ("def F(): return 1", "exception"),
        ("if False:\n    def f(): return 1", "exception"),
        ("f = len", "exception"),
        ("import builtins\nbuiltins.f = lambda: 1", "exception"),
        ("f = print", "wrong"),
        ("f = dict", "wrong"),
    ] {
        comes_out(source, b"", Some("assert f() == 1"), &[right]);
    }
}

#[test]
fn test_code_that_does_not_parse() {
    let program = Program { source: "def f(n): return n".to_owned(), entry: Some("f".to_owned()) };
    let judged = |setup: &str, code: &str| {
        let test = Test::Code { setup: setup.to_owned(), code: code.to_owned() };
        let case = Case { name: code.to_owned(), test, time_limit: LONG };
        let program = program.clone();
        let judge = |sandbox: &Arc<dyn Sandbox>| {
            let (judge, case, program) = (Judge::new(Arc::clone(sandbox)), case.clone(), program.clone());
            async move {
                let (cases, options) = ([case], JudgeOptions::default());
                let report = judge.judge(&program, &cases, &options);
                tokio::time::timeout(PATIENCE, report).await.unwrap().unwrap().results[0].verdict.clone()
            }
        };
        jobs::all(pool::sandboxes().iter().map(judge).collect())
    };
    for (setup, code) in [
        ("", "assert f(1 =="),
        ("def check(:", "check(f)"),
        ("", "check(f)"),
        ("raise ValueError", "assert f(1) == 1 + 0"),
        ("", "assert f(\0) == 1"),
        ("", "import no_such_module"),
        ("import sys\nsys.exit(0)", "assert f(1) == 2 - 1"),
        ("", "raise SystemExit(0)"),
        ("import os\nos._exit(0)", "assert f(1) == 2 - 1"),
        ("while True: pass", "assert f(1) == 2 - 1"),
    ] {
        for verdict in judged(setup, code) {
            assert!(!verdict.is_passed(), "{setup:?} {code:?}: {verdict:?}");
        }
    }
}

#[test]
fn large_inputs() {
    let input = "a line of input\n".repeat(4 << 20);
    comes_out("print(1)", input.as_bytes(), None, &["passed"]);
    comes_out("import sys\nprint(sum(map(len, sys.stdin.buffer)))", input.as_bytes(), None, &["passed"]);
    comes_out("print(input())\nprint(input())", input.as_bytes(), None, &["passed"]);
    let bytes: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    comes_out("import sys\nassert len(sys.stdin.buffer.read()) == 1_000_000", &bytes, None, &["passed"]);
    comes_out("import sys\nassert len(sys.stdin.read()) > 0", &bytes, None, &["passed"]);
}

#[test]
fn reading_for_ever() {
    comes_out("import sys\nwhile True: sys.stdin.read()", b"x", None, &["timeout"]);
    comes_out("while True:\n    try: input()\n    except EOFError: pass", b"x", None, &["timeout"]);
    comes_out("import os\nwhile True: os.read(0, 1)", b"x", None, &["timeout"]);
    // In wasm the channel is at its end until an answer is given.
    comes_out("import os\nos.read(3, 1)", b"", None, &["timeout", "no-answer", "exception", "passed"]);
    comes_out(
        "import os\ndef f(): return os.read(3, 1)",
        b"",
        Some("assert f() == 1"),
        &["timeout", "no-answer", "wrong", "exception"],
    );
}

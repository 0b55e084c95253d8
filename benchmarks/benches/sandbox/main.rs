//! What judging costs, through the whole path from program and cases to the report, in every sandbox of this machine.
//!
//! Rows, each for every back-end: `print` (a program that prints one number; the mean, and percentiles of single runs),
//! `function` (ten lines with seven tests, as HumanEval has them), `humaneval` (its 164 canonical solutions on their
//! hidden tests: programs per second with one and with two at a time), `probe` (1,000 calls in one session), `start` (from
//! making a sandbox to its first answer) and `memory` (what the process holds).
//!
//! The yardstick, measured in the same run, is a bare `python3 -I -S` that prints one number in a process of its own,
//! without any containment. The interpreter of `wasm` is prepared before measuring begins.
//! `scripts/bench-sandbox-peers` sets `humaneval` beside other people's executors.

#![expect(clippy::expect_used, reason = "a benchmark stops at the first fault")]

mod humaneval;
mod rows;
mod single;

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use codeagent::sandbox::wasm::{WasmSandbox, Workers, worker};
use codeagent::sandbox::{Case, Checker, Judge, JudgeOptions, Program, Sandbox, Test, literal};
use criterion::Criterion;
use tokio::runtime::Runtime;

use rows::Rows;

const FUNCTION: &str = "\
from typing import List


def has_close_elements(numbers: List[float], threshold: float) -> bool:
    for index, one in enumerate(numbers):
        for other in numbers[index + 1:]:
            if abs(one - other) < threshold:
                return True
    return False
";

/// Arguments and answers.
const TESTS: [(&str, &str, &str); 7] = [
    ("[1.0, 2.0, 3.9, 4.0, 5.0, 2.2]", "0.3", "True"),
    ("[1.0, 2.0, 3.9, 4.0, 5.0, 2.2]", "0.05", "False"),
    ("[1.0, 2.0, 5.9, 4.0, 5.0]", "0.95", "True"),
    ("[1.0, 2.0, 5.9, 4.0, 5.0]", "0.8", "False"),
    ("[1.0, 2.0, 3.0, 4.0, 5.0, 2.0]", "0.1", "True"),
    ("[1.1, 2.2, 3.1, 4.1, 5.1]", "1.0", "True"),
    ("[1.1, 2.2, 3.1, 4.1, 5.1]", "0.5", "False"),
];

/// The argument that makes this benchmark a worker of the wasm sandbox.
const WORKER: &str = "__sandbox-worker";

fn main() -> ExitCode {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WORKER) {
        return worker::main();
    }
    let runtime = Runtime::new().expect("a runtime");
    let mut criterion =
        Criterion::default().measurement_time(Duration::from_secs(5)).sample_size(50).configure_from_args();
    let python = interpreter();
    criterion.bench_function("sandbox/bare process/print", |bencher| bencher.iter(|| bare_process(&python)));
    let makers: [(&str, Make); 2] = [("wasm", wasm), ("local", local)];
    for (backend, make) in makers {
        let Some(sandbox) = make() else { continue };
        judge(&mut criterion, &runtime, &sandbox, "print", &printing());
        judge(&mut criterion, &runtime, &sandbox, "function", &function());
        plain(&Rows::from_args(), backend, make, &runtime, &sandbox);
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}

/// Makes a sandbox of a back-end, where this machine has it.
type Make = fn() -> Option<Arc<dyn Sandbox>>;

/// The rows that are no means of equal iterations.
fn plain(rows: &Rows, backend: &str, make: Make, runtime: &Runtime, sandbox: &Arc<dyn Sandbox>) {
    let name = |row: &str| format!("sandbox/{backend}/{row}");
    rows.row(&name("print/percentiles"), |effort| {
        Some(single::percentiles(runtime, sandbox, &printing(), effort))
    });
    rows.row(&name("probe"), |effort| Some(single::probe(runtime, sandbox, effort)));
    rows.row(&name("start"), |effort| single::start(runtime, make, &printing(), effort));
    rows.row(&name("humaneval"), |effort| humaneval::throughput(runtime, sandbox, effort));
    rows.row(&name("memory"), |effort| single::memory(runtime, sandbox, &printing(), effort));
}

type Judged = (Program, Vec<Case>);

fn judge(
    criterion: &mut Criterion,
    runtime: &Runtime,
    sandbox: &Arc<dyn Sandbox>,
    what: &str,
    (program, cases): &Judged,
) {
    let judge = Judge::new(Arc::clone(sandbox));
    let options = JudgeOptions::default();
    let name = format!("sandbox/{}/{what}", sandbox.capabilities().backend);
    criterion.bench_function(&name, |bencher| {
        bencher.iter(|| {
            let report = runtime.block_on(judge.judge(program, cases, &options)).expect("a report");
            assert!(report.is_passed(), "{report:?}");
        });
    });
}

fn printing() -> Judged {
    let test = Test::Stdio { input: String::new(), expected: "1\n".to_owned(), checker: Checker::Exact };
    (Program { source: "print(1)\n".to_owned(), entry: None }, vec![case(test)])
}

fn function() -> Judged {
    let value = |text| literal::parse(text).expect("a literal");
    let test = |(numbers, threshold, expected)| {
        case(Test::Call {
            args: vec![value(numbers), value(threshold)],
            kwargs: Vec::new(),
            expected: value(expected),
            checker: Checker::Exact,
        })
    };
    let program = Program { source: FUNCTION.to_owned(), entry: Some("has_close_elements".to_owned()) };
    (program, TESTS.into_iter().map(test).collect())
}

fn case(test: Test) -> Case {
    Case { name: String::new(), test, time_limit: Duration::from_secs(5) }
}

/// The interpreter itself: what is called `python3` may be a script that looks for one.
fn interpreter() -> String {
    python("python3", "import sys; print(sys.executable)")
}

fn bare_process(interpreter: &str) {
    assert_eq!(python(interpreter, "print(1)"), "1");
}

fn python(interpreter: &str, program: &str) -> String {
    let output = Command::new(interpreter).args(["-I", "-S", "-c", program]).stdin(Stdio::null()).output();
    let stdout = output.expect("a python3 on the search path").stdout;
    String::from_utf8(stdout).expect("text").trim().to_owned()
}

#[expect(clippy::unnecessary_wraps, reason = "the other back-end may be missing")]
fn wasm() -> Option<Arc<dyn Sandbox>> {
    let workers = Workers::of_this_program([WORKER]).expect("this program's path");
    let wasm = WasmSandbox::new().expect("a cache folder").with_workers(workers);
    wasm.prepare(|_| ()).expect("the interpreter");
    Some(Arc::new(wasm))
}

#[cfg(target_os = "linux")]
#[expect(clippy::print_stdout, reason = "a benchmark says what it leaves out")]
fn local() -> Option<Arc<dyn Sandbox>> {
    use codeagent::sandbox::local::{LocalConfig, LocalSandbox};

    match LocalSandbox::new(LocalConfig::default()) {
        Ok(sandbox) => Some(Arc::new(sandbox)),
        Err(error) => {
            println!("SKIPPED: {error}");
            None
        }
    }
}

#[cfg(not(target_os = "linux"))]
const fn local() -> Option<Arc<dyn Sandbox>> {
    None
}

//! Runs a program that nobody trusts, judges a function, and asks it for values:
//! `cargo run -p codeagent-sandbox --example judge`. The first run prepares the interpreter, some 20 seconds.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use codeagent_sandbox::wasm::WasmSandbox;
use codeagent_sandbox::{
    Arguments, Called, Case, Checker, Judge, JudgeOptions, Limits, Loaded, Program, Run, Sandbox, Test,
    Value, run_program,
};

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what it got")]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox: Arc<dyn Sandbox> = Arc::new(WasmSandbox::new()?);

    // A whole program: a verdict, its output, and what it was refused.
    let source = "print(sum(map(int, input().split())))\nopen('/etc/passwd')";
    let program = Program { source: source.into(), entry: None };
    let run = Run { program, stdin: b"19 23".to_vec(), ..Run::default() };
    let outcome = run_program(&sandbox, &run).await?;
    println!("{}: {}", outcome.verdict.class(), String::from_utf8_lossy(&outcome.stdout).trim());
    println!("refused: {:?}", outcome.refusals);

    // A function and a test. The right answer stays on this side.
    let program = Program { source: "def double(n): return n + n".into(), entry: Some("double".into()) };
    let test = Test::Call {
        args: vec![Value::from(2)],
        kwargs: Vec::new(),
        expected: Value::from(4),
        checker: Checker::Exact,
    };
    let case = Case { name: "double(2) == 4".into(), test, time_limit: Duration::from_secs(5) };
    let report = Judge::new(Arc::clone(&sandbox)).judge(&program, &[case], &JudgeOptions::default()).await?;
    println!("{} of {} tests pass", report.passed(), report.total());

    // The same function, called for its values.
    let second = Duration::from_secs(1);
    if let Ok(mut loaded) = Loaded::open(&sandbox, &program, second, Limits::default(), 0).await? {
        let arguments = Arguments { args: vec![Value::from("ab")], kwargs: Vec::new() };
        if let Called::Claim(claim) = loaded.call(&arguments, second).await? {
            println!("double('ab') gives {claim:?}");
        }
    }
    Ok(())
}

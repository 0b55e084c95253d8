//! The turns of our questions, and answers of the real weights.

use codeagent_prompts::questions::{DirectProgram, ImplementThoughts, RefineProgram, Thoughts};
use codeagent_prompts::{Entry, FailedTest, FailureKind, Feedback, FeedbackLimits, Question, Task};

use super::*;
use crate::local::{Engine, EngineOptions, Local};
use crate::provider::{Provider, Request};
use crate::scripted::question;
use std::sync::Arc;

fn task() -> Task {
    let statement = "Keep only the numbers that are even, then return the sum.\n\nExamples:\n\ntotal([1, 2, 4]) == 6\ntotal([3]) == 0";
    let entry = Entry::Function { name: "total".into(), signature: None };
    Task {
        statement: statement.into(),
        entry,
        starter: String::new(),
        buggy: None,
        language: "python".into(),
    }
}

fn turn(messages: &[Message]) -> super::super::Prompt {
    match EmbeddedStyle.ask(messages).unwrap() {
        Asked::Prompt(prompt) => prompt,
        Asked::Known(text) => panic!("{text}"),
    }
}

const STUB: &str = "def solve(a):\n    \"\"\"Keep only the numbers that are even, then return the sum.\n\n    Examples:\n\n    solve([1, 2, 4]) == 6\n    solve([3]) == 0\n    \"\"\"\n";

#[test]
fn a_problem_is_a_stub_to_complete() {
    let prompt = turn(&DirectProgram { task: &task() }.messages().unwrap());
    assert_eq!(prompt.text, format!("<|start|>{STUB}<|answer|>#"));
    assert!(prompt.stop.is_empty());
    let answer = (prompt.reply)(" sum\ndef solve(a):\n    return 0\n");
    assert_eq!(answer, "```python\n# sum\ndef total(a):\n    return 0\n```");
}

#[test]
fn a_completion_stays_as_it_is() {
    let code =
        "def solve(xs: list[int]) -> int:\n    \"\"\"Return the sum.\n    >>> solve([1])\n    1\n    \"\"\"";
    let entry = Entry::Function { name: "solve".into(), signature: None };
    let task = Task { statement: code.into(), starter: code.into(), entry, ..task() };
    let prompt = turn(&DirectProgram { task: &task }.messages().unwrap());
    assert_eq!(prompt.text, format!("<|start|>{code}\n<|answer|>#"));
}

#[test]
fn a_whole_program_is_a_docstring() {
    let statement = "Print the sum.\n\nExamples:\n\nInput:\n1 2\nOutput:\n3";
    let task = Task { statement: statement.into(), entry: Entry::Stdio, ..task() };
    let prompt = turn(&DirectProgram { task: &task }.messages().unwrap());
    assert_eq!(prompt.text, "<|start|>\"\"\"Print the sum.\n\nInput:\n1 2\nOutput:\n3\n\"\"\"\n<|answer|>#");
}

#[test]
fn a_failure_is_told_in_lines() {
    let failed = |test: &str, expected: &str, actual: &str, kind| FailedTest {
        test: test.into(),
        expected: expected.into(),
        actual: actual.into(),
        kind,
        line: Some((2, "    return a[0]".into())),
    };
    let failed = vec![
        failed("total([1, 2, 4])", "6", "1", FailureKind::WrongAnswer),
        failed("total([])", "0", "IndexError: list index out of range", FailureKind::Crash),
    ];
    let feedback = Feedback { failed, ..Feedback::default() }.render(&FeedbackLimits::default());
    let program = "def total(a):\n    return a[0]";
    let refine = RefineProgram { task: &task(), program, feedback: &feedback, reflection: None };
    let prompt = turn(&refine.messages().unwrap());
    let said = "solve([1, 2, 4]) returned 1, expected 6\nsolve([]) raised IndexError: list index out of range, expected 0\n";
    assert_eq!(
        prompt.text,
        format!(
            "<|start|>{STUB}<|answer|>def solve(a):\n    return a[0]\n<|end|><|feedback|>{said}<|answer|>#"
        )
    );
}

#[test]
fn a_thought_is_a_plan() {
    let task = task();
    let asked = codeagent_prompts::questions::Asked::First;
    let prompt = turn(&Thoughts { task: &task, count: 3, chain: &[], asked }.messages().unwrap());
    assert_eq!((prompt.text, prompt.stop), (format!("<|start|>{STUB}<|answer|>#"), vec!["\n".to_owned()]));
    assert_eq!((prompt.reply)(" keep even; sum"), r#"[{"thought":"keep even; sum","reasonableness":1.0}]"#);
    let thoughts = ["keep even; sum".to_owned()];
    let prompt = turn(&ImplementThoughts { task: &task, thoughts: &thoughts }.messages().unwrap());
    assert_eq!(prompt.text, format!("<|start|>{STUB}<|answer|># keep even; sum\n"));
    assert_eq!((prompt.reply)("def solve(a):"), "```python\n# keep even; sum\ndef total(a):\n```");
}

#[test]
fn other_questions_are_refused() {
    let asked = EmbeddedStyle.ask(&question("Is 7 a prime?").messages).unwrap();
    assert!(matches!(asked, Asked::Known(text) if text == REFUSAL));
}

#[tokio::test]
async fn the_weights_write_programs() {
    let engine = Engine::start(load(&LoadOptions::default()).unwrap(), EngineOptions::default()).unwrap();
    let model = Local::new(engine, Arc::new(EmbeddedStyle));
    let messages = DirectProgram { task: &task() }.messages().unwrap();
    let request = Request { messages, temperature: 0.0, max_output_tokens: 256, ..question("") };
    let reply = model.complete(&request).await.unwrap();
    let text = &reply.choices[0].text;
    assert!(
        text.contains("def total(a):") && text.contains("% 2 == 0") && text.contains("return sum("),
        "{text}"
    );
    assert!(reply.model.starts_with(NAME), "{}", reply.model);
}

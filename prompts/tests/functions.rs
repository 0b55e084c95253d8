//! Questions about single functions, plans and parts of programs: their wording, and whatever may be answered to them.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use codeagent_prompts::questions::{
    BlameFunction, CallInputs, ComposeFunction, ContinueProgram, DecideStep, DivideFunction, Failing,
    LastRightLine, SamplePlan,
};
use codeagent_prompts::{
    AnswerError, Entry, FailedTest, FailureKind, Feedback, FeedbackLimits, FeedbackText, Function, Question,
    Role, Task,
};
use proptest::prelude::*;

const PROGRAM: &str = "def spread(values):\n    low = min(values)\n    return values[0] - low\n";

fn task() -> Task {
    Task {
        statement: "Return the difference between the largest and the smallest of `values`.".into(),
        entry: Entry::Function {
            name: "spread".into(),
            signature: Some("def spread(values: list[int]) -> int".into()),
        },
        starter: String::new(),
        buggy: None,
        language: "python".into(),
    }
}

fn stdio() -> Task {
    Task { statement: "Read integers. Print their sum.".into(), entry: Entry::Stdio, ..task() }
}

fn function(name: &str, signature: &str, doc: &str) -> Function {
    Function { name: name.into(), signature: signature.into(), doc: doc.into() }
}

fn largest() -> Function {
    function("largest", "def largest(values: list[int]) -> int", "The largest value, 0 if there is none.")
}

fn smallest() -> Function {
    function("smallest", "def smallest(values)", "")
}

fn main_function() -> Function {
    function("main", "def main() -> None", "")
}

fn feedback() -> FeedbackText {
    let failed = FailedTest {
        test: "spread([1, 5])".into(),
        expected: "4".into(),
        actual: "0".into(),
        kind: FailureKind::WrongAnswer,
        line: None,
    };
    Feedback { failed: vec![failed], ..Feedback::default() }.render(&FeedbackLimits::default())
}

fn check(name: &str, question: &impl Question) {
    let messages = question.messages().unwrap();
    let shown: String =
        messages.iter().map(|message| format!("<<{:?}>>\n{}\n", message.role, message.content)).collect();
    insta::assert_snapshot!(name, shown);
    let roles: Vec<Role> = messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::System, Role::User]);
    for message in messages {
        assert!(!message.content.contains("\n\n\n"), "stray blank lines in:\n{}", message.content);
        assert!(!message.content.contains("{{") && !message.content.contains("{%"), "{}", message.content);
    }
}

#[test]
fn single_functions() {
    let (task, stdio, largest, main) = (task(), stdio(), largest(), main_function());
    let divide = DivideFunction { task: &task, function: &largest, whole: false, code: "", helpers: 4 };
    check("divide_function", &divide);
    let whole = DivideFunction { task: &stdio, function: &main, whole: true, code: PROGRAM, helpers: 4 };
    check("divide_function_whole", &whole);
    let compose = ComposeFunction {
        task: &task,
        function: &largest,
        whole: false,
        code: "",
        others: &[],
        tests: &[],
        failed: None,
    };
    check("compose_function", &compose);
    let feedback = feedback();
    let source = "def largest(values):\n    return values[0]\n";
    let tests = ["largest([3, 1]) == 3".to_owned(), "largest([]) == 0".to_owned()];
    let mend = ComposeFunction {
        code: PROGRAM,
        others: &[smallest(), main_function()],
        tests: &tests,
        failed: Some(Failing { source, feedback: &feedback }),
        ..compose
    };
    check("compose_function_to_mend", &mend);
    check(
        "call_inputs",
        &CallInputs { task: &task, function: &largest, whole: false, call: "largest", count: 5 },
    );
    let calls = "largest([1, 5]) returned 1\nsmallest([1, 5]) returned 1";
    let functions = [largest.clone(), smallest()];
    let blame =
        BlameFunction { task: &task, program: PROGRAM, feedback: &feedback, calls, functions: &functions };
    check("blame_function", &blame);
    check("blame_function_without_calls", &BlameFunction { calls: "", ..blame });
}

#[test]
fn plans_and_parts() {
    let (task, stdio) = (task(), stdio());
    check("sample_plan", &SamplePlan { task: &task, steps: 6 });
    check("sample_plan_whole", &SamplePlan { task: &stdio, steps: 6 });
    let options = [largest(), smallest()];
    let first = DecideStep { task: &task, done: &[], error: None, options: &options };
    check("decide_step_first", &first);
    let later = DecideStep { done: &[smallest()], error: Some("TypeError: no list"), ..first };
    check("decide_step_after_failure", &later);
    check("last_right_line", &LastRightLine { task: &task, program: PROGRAM });
    check(
        "continue_program",
        &ContinueProgram { task: &task, prefix: "def spread(values):\n    low = min(values)\n" },
    );
}

#[test]
fn a_division_must_define_its_function() {
    let (task, function) = (task(), largest());
    let question = DivideFunction { task: &task, function: &function, whole: false, code: "", helpers: 4 };
    let good = "def largest(values):\n    return first(values)\n\n\ndef first(values):\n    raise NotImplementedError()\n";
    assert_eq!(question.parse(&format!("So:\n```python\n{good}```")).unwrap(), good);
    for (reply, error) in [
        ("", AnswerError::Empty),
        ("I cannot.", AnswerError::NoCode),
        ("```python\ndef other(): pass\n```", AnswerError::EntryMissing { entry: "largest".into() }),
    ] {
        assert_eq!(question.parse(reply), Err(error));
        assert_eq!(question.salvage(reply), None);
    }
}

fn check_calls(reply: &str, expected: &[&str]) {
    let (task, function) = (task(), largest());
    let question = CallInputs { task: &task, function: &function, whole: false, call: "largest", count: 3 };
    let found = question.parse(reply);
    if expected.is_empty() {
        assert!(found.is_err(), "{found:?}");
    } else {
        assert_eq!(found.unwrap(), expected, "{reply:?}");
    }
}

#[test]
fn calls_are_read_in_many_forms() {
    check_calls("largest([1])\nlargest([])", &["largest([1])", "largest([])"]);
    check_calls("```python\nlargest([1, (2)])  # two\n```", &["largest([1, (2)])"]);
    check_calls("1. `largest([1])`\n2) largest([2])", &["largest([1])", "largest([2])"]);
    check_calls("assert largest([1]) == 1\nprint(largest([2]))", &["largest([1])", "largest([2])"]);
    check_calls("x = largest([\")\", '(', \"\\\")\"])", &["largest([\")\", '(', \"\\\")\"])"]);
    check_calls(
        "largest([1])\nlargest([1])\nlargest([2])\nlargest([3])\nlargest([4])",
        &["largest([1])", "largest([2])", "largest([3])"],
    );
}

#[test]
fn what_is_no_call_is_left_out() {
    for reply in [
        "",
        "no",
        "def largest(values):\n    return 1",
        "largest",
        "largest([1",
        "larger([1])",
        "is_largest([1])",
        "You could of course call largest([1])",
        "self.largest([1])",
    ] {
        check_calls(reply, &[]);
    }
}

fn check_plan(reply: &str, expected: &[(&str, &str, &str)]) {
    let task = task();
    let found = SamplePlan { task: &task, steps: 3 }.parse(reply);
    let expected: Vec<Function> =
        expected.iter().map(|(name, signature, doc)| function(name, signature, doc)).collect();
    if expected.is_empty() {
        assert!(found.is_err(), "{found:?}");
    } else {
        assert_eq!(found.unwrap(), expected, "{reply:?}");
    }
}

#[test]
fn plans_are_read_in_many_forms() {
    let two = [("low", "def low(v: list[int]) -> int", "the smallest"), ("spread", "def spread(v)", "")];
    check_plan("1. def low(v: list[int]) -> int: the smallest\n2. def spread(v)", &two);
    check_plan("Plan:\n- `def low(v: list[int]) -> int`: the smallest.\n- **def spread(v)**:", &two);
    check_plan(
        "```python\ndef low(v: list[int]) -> int:  # the smallest\n    return 0\ndef spread(v):\n    def inner(): pass\n```",
        &two,
    );
    check_plan(
        "1. def a(): x\n2. def a(): y\n3. def b(): z\n4. def c(): z\n5. def d(): z",
        &[("a", "def a()", "x"), ("b", "def b()", "z"), ("c", "def c()", "z")],
    );
}

#[test]
fn what_is_no_plan_is_refused() {
    for reply in [
        "",
        "First sort, then scan.",
        "def ",
        "1. def (x): y",
        "def 9(x): y",
        "We define def f(x)",
        "def f(x",
    ] {
        check_plan(reply, &[]);
    }
}

#[test]
fn choices_are_numbers_of_the_list() {
    let (task, feedback) = (task(), feedback());
    let options: Vec<Function> = (0..30).map(|_| largest()).collect();
    let decide = DecideStep { task: &task, done: &[], error: None, options: &options };
    assert_eq!(decide.parse("It is simple.\n30"), Ok(29), "there are more than 26 letters");
    assert_eq!(decide.parse("1"), Ok(0));
    for reply in ["0", "31", "B", "", "1 or 2"] {
        assert!(decide.parse(reply).is_err(), "{reply:?}");
    }
    let blame =
        BlameFunction { task: &task, program: "", feedback: &feedback, calls: "", functions: &options };
    assert_eq!((blame.parse("0"), blame.parse("Answer: 2")), (Ok(None), Ok(Some(1))));
    assert!(blame.parse("-1").is_err() && blame.parse("31").is_err());
    let cut = LastRightLine { task: &task, program: PROGRAM };
    assert_eq!((cut.parse("0"), cut.parse("**3**")), (Ok(0), Ok(3)));
    assert!(cut.parse("4").is_err() && cut.salvage("4").is_none());
}

const PREFIX: &str = "def spread(values):\n    low = min(values)\n";

fn check_continuation(reply: &str, expected: Result<&str, AnswerError>) {
    let task = task();
    let found = ContinueProgram { task: &task, prefix: PREFIX }.parse(reply);
    assert_eq!(found, expected.map(|rest| format!("{PREFIX}{rest}")), "{reply:?}");
}

#[test]
fn continuations_are_joined_to_what_is_kept() {
    let rest = Ok("    return max(values) - low\n");
    check_continuation("```python\n    return max(values) - low\n```", rest.clone());
    check_continuation("    return max(values) - low\n", rest.clone());
    check_continuation("```python\n    low = min(values)\n    return max(values) - low\n```", rest.clone());
    check_continuation(&format!("```python\n{PREFIX}    return max(values) - low\n\n```"), rest);
    check_continuation("", Err(AnswerError::Empty));
    check_continuation("I cannot.", Err(AnswerError::NoCode));
    check_continuation("```\n```", Err(AnswerError::NoCode));
}

proptest! {
    #[test]
    fn no_answer_makes_any_question_panic(reply in "(\\PC|[(){}\\[\\]'\"`:,#\n]|def |largest\\(|    ){0,80}") {
        let (task, function, feedback) = (task(), largest(), feedback());
        let functions = [largest(), smallest()];
        let divide = DivideFunction { task: &task, function: &function, whole: false, code: "", helpers: 1 };
        let _ = divide.parse(&reply);
        let calls = CallInputs { task: &task, function: &function, whole: false, call: "largest", count: 3 }.parse(&reply);
        prop_assert!(calls.is_err() || (1..=3).contains(&calls.unwrap().len()));
        let plan = SamplePlan { task: &task, steps: 3 }.parse(&reply);
        prop_assert!(plan.is_err() || (1..=3).contains(&plan.unwrap().len()));
        let choice = DecideStep { task: &task, done: &[], error: None, options: &functions }.parse(&reply);
        prop_assert!(choice.is_err() || choice.unwrap() < 2);
        let blame = BlameFunction { task: &task, program: "", feedback: &feedback, calls: "", functions: &functions }.parse(&reply);
        prop_assert!(blame.is_err() || blame.unwrap().is_none_or(|place| place < 2));
        let cut = LastRightLine { task: &task, program: PROGRAM }.parse(&reply);
        prop_assert!(cut.is_err() || cut.unwrap() <= 3);
        if let Ok(program) = (ContinueProgram { task: &task, prefix: PREFIX }).parse(&reply) {
            prop_assert!(program.starts_with("def spread(values):\n    low = min(values)"));
        }
    }
}

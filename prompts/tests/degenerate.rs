//! Degenerate answers to every question: no panic, an error that says why, and a salvage where one makes sense.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use codeagent_prompts::questions::{
    AnalyseProblem, Asked, BlockAnalysis, ChooseSolution, DirectProgram, GenerateTests, PossibleSolutions,
    PseudocodeProgram, Rethink, SelfEvaluation, Thought, Thoughts, WrittenTest,
};
use codeagent_prompts::{
    AnswerError, BlockVerdict, Entry, FailedTest, FailureKind, Feedback, FeedbackLimits, Question, Task,
};
use proptest::prelude::*;

fn task() -> Task {
    Task {
        statement: "Add.".into(),
        entry: Entry::Function { name: "add".into(), signature: None },
        starter: String::new(),
        language: "python".into(),
    }
}

const fn thoughts(task: &Task) -> Thoughts<'_> {
    Thoughts { task, count: 3, chain: &[], asked: Asked::First }
}

const fn self_evaluation(task: &Task) -> SelfEvaluation<'_> {
    SelfEvaluation { task, thoughts: &[], program: "" }
}

fn thought(text: &str, reasonableness: Option<f64>) -> Thought {
    Thought { text: text.into(), reasonableness }
}

fn check_thoughts(reply: &str, expected: &[Thought]) {
    let task = task();
    assert_eq!(thoughts(&task).parse(reply).unwrap(), expected, "{reply:?}");
}

#[test]
fn thoughts_are_read_in_many_forms() {
    let two = [thought("Sort.", Some(0.7)), thought("Scan.", Some(0.3))];
    check_thoughts(
        r#"[{"thought": "Sort.", "reasonableness": 0.7}, {"thought": "Scan.", "reasonableness": 0.3}]"#,
        &two,
    );
    check_thoughts(
        "```json\n{\"thoughts\": [{'Thought': 'Sort.', 'Reasonableness': '0.7'}, {'Thought-2': 'Scan.', 'reasonableness': .3,}]}\n```",
        &two,
    );
    check_thoughts(
        "{\"thought\": \"Sort.\", \"reasonableness\": 0.7}\n{\"thought\": \"Scan.\", \"reasonableness\": 0.3}",
        &two,
    );
    check_thoughts(
        "Draft: [{\"thought\": \"No.\"}, {\"thought\": \"No!\"}]\nFinal: [{\"thought\": \"Sort.\", \"reasonableness\": 0.7}, {\"thought\": \"Scan.\", \"reasonableness\": 0.3}]",
        &two,
    );
    check_thoughts("[\"Sort.\", \"Scan.\"]", &[thought("Sort.", None), thought("Scan.", None)]);
}

#[test]
fn thoughts_are_few_distinct_and_in_range() {
    check_thoughts(
        r#"[{"thought": "a", "reasonableness": 7}, {"thought": "a"}, {"thought": " "}, {"thought": "b", "reasonableness": "?"}]"#,
        &[thought("a", Some(1.0)), thought("b", None)],
    );
    check_thoughts(r#"["a", "b", "c", "d"]"#, &[thought("a", None), thought("b", None), thought("c", None)]);
    check_thoughts(
        r#"[{"thought": "a", "reasonableness": 0.5}, {"thought": "half a tho"#,
        &[thought("a", Some(0.5)), thought("half a tho", None)],
    );
}

#[test]
fn lists_are_salvaged_only_after_the_second_failure() {
    let task = task();
    let reply = "1. Sort.\n2. Use a step of\n0.5 each.";
    assert_eq!(thoughts(&task).parse(reply), Err(AnswerError::NoJson { wanted: "list of thoughts" }));
    let salvaged = thoughts(&task).salvage(reply).unwrap();
    assert_eq!(salvaged, [thought("Sort.", None), thought("Use a step of\n0.5 each.", None)]);
    assert_eq!(thoughts(&task).salvage("I cannot help with that."), None);
}

#[test]
fn scores_need_their_field_and_stay_in_range() {
    let task = task();
    let check = |reply: &str, expected: Result<f64, AnswerError>| {
        let score = self_evaluation(&task).parse(reply).map(|answer| answer.score);
        assert_eq!(score, expected, "{reply:?}");
    };
    check(r#"{"score": 0.85, "reason": "good"}"#, Ok(0.85));
    check("Of 10 tests I expect 9. {\"score\": 0.9, \"reason\": \"fine\",}", Ok(0.9));
    check("{score: 100}", Ok(1.0));
    check("[{\"Score\": \"-3\"}]", Ok(-1.0));
    check("The score is 0.9 of 1", Err(AnswerError::NoJson { wanted: "object" }));
    check(
        "{\"score\": \"high\"}",
        Err(AnswerError::FieldInvalid { field: "score".into(), wanted: "a number" }),
    );
    check("{\"value\": 1}", Err(AnswerError::NoJson { wanted: "object" }));
    check("", Err(AnswerError::Empty));
}

#[test]
fn block_verdicts_are_read_alone_or_in_a_list() {
    let task = task();
    let test = FailedTest {
        test: "add(1, 2)".into(),
        expected: "3".into(),
        actual: "2".into(),
        kind: FailureKind::WrongAnswer,
        line: None,
    };
    let question = BlockAnalysis { task: &task, program: "", test: &test, listing: "" };
    let expected = [
        BlockVerdict { block: "BLOCK-0".into(), correct: true, explanation: "fine".into() },
        BlockVerdict { block: "BLOCK-1".into(), correct: false, explanation: "adds 1".into() },
    ];
    for reply in [
        "{\"block\": \"BLOCK-0\", \"correct\": true, \"explanation\": \"fine\"}\n{\"block\": \"BLOCK-1\", \"correct\": \"False\", \"explanation\": \"adds 1\"}",
        "[{'block': '[BLOCK-0]', 'correct': True, 'explanation': 'fine'}, {'block': 1, 'correct': False, 'explanation': 'adds 1'},]",
        "{\"blocks\": [{\"block\": 0, \"correct\": true, \"explanation\": \"fine\"}, {\"block\": 1, \"correct\": false, \"explanation\": \"adds 1\"}]}",
    ] {
        assert_eq!(question.parse(reply).unwrap(), expected, "{reply}");
    }
    assert!(question.parse("All blocks are fine.").is_err());
    assert!(question.parse("{\"block\": \"BLOCK-0\"}").is_err());
}

#[test]
fn prose_loses_its_wrapping() {
    let task = task();
    let feedback = Feedback::default().render(&FeedbackLimits::default());
    let question = Rethink { task: &task, thoughts: &[], program: "", feedback: &feedback };
    for reply in [
        "Sort: then scan.",
        "\"Sort: then scan.\"",
        "**New thought:** Sort: then scan.",
        "```text\nSort: then scan.\n```",
        "Thought: Sort: then scan.\n",
    ] {
        assert_eq!(question.parse(reply).unwrap(), "Sort: then scan.", "{reply}");
    }
    assert_eq!(question.parse(" \n"), Err(AnswerError::Empty));
    assert_eq!(question.parse("```\n```"), Err(AnswerError::Empty));
    assert_eq!(question.parse("```"), Ok("```".into()));
}

#[test]
fn programs_without_the_entry_point_are_salvaged() {
    let task = task();
    let question = DirectProgram { task: &task };
    let reply = "```python\ndef sum(a, b): return a + b\n```";
    assert_eq!(question.parse(reply), Err(AnswerError::EntryMissing { entry: "add".into() }));
    assert_eq!(question.salvage(reply).unwrap(), "def sum(a, b): return a + b\n");
    assert_eq!(question.salvage("I'm sorry, I can't."), None);
}

#[test]
fn a_body_alone_completes_a_starter() {
    let reply = "```python\n    return a + b\n```";
    let bare = task();
    assert_eq!(
        DirectProgram { task: &bare }.parse(reply),
        Err(AnswerError::EntryMissing { entry: "add".into() })
    );
    let started = Task { starter: "def add(a, b):\n".into(), ..task() };
    assert_eq!(DirectProgram { task: &started }.parse(reply).unwrap(), "    return a + b\n");
}

#[test]
fn tests_are_few_distinct_and_of_the_right_form() {
    let task = task();
    let question = GenerateTests { task: &task, thoughts: &[], count: 2 };
    let assertion = |text: &str| WrittenTest::Assertion(text.into());
    let reply = "```python\nassert add(1, 2) == 3\nassert add(1, 2) == 3\nassert add(0, 0) == 0\nassert add(2, 2) == 4\n```";
    assert_eq!(
        question.parse(reply).unwrap(),
        [assertion("assert add(1, 2) == 3"), assertion("assert add(0, 0) == 0")]
    );
    assert_eq!(question.parse("add(1, 2) is 3"), Err(AnswerError::NoAssertion { entry: "add".into() }));
    assert_eq!(question.parse(" "), Err(AnswerError::Empty));
    let long = format!("assert add('{}', '') == ''", "a".repeat(20_000));
    assert_eq!(question.parse(&long), Err(AnswerError::NoJson { wanted: "list of tests" }));
}

#[test]
fn examples_are_read_in_many_forms() {
    let stdio = Task { entry: Entry::Stdio, ..task() };
    let question = GenerateTests { task: &stdio, thoughts: &[], count: 6 };
    let example =
        |input: &str, output: &str| WrittenTest::Example { input: input.into(), output: output.into() };
    for reply in [
        r#"[{"input": "1 2", "output": "3"}, {"input": "0 0", "output": "0"}]"#,
        "Here:\n```json\n{\"tests\": [{'Input': '1 2', 'Expected_Output': 3}, {'stdin': ['0 0'], 'stdout': '0'},]}\n```",
        "{\"input\": \"1 2\", \"output\": \"3\"}\n{\"input\": \"0 0\", \"output\": \"0\"}",
    ] {
        assert_eq!(question.parse(reply).unwrap(), [example("1 2", "3"), example("0 0", "0")], "{reply}");
    }
    for reply in ["Input 1 2 gives 3.", "[]", r#"[{"input": "1 2"}]"#, r#"[{"input": {}, "output": "3"}]"#] {
        assert_eq!(question.parse(reply), Err(AnswerError::NoJson { wanted: "list of tests" }), "{reply}");
    }
}

#[test]
fn the_program_stands_behind_its_pseudo_code() {
    let task = task();
    let reply = "Step 3\n```text\nadd(a, b): give a + b\n```\nStep 4\n```python\ndef add(a, b):\n    return a + b\n```";
    assert_eq!(PseudocodeProgram { task: &task }.parse(reply).unwrap(), "def add(a, b):\n    return a + b\n");
}

#[test]
fn an_analysis_is_a_list_or_prose() {
    let task = task();
    let question = AnalyseProblem { task: &task, tests: &[] };
    assert_eq!(question.parse("Sure:\n\n- Two numbers.\n- Their sum.").unwrap(), "Two numbers.\nTheir sum.");
    assert_eq!(question.parse("Analysis: it wants a sum.").unwrap(), "it wants a sum.");
    assert_eq!(question.parse(" \n"), Err(AnswerError::Empty));
    assert!(question.parse(&"long ".repeat(10_000)).unwrap().chars().count() < 6_100);
}

#[test]
fn solutions_are_few_and_distinct() {
    let task = task();
    let question = PossibleSolutions { task: &task, thoughts: &[], count: 2 };
    let check = |reply: &str, expected: &[&str]| {
        assert_eq!(question.parse(reply).unwrap(), expected, "{reply:?}");
    };
    check(
        r#"[{"name": "Plus", "solution": "Use +.", "why": "It adds."}, {"solution": ["Count", "up."]}, {"solution": "x"}]"#,
        &["Plus: Use +. It adds.", "Count up."],
    );
    check("{\"solutions\": [{'Solution': 'Use +.'}, {'content': 'Use +.'},]}", &["Use +."]);
    for reply in ["1. Use +.\n2. Count up.", "[]", "[{\"solution\": \" \"}]", "[{\"name\": \"Plus\"}]"] {
        assert_eq!(
            question.parse(reply),
            Err(AnswerError::NoJson { wanted: "list of solutions" }),
            "{reply}"
        );
    }
    assert_eq!(question.salvage("1. Use +.\n2. Count up.\n3. Guess.").unwrap(), ["Use +.", "Count up."]);
    assert_eq!(question.salvage("I cannot."), None);
}

#[test]
fn a_choice_is_one_of_those_there_are() {
    let task = task();
    let solutions = ["Use +.".to_owned(), "Count up.".to_owned()];
    let question = ChooseSolution { task: &task, thoughts: &[], solutions: &solutions };
    let check = |reply: &str, expected: Option<&str>| {
        assert_eq!(question.parse(reply).ok().as_deref(), expected, "{reply:?}");
    };
    check(
        r#"{"choice": 2, "why": "simple", "solution": "Count up from a, b times."}"#,
        Some("Count up from a, b times."),
    );
    check(r#"{"Choice": "1", "solution": " "}"#, Some("Use +."));
    for reply in
        [r#"{"choice": 0}"#, r#"{"choice": 3}"#, r#"{"choice": 1.5}"#, r#"{"choice": "the first"}"#, "1", ""]
    {
        check(reply, None);
    }
}

proptest! {
    #[test]
    fn no_answer_makes_any_question_panic(reply in "(\\PC|[\\[\\]{}:,\"'`\n]|thought|score|block|choice|solution|input|assert add\\(){0,120}") {
        let task = task();
        let _ = thoughts(&task).parse(&reply);
        let _ = thoughts(&task).salvage(&reply);
        if let Ok(answer) = self_evaluation(&task).parse(&reply) {
            prop_assert!((-1.0..=1.0).contains(&answer.score));
        }
        let feedback = Feedback::default().render(&FeedbackLimits::default());
        let _ = Rethink { task: &task, thoughts: &[], program: "", feedback: &feedback }.parse(&reply);
        let _ = AnalyseProblem { task: &task, tests: &[] }.parse(&reply);
        let solutions = PossibleSolutions { task: &task, thoughts: &[], count: 3 };
        let _ = solutions.parse(&reply).ok().or_else(|| solutions.salvage(&reply));
        let _ = ChooseSolution { task: &task, thoughts: &[], solutions: &["a".into()] }.parse(&reply);
        for entry in [task.entry.clone(), Entry::Stdio] {
            let task = Task { entry, ..task.clone() };
            let _ = GenerateTests { task: &task, thoughts: &[], count: 3 }.parse(&reply);
        }
    }
}

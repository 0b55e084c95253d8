//! Degenerate answers to every question: no panic, an error that says why, and a salvage where one makes sense.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

use codeagent_prompts::parse::verdict::Decision;
use codeagent_prompts::questions::{
    AnalyseProblem, Asked, Blame, BlockAnalysis, ChooseSolution, CombineObservations, ComparePrograms,
    DirectProgram, GenerateTests, Graded, InputValidator, OutputGrade, Plan, PlanConfidence, PlannedProgram,
    PossibleSolutions, Preferred, ProgramReview, PseudocodeProgram, RecallProblems, RefineWithPlan,
    Reflections, RefuteProgram, Rethink, Review, SelfEvaluation, SimilarProblem, Strategies, Thought,
    Thoughts, Wanted, WriteInputs, WrittenTest,
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
        buggy: None,
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
    let question = Rethink { task: &task, thoughts: &[], number: None, program: "", feedback: &feedback };
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
fn listed_texts_are_few_distinct_and_whole() {
    let task = task();
    let question = Strategies { task: &task, count: 2, open: true };
    let check = |reply: &str, expected: &[&str]| {
        assert_eq!(question.parse(reply).unwrap(), expected, "{reply:?}");
    };
    check(
        "1. Sort.\n2. Scan, with a step of 0.5 at\n   most.\n3. Guess.",
        &["Sort.", "Scan, with a step of 0.5 at\nmost."],
    );
    check("1. Sort.\n2. Sort.\n3. Scan.", &["Sort.", "Scan."]);
    assert_eq!(question.parse("Sort it, then scan."), Err(AnswerError::NoItems));
    assert_eq!(question.parse(""), Err(AnswerError::Empty));
    assert_eq!(question.salvage("Sort it, then scan.").unwrap(), ["Sort it, then scan."]);
    assert_eq!(question.salvage(" \n"), None);
}

#[test]
fn recalled_problems_are_read_by_their_headings() {
    let task = task();
    let question = RecallProblems { task: &task, count: 2 };
    let reply = "Here you go.\n\n# Problem 1\nSum a list.\n## Code\n```python\n# Plan\nsum(x)\n```\n## Plan\n1. Add up.\n\n**Problem 2: Mean**\nDivide.\n**Planning:**\nAdd, divide.\n# Problem 3\nNo plan.\n# Problem 4\nOne too many.\n## Plan\nx\n# Algorithm\nAdding.\n## Details\nCarry.";
    let recalled = question.parse(reply).unwrap();
    let similar = |problem: &str, plan: &str, code: &str| SimilarProblem {
        problem: problem.into(),
        plan: plan.into(),
        code: code.into(),
    };
    let first = similar("Sum a list.", "1. Add up.", "```python\n# Plan\nsum(x)\n```");
    assert_eq!(recalled.problems, [first, similar("Mean\nDivide.", "Add, divide.", "")]);
    assert_eq!(recalled.tutorial, "Adding.\n\nCarry.");
    assert_eq!(question.parse(" "), Err(AnswerError::Empty));
    for reply in ["I recall nothing.", "# Problem\nWithout a plan.", "# Plan\nWithout a problem."] {
        assert!(matches!(question.parse(reply), Err(AnswerError::NoSection { .. })), "{reply}");
        assert_eq!(question.salvage(reply), None);
    }
}

#[test]
fn a_plans_confidence_needs_its_field_and_stays_in_range() {
    let task = task();
    let question = PlanConfidence { task: &task, plan: "" };
    for (reply, expected) in [
        ("{\"explanation\": \"fine\", \"confidence\": 85}", 85.0),
        ("{'confidence': '40',}", 40.0),
        ("{\"Confidence\": 400}", 100.0),
        ("{\"confidence\": -3}", 0.0),
    ] {
        assert_eq!(question.parse(reply), Ok(expected), "{reply}");
    }
    for reply in ["", "85", "{\"confidence\": \"high\"}", "<confidence>85</confidence>"] {
        assert!(question.parse(reply).is_err() && question.salvage(reply).is_none(), "{reply}");
    }
}

#[test]
fn a_mended_program_may_come_with_its_plan() {
    let task = task();
    let feedback = Feedback::default().render(&FeedbackLimits::default());
    let question = RefineWithPlan { task: &task, plan: "", tutorial: "", program: "", feedback: &feedback };
    let planned = |plan: Option<&str>, program: &str| PlannedProgram {
        plan: plan.map(str::to_owned),
        program: program.into(),
    };
    let code = "def add(a, b):\n    return a + b\n";
    let check =
        |reply: &str, plan| assert_eq!(question.parse(reply).unwrap(), planned(plan, code), "{reply}");
    check(&format!("## Modified plan\n1. Add.\n\n**Code:**\n```python\n{code}```"), Some("1. Add."));
    check(&format!("```python\n{code}```\nThat is all."), None);
    assert_eq!(question.parse("1. Add."), Err(AnswerError::NoCode));
    let other = "Plan.\n```python\ndef sum(a, b): return a + b\n```";
    assert!(question.parse(other).is_err());
    assert_eq!(question.salvage(other).unwrap(), planned(Some("Plan."), "def sum(a, b): return a + b\n"));
    assert_eq!(question.salvage("I can't."), None);
}

#[test]
fn only_a_thought_of_the_chain_is_blamed() {
    let task = task();
    let feedback = Feedback::default().render(&FeedbackLimits::default());
    let chain = ["a".to_owned(), "b".to_owned()];
    let question = Blame { task: &task, thoughts: &chain, program: "", feedback: &feedback };
    for (reply, expected) in [
        ("{\"explanation\": \"of 3 steps\", \"thought\": 2}", Some(1)),
        ("{'thought': '1',}", Some(0)),
        ("{\"Thought\": -1}", None),
    ] {
        assert_eq!(question.parse(reply), Ok(expected), "{reply}");
    }
    for reply in [
        "",
        "2",
        "{\"thought\": 0}",
        "{\"thought\": 3}",
        "{\"thought\": -2}",
        "{\"thought\": 1.5}",
        "{\"thought\": \"the first\"}",
    ] {
        assert!(question.parse(reply).is_err() && question.salvage(reply).is_none(), "{reply}");
    }
}

#[test]
fn a_plan_is_prose() {
    let task = task();
    let question = Plan { task: &task, similar: None, tutorial: "" };
    assert_eq!(question.parse("**Plan:**\n1. Add.\n2. Print.\n").unwrap(), "1. Add.\n2. Print.");
    assert_eq!(question.parse("\n"), Err(AnswerError::Empty));
}

#[test]
fn a_critics_analysis_survives_an_unreadable_grade() {
    let task = task();
    let feedback = Feedback::default().render(&FeedbackLimits::default());
    let question = OutputGrade { task: &task, program: "", feedback: &feedback };
    let graded = |grade, analysis: &str| Graded { grade, analysis: analysis.into() };
    assert_eq!(question.parse("Shifted.\n3").unwrap(), graded(Some(3), "Shifted."));
    for reply in ["I would say 3 out of 5", "9", "Grade: high"] {
        assert!(question.parse(reply).is_err(), "{reply}");
        assert_eq!(question.salvage(reply).unwrap(), graded(None, reply));
    }
    assert_eq!(question.salvage("\n"), None);
}

#[test]
fn a_review_that_cannot_be_read_is_no_yes() {
    let task = task();
    let question = ProgramReview { task: &task, program: "", tested: true };
    let review = |decision, reasons: &str| Review { decision, reasons: reasons.into() };
    assert_eq!(question.parse("Right.\nTrue").unwrap(), review(Some(Decision::Accept), "Right."));
    assert_eq!(
        question.parse("Fails on [].\n\n**False**\n").unwrap(),
        review(Some(Decision::Reject), "Fails on [].")
    );
    assert_eq!(question.parse("False").unwrap(), review(Some(Decision::Reject), ""));
    assert_eq!(question.parse("It is true that it works."), Err(AnswerError::NoVerdict));
    assert_eq!(
        question.salvage("It is true that it works.").unwrap(),
        review(None, "It is true that it works.")
    );
    assert_eq!(question.parse(""), Err(AnswerError::Empty));
    assert_eq!(question.salvage(""), None);
}

#[test]
fn inputs_are_few_distinct_and_in_any_dress() {
    let task = task();
    let question = WriteInputs { task: &task, count: 2, apart: None };
    let check =
        |reply: &str, expected: &[&str]| assert_eq!(question.parse(reply).unwrap(), expected, "{reply:?}");
    check("```python\nadd(1, 2)\nadd(0, 0)\nadd(9, 9)\n```", &["add(1, 2)", "add(0, 0)"]);
    check("1. assert add(1, 2) == 3\n2. add(1, 2)", &["add(1, 2)"]);
    for reply in ["I can't.", "```python\ndef add(a, b): ...\n```", "add"] {
        assert_eq!(question.parse(reply), Err(AnswerError::NoInputs), "{reply:?}");
    }
    assert_eq!(question.parse(" \n"), Err(AnswerError::Empty));
    let task = Task { entry: Entry::Stdio, ..task.clone() };
    let question = WriteInputs { task: &task, count: 2, apart: None };
    assert_eq!(
        question.parse("First:\n```text\n1 2\n```\n```\n\n```\n```text\n3\n").unwrap(),
        ["1 2\n", "3\n"]
    );
    assert_eq!(question.parse("1 2"), Err(AnswerError::NoInputs));
}

#[test]
fn generators_and_validators_define_what_is_called() {
    let (task, stdio) = (task(), Task { entry: Entry::Stdio, ..task() });
    let generator = RefuteProgram { task: &task, program: "", count: 3 };
    let fenced = |code: &str| format!("```python\n{code}\n```");
    let source = "def inputs(seed):\n    return [[seed, 1]]\n";
    assert_eq!(generator.parse(&fenced(source)).unwrap(), source);
    let entry = |name: &str| Err(AnswerError::EntryMissing { entry: name.to_owned() });
    assert_eq!(generator.parse(&fenced("def add(a, b):\n    return a + b")), entry("inputs"));
    let validator = InputValidator { task: &task };
    assert_eq!(validator.parse(&fenced("def add(a, b):\n    return a + b")), entry("valid"));
    let source = "def valid(a, b):\n    return a > b\n";
    assert_eq!(validator.parse(&fenced(source)).unwrap(), source);
    let whole = "n = int(input())\nassert n > 0\n";
    assert_eq!(InputValidator { task: &stdio }.parse(&fenced(whole)).unwrap(), whole);
}

#[test]
fn observations_are_a_list_and_plans_are_prose() {
    let task = task();
    let asked = |wanted| CombineObservations { task: &task, observations: &[], wanted };
    let observe = asked(Wanted::Observations { count: 2 });
    let expected = vec!["One.".to_owned(), "Two\nof them.".to_owned()];
    assert_eq!(observe.parse("Here:\n1. One.\n2. One.\n3. Two\n   of them.\n4. Three."), Ok(expected));
    assert_eq!(observe.parse("Nothing."), Err(AnswerError::NoItems));
    assert_eq!(observe.parse(""), Err(AnswerError::Empty));
    let plan = asked(Wanted::Plan);
    assert_eq!(plan.parse("**Plan:** Add them.\n1. a + b"), Ok(vec!["Add them.\n1. a + b".to_owned()]));
    assert_eq!(plan.parse(" "), Err(AnswerError::Empty));
    let other = asked(Wanted::OtherPlan { plan: "Subtract." });
    for reply in [
        "It subtracts.\nNEW PLAN:\nAdd.",
        "The new plan must add.\n\n**New plan:** Add.",
        "NEW PLAN: Guess.\nNo.\n## NEW PLAN\n\nAdd.\n",
    ] {
        assert_eq!(other.parse(reply), Ok(vec!["Add.".to_owned()]), "{reply:?}");
    }
    let missing = AnswerError::FieldMissing { field: "NEW PLAN".into() };
    for reply in ["Add.", "NEW PLANS: add.", ""] {
        assert_eq!(other.parse(reply), Err(missing.clone()), "{reply:?}");
    }
    assert_eq!(other.parse("NEW PLAN:"), Err(AnswerError::Empty));
    assert_eq!(other.salvage("Add."), Some(vec!["Add.".to_owned()]));
    assert_eq!(other.salvage(" "), None);
}

#[test]
fn judgements_are_one_number_on_the_last_line() {
    let task = task();
    let question = ComparePrograms { task: &task, first: "", second: "", runs: &[] };
    for (reply, expected) in [
        ("The right answer is 2.\n1", Preferred::First),
        ("**2**", Preferred::Second),
        ("Verdict: Program 1.\n\n", Preferred::First),
        ("Answer = 0", Preferred::Neither),
        ("tie", Preferred::Neither),
    ] {
        assert_eq!(question.parse(reply), Ok(expected), "{reply:?}");
    }
    for reply in ["3", "1 or 2", "program 1 is right", "12"] {
        assert_eq!(question.parse(reply), Err(AnswerError::NoVerdict), "{reply:?}");
    }
    assert_eq!(question.parse(""), Err(AnswerError::Empty));
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
    fn no_answer_makes_any_question_panic(reply in "(\\PC|[\\[\\]{}:,\"'`\n]|thought|score|block){0,120}") {
        let task = task();
        let _ = thoughts(&task).parse(&reply);
        let _ = thoughts(&task).salvage(&reply);
        if let Ok(answer) = self_evaluation(&task).parse(&reply) {
            prop_assert!((-1.0..=1.0).contains(&answer.score));
        }
        for wanted in [Wanted::Observations { count: 2 }, Wanted::Plan, Wanted::OtherPlan { plan: "" }] {
            let question = CombineObservations { task: &task, observations: &[], wanted };
            let _ = (question.parse(&reply), question.salvage(&reply));
        }
        let _ = WriteInputs { task: &task, count: 3, apart: None }.parse(&reply);
        let _ = RefuteProgram { task: &task, program: "", count: 3 }.parse(&reply);
        let _ = InputValidator { task: &task }.parse(&reply);
        let _ = ComparePrograms { task: &task, first: "", second: "", runs: &[] }.parse(&reply);
        let feedback = Feedback::default().render(&FeedbackLimits::default());
        let _ = Rethink { task: &task, thoughts: &[], number: None, program: "", feedback: &feedback }.parse(&reply);
        let _ = AnalyseProblem { task: &task, tests: &[] }.parse(&reply);
        let solutions = PossibleSolutions { task: &task, thoughts: &[], count: 3 };
        let _ = solutions.parse(&reply).ok().or_else(|| solutions.salvage(&reply));
        let _ = ChooseSolution { task: &task, thoughts: &[], solutions: &["a".into()] }.parse(&reply);
        for entry in [task.entry.clone(), Entry::Stdio] {
            let task = Task { entry, ..task.clone() };
            let _ = GenerateTests { task: &task, thoughts: &[], count: 3 }.parse(&reply);
        }
        let listed = Reflections { task: &task, thoughts: &[], program: "", feedback: &feedback, count: 2, open: true };
        for items in [listed.parse(&reply).ok(), listed.salvage(&reply)].into_iter().flatten() {
            prop_assert!((1..=2).contains(&items.len()) && items.iter().all(|item| !item.trim().is_empty()));
        }
        let graded = OutputGrade { task: &task, program: "", feedback: &feedback };
        prop_assert!(graded.parse(&reply).is_ok_and(|answer| answer.grade.is_some_and(|grade| grade <= 5)) || graded.parse(&reply).is_err());
        if let Ok(recalled) = (RecallProblems { task: &task, count: 2 }).parse(&reply) {
            prop_assert!((1..=2).contains(&recalled.problems.len()));
        }
        let refined = RefineWithPlan { task: &task, plan: "", tutorial: "", program: "", feedback: &feedback };
        prop_assert!(refined.parse(&reply).is_err() || refined.parse(&reply).is_ok_and(|answer| !answer.program.trim().is_empty()));
        let reviewed = ProgramReview { task: &task, program: "", tested: false };
        prop_assert!(reviewed.salvage(&reply).is_none_or(|answer| answer.decision.is_none()));
    }
}

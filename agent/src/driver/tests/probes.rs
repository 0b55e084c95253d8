//! Searches in which several programs pass and only what they do elsewhere tells them apart.

use super::*;
use crate::EventKind;

const PLAUSIBLE: [&str; 2] = [
    "```python\ndef double(x):\n    return 2 * x if x < 4 else 7\n```",
    "```python\ndef double(x):\n    if x >= 4:\n        return 7\n    return x + x\n```",
];

/// Two ways to be wrong alike for each right program, and a judge who is right.
fn mostly_plausible(judge: fn(&str) -> &'static str) -> Scripted {
    Scripted::answering(move |request, _| {
        let said =
            |place: usize| request.messages.get(place).map(|it| it.content.as_str()).unwrap_or_default();
        if said(0).contains("fair judge") {
            judge(said(1)).to_owned()
        } else if said(0).contains("tester of programs") {
            "I cannot think of any.".to_owned()
        } else {
            [PLAUSIBLE[0], PLAUSIBLE[1], RIGHT][(request.seed % 3) as usize].to_owned()
        }
    })
}

/// The place of the program that never says 7.
fn fair(question: &str) -> &'static str {
    let (_, rest) = question.split_once("# Program 2").unwrap();
    let (second, runs) = rest.split_once("# Input 1").expect("inputs on which they differ are shown");
    assert!(runs.contains("Program 1 answers") && runs.contains('7'), "{runs}");
    if second.contains('7') { "1" } else { "2" }
}

#[tokio::test]
async fn probes_and_comparisons_choose_between_programs_that_pass() {
    let model = mostly_plausible(fair);
    let (outcome, events, tree) = searched(builder(model, "s-star")).await;
    assert_eq!((outcome.status, outcome.stop_reason), (Status::Solved, Some(StopReason::Accepted)));
    let source = outcome.solution.unwrap().program;
    assert!(source.contains("return 2 * x\n"), "the minority is right:\n{source}");
    let probed = events.iter().find_map(|event| match event.kind {
        EventKind::ProbeFinished { programs, inputs, counting } => Some((programs, inputs, counting)),
        _ => None,
    });
    let (programs, inputs, counting) = probed.unwrap();
    assert_eq!(programs, 3, "each program once");
    assert!(inputs > 4 && counting == inputs, "{inputs} {counting}");
    let behaviours: std::collections::BTreeSet<u64> = tree.nodes().filter_map(|node| node.probed).collect();
    assert_eq!(behaviours.len(), 2);
    assert_eq!(Tree::replay(events.iter().filter_map(Event::change)).unwrap(), tree);
}

#[tokio::test]
async fn a_judge_who_contradicts_himself_leaves_it_to_the_majority() {
    let (outcome, ..) = searched(builder(mostly_plausible(|_| "1"), "s-star")).await;
    let source = outcome.solution.unwrap().program;
    assert!(source.contains("return 7") || source.contains("else 7"), "{source}");
}

#[tokio::test]
async fn probes_of_whole_programs_are_texts() {
    let model = Scripted::answering(|request, _| {
        let role = request.messages.first().map(|it| it.content.as_str()).unwrap_or_default();
        if role.contains("tester of programs") {
            return "```text\n40\n```\n```text\nnothing\n```".to_owned();
        }
        if role.contains("fair judge") {
            return "0".to_owned();
        }
        let body = ["n = int(input())\nprint(2 * n)", "n = int(input())\nprint(n + n if n < 30 else 7)"];
        format!("```python\n{}\n```", body[(request.seed % 2) as usize])
    });
    let agent = builder(model, "s-star").build().unwrap();
    let mut problem =
        Problem::stdio("tests/print-double", "Read a number and print its double.").prints("2\n", "4\n");
    problem.limits.time = Duration::from_secs(10);
    let mut run = agent.solve(problem);
    let mut seen = None;
    while let Some(event) = run.next().await {
        if let EventKind::ProbeFinished { programs, inputs, counting } = event.kind {
            seen = Some((programs, inputs - counting));
        }
    }
    assert_eq!(seen, Some((2, 1)), "two programs, and the text that is no number does not count");
    assert_eq!(run.outcome().await.status, Status::Solved);
}

#[tokio::test]
async fn a_comparison_reserves_the_runs_that_it_makes() {
    // The programs do the same on what the model wrote, so that they run on mutations, too.
    let answer = |request: &Request, call: usize| {
        if system(request).contains("fair judge") {
            "1".to_owned()
        } else if system(request).contains("tester of programs") {
            "```python\ndouble(1)\n```".to_owned()
        } else {
            [PLAUSIBLE[0], RIGHT][call % 2].to_owned()
        }
    };
    let settings = json!({"samples": 2, "written_inputs": 0});
    // Two programs, a probe of both, and four runs to compare them, or no comparison.
    for (limit, spent) in [(8, 8), (7, 4)] {
        let limits = BudgetLimits { executions: Some(limit), ..BudgetLimits::default() };
        let agent = builder(Scripted::answering(answer), "s-star").budget(limits).in_flight(1);
        let agent = agent.strategy(Strategy::by_name("s-star", &settings).unwrap());
        assert_eq!(searched(agent).await.0.cost.executions, spent, "of {limit}");
    }
}

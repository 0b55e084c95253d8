//! The driver with scripted models and the real sandbox: budgets, order, faults, and events that rebuild the tree.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use codeagent_models::{Capabilities, ErrorKind, ModelError, Provider, Request, Scripted};
use codeagent_sandbox::Sandbox;
use codeagent_sandbox::wasm::WasmSandbox;
use codeagent_search::policy::StopReason;
use codeagent_search::{BudgetLimits, NodeId, NodeKind, Tree};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::builder::{Agent, AgentBuilder};
use crate::event::Event;
use crate::problem::Problem;
use crate::run::{Beginning, RunHandle, begin};
use crate::solution::{FailureKind, Outcome, Status};
use crate::strategy::{NAMES, Strategy};

mod functions;
mod probes;

const RIGHT: &str = "```python\ndef double(x):\n    return 2 * x\n```";
const WRONG: &str =
    "```python\ndef helper(x):\n    return x * x\n\n\ndef double(x):\n    return helper(x)\n```";

fn sandbox() -> Arc<dyn Sandbox> {
    static SANDBOX: OnceLock<WasmSandbox> = OnceLock::new();
    Arc::new(SANDBOX.get_or_init(|| WasmSandbox::new().unwrap()).clone())
}

fn problem() -> Problem {
    let mut problem = Problem::function("tests/double", "double", "Write a function that doubles a number.");
    problem.limits.time = Duration::from_secs(10);
    problem.example("double(2) == 4").unwrap().example("double(3) == 6").unwrap()
}

/// Answers every kind of question sensibly but for programs, which `program` writes.
fn model(program: impl Fn(&Request) -> &'static str + Send + Sync + 'static) -> Scripted {
    answering_each(move |request, _| sensible(request, &program))
}

fn system(request: &Request) -> &str {
    request.messages.first().map(|message| message.content.as_str()).unwrap_or_default()
}

fn sensible(request: &Request, program: &impl Fn(&Request) -> &'static str) -> String {
    let system = system(request);
    if system.contains("think about how to solve") {
        let thought =
            |text: &str| json!({"thought": format!("{text} {}", request.seed % 97), "reasonableness": 0.4});
        json!([thought("add it to itself"), thought("square it"), thought("shift it")]).to_string()
    } else if system.contains("learn from experience") {
        format!("Multiply by two, not by itself ({}).", request.seed % 89)
    } else if system.contains("expert at debugging") {
        json!({"block": "BLOCK-0", "correct": false, "explanation": "squares"}).to_string()
    } else if system.contains("know many ways") {
        "1. Add it to itself.\n2. Square it.".to_owned()
    } else if system.contains("tell its author") {
        format!("1. It squares: multiply by two ({}).\n2. Add the number to itself.", request.seed % 83)
    } else if system.contains("critic of programs") {
        "It squares.\n3".to_owned()
    } else if system.contains("strict reviewer") {
        let program = request.messages.last().is_some_and(|message| message.content.contains("2 * x"));
        if program { "It doubles.\nTrue" } else { "It squares.\nFalse" }.to_owned()
    } else if system.contains("good memory") {
        let problem = |name: &str| format!("# Problem\n{name} a number.\n## Plan\n1. Compute.\n");
        format!("{}# Tutorial\nArithmetic.", ["Halve", "Negate", "Square"].map(problem).concat())
    } else if system.contains("planner of programs") {
        "1. Multiply by two.".to_owned()
    } else if system.contains("evaluator of plans") {
        json!({"explanation": "simple", "confidence": 80}).to_string()
    } else if system.contains("strict evaluator") {
        json!({"score": 0.9, "reason": "simple"}).to_string()
    } else if system.contains("analyst") {
        "- Give twice the number.\n- It may be negative.".to_owned()
    } else if system.contains("whole solutions") {
        json!([{"solution": "Add it to itself."}, {"solution": "Square it."}]).to_string()
    } else if system.contains("senior programmer") {
        json!({"choice": 1, "solution": "Add the number to itself."}).to_string()
    } else if system.contains("mathematician") {
        let asked = request.messages.last().map(|message| message.content.as_str()).unwrap_or_default();
        let odd = request.seed % 89;
        if asked.contains("numbered list") {
            format!("1. It is even ({odd}).\n2. It is twice as large.\n3. Zero stays zero.")
        } else {
            format!("It adds too much.\nNEW PLAN:\nMultiply by two ({odd}).")
        }
    } else if system.contains("tester of programs") {
        "```python\ndouble(0)\ndouble(-7)\ndouble(5) == 10\ndouble(x)\n```".to_owned()
    } else if system.contains("tester") {
        "```python\nassert double(5) == 10\nassert double(0) == 0\nassert double(-2) == -4\n```".to_owned()
    } else if system.contains("fair judge") {
        format!("Zero times two is zero.\n{}", request.seed % 3)
    } else if system.contains("reviewer") {
        "It squares instead of doubling.".to_owned()
    } else {
        program(request).to_owned()
    }
}

/// Draws each of several answers to one request as if it had a seed of its own.
fn answering_each(answer: impl Fn(&Request, usize) -> String + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |request, call| {
        let draw = |choice| Request { seed: request.seed.wrapping_add(choice), ..request.clone() };
        let choices = 0..u64::from(request.n.max(1));
        let texts: Vec<String> = choices.map(|choice| answer(&draw(choice), call)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Ok(codeagent_models::scripted::reply(request, &texts))
    })
}

fn builder(model: impl Provider + 'static, strategy: &str) -> AgentBuilder {
    let strategy = Strategy::by_name(strategy, &serde_json::Value::Null).unwrap();
    Agent::builder().provider(Arc::new(model)).sandbox(sandbox()).strategy(strategy).seed(11)
}

/// Runs a search to its end: the outcome, its events, and the tree that the search itself holds.
async fn searched(builder: AgentBuilder) -> (Outcome, Vec<Event>, Tree) {
    let agent = builder.build().unwrap();
    let (sender, mut events) = mpsc::channel(100_000);
    let Beginning::Driver(mut driver, _) =
        begin(&agent.parts, problem(), sender, &RunHandle::of(&agent.parts)).await.unwrap()
    else {
        panic!("nothing is stored, so nothing is finished");
    };
    driver.run().await;
    let tree = driver.search.tree().clone();
    let outcome = driver.finish().await;
    let mut all = Vec::new();
    while let Ok(event) = events.try_recv() {
        all.push(event);
    }
    (outcome, all, tree)
}

/// Wrong, useless and right programs by the seed of the request.
fn mixed(request: &Request) -> &'static str {
    match request.seed % 5 {
        0 => "I would rather not.",
        1 => "```python\ndef double(x:\n```",
        2 | 3 => RIGHT,
        _ => WRONG,
    }
}

#[tokio::test]
async fn events_rebuild_the_tree_whatever_is_in_flight() {
    for strategy in NAMES {
        let mut logs = Vec::new();
        for in_flight in [1, 8] {
            let (outcome, events, tree) =
                searched(builder(model(mixed), strategy).in_flight(in_flight)).await;
            let rebuilt = Tree::replay(events.iter().filter_map(Event::change)).unwrap();
            assert_eq!(rebuilt, tree, "{strategy}");
            assert!(tree.len() > 1, "{strategy}");
            logs.push((outcome, events.into_iter().map(Event::canonical).collect::<Vec<_>>()));
        }
        assert_eq!(logs[0], logs[1], "{strategy}");
    }
}

#[tokio::test]
async fn a_right_program_is_found_and_kept() {
    for strategy in NAMES {
        let (outcome, ..) = searched(builder(model(mixed), strategy)).await;
        assert_eq!(outcome.status, Status::Solved, "{strategy}: {outcome:?}");
        assert_eq!((outcome.passed, outcome.total), (2, 2), "{strategy}");
        assert!(outcome.solution.unwrap().program.contains("2 * x"), "{strategy}");
    }
}

#[tokio::test]
async fn calls_never_exceed_the_budget() {
    for strategy in NAMES {
        // Without bounds of its own that seven calls come near to.
        let settings = match strategy {
            "adaptive" => json!({"generations": 200, "stop_below": 0.0}),
            _ => Value::Null,
        };
        for calls in [1, 2, 3, 7] {
            let model = Arc::new(model(|_| WRONG));
            let limits = BudgetLimits { calls: Some(calls), ..BudgetLimits::default() };
            let bounded = builder(Arc::clone(&model), strategy).budget(limits);
            let bounded = bounded.strategy(Strategy::by_name(strategy, &settings).unwrap());
            let (outcome, ..) = searched(bounded).await;
            assert!(model.calls() as u64 <= calls, "{strategy} asked {} times of {calls}", model.calls());
            assert_eq!(outcome.cost.calls, model.calls() as u64, "{strategy}");
            assert_eq!(outcome.status, Status::Capped, "{strategy} with {calls} calls");
        }
    }
}

#[tokio::test]
async fn the_last_request_is_for_the_programs_that_are_left() {
    for generations in [5, 8, 11] {
        let limits = BudgetLimits { generations: Some(generations), ..BudgetLimits::default() };
        let settings = json!({"per_request": 4});
        let strategy = Strategy::by_name("resample", &settings).unwrap();
        let model = Arc::new(model(|_| WRONG));
        let builder = builder(model, "resample").strategy(strategy).budget(limits).in_flight(1);
        let (outcome, ..) = searched(builder).await;
        assert_eq!(outcome.cost.generations, generations.min(10));
    }
}

/// What `adaptive` asked for programs straight from the statement: number, draw, whether distinct, and seed.
async fn direct_questions(distinct: bool, settings: Value) -> Vec<(u32, u32, bool, u64)> {
    let mut capabilities = Capabilities::default();
    capabilities.distinct = distinct;
    let model = Arc::new(model(|_| WRONG).with_capabilities(capabilities));
    let limits = BudgetLimits { generations: Some(20), ..BudgetLimits::default() };
    let strategy = Strategy::by_name("adaptive", &settings).unwrap();
    let builder = builder(Arc::clone(&model), "adaptive").strategy(strategy).budget(limits);
    searched(builder).await;
    let direct =
        |request: &Request| request.messages.len() == 2 && request.n > 1 && request.temperature == 0.8;
    let seen = model.requests().into_iter().filter(|request| direct(request));
    seen.map(|request| (request.n, request.draw, request.distinct, request.seed)).collect()
}

#[tokio::test]
async fn direct_programs_are_one_sequence_where_the_model_can_draw_without_replacement() {
    let settings = || json!({"stop_below": 0.0});
    let asked = direct_questions(true, settings()).await;
    assert!(asked.len() > 1, "{asked:?}");
    let mut drawn = 0;
    for (n, draw, distinct, seed) in asked {
        assert_eq!((draw, distinct, seed), (drawn, true, 11));
        drawn += n;
    }
    let plain = json!({"stop_below": 0.0, "distinct": false});
    for asked in [direct_questions(false, settings()).await, direct_questions(true, plain).await] {
        let seeds: BTreeSet<u64> = asked.iter().map(|(.., seed)| *seed).collect();
        assert!(asked.len() > 1 && seeds.len() == asked.len(), "{asked:?}");
        assert!(asked.iter().all(|(_, draw, distinct, _)| (*draw, *distinct) == (0, false)), "{asked:?}");
    }
}

#[tokio::test]
async fn a_refusal_ends_the_search_with_the_best_so_far() {
    let model = Scripted::new(|request, call| {
        if call < 3 {
            return Ok(codeagent_models::scripted::reply(request, &[WRONG]));
        }
        Err(ModelError::new(ErrorKind::Refused, "the key is not accepted"))
    });
    let (outcome, ..) = searched(builder(model, "resample").in_flight(1)).await;
    assert_eq!((outcome.status, outcome.stop_reason), (Status::Error, None));
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("the key is not accepted"), "{}", failure.message);
    assert!(outcome.solution.unwrap().program.contains("helper"));
}

#[tokio::test]
async fn useless_answers_are_asked_for_again_once_and_never_break_a_search() {
    for strategy in NAMES {
        for answer in ["", "no", "```python\n", "{\"thought\": ", "[1, 2", "```\n```\n```"] {
            let model = Arc::new(Scripted::answering(move |_, _| answer.to_owned()));
            let (outcome, ..) = searched(builder(Arc::clone(&model), strategy)).await;
            assert!(matches!(outcome.status, Status::Unsolved), "{strategy} on {answer:?}: {outcome:?}");
        }
    }
}

/// Doubles small numbers only, which the visible tests do not show.
const SMALL: &str = "```python\ndef double(x):\n    return 2 * x if x < 4 else x\n```";

#[tokio::test]
async fn tests_that_the_model_wrote_reach_the_next_question() {
    // A request for a revision has the program before it as a turn.
    let model = model(|request| if request.messages.len() > 2 { RIGHT } else { SMALL });
    let strategy = Strategy::by_name("reflexion", &json!({"tests": "generated"})).unwrap();
    let (outcome, events, tree) = searched(builder(model, "reflexion").strategy(strategy)).await;
    assert_eq!(outcome.stop_reason, Some(StopReason::Accepted), "{outcome:?}");
    assert!(outcome.solution.unwrap().program.contains("return 2 * x\n"));
    assert_eq!(outcome.cost.executions, 4, "two programs, each on visible tests and on the model's");
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            crate::EventKind::NodeFeedback { feedback } => Some(feedback.clone()),
            _ => None,
        })
        .collect();
    let [Some(failed), None] = told.as_slice() else { panic!("a failure and then none: {told:?}") };
    assert!(failed.contains("2 of 3 tests that a model wrote passed"), "{failed}");
    assert!(failed.contains("All 2 visible tests passed"), "{failed}");
    let asked = events.iter().any(|event| match &event.kind {
        crate::EventKind::NodeContent { prompt, .. } => {
            prompt.iter().any(|message| message.content.contains(failed))
        }
        _ => false,
    });
    assert!(asked, "the next question shows what failed");
    let passed: Vec<u32> = tree.nodes().flat_map(|node| &node.runs).map(|(_, run)| run.passed()).collect();
    assert_eq!(passed, [2, 3]);
}

#[tokio::test]
async fn untrusted_tests_never_beat_visible_ones() {
    // Every test that the model writes is wrong, so the right program fails them all and is submitted all the same.
    let model = Scripted::answering(|request, _| {
        let system = request.messages.first().map(|message| message.content.as_str()).unwrap_or_default();
        let wrong = "```python\nassert double(5) == 25\nassert double(7) == 49\n```";
        if system.contains("tester") {
            wrong.to_owned()
        } else if request.seed % 2 == 0 {
            RIGHT.to_owned()
        } else {
            WRONG.to_owned()
        }
    });
    let (outcome, ..) = searched(builder(model, "agentcoder")).await;
    assert_eq!((outcome.status, outcome.passed), (Status::Solved, 2), "{outcome:?}");
    assert_eq!(outcome.stop_reason, Some(StopReason::Exhausted));
    assert!(outcome.solution.unwrap().program.contains("2 * x"));
}

#[tokio::test]
async fn cancelling_keeps_the_best_so_far() {
    let model = model(|_| WRONG).with_delay(Duration::from_millis(1));
    let agent = builder(model, "rethink-mcts").build().unwrap();
    let mut run = agent.solve(problem());
    let handle = run.handle();
    while let Some(event) = run.next().await {
        if matches!(event.kind, crate::EventKind::CandidateBest { .. }) {
            handle.cancel();
        }
    }
    let outcome = run.outcome().await;
    assert_eq!((outcome.status, outcome.stop_reason), (Status::Capped, Some(StopReason::Cancelled)));
    assert!(outcome.solution.is_some());
}

/// The question and the answer that each node of one kind came from.
fn talks(events: &[Event], tree: &Tree, kind: NodeKind) -> Vec<(NodeId, String, String)> {
    let talk = |event: &Event| {
        let node = tree.node(event.node?).filter(|node| node.kind == kind)?;
        let crate::EventKind::NodeContent { prompt, answer, .. } = &event.kind else { return None };
        let said: Vec<&str> = prompt.iter().map(|message| message.content.as_str()).collect();
        Some((node.id, said.join("\n"), answer.clone()))
    };
    events.iter().filter_map(talk).collect()
}

#[tokio::test]
async fn what_a_critic_says_reaches_the_reflection_and_not_the_revision() {
    let (_, events, tree) = searched(builder(model(|_| WRONG), "codetree")).await;
    let reflections = talks(&events, &tree, NodeKind::Reflection);
    assert!(!reflections.is_empty());
    assert!(
        reflections.iter().all(|(_, said, _)| said.contains("From the critic:\n```text\nIt squares.\n```"))
    );
    let revisions = talks(&events, &tree, NodeKind::Revision);
    assert!(!revisions.is_empty());
    assert!(revisions.iter().all(|(_, said, _)| !said.contains("From the critic")));
    let reviewed = |event: &&Event| matches!(event.kind, crate::EventKind::NodeReviewed { .. });
    let reflected: BTreeSet<_> =
        reflections.iter().map(|(node, ..)| tree.node(*node).unwrap().parent).collect();
    assert_eq!(events.iter().filter(reviewed).count(), reflected.len(), "one review each");
}

#[tokio::test]
async fn a_fix_is_shown_the_plan_that_the_fix_before_it_changed() {
    let model = Scripted::answering(|request, call| {
        if system(request).contains("mends programs") {
            return format!("## Plan\n1. Way number {call}.\n\n{WRONG}");
        }
        sensible(request, &|_| WRONG)
    });
    let (_, events, tree) = searched(builder(model, "mapcoder")).await;
    let revisions = talks(&events, &tree, NodeKind::Revision);
    assert_eq!(revisions.len(), 15, "three plans of five fixes");
    let mut followed = 0;
    for (node, said, _) in &revisions {
        let parent = tree.node(*node).and_then(|node| node.parent);
        let Some((.., answer)) = revisions.iter().find(|(before, ..)| Some(*before) == parent) else {
            continue;
        };
        let plan = answer.lines().find(|line| line.starts_with("1.")).unwrap();
        assert!(said.contains(plan), "{said}");
        followed += 1;
    }
    assert_eq!(followed, 12, "all but the first fix of each plan");
}

/// Likes what adds, and says that only the first line may stay.
struct Adder;

impl codeagent_models::Scorer for Adder {
    fn assess(
        &self,
        problem: &str,
        programs: &[&str],
    ) -> Result<Vec<codeagent_models::Assessment>, codeagent_models::ScorerError> {
        assert!(problem.contains("doubles"), "{problem}");
        let score = |program: &&str| codeagent_models::Assessment {
            score: if program.contains("x + x") { 0.9 } else { 0.1 },
            cut: program.find('\n').map(|end| end + 1),
        };
        Ok(programs.iter().map(score).collect())
    }

    fn kind(&self) -> codeagent_models::ScorerKind {
        codeagent_models::ScorerKind::Critic
    }

    fn fingerprint(&self) -> &str {
        "adder"
    }
}

#[tokio::test]
async fn a_scorer_decides_between_programs_that_pass_and_cuts_for_critical_sampling() {
    const LONG: &str =
        "```python\ndef double(x):\n    # It adds the number to itself.\n    return x + x\n```";
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let model = || {
        let seen = Arc::clone(&seen);
        Scripted::answering(move |request, call| {
            seen.lock().unwrap().push(request.messages.last().unwrap().content.clone());
            if call.is_multiple_of(2) { RIGHT.to_owned() } else { LONG.to_owned() }
        })
    };
    let plain = builder(model(), "critical-sampling").in_flight(1);
    let (without, ..) = searched(plain.clone()).await;
    assert!(without.solution.unwrap().program.contains("2 * x"), "the shorter one, of two that pass");
    let asked = seen.lock().unwrap().drain(..).filter(|asked| asked.contains("surely right")).count();
    let scored = plain.provider(Arc::new(model())).scorer(Arc::new(Adder));
    let (with, events, _) = searched(scored.clone()).await;
    assert!(with.solution.unwrap().program.contains("x + x"));
    assert!(events.iter().filter_map(Event::change).any(
        |change| matches!(change, codeagent_search::tree::Change::Added { attempt: Some(it), .. } if it.learned == Some(0.9))
    ));
    let prompts = seen.lock().unwrap().clone();
    assert!(asked > 0 && !prompts.iter().any(|asked| asked.contains("surely right")), "{prompts:#?}");
    assert_ne!(
        scored.build().unwrap().run_spec(&problem()).fingerprint,
        builder(model(), "critical-sampling").build().unwrap().run_spec(&problem()).fingerprint
    );
}

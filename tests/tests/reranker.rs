//! What a reranker is worth that was trained on half of the pools that the embedded model drew, on the other half: against a
//! draw by chance and against the model's own mean log-probability.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use codeagent_benchmarks::{
    Mean, ProblemWithHidden, Results, Tally, compare, lesson_judged, load_dataset, verify_hidden,
};
use codeagent_models::local::embedded::{self, EmbeddedStyle};
use codeagent_models::local::{DeviceChoice, Engine, EngineOptions, LoadOptions, Local};
use codeagent_models::rerank::{RerankConfig, Reranker, train};
use codeagent_models::train::checkpoint::{CheckpointError, State};
use codeagent_models::train::{Example, Flow, Measured, Outcome, Step, Trained, Watch};
use codeagent_models::{Provider, Request};
use codeagent_prompts::questions::DirectProgram;
use codeagent_prompts::{Question, Task};
use codeagent_sandbox::{Judge, JudgeOptions};
use codeagent_tests::pool;

/// Problems: vague statements and wordings that the embedded model's training never used, in equal parts.
const PROBLEMS: &str = "200";
/// Answers to each.
const ANSWERS: u32 = 16;

/// A candidate: what a scorer learns from it or is asked about, and the model's own mean log-probability, in nats.
struct Candidate {
    example: Example,
    mean_logprob: f64,
}

/// The problems, written by the generator that made the embedded model's lessons.
fn problems() -> Vec<ProblemWithHidden> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("problems.jsonl");
    let training = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/embedded/training");
    let mut generator = Command::new("python3");
    generator.current_dir(training).env("PYTHONDONTWRITEBYTECODE", "1");
    let made = generator.arg("freeze.py").arg(&file).arg(PROBLEMS).status().unwrap();
    assert!(made.success(), "the generator needs python3");
    load_dataset(&file).unwrap().problems
}

/// Answers of the embedded model, each with its verdict on the hidden tests.
async fn drawn(model: &Local, judge: &Judge, problem: &ProblemWithHidden, seed: u64) -> Vec<Candidate> {
    let task = Task {
        statement: problem.problem.statement.clone(),
        entry: problem.problem.entry.clone(),
        starter: problem.problem.starter.clone(),
        buggy: None,
        language: "python".to_owned(),
    };
    let question = DirectProgram { task: &task };
    let request = Request {
        messages: question.messages().unwrap(),
        temperature: 0.8,
        top_p: None,
        max_output_tokens: 256,
        n: ANSWERS,
        stop: Vec::new(),
        seed,
        logprobs: None,
        draw: 0,
        distinct: false,
    };
    let mut candidates = Vec::new();
    for choice in model.complete(&request).await.unwrap().choices {
        let (Ok(program), Some(mean_logprob)) = (question.parse(&choice.text), choice.mean_logprob) else {
            continue;
        };
        let options = JudgeOptions::default();
        let report = verify_hidden(&program, problem, judge, &options).await.unwrap();
        candidates
            .push(Candidate { example: lesson_judged(&problem.problem, &program, &report), mean_logprob });
    }
    candidates
}

/// Trains in silence.
struct Quiet;

impl Watch for Quiet {
    fn step(&mut self, _: &Step) -> Flow {
        Flow::On
    }

    fn measured(&mut self, _: &Measured) {}

    fn keep(&mut self, _: &State) -> Result<(), CheckpointError> {
        Ok(())
    }
}

fn trained(pools: &[Vec<Candidate>]) -> Reranker {
    let examples: Vec<Example> = pools.iter().flatten().map(|candidate| candidate.example.clone()).collect();
    match train(&RerankConfig::default(), &[&examples], None, &mut Quiet).unwrap() {
        Trained::Done(reranker) => reranker,
        Trained::Stopped => unreachable!("nobody stops it"),
    }
}

/// The verdict of each pool's first candidate by `score`, the earlier of equals.
fn first(pools: &[Vec<Candidate>], score: impl Fn(&[Candidate]) -> Vec<f64>) -> Results {
    let one = |pool: &Vec<Candidate>| {
        let scored = score(pool).into_iter().zip(pool);
        let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?.1;
        let passed = u64::from(best.example.outcome == Outcome::Passed);
        Some((best.example.problem_id.clone(), Tally { samples: 1, passed }))
    };
    pools.iter().filter_map(one).collect()
}

/// The verdicts of all candidates: what a draw by chance gives.
fn by_chance(pools: &[Vec<Candidate>]) -> Results {
    let one = |pool: &Vec<Candidate>| {
        let passed = pool.iter().filter(|candidate| candidate.example.outcome == Outcome::Passed).count();
        let tally = Tally { samples: pool.len() as u64, passed: passed as u64 };
        Some((pool.first()?.example.problem_id.clone(), tally))
    };
    pools.iter().filter_map(one).collect()
}

fn told(mean: Mean) -> String {
    format!("{:+.3} [{:+.3}, {:+.3}]", mean.value, mean.lo, mean.hi)
}

#[tokio::test]
#[ignore = "takes minutes: cargo test --workspace --test reranker -- --ignored --nocapture"]
#[expect(clippy::print_stderr, reason = "figures for docs/critics.md")]
async fn half_of_the_pools_teach_the_choice_in_the_other_half() {
    let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let engine = Engine::start(embedded::load(&load).unwrap(), EngineOptions::default()).unwrap();
    let model = Local::new(engine, Arc::new(EmbeddedStyle));
    let judge = Judge::new(Arc::new(pool::wasm()));
    let mut halves = [Vec::new(), Vec::new()];
    for (number, problem) in problems().iter().enumerate() {
        let pool = drawn(&model, &judge, problem, number as u64).await;
        halves[number % 2].push(pool);
    }
    let [lessons, others] = halves;
    let reranker = trained(&lessons);
    let chance = by_chance(&others);
    let confidence = first(&others, |pool| pool.iter().map(|candidate| candidate.mean_logprob).collect());
    let reranked = first(&others, |pool| {
        let problem = pool.first().map_or("", |candidate| candidate.example.problem.as_str());
        let programs: Vec<&str> = pool.iter().map(|candidate| candidate.example.program.as_str()).collect();
        reranker.score(problem, &programs).unwrap()
    });
    let oracle = chance.values().filter(|tally| tally.passed > 0).count();
    let over_chance = compare(&chance, &reranked).unwrap();
    let over_confidence = compare(&confidence, &reranked).unwrap();
    eprintln!(
        "{} pools: by chance {:.3}, mean log-probability {:.3}, reranker {:.3}, oracle {:.3}",
        others.len(),
        over_chance.a,
        over_confidence.a,
        over_chance.b,
        oracle as f64 / others.len() as f64,
    );
    eprintln!(
        "reranker over chance {}, over mean log-probability {}",
        told(over_chance.difference),
        told(over_confidence.difference)
    );
    assert!(over_chance.problems >= 90 && over_chance.unpaired == 0, "{over_chance:?}");
    assert!(over_chance.difference.value > 0.0, "{over_chance:?}");
}

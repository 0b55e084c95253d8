//! Runs every distinct program of every problem, as many at a time as there are cores, and hands the problems on in
//! order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use codeagent::evidence::{Reading, Witness, WrittenTests};
use codeagent::learned::shown;
use codeagent::models::Scorer;
use codeagent::program::assemble;
use codeagent::sandbox::{Judge, JudgeOptions, Sandbox};
use codeagent::search::choose::evidence::{Evidence, Sample};
use codeagent_benchmarks::{Dataset, Drawn, Pool, ProblemWithHidden, verify_hidden};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::kept::{Kept, Result as Outcome};
use crate::args::{RankArgs, RankMethod};
use crate::config::types;
use crate::failure::{Exit, Failure};
use crate::sandboxes;
use crate::tally::Tally;

/// Calls that may run into the time limit before a program's other calls count as timed out too; where the limit is so
/// short that they take less than this together, more may.
const TIMEOUTS_MAX: u32 = 5;
const TOGETHER: Duration = Duration::from_secs(10);

/// What is known of one problem's samples.
pub(super) struct Observed<'a> {
    pub(super) task_id: &'a str,
    pub(super) drawn: &'a [Drawn],
    pub(super) evidence: Evidence,
    /// Whether each sample passes the hidden tests, where they were asked.
    pub(super) right: Option<Vec<bool>>,
    /// The distinct program of each sample.
    pub(super) programs: Vec<usize>,
    /// The learned score of each sample, where a scorer was asked.
    pub(super) scores: Vec<f64>,
}

/// The runs under way.
pub(super) struct Work<'a> {
    problems: VecDeque<Pending<'a>>,
    tally: Option<Tally>,
    programs: usize,
    broken: usize,
    scorer: Option<Arc<dyn Scorer>>,
}

struct Pending<'a> {
    problem: &'a ProblemWithHidden,
    drawn: &'a [Drawn],
    tests: Arc<WrittenTests>,
    /// The distinct program of each sample.
    programs: Vec<usize>,
    runs: JoinSet<(usize, Result<Seen, Failure>)>,
}

/// What is known of one program.
#[derive(Clone, Default)]
struct Seen {
    sample: Sample,
    right: Option<bool>,
}

impl<'a> Work<'a> {
    pub(super) fn start(
        arguments: &RankArgs,
        dataset: &'a Dataset,
        samples: &'a Pool,
        tests: &Pool,
        config: &types::Sandbox,
        sandbox: Arc<dyn Sandbox>,
        kept: Kept,
    ) -> Self {
        let bench = Bench::new(arguments, dataset, config, sandbox, kept);
        let slots = Arc::new(Semaphore::new(arguments.jobs.count()));
        let mut work = Self { problems: VecDeque::new(), tally: None, programs: 0, broken: 0, scorer: None };
        for problem in &dataset.problems {
            let drawn = samples.of(&problem.problem.id);
            if drawn.is_empty() {
                continue;
            }
            let texts = tests.of(&problem.problem.id).iter().map(|text| text.text.as_str());
            let per_text = arguments.tests_per_text;
            let tests = WrittenTests::read(&problem.problem, texts, reading(arguments.method), per_text);
            let tests = Arc::new(tests);
            let (programs, distinct) = distinct(drawn);
            work.programs += distinct.len();
            let mut runs = JoinSet::new();
            let shared = Arc::new(problem.clone());
            for (number, text) in distinct.into_iter().enumerate() {
                let (bench, slots) = (bench.clone(), Arc::clone(&slots));
                let (problem, tests) = (Arc::clone(&shared), Arc::clone(&tests));
                runs.spawn(async move {
                    // Nobody closes it.
                    let _slot = slots.acquire_owned().await;
                    (number, bench.run(&problem, &text, &tests).await)
                });
            }
            work.problems.push_back(Pending { problem, drawn, tests, programs, runs });
        }
        work
    }

    /// The next problem, when all of its programs have run.
    pub(super) async fn next(&mut self, quiet: bool) -> Result<Option<Observed<'a>>, Failure> {
        let programs = self.programs;
        let tally = self.tally.get_or_insert_with(|| Tally::new("programs", programs, quiet));
        let Some(mut pending) = self.problems.pop_front() else {
            tally.finish();
            return Ok(None);
        };
        let mut seen = BTreeMap::new();
        while let Some(run) = pending.runs.join_next().await {
            let (number, run) = run.map_err(|error| {
                Failure::new(Exit::Internal, "a run of a program broke down").caused_by(&error)
            })?;
            tally.advance();
            match run {
                Ok(run) => drop(seen.insert(number, run)),
                // Without the sandbox nothing can be said; one broken run is one sample without evidence.
                Err(failure) if failure.exit() == Exit::Sandbox && seen.is_empty() && self.broken == 0 => {
                    return Err(failure);
                }
                Err(failure) if failure.exit() == Exit::Sandbox => {
                    self.broken += 1;
                    tracing::error!("{}: {failure}", pending.problem.problem.id);
                }
                Err(failure) => return Err(failure),
            }
        }
        let scores = self.scores(pending.problem, pending.drawn).await?;
        Ok(Some(pending.observed(&seen, scores)))
    }

    /// The same, with a scorer that gives every sample a learned score.
    pub(super) fn scored_by(mut self, scorer: Option<Arc<dyn Scorer>>) -> Self {
        self.scorer = scorer;
        self
    }

    async fn scores(&self, problem: &ProblemWithHidden, drawn: &[Drawn]) -> Result<Vec<f64>, Failure> {
        let Some(scorer) = self.scorer.clone() else { return Ok(Vec::new()) };
        let problem = &problem.problem;
        let (shown, programs): (String, Vec<String>) =
            (shown(problem), drawn.iter().map(|drawn| assemble(problem, &drawn.text)).collect());
        let scored = tokio::task::spawn_blocking(move || {
            let programs: Vec<&str> = programs.iter().map(String::as_str).collect();
            scorer.assess(&shown, &programs)
        });
        let internal = |error: &dyn std::error::Error| {
            Failure::new(Exit::Internal, "programs could not be scored").caused_by(error)
        };
        let scored = scored.await.map_err(|error| internal(&error))?.map_err(|error| internal(&error))?;
        Ok(scored.iter().map(|it| it.score).collect())
    }

    /// Programs of which nothing could be found out.
    pub(super) const fn broken(&self) -> usize {
        self.broken
    }
}

impl<'a> Pending<'a> {
    fn observed(self, seen: &BTreeMap<usize, Seen>, scores: Vec<f64>) -> Observed<'a> {
        let each = |program: &usize| seen.get(program).cloned().unwrap_or_default();
        let all: Vec<Seen> = self.programs.iter().map(each).collect();
        // One that nobody judged leaves the whole problem unjudged.
        let right = all.iter().map(|seen| seen.right).collect();
        let with_log_prob =
            |(seen, drawn): (Seen, &Drawn)| Sample { log_prob: drawn.log_prob, ..seen.sample };
        let evidence = Evidence {
            samples: all.into_iter().zip(self.drawn).map(with_log_prob).collect(),
            tests: self.tests.tests().iter().map(|test| test.test).collect(),
        };
        Observed {
            task_id: &self.problem.problem.id,
            drawn: self.drawn,
            evidence,
            right,
            programs: self.programs,
            scores,
        }
    }
}

/// What of a model's text is a test: dual agreement is as its authors have it.
const fn reading(method: RankMethod) -> Reading {
    match method {
        RankMethod::DualAgreement | RankMethod::DualAgreementProduct => Reading::Passages,
        _ => Reading::Assertions,
    }
}

/// The number of each sample's text, and the distinct texts.
fn distinct(drawn: &[Drawn]) -> (Vec<usize>, Vec<String>) {
    let mut numbers = BTreeMap::new();
    let mut texts = Vec::new();
    let number = |drawn: &Drawn| {
        *numbers.entry(drawn.text.clone()).or_insert_with(|| {
            texts.push(drawn.text.clone());
            texts.len() - 1
        })
    };
    let each = drawn.iter().map(number).collect();
    (each, texts)
}

/// What runs programs.
#[derive(Clone)]
struct Bench {
    witness: Witness,
    judge: Judge,
    /// Whether programs run for evidence; a scorer needs none.
    observes: bool,
    /// Whether hidden tests are run.
    judges: bool,
    evidence: Times,
    hidden: Times,
    kept: Kept,
}

/// How long runs of one kind may take.
#[derive(Clone, Copy)]
struct Times {
    deadline: Duration,
    options: JudgeOptions,
    /// What is the same for all of them.
    setting: blake3::Hash,
}

impl Bench {
    fn new(
        arguments: &RankArgs,
        dataset: &Dataset,
        config: &types::Sandbox,
        sandbox: Arc<dyn Sandbox>,
        kept: Kept,
    ) -> Self {
        let (limits, capabilities) = (config.limits(), sandbox.capabilities());
        let times = |deadline: Duration| {
            let wall = limits.wall.min(deadline.saturating_mul(TIMEOUTS_MAX).max(TOGETHER));
            let options = JudgeOptions { limits: limits.with_wall(wall), ..JudgeOptions::default() };
            let setting = serde_json::json!({
                "version": env!("CARGO_PKG_VERSION"), "dataset": dataset.hash, "options": options,
                "deadline": deadline, "backend": capabilities.backend, "interpreter": capabilities.interpreter,
            });
            Times { deadline, options, setting: blake3::hash(setting.to_string().as_bytes()) }
        };
        let evidence = times(arguments.timeout.0);
        let judge = Judge::new(sandbox);
        Self {
            witness: Witness::new(judge.clone(), evidence.options, evidence.deadline),
            judge,
            observes: !matches!(arguments.method, RankMethod::Critic | RankMethod::Reranker),
            judges: arguments.judge,
            evidence,
            hidden: times(arguments.judge_timeout.as_ref().unwrap_or(&arguments.timeout).0),
            kept,
        }
    }

    async fn run(
        &self,
        problem: &ProblemWithHidden,
        text: &str,
        tests: &WrittenTests,
    ) -> Result<Seen, Failure> {
        let sample =
            if self.observes { self.evidence(problem, text, tests).await? } else { Sample::default() };
        let right = if self.judges { Some(self.is_right(problem, text).await?) } else { None };
        Ok(Seen { sample, right })
    }

    async fn evidence(
        &self,
        problem: &ProblemWithHidden,
        text: &str,
        tests: &WrittenTests,
    ) -> Result<Sample, Failure> {
        let statements = tests.tests().iter().map(|test| test.statement.as_str());
        let key = self.evidence.key("evidence", &problem.problem.id, text, statements);
        if let Some(Outcome::Evidence(sample)) = self.kept.get(&key) {
            return Ok(sample.clone());
        }
        let observed = self.witness.observe(&problem.problem, text, tests).await;
        let sample = observed.map_err(|error| sandboxes::unavailable(&error))?;
        self.kept.put(key, Outcome::Evidence(sample.clone()))?;
        Ok(sample)
    }

    async fn is_right(&self, problem: &ProblemWithHidden, text: &str) -> Result<bool, Failure> {
        let key = self.hidden.key("hidden", &problem.problem.id, text, []);
        if let Some(Outcome::Passes(passes)) = self.kept.get(&key) {
            return Ok(*passes);
        }
        let options = JudgeOptions { isolate_tests: true, ..self.hidden.options };
        let hidden = problem.hidden.within(self.hidden.deadline);
        let problem = ProblemWithHidden { hidden, ..problem.clone() };
        let report = verify_hidden(text, &problem, &self.judge, &options).await;
        let report = report.map_err(|error| sandboxes::unavailable(&error))?;
        let passes = report.total() > 0 && report.is_passed();
        self.kept.put(key, Outcome::Passes(passes))?;
        Ok(passes)
    }
}

impl Times {
    fn key<'t>(
        &self,
        kind: &'t str,
        id: &'t str,
        text: &'t str,
        tests: impl IntoIterator<Item = &'t str>,
    ) -> String {
        let mut hasher = blake3::Hasher::new_keyed(self.setting.as_bytes());
        for part in [kind, id, text].into_iter().chain(tests) {
            hasher.update(&part.len().to_le_bytes()).update(part.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }
}

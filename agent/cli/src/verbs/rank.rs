//! `codeagent rank SAMPLES --dataset D`: the best of somebody's samples, by what running them says.

mod kept;
mod work;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use codeagent::models::{Scorer, ScorerKind};
use codeagent::search::choose::evidence::{Class, draws};
use codeagent::search::choose::{consensus, dual_agreement, learned, rpc, supported_agreement, votes};
use codeagent_benchmarks::ranking::{random_pass_at, ranked_pass_at};
use codeagent_benchmarks::{Dataset, DatasetError, Pool, load_dataset_under, read_programs, read_tests};
use serde::Serialize;

use crate::args::{Globals, RankArgs, RankMethod};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{config, sandboxes, scorers};
use work::{Observed, Work};

/// Numbers of samples for which rankings are measured.
const KS: [usize; 3] = [1, 2, 10];

/// The ranking of one problem's samples, as JSON. With `task_id` and `completion` it is a samples file again.
#[derive(Serialize)]
struct Shown<'a> {
    v: u32,
    task_id: &'a str,
    /// Text of the sample that was chosen.
    completion: &'a str,
    /// Its number among those of its problem, from 0, and its line.
    sample: usize,
    line: usize,
    score: f64,
    method: &'static str,
    /// What the ranking rests on, where that is not the method's own evidence.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    samples: usize,
    tests: usize,
    /// Every sample, best first, as samples would be drawn.
    order: Vec<usize>,
    classes: Vec<ShownClass<'a>>,
}

#[derive(Serialize)]
struct ShownClass<'a> {
    samples: &'a [usize],
    score: f64,
}

/// What rankings are worth on hidden tests, as JSON.
#[derive(Serialize)]
struct Judged {
    event: &'static str,
    v: u32,
    method: &'static str,
    protocol: String,
    problems: usize,
    /// Problems with a sample that could not be judged, for a fault of ours; they count nowhere.
    unresolved: usize,
    samples: usize,
    pass_at_k: BTreeMap<usize, Worth>,
}

/// Shares of problems, in `[0, 1]`.
#[derive(Serialize, Clone, Copy, Default)]
struct Worth {
    ranked: f64,
    random: f64,
}

/// Ranks the samples.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox, 6 for the files.
pub async fn rank(
    arguments: &RankArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config =
        config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config.sandbox;
    let dataset = load_dataset_under(&environment.directory().join(&arguments.dataset), arguments.protocol)
        .map_err(|e| Failure::data(&e))?;
    dataset.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let mut samples = read(&arguments.samples, &dataset, environment, read_programs)?;
    if arguments.cut {
        samples.cut_at_stops();
    }
    let tests = match &arguments.tests {
        Some(path) => read(path, &dataset, environment, read_tests)?,
        None => Pool::default(),
    };
    if samples.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no sample that could be read")
            .at(arguments.samples.display().to_string())
            .hint("give JSON lines with `task_id` and `completion`"));
    }
    let scorer = scorer(arguments, environment)?;
    let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
    let kept = kept::Kept::open(arguments.cache.as_deref(), environment)?;
    let mut work =
        Work::start(arguments, &dataset, &samples, &tests, &config, sandbox, kept).scored_by(scorer);
    let mut worths = Worths::default();
    while let Some(observed) = work.next(globals.quiet).await? {
        output.json(&shown(&observed, arguments.method))?;
        worths.add(&observed, arguments.method);
    }
    if arguments.judge {
        let judged = worths.judged(arguments);
        output.json(&judged)?;
        if !globals.quiet {
            table(&judged);
        }
    }
    let faults = samples.fault_count + tests.fault_count;
    Ok(match (faults, work.broken()) {
        (0, 0) => Exit::Done,
        (0, _) => Exit::Unresolved,
        _ => Exit::Data,
    })
}

/// The scorer of a method that has one.
fn scorer(arguments: &RankArgs, environment: &Environment) -> Result<Option<Arc<dyn Scorer>>, Failure> {
    let kind = match arguments.method {
        RankMethod::Critic => ScorerKind::Critic,
        RankMethod::Reranker => ScorerKind::Reranker,
        _ => return Ok(None),
    };
    let Some(path) = &arguments.scorer else { return Ok(None) };
    let scorer = scorers::open(path, environment)?;
    if scorer.kind() == kind {
        return Ok(Some(scorer));
    }
    let is = scorer.kind().name();
    Err(Failure::usage(format!("the scorer is a {is}"))
        .at(path.display().to_string())
        .hint(format!("use --method {is}, or name a {}", kind.name())))
}

/// Reads a pool and tells its faults.
fn read(
    path: &Path,
    dataset: &Dataset,
    environment: &Environment,
    reader: fn(&Path, &Dataset) -> Result<Pool, DatasetError>,
) -> Result<Pool, Failure> {
    let pool = reader(&environment.directory().join(path), dataset).map_err(|error| Failure::data(&error))?;
    Failure::tell_faults(&pool.faults, pool.fault_count);
    Ok(pool)
}

/// The ranking, and what it rests on where that is not the method's own evidence.
fn ranking(observed: &Observed<'_>, method: RankMethod) -> (Vec<Class>, Option<&'static str>) {
    let evidence = &observed.evidence;
    match method {
        RankMethod::Critic | RankMethod::Reranker => {
            (learned::rank(&observed.programs, &observed.scores), None)
        }
        RankMethod::Ladder => (supported_agreement::rank(evidence), None),
        RankMethod::DualAgreement => (dual_agreement::rank(evidence), None),
        RankMethod::DualAgreementProduct => (dual_agreement::rank_by_product(evidence), None),
        RankMethod::Votes => (votes::rank(evidence), None),
        RankMethod::Consensus => (consensus::rank(evidence), None),
        RankMethod::Rpc => {
            let (classes, mode) = rpc::rank(evidence);
            (classes, (mode == rpc::Mode::SelfConsistency).then_some("sc"))
        }
    }
}

const fn name(method: RankMethod) -> &'static str {
    match method {
        RankMethod::Ladder => "ladder",
        RankMethod::DualAgreement => "dual-agreement",
        RankMethod::DualAgreementProduct => "dual-agreement-product",
        RankMethod::Votes => "votes",
        RankMethod::Consensus => "consensus",
        RankMethod::Rpc => "rpc",
        RankMethod::Critic => "critic",
        RankMethod::Reranker => "reranker",
    }
}

fn shown_classes(classes: &[Class]) -> Vec<ShownClass<'_>> {
    classes.iter().map(|class| ShownClass { samples: &class.samples, score: class.score }).collect()
}

fn show<T>(observed: &Observed<'_>, method: RankMethod, with: impl FnOnce(&Shown<'_>) -> T) -> T {
    let (classes, mode) = ranking(observed, method);
    let order = draws(&classes);
    let sample = order.first().copied().unwrap_or(0);
    let drawn = observed.drawn.get(sample);
    with(&Shown {
        v: 1,
        task_id: observed.task_id,
        completion: drawn.map_or("", |drawn| drawn.text.as_str()),
        sample,
        line: drawn.map_or(0, |drawn| drawn.line),
        score: classes.first().map_or(0.0, |class| class.score),
        method: name(method),
        mode,
        samples: observed.evidence.samples.len(),
        tests: observed.evidence.tests.len(),
        order,
        classes: shown_classes(&classes),
    })
}

/// The row as JSON, since its parts are borrowed from what is made here.
fn shown(observed: &Observed<'_>, method: RankMethod) -> serde_json::Value {
    show(observed, method, |shown| serde_json::to_value(shown).unwrap_or_default())
}

/// Sums over problems.
#[derive(Default)]
struct Worths {
    problems: usize,
    unresolved: usize,
    samples: usize,
    sums: [Worth; KS.len()],
}

impl Worths {
    fn add(&mut self, observed: &Observed<'_>, method: RankMethod) {
        let Some(right) = &observed.right else {
            self.unresolved += 1;
            return;
        };
        let (classes, _) = ranking(observed, method);
        self.problems += 1;
        self.samples += right.len();
        for (sum, k) in self.sums.iter_mut().zip(KS) {
            sum.ranked += ranked_pass_at(&classes, right, k);
            sum.random += random_pass_at(right, k);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a number of problems")]
    fn judged(&self, arguments: &RankArgs) -> Judged {
        let problems = self.problems.max(1) as f64;
        let mean = |sum: &Worth| Worth { ranked: sum.ranked / problems, random: sum.random / problems };
        Judged {
            event: "judged",
            v: 1,
            method: name(arguments.method),
            protocol: arguments.protocol.to_string(),
            problems: self.problems,
            unresolved: self.unresolved,
            samples: self.samples,
            pass_at_k: KS.into_iter().zip(self.sums.iter().map(mean)).collect(),
        }
    }
}

fn table(judged: &Judged) {
    let mut stderr = std::io::stderr().lock();
    // Nobody can be told that stderr is gone.
    let _ = writeln!(stderr, "{:>8}  {:>8}  {:>8}  {}", "", "random", "ranked", judged.method);
    for (k, worth) in &judged.pass_at_k {
        let name = format!("pass@{k}");
        let _ = writeln!(stderr, "{name:>8}  {:>8.2}  {:>8.2}", worth.random * 100.0, worth.ranked * 100.0);
    }
    let _ = writeln!(stderr, "{} samples of {} problems", judged.samples, judged.problems);
    if judged.unresolved > 0 {
        let _ = writeln!(stderr, "{} problems left out: a sample could not be judged", judged.unresolved);
    }
}

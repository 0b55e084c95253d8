//! Programs with verdicts: as their rows tell, or else judged on the hidden tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use codeagent::models::train::Example;
use codeagent::sandbox::{Judge, JudgeOptions};
use codeagent_benchmarks::{
    Dataset, Drawn, Pool, ProblemWithHidden, lesson_judged, lesson_told, load_dataset, read_programs,
    verify_hidden, verify_visible,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::args::Globals;
use crate::args::scorers::LessonFlags;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::signals::Stop;
use crate::tally::Tally;
use crate::{config, sandboxes};

/// What scorers learn from.
pub(super) struct Lessons {
    /// The examples of each source.
    pub(super) pools: Vec<Vec<Example>>,
    /// Bad rows.
    pub(super) faults: usize,
}

/// A program that nobody judged yet, with its place among the examples.
struct Open {
    pool: usize,
    place: usize,
    problem: Arc<ProblemWithHidden>,
    text: String,
}

impl Lessons {
    /// Reads and judges; `None` if a signal came meanwhile.
    pub(super) async fn read(
        flags: &LessonFlags,
        globals: &Globals,
        environment: &Environment,
        stop: &Stop,
    ) -> Result<Option<Self>, Failure> {
        let dataset = load_dataset(&environment.directory().join(&flags.dataset));
        let dataset = dataset.map_err(|error| Failure::data(&error))?;
        dataset.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let (mut pools, mut open, mut faults) = (Vec::new(), Vec::new(), 0);
        for path in &flags.from {
            let pool = samples(path, flags, &dataset, environment)?;
            faults += pool.fault_count;
            let (examples, unjudged) = examples(&pool, pools.len(), flags, &dataset);
            pools.push(examples);
            open.extend(unjudged);
        }
        if !open.is_empty() {
            let judging = judge(&mut pools, open, flags, globals, environment);
            tokio::select! {
                judged = judging => judged?,
                () = stop.token().cancelled() => return Ok(None),
            }
        }
        let pools: Vec<Vec<Example>> =
            pools.into_iter().map(|pool| pool.into_iter().flatten().collect()).collect();
        if pools.iter().all(Vec::is_empty) {
            return Err(Failure::new(Exit::Data, "no program has a verdict")
                .hint("check --from, --dataset and --filter"));
        }
        Ok(Some(Self { pools, faults }))
    }
}

fn samples(
    path: &Path,
    flags: &LessonFlags,
    dataset: &Dataset,
    environment: &Environment,
) -> Result<Pool, Failure> {
    let mut path: PathBuf = environment.directory().join(path);
    if path.is_dir() {
        path.push("samples.jsonl");
    }
    let mut pool = read_programs(&path, dataset).map_err(|error| Failure::data(&error))?;
    Failure::tell_faults(&pool.faults, pool.fault_count);
    if flags.cut {
        pool.cut_at_stops();
    }
    Ok(pool)
}

/// One place per program, and those that must be judged. Equal texts of one problem count once.
fn examples(
    pool: &Pool,
    number: usize,
    flags: &LessonFlags,
    dataset: &Dataset,
) -> (Vec<Option<Example>>, Vec<Open>) {
    let (mut examples, mut open) = (Vec::new(), Vec::new());
    let is_asked = |id: &str| flags.filter.as_ref().is_none_or(|filter| filter.is_match(id));
    for problem in dataset.problems.iter().filter(|problem| is_asked(&problem.problem.id)) {
        let limited = problem.hidden.within(flags.timeout.0);
        let shared = Arc::new(ProblemWithHidden { hidden: limited, ..problem.clone() });
        let mut seen = BTreeSet::new();
        let is_new = |drawn: &&Drawn| !drawn.text.trim().is_empty() && seen.insert(drawn.text.clone());
        let drawn = pool.of(&problem.problem.id).iter().filter(is_new);
        for drawn in drawn.take(flags.per_problem.get()) {
            if let Some(told) = &drawn.told {
                examples.push(Some(lesson_told(&problem.problem, &drawn.text, told)));
                continue;
            }
            let (place, problem, text) = (examples.len(), Arc::clone(&shared), drawn.text.clone());
            open.push(Open { pool: number, place, problem, text });
            examples.push(None);
        }
    }
    (examples, open)
}

async fn judge(
    pools: &mut [Vec<Option<Example>>],
    open: Vec<Open>,
    flags: &LessonFlags,
    globals: &Globals,
    environment: &Environment,
) -> Result<(), Failure> {
    let config = config::load(environment, &globals.config_flags(flags.sandbox.settings()))?.config.sandbox;
    let sandbox = sandboxes::open(&config, &flags.sandbox, environment).await?;
    let judge = Judge::new(sandbox);
    let options = JudgeOptions { limits: config.limits(), ..JudgeOptions::default() };
    let slots = Arc::new(Semaphore::new(flags.jobs.count()));
    let mut tally = Tally::new("programs", open.len(), globals.quiet);
    let mut runs = JoinSet::new();
    for Open { pool, place, problem, text } in open {
        let (judge, slots) = (judge.clone(), Arc::clone(&slots));
        runs.spawn(async move {
            // Nobody closes it.
            let _slot = slots.acquire_owned().await;
            let report = if problem.hidden.is_empty() {
                verify_visible(&text, &problem, &judge, &options).await
            } else {
                verify_hidden(&text, &problem, &judge, &options).await
            };
            (pool, place, report.map(|report| lesson_judged(&problem.problem, &text, &report)))
        });
    }
    let mut judged = 0;
    while let Some(run) = runs.join_next().await {
        let (pool, place, lesson) = run.map_err(|error| {
            Failure::new(Exit::Internal, "the judging of a program broke down").caused_by(&error)
        })?;
        tally.advance();
        match lesson {
            Ok(lesson) => {
                judged += 1;
                if let Some(slot) = pools.get_mut(pool).and_then(|pool| pool.get_mut(place)) {
                    *slot = Some(lesson);
                }
            }
            // Without the sandbox nothing can be said; one broken run is one example less.
            Err(error) if judged == 0 => return Err(sandboxes::unavailable(&error)),
            Err(error) => tracing::error!("a program could not be judged and is left out: {error}"),
        }
    }
    tally.finish();
    Ok(())
}

//! `codeagent datasets FILE…`: what is in data sets, and whether their own references pass.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use codeagent::sandbox::{Judge, JudgeOptions};
use codeagent_benchmarks::{
    Dataset, Format, ProblemWithHidden, ReferencesJudged, judge_references, load_dataset_under,
};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::args::{DatasetsArgs, Globals};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::verdicts::told;
use crate::{config, escape, problems, sandboxes, tally};

/// What is in one data set, as JSON.
#[derive(Serialize)]
struct Shown {
    v: u32,
    file: String,
    /// The forms of its rows.
    formats: Vec<&'static str>,
    protocol: String,
    problems: usize,
    visible: Count,
    hidden: Count,
    /// Problems that have a reference.
    with_reference: usize,
    /// Problems that have a program to repair.
    with_buggy: usize,
    hash: String,
    warnings: Vec<String>,
    /// What came of the references, where they were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    references: Option<References>,
}

/// Tests, and the problems that have any.
#[derive(Serialize)]
struct Count {
    tests: usize,
    problems: usize,
}

/// What came of the references, by problem.
#[derive(Serialize, Default)]
struct References {
    passed: usize,
    failed: Vec<Failed>,
    /// Problems whose reference passes, but for the visible tests.
    contradicted: Vec<String>,
    /// Problems whose references could not be run, for a fault of ours.
    unresolved: Vec<String>,
}

/// A problem of which no reference that was tried passes.
#[derive(Serialize)]
struct Failed {
    id: String,
    tried: usize,
    /// What went wrong with the last one.
    why: String,
}

/// Tells what is in each file.
///
/// # Errors
/// Exit 2 for settings, 4 for the sandbox. A bad file is told and makes the exit code 6.
pub async fn datasets(
    arguments: &DatasetsArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config =
        config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config.sandbox;
    let runner = if arguments.references {
        let sandbox = sandboxes::open(&config, &arguments.sandbox, environment).await?;
        let options =
            JudgeOptions { limits: config.limits(), stop_at_first_failure: true, ..JudgeOptions::default() };
        Some(Runner {
            judge: Judge::new(sandbox),
            options,
            jobs: arguments.jobs.count(),
            quiet: globals.quiet,
        })
    } else {
        None
    };
    let mut exit = Exit::Done;
    for file in &arguments.files {
        let read = load_dataset_under(&environment.directory().join(file), arguments.protocol);
        let dataset = match read {
            Ok(dataset) => dataset,
            Err(error) => {
                let place = error.place.to_string();
                let failure = Failure::data(&error).at(problems::from_here(&place, environment));
                refuse(&failure, globals.json, output)?;
                exit = Exit::Data;
                continue;
            }
        };
        let mut shown = shown(file, &dataset, environment);
        if let Some(runner) = &runner {
            shown.references = Some(runner.run(dataset.problems).await?);
        }
        exit = worse(exit, shown.references.as_ref());
        if globals.json { output.json(&shown)? } else { print(&shown, output)? }
    }
    Ok(exit)
}

fn refuse(failure: &Failure, json: bool, output: &mut Output) -> Result<(), Failure> {
    // Nobody can be told that stderr is gone.
    let _ = writeln!(std::io::stderr(), "{failure}");
    if json { output.json(&failure.to_json()) } else { Ok(()) }
}

/// The exit code after another data set: bad data counts most, then what could not be run, then what fails.
fn worse(exit: Exit, references: Option<&References>) -> Exit {
    let Some(references) = references else { return exit };
    match exit {
        Exit::Data => exit,
        _ if !references.unresolved.is_empty() => Exit::Unresolved,
        Exit::Done if !references.failed.is_empty() => Exit::Negative,
        _ => exit,
    }
}

fn shown(file: &Path, dataset: &Dataset, environment: &Environment) -> Shown {
    let all = &dataset.problems;
    let count = |number: fn(&ProblemWithHidden) -> usize| Count {
        tests: all.iter().map(number).sum(),
        problems: all.iter().filter(|problem| number(problem) > 0).count(),
    };
    let warnings = dataset.warnings.iter().map(|warning| problems::from_here(warning, environment));
    Shown {
        v: 1,
        file: file.display().to_string(),
        formats: dataset.formats.iter().copied().map(Format::name).collect(),
        protocol: dataset.protocol.to_string(),
        problems: all.len(),
        visible: count(|problem| problem.problem.visible.len()),
        hidden: count(|problem| problem.hidden.len()),
        with_reference: all.iter().filter(|problem| !problem.references.is_empty()).count(),
        with_buggy: all.iter().filter(|problem| problem.problem.buggy.is_some()).count(),
        hash: dataset.hash.clone(),
        warnings: warnings.map(str::to_owned).collect(),
        references: None,
    }
}

/// Runs references.
struct Runner {
    judge: Judge,
    options: JudgeOptions,
    jobs: usize,
    quiet: bool,
}

impl Runner {
    /// What came of the references of all problems.
    async fn run(&self, problems: Vec<ProblemWithHidden>) -> Result<References, Failure> {
        let slots = Arc::new(Semaphore::new(self.jobs));
        let problems = problems.into_iter().filter(|problem| !problem.references.is_empty());
        let runs: Vec<_> = problems.map(|problem| self.start(problem, &slots)).collect();
        let mut tally = tally::Tally::new("references", runs.len(), self.quiet);
        let mut found = References::default();
        for (id, run) in runs {
            let judged = run.await.map_err(|error| {
                Failure::new(Exit::Internal, "the judging of a program broke down").caused_by(&error)
            })?;
            match judged {
                Ok(judged) => found.add(id, judged),
                // Without the sandbox nothing can be said; one broken run is one problem without a result.
                Err(failure) if found.passed + found.failed.len() == 0 => return Err(failure),
                Err(failure) => {
                    tracing::error!("{}: {failure}", escape::line(&id));
                    found.unresolved.push(id);
                }
            }
            tally.advance();
        }
        tally.finish();
        Ok(found)
    }

    fn start(&self, problem: ProblemWithHidden, slots: &Arc<Semaphore>) -> (String, JoinHandle<Judged>) {
        let (judge, options, slots) = (self.judge.clone(), self.options, Arc::clone(slots));
        let id = problem.problem.id.clone();
        let run = tokio::spawn(async move {
            // Nobody closes it.
            let _slot = slots.acquire_owned().await;
            let judged = judge_references(&problem, &judge, &options).await;
            judged.map_err(|error| sandboxes::unavailable(&error))
        });
        (id, run)
    }
}

/// What became of the references of one problem.
type Judged = Result<Option<ReferencesJudged>, Failure>;

impl References {
    fn add(&mut self, id: String, judged: Option<ReferencesJudged>) {
        let Some(judged) = judged else { return };
        if judged.is_passed() {
            self.passed += 1;
            if !judged.visible_passed {
                self.contradicted.push(id);
            }
            return;
        }
        let failed = judged.report.results.iter().find(|result| !result.verdict.is_passed());
        let why = failed.map_or_else(|| "there is no test".to_owned(), told);
        self.failed.push(Failed { id, tried: judged.tried, why });
    }
}

fn print(shown: &Shown, output: &mut Output) -> Result<(), Failure> {
    let Shown { file, formats, protocol, problems, visible, hidden, with_reference, with_buggy, .. } = shown;
    output.line(&format!("{}: {problems} problems", escape::line(file)))?;
    output.line(&format!("  form:       {}, under the protocol {protocol}", formats.join(", ")))?;
    output.line(&format!("  visible:    {} tests of {} problems", visible.tests, visible.problems))?;
    output.line(&format!("  hidden:     {} tests of {} problems", hidden.tests, hidden.problems))?;
    if *with_buggy > 0 {
        output.line(&format!("  to repair:  a program of {with_buggy} problems"))?;
    }
    output.line(&format!("  references: of {with_reference} problems"))?;
    output.line(&format!("  hash:       {}", shown.hash))?;
    for warning in &shown.warnings {
        output.line(&format!("  warning: {}", escape::excerpt(warning, 400)))?;
    }
    let Some(references) = &shown.references else { return Ok(()) };
    output.line(&format!("  references pass of {} of {with_reference} problems", references.passed))?;
    for Failed { id, tried, why } in &references.failed {
        output.line(&format!(
            "  fails: {} ({tried} tried): {}",
            escape::line(id),
            escape::excerpt(why, 300)
        ))?;
    }
    for id in &references.contradicted {
        output.line(&format!("  passes, but for the visible tests: {}", escape::line(id)))?;
    }
    for id in &references.unresolved {
        output.line(&format!("  could not be run: {}", escape::line(id)))?;
    }
    Ok(())
}

//! The results once more, in one file as the evaluator of evalplus writes them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use codeagent::Problem;
use codeagent::program::assemble;
use codeagent_benchmarks::formats::Moment;
use codeagent_benchmarks::formats::evalplus::{JudgedSample, OWN_RESULTS, write_results};
use codeagent_benchmarks::{Dataset, Sample, Text};

use super::results::Results;
use crate::args::ScoreArgs;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::run_folder::write_whole;

/// Length of a day with hour and minute, as evalplus tells when its results are from.
const DATE_LENGTH: usize = "2026-01-31T23:59".len();

/// Where evalplus looks for the results of samples: `_eval_results.json` in place of `.jsonl`.
///
/// # Errors
/// Exit 2 if something else is there, such as results of evalplus itself.
pub(super) fn place(arguments: &ScoreArgs, environment: &Environment) -> Result<PathBuf, Failure> {
    let named = arguments.out.as_ref().unwrap_or(&arguments.samples);
    let name = named.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".gz").unwrap_or(&name);
    let stem = stem.strip_suffix(".jsonl").unwrap_or(stem);
    let path = environment
        .directory()
        .join(named.with_file_name(OsString::from(format!("{stem}_eval_results.json"))));
    let mut begins = Vec::new();
    let there = std::fs::File::open(&path);
    let read = there.and_then(|file| file.take(OWN_RESULTS.len() as u64).read_to_end(&mut begins));
    if read.is_ok() && begins != OWN_RESULTS {
        return Err(Failure::usage("this file holds something else than our results for evalplus")
            .at(path.display().to_string())
            .hint("name another file of results with --out, or remove this one"));
    }
    Ok(path)
}

/// Writes the results of all samples that have one; the file is there whole or not at all.
///
/// # Errors
/// Exit 2 if it can't be written.
pub(super) fn write(
    path: &Path,
    samples: &[Sample],
    results: &Results,
    dataset: &Dataset,
) -> Result<(), Failure> {
    let problems: HashMap<&str, &Problem> =
        dataset.problems.iter().map(|it| (it.problem.id.as_str(), &it.problem)).collect();
    let judged = samples.iter().filter_map(|sample| {
        let statuses = results.row(sample)?.statuses.as_ref()?;
        let solution = match &sample.text {
            Text::Solution(text) => text.clone(),
            Text::Completion(text) => assemble(problems.get(sample.task_id.as_str())?, text),
        };
        Some(JudgedSample { task_id: &sample.task_id, solution, statuses })
    });
    let judged: Vec<JudgedSample<'_>> = judged.collect();
    let mut text = Vec::new();
    write_results(&today(), &dataset.hash, &judged, &mut text)
        .and_then(|()| write_whole(path, &text))
        .map_err(|error| {
            Failure::new(Exit::Usage, format!("the results file {} cannot be written", path.display()))
                .caused_by(&error)
                .hint("the same command writes it again; name another file of results with --out")
        })
}

/// Now, as `2026-01-31 23:59`.
fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let moment = Moment { us: i64::try_from(since.as_micros()).unwrap_or(i64::MAX) };
    moment.iso().chars().take(DATE_LENGTH).collect::<String>().replace('T', " ")
}

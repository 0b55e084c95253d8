//! Results and samples as lm-evaluation-harness writes them, for the programs that read its logs.
//!
//! Source: Gao et al., *The Language Model Evaluation Harness*; `lm_eval/loggers/evaluation_tracker.py` and `evaluator.py` of
//! version 0.4.13.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Attempts, Export, Moment, Unattempted, line, task_name};
use crate::batch::BatchResults;
use crate::pass_at_k::Tally;

/// The filter of answers that stands in the names of metrics: none.
const FILTER: &str = "none";

/// The names of the two files: of results, of samples.
#[must_use]
pub fn names(export: &Export<'_>, began: Moment) -> [String; 2] {
    let time = began.in_file_name();
    [format!("results_{time}.json"), format!("samples_{}_{time}.jsonl", task_name(export.batch))]
}

/// Writes the results, of which `results` gives the figures: one task, named after the data set, with pass@k and its standard
/// error.
///
/// # Errors
/// That of `out`.
pub fn write_results(
    export: &Export<'_>,
    results: &BatchResults,
    began: Moment,
    out: &mut impl Write,
) -> io::Result<()> {
    let task = task_name(export.batch);
    let model = export.batch.spec.get("model").cloned().unwrap_or_default();
    let mut figures = Map::from_iter([("alias".to_owned(), json!(task))]);
    let mut higher_is_better = Map::new();
    for (k, pass) in &results.pass_at_k {
        figures.insert(format!("pass@{k},{FILTER}"), json!(pass.mean.value));
        figures.insert(format!("pass@{k}_stderr,{FILTER}"), json!(pass.mean.standard_error));
        higher_is_better.insert(format!("pass@{k}"), json!(true));
    }
    let hashes = attempted(export).map(|(index, it)| Hashes::of(&doc(index, it), it).joined());
    let (original, effective) = (export.batch.extent.problems.len(), attempted(export).count());
    let all = json!({
        "results": { &task: figures },
        "group_subtasks": { &task: [] },
        "configs": { &task: {
            "task": task, "output_type": "generate_until", "num_fewshot": 0, "repeats": export.batch.extent.samples,
            "metadata": { "version": 1, "strategy": export.batch.spec.get("strategy") },
        } },
        "versions": { &task: 1 },
        "n-shot": { &task: 0 },
        "higher_is_better": { &task: higher_is_better },
        "n-samples": { &task: { "original": original, "effective": effective } },
        "config": {
            "model": "codeagent", "model_args": { "model": model }, "batch_size": 1, "device": null, "limit": null,
            "bootstrap_iters": 0, "gen_kwargs": null, "random_seed": export.batch.spec.get("seed"),
        },
        "git_hash": null,
        "date": seconds(began),
        "task_hashes": { &task: sha256(&hashes.collect::<String>()) },
        "model_source": "codeagent",
        "model_name": model,
        "model_name_sanitized": sanitized(model.as_str().unwrap_or_default()),
        "total_evaluation_time_seconds": null,
    });
    serde_json::to_writer_pretty(&mut *out, &all)?;
    out.write_all(b"\n")
}

/// Writes the samples: one row for each problem that has any, with all its programs.
///
/// # Errors
/// That of `out`.
pub fn write_samples(export: &Export<'_>, ks: &[u64], out: &mut impl Write) -> io::Result<()> {
    for (index, problem) in attempted(export) {
        let programs = problem.programs(Unattempted::LeftOut);
        let doc = doc(index, problem);
        let hashes = Hashes::of(&doc, problem);
        let passes = passes(problem, ks);
        let prompt = problem.prompt().unwrap_or_default();
        let mut row = json!({
            "doc_id": index,
            "doc": doc,
            // The tests that decide are not told.
            "target": "",
            "arguments": { "gen_args_0": { "arg_0": prompt, "arg_1": {} } },
            "resps": [programs],
            "filtered_resps": [programs],
            "filter": FILTER,
            "metrics": passes.keys().collect::<Vec<_>>(),
            "doc_hash": hashes.doc,
            "prompt_hash": hashes.prompt,
            "target_hash": hashes.target,
        });
        if let Value::Object(row) = &mut row {
            row.extend(passes);
        }
        line(out, &row)?;
    }
    Ok(())
}

/// The problems with a sample, with their places in the data set.
fn attempted<'e>(export: &'e Export<'_>) -> impl Iterator<Item = (usize, &'e Attempts<'e>)> {
    export.problems.iter().enumerate().filter(|(_, problem)| problem.resolved().next().is_some())
}

fn doc(index: usize, problem: &Attempts<'_>) -> Value {
    json!({ "index": index, "task_id": problem.id, "prompt": problem.prompt() })
}

/// pass@k of one problem by the metric's name.
fn passes(problem: &Attempts<'_>, ks: &[u64]) -> Map<String, Value> {
    let tally = problem.resolved().fold(Tally::default(), |sum, row| Tally {
        samples: sum.samples + 1,
        passed: sum.passed + u64::from(row.passed),
    });
    let pass = |k: &u64| Some((format!("pass@{k}"), json!(tally.pass_at(*k)?)));
    ks.iter().filter_map(pass).collect()
}

struct Hashes {
    doc: String,
    prompt: String,
    target: String,
}

impl Hashes {
    fn of(doc: &Value, problem: &Attempts<'_>) -> Self {
        Self {
            doc: sha256(&doc.to_string()),
            prompt: sha256(&problem.prompt().unwrap_or_default()),
            target: sha256(""),
        }
    }

    fn joined(&self) -> String {
        [self.doc.as_str(), &self.prompt, &self.target].concat()
    }
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of a model as that of a folder, as the harness makes it.
fn sanitized(model: &str) -> String {
    let mut name = String::new();
    for part in model.split(|it| "\"<>:/|\\?*[]".contains(it)).filter(|part| !part.is_empty()) {
        if !name.is_empty() {
            name.push_str("__");
        }
        name.push_str(part);
    }
    name
}

#[expect(clippy::cast_precision_loss, reason = "a time")]
fn seconds(moment: Moment) -> f64 {
    moment.us as f64 / 1e6
}

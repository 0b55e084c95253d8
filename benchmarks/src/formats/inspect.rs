//! A log as Inspect reads it: version 2, as JSON. One sample for each problem and epoch, an epoch being one sample of each
//! problem.
//!
//! Source: UK AI Security Institute, *Inspect AI*; `inspect_ai/log/_log.py` of version 0.3.285. Inputs are statements, and
//! targets are empty: no hidden test is in a log.

use std::io::{self, Write};

use codeagent::search::StopReason;
use serde_json::{Map, Value, json};

use super::{Attempts, Export, Moment, task_name};
use crate::batch::{BatchResults, SampleRow, Tokens};

/// Version of the form.
const VERSION: u8 = 2;

/// The name of the scorer.
const SCORER: &str = "hidden_tests";

/// When a batch began, and when its last search ended, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// When its first search began.
    pub began: Moment,
    /// When its last search ended.
    pub ended: Option<Moment>,
}

/// Writes a log, of which `results` gives the figures.
///
/// # Errors
/// That of `out`.
pub fn write(
    export: &Export<'_>,
    results: &BatchResults,
    span: Span,
    out: &mut impl Write,
) -> io::Result<()> {
    let samples =
        export.problems.iter().flat_map(|problem| problem.rows.iter().map(|row| sample(problem, row)));
    let all = json!({
        "version": VERSION,
        "status": if results.complete { "success" } else { "started" },
        "eval": eval(export, span),
        "plan": { "name": "plan", "steps": [{ "solver": named(export, "strategy"), "params": {} }], "config": {} },
        "results": figures(results),
        "stats": {
            "started_at": span.began.iso(),
            "completed_at": span.ended.map(Moment::iso).unwrap_or_default(),
            "model_usage": { named(export, "model"): usage(results.tokens, results.cost.usd) },
        },
        "samples": samples.collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &all)?;
    out.write_all(b"\n")
}

/// A text of the batch's spec.
fn named(export: &Export<'_>, key: &str) -> String {
    export.batch.spec.get(key).and_then(Value::as_str).unwrap_or("unknown").to_owned()
}

fn eval(export: &Export<'_>, span: Span) -> Value {
    let batch = export.batch;
    let task = task_name(batch);
    json!({
        "eval_id": batch.run_id,
        "run_id": batch.run_id,
        "created": span.began.iso(),
        "task": task,
        "task_id": task,
        "task_version": 0,
        "task_args": {},
        "dataset": {
            "name": batch.dataset, "samples": batch.extent.problems.len(), "sample_ids": batch.extent.problems,
            "shuffled": false,
        },
        "model": named(export, "model"),
        "config": { "epochs": batch.extent.samples },
        "scorers": [{ "name": SCORER }],
        "packages": { "codeagent": env!("CARGO_PKG_VERSION") },
        "metadata": { "fingerprint": batch.fingerprint, "strategy": named(export, "strategy"), "dataset": batch.spec.get("dataset") },
    })
}

fn figures(results: &BatchResults) -> Value {
    let metric =
        |name: String, value: f64| (name.clone(), json!({ "name": name, "value": value, "params": {} }));
    let mut metrics = Map::new();
    if let Some(first) = results.pass_at_k.get(&1) {
        metrics.extend([
            metric("accuracy".to_owned(), first.mean.value),
            metric("stderr".to_owned(), first.mean.standard_error),
        ]);
    }
    let passes = results.pass_at_k.iter().map(|(k, pass)| metric(format!("pass_at_{k}"), pass.mean.value));
    metrics.extend(passes);
    let errors = usize::try_from(results.error_count()).unwrap_or(usize::MAX);
    let finished: u64 = results.statuses.values().sum();
    json!({
        "total_samples": results.n_samples,
        "completed_samples": usize::try_from(finished).unwrap_or(usize::MAX).saturating_sub(errors),
        "scores": [{ "name": SCORER, "scorer": SCORER, "params": {}, "metrics": metrics }],
    })
}

fn sample(problem: &Attempts<'_>, row: &SampleRow) -> Value {
    let prompt = problem.prompt().unwrap_or_else(|| problem.id.to_owned());
    let answer =
        json!({ "role": "assistant", "content": row.solution, "source": "generate", "model": row.model });
    let mut sample = json!({
        "id": problem.id,
        "epoch": u64::from(row.sample) + 1,
        "input": prompt,
        "target": "",
        "messages": [{ "role": "user", "content": prompt, "source": "input" }, answer],
        "output": {
            "model": row.model, "choices": [{ "message": answer, "stop_reason": "stop" }], "completion": row.solution,
        },
        "metadata": {
            "status": row.status, "search": row.search, "seed": row.seed, "nodes": row.nodes, "calls": row.calls,
            "public_passed": row.public_passed, "attempt": row.attempt,
        },
        "model_usage": { &row.model: usage(row.tokens, row.cost_usd) },
        "total_time": seconds(row.wall_ms),
    });
    let Value::Object(fields) = &mut sample else { return sample };
    match &row.error {
        // The log's own form of an error; a sample with one has no score.
        Some(error) => {
            fields.insert(
                "error".to_owned(),
                json!({ "message": error.message, "traceback": "", "traceback_ansi": "" }),
            );
        }
        None => drop(fields.insert("scores".to_owned(), json!({ SCORER: score(row) }))),
    }
    if let (Some(StopReason::Time), Some(allowed)) = (row.stop_reason, row.allowed) {
        fields.insert("limit".to_owned(), json!({ "type": "time", "limit": allowed.seconds.unwrap_or(0.0) }));
    }
    sample
}

fn score(row: &SampleRow) -> Value {
    let tests = row.tests;
    let failed =
        row.failure.as_deref().map(|failure| format!("; first failure: {failure}")).unwrap_or_default();
    json!({
        "value": if row.passed { "C" } else { "I" },
        "answer": row.solution,
        "explanation": format!("{} of {} tests passed{failed}", tests.passed, tests.total),
    })
}

fn usage(tokens: Tokens, usd: Option<f64>) -> Value {
    json!({
        // Theirs leaves out what was cached.
        "input_tokens": tokens.r#in.saturating_sub(tokens.cached),
        "input_tokens_cache_read": tokens.cached,
        "output_tokens": tokens.out,
        "total_tokens": tokens.r#in.saturating_add(tokens.out),
        "total_cost": usd,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a time")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

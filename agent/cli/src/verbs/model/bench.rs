//! `codeagent model bench`: how fast a model reads and draws here.

use std::time::Instant;

use codeagent::models::local::{
    Engine, EngineError, EngineOptions, Generate, Hidden, LoadOptions, LocalModel, Sampling, Score,
};
use serde_json::json;

use crate::args::{Globals, ModelBenchFlags};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::local_model::{find, not_started, unusable};
use crate::output::Output;

/// Continuations that are scored.
const SCORED: usize = 16;

/// Tokens per second in prefill, in decoding with numbers of rows that share the prompt, and in scoring continuations of it.
pub(super) fn bench(
    flags: &ModelBenchFlags,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let options = LoadOptions { quantise: flags.quantise, slow_ok: true, ..LoadOptions::default() };
    let model =
        LocalModel::open(&find(&flags.path, environment), &options).map_err(|error| unusable(&error))?;
    let (vocab, name) = (model.decoder.config().vocab, model.name.clone());
    let engine = Engine::start(model, EngineOptions::default()).map_err(|error| not_started(&error))?;
    let text = |length: usize, seed: usize| -> Vec<u32> {
        (0..length)
            .filter_map(|index| u32::try_from((index * 7919 + seed * 104_729 + 13) % vocab).ok())
            .collect()
    };
    let prompt = |seed: usize| text(flags.prompt, seed);
    // The first run packs weights and fills caches; it does not count.
    seconds(&engine, prompt(0), 1, 2)?;
    let read = seconds(&engine, prompt(1), 1, 1)?;
    let rate = |tokens: u64, seconds: f64| {
        #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
        let tokens = tokens as f64;
        tokens / seconds.max(1e-9)
    };
    let prefill = rate(flags.prompt as u64, read);
    let mut decoded = Vec::new();
    for rows in &flags.rows {
        let (seconds, tokens) = decode(&engine, prompt(1), *rows, flags.tokens)?;
        decoded.push((*rows, rate(tokens, seconds)));
    }
    let continuations: Vec<Vec<u32>> = (2..).map(|seed| text(flags.tokens, seed)).take(SCORED).collect();
    let scored_tokens = (SCORED * flags.tokens) as u64;
    let scored = rate(scored_tokens, score(&engine, prompt(1), continuations)?);
    if globals.json {
        let mut report = serde_json::Map::from_iter([
            ("v".to_owned(), json!(1)),
            ("name".to_owned(), json!(name)),
            ("prefill".to_owned(), json!(prefill)),
        ]);
        report.extend(decoded.into_iter().map(|(rows, rate)| (format!("decode_{rows}"), json!(rate))));
        report.insert(format!("score_{SCORED}"), json!(scored));
        output.json(&report)?;
        return Ok(Exit::Done);
    }
    output.line(&format!("prefill          {prefill:.0} tokens/s ({} tokens)", flags.prompt))?;
    for (rows, rate) in decoded {
        let (noun, total) = if rows == 1 { ("row", "") } else { ("rows", " in total") };
        output.line(&format!("decode, {:<8} {rate:.0} tokens/s{total}", format!("{rows} {noun}")))?;
    }
    output.line(&format!("scoring          {scored:.0} tokens/s ({SCORED} continuations)"))?;
    Ok(Exit::Done)
}

/// Seconds and drawn tokens of rows behind a prompt that is known.
fn decode(engine: &Engine, prompt: Vec<u32>, rows: u64, tokens: usize) -> Result<(f64, u64), Failure> {
    let before = engine.totals().drawn_tokens;
    let seconds = seconds(engine, prompt, rows, tokens)?;
    Ok((seconds, engine.totals().drawn_tokens - before))
}

fn seconds(engine: &Engine, prompt: Vec<u32>, rows: u64, tokens_max: usize) -> Result<f64, Failure> {
    let sampling = Sampling { temperature: 1.0, top_p: None, min_p: None };
    let seeds = (0..rows).collect();
    let request = Generate {
        prompt,
        seeds,
        sampling,
        tokens_max,
        stop: Vec::new(),
        processors: Vec::new(),
        without: None,
    };
    timed(async || engine.generate(request).await)
}

/// Seconds that scoring behind a known prompt takes.
fn score(engine: &Engine, prefix: Vec<u32>, continuations: Vec<Vec<u32>>) -> Result<f64, Failure> {
    timed(async || engine.score(Score { prefix, continuations, hidden: Hidden::None }).await)
}

fn timed<T>(ask: impl AsyncFnOnce() -> Result<T, EngineError>) -> Result<f64, Failure> {
    let started = Instant::now();
    // The verb itself runs on a thread of the runtime.
    let answered = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(ask()));
    answered.map_err(|error| not_started(&error))?;
    Ok(started.elapsed().as_secs_f64())
}

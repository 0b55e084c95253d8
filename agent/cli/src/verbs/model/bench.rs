//! `codeagent model bench`: how fast a model reads and draws here.

use std::time::Instant;

use codeagent::models::local::{Engine, EngineOptions, Generate, LoadOptions, LocalModel, Sampling};
use serde_json::json;

use crate::args::{Globals, ModelBenchFlags};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::local_model::{find, not_started, unusable};
use crate::output::Output;

/// Tokens per second in prefill, and in decoding with one row and with eight that share the prompt.
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
    let prompt = |seed: usize| -> Vec<u32> {
        (0..flags.prompt)
            .filter_map(|index| u32::try_from((index * 7919 + seed * 104_729 + 13) % vocab).ok())
            .collect()
    };
    // The first run packs weights and fills caches; it does not count.
    seconds(&engine, prompt(0), 1, 2)?;
    let read = seconds(&engine, prompt(1), 1, 1)?;
    let (one, one_tokens) = decode(&engine, prompt(1), 1, flags.tokens)?;
    let (eight, eight_tokens) = decode(&engine, prompt(1), 8, flags.tokens)?;
    let rate = |tokens: u64, seconds: f64| {
        #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
        let tokens = tokens as f64;
        tokens / seconds.max(1e-9)
    };
    let prefill = rate(flags.prompt as u64, read);
    let (one, eight) = (rate(one_tokens, one), rate(eight_tokens, eight));
    if globals.json {
        output
            .json(&json!({ "v": 1, "name": name, "prefill": prefill, "decode_1": one, "decode_8": eight }))?;
    } else {
        output.line(&format!("prefill         {prefill:.0} tokens/s ({} tokens)", flags.prompt))?;
        output.line(&format!("decode, 1 row   {one:.0} tokens/s"))?;
        output.line(&format!("decode, 8 rows  {eight:.0} tokens/s in total"))?;
    }
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
    let started = Instant::now();
    // The verb itself runs on a thread of the runtime.
    let answered =
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(engine.generate(request)));
    answered.map_err(|error| not_started(&error))?;
    Ok(started.elapsed().as_secs_f64())
}

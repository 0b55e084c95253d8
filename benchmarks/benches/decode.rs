//! What the decoder of local models gains by what it does: ratios within one run, so that the machine's mood cancels.
//!
//! - Eight rows that share a prompt against one; mark 2.5 times the tokens per second.
//! - Twenty prompts nine tenths of which are alike against twenty that share nothing; mark 5 times as fast.
//! - Rows of 8-bit weights that are filled up to a multiple of 256 against rows as they are; mark twice as fast, on
//!   processors where the library's tiles serve: the kernel of our own needs no filling up.
//! - The guard against repetition; mark 3 % of a step.
//! - A single greedy row that is guessed ahead (Token Recycling), at every step and where it is measured to pay; no mark.
//!
//! Weights are random, blocks in the shape of Qwen2.5-Coder-0.5B at 8 bits with a small vocabulary; guesses are timed with the embedded model, on questions
//! that it was trained for.

#![expect(clippy::expect_used, reason = "a benchmark stops at the first fault")]
#![expect(clippy::print_stdout, reason = "a table for whoever ran it")]

use std::sync::Arc;
use std::time::Instant;

use codeagent::models::decode::{GuardConfig, Language, RepetitionGuard};
use codeagent::models::local::{
    DecoderConfig, DeviceChoice, Engine, EngineOptions, EngineTotals, Generate, LoadOptions, LocalModel,
    ProcessorFactory, RowStart, Sampling, Speculation, embedded, fixture,
};

const PROMPT: u32 = 256;
const VOCAB: u32 = 512;
const DRAWN: usize = 32;
const CPU: LoadOptions =
    LoadOptions { device: DeviceChoice::Cpu, quantise: true, pad: true, slow_ok: true, memory_max: None };

/// Questions in the form of the embedded model.
const QUESTIONS: [&str; 4] = [
    "def total(values: list[int]) -> int:\n    \"\"\"Return the sum of all even numbers.\n\n    >>> total([1, 2, 4])\n    6\n    \"\"\"\n",
    "def clean(text):\n    \"\"\"Reverse the string, then make all letters upper case.\n\n    >>> clean('abc')\n    'CBA'\n    \"\"\"\n",
    "def count(items):\n    \"\"\"Count how often each item occurs.\n\n    >>> count(['a', 'b', 'a'])\n    {'a': 2, 'b': 1}\n    \"\"\"\n",
    "def solve(data):\n    \"\"\"Sort the numbers by absolute value, then keep each distinct value once.\n\n    >>> solve([3, -1, 3])\n    [-1, 3]\n    \"\"\"\n",
];

fn main() {
    let (flags, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    // `cargo bench` says so; else everything runs once, on a model of one block.
    let (rounds, layers) = if flags.iter().any(|flag| flag == "--bench") { (5, 24) } else { (1, 1) };
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    println!("{:<63}{:>9}  mark", "", "measured");
    if is_wanted("guard") {
        guard(rounds);
    }
    if is_wanted("guesses") {
        guesses(rounds);
    }
    if ["rows", "prefixes", "padding"].into_iter().any(is_wanted) {
        let half_billion = |pad| {
            let options = LoadOptions { pad, ..CPU };
            started(
                LocalModel::from_bytes(fixture::model(&shape(layers), 7), &options).expect("a model"),
                Speculation::Off,
            )
        };
        let engine = half_billion(true);
        if is_wanted("rows") {
            rows(&engine, rounds);
        }
        if is_wanted("prefixes") {
            prefixes(&engine, rounds);
        }
        if is_wanted("padding") {
            let plain = half_billion(false);
            let ratio = median(rounds, || draw(&plain, prompt(0), 8) / draw(&engine, prompt(0), 8));
            tell("padding: rows filled up to a multiple of 256, against not", ratio, "2");
        }
    }
}

/// Qwen2.5-Coder-0.5B's but for the vocabulary; it has 24 blocks.
fn shape(layers: usize) -> DecoderConfig {
    DecoderConfig {
        hidden: 896,
        intermediate: 4864,
        layers,
        heads: 14,
        kv_heads: 2,
        head_dim: 64,
        vocab: VOCAB as usize,
        ..fixture::config()
    }
}

fn rows(engine: &Engine, rounds: usize) {
    let ratio = median(rounds, || draw(engine, prompt(0), 1) / draw(engine, prompt(0), 8));
    tell("rows: tokens/s of eight that share a prompt, against one", ratio, "2.5");
}

fn prefixes(engine: &Engine, rounds: usize) {
    // What was read before would be known.
    let mut fresh = 1_u32..;
    let mut read = |alike: usize| -> f64 {
        let common = prompt(fresh.next().expect("a number"));
        let prompts: Vec<Vec<u32>> = (0..20)
            .map(|_| {
                let own = prompt(fresh.next().expect("a number"));
                common.iter().take(alike).chain(own.iter().skip(alike)).copied().collect()
            })
            .collect();
        prompts.into_iter().map(|prompt| timed(engine, request(prompt, 1, 1))).sum()
    };
    let ratio = median(rounds, || read(0) / read(PROMPT as usize * 9 / 10));
    tell("prefixes: twenty prompts with nine tenths in common, against none", ratio, "5");
}

fn guard(rounds: usize) {
    let engine = started(embedded::load(&CPU).expect("the embedded model"), Speculation::Off);
    let vocabulary = Arc::clone(&engine.model().vocabulary);
    let guard = RepetitionGuard::new(vocabulary, Language::Python, GuardConfig::default());
    let factory: Arc<ProcessorFactory> = Arc::new(move |_: &RowStart<'_>| Box::new(guard.clone()));
    let answer = |guarded: bool| -> f64 {
        let processors: Vec<_> = guarded.then(|| Arc::clone(&factory)).into_iter().collect();
        let ask = |question: &str| {
            let request = Generate { processors: processors.clone(), ..greedy(&engine, question) };
            let before = engine.totals();
            let seconds = timed(&engine, request);
            // A guarded answer may be another, of another length.
            seconds / (engine.totals().drawn_tokens - before.drawn_tokens) as f64
        };
        QUESTIONS.iter().map(|question| ask(question)).sum()
    };
    let ratio = median(rounds, || answer(true) / answer(false));
    tell("guard: what it adds to a step of the embedded model, in %", 100.0 * (ratio - 1.0), "3");
}

fn guesses(rounds: usize) {
    let started = |speculation| started(embedded::load(&CPU).expect("the embedded model"), speculation);
    let (off, always, auto) =
        (started(Speculation::Off), started(Speculation::Always), started(Speculation::Auto));
    let answer = |engine: &Engine| -> f64 {
        QUESTIONS.iter().map(|question| timed(engine, greedy(engine, question))).sum()
    };
    let ratio = median(rounds, || answer(&off) / answer(&always));
    let a_pass = |engine: &Engine| {
        let EngineTotals { drawn_tokens, steps, .. } = engine.totals();
        drawn_tokens as f64 / steps as f64
    };
    tell("guesses: tokens a pass", a_pass(&always), "-");
    tell("guesses: at every step, speed against none", ratio, "-");
    let ratio = median(rounds, || answer(&off) / answer(&auto));
    tell("guesses: where they pay, tokens a pass", a_pass(&auto), "-");
    tell("guesses: where they pay, speed against none", ratio, "-");
}

fn started(model: LocalModel, speculation: Speculation) -> Engine {
    let options = EngineOptions { speculation, ..EngineOptions::default() };
    let engine = Engine::start(model, options).expect("an engine");
    // The first request packs weights and fills caches.
    draw(&engine, vec![1, 2, 3], 1);
    engine
}

fn prompt(seed: u32) -> Vec<u32> {
    (0..PROMPT).map(|index| (index * 7919 + seed * 104_729) % VOCAB).collect()
}

fn request(prompt: Vec<u32>, rows: u64, tokens_max: usize) -> Generate {
    Generate {
        prompt,
        seeds: (0..rows).collect(),
        sampling: Sampling { temperature: 1.0, top_p: None, min_p: None },
        tokens_max,
        stop: Vec::new(),
        processors: Vec::new(),
        without: None,
    }
}

fn greedy(engine: &Engine, question: &str) -> Generate {
    let text = format!("<|start|>{question}<|answer|>#");
    let prompt = engine.model().tokenizer.encode(&text).expect("a prompt");
    let sampling = Sampling { temperature: 0.0, top_p: None, min_p: None };
    Generate { sampling, ..request(prompt, 1, 200) }
}

/// Seconds a token for rows behind a prompt that is known; a row may end early.
fn draw(engine: &Engine, prompt: Vec<u32>, rows: u64) -> f64 {
    timed(engine, request(prompt.clone(), 1, 1));
    let before = engine.totals().drawn_tokens;
    timed(engine, request(prompt, rows, DRAWN)) / (engine.totals().drawn_tokens - before) as f64
}

fn timed(engine: &Engine, request: Generate) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let start = Instant::now();
    runtime.block_on(engine.generate(request)).expect("an answer");
    start.elapsed().as_secs_f64()
}

fn median(rounds: usize, mut measure: impl FnMut() -> f64) -> f64 {
    let mut measured: Vec<f64> = (0..rounds).map(|_| measure()).collect();
    measured.sort_unstable_by(f64::total_cmp);
    measured.get(rounds / 2).copied().unwrap_or(f64::NAN)
}

fn tell(what: &str, measured: f64, mark: &str) {
    println!("{what:<66}{measured:>6.2}  {mark}");
}

//! `codeagent repeteval gen|run`: how a local model goes on with programs that repeat themselves.

mod answers;
mod table;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use codeagent::models;
use codeagent::models::decode::repetition::Sameness;
use codeagent::models::decode::{FrequencyPenalty, RepetitionPenalty};
use codeagent::models::local::{End, Engine, EngineError, Generate, ProcessorFactory, RowStart, Sampling};
use codeagent::sandbox::{Limits, Sandbox};
use codeagent_benchmarks::repetition::{
    AnswerEnd, Measured, MethodSummary, Repeated, RepetitionPrompt, compiles, generate, read_prompts,
    summarise,
};
use serde_json::json;

use crate::args::Globals;
use crate::args::repeteval::{
    RepetevalAction, RepetevalArgs, RepetevalGenArgs, RepetevalRunArgs, RepetitionMethod,
};
use crate::config;
use crate::config::types::{Config, Provider};
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::local_model::{self, not_started, unusable};
use crate::model::{self, Resolved};
use crate::output::Output;
use crate::{sandboxes, tally};
use answers::{Answer, Answers};

/// What stands before an answer of the embedded model: it has met code nowhere else.
const EMBEDDED_LEAD: &str = "<|start|><|answer|>";

/// Makes prompts or measures answers.
///
/// # Errors
/// Exit 2 for settings and a file of other answers, 3 for the model, 4 for the sandbox, 6 for the prompts.
pub async fn repeteval(
    arguments: &RepetevalArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match &arguments.action {
        RepetevalAction::Gen(arguments) => make(arguments, environment, output),
        RepetevalAction::Run(arguments) => run(arguments, globals, environment, output).await,
    }
}

fn make(
    arguments: &RepetevalGenArgs,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut text = String::new();
    for prompt in generate(arguments.count.get(), arguments.seed) {
        let line = serde_json::to_string(&prompt).map_err(|error| {
            Failure::new(Exit::Internal, "a prompt could not be written as JSON").caused_by(&error)
        })?;
        text.push_str(&line);
        text.push('\n');
    }
    match &arguments.out {
        None => output.bytes(text.as_bytes())?,
        Some(path) => std::fs::write(environment.directory().join(path), text).map_err(|error| {
            Failure::usage(format!("{} cannot be written", path.display())).caused_by(&error)
        })?,
    }
    Ok(Exit::Done)
}

async fn run(
    arguments: &RepetevalRunArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if arguments.samples.get() > 1 && arguments.temperature <= 0.0 {
        return Err(Failure::usage("several samples at temperature 0 are all the same")
            .hint("add --temperature 0.8, or leave --samples out"));
    }
    let config = config::load(environment, &globals.config_flags(arguments.sandbox.settings()))?.config;
    let (prompts, faults) = prompts(arguments, environment)?;
    let (engine, lead) = engine(arguments, &config, environment).await?;
    let sandbox = sandboxes::open(&config.sandbox, &arguments.sandbox, environment).await?;
    let interpreter = sandbox.capabilities().interpreter;
    let setting = json!({
        "version": env!("CARGO_PKG_VERSION"), "model": engine.model().name, "tokens": arguments.tokens,
        "temperature": arguments.temperature, "seed": arguments.seed, "lead": lead, "interpreter": interpreter,
    });
    let out = environment.directory().join(&arguments.out);
    let answers = Answers::open(out, setting.to_string())?;
    let limits = config.sandbox.limits();
    let mut bench = Bench { arguments, engine, lead, sandbox, limits, answers, too_long: 0 };
    bench.fill(&prompts, globals.quiet).await?;
    let summaries = bench.summaries(&prompts);
    if globals.json {
        let out = bench.answers.path().display().to_string();
        let model = &bench.engine.model().name;
        output.json(&json!({"v": 1, "model": model, "methods": summaries, "answers": out}))?;
    } else {
        table::print(&summaries, output)?;
        let path = bench.answers.path().display().to_string();
        output.line(&format!("answers: {}", crate::escape::line(&path)))?;
    }
    Ok(if faults + bench.too_long > 0 { Exit::Data } else { Exit::Done })
}

/// The prompts that were asked for, and how many lines of the file are bad.
fn prompts(
    arguments: &RepetevalRunArgs,
    environment: &Environment,
) -> Result<(Vec<RepetitionPrompt>, usize), Failure> {
    let path = environment.directory().join(&arguments.prompts);
    let mut read = read_prompts(&path).map_err(|error| Failure::data(&error))?;
    Failure::tell_faults(&read.faults, read.fault_count);
    if read.prompts.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no prompt")
            .at(path.display().to_string())
            .hint("make some with `codeagent repeteval gen`"));
    }
    read.prompts.truncate(arguments.limit.map_or(usize::MAX, usize::from));
    Ok((read.prompts, read.fault_count))
}

/// The engine of the model, and what stands before each prompt.
async fn engine(
    arguments: &RepetevalRunArgs,
    config: &Config,
    environment: &Environment,
) -> Result<(Engine, String), Failure> {
    let found = async || models::discover().await;
    let chosen = match model::resolve(&arguments.model, config, environment, found).await? {
        Resolved::Model(chosen) => chosen,
        Resolved::Nothing => model::embedded(),
    };
    if chosen.profile.provider != Provider::Candle {
        return Err(Failure::usage(format!("the model `{}` is not a local one", chosen.name))
            .because("decoding can only be changed in this process")
            .hint("use -m embedded or -m candle:PATH"));
    }
    let usual = if chosen.is_embedded() { EMBEDDED_LEAD } else { "" };
    let lead = arguments.lead.clone().unwrap_or_else(|| usual.to_owned());
    Ok((local_model::engine(&chosen.profile, environment).await?, lead))
}

/// One measurement under way.
struct Bench<'a> {
    arguments: &'a RepetevalRunArgs,
    engine: Engine,
    lead: String,
    sandbox: Arc<dyn Sandbox>,
    limits: Limits,
    answers: Answers,
    /// Prompts that the model's context does not hold.
    too_long: usize,
}

impl Bench<'_> {
    /// Draws and measures the answers that are missing: one prompt and method at a time, so that times mean something.
    async fn fill(&mut self, prompts: &[RepetitionPrompt], quiet: bool) -> Result<(), Failure> {
        let methods = self.methods();
        let mut tally = tally::Tally::new("answers", prompts.len() * methods.len(), quiet);
        for prompt in prompts {
            let tokens = self.tokens(&prompt.prompt)?;
            for (method, processors) in &methods {
                match self.answer(prompt, &tokens, *method, processors).await? {
                    Told::Done => tally.advance(),
                    Told::TooLong(error) => {
                        self.tell_too_long(prompt, &error);
                        break;
                    }
                }
            }
        }
        tally.finish();
        Ok(())
    }

    fn methods(&self) -> Vec<(RepetitionMethod, Vec<Arc<ProcessorFactory>>)> {
        let mut methods: Vec<RepetitionMethod> = Vec::new();
        for method in &self.arguments.methods {
            if !methods.contains(method) {
                methods.push(*method);
            }
        }
        let with = |method| (method, processors(method, &self.engine));
        methods.into_iter().map(with).collect()
    }

    /// The tokens of a prompt. Only the lead may spell special ones.
    fn tokens(&self, prompt: &str) -> Result<Vec<u32>, Failure> {
        let tokenizer = &self.engine.model().tokenizer;
        let text = format!("{}{}", self.lead, tokenizer.defuse(prompt));
        tokenizer.encode(&text).map_err(|error| unusable(&error))
    }

    async fn answer(
        &mut self,
        prompt: &RepetitionPrompt,
        tokens: &[u32],
        method: RepetitionMethod,
        processors: &[Arc<ProcessorFactory>],
    ) -> Result<Told, Failure> {
        let missing = self.answers.missing(prompt, method, self.arguments.samples.get() as u64)?;
        if missing.is_empty() {
            return Ok(Told::Done);
        }
        let temperature = self.arguments.temperature;
        let request = Generate {
            prompt: tokens.to_vec(),
            seeds: missing.iter().map(|sample| seed(self.arguments.seed, &prompt.id, *sample)).collect(),
            sampling: Sampling { temperature, top_p: None, min_p: None },
            tokens_max: self.arguments.tokens.get(),
            stop: Vec::new(),
            processors: processors.to_vec(),
            without: None,
        };
        let started = Instant::now();
        let generated = match self.engine.generate(request).await {
            Ok(generated) => generated,
            Err(error @ EngineError::ContextTooLong { .. }) => return Ok(Told::TooLong(error)),
            Err(error) => return Err(not_started(&error)),
        };
        let ms = started.elapsed().as_secs_f64() * 1e3;
        for (sample, answer) in missing.into_iter().zip(generated.answers) {
            let text = String::from_utf8_lossy(&answer.text).into_owned();
            let measured = self.measured(prompt, &text, answer.end, answer.drawn, ms).await?;
            let method = method.name().to_owned();
            self.answers.put(prompt, Answer { method, sample, text, measured })?;
        }
        Ok(Told::Done)
    }

    async fn measured(
        &self,
        prompt: &RepetitionPrompt,
        text: &str,
        end: End,
        drawn: usize,
        ms: f64,
    ) -> Result<Measured, Failure> {
        let whole = format!("{}{text}", prompt.prompt);
        let compiled = compiles(&whole, &self.sandbox, self.limits).await;
        Ok(Measured {
            end: match end {
                End::Token | End::Stop => AnswerEnd::Ended,
                End::Length => AnswerEnd::Length,
                End::Cut => AnswerEnd::Cut,
                End::Nothing => AnswerEnd::Nothing,
            },
            tokens: drawn as u64,
            ms,
            compiles: compiled.map_err(|error| sandboxes::unavailable(&error))?,
            terminals: Repeated::of(text, Sameness::Terminals),
            texts: Repeated::of(text, Sameness::Texts),
        })
    }

    fn tell_too_long(&mut self, prompt: &RepetitionPrompt, error: &EngineError) {
        self.too_long += 1;
        let place = format!("{}:{}", Path::new(&self.arguments.prompts).display(), prompt.line);
        let failure =
            Failure::new(Exit::Data, error.to_string()).at(place).hint("leave it out, or shorten it");
        // Nobody can be told that stderr is gone.
        drop(std::io::Write::write_all(&mut std::io::stderr(), format!("{failure}\n").as_bytes()));
    }

    fn summaries(&self, prompts: &[RepetitionPrompt]) -> Vec<MethodSummary> {
        let samples = self.arguments.samples.get() as u64;
        let of = |(method, _): (RepetitionMethod, _)| {
            let answers = prompts.iter().flat_map(|prompt| {
                let measured =
                    move |sample| Some((prompt.id.as_str(), self.answers.get(prompt, method, sample)?));
                (0..samples).filter_map(measured)
            });
            summarise(method.name(), answers)
        };
        self.methods().into_iter().filter_map(of).collect()
    }
}

/// What came of a prompt under a method.
enum Told {
    Done,
    TooLong(EngineError),
}

/// What a method does to each row.
fn processors(method: RepetitionMethod, engine: &Engine) -> Vec<Arc<ProcessorFactory>> {
    match method {
        RepetitionMethod::None => Vec::new(),
        RepetitionMethod::RepetitionPenalty => {
            vec![Arc::new(|_: &RowStart<'_>| Box::new(RepetitionPenalty::default()))]
        }
        RepetitionMethod::FrequencyPenalty => {
            vec![Arc::new(|_: &RowStart<'_>| Box::new(FrequencyPenalty::default()))]
        }
        RepetitionMethod::Guard => vec![local_model::repetition_guard(engine.model())],
    }
}

/// The seed of an answer: the same for every method, so that methods are compared on the same luck.
fn seed(seed: u64, id: &str, sample: u64) -> u64 {
    let hash = blake3::hash(format!("{seed}:{sample}:{id}").as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

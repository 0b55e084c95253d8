//! One thread owns a model's weights; whoever wants answers or scores asks it over a channel.
//!
//! Between the steps of the rows that are being drawn the thread reads prompts, a chunk at a time, and scores
//! continuations, a group at a time; a row that ends makes room for the next one that waits. What prompts share is read
//! once (`prefix.rs`). A request whose future is dropped is forgotten before the next step.

mod worker;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use super::load::LocalModel;
use super::request::{EngineError, Generate, Generated, Score, Scored};
use super::speculation::Speculation;
use worker::Worker;

/// How much an engine does at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineOptions {
    /// Bytes for keys and values: of what is being drawn and read, and, with what is left, of earlier prompts.
    pub kv_budget: usize,
    /// Most rows drawn together.
    pub rows_max: usize,
    /// Most requests that wait; further ones wait outside.
    pub queue_max: usize,
    /// Tokens of a prompt read between two steps.
    pub chunk: usize,
    /// Whether a row that is drawn alone is guessed ahead.
    pub speculation: Speculation,
    /// Threads that share its products, its own included; `None` takes as many as `rayon` would. The tensor library's own
    /// kernels for quantised weights have theirs (`CANDLE_NUM_THREADS`).
    pub threads: Option<NonZeroUsize>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            kv_budget: 1 << 30,
            rows_max: 64,
            queue_max: 256,
            chunk: 256,
            speculation: Speculation::default(),
            threads: None,
        }
    }
}

/// What an engine has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineTotals {
    /// Tokens of prompts.
    pub prompt_tokens: u64,
    /// Those of them that were known from earlier prompts.
    pub hit_tokens: u64,
    /// Tokens drawn.
    pub drawn_tokens: u64,
    /// Steps, in each of which every row drew a token, and one that was guessed ahead perhaps several.
    pub steps: u64,
}

/// The totals while they are counted.
#[derive(Debug, Default)]
struct Counters {
    prompt_tokens: AtomicU64,
    hit_tokens: AtomicU64,
    drawn_tokens: AtomicU64,
    steps: AtomicU64,
}

type Answered<T> = oneshot::Sender<Result<T, EngineError>>;

enum Command {
    Generate(Generate, Answered<Generated>),
    Score(Score, Answered<Vec<Scored>>),
}

/// A handle to a running engine; clones share it, and it stops when the last one is dropped.
#[derive(Clone)]
pub struct Engine {
    commands: mpsc::Sender<Command>,
    model: Arc<LocalModel>,
    counters: Arc<Counters>,
    options: EngineOptions,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("model", &self.model.name)
            .field("totals", &self.totals())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the thread.
    ///
    /// # Errors
    /// Where the system gives no thread or the device no memory.
    pub fn start(model: LocalModel, options: EngineOptions) -> Result<Self, EngineError> {
        Self::begin(model, None, options)
    }

    /// Starts the thread with a smaller model of the same vocabulary, which guesses what the model says next; answers have
    /// the probabilities that they have without it, but are others. Rows are drawn one after the other, so that a seed
    /// still makes a text.
    ///
    /// # Errors
    /// As [`Engine::start`], and where the vocabularies differ.
    pub fn start_with_draft(
        model: LocalModel,
        draft: LocalModel,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        let same = |token: &u32| model.vocabulary.bytes(*token) == draft.vocabulary.bytes(*token);
        let common = model.vocabulary.len().min(draft.vocabulary.len());
        if let Some(token) = (0..).take(common).find(|token| !same(token)) {
            return Err(EngineError::OtherVocabulary { token });
        }
        Self::begin(model, Some(Arc::new(draft)), EngineOptions { rows_max: 1, ..options })
    }

    fn begin(
        model: LocalModel,
        draft: Option<Arc<LocalModel>>,
        options: EngineOptions,
    ) -> Result<Self, EngineError> {
        let (model, counters) = (Arc::new(model), Arc::new(Counters::default()));
        let (sender, receiver) = mpsc::channel(options.queue_max.max(1));
        let worker = Worker::new(Arc::clone(&model), draft, options, Arc::clone(&counters))?;
        // The thread is one of a pool: what it shares with the others and they do not come to, it does itself.
        let threads = options.threads.map_or_else(rayon::current_num_threads, NonZeroUsize::get);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("local-model-{index}"))
            .build()
            .map_err(|error| EngineError::Device(error.to_string()))?;
        let thread = std::thread::Builder::new().name("local-model".to_owned());
        thread
            .spawn(move || pool.install(move || worker.run(receiver)))
            .map_err(|error| EngineError::Device(error.to_string()))?;
        Ok(Self { commands: sender, model, counters, options })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &LocalModel {
        &self.model
    }

    /// What it has done so far.
    #[must_use]
    pub fn totals(&self) -> EngineTotals {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineTotals {
            prompt_tokens: read(&self.counters.prompt_tokens),
            hit_tokens: read(&self.counters.hit_tokens),
            drawn_tokens: read(&self.counters.drawn_tokens),
            steps: read(&self.counters.steps),
        }
    }

    /// Draws answers.
    ///
    /// # Errors
    /// [`EngineError`]; what cannot be carried out is refused before anything is computed.
    ///
    /// # Cancellation
    /// Dropping the future ends its rows before their next token; what was drawn is lost.
    pub async fn generate(&self, request: Generate) -> Result<Generated, EngineError> {
        self.check(&request.prompt, "the prompt", 1)?;
        if request.seeds.is_empty() || request.tokens_max == 0 {
            return Err(EngineError::Empty { what: "the answer" });
        }
        let tokens_max = request.tokens_max.min(self.context() - request.prompt.len());
        self.check_budget(request.prompt.len() + tokens_max.next_multiple_of(64))?;
        self.ask(|answered| Command::Generate(Generate { tokens_max, ..request }, answered)).await
    }

    /// Scores continuations of a prefix.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    ///
    /// # Cancellation
    /// As [`Engine::generate`].
    pub async fn score(&self, request: Score) -> Result<Vec<Scored>, EngineError> {
        let longest = request.continuations.iter().map(Vec::len).max().unwrap_or(0);
        self.check(&request.prefix, "the prefix", longest)?;
        for continuation in &request.continuations {
            self.check(continuation, "a continuation", 0)?;
        }
        self.check_budget(request.prefix.len() + longest)?;
        self.ask(|answered| Command::Score(request, answered)).await
    }

    async fn ask<T>(&self, command: impl FnOnce(Answered<T>) -> Command) -> Result<T, EngineError> {
        let (answered, answer) = oneshot::channel();
        self.commands.send(command(answered)).await.map_err(|_| EngineError::Stopped)?;
        answer.await.map_err(|_| EngineError::Stopped)?
    }

    /// Most tokens of a text.
    pub(super) fn context(&self) -> usize {
        self.model.decoder.config().context
    }

    /// Tokens that the model has, with room for `more` behind them.
    fn check(&self, tokens: &[u32], what: &'static str, more: usize) -> Result<(), EngineError> {
        let (vocab, context) = (self.model.decoder.config().vocab, self.context());
        if tokens.is_empty() {
            return Err(EngineError::Empty { what });
        }
        if tokens.len() + more > context {
            return Err(EngineError::ContextTooLong {
                tokens: tokens.len() + more.saturating_sub(1),
                context,
            });
        }
        match tokens.iter().find(|token| **token as usize >= vocab) {
            Some(token) => Err(EngineError::NoSuchToken { token: *token, vocab }),
            None => Ok(()),
        }
    }

    fn check_budget(&self, tokens: usize) -> Result<(), EngineError> {
        let needed = tokens * self.model.decoder.config().kv_bytes_per_token();
        if needed > self.options.kv_budget {
            return Err(EngineError::Budget {
                needed: needed.div_ceil(1 << 20),
                budget: self.options.kv_budget >> 20,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Flags that several verbs share, and the settings that they stand for.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use codeagent::models::CacheMode;

use crate::config::types::SandboxKind;
use crate::config::units::{BaseUrl, Complaint, Period, parse_count};
use crate::metrics::server::Place;

/// A flag's name, the key that it sets, and the text.
type Named = (&'static str, &'static str, String);

/// Which model answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelFlags {
    /// A profile of the configuration, PROVIDER:MODEL, or (with --base-url) a model's name.
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<String>,
    /// Address of an OpenAI-compatible server, such as `http://127.0.0.1:8000/v1`.
    // Checked later than the other flags: clap would quote a bad address, and it may hold a password.
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub base_url: Option<String>,
}

impl ModelFlags {
    /// The address, checked.
    ///
    /// # Errors
    /// A complaint that does not quote it.
    pub fn address(&self) -> Result<Option<BaseUrl>, Complaint> {
        self.base_url.as_deref().map(str::parse).transpose()
    }
}

/// How to search.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Search")]
pub struct SearchFlags {
    /// Name of the strategy, such as `adaptive`, `codetree`, `rethink-mcts` or `resample`.
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Seed of every random choice.
    #[arg(long, value_name = "N")]
    pub seed: Option<String>,
    /// Steps carried out at a time; changes the time that a search takes, never its result.
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<String>,
    /// Requests in flight at the server: `auto`, a number, or a range such as `4-32`.
    #[arg(long, value_name = "auto|N|MIN-MAX")]
    pub concurrency: Option<String>,
    /// A trained critic or reranker, whose scores decide where nothing else does (docs/critics.md).
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub scorer: Option<String>,
    /// Profile of the embedding model by which `codechain` compares functions [default: by their syntax].
    #[arg(long, value_name = "PROFILE")]
    pub embedding: Option<String>,
}

impl SearchFlags {
    /// The settings that the flags stand for.
    #[must_use]
    pub fn settings(&self) -> Vec<Named> {
        let flags = [
            ("--strategy", "search.strategy", &self.strategy),
            ("--seed", "search.seed", &self.seed),
            ("--jobs", "limits.jobs", &self.jobs),
            ("--concurrency", "limits.concurrency", &self.concurrency),
            ("--scorer", "scorer.path", &self.scorer),
            ("--embedding", "embedding.profile", &self.embedding),
        ];
        flags.into_iter().filter_map(|(flag, key, text)| Some((flag, key, text.clone()?))).collect()
    }
}

/// What to spend.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Budget")]
pub struct BudgetFlags {
    /// Most money for the run, in USD. Needs a price for the model.
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<String>,
    /// Most tokens, in and out; `200k` and `2M` are understood.
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub max_tokens_total: Option<u64>,
    /// Longest time, in seconds or with units, such as `90s` or `1h30m`.
    #[arg(long, value_name = "DURATION")]
    pub max_time: Option<Period>,
}

impl BudgetFlags {
    /// The settings that the flags stand for.
    #[must_use]
    pub fn settings(&self) -> Vec<Named> {
        let flags = [
            ("--max-cost", "budget.run_usd", self.max_cost.clone()),
            ("--max-tokens-total", "budget.tokens", self.max_tokens_total.map(|count| count.to_string())),
            ("--max-time", "budget.seconds", self.max_time.map(|time| time.0.as_secs_f64().to_string())),
        ];
        flags.into_iter().filter_map(|(flag, key, text)| Some((flag, key, text?))).collect()
    }
}

/// What a batch may spend.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Budget")]
pub struct BatchBudgetFlags {
    /// Most money for the whole batch, in USD. Needs a price for the model. (For each sample: --set
    /// budget.per_problem_usd.)
    #[arg(long, value_name = "USD")]
    pub max_cost: Option<String>,
    /// Most tokens for the whole batch, in and out; `200k` and `2M` are understood. (For each sample: --set budget.tokens.)
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub max_tokens_total: Option<u64>,
    /// Longest time of this command, in seconds or with units, such as `90s` or `1h30m`. (For each sample: --set
    /// budget.seconds.)
    #[arg(long, value_name = "DURATION")]
    pub max_time: Option<Period>,
}

impl BatchBudgetFlags {
    /// The settings that the flags stand for.
    #[must_use]
    pub fn settings(&self) -> Vec<Named> {
        let seconds = self.max_time.map(|time| time.0.as_secs_f64().to_string());
        let flags = [
            ("--max-cost", "budget.run_usd", self.max_cost.clone()),
            ("--max-tokens-total", "budget.run_tokens", self.max_tokens_total.map(|count| count.to_string())),
            ("--max-time", "budget.run_seconds", seconds),
        ];
        flags.into_iter().filter_map(|(flag, key, text)| Some((flag, key, text?))).collect()
    }
}

/// Which problems of a data set.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Problems")]
pub struct SelectionFlags {
    /// The first N of those that the other flags leave.
    #[arg(long, value_name = "N")]
    pub limit: Option<std::num::NonZeroUsize>,
    /// Those whose id matches.
    #[arg(long, value_name = "REGEX")]
    pub filter: Option<regex::Regex>,
    /// Those whose ids are the lines of FILE.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ids: Option<PathBuf>,
}

/// Where answers come from that were given before.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Answers")]
pub struct CacheFlags {
    /// Neither read nor write stored answers. Needs a run folder without a run (see --run-dir).
    #[arg(long, conflicts_with_all = ["cache_only", "cache_refresh"])]
    pub no_cache: bool,
    /// Stored answers only; a call to the model is an error (exit 3). Reproduces a run.
    #[arg(long, conflicts_with = "cache_refresh")]
    pub cache_only: bool,
    /// Ask anew and store the new answers. Needs a run folder without a run (see --run-dir).
    #[arg(long)]
    pub cache_refresh: bool,
    /// Write every answer to a recording.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Take every answer from a recording; no model is called.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub replay: Option<PathBuf>,
}

impl CacheFlags {
    /// What to do with stored answers.
    #[must_use]
    pub const fn mode(&self) -> CacheMode {
        match (self.no_cache, self.cache_only, self.cache_refresh) {
            (true, _, _) => CacheMode::Off,
            (_, true, _) => CacheMode::Only,
            (_, _, true) => CacheMode::Refresh,
            _ => CacheMode::Use,
        }
    }
}

/// Where the numbers of a batch under way are shown.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct MetricsFlag {
    /// Show metrics for Prometheus at http://127.0.0.1:PORT/metrics, or at another address of this machine.
    #[arg(long, help_heading = "Metrics", value_name = "[ADDRESS:]PORT")]
    pub metrics_listen: Option<Place>,
}

/// Where programs run.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxFlags {
    /// The back-end.
    #[arg(long, value_enum, value_name = "KIND")]
    pub sandbox: Option<SandboxKind>,
    /// Consent that `--sandbox none` needs: programs can read and change whatever you can.
    #[arg(long)]
    pub i_accept_running_untrusted_code: bool,
}

/// How many programs run at a time.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct JobsFlag {
    /// Programs that run at a time [default: one per core].
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<std::num::NonZeroUsize>,
}

impl JobsFlag {
    /// The number.
    #[must_use]
    pub fn count(self) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        self.jobs.map_or_else(cores, usize::from)
    }
}

impl SandboxFlags {
    /// The settings that the flags stand for.
    #[must_use]
    pub fn settings(&self) -> Vec<Named> {
        let name = self.sandbox.map(|kind| kind.name().to_owned());
        name.into_iter().map(|name| ("--sandbox", "sandbox.kind", name)).collect()
    }

    /// Whether a back-end may be used: `none` needs consent, wherever it was configured.
    ///
    /// # Errors
    /// A complaint without it.
    pub fn require_consent(&self, kind: SandboxKind) -> Result<(), Complaint> {
        if kind == SandboxKind::None && !self.i_accept_running_untrusted_code {
            return Err(Complaint::new(
                "the sandbox `none` does not isolate programs",
                "use `wasm` or `local`, or add --i-accept-running-untrusted-code",
            ));
        }
        Ok(())
    }
}

//! The configuration file as types. Its JSON Schema is made from these, and the schema in turn checks every file,
//! variable and flag, so that there is one truth about names, ranges and forms.

use std::collections::BTreeMap;
use std::time::Duration;

use codeagent::models::RetryPolicy;
use codeagent::sandbox::limits::Limits as SandboxLimits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::units::{BaseUrl, Concurrency, Endpoint, Period, StoreUrl, VariableName};

/// Everything that can be configured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Model profiles by name. `default` is used where no other is asked for.
    pub model: BTreeMap<String, ModelProfile>,
    /// Prices by model name, in USD per million tokens.
    pub price: BTreeMap<String, Price>,
    /// What may be in flight, and how fast.
    pub limits: Limits,
    /// What a run may spend.
    pub budget: Budget,
    /// How solutions are searched for.
    pub search: Search,
    /// What gives programs learned scores.
    pub scorer: Scorer,
    /// What compares the sub-modules of programs.
    pub embedding: Embedding,
    /// Where candidate programs run.
    pub sandbox: Sandbox,
    /// Where runs are kept.
    pub store: Store,
    /// What is sent to an observer. Nothing, unless asked for.
    pub telemetry: Telemetry,
    /// Folders whose `codeagent.toml` may set anything. Counts in the user's own file only.
    pub trusted: Vec<String>,
}

/// A model and where it answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ModelProfile {
    /// The kind of server or engine.
    pub provider: Provider,
    /// Address of the server's OpenAI-compatible interface, such as `http://127.0.0.1:8000/v1`.
    pub base_url: Option<BaseUrl>,
    /// The model's name at the server.
    pub model: Option<String>,
    /// Folder or file of a local model (`candle`; also the id of a hub model that is on this disk; the embedded model without it) or of a recording
    /// (`replay`).
    pub path: Option<String>,
    /// Where a local model computes. Default: the GPU that this build can use, else the CPU.
    pub device: Option<LocalDevice>,
    /// Whether a local model's dense weights are quantised to 8 bits while loading. Default: no.
    pub quantise: Option<bool>,
    /// Whether a local model is taken whose weights have no fast kernel. Default: no.
    pub slow_ok: Option<bool>,
    /// Memory for the keys and values of a local model, in MiB. Default 1024.
    #[schemars(range(min = 1, max = 1_048_576))]
    pub kv_budget_mib: Option<u32>,
    /// Threads that share the products of a local model. Default: one per core, or what `RAYON_NUM_THREADS` says.
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<u32>,
    /// A smaller local model of the same family that guesses what this one says next, so that single answers come faster: a
    /// folder, a .gguf file, or the id of a hub model on this disk. Answers are drawn one after the other.
    pub draft: Option<String>,
    /// Whether a local model guesses ahead where it draws one answer alone; the answer is the same. Default: off.
    pub speculation: Option<Speculation>,
    /// Name of the environment variable that holds the key. Never the key itself.
    pub api_key_env: Option<VariableName>,
    /// Overrides the temperature that the strategy asks for.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f64>,
    /// Longest answer, in tokens; overrides what the strategy asks for.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_output_tokens: Option<u32>,
    /// Whether answers are streamed. Default: as the server allows.
    pub stream: Option<bool>,
    /// What becomes of an answer that repeats itself over and over. Default `continue`.
    pub repetition: Option<Repetition>,
    /// Longest wait for a connection. Default `5s`.
    pub connect_timeout: Option<Period>,
    /// Longest wait for the first byte of an answer. Default `2m`.
    pub first_byte_timeout: Option<Period>,
    /// Longest silence within an answer. Default `1m`.
    pub idle_timeout: Option<Period>,
    /// Longest time of a whole answer. Default: none.
    pub total_timeout: Option<Period>,
    /// Requests in flight at this server; overrides `limits.concurrency`.
    pub concurrency: Option<Concurrency>,
}

/// Where a local model computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LocalDevice {
    /// The CPU.
    Cpu,
    /// The first GPU.
    Gpu,
}

/// What becomes of an answer that repeats itself over and over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Repetition {
    /// Nothing: it goes on up to its limit.
    Off,
    /// It is cut behind the first copy.
    Cut,
    /// It is cut, and the model asked once to go on from there.
    #[default]
    Continue,
}

/// Whether a local model guesses what comes next and reads the guesses in one pass.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Speculation {
    /// Where it is measured to be faster.
    Auto,
    /// Always.
    Always,
    /// Never.
    #[default]
    Off,
}

/// Kinds of servers and engines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Provider {
    /// The OpenAI service.
    #[serde(rename = "openai")]
    OpenAi,
    /// Any server that speaks OpenAI's chat completions.
    #[default]
    #[serde(rename = "openai-compatible")]
    OpenAiCompatible,
    /// llama.cpp's server.
    #[serde(rename = "llamacpp")]
    LlamaCpp,
    /// vLLM.
    Vllm,
    /// Ollama.
    Ollama,
    /// A model in this process.
    Candle,
    /// A recording.
    Replay,
}

impl Provider {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OpenAi,
        Self::OpenAiCompatible,
        Self::LlamaCpp,
        Self::Vllm,
        Self::Ollama,
        Self::Candle,
        Self::Replay,
    ];

    /// The name in configuration files and before the colon of `-m provider:model`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiCompatible => "openai-compatible",
            Self::LlamaCpp => "llamacpp",
            Self::Vllm => "vllm",
            Self::Ollama => "ollama",
            Self::Candle => "candle",
            Self::Replay => "replay",
        }
    }

    /// The address where such a server listens by default.
    #[must_use]
    pub const fn default_base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi => Some("https://api.openai.com/v1"),
            Self::LlamaCpp => Some("http://127.0.0.1:8080/v1"),
            Self::Vllm => Some("http://127.0.0.1:8000/v1"),
            Self::Ollama => Some("http://127.0.0.1:11434/v1"),
            Self::OpenAiCompatible | Self::Candle | Self::Replay => None,
        }
    }

    /// Whether answers come from a file or this process, so that there is no address.
    #[must_use]
    pub const fn is_local_file(self) -> bool {
        matches!(self, Self::Candle | Self::Replay)
    }
}

/// The price of a model, in USD per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of prompt tokens.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub input: f64,
    /// Of prompt tokens that the server had cached. Default: as `input`.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub cached_input: Option<f64>,
    /// Of answer tokens.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub output: f64,
}

/// What may be in flight, and how fast.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests in flight at a server: `"auto"` (adapts between 1 and 64), a number, or a range such as `"4-32"`.
    pub concurrency: Concurrency,
    /// Steps of one search carried out at a time. Changes the time that a search takes, never its result.
    #[schemars(range(min = 1, max = 1024))]
    pub jobs: u32,
    /// Samples of a batch that are searched at a time. Changes the time that a batch takes, never its results.
    #[schemars(range(min = 1, max = 4096))]
    pub searches: u32,
    /// Requests sent per minute.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub requests_per_minute: Option<u32>,
    /// Tokens sent and asked for per minute.
    #[schemars(range(min = 1, max = 4_000_000_000_u32))]
    pub tokens_per_minute: Option<u32>,
    /// Tries per request, the first included. Refused keys and bad requests are never tried again.
    #[schemars(range(min = 1, max = 100))]
    pub retry_attempts: u32,
    /// Longest wait before the second try; doubles with each further one, up to 30 s.
    pub retry_backoff: Period,
    /// Longest wait for a server that has failed ten times in a row, before the run stops and can be continued. Default:
    /// one minute, in batches half an hour.
    pub outage_wait: Option<Period>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: Concurrency::Auto,
            jobs: 8,
            searches: 16,
            requests_per_minute: None,
            tokens_per_minute: None,
            retry_attempts: 8,
            retry_backoff: Period(Duration::from_millis(500)),
            outage_wait: None,
        }
    }
}

impl Limits {
    /// When and how often a request is tried again.
    #[must_use]
    pub fn retry(&self) -> RetryPolicy {
        let usual = RetryPolicy::default();
        RetryPolicy {
            base: self.retry_backoff.0,
            cap: usual.cap.max(self.retry_backoff.0),
            tries_max: self.retry_attempts,
            // A person waits for one problem; batches set their own.
            outage_max: self.outage_wait.map_or(Duration::from_secs(60), |wait| wait.0),
            ..usual
        }
    }
}

/// What a run may spend. What is absent is not limited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Model calls per problem.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub calls: Option<u64>,
    /// Complete programs per problem.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub generations: Option<u64>,
    /// Tokens in and out per problem.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub tokens: Option<u64>,
    /// USD per problem.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub per_problem_usd: Option<f64>,
    /// USD for the whole run.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub run_usd: Option<f64>,
    /// Tokens in and out for the whole batch.
    #[schemars(range(min = 1, max = 1_000_000_000_000_u64))]
    pub run_tokens: Option<u64>,
    /// Seconds of wall-clock time for one command of a batch.
    #[schemars(range(min = 0.1, max = 31_536_000.0))]
    pub run_seconds: Option<f64>,
    /// Seconds of wall-clock time per problem.
    #[schemars(range(min = 0.1, max = 31_536_000.0))]
    pub seconds: Option<f64>,
}

/// How solutions are searched for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Search {
    /// Name of the strategy.
    pub strategy: String,
    /// Seed of every random choice.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub seed: u64,
    /// One table per strategy, such as `[search.rethink-mcts]`, with that strategy's own settings.
    #[serde(flatten)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, serde_json::Value>>")]
    pub methods: BTreeMap<String, toml::Table>,
}

impl Default for Search {
    fn default() -> Self {
        Self { strategy: "adaptive".to_owned(), seed: 0, methods: BTreeMap::new() }
    }
}

/// What gives programs learned scores.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scorer {
    /// File of a critic or reranker that this program trained. Default: none, and nothing is scored.
    pub path: Option<String>,
}

/// What compares the sub-modules of programs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embedding {
    /// Profile of an embedding model: a server's, or a local one (`embedded` is the one that comes with the program).
    /// Default: none, and modules are compared by the features of their syntax.
    pub profile: Option<String>,
}

/// Where candidate programs run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// The back-end.
    pub kind: SandboxKind,
    /// Wall-clock seconds of one run of a program.
    #[schemars(range(min = 0.1, max = 3600.0))]
    pub wall_seconds: f64,
    /// CPU seconds of one run of a program. Default: as `wall_seconds`.
    #[schemars(range(min = 0.1, max = 3600.0))]
    pub cpu_seconds: Option<f64>,
    /// Memory of a program, in MiB.
    #[schemars(range(min = 16, max = 65_536))]
    pub memory_mib: u32,
    /// Longest output of a program, in KiB, on stdout and on stderr each.
    #[schemars(range(min = 1, max = 65_536))]
    pub output_kib: u32,
    /// The Python interpreter of `kind = "local"`. Default: `python3` of the search path.
    pub python: Option<String>,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            kind: SandboxKind::Wasm,
            wall_seconds: 30.0,
            cpu_seconds: None,
            memory_mib: 256,
            output_kib: 1024,
            python: None,
        }
    }
}

impl Sandbox {
    /// The limits of one run.
    #[must_use]
    pub fn limits(&self) -> SandboxLimits {
        let seconds = Duration::from_secs_f64;
        let mut limits =
            SandboxLimits::default().with_wall(seconds(self.wall_seconds)).with_memory_mib(self.memory_mib);
        limits.cpu = seconds(self.cpu_seconds.unwrap_or(self.wall_seconds));
        limits.output_bytes = usize::try_from(self.output_kib).unwrap_or(usize::MAX).saturating_mul(1024);
        limits
    }
}

/// Sandbox back-ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SandboxKind {
    /// CPython in WebAssembly: contained on every platform.
    #[default]
    Wasm,
    /// A contained child process: Linux only, native speed, installed libraries.
    Local,
    /// A child process with resource limits only. Needs `--i-accept-running-untrusted-code`.
    None,
}

impl SandboxKind {
    /// The name in configuration files and after `--sandbox`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wasm => "wasm",
            Self::Local => "local",
            Self::None => "none",
        }
    }
}

/// Where runs are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `"sqlite"` (a file in the run directory), `sqlite:PATH`, or `postgres://…`.
    pub url: StoreUrl,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: StoreUrl("sqlite".to_owned()) }
    }
}

/// What is sent to an observer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Whether anything is sent, where there is an address.
    pub enabled: bool,
    /// Address of an OTLP collector (http/protobuf), such as `http://127.0.0.1:4318`. Empty: nothing is sent.
    pub otlp_endpoint: Endpoint,
    /// Name of the sender, as collectors show it.
    pub service_name: String,
    /// Headers for the collector, such as its key: the name of each with the environment variable that holds its value.
    pub headers_env: BTreeMap<String, VariableName>,
    /// Whether prompts and replies are put on spans.
    pub content: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            enabled: true,
            otlp_endpoint: Endpoint::default(),
            service_name: "codeagent".to_owned(),
            headers_env: BTreeMap::new(),
            content: false,
        }
    }
}

impl Telemetry {
    /// Whether anything is to be sent.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.enabled && !self.otlp_endpoint.0.is_empty()
    }
}

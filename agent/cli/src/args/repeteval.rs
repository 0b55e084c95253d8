//! The arguments of the benchmark of repetition.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::groups::{ModelFlags, SandboxFlags};
use super::with_codes;

/// Measure repetition.
#[derive(Debug, Clone, Args)]
pub struct RepetevalArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: RepetevalAction,
}

/// What to do about repetition.
#[derive(Debug, Clone, Subcommand)]
pub enum RepetevalAction {
    /// Make prompts: programs that have begun to repeat themselves.
    ///
    /// Imports, elif chains, functions and constants, each with equal copies and with copies of one shape. Writes JSON
    /// lines; the same seed gives the same prompts.
    #[command(after_long_help = with_codes("Example:\n  codeagent repeteval gen --count 8 --out prompts.jsonl"))]
    Gen(RepetevalGenArgs),
    /// Have a local model go on with prompts, under several decoding methods, and say what its answers come to.
    ///
    /// PROMPTS are JSON lines, gzipped or not, with a `prompt` each. Prints for each method the share of answers that ended by
    /// themselves (EGP), repetition of 4-grams (TR-N) and statements (TR-S), the share that compiles (CCP), seconds and
    /// tokens. Every answer goes into --out at once, and the same command goes on where an interrupted one was. Bad lines
    /// are told with their position and left out, and make the exit code 6.
    #[command(after_long_help = with_codes(
        "Example:\n  codeagent repeteval run prompts.jsonl -m candle:models/qwen2.5-coder-0.5b --out answers.jsonl"
    ))]
    Run(Box<RepetevalRunArgs>),
}

/// Which prompts to make.
#[derive(Debug, Clone, Args)]
pub struct RepetevalGenArgs {
    /// Prompts of each of the eight kinds.
    #[arg(long, value_name = "N", default_value = "8")]
    pub count: NonZeroUsize,
    /// Seed of what varies.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Where they go [default: stdout].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// What to measure.
#[derive(Debug, Clone, Args)]
pub struct RepetevalRunArgs {
    /// The prompts.
    #[arg(value_name = "PROMPTS", value_hint = ValueHint::FilePath)]
    pub prompts: PathBuf,
    /// Where answers go, as JSON lines; the same file continues.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// The decoding methods, in the order of the table.
    #[arg(long, value_enum, value_name = "METHOD", value_delimiter = ',')]
    #[arg(default_value = "none,repetition-penalty,frequency-penalty,guard")]
    pub methods: Vec<RepetitionMethod>,
    /// Answers to each prompt, of seeds of their own. More than one needs a temperature.
    #[arg(short = 'n', long, value_name = "N", default_value = "1")]
    pub samples: NonZeroUsize,
    /// Longest answer, in tokens.
    #[arg(long, value_name = "N", default_value = "1024")]
    pub tokens: NonZeroUsize,
    /// Temperature; at 0 the likeliest token is taken.
    #[arg(long, value_name = "T", default_value_t = 0.0, value_parser = temperature)]
    pub temperature: f64,
    /// Seed of the answers.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// The first prompts only.
    #[arg(long, value_name = "N")]
    pub limit: Option<NonZeroUsize>,
    /// Text before each prompt, special tokens spelt out, such as `<s>` [default: what the embedded model needs, else
    /// nothing].
    #[arg(long, value_name = "TEXT")]
    pub lead: Option<String>,
    /// Which model answers: `embedded`, `candle:PATH`, or a profile of a local model.
    #[command(flatten)]
    pub model: ModelFlags,
    /// Where answers are compiled.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

fn temperature(text: &str) -> Result<f64, String> {
    let temperature = text.parse().ok().filter(|value| (0.0..=2.0).contains(value));
    temperature.ok_or_else(|| "a temperature lies in [0, 2], such as 0.8".to_owned())
}

/// What is done about repetition while decoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum RepetitionMethod {
    /// Nothing.
    None,
    /// Every token that was there before is made less likely (CTRL, 1.2).
    RepetitionPenalty,
    /// Every token is made less likely by how often it was there before (0.2 nats each time).
    FrequencyPenalty,
    /// The guard (docs/repetition.md), which local models have by default.
    Guard,
}

impl RepetitionMethod {
    /// Its name in tables and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RepetitionPenalty => "repetition-penalty",
            Self::FrequencyPenalty => "frequency-penalty",
            Self::Guard => "guard",
        }
    }
}

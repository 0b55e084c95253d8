//! The arguments of the verbs that make batches and look at them.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use codeagent_benchmarks::Protocol;

use super::groups::{
    BatchBudgetFlags, CacheFlags, MetricsFlag, ModelFlags, SandboxFlags, SearchFlags, SelectionFlags,
};
use super::{share, with_codes};

/// Draw samples of many problems, and judge them.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:
  codeagent eval HumanEval.jsonl.gz --out runs/humaneval -n 5 -k 1,5 \\
      --base-url http://127.0.0.1:8000/v1 -m some-model --set budget.calls=20"
))]
pub struct EvalArgs {
    /// The problems: a file.
    #[arg(value_name = "DATASET", value_hint = ValueHint::FilePath)]
    pub dataset: PathBuf,
    /// Folder of the batch; the same folder continues it.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,
    /// Samples of each problem, each from a search of its own.
    #[arg(short = 'n', long, value_name = "N", default_value = "1")]
    pub samples: std::num::NonZeroU32,
    /// Numbers of samples of which one must pass [default: 1, 10, 100 and the samples of each problem].
    #[arg(short, value_name = "K", value_delimiter = ',')]
    pub k: Vec<std::num::NonZeroU64>,
    /// Which tests are visible: `strict`, or as in a paper (docs/visible-tests.md).
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// Which problems.
    #[command(flatten)]
    pub selection: SelectionFlags,
    /// Which model answers.
    #[command(flatten)]
    pub model: ModelFlags,
    /// How to search.
    #[command(flatten)]
    pub search: SearchFlags,
    /// Samples searched at a time; changes the time that the batch takes, never its results.
    #[arg(long, help_heading = "Search", value_name = "N")]
    pub searches: Option<String>,
    /// What to spend.
    #[command(flatten)]
    pub budget: BatchBudgetFlags,
    /// Where answers come from that were given before.
    #[command(flatten)]
    pub cache: CacheFlags,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
    /// Where samples are drawn.
    #[cfg(feature = "nats")]
    #[command(flatten)]
    pub machines: super::MachinesFlags,
    /// Where its numbers are shown.
    #[command(flatten)]
    pub metrics: MetricsFlag,
    /// Samples that may end in errors, as a number or a share such as 0.01, before the exit code is 7.
    #[arg(long, help_heading = "Result", value_name = "N|SHARE", default_value = "0")]
    pub max_errors: MaxErrors,
    /// Exit with 1 if pass@1 is below this share, in [0, 1].
    #[arg(long, help_heading = "Result", value_name = "SHARE", value_parser = share)]
    pub fail_under: Option<f64>,
    /// Write the events of all searches as JSON lines to FILE, or to stdout for `-`.
    #[arg(long, help_heading = "Result", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,
}

/// Estimate what a batch would spend.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:\n  codeagent estimate HumanEval.jsonl.gz -n 5 -m some-model --set budget.calls=20"
))]
pub struct EstimateArgs {
    /// The problems: a file.
    #[arg(value_name = "DATASET", value_hint = ValueHint::FilePath)]
    pub dataset: PathBuf,
    /// Samples of each problem.
    #[arg(short = 'n', long, value_name = "N", default_value = "1")]
    pub samples: std::num::NonZeroU32,
    /// Tokens of an answer, about.
    #[arg(long, value_name = "N", default_value = "300")]
    pub answer_tokens: std::num::NonZeroU64,
    /// Which tests are visible: `strict`, or as in a paper (docs/visible-tests.md).
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// Which problems.
    #[command(flatten)]
    pub selection: SelectionFlags,
    /// Which model would answer.
    #[command(flatten)]
    pub model: ModelFlags,
    /// How to search.
    #[command(flatten)]
    pub search: SearchFlags,
    /// What to spend.
    #[command(flatten)]
    pub budget: BatchBudgetFlags,
    /// Where answers would come from that were given before.
    #[command(flatten)]
    pub cache: CacheFlags,
    /// Where programs would run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// How many samples may end in errors.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxErrors {
    /// So many.
    Count(u64),
    /// A share of all samples, in (0, 1).
    Share(f64),
}

impl std::str::FromStr for MaxErrors {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share = || text.parse().ok().filter(|share| (0.0..1.0).contains(share)).map(Self::Share);
        let count = text.parse().ok().map(Self::Count);
        count
            .or_else(share)
            .ok_or_else(|| "give a number such as 5, or a share below 1 such as 0.01".to_owned())
    }
}

impl MaxErrors {
    /// Whether so many errors among so many samples are too many.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
    pub fn is_exceeded(self, errors: u64, samples: usize) -> bool {
        match self {
            Self::Count(most) => errors > most,
            Self::Share(most) => errors as f64 > most * samples as f64,
        }
    }
}

/// Watch a batch.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent watch runs/humaneval"))]
pub struct WatchArgs {
    /// The folder of the batch.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Print one line, and end.
    #[arg(long)]
    pub once: bool,
}

/// Report on a batch.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent report runs/humaneval --html report.html"))]
pub struct ReportArgs {
    /// The folder of the batch.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// Write a self-contained HTML page to FILE.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub html: Option<PathBuf>,
    /// Write Markdown to FILE.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub markdown: Option<PathBuf>,
    /// Numbers of samples of which one must pass [default: 1, 10, 100 and the samples of each problem].
    #[arg(short, value_name = "K", value_delimiter = ',')]
    pub k: Vec<std::num::NonZeroU64>,
}

impl EvalArgs {
    /// The flags that stand for settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let mut settings = [self.search.settings(), self.budget.settings(), self.sandbox.settings()].concat();
        settings.extend(self.searches.clone().map(|text| ("--searches", "limits.searches", text)));
        settings
    }
}

impl EstimateArgs {
    /// The flags that stand for settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        [self.search.settings(), self.budget.settings(), self.sandbox.settings()].concat()
    }
}

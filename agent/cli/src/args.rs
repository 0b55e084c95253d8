//! The command line. Help texts are part of the interface: each verb has an example and its exit codes.

mod batch;
#[cfg(feature = "nats")]
mod cluster;
pub mod formats;
pub mod groups;
pub mod repeteval;
mod samples;
pub mod scorers;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use codeagent_benchmarks::Protocol;

pub use batch::{EstimateArgs, EvalArgs, MaxErrors, ReportArgs, WatchArgs};
#[cfg(feature = "nats")]
pub use cluster::{MachinesFlags, QueueAction, QueueArgs, RunArgs, ServersFlag, StatusArgs, WorkerArgs};
pub use formats::{ExportFormat, ImportFormat, ResultsFormat};
pub use groups::{
    BatchBudgetFlags, BudgetFlags, CacheFlags, JobsFlag, MetricsFlag, ModelFlags, SandboxFlags, SearchFlags,
    SelectionFlags,
};
pub use samples::{
    CompareArgs, DatasetsArgs, ExportArgs, FalsifyArgs, ImportArgs, ModulesArgs, RankArgs, RankMethod,
    ScoreArgs, VerifyArgs,
};

use crate::config::Flags;
use crate::config::units::Period;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0    done, verdict positive
  1    done, verdict negative: not solved, tests fail, a counterexample, --fail-under or --gate missed
  2    usage or configuration
  3    provider: unreachable, refused, credentials, quota, no recorded answer
  4    sandbox or required tool not available
  5    stopped early by a cap or `cancel`; state saved, the same command continues
  6    input data invalid
  7    finished, but some samples ended in errors of ours
  70   internal error
  130  interrupted (143: terminated) after saving; a second signal ends at once";

/// Code generation by search: a problem in, a program that passes its tests out.
#[derive(Debug, Parser)]
#[command(name = "codeagent", version, styles = STYLES, after_long_help = EXIT_CODES, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Flags of every verb.
    #[command(flatten)]
    pub globals: Globals,
}

/// Flags of every verb.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Common options")]
pub struct Globals {
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Log errors only, and show no progress.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log more: -v the story, -vv every step, -vvv prompts and answers.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// When to colour stderr. NO_COLOR counts, too.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Configuration file, above the project's and the user's.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Set any configuration key, as in `--set budget.calls=40`. May be repeated.
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Read variables from a `.env` file; the real environment wins.
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env_file: Option<PathBuf>,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Solve one problem.
    ///
    /// Prints the program on stdout, and the story of the search on stderr. PROBLEM is a file in the native form, a
    /// human-eval, MBPP or APPS row, or DATASET#ID for a row of a `.jsonl` or `.jsonl.gz` file.
    Solve(Box<SolveArgs>),
    /// Draw samples of many problems, judge them on the hidden tests, and estimate pass@k.
    ///
    /// DATASET is a file in the native form, or of rows of a published data set. Everything goes into the folder of --out:
    /// what was asked for (run.json), replies, events and results (run.db), one row per sample (samples.jsonl), and the
    /// figures (results.json). The same command with the same folder goes on where an interrupted one was; more samples,
    /// more problems and larger budgets may be asked for, nothing else may change.
    Eval(Box<EvalArgs>),
    /// Draw samples for batches that run on many machines.
    ///
    /// Finds a run on the NATS servers that `codeagent eval --nats` prepared, and draws its samples until it is over. The
    /// model is this machine's; the strategy and all else that results depend on are the run's. SIGTERM gives back what is
    /// under way. Needs no store and never sees a hidden test. docs/cluster.md says how to start many.
    #[cfg(feature = "nats")]
    Worker(Box<WorkerArgs>),
    /// Look at batches that run on many machines, and steer them.
    #[cfg(feature = "nats")]
    Queue(QueueArgs),
    /// Estimate what `eval` with the same flags would spend. Asks no model.
    Estimate(Box<EstimateArgs>),
    /// Run all tests of a problem against a program.
    ///
    /// PROGRAM is a file, or `-` for stdin. A text that does not define the problem's function counts as a completion of
    /// its prompt. Exits with 0 if every test passes.
    Verify(VerifyArgs),
    /// Run the hidden tests over samples that somebody drew, and estimate pass@k.
    ///
    /// SAMPLES are JSON lines, gzipped or not, of `task_id` and `completion` or `solution`. Writes each sample with `result`
    /// and `passed`, as the human-eval evaluator does (with --format also as that of evalplus does), and prints pass@k with 95 % intervals. The same command goes on where
    /// an interrupted one was. Equal programs for one problem are judged once. Bad lines are told with their position and
    /// left out, and make the exit code 6.
    Score(ScoreArgs),
    /// Watch a batch in the terminal, while it runs or afterwards.
    ///
    /// Keys: arrows and page keys scroll, `u` shows unsolved problems only, `q` leaves; the batch goes on. Without a
    /// terminal prints a line every 30 seconds until nobody works on it.
    Watch(WatchArgs),
    /// List the searches and batches that run on this machine.
    ///
    /// One line for each `solve` and `eval` of yours: id, verb, state, process, seconds, problem or data set, progress, folder.
    /// With --json one object for each.
    #[command(after_long_help = with_codes("Example:\n  codeagent ps --json"))]
    Ps,
    /// Hold a running search or batch up: it asks its model nothing new, and its time limits stand still.
    ///
    /// What is under way is finished, requests with their retries included. The results are the same as without.
    Pause(LiveArgs),
    /// Let a paused search or batch go on.
    Resume(LiveArgs),
    /// End a running search or batch, as Ctrl-C does: what is done is saved, and the same command continues.
    ///
    /// The run ends within seconds and exits with 5.
    Cancel(LiveArgs),
    /// Report on a batch: the figures as a table, or one self-contained HTML page.
    ///
    /// Prints Markdown on stdout unless --html or --markdown names a file; with --json the figures of results.json. The
    /// batch may still be running.
    Report(ReportArgs),
    /// Check data sets: what is in them, and whether their own references pass.
    ///
    /// FILE is JSON or JSON lines, gzipped or not, in a form that docs/data-sets.md lists, or a folder of APPS problems.
    /// Prints form, numbers of problems and tests, the hash that runs are stored under, and whatever is suspicious. A bad
    /// file is told with its position and makes the exit code 6. With --references, exits with 1 if one fails.
    Datasets(DatasetsArgs),
    /// Compare results on the same problems: by how much one is better, and whether that could be chance.
    ///
    /// RESULTS are folders of `eval`, or JSON lines of `task_id` and `passed`, as `score` and the human-eval evaluator write
    /// them. Each one is compared with the first.
    Compare(CompareArgs),
    /// Write the samples of a batch in the form of another program.
    ///
    /// Prints the samples unless --out names a file or folder. The batch may still be running. Samples that ended in errors of
    /// ours are left out, but for Inspect logs. docs/formats.md describes the forms.
    Export(ExportArgs),
    /// Read samples of another program into JSON lines that `score`, `rank` and `compare` read.
    ///
    /// Prints them unless --out names a file. Fields that we do not know are kept in `meta`. Bad parts are told with their
    /// position and left out, and make the exit code 6. docs/formats.md describes the forms.
    Import(ImportArgs),
    /// Rank samples that somebody drew, without a model.
    ///
    /// SAMPLES are JSON lines, gzipped or not: `task_id` or `prompt`, and `completion`, `solution`, or a list of them as
    /// `samples` or `completion_list`. Every program runs on the visible tests, on the tests of --tests, and on all of
    /// their inputs. Prints one JSON object per problem: the sample chosen, and the ranking. Bad lines are told with their
    /// position and left out, and make the exit code 6.
    Rank(RankArgs),
    /// Train or test a critic: what will come of a program, and up to where it may stay, from its text.
    Critic(scorers::CriticArgs),
    /// Train or test a reranker: which of a problem's programs to take, from their texts.
    Reranker(scorers::RerankerArgs),
    /// Measure how a local model goes on with programs that repeat themselves, and how much the guard helps.
    Repeteval(repeteval::RepetevalArgs),
    /// List the functions, classes and methods of samples, those that are alike together.
    ///
    /// SAMPLES are JSON lines, gzipped or not, of `task_id` and `completion` or `solution`; with --dataset in all forms
    /// that `rank` reads, completions behind their prompts. Prints clusters by size, each with the definition that stands
    /// for it. Bad lines are told with their position and left out, and make the exit code 6.
    Modules(ModulesArgs),
    /// Look for an input on which a program is wrong.
    ///
    /// Tries the visible inputs, values at the edges and mutations, and compares with a reference or with other programs
    /// where they agree. Prints a counterexample that can't be made smaller. Exits with 1 if there is one, with 0 if none
    /// was found.
    Falsify(FalsifyArgs),
    /// Run one program in the sandbox and say what became of it.
    ///
    /// Prints the program's stdout; with --json, one object with verdict, exit, stdout, stderr, wall_ms, cpu_ms and
    /// peak_mib. Exits with 0 if the program ended by itself with status 0, else with 1.
    Exec(ExecArgs),
    /// Prepare, show, test or serve the sandbox.
    Sandbox(SandboxArgs),
    /// Show the tree of a finished run.
    ///
    /// Prints each node's operator, score and first line, indented by depth.
    Show(ShowArgs),
    /// Show runs as a web page on this machine, live while they run.
    ///
    /// DIR is the folder of a `solve` or of a batch, or the id of a run. Prints the address of the page, which only this
    /// machine can reach and only with the token that stands in it. Nothing in DIR is changed. Ctrl-C ends it. Prometheus
    /// finds totals under /metrics, with the token as bearer token.
    View(ViewArgs),
    /// Show, check or find the configuration.
    #[command(after_long_help = EXIT_CODES)]
    Config(ConfigArgs),
    /// List model profiles and the servers found on this machine.
    Providers(ProvidersArgs),
    /// Local models: list, describe, verify, convert and time them.
    Model(ModelArgs),
    /// Check the sandbox, the store, the configuration and model servers, each with a fix.
    Doctor(DoctorArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
    /// Write the manual pages into a folder.
    Man(ManArgs),
}

/// Solve one problem.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:
  codeagent solve problem.json --base-url http://127.0.0.1:8000/v1 -m some-model \\
      --strategy rethink-mcts --set budget.calls=40 --seed 7"
))]
pub struct SolveArgs {
    /// The problem: FILE or DATASET#ID.
    #[arg(value_name = "PROBLEM", value_hint = ValueHint::FilePath)]
    pub problem: String,
    /// Which tests are visible: `strict`, or as in a paper (docs/visible-tests.md).
    #[arg(long, value_name = "NAME", default_value_t = Protocol::Strict)]
    pub protocol: Protocol,
    /// Which model answers.
    #[command(flatten)]
    pub model: ModelFlags,
    /// How to search.
    #[command(flatten)]
    pub search: SearchFlags,
    /// What to spend.
    #[command(flatten)]
    pub budget: BudgetFlags,
    /// Where answers come from that were given before.
    #[command(flatten)]
    pub cache: CacheFlags,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
    /// Further visible tests, such as counterexamples of `falsify --out`: JSON lines of `task_id`, `in` and `out`.
    #[arg(long, help_heading = "Search", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tests: Option<PathBuf>,
    /// A wrong program for the problem, which models are shown and asked to repair.
    #[arg(long, help_heading = "Search", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub repair: Option<PathBuf>,
    /// Fill the holes of a sketch (see docs/sketches.md), with strategy `anpl`.
    #[arg(long, help_heading = "Search", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sketch: Option<PathBuf>,
    /// Run the hidden tests once, after the search, and let them decide the verdict.
    #[arg(long, help_heading = "Result")]
    pub judge: bool,
    /// Also write the program to FILE.
    #[arg(long, help_heading = "Result", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,
    /// Write the filled sketch to FILE.
    #[arg(long, help_heading = "Result", requires = "sketch", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sketch_out: Option<PathBuf>,
    /// Folder of the run; the same folder continues it [default: one per problem, in the state folder].
    #[arg(long, help_heading = "Result", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub run_dir: Option<PathBuf>,
    /// Write events as JSON lines to FILE, or to stdout for `-`.
    #[arg(long, help_heading = "Result", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub events: Option<PathBuf>,
}

/// Show the tree of a finished run.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent show RUN --node 12"))]
pub struct ShowArgs {
    /// The run's folder or id.
    #[arg(value_name = "RUN", value_hint = ValueHint::DirPath)]
    pub run: String,
    /// Which search of a batch: the start of its id. Without it the searches are listed.
    #[arg(long, value_name = "ID")]
    pub search: Option<String>,
    /// Print prompt, answer, program and feedback of one node instead.
    #[arg(long, value_name = "N")]
    pub node: Option<u64>,
}

/// A live run.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Examples:\n  codeagent pause runs/humaneval\n  codeagent resume 3f9a\n  codeagent cancel 3f9a"
))]
pub struct LiveArgs {
    /// The run: the start of its id, its process, or its folder.
    #[arg(value_name = "RUN", value_hint = ValueHint::AnyPath)]
    pub run: String,
}

/// Show runs as a web page on this machine.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent view runs/humaneval --port 8080"))]
pub struct ViewArgs {
    /// The folder of runs, or the id of one.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: String,
    /// Port of 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// Whether to open a browser.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = OpenBrowser::Auto)]
    pub open: OpenBrowser,
}

/// Whether to open a browser.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum OpenBrowser {
    /// From a terminal, where there is a screen.
    #[default]
    Auto,
    /// Never.
    Never,
}

/// Run one program in the sandbox and say what became of it.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:\n  echo 3 4 | codeagent exec sum.py --stdin - --sandbox wasm --timeout 5 --memory 128 --json"
))]
pub struct ExecArgs {
    /// The program: FILE, or `-` for stdin.
    #[arg(value_name = "PROGRAM", value_hint = ValueHint::FilePath)]
    pub program: PathBuf,
    /// What the program reads: FILE, or `-` for our stdin [default: nothing].
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub stdin: Option<PathBuf>,
    /// Longest run, in seconds or with a unit, such as `500ms`.
    #[arg(long, value_name = "S")]
    pub timeout: Option<Period>,
    /// Most memory, in MiB.
    #[arg(long, value_name = "MIB")]
    pub memory: Option<String>,
    /// Seed of randomness inside.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    /// Where the program runs.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
}

/// Prepare, show, test or serve the sandbox.
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: SandboxAction,
}

/// What to do with the sandbox.
#[derive(Debug, Clone, Subcommand)]
pub enum SandboxAction {
    /// Make the interpreter of the wasm sandbox, once per machine and version; the first use does it otherwise.
    #[command(after_long_help = with_codes("Example:\n  codeagent sandbox prepare"))]
    Prepare,
    /// Show each back-end: interpreter, level, layers in force and missing, limits, modules.
    #[command(after_long_help = with_codes("Example:\n  codeagent sandbox info --json"))]
    Info,
    /// Run programs whose verdicts are known, cheats and attacks among them; exit 0 if all come out as they must.
    #[command(after_long_help = with_codes("Example:\n  codeagent sandbox selftest --sandbox local"))]
    Selftest(SandboxFlags),
    /// Run one request, a JSON object on stdin, and print one JSON object.
    ///
    /// The request has `code`, and may have `backend` (wasm, local), `kind` (program, function), `stdin`, `entry_point`,
    /// `tests` (a list of objects with `args`), `seed` and `limits` (wall_ms, cpu_ms, memory_mb, output_kb, processes,
    /// tmp_mb). The answer has `verdict`, `stdout` or `stdout_hex`, `stderr`, and for a function `tests`: per test
    /// `value_py` or `exception`. Exits with 0 if the verdict is `passed`, else with 1.
    #[command(after_long_help = with_codes(
        "Example:\n  echo '{\"code\": \"print(input())\", \"stdin\": \"hello\"}' | codeagent sandbox run --json"
    ))]
    Run(SandboxFlags),
}

/// Show, check or find the configuration.
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What to do with the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigAction {
    /// Print every value in force with its origin; secrets are masked.
    #[command(after_long_help = "Example:\n  codeagent config show --set budget.calls=40")]
    Show,
    /// Check files, variables and flags; exit 0 if all is well, else 2.
    #[command(after_long_help = "Example:\n  codeagent config check --config team.toml")]
    Check,
    /// Print the paths of the files, and whether each is there.
    #[command(after_long_help = "Example:\n  codeagent config path")]
    Path,
}

/// List model profiles and the servers found on this machine.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent providers --probe"))]
pub struct ProvidersArgs {
    /// Ask each profile's server one short question; spends a few tokens.
    #[arg(long)]
    pub probe: bool,
    /// Which models.
    #[command(flatten)]
    pub model: ModelFlags,
}

/// Local models: list, describe, verify, convert and time them.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent model verify models/qwen2.5-coder-0.5b"))]
pub struct ModelArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ModelAction,
}

/// What to do with a local model.
#[derive(Debug, Clone, Subcommand)]
pub enum ModelAction {
    /// List the models that were added.
    List,
    /// Check a model and add it to the list.
    Add {
        /// A model folder, a .gguf file, or the id of a hub model on this disk.
        #[arg(value_name = "PATH")]
        path: String,
    },
    /// Describe a model as JSON, with the hashes of its files.
    Info {
        /// A model folder, a .gguf file, or the id of a hub model on this disk.
        #[arg(value_name = "PATH")]
        path: String,
    },
    /// Check a model's files without loading them, and print the kernel that each tensor takes.
    Verify {
        /// A model folder, a .gguf file, or the id of a hub model on this disk.
        #[arg(value_name = "PATH")]
        path: String,
        /// As if dense weights were quantised to 8 bits while loading.
        #[arg(long)]
        quantise: bool,
    },
    /// Write a GGUF file with its matrices in another type.
    Requantize {
        /// The file.
        #[arg(value_name = "IN")]
        input: String,
        /// The file to write.
        #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
        output: PathBuf,
        /// The type.
        #[arg(long, value_name = "TYPE", value_parser = ["q8_0"], default_value = "q8_0")]
        to: String,
    },
    /// Time a model: tokens per second in reading and in drawing.
    Bench(ModelBenchFlags),
}

/// What to time.
#[derive(Debug, Clone, Args)]
pub struct ModelBenchFlags {
    /// A model folder, a .gguf file, or the id of a hub model on this disk.
    #[arg(value_name = "PATH")]
    pub path: String,
    /// Tokens of the prompt.
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub prompt: usize,
    /// Tokens to draw per row.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub tokens: usize,
    /// Quantise dense weights to 8 bits while loading.
    #[arg(long)]
    pub quantise: bool,
    /// How many rows share the prompt and are drawn together; several numbers are timed one after the other.
    #[arg(long, value_name = "N,..", value_delimiter = ',', default_values_t = [1, 8],
        value_parser = clap::value_parser!(u64).range(1..=64))]
    pub rows: Vec<u64>,
}

/// Check the sandbox, the store, the configuration and model servers, each with a fix.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent doctor --json"))]
pub struct DoctorArgs {}

/// Print a completion script for a shell.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:\n  codeagent completions bash > ~/.local/share/bash-completion/completions/codeagent"
))]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Write the manual pages into a folder.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes("Example:\n  codeagent man ~/.local/share/man/man1"))]
pub struct ManArgs {
    /// The folder; made if it is not there.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
}

/// An example followed by the exit codes.
fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "a share lies in [0, 1], such as 0.5".to_owned())
}

fn with_codes(example: &str) -> String {
    format!("{example}\n\n{EXIT_CODES}")
}

impl Globals {
    /// What these flags, and those of a verb that stand for settings, say about configuration.
    #[must_use]
    pub fn config_flags(&self, named: Vec<(&'static str, &'static str, String)>) -> Flags {
        Flags { file: self.config.clone(), set: self.set.clone(), named }
    }
}

impl SolveArgs {
    /// The flags that stand for settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        [self.search.settings(), self.budget.settings(), self.sandbox.settings()].concat()
    }
}

impl ExecArgs {
    /// The flags that stand for settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let mut settings = self.sandbox.settings();
        settings.extend(self.memory.clone().map(|text| ("--memory", "sandbox.memory_mib", text)));
        settings
    }
}

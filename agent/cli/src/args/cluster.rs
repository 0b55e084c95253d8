//! The arguments of batches on many machines.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use codeagent_benchmarks::cluster::{Access, Identity};

use super::groups::{MetricsFlag, ModelFlags, SandboxFlags};
use super::with_codes;
use crate::config::units::Period;
use crate::environment::Environment;

/// Which NATS servers.
#[derive(Debug, Clone, Args)]
pub struct ServersFlag {
    /// Addresses of the NATS servers of one cluster: `nats://HOST:PORT`, or `tls://` for an encrypted connection.
    #[arg(long, value_name = "URL", value_delimiter = ',', required = true)]
    pub nats: Vec<String>,
    /// How they know us.
    #[command(flatten)]
    pub access: AccessFlags,
}

/// How NATS servers know us, and we them.
#[derive(Debug, Clone, Args)]
pub struct AccessFlags {
    /// NATS credentials: a user's JWT and key, as `nsc generate creds` writes them.
    #[arg(long, value_name = "FILE", requires = "nats", value_hint = ValueHint::FilePath)]
    pub creds: Option<PathBuf>,
    /// Certificates (PEM) to check the servers' ones with, instead of the system's; the connection must be encrypted.
    #[arg(long, value_name = "FILE", requires = "nats", value_hint = ValueHint::FilePath)]
    pub nats_ca: Option<PathBuf>,
    /// Certificate (PEM) by which the servers know us.
    #[arg(long, value_name = "FILE", requires_all = ["nats", "nats_key"], value_hint = ValueHint::FilePath)]
    pub nats_cert: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "nats_cert", value_hint = ValueHint::FilePath)]
    pub nats_key: Option<PathBuf>,
}

impl AccessFlags {
    /// The files, below the working folder.
    #[must_use]
    pub fn files(&self, environment: &Environment) -> Access {
        let here = |path: &PathBuf| environment.directory().join(path);
        let identity = self.nats_cert.as_ref().zip(self.nats_key.as_ref());
        Access {
            creds: self.creds.as_ref().map(here),
            ca: self.nats_ca.as_ref().map(here),
            identity: identity
                .map(|(certificate, key)| Identity { certificate: here(certificate), key: here(key) }),
        }
    }
}

/// Where a batch is drawn, if not here.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Machines")]
pub struct MachinesFlags {
    /// Have the samples drawn by `codeagent worker`s, through these NATS servers (docs/cluster.md). They are judged here.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    #[arg(conflicts_with_all = ["no_cache", "cache_only", "cache_refresh", "record", "events"])]
    pub nats: Vec<String>,
    /// How they know us.
    #[command(flatten)]
    pub access: AccessFlags,
    /// A worker that is silent for so long loses its tasks to others.
    #[arg(long, value_name = "DURATION", default_value = "60s", requires = "nats")]
    pub lease: Period,
}

/// Draw samples for batches that run on many machines.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:
  codeagent worker --nats nats://head:4222 --slots 8 --base-url http://127.0.0.1:8000/v1 -m some-model"
))]
pub struct WorkerArgs {
    /// Which servers.
    #[command(flatten)]
    pub servers: ServersFlag,
    /// Samples searched at a time.
    #[arg(long, value_name = "N", default_value = "4")]
    pub slots: std::num::NonZeroUsize,
    /// Draw for this run alone [default: for whichever there is].
    #[arg(long, value_name = "RUN", value_parser = run)]
    pub run: Option<String>,
    /// When a run is over, wait for the next one.
    #[arg(long)]
    pub stay: bool,
    /// Which model answers; the run says which one must.
    #[command(flatten)]
    pub model: ModelFlags,
    /// Requests in flight at the server: `auto`, a number, or a range such as `4-32`.
    #[arg(long, help_heading = "Model", value_name = "auto|N|MIN-MAX")]
    pub concurrency: Option<String>,
    /// Where programs run.
    #[command(flatten)]
    pub sandbox: SandboxFlags,
    /// Where its numbers are shown.
    #[command(flatten)]
    pub metrics: MetricsFlag,
}

/// Look at batches that run on many machines, and steer them.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = with_codes(
    "Example:\n  codeagent queue status --nats nats://head:4222"
))]
pub struct QueueArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: QueueAction,
}

/// What to do with a run.
#[derive(Debug, Clone, Subcommand)]
pub enum QueueAction {
    /// Show how runs stand: tasks, results under way, workers.
    Status(StatusArgs),
    /// Give out no more tasks; those under way go on.
    Pause(RunArgs),
    /// Give out tasks again.
    Resume(RunArgs),
    /// Give back all tasks, and end the batch; the same `eval` continues it.
    Cancel(RunArgs),
    /// Delete everything of a run from the servers, stored replies included.
    ///
    /// What is finished is in the folder of the batch. Its `eval` makes all of it again, also while it runs.
    Reset(RunArgs),
}

/// Which run.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The id of the run, as in its `run.json`.
    #[arg(value_name = "RUN", value_parser = run)]
    pub run: String,
    /// Which servers.
    #[command(flatten)]
    pub servers: ServersFlag,
}

/// Which run, or all.
#[derive(Debug, Clone, Args)]
pub struct StatusArgs {
    /// The id of the run [default: all].
    #[arg(value_name = "RUN", value_parser = run)]
    pub run: Option<String>,
    /// Which servers.
    #[command(flatten)]
    pub servers: ServersFlag,
}

impl WorkerArgs {
    /// The flags that stand for settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        let mut settings = self.sandbox.settings();
        settings.extend(self.concurrency.clone().map(|text| ("--concurrency", "limits.concurrency", text)));
        settings
    }
}

/// The id of a run: it becomes a part of names on the server.
fn run(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(text.to_owned());
    }
    Err("give the `run_id` of the run, 16 hexadecimal digits".to_owned())
}

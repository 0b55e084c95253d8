//! What the verbs of batches on many machines share: connections, and what goes wrong with them.

use codeagent_benchmarks::cluster::{ClusterError, Link};

use crate::args::ServersFlag;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Connects to the servers of a flag.
///
/// # Errors
/// Exit 4 where none can be reached, exit 2 for files that are none of the kind.
pub async fn connect(servers: &ServersFlag, environment: &Environment) -> Result<Link, Failure> {
    Link::connect(&servers.nats, &servers.access.files(environment)).await.map_err(|error| failed(&error))
}

/// The failure that an error of the cluster makes.
#[must_use]
pub fn failed(error: &ClusterError) -> Failure {
    let (exit, hint) = match error {
        ClusterError::Unreachable { .. } => (
            Exit::Sandbox,
            "start nats-server with JetStream (`nats-server -js`), and check the address and its user",
        ),
        ClusterError::Access { .. } => (Exit::Usage, "check --creds, --nats-ca, --nats-cert and --nats-key"),
        ClusterError::Server { .. } => (Exit::Sandbox, "check the NATS servers; the same command continues"),
        ClusterError::NoRun { .. } => {
            (Exit::Usage, "`codeagent queue status` lists the runs; `codeagent eval --nats` prepares one")
        }
        ClusterError::Deaf { .. } => (
            Exit::Sandbox,
            "`codeagent queue status` says who works; the pause holds for whoever hears of it",
        ),
        ClusterError::Mismatch(_) => (
            Exit::Usage,
            "start the worker with the model, the sandbox and the version that the run was started with",
        ),
        ClusterError::NoShare { .. } => (
            Exit::Usage,
            "add --set budget.tokens=N or --set budget.per_problem_usd=USD: each worker keeps to it",
        ),
        _ => (Exit::Internal, "check that the disk has room and is writable; the same command continues"),
    };
    Failure::new(exit, "the work can't be shared with other machines").caused_by(error).hint(hint)
}

//! Who draws the samples of a batch: this process, or workers on many machines.

use std::future::Future;

use codeagent_benchmarks::batch::{Batch, BatchError, Ended, News, Unit};
#[cfg(feature = "nats")]
use codeagent_benchmarks::cluster::{Coordinator, Leasing, Link, Order};
use tokio::sync::mpsc;

use crate::answers::Source;
use crate::args::EvalArgs;
#[cfg(feature = "nats")]
use crate::cluster::failed;
#[cfg(feature = "nats")]
use crate::config::types::Config;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Who draws.
pub(super) enum Drawing {
    Here(Box<Batch>),
    #[cfg(feature = "nats")]
    Elsewhere(Box<Coordinator>),
}

impl Drawing {
    /// Prepares it. `spec` is that of the batch.
    ///
    /// # Errors
    /// Exit 2 where limits can't be kept by many, exit 4 where no server can be reached.
    #[cfg(feature = "nats")]
    pub(super) async fn prepare(
        batch: Batch,
        spec: &serde_json::Value,
        arguments: &EvalArgs,
        config: &Config,
        source: &Source,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let machines = &arguments.machines;
        if machines.nats.is_empty() {
            return Ok(Self::Here(Box::new(batch)));
        }
        let jobs = usize::try_from(config.limits.jobs).unwrap_or(usize::MAX);
        let order = Order::new(batch.id.clone(), spec, source.prices(config)?, jobs);
        let leasing = Leasing { silence: machines.lease.0, ..Leasing::default() };
        let coordinator = async {
            let link = Link::connect(&machines.nats, &machines.access.files(environment)).await?;
            Coordinator::new(link, batch, &order, leasing).await
        };
        Ok(Self::Elsewhere(Box::new(coordinator.await.map_err(|error| failed(&error))?)))
    }

    /// Prepares it.
    #[cfg(not(feature = "nats"))]
    pub(super) async fn prepare(
        batch: Batch,
        _: &serde_json::Value,
        _: &EvalArgs,
        _: &crate::config::types::Config,
        _: &Source,
        _: &Environment,
    ) -> Result<Self, Failure> {
        Ok(Self::Here(Box::new(batch)))
    }

    /// Has the samples drawn and judged, until all are or `stopped` asks for an end.
    ///
    /// # Errors
    /// Exit 70 if the store fails; what was told is kept.
    pub(super) async fn run(
        &self,
        units: Vec<Unit>,
        stopped: impl Future<Output = ()>,
        news: &mpsc::Sender<News>,
    ) -> Result<Ended, Failure> {
        match self {
            Self::Here(batch) => batch.run(units, stopped, news).await.map_err(|error| broken(&error)),
            #[cfg(feature = "nats")]
            Self::Elsewhere(coordinator) => {
                coordinator.run(units, stopped, news).await.map_err(|error| failed(&error))
            }
        }
    }
}

fn broken(error: &BatchError) -> Failure {
    Failure::new(Exit::Internal, "the batch can't go on")
        .caused_by(error)
        .hint("check that the disk has room and is writable; the same command continues")
}

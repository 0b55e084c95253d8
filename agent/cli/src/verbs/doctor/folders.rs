//! The clock, the cache and the store.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codeagent::store::{Store, StoreError};

use super::Check;
use crate::environment::Environment;
use crate::failure::Failure;

/// The first second of 2026: a clock before it is wrong.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);

/// Whether the clock can be right. Certificates and reports depend on it, searches do not.
pub(super) fn clock() -> Check {
    const NAME: &str = "clock";
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(now) if now >= EARLIEST => Check::ok(NAME, format!("{} seconds since 1970", now.as_secs())),
        _ => Check::warning(
            NAME,
            "the system's clock is behind",
            "set it: https servers will be refused otherwise",
        ),
    }
}

/// Whether the cache folder can be written.
pub(super) fn cache(environment: &Environment) -> Check {
    const NAME: &str = "cache";
    let Some(folder) = environment.cache_dir() else {
        return Check::failed(NAME, &nowhere("XDG_CACHE_HOME"));
    };
    match try_folder(&folder) {
        Ok(()) => Check::ok(NAME, folder.display().to_string()),
        Err(error) => Check::failed(NAME, &refused(&folder, &error)),
    }
}

/// Whether a store can be made, written and read where runs are kept.
pub(super) async fn store(environment: &Environment) -> Check {
    const NAME: &str = "store";
    let Some(folder) = environment.state_dir() else {
        return Check::failed(NAME, &nowhere("XDG_STATE_HOME"));
    };
    let made = std::fs::create_dir_all(&folder)
        .and_then(|()| tempfile::Builder::new().prefix("doctor-").tempdir_in(&folder));
    let trial = match made {
        Ok(trial) => trial,
        Err(error) => return Check::failed(NAME, &refused(&folder, &error)),
    };
    match try_store(trial.path()).await {
        Ok(()) => Check::ok(NAME, format!("SQLite in {}", folder.display())),
        Err(error) => Check::failed(NAME, &refused(&folder, &error)),
    }
}

async fn try_store(folder: &Path) -> Result<(), StoreError> {
    let store = Store::open(folder.join("run.db")).await?;
    store.put_reply("doctor", b"well").await?;
    store.reply("doctor").await?;
    store.close().await
}

fn try_folder(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    tempfile::tempfile_in(folder).map(drop)
}

fn nowhere(variable: &str) -> Failure {
    Failure::usage("there is no folder for it").hint(format!("set HOME or {variable}"))
}

fn refused(folder: &Path, error: &dyn std::error::Error) -> Failure {
    Failure::usage(format!("{} cannot be used", folder.display()))
        .caused_by(error)
        .hint("make it writable for you and check that the disk has space")
}

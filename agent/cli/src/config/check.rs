//! Settings that are each fine but not together.

use super::Loaded;
use super::key::Key;
use super::layer::Origin;
use super::units::Complaint;
use crate::failure::Failure;

/// Checks a whole configuration for conflicts.
///
/// # Errors
/// Exit 2, at the setting that should give way.
pub fn check(loaded: &Loaded) -> Result<(), Failure> {
    budgets(loaded)?;
    sandbox_times(loaded)?;
    profiles(loaded)?;
    trusted(loaded)?;
    prices(loaded)
}

/// Refuses what the format knows and this version does not do. For whoever starts a run, so that no setting is ignored
/// in silence; files that set such things can still be read and shown.
///
/// # Errors
/// Exit 2, at the setting.
pub fn offered(loaded: &Loaded) -> Result<(), Failure> {
    if !loaded.config.telemetry.otlp_endpoint.0.is_empty() {
        let reason = "this version sends no telemetry".to_owned();
        conflict(loaded, &["telemetry", "otlp_endpoint"], reason, "remove it")?;
    }
    Ok(())
}

fn conflict(loaded: &Loaded, key: &[&str], reason: String, remedy: &str) -> Result<(), Failure> {
    let complaint = Complaint::new(reason, remedy);
    Err(match loaded.setting(&Key::from(key)) {
        Some(setting) => setting.complain(complaint),
        None => Failure::usage(format!("`{}`: {}", Key::from(key), complaint.reason)).hint(complaint.remedy),
    })
}

fn budgets(loaded: &Loaded) -> Result<(), Failure> {
    match (loaded.config.budget.per_problem_usd, loaded.config.budget.run_usd) {
        (Some(one), Some(run)) if one > run => {
            let reason = format!("a problem may cost {one} USD but the whole run only {run}");
            conflict(loaded, &["budget", "per_problem_usd"], reason, "lower it, or raise `budget.run_usd`")
        }
        _ => Ok(()),
    }
}

fn sandbox_times(loaded: &Loaded) -> Result<(), Failure> {
    let (wall, cpu) = (loaded.config.sandbox.wall_seconds, loaded.config.sandbox.cpu_seconds);
    match cpu {
        Some(cpu) if cpu > wall => {
            let reason = format!("{cpu} s of CPU time cannot pass in {wall} s of wall-clock time");
            conflict(loaded, &["sandbox", "cpu_seconds"], reason, "lower it, or raise `sandbox.wall_seconds`")
        }
        _ => Ok(()),
    }
}

fn profiles(loaded: &Loaded) -> Result<(), Failure> {
    for (name, profile) in &loaded.config.model {
        let provider = profile.provider.name();
        if profile.provider.is_local_file() {
            if profile.base_url.is_some() {
                let reason = format!("the provider {provider} has no address");
                conflict(
                    loaded,
                    &["model", name, "base_url"],
                    reason,
                    "remove it, or name another provider",
                )?;
            }
            if profile.path.is_none() {
                let reason = format!("the provider {provider} needs a `path`");
                conflict(loaded, &["model", name, "provider"], reason, "add the path of its file or folder")?;
            }
        } else if profile.path.is_some() {
            let reason = format!("the provider {provider} reads no file");
            conflict(
                loaded,
                &["model", name, "path"],
                reason,
                "remove it, or set provider = \"candle\" or \"replay\"",
            )?;
        }
    }
    Ok(())
}

fn trusted(loaded: &Loaded) -> Result<(), Failure> {
    let key = Key::from(["trusted"].as_slice());
    let Some(setting) = loaded.setting(&key) else { return Ok(()) };
    let own =
        matches!(&setting.origin, Origin::File { path, .. } if loaded.user_file.as_deref() == Some(path));
    if !own && setting.origin != Origin::Default {
        return Err(setting.complain(Complaint::new("counts in your own file only", "move it there")));
    }
    match loaded.config.trusted.iter().find(|path| !std::path::Path::new(path).is_absolute()) {
        Some(_) => Err(setting.complain(Complaint::new("a path is not absolute", "write it from `/`"))),
        None => Ok(()),
    }
}

/// A price without its two parts cannot be used, and a layer may give one without the other.
fn prices(loaded: &Loaded) -> Result<(), Failure> {
    for (name, price) in &loaded.config.price {
        if price.cached_input.is_some_and(|cached| cached > price.input) {
            let reason = "cached prompt tokens cost more than others".to_owned();
            conflict(
                loaded,
                &["price", name, "cached_input"],
                reason,
                "is it the price per million tokens?",
            )?;
        }
    }
    Ok(())
}

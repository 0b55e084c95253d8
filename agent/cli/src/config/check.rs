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
    offered_by(loaded, cfg!(feature = "otel"))
}

/// As [`offered`], of a program that can send telemetry or can't.
fn offered_by(loaded: &Loaded, sends_telemetry: bool) -> Result<(), Failure> {
    if !loaded.config.telemetry.is_on() || sends_telemetry {
        return Ok(());
    }
    let reason = "this program was built without the feature `otel`".to_owned();
    let remedy = "build it with `--features otel`, or set `telemetry.enabled` to false";
    conflict(loaded, &["telemetry", "otlp_endpoint"], reason, remedy)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Flags, load};
    use crate::environment::Environment;

    #[test]
    fn telemetry_needs_a_program_that_can_send_it() {
        let loaded = |set: &[&str]| {
            let set = set.iter().map(|text| (*text).to_owned()).collect();
            load(&Environment::new(Vec::new(), "/".into()), &Flags { set, ..Flags::default() }).unwrap()
        };
        let asked = "telemetry.otlp_endpoint=http://127.0.0.1:4318";
        let failure = offered_by(&loaded(&[asked]), false).unwrap_err().to_string();
        assert!(
            failure.contains("feature `otel`") && failure.contains("telemetry.otlp_endpoint"),
            "{failure}"
        );
        assert!(offered_by(&loaded(&[asked]), true).is_ok());
        assert!(offered_by(&loaded(&[asked, "telemetry.enabled=false"]), false).is_ok());
        assert!(offered_by(&loaded(&[]), false).is_ok());
    }
}

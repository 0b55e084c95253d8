//! The problem that a verb works on.

use codeagent_benchmarks::{ProblemWithHidden, Protocol, load_problem_under};

use crate::environment::Environment;
use crate::failure::{Exit, Failure};

/// Reads FILE or DATASET#ID, with the tests visible that the protocol shows; warnings go to the log.
///
/// # Errors
/// Exit 6, one line: file, place, reason, remedy.
pub fn load(name: &str, protocol: Protocol, environment: &Environment) -> Result<ProblemWithHidden, Failure> {
    let name = environment.directory().join(name);
    let loaded = load_problem_under(&name.to_string_lossy(), protocol).map_err(|error| {
        let place = error.place.to_string();
        Failure::new(Exit::Data, error.reason.clone())
            .at(from_here(&place, environment))
            .hint(error.remedy.clone())
    })?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    Ok(loaded.problem)
}

/// A text that begins with a path, which is shown as the user would give it where it is below the working directory.
#[must_use]
pub fn from_here<'a>(text: &'a str, environment: &Environment) -> &'a str {
    text.strip_prefix(&format!("{}/", environment.directory().display())).unwrap_or(text)
}

//! The problems of a data set that flags choose.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use codeagent_benchmarks::{Dataset, ProblemWithHidden, Protocol, load_dataset_under};

use crate::args::SelectionFlags;
use crate::config::schema::nearest;
use crate::environment::Environment;
use crate::failure::{Exit, Failure};
use crate::input;

/// A data set, and those of its problems that were chosen.
pub struct Selection {
    /// Hash, protocol and warnings are those of the whole data set.
    pub dataset: Dataset,
    /// The chosen problems, in the order of the data set.
    pub problems: Vec<Arc<ProblemWithHidden>>,
}

/// Reads a data set and chooses among its problems; warnings go to the log.
///
/// # Errors
/// Exit 6 for a data set or list of ids that can't be used, exit 2 where no problem is left.
pub fn select(
    path: &Path,
    protocol: Protocol,
    flags: &SelectionFlags,
    environment: &Environment,
) -> Result<Selection, Failure> {
    let path = environment.directory().join(path);
    let mut dataset = load_dataset_under(&path, protocol).map_err(|error| Failure::data(&error))?;
    dataset.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let wanted = flags.ids.as_deref().map(|file| ids(file, &dataset, environment)).transpose()?;
    let count = dataset.problems.len();
    let problems: Vec<Arc<ProblemWithHidden>> = std::mem::take(&mut dataset.problems)
        .into_iter()
        .filter(|it| wanted.as_ref().is_none_or(|wanted| wanted.contains(&it.problem.id)))
        .filter(|it| flags.filter.as_ref().is_none_or(|filter| filter.is_match(&it.problem.id)))
        .take(flags.limit.map_or(usize::MAX, usize::from))
        .map(Arc::new)
        .collect();
    if problems.is_empty() {
        return Err(Failure::usage(format!("none of the {count} problems is chosen"))
            .at(path.display().to_string())
            .hint("check --filter and --ids"));
    }
    Ok(Selection { dataset, problems })
}

/// The ids of a file, one per line.
fn ids(file: &Path, dataset: &Dataset, environment: &Environment) -> Result<BTreeSet<String>, Failure> {
    let known: BTreeMap<&str, ()> = dataset.problems.iter().map(|it| (it.problem.id.as_str(), ())).collect();
    let text = input::text(file, environment)?;
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, id)| !id.is_empty());
    lines
        .map(|(line, id)| {
            if known.contains_key(id) {
                return Ok(id.to_owned());
            }
            let failure = Failure::new(Exit::Data, format!("the data set has no problem `{id}`"))
                .at(format!("{}:{line}", file.display()));
            Err(match nearest(id, known.keys().copied()) {
                Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
                None => failure.hint("give one id on each line, as the data set has them"),
            })
        })
        .collect()
}

//! `codeagent compare A B…`: results on the same problems, side by side.

use std::path::{Path, PathBuf};

use codeagent_benchmarks::{Comparison, Results, compare as compared, holm, read_results};
use serde::Serialize;

use crate::args::{CompareArgs, Globals};
use crate::environment::Environment;
use crate::escape;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Problems that only one side solves, shown as text.
const SHOWN_MAX: usize = 20;

/// One comparison with the first results, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    v: u32,
    a: String,
    b: String,
    #[serde(flatten)]
    comparison: &'a Comparison,
    /// The p-value of the permutation test, corrected by Holm for the number of comparisons.
    corrected_p: f64,
}

/// Compares the results.
///
/// # Errors
/// Exit 2 for results without a common problem, 6 for files that are no results.
pub fn compare(
    arguments: &CompareArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut all: Vec<(&PathBuf, Results)> = Vec::new();
    for path in &arguments.results {
        all.push((path, read(&environment.directory().join(path))?));
    }
    let Some(((first, a), rest)) = all.split_first() else {
        return Err(Failure::usage("there is nothing to compare").hint("name two files of results"));
    };
    let mut comparisons = Vec::new();
    for (path, b) in rest {
        let comparison = compared(a, b).ok_or_else(|| {
            Failure::usage(format!("{} and {} share no problem", first.display(), path.display()))
                .hint("compare results on the same data set")
        })?;
        comparisons.push((*path, comparison));
    }
    let p_values: Vec<f64> = comparisons.iter().map(|(_, it)| it.permutation_p).collect();
    for ((path, comparison), corrected_p) in comparisons.iter().zip(holm(&p_values)) {
        let name = |path: &Path| path.display().to_string();
        let shown = Shown { v: 1, a: name(first), b: name(path), comparison, corrected_p };
        if globals.json { output.json(&shown)? } else { print(&shown, comparisons.len(), output)? }
    }
    let lost = comparisons.first().map_or(0.0, |(_, it)| -it.difference.value);
    Ok(if arguments.gate.is_some_and(|gate| lost > gate) { Exit::Negative } else { Exit::Done })
}

fn read(path: &Path) -> Result<Results, Failure> {
    let results = read_results(path).map_err(|error| Failure::data(&error))?;
    if results.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no result").at(path.display().to_string()));
    }
    Ok(results)
}

fn print(shown: &Shown<'_>, comparisons: usize, output: &mut Output) -> Result<(), Failure> {
    let it = shown.comparison;
    let percent = |share: f64| share * 100.0;
    output.line(&format!("A {}: {:.2} %", escape::line(&shown.a), percent(it.a)))?;
    output.line(&format!("B {}: {:.2} %", escape::line(&shown.b), percent(it.b)))?;
    let apart =
        if it.unpaired > 0 { format!(", {} of only one left out", it.unpaired) } else { String::new() };
    output.line(&format!(
        "B - A: {:+.2} points  [{:+.2}, {:+.2}]  over {} problems{apart}",
        percent(it.difference.value),
        percent(it.difference.lo),
        percent(it.difference.hi),
        it.problems,
    ))?;
    let corrected = if comparisons > 1 {
        format!(", {:.4} corrected for {comparisons}", shown.corrected_p)
    } else {
        String::new()
    };
    let mcnemar = it.mcnemar_p.map_or_else(String::new, |p| format!("; McNemar p {p:.4}"));
    output.line(&format!("permutation p {:.4}{corrected}{mcnemar}", it.permutation_p))?;
    only("A", &it.only_a, output)?;
    only("B", &it.only_b, output)
}

fn only(name: &str, problems: &[String], output: &mut Output) -> Result<(), Failure> {
    if problems.is_empty() {
        return output.line(&format!("only {name} solves: none"));
    }
    let shown: Vec<String> = problems.iter().take(SHOWN_MAX).map(|id| escape::line(id)).collect();
    let more = problems.len().saturating_sub(SHOWN_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    output.line(&format!("only {name} solves: {}{rest}", shown.join(", ")))
}

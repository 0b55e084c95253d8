//! `codeagent compare A B…`: results on the same problems, side by side.

use std::collections::BTreeMap;
use std::path::Path;

use codeagent_benchmarks::batch::SampleRow;
use codeagent_benchmarks::{Comparison, Results, compare as compared, easiest_first, holm, read_results};
use serde::Serialize;

use crate::args::{CompareArgs, Globals};
use crate::batches;
use crate::config::{self, types};
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
    /// The same for the problems that the data set says to be alike in difficulty, by its word for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by_difficulty: BTreeMap<String, Comparison>,
    /// Tokens of B for each of A, on all samples; `None` where one of them is a file of results.
    token_ratio: Option<f64>,
    /// Money of B for each of A; `None` also where a price is unknown.
    cost_ratio: Option<f64>,
}

/// One side of a comparison.
struct Side<'a> {
    path: &'a Path,
    results: Results,
    difficulties: BTreeMap<String, String>,
    tokens: Option<f64>,
    usd: Option<f64>,
}

/// Compares the results.
///
/// # Errors
/// Exit 2 for results without a common problem, 6 for files that are no results.
pub async fn compare(
    arguments: &CompareArgs,
    globals: &Globals,
    environment: &Environment,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = config::load(environment, &globals.config_flags(Vec::new()))?.config;
    let mut all = Vec::new();
    for path in &arguments.results {
        all.push(read(path, &config.store, environment).await?);
    }
    let Some((first, rest)) = all.split_first() else {
        return Err(Failure::usage("there is nothing to compare").hint("name two files of results"));
    };
    let mut comparisons = Vec::new();
    for side in rest {
        let comparison = compared(&first.results, &side.results).ok_or_else(|| {
            Failure::usage(format!("{} and {} share no problem", first.path.display(), side.path.display()))
                .hint("compare results on the same data set")
        })?;
        comparisons.push((side, comparison));
    }
    let p_values: Vec<f64> = comparisons.iter().map(|(_, it)| it.permutation_p).collect();
    for ((side, comparison), corrected_p) in comparisons.iter().zip(holm(&p_values)) {
        let name = |side: &Side<'_>| side.path.display().to_string();
        let (token_ratio, cost_ratio) = (ratio(side.tokens, first.tokens), ratio(side.usd, first.usd));
        let (a, b) = (name(first), name(side));
        let by_difficulty = by_difficulty(first, side);
        let shown = Shown { v: 1, a, b, comparison, corrected_p, by_difficulty, token_ratio, cost_ratio };
        if globals.json { output.json(&shown)? } else { print(&shown, comparisons.len(), output)? }
    }
    let lost = comparisons.first().map_or(0.0, |(_, it)| -it.difference.value);
    Ok(if arguments.gate.is_some_and(|gate| lost > gate) { Exit::Negative } else { Exit::Done })
}

/// Comparisons of the problems of each difficulty. One side may be a file of results, which does not tell it.
fn by_difficulty(a: &Side<'_>, b: &Side<'_>) -> BTreeMap<String, Comparison> {
    let mut groups: BTreeMap<&str, (Results, Results)> = BTreeMap::new();
    let words: BTreeMap<&String, &String> = b.difficulties.iter().chain(&a.difficulties).collect();
    for (id, word) in words {
        if let (Some(one), Some(other)) = (a.results.get(id), b.results.get(id)) {
            let group = groups.entry(word).or_default();
            group.0.insert(id.clone(), *one);
            group.1.insert(id.clone(), *other);
        }
    }
    groups.into_iter().filter_map(|(word, (a, b))| Some((word.to_owned(), compared(&a, &b)?))).collect()
}

/// What B spends for each of A.
fn ratio(b: Option<f64>, a: Option<f64>) -> Option<f64> {
    b.zip(a).filter(|(_, a)| *a > 0.0).map(|(b, a)| b / a)
}

async fn read<'a>(
    path: &'a Path,
    config: &types::Store,
    environment: &Environment,
) -> Result<Side<'a>, Failure> {
    let whole = environment.directory().join(path);
    let side = if whole.is_dir() {
        let batch = batches::read(&whole, config, environment).await?;
        Side { difficulties: batch.file.difficulties, ..of_batch(path, &batch.rows) }
    } else {
        let results = read_results(&whole).map_err(|error| Failure::data(&error))?;
        Side { path, results, difficulties: BTreeMap::new(), tokens: None, usd: None }
    };
    if side.results.is_empty() {
        return Err(Failure::new(Exit::Data, "holds no result").at(path.display().to_string()));
    }
    Ok(side)
}

#[expect(clippy::cast_precision_loss, reason = "sums for a ratio")]
fn of_batch<'a>(path: &'a Path, rows: &[SampleRow]) -> Side<'a> {
    let mut results = Results::new();
    for row in rows.iter().filter(|row| row.is_resolved()) {
        let tally = results.entry(row.task_id.clone()).or_default();
        tally.samples += 1;
        tally.passed += u64::from(row.passed);
    }
    let tokens: u64 = rows.iter().map(|row| row.tokens.r#in + row.tokens.out).sum();
    let usd = rows.iter().map(|row| row.cost_usd).sum();
    Side { path, results, difficulties: BTreeMap::new(), tokens: Some(tokens as f64), usd }
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
    for (word, it) in easiest_first(&shown.by_difficulty) {
        output.line(&format!(
            "{}: A {:.2} %, B {:.2} %, B - A {:+.2} points  [{:+.2}, {:+.2}]  over {} problems",
            escape::line(word),
            percent(it.a),
            percent(it.b),
            percent(it.difference.value),
            percent(it.difference.lo),
            percent(it.difference.hi),
            it.problems,
        ))?;
    }
    let ratios = [("tokens", shown.token_ratio), ("money", shown.cost_ratio)];
    for (what, ratio) in ratios {
        if let Some(ratio) = ratio {
            output.line(&format!("{what}: B spends {ratio:.2} times what A does"))?;
        }
    }
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

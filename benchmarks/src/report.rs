//! Reports of a batch: one self-contained HTML page, or Markdown. Made from its rows alone.

mod chart;
mod html;
mod markdown;

use std::collections::BTreeMap;

use codeagent::Attempt;
use serde::Serialize;

use crate::batch::{AllPaid, BatchFile, BatchResults, SampleRow};
use crate::pass_at_k::Tally;

/// Most k of the curve of pass@k.
const K_MAX: u64 = 100;

/// A batch and what it came to.
#[derive(Debug, Clone)]
pub struct Report {
    file: BatchFile,
    results: BatchResults,
    rows: Vec<SampleRow>,
}

/// A report could not be made: a fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the report could not be written")]
pub struct ReportError(#[from] minijinja::Error);

/// What the samples of one problem came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ProblemLine<'r> {
    id: &'r str,
    samples: u64,
    passed: u64,
    errors: usize,
    calls: u64,
    tokens: u64,
    usd: Option<f64>,
    rows: Vec<&'r SampleRow>,
}

impl Report {
    /// The report of a batch. `ks` are the numbers of samples of which one must pass, for the table of pass@k.
    #[must_use]
    pub fn new(file: BatchFile, rows: Vec<SampleRow>, ks: &[u64]) -> Self {
        let results = BatchResults::of(&file, ks, &rows);
        Self { file, results, rows }
    }

    /// The same with what all attempts at its samples have paid for.
    #[must_use]
    pub fn with_attempts(mut self, attempts: &[Attempt]) -> Self {
        self.results.paid = AllPaid::of(attempts);
        self
    }

    /// What the batch came to.
    #[must_use]
    pub const fn results(&self) -> &BatchResults {
        &self.results
    }

    /// One HTML page without scripts and without anything from elsewhere; everything in it is escaped.
    ///
    /// # Errors
    /// [`ReportError`] if our template is at fault.
    pub fn to_html(&self) -> Result<String, ReportError> {
        html::page(self)
    }

    /// Markdown, for a readme or a pull request.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        markdown::text(self)
    }

    /// What names the batch: each as a label and a value.
    fn head(&self) -> Vec<(&'static str, String)> {
        let spec = |path: &str| match self.file.spec.pointer(path) {
            Some(serde_json::Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "unknown".to_owned(),
        };
        vec![
            ("data set", self.file.dataset.clone()),
            ("protocol", spec("/protocol")),
            ("strategy", spec("/strategy")),
            ("model", spec("/model")),
            ("sandbox", spec("/sandbox/backend")),
            ("seed", spec("/seed")),
            ("samples per problem", self.file.extent.samples.to_string()),
            ("run", self.file.run_id.clone()),
            ("version", spec("/version")),
        ]
    }

    /// The problems in the order of the data set.
    fn problems(&self) -> Vec<ProblemLine<'_>> {
        let mut by_problem: BTreeMap<&str, Vec<&SampleRow>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| row.sample < self.file.extent.samples) {
            by_problem.entry(row.task_id.as_str()).or_default().push(row);
        }
        let ids = self.file.extent.problems.iter();
        ids.map(|id| ProblemLine::of(id, by_problem.remove(id.as_str()).unwrap_or_default())).collect()
    }

    /// pass@k for every k that some problem has samples for.
    fn pass_at_every_k(&self) -> BatchResults {
        let most = u64::from(self.file.extent.samples).min(K_MAX);
        let ks: Vec<u64> = (1..=most).collect();
        BatchResults::of(&self.file, &ks, &self.rows)
    }
}

impl<'r> ProblemLine<'r> {
    fn of(id: &'r str, rows: Vec<&'r SampleRow>) -> Self {
        let resolved = rows.iter().filter(|row| row.is_resolved());
        let tally = resolved.fold(Tally::default(), |sum, row| Tally {
            samples: sum.samples + 1,
            passed: sum.passed + u64::from(row.passed),
        });
        Self {
            id,
            samples: tally.samples,
            passed: tally.passed,
            errors: rows.iter().filter(|row| !row.is_resolved()).count(),
            calls: rows.iter().map(|row| row.calls).sum(),
            tokens: rows.iter().map(|row| row.tokens.r#in + row.tokens.out).sum(),
            usd: rows.iter().map(|row| row.cost_usd).sum::<Option<f64>>().filter(|_| !rows.is_empty()),
            rows,
        }
    }
}

#[cfg(test)]
mod tests;

//! `results.json`: what a batch came to, computed from its rows alone, so that the same rows give the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use codeagent::{Attempt, Paid};
use serde::Serialize;

use super::row::{SampleRow, SampleStatus, Tokens};
use super::spec::{BatchFile, Extent};
use crate::datasets::easiest_first;
use crate::pass_at_k::{PassAtK, Tally, pass_at_k};

/// Version of the form.
const VERSION: u8 = 1;

/// Most points of a curve.
const CURVE_POINTS_MAX: usize = 200;

/// What a batch came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchResults {
    /// Version of the form.
    pub v: u8,
    /// The batch.
    pub run_id: String,
    /// Problems that were asked for.
    pub n_problems: usize,
    /// Samples that were asked for, all in all.
    pub n_samples: usize,
    /// Whether it is known what came of each of them.
    pub complete: bool,
    /// pass@k by k, over the problems with k samples.
    pub pass_at_k: BTreeMap<u64, PassAtK>,
    /// Problems with a sample that passed.
    pub solved: usize,
    /// The same for the problems that the data set says to be alike in difficulty, by its word for it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_difficulty: BTreeMap<String, Group>,
    /// Samples by what came of them; those without a row are not among them.
    pub statuses: BTreeMap<SampleStatus, u64>,
    /// Samples that did not pass, by the class of the first test that failed.
    pub failures: BTreeMap<String, u64>,
    /// Samples that ended in an error, by the part that failed.
    pub errors: BTreeMap<String, u64>,
    /// Model calls.
    pub calls: u64,
    /// Answers that were cut for repeating themselves; absent where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition: Option<Repetition>,
    /// Tokens.
    pub tokens: Tokens,
    /// Money.
    pub cost: Money,
    /// What the model was paid for, all attempts at all samples included; only where somebody asked the store for it, since it
    /// depends on interruptions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid: Option<AllPaid>,
    /// Share of samples whose program was found and passes, against what had been spent on the sample.
    pub curves: Curves,
}

/// What all attempts at the samples have paid for. An attempt that was killed left no word of what it paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AllPaid {
    /// Times that a search was carried out, or a part of it.
    pub attempts: usize,
    /// What they paid for.
    #[serde(flatten)]
    pub paid: Paid,
}

impl AllPaid {
    /// The sum of attempts; `None` of no attempts.
    #[must_use]
    pub fn of(attempts: &[Attempt]) -> Option<Self> {
        let paid = attempts.iter().map(|attempt| attempt.paid).reduce(Paid::and)?;
        let deliveries: BTreeSet<&str> =
            attempts.iter().filter_map(|attempt| attempt.delivery.as_deref()).collect();
        let here = attempts.iter().filter(|attempt| attempt.delivery.is_none()).count();
        Some(Self { attempts: here + deliveries.len(), paid })
    }
}

/// Answers that ended cut for repeating themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Repetition {
    /// How many.
    pub answers: u64,
    /// Samples whose searches they belong to.
    pub samples: usize,
}

impl Repetition {
    fn of(rows: &[&SampleRow]) -> Option<Self> {
        let samples = rows.iter().filter(|row| row.repeated > 0).count();
        let answers = rows.iter().map(|row| row.repeated).sum();
        (samples > 0).then_some(Self { answers, samples })
    }
}

impl fmt::Display for Repetition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answers, samples } = self;
        write!(f, "{answers} answers in {samples} samples were cut for repeating themselves")
    }
}

/// What some of the problems came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// Problems that were asked for.
    pub n_problems: usize,
    /// Problems with a sample that passed.
    pub solved: usize,
    /// Samples of which it is known what came of them.
    pub samples: u64,
    /// Those that passed.
    pub passed: u64,
    /// pass@k by k, over the problems with k samples.
    pub pass_at_k: BTreeMap<u64, PassAtK>,
}

/// What the samples cost, in USD. `None` where the price of a model is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Money {
    /// All in all.
    pub usd: Option<f64>,
    /// For each sample.
    pub usd_per_sample: Option<f64>,
    /// For each sample that passed.
    pub usd_per_passed: Option<f64>,
}

/// One curve for each thing that is spent.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Curves {
    /// Against model calls.
    pub calls: Vec<Point>,
    /// Against tokens in and out.
    pub tokens: Vec<Point>,
    /// Against money; empty where the price of a model is unknown.
    pub usd: Vec<Point>,
}

/// A point of a curve of steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// What had been spent on a sample.
    pub spent: f64,
    /// The mean over problems of the share of samples that pass by then, in `[0, 1]`.
    pub solved: f64,
}

impl BatchResults {
    /// The results of the rows of a batch. Rows of samples that it does not ask for are left out.
    #[must_use]
    pub fn of(batch: &BatchFile, ks: &[u64], rows: &[SampleRow]) -> Self {
        let Extent { problems, samples, .. } = &batch.extent;
        let mut by_problem: BTreeMap<&str, Vec<&SampleRow>> =
            problems.iter().map(|id| (id.as_str(), Vec::new())).collect();
        for row in rows.iter().filter(|row| row.sample < *samples) {
            if let Some(rows) = by_problem.get_mut(row.task_id.as_str()) {
                rows.push(row);
            }
        }
        let rows: Vec<&SampleRow> = by_problem.values().flatten().copied().collect();
        let resolved = || rows.iter().filter(|row| row.is_resolved());
        let tallies: Vec<Tally> =
            by_problem.values().map(|rows| tally(rows)).filter(|it| it.samples > 0).collect();
        let n_samples = problems.len().saturating_mul(*samples as usize);
        Self {
            v: VERSION,
            run_id: batch.run_id.clone(),
            n_problems: problems.len(),
            n_samples,
            complete: resolved().count() == n_samples,
            pass_at_k: estimates(&tallies, ks),
            solved: solved(&tallies),
            by_difficulty: by_difficulty(batch, ks, &by_problem),
            statuses: counted(rows.iter().map(|row| row.status)),
            failures: counted(
                resolved()
                    .filter(|row| !row.passed)
                    .map(|row| row.failure.clone().unwrap_or_else(|| "no_program".to_owned())),
            ),
            errors: counted(rows.iter().filter_map(|row| Some(word(&row.error.as_ref()?.kind)))),
            calls: rows.iter().map(|row| row.calls).sum(),
            repetition: Repetition::of(&rows),
            tokens: rows.iter().fold(Tokens::default(), |sum, row| Tokens {
                r#in: sum.r#in + row.tokens.r#in,
                cached: sum.cached + row.tokens.cached,
                out: sum.out + row.tokens.out,
            }),
            cost: Money::of(&rows),
            paid: None,
            curves: Curves::of(&by_problem),
        }
    }

    /// Samples whose search or judging ended in an error.
    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }
}

fn estimates(tallies: &[Tally], ks: &[u64]) -> BTreeMap<u64, PassAtK> {
    ks.iter().filter_map(|k| Some((*k, pass_at_k(tallies, *k)?))).collect()
}

fn solved(tallies: &[Tally]) -> usize {
    tallies.iter().filter(|tally| tally.passed > 0).count()
}

fn by_difficulty(
    batch: &BatchFile,
    ks: &[u64],
    by_problem: &BTreeMap<&str, Vec<&SampleRow>>,
) -> BTreeMap<String, Group> {
    let mut groups: BTreeMap<&str, Vec<Tally>> = BTreeMap::new();
    for (id, rows) in by_problem {
        if let Some(word) = batch.difficulties.get(*id) {
            groups.entry(word).or_default().push(tally(rows));
        }
    }
    groups.into_iter().map(|(word, tallies)| (word.to_owned(), Group::of(&tallies, ks))).collect()
}

impl Group {
    fn of(all: &[Tally], ks: &[u64]) -> Self {
        let drawn: Vec<Tally> = all.iter().copied().filter(|tally| tally.samples > 0).collect();
        Self {
            n_problems: all.len(),
            solved: solved(&drawn),
            samples: drawn.iter().map(|tally| tally.samples).sum(),
            passed: drawn.iter().map(|tally| tally.passed).sum(),
            pass_at_k: estimates(&drawn, ks),
        }
    }
}

impl BatchResults {
    /// The groups of problems, the easiest first.
    #[must_use]
    pub fn easiest_first(&self) -> Vec<(&str, &Group)> {
        easiest_first(&self.by_difficulty)
    }
}

fn tally(rows: &[&SampleRow]) -> Tally {
    let resolved = rows.iter().filter(|row| row.is_resolved());
    resolved.fold(Tally::default(), |sum, row| Tally {
        samples: sum.samples + 1,
        passed: sum.passed + u64::from(row.passed),
    })
}

fn counted<T: Ord>(things: impl Iterator<Item = T>) -> BTreeMap<T, u64> {
    things.fold(BTreeMap::new(), |mut counts, thing| {
        *counts.entry(thing).or_default() += 1;
        counts
    })
}

/// The name of a kind, as in JSON.
fn word(kind: &impl Serialize) -> String {
    let word = serde_json::to_value(kind).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or("unknown").to_owned()
}

impl Money {
    #[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
    fn of(rows: &[&SampleRow]) -> Self {
        // Nothing drawn costs nothing, but nobody knows what the next one will.
        let all: Option<f64> =
            rows.iter().map(|row| row.cost_usd).sum::<Option<f64>>().filter(|_| !rows.is_empty());
        let passed = rows.iter().filter(|row| row.passed).count();
        let each = |count: usize| all.filter(|_| count > 0).map(|all| all / count as f64);
        Self { usd: all, usd_per_sample: each(rows.len()), usd_per_passed: each(passed) }
    }
}

impl Curves {
    fn of(by_problem: &BTreeMap<&str, Vec<&SampleRow>>) -> Self {
        let is_priced = by_problem.values().flatten().all(|row| row.cost_usd.is_some());
        #[expect(clippy::cast_precision_loss, reason = "axes of a picture")]
        let curve =
            |spent: fn(&SampleRow) -> u64, unit: f64| curve(by_problem, |row| spent(row) as f64 / unit);
        Self {
            calls: curve(|row| row.found.calls, 1.0),
            tokens: curve(|row| row.found.tokens, 1.0),
            usd: if is_priced { curve(|row| row.found.micro_usd, 1e6) } else { Vec::new() },
        }
    }
}

/// The share that passes by each amount spent at which it grows.
#[expect(clippy::cast_precision_loss, reason = "numbers of samples")]
fn curve(by_problem: &BTreeMap<&str, Vec<&SampleRow>>, spent: impl Fn(&SampleRow) -> f64) -> Vec<Point> {
    let resolved: Vec<Vec<&&SampleRow>> = by_problem
        .values()
        .map(|rows| rows.iter().filter(|row| row.is_resolved()).collect::<Vec<_>>())
        .filter(|rows| !rows.is_empty())
        .collect();
    let mut steps: Vec<(f64, f64)> = Vec::new();
    for rows in &resolved {
        let weight = 1.0 / (rows.len() as f64 * resolved.len() as f64);
        steps.extend(rows.iter().filter(|row| row.passed).map(|row| (spent(row), weight)));
    }
    steps.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut points: Vec<Point> = Vec::new();
    let mut solved = 0.0;
    for (spent, weight) in steps {
        solved += weight;
        match points.last_mut() {
            Some(last) if last.spent.total_cmp(&spent).is_eq() => last.solved = solved,
            _ => points.push(Point { spent, solved }),
        }
    }
    thinned(points)
}

/// The first, the last, and evenly many between.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    let count = points.len();
    if count <= CURVE_POINTS_MAX {
        return points;
    }
    let last = CURVE_POINTS_MAX - 1;
    (0..CURVE_POINTS_MAX).filter_map(|at| points.get(at * (count - 1) / last).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{batch, row};
    use super::*;

    #[test]
    fn rows_become_results() {
        let rows = [
            row("a", 0, SampleStatus::Passed, 2),
            row("a", 1, SampleStatus::Failed, 9),
            row("b", 0, SampleStatus::Passed, 5),
            row("b", 1, SampleStatus::Error, 1),
            row("strange", 0, SampleStatus::Passed, 1),
            row("a", 2, SampleStatus::Passed, 1),
        ];
        let results = BatchResults::of(&batch(&["a", "b", "c"], 2), &[1, 2, 3], &rows);
        assert_eq!((results.n_problems, results.n_samples, results.complete), (3, 6, false));
        assert_eq!(results.solved, 2);
        // "b" has one sample that counts, "c" none at all.
        assert_eq!(results.pass_at_k.keys().copied().collect::<Vec<_>>(), [1, 2]);
        let first = results.pass_at_k[&1];
        assert_eq!((first.mean.value, first.problems, results.pass_at_k[&2].left_out), (0.75, 2, 1));
        assert_eq!(results.statuses[&SampleStatus::Passed], 2);
        assert_eq!(results.errors, BTreeMap::from([("provider".to_owned(), 1)]));
        assert_eq!(results.calls, 2 + 9 + 5 + 1);
        let points: Vec<_> = results.curves.calls.iter().map(|point| (point.spent, point.solved)).collect();
        assert_eq!(points, [(2.0, 0.25), (5.0, 0.75)]);
        assert!((results.cost.usd.unwrap() - 0.4).abs() < 1e-9);
    }

    #[test]
    fn problems_are_grouped_by_difficulty() {
        let rows = [
            row("a", 0, SampleStatus::Passed, 2),
            row("a", 1, SampleStatus::Failed, 9),
            row("b", 0, SampleStatus::Error, 5),
            row("c", 0, SampleStatus::Failed, 5),
            row("d", 0, SampleStatus::Passed, 5),
        ];
        let mut batch = batch(&["a", "b", "c", "d"], 2);
        let words = [("a", "interview"), ("b", "interview"), ("c", "introductory"), ("strange", "hard")];
        batch.difficulties = words.map(|(id, word)| (id.to_owned(), word.to_owned())).into();
        let results = BatchResults::of(&batch, &[1], &rows);
        let groups: Vec<_> = results
            .easiest_first()
            .into_iter()
            .map(|(word, it)| {
                (word, it.n_problems, it.solved, it.samples, it.passed, it.pass_at_k[&1].mean.value)
            })
            .collect();
        assert_eq!(groups, [("introductory", 1, 0, 1, 0, 0.0), ("interview", 2, 1, 2, 1, 0.5)]);
    }

    #[test]
    fn answers_that_were_cut_are_counted() {
        let cut = |sample, repeated| SampleRow { repeated, ..row("a", sample, SampleStatus::Passed, 2) };
        let results = |rows: &[SampleRow]| BatchResults::of(&batch(&["a"], 3), &[1], rows);
        let repetition = results(&[cut(0, 2), cut(1, 0), cut(2, 3)]).repetition;
        assert_eq!(repetition, Some(Repetition { answers: 5, samples: 2 }));
        assert_eq!(results(&[cut(0, 0)]).repetition, None);
        assert!(!serde_json::to_string(&results(&[cut(0, 0)])).unwrap().contains("repet"));
    }

    #[test]
    fn the_order_of_rows_changes_nothing() {
        let mut rows: Vec<SampleRow> = (0..30)
            .map(|it| row(["a", "b", "c"][it % 3], it as u32 / 3, SampleStatus::Passed, it as u64))
            .collect();
        let results = |rows: &[SampleRow]| {
            serde_json::to_string(&BatchResults::of(&batch(&["a", "b", "c"], 10), &[1, 10], rows)).unwrap()
        };
        let before = results(&rows);
        rows.reverse();
        assert_eq!(results(&rows), before);
    }

    #[test]
    fn without_a_price_there_is_no_money() {
        let free = SampleRow { cost_usd: None, ..row("a", 0, SampleStatus::Passed, 1) };
        let results = BatchResults::of(&batch(&["a"], 1), &[1], &[free]);
        assert_eq!((results.cost.usd, results.curves.usd), (None, Vec::new()));
        assert_eq!(results.curves.calls.len(), 1);
    }

    #[test]
    fn long_curves_are_thinned_and_keep_their_ends() {
        let points: Vec<Point> = (0..10_000).map(|at| Point { spent: f64::from(at), solved: 0.0 }).collect();
        let thin = thinned(points);
        assert_eq!((thin.len(), thin[0].spent, thin[199].spent), (200, 0.0, 9_999.0));
    }
}

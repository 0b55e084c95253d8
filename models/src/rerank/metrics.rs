//! What a ranking is worth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::order;
use crate::scorer::{Scorer, ScorerError};
use crate::train::{Example, Outcome};

/// One scored program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Its score; higher is better.
    pub score: f64,
    /// Whether it passes.
    pub passes: bool,
    /// Share of tests that it passes, in `[0, 1]`.
    pub pass_rate: f64,
    /// Its length in characters.
    pub length: usize,
    /// What decides between equal scores.
    pub id: u64,
}

/// Figures over problems, each counting the same; problems without a program count nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankFigures {
    /// Problems.
    pub problems: usize,
    /// Share of problems whose first program passes.
    pub top_1: f64,
    /// Share of problems with a program that passes: what no ranking can beat.
    pub oracle: f64,
    /// Mean share of programs that pass: what a draw by chance gives.
    pub random: f64,
    /// `(top_1 - random) / (oracle - random)`; `None` where there is nothing to gain.
    pub regret_closed: Option<f64>,
    /// Share of pairs of a passing and a failing program of one problem that are in the right order, equal scores counting
    /// half; `None` without such pairs.
    pub pairwise: Option<f64>,
    /// Normalised discounted cumulative gain with the pass rate as gain, over the problems that have any; `None` if none.
    pub ndcg: Option<f64>,
    /// Correlation of score and length within problems; `None` where one of them does not vary.
    pub length_correlation: Option<f64>,
}

impl RankFigures {
    /// The figures of a scorer on examples; to mean something they must be none of those that it was trained on.
    ///
    /// # Errors
    /// [`ScorerError`] where the arithmetic gave no number.
    pub fn measure(scorer: &dyn Scorer, examples: &[Example]) -> Result<Self, ScorerError> {
        let assess = |problem: &str, programs: &[&str]| {
            Ok(scorer.assess(problem, programs)?.into_iter().map(|it| it.score).collect())
        };
        Ok(Self::of(&by_problem(examples, &scores_of(examples, assess)?)))
    }

    /// The figures of problems' programs.
    #[must_use]
    pub fn of(problems: &[Vec<Ranked>]) -> Self {
        let problems: Vec<&[Ranked]> =
            problems.iter().map(Vec::as_slice).filter(|problem| !problem.is_empty()).collect();
        let share = |of: &dyn Fn(&[Ranked]) -> f64| mean(problems.iter().map(|it| of(it))).unwrap_or(0.0);
        let any = |problem: &[Ranked]| flag(problem.iter().any(|it| it.passes));
        let first = |problem: &[Ranked]| flag(in_order(problem).first().is_some_and(|it| it.passes));
        let drawn = |problem: &[Ranked]| mean(problem.iter().map(|it| flag(it.passes))).unwrap_or(0.0);
        let (top_1, oracle, random) = (share(&first), share(&any), share(&drawn));
        Self {
            problems: problems.len(),
            top_1,
            oracle,
            random,
            regret_closed: (oracle > random).then(|| (top_1 - random) / (oracle - random)),
            pairwise: pairwise(&problems),
            ndcg: mean(problems.iter().filter_map(|it| ndcg(it))),
            length_correlation: length_correlation(&problems),
        }
    }
}

/// A score for each example, in order; each problem is shown once with all of its programs.
pub(super) fn scores_of(
    examples: &[Example],
    score: impl Fn(&str, &[&str]) -> Result<Vec<f64>, ScorerError>,
) -> Result<Vec<f64>, ScorerError> {
    let mut all = vec![0.0; examples.len()];
    let mut problems: BTreeMap<&str, Vec<(&mut f64, &str)>> = BTreeMap::new();
    for (place, example) in all.iter_mut().zip(examples) {
        problems.entry(&example.problem).or_default().push((place, &example.program));
    }
    for (problem, places) in problems {
        let (places, programs): (Vec<&mut f64>, Vec<&str>) = places.into_iter().unzip();
        for (place, found) in places.into_iter().zip(score(problem, &programs)?) {
            *place = found;
        }
    }
    Ok(all)
}

/// Scored examples by problem.
pub(super) fn by_problem(examples: &[Example], scores: &[f64]) -> Vec<Vec<Ranked>> {
    let mut problems: BTreeMap<&str, Vec<Ranked>> = BTreeMap::new();
    for (example, score) in examples.iter().zip(scores) {
        problems.entry(&example.problem_id).or_default().push(Ranked {
            score: *score,
            passes: example.outcome == Outcome::Passed,
            pass_rate: example.pass_rate,
            length: example.program.chars().count(),
            id: example.shape,
        });
    }
    problems.into_values().collect()
}

fn in_order(problem: &[Ranked]) -> Vec<Ranked> {
    let scores: Vec<f64> = problem.iter().map(|it| it.score).collect();
    let ids: Vec<u64> = problem.iter().map(|it| it.id).collect();
    order(&scores, &ids).into_iter().filter_map(|index| problem.get(index).copied()).collect()
}

fn pairwise(problems: &[&[Ranked]]) -> Option<f64> {
    let pairs = problems.iter().flat_map(|problem| {
        let failing = || problem.iter().filter(|it| !it.passes);
        problem.iter().filter(|it| it.passes).flat_map(move |one| failing().map(move |other| (one, other)))
    });
    mean(pairs.map(|(one, other)| if one.score == other.score { 0.5 } else { flag(one.score > other.score) }))
}

fn ndcg(problem: &[Ranked]) -> Option<f64> {
    let gain = |rates: &[f64]| -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rank")]
        let discounted = |(rank, rate): (usize, &f64)| rate / ((rank + 2) as f64).log2();
        rates.iter().enumerate().map(discounted).sum()
    };
    let rates: Vec<f64> = in_order(problem).iter().map(|it| it.pass_rate).collect();
    let mut ideal = rates.clone();
    ideal.sort_by(|one, other| other.total_cmp(one));
    let ideal = gain(&ideal);
    (ideal > 0.0).then(|| gain(&rates) / ideal)
}

/// Pearson's, of differences from the problem's means.
#[expect(clippy::cast_precision_loss, reason = "a length")]
fn length_correlation(problems: &[&[Ranked]]) -> Option<f64> {
    let (mut both, mut scores, mut lengths) = (0.0, 0.0, 0.0);
    for problem in problems {
        let score = mean(problem.iter().map(|it| it.score))?;
        let length = mean(problem.iter().map(|it| it.length as f64))?;
        for it in *problem {
            let (score, length) = (it.score - score, it.length as f64 - length);
            both += score * length;
            scores += score * score;
            lengths += length * length;
        }
    }
    let spread = (scores * lengths).sqrt();
    (spread > 0.0).then(|| both / spread)
}

const fn flag(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}

#[expect(clippy::cast_precision_loss, reason = "a count")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(score: f64, pass_rate: f64, length: usize, id: u64) -> Ranked {
        Ranked { score, passes: pass_rate >= 1.0, pass_rate, length, id }
    }

    #[test]
    fn figures_of_a_small_table() {
        let right = vec![ranked(2.0, 1.0, 10, 0), ranked(1.0, 0.5, 20, 1)];
        let wrong = vec![ranked(1.0, 1.0, 20, 1), ranked(1.0, 0.0, 20, 0)];
        let hopeless = vec![ranked(1.0, 0.0, 20, 0)];
        let figures = RankFigures::of(&[right, wrong, hopeless, Vec::new()]);
        let third = 1.0 / 3.0;
        assert_eq!((figures.problems, figures.top_1, figures.oracle), (3, third, 2.0 * third));
        assert!((figures.random - third).abs() < 1e-12);
        assert_eq!(figures.regret_closed.map(|it| it.abs() < 1e-12), Some(true));
        assert_eq!(figures.pairwise, Some(0.75));
        assert_eq!(figures.ndcg, Some(f64::midpoint(1.0, 1.0 / 3_f64.log2())));
        assert_eq!(figures.length_correlation, Some(-1.0));
    }

    #[test]
    fn where_nothing_varies_nothing_is_said() {
        let figures = RankFigures::of(&[vec![ranked(1.0, 1.0, 5, 0)]]);
        assert_eq!((figures.regret_closed, figures.pairwise), (None, None));
        assert_eq!((figures.length_correlation, figures.top_1), (None, 1.0));
        assert_eq!(RankFigures::of(&[]).problems, 0);
    }
}

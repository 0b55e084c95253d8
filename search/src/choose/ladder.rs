//! The selection ladder: each rung decides only where all rungs above it are level.

use std::cmp::{Ordering, Reverse};

use crate::attempt::Outcome;
use crate::pool::Candidate;

/// Compares two candidates; the better one is the greater. A total order: no two candidates of a pool are equal.
///
/// The rungs, from the top:
/// 1. passes all visible tests;
/// 2. parses;
/// 3. share of visible tests passed;
/// 4. not rejected by its own verification (confidence above 0, or not asked) or by a critic, where no visible test
///    speaks against it;
/// 5. among those that fail: a critic's grade of the outputs, one that was not asked for counting as 2 of 5;
/// 6. agreement ([`Candidate::agreement`]): the size of its behaviour cluster, on probes where it was probed; where no
///    visible test can say anything, together with the share of the model's own tests that it passes, as in CodeT;
/// 7. consensus with the other implementations, where functions were composed by it (FunCoder, section 2);
/// 8. trusted tests that a model wrote passed ([`crate::suite::trusted`]);
/// 9. the model's confidence, a critic's yes counting as 1, one that was not asked as 0;
/// 10. share of the tests that a model wrote passed, trusted or not, the word of methods that write them, where nothing
///     better speaks;
/// 11. the score of a trained critic or reranker, one that gave none counting as 0;
/// 12. without tests: how many draws gave this very program, which is the majority vote;
/// 13. the model's mean log-probability of its tokens, where it is known (Chen et al. 2021, *Codex*, section 3.3): of two
///     that nothing else tells apart the likelier one;
/// 14. among those that pass: fewer slow tests, then fewer characters (among those that fail, short ones are stubs);
/// 15. first seen.
#[must_use]
pub fn compare(one: &Candidate, other: &Candidate) -> Ordering {
    standing(one, other)
        .then_with(|| one.agreement.total_cmp(&other.agreement))
        .then_with(|| consensus(one).total_cmp(&consensus(other)))
        .then_with(|| one.trusted.cmp(&other.trusted))
        .then_with(|| confidence(one).total_cmp(&confidence(other)))
        .then_with(|| one.generated_share().total_cmp(&other.generated_share()))
        .then_with(|| learned(one).total_cmp(&learned(other)))
        .then_with(|| votes(one).cmp(&votes(other)))
        .then_with(|| likelihood(one).total_cmp(&likelihood(other)))
        .then_with(|| economy(one).cmp(&economy(other)))
        .then_with(|| Reverse(one.node).cmp(&Reverse(other.node)))
}

/// Compares two candidates by the rungs above the size of the cluster, the first five.
pub(super) fn standing(one: &Candidate, other: &Candidate) -> Ordering {
    let level = |candidate: &Candidate| (candidate.attempt.passes_all(), candidate.attempt.parses);
    level(one)
        .cmp(&level(other))
        .then_with(|| one.attempt.pass_fraction().total_cmp(&other.attempt.pass_fraction()))
        .then_with(|| accepted(one).cmp(&accepted(other)))
        .then_with(|| grade(one).total_cmp(&grade(other)))
}

fn accepted(candidate: &Candidate) -> bool {
    candidate.attempt.outcome() == Outcome::Failed
        || (candidate.self_eval.is_none_or(|confidence| confidence > 0.0)
            && candidate.accepted != Some(false))
}

/// The grade of the middle, which a critic's unreadable answer counts as, too.
const NEUTRAL: f64 = 0.4;

fn grade(candidate: &Candidate) -> f64 {
    if candidate.attempt.outcome() == Outcome::Failed { candidate.grade.unwrap_or(NEUTRAL) } else { 0.0 }
}

fn confidence(candidate: &Candidate) -> f64 {
    let verdict = candidate.accepted.map(|accepted| if accepted { 1.0 } else { -1.0 });
    candidate.self_eval.or(verdict).unwrap_or(0.0)
}

fn consensus(candidate: &Candidate) -> f64 {
    candidate.consensus.unwrap_or(0.0)
}

fn learned(candidate: &Candidate) -> f64 {
    candidate.attempt.learned.unwrap_or(0.0)
}

const fn votes(candidate: &Candidate) -> u32 {
    if candidate.attempt.total == 0 { candidate.draws } else { 0 }
}

fn likelihood(candidate: &Candidate) -> f64 {
    candidate.attempt.mean_logprob.filter(|mean| !mean.is_nan()).unwrap_or(f64::NEG_INFINITY)
}

fn economy(candidate: &Candidate) -> Option<Reverse<(u32, u32)>> {
    let attempt = &candidate.attempt;
    attempt.passes_all().then_some(Reverse((attempt.slow, attempt.length)))
}

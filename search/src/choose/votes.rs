//! Self-consistency: the answers that most samples give are believed.
//!
//! Source: Wang et al. 2023, *Self-Consistency Improves Chain of Thought Reasoning*; weighted as in Singhi et al. 2025,
//! *When To Solve, When To Verify*. Unlike there, the answer of a program is what it does on shared inputs, and not a
//! text.

use super::evidence::{Class, Evidence, Sample, ranked};

/// Ranks classes of programs with the same answers to all shared inputs by how many samples they hold. Programs that
/// answer nothing have score 0.
#[must_use]
pub fn rank(evidence: &Evidence) -> Vec<Class> {
    weighted(evidence, |_| 1.0)
}

/// As [`rank`], each sample's vote counting as much as `weight` says; weights that are no positive number count as 0.
#[must_use]
pub fn weighted(evidence: &Evidence, weight: impl Fn(&Sample) -> f64) -> Vec<Class> {
    let vote = |index: &usize| {
        let sample = evidence.samples.get(*index).filter(|sample| sample.answers.iter().any(Option::is_some));
        sample.map(&weight).filter(|weight| *weight > 0.0 && weight.is_finite()).unwrap_or(0.0)
    };
    let class = |samples: Vec<usize>| Class { score: samples.iter().map(vote).sum(), samples };
    ranked(evidence.classes(|sample| &sample.answers).into_iter().map(class).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(answers: &[&[Option<u64>]]) -> Evidence {
        let sample = |answers: &&[Option<u64>]| Sample { answers: answers.to_vec(), ..Sample::default() };
        Evidence { samples: answers.iter().map(sample).collect(), tests: Vec::new() }
    }

    const A: &[Option<u64>] = &[Some(1), Some(2)];
    const B: &[Option<u64>] = &[Some(1), None];
    const NONE: &[Option<u64>] = &[None, None];

    fn check(found: &[Class], expected: &[(&[usize], f64)]) {
        let found: Vec<_> = found.iter().map(|class| (class.samples.as_slice(), class.score)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_answers_given_most_often_come_first() {
        check(
            &rank(&evidence(&[B, A, A, NONE, NONE, NONE])),
            &[(&[1, 2], 2.0), (&[0], 1.0), (&[3, 4, 5], 0.0)],
        );
    }

    #[test]
    fn ties_go_to_what_was_drawn_first() {
        check(&rank(&evidence(&[B, A, A, B])), &[(&[0, 3], 2.0), (&[1, 2], 2.0)]);
    }

    /// By hand: A holds 0.5 + 0.2, B holds 0.9; what is no weight counts nothing.
    #[test]
    fn votes_can_be_weighted() {
        let mut evidence = evidence(&[A, B, A, B, A]);
        for (sample, weight) in evidence.samples.iter_mut().zip([0.5, 0.9, 0.2, -1.0, f64::NAN]) {
            sample.log_prob = Some(weight);
        }
        let found = weighted(&evidence, |sample| sample.log_prob.unwrap_or(0.0));
        check(&found, &[(&[1, 3], 0.9), (&[0, 2, 4], 0.7)]);
    }
}

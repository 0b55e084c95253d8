//! Dual execution agreement: programs that agree on many generated tests, of which there are many, are believed.

use super::evidence::{Class, Evidence, ranked};

/// Ranks classes of programs that pass exactly the same generated tests, by `√programs × tests`: programs and tests
/// both counted as often as they were drawn. Classes of equal scores are one. Programs that pass no test have score 0
/// and stand last.
///
/// Source: Chen et al. 2023, *CodeT: Code Generation with Generated Tests*, section 2.2, and the square root of
/// section 3.2, which its code uses, as it does the joining of equal scores. There, programs that pass nothing are left
/// out of the ranking.
#[must_use]
pub fn rank(evidence: &Evidence) -> Vec<Class> {
    ranked_by(evidence, f64::sqrt)
}

/// As [`rank`], by `programs × tests`, as section 2.2 has it.
#[must_use]
pub fn rank_by_product(evidence: &Evidence) -> Vec<Class> {
    ranked_by(evidence, |programs| programs)
}

#[expect(clippy::cast_precision_loss, reason = "counts of draws are far below 2^52")]
fn ranked_by(evidence: &Evidence, weight: impl Fn(f64) -> f64) -> Vec<Class> {
    let score = |samples: Vec<usize>| {
        let tests = samples.first().and_then(|first| evidence.samples.get(*first));
        let tests = tests.map_or(0, |sample| evidence.tests_passed(sample));
        Class { score: weight(samples.len() as f64) * tests as f64, samples }
    };
    joined(ranked(evidence.classes(|sample| &sample.passed).into_iter().map(score).collect()))
}

/// A ranking in which classes of equal scores are one class.
fn joined(ranking: Vec<Class>) -> Vec<Class> {
    let mut joined: Vec<Class> = Vec::new();
    for class in ranking {
        match joined.last_mut() {
            Some(last) if last.score.total_cmp(&class.score).is_eq() => last.samples.extend(class.samples),
            _ => joined.push(class),
        }
    }
    for class in &mut joined {
        class.samples.sort_unstable();
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::super::evidence::{GeneratedTest, Sample, draws};
    use super::*;

    fn evidence(draws: &[u32], passed: &[&[bool]]) -> Evidence {
        let sample = |passed: &&[bool]| Sample { passed: passed.to_vec(), ..Sample::default() };
        Evidence {
            samples: passed.iter().map(sample).collect(),
            tests: draws.iter().map(|draws| GeneratedTest { draws: *draws, input: None }).collect(),
        }
    }

    #[test]
    fn four_programs_and_nine_tests_score_eighteen() {
        let found = rank(&evidence(&[1; 9], &[&[true; 9][..]; 4]));
        assert_eq!(found, [Class { samples: vec![0, 1, 2, 3], score: 18.0 }]);
        let product = rank_by_product(&evidence(&[1; 9], &[&[true; 9][..]; 4]));
        assert_eq!(product, [Class { samples: vec![0, 1, 2, 3], score: 36.0 }]);
    }

    /// By hand: class {0, 3} passes the first test, drawn 3 times: √2 × 3 = 4.24; class {1} passes the other two, drawn
    /// twice and thrice: 1 × 5; class {2, 4} nothing.
    #[test]
    fn tests_count_as_often_as_they_were_drawn() {
        let (first, rest, none) = ([true, false, false], [false, true, true], [false; 3]);
        let found = rank(&evidence(&[3, 2, 3], &[&first, &rest, &none, &first, &none]));
        let members: Vec<_> = found.iter().map(|class| class.samples.as_slice()).collect();
        assert_eq!(members, [&[1][..], &[0, 3], &[2, 4]]);
        assert!((found[1].score - 3.0 * 2.0_f64.sqrt()).abs() < 1e-12 && found[2].score == 0.0);
        // Programs that pass nothing wait for all others.
        assert_eq!(draws(&found), [1, 0, 3, 2, 4]);
    }

    /// By hand: one program that passes both draws of a test, √1 × 2, and four that pass one of another, √4 × 1.
    #[test]
    fn classes_of_equal_scores_are_one() {
        let (one, many) = ([true, false], [false, true]);
        let found = rank(&evidence(&[2, 1], &[&many, &one, &many, &many, &many]));
        assert_eq!(found, [Class { samples: vec![0, 1, 2, 3, 4], score: 2.0 }]);
    }

    #[test]
    fn nothing_is_ranked_without_samples_and_all_are_level_without_tests() {
        assert_eq!(rank(&Evidence::default()), []);
        assert_eq!(rank(&evidence(&[], &[&[], &[]])), [Class { samples: vec![0, 1], score: 0.0 }]);
    }
}

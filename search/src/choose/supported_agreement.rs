//! Dual agreement that looks closer and hears more witnesses: what wins where visible tests leave a choice.

use super::evidence::{Class, Evidence, Sample, ranked};

/// Ranks classes of programs that answer every input alike, by visible tests passed, then by support.
///
/// Support of a class: `Σ overlap(class, other) · √programs(other) · tests(other)` over all classes, itself among them,
/// where `overlap` is the share of inputs to which both give the same answer, and tests count as often as they were
/// drawn. So a wrong class that happens to pass many tests stands alone, and a right one is supported by classes that are
/// wrong on other inputs.
///
/// Unlike in [`dual_agreement`](super::dual_agreement), programs that pass the same tests and still answer differently
/// are told apart. The overlap is that of To et al. 2024, *Functional Overlap Reranking for Neural Code Generation*
/// (SRank), section 3; theirs is of clusters alone, without visible tests, and multiplies programs and tests without
/// the root. Where no program passes a test, it is a vote. Where there are no inputs, equal programs are a class.
///
/// A class's score is the number of visible tests passed, plus half its support as a share of the largest.
#[must_use]
pub fn rank(evidence: &Evidence) -> Vec<Class> {
    let classes: Vec<Members<'_>> = evidence
        .classes(|sample| {
            let text = sample.answers.is_empty().then_some(sample.fingerprint);
            (sample.parses, sample.visible_passed, &sample.answers, &sample.passed, text)
        })
        .into_iter()
        .filter_map(|samples| Members::new(samples, evidence))
        .collect();
    let tested = classes.iter().any(|class| class.tests > 0);
    let weight = |class: &Members<'_>| class.weight(tested);
    let support = |class: &Members<'_>| -> f64 {
        classes.iter().map(|other| overlap(class, other) * weight(other)).sum()
    };
    let supports: Vec<f64> = classes.iter().map(support).collect();
    let largest = supports.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let scored = classes.iter().zip(&supports).map(|(class, support)| Class {
        score: f64::from(class.first.visible_passed) + 0.5 * support / largest,
        samples: class.samples.clone(),
    });
    ranked(scored.collect())
}

/// A class, and what its members have in common.
struct Members<'a> {
    samples: Vec<usize>,
    first: &'a Sample,
    /// Draws of generated tests that they pass.
    tests: u64,
}

impl<'a> Members<'a> {
    fn new(samples: Vec<usize>, evidence: &'a Evidence) -> Option<Self> {
        let first = evidence.samples.get(*samples.first()?)?;
        let tests = evidence.tests_passed(first);
        Some(Self { samples, first, tests })
    }

    /// `√programs · tests`; without any tests `√programs`.
    #[expect(clippy::cast_precision_loss, reason = "counts of draws are far below 2^52")]
    fn weight(&self, tested: bool) -> f64 {
        let tests = if tested { self.tests } else { 1 };
        (self.samples.len() as f64).sqrt() * tests as f64
    }
}

/// The share of inputs to which both give the same answer, in `[0, 1]`. Without inputs: whether it is the same class, and
/// one that parses.
#[expect(clippy::cast_precision_loss, reason = "a number of inputs")]
fn overlap(one: &Members<'_>, other: &Members<'_>) -> f64 {
    let inputs = one.first.answers.len().max(other.first.answers.len());
    if inputs == 0 {
        return f64::from(u8::from(std::ptr::eq(one, other) && one.first.parses));
    }
    let pairs = one.first.answers.iter().zip(&other.first.answers);
    pairs.filter(|(one, other)| one.is_some() && one == other).count() as f64 / inputs as f64
}

#[cfg(test)]
mod tests {
    use super::super::evidence::GeneratedTest;
    use super::*;

    fn sample(answers: &[Option<u64>], passed: &[bool]) -> Sample {
        Sample { parses: true, answers: answers.to_vec(), passed: passed.to_vec(), ..Sample::default() }
    }

    fn check(evidence: &Evidence, expected: &[(&[usize], f64)]) {
        let found = rank(evidence);
        let members: Vec<_> = found.iter().map(|class| class.samples.as_slice()).collect();
        assert_eq!(members, expected.iter().map(|(samples, _)| *samples).collect::<Vec<_>>());
        for (class, (_, score)) in found.iter().zip(expected) {
            assert!((class.score - score).abs() < 1e-12, "{class:?} {score}");
        }
    }

    fn test(draws: u32, input: usize) -> GeneratedTest {
        GeneratedTest { draws, input: Some(input) }
    }

    /// By hand, with tests drawn 1 and 2 times on the first two of three inputs. Classes: A = {0, 3} answers 1 2 3 and
    /// passes both: weight √2 · 3; B = {1} answers 1 2 9 and passes both: 3; C = {2} answers 1 7 3 and passes the
    /// first: 1. Dual agreement has A and B in one class. Support of A: 3√2 + ⅔·3 + ⅔·1 = 6.909; of B: ⅔·3√2 + 3 + ⅓·1
    /// = 6.162; of C: ⅔·3√2 + ⅓·3 + 1 = 4.828.
    #[test]
    fn classes_that_answer_alike_support_each_other() {
        let a = sample(&[Some(1), Some(2), Some(3)], &[true, true]);
        let b = sample(&[Some(1), Some(2), Some(9)], &[true, true]);
        let c = sample(&[Some(1), Some(7), Some(3)], &[true, false]);
        let evidence = Evidence { samples: vec![a.clone(), b, c, a], tests: vec![test(1, 0), test(2, 1)] };
        let root = 2.0_f64.sqrt();
        let supports = [3.0 * root + 8.0 / 3.0, 2.0 * root + 10.0 / 3.0, 2.0 * root + 2.0];
        let share = |index: usize| 0.5 * supports[index] / supports[0];
        check(&evidence, &[(&[0, 3], share(0)), (&[1], share(1)), (&[2], share(2))]);
        assert_eq!(super::super::dual_agreement::rank(&evidence)[0].samples, [0, 1, 3]);
    }

    #[test]
    fn visible_tests_come_first() {
        let passes = Sample { visible_passed: 2, visible_total: 2, ..sample(&[Some(5)], &[false]) };
        let popular = Sample { visible_passed: 1, visible_total: 2, ..sample(&[Some(1)], &[true]) };
        let samples = vec![popular.clone(), popular.clone(), popular, passes];
        let found = rank(&Evidence { samples, tests: vec![test(9, 0)] });
        assert_eq!(found[0].samples, [3]);
    }

    #[test]
    fn without_tests_it_is_a_vote_and_without_inputs_one_of_equal_programs() {
        let none = sample(&[None, None], &[]);
        let (one, other) = (sample(&[Some(1), Some(2)], &[]), sample(&[Some(3), None], &[]));
        let samples = vec![none, other, one.clone(), one];
        check(
            &Evidence { samples, tests: Vec::new() },
            &[(&[2, 3], 0.5), (&[1], 0.25 / 2.0_f64.sqrt()), (&[0], 0.0)],
        );
        let text = |fingerprint, parses| Sample { fingerprint, parses, ..Sample::default() };
        let samples = vec![text(1, false), text(1, false), text(2, true), text(3, true), text(3, true)];
        let found = rank(&Evidence { samples, tests: Vec::new() });
        assert_eq!(
            found.iter().map(|class| class.samples.clone()).collect::<Vec<_>>(),
            [vec![3, 4], vec![2], vec![0, 1]]
        );
        assert_eq!(rank(&Evidence::default()), []);
    }
}

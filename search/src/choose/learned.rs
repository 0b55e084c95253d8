//! The ranking of a trained scorer: programs by its score.

use super::evidence::{Class, ranked};

/// One class per distinct program, best first; of equal scores the one seen first. `programs` names each sample's
/// program, and `scores` holds the score of each sample; samples of one program have one score.
#[must_use]
pub fn rank(programs: &[usize], scores: &[f64]) -> Vec<Class> {
    let mut classes: Vec<(usize, Class)> = Vec::new();
    for (sample, (program, score)) in programs.iter().zip(scores).enumerate() {
        match classes.iter_mut().find(|(known, _)| known == program) {
            Some((_, class)) => class.samples.push(sample),
            None => classes.push((*program, Class { samples: vec![sample], score: *score })),
        }
    }
    ranked(classes.into_iter().map(|(_, class)| class).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_come_by_score_and_equal_texts_together() {
        let classes = rank(&[0, 1, 0, 2, 3], &[0.2, 0.9, 0.2, 0.9, 0.1]);
        let samples: Vec<&[usize]> = classes.iter().map(|class| class.samples.as_slice()).collect();
        assert_eq!(samples, [&[1][..], &[3], &[0, 2], &[4]]);
        assert_eq!(rank(&[], &[]), []);
    }
}

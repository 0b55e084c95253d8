//! Recursive speculative decoding: a small model draws a tree of guesses without replacement, and the large one takes or
//! refuses them so that its texts come out with exactly its own probabilities.
//!
//! Source: Jeon et al., *Recursive Speculative Decoding: Accelerating LLM Inference via Sampling Without Replacement* (2024,
//! arXiv 2402.14160), the variant with stochastic beam search (Kool, van Hoof and Welling 2019, arXiv 1903.06059).

use rand_chacha::ChaCha8Rng;

use super::sample::uniform;

/// A sequence of guesses while the tree is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Beam {
    /// Log-probability of the sequence under the draft, in nats.
    pub(crate) logprob: f64,
    /// Its perturbed log-probability: sequences are drawn in falling order of it.
    pub(crate) perturbed: f64,
}

impl Beam {
    /// The empty sequence.
    pub(crate) const ROOT: Self = Self { logprob: 0.0, perturbed: 0.0 };
}

/// A sequence and one token more.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extended {
    /// Which of the sequences it continues.
    pub(crate) parent: usize,
    pub(crate) token: u32,
    pub(crate) beam: Beam,
}

/// The `width` sequences that come next without replacement: of all continuations of all beams those with the largest
/// perturbed log-probability, in this order. `shares` holds the draft's distribution behind each beam.
///
/// Without random numbers these are the likeliest ones, as in a plain beam search: guesses for a greedy row.
pub(crate) fn extend(
    beams: &[Beam],
    shares: &[Vec<f64>],
    width: usize,
    mut random: Option<&mut ChaCha8Rng>,
) -> Vec<Extended> {
    let mut best: Vec<Extended> = Vec::new();
    for (parent, (beam, shares)) in beams.iter().zip(shares).enumerate() {
        let possible = (0..).zip(shares).filter(|(_, share)| **share > 0.0);
        let likely = possible.map(|(token, share)| (token, beam.logprob + share.ln()));
        let Some(random) = random.as_deref_mut() else {
            best.extend(likely.map(|(token, logprob)| {
                let beam = Beam { logprob, perturbed: logprob };
                Extended { parent, token, beam }
            }));
            continue;
        };
        let perturbed: Vec<(u32, f64, f64)> =
            likely.map(|(token, logprob)| (token, logprob, logprob + gumbel(random))).collect();
        let largest = perturbed.iter().map(|(_, _, perturbed)| *perturbed).fold(f64::NEG_INFINITY, f64::max);
        best.extend(perturbed.into_iter().map(|(token, logprob, own)| {
            let perturbed = conditioned(own, largest, beam.perturbed);
            Extended { parent, token, beam: Beam { logprob, perturbed } }
        }));
    }
    best.sort_by(|a, b| b.beam.perturbed.total_cmp(&a.beam.perturbed));
    best.truncate(width);
    best
}

/// Draws a token from `target` of which it is known that `guesses` were drawn from `draft` without replacement, in this
/// order. A guess that is drawn was accepted; all tokens come with the probabilities of `target`.
///
/// `None` where `target` has no probability at all.
pub(crate) fn choose(
    target: Vec<f64>,
    draft: Vec<f64>,
    guesses: &[u32],
    random: &mut ChaCha8Rng,
) -> Option<u32> {
    let mut trial = Trial { target: target.clone(), draft };
    for guess in guesses {
        if uniform(random) < trial.acceptance(*guess) {
            return Some(*guess);
        }
        trial.refuse(*guess);
    }
    // Of distributions that are equal but for rounding nothing is left.
    let is_spent = trial.target.iter().all(|share| *share <= 0.0);
    let left = if is_spent { target } else { trial.target };
    let mut rest = uniform(random) * left.iter().sum::<f64>();
    let mut last = None;
    for (token, share) in (0..).zip(&left).filter(|(_, share)| **share > 0.0) {
        last = Some(token);
        rest -= share;
        if rest < 0.0 {
            break;
        }
    }
    last
}

/// The distributions of both models at a node, less what was refused there.
#[derive(Debug, Clone)]
struct Trial {
    target: Vec<f64>,
    draft: Vec<f64>,
}

impl Trial {
    /// The probability that a guess is accepted, if none before it was.
    fn acceptance(&self, guess: u32) -> f64 {
        let share = |shares: &[f64]| {
            usize::try_from(guess).ok().and_then(|at| shares.get(at)).copied().unwrap_or(0.0)
        };
        let (target, draft) = (share(&self.target), share(&self.draft));
        // What the draft cannot draw is no guess of its.
        if draft > 0.0 { (target / draft).min(1.0) } else { 0.0 }
    }

    /// What is left when a guess is refused: of the target what the draft did not cover, of the draft the other tokens.
    fn refuse(&mut self, guess: u32) {
        for (target, draft) in self.target.iter_mut().zip(&self.draft) {
            *target = (*target - draft).max(0.0);
        }
        if let Some(share) = usize::try_from(guess).ok().and_then(|at| self.draft.get_mut(at)) {
            *share = 0.0;
        }
        normalise(&mut self.target);
        normalise(&mut self.draft);
    }
}

fn normalise(shares: &mut [f64]) {
    let whole: f64 = shares.iter().sum();
    if whole > 0.0 {
        shares.iter_mut().for_each(|share| *share /= whole);
    }
}

/// A value given that the largest of its sisters, `largest`, is to be `bound`.
fn conditioned(own: f64, largest: f64, bound: f64) -> f64 {
    if own >= largest {
        return bound;
    }
    let shifted = bound - own + (-(own - largest).exp_m1()).ln();
    bound - shifted.max(0.0) - (-shifted.abs()).exp().ln_1p()
}

/// A number with the standard Gumbel distribution.
fn gumbel(random: &mut ChaCha8Rng) -> f64 {
    -(-uniform(random).max(f64::MIN_POSITIVE).ln()).ln()
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng as _;

    use super::*;

    const TARGET: [f64; 4] = [0.5, 0.3, 0.15, 0.05];
    const DRAFT: [f64; 4] = [0.1, 0.4, 0.3, 0.2];

    /// All ordered draws of `count` tokens without replacement, with their probabilities.
    fn draws(draft: &[f64], count: usize) -> Vec<(Vec<u32>, f64)> {
        let mut draws = vec![(Vec::new(), 1.0)];
        for _ in 0..count {
            draws = draws
                .into_iter()
                .flat_map(|(drawn, probability): (Vec<u32>, f64)| {
                    let left: f64 = 1.0 - drawn.iter().map(|token| draft[*token as usize]).sum::<f64>();
                    let next = (0..).zip(draft).filter(|(_, share)| **share > 0.0);
                    let next: Vec<_> = next
                        .filter(|(token, _)| !drawn.contains(token))
                        .map(|(token, share)| ([&drawn[..], &[token]].concat(), probability * share / left))
                        .collect();
                    // Where fewer can be drawn than were asked for.
                    if next.is_empty() { vec![(drawn, probability)] } else { next }
                })
                .collect();
        }
        draws
    }

    /// The distribution of what comes out, and the probability that it was a guess.
    fn outcome(target: &[f64], draft: &[f64], guesses: &[(Vec<u32>, f64)]) -> (Vec<f64>, f64) {
        let (mut out, mut accepted) = (vec![0.0; target.len()], 0.0);
        for (guesses, probability) in guesses {
            let (mut trial, mut left) =
                (Trial { target: target.to_vec(), draft: draft.to_vec() }, *probability);
            for guess in guesses {
                let taken = left * trial.acceptance(*guess);
                out[*guess as usize] += taken;
                accepted += taken;
                left -= taken;
                trial.refuse(*guess);
            }
            let whole: f64 = trial.target.iter().sum();
            for (place, share) in out.iter_mut().zip(&trial.target) {
                *place += if whole > 0.0 { left * share / whole } else { 0.0 };
            }
        }
        (out, accepted)
    }

    fn assert_is(out: &[f64], target: &[f64]) {
        assert!(out.iter().zip(target).all(|(a, b)| (a - b).abs() < 1e-12), "{out:?} instead of {target:?}");
    }

    #[test]
    fn what_comes_out_has_the_target_s_distribution() {
        let goldens = [0.600_000, 0.656_845, 0.748_988];
        for (count, golden) in (1..).zip(goldens) {
            let (out, accepted) = outcome(&TARGET, &DRAFT, &draws(&DRAFT, count));
            assert_is(&out, &TARGET);
            assert!((accepted - golden).abs() < 5e-7, "{count} guesses: {accepted}");
        }
        // Distributions with what one of the two cannot draw, and equal ones.
        let others: [(&[f64], &[f64]); 4] = [
            (&[0.2, 0.2, 0.2, 0.2, 0.2], &[0.0, 0.5, 0.0, 0.25, 0.25]),
            (&[0.0, 0.0, 1.0], &[0.6, 0.4, 0.0]),
            (&[0.7, 0.3], &[0.7, 0.3]),
            (&[0.9, 0.05, 0.0, 0.03, 0.02], &[0.02, 0.08, 0.4, 0.3, 0.2]),
        ];
        for (target, draft) in others {
            for count in 1..=3 {
                assert_is(&outcome(target, draft, &draws(draft, count)).0, target);
            }
        }
    }

    #[test]
    fn without_chance_the_likeliest_sequences_come() {
        let beams = [Beam { logprob: -0.5, ..Beam::ROOT }, Beam { logprob: -1.0, ..Beam::ROOT }];
        let drawn = extend(&beams, &[vec![0.1, 0.9], vec![0.7, 0.3]], 3, None);
        let order: Vec<(usize, u32)> =
            drawn.iter().map(|extended| (extended.parent, extended.token)).collect();
        assert_eq!(order, [(0, 1), (1, 0), (1, 1)]);
    }

    #[test]
    fn a_token_is_drawn_also_where_refusing_leaves_nothing() {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        for _ in 0..1000 {
            assert!(choose(vec![0.5, 0.5], vec![0.6, 0.6], &[0, 1], &mut random).is_some());
        }
    }

    #[test]
    fn fixed_guesses_would_come_out_wrong() {
        // Why guesses must be drawn: the rule is for what chance has picked.
        let (out, _) = outcome(&TARGET, &DRAFT, &[(vec![1, 2], 1.0)]);
        assert_is(&out, &[0.25, 0.75, 0.0, 0.0]);
    }

    #[test]
    fn choices_follow_the_target() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let mut counts = [0_u32; 4];
        for _ in 0..40_000 {
            let drawn = extend(&[Beam::ROOT], &[DRAFT.to_vec()], 2, Some(&mut random));
            let guesses: Vec<u32> = drawn.iter().map(|extended| extended.token).collect();
            counts[choose(TARGET.to_vec(), DRAFT.to_vec(), &guesses, &mut random).unwrap() as usize] += 1;
        }
        let chi2: f64 = counts
            .iter()
            .zip(TARGET)
            .map(|(count, share)| (f64::from(*count) - 40_000.0 * share).powi(2) / (40_000.0 * share))
            .sum();
        // 3 degrees of freedom: 16.27 is exceeded once in a thousand.
        assert!(chi2 < 16.27, "{chi2} {counts:?}");
        assert_eq!(choose(vec![0.0; 4], DRAFT.to_vec(), &[1], &mut random), None);
    }

    /// Sequences of two tokens come in the order and with the frequencies of drawing without replacement.
    #[test]
    fn pairs_of_sequences_follow_the_law_of_sampling_without_replacement() {
        const PAIRS: u32 = 60_000;
        let first = [0.5, 0.3, 0.2];
        let second = [[0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [1.0 / 3.0, 0.5, 1.0 / 6.0]];
        let share = |sequence: usize| first[sequence / 3] * second[sequence / 3][sequence % 3];
        let mut random = ChaCha8Rng::seed_from_u64(17);
        let mut counts = [[0_u32; 9]; 9];
        for _ in 0..PAIRS {
            let above = extend(&[Beam::ROOT], &[first.to_vec()], 2, Some(&mut random));
            let beams: Vec<Beam> = above.iter().map(|extended| extended.beam).collect();
            let shares: Vec<Vec<f64>> =
                above.iter().map(|extended| second[extended.token as usize].to_vec()).collect();
            let drawn = extend(&beams, &shares, 2, Some(&mut random));
            let sequence = |at: usize| (above[drawn[at].parent].token * 3 + drawn[at].token) as usize;
            assert!(drawn[0].beam.perturbed >= drawn[1].beam.perturbed);
            assert!((drawn[0].beam.logprob - share(sequence(0)).ln()).abs() < 1e-12);
            counts[sequence(0)][sequence(1)] += 1;
        }
        let expected = |i: usize, j: usize| share(i) * share(j) / (1.0 - share(i)) * f64::from(PAIRS);
        let pairs = (0..9).flat_map(|i| (0..9).map(move |j| (i, j))).filter(|(i, j)| i != j);
        let chi2: f64 =
            pairs.map(|(i, j)| (f64::from(counts[i][j]) - expected(i, j)).powi(2) / expected(i, j)).sum();
        // 71 degrees of freedom: 112.3 is exceeded once in a thousand.
        assert!(chi2 < 112.3, "{chi2}");
        assert!((0..9).all(|i| counts[i][i] == 0));
    }

    /// Two levels of guesses: pairs of tokens come with the probabilities that the target gives them.
    #[test]
    fn a_tree_of_guesses_changes_no_text_s_probability() {
        const TEXTS: u32 = 40_000;
        let target = |before: Option<u32>| match before {
            None => vec![0.5, 0.3, 0.2],
            Some(0) => vec![0.1, 0.8, 0.1],
            Some(1) => vec![0.3, 0.3, 0.4],
            Some(_) => vec![0.6, 0.0, 0.4],
        };
        let draft = |before: Option<u32>| match before {
            None => vec![0.3, 0.3, 0.4],
            Some(0) => vec![0.4, 0.4, 0.2],
            Some(1) => vec![0.0, 0.5, 0.5],
            Some(_) => vec![0.2, 0.5, 0.3],
        };
        let mut random = ChaCha8Rng::seed_from_u64(23);
        let mut counts = [[0_u32; 3]; 3];
        for _ in 0..TEXTS {
            let above = extend(&[Beam::ROOT], &[draft(None)], 2, Some(&mut random));
            let beams: Vec<Beam> = above.iter().map(|extended| extended.beam).collect();
            let shares: Vec<Vec<f64>> = above.iter().map(|extended| draft(Some(extended.token))).collect();
            let below = extend(&beams, &shares, 3, Some(&mut random));
            let guesses: Vec<u32> = above.iter().map(|extended| extended.token).collect();
            let first = choose(target(None), draft(None), &guesses, &mut random).unwrap();
            let behind: Vec<u32> = below
                .iter()
                .filter(|extended| above[extended.parent].token == first)
                .map(|extended| extended.token)
                .collect();
            let second = choose(target(Some(first)), draft(Some(first)), &behind, &mut random).unwrap();
            counts[first as usize][second as usize] += 1;
        }
        let expected = |i: u32, j: usize| target(None)[i as usize] * target(Some(i))[j] * f64::from(TEXTS);
        assert_eq!(counts[2][1], 0);
        let texts = (0..3_u32).flat_map(|i| (0..3).map(move |j| (i, j))).filter(|text| *text != (2, 1));
        let chi2: f64 = texts
            .map(|(i, j)| (f64::from(counts[i as usize][j]) - expected(i, j)).powi(2) / expected(i, j))
            .sum();
        // 7 degrees of freedom: 24.3 is exceeded once in a thousand.
        assert!(chi2 < 24.3, "{chi2} {counts:?}");
    }
}

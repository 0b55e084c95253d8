//! The random numbers that a policy draws: a function of the trials told, so that a search can be repeated.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Stream of decisions. Trials' own seeds come from other streams of the search's seed.
const DECISIONS: u64 = 1;

/// Draws for the decisions between two results.
pub(crate) struct Dice {
    stream: ChaCha8Rng,
}

impl Dice {
    /// The draws of one policy step. A trial's seed is a function of the search's seed and the trial's number, so the
    /// seed of the last trial told names the step.
    pub(crate) fn new(seed: u64) -> Self {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        stream.set_stream(DECISIONS);
        Self { stream }
    }

    /// Uniform in `(0, 1)`.
    pub(crate) fn uniform(&mut self) -> f64 {
        // 53 random bits and a half: neither end can come out.
        ((self.stream.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// One of `items`, each as likely.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let index = self.stream.next_u64() % (items.len().max(1) as u64);
        items.get(usize::try_from(index).ok()?).copied()
    }

    /// A standard normal variate. Source: Box and Muller 1958; the second of each pair is not kept.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A gamma variate of the given shape, above 0, and scale 1.
    ///
    /// Source: Marsaglia and Tsang 2000, *A simple method for generating gamma variables*, with the boost of their
    /// section 6 for shapes below 1.
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        // No such distribution; what follows would look for a draw for ever.
        if shape.is_nan() || shape <= 0.0 {
            return 0.0;
        }
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let v = (1.0 + c * x).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

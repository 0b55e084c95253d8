//! What a scorer learns from: programs with what the sandbox said of them.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// What came of a program.
///
/// Source: Le et al. 2022, *CodeRL*, section 3.2 and the published `utils`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It does not compile (CodeRL's result -2).
    CompileError,
    /// It raises, or runs into a limit (-1).
    RuntimeError,
    /// It ends, and a test fails (`false`).
    FailedTest,
    /// It passes every test (`true`).
    Passed,
}

impl Outcome {
    /// All, in the order of their labels.
    pub const ALL: [Self; 4] = [Self::CompileError, Self::RuntimeError, Self::FailedTest, Self::Passed];

    /// Its label, from 0.
    #[must_use]
    pub const fn label(self) -> u32 {
        match self {
            Self::CompileError => 0,
            Self::RuntimeError => 1,
            Self::FailedTest => 2,
            Self::Passed => 3,
        }
    }

    /// The outcome of a `result` as the published `gen_solutions.json` has them: `true` and 1 are different there.
    #[must_use]
    pub fn of_coderl(result: &serde_json::Value) -> Option<Self> {
        match (result.as_bool(), result.as_i64()) {
            (Some(true), _) => Some(Self::Passed),
            (Some(false), _) => Some(Self::FailedTest),
            (None, Some(-1)) => Some(Self::RuntimeError),
            (None, Some(-2)) => Some(Self::CompileError),
            _ => None,
        }
    }
}

/// One program for one problem.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// Id of the problem.
    pub problem_id: String,
    /// Its statement, as scorers will be shown it.
    pub problem: String,
    /// The whole program, as scorers will be shown it.
    pub program: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Share of tests that it passes, in `[0, 1]`, as far as it is known; 1 only if it passes.
    pub pass_rate: f64,
    /// Hash of the program that is the same for near-duplicates: of its normalised syntax tree.
    pub shape: u64,
}

/// A stream of randomness for one purpose.
pub(crate) fn stream(seed: u64, purpose: &str, number: u64) -> ChaCha8Rng {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(&number.to_le_bytes()).update(purpose.as_bytes());
    ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
}

/// Puts items in a random order.
pub(crate) fn shuffle<T>(items: &mut [T], stream: &mut ChaCha8Rng) {
    for last in (1..items.len()).rev() {
        // The bias of the remainder is below 2^-40 for any list that fits in memory.
        items.swap(last, usize::try_from(stream.next_u64() % (last as u64 + 1)).unwrap_or(0));
    }
}

/// The examples to train on and those held out, as indices. Programs of one problem stay together, so that what is
/// measured is how a scorer does on problems that it has not seen; if there is but one problem, equal programs do.
pub(crate) fn split(examples: &[Example], held_out: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut groups = group(examples, |example| example.problem_id.clone());
    if groups.len() < 2 {
        groups = group(examples, |example| example.shape.to_string());
    }
    shuffle(&mut groups, &mut stream(seed, "held out", 0));
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        clippy::cast_possible_truncation,
        reason = "a share of a number of groups"
    )]
    let count = (groups.len() as f64 * held_out).ceil() as usize;
    let count = count.min(groups.len().saturating_sub(1));
    let train = groups.split_off(count);
    let flat = |groups: Vec<Vec<usize>>| {
        let mut all = groups.concat();
        all.sort_unstable();
        all
    };
    (flat(train), flat(groups))
}

fn group(examples: &[Example], key: impl Fn(&Example) -> String) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, example) in examples.iter().enumerate() {
        groups.entry(key(example)).or_default().push(index);
    }
    groups.into_values().collect()
}

/// Batches whose members are sorted by length within this many.
const WINDOW: usize = 8;

/// Cuts items into batches in a random order, those of about the same length together, so that little is padding.
pub(crate) fn batches(lengths: &[usize], size: usize, stream: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let size = size.max(1);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    shuffle(&mut order, stream);
    for window in order.chunks_mut(size * WINDOW) {
        window.sort_by_key(|index| (lengths.get(*index), *index));
    }
    let mut batches: Vec<Vec<usize>> = order.chunks(size).map(<[usize]>::to_vec).collect();
    shuffle(&mut batches, stream);
    batches
}

//! Which modules stand for all the others in the next round's question.

use std::collections::BTreeSet;

use codeagent_search::policy::ModuleChoice;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::cluster::{groups, mean};
use super::extract::Module;
use super::features::{Vector, distance, vector};
use super::language::Language;
use super::normalise::normalised_hash;
use super::silhouette::best_groups;

/// A module and how good the program was that it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The module.
    pub module: Module,
    /// Share of visible tests that its program passed, in `[0, 1]`.
    pub pass_fraction: f64,
}

/// At most `count` representatives of `offers`, no two of them equal up to the names of local variables, clustered by the
/// features of their syntax. A function of its arguments alone.
#[must_use]
pub fn representatives(offers: &[Offer], count: usize, choice: ModuleChoice, seed: u64) -> Vec<&Module> {
    let vectors = match choice {
        ModuleChoice::Random => Vec::new(),
        _ => offers.iter().map(|offer| vector(&offer.module, Language::Python)).collect(),
    };
    representatives_by(offers, &vectors, count, choice, seed)
}

/// As [`representatives`], clustered by vectors, one per offer in their order, such as an embedding model's.
#[must_use]
pub fn representatives_by<'a>(
    offers: &'a [Offer],
    vectors: &[Vector],
    count: usize,
    choice: ModuleChoice,
    seed: u64,
) -> Vec<&'a Module> {
    let chosen = match choice {
        ModuleChoice::Random => {
            let mut order: Vec<usize> = (0..offers.len()).collect();
            order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
            order
        }
        _ => one_of_each(offers, vectors, count, choice, seed),
    };
    let mut seen = BTreeSet::new();
    chosen
        .into_iter()
        .filter_map(|index| offers.get(index))
        .map(|offer| &offer.module)
        .filter(|module| seen.insert(normalised_hash(&module.source)))
        .take(count)
        .collect()
}

fn one_of_each(
    offers: &[Offer],
    vectors: &[Vector],
    clusters: usize,
    choice: ModuleChoice,
    seed: u64,
) -> Vec<usize> {
    let best = |group: Vec<usize>| {
        let centroid = mean(group.iter().filter_map(|index| vectors.get(*index)))?;
        let rank = |index: &usize| {
            let passed = offers.get(*index).map_or(0.0, |offer| offer.pass_fraction);
            let far = vectors.get(*index).map_or(f64::INFINITY, |vector| distance(vector, &centroid));
            (if choice == ModuleChoice::BestPassing { -passed } else { 0.0 }, far)
        };
        // The first of the least.
        group.into_iter().min_by(|left, right| {
            let (left, right) = (rank(left), rank(right));
            left.0.total_cmp(&right.0).then(left.1.total_cmp(&right.1))
        })
    };
    let groups = match choice {
        ModuleChoice::Silhouette => best_groups(vectors, clusters, seed),
        _ => groups(vectors, clusters, seed),
    };
    groups.into_iter().filter_map(best).collect()
}

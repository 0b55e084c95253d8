//! k-means over modules.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::extract::Module;
use super::features::{Vector, distance, product, vector};
use super::language::Language;
use super::outline::Unit;

/// Most rounds of assigning and averaging; a problem's few dozen modules settle in under ten.
const ROUNDS_MAX: usize = 100;

/// Sorts modules into at most `clusters` groups of similar ones: indices into `modules`, ascending within a group, groups
/// by their first member. Fewer groups where fewer modules differ. A function of its arguments alone.
///
/// Source: Le et al. 2024, *CodeChain*, section 3.2; k-means++ of Arthur and Vassilvitskii 2007.
#[must_use]
pub fn cluster(modules: &[Module], clusters: usize, seed: u64) -> Vec<Vec<usize>> {
    let vectors: Vec<Vector> = modules.iter().map(|module| vector(module, Language::Python)).collect();
    groups(&vectors, clusters, seed)
}

/// A group of modules that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct Cluster {
    /// Indices of its modules, ascending.
    pub members: Vec<usize>,
    /// The member that is nearest to the mean of all: what stands for them.
    pub representative: usize,
    /// Mean similarity of its members to the mean of all, in `[0, 1]`; 1 where all are alike.
    pub cohesion: f64,
}

/// As [`cluster`], of the units of outlines, with a representative for each group. Largest groups first.
#[must_use]
pub fn clusters(units: &[&Unit], count: usize, seed: u64) -> Vec<Cluster> {
    let vectors: Vec<Vector> = units.iter().map(|unit| unit.vector.clone()).collect();
    clusters_by(&vectors, count, seed)
}

/// As [`clusters`], of units that have these vectors, such as an embedding model's.
#[must_use]
pub fn clusters_by(vectors: &[Vector], count: usize, seed: u64) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> =
        groups(vectors, count, seed).into_iter().filter_map(|members| described(members, vectors)).collect();
    clusters
        .sort_by_key(|cluster| (std::cmp::Reverse(cluster.members.len()), cluster.members.first().copied()));
    clusters
}

#[expect(clippy::cast_precision_loss, reason = "a number of modules")]
fn described(members: Vec<usize>, vectors: &[Vector]) -> Option<Cluster> {
    let own: Vec<(usize, &Vector)> =
        members.iter().filter_map(|index| Some((*index, vectors.get(*index)?))).collect();
    let centre = mean(own.iter().map(|(_, vector)| *vector))?;
    let far = |(_, vector): &(usize, &Vector)| distance(vector, &centre);
    // The first of the nearest.
    let representative = own.iter().min_by(|one, other| far(one).total_cmp(&far(other)))?.0;
    let length = centre.iter().map(|value| value * value).sum::<f64>().sqrt();
    let along = |(_, vector): &(usize, &Vector)| {
        if length > 0.0 { (product(vector, &centre) / length).clamp(0.0, 1.0) } else { 1.0 }
    };
    let cohesion = own.iter().map(along).sum::<f64>() / own.len() as f64;
    Some(Cluster { members, representative, cohesion })
}

/// As [`cluster`], over vectors.
pub(super) fn groups(vectors: &[Vector], clusters: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut centres = first_centres(vectors, clusters, &mut ChaCha8Rng::seed_from_u64(seed));
    let mut assigned = assign(vectors, &centres);
    for _ in 0..ROUNDS_MAX {
        for (number, centre) in centres.iter_mut().enumerate() {
            let members = vectors.iter().zip(&assigned).filter(|(_, cluster)| **cluster == number);
            // A centre that lost its members stays where it is.
            if let Some(mean) = mean(members.map(|(vector, _)| vector)) {
                *centre = mean;
            }
        }
        let next = assign(vectors, &centres);
        if next == assigned {
            break;
        }
        assigned = next;
    }
    let mut groups = vec![Vec::new(); centres.len()];
    for (index, cluster) in assigned.into_iter().enumerate() {
        if let Some(group) = groups.get_mut(cluster) {
            group.push(index);
        }
    }
    groups.retain(|group: &Vec<usize>| !group.is_empty());
    groups.sort();
    groups
}

/// The mean of vectors, or `None` of none.
pub(super) fn mean<'a>(vectors: impl Iterator<Item = &'a Vector>) -> Option<Vector> {
    let mut count = 0.0;
    let mut sum: Option<Vector> = None;
    for vector in vectors {
        count += 1.0;
        match &mut sum {
            None => sum = Some(vector.clone()),
            Some(sum) => sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value),
        }
    }
    sum.map(|sum| sum.into_iter().map(|value| value / count).collect())
}

/// k-means++: each further centre is drawn with a probability that grows with its squared distance from those there are.
fn first_centres(vectors: &[Vector], clusters: usize, random: &mut ChaCha8Rng) -> Vec<Vector> {
    let mut centres: Vec<Vector> = Vec::new();
    if vectors.is_empty() || clusters == 0 {
        return centres;
    }
    centres.extend(vectors.get(random.random_range(0..vectors.len())).cloned());
    while centres.len() < clusters {
        let weights: Vec<f64> = vectors.iter().map(|vector| nearest(vector, &centres).1).collect();
        let total: f64 = weights.iter().sum();
        if total <= f64::EPSILON {
            break;
        }
        let mut left = random.random::<f64>() * total;
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave a rest: then it is the last one that is not a centre already.
        let drawn = drawn.or_else(|| weights.iter().rposition(|weight| *weight > 0.0));
        centres.extend(drawn.and_then(|index| vectors.get(index)).cloned());
    }
    centres
}

fn assign(vectors: &[Vector], centres: &[Vector]) -> Vec<usize> {
    vectors.iter().map(|vector| nearest(vector, centres).0).collect()
}

/// Number and squared distance of the nearest centre; the first on ties.
fn nearest(vector: &[f64], centres: &[Vector]) -> (usize, f64) {
    let mut best = (0, f64::INFINITY);
    for (number, centre) in centres.iter().enumerate() {
        let distance = distance(vector, centre);
        if distance < best.1 {
            best = (number, distance);
        }
    }
    best
}

//! How many clusters part the modules best.

use super::cluster::groups;
use super::features::{Vector, distance};

/// The groups of the number of clusters, from 1 to `clusters_max`, whose mean silhouette is the largest; the fewest of
/// equals.
///
/// A member's silhouette is `(b - a) / max(a, b)`, with `a` its mean distance to its own group and `b` the least mean
/// distance to another one; it lies in `[-1, 1]`, and is 0 for a lone member and for a single group.
///
/// Source: Rousseeuw 1987, *Silhouettes*, section 2.
pub(super) fn best_groups(vectors: &[Vector], clusters_max: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut best: (f64, Vec<Vec<usize>>) = (0.0, groups(vectors, clusters_max.min(1), seed));
    for clusters in 2..=clusters_max.min(vectors.len()) {
        let candidate = groups(vectors, clusters, seed);
        let mean = mean_silhouette(vectors, &candidate);
        if mean > best.0 {
            best = (mean, candidate);
        }
    }
    best.1
}

fn mean_silhouette(vectors: &[Vector], groups: &[Vec<usize>]) -> f64 {
    let members =
        groups.iter().enumerate().flat_map(|(own, group)| group.iter().map(move |index| (own, *index)));
    let sum: f64 = members.map(|(own, index)| silhouette(vectors, groups, own, index)).sum();
    sum / vectors.len().max(1) as f64
}

fn silhouette(vectors: &[Vector], groups: &[Vec<usize>], own: usize, index: usize) -> f64 {
    let mean_to = |group: &[usize]| {
        let others: Vec<f64> = group
            .iter()
            .filter(|other| **other != index)
            .map(|other| apart(vectors, index, *other))
            .collect();
        (!others.is_empty()).then(|| others.iter().sum::<f64>() / others.len() as f64)
    };
    let within = groups.get(own).and_then(|group| mean_to(group));
    let elsewhere = groups.iter().enumerate().filter(|(group, _)| *group != own);
    let without = elsewhere.filter_map(|(_, group)| mean_to(group)).min_by(f64::total_cmp);
    match (within, without) {
        (Some(a), Some(b)) if a.max(b) > 0.0 => (b - a) / a.max(b),
        _ => 0.0,
    }
}

/// Euclidean distance.
fn apart(vectors: &[Vector], one: usize, other: usize) -> f64 {
    match (vectors.get(one), vectors.get(other)) {
        (Some(one), Some(other)) => distance(one, other).max(0.0).sqrt(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(values: &[f64]) -> Vec<Vector> {
        values.iter().map(|value| vec![*value]).collect()
    }

    #[test]
    fn silhouettes_are_as_defined() {
        // Of 0: a = 1, b = (10 + 11) / 2; of 1: a = 1, b = (9 + 10) / 2; the others by symmetry.
        let mean = mean_silhouette(&points(&[0.0, 1.0, 10.0, 11.0]), &[vec![0, 1], vec![2, 3]]);
        let expected = ((10.5 - 1.0) / 10.5 + (9.5 - 1.0) / 9.5) / 2.0;
        assert!((mean - expected).abs() < 1e-12, "{mean} instead of {expected}");
        let lone = silhouette(&points(&[0.0, 4.0, 5.0]), &[vec![0], vec![1, 2]], 0, 0);
        assert!(lone.abs() < 1e-12);
    }

    #[test]
    fn the_number_of_clusters_follows_the_data() {
        let two = points(&[0.0, 0.1, 0.2, 9.0, 9.1, 9.2]);
        let three = points(&[0.0, 0.1, 5.0, 5.1, 9.0, 9.1]);
        for seed in 0..10 {
            assert_eq!(best_groups(&two, 5, seed), [vec![0, 1, 2], vec![3, 4, 5]]);
            assert_eq!(best_groups(&three, 5, seed).len(), 3);
            assert_eq!(best_groups(&three, 2, seed).len(), 2, "no more than asked for");
        }
        assert_eq!(best_groups(&points(&[1.0, 1.0, 1.0]), 5, 0), [vec![0, 1, 2]], "nothing to part");
        assert!(best_groups(&[], 5, 0).is_empty() && best_groups(&two, 0, 0).is_empty());
    }
}

//! Plans merged by their common beginnings.
//!
//! Source: Hu et al. 2023, *Tree-Planner: Efficient Close-loop Task Planning with Large Language Models*, section 3.2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One step of merged plans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step before it, by its place in the list, which is before this one's; `None` for a first step.
    pub parent: Option<usize>,
    /// Plans that go through it.
    pub plans: u32,
    /// The first of these plans.
    pub plan: usize,
    /// Its place in that plan.
    pub place: usize,
}

/// Merges plans, given as the hashes of their steps, by their common beginnings. Steps come in the order in which they
/// are first seen; plans that are equal, and plans without steps, leave no step of their own.
#[must_use]
pub fn merge(plans: &[Vec<u64>]) -> Vec<PlannedStep> {
    let mut steps: Vec<PlannedStep> = Vec::new();
    let mut known: BTreeMap<(Option<usize>, u64), usize> = BTreeMap::new();
    for (plan, hashes) in plans.iter().enumerate() {
        let mut parent = None;
        for (place, hash) in hashes.iter().enumerate() {
            let index = *known.entry((parent, *hash)).or_insert(steps.len());
            match steps.get_mut(index) {
                Some(step) => step.plans += 1,
                None => steps.push(PlannedStep { parent, plans: 1, plan, place }),
            }
            parent = Some(index);
        }
    }
    steps
}

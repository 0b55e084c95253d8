//! The round of comparisons between the leading clusters: which pairs to compare, and how their points decide.
//!
//! Source: Li et al. 2025, *S\**, "adaptive input synthesis": candidates of different behaviour are judged pairwise on
//! inputs that tell them apart, and points decide. The original compares all pairs of survivors, which is quadratic in
//! them; here one representative stands for each cluster, and only the leading clusters take part.

use super::{by_ladder, ladder};
use crate::pool::Candidate;
use crate::tree::{NodeId, Tree};

#[cfg(test)]
mod tests;

/// The pairs of programs to compare next, the better ones first: one for each two of the first `clusters` clusters that
/// are level with the best program on all rungs above the cluster's size, whatever their sizes. Empty where the ladder
/// alone decides, as there are fewer than two of them.
///
/// Each pair is to be compared with [`Operator::Compare`](crate::Operator::Compare); what comes of it is in the tree,
/// and [`best`](super::best) heeds it.
#[must_use]
pub fn pairs(tree: &Tree, clusters: usize) -> Vec<(NodeId, NodeId)> {
    let ranked = by_ladder(tree);
    let leading: Vec<NodeId> = leaders(&ranked).iter().take(clusters).map(|leader| leader.node).collect();
    let rest = |index: usize| leading.get(index + 1..).unwrap_or_default();
    leading
        .iter()
        .enumerate()
        .flat_map(|(index, one)| rest(index).iter().map(|other| (*one, *other)))
        .collect()
}

/// Every distinct program that is level with the best one on all rungs above the cluster's size, the best first: those
/// that only their behaviour tells apart, which are worth a probe.
#[must_use]
pub fn level(tree: &Tree) -> Vec<NodeId> {
    let ranked = by_ladder(tree);
    let Some(top) = ranked.first() else { return Vec::new() };
    ranked.iter().take_while(|it| ladder::standing(it, top).is_eq()).map(|it| it.node).collect()
}

/// The place of the candidate that the comparisons put first, among candidates in the order of the ladder.
///
/// They decide between clusters that are level with the ladder's best on all rungs above the cluster's size, and only if
/// its own cluster took part: a cluster has the points of all its members, the ladder breaks ties, and the ladder's best
/// member stands for its cluster. `None` where they decide nothing.
pub(super) fn winner(ranked: &[Candidate]) -> Option<usize> {
    let leaders = leaders(ranked);
    let score = |leader: &Candidate| {
        let members = ranked.iter().filter(|it| it.behaviour() == leader.behaviour());
        members.fold((0, 0.0), |(count, points), it| (count + it.comparisons, points + it.points))
    };
    let scores: Vec<(u32, f64)> = leaders.iter().map(|leader| score(leader)).collect();
    let (compared, mut most) = *scores.first()?;
    if compared == 0 {
        return None;
    }
    let mut first = leaders.first()?;
    for (leader, (compared, points)) in leaders.iter().zip(&scores).skip(1) {
        if *compared > 0 && *points > most {
            (first, most) = (leader, *points);
        }
    }
    ranked.iter().position(|candidate| candidate.node == first.node)
}

/// The best program of each cluster that is level with the best program of all, in the order of the ladder. Empty where
/// nothing is known of the best program's behaviour.
fn leaders(ranked: &[Candidate]) -> Vec<&Candidate> {
    let mut leaders: Vec<&Candidate> = Vec::new();
    let Some(top) = ranked.first() else { return leaders };
    for candidate in ranked.iter().take_while(|it| ladder::standing(it, top).is_eq()) {
        let is_known = candidate.behaviour().is_some();
        if is_known && leaders.iter().all(|leader| leader.behaviour() != candidate.behaviour()) {
            leaders.push(candidate);
        }
    }
    leaders.retain(|_| top.behaviour().is_some());
    leaders
}

//! The children of one node as arms: a draw for each, and the largest of them at hand.

use super::Dice;
use crate::tree::NodeId;

/// Up to so many arms, every arm is drawn anew each time, as the methods are published. Beyond, the arms take turns
/// and the others keep the draw of their last turn, which still is a draw from their belief; so a step costs the same
/// at a node with fifty thousand children, where a draw for each would take milliseconds.
const DRAWN_ALL: usize = 32;
/// How many take their turn in one step, besides those whose scores have changed and the one chosen last.
const TURNS: usize = 8;

/// The children that can be descended to, each with its last draw, as the leaves of a tournament.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arms {
    children: Vec<NodeId>,
    /// A binary tree in an array: the root is 1, the children of `i` are `2i` and `2i + 1`, the leaves begin in the
    /// middle, and every node holds the largest draw below it.
    largest: Vec<f64>,
    /// Arms whose belief is another than at their last draw.
    due: Vec<usize>,
    turn: usize,
}

/// The draw of an arm that must not be chosen, or was not drawn yet.
const CLOSED: f64 = f64::NEG_INFINITY;

impl Arms {
    /// Adds an arm and gives its place among its siblings.
    pub(crate) fn push(&mut self, child: NodeId) -> usize {
        let place = self.children.len();
        self.children.push(child);
        if self.children.len() > self.leaves() {
            let draws: Vec<f64> = self.largest.iter().skip(self.leaves()).copied().collect();
            let leaves = self.children.len().next_power_of_two();
            self.largest = vec![CLOSED; 2 * leaves];
            for (place, draw) in draws.into_iter().enumerate() {
                self.set(place, draw);
            }
        }
        self.due.push(place);
        place
    }

    /// Says that the belief of an arm has changed.
    pub(crate) fn changed(&mut self, place: usize) {
        self.due.push(place);
    }

    /// The arm with the largest draw. `draw` gives an arm's, or `None` for one that must not be chosen. `None` if no arm
    /// may be chosen.
    pub(crate) fn best(
        &mut self,
        dice: &mut Dice,
        mut draw: impl FnMut(NodeId, &mut Dice) -> Option<f64>,
    ) -> Option<(NodeId, f64)> {
        let mut fresh = std::mem::take(&mut self.due);
        let arms = self.children.len();
        let turns = if arms <= DRAWN_ALL { arms } else { TURNS };
        if turns == arms {
            fresh.clear();
        }
        fresh.extend((0..turns).map(|step| (self.turn + step) % arms));
        self.turn = fresh.last().map_or(0, |last| last + 1);
        for place in fresh {
            if let Some(child) = self.children.get(place) {
                let drawn = draw(*child, dice).unwrap_or(CLOSED);
                self.set(place, drawn);
            }
        }
        let place = self.winner()?;
        // It is chosen for this draw; the next choice needs another.
        self.due.push(place);
        Some((*self.children.get(place)?, *self.largest.get(1)?))
    }

    fn leaves(&self) -> usize {
        self.largest.len() / 2
    }

    fn set(&mut self, place: usize, draw: f64) {
        let mut at = self.leaves() + place;
        if let Some(leaf) = self.largest.get_mut(at) {
            *leaf = draw;
        }
        while at > 1 {
            at /= 2;
            let larger = self.draw_at(2 * at).max(self.draw_at(2 * at + 1));
            if let Some(node) = self.largest.get_mut(at) {
                *node = larger;
            }
        }
    }

    fn winner(&self) -> Option<usize> {
        let largest = self.draw_at(1);
        if largest == CLOSED {
            return None;
        }
        let mut at = 1;
        while at < self.leaves() {
            at = if self.draw_at(2 * at) >= largest { 2 * at } else { 2 * at + 1 };
        }
        Some(at - self.leaves())
    }

    fn draw_at(&self, at: usize) -> f64 {
        self.largest.get(at).copied().unwrap_or(CLOSED)
    }
}

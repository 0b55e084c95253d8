//! A tree of tokens that may come next, which the model reads in one pass instead of a step a token.
//!
//! A token of the tree stands behind its ancestors, sees them and all of the past, and none of its sisters. Which branch
//! came true is told by the tokens that are then drawn, each from the logits at the one before.

/// A tree of guesses behind a text whose last token is the root. Nodes are in the order in which they were added, parents
/// before children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft {
    nodes: Vec<Node>,
}

/// A tree of guesses, and for each node behind which there are drawn ones the distribution that they come from.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) draft: Draft,
    pub(crate) shares: Vec<Vec<f64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Node {
    token: u32,
    /// The root is its own.
    parent: usize,
    depth: usize,
}

impl Draft {
    /// The root.
    pub(crate) const ROOT: usize = 0;

    /// A tree of the text's last token alone.
    pub(crate) fn new(token: u32) -> Self {
        Self { nodes: vec![Node { token, parent: Self::ROOT, depth: 0 }] }
    }

    /// Adds a guess behind a node and gives its index.
    pub(crate) fn push(&mut self, parent: usize, token: u32) -> usize {
        let depth = self.nodes.get(parent).map_or(0, |parent| parent.depth + 1);
        self.nodes.push(Node { token, parent, depth });
        self.nodes.len() - 1
    }

    /// How many tokens are to be read, the root included.
    pub(crate) const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The tokens to read.
    pub(crate) fn tokens(&self) -> Vec<u32> {
        self.nodes.iter().map(|node| node.token).collect()
    }

    /// Their positions, where the root has `first`.
    pub(crate) fn positions(&self, first: usize) -> Vec<u32> {
        self.nodes.iter().map(|node| u32::try_from(first + node.depth).unwrap_or(u32::MAX)).collect()
    }

    /// What each may see: of `cached` columns those from `start` on, and of the tree its ancestors and itself.
    pub(crate) fn mask(&self, start: usize, cached: usize) -> Vec<bool> {
        let width = cached + self.len();
        let mut visible = vec![false; self.len() * width];
        for (node, row) in visible.chunks_exact_mut(width).enumerate() {
            row.iter_mut().take(cached).skip(start).for_each(|column| *column = true);
            let mut at = node;
            loop {
                row.iter_mut().skip(cached + at).take(1).for_each(|column| *column = true);
                let Some(parent) = self.nodes.get(at).map(|node| node.parent).filter(|parent| *parent != at)
                else {
                    break;
                };
                at = parent;
            }
        }
        visible
    }

    /// The guesses behind a node, in the order in which they were added.
    pub(crate) fn behind(&self, parent: usize) -> Vec<u32> {
        let nodes = self.nodes.iter().skip(parent + 1);
        nodes.filter(|node| node.parent == parent).map(|node| node.token).collect()
    }

    /// The first guess of this token behind a node.
    fn child(&self, parent: usize, token: u32) -> Option<usize> {
        let mut behind = self.nodes.iter().enumerate().skip(parent + 1);
        behind.find(|(_, node)| node.parent == parent && node.token == token).map(|(index, _)| index)
    }

    /// The guesses that came true, the root first: `next` draws the token behind a node, or `None` where the text ends.
    pub(crate) fn follow(&self, mut next: impl FnMut(usize) -> Option<u32>) -> Vec<usize> {
        let mut path = vec![Self::ROOT];
        let mut at = Self::ROOT;
        while let Some(child) = next(at).and_then(|token| self.child(at, token)) {
            path.push(child);
            at = child;
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 7 → (1 → 2, 3), with a second branch that begins with 2.
    fn tree() -> Draft {
        let mut draft = Draft::new(7);
        let one = draft.push(Draft::ROOT, 1);
        draft.push(Draft::ROOT, 2);
        draft.push(one, 2);
        draft.push(one, 3);
        draft
    }

    #[test]
    fn a_token_sees_its_ancestors_and_what_the_row_has_read() {
        let draft = tree();
        assert_eq!(draft.tokens(), [7, 1, 2, 2, 3]);
        assert_eq!((draft.behind(0), draft.behind(1), draft.behind(2)), (vec![1, 2], vec![2, 3], vec![]));
        assert_eq!(draft.positions(10), [10, 11, 11, 12, 12]);
        let mask = draft.mask(1, 2);
        let rows: Vec<String> = mask
            .chunks(7)
            .map(|row| row.iter().map(|seen| if *seen { 'x' } else { '.' }).collect())
            .collect();
        assert_eq!(rows, [".xx....", ".xxx...", ".xx.x..", ".xxx.x.", ".xxx..x"]);
    }

    #[test]
    fn the_branch_that_comes_true_is_followed_to_its_end() {
        let follow = |text: &[u32]| {
            let mut text = text.iter().copied();
            tree().follow(|_| text.next())
        };
        assert_eq!(follow(&[1, 3, 9]), [0, 1, 4]);
        assert_eq!(follow(&[2, 3]), [0, 2]);
        assert_eq!(follow(&[5]), [0]);
        assert_eq!(follow(&[1]), [0, 1], "the text ended");
    }
}

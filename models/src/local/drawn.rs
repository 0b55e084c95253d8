//! What has been drawn of a prompt's answers, as a tree of tokens, so that what comes next is another answer.
//!
//! Each drawn answer takes its probability out of the branch that leads to it; the next one is drawn from what is left
//! (sampling without replacement as in `UniqueRandomizer`: Shi, Bieber and Sutton, ICML 2020, section 3).

/// What is used up of a branch counts as all of it from here on: the shares are sums of rounded numbers.
const ALL: f64 = 1.0 - 1e-9;

/// A drawn token and its share of the probability of those that could be drawn.
pub type Share = (u32, f64);

/// The drawn answers.
#[derive(Debug, Clone)]
pub struct DrawnTree {
    /// The root first.
    nodes: Vec<Vec<Branch>>,
}

#[derive(Debug, Clone, Copy)]
struct Branch {
    token: u32,
    /// Share of the token at its node.
    share: f64,
    /// Share of the answers behind it, by probability, that were drawn.
    used: f64,
    /// Where it leads; `None` behind the last token of an answer.
    node: Option<usize>,
}

/// A place in the tree: behind the tokens that some drawn answer begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(usize);

impl Default for DrawnTree {
    fn default() -> Self {
        Self { nodes: vec![Vec::new()] }
    }
}

impl DrawnTree {
    /// Before the first token.
    pub const ROOT: Place = Place(0);

    /// The tokens that drawn answers go on with, each with the share of what is behind it that is used up.
    pub fn used(&self, place: Place) -> impl Iterator<Item = Share> + '_ {
        self.branches(place).iter().map(|branch| (branch.token, branch.used))
    }

    /// The place behind a token; `None` where no drawn answer goes on from there.
    #[must_use]
    pub fn behind(&self, place: Place, token: u32) -> Option<Place> {
        self.branches(place).iter().find(|branch| branch.token == token)?.node.map(Place)
    }

    /// Takes down an answer. `false` where it was known, or is not one.
    pub fn insert(&mut self, answer: &[Share]) -> bool {
        let Some(((last, share), way)) = answer.split_last() else { return false };
        let mut node = 0;
        let mut path = Vec::with_capacity(way.len());
        for (token, share) in way {
            let next = self.nodes.len();
            let Some(branches) = self.nodes.get_mut(node) else { return false };
            let known = branches.iter().position(|branch| branch.token == *token);
            let index = known.unwrap_or(branches.len());
            if known.is_none() {
                branches.push(Branch { token: *token, share: *share, used: 0.0, node: Some(next) });
                self.nodes.push(Vec::new());
            }
            path.push((node, index));
            let Some(behind) = self.nodes.get(node).and_then(|branches| branches.get(index)?.node) else {
                // A known answer is its beginning: both end here.
                return false;
            };
            node = behind;
        }
        let Some(branches) = self.nodes.get_mut(node) else { return false };
        if branches.iter().any(|branch| branch.token == *last) {
            return false;
        }
        branches.push(Branch { token: *last, share: *share, used: 1.0, node: None });
        for (above, index) in path.into_iter().rev() {
            let used = self.used_at(node);
            if let Some(branch) = self.nodes.get_mut(above).and_then(|branches| branches.get_mut(index)) {
                branch.used = used;
            }
            node = above;
        }
        true
    }

    fn used_at(&self, node: usize) -> f64 {
        let used: f64 = self.branches(Place(node)).iter().map(|branch| branch.share * branch.used).sum();
        if used > ALL { 1.0 } else { used }
    }

    fn branches(&self, place: Place) -> &[Branch] {
        self.nodes.get(place.0).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn used(tree: &DrawnTree, place: Place) -> Vec<Share> {
        tree.used(place).collect()
    }

    #[test]
    fn an_answer_uses_up_its_probability_along_its_way() {
        let mut tree = DrawnTree::default();
        assert!(tree.insert(&[(1, 0.5), (2, 0.25), (9, 1.0)]));
        assert!(tree.insert(&[(1, 0.5), (3, 0.5), (9, 0.5)]));
        assert_eq!(used(&tree, DrawnTree::ROOT), [(1, 0.5)]);
        let behind = tree.behind(DrawnTree::ROOT, 1).unwrap();
        assert_eq!(used(&tree, behind), [(2, 1.0), (3, 0.5)]);
        assert_eq!(tree.behind(DrawnTree::ROOT, 2), None);
        // With all that is behind it, a token is used up.
        assert!(tree.insert(&[(1, 0.5), (3, 0.5), (8, 0.5)]));
        assert!(tree.insert(&[(1, 0.5), (4, 0.25), (9, 1.0)]));
        assert_eq!(used(&tree, DrawnTree::ROOT), [(1, 1.0)]);
    }

    #[test]
    fn what_is_known_or_nothing_is_not_taken_down() {
        let mut tree = DrawnTree::default();
        assert!(!tree.insert(&[]));
        assert!(tree.insert(&[(1, 0.5), (2, 0.5)]));
        let before = used(&tree, DrawnTree::ROOT);
        assert!(!tree.insert(&[(1, 0.5), (2, 0.5)]));
        assert!(!tree.insert(&[(1, 0.5)]), "its beginning goes on");
        assert!(!tree.insert(&[(1, 0.5), (2, 0.5), (3, 1.0)]), "another ends on the way");
        assert_eq!(used(&tree, DrawnTree::ROOT), before);
    }

    proptest! {
        /// Answers are words of three letters, each with its own probability; whatever was drawn, what is used up of the
        /// whole is the sum of their probabilities.
        #[test]
        fn the_used_share_is_the_sum_of_the_answers(words in prop::collection::vec([0..3u32, 0..3u32, 0..3u32], 1..30)) {
            const SHARES: [f64; 3] = [0.5, 0.3, 0.2];
            let share = |token: &u32| SHARES[*token as usize];
            let mut tree = DrawnTree::default();
            let mut drawn: Vec<[u32; 3]> = Vec::new();
            for word in words {
                let answer: Vec<Share> = word.iter().map(|token| (*token, share(token))).collect();
                prop_assert_eq!(tree.insert(&answer), !drawn.contains(&word));
                if !drawn.contains(&word) {
                    drawn.push(word);
                }
            }
            let sum: f64 = drawn.iter().map(|word| word.iter().map(share).product::<f64>()).sum();
            let used: f64 = tree.used(DrawnTree::ROOT).map(|(token, used)| share(&token) * used).sum();
            prop_assert!((used - sum).abs() < 1e-8, "{} {}", used, sum);
        }
    }
}

//! Token Recycling: guesses from the tokens that the model itself found likely behind the same token before.
//!
//! Source: Luo et al., *Turning Trash into Treasure: Accelerating Inference of Large Language Models with Token Recycling*
//! (ACL 2025, arXiv 2408.08696). Differences on purpose: guesses begin with what follows a token in the prompt instead of
//! nothing; the order of updates is defined; and a guess counts when the row, with its processors, its temperature and its
//! own random numbers, draws it. So a text is the one that it would be without guesses, at every temperature.

use super::draft::Draft;

/// Successors kept per token.
pub(crate) const RANKS: usize = 8;

/// No token.
const NONE: u32 = u32::MAX;

/// The likeliest tokens behind each token of the vocabulary, as they were last seen.
#[derive(Debug, Clone)]
pub(crate) struct Recycled {
    next: Vec<[u32; RANKS]>,
}

impl Recycled {
    /// Nothing is known.
    pub(crate) fn new(vocab: usize) -> Self {
        Self { next: vec![[NONE; RANKS]; vocab] }
    }

    /// Learns what follows what in a prompt.
    pub(crate) fn read(&mut self, prompt: &[u32]) {
        for pair in prompt.windows(2) {
            let &[before, token] = pair else { continue };
            let Some(next) = self.row_mut(before) else { continue };
            let known = next.iter().position(|other| *other == token).unwrap_or(RANKS - 1);
            if let Some(moved) = next.get_mut(..=known) {
                moved.rotate_right(1);
            }
            next[0] = token;
        }
    }

    /// Learns the logits behind a token.
    pub(crate) fn learn(&mut self, token: u32, logits: &[f32]) {
        let mut best = [(f32::NEG_INFINITY, NONE); RANKS];
        for (candidate, logit) in (0..).zip(logits.iter().copied()) {
            if logit.is_finite() && logit > best[RANKS - 1].0 {
                let rank = best.partition_point(|(other, _)| *other >= logit);
                if let Some(behind) = best.get_mut(rank..) {
                    behind.rotate_right(1);
                    behind.first_mut().into_iter().for_each(|place| *place = (logit, candidate));
                }
            }
        }
        self.row_mut(token).into_iter().for_each(|next| *next = best.map(|(_, token)| token));
    }

    /// Fills a template behind a token: as far as successors are known, and none deeper than `depth_max`.
    pub(crate) fn draft(&self, template: &Template, token: u32, depth_max: usize) -> Draft {
        let mut draft = Draft::new(token);
        // Of each node of the template the one of the draft and its token, where there is one.
        let mut placed = vec![Some((Draft::ROOT, token))];
        for node in &template.nodes {
            let parent = placed.get(node.parent).copied().flatten().filter(|_| node.depth <= depth_max);
            let guess = parent.and_then(|(parent, before)| {
                let next = self.next.get(usize::try_from(before).ok()?)?;
                let token = next.get(node.rank).copied().filter(|token| *token != NONE)?;
                Some((draft.push(parent, token), token))
            });
            placed.push(guess);
        }
        draft
    }

    fn row_mut(&mut self, token: u32) -> Option<&mut [u32; RANKS]> {
        self.next.get_mut(usize::try_from(token).ok()?)
    }
}

/// Which ranks to guess at which depth: a tree in which a child's rank is its place among its parent's successors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    /// All but the root, level by level.
    nodes: Vec<Slot>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    /// 0 is the root, `i + 1` the node at `i`.
    parent: usize,
    rank: usize,
    depth: usize,
}

impl Template {
    /// For a processor, where each further row costs time.
    pub(crate) fn small() -> Self {
        Self::of_levels(&[3, 3, 2])
    }

    /// For a GPU, where rows are nearly free: as many nodes per level as the tree of the paper's code has.
    pub(crate) fn large() -> Self {
        Self::of_levels(&[8, 21, 25, 15, 8, 3])
    }

    /// As many nodes per level as said: those whose ranks are lowest, that is whose product of `1 + rank` from the root on
    /// is smallest, the earlier path first among equals.
    fn of_levels(levels: &[usize]) -> Self {
        let mut nodes = Vec::new();
        let mut above = vec![(0, 1)];
        for (depth, count) in (1..).zip(levels) {
            let extended = |&(parent, cost): &(usize, usize)| {
                (0..RANKS).map(move |rank| (cost * (rank + 1), Slot { parent, rank, depth }))
            };
            let mut level: Vec<(usize, Slot)> = above.iter().flat_map(extended).collect();
            level.sort_by_key(|(cost, _)| *cost);
            level.truncate(*count);
            // Breadth first, and in the order of paths within a level.
            level.sort_by_key(|(_, slot)| (slot.parent, slot.rank));
            above = level.iter().enumerate().map(|(at, (cost, _))| (nodes.len() + at + 1, *cost)).collect();
            nodes.extend(level.into_iter().map(|(_, slot)| slot));
        }
        Self { nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(successors: &[(u32, &[f32])]) -> Recycled {
        let mut recycled = Recycled::new(16);
        successors.iter().for_each(|(token, logits)| recycled.learn(*token, logits));
        recycled
    }

    #[test]
    fn templates_have_the_levels_that_were_asked_for() {
        let levels = |template: &Template| {
            (1..=6)
                .map(|depth| template.nodes.iter().filter(|slot| slot.depth == depth).count())
                .collect::<Vec<_>>()
        };
        assert_eq!(levels(&Template::small()), [3, 3, 2, 0, 0, 0]);
        assert_eq!(levels(&Template::large()), [8, 21, 25, 15, 8, 3]);
        let path = |mut at: usize, template: &Template| {
            let mut ranks = Vec::new();
            while let Some(slot) = at.checked_sub(1).and_then(|index| template.nodes.get(index)) {
                ranks.insert(0, slot.rank);
                at = slot.parent;
            }
            ranks
        };
        let small = Template::small();
        let paths: Vec<Vec<usize>> = (1..=small.nodes.len()).map(|at| path(at, &small)).collect();
        let expected: [&[usize]; 8] = [&[0], &[1], &[2], &[0, 0], &[0, 1], &[1, 0], &[0, 0, 0], &[0, 0, 1]];
        assert_eq!(paths, expected);
    }

    #[test]
    fn the_likeliest_successors_are_kept_in_their_order() {
        let mut logits = [0.0; 16];
        (logits[3], logits[9], logits[4], logits[5]) = (5.0, 7.0, f32::NAN, f32::NEG_INFINITY);
        let recycled = known(&[(2, &logits)]);
        assert_eq!(recycled.next[2], [9, 3, 0, 1, 2, 6, 7, 8], "equal ones in the order of their ids");
        let few = known(&[(2, &logits[..4])]);
        assert_eq!(few.next[2], [3, 0, 1, 2, NONE, NONE, NONE, NONE]);
    }

    #[test]
    fn prompts_put_what_came_last_first() {
        let mut recycled = Recycled::new(16);
        recycled.read(&[1, 2, 1, 3, 1, 2, 99, 1, 4]);
        assert_eq!(recycled.next[1][..4], [4, 2, 3, NONE]);
        (5..15).for_each(|token| recycled.read(&[1, token]));
        assert_eq!(recycled.next[1], [14, 13, 12, 11, 10, 9, 8, 7]);
    }

    #[test]
    fn a_draft_holds_what_is_known_and_no_more_than_may_be_drawn() {
        let mut recycled = Recycled::new(16);
        // 1 is followed by 2, and 2 by 3 or 1.
        recycled.read(&[1, 2]);
        recycled.read(&[2, 1]);
        recycled.read(&[2, 3]);
        let draft = |depth| recycled.draft(&Template::small(), 1, depth).tokens();
        assert_eq!(draft(0), [1]);
        assert_eq!(draft(1), [1, 2]);
        assert_eq!(draft(2), [1, 2, 3, 1]);
        assert_eq!(
            draft(9),
            [1, 2, 3, 1],
            "nothing is known behind 3, and no node of the template behind 2, 1"
        );
        assert_eq!(recycled.draft(&Template::small(), 15, 3).len(), 1);
    }

    /// A text of period 7 whose every token has one successor: with the tree of three levels four tokens are drawn a pass.
    #[test]
    fn a_text_that_repeats_is_guessed() {
        let (mut recycled, vocab) = (Recycled::new(7), 7_u32);
        let logits = |token: u32| {
            (0..vocab).map(|next| if next == (token + 1) % vocab { 9.0 } else { 0.0 }).collect::<Vec<f32>>()
        };
        let (mut last, mut drawn, mut passes) = (0, 0, 0);
        while drawn < 210 {
            let draft = recycled.draft(&Template::small(), last, 210 - drawn - 1);
            let tokens = draft.tokens();
            for token in tokens.iter().rev() {
                recycled.learn(*token, &logits(*token));
            }
            let path = draft.follow(|node| Some((tokens[node] + 1) % vocab));
            last = (tokens[*path.last().unwrap()] + 1) % vocab;
            drawn += path.len();
            passes += 1;
        }
        assert_eq!((drawn, last), (210, 0), "exactly as many as were asked for");
        assert!(f64::from(u32::try_from(drawn).unwrap()) / f64::from(passes) > 3.0, "{passes} passes");
    }
}

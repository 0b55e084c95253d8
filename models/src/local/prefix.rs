//! What prompts have in common, read once: a radix tree of runs of tokens with their keys and values.
//!
//! Whoever uses a node pins it; nodes without pins and children are dropped, the least recently used first, where memory
//! is needed. A node that is split keeps its id for its later part, so that a pinned id always stands for the same tokens.

use candle_core::Result;

use super::cache::Segment;

/// A shorter overlap is read again rather than cut off: every part of the past costs a few operations per step.
const SPLIT_TOKENS_MIN: usize = 16;

/// A node: what stands between the root and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

/// The root, which stands for no tokens.
pub const ROOT: NodeId = NodeId(0);

#[derive(Debug)]
struct Node {
    parent: NodeId,
    tokens: Vec<u32>,
    /// `None` for the root.
    segment: Option<Segment>,
    children: Vec<NodeId>,
    pins: usize,
    last_use: u64,
}

/// The tree.
#[derive(Debug)]
pub struct PrefixStore {
    nodes: Vec<Option<Node>>,
    free: Vec<usize>,
    bytes_per_token: usize,
    tokens: usize,
    clock: u64,
}

impl PrefixStore {
    /// An empty tree. `bytes_per_token` is what keys and values of a token take.
    #[must_use]
    pub fn new(bytes_per_token: usize) -> Self {
        let root = Node {
            parent: ROOT,
            tokens: Vec::new(),
            segment: None,
            children: Vec::new(),
            pins: 0,
            last_use: 0,
        };
        Self { nodes: vec![Some(root)], free: Vec::new(), bytes_per_token, tokens: 0, clock: 0 }
    }

    /// Bytes that all keys and values take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.tokens * self.bytes_per_token
    }

    /// The node that stands for the longest known beginning of `tokens`, and how many tokens that is.
    ///
    /// # Errors
    /// Those of the device, where a node has to be split.
    pub fn longest(&mut self, tokens: &[u32]) -> Result<(NodeId, usize)> {
        self.clock += 1;
        let (mut at, mut known) = (ROOT, 0);
        loop {
            self.touch(at);
            let rest = tokens.get(known..).unwrap_or_default();
            let Some((child, common, len)) = self.best_child(at, rest) else { return Ok((at, known)) };
            if common == len {
                (at, known) = (child, known + common);
                continue;
            }
            if common < SPLIT_TOKENS_MIN {
                return Ok((at, known));
            }
            let head = self.split(child, common)?;
            self.touch(head);
            return Ok((head, known + common));
        }
    }

    /// Adds tokens behind a node.
    pub fn insert(&mut self, parent: NodeId, tokens: Vec<u32>, segment: Segment) -> NodeId {
        self.tokens += tokens.len();
        let node = Node {
            parent,
            tokens,
            segment: Some(segment),
            children: Vec::new(),
            pins: 0,
            last_use: self.clock,
        };
        let id = self.place(node);
        if let Some(parent) = self.node_mut(parent) {
            parent.children.push(id);
        }
        id
    }

    /// Keeps a node, and so all above it.
    pub fn pin(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.pins += 1;
        }
    }

    /// Lets go of a node.
    pub fn unpin(&mut self, id: NodeId) {
        if let Some(node) = self.node_mut(id) {
            node.pins = node.pins.saturating_sub(1);
        }
    }

    /// The nodes from the root, which is left out, to a node.
    #[must_use]
    pub fn path(&self, id: NodeId) -> Vec<NodeId> {
        let up = std::iter::successors(Some(id), |at| self.node(*at).map(|node| node.parent));
        let mut path: Vec<NodeId> = up.take_while(|at| *at != ROOT).collect();
        path.reverse();
        path
    }

    /// Keys and values of a node's own tokens.
    #[must_use]
    pub fn segment(&self, id: NodeId) -> Option<&Segment> {
        self.node(id).and_then(|node| node.segment.as_ref())
    }

    /// Drops nodes, the least recently used first, until at most `bytes_max` are taken or nothing more can go.
    pub fn evict(&mut self, bytes_max: usize) {
        while self.bytes() > bytes_max {
            let droppable = |node: &Node| node.pins == 0 && node.children.is_empty();
            let leaves = (0..).zip(&self.nodes).skip(1).filter_map(|(id, node)| Some((id, node.as_ref()?)));
            let oldest = leaves.filter(|(_, node)| droppable(node)).min_by_key(|(_, node)| node.last_use);
            let Some(id) = oldest.map(|(id, _)| NodeId(id)) else { return };
            self.remove(id);
        }
    }

    fn remove(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(id.0).and_then(Option::take) else { return };
        self.tokens -= node.tokens.len();
        self.free.push(id.0);
        if let Some(parent) = self.node_mut(node.parent) {
            parent.children.retain(|child| *child != id);
        }
    }

    /// Cuts a node after `at` tokens; the first part is a new node.
    fn split(&mut self, id: NodeId, at: usize) -> Result<NodeId> {
        let Some((segment, parent)) =
            self.node(id).and_then(|node| Some((node.segment.clone()?, node.parent)))
        else {
            candle_core::bail!("a node without tokens cannot be split");
        };
        let (first, second) = segment.split(at)?;
        let Some(node) = self.node_mut(id) else { candle_core::bail!("the node to split is gone") };
        let rest = node.tokens.split_off(at);
        let tokens = std::mem::replace(&mut node.tokens, rest);
        node.segment = Some(second);
        let last_use = node.last_use;
        let head =
            self.place(Node { parent, tokens, segment: Some(first), children: vec![id], pins: 0, last_use });
        if let Some(node) = self.node_mut(id) {
            node.parent = head;
        }
        if let Some(parent) = self.node_mut(parent) {
            parent.children.iter_mut().filter(|child| **child == id).for_each(|child| *child = head);
        }
        Ok(head)
    }

    /// The child that has most in common with `rest`, if any: child, tokens in common, its tokens.
    fn best_child(&self, id: NodeId, rest: &[u32]) -> Option<(NodeId, usize, usize)> {
        let children = self.node(id)?.children.iter().filter_map(|child| {
            let tokens = &self.node(*child)?.tokens;
            let common = tokens.iter().zip(rest).take_while(|(a, b)| a == b).count();
            Some((*child, common, tokens.len()))
        });
        children.max_by_key(|(_, common, len)| (*common, common == len)).filter(|(_, common, _)| *common > 0)
    }

    fn place(&mut self, node: Node) -> NodeId {
        if let Some(id) = self.free.pop()
            && let Some(place) = self.nodes.get_mut(id)
        {
            *place = Some(node);
            return NodeId(id);
        }
        self.nodes.push(Some(node));
        NodeId(self.nodes.len() - 1)
    }

    fn touch(&mut self, id: NodeId) {
        let now = self.clock;
        if let Some(node) = self.node_mut(id) {
            node.last_use = now;
        }
    }

    fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0).and_then(Option::as_ref)
    }

    fn node_mut(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(id.0).and_then(Option::as_mut)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::local::cache::Suffix;
    use crate::local::fixture;

    fn segment(len: usize) -> Segment {
        let config = fixture::config();
        let mut suffix = Suffix::new(&config, 1, len, &Device::Cpu).unwrap();
        suffix.advance(len);
        suffix.segment(0, 0).unwrap()
    }

    fn store(prompts: &[&[u32]]) -> PrefixStore {
        let mut store = PrefixStore::new(1);
        for prompt in prompts {
            let (at, known) = store.longest(prompt).unwrap();
            if known < prompt.len() {
                store.insert(at, prompt[known..].to_vec(), segment(prompt.len() - known));
            }
        }
        store
    }

    fn prompt(common: u32, own: u32) -> Vec<u32> {
        (0..common).chain([1000 + own; 20]).collect()
    }

    #[test]
    fn what_prompts_share_is_kept_once() {
        let mut store = store(&[&prompt(40, 1), &prompt(40, 2), &prompt(40, 1)]);
        assert_eq!(store.bytes(), 40 + 20 + 20);
        let (leaf, known) = store.longest(&prompt(40, 2)).unwrap();
        assert_eq!(known, 60);
        let lens: Vec<usize> = store.path(leaf).iter().map(|id| store.segment(*id).unwrap().len()).collect();
        assert_eq!(lens, [40, 20]);
    }

    #[test]
    fn a_split_node_keeps_its_id_for_the_same_tokens() {
        let mut store = store(&[&prompt(40, 1)]);
        let (leaf, _) = store.longest(&prompt(40, 1)).unwrap();
        store.longest(&prompt(40, 2)).unwrap();
        let path = store.path(leaf);
        assert_eq!((path.len(), path[1]), (2, leaf));
        assert_eq!(store.bytes(), 60);
    }

    #[test]
    fn a_short_overlap_is_not_cut_off() {
        let mut store = store(&[&prompt(5, 1)]);
        assert_eq!(store.longest(&prompt(5, 2)).unwrap(), (ROOT, 0));
        assert_eq!(store.bytes(), 25);
    }

    #[test]
    fn the_least_recently_used_goes_first_and_pinned_nodes_stay() {
        let (old, new) = (prompt(0, 1), prompt(0, 2));
        let mut store = store(&[&old, &new]);
        let (pinned, _) = store.longest(&old).unwrap();
        store.evict(20);
        assert_eq!((store.longest(&old).unwrap().1, store.longest(&new).unwrap().1), (20, 0));
        store.pin(pinned);
        store.evict(0);
        assert_eq!(store.bytes(), 20);
        store.unpin(pinned);
        store.evict(0);
        assert_eq!(store.bytes(), 0);
    }
}

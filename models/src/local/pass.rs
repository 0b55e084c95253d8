//! What a decoder reads at once: a rectangle of tokens, and what each may see.

use std::ops::Range;

use super::cache::Segment;

/// The tokens of one pass.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// The tokens, row after row; every row has as many.
    pub tokens: &'a [u32],
    /// The position of each.
    pub positions: &'a [u32],
    /// How many rows there are.
    pub rows: usize,
    /// What rows have read before that others have read, too. Sums are taken in this order.
    pub shared: &'a [Shared],
    /// Which columns of its own a token may see.
    pub mask: Mask<'a>,
}

/// A segment that neighbouring rows have read.
#[derive(Debug, Clone)]
pub struct Shared {
    /// Its keys and values.
    pub segment: Segment,
    /// The rows.
    pub rows: Range<usize>,
}

/// Which columns of its row a token may see, of those in the cache and those of this pass.
#[derive(Debug, Clone, Copy)]
pub enum Mask<'a> {
    /// All up to its own.
    Causal,
    /// Those that are `true`: rows × columns × (cached + columns). Each token must see itself.
    Explicit(&'a [bool]),
}

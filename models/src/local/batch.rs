//! The rows that are drawn together, and their part of the cache.
//!
//! Rows join and leave between steps. All write the same columns, a step a column; a row sees the columns since it joined.
//! Rows are kept in the order of their place in the tree of prefixes, so that those that share a node are neighbours.

use candle_core::{Device, Result};

use super::cache::Suffix;
use super::config::DecoderConfig;
use super::decoder::{Decoder, Mask, Pass, Shared};
use super::prefix::{NodeId, PrefixStore};
use super::request::Answer;
use super::row::Row;
use crate::decode::Vocabulary;

/// Columns by which the cache grows.
const COLUMNS: usize = 64;

/// A row in the batch.
pub(crate) struct Member {
    /// The request that it belongs to, and which of its rows it is.
    pub(crate) owner: (u64, usize),
    /// What it has read with others: all of the prompt but its last token.
    pub(crate) prefix: NodeId,
    /// How many tokens that is.
    pub(crate) prefix_len: usize,
    /// The last token of the prompt.
    pub(crate) first: u32,
    pub(crate) row: Row,
}

/// The rows that are drawn together.
pub(crate) struct Batch {
    members: Vec<Seated>,
    suffix: Suffix,
}

struct Seated {
    member: Member,
    /// Its row in the cache; `None` before its first step.
    seat: Option<usize>,
    /// Its first column.
    start: usize,
}

impl Batch {
    pub(crate) fn new(config: &DecoderConfig, device: &Device) -> Result<Self> {
        Ok(Self { members: Vec::new(), suffix: Suffix::new(config, 1, 0, device)? })
    }

    pub(crate) const fn len(&self) -> usize {
        self.members.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Rows and columns that the cache may come to with one more row of at most `tokens`.
    pub(crate) fn tokens_with(&self, tokens: usize) -> usize {
        let ends = self.members.iter().map(|seated| self.suffix.len() + seated.member.row.left());
        let end = ends.chain([self.suffix.len() + tokens]).max().unwrap_or(0);
        (self.members.len() + 1) * (end - self.skip()).next_multiple_of(COLUMNS)
    }

    pub(crate) fn join(&mut self, member: Member) {
        let start = self.suffix.len();
        self.members.push(Seated { member, seat: None, start });
    }

    /// Drops the rows of a request.
    pub(crate) fn drop_rows(&mut self, owner: u64) {
        self.members.retain(|seated| seated.member.owner.0 != owner);
    }

    /// The requests that rows belong to.
    pub(crate) fn owners(&self) -> Vec<u64> {
        self.members.iter().map(|seated| seated.member.owner.0).collect()
    }

    /// Draws a token for every row, and gives the answers that are finished.
    pub(crate) fn step(
        &mut self,
        decoder: &Decoder,
        vocabulary: &Vocabulary,
        store: &PrefixStore,
    ) -> Result<Vec<((u64, usize), Answer)>> {
        self.arrange(decoder, store)?;
        let tokens: Vec<u32> = self
            .members
            .iter()
            .map(|seated| seated.member.row.last().unwrap_or(seated.member.first))
            .collect();
        let position = |seated: &Seated| seated.member.prefix_len + self.suffix.len() - seated.start;
        let positions: Vec<u32> =
            self.members.iter().filter_map(|seated| position(seated).try_into().ok()).collect();
        let shared = self.shared(store);
        let columns = 0..=self.suffix.len();
        let visible: Vec<bool> = self
            .members
            .iter()
            .flat_map(|seated| columns.clone().map(|column| column >= seated.start))
            .collect();
        let rows = self.members.len();
        let pass = Pass {
            tokens: &tokens,
            positions: &positions,
            rows,
            shared: &shared,
            mask: Mask::Explicit(&visible),
        };
        let hidden = decoder.forward(pass, &mut self.suffix)?;
        let mut logits: Vec<Vec<f32>> = decoder.logits(&hidden)?.to_vec2()?;
        let mut finished = Vec::new();
        let mut drawn = logits.iter_mut();
        self.members.retain_mut(|seated| {
            let Some(logits) = drawn.next() else { return false };
            let answer = seated.member.row.step(logits, vocabulary);
            let goes_on = answer.is_none();
            finished.extend(answer.map(|answer| (seated.member.owner, answer)));
            goes_on
        });
        Ok(finished)
    }

    /// The first column that anybody sees.
    fn skip(&self) -> usize {
        self.members.iter().map(|seated| seated.start).min().unwrap_or_else(|| self.suffix.len())
    }

    /// Makes the cache one of exactly these rows, in the order of the tree, with room for a column.
    fn arrange(&mut self, decoder: &Decoder, store: &PrefixStore) -> Result<()> {
        let in_place = (0..).zip(&self.members).all(|(row, seated)| seated.seat == Some(row));
        if in_place && self.suffix.rows() == self.members.len() && self.suffix.len() < self.suffix.capacity()
        {
            return Ok(());
        }
        self.members.sort_by_cached_key(|seated| (store.path(seated.member.prefix), seated.member.owner));
        let seats: Vec<Option<usize>> = self.members.iter().map(|seated| seated.seat).collect();
        let skip = self.skip();
        let capacity = self.suffix.len() - skip + COLUMNS;
        self.suffix = if seats.iter().all(Option::is_none) {
            Suffix::new(decoder.config(), seats.len(), COLUMNS, decoder.device())?
        } else {
            self.suffix.rearranged(&seats, skip, capacity)?
        };
        for (row, seated) in self.members.iter_mut().enumerate() {
            seated.seat = Some(row);
            seated.start -= skip;
        }
        Ok(())
    }

    /// The segments that rows have read, each with its neighbouring rows.
    fn shared(&self, store: &PrefixStore) -> Vec<Shared> {
        let mut shared: Vec<(NodeId, Shared)> = Vec::new();
        for (row, seated) in self.members.iter().enumerate() {
            for node in store.path(seated.member.prefix) {
                match shared.iter_mut().find(|(known, shared)| *known == node && shared.rows.end == row) {
                    Some((_, shared)) => shared.rows.end = row + 1,
                    None => shared.extend(
                        store
                            .segment(node)
                            .map(|segment| (node, Shared { segment: segment.clone(), rows: row..row + 1 })),
                    ),
                }
            }
        }
        shared.into_iter().map(|(_, shared)| shared).collect()
    }
}

//! The rows that are drawn together, and their part of the cache.
//!
//! Rows join and leave between steps. All write the same columns, a step a column; a row sees the columns since it joined.
//! Rows are kept in the order of their place in the tree of prefixes, so that those that share a node are neighbours.
//!
//! A row that is alone may read guesses along with its last token (`speculation.rs`), and then draws several tokens a step.

use std::sync::Arc;
use std::time::Instant;

use candle_core::{Device, Result};
use rayon::prelude::*;

use super::cache::Suffix;
use super::config::DecoderConfig;
use super::decoder::Decoder;
use super::draft::Proposal;
use super::pass::{Mask, Pass, Shared};
use super::prefix::{NodeId, PrefixStore};
use super::request::Answer;
use super::row::Row;
use super::sample::Guesses;
use super::speculation::Guesser;
use crate::decode::Vocabulary;

/// Columns by which the cache grows.
const COLUMNS: usize = 64;

/// A row in the batch.
pub(crate) struct Member {
    /// The request that it belongs to, and which of its rows it is.
    pub(crate) owner: (u64, usize),
    /// All tokens of the prompt.
    pub(crate) prompt: Arc<[u32]>,
    /// What it has read with others: all of the prompt but its last token.
    pub(crate) prefix: NodeId,
    pub(crate) row: Row,
}

/// The rows that are drawn together.
pub(crate) struct Batch {
    members: Vec<Seated>,
    suffix: Suffix,
    guesser: Option<Guesser>,
}

/// What a step gave.
#[derive(Default)]
pub(crate) struct Step {
    /// The answers that are finished.
    pub(crate) finished: Vec<((u64, usize), Answer)>,
    /// Tokens that were drawn.
    pub(crate) drawn: usize,
}

struct Seated {
    member: Member,
    /// Its row in the cache; `None` before its first step.
    seat: Option<usize>,
    /// Its first column.
    start: usize,
}

impl Seated {
    /// The token that is read next.
    fn last(&self) -> u32 {
        self.member.row.last().or_else(|| self.member.prompt.last().copied()).unwrap_or_default()
    }
}

impl Batch {
    /// An empty batch, whose rows a guesser may help.
    pub(crate) fn new(config: &DecoderConfig, device: &Device, guesser: Option<Guesser>) -> Result<Self> {
        Ok(Self { members: Vec::new(), suffix: Suffix::new(config, 1, 0, device)?, guesser })
    }

    /// Drops all rows and what they have read.
    pub(crate) fn clear(&mut self, config: &DecoderConfig, device: &Device) -> Result<()> {
        self.members.clear();
        self.suffix = Suffix::new(config, 1, 0, device)?;
        Ok(())
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

    /// What rows are about to be drawn behind a prompt.
    pub(crate) fn expect(&mut self, prompt: &[u32]) {
        self.guesser.iter_mut().for_each(|guesser| guesser.expect(prompt));
    }

    /// Draws a token for every row, or several for one that is alone.
    pub(crate) fn step(
        &mut self,
        decoder: &Decoder,
        vocabulary: &Vocabulary,
        store: &PrefixStore,
    ) -> Result<Step> {
        match (self.guesser.take(), self.members.len()) {
            (Some(mut guesser), 1) => {
                let step = self.step_ahead(&mut guesser, decoder, vocabulary, store);
                self.guesser = Some(guesser);
                step
            }
            (guesser, _) => {
                self.guesser = guesser;
                self.step_together(decoder, vocabulary, store)
            }
        }
    }

    fn step_together(
        &mut self,
        decoder: &Decoder,
        vocabulary: &Vocabulary,
        store: &PrefixStore,
    ) -> Result<Step> {
        self.arrange(decoder, store, 1)?;
        let tokens: Vec<u32> = self.members.iter().map(Seated::last).collect();
        let positions: Vec<u32> =
            self.members.iter().filter_map(|seated| self.position(seated).try_into().ok()).collect();
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
        let mut step = Step { drawn: rows, ..Step::default() };
        let drawing = self.members.par_iter_mut().zip(&mut logits);
        let drawn = drawing.map(|(seated, logits)| seated.member.row.step(logits, vocabulary, None));
        let mut answers = drawn.collect::<Vec<Option<Answer>>>().into_iter();
        self.members.retain(|seated| {
            let Some(answer) = answers.next() else { return false };
            let goes_on = answer.is_none();
            step.finished.extend(answer.map(|answer| (seated.member.owner, answer)));
            goes_on
        });
        Ok(step)
    }

    /// Reads the first row's last token with guesses of what follows it, and draws as long as they come true.
    fn step_ahead(
        &mut self,
        guesser: &mut Guesser,
        decoder: &Decoder,
        vocabulary: &Vocabulary,
        store: &PrefixStore,
    ) -> Result<Step> {
        let started = Instant::now();
        let Some(Seated { member, .. }) = self.members.first_mut() else { return Ok(Step::default()) };
        let Proposal { draft, shares } = guesser.propose(&member.prompt, &mut member.row)?;
        self.arrange(decoder, store, draft.len())?;
        let (shared, cached) = (self.shared(store), self.suffix.len());
        let Some(seated) = self.members.first() else { return Ok(Step::default()) };
        let pass = Pass {
            tokens: &draft.tokens(),
            positions: &draft.positions(self.position(seated)),
            rows: 1,
            shared: &shared,
            mask: Mask::Explicit(&draft.mask(seated.start, cached)),
        };
        let hidden = decoder.forward(pass, &mut self.suffix)?;
        let mut logits: Vec<Vec<f32>> = decoder.logits(&hidden)?.to_vec2()?;
        guesser.learn(&draft, &logits);
        let Some(Seated { member, .. }) = self.members.first_mut() else { return Ok(Step::default()) };
        let mut answer = None;
        let path = draft.follow(|node| {
            let behind = draft.behind(node);
            let guesses = shares.get(node).map(|shares| Guesses { tokens: &behind, shares });
            answer = member.row.step(logits.get_mut(node)?, vocabulary, guesses);
            answer.is_none().then(|| member.row.last()).flatten()
        });
        let finished: Vec<_> = answer.map(|answer| (member.owner, answer)).into_iter().collect();
        self.suffix.keep(cached, &path)?;
        if !finished.is_empty() {
            self.members.clear();
        }
        guesser.record(started.elapsed(), path.len());
        Ok(Step { finished, drawn: path.len() })
    }

    /// The position of a row's last token.
    fn position(&self, seated: &Seated) -> usize {
        seated.member.prompt.len() - 1 + self.suffix.len() - seated.start
    }

    /// The first column that anybody sees.
    fn skip(&self) -> usize {
        self.members.iter().map(|seated| seated.start).min().unwrap_or_else(|| self.suffix.len())
    }

    /// Makes the cache one of exactly these rows, in the order of the tree, with room for so many columns.
    fn arrange(&mut self, decoder: &Decoder, store: &PrefixStore, columns: usize) -> Result<()> {
        let in_place = (0..).zip(&self.members).all(|(row, seated)| seated.seat == Some(row));
        let has_room = self.suffix.len() + columns <= self.suffix.capacity();
        if in_place && has_room && self.suffix.rows() == self.members.len() {
            return Ok(());
        }
        self.members.sort_by_cached_key(|seated| (store.path(seated.member.prefix), seated.member.owner));
        let seats: Vec<Option<usize>> = self.members.iter().map(|seated| seated.seat).collect();
        let skip = self.skip();
        let room = COLUMNS.max(columns);
        self.suffix = if seats.iter().all(Option::is_none) {
            Suffix::new(decoder.config(), seats.len(), room, decoder.device())?
        } else {
            self.suffix.rearranged(&seats, skip, self.suffix.len() - skip + room)?
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

//! The small model that guesses for a large one (`rsd.rs`): what it has read, and the trees that it draws.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use super::cache::Suffix;
use super::draft::{Draft, Proposal};
use super::load::LocalModel;
use super::pass::{Mask, Pass};
use super::row::Row;
use super::rsd::{Beam, extend};
use super::sample::{Sampling, shares};

/// Columns by which the cache grows, and tokens of a text that are read at once.
const COLUMNS: usize = 256;

/// A model that guesses for one row after the other.
#[derive(Debug)]
pub(crate) struct Drafter {
    model: Arc<LocalModel>,
    suffix: Suffix,
    /// The tokens in the cache.
    known: Vec<u32>,
    /// Sequences that are followed at a time, and how many tokens they may have.
    width: usize,
    depth: usize,
    /// How many tokens the large model has.
    vocab: usize,
}

impl Drafter {
    /// A small model that guesses for one of `vocab` tokens.
    pub(crate) fn new(model: Arc<LocalModel>, vocab: usize) -> Result<Self> {
        // A guess costs time on a processor, and next to none on a GPU.
        let (width, depth) = if model.decoder.device().is_cpu() { (2, 3) } else { (6, 5) };
        let suffix = Suffix::new(model.decoder.config(), 1, 0, model.decoder.device())?;
        Ok(Self { model, suffix, known: Vec::new(), width, depth, vocab })
    }

    /// Guesses how a row goes on behind `text`: its prompt and what was drawn.
    pub(crate) fn propose(&mut self, text: &[u32], row: &mut Row) -> Result<Proposal> {
        let Some((last, before)) = text.split_last() else {
            candle_core::bail!("there is no text to go on with");
        };
        let (mut draft, mut known) = (Draft::new(*last), Vec::new());
        let depth = self.depth.min(row.left().saturating_sub(1));
        if depth == 0 || text.len() + depth > self.model.decoder.config().context {
            return Ok(Proposal { draft, shares: known });
        }
        let (sampling, random) = row.chance();
        let mut random = (sampling.temperature > 0.0).then_some(random);
        let hidden = self.read(text)?;
        let mut behind = self.shares(&hidden, sampling)?;
        let (mut beams, mut nodes) = (vec![Beam::ROOT], vec![Draft::ROOT]);
        for level in 1..=depth {
            let extended = extend(&beams, &behind, self.width, random.as_deref_mut());
            known.append(&mut behind);
            let node = |parent: usize| nodes.get(parent).copied().unwrap_or(Draft::ROOT);
            nodes = extended.iter().map(|next| draft.push(node(next.parent), next.token)).collect();
            beams = extended.iter().map(|next| next.beam).collect();
            if level == depth || nodes.is_empty() {
                break;
            }
            let hidden = self.read_last(&draft, nodes.len(), before.len())?;
            behind = self.shares(&hidden, sampling)?;
        }
        self.suffix.truncate(text.len());
        Ok(Proposal { draft, shares: known })
    }

    /// Reads what is new of a text and gives the hidden state at its last token.
    fn read(&mut self, text: &[u32]) -> Result<Tensor> {
        let alike = self.known.iter().zip(text).take_while(|(a, b)| a == b).count();
        // The last token is read anew, for what the model makes of it.
        let start = alike.min(text.len() - 1);
        self.suffix.truncate(start);
        let room = text.len() + self.width * self.depth;
        if self.suffix.capacity() < room {
            self.suffix = self.suffix.rearranged(&[Some(0)], 0, room.next_multiple_of(COLUMNS))?;
        }
        // What is known is told only when it is read: a pass may fail.
        self.known.truncate(start);
        let mut last = None;
        for tokens in text.get(start..).unwrap_or_default().chunks(COLUMNS) {
            let positions = (self.suffix.len()..).filter_map(|at| u32::try_from(at).ok());
            let positions: Vec<u32> = positions.take(tokens.len()).collect();
            let pass = Pass { tokens, positions: &positions, rows: 1, shared: &[], mask: Mask::Causal };
            last = Some(self.model.decoder.forward(pass, &mut self.suffix)?);
            self.known.extend(tokens);
        }
        match last {
            Some(hidden) => hidden.narrow(0, hidden.dim(0)? - 1, 1),
            None => candle_core::bail!("there is nothing to read"),
        }
    }

    /// Reads the last `count` nodes of a draft, behind `before` tokens, and gives the hidden states at them.
    fn read_last(&mut self, draft: &Draft, count: usize, before: usize) -> Result<Tensor> {
        let first = draft.len() - count;
        let (tokens, positions, mask) = (draft.tokens(), draft.positions(before), draft.mask(0, before));
        let width = before + draft.len();
        let pass = Pass {
            tokens: tokens.get(first..).unwrap_or_default(),
            positions: positions.get(first..).unwrap_or_default(),
            rows: 1,
            shared: &[],
            mask: Mask::Explicit(mask.get(first * width..).unwrap_or_default()),
        };
        self.model.decoder.forward(pass, &mut self.suffix)
    }

    /// What the row would draw from if this model were the only one: for each state the shares of the large model's tokens.
    fn shares(&self, hidden: &Tensor, sampling: &Sampling) -> Result<Vec<Vec<f64>>> {
        let mut logits: Vec<Vec<f32>> = self.model.decoder.logits(hidden)?.to_vec2()?;
        // Tables of one family are filled up to different sizes.
        logits.iter_mut().for_each(|logits| logits.truncate(self.vocab));
        Ok(logits.iter().map(|logits| shares(logits, sampling)).collect())
    }
}

//! One decoder for the Qwen2, Llama and Qwen3 families, with everything explicit: which tokens at which positions, what
//! they may see, the cache, and the hidden states.
//!
//! A pass takes a rectangle of tokens, rows by columns: one row with many columns reads a prompt, many rows with one
//! column draw samples, both together score candidates. What rows have in common is read once; a block's attention is one
//! operation on a CPU (`fused.rs`), but for heads of unusual widths, and many on a GPU (`attention.rs`).

use candle_core::{DType, Device, Result, Tensor};

use super::attention::Attended;
use super::cache::Suffix;
use super::config::DecoderConfig;
use super::fused;
use super::linear::Linear;
use super::pass::{Mask, Pass};
use super::rope::{Angles, Rotation};

/// Rows of logits computed at a time: the output table of a large vocabulary makes 0.6 MB of each.
const LOGIT_ROWS: usize = 64;

/// A model's weights and how to compute with them.
#[derive(Debug)]
pub struct Decoder {
    pub(crate) config: DecoderConfig,
    pub(crate) device: Device,
    pub(crate) table: Linear,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Tensor,
    /// `None` where the table of inputs serves.
    pub(crate) head: Option<Linear>,
    pub(crate) rotation: Rotation,
    /// Whether attention and gates are operations of ours ([`fused`]).
    pub(crate) is_fused: bool,
}

/// One block.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) attention_norm: Tensor,
    pub(crate) query: Linear,
    pub(crate) key: Linear,
    pub(crate) value: Linear,
    pub(crate) output: Linear,
    pub(crate) query_norm: Option<Tensor>,
    pub(crate) key_norm: Option<Tensor>,
    pub(crate) feed_forward_norm: Tensor,
    pub(crate) gate: Linear,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
}

impl Decoder {
    /// Shape and constants.
    #[must_use]
    pub const fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Where it computes.
    #[must_use]
    pub const fn device(&self) -> &Device {
        &self.device
    }

    /// Reads tokens: their keys and values go to `suffix`, and their last hidden states, behind the last norm, come
    /// back: `(rows · columns, hidden)` in f32.
    ///
    /// # Errors
    /// Where the pass contradicts itself or the cache, and those of the device.
    pub fn forward(&self, pass: Pass<'_>, suffix: &mut Suffix) -> Result<Tensor> {
        let columns = self.check(&pass, suffix)?;
        let angles = self.rotation.angles(pass.positions, &self.device)?;
        let mask = if self.is_fused { None } else { mask(&pass, columns, suffix.len(), &self.device)? };
        let ids = Tensor::new(pass.tokens, &self.device)?;
        let mut hidden = self.table.rows(&ids)?;
        for (index, layer) in self.layers.iter().enumerate() {
            let normed = self.normed(&hidden, &layer.attention_norm)?;
            let projected = [&layer.query, &layer.key, &layer.value].map(|linear| linear.forward(&normed));
            let [queries, keys, values] = projected;
            let projected = [&queries?, &keys?, &values?];
            let attended = if self.is_fused {
                fused::attend(&self.config, index, layer.norms(), projected, &pass, &angles, suffix)?
            } else {
                self.attend(index, layer.norms(), projected, &pass, &angles, mask.as_ref(), suffix)?
            };
            hidden = (hidden + layer.output.forward(&attended)?)?;
            let normed = self.normed(&hidden, &layer.feed_forward_norm)?;
            let (gates, numbers) = (layer.gate.forward(&normed)?, layer.up.forward(&normed)?);
            let gated =
                if self.is_fused { fused::gated(&gates, &numbers)? } else { (gates.silu()? * numbers)? };
            hidden = (hidden + layer.down.forward(&gated)?)?;
        }
        suffix.advance(columns);
        self.normed(&hidden, &self.norm)
    }

    /// The logits of hidden states, `(states, vocabulary)` in f32.
    ///
    /// # Errors
    /// Those of the device.
    pub fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        self.head.as_ref().unwrap_or(&self.table).forward(hidden)
    }

    /// As [`Decoder::logits`], a few states at a time; each piece comes with the index of its first state.
    ///
    /// # Errors
    /// Those of the device and of `each`.
    pub fn logits_by_piece(
        &self,
        hidden: &Tensor,
        mut each: impl FnMut(usize, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let states = hidden.dim(0)?;
        for start in (0..states).step_by(LOGIT_ROWS) {
            each(start, &self.logits(&hidden.narrow(0, start, LOGIT_ROWS.min(states - start))?)?)?;
        }
        Ok(())
    }

    fn check(&self, pass: &Pass<'_>, suffix: &Suffix) -> Result<usize> {
        let count = pass.tokens.len();
        if pass.rows == 0 || count == 0 || !count.is_multiple_of(pass.rows) || pass.positions.len() != count {
            candle_core::bail!(
                "{count} tokens at {} positions make no {} rows",
                pass.positions.len(),
                pass.rows
            );
        }
        let columns = count / pass.rows;
        if suffix.rows() != pass.rows || suffix.len() + columns > suffix.capacity() {
            candle_core::bail!(
                "a cache of {} rows has no room for {} × {columns} tokens",
                suffix.rows(),
                pass.rows
            );
        }
        if let Some(token) = pass.tokens.iter().find(|token| **token as usize >= self.config.vocab) {
            candle_core::bail!("token {token} is none of the {} of the model", self.config.vocab);
        }
        let pairs = count * (suffix.len() + columns);
        if let Mask::Explicit(visible) = pass.mask
            && visible.len() != pairs
        {
            candle_core::bail!("a mask of {} for {pairs} pairs of tokens", visible.len());
        }
        if pass.shared.iter().any(|shared| shared.rows.is_empty() || shared.rows.end > pass.rows) {
            candle_core::bail!("a segment is shared by rows that do not exist");
        }
        Ok(columns)
    }

    fn normed(&self, hidden: &Tensor, weight: &Tensor) -> Result<Tensor> {
        candle_nn::ops::rms_norm(hidden, weight, self.config.epsilon())
    }

    /// As [`fused::attend`], with the library's operations.
    #[expect(clippy::too_many_arguments, reason = "what one pass and one layer are made of")]
    fn attend(
        &self,
        index: usize,
        [query_norm, key_norm]: [Option<&Tensor>; 2],
        [queries, keys, values]: [&Tensor; 3],
        pass: &Pass<'_>,
        angles: &Angles,
        mask: Option<&Tensor>,
        suffix: &Suffix,
    ) -> Result<Tensor> {
        let DecoderConfig { heads, kv_heads, head_dim, .. } = self.config;
        let (rows, count, group) = (pass.rows, pass.tokens.len(), self.config.group());
        let columns = count / rows;
        let rotated = |projected: &Tensor, heads: usize, norm: Option<&Tensor>| -> Result<Tensor> {
            let projected = projected.reshape((1, count, heads, head_dim))?;
            let projected = norm.map(|norm| self.normed(&projected, norm)).transpose()?.unwrap_or(projected);
            angles.rotate(&projected)
        };
        let queries = rotated(queries, heads, query_norm)?;
        let keys = rotated(keys, kv_heads, key_norm)?;
        let by_head = |projected: &Tensor| {
            projected.reshape((rows, columns, kv_heads, head_dim))?.permute((2, 0, 1, 3))?.contiguous()
        };
        let values = by_head(values)?;
        let own = suffix.append(index, &by_head(&keys)?, &values)?;

        #[expect(clippy::cast_precision_loss, reason = "widths of heads are small")]
        let scale = 1.0 / (head_dim as f64).sqrt();
        let queries = (queries.reshape((rows, columns, kv_heads, group, head_dim))? * scale)?
            .permute((2, 0, 3, 1, 4))?
            .contiguous()?
            .reshape((kv_heads, rows, group * columns, head_dim))?;
        let mut attended = Attended::own(&queries, &own.keys, &own.values, mask)?;
        for shared in pass.shared {
            let past = shared.segment.layer(index)?;
            let asking = queries.narrow(1, shared.rows.start, shared.rows.len())?.contiguous()?;
            attended = attended.merge(&Attended::shared(&asking, &past.keys, &past.values)?, &shared.rows)?;
        }
        let mixed = attended.finish()?.reshape((kv_heads, rows, group, columns, head_dim))?;
        mixed.permute((1, 3, 0, 2, 4))?.contiguous()?.reshape((count, heads * head_dim))
    }
}

impl Layer {
    /// The norms of queries and of keys.
    fn norms(&self) -> [Option<&Tensor>; 2] {
        [self.query_norm.as_ref(), self.key_norm.as_ref()]
    }
}

/// What is added to the scores of a pass, `(1, rows or 1, 1, columns, keys)`; `None` where everything may be seen.
fn mask(pass: &Pass<'_>, columns: usize, cached: usize, device: &Device) -> Result<Option<Tensor>> {
    let keys = cached + columns;
    let added = |visible: bool| if visible { 0_f32 } else { f32::NEG_INFINITY };
    let (rows, mask): (usize, Vec<f32>) = match pass.mask {
        Mask::Causal if columns == 1 => return Ok(None),
        Mask::Causal => {
            let of_token = |token: usize| (0..keys).map(move |key| added(key <= cached + token));
            (1, (0..columns).flat_map(of_token).collect())
        }
        Mask::Explicit(visible) => {
            if visible.iter().all(|visible| *visible) {
                return Ok(None);
            }
            (pass.rows, visible.iter().map(|visible| added(*visible)).collect())
        }
    };
    Tensor::from_vec(mask, (1, rows, 1, columns, keys), device)?.to_dtype(DType::F32).map(Some)
}

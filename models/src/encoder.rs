//! A small causal transformer of our own over a problem and a program: the trunk that critics and rerankers are trained
//! with, from nothing.
//!
//! RMSNorm, rotary positions, SwiGLU, no biases. There are two forwards over one set of weights: one of differentiable
//! operations only, for batches in training, and one of fused operations, for use, that reads the problem once for all
//! programs. Backpropagation through a fused operation fails nowhere and gives no gradient, hence the two.

#[cfg(test)]
mod tests;
pub(crate) mod tokens;

use candle_core::{D, Device, Tensor};
use candle_nn::{ops, rotary_emb};
use serde::{Deserialize, Serialize};

pub use self::tokens::Tokens;
use self::tokens::{Encoded, Limits};
use crate::scorer::ScorerError;
use crate::train::weights::{Slot, Start, Weights};
use crate::trunk::{Reading, Trunk};

/// Base of the rotary frequencies.
const ROPE_BASE: f64 = 10_000.0;
/// Added to the mean square before the root.
const NORM_EPSILON: f32 = 1e-6;
/// Score of a position that must not be seen; its exponential is exactly 0.
const UNSEEN: f32 = -1e9;

/// Shape of an [`Encoder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderConfig {
    /// How text becomes tokens.
    pub tokens: Tokens,
    /// Numbers in a hidden state. A multiple of twice the heads.
    pub width: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
    /// Numbers in the middle of a feed-forward block.
    pub inner: usize,
    /// Most tokens of a problem that are read; of a longer one both ends.
    pub problem_tokens: usize,
    /// Most tokens of a program that are read, from its beginning.
    pub program_tokens: usize,
}

impl Default for EncoderConfig {
    /// Two layers of 64 over lexemes: about half a million weights, most of them in the table of lexemes.
    fn default() -> Self {
        Self {
            tokens: Tokens::Lexemes { buckets: 4096 },
            width: 64,
            layers: 2,
            heads: 4,
            inner: 128,
            problem_tokens: 128,
            program_tokens: 256,
        }
    }
}

impl EncoderConfig {
    /// Why no encoder has this shape, if none has.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let within = |value: usize, most: usize| (1..=most).contains(&value);
        let is_sound = within(self.width, 4096) && within(self.layers, 64) && within(self.inner, 16_384);
        let is_short = within(self.problem_tokens, 8192) && within(self.program_tokens, 8192);
        if !is_sound || !is_short || self.tokens.vocabulary() > 1 << 20 {
            return Some("a size of its network is out of range");
        }
        if self.heads == 0 || !self.width.is_multiple_of(2 * self.heads) {
            return Some("the width of its network is no multiple of twice its heads");
        }
        None
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits { problem: self.problem_tokens, program: self.program_tokens }
    }

    /// The tokens of a problem with a program.
    pub(crate) fn encode(&self, problem: &str, program: &str) -> Encoded {
        self.tokens.encode(problem, program, self.limits())
    }

    const fn positions(&self) -> usize {
        // A begin, a mark between the texts, an end.
        self.problem_tokens + self.program_tokens + 3
    }

    /// The variables of an encoder.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let Self { width, inner, .. } = *self;
        let table = |name: &str, rows| Slot {
            name: name.to_owned(),
            shape: vec![rows, width],
            start: Start::Random(0.1),
        };
        let mut slots = vec![table("tokens", self.tokens.vocabulary()), table("segments", 2)];
        for layer in 0..self.layers {
            let name = |part: &str| format!("layer.{layer}.{part}");
            slots.extend([
                Slot::constant(name("attention.norm"), width, 1.0),
                Slot::matrix(name("attention.in"), 3 * width, width),
                Slot::matrix(name("attention.out"), width, width),
                Slot::constant(name("forward.norm"), width, 1.0),
                Slot::matrix(name("forward.gate"), inner, width),
                Slot::matrix(name("forward.up"), inner, width),
                Slot::matrix(name("forward.down"), width, inner),
            ]);
        }
        slots.push(Slot::constant("norm", width, 1.0));
        slots
    }
}

/// Programs of a batch, padded to the longest.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Tokens, `(rows, positions)`, u32.
    tokens: Tensor,
    /// 0 before the program, 1 in it, `(rows, positions)`, u32.
    segments: Tensor,
    /// 1 at the program's tokens, else 0, `(rows, positions)`, f32.
    pub(crate) mask: Tensor,
}

impl Batch {
    pub(crate) fn of(rows: &[&Encoded]) -> Result<Self, ScorerError> {
        Self::padded(rows, 0)
    }

    /// With `more` columns of padding than are needed.
    fn padded(rows: &[&Encoded], more: usize) -> Result<Self, ScorerError> {
        let length = |row: &&Encoded| row.before.len() + row.program.len();
        let positions = rows.iter().map(length).max().unwrap_or(0) + more;
        let (mut tokens, mut segments, mut mask) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let pad = positions - length(row);
            tokens.extend(row.before.iter().chain(&row.program));
            tokens.extend(std::iter::repeat_n(tokens::PAD, pad));
            segments.extend(std::iter::repeat_n(0_u32, row.before.len()));
            segments.extend(std::iter::repeat_n(1, row.program.len() + pad));
            mask.extend(std::iter::repeat_n(0_f32, row.before.len()));
            mask.extend(std::iter::repeat_n(1.0, row.program.len()));
            mask.extend(std::iter::repeat_n(0.0, pad));
        }
        let shape = (rows.len(), positions);
        Ok(Self {
            tokens: Tensor::from_vec(tokens, shape, &Device::Cpu)?,
            segments: Tensor::from_vec(segments, shape, &Device::Cpu)?,
            mask: Tensor::from_vec(mask, shape, &Device::Cpu)?,
        })
    }
}

/// The operations that have two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernels {
    /// Made of operations that gradients go through.
    Differentiable,
    /// In one piece each.
    Fused,
}

impl Kernels {
    fn norm(self, x: &Tensor, weight: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Differentiable => ops::rms_norm_slow(x, weight, NORM_EPSILON),
            Self::Fused => ops::rms_norm(&x.contiguous()?, weight, NORM_EPSILON),
        }
    }

    fn softmax(self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Differentiable => ops::softmax(x, D::Minus1),
            Self::Fused => ops::softmax_last_dim(x),
        }
    }

    fn rotate(self, x: &Tensor, cos: &Tensor, sin: &Tensor) -> candle_core::Result<Tensor> {
        let x = x.contiguous()?;
        match self {
            Self::Differentiable => rotary_emb::rope_slow(&x, cos, sin),
            Self::Fused => rotary_emb::rope(&x, cos, sin),
        }
    }
}

/// Keys and values of one layer for what was read before, each `(1, heads, positions, width of a head)`.
#[derive(Debug, Clone)]
struct Past {
    keys: Tensor,
    values: Tensor,
}

/// The transformer.
#[derive(Debug, Clone)]
pub struct Encoder {
    config: EncoderConfig,
    weights: Weights,
    /// Cosines and sines of the rotary angles, each `(positions, half the width of a head)`.
    rotary: (Tensor, Tensor),
}

impl Encoder {
    pub(crate) fn new(config: EncoderConfig, weights: Weights) -> Result<Self, ScorerError> {
        let rotary = rotary(config.positions(), config.width / config.heads)?;
        Ok(Self { config, weights, rotary })
    }

    /// Hidden states of a batch, `(rows, positions, width)`, through which gradients go.
    pub(crate) fn states(&self, batch: &Batch) -> Result<Tensor, ScorerError> {
        let (rows, positions) = batch.tokens.dims2()?;
        let x = self.embed(&batch.tokens.flatten_all()?, &batch.segments.flatten_all()?)?;
        let x = x.reshape((rows, positions, self.config.width))?;
        Ok(self.run(x, None, Kernels::Differentiable)?.0)
    }

    fn embed(&self, tokens: &Tensor, segments: &Tensor) -> Result<Tensor, ScorerError> {
        let tokens = self.weights.get("tokens")?.index_select(tokens, 0)?;
        Ok((tokens + self.weights.get("segments")?.index_select(segments, 0)?)?)
    }

    /// The states of one row of one segment, after what was read before, and what the next row may see.
    fn read_on(
        &self,
        tokens: &[u32],
        segment: u32,
        past: Option<&[Past]>,
    ) -> Result<(Tensor, Vec<Past>), ScorerError> {
        let segments = Tensor::full(segment, tokens.len(), &Device::Cpu)?;
        let x = self.embed(&Tensor::new(tokens, &Device::Cpu)?, &segments)?;
        self.run(x.unsqueeze(0)?, past, Kernels::Fused)
    }

    fn run(
        &self,
        mut x: Tensor,
        past: Option<&[Past]>,
        kernels: Kernels,
    ) -> Result<(Tensor, Vec<Past>), ScorerError> {
        let length = x.dim(1)?;
        let before = match past.and_then(<[Past]>::first) {
            Some(past) => past.keys.dim(2)?,
            None => 0,
        };
        let mask = causal(before, length)?;
        let rotary = (self.rotary.0.narrow(0, before, length)?, self.rotary.1.narrow(0, before, length)?);
        let mut seen = Vec::with_capacity(self.config.layers);
        for layer in 0..self.config.layers {
            let past = past.and_then(|past| past.get(layer));
            let (after, keys_and_values) = self.attend(layer, &x, past, (&mask, &rotary), kernels)?;
            x = self.feed_forward(layer, &(x + after)?, kernels)?;
            seen.push(keys_and_values);
        }
        Ok((kernels.norm(&x, self.weights.get("norm")?)?, seen))
    }

    fn attend(
        &self,
        layer: usize,
        x: &Tensor,
        past: Option<&Past>,
        (mask, (cos, sin)): (&Tensor, &(Tensor, Tensor)),
        kernels: Kernels,
    ) -> Result<(Tensor, Past), ScorerError> {
        let (rows, length, width) = x.dims3()?;
        let heads = self.config.heads;
        let x = kernels.norm(x, self.layer(layer, "attention.norm")?)?;
        let all = times(&x, self.layer(layer, "attention.in")?)?;
        let part = |index: usize| -> candle_core::Result<Tensor> {
            let part = all.narrow(2, index * width, width)?;
            part.reshape((rows, length, heads, width / heads))?.transpose(1, 2)?.contiguous()
        };
        let queries = kernels.rotate(&part(0)?, cos, sin)?;
        let (mut keys, mut values) = (kernels.rotate(&part(1)?, cos, sin)?, part(2)?);
        if let Some(past) = past {
            keys = Tensor::cat(&[&past.keys, &keys], 2)?;
            values = Tensor::cat(&[&past.values, &values], 2)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a width")]
        let scale = 1.0 / ((width / heads) as f64).sqrt();
        let scores = (queries.matmul(&keys.transpose(2, 3)?.contiguous()?)? * scale)?;
        let shares = kernels.softmax(&scores.broadcast_add(mask)?)?;
        let mixed = shares.matmul(&values)?.transpose(1, 2)?.reshape((rows, length, width))?;
        Ok((times(&mixed, self.layer(layer, "attention.out")?)?, Past { keys, values }))
    }

    fn feed_forward(&self, layer: usize, x: &Tensor, kernels: Kernels) -> Result<Tensor, ScorerError> {
        let normed = kernels.norm(x, self.layer(layer, "forward.norm")?)?;
        let gate = times(&normed, self.layer(layer, "forward.gate")?)?.silu()?;
        let inner = (gate * times(&normed, self.layer(layer, "forward.up")?)?)?;
        Ok((x + times(&inner, self.layer(layer, "forward.down")?)?)?)
    }

    fn layer(&self, layer: usize, part: &str) -> Result<&Tensor, ScorerError> {
        self.weights.get(&format!("layer.{layer}.{part}"))
    }
}

impl Trunk for Encoder {
    fn width(&self) -> usize {
        self.config.width
    }

    /// One program after the other, so that neither its neighbours nor padding can change a bit of its states.
    fn read(&self, problem: &str, programs: &[&str]) -> Result<Vec<Reading>, ScorerError> {
        let EncoderConfig { tokens, .. } = self.config;
        let limits = self.config.limits();
        let (_, past) = self.read_on(&tokens.before(problem, limits), 0, None)?;
        let read = |program: &&str| {
            let (tokens, ends) = tokens.program(program, limits);
            let (states, _) = self.read_on(&tokens, 1, Some(&past))?;
            Ok(Reading { hidden: states.squeeze(0)?, ends })
        };
        programs.iter().map(read).collect()
    }
}

/// `x` of `(rows, positions, in)` times a matrix of `(out, in)`.
pub(crate) fn times(x: &Tensor, matrix: &Tensor) -> candle_core::Result<Tensor> {
    let (rows, positions, width) = x.dims3()?;
    let flat = x.reshape((rows * positions, width))?.matmul(&matrix.t()?)?;
    flat.reshape((rows, positions, matrix.dim(0)?))
}

/// What the last `length` of `before + length` positions may see, `(length, before + length)`: 0, or [`UNSEEN`].
fn causal(before: usize, length: usize) -> candle_core::Result<Tensor> {
    let all = before + length;
    let row = |index: usize| (0..all).map(move |seen| if seen <= before + index { 0.0 } else { UNSEEN });
    let mask: Vec<f32> = (0..length).flat_map(row).collect();
    Tensor::from_vec(mask, (length, all), &Device::Cpu)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "positions and angles")]
fn rotary(positions: usize, width: usize) -> candle_core::Result<(Tensor, Tensor)> {
    let half = width / 2;
    let angle =
        |position: usize, pair: usize| position as f64 / ROPE_BASE.powf(2.0 * pair as f64 / width as f64);
    let angles = (0..positions).flat_map(|position| (0..half).map(move |pair| angle(position, pair)));
    let (cos, sin): (Vec<f32>, Vec<f32>) =
        angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).unzip();
    let table = |values| Tensor::from_vec(values, (positions, half), &Device::Cpu);
    Ok((table(cos)?, table(sin)?))
}

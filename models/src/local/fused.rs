//! Attention and the gate of a block as one operation each, on a CPU.
//!
//! With the tensor library, one block's attention is some thirty operations; while few rows draw a token each, what these cost
//! before they compute anything is a quarter of a step, and in small models most of it.

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, CustomOp2, Device, InplaceOp1, Layout, Result, Shape, Storage, Tensor};
use rayon::prelude::*;

use super::cache::Suffix;
use super::config::DecoderConfig;
use super::lanes::{self, Seen};
use super::pass::{Mask, Pass};
use super::rope::Angles;

/// Columns of a row whose queries walk over the past together.
const COLUMNS: usize = 8;
/// Products of numbers from which on threads share the work: some 25 µs of it.
const SHARED_FROM: usize = 1 << 18;
/// Numbers that a thread gates at a time.
const GATED_TOGETHER: usize = 1 << 14;

/// Whether a decoder with heads of this width computes here.
pub(crate) fn serves(device: &Device, head_dim: usize) -> bool {
    device.is_cpu() && head_dim.is_multiple_of(lanes::LANES_MAX)
}

/// The attention of the block of this index, with its norms of queries and of keys: keys and values go to `suffix`, and for each token come the means of what its heads see,
/// `(tokens, heads · head_dim)`.
///
/// # Errors
/// Where shapes contradict each other.
pub(crate) fn attend(
    config: &DecoderConfig,
    index: usize,
    norms: [Option<&Tensor>; 2],
    [queries, keys, values]: [&Tensor; 3],
    pass: &Pass<'_>,
    angles: &Angles,
    suffix: &Suffix,
) -> Result<Tensor> {
    let own = suffix.layer(index)?;
    let (cos, sin) = (angles.cos.storage_and_layout(), angles.sin.storage_and_layout());
    let norms = norms.map(|norm| norm.map(Tensor::storage_and_layout));
    let [turn_query, turn_key] = norms.each_ref().map(|norm| {
        let norm = norm.as_ref().map(numbers).transpose()?;
        Ok::<_, candle_core::Error>(Turn {
            norm,
            epsilon: config.epsilon(),
            cos: numbers(&cos)?,
            sin: numbers(&sin)?,
        })
    });
    let (turn_query, turn_key) = (turn_query?, turn_key?);
    {
        let (keys, values) = (keys.storage_and_layout(), values.storage_and_layout());
        let append = |heads, turn| Append { heads, rows: pass.rows, at: suffix.len(), turn };
        own.keys.inplace_op1(&append(numbers(&keys)?, Some(&turn_key)))?;
        own.values.inplace_op1(&append(numbers(&values)?, None))?;
    }

    let shared = pass.shared.iter().map(|shared| {
        let past = shared.segment.layer(index)?;
        Ok((past.keys.storage_and_layout(), past.values.storage_and_layout()))
    });
    let shared: Vec<_> = shared.collect::<Result<_>>()?;
    let shared = pass.shared.iter().zip(&shared).map(|(shared, (keys, values))| {
        let (keys, values) = (numbers(keys)?, numbers(values)?);
        Ok(Past { rows: shared.rows.clone(), tokens: shared.segment.len(), keys, values })
    });
    let (own_keys, own_values) = (own.keys.storage_and_layout(), own.values.storage_and_layout());
    let queries = queries.storage_and_layout();
    let attention = Attention {
        config,
        pass,
        columns: pass.tokens.len() / pass.rows,
        cached: suffix.len(),
        capacity: suffix.capacity(),
        queries: numbers(&queries)?,
        turn: turn_query,
        shared: shared.collect::<Result<_>>()?,
        own: [numbers(&own_keys)?, numbers(&own_values)?],
    };
    let shape = (pass.tokens.len(), config.heads * config.head_dim);
    Tensor::from_vec(attention.means(), shape, &Device::Cpu)
}

/// The numbers of a tensor in f32 on a CPU.
fn numbers<'a>((storage, layout): &'a (impl Deref<Target = Storage>, &Layout)) -> Result<&'a [f32]> {
    match &**storage {
        Storage::Cpu(storage) => in_order(storage, layout),
        _ => candle_core::bail!("numbers on a GPU"),
    }
}

fn in_order<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("numbers that lie apart");
    };
    Ok(storage.as_slice::<f32>()?.get(start..end).unwrap_or_default())
}

/// What is done with a head before it is multiplied: its norm where a model has one, and the rotation by its position.
#[derive(Clone, Copy)]
struct Turn<'a> {
    norm: Option<&'a [f32]>,
    epsilon: f32,
    /// Half a head's numbers for each token.
    cos: &'a [f32],
    sin: &'a [f32],
}

impl Turn<'_> {
    fn turn(&self, token: usize, head: &mut [f32]) {
        if let Some(norm) = self.norm {
            #[expect(clippy::cast_precision_loss, reason = "widths of heads are small")]
            let mean = head.iter().map(|number| number * number).sum::<f32>() / head.len() as f32;
            let factor = 1.0 / (mean + self.epsilon).sqrt();
            head.iter_mut().zip(norm).for_each(|(number, norm)| *number *= factor * norm);
        }
        let half = head.len() / 2;
        let (first, second) = head.split_at_mut(half);
        let angles = nth(self.cos, token, half).iter().zip(nth(self.sin, token, half));
        for ((first, second), (cos, sin)) in first.iter_mut().zip(second).zip(angles) {
            (*first, *second) = (*first * cos - *second * sin, *first * sin + *second * cos);
        }
    }
}

/// The run of this index, of `width` numbers.
fn nth(numbers: &[f32], index: usize, width: usize) -> &[f32] {
    numbers.get(index * width..(index + 1) * width).unwrap_or_default()
}

/// Writes heads, `(rows · columns, kv_heads, head_dim)`, into a cache, `(kv_heads, rows, capacity, head_dim)`, from column
/// `at` on.
struct Append<'a> {
    heads: &'a [f32],
    rows: usize,
    at: usize,
    turn: Option<&'a Turn<'a>>,
}

impl InplaceOp1 for Append<'_> {
    fn name(&self) -> &'static str {
        "append"
    }

    fn cpu_fwd(&self, cache: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (kv_heads, rows, capacity, width) = layout.shape().dims4()?;
        let (CpuStorage::F32(cache), Some((0, _))) = (cache, layout.contiguous_offsets()) else {
            candle_core::bail!("a cache in other numbers than f32");
        };
        let columns = self.heads.len() / (rows * kv_heads * width).max(1);
        if rows != self.rows || self.at + columns > capacity {
            candle_core::bail!("a cache of {rows} rows has no room for {} × {columns} tokens", self.rows);
        }
        for (index, head) in self.heads.chunks(width).enumerate() {
            let (token, kv_head) = (index / kv_heads, index % kv_heads);
            let place = (kv_head * rows + token / columns) * capacity + self.at + token % columns;
            if let Some(place) = cache.get_mut(place * width..(place + 1) * width) {
                place.copy_from_slice(head);
                if let Some(turn) = self.turn {
                    turn.turn(token, place);
                }
            }
        }
        Ok(())
    }
}

/// Keys and values that some of the rows share, `(kv_heads, tokens, head_dim)` each.
struct Past<'a> {
    rows: Range<usize>,
    tokens: usize,
    keys: &'a [f32],
    values: &'a [f32],
}

/// What the heads of a pass see.
struct Attention<'a> {
    config: &'a DecoderConfig,
    pass: &'a Pass<'a>,
    /// Tokens of a row in this pass.
    columns: usize,
    /// Columns of the rows' own that were read before.
    cached: usize,
    capacity: usize,
    queries: &'a [f32],
    turn: Turn<'a>,
    shared: Vec<Past<'a>>,
    /// Keys and values of the rows' own, `(kv_heads, rows, capacity, head_dim)` each.
    own: [&'a [f32]; 2],
}

impl Attention<'_> {
    /// The means of all heads, token after token.
    fn means(&self) -> Vec<f32> {
        let DecoderConfig { kv_heads, head_dim, .. } = *self.config;
        // Under a mask, what neighbours see differs anywhere.
        let together = match self.pass.mask {
            Mask::Causal => COLUMNS,
            Mask::Explicit(_) => 1,
        };
        let blocks = self.columns.div_ceil(together);
        let part = |index: usize| {
            let (row, block, kv_head) =
                (index / kv_heads / blocks, index / kv_heads % blocks, index % kv_heads);
            let columns = block * together..self.columns.min((block + 1) * together);
            (row, columns.clone(), kv_head, self.means_of(row, columns, kv_head))
        };
        let parts = 0..self.pass.rows * blocks * kv_heads;
        let seen = self.shared.iter().map(|past| past.tokens).sum::<usize>() + self.cached + self.columns;
        let is_small = self.queries.len() * seen < SHARED_FROM;
        let parts: Vec<_> =
            if is_small { parts.map(part).collect() } else { parts.into_par_iter().map(part).collect() };

        let width = self.config.group() * head_dim;
        let mut means = vec![0.0; self.queries.len()];
        for (row, columns, kv_head, part) in parts {
            for (column, part) in columns.zip(part.chunks(width)) {
                let place = ((row * self.columns + column) * kv_heads + kv_head) * width;
                if let Some(place) = means.get_mut(place..place + width) {
                    place.copy_from_slice(part);
                }
            }
        }
        means
    }

    /// The means of the heads that share a head of keys and values, for some columns of a row.
    fn means_of(&self, row: usize, columns: Range<usize>, kv_head: usize) -> Vec<f32> {
        let DecoderConfig { heads, head_dim, .. } = *self.config;
        let group = self.config.group();
        let (seen, before) = self.seen(row, &columns, kv_head);
        let mut queries = Vec::with_capacity(columns.len() * group * head_dim);
        let mut limits = Vec::with_capacity(columns.len() * group);
        #[expect(clippy::cast_precision_loss, reason = "widths of heads are small")]
        let scale = 1.0 / (head_dim as f32).sqrt();
        for column in columns {
            let token = row * self.columns + column;
            for head in kv_head * group..(kv_head + 1) * group {
                let start = queries.len();
                queries.extend_from_slice(nth(self.queries, token * heads + head, head_dim));
                let query = queries.get_mut(start..).unwrap_or_default();
                self.turn.turn(token, query);
                query.iter_mut().for_each(|number| *number *= scale);
                limits.push(match self.pass.mask {
                    Mask::Causal => before + column + 1,
                    Mask::Explicit(_) => seen.len(),
                });
            }
        }
        let mut means = Vec::with_capacity(queries.len());
        lanes::attend(&queries, head_dim, &limits, &seen, &mut means);
        means
    }

    /// What the last of some columns of a row sees, and how much of it was there before this pass.
    fn seen(&self, row: usize, columns: &Range<usize>, kv_head: usize) -> (Vec<Seen<'_>>, usize) {
        let width = self.config.head_dim;
        let mut seen = Vec::new();
        for past in self.shared.iter().filter(|past| past.rows.contains(&row)) {
            let part = |numbers| nth(numbers, kv_head, past.tokens * width).chunks_exact(width);
            seen.extend(part(past.keys).zip(part(past.values)));
        }
        let before = seen.len() + self.cached;
        let place = kv_head * self.pass.rows + row;
        let [keys, values] =
            self.own.map(|numbers| nth(numbers, place, self.capacity * width).chunks_exact(width));
        let own = keys.zip(values);
        match self.pass.mask {
            Mask::Causal => seen.extend(own.take(self.cached + columns.end)),
            Mask::Explicit(visible) => {
                let len = self.cached + self.columns;
                let start = (row * self.columns + columns.start) * len;
                let visible = visible.get(start..start + len).unwrap_or_default();
                seen.extend(own.zip(visible).filter(|(_, visible)| **visible).map(|(own, _)| own));
            }
        }
        (seen, before)
    }
}

/// A block's gates, `silu(gates) · numbers`: tensors of one shape.
///
/// # Errors
/// Where shapes differ.
pub(crate) fn gated(gates: &Tensor, numbers: &Tensor) -> Result<Tensor> {
    gates.apply_op2_no_bwd(numbers, &Gated)
}

struct Gated;

impl CustomOp2 for Gated {
    fn name(&self) -> &'static str {
        "gated"
    }

    fn cpu_fwd(
        &self,
        gates: &CpuStorage,
        gates_layout: &Layout,
        numbers: &CpuStorage,
        layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if gates_layout.shape() != layout.shape() {
            candle_core::bail!("gates {:?} for {:?}", gates_layout.shape(), layout.shape());
        }
        let gates = in_order(gates, gates_layout)?;
        let mut gated = in_order(numbers, layout)?.to_vec();
        gated
            .par_chunks_mut(GATED_TOGETHER)
            .zip(gates.par_chunks(GATED_TOGETHER))
            .for_each(|(numbers, gates)| lanes::gate(gates, numbers));
        Ok((CpuStorage::F32(gated), layout.shape().clone()))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::GgmlDType;

    use super::*;
    use crate::local::checkpoint::ModelBytes;
    use crate::local::config::Architecture;
    use crate::local::decoder::Decoder;
    use crate::local::fixture;
    use crate::local::kernel::{KernelClass, has_tiles};
    use crate::local::load::{LoadOptions, LocalModel};
    use crate::local::pass::Shared;

    const SHARED: usize = 21;

    fn decoder(architecture: Architecture, dtype: GgmlDType) -> Decoder {
        let config = fixture::config_of(architecture);
        let weights = fixture::gguf(&config, &fixture::weights(&config, 7), dtype).unwrap();
        let model = ModelBytes { weights: weights.into(), config: None, ..fixture::model(&config, 7) };
        LocalModel::from_bytes(model, &LoadOptions::default()).unwrap().decoder
    }

    /// Decoders whose products are the same to the last bit whatever else is multiplied.
    fn exact(architecture: Architecture) -> Vec<Decoder> {
        let is_own = |dtype: &GgmlDType| match dtype {
            GgmlDType::F32 => has_tiles(),
            dtype => KernelClass::is_own(*dtype, 256, 256),
        };
        let dtypes = [GgmlDType::F32, GgmlDType::Q8_0, GgmlDType::Q4K, GgmlDType::Q6K];
        dtypes.into_iter().filter(is_own).map(|dtype| decoder(architecture, dtype)).collect()
    }

    fn tokens(count: usize, seed: u32) -> Vec<u32> {
        (0..count as u32).map(|index| (index * 37 + seed * 101 + 11) % 256).collect()
    }

    fn read(decoder: &Decoder, text: &[u32], from: usize, shared: &[Shared], suffix: &mut Suffix) -> Tensor {
        let rows = suffix.rows();
        let columns = text.len() / rows;
        let positions: Vec<u32> = (0..rows).flat_map(|_| from as u32..(from + columns) as u32).collect();
        let pass = Pass { tokens: text, positions: &positions, rows, shared, mask: Mask::Causal };
        decoder.forward(pass, suffix).unwrap()
    }

    /// What all tokens have read, cut after `cuts` tokens, the last part included.
    fn shared(decoder: &Decoder, cuts: &[usize], rows: usize) -> Vec<Shared> {
        let mut suffix = Suffix::new(decoder.config(), 1, SHARED, &Device::Cpu).unwrap();
        read(decoder, &tokens(SHARED, 0), 0, &[], &mut suffix);
        let mut rest = suffix.segment(0, 0).unwrap();
        let mut parts = Vec::new();
        for cut in cuts {
            let (part, behind) = rest.split(*cut).unwrap();
            parts.push(part);
            rest = behind;
        }
        parts.push(rest);
        parts.into_iter().map(|segment| Shared { segment, rows: 0..rows }).collect()
    }

    /// Hidden states of three rows behind what they share: six columns, then one under a mask.
    fn states(decoder: &Decoder) -> Vec<Vec<f32>> {
        let mut shared = shared(decoder, &[9], 3);
        shared[1].rows = 1..3;
        let mut suffix = Suffix::new(decoder.config(), 3, 10, &Device::Cpu).unwrap();
        let first = read(decoder, &tokens(18, 1), SHARED, &shared, &mut suffix);
        let visible: Vec<bool> = (0..21).map(|index| index % 7 >= index / 7).collect();
        let pass = Pass {
            tokens: &tokens(3, 2),
            positions: &[27, 28, 29],
            rows: 3,
            shared: &shared,
            mask: Mask::Explicit(&visible),
        };
        let second = decoder.forward(pass, &mut suffix).unwrap();
        Tensor::cat(&[first, second], 0).unwrap().to_vec2().unwrap()
    }

    #[test]
    fn states_are_those_of_the_library_s_operations() {
        for architecture in [Architecture::Qwen2, Architecture::Llama, Architecture::Qwen3] {
            let mut decoder = decoder(architecture, GgmlDType::F32);
            assert!(decoder.is_fused);
            let own = states(&decoder);
            decoder.is_fused = false;
            let library = states(&decoder);
            let difference = own.iter().flatten().zip(library.iter().flatten()).map(|(a, b)| (a - b).abs());
            let difference = difference.fold(0.0, f32::max);
            assert!(difference < 1e-4, "{architecture:?}: {difference}");
        }
    }

    #[test]
    fn a_row_s_states_depend_neither_on_other_rows_nor_on_how_its_past_is_cut() {
        for decoder in exact(Architecture::Qwen3) {
            let states = |cuts: &[usize], rows: usize| -> Vec<Vec<f32>> {
                let mut suffix = Suffix::new(decoder.config(), rows, 12, &Device::Cpu).unwrap();
                let text = tokens(8 * 3, 1);
                let text = &text[..8 * rows];
                read(&decoder, text, SHARED, &shared(&decoder, cuts, rows), &mut suffix).to_vec2().unwrap()
            };
            let alone = states(&[], 1);
            assert_eq!(states(&[], 3)[..8], alone, "among three");
            assert_eq!(states(&[4, 1, 9], 1), alone, "cut");
            assert_eq!(states(&[20], 3)[..8], alone, "both");
        }
    }

    #[test]
    fn what_was_read_at_once_is_as_what_was_read_token_by_token() {
        for decoder in exact(Architecture::Llama) {
            let text = tokens(40, 3);
            let mut suffix = Suffix::new(decoder.config(), 1, 40, &Device::Cpu).unwrap();
            let together: Vec<Vec<f32>> = read(&decoder, &text, 0, &[], &mut suffix).to_vec2().unwrap();
            let mut suffix = Suffix::new(decoder.config(), 1, 40, &Device::Cpu).unwrap();
            for (index, token) in text.iter().enumerate() {
                let state: Vec<Vec<f32>> =
                    read(&decoder, &[*token], index, &[], &mut suffix).to_vec2().unwrap();
                assert_eq!(state[0], together[index], "token {index}");
            }
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let decoder = decoder(Architecture::Llama, GgmlDType::F32);
        let mut suffix = Suffix::new(decoder.config(), 1, 2, &Device::Cpu).unwrap();
        let mask = Mask::Explicit(&[true, false, true]);
        let pass = Pass { tokens: &[1, 2], positions: &[0, 1], rows: 1, shared: &[], mask };
        assert!(decoder.forward(pass, &mut suffix).unwrap_err().to_string().contains("a mask of 3"));
        let numbers =
            |shape: (usize, usize)| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(gated(&numbers((2, 3)), &numbers((3, 2))).is_err());
        let cache = Tensor::zeros((2, 1, 4, 16), candle_core::DType::F32, &Device::Cpu).unwrap();
        let append = |at| Append { heads: &[1.0; 64], rows: 1, at, turn: None };
        assert!(cache.inplace_op1(&append(2)).is_ok());
        assert!(cache.inplace_op1(&append(3)).is_err(), "no room for two columns");
    }
}

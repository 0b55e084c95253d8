//! Attention in parts: each part of the past is multiplied by once for all rows that share it, and the parts are merged.
//!
//! A part gives, per query, the largest score `m`, the sum of `exp(score - m)`, and the values weighted by these; two parts
//! of the same queries merge into one exactly ("online softmax"). So a row may have read any number of shared segments,
//! and none is copied. Source: Milakov and Gimelshein 2018, *Online normalizer calculation for softmax*; Juravsky et al.
//! 2024, *Hydragen* (arXiv 2402.05099), for the shared prefix.

use std::ops::Range;

use candle_core::{D, Result, Tensor};

/// What attending to a part of the past gave, per query; queries are `(kv_heads, rows, queries)`.
pub(crate) struct Attended {
    /// Largest score, `(kv_heads, rows, queries, 1)`.
    max: Tensor,
    /// Sum of the weights, likewise.
    sum: Tensor,
    /// Weighted values, `(kv_heads, rows, queries, head_dim)`.
    values: Tensor,
}

impl Attended {
    /// Of scores `(…, queries, keys)` and values `(…, keys, head_dim)`.
    fn new(scores: &Tensor, values: &Tensor) -> Result<Self> {
        let max = scores.max_keepdim(D::Minus1)?;
        let weights = scores.broadcast_sub(&max)?.exp()?;
        Ok(Self { sum: weights.sum_keepdim(D::Minus1)?, values: weights.matmul(values)?, max })
    }

    /// Each row to its own columns. `queries` are `(kv_heads, rows, group · columns, head_dim)`, keys and values
    /// `(kv_heads, rows, keys, head_dim)`, and the mask, which is added, `(1, rows or 1, 1, columns, keys)`.
    pub(crate) fn own(
        queries: &Tensor,
        keys: &Tensor,
        values: &Tensor,
        mask: Option<&Tensor>,
    ) -> Result<Self> {
        let scores = queries.matmul(&keys.t()?)?;
        let Some(mask) = mask else { return Self::new(&scores, values) };
        let (kv_heads, rows, queries, keys) = scores.dims4()?;
        let columns = mask.dim(3)?;
        let masked =
            scores.reshape((kv_heads, rows, queries / columns, columns, keys))?.broadcast_add(mask)?;
        Self::new(&masked.reshape((kv_heads, rows, queries, keys))?, values)
    }

    /// All rows to keys and values that they share, `(kv_heads, keys, head_dim)`: one product.
    pub(crate) fn shared(queries: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Self> {
        let (kv_heads, rows, each, width) = queries.dims4()?;
        let together = queries.reshape((kv_heads, rows * each, width))?;
        let attended = Self::new(&together.matmul(&keys.t()?)?, values)?;
        let apart = |tensor: Tensor| tensor.reshape((kv_heads, rows, each, ()));
        Ok(Self { max: apart(attended.max)?, sum: apart(attended.sum)?, values: apart(attended.values)? })
    }

    /// Adds what a range of the rows gave for another part.
    pub(crate) fn merge(self, other: &Self, rows: &Range<usize>) -> Result<Self> {
        if rows.start == 0 && rows.end == self.max.dim(1)? {
            return self.merged(other);
        }
        let within = |tensor: &Tensor| tensor.narrow(1, rows.start, rows.len())?.contiguous();
        let part = Self { max: within(&self.max)?, sum: within(&self.sum)?, values: within(&self.values)? };
        let part = part.merged(other)?;
        self.max.slice_set(&part.max, 1, rows.start)?;
        self.sum.slice_set(&part.sum, 1, rows.start)?;
        self.values.slice_set(&part.values, 1, rows.start)?;
        Ok(self)
    }

    fn merged(self, other: &Self) -> Result<Self> {
        let max = self.max.maximum(&other.max)?;
        let (mine, theirs) = ((&self.max - &max)?.exp()?, (&other.max - &max)?.exp()?);
        let sum = ((&self.sum * &mine)? + (&other.sum * &theirs)?)?;
        let values = (self.values.broadcast_mul(&mine)? + other.values.broadcast_mul(&theirs)?)?;
        Ok(Self { max, sum, values })
    }

    /// The mean of the values by their weights, `(kv_heads, rows, queries, head_dim)`.
    pub(crate) fn finish(self) -> Result<Tensor> {
        self.values.broadcast_div(&self.sum)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn random(shape: &[usize], seed: u64) -> Tensor {
        Tensor::from_vec(
            crate::local::fixture::numbers(shape.iter().product(), 1.0, seed),
            shape,
            &Device::Cpu,
        )
        .unwrap()
    }

    #[test]
    fn parts_make_the_whole() {
        let (queries, own_keys, own_values) =
            (random(&[2, 3, 4, 8], 1), random(&[2, 3, 5, 8], 2), random(&[2, 3, 5, 8], 3));
        let (keys, values) = (random(&[2, 7, 8], 4), random(&[2, 7, 8], 5));
        let parts = Attended::own(&queries, &own_keys, &own_values, None).unwrap();
        // The second and third row share a segment that the first has not read.
        let shared =
            Attended::shared(&queries.narrow(1, 1, 2).unwrap().contiguous().unwrap(), &keys, &values)
                .unwrap();
        let merged = parts.merge(&shared, &(1..3)).unwrap().finish().unwrap();
        for row in 0..3 {
            let own =
                |tensor: &Tensor| tensor.narrow(1, row, 1).unwrap().squeeze(1).unwrap().contiguous().unwrap();
            let (keys, values) = match row {
                0 => (own(&own_keys), own(&own_values)),
                _ => (
                    Tensor::cat(&[&own(&own_keys), &keys], 1).unwrap(),
                    Tensor::cat(&[&own(&own_values), &values], 1).unwrap(),
                ),
            };
            let weights =
                candle_nn::ops::softmax_last_dim(&own(&queries).matmul(&keys.t().unwrap()).unwrap()).unwrap();
            let whole = weights.matmul(&values).unwrap();
            let difference =
                (own(&merged) - whole).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(difference < 1e-5, "row {row}: {difference}");
        }
    }

    #[test]
    fn what_a_mask_hides_does_not_count() {
        let (queries, keys, values) =
            (random(&[1, 1, 1, 4], 1), random(&[1, 1, 3, 4], 2), random(&[1, 1, 3, 4], 3));
        let mask = Tensor::new(&[0_f32, 0.0, f32::NEG_INFINITY], &Device::Cpu)
            .unwrap()
            .reshape((1, 1, 1, 1, 3))
            .unwrap();
        let masked = Attended::own(&queries, &keys, &values, Some(&mask)).unwrap().finish().unwrap();
        let cut = |tensor: &Tensor| tensor.narrow(2, 0, 2).unwrap().contiguous().unwrap();
        let shorter = Attended::own(&queries, &cut(&keys), &cut(&values), None).unwrap().finish().unwrap();
        let difference =
            (masked - shorter).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(difference < 1e-6);
    }
}

//! `Q8_0`: 32 inputs of eight bits with a scale.
//!
//! Rows are rounded to 16 bits, so that what is lost is in the weights alone; llama.cpp and the tensor library round rows to 8.
//!
//! Source: `block_q8_0` of ggml (`ggml-common.h`).

use half::f16;

use super::super::tile::WIDTH;
use super::{Block, ROUNDING, inverse, largest, scale_of, set};

const INPUTS: usize = 32;
const PAIRS: usize = INPUTS / 2;
/// The largest number of a row.
const LARGEST: f32 = 32_767.0;

#[derive(Debug, Clone)]
pub(in super::super) struct Q8 {
    /// Of a pair of inputs: both of the first output, then of the next.
    pairs: [[[i8; 2]; WIDTH]; PAIRS],
    scale: [f16; WIDTH],
}

/// 32 numbers in 16 bits.
#[derive(Debug)]
pub(in super::super) struct Row {
    /// Two at a time.
    pairs: [i32; PAIRS],
    scale: f32,
}

impl Default for Q8 {
    fn default() -> Self {
        Self { pairs: [[[0; 2]; WIDTH]; PAIRS], scale: [f16::ZERO; WIDTH] }
    }
}

impl Block for Q8 {
    const INPUTS: usize = INPUTS;
    const BYTES: usize = 2 + INPUTS;
    const ROWS: usize = 6;
    type Row = Row;

    fn put(&mut self, output: usize, bytes: &[u8]) {
        let Some((scale, numbers)) = bytes.split_first_chunk() else { return };
        set(&mut self.scale, output, f16::from_le_bytes(*scale));
        for (places, pair) in self.pairs.iter_mut().zip(numbers.as_chunks::<2>().0) {
            set(places, output, pair.map(u8::cast_signed));
        }
    }

    fn weights(&self, output: usize) -> impl Iterator<Item = f32> {
        let scale = scale_of(&self.scale, output);
        let numbers = self.pairs.iter().filter_map(move |pairs| pairs.get(output)).flatten();
        numbers.map(move |number| f32::from(*number) * scale)
    }

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma,f16c"))]
    unsafe fn round(numbers: &[f32]) -> Row {
        let largest = largest(numbers);
        let inverse = inverse(largest, LARGEST);
        let mut pairs = [0; PAIRS];
        for (place, pair) in pairs.iter_mut().zip(numbers.as_chunks::<2>().0) {
            let [low, high] = pair.map(|number| (number * inverse + ROUNDING).to_bits() & 0xffff);
            *place = (low | high << 16).cast_signed();
        }
        Row { pairs, scale: largest / LARGEST }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn add<const COUNT: usize>(&self, rows: [&Row; COUNT], sums: &mut [[f32; WIDTH]; COUNT]) {
        use std::arch::x86_64::{
            _mm256_add_epi32, _mm256_cvtepi8_epi16, _mm256_madd_epi16, _mm256_set1_epi32,
        };

        use super::vectors;

        // At most 128 · 32,767 · 32, which 32 bits hold.
        let mut whole = vectors::zeros::<COUNT>();
        for (pairs, at) in self.pairs.iter().zip(0..) {
            let [low, high] = vectors::of_pairs(pairs);
            let (low, high) = (_mm256_cvtepi8_epi16(low), _mm256_cvtepi8_epi16(high));
            for (row, [low_sum, high_sum]) in rows.iter().zip(&mut whole) {
                // SAFETY: a row has as many pairs as a block.
                let numbers = _mm256_set1_epi32(unsafe { *row.pairs.get_unchecked(at) });
                *low_sum = _mm256_add_epi32(*low_sum, _mm256_madd_epi16(low, numbers));
                *high_sum = _mm256_add_epi32(*high_sum, _mm256_madd_epi16(high, numbers));
            }
        }
        for ((row, sums), whole) in rows.iter().zip(sums).zip(whole) {
            vectors::add(sums, vectors::scaled(whole, &self.scale), row.scale);
        }
    }
}

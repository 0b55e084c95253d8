//! `Q4_K`: 256 inputs of four bits, with a scale and an offset of six bits for 32 of them.
//!
//! Source: `block_q4_K` of ggml (`ggml-common.h`, `ggml-quants.c`).

use half::f16;

use super::super::tile::WIDTH;
use super::nibbles::{self, INPUTS, Nibbles, QUADS, VECTOR};
use super::{Block, get, scale_of, set};

/// Inputs that share a scale.
const GROUP: usize = 32;
const GROUPS: usize = INPUTS / GROUP;

#[derive(Debug, Clone)]
pub(in super::super) struct Q4K {
    quads: Nibbles,
    scales: [[u8; WIDTH]; GROUPS],
    /// What is taken off, of two groups side by side.
    least: [[[u8; 2]; WIDTH]; GROUPS / 2],
    scale: [f16; WIDTH],
    least_scale: [f16; WIDTH],
}

/// 256 numbers in 8 bits.
#[derive(Debug)]
pub(in super::super) struct Row {
    /// Four at a time.
    quads: [i32; QUADS],
    /// Sums of the groups in 16 bits, two at a time.
    sums: [i32; GROUPS / 2],
    scale: f32,
}

impl Default for Q4K {
    fn default() -> Self {
        Self {
            quads: [[0; VECTOR]; QUADS],
            scales: [[0; WIDTH]; GROUPS],
            least: [[[0; 2]; WIDTH]; GROUPS / 2],
            scale: [f16::ZERO; WIDTH],
            least_scale: [f16::ZERO; WIDTH],
        }
    }
}

impl Block for Q4K {
    const INPUTS: usize = INPUTS;
    const BYTES: usize = 2 + 2 + 12 + INPUTS / 2;
    const ROWS: usize = 4;
    type Row = Row;

    fn put(&mut self, output: usize, bytes: &[u8]) {
        let Some((&[d0, d1, m0, m1], rest)) = bytes.split_first_chunk() else { return };
        let Some((scales, numbers)) = rest.split_first_chunk::<12>() else { return };
        set(&mut self.scale, output, f16::from_le_bytes([d0, d1]));
        set(&mut self.least_scale, output, f16::from_le_bytes([m0, m1]));
        let [low_scales, low_least, high] = scales.as_chunks::<4>().0 else { return };
        let scales = sixes(low_scales, high.map(|high| high & 15));
        for (places, scale) in self.scales.iter_mut().zip(scales) {
            set(places, output, scale);
        }
        let places = self.least.iter_mut().filter_map(|pairs| pairs.get_mut(output)).flatten();
        places.zip(sixes(low_least, high.map(|high| high >> 4))).for_each(|(place, least)| *place = least);
        nibbles::put(&mut self.quads, output, nibbles::halves(numbers, GROUP));
    }

    fn weights(&self, output: usize) -> impl Iterator<Item = f32> {
        let (scale, least_scale) = (scale_of(&self.scale, output), scale_of(&self.least_scale, output));
        let least = self.least.iter().flat_map(move |pairs| get(pairs, output));
        let factors = self.scales.iter().zip(least).flat_map(move |(scales, least)| {
            let factors = (scale * f32::from(get(scales, output)), least_scale * f32::from(least));
            std::iter::repeat_n(factors, GROUP)
        });
        let numbers = nibbles::of(&self.quads, output);
        numbers.zip(factors).map(|(number, (scale, least))| scale * f32::from(number) - least)
    }

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma,f16c"))]
    unsafe fn round(numbers: &[f32]) -> Row {
        let (bytes, scale) = nibbles::bytes(numbers);
        let mut sums = [0; GROUPS / 2];
        for (place, pair) in sums.iter_mut().zip(bytes.as_chunks::<GROUP>().0.as_chunks::<2>().0) {
            let [[a, b], [c, d]] = pair.map(|group| {
                group.iter().map(|byte| i16::from(byte.cast_signed())).sum::<i16>().to_le_bytes()
            });
            *place = i32::from_le_bytes([a, b, c, d]);
        }
        Row { quads: nibbles::quads(&bytes), sums, scale }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn add<const COUNT: usize>(&self, rows: [&Row; COUNT], sums: &mut [[f32; WIDTH]; COUNT]) {
        use std::arch::x86_64::{
            _mm256_add_epi16, _mm256_add_epi32, _mm256_cvtepu8_epi16, _mm256_cvtepu8_epi32,
            _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_set1_epi32, _mm256_sub_ps,
        };

        use super::nibbles::QUAD;
        use super::vectors;

        let mut whole = vectors::zeros::<COUNT>();
        let groups = self.quads.as_chunks::<{ GROUP / QUAD }>().0.iter().zip(&self.scales);
        for ((quads, scales), start) in groups.zip((0..).step_by(GROUP / QUAD)) {
            // At most 15 · 127 · 2 · 8, which 16 bits hold.
            let mut products = vectors::zeros::<COUNT>();
            for (quad, at) in quads.iter().zip(start..) {
                let [low, high] = vectors::halves(quad);
                for (row, [low_sum, high_sum]) in rows.iter().zip(&mut products) {
                    // SAFETY: a row has as many quads as a block.
                    let numbers = _mm256_set1_epi32(unsafe { *row.quads.get_unchecked(at) });
                    *low_sum = _mm256_add_epi16(*low_sum, _mm256_maddubs_epi16(low, numbers));
                    *high_sum = _mm256_add_epi16(*high_sum, _mm256_maddubs_epi16(high, numbers));
                }
            }
            let [low, high] = vectors::of_bytes(scales);
            let scales =
                [vectors::twice(_mm256_cvtepu8_epi32(low)), vectors::twice(_mm256_cvtepu8_epi32(high))];
            vectors::add_scaled(&mut whole, &products, scales);
        }
        let mut least = vectors::zeros::<COUNT>();
        for (pairs, at) in self.least.iter().zip(0..) {
            let [low, high] = vectors::of_pairs(pairs);
            let (low, high) = (_mm256_cvtepu8_epi16(low), _mm256_cvtepu8_epi16(high));
            for (row, [low_sum, high_sum]) in rows.iter().zip(&mut least) {
                // SAFETY: a row has as many pairs of sums as a block has pairs of groups.
                let numbers = _mm256_set1_epi32(unsafe { *row.sums.get_unchecked(at) });
                *low_sum = _mm256_add_epi32(*low_sum, _mm256_madd_epi16(low, numbers));
                *high_sum = _mm256_add_epi32(*high_sum, _mm256_madd_epi16(high, numbers));
            }
        }
        for (((row, sums), whole), least) in rows.iter().zip(sums).zip(whole).zip(least) {
            let [low, high] = vectors::scaled(whole, &self.scale);
            let [low_least, high_least] = vectors::scaled(least, &self.least_scale);
            let own = [_mm256_sub_ps(low, low_least), _mm256_sub_ps(high, high_least)];
            vectors::add(sums, own, row.scale);
        }
    }
}

/// Eight numbers of six bits: the first four from their bytes, the others from the upper two bits of these and four more.
fn sixes(low: &[u8; 4], high: [u8; 4]) -> impl Iterator<Item = u8> {
    let upper = low.iter().zip(high).map(|(low, high)| high | (low >> 6 << 4));
    low.iter().map(|low| low & 63).chain(upper)
}

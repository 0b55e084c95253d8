//! `Q6_K`: 256 inputs of six bits less 32, with a scale of eight bits for 16 of them.
//!
//! Source: `block_q6_K` of ggml (`ggml-common.h`, `ggml-quants.c`).

use half::f16;

use super::super::tile::WIDTH;
use super::nibbles::{self, INPUTS, Nibbles, QUAD, QUADS, VECTOR};
use super::{Block, LANES, get, scale_of, set};

/// Inputs that share a scale.
const GROUP: usize = 16;
const GROUPS: usize = INPUTS / GROUP;
/// What is added to the numbers of a row, so that they have no sign and the weights may have one.
const OFFSET: u8 = 128;

#[derive(Debug, Clone)]
pub(in super::super) struct Q6K {
    low: Nibbles,
    /// The upper two bits of two quads: of the first quad the outputs below eight, then the others, and so of the second.
    high: [[u8; VECTOR]; QUADS / 2],
    scales: [[i8; WIDTH]; GROUPS],
    /// What the offset of a row adds to its products.
    excess: [i32; WIDTH],
    scale: [f16; WIDTH],
}

/// 256 numbers in 8 bits.
#[derive(Debug)]
pub(in super::super) struct Row {
    /// Four at a time.
    quads: [i32; QUADS],
    scale: f32,
}

impl Default for Q6K {
    fn default() -> Self {
        Self {
            low: [[0; VECTOR]; QUADS],
            high: [[0; VECTOR]; QUADS / 2],
            scales: [[0; WIDTH]; GROUPS],
            excess: [0; WIDTH],
            scale: [f16::ZERO; WIDTH],
        }
    }
}

impl Block for Q6K {
    const INPUTS: usize = INPUTS;
    const BYTES: usize = INPUTS / 2 + INPUTS / 4 + GROUPS + 2;
    const ROWS: usize = 4;
    type Row = Row;

    fn put(&mut self, output: usize, bytes: &[u8]) {
        let Some((low, rest)) = bytes.split_at_checked(INPUTS / 2) else { return };
        let Some((high, rest)) = rest.split_at_checked(INPUTS / 4) else { return };
        let Some((scales, &[d0, d1])) = rest.split_first_chunk::<GROUPS>() else { return };
        set(&mut self.scale, output, f16::from_le_bytes([d0, d1]));
        for (places, scale) in self.scales.iter_mut().zip(scales) {
            set(places, output, scale.cast_signed());
        }
        // Of 128 inputs at a time.
        nibbles::put(&mut self.low, output, nibbles::halves(low, INPUTS / 4));
        let mut upper = high.chunks(INPUTS / 8).flat_map(|high| {
            [0, 2, 4, 6].into_iter().flat_map(move |shift| high.iter().map(move |byte| byte >> shift & 3))
        });
        for pair in &mut self.high {
            for quad in 0..2 {
                let shift = 4 * quad + 2 * (output / LANES);
                let places = pair.iter_mut().skip(output % LANES * QUAD).take(QUAD);
                places.zip(&mut upper).for_each(|(place, bits)| *place |= bits << shift);
            }
        }
        let products = self.scales(output).zip(self.numbers(output));
        let excess = i32::from(OFFSET)
            * products.map(|(scale, number)| i32::from(scale) * i32::from(number)).sum::<i32>();
        set(&mut self.excess, output, excess);
    }

    fn weights(&self, output: usize) -> impl Iterator<Item = f32> {
        let scale = scale_of(&self.scale, output);
        let numbers = self.scales(output).zip(self.numbers(output));
        numbers.map(move |(own, number)| scale * f32::from(own) * f32::from(number))
    }

    #[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma,f16c"))]
    unsafe fn round(numbers: &[f32]) -> Row {
        let (mut bytes, scale) = nibbles::bytes(numbers);
        bytes.iter_mut().for_each(|byte| *byte ^= OFFSET);
        Row { quads: nibbles::quads(&bytes), scale }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn add<const COUNT: usize>(&self, rows: [&Row; COUNT], sums: &mut [[f32; WIDTH]; COUNT]) {
        use std::arch::x86_64::{
            _mm256_add_epi16, _mm256_cvtepi8_epi32, _mm256_maddubs_epi16, _mm256_set1_epi32,
            _mm256_setzero_si256, _mm256_sub_epi32,
        };

        use super::vectors;

        let [low, high] = vectors::of_i32s(&self.excess);
        let zero = _mm256_setzero_si256();
        let mut whole = [[_mm256_sub_epi32(zero, low), _mm256_sub_epi32(zero, high)]; COUNT];
        let low = self.low.as_chunks::<2>().0.as_chunks::<2>().0;
        let groups = low.iter().zip(self.high.as_chunks::<2>().0).zip(&self.scales);
        for (((low, high), scales), start) in groups.zip((0..).step_by(GROUP / QUAD)) {
            let [first, second] = vectors::of_bytes(scales);
            let scales =
                [vectors::twice(_mm256_cvtepi8_epi32(first)), vectors::twice(_mm256_cvtepi8_epi32(second))];
            for ((low, high), at) in low.iter().zip(high).zip((start..).step_by(2)) {
                let [[first_low, first_high], [second_low, second_high]] = vectors::sixes(low, high);
                // At most 255 · 32 · 2 · 2, which 16 bits hold.
                let mut products = vectors::zeros::<COUNT>();
                for (row, [low_product, high_product]) in rows.iter().zip(&mut products) {
                    // SAFETY: a row has as many quads as a block.
                    let (first, second) =
                        unsafe { (*row.quads.get_unchecked(at), *row.quads.get_unchecked(at + 1)) };
                    let (first, second) = (_mm256_set1_epi32(first), _mm256_set1_epi32(second));
                    *low_product = _mm256_add_epi16(
                        _mm256_maddubs_epi16(first, first_low),
                        _mm256_maddubs_epi16(second, second_low),
                    );
                    *high_product = _mm256_add_epi16(
                        _mm256_maddubs_epi16(first, first_high),
                        _mm256_maddubs_epi16(second, second_high),
                    );
                }
                vectors::add_scaled(&mut whole, &products, scales);
            }
        }
        for ((row, sums), whole) in rows.iter().zip(sums).zip(whole) {
            vectors::add(sums, vectors::scaled(whole, &self.scale), row.scale);
        }
    }
}

impl Q6K {
    /// The numbers of an output before any scale, -32 to 31.
    fn numbers(&self, output: usize) -> impl Iterator<Item = i8> {
        let high = self.high.iter().flat_map(move |pair| {
            [0, 4].into_iter().flat_map(move |shift| {
                let shift = shift + 2 * (output / LANES);
                pair.iter().skip(output % LANES * QUAD).take(QUAD).map(move |byte| byte >> shift & 3)
            })
        });
        nibbles::of(&self.low, output).zip(high).map(|(low, high)| (low | high << 4).cast_signed() - 32)
    }

    /// The scale of each input of an output.
    fn scales(&self, output: usize) -> impl Iterator<Item = i8> {
        self.scales.iter().flat_map(move |scales| std::iter::repeat_n(get(scales, output), GROUP))
    }
}

//! Products of a few rows with a panel of 16 outputs in 4 or 6 bits (`Q4_K`, `Q6_K`), for processors with AVX2.
//!
//! Rows are rounded to 8 bits, 256 numbers by the largest of them, as llama.cpp and the tensor library do it; then all is exact in
//! whole numbers until the scales of 256 inputs.
//!
//! Source: `block_q4_K` and `block_q6_K` of ggml (`ggml-common.h`, `ggml-quants.c`), for the formats of a file.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions"))]

use half::f16;
use rayon::prelude::*;

use super::tile::WIDTH;

/// Inputs of a block.
pub(super) const BLOCK: usize = 256;
/// Rows whose sums are kept in registers.
pub(super) const ROWS: usize = 4;
/// Inputs of an output that lie side by side.
const QUAD: usize = 4;
const QUADS: usize = BLOCK / QUAD;
/// Outputs whose quads make up a vector.
const LANES: usize = WIDTH / 2;
/// Bytes of a vector.
const VECTOR: usize = QUAD * LANES;
/// Inputs that share a scale of `Q4_K`, and quads of them.
const GROUP_Q4: usize = 32;
const GROUPS_Q4: usize = BLOCK / GROUP_Q4;
/// Inputs that share a scale of `Q6_K`.
const GROUP_Q6: usize = 16;
const GROUPS_Q6: usize = BLOCK / GROUP_Q6;
/// What is added to the numbers of a row where they have to be without a sign.
const OFFSET: i32 = 128;
/// Rows of blocks that are worth another thread.
const ROUNDED_TOGETHER: usize = 256;

/// 256 numbers of a row in 8 bits.
#[derive(Debug, Clone)]
pub(super) struct Rounded {
    /// Four at a time.
    quads: [i32; QUADS],
    /// Sums of 32 numbers each, two at a time.
    sums: [i32; GROUPS_Q4 / 2],
    scale: f32,
}

/// 256 inputs of the [`WIDTH`] outputs of a panel.
pub(super) trait Block: Default + Clone + Send + Sync {
    /// Bytes of them for one output in a file.
    const BYTES: usize;
    /// Whether the numbers of rows have [`OFFSET`] added.
    const IS_OFFSET: bool;

    /// Takes over what a file has for an output of less than [`WIDTH`]; only once.
    fn put(&mut self, output: usize, bytes: &[u8]);

    /// The weights of an output.
    fn weights(&self, output: usize) -> [f32; BLOCK];

    /// Adds the products with rows to their sums.
    ///
    /// # Safety
    /// Only where [`has_tiles`](super::kernel::has_tiles).
    unsafe fn add<const COUNT: usize>(&self, rows: [&Rounded; COUNT], sums: &mut [[f32; WIDTH]; COUNT]);
}

/// Four bits an input, eight scales and eight offsets of six bits.
#[derive(Debug, Clone)]
pub(super) struct Q4K {
    /// Of a quad of inputs: the first eight outputs in the lower bits, the others in the upper.
    quads: [[u8; VECTOR]; QUADS],
    scales: [[u8; WIDTH]; GROUPS_Q4],
    /// What is taken off, of two groups side by side.
    least: [[[u8; 2]; WIDTH]; GROUPS_Q4 / 2],
    scale: [f16; WIDTH],
    least_scale: [f16; WIDTH],
}

/// Six bits an input less 32, and sixteen scales of eight bits.
#[derive(Debug, Clone)]
pub(super) struct Q6K {
    /// The lower four bits, as those of [`Q4K`].
    low: [[u8; VECTOR]; QUADS],
    /// The upper two of two quads: of the first the outputs below eight, then the others, and so of the second.
    high: [[u8; VECTOR]; QUADS / 2],
    scales: [[i8; WIDTH]; GROUPS_Q6],
    /// Products with what is added to the numbers of a row.
    excess: [i32; WIDTH],
    scale: [f16; WIDTH],
}

impl Default for Q4K {
    fn default() -> Self {
        Self {
            quads: [[0; VECTOR]; QUADS],
            scales: [[0; WIDTH]; GROUPS_Q4],
            least: [[[0; 2]; WIDTH]; GROUPS_Q4 / 2],
            scale: [f16::ZERO; WIDTH],
            least_scale: [f16::ZERO; WIDTH],
        }
    }
}

impl Default for Q6K {
    fn default() -> Self {
        Self {
            low: [[0; VECTOR]; QUADS],
            high: [[0; VECTOR]; QUADS / 2],
            scales: [[0; WIDTH]; GROUPS_Q6],
            excess: [0; WIDTH],
            scale: [f16::ZERO; WIDTH],
        }
    }
}

impl Block for Q4K {
    const BYTES: usize = 2 + 2 + 12 + BLOCK / 2;
    const IS_OFFSET: bool = false;

    fn put(&mut self, output: usize, bytes: &[u8]) {
        let Some((&[d0, d1, m0, m1], rest)) = bytes.split_first_chunk() else { return };
        let Some((&[low_scales, low_least, high], numbers)) = split_scales(rest) else { return };
        set(&mut self.scale, output, f16::from_le_bytes([d0, d1]));
        set(&mut self.least_scale, output, f16::from_le_bytes([m0, m1]));
        let upper = |low: [u8; 4], high: [u8; 4]| {
            let pairs = low.into_iter().zip(high);
            let upper = pairs.map(|(low, high)| high | (low >> 6 << 4));
            low.into_iter().map(|low| low & 63).chain(upper)
        };
        for (scales, scale) in self.scales.iter_mut().zip(upper(low_scales, high.map(|high| high & 15))) {
            set(scales, output, scale);
        }
        let least = upper(low_least, high.map(|high| high >> 4));
        let places = self.least.iter_mut().flat_map(|pairs| pairs.get_mut(output)).flatten();
        places.zip(least).for_each(|(place, least)| *place = least);

        let halves = numbers
            .chunks(GROUP_Q4)
            .flat_map(|bytes| bytes.iter().map(|byte| byte & 15).chain(bytes.iter().map(|byte| byte >> 4)));
        put_nibbles(&mut self.quads, output, halves);
    }

    fn weights(&self, output: usize) -> [f32; BLOCK] {
        let scale = get(&self.scale, output).to_f32();
        let least_scale = get(&self.least_scale, output).to_f32();
        let least = self.least.iter().flat_map(|pairs| get(pairs, output));
        let factors = self.scales.iter().zip(least).flat_map(|(scales, least)| {
            let factors = (scale * f32::from(get(scales, output)), least_scale * f32::from(least));
            std::iter::repeat_n(factors, GROUP_Q4)
        });
        let mut weights = [0.0; BLOCK];
        for ((place, number), (scale, least)) in
            weights.iter_mut().zip(nibbles(&self.quads, output)).zip(factors)
        {
            *place = scale * f32::from(number) - least;
        }
        weights
    }

    #[cfg(target_arch = "x86_64")]
    unsafe fn add<const COUNT: usize>(&self, rows: [&Rounded; COUNT], sums: &mut [[f32; WIDTH]; COUNT]) {
        // SAFETY: the caller's.
        unsafe { vectors::add_q4(self, rows, sums) };
    }

    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn add<const COUNT: usize>(&self, _: [&Rounded; COUNT], _: &mut [[f32; WIDTH]; COUNT]) {}
}

impl Block for Q6K {
    const BYTES: usize = BLOCK / 2 + BLOCK / 4 + GROUPS_Q6 + 2;
    const IS_OFFSET: bool = true;

    fn put(&mut self, output: usize, bytes: &[u8]) {
        let Some((low, rest)) = bytes.split_at_checked(BLOCK / 2) else { return };
        let Some((high, rest)) = rest.split_at_checked(BLOCK / 4) else { return };
        let Some((scales, &[d0, d1])) = rest.split_first_chunk::<GROUPS_Q6>() else { return };
        set(&mut self.scale, output, f16::from_le_bytes([d0, d1]));
        for (places, scale) in self.scales.iter_mut().zip(scales) {
            set(places, output, scale.cast_signed());
        }
        // Of 128 inputs: two times 32 in the lower halves of bytes, then in the upper ones.
        let halves = low
            .chunks(BLOCK / 4)
            .flat_map(|low| low.iter().map(|byte| byte & 15).chain(low.iter().map(|byte| byte >> 4)));
        put_nibbles(&mut self.low, output, halves);
        let mut upper = high.chunks(BLOCK / 8).flat_map(|high| {
            [0, 2, 4, 6].into_iter().flat_map(move |shift| high.iter().map(move |byte| byte >> shift & 3))
        });
        for pair in &mut self.high {
            for quad in 0..2 {
                let shift = 4 * quad + 2 * (output / LANES);
                let places = pair.iter_mut().skip(output % LANES * QUAD).take(QUAD);
                places.zip(&mut upper).for_each(|(place, bits)| *place |= bits << shift);
            }
        }
        let scales = self.scales.iter().flat_map(|scales| std::iter::repeat_n(get(scales, output), GROUP_Q6));
        let products = scales.zip(self.numbers(output)).map(|(scale, number)| i32::from(scale) * number);
        let excess = OFFSET * products.sum::<i32>();
        set(&mut self.excess, output, excess);
    }

    fn weights(&self, output: usize) -> [f32; BLOCK] {
        let scale = get(&self.scale, output).to_f32();
        let scales = self.scales.iter().flat_map(|scales| std::iter::repeat_n(get(scales, output), GROUP_Q6));
        let mut weights = [0.0; BLOCK];
        for ((place, number), own) in weights.iter_mut().zip(self.numbers(output)).zip(scales) {
            #[expect(clippy::cast_precision_loss, reason = "six bits")]
            let number = number as f32;
            *place = scale * f32::from(own) * number;
        }
        weights
    }

    #[cfg(target_arch = "x86_64")]
    unsafe fn add<const COUNT: usize>(&self, rows: [&Rounded; COUNT], sums: &mut [[f32; WIDTH]; COUNT]) {
        // SAFETY: the caller's.
        unsafe { vectors::add_q6(self, rows, sums) };
    }

    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn add<const COUNT: usize>(&self, _: [&Rounded; COUNT], _: &mut [[f32; WIDTH]; COUNT]) {}
}

impl Q6K {
    /// The numbers of an output before any scale, -32 to 31.
    fn numbers(&self, output: usize) -> impl Iterator<Item = i32> {
        let high = self.high.iter().flat_map(move |pair| {
            [0, 4].into_iter().flat_map(move |shift| {
                let shift = shift + 2 * (output / LANES);
                pair.iter().skip(output % LANES * QUAD).take(QUAD).map(move |byte| byte >> shift & 3)
            })
        });
        nibbles(&self.low, output).zip(high).map(|(low, high)| i32::from(low | high << 4) - 32)
    }
}

/// The scales of a `Q4_K` block by fours, and what is behind them.
fn split_scales(bytes: &[u8]) -> Option<(&[[u8; 4]; 3], &[u8])> {
    let (scales, rest) = bytes.split_at_checked(12)?;
    Some((scales.as_chunks().0.first_chunk()?, rest))
}

/// Puts half bytes of an output, in the order of the inputs, where they belong.
fn put_nibbles(quads: &mut [[u8; VECTOR]; QUADS], output: usize, mut nibbles: impl Iterator<Item = u8>) {
    let shift = 4 * (output / LANES);
    for quad in quads {
        let places = quad.iter_mut().skip(output % LANES * QUAD).take(QUAD);
        places.zip(&mut nibbles).for_each(|(place, bits)| *place |= bits << shift);
    }
}

fn nibbles(quads: &[[u8; VECTOR]; QUADS], output: usize) -> impl Iterator<Item = u8> {
    let shift = 4 * (output / LANES);
    quads.iter().flat_map(move |quad| {
        quad.iter().skip(output % LANES * QUAD).take(QUAD).map(move |byte| byte >> shift & 15)
    })
}

fn set<T>(places: &mut [T; WIDTH], output: usize, value: T) {
    if let Some(place) = places.get_mut(output) {
        *place = value;
    }
}

fn get<T: Copy + Default>(places: &[T; WIDTH], output: usize) -> T {
    places.get(output).copied().unwrap_or_default()
}

/// The blocks of a matrix whose rows have `inputs` numbers, panel after panel.
pub(super) fn in_panels<B: Block>(bytes: &[u8], inputs: usize) -> Vec<B> {
    let each = inputs / BLOCK;
    let outputs: Vec<&[u8]> = bytes.chunks_exact((each * B::BYTES).max(1)).collect();
    let panel = |outputs: &[&[u8]]| {
        let mut blocks = vec![B::default(); each];
        for (output, bytes) in outputs.iter().enumerate() {
            let bytes = bytes.chunks_exact(B::BYTES);
            blocks.iter_mut().zip(bytes).for_each(|(block, bytes)| block.put(output, bytes));
        }
        blocks
    };
    outputs.par_chunks(WIDTH).flat_map_iter(panel).collect()
}

/// Rows for products with blocks of this type, 256 numbers at a time.
pub(super) fn rounded<B: Block>(rows: &[f32]) -> Vec<Rounded> {
    let blocks = rows.as_chunks::<BLOCK>().0;
    let round = |numbers: &[f32; BLOCK]| round(numbers, B::IS_OFFSET);
    if blocks.len() < ROUNDED_TOGETHER {
        return blocks.iter().map(round).collect();
    }
    blocks.par_iter().with_min_len(ROUNDED_TOGETHER / 2).map(round).collect()
}

/// The products of up to [`ROWS`] rows, block after block, with a panel.
///
/// Only for matrices that [`has_tiles`](super::kernel::has_tiles) allows.
pub(super) fn with_products<B: Block>(rows: &[Rounded], panel: &[B], take: impl FnOnce(&[[f32; WIDTH]])) {
    match rows.len() / panel.len().max(1) {
        0 => {}
        1 => take(&products::<B, 1>(rows, panel)),
        2 => take(&products::<B, 2>(rows, panel)),
        3 => take(&products::<B, 3>(rows, panel)),
        _ => take(&products::<B, ROWS>(rows, panel)),
    }
}

fn products<B: Block, const COUNT: usize>(rows: &[Rounded], panel: &[B]) -> [[f32; WIDTH]; COUNT] {
    let mut sums = [[0.0; WIDTH]; COUNT];
    for (index, block) in panel.iter().enumerate() {
        let rows: [Option<&Rounded>; COUNT] = std::array::from_fn(|row| rows.get(row * panel.len() + index));
        if rows.iter().all(Option::is_some) {
            // SAFETY: a matrix is made only where the processor has the instructions; all are there.
            unsafe { block.add(rows.map(|row| row.unwrap_unchecked()), &mut sums) };
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
fn round(numbers: &[f32; BLOCK], is_offset: bool) -> Rounded {
    // SAFETY: a matrix is made only where the processor has these instructions.
    unsafe { vectors::round(numbers, is_offset) }
}

#[cfg(not(target_arch = "x86_64"))]
fn round(_: &[f32; BLOCK], _: bool) -> Rounded {
    Rounded { quads: [0; QUADS], sums: [0; GROUPS_Q4 / 2], scale: 0.0 }
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        __m128i, __m256, __m256i, _mm_loadu_si128, _mm_unpackhi_epi64, _mm256_add_epi16, _mm256_add_epi32,
        _mm256_and_si256, _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi16,
        _mm256_cvtepu8_epi32, _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_ps,
        _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_or_si256,
        _mm256_set1_epi8, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi16,
        _mm256_slli_epi32, _mm256_srli_epi16, _mm256_storeu_ps, _mm256_sub_epi8, _mm256_sub_epi32,
    };

    use half::f16;

    use super::{BLOCK, GROUP_Q4, GROUPS_Q4, LANES, Q4K, Q6K, QUAD, QUADS, Rounded, VECTOR, WIDTH};

    /// Adding it leaves whole numbers in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    /// The largest number of a row.
    const LARGEST: f32 = 127.0;
    const SIGN: u32 = 1 << 31;

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn round(numbers: &[f32; BLOCK], is_offset: bool) -> Rounded {
        // As whole numbers, what is none is the largest.
        let bits = numbers.iter().map(|number| number.to_bits() & !SIGN);
        let largest = f32::from_bits(bits.fold(0, u32::max));
        let inverse = if largest == 0.0 { 0.0 } else { LARGEST / largest };
        let mut bytes = [0_u8; BLOCK];
        for (byte, number) in bytes.iter_mut().zip(numbers) {
            let [lowest, ..] = (number * inverse + ROUNDING).to_bits().to_le_bytes();
            *byte = lowest;
        }
        let mut sums = [0; GROUPS_Q4 / 2];
        for (place, groups) in sums.iter_mut().zip(bytes.chunks(2 * GROUP_Q4)) {
            let (first, second) = groups.split_at(GROUP_Q4);
            let [first, second] = [first, second]
                .map(|group| group.iter().map(|byte| i16::from(byte.cast_signed())).sum::<i16>());
            *place = pair(first, second);
        }
        if is_offset {
            bytes.iter_mut().for_each(|byte| *byte ^= 128);
        }
        let mut quads = [0; QUADS];
        for (place, quad) in quads.iter_mut().zip(bytes.as_chunks::<QUAD>().0) {
            *place = i32::from_le_bytes(*quad);
        }
        Rounded { quads, sums, scale: largest / LARGEST }
    }

    fn pair(low: i16, high: i16) -> i32 {
        let ([a, b], [c, d]) = (low.to_le_bytes(), high.to_le_bytes());
        i32::from_le_bytes([a, b, c, d])
    }

    /// Of each row, sums of the first outputs and of the others.
    type Sums<const COUNT: usize> = [[__m256i; 2]; COUNT];

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn add_q4<const COUNT: usize>(
        block: &Q4K,
        rows: [&Rounded; COUNT],
        sums: &mut [[f32; WIDTH]; COUNT],
    ) {
        let mut whole = [[_mm256_setzero_si256(); 2]; COUNT];
        let groups = block.quads.as_chunks::<{ GROUP_Q4 / QUAD }>().0.iter().zip(&block.scales);
        for ((quads, scales), start) in groups.zip((0..).step_by(GROUP_Q4 / QUAD)) {
            // At most 15 · 127 · 2 · 8, which 16 bits hold.
            let mut products = [[_mm256_setzero_si256(); 2]; COUNT];
            for (quad, at) in quads.iter().zip(start..) {
                let [low, high] = halves(quad);
                for (row, [low_sum, high_sum]) in rows.iter().zip(&mut products) {
                    // SAFETY: a row has as many quads as a block.
                    let numbers = _mm256_set1_epi32(unsafe { *row.quads.get_unchecked(at) });
                    *low_sum = _mm256_add_epi16(*low_sum, _mm256_maddubs_epi16(low, numbers));
                    *high_sum = _mm256_add_epi16(*high_sum, _mm256_maddubs_epi16(high, numbers));
                }
            }
            let [low, high] = of_16(scales);
            let scales = [low, high].map(|scales| twice(_mm256_cvtepu8_epi32(scales)));
            add_scaled(&mut whole, &products, scales);
        }
        let mut least = [[_mm256_setzero_si256(); 2]; COUNT];
        for (pairs, at) in block.least.iter().zip(0..) {
            let [low, high] = of_16x2(pairs).map(|pairs| _mm256_cvtepu8_epi16(pairs));
            for (row, [low_sum, high_sum]) in rows.iter().zip(&mut least) {
                // SAFETY: a row has as many sums as a block has pairs.
                let numbers = _mm256_set1_epi32(unsafe { *row.sums.get_unchecked(at) });
                *low_sum = _mm256_add_epi32(*low_sum, _mm256_madd_epi16(low, numbers));
                *high_sum = _mm256_add_epi32(*high_sum, _mm256_madd_epi16(high, numbers));
            }
        }
        let (scales, least_scales) = (of_f16s(&block.scale), of_f16s(&block.least_scale));
        for (((row, sums), whole), least) in rows.iter().zip(sums).zip(whole).zip(least) {
            let scale = _mm256_set1_ps(row.scale);
            let (sums, _) = sums.as_chunks_mut::<LANES>();
            for ((((sums, whole), least), scales), least_scales) in
                sums.iter_mut().zip(whole).zip(least).zip(scales).zip(least_scales)
            {
                let whole = _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scales);
                let own = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(least), least_scales, whole);
                add(sums, own, scale);
            }
        }
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn add_q6<const COUNT: usize>(
        block: &Q6K,
        rows: [&Rounded; COUNT],
        sums: &mut [[f32; WIDTH]; COUNT],
    ) {
        let excess = of_i32s(&block.excess).map(|excess| _mm256_sub_epi32(_mm256_setzero_si256(), excess));
        let mut whole = [excess; COUNT];
        let low = block.low.as_chunks::<2>().0.as_chunks::<2>().0;
        let groups = low.iter().zip(block.high.as_chunks::<2>().0).zip(&block.scales);
        for (((low, high), scales), start) in groups.zip((0..).step_by(4)) {
            let [first, second] = of_16(scales);
            let scales = [first, second].map(|scales| twice(_mm256_cvtepi8_epi32(scales)));
            for ((low, high), at) in low.iter().zip(high).zip((start..).step_by(2)) {
                let weights = sixes(low, high);
                // At most 32 · 255 · 2 · 2, which 16 bits hold.
                let mut products = [[_mm256_setzero_si256(); 2]; COUNT];
                for (row, products) in rows.iter().zip(&mut products) {
                    for (weights, at) in weights.iter().zip(at..) {
                        // SAFETY: a row has as many quads as a block.
                        let numbers = _mm256_set1_epi32(unsafe { *row.quads.get_unchecked(at) });
                        for (product, weights) in products.iter_mut().zip(weights) {
                            *product = _mm256_add_epi16(*product, _mm256_maddubs_epi16(numbers, *weights));
                        }
                    }
                }
                add_scaled(&mut whole, &products, scales);
            }
        }
        let scales = of_f16s(&block.scale);
        for ((row, sums), whole) in rows.iter().zip(sums).zip(whole) {
            let scale = _mm256_set1_ps(row.scale);
            let (sums, _) = sums.as_chunks_mut::<LANES>();
            for ((sums, whole), scales) in sums.iter_mut().zip(whole).zip(scales) {
                add(sums, _mm256_mul_ps(_mm256_cvtepi32_ps(whole), scales), scale);
            }
        }
    }

    /// Adds products of two inputs each, times the scales of their outputs.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn add_scaled<const COUNT: usize>(
        sums: &mut Sums<COUNT>,
        products: &Sums<COUNT>,
        [low, high]: [__m256i; 2],
    ) {
        for ([low_sum, high_sum], [low_products, high_products]) in sums.iter_mut().zip(products) {
            *low_sum = _mm256_add_epi32(*low_sum, _mm256_madd_epi16(*low_products, low));
            *high_sum = _mm256_add_epi32(*high_sum, _mm256_madd_epi16(*high_products, high));
        }
    }

    /// Adds numbers times a scale.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn add(sums: &mut [f32; LANES], numbers: __m256, scale: __m256) {
        let place = sums.as_mut_ptr();
        // SAFETY: there are eight numbers; neither needs to be aligned.
        unsafe { _mm256_storeu_ps(place, _mm256_fmadd_ps(numbers, scale, _mm256_loadu_ps(place))) };
    }

    /// The lower and the upper halves of bytes.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn halves(bytes: &[u8; VECTOR]) -> [__m256i; 2] {
        let (bytes, four) = (of_32(bytes), _mm256_set1_epi8(15));
        [_mm256_and_si256(bytes, four), _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), four)]
    }

    /// The numbers of two quads in six bits, less 32.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn sixes([first, second]: &[[u8; VECTOR]; 2], high: &[u8; VECTOR]) -> [[__m256i; 2]; 2] {
        let (high, two, least) = (of_32(high), _mm256_set1_epi8(0x30), _mm256_set1_epi8(32));
        let whole = |low, high| _mm256_sub_epi8(_mm256_or_si256(low, _mm256_and_si256(high, two)), least);
        let ([first_low, first_high], [second_low, second_high]) = (halves(first), halves(second));
        [
            [whole(first_low, _mm256_slli_epi16::<4>(high)), whole(first_high, _mm256_slli_epi16::<2>(high))],
            [whole(second_low, high), whole(second_high, _mm256_srli_epi16::<2>(high))],
        ]
    }

    /// Whole numbers of 16 bits in the lower and in the upper half of 32.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn twice(numbers: __m256i) -> __m256i {
        let low = _mm256_and_si256(numbers, _mm256_set1_epi32(0xffff));
        _mm256_or_si256(low, _mm256_slli_epi32::<16>(numbers))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_32(bytes: &[u8; VECTOR]) -> __m256i {
        // SAFETY: there are 32 bytes; the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    /// The first eight of 16 bytes and the others, each at the beginning of a vector.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_16<T>(bytes: &[T; WIDTH]) -> [__m128i; 2] {
        const { assert!(size_of::<T>() == 1) };
        // SAFETY: there are 16 bytes; the load needs no alignment.
        let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
        [bytes, _mm_unpackhi_epi64(bytes, bytes)]
    }

    /// The pairs of the first eight outputs and those of the others.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_16x2(pairs: &[[u8; 2]; WIDTH]) -> [__m128i; 2] {
        let place = pairs.as_ptr();
        // SAFETY: there are 32 bytes; the loads need no alignment.
        unsafe { [_mm_loadu_si128(place.cast()), _mm_loadu_si128(place.add(LANES).cast())] }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_i32s(numbers: &[i32; WIDTH]) -> [__m256i; 2] {
        let place = numbers.as_ptr();
        // SAFETY: there are 16 numbers; the loads need no alignment.
        unsafe { [_mm256_loadu_si256(place.cast()), _mm256_loadu_si256(place.add(LANES).cast())] }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_f16s(numbers: &[f16; WIDTH]) -> [__m256; 2] {
        let place = numbers.as_ptr();
        // SAFETY: there are 16 numbers of 2 bytes; the loads need no alignment.
        let (low, high) =
            unsafe { (_mm_loadu_si128(place.cast()), _mm_loadu_si128(place.add(LANES).cast())) };
        [_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)]
    }
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::local::fixture::numbers;
    use crate::local::kernel::has_tiles;

    const INPUTS: usize = 3 * BLOCK;

    /// The numbers of a matrix, and its bytes in a file.
    fn matrix(dtype: GgmlDType, outputs: usize) -> (Vec<Vec<f32>>, Vec<u8>) {
        let dense =
            Tensor::from_vec(numbers(outputs * INPUTS, 0.3, 7), (outputs, INPUTS), &Device::Cpu).unwrap();
        let quantised = QTensor::quantize(&dense, dtype).unwrap();
        let rounded = quantised.dequantize(&Device::Cpu).unwrap();
        (rounded.to_vec2().unwrap(), quantised.data().unwrap().to_vec())
    }

    fn weights_are_those_of_the_library<B: Block>(dtype: GgmlDType) {
        let (expected, bytes) = matrix(dtype, 19);
        let blocks = in_panels::<B>(&bytes, INPUTS);
        assert_eq!(blocks.len(), 2 * INPUTS / BLOCK);
        for (output, expected) in expected.iter().enumerate() {
            let panel = &blocks[output / WIDTH * (INPUTS / BLOCK)..][..INPUTS / BLOCK];
            let own: Vec<f32> = panel.iter().flat_map(|block| block.weights(output % WIDTH)).collect();
            assert_eq!(own, *expected, "{dtype:?}, output {output}");
        }
    }

    #[test]
    fn weights_are_those_of_the_file() {
        weights_are_those_of_the_library::<Q4K>(GgmlDType::Q4K);
        weights_are_those_of_the_library::<Q6K>(GgmlDType::Q6K);
    }

    /// Rows of whole numbers, one of them the largest, are not changed by rounding.
    fn products_of_whole_numbers_are_exact<B: Block>(dtype: GgmlDType) {
        let (weights, bytes) = matrix(dtype, WIDTH);
        let panel = in_panels::<B>(&bytes, INPUTS);
        let whole =
            |(index, number): (usize, f32)| if index.is_multiple_of(BLOCK) { -127.0 } else { number.round() };
        let rows: Vec<f32> = numbers(ROWS * INPUTS, 127.0, 3).into_iter().enumerate().map(whole).collect();
        with_products(&rounded::<B>(&rows), &panel, |sums| {
            assert_eq!(sums.len(), ROWS);
            for (sums, row) in sums.iter().zip(rows.chunks(INPUTS)) {
                for (sum, weights) in sums.iter().zip(&weights) {
                    let products =
                        row.iter().zip(weights).map(|(one, other)| f64::from(*one) * f64::from(*other));
                    let (expected, size) = products
                        .fold((0.0, 0.0), |(sum, size), product| (sum + product, size + product.abs()));
                    assert!(
                        (f64::from(*sum) - expected).abs() < 1e-6 * size,
                        "{dtype:?}: {sum}, not {expected}"
                    );
                }
            }
        });
    }

    #[test]
    fn nothing_but_rows_is_rounded() {
        if has_tiles() {
            products_of_whole_numbers_are_exact::<Q4K>(GgmlDType::Q4K);
            products_of_whole_numbers_are_exact::<Q6K>(GgmlDType::Q6K);
        }
    }

    /// Bytes at their limits, where sums of 16 bits would run over first.
    fn extremes_do_not_run_over<B: Block>(byte: u8) {
        let mut bytes = vec![byte; B::BYTES];
        // Scales of 1 in 16 bits.
        let one = f16::ONE.to_le_bytes();
        let place = if B::IS_OFFSET { B::BYTES - 2 } else { 0 };
        bytes[place..place + 2].copy_from_slice(&one);
        if !B::IS_OFFSET {
            bytes[2..4].copy_from_slice(&one);
        }
        let panel = in_panels::<B>(&bytes, BLOCK);
        let weights = panel[0].weights(0);
        for sign in [1.0, -1.0] {
            let expected: f64 = weights.iter().map(|weight| f64::from(*weight) * sign * 127.0).sum();
            with_products(&rounded::<B>(&[127.0 * sign as f32; BLOCK]), &panel, |sums| {
                let difference = (f64::from(sums[0][0]) - expected).abs();
                assert!(difference <= 1e-6 * expected.abs(), "{byte}: {}, not {expected}", sums[0][0]);
            });
        }
    }

    #[test]
    fn the_largest_numbers_do_not_run_over() {
        for byte in [0, 0x7f, 0x80, 0xff].into_iter().filter(|_| has_tiles()) {
            extremes_do_not_run_over::<Q4K>(byte);
            extremes_do_not_run_over::<Q6K>(byte);
        }
    }

    #[test]
    fn bytes_that_end_early_give_fewer_outputs_and_no_panic() {
        let (_, bytes) = matrix(GgmlDType::Q4K, 2);
        assert_eq!(in_panels::<Q4K>(&bytes[..bytes.len() - 1], INPUTS).len(), INPUTS / BLOCK);
        assert!(in_panels::<Q6K>(&[], INPUTS).is_empty());
        assert!(in_panels::<Q6K>(&[1, 2], 0).is_empty());
        Q6K::default().put(0, &bytes[..5]);
    }
}

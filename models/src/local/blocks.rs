//! Products of a few rows with a panel of 16 outputs whose weights are blocks of few bits, for processors with AVX2.
//!
//! A row is rounded to whole numbers, block by block of the weights; what these and the weights' numbers give is exact, and
//! scales come last. One file is one format.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions"))]

use half::f16;
use rayon::prelude::*;

use super::tile::WIDTH;

mod nibbles;
mod q4k;
mod q6k;
mod q8;
#[cfg(target_arch = "x86_64")]
mod vectors;

pub(super) use q4k::Q4K;
pub(super) use q6k::Q6K;
pub(super) use q8::Q8;

/// Outputs whose numbers make up a vector.
const LANES: usize = WIDTH / 2;
/// Numbers of rows that are worth another thread.
const ROUNDED_TOGETHER: usize = 1 << 15;
/// Adding it leaves whole numbers in the lowest bits.
const ROUNDING: f32 = 12_582_912.0;

/// Some inputs of the [`WIDTH`] outputs of a panel.
pub(super) trait Block: Default + Clone + Send + Sync {
    /// How many.
    const INPUTS: usize;
    /// Bytes of them for one output in a file.
    const BYTES: usize;
    /// Rows whose sums are kept in registers; six at most.
    const ROWS: usize;
    /// As many numbers of a row, rounded.
    type Row: Send + Sync;

    /// Takes over what a file has for an output; once.
    fn put(&mut self, output: usize, bytes: &[u8]);

    /// The weights of an output.
    fn weights(&self, output: usize) -> impl Iterator<Item = f32>;

    /// Rounds [`Block::INPUTS`] numbers.
    ///
    /// # Safety
    /// Only where [`has_tiles`](super::kernel::has_tiles).
    unsafe fn round(numbers: &[f32]) -> Self::Row;

    /// Adds the products with rows to their sums. Where there are no such processors no matrix is made, and nothing is ever
    /// multiplied.
    ///
    /// # Safety
    /// Only where [`has_tiles`](super::kernel::has_tiles).
    unsafe fn add<const COUNT: usize>(&self, _: [&Self::Row; COUNT], _: &mut [[f32; WIDTH]; COUNT]) {}
}

/// The blocks of a matrix whose rows have `inputs` numbers, panel after panel.
pub(super) fn in_panels<B: Block>(bytes: &[u8], inputs: usize) -> Vec<B> {
    let each = inputs / B::INPUTS;
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

/// Rows for products with blocks of this type, block after block. Only where [`has_tiles`](super::kernel::has_tiles).
pub(super) fn rounded<B: Block>(rows: &[f32]) -> Vec<B::Row> {
    // SAFETY: a matrix is made only where the processor has the instructions.
    let round = |numbers: &[f32]| unsafe { B::round(numbers) };
    if rows.len() < ROUNDED_TOGETHER {
        return rows.chunks_exact(B::INPUTS).map(round).collect();
    }
    let together = ROUNDED_TOGETHER / 2 / B::INPUTS;
    rows.par_chunks_exact(B::INPUTS).with_min_len(together).map(round).collect()
}

/// Gives the products of up to [`Block::ROWS`] rows, block after block, with a panel. A sum is the same however many rows there
/// are. Only where [`has_tiles`](super::kernel::has_tiles).
pub(super) fn with_products<B: Block>(rows: &[B::Row], panel: &[B], take: impl FnOnce(&[[f32; WIDTH]])) {
    match rows.len() / panel.len().max(1) {
        0 => {}
        1 => take(&products::<B, 1>(rows, panel)),
        2 => take(&products::<B, 2>(rows, panel)),
        3 => take(&products::<B, 3>(rows, panel)),
        4 => take(&products::<B, 4>(rows, panel)),
        5 => take(&products::<B, 5>(rows, panel)),
        _ => take(&products::<B, 6>(rows, panel)),
    }
}

fn products<B: Block, const COUNT: usize>(rows: &[B::Row], panel: &[B]) -> [[f32; WIDTH]; COUNT] {
    let mut sums = [[0.0; WIDTH]; COUNT];
    for (index, block) in panel.iter().enumerate() {
        let rows: [Option<&B::Row>; COUNT] = std::array::from_fn(|row| rows.get(row * panel.len() + index));
        #[cfg(target_arch = "x86_64")]
        vectors::fetch_ahead(block);
        if rows.iter().all(Option::is_some) {
            // SAFETY: a matrix is made only where the processor has the instructions; no row is missing.
            unsafe { block.add(rows.map(|row| row.unwrap_unchecked()), &mut sums) };
        }
    }
    sums
}

/// The largest of the numbers, without signs; what is no number is above all.
fn largest(numbers: &[f32]) -> f32 {
    const SIGN: u32 = 1 << 31;
    let bits = numbers.iter().map(|number| number.to_bits() & !SIGN);
    f32::from_bits(bits.fold(0, u32::max))
}

/// What makes the largest of some numbers the largest that fits.
fn inverse(largest: f32, fits: f32) -> f32 {
    if largest == 0.0 { 0.0 } else { fits / largest }
}

fn set<T>(places: &mut [T; WIDTH], output: usize, value: T) {
    if let Some(place) = places.get_mut(output) {
        *place = value;
    }
}

fn get<T: Copy + Default>(places: &[T; WIDTH], output: usize) -> T {
    places.get(output).copied().unwrap_or_default()
}

fn scale_of(scales: &[f16; WIDTH], output: usize) -> f32 {
    get(scales, output).to_f32()
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::local::fixture::numbers;
    use crate::local::kernel::has_tiles;

    const INPUTS: usize = 768;

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
        let each = INPUTS / B::INPUTS;
        assert_eq!(blocks.len(), 2 * each);
        for (output, expected) in expected.iter().enumerate() {
            let panel = &blocks[output / WIDTH * each..][..each];
            let own: Vec<f32> = panel.iter().flat_map(|block| block.weights(output % WIDTH)).collect();
            assert_eq!(own, *expected, "{dtype:?}, output {output}");
        }
    }

    #[test]
    fn weights_are_those_of_the_file() {
        weights_are_those_of_the_library::<Q8>(GgmlDType::Q8_0);
        weights_are_those_of_the_library::<Q4K>(GgmlDType::Q4K);
        weights_are_those_of_the_library::<Q6K>(GgmlDType::Q6K);
    }

    /// Whole numbers are not changed by rounding where the largest of them is the largest that fits.
    fn products_of_whole_numbers_are_exact<B: Block>(dtype: GgmlDType, fits: f32) {
        let (weights, bytes) = matrix(dtype, WIDTH);
        let panel = in_panels::<B>(&bytes, INPUTS);
        let whole = |(index, number): (usize, f32)| {
            if index.is_multiple_of(B::INPUTS) { -fits } else { number.round() }
        };
        let rows: Vec<f32> = numbers(B::ROWS * INPUTS, fits, 3).into_iter().enumerate().map(whole).collect();
        with_products(&rounded::<B>(&rows), &panel, |sums| {
            assert_eq!(sums.len(), B::ROWS);
            for (sums, row) in sums.iter().zip(rows.chunks(INPUTS)) {
                for (sum, weights) in sums.iter().zip(&weights) {
                    let products =
                        row.iter().zip(weights).map(|(one, other)| f64::from(*one) * f64::from(*other));
                    let (expected, size) = products
                        .fold((0.0, 0.0), |(sum, size), product| (sum + product, size + product.abs()));
                    let difference = (f64::from(*sum) - expected).abs();
                    assert!(difference < 1e-6 * size, "{dtype:?}: {sum}, not {expected}");
                }
            }
        });
    }

    #[test]
    fn nothing_but_rows_is_rounded() {
        if has_tiles() {
            products_of_whole_numbers_are_exact::<Q8>(GgmlDType::Q8_0, 32_767.0);
            products_of_whole_numbers_are_exact::<Q4K>(GgmlDType::Q4K, 127.0);
            products_of_whole_numbers_are_exact::<Q6K>(GgmlDType::Q6K, 127.0);
        }
    }

    /// All bytes alike but for scales of 1 in 16 bits: where whole numbers would run over first.
    fn extremes_do_not_run_over<B: Block>(byte: u8, scales: &[usize]) {
        let mut bytes = vec![byte; B::BYTES];
        for place in scales {
            bytes[*place..place + 2].copy_from_slice(&f16::ONE.to_le_bytes());
        }
        let panel = in_panels::<B>(&bytes, B::INPUTS);
        let weight: f64 = panel[0].weights(0).map(f64::from).sum();
        for sign in [1.0, -1.0] {
            with_products(&rounded::<B>(&vec![sign; B::INPUTS]), &panel, |sums| {
                let expected = weight * f64::from(sign);
                let difference = (f64::from(sums[0][0]) - expected).abs();
                assert!(difference <= 1e-6 * expected.abs(), "{byte}: {}, not {expected}", sums[0][0]);
            });
        }
    }

    #[test]
    fn the_largest_numbers_do_not_run_over() {
        for byte in [0, 0x7f, 0x80, 0xff].into_iter().filter(|_| has_tiles()) {
            extremes_do_not_run_over::<Q8>(byte, &[0]);
            extremes_do_not_run_over::<Q4K>(byte, &[0, 2]);
            extremes_do_not_run_over::<Q6K>(byte, &[Q6K::BYTES - 2]);
        }
    }

    #[test]
    fn bytes_that_end_early_give_fewer_outputs_and_no_panic() {
        let (_, bytes) = matrix(GgmlDType::Q4K, 2);
        assert_eq!(in_panels::<Q4K>(&bytes[..bytes.len() - 1], INPUTS).len(), INPUTS / Q4K::INPUTS);
        assert!(in_panels::<Q6K>(&[], INPUTS).is_empty());
        assert!(in_panels::<Q8>(&[1, 2], 0).is_empty());
        Q8::default().put(0, &[]);
        Q4K::default().put(0, &bytes[..5]);
        Q6K::default().put(0, &bytes[..5]);
    }
}

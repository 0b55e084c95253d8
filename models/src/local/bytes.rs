//! Products with matrices of 8-bit blocks (`Q8_0`), for processors with AVX2 and without byte products, where the tensor
//! library goes through the matrix once for every row that it multiplies by.
//!
//! The rows are rounded to 16 bits, so that a product is that with the matrix of the file to a few parts in 10,000; the
//! library rounds them to 8 bits, to a few in 100.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions"))]

use std::ops::Range;

use candle_core::quantized::QTensor;
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape};
use half::f16;
use rayon::prelude::*;

use super::kernel::KernelClass;

/// Numbers of a block, which share a scale.
const BLOCK: usize = 32;
/// Bytes of a block: its scale in 16 bits, then its numbers.
const BLOCK_BYTES: usize = 2 + BLOCK;
/// Rows that are multiplied by together: rounded, they stay in the first cache.
const TOGETHER: usize = 16;
/// Products of numbers from which on threads share the work: some 25 µs of it.
const SHARED_FROM: usize = 1 << 20;

/// A matrix `(outputs, inputs)` in memory, by rows.
#[derive(Debug)]
pub(crate) struct ByteMatrix {
    inputs: usize,
    numbers: Vec<i8>,
    /// One per block.
    scales: Vec<f32>,
}

impl ByteMatrix {
    /// The matrix of a tensor; `None` where it is of another type or the library is faster here.
    ///
    /// # Errors
    /// Where its bytes cannot be read.
    pub(crate) fn new(tensor: &QTensor) -> Result<Option<Self>> {
        let (outputs, inputs) = tensor.shape().dims2()?;
        if !tensor.device().is_cpu() || !KernelClass::is_own(tensor.dtype(), outputs, inputs) {
            return Ok(None);
        }
        let bytes = tensor.data()?;
        let (mut numbers, mut scales) = (Vec::with_capacity(outputs * inputs), Vec::new());
        for block in bytes.as_chunks::<BLOCK_BYTES>().0 {
            let [low, high, block @ ..] = block;
            scales.push(f16::from_le_bytes([*low, *high]).to_f32());
            numbers.extend(block.iter().map(|byte| byte.cast_signed()));
        }
        Ok(Some(Self { inputs, numbers, scales }))
    }

    /// Rows of the matrix itself, one after the other.
    pub(crate) fn rows(&self, ids: &[u32]) -> Vec<f32> {
        let one = |id: &u32| {
            let (numbers, scales) = self.row(*id as usize);
            let blocks = numbers.as_chunks::<BLOCK>().0.iter().zip(scales);
            blocks.flat_map(|(block, scale)| block.map(|number| f32::from(number) * scale))
        };
        ids.iter().flat_map(one).collect()
    }

    fn row(&self, index: usize) -> (&[i8], &[f32]) {
        let (width, blocks) = (self.inputs, self.inputs / BLOCK);
        let numbers = self.numbers.get(index * width..(index + 1) * width).unwrap_or_default();
        (numbers, self.scales.get(index * blocks..(index + 1) * blocks).unwrap_or_default())
    }

    /// `x Wᵀ` for rows `x`, one after the other.
    fn multiply(&self, rows: &[f32]) -> Vec<f32> {
        let (count, outputs) = (rows.len() / self.inputs, self.numbers.len() / self.inputs);
        if count == 0 {
            return Vec::new();
        }
        let rows: Vec<Rounded> = rows.chunks_exact(self.inputs).map(Rounded::new).collect();
        let threads = if count * self.numbers.len() < SHARED_FROM { 1 } else { rayon::current_num_threads() };
        if threads == 1 {
            return self.part(0..outputs, &rows);
        }
        let each = outputs.div_ceil(threads).max(1);
        let starts: Vec<usize> = (0..outputs).step_by(each).collect();
        let part = |start: usize| self.part(start..outputs.min(start + each), &rows);
        let parts: Vec<Vec<f32>> = starts.into_par_iter().map(part).collect();
        let mut products = Vec::with_capacity(count * outputs);
        for row in 0..count {
            for part in &parts {
                let width = part.len() / count;
                products.extend_from_slice(part.get(row * width..(row + 1) * width).unwrap_or_default());
            }
        }
        products
    }

    /// The products of all rows with some of the outputs, one row after the other.
    fn part(&self, outputs: Range<usize>, rows: &[Rounded]) -> Vec<f32> {
        let width = outputs.len();
        let mut products = vec![0.0; width * rows.len()];
        for (together, products) in rows.chunks(TOGETHER).zip(products.chunks_mut(TOGETHER * width)) {
            for (place, output) in outputs.clone().enumerate() {
                let (numbers, scales) = self.row(output);
                dots(numbers, scales, together, products.iter_mut().skip(place).step_by(width));
            }
        }
        products
    }
}

impl CustomOp1 for ByteMatrix {
    fn name(&self) -> &'static str {
        "bytes"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (count, inputs) = layout.shape().dims2()?;
        let Some((start, end)) = layout.contiguous_offsets().filter(|_| inputs == self.inputs) else {
            candle_core::bail!("rows of {inputs} numbers for a matrix of {} inputs", self.inputs);
        };
        let rows = storage.as_slice::<f32>()?.get(start..end).unwrap_or_default();
        let outputs = self.numbers.len() / self.inputs;
        Ok((CpuStorage::F32(self.multiply(rows)), (count, outputs).into()))
    }
}

/// A row in whole numbers of 16 bits: `scale · numbers`.
struct Rounded {
    numbers: Vec<i16>,
    scale: f32,
}

#[cfg(target_arch = "x86_64")]
impl Rounded {
    fn new(row: &[f32]) -> Self {
        let mut numbers = vec![0; row.len()];
        // SAFETY: a matrix is made only where the processor has these instructions.
        let scale = unsafe { vectors::round(row, &mut numbers) };
        Self { numbers, scale }
    }
}

/// Writes the product of a row of the matrix with each of the rows to its place.
#[cfg(target_arch = "x86_64")]
fn dots<'a>(numbers: &[i8], scales: &[f32], rows: &[Rounded], mut places: impl Iterator<Item = &'a mut f32>) {
    let (fours, rest) = rows.as_chunks::<4>();
    for four in fours {
        let blocks = four.each_ref().map(|row| row.numbers.as_chunks::<BLOCK>().0);
        // SAFETY: a matrix is made only where the processor has these instructions.
        let products = unsafe { vectors::dots(numbers, scales, blocks) };
        for ((product, row), place) in products.into_iter().zip(four).zip(&mut places) {
            *place = product * row.scale;
        }
    }
    for (row, place) in rest.iter().zip(&mut places) {
        // SAFETY: as above.
        *place = row.scale * unsafe { vectors::dot(numbers, scales, row.numbers.as_chunks::<BLOCK>().0) };
    }
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        __m256, __m256i, _mm_add_ps, _mm_loadu_si128, _mm_storeu_ps, _mm256_add_epi32,
        _mm256_castps256_ps128, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_extractf128_ps,
        _mm256_fmadd_ps, _mm256_hadd_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_ps,
        _mm256_setzero_ps,
    };

    use super::BLOCK;

    /// Rounds a row; what comes back times the numbers is the row again.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn round(row: &[f32], numbers: &mut [i16]) -> f32 {
        let largest = row.iter().fold(0_f32, |largest, number| largest.max(number.abs()));
        let most = f32::from(i16::MAX);
        let inverse = if largest > 0.0 { most / largest } else { 0.0 };
        for (number, rounded) in row.iter().zip(numbers) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "at most that of the largest, and casts saturate"
            )]
            let whole = (number * inverse).round_ties_even() as i16;
            *rounded = whole;
        }
        largest / most
    }

    /// The product of a row of the matrix with a rounded row.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn dot(numbers: &[i8], scales: &[f32], row: &[[i16; BLOCK]]) -> f32 {
        let mut sum = _mm256_setzero_ps();
        for ((block, scale), row) in numbers.as_chunks::<BLOCK>().0.iter().zip(scales).zip(row) {
            sum = add(sum, widened(block), *scale, row);
        }
        total(sum)
    }

    /// The products with four rounded rows: the row of the matrix is read and widened once for all.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn dots(numbers: &[i8], scales: &[f32], rows: [&[[i16; BLOCK]]; 4]) -> [f32; 4] {
        let zero = _mm256_setzero_ps();
        let (mut first, mut second, mut third, mut fourth) = (zero, zero, zero, zero);
        let [a, b, c, d] = rows;
        let blocks = numbers.as_chunks::<BLOCK>().0.iter().zip(scales);
        for (((((block, scale), a), b), c), d) in blocks.zip(a).zip(b).zip(c).zip(d) {
            let block = widened(block);
            first = add(first, block, *scale, a);
            second = add(second, block, *scale, b);
            third = add(third, block, *scale, c);
            fourth = add(fourth, block, *scale, d);
        }
        totals(first, second, third, fourth)
    }

    /// Adds the product of two blocks. Its sum fits 32 bits: 32 · 127 · 32,767 < 2³¹.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn add(sum: __m256, block: (__m256i, __m256i), scale: f32, row: &[i16; BLOCK]) -> __m256 {
        // SAFETY: 16 numbers from 0 or 16 on are within the block's 32; the loads need no alignment.
        let (low, high) = unsafe {
            let place = row.as_ptr();
            (_mm256_loadu_si256(place.cast()), _mm256_loadu_si256(place.add(BLOCK / 2).cast()))
        };
        let whole = _mm256_add_epi32(_mm256_madd_epi16(block.0, low), _mm256_madd_epi16(block.1, high));
        _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), _mm256_set1_ps(scale), sum)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn widened(block: &[i8; BLOCK]) -> (__m256i, __m256i) {
        // SAFETY: 16 bytes from 0 or 16 on are within the block's 32; the loads need no alignment.
        let (low, high) = unsafe {
            let place = block.as_ptr();
            (_mm_loadu_si128(place.cast()), _mm_loadu_si128(place.add(BLOCK / 2).cast()))
        };
        (_mm256_cvtepi8_epi16(low), _mm256_cvtepi8_epi16(high))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn total(sum: __m256) -> f32 {
        let [total, ..] = totals(sum, sum, sum, sum);
        total
    }

    /// The sums of the lanes of each, all in the same order.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn totals(a: __m256, b: __m256, c: __m256, d: __m256) -> [f32; 4] {
        let halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
        let sums = _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps::<1>(halves));
        let mut totals = [0_f32; 4];
        // SAFETY: there is room for four numbers; the store needs no alignment.
        unsafe { _mm_storeu_ps(totals.as_mut_ptr(), sums) };
        totals
    }
}

/// Elsewhere no matrix is made, so that nothing is ever rounded or multiplied.
#[cfg(not(target_arch = "x86_64"))]
impl Rounded {
    fn new(row: &[f32]) -> Self {
        Self { numbers: vec![0; row.len()], scale: 0.0 }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn dots<'a>(_: &[i8], _: &[f32], _: &[Rounded], _: impl Iterator<Item = &'a mut f32>) {}

#[cfg(test)]
mod tests {
    use candle_core::quantized::GgmlDType;
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::local::fixture::numbers;

    const INPUTS: usize = 96;

    /// A matrix of our own and the same as the library has it; `None` where the library is faster.
    fn matrix(outputs: usize) -> Option<(ByteMatrix, Tensor)> {
        let weight =
            Tensor::from_vec(numbers(outputs * INPUTS, 0.3, 7), (outputs, INPUTS), &Device::Cpu).unwrap();
        let quantised = QTensor::quantize(&weight, GgmlDType::Q8_0).unwrap();
        let dense = quantised.dequantize(&Device::Cpu).unwrap();
        Some((ByteMatrix::new(&quantised).unwrap()?, dense))
    }

    fn largest(tensor: &Tensor) -> f32 {
        tensor.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn products_are_those_of_the_matrix() {
        // The last is so large that threads share it.
        for (rows, outputs) in [(1, 1), (3, 5), (4, 8), (17, 33), (90, 4000)] {
            let Some((own, dense)) = matrix(outputs) else { return };
            let x = Tensor::from_vec(numbers(rows * INPUTS, 2.0, 3), (rows, INPUTS), &Device::Cpu).unwrap();
            let expected = x.matmul(&dense.t().unwrap()).unwrap();
            let products = x.apply_op1_no_bwd(&own).unwrap();
            let difference = largest(&(products - &expected).unwrap()) / largest(&expected);
            assert!(difference < 1e-3, "{rows} rows, {outputs} outputs: {difference}");
        }
    }

    #[test]
    fn zeros_and_what_is_no_number_give_no_panic() {
        let Some((own, _)) = matrix(3) else { return };
        assert_eq!(own.multiply(&[0.0; INPUTS]), [0.0; 3]);
        let mut strange = [1.0; INPUTS];
        strange[5] = f32::NAN;
        assert_eq!(own.multiply(&strange).len(), 3);
        let narrow = Tensor::zeros((1, INPUTS - 32), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(narrow.apply_op1_no_bwd(&own).is_err());
    }

    #[test]
    fn rows_are_those_of_the_matrix() {
        let Some((own, dense)) = matrix(4) else { return };
        let expected: Vec<Vec<f32>> = dense.to_vec2().unwrap();
        assert_eq!(own.rows(&[2, 0]), [expected[2].clone(), expected[0].clone()].concat());
    }
}

//! Matrices that lie in memory by panels of 16 outputs, for processors with AVX2.
//!
//! A panel holds for each input in turn the weights of its outputs, so that they are read in the order in which they lie.
//! The tensor library packs a dense matrix anew for every product, and one in 16 bits must be widened for it; it goes
//! through one of 8-bit blocks (`Q8_0`) once for every row. Dense numbers are multiplied by rows in 32 bits, blocks (`Q8_0`,
//! `Q4_K`, `Q6_K`) as `blocks` says.

use std::ops::Range;

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Storage, Tensor};
use half::{bf16, f16};
use rayon::prelude::*;

use super::blocks::{self, Block, Q4K, Q6K, Q8};
use super::kernel::{KernelClass, has_tiles};
use super::tile::{Panel, ROWS, WIDTH, widened, with_products};

/// Rows from which on a panel of fewer than 32 bits is widened once for all of them.
const WIDENED_FROM: usize = 32;
/// Products of numbers from which on threads share the work: some 25 µs of it.
const SHARED_FROM: usize = 1 << 20;

/// A matrix `(outputs, inputs)`; its last panel has zeros where there are no more outputs.
#[derive(Debug)]
pub(crate) struct PanelMatrix {
    outputs: usize,
    inputs: usize,
    numbers: Numbers,
}

#[derive(Debug)]
enum Numbers {
    Dense(Dense),
    Q8(Vec<Q8>),
    Q4K(Vec<Q4K>),
    Q6K(Vec<Q6K>),
}

#[derive(Debug)]
enum Dense {
    F32(Vec<[f32; WIDTH]>),
    F16(Vec<[f16; WIDTH]>),
    BF16(Vec<[bf16; WIDTH]>),
}

impl Dense {
    fn panel(&self, index: usize, inputs: usize) -> Panel<'_> {
        match self {
            Self::F32(numbers) => Panel::F32(nth(numbers, index, inputs)),
            Self::F16(numbers) => Panel::F16(nth(numbers, index, inputs)),
            Self::BF16(numbers) => Panel::BF16(nth(numbers, index, inputs)),
        }
    }
}

impl PanelMatrix {
    /// The matrix of a tensor `(outputs, inputs)` in f32, f16 or bf16; `None` where it is of another type or on a GPU, or the
    /// processor lacks the instructions.
    ///
    /// # Errors
    /// Where it has other dimensions or its numbers cannot be read.
    pub(crate) fn of_dense(tensor: &Tensor) -> Result<Option<Self>> {
        let (outputs, inputs) = tensor.dims2()?;
        let (storage, layout) = tensor.storage_and_layout();
        let (Storage::Cpu(storage), Some((start, end))) = (&*storage, layout.contiguous_offsets()) else {
            return Ok(None);
        };
        let numbers = match storage {
            _ if !has_tiles() => return Ok(None),
            CpuStorage::F32(rows) => Dense::F32(in_panels(rows.get(start..end).unwrap_or_default(), inputs)),
            CpuStorage::F16(rows) => Dense::F16(in_panels(rows.get(start..end).unwrap_or_default(), inputs)),
            CpuStorage::BF16(rows) => {
                Dense::BF16(in_panels(rows.get(start..end).unwrap_or_default(), inputs))
            }
            _ => return Ok(None),
        };
        Ok(Some(Self { outputs, inputs, numbers: Numbers::Dense(numbers) }))
    }

    /// The matrix of a quantised tensor; `None` where it is on a GPU or of another type, or the library is faster here.
    ///
    /// # Errors
    /// Where it has other dimensions or its bytes cannot be read.
    pub(crate) fn of_quantised(tensor: &QTensor) -> Result<Option<Self>> {
        let (outputs, inputs) = tensor.shape().dims2()?;
        if !tensor.device().is_cpu() || !KernelClass::is_own(tensor.dtype(), outputs, inputs) {
            return Ok(None);
        }
        let bytes = tensor.data()?;
        let numbers = match tensor.dtype() {
            GgmlDType::Q8_0 => Numbers::Q8(blocks::in_panels(&bytes, inputs)),
            GgmlDType::Q4K => Numbers::Q4K(blocks::in_panels(&bytes, inputs)),
            GgmlDType::Q6K => Numbers::Q6K(blocks::in_panels(&bytes, inputs)),
            _ => return Ok(None),
        };
        Ok(Some(Self { outputs, inputs, numbers }))
    }

    /// Rows of the matrix itself, one after the other.
    pub(crate) fn rows(&self, ids: &[u32]) -> Vec<f32> {
        let mut rows = Vec::with_capacity(ids.len() * self.inputs);
        for id in ids {
            let (panel, lane) = (*id as usize / WIDTH, *id as usize % WIDTH);
            match &self.numbers {
                Numbers::Dense(numbers) => match numbers.panel(panel, self.inputs) {
                    Panel::F32(numbers) => rows.extend(column(numbers, lane)),
                    Panel::F16(numbers) => rows.extend(column(numbers, lane).map(f16::to_f32)),
                    Panel::BF16(numbers) => rows.extend(column(numbers, lane).map(bf16::to_f32)),
                },
                Numbers::Q8(blocks) => rows.extend(self.weights(blocks, panel, lane)),
                Numbers::Q4K(blocks) => rows.extend(self.weights(blocks, panel, lane)),
                Numbers::Q6K(blocks) => rows.extend(self.weights(blocks, panel, lane)),
            }
        }
        rows
    }

    fn weights<B: Block>(&self, blocks: &[B], panel: usize, output: usize) -> impl Iterator<Item = f32> {
        let panel = nth(blocks, panel, self.inputs / B::INPUTS);
        panel.iter().flat_map(move |block| block.weights(output))
    }

    /// `x Wᵀ` for rows `x`, one after the other.
    fn multiply(&self, rows: &[f32]) -> Vec<f32> {
        match &self.numbers {
            Numbers::Dense(numbers) => self.shared(rows.len(), |panels| self.part(numbers, rows, panels)),
            Numbers::Q8(blocks) => self.multiply_rounded(blocks, rows),
            Numbers::Q4K(blocks) => self.multiply_rounded(blocks, rows),
            Numbers::Q6K(blocks) => self.multiply_rounded(blocks, rows),
        }
    }

    fn multiply_rounded<B: Block>(&self, blocks: &[B], rows: &[f32]) -> Vec<f32> {
        let rounded = blocks::rounded::<B>(rows);
        self.shared(rows.len(), |panels| self.part_rounded(blocks, &rounded, panels))
    }

    /// The products of rows of so many numbers altogether, computed for some of the panels at a time by all threads.
    fn shared(&self, numbers: usize, part: impl Fn(Range<usize>) -> Vec<f32> + Sync) -> Vec<f32> {
        let (count, panels) = (numbers / self.inputs.max(1), self.outputs.div_ceil(WIDTH));
        let is_small = count * self.outputs * self.inputs < SHARED_FROM;
        let threads = if is_small { 1 } else { rayon::current_num_threads() };
        if threads == 1 {
            return part(0..panels);
        }
        let each = panels.div_ceil(threads).max(1);
        let starts: Vec<usize> = (0..panels).step_by(each).collect();
        let parts: Vec<Vec<f32>> =
            starts.into_par_iter().map(|start| part(start..panels.min(start + each))).collect();
        let mut products = Vec::with_capacity(count * self.outputs);
        for row in 0..count {
            for part in &parts {
                let width = part.len() / count;
                products.extend_from_slice(part.get(row * width..(row + 1) * width).unwrap_or_default());
            }
        }
        products
    }

    /// The products of all rows with some of the panels, one row after the other.
    fn part(&self, numbers: &Dense, rows: &[f32], panels: Range<usize>) -> Vec<f32> {
        let (inputs, count) = (self.inputs.max(1), rows.len() / self.inputs.max(1));
        let mut room = Vec::new();
        self.by_panels(count, panels, |index, lines| {
            let mut panel = numbers.panel(index, inputs);
            if count >= WIDENED_FROM {
                panel = widened(panel, &mut room);
            }
            for rows in rows.chunks(together(count, ROWS) * inputs) {
                with_products(rows, inputs, panel, |sums| put(sums, lines));
            }
        })
    }

    /// The same of rows that are rounded.
    fn part_rounded<B: Block>(&self, blocks: &[B], rows: &[B::Row], panels: Range<usize>) -> Vec<f32> {
        let each = (self.inputs / B::INPUTS).max(1);
        let count = rows.len() / each;
        self.by_panels(count, panels, |index, lines| {
            let panel = nth(blocks, index, each);
            for rows in rows.chunks(together(count, B::ROWS) * each) {
                blocks::with_products(rows, panel, |sums| put(sums, lines));
            }
        })
    }

    /// The products of so many rows with some of the panels, one row after the other, where `fill` is given a panel and the
    /// places of each row in turn.
    fn by_panels(
        &self,
        count: usize,
        panels: Range<usize>,
        mut fill: impl FnMut(usize, &mut dyn Iterator<Item = &mut [f32]>),
    ) -> Vec<f32> {
        let width = self.outputs.min(panels.end * WIDTH) - panels.start * WIDTH;
        let mut products = vec![0.0; count * width];
        if products.is_empty() {
            return products;
        }
        for (place, index) in (0..width).step_by(WIDTH).zip(panels) {
            let places = place..width.min(place + WIDTH);
            let mut lines = products.chunks_mut(width).filter_map(|line| line.get_mut(places.clone()));
            fill(index, &mut lines);
        }
        products
    }
}

/// Writes sums of rows to their places.
fn put(sums: &[[f32; WIDTH]], lines: &mut dyn Iterator<Item = &mut [f32]>) {
    for (sums, line) in sums.iter().zip(lines) {
        line.iter_mut().zip(sums).for_each(|(product, sum)| *product = *sum);
    }
}

/// As many rows at a time as can be, but no few at the end.
fn together(count: usize, most: usize) -> usize {
    count.div_ceil(count.div_ceil(most).max(1)).max(1)
}

impl CustomOp1 for PanelMatrix {
    fn name(&self) -> &'static str {
        "panels"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (count, inputs) = layout.shape().dims2()?;
        let Some((start, end)) = layout.contiguous_offsets().filter(|_| inputs == self.inputs) else {
            candle_core::bail!("rows of {inputs} numbers for a matrix of {} inputs", self.inputs);
        };
        let rows = storage.as_slice::<f32>()?.get(start..end).unwrap_or_default();
        Ok((CpuStorage::F32(self.multiply(rows)), (count, self.outputs).into()))
    }
}

/// The panel of this index, of `length` inputs or blocks of them.
fn nth<T>(panels: &[T], index: usize, length: usize) -> &[T] {
    panels.get(index * length..(index + 1) * length).unwrap_or_default()
}

/// The numbers of one output of a panel.
fn column<T: Copy>(panel: &[[T; WIDTH]], output: usize) -> impl Iterator<Item = T> {
    panel.iter().filter_map(move |numbers| numbers.get(output).copied())
}

/// Rows of `width` numbers by panels.
fn in_panels<T: Copy + Default>(rows: &[T], width: usize) -> Vec<[T; WIDTH]> {
    let mut panels = Vec::with_capacity(rows.len().div_ceil(WIDTH));
    for rows in rows.chunks(WIDTH * width.max(1)) {
        let rows: [&[T]; WIDTH] = std::array::from_fn(|row| nth(rows, row, width));
        panels.extend((0..width).map(|input| rows.map(|row| row.get(input).copied().unwrap_or_default())));
    }
    panels
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::GgmlDType;
    use candle_core::{DType, Device};

    use super::*;
    use crate::local::fixture::numbers;

    const INPUTS: usize = 96;

    fn tensor(rows: usize, inputs: usize, scale: f32, seed: u64) -> Tensor {
        Tensor::from_vec(numbers(rows * inputs, scale, seed), (rows, inputs), &Device::Cpu).unwrap()
    }

    /// Matrices of each type, each with what it is a matrix of; none where the library does the work.
    fn matrices(outputs: usize) -> Vec<(PanelMatrix, Tensor)> {
        let dense = |inputs| tensor(outputs, inputs, 0.3, 7);
        let mut matrices = Vec::new();
        for (dtype, inputs) in [(GgmlDType::Q8_0, INPUTS), (GgmlDType::Q4K, 512), (GgmlDType::Q6K, 512)] {
            let quantised = QTensor::quantize(&dense(inputs), dtype).unwrap();
            let rounded = quantised.dequantize(&Device::Cpu).unwrap();
            matrices.extend(PanelMatrix::of_quantised(&quantised).unwrap().zip(Some(rounded)));
        }
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let narrow = dense(INPUTS).to_dtype(dtype).unwrap();
            let wide = narrow.to_dtype(DType::F32).unwrap();
            matrices.extend(PanelMatrix::of_dense(&narrow).unwrap().zip(Some(wide)));
        }
        matrices
    }

    fn largest(tensor: &Tensor) -> f32 {
        tensor.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn products_are_those_of_the_matrix() {
        // The last is so large that threads share it.
        for (rows, outputs) in [(1, 1), (2, 16), (3, 5), (4, 8), (8, 40), (17, 33), (90, 4000)] {
            for (own, dense) in matrices(outputs) {
                let x = tensor(rows, own.inputs, 2.0, 3);
                let of = |x: &Tensor, dense: &Tensor| x.matmul(&dense.t().unwrap()).unwrap();
                let (expected, size) = (of(&x, &dense), of(&x.abs().unwrap(), &dense.abs().unwrap()));
                let products = x.apply_op1_no_bwd(&own).unwrap();
                let difference = largest(&((products - &expected).unwrap() / size).unwrap());
                let allowed = match own.numbers {
                    Numbers::Dense(_) => 1e-6,
                    Numbers::Q8(_) => 1e-5,
                    Numbers::Q4K(_) | Numbers::Q6K(_) => 4e-3,
                };
                assert!(difference < allowed, "{rows} rows, {outputs} outputs: {difference}");
            }
        }
    }

    #[test]
    fn a_product_is_the_same_whatever_else_is_multiplied() {
        for (own, _) in matrices(70) {
            let rows = numbers(90 * own.inputs, 2.0, 3);
            let together = own.multiply(&rows);
            for count in [1, 2, 5, 7, 13, 40] {
                let products = own.multiply(&rows[..count * own.inputs]);
                assert_eq!(products, together[..count * 70], "{count} rows");
            }
        }
    }

    #[test]
    fn zeros_and_what_is_no_number_give_no_panic() {
        for (own, _) in matrices(3) {
            assert_eq!(own.multiply(&vec![0.0; own.inputs]), [0.0; 3]);
            assert!(own.multiply(&[]).is_empty());
            for no_number in [f32::NAN, -f32::NAN, f32::INFINITY] {
                let mut strange = vec![1.0; own.inputs];
                strange[5] = no_number;
                let products = own.multiply(&strange);
                assert!(products.iter().all(|product| !product.is_finite()), "{no_number}: {products:?}");
            }
            let narrow = Tensor::zeros((1, own.inputs - 32), DType::F32, &Device::Cpu).unwrap();
            assert!(narrow.apply_op1_no_bwd(&own).is_err());
        }
    }

    #[test]
    fn rows_are_those_of_the_matrix() {
        for (own, dense) in matrices(20) {
            let expected: Vec<Vec<f32>> = dense.to_vec2().unwrap();
            assert_eq!(own.rows(&[2, 17, 0]), [2, 17, 0].map(|row| expected[row].clone()).concat());
            assert!(own.rows(&[32]).is_empty(), "there is no such panel");
        }
    }
}

//! Products of a few rows with a panel of 16 outputs of a matrix, for processors with AVX2.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions"))]

/// Outputs of a panel.
pub(super) const WIDTH: usize = 16;
/// Numbers of 8 bits that share a scale.
pub(super) const BLOCK: usize = 32;
/// Rows whose sums are kept in registers.
pub(super) const ROWS: usize = 6;

/// The weights of [`WIDTH`] outputs, one input after the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Panel<'a> {
    /// In 32 bits.
    Floats(&'a [[f32; WIDTH]]),
    /// In 8 bits; there is a scale for each [`BLOCK`] of inputs.
    Bytes { numbers: &'a [[i8; WIDTH]], scales: &'a [[f32; WIDTH]] },
}

/// Gives the products of up to [`ROWS`] rows of `inputs` numbers with a panel. Each sum is taken in the order of the inputs,
/// however many rows there are and whether the panel is in 8 or 32 bits. Only for matrices that [`has_tiles`](super::kernel::has_tiles) allows.
pub(super) fn with_products(
    rows: &[f32],
    inputs: usize,
    panel: Panel<'_>,
    take: impl FnOnce(&[[f32; WIDTH]]),
) {
    match rows.len() / inputs.max(1) {
        0 => {}
        1 => take(&products::<1>(rows, inputs, panel)),
        2 => take(&products::<2>(rows, inputs, panel)),
        3 => take(&products::<3>(rows, inputs, panel)),
        4 => take(&products::<4>(rows, inputs, panel)),
        5 => take(&products::<5>(rows, inputs, panel)),
        _ => take(&products::<ROWS>(rows, inputs, panel)),
    }
}

#[cfg(target_arch = "x86_64")]
fn products<const COUNT: usize>(rows: &[f32], inputs: usize, panel: Panel<'_>) -> [[f32; WIDTH]; COUNT] {
    let rows: [&[f32]; COUNT] =
        std::array::from_fn(|row| rows.get(row * inputs..(row + 1) * inputs).unwrap_or_default());
    // SAFETY: a matrix is made only where the processor has these instructions.
    unsafe {
        match panel {
            Panel::Floats(numbers) => vectors::floats(rows, numbers),
            Panel::Bytes { numbers, scales } => vectors::bytes(rows, numbers, scales),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        __m256, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_unpackhi_epi64, _mm256_cvtepi8_epi32,
        _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_mul_ps, _mm256_set1_ps,
        _mm256_setzero_ps, _mm256_storeu_ps,
    };

    use super::{BLOCK, WIDTH};

    /// Numbers of 32 bits in a vector.
    const LANES: usize = WIDTH / 2;
    /// Bytes that come from memory together.
    const LINE: usize = 64;

    type Sums<const COUNT: usize> = [[__m256; 2]; COUNT];

    /// The sums of rows with a panel in 32 bits.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn floats<const COUNT: usize>(
        rows: [&[f32]; COUNT],
        numbers: &[[f32; WIDTH]],
    ) -> [[f32; WIDTH]; COUNT] {
        let mut sums = [[_mm256_setzero_ps(); 2]; COUNT];
        let length = rows.iter().fold(numbers.len(), |length, row| length.min(row.len()));
        for (at, weights) in numbers.iter().enumerate().take(length) {
            fetch(weights, numbers.len());
            // SAFETY: each row has more than `at` numbers.
            unsafe { add(&mut sums, rows, at, halves(weights)) };
        }
        stored(sums)
    }

    /// The sums of rows with a panel in 8 bits.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn bytes<const COUNT: usize>(
        rows: [&[f32]; COUNT],
        numbers: &[[i8; WIDTH]],
        scales: &[[f32; WIDTH]],
    ) -> [[f32; WIDTH]; COUNT] {
        let mut sums = [[_mm256_setzero_ps(); 2]; COUNT];
        let length = rows.iter().fold(numbers.len(), |length, row| length.min(row.len()));
        let blocks = numbers.as_chunks::<BLOCK>().0.iter().zip(scales).zip((0..).step_by(BLOCK));
        for ((block, scales), start) in blocks.take(length / BLOCK) {
            block.iter().step_by(LINE / WIDTH).for_each(|line| fetch(line, numbers.len()));
            let [low_scales, high_scales] = halves(scales);
            for (weights, at) in block.iter().zip(start..) {
                // SAFETY: there are 16 bytes; the load needs no alignment.
                let weights = unsafe { _mm_loadu_si128(weights.as_ptr().cast()) };
                let low = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(weights));
                let high = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(weights, weights)));
                let weights = [_mm256_mul_ps(low, low_scales), _mm256_mul_ps(high, high_scales)];
                // SAFETY: each row has more than `at` numbers.
                unsafe { add(&mut sums, rows, at, weights) };
            }
        }
        stored(sums)
    }

    /// Adds to each row's sums its number of this index times the weights.
    ///
    /// # Safety
    /// Each row must have a number of this index.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn add<const COUNT: usize>(
        sums: &mut Sums<COUNT>,
        rows: [&[f32]; COUNT],
        at: usize,
        [low, high]: [__m256; 2],
    ) {
        for (row, [low_sum, high_sum]) in rows.iter().zip(sums) {
            // SAFETY: the caller's.
            let number = _mm256_set1_ps(unsafe { *row.get_unchecked(at) });
            *low_sum = _mm256_fmadd_ps(number, low, *low_sum);
            *high_sum = _mm256_fmadd_ps(number, high, *high_sum);
        }
    }

    /// Asks for the weights of the same place in the next panel, while this one is worked on.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn fetch<T>(weights: &[T; WIDTH], inputs: usize) {
        let next = weights.as_ptr().wrapping_add(inputs * WIDTH);
        _mm_prefetch::<_MM_HINT_T0>(next.cast());
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn halves(numbers: &[f32; WIDTH]) -> [__m256; 2] {
        let place = numbers.as_ptr();
        // SAFETY: there are 16 numbers; the loads need no alignment.
        unsafe { [_mm256_loadu_ps(place), _mm256_loadu_ps(place.add(LANES))] }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn stored<const COUNT: usize>(sums: Sums<COUNT>) -> [[f32; WIDTH]; COUNT] {
        sums.map(|[low, high]| {
            let mut numbers = [0_f32; WIDTH];
            let place = numbers.as_mut_ptr();
            // SAFETY: there is room for 16 numbers; the stores need no alignment.
            unsafe {
                _mm256_storeu_ps(place, low);
                _mm256_storeu_ps(place.add(LANES), high);
            }
            numbers
        })
    }
}

/// Elsewhere no matrix is made, so that nothing is ever multiplied.
#[cfg(not(target_arch = "x86_64"))]
fn products<const COUNT: usize>(_: &[f32], _: usize, _: Panel<'_>) -> [[f32; WIDTH]; COUNT] {
    [[0.0; WIDTH]; COUNT]
}

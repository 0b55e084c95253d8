//! Products of a few rows with a panel of 16 outputs of a dense matrix, for processors with AVX2.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "vector instructions"))]

use half::{bf16, f16};

/// Outputs of a panel.
pub(super) const WIDTH: usize = 16;
/// Rows whose sums are kept in registers.
pub(super) const ROWS: usize = 6;

/// The weights of [`WIDTH`] outputs, one input after the other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Panel<'a> {
    F32(&'a [[f32; WIDTH]]),
    F16(&'a [[f16; WIDTH]]),
    BF16(&'a [[bf16; WIDTH]]),
}

/// Gives the products of up to [`ROWS`] rows of `inputs` numbers with a panel. Each sum is taken in the order of the inputs,
/// however many rows there are and whether the panel was widened before. Only for matrices that [`has_tiles`](super::kernel::has_tiles) allows.
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
            Panel::F32(numbers) => vectors::f32s(rows, numbers),
            Panel::F16(numbers) => vectors::f16s(rows, numbers),
            Panel::BF16(numbers) => vectors::bf16s(rows, numbers),
        }
    }
}

/// The panel in 32 bits, in `place` where it is in fewer. Only where [`has_tiles`](super::kernel::has_tiles).
#[cfg(target_arch = "x86_64")]
pub(super) fn widened<'a>(panel: Panel<'a>, place: &'a mut Vec<[f32; WIDTH]>) -> Panel<'a> {
    place.clear();
    // SAFETY: a matrix is made only where the processor has these instructions.
    unsafe {
        match panel {
            Panel::F32(_) => return panel,
            Panel::F16(numbers) => vectors::widen_f16s(numbers, place),
            Panel::BF16(numbers) => vectors::widen_bf16s(numbers, place),
        }
    }
    Panel::F32(place)
}

#[cfg(target_arch = "x86_64")]
mod vectors {
    use std::arch::x86_64::{
        __m256, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm256_castsi256_ps, _mm256_cvtepu16_epi32,
        _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_slli_epi32, _mm256_storeu_ps,
    };

    use half::{bf16, f16};

    use super::{ROWS, WIDTH};

    /// Numbers of 32 bits in a vector.
    const LANES: usize = WIDTH / 2;

    type Sums<const COUNT: usize> = [[__m256; 2]; COUNT];

    /// The sums of rows with a panel in 32 bits.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn f32s<const COUNT: usize>(
        rows: [&[f32]; COUNT],
        numbers: &[[f32; WIDTH]],
    ) -> [[f32; WIDTH]; COUNT] {
        dense(rows, numbers, |weights| of_f32s(weights))
    }

    /// The sums of rows with a panel of IEEE numbers in 16 bits.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn f16s<const COUNT: usize>(
        rows: [&[f32]; COUNT],
        numbers: &[[f16; WIDTH]],
    ) -> [[f32; WIDTH]; COUNT] {
        dense(rows, numbers, |weights| of_f16s(weights))
    }

    /// The sums of rows with a panel of the upper halves of numbers.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn bf16s<const COUNT: usize>(
        rows: [&[f32]; COUNT],
        numbers: &[[bf16; WIDTH]],
    ) -> [[f32; WIDTH]; COUNT] {
        dense(rows, numbers, |weights| of_bf16s(weights))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn dense<T, const COUNT: usize>(
        rows: [&[f32]; COUNT],
        numbers: &[[T; WIDTH]],
        widened: impl Fn(&[T; WIDTH]) -> [__m256; 2],
    ) -> [[f32; WIDTH]; COUNT] {
        let mut sums = [[_mm256_setzero_ps(); 2]; COUNT];
        let length = rows.iter().fold(numbers.len(), |length, row| length.min(row.len()));
        for (at, weights) in numbers.iter().enumerate().take(length) {
            // Of many rows the last few ask for it; before them this panel is read again.
            if COUNT < ROWS {
                fetch(weights, numbers.len());
            }
            // SAFETY: each row has more than `at` numbers.
            unsafe { add(&mut sums, rows, at, widened(weights)) };
        }
        sums.map(|sums| stored(sums))
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn widen_f16s(numbers: &[[f16; WIDTH]], place: &mut Vec<[f32; WIDTH]>) {
        place.extend(numbers.iter().map(|numbers| stored(of_f16s(numbers))));
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn widen_bf16s(numbers: &[[bf16; WIDTH]], place: &mut Vec<[f32; WIDTH]>) {
        place.extend(numbers.iter().map(|numbers| stored(of_bf16s(numbers))));
    }

    /// Adds to each row's sums its number of this index times the weights.
    ///
    /// # Safety
    /// Each row must have a number of this index.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
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
    #[target_feature(enable = "avx2,fma,f16c")]
    fn fetch<T>(weights: &[T; WIDTH], inputs: usize) {
        let next = weights.as_ptr().wrapping_add(inputs * WIDTH);
        _mm_prefetch::<_MM_HINT_T0>(next.cast());
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_f32s(numbers: &[f32; WIDTH]) -> [__m256; 2] {
        let place = numbers.as_ptr();
        // SAFETY: there are 16 numbers; the loads need no alignment.
        unsafe { [_mm256_loadu_ps(place), _mm256_loadu_ps(place.add(LANES))] }
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

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn of_bf16s(numbers: &[bf16; WIDTH]) -> [__m256; 2] {
        let place = numbers.as_ptr();
        // SAFETY: there are 16 numbers of 2 bytes; the loads need no alignment.
        let (low, high) =
            unsafe { (_mm_loadu_si128(place.cast()), _mm_loadu_si128(place.add(LANES).cast())) };
        [low, high].map(|half| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(half))))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn stored([low, high]: [__m256; 2]) -> [f32; WIDTH] {
        let mut numbers = [0_f32; WIDTH];
        let place = numbers.as_mut_ptr();
        // SAFETY: there is room for 16 numbers; the stores need no alignment.
        unsafe {
            _mm256_storeu_ps(place, low);
            _mm256_storeu_ps(place.add(LANES), high);
        }
        numbers
    }
}

/// Elsewhere no matrix is made, so that nothing is ever multiplied.
#[cfg(not(target_arch = "x86_64"))]
fn products<const COUNT: usize>(_: &[f32], _: usize, _: Panel<'_>) -> [[f32; WIDTH]; COUNT] {
    [[0.0; WIDTH]; COUNT]
}

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn widened<'a>(panel: Panel<'a>, _: &'a mut Vec<[f32; WIDTH]>) -> Panel<'a> {
    panel
}

//! What the formats do in vectors of AVX2.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _MM_HINT_T0, _mm_loadu_si128, _mm_prefetch, _mm_unpackhi_epi64,
    _mm256_add_epi32, _mm256_and_si256, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_si256, _mm256_slli_epi16, _mm256_slli_epi32,
    _mm256_srli_epi16, _mm256_storeu_ps, _mm256_sub_epi8,
};

use half::f16;

use super::super::tile::WIDTH;
use super::LANES;
use super::nibbles::VECTOR;

/// Bytes that come from memory together.
const LINE: usize = 64;
/// Bytes between a block and what is asked for meanwhile.
const AHEAD: usize = 4096;

/// Of each row, sums of the first eight outputs and of the others.
pub(super) type Sums<const COUNT: usize> = [[__m256i; 2]; COUNT];

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn zeros<const COUNT: usize>() -> Sums<COUNT> {
    [[_mm256_setzero_si256(); 2]; COUNT]
}

/// Adds products of two inputs each, times the scales of their outputs.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn add_scaled<const COUNT: usize>(
    sums: &mut Sums<COUNT>,
    products: &Sums<COUNT>,
    [low, high]: [__m256i; 2],
) {
    for ([low_sum, high_sum], [low_products, high_products]) in sums.iter_mut().zip(products) {
        *low_sum = _mm256_add_epi32(*low_sum, _mm256_madd_epi16(*low_products, low));
        *high_sum = _mm256_add_epi32(*high_sum, _mm256_madd_epi16(*high_products, high));
    }
}

/// Whole numbers times the scales of their outputs.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn scaled([low, high]: [__m256i; 2], scales: &[f16; WIDTH]) -> [__m256; 2] {
    let [low_scales, high_scales] = of_f16s(scales);
    [_mm256_mul_ps(_mm256_cvtepi32_ps(low), low_scales), _mm256_mul_ps(_mm256_cvtepi32_ps(high), high_scales)]
}

/// Adds to the sums of a row these numbers times its scale.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn add(sums: &mut [f32; WIDTH], numbers: [__m256; 2], scale: f32) {
    let scale = _mm256_set1_ps(scale);
    for (sums, numbers) in sums.as_chunks_mut::<LANES>().0.iter_mut().zip(numbers) {
        let place = sums.as_mut_ptr();
        // SAFETY: there are eight numbers, which need no alignment.
        unsafe { _mm256_storeu_ps(place, _mm256_fmadd_ps(numbers, scale, _mm256_loadu_ps(place))) };
    }
}

/// The lower and the upper halves of bytes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn halves(bytes: &[u8; VECTOR]) -> [__m256i; 2] {
    let (bytes, four) = (of_vector(bytes), _mm256_set1_epi8(15));
    [_mm256_and_si256(bytes, four), _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), four)]
}

/// The numbers of two quads in six bits, less 32.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn sixes([first, second]: &[[u8; VECTOR]; 2], high: &[u8; VECTOR]) -> [[__m256i; 2]; 2] {
    let high = of_vector(high);
    let ([first_low, first_high], [second_low, second_high]) = (halves(first), halves(second));
    [
        [six(first_low, _mm256_slli_epi16::<4>(high)), six(first_high, _mm256_slli_epi16::<2>(high))],
        [six(second_low, high), six(second_high, _mm256_srli_epi16::<2>(high))],
    ]
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn six(low: __m256i, high: __m256i) -> __m256i {
    let high = _mm256_and_si256(high, _mm256_set1_epi8(0x30));
    _mm256_sub_epi8(_mm256_or_si256(low, high), _mm256_set1_epi8(32))
}

/// Whole numbers of 16 bits in the lower and in the upper half of 32.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn twice(numbers: __m256i) -> __m256i {
    let low = _mm256_and_si256(numbers, _mm256_set1_epi32(0xffff));
    _mm256_or_si256(low, _mm256_slli_epi32::<16>(numbers))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn of_vector(bytes: &[u8; VECTOR]) -> __m256i {
    // SAFETY: there are 32 bytes; the load needs no alignment.
    unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
}

/// The bytes of the first eight outputs and those of the others, each at the beginning of a vector.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn of_bytes<T>(bytes: &[T; WIDTH]) -> [__m128i; 2] {
    const { assert!(size_of::<T>() == 1) };
    // SAFETY: there are 16 bytes; the load needs no alignment.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    [bytes, _mm_unpackhi_epi64(bytes, bytes)]
}

/// The pairs of the first eight outputs and those of the others.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn of_pairs<T>(pairs: &[[T; 2]; WIDTH]) -> [__m128i; 2] {
    const { assert!(size_of::<T>() == 1) };
    let place = pairs.as_ptr();
    // SAFETY: there are 32 bytes; the loads need no alignment.
    unsafe { [_mm_loadu_si128(place.cast()), _mm_loadu_si128(place.add(LANES).cast())] }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn of_i32s(numbers: &[i32; WIDTH]) -> [__m256i; 2] {
    let place = numbers.as_ptr();
    // SAFETY: there are 16 numbers; the loads need no alignment.
    unsafe { [_mm256_loadu_si256(place.cast()), _mm256_loadu_si256(place.add(LANES).cast())] }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn of_f16s(numbers: &[f16; WIDTH]) -> [__m256; 2] {
    let place = numbers.as_ptr();
    // SAFETY: there are 16 numbers of 2 bytes; the loads need no alignment.
    let (low, high) = unsafe { (_mm_loadu_si128(place.cast()), _mm_loadu_si128(place.add(LANES).cast())) };
    [_mm256_cvtph_ps(low), _mm256_cvtph_ps(high)]
}

/// Asks for what lies some way behind a block, as much of it as a block has.
pub(super) fn fetch_ahead<B>(block: &B) {
    let ahead = std::ptr::from_ref(block).wrapping_byte_add(AHEAD);
    for line in (0..size_of::<B>()).step_by(LINE) {
        // SAFETY: nothing is read; any address will do.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_byte_add(line).cast()) };
    }
}

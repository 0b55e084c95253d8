//! Attention and gates on numbers that lie side by side, compiled for the vector instructions of the processor.
//!
//! What comes out for a query depends on what it sees and on nothing else: neither on the queries beside it nor on where the
//! memory of its keys is cut.
#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "calls of what is compiled for AVX2"))]

/// Numbers of a vector.
const LANES: usize = 8;
/// Numbers of a mean that are summed together; widths of heads are multiples of it.
pub(super) const WIDTH: usize = 2 * LANES;
/// Queries that share a walk over keys and values.
const TILE: usize = 4;

/// Key and value of a token.
pub(super) type Seen<'a> = (&'a [f32], &'a [f32]);

/// Appends to `means`, for each query of `width` numbers, the mean of the values that it sees, weighted by the exponentials of
/// its products with the keys. The query of index `i` sees the first `limits[i]`, one at least. Only where
/// [`has_vectors`](super::kernel::has_vectors).
pub(super) fn attend(
    queries: &[f32],
    width: usize,
    limits: &[usize],
    seen: &[Seen<'_>],
    means: &mut Vec<f32>,
) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller has asked for the instructions.
    unsafe {
        avx2::attend(queries, width, limits, seen, means);
    }
    #[cfg(not(target_arch = "x86_64"))]
    attend_in_tiles(queries, width, limits, seen, means);
}

/// Multiplies each number by the gate `g / (1 + exp(-g))` of its place. Only where
/// [`has_vectors`](super::kernel::has_vectors).
pub(super) fn gate(gates: &[f32], numbers: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller has asked for the instructions.
    unsafe {
        avx2::gate(gates, numbers);
    }
    #[cfg(not(target_arch = "x86_64"))]
    gate_each(gates, numbers);
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use super::{Seen, attend_in_tiles, gate_each};

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn attend(
        queries: &[f32],
        width: usize,
        limits: &[usize],
        seen: &[Seen<'_>],
        means: &mut Vec<f32>,
    ) {
        attend_in_tiles(queries, width, limits, seen, means);
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn gate(gates: &[f32], numbers: &mut [f32]) {
        gate_each(gates, numbers);
    }
}

#[inline(always)]
fn attend_in_tiles(queries: &[f32], width: usize, limits: &[usize], seen: &[Seen<'_>], means: &mut Vec<f32>) {
    for (queries, limits) in queries.chunks(TILE * width).zip(limits.chunks(TILE)) {
        match limits.len() {
            1 => attend_tile::<1>(queries, width, limits, seen, means),
            2 => attend_tile::<2>(queries, width, limits, seen, means),
            3 => attend_tile::<3>(queries, width, limits, seen, means),
            _ => attend_tile::<TILE>(queries, width, limits, seen, means),
        }
    }
}

#[inline(always)]
fn attend_tile<const COUNT: usize>(
    queries: &[f32],
    width: usize,
    limits: &[usize],
    seen: &[Seen<'_>],
    means: &mut Vec<f32>,
) {
    let queries: [&[f32]; COUNT] =
        std::array::from_fn(|query| queries.get(query * width..(query + 1) * width).unwrap_or_default());
    let (least, most) =
        limits.iter().fold((seen.len(), 0), |(least, most), limit| (least.min(*limit), most.max(*limit)));
    let seen = seen.get(..most).unwrap_or(seen);
    let mut weights: Vec<[f32; COUNT]> =
        seen.iter().map(|(key, _)| queries.map(|query| product(query, key))).collect();
    for (index, weights) in weights.iter_mut().enumerate().skip(least) {
        let hidden = weights.iter_mut().zip(limits).filter(|(_, limit)| index >= **limit);
        hidden.for_each(|(weight, _)| *weight = f32::NEG_INFINITY);
    }

    let mut largest = [f32::NEG_INFINITY; COUNT];
    for weights in &weights {
        largest.iter_mut().zip(weights).for_each(|(largest, weight)| *largest = largest.max(*weight));
    }
    let mut sums = [0.0; COUNT];
    for weights in &mut weights {
        for (weight, largest) in weights.iter_mut().zip(largest) {
            *weight -= largest;
        }
    }
    weights.as_flattened_mut().iter_mut().for_each(|weight| *weight = exp(*weight));
    for weights in &weights {
        sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
    }

    let start = means.len();
    means.resize(start + COUNT * width, 0.0);
    let means = means.get_mut(start..).unwrap_or_default();
    for at in (0..width).step_by(WIDTH) {
        let mixed = mixed(&weights, seen, at);
        for ((mean, mixed), sum) in means.chunks_mut(width).zip(mixed).zip(sums) {
            let place = mean.iter_mut().skip(at);
            place.zip(mixed).for_each(|(mean, mixed)| *mean = mixed / sum);
        }
    }
}

/// The sums of the values' numbers from `at` on, by their weights.
#[inline(always)]
fn mixed<const COUNT: usize>(
    weights: &[[f32; COUNT]],
    seen: &[Seen<'_>],
    at: usize,
) -> [[f32; WIDTH]; COUNT] {
    let mut sums = [[0.0; WIDTH]; COUNT];
    for (weights, (_, value)) in weights.iter().zip(seen) {
        let Some(value) = value.get(at..).and_then(|value| value.first_chunk::<WIDTH>()) else { break };
        for (sums, weight) in sums.iter_mut().zip(weights) {
            for (sum, number) in sums.iter_mut().zip(value) {
                *sum = weight.mul_add(*number, *sum);
            }
        }
    }
    sums
}

/// The sum of the products of each number with its counterpart.
#[inline(always)]
pub(super) fn product(one: &[f32], other: &[f32]) -> f32 {
    let mut sums = [0.0_f32; LANES];
    for (one, other) in one.as_chunks::<LANES>().0.iter().zip(other.as_chunks::<LANES>().0) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum = one.mul_add(*other, *sum);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

#[inline(always)]
fn gate_each(gates: &[f32], numbers: &mut [f32]) {
    for (number, gate) in numbers.iter_mut().zip(gates) {
        *number *= gate / (1.0 + exp(-gate));
    }
}

/// `exp`, by `2^n · e^r` with `|r| ≤ ln 2 / 2` and the series of `e^r` up to the sixth power: without branches and tables, so
/// that several are computed at once. Relative errors are below 3e-7; what is below `f32`'s least normal number is zero.
#[inline(always)]
fn exp(number: f32) -> f32 {
    /// The exponent's bias and the place of its bits.
    const BIAS: f32 = 127.0;
    const EXPONENT_BITS: u32 = 23;
    /// Adding it leaves whole numbers in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first with zeros at its end.
    const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];

    let within = number.clamp(-87.0, 88.0);
    let whole = within.mul_add(std::f32::consts::LOG2_E, ROUNDING) - ROUNDING;
    let rest = whole.mul_add(-LN_2[0], within);
    let rest = whole.mul_add(-LN_2[1], rest);
    let mut series = 1.0 / 720.0;
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = rest.mul_add(series, factor);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 254")]
    let power = f32::from_bits(((whole + BIAS) as u32) << EXPONENT_BITS);
    if number < -87.0 { 0.0 } else { series * power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::fixture::numbers;
    use crate::local::kernel::has_vectors;

    const HEAD: usize = 48;

    /// The same mean in 64 bits, step by step as it is defined.
    fn mean(query: &[f32], seen: &[Seen<'_>]) -> Vec<f64> {
        let wide = |(one, other): (&f32, &f32)| f64::from(*one) * f64::from(*other);
        let weights: Vec<f64> =
            seen.iter().map(|(key, _)| query.iter().zip(*key).map(wide).sum::<f64>().exp()).collect();
        let total: f64 = weights.iter().sum();
        let number = |at: usize| {
            let sum = seen.iter().zip(&weights).map(|((_, value), weight)| f64::from(value[at]) * weight);
            sum.sum::<f64>() / total
        };
        (0..HEAD).map(number).collect()
    }

    #[test]
    fn means_are_those_of_the_definition_and_do_not_depend_on_neighbours() {
        if !has_vectors() {
            return;
        }
        let (keys, values) = (numbers(40 * HEAD, 1.0, 1), numbers(40 * HEAD, 1.0, 2));
        let seen: Vec<Seen<'_>> = keys.chunks(HEAD).zip(values.chunks(HEAD)).collect();
        let queries = numbers(7 * HEAD, 1.0, 3);
        let limits = [40, 1, 2, 39, 17, 17, 18];
        let mut together = Vec::new();
        attend(&queries, HEAD, &limits, &seen, &mut together);
        for ((query, limit), means) in queries.chunks(HEAD).zip(limits).zip(together.chunks(HEAD)) {
            let expected = mean(query, &seen[..limit]);
            let difference =
                means.iter().zip(expected).map(|(mean, expected)| (f64::from(*mean) - expected).abs());
            assert!(difference.fold(0.0, f64::max) < 1e-6, "{limit}");
            let mut alone = Vec::new();
            attend(query, HEAD, &[limit], &seen[..limit], &mut alone);
            assert_eq!(alone, means, "{limit}");
        }
    }

    #[test]
    fn large_products_neither_overflow_nor_vanish() {
        if !has_vectors() {
            return;
        }
        let (low, high) = ([-30.0; HEAD], [30.0; HEAD]);
        let seen: [Seen<'_>; 3] = [(&low, &low), (&high, &high), (&low, &low)];
        let mut means = Vec::new();
        attend(&[30.0; HEAD], HEAD, &[3], &seen, &mut means);
        assert_eq!(means, high);
    }

    #[test]
    fn exponentials_are_near_those_of_the_standard_library() {
        for number in (-88_000..=88_000).map(|thousandths| thousandths as f32 / 1000.0) {
            let expected = f64::from(number).exp();
            let relative = (f64::from(exp(number)) - expected).abs() / expected;
            assert!(relative < 3e-7 || number < -87.0 && exp(number) == 0.0, "{number}: {relative}");
        }
        assert_eq!((exp(0.0), exp(f32::NEG_INFINITY), exp(f32::INFINITY) > 1e38), (1.0, 0.0, true));
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn a_gate_is_a_sigmoid_times_its_input() {
        if !has_vectors() {
            return;
        }
        let gates = [-1000.0, -3.0, -0.5, 0.0, 0.5, 3.0, 1000.0_f32];
        let mut numbers = [2.0; 7];
        gate(&gates, &mut numbers);
        for (number, gate) in numbers.into_iter().zip(gates) {
            let expected = 2.0 * f64::from(gate) / (1.0 + (-f64::from(gate)).exp());
            assert!((f64::from(number) - expected).abs() < 1e-5, "{gate}: {number}");
        }
    }
}

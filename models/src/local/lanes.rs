//! Attention and gates on numbers that lie side by side, in the vectors of whatever processor this is.
//!
//! What comes out for a query depends on what it sees and on nothing else: neither on the queries beside it nor on where the
//! memory of its keys is cut.
//!
//! Only what is inlined into `with_simd` is compiled for vectors: loops are, closures given to iterators may not be.

use pulp::{Arch, Simd, WithSimd};

/// The most numbers of a vector; widths of heads are multiples of it.
pub(super) const LANES_MAX: usize = 16;
/// Queries that share a walk over keys and values.
const TILE: usize = 4;

/// Key and value of a token.
pub(super) type Seen<'a> = (&'a [f32], &'a [f32]);

/// Appends to `means`, for each query of `width` numbers, the mean of the values that it sees, weighted by the exponentials of
/// its products with the keys. The query of index `i` sees the first `limits[i]`, one at least.
pub(super) fn attend(
    queries: &[f32],
    width: usize,
    limits: &[usize],
    seen: &[Seen<'_>],
    means: &mut Vec<f32>,
) {
    for (queries, limits) in queries.chunks(TILE * width).zip(limits.chunks(TILE)) {
        let start = means.len();
        means.resize(start + queries.len(), 0.0);
        let tile = Tile { queries, width, limits, seen, means: means.get_mut(start..).unwrap_or_default() };
        Arch::new().dispatch(tile);
    }
}

/// Multiplies each number by the gate `g / (1 + exp(-g))` of its place.
pub(super) fn gate(gates: &[f32], numbers: &mut [f32]) {
    Arch::new().dispatch(Gate { gates, numbers });
}

/// Up to [`TILE`] queries.
struct Tile<'a> {
    queries: &'a [f32],
    width: usize,
    limits: &'a [usize],
    seen: &'a [Seen<'a>],
    means: &'a mut [f32],
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.limits.len() {
            1 => self.attend::<S, 1>(simd),
            2 => self.attend::<S, 2>(simd),
            3 => self.attend::<S, 3>(simd),
            _ => self.attend::<S, TILE>(simd),
        }
    }
}

impl Tile<'_> {
    #[inline(always)]
    fn attend<S: Simd, const COUNT: usize>(self, simd: S) {
        let (least, most) = self
            .limits
            .iter()
            .fold((usize::MAX, 0), |(least, most), limit| (least.min(*limit), most.max(*limit)));
        let seen = self.seen.get(..most).unwrap_or(self.seen);
        // Side by side, so that each number of a key meets all queries.
        let mut queries = vec![[simd.splat_f32s(0.0); COUNT]; self.width / S::F32_LANES];
        for (index, query) in self.queries.chunks(self.width).enumerate() {
            for (queries, query) in queries.iter_mut().zip(S::as_simd_f32s(query).0) {
                if let Some(place) = queries.get_mut(index) {
                    *place = *query;
                }
            }
        }
        let mut weights = vec![[0.0_f32; COUNT]; seen.len()];
        for (weights, (key, _)) in weights.iter_mut().zip(seen) {
            *weights = products(simd, &queries, key);
        }
        let sums = soften(&mut weights, self.limits, least);
        // A sum takes its next number only when the last is in it, so there have to be many sums.
        if COUNT <= TILE / 2 && self.width.is_multiple_of(4 * S::F32_LANES) {
            self.mix::<S, COUNT, 4>(simd, &weights, seen, sums);
        } else if self.width.is_multiple_of(2 * S::F32_LANES) {
            self.mix::<S, COUNT, 2>(simd, &weights, seen, sums);
        } else {
            self.mix::<S, COUNT, 1>(simd, &weights, seen, sums);
        }
    }

    /// The means by these weights, whose sums are known.
    #[inline(always)]
    fn mix<S: Simd, const COUNT: usize, const VECTORS: usize>(
        self,
        simd: S,
        weights: &[[f32; COUNT]],
        seen: &[Seen<'_>],
        sums: [f32; COUNT],
    ) {
        for at in (0..self.width).step_by(VECTORS * S::F32_LANES) {
            let mixed: [[S::f32s; VECTORS]; COUNT] = mixed(simd, weights, seen, at);
            for ((mean, mixed), sum) in self.means.chunks_mut(self.width).zip(&mixed).zip(sums) {
                let mixed: &[f32] = pulp::bytemuck::cast_slice(mixed);
                for (mean, mixed) in mean.iter_mut().skip(at).zip(mixed) {
                    *mean = mixed / sum;
                }
            }
        }
    }
}

/// Makes products the exponentials of what they are below the largest of their query, those behind a query's limit zero, and
/// gives the sums of them. No limit is below `least`.
#[inline(always)]
fn soften<const COUNT: usize>(weights: &mut [[f32; COUNT]], limits: &[usize], least: usize) -> [f32; COUNT] {
    for (index, weights) in weights.iter_mut().enumerate().skip(least) {
        for (weight, limit) in weights.iter_mut().zip(limits) {
            if index >= *limit {
                *weight = f32::NEG_INFINITY;
            }
        }
    }
    let mut largest = [f32::NEG_INFINITY; COUNT];
    for weights in &*weights {
        for (largest, weight) in largest.iter_mut().zip(weights) {
            *largest = if *weight > *largest { *weight } else { *largest };
        }
    }
    for weights in &mut *weights {
        for (weight, largest) in weights.iter_mut().zip(largest) {
            *weight -= largest;
        }
    }
    for weight in weights.as_flattened_mut() {
        *weight = exp(*weight);
    }
    let mut sums = [0.0; COUNT];
    for weights in &*weights {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += weight;
        }
    }
    sums
}

/// The sums of the values' numbers from `at` on, by their weights.
#[inline(always)]
fn mixed<S: Simd, const COUNT: usize, const VECTORS: usize>(
    simd: S,
    weights: &[[f32; COUNT]],
    seen: &[Seen<'_>],
    at: usize,
) -> [[S::f32s; VECTORS]; COUNT] {
    let mut sums = [[simd.splat_f32s(0.0); VECTORS]; COUNT];
    for (weights, (_, value)) in weights.iter().zip(seen) {
        let Some(value) = value.get(at..).and_then(|value| S::as_simd_f32s(value).0.first_chunk::<VECTORS>())
        else {
            break;
        };
        for (sums, weight) in sums.iter_mut().zip(weights) {
            let weight = simd.splat_f32s(*weight);
            for (sum, value) in sums.iter_mut().zip(value) {
                *sum = simd.mul_add_e_f32s(weight, *value, *sum);
            }
        }
    }
    sums
}

/// The products of queries, vector by vector, with a key.
#[inline(always)]
fn products<S: Simd, const COUNT: usize>(simd: S, queries: &[[S::f32s; COUNT]], key: &[f32]) -> [f32; COUNT] {
    let mut sums = [simd.splat_f32s(0.0); COUNT];
    for (queries, key) in queries.iter().zip(S::as_simd_f32s(key).0) {
        for (sum, query) in sums.iter_mut().zip(queries) {
            *sum = simd.mul_add_e_f32s(*query, *key, *sum);
        }
    }
    let mut products = [0.0; COUNT];
    for (product, sum) in products.iter_mut().zip(sums) {
        *product = simd.reduce_sum_f32s(sum);
    }
    products
}

struct Gate<'a> {
    gates: &'a [f32],
    numbers: &'a mut [f32],
}

impl WithSimd for Gate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (number, gate) in self.numbers.iter_mut().zip(self.gates) {
            *number *= gate / (1.0 + exp(-gate));
        }
    }
}

/// `exp`, by `2^n · e^r` with `|r| ≤ ln 2 / 2` and the series of `e^r` up to the sixth power: without branches, tables and
/// casts, so that several are computed at once. Relative errors are below 3e-7; nearly nothing is zero.
#[inline(always)]
fn exp(number: f32) -> f32 {
    const EXPONENT_BITS: u32 = 23;
    /// Adding it leaves whole numbers in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first with zeros at its end.
    const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];

    let within = number.clamp(-87.0, 88.0);
    let rounded = within * std::f32::consts::LOG2_E + ROUNDING;
    let whole = rounded - ROUNDING;
    let rest = within - whole * LN_2[0] - whole * LN_2[1];
    let mut series = 1.0 / 720.0;
    for factor in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * rest + factor;
    }
    let power = f32::from_bits((rounded.to_bits() << EXPONENT_BITS).wrapping_add(1.0_f32.to_bits()));
    if number < -87.0 { 0.0 } else { series * power }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::fixture::numbers;

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
    fn means_are_the_same_in_vectors_of_every_length() {
        let (keys, values) = (numbers(9 * HEAD, 1.0, 1), numbers(9 * HEAD, 1.0, 2));
        let seen: Vec<Seen<'_>> = keys.chunks(HEAD).zip(values.chunks(HEAD)).collect();
        let queries = numbers(3 * HEAD, 1.0, 3);
        let limits = [9, 4, 1];
        let means = |attend: &dyn Fn(Tile<'_>)| {
            let mut means = vec![0.0; queries.len()];
            attend(Tile { queries: &queries, width: HEAD, limits: &limits, seen: &seen, means: &mut means });
            means
        };
        let lengths = [
            means(&|tile| tile.with_simd(pulp::Scalar)),
            means(&|tile| tile.with_simd(pulp::Scalar128b)),
            means(&|tile| tile.with_simd(pulp::Scalar256b)),
            means(&|tile| tile.with_simd(pulp::Scalar512b)),
        ];
        for means in lengths {
            for ((query, limit), means) in queries.chunks(HEAD).zip(limits).zip(means.chunks(HEAD)) {
                let expected = mean(query, &seen[..limit]);
                let difference =
                    means.iter().zip(expected).map(|(mean, expected)| f64::from(*mean) - expected);
                assert!(difference.map(f64::abs).fold(0.0, f64::max) < 1e-6, "{limit}");
            }
        }
    }

    #[test]
    fn large_products_neither_overflow_nor_vanish() {
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
        let gates = [-1000.0, -3.0, -0.5, 0.0, 0.5, 3.0, 1000.0_f32];
        let mut numbers = [2.0; 7];
        gate(&gates, &mut numbers);
        for (number, gate) in numbers.into_iter().zip(gates) {
            let expected = 2.0 * f64::from(gate) / (1.0 + (-f64::from(gate)).exp());
            assert!((f64::from(number) - expected).abs() < 1e-5, "{gate}: {number}");
        }
    }
}

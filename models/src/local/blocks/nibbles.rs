//! What the blocks of 256 inputs have in common: rows in 8 bits, and weights by half bytes.

use super::{LANES, ROUNDING, inverse, largest};

/// Inputs of a block.
pub(super) const INPUTS: usize = 256;
/// Inputs of an output that lie side by side.
pub(super) const QUAD: usize = 4;
pub(super) const QUADS: usize = INPUTS / QUAD;
/// Bytes of a vector.
pub(super) const VECTOR: usize = QUAD * LANES;
/// The largest number of a row.
const LARGEST: f32 = 127.0;

/// Of a quad of inputs: the first eight outputs in the lower halves of bytes, the others in the upper.
pub(super) type Nibbles = [[u8; VECTOR]; QUADS];

/// The numbers of a row as bytes, and what they were divided by: the largest of them is 127, as llama.cpp and the tensor
/// library round them.
#[inline]
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma,f16c"))]
pub(super) fn bytes(numbers: &[f32]) -> ([u8; INPUTS], f32) {
    let largest = largest(numbers);
    let inverse = inverse(largest, LARGEST);
    let mut bytes = [0; INPUTS];
    for (byte, number) in bytes.iter_mut().zip(numbers) {
        let [lowest, ..] = (number * inverse + ROUNDING).to_bits().to_le_bytes();
        *byte = lowest;
    }
    (bytes, largest / LARGEST)
}

/// Four bytes at a time.
#[inline]
pub(super) fn quads(bytes: &[u8; INPUTS]) -> [i32; QUADS] {
    let mut quads = [0; QUADS];
    for (place, quad) in quads.iter_mut().zip(bytes.as_chunks::<QUAD>().0) {
        *place = i32::from_le_bytes(*quad);
    }
    quads
}

/// Puts half bytes of an output, in the order of the inputs, where they belong.
pub(super) fn put(quads: &mut Nibbles, output: usize, mut nibbles: impl Iterator<Item = u8>) {
    let shift = 4 * (output / LANES);
    for quad in quads {
        let places = quad.iter_mut().skip(output % LANES * QUAD).take(QUAD);
        places.zip(&mut nibbles).for_each(|(place, bits)| *place |= bits << shift);
    }
}

/// The half bytes of an output.
pub(super) fn of(quads: &Nibbles, output: usize) -> impl Iterator<Item = u8> {
    let shift = 4 * (output / LANES);
    quads.iter().flat_map(move |quad| {
        quad.iter().skip(output % LANES * QUAD).take(QUAD).map(move |byte| byte >> shift & 15)
    })
}

/// The half bytes of bytes, the lower ones of each `run` first.
pub(super) fn halves(bytes: &[u8], run: usize) -> impl Iterator<Item = u8> {
    bytes
        .chunks(run)
        .flat_map(|bytes| bytes.iter().map(|byte| byte & 15).chain(bytes.iter().map(|byte| byte >> 4)))
}

//! Which kernel multiplies by a tensor on a CPU.
//!
//! Source: candle-core 0.11.1, `quantized/repack_x86.rs` (which repacks what) and `quantized/avx.rs` (which types have
//! dot products); measured in the ratio of 1 : 0.3 : 0.04 in prefill.

use candle_core::quantized::GgmlDType;

/// How fast a matrix is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KernelClass {
    /// Tiles of several rows at once.
    Fast,
    /// A row at a time, in vectors.
    Dot,
    /// A number at a time.
    Scalar,
}

impl KernelClass {
    /// The word for it in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Dot => "dot",
            Self::Scalar => "scalar",
        }
    }

    /// Whether a matrix on a CPU is multiplied by with our kernel, because the library has none that is fast.
    pub(crate) fn is_own(dtype: GgmlDType, outputs: usize, inputs: usize) -> bool {
        let has_library_kernel = fits_tiles(outputs, inputs) && has_byte_products();
        matches!(dtype, GgmlDType::Q8_0 | GgmlDType::Q4K | GgmlDType::Q6K)
            && !has_library_kernel
            && has_tiles()
    }

    /// The class of a matrix of `outputs × inputs` numbers on this machine's CPU.
    #[must_use]
    pub fn of(dtype: GgmlDType, outputs: usize, inputs: usize) -> Self {
        let tiled = fits_tiles(outputs, inputs);
        match dtype {
            // Those in 16 bits are widened while loading where our kernel cannot do it.
            GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16 => Self::Fast,
            GgmlDType::Q8_0 if tiled && has_byte_products() => Self::Fast,
            _ if Self::is_own(dtype, outputs, inputs) => Self::Fast,
            GgmlDType::Q4K | GgmlDType::Q6K if tiled && has_vectors() => Self::Fast,
            GgmlDType::Q4_1 | GgmlDType::Q5_0 | GgmlDType::Q5_1 | GgmlDType::Q8_1 => Self::Scalar,
            _ => Self::Dot,
        }
    }
}

/// Whether this processor has what our kernels (`tile`, `blocks`) are written for.
pub(crate) fn has_tiles() -> bool {
    cfg!(target_arch = "x86_64") && has_vectors() && has_halves()
}

/// Whether the library's tiles cover a matrix of this size.
const fn fits_tiles(outputs: usize, inputs: usize) -> bool {
    inputs.is_multiple_of(256) && outputs.is_multiple_of(16)
}

/// Whether rows in 8 bits are filled up to a multiple of 256, for the library's tiles: our kernel would only have more to do.
pub(crate) fn wants_filling() -> bool {
    has_byte_products()
}

/// Whether a matrix of this type is kept twice, as stored and in tiles.
pub(crate) fn is_repacked(dtype: GgmlDType, outputs: usize, inputs: usize) -> bool {
    matches!(dtype, GgmlDType::Q8_0 | GgmlDType::Q4K | GgmlDType::Q6K)
        && !KernelClass::is_own(dtype, outputs, inputs)
        && KernelClass::of(dtype, outputs, inputs) == KernelClass::Fast
}

#[cfg(target_arch = "x86_64")]
fn has_byte_products() -> bool {
    let wide = std::is_x86_feature_detected!("avx512f") && std::is_x86_feature_detected!("avx512vnni");
    wide || (std::is_x86_feature_detected!("avxvnni") && std::is_x86_feature_detected!("avx2"))
}

#[cfg(target_arch = "x86_64")]
fn has_vectors() -> bool {
    std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_halves() -> bool {
    std::is_x86_feature_detected!("f16c")
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_halves() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_byte_products() -> bool {
    cfg!(target_arch = "aarch64")
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_vectors() -> bool {
    cfg!(target_arch = "aarch64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_without_vectors_are_scalar_and_odd_sizes_are_not_tiled() {
        assert_eq!(KernelClass::of(GgmlDType::F32, 7, 5), KernelClass::Fast);
        assert_eq!(KernelClass::of(GgmlDType::Q5_0, 256, 256), KernelClass::Scalar);
        let own = has_tiles();
        assert_eq!(KernelClass::of(GgmlDType::Q8_0, 256, 896) == KernelClass::Fast, own);
        assert_eq!(KernelClass::of(GgmlDType::Q4K, 250, 256) == KernelClass::Fast, own);
        let tiled = KernelClass::of(GgmlDType::Q8_0, 256, 1024);
        assert_eq!(tiled == KernelClass::Fast, own || has_byte_products());
    }
}

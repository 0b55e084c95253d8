//! The rotation of queries and keys by their positions.
//!
//! Angles, cosines and sines are computed in f32 for the positions of a pass, always: positions above 256 do not exist in
//! bf16. Pairs are `(i, i + d/2)`, as in the transformers library; files of the other pairing have their rows put in this
//! order when they are loaded, which gives the same products.

use candle_core::{Device, Result, Tensor};

use super::config::{DecoderConfig, RopeScaling};

/// Angles per position, one per pair of a head.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    frequencies: Vec<f32>,
}

/// Cosines and sines of a pass's tokens, `(tokens, head_dim / 2)` each.
#[derive(Debug)]
pub(crate) struct Angles {
    pub(crate) cos: Tensor,
    pub(crate) sin: Tensor,
}

impl Rotation {
    pub(crate) fn new(config: &DecoderConfig) -> Self {
        let pairs = config.head_dim / 2;
        let plain = (0..pairs).map(|pair| {
            #[expect(clippy::cast_precision_loss, reason = "widths of heads are small")]
            let exponent = (2 * pair) as f32 / config.head_dim as f32;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "angles are of f32, as where models are trained"
            )]
            let theta = config.rope.theta as f32;
            theta.powf(exponent).recip()
        });
        let frequencies =
            plain.enumerate().map(|(pair, frequency)| scaled(frequency, pair, &config.rope.scaling));
        Self { frequencies: frequencies.collect() }
    }

    pub(crate) fn angles(&self, positions: &[u32], device: &Device) -> Result<Angles> {
        #[expect(clippy::cast_precision_loss, reason = "contexts end below 2^20")]
        let angles =
            positions.iter().flat_map(|position| self.frequencies.iter().map(|f| *position as f32 * f));
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.map(|angle| (angle.cos(), angle.sin())).unzip();
        let shape = (positions.len(), self.frequencies.len());
        Ok(Angles { cos: Tensor::from_vec(cos, shape, device)?, sin: Tensor::from_vec(sin, shape, device)? })
    }
}

impl Angles {
    /// Rotates heads: `(1, tokens, heads, head_dim)`.
    pub(crate) fn rotate(&self, heads: &Tensor) -> Result<Tensor> {
        candle_nn::rotary_emb::rope_thd(heads, &self.cos, &self.sin)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "angles are of f32, as where models are trained")]
fn scaled(frequency: f32, pair: usize, scaling: &RopeScaling) -> f32 {
    match scaling {
        RopeScaling::None => frequency,
        RopeScaling::Linear(factor) => frequency / *factor as f32,
        RopeScaling::Factors(factors) => frequency / factors.get(pair).copied().unwrap_or(1.0),
        RopeScaling::Llama3 { factor, low, high, original_context } => {
            let wavelength = 2.0 * std::f64::consts::PI / f64::from(frequency);
            if wavelength < original_context / high {
                return frequency;
            }
            let stretched = f64::from(frequency) / factor;
            if wavelength > original_context / low {
                return stretched as f32;
            }
            let smooth = (original_context / wavelength - low) / (high - low);
            ((1.0 - smooth) * stretched + smooth * f64::from(frequency)) as f32
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::config::Rope;
    use crate::local::fixture;

    fn frequencies(scaling: RopeScaling) -> Vec<f32> {
        let mut config = fixture::config();
        config.head_dim = 128;
        config.rope = Rope { theta: 500_000.0, scaling };
        Rotation::new(&config).frequencies
    }

    #[test]
    fn angles_are_exact_far_out() {
        let config = fixture::config();
        let angles = Rotation::new(&config).angles(&[1000, 1001], &Device::Cpu).unwrap();
        let sin: Vec<Vec<f32>> = angles.sin.to_vec2().unwrap();
        assert!((f64::from(sin[0][0]) - 1000_f64.sin()).abs() < 1e-5);
        assert!((f64::from(sin[1][0]) - 1001_f64.sin()).abs() < 1e-5);
    }

    #[test]
    fn long_waves_are_stretched_and_short_ones_are_not() {
        let plain = frequencies(RopeScaling::None);
        let llama =
            frequencies(RopeScaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original_context: 8192.0 });
        assert_eq!(llama[0], plain[0]);
        assert!((llama[63] * 8.0 - plain[63]).abs() < 1e-10);
        let middle = (30..40).filter(|i| llama[*i] < plain[*i] && llama[*i] > plain[*i] / 8.0).count();
        assert!(middle > 0);
        assert_eq!(frequencies(RopeScaling::Linear(4.0))[5], plain[5] / 4.0);
        assert_eq!(frequencies(RopeScaling::Factors(vec![2.0; 64]))[5], plain[5] / 2.0);
    }
}

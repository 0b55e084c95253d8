//! Where a model computes. The one place that chooses.

use candle_core::Device;

use super::error::{LoadError, LoadErrorKind};

/// Where a model is to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The GPU that this build can use, and the CPU where there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The first GPU; an error where there is none.
    Gpu,
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// Where a GPU is demanded and cannot be opened.
    pub fn open(self) -> Result<Device, LoadError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Gpu => gpu().map_err(|error| {
                let remedy = "build with the feature `cuda` or `metal` (docs/gpu.md), or choose the CPU";
                LoadError::new(LoadErrorKind::Device, "device", "no GPU can be used", remedy).caused_by(error)
            }),
            Self::Auto => Ok(gpu().unwrap_or(Device::Cpu)),
        }
    }
}

fn gpu() -> candle_core::Result<Device> {
    if cfg!(feature = "metal") { Device::new_metal(0) } else { Device::new_cuda(0) }
}

//! From checked files to a decoder that can compute.

use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::{GgmlDType, QStorage, QTensor};
use candle_core::{DType, Device, Tensor};

use super::checkpoint::{ChatTexts, Checkpoint, ModelBytes, TensorReport, names, report};
use super::decoder::{Decoder, Layer};
use super::device::DeviceChoice;
use super::error::{LoadError, LoadErrorKind};
use super::fused;
use super::gguf::TensorInfo;
use super::linear::Linear;
use super::rope::Rotation;
use super::tokenizer::LocalTokenizer;
use crate::decode::Vocabulary;

/// How a model is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadOptions {
    /// Where it computes.
    pub device: DeviceChoice,
    /// Whether dense weights become `Q8_0` on a CPU: a quarter of the memory of f32, and three to four times its speed.
    pub quantise: bool,
    /// Whether rows of `Q8_0` weights are filled up to a multiple of 256 where the tensor library's fast kernel needs it.
    pub pad: bool,
    /// Whether a model is taken whose weights mostly run on the slowest kernels.
    pub slow_ok: bool,
    /// Memory that the weights may take, in bytes. Default: what is free.
    pub memory_max: Option<u64>,
}

impl Default for LoadOptions {
    fn default() -> Self {
        Self { device: DeviceChoice::Auto, quantise: false, pad: true, slow_ok: false, memory_max: None }
    }
}

impl LoadOptions {
    /// Whether the weights are going to lie in the memory of the CPU.
    #[must_use]
    pub fn on_cpu(&self) -> bool {
        match self.device {
            DeviceChoice::Cpu => true,
            DeviceChoice::Gpu => false,
            DeviceChoice::Auto => !cfg!(any(feature = "cuda", feature = "metal")),
        }
    }
}

/// A loaded model: the decoder, the tokenizer, and what its files say about conversations.
#[derive(Debug)]
pub struct LocalModel {
    /// The name: that of the folder or file, a short hash of the contents behind `@`, and `+q8_0` where dense weights were
    /// quantised.
    pub name: String,
    /// The weights.
    pub decoder: Decoder,
    /// Texts to tokens.
    pub tokenizer: LocalTokenizer,
    /// What tokens spell, and which end a text.
    pub vocabulary: Arc<Vocabulary>,
    /// The chat template and what it may name.
    pub chat: ChatTexts,
}

impl LocalModel {
    /// Opens, checks and loads a model folder or a `.gguf` file.
    ///
    /// # Errors
    /// [`LoadError`] with the place and a remedy; whatever is wrong with the files is found before weights are read.
    pub fn open(path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::load(Checkpoint::open(path)?, options)
    }

    /// Checks and loads a model in memory.
    ///
    /// # Errors
    /// As [`LocalModel::open`].
    pub fn from_bytes(model: ModelBytes, options: &LoadOptions) -> Result<Self, LoadError> {
        Self::load(Checkpoint::from_bytes(model)?, options)
    }

    /// Loads what was checked.
    ///
    /// # Errors
    /// [`LoadErrorKind::Memory`] and [`LoadErrorKind::SlowKernels`] before reading weights, and those of reading them.
    pub fn load(checkpoint: Checkpoint, options: &LoadOptions) -> Result<Self, LoadError> {
        let device = options.device.open()?;
        // `Auto` ends on the CPU where no GPU answers.
        let choice = if device.is_cpu() { DeviceChoice::Cpu } else { DeviceChoice::Gpu };
        let options = LoadOptions { device: choice, ..*options };
        checkpoint.check_fit(&options)?;
        let quantised = if options.quantise && options.on_cpu() { "+q8_0" } else { "" };
        let (name, ends) = (format!("{}{quantised}", checkpoint.name), checkpoint.ends.clone());
        let mut loader = Loader { checkpoint, options, device };
        // The files were checked; what a library still finds wrong with them must not end the process.
        let decoder = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| loader.decoder()))
            .unwrap_or_else(|_| Err(LoadError::corrupt(name.as_str(), "the tensor library gave up on it")))?;
        let Checkpoint { tokenizer, chat, .. } = loader.checkpoint;
        let vocabulary = Arc::new(tokenizer.vocabulary(ends));
        Ok(Self { name, decoder, tokenizer, vocabulary, chat })
    }
}

struct Loader {
    checkpoint: Checkpoint,
    options: LoadOptions,
    device: Device,
}

impl Loader {
    fn decoder(&mut self) -> Result<Decoder, LoadError> {
        let config = self.checkpoint.config.clone();
        let table = self.matrix(names::TABLE, None)?;
        let layers = (0..config.layers).map(|layer| self.layer(layer)).collect::<Result<_, _>>()?;
        let norm = self.vector(names::NORM)?;
        let head = if config.tied { None } else { Some(self.matrix(names::HEAD, None)?) };
        let rotation = Rotation::new(&config);
        let device = self.device.clone();
        let is_fused = fused::serves(&device, config.head_dim);
        Ok(Decoder { config, device, table, layers, norm, head, rotation, is_fused })
    }

    fn layer(&mut self, layer: usize) -> Result<Layer, LoadError> {
        let name = |part: &str| names::of_layer(layer, part);
        let normed = self.checkpoint.config.architecture == super::config::Architecture::Qwen3;
        let (inputs, output) = (self.checkpoint.has_bias(true), self.checkpoint.has_bias(false));
        let mut norm = |part: &str| normed.then(|| self.vector(&name(part))).transpose();
        let (query_norm, key_norm) = (norm("self_attn.q_norm.weight")?, norm("self_attn.k_norm.weight")?);
        Ok(Layer {
            attention_norm: self.vector(&name("input_layernorm.weight"))?,
            query: self.projection(&name("self_attn.q_proj"), inputs)?,
            key: self.projection(&name("self_attn.k_proj"), inputs)?,
            value: self.projection(&name("self_attn.v_proj"), inputs)?,
            output: self.projection(&name("self_attn.o_proj"), output)?,
            query_norm,
            key_norm,
            feed_forward_norm: self.vector(&name("post_attention_layernorm.weight"))?,
            gate: self.projection(&name("mlp.gate_proj"), false)?,
            up: self.projection(&name("mlp.up_proj"), false)?,
            down: self.projection(&name("mlp.down_proj"), false)?,
        })
    }

    fn projection(&mut self, stem: &str, biased: bool) -> Result<Linear, LoadError> {
        let bias = biased.then(|| self.vector(&format!("{stem}.bias"))).transpose()?;
        self.matrix(&format!("{stem}.weight"), bias)
    }

    /// A norm or bias: always in f32.
    fn vector(&mut self, name: &str) -> Result<Tensor, LoadError> {
        let (info, bytes) = self.checkpoint.read(name)?;
        let made = dense(&info, &bytes)
            .and_then(|vector| self.in_order(name, vector))
            .and_then(|vector| vector.to_device(&self.device));
        made.map_err(|error| self.failed(name, error))
    }

    fn matrix(&mut self, name: &str, bias: Option<Tensor>) -> Result<Linear, LoadError> {
        let (info, bytes) = self.checkpoint.read(name)?;
        let plan = report(name, &info, &self.options);
        self.linear(name, &info, bytes, bias, &plan).map_err(|error| self.failed(name, error))
    }

    fn linear(
        &self,
        name: &str,
        info: &TensorInfo,
        bytes: Vec<u8>,
        bias: Option<Tensor>,
        plan: &TensorReport,
    ) -> candle_core::Result<Linear> {
        let is_dense = matches!(info.dtype, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16);
        if !is_dense {
            let rows = Rows::new(info, bytes)?;
            let rows = if self.checkpoint.is_interleaved(name) {
                rows.reordered(&self.pairs(info.shape.first()))?
            } else {
                rows
            };
            return Linear::quantised(rows.padded(plan.padding).tensor(&self.device)?, bias, plan.padding);
        }
        let weight = self.in_order(name, dense(info, &bytes)?)?;
        match plan.loaded {
            GgmlDType::Q8_0 => {
                let padded = weight.pad_with_zeros(1, 0, plan.padding)?;
                Linear::quantised(QTensor::quantize(&padded, GgmlDType::Q8_0)?, bias, plan.padding)
            }
            GgmlDType::F32 => Linear::dense(weight.to_device(&self.device)?, bias),
            GgmlDType::F16 => Linear::dense(weight.to_dtype(DType::F16)?.to_device(&self.device)?, bias),
            _ => Linear::dense(weight.to_dtype(DType::BF16)?.to_device(&self.device)?, bias),
        }
    }

    /// Rows of a dense tensor in the order of the decoder's pairing.
    fn in_order(&self, name: &str, tensor: Tensor) -> candle_core::Result<Tensor> {
        if !self.checkpoint.is_interleaved(name) {
            return Ok(tensor);
        }
        let order: Vec<u32> =
            self.pairs(Some(&tensor.dim(0)?)).into_iter().filter_map(|row| row.try_into().ok()).collect();
        tensor.index_select(&Tensor::new(order, tensor.device())?, 0)
    }

    /// For each row in the order `(i, i + d/2)` where it is in the order `(2i, 2i + 1)`.
    fn pairs(&self, rows: Option<&usize>) -> Vec<usize> {
        let (rows, width) = (rows.copied().unwrap_or(0), self.checkpoint.config.head_dim);
        let half = width / 2;
        (0..rows).map(|row| row / width * width + 2 * (row % half) + row % width / half).collect()
    }

    fn failed(&self, name: &str, error: candle_core::Error) -> LoadError {
        let place = self.checkpoint.place(name);
        LoadError::new(LoadErrorKind::Device, place, "it could not be loaded", "check that its file is whole")
            .caused_by(error)
    }
}

/// A dense tensor in f32 on the CPU.
fn dense(info: &TensorInfo, bytes: &[u8]) -> candle_core::Result<Tensor> {
    let dtype = match info.dtype {
        GgmlDType::F32 => DType::F32,
        GgmlDType::F16 => DType::F16,
        GgmlDType::BF16 => DType::BF16,
        other => {
            let storage = QStorage::from_data(bytes.into(), &Device::Cpu, other)?;
            return QTensor::new(storage, info.shape.as_slice())?.dequantize(&Device::Cpu);
        }
    };
    Tensor::from_raw_buffer(bytes, dtype, &info.shape, &Device::Cpu)?.to_dtype(DType::F32)
}

/// The rows of a quantised matrix, each of whole blocks.
struct Rows {
    dtype: GgmlDType,
    inputs: usize,
    row_bytes: usize,
    bytes: Vec<u8>,
}

impl Rows {
    fn new(info: &TensorInfo, bytes: Vec<u8>) -> candle_core::Result<Self> {
        let [_, inputs] = info.shape.as_slice() else {
            candle_core::bail!("a matrix must have two dimensions");
        };
        let row_bytes = inputs / info.dtype.block_size() * info.dtype.type_size();
        Ok(Self { dtype: info.dtype, inputs: *inputs, row_bytes, bytes })
    }

    fn reordered(self, order: &[usize]) -> candle_core::Result<Self> {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for row in order {
            let start = row * self.row_bytes;
            let Some(row) = self.bytes.get(start..start + self.row_bytes) else {
                candle_core::bail!("there is no row {row}");
            };
            bytes.extend_from_slice(row);
        }
        Ok(Self { bytes, ..self })
    }

    /// With blocks of zeros behind each row; `numbers` are whole blocks.
    fn padded(self, numbers: usize) -> Self {
        if numbers == 0 {
            return self;
        }
        let zeros = vec![0; numbers / self.dtype.block_size() * self.dtype.type_size()];
        let mut bytes = Vec::new();
        for row in self.bytes.chunks(self.row_bytes) {
            bytes.extend_from_slice(row);
            bytes.extend_from_slice(&zeros);
        }
        Self { inputs: self.inputs + numbers, row_bytes: self.row_bytes + zeros.len(), bytes, ..self }
    }

    fn tensor(self, device: &Device) -> candle_core::Result<QTensor> {
        let outputs = self.bytes.len() / self.row_bytes.max(1);
        QTensor::new(QStorage::from_data(self.bytes.into(), device, self.dtype)?, (outputs, self.inputs))
    }
}

#[cfg(test)]
mod tests;

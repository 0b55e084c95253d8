//! A model's files, checked: what is in them, whether it fits together, and what loading it would take.
//!
//! Everything that a file claims is compared with everything else here, before a number of the weights is read: header
//! against file, tensors against configuration, tokenizer against vocabulary, sizes against memory.

mod files;
pub(crate) mod names;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use candle_core::quantized::GgmlDType;

use super::config::{Architecture, Biases, DecoderConfig, RopeScaling};
use super::error::{LoadError, LoadErrorKind, quoted};
use super::gguf::TensorInfo;
use super::kernel::{KernelClass, has_tiles, is_repacked, wants_filling};
use super::load::LoadOptions;
use super::memory;
use super::source::Source;
use super::tokenizer::LocalTokenizer;

/// Share of the weights that may run on the slowest kernels without being asked for.
const SCALAR_SHARE_MAX: f64 = 0.1;

/// A model's files, checked but not loaded.
#[derive(Debug)]
pub struct Checkpoint {
    pub(crate) name: String,
    pub(crate) config: DecoderConfig,
    pub(crate) format: Format,
    pub(crate) sources: Vec<Source>,
    /// By the names of the transformers library.
    pub(crate) tensors: BTreeMap<String, Located>,
    pub(crate) tokenizer: LocalTokenizer,
    pub(crate) chat: ChatTexts,
    pub(crate) ends: Vec<u32>,
}

/// How weights are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// safetensors beside a `config.json`.
    Safetensors,
    /// One GGUF file.
    Gguf,
}

/// A tensor in one of the files.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) file: usize,
    pub(crate) info: TensorInfo,
}

/// What the files say about conversations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChatTexts {
    /// The chat template, in Jinja.
    pub template: Option<String>,
    /// Text of the token that begins a text.
    pub bos: Option<String>,
    /// Text of the token that ends one.
    pub eos: Option<String>,
}

/// A model in memory, such as one that is part of the program: what would be files, as bytes.
#[derive(Debug, Clone, Default)]
pub struct ModelBytes {
    /// The model's name.
    pub name: String,
    /// One safetensors or GGUF file; told apart by its first bytes.
    pub weights: Bytes,
    /// `config.json`. A GGUF file needs none.
    pub config: Option<Bytes>,
    /// `tokenizer.json`. A GGUF file may hold its own.
    pub tokenizer: Option<Bytes>,
    /// `generation_config.json`, for its end tokens.
    pub generation_config: Option<Bytes>,
    /// `tokenizer_config.json`, for the chat template.
    pub tokenizer_config: Option<Bytes>,
}

/// One tensor and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorReport {
    /// Its name in the transformers library.
    pub name: String,
    /// The type in the file.
    pub stored: GgmlDType,
    /// The type in memory.
    pub loaded: GgmlDType,
    /// Its dimensions in the file.
    pub shape: Vec<usize>,
    /// Zeros behind each row that make its kernel fast.
    pub padding: usize,
    /// Bytes in memory.
    pub bytes: u64,
    /// The kernel that multiplies by it; `None` for vectors.
    pub kernel: Option<KernelClass>,
}

impl TensorReport {
    const fn numbers(&self) -> usize {
        let mut product = 1;
        let mut shape = self.shape.as_slice();
        while let [size, rest @ ..] = shape {
            product *= *size;
            shape = rest;
        }
        product
    }
}

impl Checkpoint {
    /// Opens a model folder (`config.json`, safetensors, `tokenizer.json`) or a `.gguf` file, and checks it.
    ///
    /// # Errors
    /// [`LoadError`] with the file and the place in it.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        files::open(path)?.checked()
    }

    /// The same of a model in memory.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(model: ModelBytes) -> Result<Self, LoadError> {
        files::from_bytes(model)?.checked()
    }

    /// Shape and constants of the decoder.
    #[must_use]
    pub const fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The name: that of the folder or file, and a short hash of its contents behind `@`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How the weights are stored.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// What the files say about conversations.
    #[must_use]
    pub const fn chat(&self) -> &ChatTexts {
        &self.chat
    }

    /// The tokens that end an answer.
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Every tensor of the decoder and what loading makes of it.
    #[must_use]
    pub fn tensors(&self, options: &LoadOptions) -> Vec<TensorReport> {
        let located = self.tensors.iter().filter(|(name, _)| names::is_needed(name, &self.config));
        located.map(|(name, tensor)| report(name, &tensor.info, options)).collect()
    }

    /// Refuses what would not fit the memory that is free, or would be too slow to be of use.
    ///
    /// # Errors
    /// [`LoadErrorKind::Memory`] and [`LoadErrorKind::SlowKernels`].
    pub fn check_fit(&self, options: &LoadOptions) -> Result<(), LoadError> {
        let tensors = self.tensors(options);
        let needed = tensors.iter().map(|tensor| tensor.bytes).fold(0, u64::saturating_add);
        let free = options.memory_max.or_else(memory::available);
        if let Some(free) = free.filter(|free| needed > *free) {
            return Err(LoadError::new(
                LoadErrorKind::Memory,
                &self.name,
                format!("it takes {} MiB and {} MiB are free", needed >> 20, free >> 20),
                "quantise it, use a smaller model, or free memory",
            ));
        }
        let sum = |kernel: Option<KernelClass>| {
            let of_class =
                tensors.iter().filter(|t| t.kernel.is_some() && (kernel.is_none() || t.kernel == kernel));
            of_class.map(TensorReport::numbers).sum::<usize>()
        };
        #[expect(clippy::cast_precision_loss, reason = "a share in percent")]
        let share = sum(Some(KernelClass::Scalar)) as f64 / sum(None).max(1) as f64;
        if share > SCALAR_SHARE_MAX && !options.slow_ok && options.on_cpu() {
            return Err(LoadError::new(
                LoadErrorKind::SlowKernels,
                &self.name,
                format!("{:.0} % of its weights are of types without a fast kernel", share * 100.0),
                "convert it with `codeagent model requantize IN OUT --to q8_0`, or accept it with `slow_ok = true` in the profile",
            ));
        }
        Ok(())
    }

    /// The place of a tensor for messages.
    pub(crate) fn place(&self, name: &str) -> String {
        let file = self.tensors.get(name).and_then(|tensor| self.sources.get(tensor.file));
        format!("{}, tensor {}", file.map_or(self.name.as_str(), Source::name), quoted(name))
    }

    /// The bytes of a tensor as they are in the file.
    pub(crate) fn read(&mut self, name: &str) -> Result<(TensorInfo, Vec<u8>), LoadError> {
        let located = self.tensors.get(name).cloned();
        let source = located.as_ref().and_then(|tensor| self.sources.get_mut(tensor.file));
        let (Some(located), Some(source)) = (located, source) else {
            return Err(self.missing(name));
        };
        let bytes = source.read_at(located.info.offset, located.info.bytes)?;
        Ok((located.info, bytes))
    }

    fn missing(&self, name: &str) -> LoadError {
        LoadError::new(
            LoadErrorKind::Tensor,
            self.place(name),
            "it is missing",
            "the weights belong to another configuration, or files of the model are missing",
        )
    }

    /// A short hash that differs between weights of one name, so that stored answers of one are not taken for another's:
    /// of the lengths, beginnings and ends of the files.
    fn fingerprint(&mut self) -> Result<String, LoadError> {
        let mut hash = blake3::Hasher::new();
        for source in &mut self.sources {
            let (len, piece) = (source.len(), source.len().min(1 << 16));
            hash.update(&len.to_le_bytes());
            hash.update(&source.read_at(0, piece)?);
            hash.update(&source.read_at(len - piece, piece)?);
        }
        Ok(hash.finalize().to_hex().chars().take(8).collect())
    }

    /// Compares tensors and tokenizer with the configuration.
    fn checked(mut self) -> Result<Self, LoadError> {
        self.read_factors()?;
        for (name, shape) in names::needed(&self.config) {
            let Some(tensor) = self.tensors.get(&name) else { return Err(self.missing(&name)) };
            if tensor.info.shape != shape {
                return Err(LoadError::new(
                    LoadErrorKind::Tensor,
                    self.place(&name),
                    format!("its shape is {:?}, and the configuration makes it {shape:?}", tensor.info.shape),
                    "take the configuration that belongs to the weights",
                ));
            }
        }
        self.check_vocabulary()?;
        let fingerprint = self.fingerprint()?;
        self.name = format!("{}@{fingerprint}", self.name);
        self.ends.sort_unstable();
        self.ends.dedup();
        Ok(self)
    }

    fn check_vocabulary(&self) -> Result<(), LoadError> {
        // Tables are filled up to a round number, never by half.
        let (tokens, rows) = (self.tokenizer.len(), self.config.vocab);
        let foreign = self.ends.iter().find(|end| **end as usize >= rows);
        if tokens <= rows && tokens >= rows.div_ceil(2) && foreign.is_none() {
            return Ok(());
        }
        let problem = match foreign {
            Some(end) => format!("token {end} ends a text, and there are {rows}"),
            None => format!("the tokenizer has {tokens} tokens and the weights {rows}"),
        };
        Err(LoadError::new(
            LoadErrorKind::Vocabulary,
            &self.name,
            problem,
            "take the tokenizer that belongs to the weights",
        ))
    }

    /// Stretching factors that a GGUF file holds as a tensor.
    fn read_factors(&mut self) -> Result<(), LoadError> {
        if !self.tensors.contains_key(names::ROPE_FACTORS) {
            return Ok(());
        }
        let (info, bytes) = self.read(names::ROPE_FACTORS)?;
        if info.dtype != GgmlDType::F32 || info.shape != [self.config.head_dim / 2] {
            return Err(LoadError::corrupt(
                self.place(names::ROPE_FACTORS),
                "not a factor in f32 for each pair of a head",
            ));
        }
        let factors =
            bytes.chunks_exact(4).map(|chunk| f32::from_le_bytes(chunk.try_into().unwrap_or_default()));
        let factors: Vec<f32> = factors.collect();
        if factors.iter().any(|factor| !factor.is_finite() || *factor <= 0.0) {
            return Err(LoadError::corrupt(self.place(names::ROPE_FACTORS), "a factor that is not positive"));
        }
        self.config.rope.scaling = RopeScaling::Factors(factors);
        Ok(())
    }

    /// Whether rows of a projection are in the order of the other pairing of the rotation.
    pub(crate) fn is_interleaved(&self, name: &str) -> bool {
        let rotated = name.contains(".q_proj.") || name.contains(".k_proj.");
        self.format == Format::Gguf && self.config.architecture == Architecture::Llama && rotated
    }

    /// Whether a projection has a bias.
    pub(crate) const fn has_bias(&self, inputs: bool) -> bool {
        match self.config.biases {
            Biases::None => false,
            Biases::Inputs => inputs,
            Biases::All => true,
        }
    }
}

/// What loading makes of a tensor.
pub(crate) fn report(name: &str, info: &TensorInfo, options: &LoadOptions) -> TensorReport {
    let [outputs, inputs] = info.shape.as_slice() else {
        let bytes = 4 * info.shape.iter().product::<usize>() as u64;
        let (name, shape) = (name.to_owned(), info.shape.clone());
        return TensorReport {
            name,
            stored: info.dtype,
            loaded: GgmlDType::F32,
            shape,
            padding: 0,
            bytes,
            kernel: None,
        };
    };
    let dense = matches!(info.dtype, GgmlDType::F32 | GgmlDType::F16 | GgmlDType::BF16);
    let loaded = match (dense, options.on_cpu()) {
        (true, true) if options.quantise => GgmlDType::Q8_0,
        (true, true) if !has_tiles() => GgmlDType::F32,
        (true, true) => info.dtype,
        (true, false) => GgmlDType::BF16,
        (false, _) => info.dtype,
    };
    let is_filled = (options.pad && wants_filling()) || !inputs.is_multiple_of(32);
    let padded = loaded == GgmlDType::Q8_0 && options.on_cpu() && is_filled;
    let padding = if padded { inputs.next_multiple_of(256) - inputs } else { 0 };
    let (width, blocks) = (inputs + padding, loaded.block_size());
    let bytes = (*outputs as u64) * (width.div_ceil(blocks) * loaded.type_size()) as u64;
    let copies = if options.on_cpu() && is_repacked(loaded, *outputs, width) { 2 } else { 1 };
    TensorReport {
        name: name.to_owned(),
        stored: info.dtype,
        loaded,
        shape: info.shape.clone(),
        padding,
        bytes: bytes.saturating_mul(copies),
        kernel: Some(KernelClass::of(loaded, *outputs, width)),
    }
}

//! Files of scorers and of trainings: safetensors, with a manifest as JSON in the header.
//!
//! The manifest comes with a hash of itself and of every tensor. Nothing in a file is believed before it was checked:
//! sizes against bounds, names and shapes against the network that the manifest describes, values for being numbers.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::adamw::AdamW;
use super::weights::{Slot, Weights};
use crate::critic::Pooling;
use crate::encoder::EncoderConfig;
use crate::scorer::{ScorerError, ScorerKind};

/// The header's key for our part.
const KEY: &str = "codeagent";
/// Version of the files.
const VERSION: u32 = 1;
/// Largest file that is read, in bytes.
const BYTES_MAX: u64 = 1 << 30;

/// A file of a scorer or of a training cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It could not be read or written.
    #[error("it could not be read or written: check the path, the rights and the free space")]
    Io(#[from] std::io::Error),
    /// It is larger than any scorer of ours.
    #[error(
        "it has {bytes} bytes, more than the {BYTES_MAX} of the largest scorer: name the file that was trained"
    )]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It is no safetensors file, or was cut short.
    #[error("it is cut short, damaged, or no safetensors file: copy it again, or train it anew")]
    Format(#[from] SafeTensorError),
    /// Another program wrote it.
    #[error(
        "it is no {expected}: name a file that `codeagent critic train` or `codeagent reranker train` wrote"
    )]
    Foreign {
        /// What was looked for.
        expected: &'static str,
    },
    /// Another version wrote it.
    #[error(
        "it has version {version}, and this program reads {VERSION}: train it anew, or update the program"
    )]
    Version {
        /// Its version.
        version: u32,
    },
    /// The manifest could not be read or written.
    #[error("the manifest in its header cannot be read: train it anew")]
    Manifest(#[from] serde_json::Error),
    /// The hash differs.
    #[error(
        "it is damaged: its contents do not have the hash that it names; copy it again, or train it anew"
    )]
    Damaged,
    /// The manifest describes no network.
    #[error("it describes no network that there is: {what}; train it anew")]
    Network {
        /// What is wrong.
        what: &'static str,
    },
    /// The tensors are not those of the network.
    #[error("its tensor `{name}` is not what the manifest promises ({what}): train it anew")]
    Tensor {
        /// The tensor.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The tensor library refused.
    #[error(transparent)]
    Scorer(#[from] ScorerError),
}

/// What a scorer's file says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Critic or reranker.
    pub kind: ScorerKind,
    /// Shape of the encoder.
    pub encoder: EncoderConfig,
    /// How a critic's tokens are pooled; of no matter for a reranker.
    pub pooling: Pooling,
    /// What logits are divided by, above 0; 1 of a reranker.
    pub temperature: f64,
    /// What it was trained on and how well it did, for people.
    pub training: serde_json::Value,
}

/// The contents of a scorer's file, checked.
#[derive(Debug, Clone)]
pub struct ScorerFile {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Hash of its contents, in hexadecimal.
    pub fingerprint: String,
    pub(crate) weights: Weights,
}

/// A training between two steps.
#[derive(Debug, Clone)]
pub struct State {
    pub(crate) about: About,
    pub(crate) weights: Weights,
    pub(crate) optimiser: AdamW,
    /// The best weights so far, as measured on what is held out.
    pub(crate) best: Option<Weights>,
}

/// Where a training stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    pub(crate) kind: ScorerKind,
    pub(crate) encoder: EncoderConfig,
    /// Hash of the settings.
    pub(crate) settings: String,
    /// Hash of the examples.
    pub(crate) examples: String,
    pub(crate) steps: u64,
    pub(crate) decay: f64,
    /// Epochs that are over; for a reranker those of all rounds.
    pub(crate) epoch: u64,
    /// Batches of the epoch under way that are over.
    pub(crate) batch: u64,
    /// Figure of the best weights.
    pub(crate) best: Option<f64>,
    /// Scores that the pairs of the present round were chosen by (rerankers); empty in the first one.
    pub(crate) scores: Vec<f64>,
    /// Whether rounds have stopped getting better (rerankers).
    pub(crate) ended: bool,
}

/// What our part of the header holds.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    v: u32,
    /// BLAKE3 of the manifest and the tensors.
    blake3: String,
    manifest: String,
}

const SCORER: &str = "scorer of ours";
const TRAINING: &str = "kept training of ours";

/// Reads a scorer's file.
///
/// # Errors
/// [`CheckpointError`], saying what is wrong with it.
pub fn read(path: &Path) -> Result<ScorerFile, CheckpointError> {
    let Contents { manifest, mut tensors, fingerprint } = contents::<Manifest>(path, SCORER)?;
    if let Some(what) = manifest.encoder.fault() {
        return Err(CheckpointError::Network { what });
    }
    if !(manifest.temperature.is_finite() && manifest.temperature > 0.0) {
        return Err(CheckpointError::Network { what: "its temperature is not above 0" });
    }
    let weights = take(&mut tensors, "", &slots(manifest.kind, &manifest.encoder))?;
    nothing_left(&tensors)?;
    Ok(ScorerFile { manifest, fingerprint, weights })
}

/// Reads the state of a training.
///
/// # Errors
/// [`CheckpointError`], saying what is wrong with it.
pub fn read_state(path: &Path) -> Result<State, CheckpointError> {
    let Contents { manifest: about, mut tensors, .. } = contents::<About>(path, TRAINING)?;
    if let Some(what) = about.encoder.fault() {
        return Err(CheckpointError::Network { what });
    }
    let slots = slots(about.kind, &about.encoder);
    let weights = take(&mut tensors, "now/", &slots)?;
    let (first, second) = (take(&mut tensors, "first/", &slots)?, take(&mut tensors, "second/", &slots)?);
    let best = if about.best.is_some() { Some(take(&mut tensors, "best/", &slots)?) } else { None };
    nothing_left(&tensors)?;
    let optimiser = AdamW { first, second, steps: about.steps, decay: about.decay };
    Ok(State { about, weights, optimiser, best })
}

impl ScorerFile {
    /// A scorer that is in no file yet.
    pub(crate) fn new(manifest: Manifest, weights: Weights) -> Result<Self, CheckpointError> {
        let fingerprint = digest(&serde_json::to_string(&manifest)?, &named("", &weights))?;
        Ok(Self { manifest, fingerprint, weights })
    }

    /// Writes it to a file. An older one is replaced in one step.
    ///
    /// # Errors
    /// [`CheckpointError`] if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        write(path, SCORER, &self.manifest, &named("", &self.weights))
    }
}

impl State {
    /// Writes it to a file. An older one is replaced in one step.
    ///
    /// # Errors
    /// [`CheckpointError`] if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let mut tensors = named("now/", &self.weights);
        tensors.extend(named("first/", &self.optimiser.first));
        tensors.extend(named("second/", &self.optimiser.second));
        tensors.extend(self.best.iter().flat_map(|best| named("best/", best)));
        write(path, TRAINING, &self.about, &tensors)
    }
}

/// The variables of a scorer.
pub(super) fn slots(kind: ScorerKind, encoder: &EncoderConfig) -> Vec<Slot> {
    match kind {
        ScorerKind::Critic => crate::critic::slots(encoder),
        ScorerKind::Reranker => crate::rerank::slots(encoder),
    }
}

fn named(prefix: &str, weights: &Weights) -> BTreeMap<String, Tensor> {
    weights.iter().map(|(name, var)| (format!("{prefix}{name}"), var.as_tensor().clone())).collect()
}

/// Takes a network's tensors out of a file's.
fn take(
    tensors: &mut BTreeMap<String, Tensor>,
    prefix: &str,
    slots: &[Slot],
) -> Result<Weights, CheckpointError> {
    let mut taken = BTreeMap::new();
    for slot in slots {
        let name = format!("{prefix}{}", slot.name);
        let Some(tensor) = tensors.remove(&name) else {
            return Err(CheckpointError::Tensor { name, what: "it is missing" });
        };
        if tensor.dims() != slot.shape.as_slice() {
            return Err(CheckpointError::Tensor { name, what: "its shape is another one" });
        }
        taken.insert(slot.name.clone(), tensor);
    }
    Ok(Weights::of(taken)?)
}

fn nothing_left(tensors: &BTreeMap<String, Tensor>) -> Result<(), CheckpointError> {
    match tensors.keys().next() {
        None => Ok(()),
        Some(name) => Err(CheckpointError::Tensor { name: name.clone(), what: "the network has none" }),
    }
}

struct Contents<T> {
    manifest: T,
    tensors: BTreeMap<String, Tensor>,
    fingerprint: String,
}

fn contents<T: DeserializeOwned>(path: &Path, format: &'static str) -> Result<Contents<T>, CheckpointError> {
    let bytes = bytes(path)?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes)?;
    let foreign = || CheckpointError::Foreign { expected: format };
    let text = metadata.metadata().as_ref().and_then(|map| map.get(KEY)).ok_or_else(foreign)?;
    let header: Header = serde_json::from_str(text)?;
    if header.format != format {
        return Err(foreign());
    }
    if header.v != VERSION {
        return Err(CheckpointError::Version { version: header.v });
    }
    let mut tensors = BTreeMap::new();
    for (name, view) in SafeTensors::deserialize(&bytes)?.iter() {
        tensors.insert(name.to_owned(), tensor(name, &view)?);
    }
    if digest(&header.manifest, &tensors)? != header.blake3 {
        return Err(CheckpointError::Damaged);
    }
    Ok(Contents { manifest: serde_json::from_str(&header.manifest)?, tensors, fingerprint: header.blake3 })
}

fn bytes(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let mut bytes = Vec::new();
    // One byte more than allowed tells of a file that is too large, and of a pipe without end.
    File::open(path)?.take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(CheckpointError::TooLarge { bytes: bytes.len() as u64 });
    }
    Ok(bytes)
}

fn tensor(name: &str, view: &TensorView<'_>) -> Result<Tensor, CheckpointError> {
    let fault = |what| CheckpointError::Tensor { name: name.to_owned(), what };
    if view.dtype() != Dtype::F32 {
        return Err(fault("its numbers are not f32"));
    }
    let (numbers, _) = view.data().as_chunks::<4>();
    let values: Vec<f32> = numbers.iter().copied().map(f32::from_le_bytes).collect();
    if !values.iter().all(|value| value.is_finite()) {
        return Err(fault("it holds something that is no number"));
    }
    Ok(Tensor::from_vec(values, view.shape(), &Device::Cpu).map_err(ScorerError::from)?)
}

fn write(
    path: &Path,
    format: &str,
    manifest: &impl Serialize,
    tensors: &BTreeMap<String, Tensor>,
) -> Result<(), CheckpointError> {
    let manifest = serde_json::to_string(manifest)?;
    let blake3 = digest(&manifest, tensors)?;
    let header = Header { format: format.to_owned(), v: VERSION, blake3, manifest };
    // One key only: a map of several would be written in another order each time.
    let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(&header)?)]);
    let mut raw = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        raw.push((name, tensor.dims(), little_endian(tensor)?));
    }
    let view = |(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape, bytes)?));
    let views = raw.iter().map(|(name, shape, bytes)| view((*name, shape.to_vec(), bytes.as_slice())));
    let views = views.collect::<Result<Vec<(&String, TensorView<'_>)>, SafeTensorError>>()?;
    Ok(replace(path, &safetensors::serialize(views, Some(metadata))?)?)
}

/// Writes beside the file first, so that a crash leaves the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)
}

fn digest(manifest: &str, tensors: &BTreeMap<String, Tensor>) -> Result<String, CheckpointError> {
    let mut hasher = blake3::Hasher::new();
    let mut update = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    };
    update(manifest.as_bytes());
    for (name, tensor) in tensors {
        update(name.as_bytes());
        tensor.dims().iter().for_each(|length| update(&(*length as u64).to_le_bytes()));
        update(&little_endian(tensor)?);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn little_endian(tensor: &Tensor) -> Result<Vec<u8>, ScorerError> {
    Ok(tensor.flatten_all()?.to_vec1::<f32>()?.into_iter().flat_map(f32::to_le_bytes).collect())
}

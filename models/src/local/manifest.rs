//! What there is to know about a model, in a small file: `model.json`.

use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::checkpoint::{Checkpoint, Format};
use super::error::{LoadError, LoadErrorKind};
use super::load::LoadOptions;
use super::source::Source;

/// A model as a manifest describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The name, with a short hash of the contents.
    pub name: String,
    /// The folder or file, as it was given.
    pub path: String,
    /// The family: `qwen2`, `llama` or `qwen3`.
    pub architecture: String,
    /// `safetensors` or `gguf`.
    pub format: String,
    /// Parameters.
    pub parameters: u64,
    /// Bytes in memory when loaded.
    pub bytes: u64,
    /// Most tokens of a text.
    pub context: u64,
    /// Tokens of the vocabulary.
    pub vocab: u64,
    /// `template` where the files bring one, else `none`.
    pub chat_style: String,
    /// Its files of weights with their SHA-256.
    pub files: Vec<FileHash>,
    /// How many of its matrices take which kernel.
    pub kernels: std::collections::BTreeMap<String, u64>,
}

/// A file and its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Name of the file.
    pub name: String,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Describes checked files; reads all of them for their hashes.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of(checkpoint: &mut Checkpoint, path: &Path, options: &LoadOptions) -> Result<Self, LoadError> {
        let tensors = checkpoint.tensors(options);
        let mut kernels = std::collections::BTreeMap::new();
        for kernel in tensors.iter().filter_map(|tensor| tensor.kernel) {
            *kernels.entry(kernel.name().to_owned()).or_insert(0) += 1;
        }
        let parameters = tensors.iter().map(|tensor| tensor.shape.iter().product::<usize>() as u64).sum();
        Ok(Self {
            name: checkpoint.name.clone(),
            path: path.display().to_string(),
            architecture: checkpoint.config.architecture.name().to_owned(),
            format: match checkpoint.format {
                Format::Safetensors => "safetensors".to_owned(),
                Format::Gguf => "gguf".to_owned(),
            },
            parameters,
            bytes: tensors.iter().map(|tensor| tensor.bytes).sum(),
            context: checkpoint.config.context as u64,
            vocab: checkpoint.config.vocab as u64,
            chat_style: if checkpoint.chat.template.is_some() { "template" } else { "none" }.to_owned(),
            files: checkpoint.sources.iter_mut().map(hash).collect::<Result<_, _>>()?,
            kernels,
        })
    }
}

fn hash(source: &mut Source) -> Result<FileHash, LoadError> {
    let path = source.name().to_owned();
    let failed = |error: std::io::Error| {
        LoadError::new(LoadErrorKind::Unreadable, path.as_str(), error.to_string(), "check the disk")
    };
    std::io::Seek::rewind(source).map_err(failed)?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let read = source.read(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        digest.update(piece.get(..read).unwrap_or_default());
    }
    let sha256 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let name =
        Path::new(&path).file_name().map_or_else(|| path.clone(), |name| name.to_string_lossy().into_owned());
    Ok(FileHash { name, sha256 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::fixture;

    #[test]
    fn a_manifest_describes_the_files() {
        let mut checkpoint = Checkpoint::from_bytes(fixture::model(&fixture::config(), 7)).unwrap();
        let manifest = Manifest::of(&mut checkpoint, Path::new("m"), &LoadOptions::default()).unwrap();
        assert_eq!((manifest.architecture.as_str(), manifest.context), ("qwen2", 2048));
        assert_eq!(manifest.kernels["fast"], 1 + 2 * 7);
        assert_eq!(manifest.files[0].sha256.len(), 64);
        let json = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    }
}

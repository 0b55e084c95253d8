//! A GGUF file with its matrices in another type: the cure for types without a fast kernel.

use std::io::Write;
use std::path::Path;

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};

use super::error::{LoadError, LoadErrorKind};
use super::gguf::write::{Metadata, Planned, write};
use super::gguf::{self, TensorInfo};
use super::source::Source;

/// Writes the model in `input` to `output` with every matrix in `Q8_0` whose rows that type allows; vectors and metadata
/// stay as they are. One tensor is in memory at a time. `output` appears when it is whole.
///
/// # Errors
/// [`LoadError`] of a bad input, or of writing.
pub fn to_q8_0(input: &Path, output: &Path) -> Result<(), LoadError> {
    let mut source = Source::open(input)?;
    let header = gguf::read(&mut source)?;
    let range = &header.metadata_bytes;
    let metadata =
        Metadata::copied(header.metadata_count, source.read_at(range.start, range.end - range.start)?);
    let tensors: Vec<(&String, &TensorInfo)> = header.tensors.iter().collect();
    let planned: Vec<Planned> = tensors
        .iter()
        .map(|(name, info)| Planned { name: (*name).clone(), dtype: target(info), shape: info.shape.clone() })
        .collect();
    let unwritable = |error: std::io::Error| {
        let place = output.display().to_string();
        LoadError::new(
            LoadErrorKind::Unreadable,
            place,
            error.to_string(),
            "check that there is room and permission",
        )
    };
    let partial = output.with_extension("gguf.partial");
    let file = std::fs::File::create(&partial).map_err(unwritable)?;
    let mut out = std::io::BufWriter::new(file);
    let converted = write::<Failure>(&mut out, &metadata, &planned, |index| {
        let Some((name, info)) = tensors.get(index) else { return Ok(Vec::new()) };
        let bytes = source.read_at(info.offset, info.bytes).map_err(Failure::Load)?;
        let place = format!("{}, tensor {}", input.display(), super::error::quoted(name));
        convert(info, bytes).map_err(|error| Failure::Load(LoadError::corrupt(place, error.to_string())))
    });
    let written =
        converted.and_then(|()| Ok(out.flush()?)).and_then(|()| Ok(std::fs::rename(&partial, output)?));
    written.map_err(|failure| {
        // What is left of it is of no use; that it cannot be removed changes nothing.
        let _ = std::fs::remove_file(&partial);
        match failure {
            Failure::Load(error) => error,
            Failure::Write(error) => unwritable(error),
        }
    })
}

enum Failure {
    Load(LoadError),
    Write(std::io::Error),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Write(error)
    }
}

fn target(info: &TensorInfo) -> GgmlDType {
    match info.shape.as_slice() {
        [_, inputs] if inputs.is_multiple_of(GgmlDType::Q8_0.block_size()) => GgmlDType::Q8_0,
        _ => info.dtype,
    }
}

fn convert(info: &TensorInfo, bytes: Vec<u8>) -> candle_core::Result<Vec<u8>> {
    if target(info) == info.dtype {
        return Ok(bytes);
    }
    let storage = QStorage::from_data(bytes.into(), &Device::Cpu, info.dtype)?;
    let dense = QTensor::new(storage, info.shape.as_slice())?.dequantize(&Device::Cpu)?;
    Ok(QTensor::quantize(&dense, target(info))?.data()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::{Checkpoint, KernelClass, LoadOptions, fixture};

    #[test]
    fn scalar_types_become_fast_or_dot() {
        let (folder, config) = (tempfile::tempdir().unwrap(), fixture::config());
        let path = |name: &str| folder.path().join(name);
        let file = fixture::gguf(&config, &fixture::weights(&config, 7), GgmlDType::Q5_0).unwrap();
        std::fs::write(path("in.gguf"), file).unwrap();
        std::fs::write(path("tokenizer.json"), fixture::tokenizer_json()).unwrap();
        to_q8_0(&path("in.gguf"), &path("out.gguf")).unwrap();
        let (before, after) =
            (Checkpoint::open(&path("in.gguf")).unwrap(), Checkpoint::open(&path("out.gguf")).unwrap());
        assert_eq!(before.config(), after.config());
        let options = LoadOptions::default();
        assert!(before.tensors(&options).iter().any(|tensor| tensor.kernel == Some(KernelClass::Scalar)));
        assert!(after.tensors(&options).iter().all(|tensor| tensor.kernel != Some(KernelClass::Scalar)));
        std::fs::write(path("bad.gguf"), b"GGUFxxxx").unwrap();
        assert!(to_q8_0(&path("bad.gguf"), &path("none.gguf")).is_err());
        assert!(!path("none.gguf").exists());
    }
}

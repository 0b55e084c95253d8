//! The header of a safetensors file, and the index of a model that is cut into several.
//!
//! Source: the safetensors format: eight bytes of length, a JSON object of tensors, their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_core::quantized::GgmlDType;
use serde::Deserialize;

use super::error::{LoadError, LoadErrorKind, quoted};
use super::gguf::TensorInfo;
use super::source::Source;

const HEADER_BYTES_MAX: u64 = 16 << 20;
const SHARDS_MAX: usize = 1024;

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Reads and checks the header of a safetensors file in memory.
///
/// # Errors
/// [`LoadError`] with the tensor at which the header is wrong.
pub fn check_bytes(bytes: bytes::Bytes) -> Result<BTreeMap<String, TensorInfo>, LoadError> {
    read(&mut Source::memory("safetensors", bytes))
}

/// Reads the header. Tensors of types that no model of ours has (whole numbers, 64 bits) are left out.
pub(crate) fn read(source: &mut Source) -> Result<BTreeMap<String, TensorInfo>, LoadError> {
    let name = source.name().to_owned();
    let start = source.read_at(0, 8)?;
    let len = u64::from_le_bytes(start.as_slice().try_into().unwrap_or_default());
    if len > HEADER_BYTES_MAX {
        return Err(LoadError::corrupt(format!("{name}, byte 0"), format!("a header of {len} bytes")));
    }
    let header = source.read_at(8, len)?;
    let header: BTreeMap<String, serde_json::Value> = serde_json::from_slice(&header).map_err(|error| {
        LoadError::corrupt(
            format!("{name}, byte {}", error.column() + 8),
            "the header is no JSON object of tensors",
        )
        .caused_by(error)
    })?;
    let mut tensors = BTreeMap::new();
    for (tensor, entry) in header.into_iter().filter(|(tensor, _)| tensor != "__metadata__") {
        let place = format!("{name}, tensor {}", quoted(&tensor));
        let entry: Entry = serde_json::from_value(entry).map_err(|error| {
            LoadError::corrupt(&place, "its entry lacks dtype, shape or data_offsets").caused_by(error)
        })?;
        if let Some(info) = checked(&entry, len + 8, source.len(), &place)? {
            tensors.insert(tensor, info);
        }
    }
    Ok(tensors)
}

fn checked(entry: &Entry, data: u64, len: u64, place: &str) -> Result<Option<TensorInfo>, LoadError> {
    let dtype = match entry.dtype.as_str() {
        "F32" => GgmlDType::F32,
        "F16" => GgmlDType::F16,
        "BF16" => GgmlDType::BF16,
        "F64" | "I64" | "I32" | "I16" | "I8" | "U64" | "U32" | "U16" | "U8" | "BOOL" => return Ok(None),
        other => {
            return Err(LoadError::new(
                LoadErrorKind::QuantType,
                place,
                format!("numbers of type {}", quoted(other)),
                "use weights in F32, BF16 or F16, or a GGUF file",
            ));
        }
    };
    let count = entry.shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
    let bytes =
        count.and_then(|count| count.checked_mul(dtype.type_size())).and_then(|b| u64::try_from(b).ok());
    let (begin, end) = entry.data_offsets;
    if bytes.is_none() || end.checked_sub(begin) != bytes || bytes == Some(0) {
        return Err(LoadError::corrupt(
            place,
            format!("bytes {begin} to {end} do not make its shape {:?}", entry.shape),
        ));
    }
    if data.checked_add(end).is_none_or(|end| end > len) {
        return Err(LoadError::truncated(
            place,
            format!("it ends at byte {end} of the data of a file of {len} bytes"),
        ));
    }
    Ok(Some(TensorInfo { dtype, shape: entry.shape.clone(), offset: data + begin, bytes: end - begin }))
}

/// The files that an index (`model.safetensors.index.json`) names.
pub(crate) fn shards(index: &Path, json: &[u8]) -> Result<BTreeSet<String>, LoadError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let place = index.display().to_string();
    let index: Index = serde_json::from_slice(json)
        .map_err(|error| LoadError::corrupt(&place, "no index with a `weight_map`").caused_by(error))?;
    let files: BTreeSet<String> = index.weight_map.into_values().collect();
    if files.len() > SHARDS_MAX {
        return Err(LoadError::corrupt(place, format!("{} files", files.len())));
    }
    // A name with a folder in it could lead out of the model's own.
    if let Some(file) =
        files.iter().find(|file| Path::new(file).file_name().is_none_or(|name| name != file.as_str()))
    {
        return Err(LoadError::corrupt(place, format!("{} is no name of a file beside it", quoted(file))));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: usize) -> Bytes {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes.into()
    }

    fn kind(header: &str, data: usize) -> LoadErrorKind {
        check_bytes(file(header, data)).unwrap_err().kind()
    }

    #[test]
    fn a_header_is_read() {
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},
            "ids":{"dtype":"I64","shape":[1],"data_offsets":[12,20]}}"#;
        let tensors = check_bytes(file(header, 20)).unwrap();
        assert_eq!(tensors.keys().collect::<Vec<_>>(), ["a"]);
        assert_eq!((tensors["a"].bytes, tensors["a"].offset), (12, 8 + header.len() as u64));
    }

    #[test]
    fn headers_that_lie_are_errors() {
        let tensor = |dtype: &str, shape: &str, offsets: &str| {
            format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
        };
        assert_eq!(kind(&tensor("F32", "[3]", "[0,12]"), 8), LoadErrorKind::Truncated);
        assert_eq!(kind(&tensor("F32", "[3]", "[0,8]"), 12), LoadErrorKind::Corrupt);
        assert_eq!(kind(&tensor("F32", "[3]", "[12,0]"), 12), LoadErrorKind::Corrupt);
        assert_eq!(kind(&tensor("F32", "[4611686018427387904,8]", "[0,12]"), 12), LoadErrorKind::Corrupt);
        assert_eq!(
            kind(&tensor("F32", "[1]", "[18446744073709551612,18446744073709551615]"), 4),
            LoadErrorKind::Corrupt
        );
        assert_eq!(kind(&tensor("F8_E4M3", "[3]", "[0,3]"), 3), LoadErrorKind::QuantType);
        assert_eq!(kind("[]", 0), LoadErrorKind::Corrupt);
        assert_eq!(check_bytes(Bytes::from(vec![255; 8])).unwrap_err().kind(), LoadErrorKind::Corrupt);
        assert_eq!(check_bytes(Bytes::from(vec![9, 0, 0])).unwrap_err().kind(), LoadErrorKind::Truncated);
    }

    #[test]
    fn an_index_names_files_beside_it_only() {
        let names = |json: &str| shards(Path::new("index"), json.as_bytes());
        assert_eq!(names(r#"{"weight_map":{"a":"x","b":"y","c":"x"}}"#).unwrap().len(), 2);
        for bad in ["../x", "/etc/passwd", "", ".."] {
            assert!(names(&format!(r#"{{"weight_map":{{"a":"{bad}"}}}}"#)).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_header_ends_the_process(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = check_bytes(Bytes::from(bytes));
        }
    }
}

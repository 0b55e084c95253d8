use bytes::Bytes;
use proptest::prelude::*;

use super::write::{Metadata, Planned, write};
use super::*;
use crate::local::LoadErrorKind;

fn file() -> Vec<u8> {
    let mut metadata = Metadata::default();
    metadata.push("general.architecture", &Value::Text("qwen2".into()));
    metadata.push("a.number", &Value::Integer(7));
    metadata.push("a.list", &Value::Texts(vec!["x".into(), "y".into()]));
    let tensor = |name: &str, dtype| Planned { name: name.into(), dtype, shape: vec![2, 32] };
    let tensors = [tensor("one", GgmlDType::F32), tensor("two", GgmlDType::Q8_0)];
    let mut bytes = Vec::new();
    let sizes = [256, 68];
    write::<std::io::Error>(&mut bytes, &metadata, &tensors, |index| Ok(vec![1; sizes[index]])).unwrap();
    bytes
}

fn kind(bytes: Vec<u8>) -> LoadErrorKind {
    check_bytes(Bytes::from(bytes)).unwrap_err().kind()
}

/// The file with the bytes at the first place where `find` stands replaced.
fn patched(find: &[u8], skip: usize, with: &[u8]) -> Vec<u8> {
    let mut bytes = file();
    let at = bytes.windows(find.len()).position(|window| window == find).unwrap() + find.len() + skip;
    bytes.splice(at..at + with.len(), with.iter().copied());
    bytes
}

#[test]
fn what_was_written_is_read() {
    let header = check_bytes(Bytes::from(file())).unwrap();
    assert_eq!(header.text("general.architecture"), Some("qwen2"));
    assert_eq!(header.integer("a.number"), Some(7));
    let two = &header.tensors["two"];
    assert_eq!((two.dtype, two.shape.as_slice(), two.bytes), (GgmlDType::Q8_0, &[2, 32][..], 68));
}

#[test]
fn every_cut_is_told() {
    let whole = file();
    // The last tensor is 68 bytes long and padded to 96.
    for len in 0..whole.len() - 28 {
        assert!(
            matches!(kind(whole[..len].to_vec()), LoadErrorKind::Truncated | LoadErrorKind::Corrupt),
            "{len}"
        );
    }
}

#[test]
fn hostile_headers_are_errors() {
    assert_eq!(kind(patched(b"GGUF", 4, &u64::MAX.to_le_bytes())), LoadErrorKind::Corrupt);
    assert_eq!(kind(patched(b"a.list", 8, &u64::MAX.to_le_bytes())), LoadErrorKind::Corrupt);
    // Dimensions whose product overflows, an empty dimension, five dimensions.
    assert_eq!(kind(patched(b"one", 4, &(1_u64 << 63).to_le_bytes())), LoadErrorKind::Corrupt);
    assert_eq!(kind(patched(b"one", 4, &0_u64.to_le_bytes())), LoadErrorKind::Corrupt);
    assert_eq!(kind(patched(b"one", 0, &5_u32.to_le_bytes())), LoadErrorKind::Corrupt);
    assert_eq!(kind(patched(b"one", 20, &20_u32.to_le_bytes())), LoadErrorKind::QuantType);
    assert_eq!(kind(patched(b"one", 24, &(1_u64 << 62).to_le_bytes())), LoadErrorKind::Truncated);
    assert_eq!(kind(patched(b"one", 24, &3_u64.to_le_bytes())), LoadErrorKind::Corrupt);
}

#[test]
fn an_alignment_of_zero_is_an_error() {
    let mut metadata = Metadata::default();
    metadata.push("general.alignment", &Value::Integer(0));
    let mut bytes = Vec::new();
    write::<std::io::Error>(&mut bytes, &metadata, &[], |_| Ok(Vec::new())).unwrap();
    assert_eq!(kind(bytes), LoadErrorKind::Corrupt);
}

proptest! {
    #[test]
    fn no_header_ends_the_process(at in 0_usize..400, with in proptest::collection::vec(any::<u8>(), 1..9)) {
        let mut bytes = file();
        let at = at.min(bytes.len() - with.len());
        bytes.splice(at..at + with.len(), with);
        let _ = check_bytes(Bytes::from(bytes));
    }
}

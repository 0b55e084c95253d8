//! Headers of model files: whatever the bytes, an error or a header whose tensors lie in the file, and no panic.
//!
//! Run with `cargo +nightly fuzz run headers` in `models/`.
#![no_main]

use bytes::Bytes;
use codeagent_models::local::{gguf, safetensors};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let bytes = Bytes::copy_from_slice(input);
    let len = bytes.len() as u64;
    let lies_within = |info: &gguf::TensorInfo| info.offset.checked_add(info.bytes).is_some_and(|end| end <= len);
    if let Ok(header) = gguf::check_bytes(bytes.clone()) {
        assert!(header.tensors.values().all(lies_within));
    }
    if let Ok(tensors) = safetensors::check_bytes(bytes) {
        assert!(tensors.values().all(lies_within));
    }
});

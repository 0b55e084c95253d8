//! Packed tests of LiveCodeBench: no panic, whatever stands in base64, in zlib and in the pickle.
//!
//! Run with `cargo +nightly fuzz run pickled` in `benchmarks/`.
#![no_main]

use std::io::Write as _;

use base64::Engine as _;
use codeagent_benchmarks::pickled_text;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|pickle: &[u8]| {
    let _ = pickled_text(&String::from_utf8_lossy(pickle));
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(pickle).unwrap();
    let packed = base64::engine::general_purpose::STANDARD.encode(encoder.finish().unwrap());
    if let Ok(text) = pickled_text(&packed) {
        // A text, its length, and operations: nothing comes out that did not stand there.
        assert!(text.is_empty() || pickle.windows(text.len()).any(|window| window == text.as_bytes()));
    }
});

//! Any bytes on the channel are a value or an error; a value is encoded and decoded to the same bytes.
#![no_main]

use codeagent_sandbox::claim::{DecodeLimits, decode, encode};
use codeagent_sandbox::value::repr;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = decode(bytes, DecodeLimits::default()) {
        let canonical = encode(&value);
        let again = decode(&canonical, DecodeLimits::default()).expect("what was encoded is decoded");
        assert_eq!(encode(&again), canonical);
        let _ = repr(&value);
    }
});

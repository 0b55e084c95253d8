//! Any bytes on the channel are a value or an error, and a value can be shown.
#![no_main]

use codeagent_sandbox::claim::{DecodeLimits, decode};
use codeagent_sandbox::value::repr;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = decode(bytes, DecodeLimits::default()) {
        let _ = repr(&value);
    }
});

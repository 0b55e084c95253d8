//! Any text is a literal, an assertion, or an error with a position inside the text.
#![no_main]

use codeagent_sandbox::literal::{CallAssertion, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = parse(text) {
        assert!(error.position <= text.len());
    }
    let _ = CallAssertion::parse(text);
});

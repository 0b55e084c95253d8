//! Any text: no panic, no deep recursion; what was read is JSON, and reading that gives the same value.

#![no_main]

use codeagent_prompts::parse::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|reply: &str| {
    for found in json::values(reply).unwrap_or_default() {
        let again = json::values(&found.value.to_string()).expect("a value was written");
        assert_eq!(again, [json::Found { value: found.value, complete: true }]);
    }
});

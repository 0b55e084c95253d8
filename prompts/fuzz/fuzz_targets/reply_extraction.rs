//! Any answer to any question: no panic, and a program that was read is read again from its own fence.

#![no_main]

use codeagent_prompts::Entry;
use codeagent_prompts::parse::{code, list, verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|reply: &str| {
    let entry = Entry::Function { name: "f".to_owned(), signature: None };
    let _ = code::program(reply, &Entry::Stdio);
    let _ = code::any_code(reply);
    let _ = list::items(reply);
    let _ = verdict::last_line(reply);
    if let Ok(program) = code::program(reply, &entry) {
        assert!(program.ends_with('\n') && program.contains('f'));
    }
});

//! Event streams: no panic, no growth past the limit, and the same events however the bytes are cut.
//!
//! Run with `cargo +nightly fuzz run sse` in `models/`.
#![no_main]

use codeagent_models::chat::sse::{Event, SseError, SseParser};
use libfuzzer_sys::fuzz_target;

const LIMIT: usize = 256;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = parse(bytes, bytes.len().max(1));
    assert_eq!(parse(bytes, usize::from(size).max(1)), whole);
    for event in whole.into_iter().flatten() {
        assert!(event.data.len() <= 2 * LIMIT);
    }
});

fn parse(bytes: &[u8], chunk: usize) -> Result<Vec<Event>, SseError> {
    let mut parser = SseParser::new(LIMIT);
    let mut events = Vec::new();
    for part in bytes.chunks(chunk) {
        events.extend(parser.push(part)?);
    }
    events.extend(parser.finish()?);
    Ok(events)
}

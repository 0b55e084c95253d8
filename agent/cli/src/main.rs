//! The codeagent command.
fn main() {}

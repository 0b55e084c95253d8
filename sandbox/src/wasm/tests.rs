//! Tests of sessions without any knowledge of what the driver says.

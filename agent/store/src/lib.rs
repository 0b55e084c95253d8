//! agent/store

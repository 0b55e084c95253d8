//! Configuration of the wasm engine.

use crate::error::SandboxError;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

/// Most sessions open at once, running or waiting for a request. Each has its slot in the pool of memories.
pub(super) const SESSIONS_MAX: u32 = 256;

/// Native stack of a program, in bytes. An overflow is a trap.
pub(super) const STACK_BYTES: usize = 4 << 20;

/// Native stack that a thread needs above [`STACK_BYTES`] for the host's own functions, in bytes.
pub(super) const HOST_STACK_BYTES: usize = 1 << 20;

/// Memory that a slot keeps from one session to the next, in bytes: clearing it is cheaper than faulting it in again.
const KEEP_RESIDENT_BYTES: usize = 16 << 20;

/// Most entries of a table. CPython's functions whose address is taken are about 11,000.
const TABLE_ENTRIES: usize = 40_000;

/// An engine for runs: optimised code, memories from a pool and copied on write, interrupted by epochs. With room for
/// so many `programs` at a time, which makes no difference to its code.
///
/// # Errors
/// [`SandboxError::Unavailable`] when this machine cannot reserve the pool's address space.
pub(super) fn for_runs(programs: u32) -> Result<Engine, SandboxError> {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_core_instances(programs)
        .total_memories(programs)
        .total_tables(programs)
        .max_memory_size(4 << 30)
        .table_elements(TABLE_ENTRIES)
        .linear_memory_keep_resident(KEEP_RESIDENT_BYTES)
        .table_keep_resident(1 << 20)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        .memory_init_cow(true)
        // Every program ends by a trap, and nobody asks where in the interpreter.
        .wasm_backtrace_max_frames(None)
        .async_stack_size(STACK_BYTES)
        .max_wasm_stack(STACK_BYTES)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(|error| SandboxError::Unavailable {
        backend: super::NAME,
        what: format!("an engine with {programs} memories: {error:#}"),
        remedy: "allow more address space (`ulimit -v unlimited`)".into(),
    })
}

/// An engine for the one initialisation: the code is run once, so it is compiled quickly.
///
/// # Errors
/// When the compiler does not know this machine.
pub(super) fn for_initialisation() -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    // The engine wants stacks of asynchronous calls, which are never made, to be as large.
    config.cranelift_opt_level(OptLevel::None).async_stack_size(STACK_BYTES).max_wasm_stack(STACK_BYTES);
    Engine::new(&config)
}

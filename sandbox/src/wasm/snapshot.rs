//! Makes the snapshot: CPython linked, initialised once, and written out with the memory that it then had.
//!
//! The same inputs give the same bytes: clock, randomness and hash order are constant meanwhile, and nothing else comes
//! in from outside.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmtime::{Engine, Instance, Module, Store, Val};

use super::link::{Image, LinkError, Linked, STACK_TOP, global_name, step_name};
use super::{Stage, carriers, engine, host};
use crate::limits::Limits;

/// Runs a zero-terminated source text in `__main__`; `0` if it raised nothing.
const RUN: &str = "PyRun_SimpleString";
/// Calls an object without arguments; `0` if it raised something.
pub(super) const CALL: &str = "PyObject_CallNoArgs";
/// Gives memory.
const ALLOCATE: &str = "malloc";
/// Starts the interpreter.
const INITIALISE: &str = "Py_InitializeEx";

/// The source of the driver, which becomes the module [`DRIVER_MODULE`].
pub(super) const DRIVER: &str = crate::python::DRIVER;
/// The program that prepares the interpreter.
pub(super) const PREPARE: &str = include_str!("../python/snapshot.py");
const DRIVER_MODULE: &str = "_codeagent_driver";
const PREPARE_MODULE: &str = "_codeagent_snapshot";

/// Environment while the interpreter is initialised; emptied before the snapshot is taken.
const ENVIRONMENT: [&str; 5] = [
    "PYTHONHOME=/python-stdlib",
    "PYTHONPATH=/python-stdlib",
    "PYTHONHASHSEED=0",
    "PYTHONDONTWRITEBYTECODE=1",
    "PYTHONUTF8=1",
];

/// Why no snapshot could be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    /// An embedded file is damaged.
    #[error("could not unpack CPython")]
    Unpack(#[from] std::io::Error),
    /// The libraries do not fit together.
    #[error("could not link CPython: {0}")]
    Link(#[from] LinkError),
    /// The engine failed.
    #[error("could not initialise CPython: {0:#}")]
    Engine(#[from] wasmtime::Error),
    /// The program that prepares the interpreter failed.
    #[error("could not prepare CPython: {0}")]
    Python(String),
    /// It did not report what it prepared.
    #[error("could not understand what CPython reported: {0}")]
    Report(#[from] serde_json::Error),
}

/// An initialised interpreter.
pub(super) struct Snapshot {
    /// A core module without a start function: instantiated, it is the interpreter.
    pub(super) module: Vec<u8>,
    /// What it is.
    pub(super) report: Report,
}

/// What an interpreter says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Report {
    /// Name and version.
    pub(super) interpreter: String,
    /// Modules that programs can import, in order, without private ones.
    pub(super) modules: Vec<String>,
    /// Standard modules that programs cannot import, in order.
    pub(super) absent: Vec<String>,
    /// Address of the driver's main function.
    pub(super) main: u32,
    /// Memory of the interpreter before a program does anything, in bytes.
    #[serde(default)]
    pub(super) memory_bytes: usize,
}

/// Makes the snapshot. Takes several seconds.
///
/// # Errors
/// [`SnapshotError`]: none of them is to be expected of files that have the right hash.
pub(super) fn make(progress: &dyn Fn(Stage)) -> Result<Snapshot, SnapshotError> {
    progress(Stage::Linking);
    let unpacked = carriers::libraries()?;
    let libraries: Vec<(&str, &[u8])> =
        unpacked.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let linked = Linked::new(&libraries, &[RUN, CALL, ALLOCATE, INITIALISE])?;
    let engine = engine::for_initialisation()?;
    let module = Module::new(&engine, linked.initial()?)?;
    progress(Stage::Initialising);
    let (image, report) = initialise(&engine, &module, &linked)?;
    Ok(Snapshot { module: linked.frozen(&image)?, report })
}

fn initialise(
    engine: &Engine,
    module: &Module,
    linked: &Linked<'_>,
) -> Result<(Image, Report), SnapshotError> {
    let mut store = Store::new(engine, host::Host::new(start()?));
    let instance = host::linker(engine, module)?.instantiate(&mut store, module)?;
    for step in 0..linked.steps() {
        instance.get_typed_func::<(), ()>(&mut store, &step_name(step))?.call(&mut store, ())?;
    }
    instance.get_typed_func::<i32, ()>(&mut store, INITIALISE)?.call(&mut store, 0)?;
    let status = run_source(&mut store, &instance, &prepare_call())?;
    let image = image(&mut store, &instance, linked)?;
    let memory_bytes = image.memory.len();
    let left = store.data_mut().leave();
    if status != 0 {
        return Err(SnapshotError::Python(String::from_utf8_lossy(&left.stderr).into_owned()));
    }
    let report: Report = serde_json::from_slice(&left.stdout)?;
    Ok((image, Report { memory_bytes, ..report }))
}

fn start() -> Result<host::Start, SnapshotError> {
    let mut files = carriers::stdlib()?;
    for (name, source) in [(DRIVER_MODULE, DRIVER), (PREPARE_MODULE, PREPARE)] {
        files.insert(&format!("{}/{name}.py", carriers::STDLIB_FOLDER), source.as_bytes().to_vec());
    }
    let limits = Limits::default().with_memory_mib(1024);
    let environment = ENVIRONMENT.to_vec();
    Ok(host::Start { stdin: Vec::new(), limits, memory_base: 0, seed: 0, line: None, files, environment })
}

/// Memory and mutable globals. Nothing is on the C stack between calls, so what lies there is cleared.
fn image(store: &mut Store<host::Host>, instance: &Instance, linked: &Linked<'_>) -> wasmtime::Result<Image> {
    let mut memory = memory(store, instance)?.data(&mut *store).to_vec();
    if let Some(stack) = memory.get_mut(..STACK_TOP as usize) {
        stack.fill(0);
    }
    let mut globals = BTreeMap::new();
    for index in linked.mutable_globals() {
        let value =
            match instance.get_global(&mut *store, &global_name(index)).map(|global| global.get(&mut *store))
            {
                Some(Val::I32(value)) => i64::from(value),
                Some(Val::I64(value)) => value,
                _ => continue,
            };
        globals.insert(index, value);
    }
    Ok(Image { memory, globals })
}

/// The program's memory.
pub(super) fn memory(
    store: &mut Store<host::Host>,
    instance: &Instance,
) -> wasmtime::Result<wasmtime::Memory> {
    instance.get_memory(store, "memory").ok_or_else(|| wasmtime::Error::msg("the module exports no memory"))
}

/// Runs Python source in `__main__`. `0` if it raised nothing.
///
/// # Errors
/// Whatever ended the program instead.
fn run_source(store: &mut Store<host::Host>, instance: &Instance, source: &str) -> wasmtime::Result<i32> {
    let length = i32::try_from(source.len() + 1)?;
    let at = instance.get_typed_func::<i32, i32>(&mut *store, ALLOCATE)?.call(&mut *store, length)?;
    let text = [source.as_bytes(), &[0]].concat();
    memory(store, instance)?.write(&mut *store, at.cast_unsigned() as usize, &text)?;
    instance.get_typed_func::<i32, i32>(&mut *store, RUN)?.call(&mut *store, at)
}

/// What prepares the interpreter, and leaves no name in `__main__`.
fn prepare_call() -> String {
    format!("from {PREPARE_MODULE} import prepare; prepare(); del prepare")
}

//! Everything that a program may import and that this host does not provide: refused, with the error result that the
//! import's interface has, and never with a trap.
//!
//! The C library that CPython is linked with carries functions of WASI preview 2 (sockets, name look-up) beside those
//! of preview 1. Were these to trap, `asyncio` or `multiprocessing` would come out as crashes instead of exceptions.

use wasmtime::{Caller, Extern, ExternType, Linker, Module, Val, ValType};

use super::{Host, Stop, WASI};
use crate::wasm::guest::{Errno, Guest};

/// How an import says that it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Returns an error number.
    Errno,
    /// Returns zero or nothing, which is harmless: handles are dropped, lists come out empty.
    Zero,
    /// Writes an empty list, an absent option or zeros to its last argument.
    Empty,
    /// Writes `error(access-denied)` to its last argument; the number is the offset of the error code, which depends
    /// on what the success would have carried.
    Denied(usize),
    /// Ends the program.
    Exit,
}

impl Refusal {
    fn of(module: &str, name: &str, has_result: bool) -> Self {
        match (module, name) {
            (WASI, _) => Self::Errno,
            ("wasi:cli/exit@0.2.0", _) => Self::Exit,
            (_, name) if has_result || name.starts_with("[resource-drop]") => Self::Zero,
            (_, "create-tcp-socket" | "create-udp-socket" | "resolve-addresses") => Self::Denied(4),
            ("wasi:io/streams@0.2.0" | "wasi:filesystem/types@0.2.0", _) => Self::Denied(1),
            (module, _) if module.starts_with("wasi:sockets/") => Self::Denied(1),
            (module, _) if module.starts_with("wasi:") => Self::Empty,
            _ => Self::Zero,
        }
    }
}

/// Defines every import of `module` that is still missing.
///
/// # Errors
/// When an import is not a function.
pub(super) fn register(linker: &mut Linker<Host>, module: &Module) -> wasmtime::Result<()> {
    linker.allow_shadowing(false);
    for import in module.imports() {
        let ExternType::Func(ty) = import.ty() else { continue };
        let refusal = Refusal::of(import.module(), import.name(), ty.results().len() > 0);
        let what = format!("{} {}", short(import.module()), import.name());
        let results: Vec<ValType> = ty.results().collect();
        let function = move |caller: Caller<'_, Host>, arguments: &[Val], out: &mut [Val]| {
            for (slot, ty) in out.iter_mut().zip(&results) {
                *slot = Val::default_for_ty(ty).unwrap_or(Val::I32(0));
            }
            refuse(caller, refusal, &what, arguments, out)
        };
        // A function that is already there has its own meaning.
        let _ = linker.func_new(import.module(), import.name(), ty, function);
    }
    Ok(())
}

fn refuse(
    mut caller: Caller<'_, Host>,
    refusal: Refusal,
    what: &str,
    arguments: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    let last = arguments.last().and_then(Val::i32).unwrap_or(0).cast_unsigned();
    let written = match refusal {
        Refusal::Zero => return Ok(()),
        Refusal::Exit => return Err(Stop::Exit(i32::from(last != 0)).into()),
        Refusal::Errno => {
            if let Some(result) = results.first_mut() {
                *result = Val::I32(Errno::Access as i32);
            }
            Vec::new()
        }
        Refusal::Empty => vec![0; 8],
        Refusal::Denied(at) => {
            let mut result = vec![0; at + 1];
            if let (Some(code), true) = (result.last_mut(), at > 0) {
                *code = 1;
            }
            if let Some(discriminant) = result.first_mut() {
                *discriminant = 1;
            }
            result
        }
    };
    if refusal != Refusal::Empty {
        caller.data_mut().refuse(what.to_owned());
    }
    if let Some(Extern::Memory(memory)) = caller.get_export("memory") {
        let (bytes, _) = memory.data_and_store_mut(&mut caller);
        // An address outside of memory is the program's own loss.
        let _ = Guest::new(bytes).write(last, &written);
    }
    Ok(())
}

/// `wasi:sockets/tcp@0.2.0` in short: `sockets/tcp`.
fn short(module: &str) -> &str {
    let module = module.strip_prefix("wasi:").unwrap_or(module);
    module.split('@').next().unwrap_or(module)
}

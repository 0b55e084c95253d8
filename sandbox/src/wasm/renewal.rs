//! An instance that is put back to how it was when it was made, which is cheaper than making another.
//!
//! A program can change the memory of its instance and its mutable globals, and nothing else: the linked module has no
//! code that changes a table, and its segments are used up when it is instantiated. So an instance whose memory and
//! globals are those of an untouched one *is* an untouched one. Which pages were touched the kernel knows
//! (`/proc/self/pagemap`); they are copied back from an instance that never runs. Where there are too many of them, or
//! memory has grown, the instance goes and another is made. A page once touched counts as touched from then on, so most
//! programs touch none that is new: where the kernel had no page to bring in, it is not asked again, which saves reading
//! its records of the whole memory.
//!
//! Why not leave it to the engine: it asks the kernel for 32 touched stretches at most, and a program touches more than
//! a hundred. Giving back and faulting in the rest takes longer than a small program runs.

#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "the kernel is asked for a thread's page faults")
)]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use wasmtime::{Global, Instance, Memory, Mutability, Store};

use super::host::Host;
use super::line::Line;
use super::machine::Machine;
use super::session;
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::session::{Ending, Open};

/// Most touched pages that are copied back: beyond that a new instance is cheaper, and memory is given back.
const PAGES_MAX: usize = 1024;
/// Length of the kernel's record of a page.
const RECORD_BYTES: usize = 8;

/// Runs one program after the other, each in an instance like new.
pub(super) struct Renewal {
    machine: Machine,
    pristine: Copy,
    used: Option<Used>,
    pagemap: Option<File>,
    page_bytes: usize,
}

/// The instance that programs run in.
struct Used {
    copy: Copy,
    /// Its touched pages; `None` where there may be more than were seen.
    touched: Option<Vec<usize>>,
}

/// An instance and what can change in it.
struct Copy {
    store: Store<Host>,
    instance: Instance,
    memory: Memory,
    globals: Vec<Global>,
}

impl Renewal {
    /// Nothing that comes later needs a file or a new thread.
    ///
    /// # Errors
    /// When the interpreter cannot be instantiated.
    pub(super) fn new(machine: Machine) -> Result<Self, SandboxError> {
        let (pristine, used) = (Copy::new(&machine)?, Used::new(&machine)?);
        let page_bytes = rustix::param::page_size();
        // Without it (not Linux, no /proc) every program gets a new instance.
        let pagemap = File::open("/proc/self/pagemap").ok();
        Ok(Self { machine, pristine, used: Some(used), pagemap, page_bytes })
    }

    /// Keeps the epoch of the programs moving.
    pub(super) fn ticker(&self) -> &Arc<super::ticker::Ticker> {
        &self.machine.ticker
    }

    /// Runs the program of the session that comes through `line`.
    ///
    /// # Errors
    /// When the interpreter cannot be instantiated.
    pub(super) fn run(&mut self, line: &Arc<dyn Line>) -> Result<Ending, SandboxError> {
        let used = match &mut self.used {
            Some(used) => used,
            none => none.insert(Used::new(&self.machine)?),
        };
        let Copy { store, instance, .. } = &mut used.copy;
        *store.data_mut() = session::host(&self.machine, unopened(), Some(Arc::clone(line)));
        let faults = page_faults();
        let ending = session::run(store, instance, self.machine.main, &**line);
        if faults.is_none() || faults != page_faults() {
            used.touched = None;
        }
        Ok(ending)
    }

    /// Makes ready for the next program.
    pub(super) fn renew(&mut self) {
        if self.restore().is_none() {
            self.used = None;
        }
    }

    /// Puts the used instance back to how it was; `None` where that can't be done, or not cheaply.
    fn restore(&mut self) -> Option<()> {
        let Used { copy: used, touched: known } = self.used.as_mut()?;
        let pristine = &mut self.pristine;
        let bytes = used.memory.data_size(&used.store);
        if bytes != pristine.memory.data_size(&pristine.store) {
            return None;
        }
        let pages = match known {
            Some(known) => known,
            none => {
                let first = used.memory.data_ptr(&used.store) as usize / self.page_bytes;
                none.insert(touched(self.pagemap.as_ref()?, first, bytes / self.page_bytes)?)
            }
        };
        let from = pristine.memory.data(&pristine.store);
        let to = used.memory.data_mut(&mut used.store);
        for &mut page in pages {
            let range = page * self.page_bytes..(page + 1) * self.page_bytes;
            to.get_mut(range.clone())?.copy_from_slice(from.get(range)?);
        }
        for (to, from) in used.globals.iter().zip(&pristine.globals) {
            to.set(&mut used.store, from.get(&mut pristine.store)).ok()?;
        }
        Some(())
    }
}

impl Used {
    fn new(machine: &Machine) -> Result<Self, SandboxError> {
        Ok(Self { copy: Copy::new(machine)?, touched: None })
    }
}

impl Copy {
    fn new(machine: &Machine) -> Result<Self, SandboxError> {
        let host = session::host(machine, unopened(), None);
        let (mut store, instance) = session::instantiate(machine, host)?;
        let lacks = || SandboxError::Worker { reason: "the interpreter exports no memory".into() };
        let memory = instance.get_memory(&mut store, "memory").ok_or_else(lacks)?;
        let exported: Vec<Global> =
            instance.exports(&mut store).filter_map(wasmtime::Export::into_global).collect();
        let is_mutable = |global: &Global| global.ty(&store).mutability() == Mutability::Var;
        let globals = exported.into_iter().filter(is_mutable).collect();
        Ok(Self { store, instance, memory, globals })
    }
}

/// What an instance starts with that does not know its session yet.
fn unopened() -> Open {
    Open { stdin: Vec::new(), limits: Limits::default(), seed: 0 }
}

/// Of so many pages from the `first` on, those that are no longer backed by the image that they came from, counted from
/// the first. `None` where the kernel does not tell, or where they are too many.
fn touched(pagemap: &File, first: usize, count: usize) -> Option<Vec<usize>> {
    const PRESENT: u64 = 1 << 63;
    const SWAPPED: u64 = 1 << 62;
    const OF_FILE: u64 = 1 << 61;
    let mut records = vec![0; count * RECORD_BYTES];
    pagemap.read_exact_at(&mut records, u64::try_from(first * RECORD_BYTES).ok()?).ok()?;
    let is_touched = |record: u64| record & SWAPPED != 0 || record & (PRESENT | OF_FILE) == PRESENT;
    let (records, _) = records.as_chunks::<RECORD_BYTES>();
    let touched: Vec<usize> = records
        .iter()
        .enumerate()
        .filter(|(_, record)| is_touched(u64::from_ne_bytes(**record)))
        .map(|(page, _)| page)
        .collect();
    (touched.len() <= PAGES_MAX).then_some(touched)
}

/// How often this thread has wanted a page that the kernel had to bring in, as it has to for the first write to each. `None`
/// where the system does not tell.
#[cfg(target_os = "linux")]
fn page_faults() -> Option<(libc::c_long, libc::c_long)> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the kernel writes a whole `rusage` where this points, or fails.
    let usage = unsafe {
        if libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()) != 0 {
            return None;
        }
        usage.assume_init()
    };
    Some((usage.ru_minflt, usage.ru_majflt))
}

#[cfg(not(target_os = "linux"))]
const fn page_faults() -> Option<(i64, i64)> {
    None
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::marshal;
    use crate::value::Value;
    use crate::wasm::guest::Errno;
    use crate::wasm::host::Stop;
    use crate::wasm::line::Next;
    use crate::wasm::{WasmSandbox, engine};

    /// A line that has one program run.
    struct Script(Mutex<Vec<Next>>);

    impl Script {
        fn run(source: &str) -> Arc<dyn Line> {
            let request = Value::fields([
                ("op", Value::str("run")),
                ("id", Value::from(1)),
                ("seed", Value::from(3)),
                ("answer_bytes", Value::from(1 << 20)),
                ("source", Value::str(source)),
            ]);
            let request = Next::Request(marshal::encode(&request));
            Arc::new(Self(Mutex::new(vec![Next::Close, request, Next::Begin(Box::new(unopened()))])))
        }
    }

    impl Line for Script {
        fn next(&self) -> Result<Next, Stop> {
            self.0.lock().unwrap().pop().ok_or(Stop::Killed)
        }

        fn is_awaited(&self) -> bool {
            true
        }

        fn answer(&self, _: Vec<u8>) -> Result<(), Errno> {
            Ok(())
        }

        fn check(&self) -> Result<(), Stop> {
            Ok(())
        }

        fn sleep(&self, _: Duration) -> Result<(), Stop> {
            Ok(())
        }

        fn used(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn renewal() -> Renewal {
        let sandbox = WasmSandbox::new().unwrap();
        let made = sandbox.shared.made(&|_| ()).unwrap();
        Renewal::new(Machine::load(engine::for_runs(2).unwrap(), made).unwrap()).unwrap()
    }

    /// Programs that leave by every way and change what they can.
    const PROGRAMS: [&str; 7] = [
        "print(1)",
        "import builtins, sys, random\nbuiltins.len = None\nsys.modules.clear()\nrandom.seed = print",
        "import os\nos._exit(3)",
        "import os\nos.abort()",
        "def f(): f()\nimport sys\nsys.setrecursionlimit(10**9)\nf()",
        "x = []\nfor _ in range(10**5): x = [x]\nrepr(x)",
        "import gc\nfor o in gc.get_objects():\n    if type(o) is dict:\n        try: o['x'] = 1\n        except Exception: pass",
    ];

    /// Runs the test on a thread with room for a program's stack.
    fn with_stack(test: fn()) {
        let thread = std::thread::Builder::new().stack_size(engine::STACK_BYTES + engine::HOST_STACK_BYTES);
        thread.spawn(test).unwrap().join().unwrap();
    }

    #[test]
    fn an_instance_that_is_put_back_is_as_it_was() {
        with_stack(compare_instances);
    }

    fn compare_instances() {
        let mut renewal = renewal();
        // The second time most of them touch nothing new.
        for source in PROGRAMS.into_iter().chain(PROGRAMS) {
            renewal.run(&Script::run(source)).unwrap();
            if renewal.restore().is_none() {
                // Too much was touched: the next program gets another.
                renewal.used = None;
                continue;
            }
            let (used, pristine) = (&mut renewal.used.as_mut().unwrap().copy, &mut renewal.pristine);
            let memories = used.memory.data(&used.store) == pristine.memory.data(&pristine.store);
            assert!(memories, "memory differs after {source}");
            for (changed, kept) in used.globals.iter().zip(&pristine.globals) {
                let (changed, kept) = (changed.get(&mut used.store), kept.get(&mut pristine.store));
                assert_eq!(format!("{changed:?}"), format!("{kept:?}"), "a global differs after {source}");
            }
        }
    }

    #[test]
    fn small_programs_are_cheap_to_forget() {
        with_stack(|| {
            let mut renewal = renewal();
            let mut seen = 0;
            for _ in 0..5 {
                assert_eq!(renewal.run(&Script::run("print(1)")).unwrap().stdout, b"1\n");
                seen += u32::from(renewal.used.as_ref().unwrap().touched.is_some());
                assert!(renewal.restore().is_some());
            }
            // Not on Linux the kernel is asked every time.
            assert!(seen > 0 || cfg!(not(target_os = "linux")), "no program came by without a new page");
        });
    }
}

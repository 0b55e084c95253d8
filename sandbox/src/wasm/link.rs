//! Links CPython and the C library, which come as position-independent shared libraries, into one core module.
//!
//! The result needs no dynamic linker at run time, and it can be written out twice: once to be initialised
//! ([`Linked::initial`]), and once with the memory that the initialisation left ([`Linked::frozen`]), which is how the
//! snapshot is made. Memory from address 0 upwards: a guard, the C stack (growing down, so that an overflow runs off
//! the bottom and traps), the data of each library, the heap.
//!
//! The format of shared libraries is that of the tool conventions' `DynamicLinking.md`: `env.*` functions are calls
//! between libraries, `GOT.mem.*` and `GOT.func.*` globals are addresses and table slots.

mod emit;
mod library;

use std::collections::BTreeMap;

use wasmparser::ValType;

use library::Library;

/// Size of the untouched memory at address 0. No pointer of the program is below.
const GUARD_BYTES: u32 = 64 << 10;
/// Size of the C stack.
const STACK_BYTES: u32 = 8 << 20;
/// Address where the C stack begins, and so the value of its pointer when nothing runs.
pub(super) const STACK_TOP: u32 = GUARD_BYTES + STACK_BYTES;
/// Size of a page of linear memory.
pub(super) const PAGE_BYTES: u32 = 64 << 10;

/// Why libraries could not be linked.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// A library is not a valid module.
    #[error("malformed library")]
    Malformed(#[from] wasmparser::BinaryReaderError),
    /// Nobody defines a symbol.
    #[error("undefined symbol `{0}`")]
    Undefined(String),
    /// A library uses something that this linker does not know.
    #[error("unsupported {0}")]
    Unsupported(&'static str),
    /// A library refers to an index that it does not have.
    #[error("index {index} is out of range in `{library}`")]
    OutOfRange {
        /// Name of the library.
        library: String,
        /// The index.
        index: u32,
    },
    /// A function body could not be renumbered.
    #[error("could not renumber a function: {0}")]
    Renumber(String),
}

/// Libraries laid out in one memory and one table, with every symbol resolved.
pub(super) struct Linked<'a> {
    libraries: Vec<Placed<'a>>,
    imports: Vec<Import<'a>>,
    globals: Vec<Global>,
    /// Functions whose address is taken across libraries; they follow the libraries' own table slots.
    slots: Vec<u32>,
    slot_base: u32,
    heap_base: u32,
    exports: Vec<(&'a str, u32)>,
    /// Functions to be called in this order before anything else.
    steps: Vec<u32>,
}

/// What the initialisation left: the input of [`Linked::frozen`].
pub(super) struct Image {
    /// The whole linear memory, a multiple of [`PAGE_BYTES`].
    pub(super) memory: Vec<u8>,
    /// Values of the mutable globals, by index.
    pub(super) globals: BTreeMap<u32, i64>,
}

/// A function that the host provides.
struct Import<'a> {
    module: &'a str,
    name: &'a str,
    type_index: u32,
}

/// A global of the linked module.
struct Global {
    value_type: ValType,
    mutable: bool,
    value: i64,
}

impl Global {
    const fn address(mutable: bool, value: u32) -> Self {
        Self { value_type: ValType::I32, mutable, value: value as i64 }
    }
}

/// A library with its place and with its own indices translated.
struct Placed<'a> {
    library: Library<'a>,
    base: Base,
    functions: Vec<u32>,
    globals: Vec<u32>,
}

/// Where a library begins in each of the shared index spaces.
#[derive(Debug, Clone, Copy)]
struct Base {
    memory: u32,
    table: u32,
    types: u32,
}

impl<'a> Linked<'a> {
    /// Links libraries, the first definition of a symbol winning, and keeps `exports`.
    ///
    /// # Errors
    /// [`LinkError`] if a library is malformed or needs what no library has.
    pub(super) fn new(libraries: &[(&str, &'a [u8])], exports: &[&'a str]) -> Result<Self, LinkError> {
        let libraries = libraries
            .iter()
            .map(|(name, bytes)| Library::parse(name, bytes))
            .collect::<Result<Vec<_>, _>>()?;
        let (bases, memory_end, slot_base) = lay_out(&libraries);
        let heap_base = memory_end.next_multiple_of(16);
        let symbols = Symbols::new(&libraries, &bases, heap_base);
        let imports = host_imports(&libraries, &bases, &symbols);
        let functions = number_functions(&libraries, &imports, &symbols)?;
        let mut globals = GlobalTable::new(slot_base);
        let mut placed = Vec::with_capacity(libraries.len());
        for ((library, base), functions_of) in libraries.iter().zip(&bases).zip(&functions) {
            let indices = globals.add_library(library, *base, &symbols, &functions)?;
            placed.push((indices, *base, functions_of.clone()));
        }
        let exports = exports
            .iter()
            .map(|name| Ok((*name, symbols.function(name, &functions)?)))
            .collect::<Result<Vec<_>, LinkError>>()?;
        let steps = steps(&libraries, &functions);
        drop(symbols);
        let libraries = libraries
            .into_iter()
            .zip(placed)
            .map(|(library, (globals, base, functions))| Placed { library, base, functions, globals })
            .collect();
        let GlobalTable { globals, slots, .. } = globals;
        Ok(Self { libraries, imports, globals, slots, slot_base, heap_base, exports, steps })
    }

    /// Number of functions to call, in order, to initialise the libraries; they are exported under [`step_name`].
    pub(super) const fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Indices of the mutable globals, whose values belong into an [`Image`]; exported under [`global_name`].
    pub(super) fn mutable_globals(&self) -> impl Iterator<Item = u32> {
        self.globals.iter().zip(0..).filter(|(global, _)| global.mutable).map(|(_, index)| index)
    }
}

/// Name under which step `index` of the initialisation is exported.
pub(super) fn step_name(index: usize) -> String {
    format!("step {index}")
}

/// Name under which the mutable global `index` is exported.
pub(super) fn global_name(index: u32) -> String {
    format!("global {index}")
}

/// Gives each library its place. Returns the bases, the end of the data, and the end of the table.
fn lay_out(libraries: &[Library<'_>]) -> (Vec<Base>, u32, u32) {
    // Slot 0 of the table stays empty, so that a null function pointer traps.
    let mut next = Base { memory: STACK_TOP, table: 1, types: 0 };
    let mut bases = Vec::with_capacity(libraries.len());
    for library in libraries {
        let alignment = 1 << library.memory.memory_alignment.clamp(4, 16);
        let base = Base { memory: next.memory.next_multiple_of(alignment), ..next };
        bases.push(base);
        next = Base {
            memory: base.memory + library.memory.memory_size,
            table: base.table + library.memory.table_size,
            types: base.types + u32::try_from(library.types.len()).unwrap_or(u32::MAX),
        };
    }
    (bases, next.memory, next.table)
}

/// Who defines which symbol.
struct Symbols<'l> {
    functions: BTreeMap<&'l str, (usize, u32)>,
    addresses: BTreeMap<&'l str, u32>,
}

impl<'l> Symbols<'l> {
    fn new(libraries: &'l [Library<'_>], bases: &[Base], heap_base: u32) -> Self {
        let mut functions = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for (number, (library, base)) in libraries.iter().zip(bases).enumerate() {
            for (name, index) in library.own_functions() {
                functions.entry(name).or_insert((number, index));
            }
            for (name, offset) in library.data_symbols(*base) {
                addresses.entry(name).or_insert_with(|| offset.wrapping_add(base.memory));
            }
        }
        addresses.insert("__heap_base", heap_base);
        addresses.insert("__heap_end", heap_base.next_multiple_of(PAGE_BYTES));
        Self { functions, addresses }
    }

    fn function(&self, name: &str, functions: &[Vec<u32>]) -> Result<u32, LinkError> {
        self.functions
            .get(name)
            .and_then(|&(library, index)| functions.get(library)?.get(index as usize).copied())
            .ok_or_else(|| LinkError::Undefined(name.into()))
    }

    /// Whether a library, and not the host, answers this import.
    fn defines(&self, module: &str, name: &str) -> bool {
        module == "env" && self.functions.contains_key(name)
    }
}

/// Functions that no library defines, in the order of their first use.
fn host_imports<'a>(libraries: &[Library<'a>], bases: &[Base], symbols: &Symbols<'_>) -> Vec<Import<'a>> {
    let mut imports: Vec<Import<'a>> = Vec::new();
    for (library, base) in libraries.iter().zip(bases) {
        for import in &library.function_imports {
            let known = |other: &Import<'_>| other.module == import.module && other.name == import.name;
            if !symbols.defines(import.module, import.name) && !imports.iter().any(known) {
                imports.push(Import { type_index: base.types + import.type_index, ..*import });
            }
        }
    }
    imports
}

/// Translates each library's function indices: first the host's functions, then every library's own.
fn number_functions(
    libraries: &[Library<'_>],
    imports: &[Import<'_>],
    symbols: &Symbols<'_>,
) -> Result<Vec<Vec<u32>>, LinkError> {
    let mut next = u32::try_from(imports.len()).unwrap_or(u32::MAX);
    let mut first_own = Vec::with_capacity(libraries.len());
    for library in libraries {
        first_own.push(next);
        next += u32::try_from(library.functions.len()).unwrap_or(u32::MAX);
    }
    let own = |library: usize, index: u32| -> Option<u32> {
        let imported = u32::try_from(libraries.get(library)?.function_imports.len()).ok()?;
        Some(first_own.get(library)? + index.checked_sub(imported)?)
    };
    let host: BTreeMap<_, _> =
        imports.iter().zip(0..).map(|(import, index)| ((import.module, import.name), index)).collect();
    let number = |(number, library): (usize, &Library<'_>)| {
        let imported = library.function_imports.iter().map(|import| {
            let found = if symbols.defines(import.module, import.name) {
                symbols.functions.get(import.name).and_then(|&(library, index)| own(library, index))
            } else {
                host.get(&(import.module, import.name)).copied()
            };
            found.ok_or_else(|| LinkError::Undefined(import.name.into()))
        });
        let first = first_own.get(number).copied().unwrap_or(0);
        let defined = (first..).take(library.functions.len()).map(Ok);
        imported.chain(defined).collect()
    };
    libraries.iter().enumerate().map(number).collect()
}

/// The globals of the linked module while it grows, and the table slots that they point to.
struct GlobalTable {
    globals: Vec<Global>,
    /// Entries of the global offset table, by kind and name.
    offsets: BTreeMap<(String, String), u32>,
    slots: Vec<u32>,
    slot_of: BTreeMap<u32, u32>,
    slot_base: u32,
}

impl GlobalTable {
    fn new(slot_base: u32) -> Self {
        Self {
            globals: vec![Global::address(true, STACK_TOP)],
            offsets: BTreeMap::new(),
            slots: Vec::new(),
            slot_of: BTreeMap::new(),
            slot_base,
        }
    }

    /// Adds what a library imports and defines; returns its indices translated.
    fn add_library(
        &mut self,
        library: &Library<'_>,
        base: Base,
        symbols: &Symbols<'_>,
        functions: &[Vec<u32>],
    ) -> Result<Vec<u32>, LinkError> {
        let mut indices = Vec::new();
        for &(module, name) in &library.global_imports {
            indices.push(match (module, name) {
                ("env", "__stack_pointer") => 0,
                ("env", "__memory_base") => self.push(Global::address(false, base.memory)),
                ("env", "__table_base") => self.push(Global::address(false, base.table)),
                ("GOT.mem" | "GOT.func", _) => self.offset(module, name, symbols, functions)?,
                _ => return Err(LinkError::Undefined(format!("{module}.{name}"))),
            });
        }
        for global in &library.globals {
            let value =
                library.evaluate(&global.init_expr, base).ok_or(LinkError::Unsupported("initialiser"))?;
            let value_type = global.ty.content_type;
            indices.push(self.push(Global { value_type, mutable: global.ty.mutable, value }));
        }
        Ok(indices)
    }

    fn push(&mut self, global: Global) -> u32 {
        self.globals.push(global);
        u32::try_from(self.globals.len() - 1).unwrap_or(u32::MAX)
    }

    fn offset(
        &mut self,
        module: &str,
        name: &str,
        symbols: &Symbols<'_>,
        functions: &[Vec<u32>],
    ) -> Result<u32, LinkError> {
        let key = (module.to_owned(), name.to_owned());
        if let Some(index) = self.offsets.get(&key) {
            return Ok(*index);
        }
        let value = if module == "GOT.func" {
            self.slot(symbols.function(name, functions)?)
        } else {
            *symbols.addresses.get(name).ok_or_else(|| LinkError::Undefined(name.into()))?
        };
        let index = self.push(Global::address(true, value));
        self.offsets.insert(key, index);
        Ok(index)
    }

    /// The table slot of a function: one per function, so that pointers to it are equal everywhere.
    fn slot(&mut self, function: u32) -> u32 {
        let next = self.slot_base + u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        *self.slot_of.entry(function).or_insert_with(|| {
            self.slots.push(function);
            next
        })
    }
}

/// What must run first: start functions, then relocation of data, then constructors; each in the order of libraries.
fn steps(libraries: &[Library<'_>], functions: &[Vec<u32>]) -> Vec<u32> {
    let phases: [fn(&Library<'_>) -> Option<u32>; 3] = [
        |library| library.start,
        |library| library.exported_function("__wasm_apply_data_relocs"),
        |library| library.exported_function("_initialize"),
    ];
    let all = phases.iter().flat_map(|phase| {
        let translate =
            |(library, map): (&Library<'_>, &Vec<u32>)| map.get(phase(library)? as usize).copied();
        libraries.iter().zip(functions).filter_map(translate).collect::<Vec<_>>()
    });
    all.collect()
}

#[cfg(test)]
mod tests;

//! Two small libraries that need each other, linked and run.

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, DataSection, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Module, TypeSection, ValType,
};
use wasmtime::{Engine, Instance, Store};

use super::*;

const ADDRESS: GlobalType = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
const BASE: GlobalType = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
const MEMORY: wasm_encoder::MemoryType = wasm_encoder::MemoryType {
    minimum: 0,
    maximum: None,
    memory64: false,
    shared: false,
    page_size_log2: None,
};

/// The section that makes a module a shared library with 16 bytes of data and no table.
fn dylink() -> CustomSection<'static> {
    CustomSection { name: "dylink.0".into(), data: (&[1_u8, 4, 16, 2, 0, 0][..]).into() }
}

fn one_function(type_index: u32) -> FunctionSection {
    let mut functions = FunctionSection::new();
    functions.function(type_index);
    functions
}

fn returns_number() -> TypeSection {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I32]);
    types
}

fn code(build: impl FnOnce(&mut wasm_encoder::InstructionSink<'_>)) -> CodeSection {
    let mut function = Function::new([]);
    let mut sink = function.instructions();
    build(&mut sink);
    sink.end();
    let mut section = CodeSection::new();
    section.function(&function);
    section
}

/// Defines the datum `answer` (42, at offset 4) and the function `base`, which returns where its memory begins.
fn provider() -> Vec<u8> {
    let mut imports = ImportSection::new();
    imports.import("env", "memory", EntityType::Memory(MEMORY));
    imports.import("env", "__memory_base", EntityType::Global(BASE));
    let mut globals = GlobalSection::new();
    globals.global(BASE, &ConstExpr::i32_const(4));
    let mut exports = ExportSection::new();
    exports.export("answer", ExportKind::Global, 1).export("base", ExportKind::Func, 0);
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::global_get(0), [0, 0, 0, 0, 42, 0, 0, 0]);
    let mut module = Module::new();
    module.section(&dylink()).section(&returns_number()).section(&imports).section(&one_function(0));
    module.section(&globals).section(&exports);
    module.section(&code(|sink| {
        sink.global_get(0);
    }));
    module.section(&data);
    module.finish()
}

/// Defines `read`: the provider's datum, read at its address, plus `base()`.
fn user() -> Vec<u8> {
    let mut imports = ImportSection::new();
    imports.import("env", "memory", EntityType::Memory(MEMORY));
    imports.import("GOT.mem", "answer", EntityType::Global(ADDRESS));
    imports.import("env", "base", EntityType::Function(0));
    let mut exports = ExportSection::new();
    exports.export("read", ExportKind::Func, 1);
    let mut module = Module::new();
    module.section(&dylink()).section(&returns_number()).section(&imports).section(&one_function(0));
    module.section(&exports);
    module.section(&code(|sink| {
        let argument = wasm_encoder::MemArg { offset: 0, align: 2, memory_index: 0 };
        sink.global_get(0).i32_load(argument).call(0).i32_add();
    }));
    module.finish()
}

fn call(bytes: &[u8], name: &str) -> i32 {
    let engine = Engine::default();
    let module = wasmtime::Module::new(&engine, bytes).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<(), i32>(&mut store, name).unwrap().call(&mut store, ()).unwrap()
}

#[test]
fn libraries_reach_each_other_in_either_order() {
    let (provider, user) = (provider(), user());
    let forwards = Linked::new(&[("provider", &provider), ("user", &user)], &["read"]).unwrap();
    let first = i32::try_from(STACK_TOP).unwrap();
    assert_eq!(call(&forwards.initial().unwrap(), "read"), 42 + first);
    let backwards = Linked::new(&[("user", &user), ("provider", &provider)], &["read"]).unwrap();
    assert_eq!(call(&backwards.initial().unwrap(), "read"), 42 + first + 16);
}

#[test]
fn a_frozen_module_begins_with_the_memory_it_was_given() {
    let (provider, user) = (provider(), user());
    let linked = Linked::new(&[("provider", &provider), ("user", &user)], &["read"]).unwrap();
    let mut memory = vec![0; linked.heap_base.next_multiple_of(PAGE_BYTES) as usize];
    memory[STACK_TOP as usize + 4] = 7;
    let frozen = linked.frozen(&Image { memory, globals: BTreeMap::new() }).unwrap();
    assert_eq!(call(&frozen, "read"), 7 + i32::try_from(STACK_TOP).unwrap());
}

#[test]
fn what_nobody_defines_is_named() {
    let user = user();
    let error = Linked::new(&[("user", &user)], &["read"]).err().unwrap();
    assert!(matches!(error, LinkError::Undefined(name) if name == "answer"));
    let error = Linked::new(&[("broken", b"\0asm\x01\0\0\0\x01")], &[]).err().unwrap();
    assert!(matches!(error, LinkError::Malformed(_)));
}

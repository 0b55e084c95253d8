//! One shared library, parsed.

use std::collections::BTreeMap;

use wasmparser::{
    ConstExpr, Data, Dylink0Subsection, Element, Export, ExternalKind, FuncType, FunctionBody, Global,
    KnownCustom, MemInfo, Operator, Parser, Payload, TypeRef,
};

use super::{Base, Import, LinkError};

/// The sections of a shared library that linking needs.
pub(super) struct Library<'a> {
    pub(super) name: String,
    pub(super) memory: MemInfo,
    pub(super) types: Vec<FuncType>,
    pub(super) function_imports: Vec<Import<'a>>,
    /// Module and name of each imported global.
    pub(super) global_imports: Vec<(&'a str, &'a str)>,
    /// Type of each function that the library defines.
    pub(super) functions: Vec<u32>,
    pub(super) globals: Vec<Global<'a>>,
    pub(super) elements: Vec<Element<'a>>,
    pub(super) data: Vec<Data<'a>>,
    pub(super) code: Vec<FunctionBody<'a>>,
    pub(super) start: Option<u32>,
    exported_functions: BTreeMap<&'a str, u32>,
    exported_globals: BTreeMap<&'a str, u32>,
}

impl<'a> Library<'a> {
    /// Parses a library. Its code is validated later, as part of the linked module.
    pub(super) fn parse(name: &str, bytes: &'a [u8]) -> Result<Self, LinkError> {
        let mut library = Self {
            name: name.into(),
            memory: MemInfo { memory_size: 0, memory_alignment: 0, table_size: 0, table_alignment: 0 },
            types: Vec::new(),
            function_imports: Vec::new(),
            global_imports: Vec::new(),
            functions: Vec::new(),
            globals: Vec::new(),
            elements: Vec::new(),
            data: Vec::new(),
            code: Vec::new(),
            start: None,
            exported_functions: BTreeMap::new(),
            exported_globals: BTreeMap::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            library.take(payload?)?;
        }
        Ok(library)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<(), LinkError> {
        match payload {
            Payload::CustomSection(section) => {
                if let KnownCustom::Dylink0(subsections) = section.as_known() {
                    for subsection in subsections {
                        if let Dylink0Subsection::MemInfo(memory) = subsection? {
                            self.memory = memory;
                        }
                    }
                }
            }
            Payload::TypeSection(types) => {
                self.types = types.into_iter_err_on_gc_types().collect::<Result<_, _>>()?;
            }
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import?;
                    match import.ty {
                        TypeRef::Func(type_index) => self.function_imports.push(Import {
                            module: import.module,
                            name: import.name,
                            type_index,
                        }),
                        TypeRef::Global(_) => self.global_imports.push((import.module, import.name)),
                        TypeRef::Memory(_) | TypeRef::Table(_) => {}
                        _ => return Err(LinkError::Unsupported("import")),
                    }
                }
            }
            Payload::FunctionSection(functions) => {
                self.functions = functions.into_iter().collect::<Result<_, _>>()?
            }
            Payload::GlobalSection(globals) => {
                self.globals = globals.into_iter().collect::<Result<_, _>>()?
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    self.export(export?);
                }
            }
            Payload::ElementSection(elements) => {
                self.elements = elements.into_iter().collect::<Result<_, _>>()?
            }
            Payload::DataSection(data) => self.data = data.into_iter().collect::<Result<_, _>>()?,
            Payload::StartSection { func, .. } => self.start = Some(func),
            Payload::CodeSectionEntry(body) => self.code.push(body),
            _ => {}
        }
        Ok(())
    }

    fn export(&mut self, export: Export<'a>) {
        match export.kind {
            ExternalKind::Func => self.exported_functions.insert(export.name, export.index),
            ExternalKind::Global => self.exported_globals.insert(export.name, export.index),
            _ => None,
        };
    }

    /// The library's own index of an exported function.
    pub(super) fn exported_function(&self, name: &str) -> Option<u32> {
        self.exported_functions.get(name).copied()
    }

    /// Exported functions that the library itself defines, not those that it passes on.
    pub(super) fn own_functions(&self) -> impl Iterator<Item = (&'a str, u32)> {
        let imported = u32::try_from(self.function_imports.len()).unwrap_or(u32::MAX);
        self.exported_functions
            .iter()
            .map(|(name, index)| (*name, *index))
            .filter(move |(_, index)| *index >= imported)
    }

    /// Exported data symbols with their offsets from the library's memory base.
    pub(super) fn data_symbols(&self, base: Base) -> impl Iterator<Item = (&'a str, u32)> {
        self.exported_globals.iter().filter_map(move |(name, index)| {
            let own = (*index as usize).checked_sub(self.global_imports.len())?;
            let value = self.evaluate(&self.globals.get(own)?.init_expr, base)?;
            Some((*name, u32::try_from(value).ok()?))
        })
    }

    /// The value of a constant expression once the library is placed; `None` if it uses anything but bases.
    pub(super) fn evaluate(&self, expression: &ConstExpr<'_>, base: Base) -> Option<i64> {
        let mut stack = Vec::new();
        for operator in expression.get_operators_reader() {
            match operator.ok()? {
                Operator::I32Const { value } => stack.push(i64::from(value)),
                Operator::I64Const { value } => stack.push(value),
                Operator::GlobalGet { global_index } => {
                    stack.push(match *self.global_imports.get(global_index as usize)? {
                        ("env", "__memory_base") => i64::from(base.memory),
                        ("env", "__table_base") => i64::from(base.table),
                        _ => return None,
                    });
                }
                Operator::I32Add => {
                    let (right, left) = (stack.pop()?, stack.pop()?);
                    stack.push(left.wrapping_add(right));
                }
                Operator::End => {}
                _ => return None,
            }
        }
        stack.pop()
    }
}

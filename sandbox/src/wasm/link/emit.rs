//! Writes the linked module out, before or after its initialisation.

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, EntityType, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module, RefType,
    TableSection, TableType, TypeSection, ValType,
};
use wasmparser::{DataKind, ElementItems, ElementKind};

use super::{Image, LinkError, Linked, PAGE_BYTES, Placed, global_name, step_name};

/// Granularity at which the image's zeros are left out.
const BLOCK_BYTES: usize = 4096;

impl Linked<'_> {
    /// The module that is still to be initialised.
    pub(in crate::wasm) fn initial(&self) -> Result<Vec<u8>, LinkError> {
        self.emit(None)
    }

    /// The module as its initialisation left it.
    pub(in crate::wasm) fn frozen(&self, image: &Image) -> Result<Vec<u8>, LinkError> {
        self.emit(Some(image))
    }

    fn emit(&self, image: Option<&Image>) -> Result<Vec<u8>, LinkError> {
        let mut module = Module::new();
        module.section(&self.types()?);
        module.section(&self.imports());
        module.section(&self.functions());
        module.section(&self.table());
        module.section(&self.memory(image));
        module.section(&self.globals(image)?);
        module.section(&self.exports(image));
        module.section(&self.elements()?);
        module.section(&self.code()?);
        module.section(&match image {
            None => self.data()?,
            Some(image) => image.data(),
        });
        Ok(module.finish())
    }

    fn types(&self) -> Result<TypeSection, LinkError> {
        let mut section = TypeSection::new();
        for ty in self.libraries.iter().flat_map(|placed| &placed.library.types) {
            let convert =
                |types: &[wasmparser::ValType]| types.iter().map(value_type).collect::<Result<Vec<_>, _>>();
            section.ty().function(convert(ty.params())?, convert(ty.results())?);
        }
        Ok(section)
    }

    fn imports(&self) -> ImportSection {
        let mut section = ImportSection::new();
        for import in &self.imports {
            section.import(import.module, import.name, EntityType::Function(import.type_index));
        }
        section
    }

    fn functions(&self) -> FunctionSection {
        let mut section = FunctionSection::new();
        for placed in &self.libraries {
            for type_index in &placed.library.functions {
                section.function(placed.base.types + type_index);
            }
        }
        section
    }

    fn table(&self) -> TableSection {
        let size = u64::from(self.slot_base) + self.slots.len() as u64;
        let mut section = TableSection::new();
        section.table(TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: size,
            maximum: Some(size),
            shared: false,
        });
        section
    }

    fn memory(&self, image: Option<&Image>) -> MemorySection {
        let bytes = image.map_or(u64::from(self.heap_base), |image| image.memory.len() as u64);
        let mut section = MemorySection::new();
        section.memory(MemoryType {
            minimum: bytes.div_ceil(u64::from(PAGE_BYTES)),
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
        section
    }

    fn globals(&self, image: Option<&Image>) -> Result<GlobalSection, LinkError> {
        let mut section = GlobalSection::new();
        for (global, index) in self.globals.iter().zip(0..) {
            let value = image.and_then(|image| image.globals.get(&index)).copied().unwrap_or(global.value);
            let val_type = value_type(&global.value_type)?;
            let initial = match val_type {
                ValType::I32 => ConstExpr::i32_const(low_half(value)),
                ValType::I64 => ConstExpr::i64_const(value),
                _ => return Err(LinkError::Unsupported("type of a global")),
            };
            section.global(GlobalType { val_type, mutable: global.mutable, shared: false }, &initial);
        }
        Ok(section)
    }

    /// Mutable globals are exported, since they and the memory are all that a program can change. Before the
    /// initialisation its steps are, too.
    fn exports(&self, image: Option<&Image>) -> ExportSection {
        let mut section = ExportSection::new();
        section.export("memory", ExportKind::Memory, 0);
        for (name, function) in &self.exports {
            section.export(name, ExportKind::Func, *function);
        }
        if image.is_none() {
            for (step, function) in self.steps.iter().enumerate() {
                section.export(&step_name(step), ExportKind::Func, *function);
            }
        }
        for index in self.mutable_globals() {
            section.export(&global_name(index), ExportKind::Global, index);
        }
        section
    }

    fn elements(&self) -> Result<ElementSection, LinkError> {
        let mut section = ElementSection::new();
        for placed in &self.libraries {
            for element in &placed.library.elements {
                let (ElementKind::Active { offset_expr, .. }, ElementItems::Functions(items)) =
                    (&element.kind, &element.items)
                else {
                    return Err(LinkError::Unsupported("kind of table element"));
                };
                let functions = items
                    .clone()
                    .into_iter()
                    .map(|index| placed.function(index?))
                    .collect::<Result<Vec<_>, LinkError>>()?;
                section.active(None, &placed.offset(offset_expr)?, Elements::Functions(functions.into()));
            }
        }
        let offset = ConstExpr::i32_const(low_half(self.slot_base.into()));
        section.active(None, &offset, Elements::Functions((&self.slots).into()));
        Ok(section)
    }

    fn code(&self) -> Result<CodeSection, LinkError> {
        let mut section = CodeSection::new();
        for placed in &self.libraries {
            for body in &placed.library.code {
                check_tables(body)?;
                Renumber(placed)
                    .parse_function_body(&mut section, body.clone())
                    .map_err(|error| LinkError::Renumber(format!("{error:?}")))?;
            }
        }
        Ok(section)
    }

    fn data(&self) -> Result<DataSection, LinkError> {
        let mut section = DataSection::new();
        for placed in &self.libraries {
            for data in &placed.library.data {
                let DataKind::Active { offset_expr, .. } = &data.kind else {
                    return Err(LinkError::Unsupported("kind of data"));
                };
                section.active(0, &placed.offset(offset_expr)?, data.data.iter().copied());
            }
        }
        Ok(section)
    }
}

impl Image {
    /// The memory without its blocks of zeros.
    fn data(&self) -> DataSection {
        let mut section = DataSection::new();
        let mut offset = 0;
        let is_zero = |block: &&[u8]| block.iter().all(|byte| *byte == 0);
        let blocks: Vec<&[u8]> = self.memory.chunks(BLOCK_BYTES).collect();
        for run in blocks.chunk_by(|left, right| is_zero(left) == is_zero(right)) {
            let bytes = run.iter().map(|block| block.len()).sum::<usize>();
            if !run.first().is_some_and(is_zero) {
                let contents = run.iter().flat_map(|block| block.iter().copied()).collect::<Vec<_>>();
                section.active(0, &ConstExpr::i32_const(low_half(offset)), contents);
            }
            offset += i64::try_from(bytes).unwrap_or(i64::MAX);
        }
        section
    }
}

impl Placed<'_> {
    fn function(&self, index: u32) -> Result<u32, LinkError> {
        self.translated(&self.functions, index)
    }

    fn translated(&self, map: &[u32], index: u32) -> Result<u32, LinkError> {
        map.get(index as usize)
            .copied()
            .ok_or_else(|| LinkError::OutOfRange { library: self.library.name.clone(), index })
    }

    fn offset(&self, expression: &wasmparser::ConstExpr<'_>) -> Result<ConstExpr, LinkError> {
        let value = self.library.evaluate(expression, self.base).ok_or(LinkError::Unsupported("offset"))?;
        Ok(ConstExpr::i32_const(low_half(value)))
    }
}

/// Nothing may change a table: an instance is put back to how it was by its memory and its globals.
fn check_tables(body: &wasmparser::FunctionBody<'_>) -> Result<(), LinkError> {
    use wasmparser::Operator;
    for operator in body.get_operators_reader()? {
        if matches!(
            operator?,
            Operator::TableSet { .. }
                | Operator::TableGrow { .. }
                | Operator::TableFill { .. }
                | Operator::TableCopy { .. }
                | Operator::TableInit { .. }
        ) {
            return Err(LinkError::Unsupported("change of a table"));
        }
    }
    Ok(())
}

/// Renumbers the code of one library.
struct Renumber<'p, 'a>(&'p Placed<'a>);

impl Reencode for Renumber<'_, '_> {
    type Error = LinkError;

    fn function_index(&mut self, index: u32) -> Result<u32, Error<LinkError>> {
        self.0.function(index).map_err(Error::UserError)
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Error<LinkError>> {
        self.0.translated(&self.0.globals, index).map_err(Error::UserError)
    }

    fn type_index(&mut self, index: u32) -> Result<u32, Error<LinkError>> {
        Ok(self.0.base.types + index)
    }
}

fn value_type(ty: &wasmparser::ValType) -> Result<ValType, LinkError> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        _ => return Err(LinkError::Unsupported("value type")),
    })
}

/// The low 32 bits: addresses and 32-bit constants travel as `i64`.
const fn low_half(value: i64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    let low = value as i32;
    low
}

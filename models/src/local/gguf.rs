//! The header of a GGUF file: read with every length, offset and product checked against the file.
//!
//! Our own reader and not candle's, which keeps what a header claims (each number of an array takes 32 bytes, an
//! alignment of zero divides by it) and knows no positions. Tensor data is not read here.
//!
//! Source: the GGUF specification of ggml (`docs/gguf.md`), versions 2 and 3, little endian.

pub mod write;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use candle_core::quantized::GgmlDType;

use super::error::{LoadError, LoadErrorKind, quoted};
use super::source::Source;

const MAGIC: u32 = 0x4655_4747;
/// Largest vocabularies come to some 10 MiB of header.
const HEADER_BYTES_MAX: u64 = 64 << 20;
const ARRAY_LEN_MAX: u64 = 4 << 20;
const DIMENSIONS_MAX: u32 = 4;
const ALIGNMENT_DEFAULT: u64 = 32;

/// A value of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number of any width.
    Integer(i128),
    /// A number of 32 or 64 bits.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A text.
    Text(String),
    /// A list of texts.
    Texts(Vec<String>),
    /// A list of whole numbers of 32 bits.
    Integers(Vec<i64>),
    /// A list of another kind; nothing that is read here has one.
    Skipped,
}

/// Where a tensor lies and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// The type of its numbers.
    pub dtype: GgmlDType,
    /// Its dimensions, the slowest first.
    pub shape: Vec<usize>,
    /// Its first byte in the file.
    pub offset: u64,
    /// How many bytes it takes.
    pub bytes: u64,
}

/// What a GGUF file says of itself.
#[derive(Debug, Clone)]
pub struct Header {
    /// The metadata by key.
    pub metadata: HashMap<String, Value>,
    /// The tensors by name.
    pub tensors: BTreeMap<String, TensorInfo>,
    /// How many entries the metadata has.
    pub metadata_count: u64,
    /// Where the entries of the metadata begin and end in the file.
    pub metadata_bytes: std::ops::Range<u64>,
}

impl Header {
    /// The text under a key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The token id or count under a key.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<u32> {
        match self.metadata.get(key) {
            Some(Value::Integer(number)) => u32::try_from(*number).ok(),
            _ => None,
        }
    }
}

/// Whether bytes begin as a GGUF file does.
#[must_use]
pub fn is_gguf(start: &[u8]) -> bool {
    start.starts_with(&MAGIC.to_le_bytes())
}

/// Reads and checks the header of a GGUF file in memory. What it accepts can be loaded without a panic.
///
/// # Errors
/// [`LoadError`] with the byte at which the header is wrong.
pub fn check_bytes(bytes: bytes::Bytes) -> Result<Header, LoadError> {
    read(&mut Source::memory("gguf", bytes))
}

/// Reads the header.
pub(crate) fn read(source: &mut Source) -> Result<Header, LoadError> {
    let (name, len) = (source.name().to_owned(), source.len());
    let mut fields = Fields { source, name, len, position: 0 };
    let magic = fields.u32()?;
    if magic != MAGIC {
        return Err(fields.corrupt("it does not begin with `GGUF`"));
    }
    let version = fields.u32()?;
    if !(2..=3).contains(&version) {
        return Err(LoadError::new(
            LoadErrorKind::Corrupt,
            fields.place(),
            format!("version {version} of GGUF, where 2 and 3 are known (or a big-endian file)"),
            "convert the model again with a current converter",
        ));
    }
    let (tensor_count, metadata_count) = (fields.u64()?, fields.u64()?);
    // The least that an entry can take: name length, type and value; name length, dimensions, type and offset.
    let least =
        metadata_count.checked_mul(13).zip(tensor_count.checked_mul(24)).map(|(a, b)| a.saturating_add(b));
    if least.is_none_or(|least| least > len) {
        return Err(fields.corrupt(format!(
            "{tensor_count} tensors and {metadata_count} entries cannot fit a file of {len} bytes"
        )));
    }
    let start = fields.position;
    let metadata = metadata(&mut fields, metadata_count)?;
    let end = fields.position;
    let mut tensors = tensors(&mut fields, tensor_count)?;
    let alignment = alignment(&metadata, &fields)?;
    let data = fields.position.next_multiple_of(alignment);
    for (tensor, info) in &mut tensors {
        place_tensor(tensor, info, data, alignment, &fields)?;
    }
    Ok(Header { metadata, tensors, metadata_count, metadata_bytes: start..end })
}

fn metadata(fields: &mut Fields<'_>, count: u64) -> Result<HashMap<String, Value>, LoadError> {
    let mut metadata = HashMap::new();
    for _ in 0..count {
        let key = fields.text()?;
        let kind = fields.u32()?;
        let value = fields.value(kind)?;
        if metadata.contains_key(&key) {
            return Err(fields.corrupt(format!("the key {} stands twice", quoted(&key))));
        }
        metadata.insert(key, value);
    }
    Ok(metadata)
}

fn tensors(fields: &mut Fields<'_>, count: u64) -> Result<BTreeMap<String, TensorInfo>, LoadError> {
    let mut tensors = BTreeMap::new();
    for _ in 0..count {
        let name = fields.text()?;
        let info = tensor(fields, &name)?;
        if tensors.contains_key(&name) {
            return Err(fields.corrupt(format!("the tensor {} stands twice", quoted(&name))));
        }
        tensors.insert(name, info);
    }
    Ok(tensors)
}

fn tensor(fields: &mut Fields<'_>, name: &str) -> Result<TensorInfo, LoadError> {
    let dimensions = fields.u32()?;
    if dimensions == 0 || dimensions > DIMENSIONS_MAX {
        return Err(fields.corrupt(format!("the tensor {} has {dimensions} dimensions", quoted(name))));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let size = usize::try_from(fields.u64()?).ok().filter(|size| *size > 0);
        let Some(size) = size else {
            return Err(fields.corrupt(format!("the tensor {} has an empty dimension", quoted(name))));
        };
        shape.push(size);
    }
    let id = fields.u32()?;
    let Some(dtype) = dtype_of(id) else {
        return Err(LoadError::new(
            LoadErrorKind::QuantType,
            fields.place(),
            format!("the tensor {} has type {id}{}", quoted(name), name_of_type(id)),
            "use a file of Q8_0, Q4_K_M or another type that candle reads",
        ));
    };
    let bytes = byte_count(dtype, &shape).ok_or_else(|| {
        fields.corrupt(format!("the tensor {} has sizes that its type does not allow", quoted(name)))
    })?;
    shape.reverse();
    Ok(TensorInfo { dtype, shape, offset: fields.u64()?, bytes })
}

/// Bytes of a tensor with these dimensions, the fastest first.
fn byte_count(dtype: GgmlDType, shape: &[usize]) -> Option<u64> {
    let row = *shape.first()?;
    let count = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size))?;
    let blocks = row.is_multiple_of(dtype.block_size()).then(|| count / dtype.block_size())?;
    u64::try_from(blocks.checked_mul(dtype.type_size())?).ok()
}

/// Turns an offset within the data into one within the file, and checks that the tensor lies in it.
fn place_tensor(
    name: &str,
    info: &mut TensorInfo,
    data: u64,
    alignment: u64,
    fields: &Fields<'_>,
) -> Result<(), LoadError> {
    if !info.offset.is_multiple_of(alignment) {
        return Err(
            fields.corrupt(format!("the tensor {} is not aligned to {alignment} bytes", quoted(name)))
        );
    }
    let offset = data.checked_add(info.offset);
    let end = offset.and_then(|offset| offset.checked_add(info.bytes));
    match (offset, end) {
        (Some(offset), Some(end)) if end <= fields.len => {
            info.offset = offset;
            Ok(())
        }
        (_, end) => Err(LoadError::truncated(
            fields.name.clone(),
            format!(
                "the tensor {} ends at byte {} of a file of {} bytes",
                quoted(name),
                end.unwrap_or(u64::MAX),
                fields.len
            ),
        )),
    }
}

fn alignment(metadata: &HashMap<String, Value>, fields: &Fields<'_>) -> Result<u64, LoadError> {
    let alignment = match metadata.get("general.alignment") {
        None => Some(ALIGNMENT_DEFAULT),
        Some(Value::Integer(number)) => u64::try_from(*number).ok(),
        Some(_) => None,
    };
    alignment
        .filter(|alignment| alignment.is_power_of_two() && (8..=1 << 16).contains(alignment))
        .ok_or_else(|| fields.corrupt("`general.alignment` is no power of two between 8 and 65536"))
}

const fn dtype_of(id: u32) -> Option<GgmlDType> {
    Some(match id {
        0 => GgmlDType::F32,
        1 => GgmlDType::F16,
        2 => GgmlDType::Q4_0,
        3 => GgmlDType::Q4_1,
        6 => GgmlDType::Q5_0,
        7 => GgmlDType::Q5_1,
        8 => GgmlDType::Q8_0,
        10 => GgmlDType::Q2K,
        11 => GgmlDType::Q3K,
        12 => GgmlDType::Q4K,
        13 => GgmlDType::Q5K,
        14 => GgmlDType::Q6K,
        30 => GgmlDType::BF16,
        _ => return None,
    })
}

/// Names of types that other programs write and candle does not read.
const fn name_of_type(id: u32) -> &'static str {
    match id {
        9 => " (Q8_1)",
        15 => " (Q8_K)",
        16 => " (IQ2_XXS)",
        17 => " (IQ2_XS)",
        18 => " (IQ3_XXS)",
        19 => " (IQ1_S)",
        20 => " (IQ4_NL)",
        21 => " (IQ3_S)",
        22 => " (IQ2_S)",
        23 => " (IQ4_XS)",
        24..=27 => " (whole numbers)",
        28 => " (F64)",
        29 => " (IQ1_M)",
        34 => " (TQ1_0)",
        35 => " (TQ2_0)",
        39 => " (MXFP4)",
        _ => ", which is unknown",
    }
}

/// Reads the header front to back.
struct Fields<'a> {
    source: &'a mut Source,
    name: String,
    len: u64,
    position: u64,
}

impl Fields<'_> {
    fn place(&self) -> String {
        format!("{}, byte {}", self.name, self.position)
    }

    fn corrupt(&self, problem: impl Into<String>) -> LoadError {
        LoadError::corrupt(self.place(), problem)
    }

    /// The next `len` bytes; nothing is allocated that the file does not hold.
    fn bytes(&mut self, len: u64) -> Result<Vec<u8>, LoadError> {
        let mut bytes = vec![0; usize::try_from(self.take(len)?).unwrap_or(0)];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        self.take(N as u64)?;
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Steps over `len` bytes, if they are there.
    fn take(&mut self, len: u64) -> Result<u64, LoadError> {
        let end = self.position.saturating_add(len);
        if end > self.len {
            return Err(LoadError::truncated(
                self.place(),
                format!("{len} bytes wanted, {} left", self.len - self.position),
            ));
        }
        if end > HEADER_BYTES_MAX {
            return Err(self.corrupt(format!("the header is larger than {} MiB", HEADER_BYTES_MAX >> 20)));
        }
        self.position = end;
        Ok(len)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), LoadError> {
        let place = self.place();
        self.source
            .read_exact(bytes)
            .map_err(|error| LoadError::truncated(place, error.to_string()).caused_by(error))
    }

    fn u32(&mut self) -> Result<u32, LoadError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, LoadError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> Result<String, LoadError> {
        let len = self.u64()?;
        // Some converters end texts with a zero.
        let bytes = self.bytes(len)?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned())
    }

    /// A single value of a kind, or an array.
    fn value(&mut self, kind: u32) -> Result<Value, LoadError> {
        Ok(match kind {
            0 => Value::Integer(u8::from_le_bytes(self.array()?).into()),
            1 => Value::Integer(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Integer(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Integer(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Integer(self.u32()?.into()),
            5 => Value::Integer(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()? != [0]),
            8 => Value::Text(self.text()?),
            9 => self.list()?,
            10 => Value::Integer(self.u64()?.into()),
            11 => Value::Integer(i64::from_le_bytes(self.array()?).into()),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return Err(self.corrupt(format!("{kind} is no kind of value"))),
        })
    }

    fn list(&mut self) -> Result<Value, LoadError> {
        let (kind, len) = (self.u32()?, self.u64()?);
        if len > ARRAY_LEN_MAX {
            return Err(
                self.corrupt(format!("a list of {len} values, where at most {ARRAY_LEN_MAX} make sense"))
            );
        }
        let width = match kind {
            8 => return (0..len).map(|_| self.text()).collect::<Result<_, _>>().map(Value::Texts),
            5 => return self.integers(len, |bytes| i32::from_le_bytes(bytes).into()),
            4 => return self.integers(len, |bytes| u32::from_le_bytes(bytes).into()),
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            6 => 4,
            10..=12 => 8,
            _ => return Err(self.corrupt(format!("{kind} is no kind of value in a list"))),
        };
        let mut rest = len * width;
        while rest > 0 {
            let piece = rest.min(1 << 16);
            self.bytes(piece)?;
            rest -= piece;
        }
        Ok(Value::Skipped)
    }

    fn integers(&mut self, len: u64, of: fn([u8; 4]) -> i64) -> Result<Value, LoadError> {
        let bytes = self.bytes(len * 4)?;
        let numbers = bytes.chunks_exact(4).map(|chunk| of(chunk.try_into().unwrap_or_default()));
        Ok(Value::Integers(numbers.collect()))
    }
}

#[cfg(test)]
mod tests;

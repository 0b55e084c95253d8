//! Writes GGUF files, a tensor at a time, so that a model larger than memory can be written.

use std::io::Write;

use candle_core::quantized::GgmlDType;

use super::{ALIGNMENT_DEFAULT, MAGIC, Value};

/// Metadata in the form in which a file holds it.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    count: u64,
    bytes: Vec<u8>,
}

impl Metadata {
    /// The entries of another file, as they are there.
    #[must_use]
    pub const fn copied(count: u64, bytes: Vec<u8>) -> Self {
        Self { count, bytes }
    }

    /// Adds an entry. Whole numbers are written with 32 bits, and with 64 where they need them.
    pub fn push(&mut self, key: &str, value: &Value) {
        let mut entry = Vec::new();
        text(&mut entry, key);
        match value {
            Value::Integer(number) => match u32::try_from(*number) {
                Ok(number) => entry.extend([&4_u32.to_le_bytes()[..], &number.to_le_bytes()].concat()),
                Err(_) => {
                    let number = i64::try_from(*number).unwrap_or(i64::MAX);
                    entry.extend([&11_u32.to_le_bytes()[..], &number.to_le_bytes()].concat());
                }
            },
            Value::Float(number) => {
                entry.extend([&12_u32.to_le_bytes()[..], &number.to_le_bytes()].concat());
            }
            Value::Bool(truth) => entry.extend([&7_u32.to_le_bytes()[..], &[u8::from(*truth)]].concat()),
            Value::Text(value) => {
                entry.extend(8_u32.to_le_bytes());
                text(&mut entry, value);
            }
            Value::Texts(texts) => {
                list(&mut entry, 8, texts.len());
                texts.iter().for_each(|value| text(&mut entry, value));
            }
            Value::Integers(numbers) => {
                list(&mut entry, 5, numbers.len());
                let numbers = numbers.iter().map(|number| i32::try_from(*number).unwrap_or(i32::MAX));
                numbers.for_each(|number| entry.extend(number.to_le_bytes()));
            }
            Value::Skipped => return,
        }
        self.count += 1;
        self.bytes.append(&mut entry);
    }
}

/// A tensor that is going to be written.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// The type of its numbers.
    pub dtype: GgmlDType,
    /// Its dimensions, the slowest first.
    pub shape: Vec<usize>,
}

impl Planned {
    fn bytes(&self) -> u64 {
        let count: usize = self.shape.iter().product();
        (count / self.dtype.block_size() * self.dtype.type_size()) as u64
    }
}

/// Writes a file: header, then each tensor's bytes as `data(index)` gives them.
///
/// # Errors
/// Those of `data`, and those of writing, which come as `E` too.
pub fn write<E: From<std::io::Error>>(
    out: &mut impl Write,
    metadata: &Metadata,
    tensors: &[Planned],
    mut data: impl FnMut(usize) -> Result<Vec<u8>, E>,
) -> Result<(), E> {
    let mut header = Vec::new();
    header.extend(MAGIC.to_le_bytes());
    header.extend(3_u32.to_le_bytes());
    header.extend((tensors.len() as u64).to_le_bytes());
    header.extend(metadata.count.to_le_bytes());
    header.extend(&metadata.bytes);
    let mut offset = 0_u64;
    for tensor in tensors {
        text(&mut header, &tensor.name);
        header.extend(u32::try_from(tensor.shape.len()).unwrap_or(0).to_le_bytes());
        tensor.shape.iter().rev().for_each(|size| header.extend((*size as u64).to_le_bytes()));
        header.extend(id_of(tensor.dtype).to_le_bytes());
        header.extend(offset.to_le_bytes());
        offset += tensor.bytes().next_multiple_of(ALIGNMENT_DEFAULT);
    }
    pad(&mut header);
    out.write_all(&header)?;
    for (index, tensor) in tensors.iter().enumerate() {
        let mut bytes = data(index)?;
        if bytes.len() as u64 != tensor.bytes() {
            return Err(std::io::Error::other(format!("{} has {} bytes", tensor.name, bytes.len())).into());
        }
        pad(&mut bytes);
        out.write_all(&bytes)?;
    }
    Ok(())
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(32), 0);
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn list(out: &mut Vec<u8>, kind: u32, len: usize) {
    out.extend(9_u32.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend((len as u64).to_le_bytes());
}

const fn id_of(dtype: GgmlDType) -> u32 {
    match dtype {
        GgmlDType::F32 => 0,
        GgmlDType::F16 => 1,
        GgmlDType::Q4_0 => 2,
        GgmlDType::Q4_1 => 3,
        GgmlDType::Q5_0 => 6,
        GgmlDType::Q5_1 => 7,
        GgmlDType::Q8_0 => 8,
        GgmlDType::Q8_1 => 9,
        GgmlDType::Q2K => 10,
        GgmlDType::Q3K => 11,
        GgmlDType::Q4K => 12,
        GgmlDType::Q5K => 13,
        GgmlDType::Q6K => 14,
        GgmlDType::Q8K => 15,
        GgmlDType::BF16 => 30,
    }
}

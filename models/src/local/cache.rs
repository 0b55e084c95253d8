//! Keys and values of tokens that were read before. Keys are stored rotated.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor};

use super::config::DecoderConfig;

/// Keys and values of a run of tokens, shared by whoever continues it; never changes.
#[derive(Debug, Clone)]
pub struct Segment {
    layers: Arc<[KeysValues]>,
    len: usize,
}

/// Keys and values of one layer.
#[derive(Debug, Clone)]
pub(crate) struct KeysValues {
    pub(crate) keys: Tensor,
    pub(crate) values: Tensor,
}

impl KeysValues {
    fn map(&self, change: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { keys: change(&self.keys)?, values: change(&self.values)? })
    }
}

impl Segment {
    /// How many tokens it covers.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it covers none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `(kv_heads, tokens, head_dim)` each.
    pub(crate) fn layer(&self, layer: usize) -> Result<&KeysValues> {
        self.layers
            .get(layer)
            .ok_or_else(|| candle_core::Error::Msg(format!("the cache has no layer {layer}")))
    }

    /// The first `at` tokens and the rest, each in memory of its own so that either can be freed.
    ///
    /// # Errors
    /// Those of the device.
    pub fn split(&self, at: usize) -> Result<(Self, Self)> {
        let part = |start: usize, len: usize| -> Result<Self> {
            let layers =
                self.layers.iter().map(|layer| layer.map(|kv| kv.narrow(1, start, len)?.force_contiguous()));
            Ok(Self { layers: layers.collect::<Result<_>>()?, len })
        };
        Ok((part(0, at)?, part(at, self.len - at)?))
    }
}

/// Keys and values of the tokens that each row of a batch has read by itself: columns that grow by every pass.
///
/// All rows write the same columns. A row that joined later has columns of others' making before its own, which its mask
/// must hide.
#[derive(Debug)]
pub struct Suffix {
    /// `(kv_heads, rows, capacity, head_dim)` each.
    layers: Vec<KeysValues>,
    rows: usize,
    len: usize,
    capacity: usize,
}

impl Suffix {
    /// An empty cache for rows, with room for `capacity` columns.
    ///
    /// # Errors
    /// Those of the device.
    pub fn new(config: &DecoderConfig, rows: usize, capacity: usize, device: &Device) -> Result<Self> {
        let shape = (config.kv_heads, rows, capacity, config.head_dim);
        let empty = || Tensor::zeros(shape, DType::F32, device);
        let layers = (0..config.layers).map(|_| Ok(KeysValues { keys: empty()?, values: empty()? }));
        Ok(Self { layers: layers.collect::<Result<_>>()?, rows, len: 0, capacity })
    }

    /// Columns that are filled.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no column is filled.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Columns that there is room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Rows of the batch.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Forgets the columns behind the first `len`.
    pub const fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
        }
    }

    /// Keeps of the columns from `start` on only these, counted from there, in this order.
    ///
    /// # Errors
    /// Those of the device, and where a column does not exist.
    pub fn keep(&mut self, start: usize, columns: &[usize]) -> Result<()> {
        let behind = self.len.saturating_sub(start);
        if columns.len() > behind || columns.iter().any(|column| *column >= behind) {
            candle_core::bail!("columns are kept that were not read");
        }
        // What already stands in its place need not be moved.
        let first = (0..).zip(columns).take_while(|(place, column)| place == *column).count();
        let moved: Vec<u32> =
            columns.iter().skip(first).filter_map(|column| u32::try_from(*column).ok()).collect();
        if !moved.is_empty() {
            for KeysValues { keys, values } in &self.layers {
                let indices = Tensor::new(moved.as_slice(), keys.device())?;
                for cache in [keys, values] {
                    let kept = cache.narrow(2, start, behind)?.contiguous()?.index_select(&indices, 2)?;
                    cache.slice_set(&kept, 2, start + first)?;
                }
            }
        }
        self.len = start.min(self.len) + columns.len();
        Ok(())
    }

    /// Writes a layer's new columns, `(kv_heads, rows, columns, head_dim)` each, behind the filled ones and gives all,
    /// `(kv_heads, rows, len + columns, head_dim)`. [`Suffix::advance`] makes them count when all layers are written.
    pub(crate) fn append(&self, layer: usize, keys: &Tensor, values: &Tensor) -> Result<KeysValues> {
        let cache = self.layer(layer)?;
        cache.keys.slice_set(keys, 2, self.len)?;
        cache.values.slice_set(values, 2, self.len)?;
        let columns = self.len + keys.dim(2)?;
        cache.map(|kv| kv.narrow(2, 0, columns))
    }

    /// `(kv_heads, rows, capacity, head_dim)` each.
    pub(crate) fn layer(&self, layer: usize) -> Result<&KeysValues> {
        self.layers
            .get(layer)
            .ok_or_else(|| candle_core::Error::Msg(format!("the cache has no layer {layer}")))
    }

    pub(crate) const fn advance(&mut self, columns: usize) {
        self.len += columns;
    }

    /// The cache of other rows: for each the row of this one that it continues, or none for a new one; without the first
    /// `skip` columns, and with room for `capacity`.
    ///
    /// # Errors
    /// Those of the device.
    pub fn rearranged(&self, sources: &[Option<usize>], skip: usize, capacity: usize) -> Result<Self> {
        let len = self.len - skip.min(self.len);
        let capacity = capacity.max(len);
        let device = self.layers.first().map_or(&Device::Cpu, |layer| layer.keys.device());
        // What a new row finds in its columns is hidden from it, so any row will do.
        let indices = sources.iter().map(|source| u32::try_from(source.unwrap_or(0)).unwrap_or(0));
        let indices = Tensor::new(indices.collect::<Vec<_>>(), device)?;
        let change = |kv: &Tensor| -> Result<Tensor> {
            let kept = kv.narrow(2, skip.min(self.len), len)?.contiguous()?.index_select(&indices, 1)?;
            kept.pad_with_zeros(2, 0, capacity - len)?.contiguous()
        };
        let layers = self.layers.iter().map(|layer| layer.map(change)).collect::<Result<_>>()?;
        Ok(Self { layers, rows: sources.len(), len, capacity })
    }

    /// What one row has read, from column `start` on, as a segment.
    ///
    /// # Errors
    /// Those of the device.
    pub fn segment(&self, row: usize, start: usize) -> Result<Segment> {
        let len = self.len - start.min(self.len);
        let cut = |kv: &Tensor| kv.narrow(1, row, 1)?.narrow(2, start, len)?.squeeze(1)?.force_contiguous();
        let layers = self.layers.iter().map(|layer| layer.map(cut)).collect::<Result<_>>()?;
        Ok(Segment { layers, len })
    }
}

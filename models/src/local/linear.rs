//! A linear map, dense or quantised, with its inputs filled up with zeros where that makes the kernel fast.

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{D, DType, Module as _, Result, Tensor};

/// `y = x Wᵀ + b` for rows `x`.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    weight: Weight,
    bias: Option<Tensor>,
    /// Zeros behind each row of the inputs, as behind each row of the weight.
    padding: usize,
}

#[derive(Debug, Clone)]
enum Weight {
    Dense(Tensor),
    Quantised(QMatMul),
}

impl Linear {
    /// A dense map: `weight` of shape `(outputs, inputs)`.
    pub(crate) const fn dense(weight: Tensor, bias: Option<Tensor>) -> Self {
        Self { weight: Weight::Dense(weight), bias, padding: 0 }
    }

    /// A quantised map: `weight` of shape `(outputs, inputs + padding)`.
    pub(crate) fn quantised(weight: QTensor, bias: Option<Tensor>, padding: usize) -> Result<Self> {
        Ok(Self { weight: Weight::Quantised(QMatMul::from_qtensor(weight)?), bias, padding })
    }

    /// Maps rows: `(rows, inputs)` in f32 to `(rows, outputs)` in f32.
    pub(crate) fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let mapped = match &self.weight {
            Weight::Dense(weight) if weight.dtype() == DType::F32 => rows.matmul(&weight.t()?)?,
            Weight::Dense(weight) => {
                rows.to_dtype(weight.dtype())?.matmul(&weight.t()?)?.to_dtype(DType::F32)?
            }
            Weight::Quantised(weight) if self.padding == 0 => weight.forward(&rows.contiguous()?)?,
            Weight::Quantised(weight) => {
                weight.forward(&rows.pad_with_zeros(D::Minus1, 0, self.padding)?.contiguous()?)?
            }
        };
        match &self.bias {
            Some(bias) => mapped.broadcast_add(bias),
            None => Ok(mapped),
        }
    }

    /// Rows of the weight itself, `(ids, inputs)` in f32: what a table of embeddings is for.
    pub(crate) fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.weight {
            Weight::Dense(weight) => weight.index_select(ids, 0)?.to_dtype(DType::F32),
            Weight::Quantised(weight) => {
                let rows = weight.embedding(ids)?.to_dtype(DType::F32)?;
                if self.padding == 0 {
                    return Ok(rows);
                }
                rows.narrow(D::Minus1, 0, rows.dim(D::Minus1)? - self.padding)?.contiguous()
            }
        }
    }
}

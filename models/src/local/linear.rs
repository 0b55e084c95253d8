//! A linear map, dense or quantised, with its inputs filled up with zeros where that makes the kernel fast.

use std::sync::Arc;

use candle_core::quantized::{QMatMul, QTensor};
use candle_core::{D, DType, Device, Module as _, Result, Tensor};

use super::panels::PanelMatrix;

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
    Panels(Arc<PanelMatrix>),
}

impl Linear {
    /// A dense map: `weight` of shape `(outputs, inputs)`.
    ///
    /// # Errors
    /// Where it has other dimensions or its numbers cannot be read.
    pub(crate) fn dense(weight: Tensor, bias: Option<Tensor>) -> Result<Self> {
        let weight = match PanelMatrix::of_dense(&weight)? {
            Some(matrix) => Weight::Panels(Arc::new(matrix)),
            None => Weight::Dense(weight),
        };
        Ok(Self { weight, bias, padding: 0 })
    }

    /// A quantised map: `weight` of shape `(outputs, inputs + padding)`.
    pub(crate) fn quantised(weight: QTensor, bias: Option<Tensor>, padding: usize) -> Result<Self> {
        let weight = match PanelMatrix::of_quantised(&weight)? {
            Some(matrix) => Weight::Panels(Arc::new(matrix)),
            None => Weight::Quantised(QMatMul::from_qtensor(weight)?),
        };
        Ok(Self { weight, bias, padding })
    }

    /// Maps rows: `(rows, inputs)` in f32 to `(rows, outputs)` in f32.
    pub(crate) fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let mapped = match &self.weight {
            Weight::Dense(weight) if weight.dtype() == DType::F32 => rows.matmul(&weight.t()?)?,
            Weight::Dense(weight) => {
                rows.to_dtype(weight.dtype())?.matmul(&weight.t()?)?.to_dtype(DType::F32)?
            }
            Weight::Quantised(weight) => weight.forward(&self.padded(rows)?)?,
            Weight::Panels(weight) => self.padded(rows)?.apply_op1_no_bwd(weight.as_ref())?,
        };
        match &self.bias {
            Some(bias) => mapped.broadcast_add(bias),
            None => Ok(mapped),
        }
    }

    fn padded(&self, rows: &Tensor) -> Result<Tensor> {
        if self.padding == 0 {
            return rows.contiguous();
        }
        rows.pad_with_zeros(D::Minus1, 0, self.padding)?.contiguous()
    }

    /// Rows of the weight itself, `(ids, inputs)` in f32: what a table of embeddings is for.
    pub(crate) fn rows(&self, ids: &Tensor) -> Result<Tensor> {
        match &self.weight {
            Weight::Dense(weight) => weight.index_select(ids, 0)?.to_dtype(DType::F32),
            Weight::Quantised(weight) => self.unpadded(&weight.embedding(ids)?.to_dtype(DType::F32)?),
            Weight::Panels(weight) => {
                let ids = ids.to_vec1::<u32>()?;
                let (count, rows) = (ids.len(), weight.rows(&ids));
                self.unpadded(&Tensor::from_vec(rows, (count, ()), &Device::Cpu)?)
            }
        }
    }

    fn unpadded(&self, rows: &Tensor) -> Result<Tensor> {
        if self.padding == 0 {
            return Ok(rows.clone());
        }
        rows.narrow(D::Minus1, 0, rows.dim(D::Minus1)? - self.padding)?.contiguous()
    }
}

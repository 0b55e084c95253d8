//! Named variables, made from a seed.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor, Var};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::scorer::ScorerError;

/// How a variable begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Start {
    /// Uniform, with mean 0 and this standard deviation.
    Random(f64),
    /// All the same.
    Constant(f64),
}

/// A variable that a network has: its shape and how it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) start: Start,
}

impl Slot {
    /// A matrix `(out, in)` that keeps the size of what goes through it.
    pub(crate) fn matrix(name: impl Into<String>, rows: usize, columns: usize) -> Self {
        // Widths are far below 2^53.
        #[expect(clippy::cast_precision_loss, reason = "a width")]
        let start = Start::Random(1.0 / (columns.max(1) as f64).sqrt());
        Self { name: name.into(), shape: vec![rows, columns], start }
    }

    /// A vector of one value.
    pub(crate) fn constant(name: impl Into<String>, length: usize, value: f64) -> Self {
        Self { name: name.into(), shape: vec![length], start: Start::Constant(value) }
    }

    pub(crate) fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The variables of a network by name, in the order of their names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Weights {
    vars: BTreeMap<String, Var>,
}

impl Weights {
    /// Draws each variable from a stream of its own, so that another variable more or less changes none of the others.
    pub(crate) fn draw(slots: &[Slot], seed: u64) -> Result<Self, ScorerError> {
        let mut vars = BTreeMap::new();
        for slot in slots {
            let values = values(slot, seed);
            let tensor = Tensor::from_vec(values, slot.shape.as_slice(), &Device::Cpu)?;
            vars.insert(slot.name.clone(), Var::from_tensor(&tensor)?);
        }
        Ok(Self { vars })
    }

    /// Variables with given values.
    pub(crate) fn of(tensors: BTreeMap<String, Tensor>) -> Result<Self, ScorerError> {
        let var = |(name, tensor): (String, Tensor)| Ok((name, Var::from_tensor(&tensor)?));
        Ok(Self { vars: tensors.into_iter().map(var).collect::<Result<_, ScorerError>>()? })
    }

    /// All zeros, in the shapes of others.
    pub(crate) fn zeros(like: &Self) -> Result<Self, ScorerError> {
        let zeros = |(name, var): (&String, &Var)| {
            Ok((name.clone(), Var::zeros(var.shape(), DType::F32, &Device::Cpu)?))
        };
        Ok(Self { vars: like.vars.iter().map(zeros).collect::<Result<_, ScorerError>>()? })
    }

    /// A copy that later steps do not change.
    pub(crate) fn snapshot(&self) -> Result<Self, ScorerError> {
        let copy =
            |(name, var): (&String, &Var)| Ok((name.clone(), Var::from_tensor(&var.as_tensor().copy()?)?));
        Ok(Self { vars: self.vars.iter().map(copy).collect::<Result<_, ScorerError>>()? })
    }

    /// A variable as the network reads it.
    pub(crate) fn get(&self, name: &str) -> Result<&Tensor, ScorerError> {
        Ok(self.var(name)?.as_tensor())
    }

    /// A variable as the optimiser writes it.
    pub(crate) fn var(&self, name: &str) -> Result<&Var, ScorerError> {
        let missing = || candle_core::Error::Msg(format!("there is no variable `{name}`"));
        Ok(self.vars.get(name).ok_or_else(missing)?)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.vars.iter().map(|(name, var)| (name.as_str(), var))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "weights are f32")]
fn values(slot: &Slot, seed: u64) -> Vec<f32> {
    let deviation = match slot.start {
        Start::Constant(value) => return vec![value as f32; slot.elements()],
        Start::Random(deviation) => deviation,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(slot.name.as_bytes());
    let mut stream = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
    // A uniform number in [-1, 1) has the variance 1/3.
    let scale = deviation * 3_f64.sqrt() / f64::from(1_u32 << 31);
    let mut draw = || ((f64::from(stream.next_u32()) - f64::from(1_u32 << 31)) * scale) as f32;
    (0..slot.elements()).map(|_| draw()).collect()
}

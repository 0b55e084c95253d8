//! AdamW with moments that can be kept: candle's own hides them, so that a training could not be continued.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

use super::TrainError;
use super::weights::Weights;
use crate::scorer::ScorerError;

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;
/// Longest gradient of all variables together; a longer one is shortened to it.
const NORM_MAX: f64 = 1.0;

/// The optimiser of Loshchilov and Hutter 2019, *Decoupled Weight Decay Regularization*, algorithm 2. Vectors (the weights
/// of norms) do not decay.
#[derive(Debug, Clone)]
pub(crate) struct AdamW {
    pub(crate) first: Weights,
    pub(crate) second: Weights,
    /// Steps taken.
    pub(crate) steps: u64,
    pub(crate) decay: f64,
}

impl AdamW {
    pub(crate) fn new(weights: &Weights, decay: f64) -> Result<Self, ScorerError> {
        Ok(Self { first: Weights::zeros(weights)?, second: Weights::zeros(weights)?, steps: 0, decay })
    }

    /// Moves the weights against the gradient of `loss` and gives its value. After the very first step every variable must
    /// have had a gradient and have changed: backpropagation through an operation without one fails nowhere.
    pub(crate) fn step(&mut self, weights: &Weights, loss: &Tensor, rate: f64) -> Result<f64, TrainError> {
        let value = f64::from(loss.to_scalar::<f32>()?);
        self.steps += 1;
        if !value.is_finite() {
            return Err(TrainError::Diverged { step: self.steps });
        }
        let gradients = loss.backward()?;
        let before = if self.steps == 1 { Some(weights.snapshot()?) } else { None };
        let scale = self.scale(weights, &gradients)?;
        for (name, var) in weights.iter() {
            let Some(gradient) = gradients.get(var) else { continue };
            self.update(name, var, &(gradient * scale)?, rate)?;
        }
        if let Some(before) = before {
            require_change(weights, &before, &gradients)?;
        }
        Ok(value)
    }

    fn update(&self, name: &str, var: &Var, gradient: &Tensor, rate: f64) -> Result<(), TrainError> {
        let (first, second) = (self.first.var(name)?, self.second.var(name)?);
        let next_first = ((first.as_tensor() * BETA_1)? + (gradient * (1.0 - BETA_1))?)?;
        let next_second = ((second.as_tensor() * BETA_2)? + (gradient.sqr()? * (1.0 - BETA_2))?)?;
        let steps = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let mean = (&next_first * (1.0 / (1.0 - BETA_1.powi(steps))))?;
        let spread = (&next_second * (1.0 / (1.0 - BETA_2.powi(steps))))?.sqrt()?;
        let kept = if var.rank() > 1 { 1.0 - rate * self.decay } else { 1.0 };
        let moved = ((var.as_tensor() * kept)? - ((mean / (spread + EPSILON)?)? * rate)?)?;
        first.set(&next_first)?;
        second.set(&next_second)?;
        Ok(var.set(&moved)?)
    }

    /// What the gradient is multiplied by, so that it is not too long.
    fn scale(&self, weights: &Weights, gradients: &GradStore) -> Result<f64, TrainError> {
        let mut square = 0.0;
        for (_, var) in weights.iter() {
            if let Some(gradient) = gradients.get(var) {
                square += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
            }
        }
        if !square.is_finite() {
            return Err(TrainError::Diverged { step: self.steps });
        }
        let norm = square.sqrt();
        Ok(if norm > NORM_MAX { NORM_MAX / norm } else { 1.0 })
    }
}

fn require_change(weights: &Weights, before: &Weights, gradients: &GradStore) -> Result<(), TrainError> {
    for (name, var) in weights.iter() {
        if gradients.get(var).is_none() {
            return Err(TrainError::NoGradient { name: name.to_owned() });
        }
        let moved = (var.as_tensor() - before.get(name)?)?.abs()?.max_all()?.to_scalar::<f32>()?;
        if moved == 0.0 {
            return Err(TrainError::Unchanged { name: name.to_owned() });
        }
    }
    Ok(())
}

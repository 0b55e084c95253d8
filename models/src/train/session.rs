//! A training between its steps: begun or continued, moved by losses, kept.

use candle_core::Tensor;
use serde::Serialize;

use super::checkpoint::{About, State, slots};
use super::weights::Weights;
use super::{AdamW, CheckpointError, Example, Flow, Step, TrainError, Watch};
use crate::encoder::EncoderConfig;
use crate::scorer::ScorerKind;

/// Steps in which the learning rate rises.
const WARM_UP: u64 = 20;
/// Share of the learning rate that is left in the last step.
const LAST: f64 = 0.1;

/// What a training is made of; the same again continues it.
pub(crate) struct Plan<'a, S> {
    pub(crate) kind: ScorerKind,
    pub(crate) encoder: EncoderConfig,
    pub(crate) settings: &'a S,
    pub(crate) pools: &'a [&'a [Example]],
    pub(crate) seed: u64,
    pub(crate) decay: f64,
}

impl State {
    /// A training at its beginning, or where `from` stands.
    pub(crate) fn begin<S: Serialize>(plan: &Plan<'_, S>, from: Option<Self>) -> Result<Self, TrainError> {
        if let Some(what) = plan.encoder.fault() {
            return Err(TrainError::Settings { what });
        }
        let settings = hash(plan.settings)?;
        let examples = hash(&plan.pools)?;
        if let Some(state) = from {
            let other = |what| Err(TrainError::OtherTraining { what });
            return match &state.about {
                about if about.kind != plan.kind || about.settings != settings => other("settings"),
                about if about.examples != examples => other("examples"),
                _ => Ok(state),
            };
        }
        let weights = Weights::draw(&slots(plan.kind, &plan.encoder), plan.seed)?;
        let optimiser = AdamW::new(&weights, plan.decay)?;
        let about = About {
            kind: plan.kind,
            encoder: plan.encoder,
            settings,
            examples,
            steps: 0,
            decay: plan.decay,
            epoch: 0,
            batch: 0,
            best: None,
            scores: Vec::new(),
            ended: false,
        };
        Ok(Self { about, weights, optimiser, best: None })
    }

    /// Goes down the slope of a loss. Where the watch says so, the state is kept and the training must end.
    pub(crate) fn step(
        &mut self,
        loss: &Tensor,
        rate: f64,
        of: Option<u64>,
        watch: &mut dyn Watch,
    ) -> Result<Flow, TrainError> {
        let loss = self.optimiser.step(&self.weights, loss, rate)?;
        self.about.steps = self.optimiser.steps;
        self.about.batch += 1;
        let flow = watch.step(&Step { step: self.about.steps, of, loss });
        if flow == Flow::Stop {
            watch.keep(self)?;
        }
        Ok(flow)
    }

    /// The epoch is over; keeps its weights if `figure` is the best so far, and says whether it is.
    pub(crate) fn end_epoch(&mut self, figure: Option<f64>) -> Result<bool, TrainError> {
        self.about.epoch += 1;
        self.about.batch = 0;
        let Some(figure) = figure else { return Ok(false) };
        let is_best = self.about.best.is_none_or(|best| figure > best);
        if is_best {
            self.about.best = Some(figure);
            self.best = Some(self.weights.snapshot()?);
        }
        Ok(is_best)
    }

    /// The weights that the training comes to.
    pub(crate) fn into_best(self) -> Weights {
        self.best.unwrap_or(self.weights)
    }
}

/// The learning rate of a step, from 0: rises at first, then falls in a line where the number of steps is known.
#[expect(clippy::cast_precision_loss, reason = "a number of steps")]
pub(crate) fn rate(most: f64, step: u64, of: Option<u64>) -> f64 {
    let warm = ((step + 1) as f64 / WARM_UP as f64).min(1.0);
    let left = of.map_or(1.0, |of| 1.0 - (1.0 - LAST) * (step as f64 / of.max(1) as f64).min(1.0));
    most * warm * left
}

fn hash(of: &impl Serialize) -> Result<String, TrainError> {
    let text = serde_json::to_vec(of).map_err(CheckpointError::from)?;
    Ok(blake3::hash(&text).to_hex().to_string())
}

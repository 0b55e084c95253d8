//! Training a reranker: rounds of pairs, until the first choice on held-out problems gets no better.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::metrics::{RankFigures, by_problem, scores_of};
use super::pairs::{Mining, Pair, mine};
use super::{Head, Reranker, bradley_terry, scores};
use crate::critic::Pooling;
use crate::encoder::tokens::Encoded;
use crate::encoder::{Batch, Encoder, EncoderConfig};
use crate::scorer::{ScorerError, ScorerKind};
use crate::train::checkpoint::{Manifest, ScorerFile, State};
use crate::train::session::{Plan, rate};
use crate::train::{Example, Flow, Measured, TrainError, Trained, Watch, alone, batches, split, stream};

/// Settings of a reranker's training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RerankConfig {
    /// Shape of the encoder.
    pub encoder: EncoderConfig,
    /// Most rounds; there are no fewer than pools. Default 3.
    pub rounds: u64,
    /// Epochs of each round. Default 3.
    pub epochs: u64,
    /// Most steps. Default: as many as the rounds have.
    pub steps: Option<u64>,
    /// Pairs per step. Default 8.
    pub batch: usize,
    /// Learning rate after the first steps. Default 0.001.
    pub learning_rate: f64,
    /// Weight decay. Default 0.01.
    pub decay: f64,
    /// A failing program is hard if it scores above the passing one less this much, in nats. Default 0.5.
    pub margin: f64,
    /// Whether what length alone says is taken out of the score. Default true.
    pub without_length: bool,
    /// Share of the problems that are held out, in `[0, 1)`. Default 0.2.
    pub held_out: f64,
    /// Seed of weights, pairs, orders and the choice of what is held out. Default 0.
    pub seed: u64,
}

impl Default for RerankConfig {
    fn default() -> Self {
        Self {
            encoder: EncoderConfig::default(),
            rounds: 3,
            epochs: 3,
            steps: None,
            batch: 8,
            learning_rate: 1e-3,
            decay: 0.01,
            margin: 0.5,
            without_length: true,
            held_out: 0.2,
            seed: 0,
        }
    }
}

/// Trains a reranker on pools of examples: the first round learns from the first pool, each later one from one pool more.
/// With `from` a training goes on that was stopped; the same settings and pools must be given.
///
/// # Errors
/// [`TrainError`].
pub fn train(
    config: &RerankConfig,
    pools: &[&[Example]],
    from: Option<State>,
    watch: &mut dyn Watch,
) -> Result<Trained<Reranker>, TrainError> {
    alone(|| train_here(config, pools, from, watch))
}

fn train_here(
    config: &RerankConfig,
    pools: &[&[Example]],
    from: Option<State>,
    watch: &mut dyn Watch,
) -> Result<Trained<Reranker>, TrainError> {
    check(config)?;
    let kind = ScorerKind::Reranker;
    let Config { encoder, seed, decay, .. } = *config;
    let mut state = State::begin(&Plan { kind, encoder, settings: config, pools, seed, decay }, from)?;
    let school = School::new(config, pools)?;
    let network = Network::of(config, &state)?;
    while school.goes_on(&state) {
        let round = state.about.epoch / config.epochs;
        if state.about.epoch % config.epochs == 0 && state.about.batch == 0 && round > 0 {
            state.about.scores = network.scores(&school.examples)?;
        }
        let pairs = school.pairs(round, &state.about.scores);
        if school.epoch(&pairs, &network, &mut state, watch)? == Flow::Stop {
            return Ok(Trained::Stopped);
        }
        let is_last = (state.about.epoch + 1).is_multiple_of(config.epochs) || school.is_over(&state);
        let figures = if is_last { school.figures(&network)? } else { None };
        let is_best = state.end_epoch(figures.map(|figures| figures.top_1))?;
        if let Some(figures) = figures {
            let (number, figure) = (round + 1, "held-out top-1");
            watch.measured(&Measured { number, figure, value: figures.top_1 });
            state.about.ended = !is_best && round + 1 >= pools.len() as u64;
        }
        watch.keep(&state)?;
    }
    school.finish(state).map(Trained::Done)
}

type Config = RerankConfig;

fn check(config: &Config) -> Result<(), TrainError> {
    let is_sound = config.learning_rate > 0.0
        && config.learning_rate.is_finite()
        && config.margin.is_finite()
        && (0.0..1.0).contains(&config.decay)
        && (0.0..1.0).contains(&config.held_out);
    let counts = [config.rounds, config.epochs, config.batch as u64, config.steps.unwrap_or(1)];
    if !is_sound || counts.contains(&0) {
        return Err(TrainError::Settings { what: "a number is out of the range that its description names" });
    }
    Ok(())
}

/// Encoder and head over the weights in training.
struct Network {
    encoder: Encoder,
    head: Head,
}

impl Network {
    fn of(config: &Config, state: &State) -> Result<Self, ScorerError> {
        let weights = state.weights.clone();
        Ok(Self { encoder: Encoder::new(config.encoder, weights.clone())?, head: Head { weights } })
    }

    /// Scores of all examples, in order.
    fn scores(&self, examples: &[Example]) -> Result<Vec<f64>, ScorerError> {
        scores_of(examples, |problem, programs| scores(&self.encoder, &self.head, problem, programs))
    }
}

/// What is learnt from and what is measured on.
struct School<'a> {
    config: &'a Config,
    /// Those of all pools.
    examples: Vec<Example>,
    /// The pool of each, from 0.
    pools: Vec<u64>,
    rows: Vec<Encoded>,
    train: Vec<usize>,
    held: Vec<usize>,
}

impl<'a> School<'a> {
    fn new(config: &'a Config, pools: &[&[Example]]) -> Result<Self, TrainError> {
        let examples = pools.concat();
        let numbered =
            (0..).zip(pools).flat_map(|(pool, examples)| std::iter::repeat_n(pool, examples.len()));
        let (train, held) = split(&examples, config.held_out, config.seed);
        let rows = examples.iter().map(|it| config.encoder.encode(&it.problem, &it.program)).collect();
        let school = Self { config, pools: numbered.collect(), examples, rows, train, held };
        if school.pairs(0, &[]).is_empty() {
            return Err(TrainError::Examples {
                what: "no problem has a program that passes and one that fails; add samples of more problems, or more \
                    samples of each",
            });
        }
        Ok(school)
    }

    fn is_over(&self, state: &State) -> bool {
        self.config.steps.is_some_and(|steps| state.about.steps >= steps)
    }

    /// Whether there is another epoch. One that was stopped behind its last step is still to be measured.
    fn goes_on(&self, state: &State) -> bool {
        let rounds = self.config.rounds.max(self.pools.last().map_or(0, |last| last + 1));
        let is_left = state.about.epoch < rounds * self.config.epochs;
        is_left && !state.about.ended && (!self.is_over(state) || state.about.batch > 0)
    }

    fn pairs(&self, round: u64, scores: &[f64]) -> Vec<Pair> {
        let there = |index: &&usize| self.pools.get(**index).is_some_and(|pool| *pool <= round);
        let among: Vec<usize> = self.train.iter().filter(there).copied().collect();
        let Config { margin, seed, .. } = *self.config;
        mine(&self.examples, &among, &Mining { scores, margin, seed, round })
    }

    fn epoch(
        &self,
        pairs: &[Pair],
        network: &Network,
        state: &mut State,
        watch: &mut dyn Watch,
    ) -> Result<Flow, TrainError> {
        let slope = if self.config.without_length { self.length_slope(pairs) } else { 0.0 };
        let length = |index: usize| self.rows.get(index).map_or(0, |row| row.program.len());
        let lengths: Vec<usize> = pairs.iter().map(|it| length(it.chosen).max(length(it.rejected))).collect();
        let order =
            batches(&lengths, self.config.batch, &mut stream(self.config.seed, "order", state.about.epoch));
        let begun = usize::try_from(state.about.batch).unwrap_or(usize::MAX);
        for batch in order.iter().skip(begun) {
            if self.is_over(state) {
                break;
            }
            let batch: Vec<Pair> = batch.iter().filter_map(|index| pairs.get(*index)).copied().collect();
            let loss = self.loss(&batch, network, slope)?;
            let rate = rate(self.config.learning_rate, state.about.steps, None);
            if state.step(&loss, rate, self.config.steps, watch)? == Flow::Stop {
                return Ok(Flow::Stop);
            }
        }
        Ok(Flow::On)
    }

    fn loss(&self, pairs: &[Pair], network: &Network, slope: f64) -> Result<Tensor, ScorerError> {
        let row = |index: usize| self.rows.get(index);
        let chosen = pairs.iter().filter_map(|pair| row(pair.chosen));
        let rows: Vec<&Encoded> = chosen.chain(pairs.iter().filter_map(|pair| row(pair.rejected))).collect();
        let batch = Batch::of(&rows)?;
        let scores = network.head.scores(&network.encoder.states(&batch)?, &batch.mask)?;
        let differences =
            (scores.narrow(0, 0, pairs.len())? - scores.narrow(0, pairs.len(), pairs.len())?)?;
        #[expect(clippy::cast_possible_truncation, reason = "a number of nats")]
        let by_length: Vec<f32> = pairs.iter().map(|pair| (slope * self.longer(pair)) as f32).collect();
        bradley_terry(&(differences + Tensor::new(by_length, &Device::Cpu)?)?)
    }

    /// By how much the passing program is longer, as the logarithm of the ratio of lengths.
    #[expect(clippy::cast_precision_loss, reason = "a length")]
    fn longer(&self, pair: &Pair) -> f64 {
        let length = |index: usize| self.examples.get(index).map_or(0, |it| it.program.len());
        (1.0 + length(pair.chosen) as f64).ln() - (1.0 + length(pair.rejected) as f64).ln()
    }

    /// The log-odds per unit of [`Self::longer`] that length alone gives: a logistic regression by Newton's method, held
    /// back a little so that it is finite. In training it stands beside the score, so that the score need not learn it.
    fn length_slope(&self, pairs: &[Pair]) -> f64 {
        let mut slope = 0.0_f64;
        for _ in 0..20 {
            let (mut first, mut second) = (-slope, -1.0);
            for longer in pairs.iter().map(|pair| self.longer(pair)) {
                let chance = 1.0 / (1.0 + (-slope * longer).exp());
                first += (1.0 - chance) * longer;
                second -= chance * (1.0 - chance) * longer * longer;
            }
            slope = (slope - first / second).clamp(-5.0, 5.0);
        }
        slope
    }

    /// Figures on the held-out problems, on their programs of the last pool: what searches find by now. `None` if there are
    /// none.
    fn figures(&self, network: &Network) -> Result<Option<RankFigures>, ScorerError> {
        let last = self.pools.last();
        let is_last = |index: &&usize| self.pools.get(**index) == last;
        let held = self.held.iter().filter(is_last).filter_map(|index| self.examples.get(*index));
        let held: Vec<Example> = held.cloned().collect();
        let scores = network.scores(&held)?;
        let problems = by_problem(&held, &scores);
        Ok((!problems.is_empty()).then(|| RankFigures::of(&problems)))
    }

    /// The reranker of the best round.
    fn finish(&self, state: State) -> Result<Reranker, TrainError> {
        let (epochs, steps) = (state.about.epoch, state.about.steps);
        let weights = state.into_best();
        let network = Network {
            encoder: Encoder::new(self.config.encoder, weights.clone())?,
            head: Head { weights: weights.clone() },
        };
        let training = json!({
            "settings": self.config, "examples": self.examples.len(), "rounds": epochs / self.config.epochs,
            "steps": steps, "held_out": self.figures(&network)?,
        });
        let manifest = Manifest {
            kind: ScorerKind::Reranker,
            encoder: self.config.encoder,
            pooling: Pooling::default(),
            temperature: 1.0,
            training,
        };
        Ok(Reranker::from_file(ScorerFile::new(manifest, weights)?)?)
    }
}

use std::path::Path;

use candle_core::{Device, Tensor, Var};

use super::checkpoint::{CheckpointError, read};
use super::weights::{Slot, Weights};
use super::*;
use crate::critic::{Critic, CriticConfig, Pooling};
use crate::encoder::{EncoderConfig, Tokens};
use crate::rerank::{RerankConfig, Reranker};
use crate::scorer::{self, Scorer as _};

/// Hears nothing; stops after some steps, and keeps the last state.
#[derive(Default)]
pub(crate) struct Ear {
    pub(crate) stop_after: Option<u64>,
    pub(crate) kept: Option<Vec<u8>>,
    pub(crate) measured: Vec<f64>,
}

impl Watch for Ear {
    fn step(&mut self, step: &Step) -> Flow {
        if self.stop_after == Some(step.step) { Flow::Stop } else { Flow::On }
    }

    fn measured(&mut self, measured: &Measured) {
        self.measured.push(measured.value);
    }

    fn keep(&mut self, state: &State) -> Result<(), CheckpointError> {
        let file = tempfile::NamedTempFile::new()?;
        state.write(file.path())?;
        self.kept = Some(std::fs::read(file.path())?);
        Ok(())
    }
}

impl Ear {
    fn state(&self) -> State {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), self.kept.as_ref().unwrap()).unwrap();
        read_state(file.path()).unwrap()
    }
}

pub(crate) fn done<T>(trained: Trained<T>) -> T {
    match trained {
        Trained::Done(scorer) => scorer,
        Trained::Stopped => panic!("the training was stopped"),
    }
}

pub(crate) const TINY: EncoderConfig = EncoderConfig {
    tokens: Tokens::Bytes,
    width: 8,
    layers: 1,
    heads: 2,
    inner: 8,
    problem_tokens: 8,
    program_tokens: 16,
};

/// Programs of a few problems, a third of them right.
fn examples() -> Vec<Example> {
    let example = |index: u64| {
        let outcome = if index.is_multiple_of(3) { Outcome::Passed } else { Outcome::FailedTest };
        Example {
            problem_id: format!("p{}", index % 5),
            problem: format!("p{}", index % 5),
            program: format!("x = {index}"),
            outcome,
            pass_rate: if outcome == Outcome::Passed { 1.0 } else { 0.5 },
            shape: index,
        }
    };
    (0..40).map(example).collect()
}

fn critic() -> CriticConfig {
    CriticConfig { encoder: TINY, epochs: 2, ..CriticConfig::default() }
}

fn reranker() -> RerankConfig {
    RerankConfig { encoder: TINY, rounds: 2, epochs: 2, ..RerankConfig::default() }
}

fn train_critic(config: &CriticConfig, ear: &mut Ear, from: Option<State>) -> Trained<Critic> {
    crate::critic::train(config, &examples(), from, ear).unwrap()
}

fn train_reranker(ear: &mut Ear, from: Option<State>) -> Trained<Reranker> {
    crate::rerank::train(&reranker(), &[&examples()], from, ear).unwrap()
}

#[test]
fn the_labels_are_those_of_the_paper() {
    assert_eq!(Outcome::ALL.map(Outcome::label), [0, 1, 2, 3]);
    let read = |text: &str| Outcome::of_coderl(&serde_json::from_str(text).unwrap());
    assert_eq!(read("-2"), Some(Outcome::CompileError));
    assert_eq!(read("-1"), Some(Outcome::RuntimeError));
    assert_eq!(read("false"), Some(Outcome::FailedTest));
    assert_eq!(read("true"), Some(Outcome::Passed));
    assert_eq!((read("1"), read("0"), read("\"true\""), read("null")), (None, None, None, None));
}

#[test]
fn the_same_seed_gives_the_same_critic_and_another_seed_another() {
    let train = |config| done(train_critic(&config, &mut Ear::default(), None)).file().fingerprint.clone();
    let first = train(critic());
    assert_eq!(first, train(critic()));
    assert_ne!(first, train(CriticConfig { seed: 1, ..critic() }));
    let mean = CriticConfig { pooling: Pooling::LogMeanExp, ..critic() };
    assert_ne!(first, train(mean));
}

#[test]
fn a_continued_training_comes_to_the_weights_of_an_uninterrupted_one() {
    let whole = done(train_critic(&critic(), &mut Ear::default(), None));
    let whole_ranks = done(train_reranker(&mut Ear::default(), None));
    for stop in [1, 2, 3, 4] {
        let mut ear = Ear { stop_after: Some(stop), ..Ear::default() };
        assert!(matches!(train_critic(&critic(), &mut ear, None), Trained::Stopped), "{stop}");
        let continued = done(train_critic(&critic(), &mut Ear::default(), Some(ear.state())));
        assert_eq!(continued.file().fingerprint, whole.file().fingerprint, "{stop}");
    }
    // One round takes several steps, so these stops are in both.
    for stop in [1, 7, 17, 26] {
        let mut ear = Ear { stop_after: Some(stop), ..Ear::default() };
        if matches!(train_reranker(&mut ear, None), Trained::Done(_)) {
            continue;
        }
        let continued = done(train_reranker(&mut Ear::default(), Some(ear.state())));
        assert_eq!(continued.file().fingerprint, whole_ranks.file().fingerprint, "{stop}");
    }
}

#[test]
fn a_state_of_another_training_is_refused() {
    let mut ear = Ear { stop_after: Some(1), ..Ear::default() };
    assert!(matches!(train_critic(&critic(), &mut ear, None), Trained::Stopped));
    let refused = |config: &CriticConfig, examples: &[Example]| match crate::critic::train(
        config,
        examples,
        Some(ear.state()),
        &mut Ear::default(),
    ) {
        Err(TrainError::OtherTraining { what }) => what,
        other => panic!("{:?}", other.map(drop_scorer)),
    };
    assert_eq!(refused(&CriticConfig { seed: 9, ..critic() }, &examples()), "settings");
    assert_eq!(refused(&critic(), &examples()[1..]), "examples");
    let refused = crate::rerank::train(&reranker(), &[&examples()], Some(ear.state()), &mut Ear::default());
    assert!(matches!(refused, Err(TrainError::OtherTraining { what: "settings" })));
}

fn drop_scorer<T>(trained: Trained<T>) -> &'static str {
    if matches!(trained, Trained::Stopped) { "stopped" } else { "done" }
}

#[test]
fn what_cannot_be_learnt_from_is_an_error() {
    let passing: Vec<Example> = examples().into_iter().filter(|it| it.outcome == Outcome::Passed).collect();
    let ear = &mut Ear::default();
    let none = crate::critic::train(&critic(), &[], None, ear).err();
    assert!(matches!(none, Some(TrainError::Examples { .. })));
    assert!(crate::critic::train(&critic(), &passing, None, ear).is_err());
    assert!(crate::rerank::train(&reranker(), &[&passing], None, ear).is_err());
    assert!(crate::rerank::train(&reranker(), &[], None, ear).is_err());
    let config = CriticConfig { learning_rate: f64::NAN, ..critic() };
    let error = crate::critic::train(&config, &examples(), None, ear).err();
    assert!(matches!(error, Some(TrainError::Settings { .. })));
}

#[test]
fn the_first_step_asserts_that_every_variable_learns() {
    let slots = [Slot::constant("used", 2, 1.0), Slot::constant("unused", 2, 1.0)];
    let weights = Weights::draw(&slots, 0).unwrap();
    let loss = weights.get("used").unwrap().sum_all().unwrap();
    let error = AdamW::new(&weights, 0.0).unwrap().step(&weights, &loss, 0.1).unwrap_err();
    assert!(matches!(&error, TrainError::NoGradient { name } if name == "unused"), "{error}");

    let both = |unused: f32| {
        let unused = Tensor::new(&[unused, unused], &Device::Cpu).unwrap();
        let unused = (weights.get("unused").unwrap() * unused).unwrap();
        (weights.get("used").unwrap() + unused).unwrap().sum_all().unwrap()
    };
    let error = AdamW::new(&weights, 0.0).unwrap().step(&weights, &both(0.0), 0.1).unwrap_err();
    assert!(matches!(&error, TrainError::Unchanged { name } if name == "unused"), "{error}");
    AdamW::new(&weights, 0.0).unwrap().step(&weights, &both(1.0), 0.1).unwrap();

    let hopeless = (both(1.0) * f64::NAN).unwrap();
    let error = AdamW::new(&weights, 0.0).unwrap().step(&weights, &hopeless, 0.1).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { step: 1 }));
}

/// One step of AdamW by hand: the first step moves by the rate against the sign, after the decay.
#[test]
fn the_optimiser_is_adamw() {
    let matrix = Slot { name: "w".into(), shape: vec![1, 2], start: super::weights::Start::Constant(2.0) };
    let weights = Weights::draw(&[matrix], 0).unwrap();
    let direction = Var::new(&[[0.3_f32, -0.4]], &Device::Cpu).unwrap();
    let loss =
        |weights: &Weights| (weights.get("w").unwrap() * direction.as_tensor()).unwrap().sum_all().unwrap();
    let mut optimiser = AdamW::new(&weights, 0.5).unwrap();
    optimiser.step(&weights, &loss(&weights), 0.1).unwrap();
    let values = |weights: &Weights| weights.get("w").unwrap().to_vec2::<f32>().unwrap()[0].clone();
    for (value, expected) in values(&weights).into_iter().zip([1.9 - 0.1, 1.9 + 0.1]) {
        assert!((value - expected).abs() < 1e-5, "{value}");
    }
    // With the same gradient both moments stay, so the second step is like the first.
    optimiser.step(&weights, &loss(&weights), 0.1).unwrap();
    for (value, expected) in values(&weights).into_iter().zip([1.8 * 0.95 - 0.1, 2.0 * 0.95 + 0.1]) {
        assert!((value - expected).abs() < 1e-5, "{value}");
    }
}

fn written(folder: &Path) -> (std::path::PathBuf, Critic) {
    let critic = done(train_critic(&critic(), &mut Ear::default(), None));
    let path = folder.join("critic");
    critic.file().write(&path).unwrap();
    (path, critic)
}

#[test]
fn a_written_scorer_scores_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let (path, critic) = written(folder.path());
    let read = scorer::open(&path).unwrap();
    assert_eq!(read.fingerprint(), critic.fingerprint());
    let programs = ["x = 1", "x = 30", "é"];
    assert_eq!(read.assess("p1", &programs).unwrap(), critic.assess("p1", &programs).unwrap());
    let again = folder.path().join("again");
    Critic::read(&path).unwrap().file().write(&again).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());

    let reranker = done(train_reranker(&mut Ear::default(), None));
    reranker.file().write(&path).unwrap();
    let read = scorer::open(&path).unwrap();
    assert_eq!(read.assess("p1", &programs).unwrap(), reranker.assess("p1", &programs).unwrap());
    assert!(matches!(Critic::read(&path), Err(CheckpointError::Foreign { .. })));
}

#[test]
fn damaged_and_foreign_files_are_errors_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(folder.path());
    let good = std::fs::read(&path).unwrap();
    let refused = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = read(&path).unwrap_err();
        let says = error.to_string();
        assert!(
            ["again", "anew", "name a file", "check the path"].iter().any(|remedy| says.contains(remedy)),
            "{says}"
        );
        error
    };
    for length in (0..good.len()).step_by(97).chain([1, 7, 8, 9, good.len() - 1]) {
        refused(&good[..length]);
    }
    for place in (0..good.len()).step_by(41) {
        let mut bytes = good.clone();
        bytes[place] ^= 0x10;
        refused(&bytes);
    }
    refused(&[&good[..], b"more"].concat());
    refused(b"def f(): pass\n");
    refused(&[0xff; 64]);
    let foreign = Tensor::zeros((2, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    candle_core::safetensors::save(&std::collections::HashMap::from([("w", foreign)]), &path).unwrap();
    assert!(matches!(read(&path), Err(CheckpointError::Foreign { .. })));
    std::fs::write(&path, Ear::kept_state()).unwrap();
    assert!(matches!(read(&path), Err(CheckpointError::Foreign { .. })));
    assert!(matches!(read(folder.path()), Err(CheckpointError::Io(_))));
    assert!(matches!(read(&folder.path().join("none")), Err(CheckpointError::Io(_))));
}

impl Ear {
    fn kept_state() -> Vec<u8> {
        let mut ear = Self { stop_after: Some(1), ..Self::default() };
        assert!(matches!(train_critic(&critic(), &mut ear, None), Trained::Stopped));
        ear.kept.unwrap()
    }
}

#[test]
fn problems_are_held_out_as_wholes() {
    let examples = examples();
    let (train, held) = split(&examples, 0.2, 3);
    let ids = |indices: &[usize]| {
        indices
            .iter()
            .map(|index| examples[*index].problem_id.clone())
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!((ids(&train).len(), ids(&held).len(), train.len() + held.len()), (4, 1, 40));
    assert!(ids(&train).is_disjoint(&ids(&held)));
    assert!(split(&examples, 0.0, 3).1.is_empty());
    let one: Vec<Example> = examples.iter().filter(|it| it.problem_id == "p0").cloned().collect();
    let (train, held) = split(&one, 0.2, 3);
    assert_eq!((train.len(), held.len()), (6, 2));
}

#[test]
fn batches_hold_every_item_once_and_about_one_length() {
    let lengths: Vec<usize> = (0..100).map(|index| index % 10).collect();
    let order = batches(&lengths, 8, &mut stream(1, "order", 0));
    let mut all = order.concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert_eq!(order, batches(&lengths, 8, &mut stream(1, "order", 0)));
    assert_ne!(order, batches(&lengths, 8, &mut stream(1, "order", 1)));
}

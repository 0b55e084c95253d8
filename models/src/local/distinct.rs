//! Answers to one prompt that are all different: the sequence of them, which is a function of prompt, settings and seed.
//!
//! It is drawn in rounds of a fixed size, whatever the requests ask for at once, so that the same place in it holds the same
//! answer in every process. What is known of it is kept for the requests to come; what is not is drawn again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::drawn::DrawnTree;
use super::engine::Engine;
use super::request::{Answer, EngineError, Generate, Generated};
use super::sample::Sampling;
use crate::split::mix;

/// Answers that are drawn together. Two of a round may be alike, and count once.
const ROUND: u64 = 4;
/// Sequences that are kept, those asked for last.
const KEPT: usize = 64;

/// The sequences of an engine.
#[derive(Debug, Clone, Default)]
pub(super) struct Sequences {
    kept: Arc<Mutex<VecDeque<(Identity, Shared)>>>,
}

type Shared = Arc<tokio::sync::Mutex<Sequence>>;

/// What a sequence depends on.
#[derive(Debug, Clone, PartialEq)]
struct Identity {
    prompt: Vec<u32>,
    sampling: Sampling,
    tokens_max: usize,
    stop: Vec<String>,
    seed: u64,
}

/// The beginning of a sequence.
#[derive(Debug, Default)]
struct Sequence {
    drawn: Arc<DrawnTree>,
    answers: Vec<Answer>,
    rounds: u64,
    /// Tokens of answers that were known since the last new one.
    spilled: usize,
}

impl Sequences {
    /// The answers from the `first` on, as many as the request has seeds, the first of which is that of the sequence. An
    /// answer's `drawn` also counts the tokens of those before it that were known.
    ///
    /// # Errors
    /// As [`Engine::generate`].
    ///
    /// # Cancellation
    /// Dropping the future loses the round that is being drawn.
    pub(super) async fn generate(
        &self,
        engine: &Engine,
        request: Generate,
        first: usize,
    ) -> Result<Generated, EngineError> {
        let end = first.saturating_add(request.seeds.len());
        let seed = request.seeds.first().copied().unwrap_or(0);
        let sequence = self.of(&request, seed);
        let mut sequence = sequence.lock().await;
        let mut cached = request.prompt.len();
        while sequence.answers.len() < end {
            let row = |row| mix(seed ^ mix(sequence.rounds * ROUND + row));
            let seeds = (0..ROUND).map(row).collect();
            let round = Generate { seeds, without: Some(Arc::clone(&sequence.drawn)), ..request.clone() };
            let drawn = engine.generate(round).await?;
            cached = cached.min(drawn.cached);
            sequence.take(drawn.answers);
        }
        let answers = sequence.answers.get(first..end).unwrap_or_default().to_vec();
        Ok(Generated { answers, cached })
    }

    /// The sequence of a request, begun if need be.
    fn of(&self, request: &Generate, seed: u64) -> Shared {
        let identity = Identity {
            prompt: request.prompt.clone(),
            sampling: request.sampling,
            tokens_max: request.tokens_max,
            stop: request.stop.clone(),
            seed,
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.iter().position(|(other, _)| *other == identity).and_then(|at| kept.remove(at));
        let entry = known.unwrap_or_else(|| (identity, Shared::default()));
        let sequence = Arc::clone(&entry.1);
        kept.push_back(entry);
        if kept.len() > KEPT {
            kept.pop_front();
        }
        sequence
    }
}

impl Sequence {
    /// Takes the new ones of a round. Where nothing is new the model has no more answers, and they come again.
    fn take(&mut self, round: Vec<Answer>) {
        self.rounds += 1;
        let tree = Arc::make_mut(&mut self.drawn);
        let new: Vec<bool> = round.iter().map(|answer| tree.insert(&answer.shares)).collect();
        let is_used_up = !new.contains(&true);
        for (mut answer, is_new) in round.into_iter().zip(new) {
            if is_new || is_used_up {
                answer.drawn += std::mem::take(&mut self.spilled);
                self.answers.push(answer);
            } else {
                self.spilled += answer.drawn;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::load::LoadOptions;
    use crate::local::{DeviceChoice, EngineOptions, LocalModel, fixture};

    fn engine() -> Engine {
        let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
        let model = LocalModel::from_bytes(fixture::model(&fixture::config(), 7), &load).unwrap();
        Engine::start(model, EngineOptions::default()).unwrap()
    }

    fn request(count: usize, tokens_max: usize) -> Generate {
        Generate {
            prompt: vec![3, 1, 4],
            seeds: vec![5; count],
            // So cold that the same few answers come again and again.
            sampling: Sampling { temperature: 0.2, top_p: None, min_p: None },
            tokens_max,
            stop: Vec::new(),
            processors: Vec::new(),
            without: None,
        }
    }

    async fn drawn(sequences: &Sequences, engine: &Engine, first: usize, count: usize) -> Vec<Vec<u32>> {
        let generated = sequences.generate(engine, request(count, 4), first).await.unwrap();
        generated.answers.into_iter().map(|answer| answer.tokens).collect()
    }

    fn distinct<T: Ord + Clone>(items: &[T]) -> usize {
        let mut sorted = items.to_vec();
        sorted.sort();
        sorted.dedup();
        sorted.len()
    }

    #[tokio::test]
    async fn no_answer_comes_twice_however_they_are_asked_for() {
        let engine = engine();
        let plain = engine.generate(Generate { seeds: (0..30).collect(), ..request(0, 4) }).await.unwrap();
        let plain: Vec<Vec<u32>> = plain.answers.into_iter().map(|answer| answer.tokens).collect();
        assert!(distinct(&plain) < 25, "{plain:?}");
        let at_once = drawn(&Sequences::default(), &engine, 0, 30).await;
        assert_eq!(distinct(&at_once), 30, "{at_once:?}");
        let sequences = Sequences::default();
        let mut parts = drawn(&sequences, &engine, 0, 7).await;
        parts.extend(drawn(&sequences, &engine, 7, 3).await);
        assert_eq!(parts, at_once[..10]);
        // Another process knows nothing of what came before.
        assert_eq!(drawn(&Sequences::default(), &engine, 25, 5).await, at_once[25..]);
    }

    #[tokio::test]
    async fn where_there_are_no_more_they_come_again() {
        let engine = engine();
        let greedy = Sampling { temperature: 0.0, top_p: None, min_p: None };
        let request = Generate { sampling: greedy, ..request(6, 4) };
        let answers = Sequences::default().generate(&engine, request, 0).await.unwrap().answers;
        let tokens: Vec<_> = answers.iter().map(|answer| answer.tokens.clone()).collect();
        assert_eq!((tokens.len(), distinct(&tokens)), (6, 1));
        // The three that were drawn beside the first, and not given, are counted with the next.
        assert_eq!(answers[1].drawn, 4 * answers[0].drawn);
    }

    #[test]
    fn only_the_sequences_used_last_are_kept() {
        let sequences = Sequences::default();
        let of = |seed| sequences.of(&request(1, 4), seed);
        let first = of(0);
        (1..KEPT as u64).for_each(|seed| drop(of(seed)));
        assert!(Arc::ptr_eq(&first, &of(0)));
        (KEPT as u64..2 * KEPT as u64).for_each(|seed| drop(of(seed)));
        assert!(!Arc::ptr_eq(&first, &of(0)));
    }
}

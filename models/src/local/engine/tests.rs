use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::*;
use crate::decode::{Cut, LogitsProcessor};
use crate::local::fixture;
use crate::local::load::LoadOptions;
use crate::local::request::{Answer, End, Hidden};
use crate::local::sample::Sampling;
use crate::local::{DecoderConfig, DeviceChoice, ProcessorFactory};

fn engine(options: EngineOptions) -> Engine {
    let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    Engine::start(LocalModel::from_bytes(fixture::model(&fixture::config(), 7), &load).unwrap(), options)
        .unwrap()
}

fn usual() -> Engine {
    engine(EngineOptions::default())
}

fn prompt(common: u32, own: u32) -> Vec<u32> {
    (0..common).map(|token| token * 31 % 250).chain((0..9).map(|token| (own * 7 + token) % 250)).collect()
}

fn request(prompt: Vec<u32>, seeds: &[u64]) -> Generate {
    Generate {
        prompt,
        seeds: seeds.to_vec(),
        sampling: Sampling { temperature: 1.0, top_p: Some(0.95), min_p: None },
        tokens_max: 12,
        stop: Vec::new(),
        processors: Vec::new(),
        without: None,
    }
}

fn tokens(answers: &[Answer]) -> Vec<&[u32]> {
    answers.iter().map(|answer| answer.tokens.as_slice()).collect()
}

#[tokio::test]
async fn same_seed_same_text_whatever_else_runs() {
    let alone = usual().generate(request(prompt(40, 1), &[5])).await.unwrap();
    let engine = usual();
    let (first, second, third) = tokio::join!(
        engine.generate(request(prompt(40, 2), &[1, 2, 3])),
        engine.generate(request(prompt(40, 1), &[9, 5, 7, 5])),
        engine.generate(request(prompt(3, 1), &[4])),
    );
    let crowd = second.unwrap();
    assert_eq!(tokens(&crowd.answers)[1], alone.answers[0].tokens);
    assert_eq!(tokens(&crowd.answers)[3], alone.answers[0].tokens);
    assert_ne!(tokens(&crowd.answers)[0], alone.answers[0].tokens);
    assert_eq!((first.unwrap().answers.len(), third.unwrap().answers.len()), (3, 1));
}

#[tokio::test]
async fn a_known_prefix_changes_nothing_but_the_work() {
    let engine = usual();
    let fresh = engine.generate(request(prompt(40, 1), &[5, 6])).await.unwrap();
    let again = engine.generate(request(prompt(40, 1), &[5, 6])).await.unwrap();
    let sibling = engine.generate(request(prompt(40, 2), &[5])).await.unwrap();
    assert_eq!(tokens(&fresh.answers), tokens(&again.answers));
    assert_eq!((fresh.cached, again.cached, sibling.cached), (0, 48, 40));
    let alone = usual().generate(request(prompt(40, 2), &[5])).await.unwrap();
    assert_eq!(tokens(&sibling.answers), tokens(&alone.answers));
    assert_eq!(engine.totals().hit_tokens, 88);
}

#[tokio::test]
async fn reading_in_chunks_is_reading_at_once() {
    let small = engine(EngineOptions { chunk: 7, ..EngineOptions::default() });
    let a = small.generate(request(prompt(60, 1), &[5])).await.unwrap();
    let b = usual().generate(request(prompt(60, 1), &[5])).await.unwrap();
    assert_eq!(tokens(&a.answers), tokens(&b.answers));
}

#[tokio::test]
async fn eviction_never_changes_an_answer() {
    // Room for one prompt and a few rows: each new prompt drives the last one out.
    let tight = engine(EngineOptions { kv_budget: 2048 * 200, ..EngineOptions::default() });
    let first = tight.generate(request(prompt(40, 1), &[5])).await.unwrap();
    for other in 0..4 {
        let prompt = (0..80).map(|token| (token * 13 + other * 50) % 250).collect();
        tight.generate(request(prompt, &[1])).await.unwrap();
    }
    let again = tight.generate(request(prompt(40, 1), &[5])).await.unwrap();
    assert_eq!(again.cached, 0);
    assert_eq!(tokens(&first.answers), tokens(&again.answers));
}

#[tokio::test]
async fn more_rows_than_fit_are_drawn_one_after_the_other() {
    let seeds: Vec<u64> = (0..9).collect();
    let narrow = engine(EngineOptions { rows_max: 2, ..EngineOptions::default() });
    let a = narrow.generate(request(prompt(20, 1), &seeds)).await.unwrap();
    let b = usual().generate(request(prompt(20, 1), &seeds)).await.unwrap();
    assert_eq!(tokens(&a.answers), tokens(&b.answers));
    let tight = engine(EngineOptions { kv_budget: 2048 * 160, ..EngineOptions::default() });
    let c = tight.generate(request(prompt(20, 1), &seeds)).await.unwrap();
    assert_eq!(tokens(&c.answers), tokens(&b.answers));
}

#[tokio::test]
async fn what_cannot_be_carried_out_is_refused() {
    let tight = engine(EngineOptions { kv_budget: 2048 * 100, ..EngineOptions::default() });
    let refused = async |request: Generate| tight.generate(request).await.unwrap_err();
    assert!(matches!(refused(request(vec![1; 2048], &[1])).await, EngineError::ContextTooLong { .. }));
    assert!(matches!(refused(request(vec![1; 90], &[1])).await, EngineError::Budget { .. }));
    assert!(matches!(refused(request(vec![], &[1])).await, EngineError::Empty { .. }));
    assert!(matches!(refused(request(vec![1], &[])).await, EngineError::Empty { .. }));
    assert!(matches!(refused(request(vec![512], &[1])).await, EngineError::NoSuchToken { .. }));
}

#[tokio::test]
async fn an_answer_ends_where_the_context_does() {
    let answer =
        usual().generate(Generate { tokens_max: 1000, ..request(vec![1; 2043], &[1]) }).await.unwrap();
    assert!(answer.answers[0].tokens.len() <= 5);
    let one = usual().generate(request(vec![65], &[1])).await.unwrap();
    assert!(!one.answers[0].tokens.is_empty());
}

#[tokio::test]
async fn a_dropped_request_ends_its_rows() {
    let engine = usual();
    let long = Generate { tokens_max: 1900, ..request(prompt(40, 1), &[1; 8]) };
    let dropped = tokio::time::timeout(Duration::from_millis(300), engine.generate(long)).await;
    assert!(dropped.is_err());
    engine.generate(request(prompt(4, 1), &[1])).await.unwrap();
    let drawn = engine.totals().drawn_tokens;
    engine.generate(request(prompt(4, 1), &[1])).await.unwrap();
    // Nobody else is drawing any more.
    assert!(engine.totals().drawn_tokens - drawn <= 12);
}

#[tokio::test]
async fn log_probabilities_are_those_of_the_scores() {
    let engine = usual();
    let drawn = engine.generate(request(prompt(40, 1), &[5, 6, 7])).await.unwrap();
    let continuations: Vec<Vec<u32>> = drawn.answers.iter().map(|answer| answer.tokens.clone()).collect();
    let score = |hidden| Score { prefix: prompt(40, 1), continuations: continuations.clone(), hidden };
    let scored = engine.score(score(Hidden::None)).await.unwrap();
    for (answer, scored) in drawn.answers.iter().zip(&scored) {
        assert_eq!(answer.logprobs.len(), scored.logprobs.len());
        let close = answer.logprobs.iter().zip(&scored.logprobs).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(close, "{:?} {:?}", answer.logprobs, scored.logprobs);
        assert!(scored.entropies.iter().all(|entropy| (0.0..=6.3).contains(entropy)));
    }
    let all = engine.score(score(Hidden::All)).await.unwrap();
    let last = engine.score(score(Hidden::Last)).await.unwrap();
    for ((all, last), continuation) in all.iter().zip(&last).zip(&continuations) {
        assert_eq!((all.hidden.len(), last.hidden.len()), (continuation.len(), 1));
        assert_eq!(all.hidden.last(), last.hidden.last());
        assert_eq!(last.hidden[0].len(), 256);
    }
}

#[tokio::test]
async fn scores_do_not_depend_on_the_company() {
    let engine = engine(EngineOptions { chunk: 5, ..EngineOptions::default() });
    let continuations: Vec<Vec<u32>> = vec![vec![1, 2, 3], vec![9; 20], vec![4], vec![7; 11]];
    let together =
        Score { prefix: prompt(30, 1), continuations: continuations.clone(), hidden: Hidden::Last };
    let together = engine.score(together).await.unwrap();
    for (continuation, expected) in continuations.into_iter().zip(together) {
        let alone = Score { prefix: prompt(30, 1), continuations: vec![continuation], hidden: Hidden::Last };
        let alone = usual().score(alone).await.unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-3;
        assert!(alone[0].logprobs.iter().zip(&expected.logprobs).all(|(a, b)| close(*a, *b)));
        let hidden = alone[0].hidden[0].iter().zip(&expected.hidden[0]);
        assert!(hidden.map(|(a, b)| f64::from(*a) - f64::from(*b)).all(|difference| close(difference, 0.0)));
    }
}

#[tokio::test]
async fn the_likeliest_token_does_not_need_a_seed() {
    let engine = usual();
    let greedy = |seed| Generate {
        sampling: Sampling { temperature: 0.0, top_p: None, min_p: None },
        ..request(prompt(20, 1), &[seed])
    };
    let (a, b) = tokio::join!(engine.generate(greedy(1)), engine.generate(greedy(2)));
    assert_eq!(tokens(&a.unwrap().answers), tokens(&b.unwrap().answers));
}

#[tokio::test]
async fn an_end_token_ends_the_answer() {
    let engine = usual();
    let many = Generate { tokens_max: 400, ..request(prompt(20, 1), &[1, 2, 3, 4]) };
    for answer in engine.generate(many).await.unwrap().answers {
        match answer.end {
            End::Token => assert_eq!(answer.tokens.last(), Some(&257)),
            end => assert_eq!((end, answer.tokens.len()), (End::Length, 400)),
        }
        assert!(!answer.tokens.iter().rev().skip(1).any(|token| *token == 257));
    }
}

/// A model that is small enough for thousands of steps.
fn tiny(seed: u64) -> LocalModel {
    let config = DecoderConfig { hidden: 64, intermediate: 128, head_dim: 16, ..fixture::config() };
    let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    LocalModel::from_bytes(fixture::model(&config, seed), &load).unwrap()
}

fn guessing(speculation: Speculation) -> Engine {
    Engine::start(tiny(7), EngineOptions { speculation, ..EngineOptions::default() }).unwrap()
}

/// Records by how much the likeliest token was ahead, at the least.
struct Gaps(usize, Arc<Mutex<Vec<f32>>>);

impl LogitsProcessor for Gaps {
    fn process(&mut self, logits: &mut [f32]) {
        let (mut best, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        for logit in logits.iter().copied() {
            (best, second) = (best.max(logit), if logit > best { best } else { second.max(logit) });
        }
        let gap = &mut self.1.lock().unwrap()[self.0];
        *gap = gap.min(best - second);
    }

    fn accept(&mut self, _: u32) -> Option<Cut> {
        None
    }
}

#[tokio::test]
async fn guesses_change_nothing_but_the_number_of_passes() {
    let (plain, ahead) = (guessing(Speculation::Off), guessing(Speculation::Always));
    let (mut compared, mut drawn) = (0, 0);
    for own in 0..200 {
        let gaps = Arc::new(Mutex::new(vec![f32::INFINITY]));
        let recorded = Arc::clone(&gaps);
        let factory: Arc<ProcessorFactory> =
            Arc::new(move |start| Box::new(Gaps(start.row, Arc::clone(&recorded))));
        let greedy = Sampling { temperature: 0.0, top_p: None, min_p: None };
        let greedy =
            Generate { sampling: greedy, tokens_max: 200, ..request(prompt(5 + own % 7, own), &[0]) };
        let watched = Generate { processors: vec![factory], ..greedy.clone() };
        let expected = plain.generate(watched).await.unwrap();
        // Where two tokens are as good as equal, the last bit decides, and that differs between kernels.
        if gaps.lock().unwrap()[0] < 1e-3 {
            continue;
        }
        let guessed = ahead.generate(greedy).await.unwrap();
        assert_eq!(tokens(&guessed.answers), tokens(&expected.answers), "prompt {own}");
        let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-4;
        assert!(guessed.answers[0].logprobs.iter().zip(&expected.answers[0].logprobs).all(close));
        compared += 1;
        drawn += guessed.answers[0].drawn;
        if compared == 50 {
            break;
        }
    }
    assert_eq!(compared, 50);
    let totals = ahead.totals();
    assert_eq!(totals.drawn_tokens, drawn as u64);
    assert!(totals.steps * 3 < totals.drawn_tokens * 2, "{totals:?}");
}

#[tokio::test]
async fn guesses_change_no_sample_either() {
    let (plain, ahead) = (guessing(Speculation::Off), guessing(Speculation::Always));
    for own in 0..6 {
        let cold = Sampling { temperature: 0.6, top_p: Some(0.95), min_p: None };
        let stopped = |request: Generate| Generate { tokens_max: 90, sampling: cold, ..request };
        // Twice: the second time much of it is guessed.
        for _ in 0..2 {
            let request = stopped(request(prompt(9, own), &[u64::from(own)]));
            let expected = plain.generate(request.clone()).await.unwrap();
            let guessed = ahead.generate(request).await.unwrap();
            assert_eq!(tokens(&guessed.answers), tokens(&expected.answers), "prompt {own}");
        }
    }
    // Rows that begin together and end apart: the last one is guessed ahead from where it is.
    let together = Generate { tokens_max: 60, ..request(prompt(9, 3), &[1, 2, 3]) };
    let expected = plain.generate(together.clone()).await.unwrap();
    assert_eq!(tokens(&ahead.generate(together).await.unwrap().answers), tokens(&expected.answers));
}

fn drafted(by: u64) -> Engine {
    Engine::start_with_draft(tiny(7), tiny(by), EngineOptions::default()).unwrap()
}

#[tokio::test]
async fn a_draft_model_changes_no_greedy_answer() {
    let (plain, other, same) = (guessing(Speculation::Off), drafted(8), drafted(7));
    let greedy = Sampling { temperature: 0.0, top_p: None, min_p: None };
    for own in 0..5 {
        let request = Generate { sampling: greedy, tokens_max: 60, ..request(prompt(9, own), &[1]) };
        let expected = plain.generate(request.clone()).await.unwrap();
        for engine in [&other, &same] {
            let answers = engine.generate(request.clone()).await.unwrap().answers;
            assert_eq!(tokens(&answers), tokens(&expected.answers));
        }
    }
    // Three guesses and a token more in nearly every pass where the draft model is the model itself.
    let totals = same.totals();
    assert!(totals.drawn_tokens > 3 * totals.steps, "{totals:?}");
}

#[tokio::test]
async fn with_a_draft_model_a_seed_makes_a_text_whatever_else_runs() {
    let alone = drafted(8).generate(request(prompt(40, 1), &[5])).await.unwrap();
    let engine = drafted(8);
    let (crowd, _) = tokio::join!(
        engine.generate(request(prompt(40, 1), &[9, 5, 7])),
        engine.generate(request(prompt(40, 2), &[1, 2]))
    );
    assert_eq!(tokens(&crowd.unwrap().answers)[1], alone.answers[0].tokens);
}

#[tokio::test]
async fn with_a_draft_model_answers_have_the_model_s_probabilities() {
    const ANSWERS: u64 = 1500;
    let sampling = Sampling { temperature: 0.5, top_p: None, min_p: Some(0.2) };
    let (plain, engine) = (guessing(Speculation::Off), drafted(8));
    let pair = Generate { sampling, tokens_max: 2, ..request(prompt(9, 1), &[]) };
    let drawn = Generate { seeds: (0..ANSWERS).collect(), ..pair.clone() };
    let mut counts: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    for answer in engine.generate(drawn).await.unwrap().answers {
        *counts.entry(answer.tokens).or_default() += 1;
    }
    // What the settings make of the model's own probabilities.
    let next = async |prefix: Vec<u32>| -> Vec<(u32, f64)> {
        let continuations = (0..512).map(|token| vec![token]).collect();
        let scored = plain.score(Score { prefix, continuations, hidden: Hidden::None }).await.unwrap();
        let weights: Vec<f64> = scored.iter().map(|scored| (scored.logprobs[0] / 0.5).exp()).collect();
        let least = 0.2 * weights.iter().copied().fold(0.0, f64::max);
        let whole: f64 = weights.iter().filter(|weight| **weight >= least).sum();
        let kept = (0..).zip(weights).filter(|(_, weight)| *weight >= least);
        kept.map(|(token, weight)| (token, weight / whole)).collect()
    };
    let (mut chi2, mut cells) = (0.0, 0_u32);
    for (first, share) in next(pair.prompt.clone()).await {
        for (second, behind) in next([&pair.prompt[..], &[first]].concat()).await {
            let expected = share * behind * ANSWERS as f64;
            chi2 +=
                (f64::from(counts.remove(&vec![first, second]).unwrap_or(0)) - expected).powi(2) / expected;
            cells += 1;
        }
    }
    assert!(counts.is_empty(), "answers that cannot be: {counts:?}");
    // Wilson and Hilferty's bound, which chance exceeds once in a thousand.
    let freedom = f64::from(cells - 1);
    let bound = freedom * (1.0 - 2.0 / (9.0 * freedom) + 3.09 * (2.0 / (9.0 * freedom)).sqrt()).powi(3);
    assert!(cells > 3 && chi2 < bound, "{chi2} against {bound} in {cells} cells");
}

#[test]
fn a_draft_model_must_spell_alike() {
    let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let draft = crate::local::embedded::load(&load).unwrap();
    let error = Engine::start_with_draft(tiny(7), draft, EngineOptions::default()).unwrap_err();
    assert!(matches!(error, EngineError::OtherVocabulary { .. }), "{error}");
}

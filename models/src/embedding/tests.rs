use super::*;
use crate::local::{DeviceChoice, Engine, EngineOptions, LoadOptions, LocalEmbeddings, LocalModel, fixture};
use crate::scripted::Scripted;
use crate::{MemoryStore, Recorder, Recording, Replay, Stack, StackConfig};

/// A model whose vectors are what `numbers` makes of a text.
fn model(numbers: impl Fn(&str) -> Vec<f32> + Send + Sync + 'static) -> Scripted {
    Scripted::new(move |request, _| reply("vectors", &numbers(text_of(request)?), 7)).with_model("vectors")
}

fn length_and_three(text: &str) -> Vec<f32> {
    vec![text.len() as f32, 3.0]
}

#[tokio::test]
async fn vectors_have_length_one_and_equal_texts_are_asked_for_once() {
    let asked = Arc::new(model(length_and_three));
    let embedded = Embedder::new(asked.clone()).embed(&["four", "a", "four"]).await.unwrap();
    let ten = 10.0_f64.sqrt();
    assert_eq!(embedded.vectors, [vec![0.8, 0.6], vec![1.0 / ten, 3.0 / ten], vec![0.8, 0.6]]);
    assert_eq!((asked.calls(), embedded.usage.input), (2, 14));
    assert_eq!(Embedder::new(asked).embed(&[]).await.unwrap().vectors, Vec::<Vec<f64>>::new());
}

#[tokio::test]
async fn what_was_paid_is_not_paid_again() {
    let asked = Arc::new(model(length_and_three));
    let store = Arc::new(MemoryStore::default());
    let stack = || Stack::build(asked.clone(), store.clone(), StackConfig::default());
    let first = Embedder::new(stack().provider).embed(&["a", "bb"]).await.unwrap();
    let again = Embedder::new(stack().provider).embed(&["bb", "a", "ccc"]).await.unwrap();
    assert_eq!((asked.calls(), store.len()), (3, 3));
    assert_eq!(again.vectors[..2], [first.vectors[1].clone(), first.vectors[0].clone()]);
}

#[tokio::test]
async fn texts_that_do_not_fit_are_cut() {
    let asked = Arc::new(Scripted::new(move |request, _| {
        let text = text_of(request)?;
        if text.len() > 100 {
            return Err(ModelError::new(ErrorKind::ContextTooLong, "too long"));
        }
        reply("vectors", &[text.len() as f32, 40.0], 1)
    }));
    let embedded = Embedder::new(asked.clone()).embed(&["\u{e9}".repeat(150).as_str()]).await.unwrap();
    // 300 bytes, then 150, then 75, which would cut a character in two.
    let asked: Vec<usize> =
        asked.requests().iter().map(|request| request.messages[0].content.len()).collect();
    assert_eq!(asked, [300, 150, 74]);
    let length = 74.0_f64.hypot(40.0);
    assert!((embedded.vectors[0][0] - 74.0 / length).abs() < 1e-12);
}

#[tokio::test]
async fn what_is_no_vector_is_an_error() {
    let answering = |text: &'static str| {
        let answer = Scripted::answering(move |_, _| text.to_owned());
        async move { Embedder::new(Arc::new(answer)).embed(&["x"]).await.unwrap_err() }
    };
    assert!(answering("[1, 2").await.to_string().contains("is no vector"));
    assert!(answering("[]").await.to_string().contains("without numbers"));
    // No f32 holds it, whether the parser says so or the check behind it.
    assert!(answering("[1e39]").await.to_string().contains("vector"));
    let ragged = model(|text| vec![1.0; text.len()]);
    let error = Embedder::new(Arc::new(ragged)).embed(&["a", "bb"]).await.unwrap_err();
    assert!(error.to_string().contains("different lengths"), "{error}");
    let chat = Request { max_output_tokens: 5, ..request("x") };
    assert_eq!(text_of(&chat).unwrap_err().kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn answers_and_vectors_share_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.jsonl");
    let recording = Arc::new(Recording::open(&path).unwrap());
    let embedder = Embedder::new(Arc::new(Recorder::onto(model(length_and_three), Arc::clone(&recording))));
    let chat = Recorder::onto(Scripted::texts(["answer"]).with_model("chat"), recording);
    let recorded = embedder.embed(&["a", "bb"]).await.unwrap();
    let question = crate::scripted::question("q");
    let answered = chat.complete(&question).await.unwrap();

    let replay = Replay::open(&path).unwrap();
    assert_eq!((replay.len(), replay.model()), (3, "chat"));
    assert_eq!(replay.complete(&question).await.unwrap(), answered);
    let replayed = Embedder::new(Arc::new(replay.for_embeddings().unwrap()));
    assert_eq!(replayed.model(), "vectors");
    assert_eq!(replayed.embed(&["a", "bb"]).await.unwrap(), recorded);
    let error = replayed.embed(&["other"]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRecorded);
    assert!(Replay::from_lines("").unwrap().for_embeddings().is_none());
}

#[tokio::test]
async fn a_decoder_gives_vectors() {
    let load = LoadOptions { device: DeviceChoice::Cpu, ..LoadOptions::default() };
    let model = LocalModel::from_bytes(fixture::model(&fixture::config(), 7), &load).unwrap();
    let engine = Engine::start(model, EngineOptions::default()).unwrap();
    let embedder = Embedder::new(Arc::new(LocalEmbeddings::new(engine)));
    let texts = ["def f(x): return x", "def f(y): return y", "class Other: pass", &"long ".repeat(1000)];
    let embedded = embedder.embed(&texts).await.unwrap();
    assert!(embedded.vectors.iter().all(|vector| vector.len() == 256));
    for vector in &embedded.vectors {
        let length: f64 = vector.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-9, "{length}");
    }
    let product = |one: usize, other: usize| -> f64 {
        embedded.vectors[one].iter().zip(&embedded.vectors[other]).map(|(one, other)| one * other).sum()
    };
    assert!(product(0, 1) > product(0, 2), "{} against {}", product(0, 1), product(0, 2));
    let alone = embedder.embed(&texts[1..2]).await.unwrap();
    assert_eq!(alone.vectors[0], embedded.vectors[1], "a vector depends on its text alone");
    assert_eq!(alone.usage.input, texts[1].len() as u64, "the fixture's tokens are bytes");
}

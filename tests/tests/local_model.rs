//! A trained model in this process says what the transformers library has it say, and the command answers with it.

use codeagent_models::local::{
    DeviceChoice, Engine, EngineOptions, Generate, LoadOptions, LocalModel, Sampling,
};
use codeagent_tests::binary::Sandboxed;
use codeagent_tests::shared;
use serde::Deserialize;

/// A prompt and the likeliest answer, as the transformers library computed it in f32; its two best tokens were never
/// closer than 0.18.
#[derive(Deserialize)]
struct Golden {
    prompt: String,
    answer: String,
}

#[tokio::test]
async fn the_trained_model_says_what_the_reference_says() {
    let Some(shared) = shared::folder() else { return };
    let golden: Vec<Golden> = serde_json::from_str(include_str!("local_model.json")).unwrap();
    for quantise in [false, true] {
        let options = LoadOptions { device: DeviceChoice::Cpu, quantise, ..LoadOptions::default() };
        let model = LocalModel::open(&shared.join("prototypes/tiny-model"), &options).unwrap();
        let engine = Engine::start(model, EngineOptions::default()).unwrap();
        let mut alike = 0;
        for Golden { prompt, answer } in &golden {
            let request = Generate {
                prompt: engine.model().tokenizer.encode(prompt).unwrap(),
                seeds: vec![0, 1],
                sampling: Sampling { temperature: 0.0, top_p: None, min_p: None },
                tokens_max: 170,
                stop: Vec::new(),
                processors: Vec::new(),
                without: None,
            };
            let answers = engine.generate(request).await.unwrap().answers;
            assert_eq!(answers[0].tokens, answers[1].tokens);
            alike += usize::from(String::from_utf8_lossy(&answers[0].text) == *answer);
        }
        // Quantised weights are other weights.
        assert!(alike >= if quantise { 4 } else { 6 }, "{alike} of {} (quantise: {quantise})", golden.len());
    }
}

#[test]
fn verify_says_what_is_wrong_and_never_falls_over() {
    let place = Sandboxed::new();
    for bytes in
        [&b""[..], b"GGUF", b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0", b"what?"]
    {
        let _ = place.file("bad.gguf", bytes);
        let run = place.command(&["model", "verify", "bad.gguf"]).output().unwrap();
        assert_eq!(run.status.code(), Some(3));
        let error = String::from_utf8_lossy(&run.stderr).into_owned();
        assert!(error.contains("bad.gguf"), "{error}");
    }
}

#[test]
fn verify_prints_the_kernel_of_each_tensor() {
    let Some(shared) = shared::folder() else { return };
    let model = shared.join("prototypes/tiny-model");
    let run = Sandboxed::new()
        .command(&["model", "verify", model.to_str().unwrap(), "--quantise"])
        .output()
        .unwrap();
    assert!(run.status.success());
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    let query = text.lines().find(|line| line.ends_with(" model.layers.0.self_attn.q_proj.weight")).unwrap();
    // Whether rows are filled up (`+96`) depends on the kernel that this processor has for them.
    assert!(query.starts_with("fast ") && query.contains("-> Q8_0 [160, 160]"), "{query}");
}

use bytes::Bytes;
use candle_core::Tensor;

use super::*;
use crate::local::cache::Suffix;
use crate::local::config::{Architecture, DecoderConfig};
use crate::local::fixture;
use crate::local::kernel::{has_tiles, wants_filling};
use crate::local::pass::{Mask, Pass};

const CPU: LoadOptions =
    LoadOptions { device: DeviceChoice::Cpu, quantise: false, pad: true, slow_ok: true, memory_max: None };

fn tokens() -> Vec<u32> {
    (0..24).map(|index| (index * 37 + 11) % 256).collect()
}

/// The logits behind every token of the fixed text.
fn logits(model: &LocalModel) -> Vec<Vec<f32>> {
    let tokens = tokens();
    let positions: Vec<u32> = (0..24).collect();
    let decoder = &model.decoder;
    let mut suffix = Suffix::new(decoder.config(), 1, 24, decoder.device()).unwrap();
    let pass = Pass { tokens: &tokens, positions: &positions, rows: 1, shared: &[], mask: Mask::Causal };
    decoder.logits(&decoder.forward(pass, &mut suffix).unwrap()).unwrap().to_vec2().unwrap()
}

fn of_safetensors(config: &DecoderConfig, options: &LoadOptions) -> LocalModel {
    LocalModel::from_bytes(fixture::model(config, 7), options).unwrap()
}

fn of_gguf(config: &DecoderConfig, dtype: GgmlDType, options: &LoadOptions) -> LocalModel {
    let weights = Bytes::from(fixture::gguf(config, &fixture::weights(config, 7), dtype).unwrap());
    let model = ModelBytes { weights, config: None, ..fixture::model(config, 7) };
    LocalModel::from_bytes(model, options).unwrap()
}

/// The largest difference, in units of the largest logit.
fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    let largest = a.iter().flatten().fold(0_f32, |largest, logit| largest.max(logit.abs()));
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0_f32, f32::max) / largest
}

const FAMILIES: [Architecture; 3] = [Architecture::Qwen2, Architecture::Llama, Architecture::Qwen3];

#[test]
fn files_of_both_formats_and_pairings_compute_the_same() {
    for family in FAMILIES {
        let config = fixture::config_of(family);
        let dense = logits(&of_safetensors(&config, &CPU));
        let gguf = logits(&of_gguf(&config, GgmlDType::F32, &CPU));
        assert!(difference(&dense, &gguf) < 1e-5, "{family:?}");
        let quantised = logits(&of_gguf(&config, GgmlDType::Q8_0, &CPU));
        assert!(difference(&dense, &quantised) < 5e-2, "{family:?}: {}", difference(&dense, &quantised));
    }
}

#[test]
fn quantising_while_loading_is_as_a_quantised_file() {
    let config = fixture::config();
    let loaded = logits(&of_safetensors(&config, &LoadOptions { quantise: true, ..CPU }));
    assert!(difference(&loaded, &logits(&of_gguf(&config, GgmlDType::Q8_0, &CPU))) < 1e-6);
    let four = logits(&of_gguf(&config, GgmlDType::Q4K, &CPU));
    assert!(difference(&loaded, &four) < 0.3 && difference(&loaded, &four) > 1e-4);
}

#[test]
fn filling_rows_up_changes_nothing() {
    let config = DecoderConfig { hidden: 224, head_dim: 56, ..fixture::config() };
    let padded = logits(&of_gguf(&config, GgmlDType::Q8_0, &CPU));
    let plain = logits(&of_gguf(&config, GgmlDType::Q8_0, &LoadOptions { pad: false, ..CPU }));
    assert!(difference(&plain, &padded) < 1e-2, "{}", difference(&plain, &padded));
    // Those that blocks do not divide are always filled up.
    let config = DecoderConfig { hidden: 208, head_dim: 52, ..config };
    let dense = logits(&of_safetensors(&config, &CPU));
    let filled = logits(&of_safetensors(&config, &LoadOptions { quantise: true, ..CPU }));
    assert!(difference(&dense, &filled) < 5e-2, "{}", difference(&dense, &filled));
}

#[test]
fn half_precision_stays_in_memory_where_it_can_be_multiplied_by() {
    let config = fixture::config();
    let dense = logits(&of_safetensors(&config, &CPU));
    for dtype in [GgmlDType::F16, GgmlDType::BF16] {
        let half = logits(&of_gguf(&config, dtype, &CPU));
        assert!(difference(&dense, &half) < 2e-2, "{dtype:?}");
        let info = TensorInfo { dtype, shape: vec![32, 64], offset: 0, bytes: 4096 };
        let report = report("matrix", &info, &CPU);
        assert_eq!(
            (report.loaded, report.bytes),
            if has_tiles() { (dtype, 4096) } else { (GgmlDType::F32, 8192) }
        );
    }
}

/// Logits of the transformers library on the same weights: every 16th of the 512 after tokens 1, 12 and 24.
#[test]
fn logits_are_those_of_the_reference() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden.json")).unwrap();
    for family in FAMILIES {
        let ours = logits(&of_safetensors(&fixture::config_of(family), &CPU));
        let theirs: Vec<Vec<f32>> = serde_json::from_value(golden[family.name()].clone()).unwrap();
        let ours: Vec<Vec<f32>> =
            [0, 11, 23].iter().map(|row: &usize| ours[*row].iter().step_by(16).copied().collect()).collect();
        assert_eq!(theirs[0].len(), 32);
        assert!(difference(&theirs, &ours) < 1e-4, "{family:?}: {}", difference(&theirs, &ours));
    }
}

/// Writes what `golden.py` reads: `cargo test -p codeagent-models -- --ignored writes_the_fixtures`, with the folder in
/// `CODEAGENT_FIXTURES`.
#[test]
#[ignore = "writes files for the reference implementation"]
fn writes_the_fixtures() {
    let root = std::path::PathBuf::from(std::env::var("CODEAGENT_FIXTURES").unwrap());
    for family in FAMILIES {
        let config = fixture::config_of(family);
        let folder = root.join(family.name());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("config.json"), fixture::config_json(&config).to_string()).unwrap();
        std::fs::write(folder.join("model.safetensors"), fixture::safetensors(&fixture::weights(&config, 7)))
            .unwrap();
        std::fs::write(folder.join("tokens.json"), serde_json::to_string(&tokens()).unwrap()).unwrap();
    }
}

fn refused(change: impl FnOnce(&mut ModelBytes)) -> LoadErrorKind {
    let mut model = fixture::model(&fixture::config(), 7);
    change(&mut model);
    LocalModel::from_bytes(model, &CPU).unwrap_err().kind()
}

fn config_with(key: &str, value: serde_json::Value) -> Option<Bytes> {
    let mut config = fixture::config_json(&fixture::config());
    config[key] = value;
    Some(config.to_string().into())
}

#[test]
fn what_does_not_fit_together_is_told_before_loading() {
    assert_eq!(refused(|model| model.config = None), LoadErrorKind::NotFound);
    assert_eq!(refused(|model| model.tokenizer = None), LoadErrorKind::Tokenizer);
    assert_eq!(refused(|model| model.config = config_with("hidden_size", 128.into())), LoadErrorKind::Tensor);
    assert_eq!(
        refused(|model| model.config = config_with("num_hidden_layers", 3.into())),
        LoadErrorKind::Tensor
    );
    assert_eq!(
        refused(|model| model.config = config_with("eos_token_id", 9999.into())),
        LoadErrorKind::Vocabulary
    );
    assert_eq!(refused(|model| model.weights = model.weights.slice(..100_000)), LoadErrorKind::Truncated);
    assert_eq!(refused(|model| model.weights = Bytes::new()), LoadErrorKind::Truncated);
    let small = DecoderConfig { vocab: 256, ..fixture::config() };
    let tokenizer = Some(Bytes::from(fixture::tokenizer_json()));
    let model = ModelBytes { tokenizer, ..fixture::model(&small, 7) };
    assert_eq!(LocalModel::from_bytes(model, &CPU).unwrap_err().kind(), LoadErrorKind::Vocabulary);
}

#[test]
fn a_model_larger_than_memory_is_refused_before_loading() {
    let options = LoadOptions { memory_max: Some(1 << 20), ..CPU };
    let error = LocalModel::from_bytes(fixture::model(&fixture::config(), 7), &options).unwrap_err();
    assert_eq!(error.kind(), LoadErrorKind::Memory);
    assert!(error.to_string().contains("MiB"), "{error}");
}

#[test]
fn slow_types_are_refused_unless_accepted() {
    let config = fixture::config();
    let weights =
        Bytes::from(fixture::gguf(&config, &fixture::weights(&config, 7), GgmlDType::Q5_0).unwrap());
    let model = ModelBytes { weights, config: None, ..fixture::model(&config, 7) };
    let refused = LocalModel::from_bytes(model.clone(), &LoadOptions { slow_ok: false, ..CPU }).unwrap_err();
    assert_eq!(refused.kind(), LoadErrorKind::SlowKernels);
    assert!(LocalModel::from_bytes(model, &CPU).is_ok());
}

#[test]
fn a_model_in_several_files_is_one() {
    let config = fixture::config();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let (mut first, mut second) = (fixture::weights(&config, 7), fixture::weights(&config, 7));
    first.retain(|name, _| name.contains("layers.0"));
    second.retain(|name, _| !name.contains("layers.0"));
    let map: serde_json::Map<_, _> = first
        .keys()
        .map(|name| (name.clone(), "a.safetensors".into()))
        .chain(second.keys().map(|name| (name.clone(), "b.safetensors".into())))
        .collect();
    write("a.safetensors", &fixture::safetensors(&first));
    write("b.safetensors", &fixture::safetensors(&second));
    write("model.safetensors.index.json", serde_json::json!({"weight_map": map}).to_string().as_bytes());
    write("config.json", fixture::config_json(&config).to_string().as_bytes());
    write("tokenizer.json", fixture::tokenizer_json().as_bytes());
    write("generation_config.json", br#"{"eos_token_id": [257, 258]}"#);
    let model = LocalModel::open(folder.path(), &CPU).unwrap();
    assert_eq!(logits(&model), logits(&of_safetensors(&config, &CPU)));
    assert_eq!(model.vocabulary.ends(), [257, 258]);
    std::fs::remove_file(folder.path().join("b.safetensors")).unwrap();
    assert_eq!(LocalModel::open(folder.path(), &CPU).unwrap_err().kind(), LoadErrorKind::NotFound);
}

#[test]
fn reports_name_the_kernel_of_each_matrix() {
    let config = DecoderConfig { hidden: 224, head_dim: 56, ..fixture::config() };
    let checkpoint = Checkpoint::from_bytes(fixture::model(&config, 7)).unwrap();
    let quantised = LoadOptions { quantise: true, ..CPU };
    let reports = checkpoint.tensors(&quantised);
    let query = reports.iter().find(|report| report.name.ends_with("0.self_attn.q_proj.weight")).unwrap();
    let padding = if wants_filling() { 32 } else { 0 };
    assert_eq!(
        (query.loaded, query.padding, query.shape.as_slice()),
        (GgmlDType::Q8_0, padding, &[224, 224][..])
    );
    let norm = reports.iter().find(|report| report.name == "model.norm.weight").unwrap();
    assert_eq!((norm.kernel, norm.bytes), (None, 224 * 4));
    assert_eq!(reports.len(), 2 + 2 * 12);
}

#[test]
fn hidden_states_make_the_logits() {
    let model = of_safetensors(&fixture::config(), &CPU);
    let decoder = &model.decoder;
    let hidden = Tensor::from_vec(fixture::numbers(256 * 70, 1.0, 3), (70, 256), decoder.device()).unwrap();
    let whole: Vec<Vec<f32>> = decoder.logits(&hidden).unwrap().to_vec2().unwrap();
    let mut pieces = Vec::new();
    decoder
        .logits_by_piece(&hidden, |start, piece| {
            assert_eq!(start, pieces.len());
            pieces.extend(piece.to_vec2::<f32>()?);
            Ok(())
        })
        .unwrap();
    assert!(difference(&whole, &pieces) < 1e-5);
}

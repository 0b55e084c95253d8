use serde_json::json;

use super::*;
use crate::local::fixture;

fn read(change: impl FnOnce(&mut serde_json::Map<String, Json>)) -> Result<DecoderConfig, LoadError> {
    let mut json = fixture::config_json(&fixture::config());
    change(json.as_object_mut().unwrap());
    DecoderConfig::from_json(json.to_string().as_bytes(), "config.json")
}

fn with(key: &str, value: Json) -> Result<DecoderConfig, LoadError> {
    read(|map| {
        map.insert(key.to_owned(), value);
    })
}

fn kind(key: &str, value: Json) -> LoadErrorKind {
    with(key, value).unwrap_err().kind()
}

#[test]
fn both_forms_say_the_same() {
    let four = read(|_| ()).unwrap();
    let five = read(|map| {
        map.remove("rope_theta");
        map.insert("rope_parameters".into(), json!({"rope_theta": 10000.0, "rope_type": "default"}));
        map.insert("sliding_window".into(), Json::Null);
        map.insert("use_sliding_window".into(), json!(false));
        map.insert("eos_token_id".into(), json!([257]));
    });
    assert_eq!(five.unwrap(), four);
    assert_eq!(four, DecoderConfig { ends: vec![257], ..fixture::config() });
}

#[test]
fn a_window_counts_only_where_it_is_used() {
    let windowed = |used: bool| {
        read(|map| {
            map.insert("sliding_window".into(), json!(100));
            map.insert("use_sliding_window".into(), json!(used));
        })
        .unwrap()
        .context
    };
    assert_eq!((windowed(true), windowed(false)), (100, 2048));
}

#[test]
fn stretched_rotations_are_read() {
    let rope = |value: Json| with("rope_scaling", value).unwrap().rope;
    assert_eq!(rope(json!({"type": "linear", "factor": 2.0})).scaling, RopeScaling::Linear(2.0));
    let llama =
        rope(json!({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192}));
    assert_eq!(
        llama.scaling,
        RopeScaling::Llama3 { factor: 8.0, low: 1.0, high: 4.0, original_context: 8192.0 }
    );
    assert_eq!(llama.theta, 10_000.0);
    assert_eq!(kind("rope_scaling", json!({"rope_type": "yarn", "factor": 2.0})), LoadErrorKind::RopeType);
    assert_eq!(kind("rope_scaling", json!({"rope_type": "linear"})), LoadErrorKind::Config);
}

#[test]
fn what_cannot_be_computed_is_refused_by_name() {
    assert_eq!(kind("model_type", json!("mamba")), LoadErrorKind::Architecture);
    assert_eq!(kind("hidden_act", json!("gelu")), LoadErrorKind::Architecture);
    assert_eq!(kind("quantization_config", json!({"quant_method": "gptq"})), LoadErrorKind::QuantType);
    assert_eq!(kind("partial_rotary_factor", json!(0.5)), LoadErrorKind::Architecture);
    let error = with("model_type", json!("evil\u{1b}[31m")).unwrap_err().to_string();
    assert!(error.contains("qwen2, llama or qwen3") && !error.contains('\u{1b}'), "{error}");
}

#[test]
fn sizes_that_make_no_sense_are_errors() {
    for (key, value) in [
        ("hidden_size", json!(0)),
        ("hidden_size", json!(-1)),
        ("hidden_size", json!(1e30)),
        ("num_hidden_layers", json!(18_446_744_073_709_551_615_u64)),
        ("num_attention_heads", json!(0)),
        ("num_key_value_heads", json!(3)),
        ("head_dim", json!(63)),
        ("vocab_size", json!("512")),
        ("rms_norm_eps", json!(-1.0)),
        ("rope_theta", json!(0.0)),
        ("max_position_embeddings", Json::Null),
    ] {
        assert_eq!(kind(key, value.clone()), LoadErrorKind::Config, "{key} {value}");
    }
    assert_eq!(DecoderConfig::from_json(b"{", "c").unwrap_err().kind(), LoadErrorKind::Corrupt);
    assert_eq!(DecoderConfig::from_json(b"[]", "c").unwrap_err().kind(), LoadErrorKind::Corrupt);
}

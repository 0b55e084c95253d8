//! Small models with seeded random weights, for tests: the same numbers everywhere, written as real files.

use std::collections::BTreeMap;

use bytes::Bytes;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};

use super::checkpoint::{ModelBytes, names};
use super::config::{Architecture, Biases, DecoderConfig, Rope, RopeScaling};
use super::gguf::Value;
use super::gguf::write::{Metadata, Planned, write};
use crate::split::mix;

/// A decoder of two blocks: hidden 256, 4 heads over 2, 512 tokens; dimensions for which kernels are fast.
#[must_use]
pub const fn config() -> DecoderConfig {
    DecoderConfig {
        architecture: Architecture::Qwen2,
        hidden: 256,
        intermediate: 512,
        layers: 2,
        heads: 4,
        kv_heads: 2,
        head_dim: 64,
        vocab: 512,
        context: 2048,
        norm_eps: 1e-6,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        tied: true,
        biases: Biases::Inputs,
        ends: Vec::new(),
    }
}

/// The same shape in another family.
#[must_use]
pub fn config_of(architecture: Architecture) -> DecoderConfig {
    let biases = match architecture {
        Architecture::Qwen2 => Biases::Inputs,
        _ => Biases::None,
    };
    DecoderConfig { architecture, biases, tied: matches!(architecture, Architecture::Qwen2), ..config() }
}

/// Numbers spread evenly over `-scale..scale`.
#[must_use]
pub fn numbers(count: usize, scale: f32, seed: u64) -> Vec<f32> {
    let number = |index: u64| {
        #[expect(clippy::cast_precision_loss, reason = "24 bits are kept")]
        let unit = (mix(seed ^ index) >> 40) as f32 / 16_777_216.0;
        (2.0 * unit - 1.0) * scale
    };
    (0..count as u64).map(number).collect()
}

/// The weights of a random decoder by their names in the transformers library.
#[must_use]
pub fn weights(config: &DecoderConfig, seed: u64) -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let random = |(index, (name, shape)): (u64, (String, Vec<usize>))| {
        let count = shape.iter().product();
        let numbers = match shape.len() {
            // Norms are near one, and biases near zero.
            1 if name.ends_with(".weight") => {
                numbers(count, 0.1, mix(seed) ^ mix(index)).iter().map(|n| n + 1.0).collect()
            }
            _ => numbers(count, 0.1, mix(seed) ^ mix(index)),
        };
        (name, (shape, numbers))
    };
    (0..).zip(names::needed(config)).map(random).collect()
}

/// The weights as a safetensors file in f32.
#[must_use]
pub fn safetensors(weights: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut data = Vec::new();
    for (name, (shape, numbers)) in weights {
        let start = data.len();
        numbers.iter().for_each(|number| data.extend(number.to_le_bytes()));
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name.clone(), entry);
    }
    let header = serde_json::Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

/// The weights as a GGUF file, matrices in `dtype`; queries and keys of Llama in the order that such files have.
///
/// # Errors
/// Where the type does not allow the shape.
pub fn gguf(
    config: &DecoderConfig,
    weights: &BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    dtype: GgmlDType,
) -> candle_core::Result<Vec<u8>> {
    let mut planned = Vec::new();
    let mut data = Vec::new();
    for (name, (shape, numbers)) in weights {
        let dtype = if shape.len() == 1 { GgmlDType::F32 } else { dtype };
        let tensor = Tensor::from_slice(numbers, shape.as_slice(), &Device::Cpu)?;
        let tensor = if config.architecture == Architecture::Llama {
            interleaved(name, &tensor, config)?
        } else {
            tensor
        };
        data.push(
            QTensor::quantize(&tensor, if shape.len() == 1 { GgmlDType::F32 } else { dtype })?
                .data()?
                .to_vec(),
        );
        planned.push(Planned { name: names::to_gguf(name).unwrap_or_default(), dtype, shape: shape.clone() });
    }
    let mut bytes = Vec::new();
    let data = |index: usize| data.get(index).cloned().ok_or_else(|| std::io::Error::other("no such tensor"));
    write::<std::io::Error>(&mut bytes, &metadata(config), &planned, data)?;
    Ok(bytes)
}

/// Rows of queries and keys in the order `(2i, 2i + 1)`.
fn interleaved(name: &str, tensor: &Tensor, config: &DecoderConfig) -> candle_core::Result<Tensor> {
    if !name.contains("q_proj") && !name.contains("k_proj") {
        return Ok(tensor.clone());
    }
    let (rows, half) = (tensor.dim(0)?, config.head_dim / 2);
    let apart = tensor.reshape((rows / config.head_dim, 2, half, ()))?;
    apart.transpose(1, 2)?.contiguous()?.reshape(tensor.shape())
}

/// What a GGUF file says of a decoder.
pub(crate) fn metadata(config: &DecoderConfig) -> Metadata {
    let mut metadata = Metadata::default();
    let name = config.architecture.name();
    metadata.push("general.architecture", &Value::Text(name.to_owned()));
    let sizes = [
        ("embedding_length", config.hidden),
        ("block_count", config.layers),
        ("feed_forward_length", config.intermediate),
        ("attention.head_count", config.heads),
        ("attention.head_count_kv", config.kv_heads),
        ("attention.key_length", config.head_dim),
        ("context_length", config.context),
    ];
    for (key, size) in sizes {
        metadata.push(&format!("{name}.{key}"), &Value::Integer(size as i128));
    }
    metadata.push(&format!("{name}.attention.layer_norm_rms_epsilon"), &Value::Float(config.norm_eps));
    metadata.push(&format!("{name}.rope.freq_base"), &Value::Float(config.rope.theta));
    metadata
}

/// The `config.json` of a decoder, in the form of transformers 4.
#[must_use]
pub fn config_json(config: &DecoderConfig) -> serde_json::Value {
    serde_json::json!({
        "model_type": config.architecture.name(),
        "hidden_act": "silu",
        "hidden_size": config.hidden,
        "intermediate_size": config.intermediate,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "vocab_size": config.vocab,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope.theta,
        "tie_word_embeddings": config.tied,
        "eos_token_id": 257,
    })
}

/// A `tokenizer.json` of bytes, one merge, and a token `<|end|>` that ends a text (257).
#[must_use]
pub fn tokenizer_json() -> String {
    let vocab: serde_json::Map<String, serde_json::Value> = super::tokenizer::alphabet()
        .into_iter()
        .map(|(character, byte)| (character.to_string(), byte.into()))
        .chain([("ab".to_owned(), 256.into())])
        .collect();
    let added = |id: u32, content: &str, special: bool| {
        serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": special})
    };
    serde_json::json!({
        "version": "1.0",
        "added_tokens": [added(257, "<|end|>", true), added(258, "    ", false)],
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {"type": "BPE", "vocab": vocab, "merges": ["a b"]},
    })
    .to_string()
}

/// A whole model in memory: random weights as safetensors, with configuration and tokenizer.
#[must_use]
pub fn model(config: &DecoderConfig, seed: u64) -> ModelBytes {
    ModelBytes {
        name: "fixture".to_owned(),
        weights: Bytes::from(safetensors(&weights(config, seed))),
        config: Some(config_json(config).to_string().into()),
        tokenizer: Some(tokenizer_json().into()),
        ..ModelBytes::default()
    }
}

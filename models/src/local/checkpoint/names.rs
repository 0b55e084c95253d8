//! Names and shapes of the tensors of a decoder.

use crate::local::config::{Architecture, Biases, DecoderConfig};

pub(crate) const TABLE: &str = "model.embed_tokens.weight";
pub(crate) const NORM: &str = "model.norm.weight";
pub(crate) const HEAD: &str = "lm_head.weight";
/// Not a tensor of the transformers library: converters of Llama 3.1 and later store what its configuration says.
pub(crate) const ROPE_FACTORS: &str = "rope_freqs.weight";

/// Parts of a block: in the transformers library and in GGUF.
const PARTS: [(&str, &str); 13] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    // Of no block, but named alike.
    ("lm_head", "output"),
    ("model.norm", "output_norm"),
];

/// The name of a part of a block.
pub(crate) fn of_layer(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}")
}

/// The transformers library's name of a tensor of a GGUF file; `None` for one that no decoder here has.
pub(crate) fn from_gguf(name: &str) -> Option<String> {
    if name == "token_embd.weight" {
        return Some(TABLE.to_owned());
    }
    if name == ROPE_FACTORS {
        return Some(name.to_owned());
    }
    let (stem, kind) = name.rsplit_once('.')?;
    let part = |wanted: &str| PARTS.iter().find(|(_, gguf)| *gguf == wanted).map(|(part, _)| *part);
    match stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) {
        Some((layer, stem)) => Some(format!("{}.{kind}", of_layer(layer.parse().ok()?, part(stem)?))),
        None => Some(format!("{}.{kind}", part(stem)?)),
    }
}

/// The GGUF name of a tensor of the transformers library.
pub(crate) fn to_gguf(name: &str) -> Option<String> {
    if name == TABLE {
        return Some("token_embd.weight".to_owned());
    }
    let (stem, kind) = name.rsplit_once('.')?;
    let part = |wanted: &str| PARTS.iter().find(|(part, _)| *part == wanted).map(|(_, gguf)| *gguf);
    match stem.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')) {
        Some((layer, stem)) => Some(format!("blk.{layer}.{}.{kind}", part(stem)?)),
        None => Some(format!("{}.{kind}", part(stem)?)),
    }
}

/// Every tensor that a decoder of this shape has, with its shape.
pub(crate) fn needed(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let mut tensors =
        vec![(TABLE.to_owned(), vec![config.vocab, config.hidden]), (NORM.to_owned(), vec![config.hidden])];
    if !config.tied {
        tensors.push((HEAD.to_owned(), vec![config.vocab, config.hidden]));
    }
    for layer in 0..config.layers {
        tensors.extend(of_block(config).into_iter().map(|(part, shape)| (of_layer(layer, &part), shape)));
    }
    tensors
}

/// Whether a decoder of this shape has a tensor of this name.
pub(crate) fn is_needed(name: &str, config: &DecoderConfig) -> bool {
    match name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')) {
        Some((layer, part)) => {
            layer.parse::<usize>().is_ok_and(|layer| layer < config.layers)
                && of_block(config).iter().any(|(known, _)| known == part)
        }
        None => name == TABLE || name == NORM || (name == HEAD && !config.tied),
    }
}

fn of_block(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let DecoderConfig { hidden, intermediate, head_dim, .. } = *config;
    let (queries, keys) = (config.heads * head_dim, config.kv_heads * head_dim);
    let mut parts = vec![
        ("input_layernorm.weight", vec![hidden]),
        ("self_attn.q_proj.weight", vec![queries, hidden]),
        ("self_attn.k_proj.weight", vec![keys, hidden]),
        ("self_attn.v_proj.weight", vec![keys, hidden]),
        ("self_attn.o_proj.weight", vec![hidden, queries]),
        ("post_attention_layernorm.weight", vec![hidden]),
        ("mlp.gate_proj.weight", vec![intermediate, hidden]),
        ("mlp.up_proj.weight", vec![intermediate, hidden]),
        ("mlp.down_proj.weight", vec![hidden, intermediate]),
    ];
    if config.biases != Biases::None {
        parts.push(("self_attn.q_proj.bias", vec![queries]));
        parts.push(("self_attn.k_proj.bias", vec![keys]));
        parts.push(("self_attn.v_proj.bias", vec![keys]));
    }
    if config.biases == Biases::All {
        parts.push(("self_attn.o_proj.bias", vec![hidden]));
    }
    if config.architecture == Architecture::Qwen3 {
        parts.push(("self_attn.q_norm.weight", vec![head_dim]));
        parts.push(("self_attn.k_norm.weight", vec![head_dim]));
    }
    parts.into_iter().map(|(part, shape)| (part.to_owned(), shape)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::fixture;

    #[test]
    fn names_go_there_and_back() {
        for (name, _) in needed(&fixture::config()) {
            let gguf = to_gguf(&name).unwrap();
            assert_eq!(from_gguf(&gguf).as_deref(), Some(name.as_str()));
            assert!(is_needed(&name, &fixture::config()));
        }
        assert_eq!(
            from_gguf("blk.3.ffn_gate.weight").as_deref(),
            Some("model.layers.3.mlp.gate_proj.weight")
        );
        assert_eq!(from_gguf("blk.x.ffn_gate.weight"), None);
        assert!(!is_needed("model.layers.99.mlp.gate_proj.weight", &fixture::config()));
    }
}

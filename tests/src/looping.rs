//! A model that can't stop: a decoder whose blocks do nothing, so that its next token depends on the last one alone.
//!
//! It goes round `    elif x ==`, ` 1`, `:\n        return x\n`, and gives the rest to the end of the text: 5 % behind a unit,
//! and nearly nothing within one. Decoded greedily it never ends.

use std::path::{Path, PathBuf};

use codeagent_models::local::fixture;

/// The three tokens of the unit.
pub const UNIT: [&str; 3] = ["    elif x ==", " 1", ":\n        return x\n"];
const WIDTH: usize = 64;
/// The end of a text in the fixture's tokenizer, and the first free token behind its own.
const END: usize = 257;
const FREE: usize = 259;
/// Probability that the unit begins again, as a logit over the end's.
const AGAIN: f32 = 2.944;
/// As good as certain.
const SURE: f32 = 20.0;

/// What a program begins with that the model goes on with.
#[must_use]
pub fn prompt(copies: usize) -> String {
    format!("def f(x):\n    if x == 0:\n        return x\n{}", UNIT.concat().repeat(copies))
}

/// Writes the model into a folder.
///
/// # Panics
/// If it can't be written.
#[must_use]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test helper")]
pub fn write(folder: &Path) -> PathBuf {
    let config = codeagent_models::local::DecoderConfig {
        hidden: WIDTH,
        intermediate: WIDTH,
        heads: 1,
        kv_heads: 1,
        head_dim: WIDTH,
        layers: 1,
        tied: false,
        ..fixture::config()
    };
    let mut weights = fixture::weights(&config, 0);
    for (name, (_, numbers)) in &mut weights {
        let value = if name.ends_with("norm.weight") { 1.0 } else { 0.0 };
        numbers.fill(value);
    }
    let unit: [usize; 3] = std::array::from_fn(|place| FREE + place);
    // Each token of the unit is one number of the hidden state, which the norm makes as large as the root of the width.
    let (_, table) = weights.get_mut("model.embed_tokens.weight").unwrap();
    unit.iter().enumerate().for_each(|(place, token)| table[token * WIDTH + place] = 1.0);
    let (_, head) = weights.get_mut("lm_head.weight").unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let scale = (WIDTH as f32).sqrt();
    for place in 0..3 {
        let (next, logit) = (unit[(place + 1) % 3], if place == 2 { AGAIN } else { SURE });
        // Above all other tokens, whose logits are 0, stands the end.
        head[END * WIDTH + place] = SURE / scale;
        head[next * WIDTH + place] = (SURE + logit) / scale;
    }
    let folder = folder.join("looping");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), fixture::config_json(&config).to_string()).unwrap();
    std::fs::write(folder.join("model.safetensors"), fixture::safetensors(&weights)).unwrap();
    std::fs::write(folder.join("tokenizer.json"), tokenizer(&unit)).unwrap();
    folder
}

/// The fixture's tokenizer with the tokens of the unit.
#[expect(clippy::unwrap_used, reason = "a test helper")]
fn tokenizer(unit: &[usize]) -> String {
    let mut json: serde_json::Value = serde_json::from_str(&fixture::tokenizer_json()).unwrap();
    let added = json.get_mut("added_tokens").and_then(serde_json::Value::as_array_mut).unwrap();
    for (id, content) in unit.iter().zip(UNIT) {
        added.push(serde_json::json!({"id": id, "content": content, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": false}));
    }
    json.to_string()
}

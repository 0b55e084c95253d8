//! What a model's files say of its decoder: sizes, rotation of positions, and which parts it has.
//!
//! Reads `config.json` as transformers 4 and 5 write it, and the metadata of GGUF files. Every size is checked here, so
//! that what follows can multiply them.

use serde_json::{Map, Value as Json};

use super::error::{LoadError, LoadErrorKind, quoted};
use super::gguf::{Header, Value};

/// The families that the decoder computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Qwen2 and Qwen2.5, with biases on queries, keys and values.
    Qwen2,
    /// Llama, and what is built like it.
    Llama,
    /// Qwen3, with norms on queries and keys.
    Qwen3,
}

impl Architecture {
    /// The name in configuration files and GGUF metadata.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Llama => "llama",
            Self::Qwen3 => "qwen3",
        }
    }

    fn named(name: &str, place: &str) -> Result<Self, LoadError> {
        [Self::Qwen2, Self::Llama, Self::Qwen3].into_iter().find(|known| known.name() == name).ok_or_else(
            || {
                LoadError::new(
                    LoadErrorKind::Architecture,
                    place,
                    format!("the architecture is {}", quoted(name)),
                    "use a model of the family qwen2, llama or qwen3, or a model server for this one",
                )
            },
        )
    }
}

/// Shape and constants of a decoder.
#[derive(Debug, Clone, PartialEq)]
pub struct DecoderConfig {
    /// The family.
    pub architecture: Architecture,
    /// Width of the hidden states.
    pub hidden: usize,
    /// Width inside the feed-forward part.
    pub intermediate: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Tokens of the vocabulary.
    pub vocab: usize,
    /// Most tokens of a text, prompt and answer together.
    pub context: usize,
    /// Added to the mean square in norms.
    pub norm_eps: f64,
    /// The rotation of positions.
    pub rope: Rope,
    /// Whether the output table is the input table.
    pub tied: bool,
    /// Which projections have biases.
    pub biases: Biases,
    /// Tokens that end a text, as far as this file names them.
    pub ends: Vec<u32>,
}

/// Which projections of the attention have biases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Biases {
    /// None.
    None,
    /// Queries, keys and values.
    Inputs,
    /// Queries, keys, values and the output.
    All,
}

/// The rotation of positions.
#[derive(Debug, Clone, PartialEq)]
pub struct Rope {
    /// Base of the wavelengths.
    pub theta: f64,
    /// How wavelengths are stretched for longer texts.
    pub scaling: RopeScaling,
}

/// How wavelengths are stretched for longer texts.
#[derive(Debug, Clone, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All by a factor.
    Linear(f64),
    /// Long ones by a factor, short ones not, those between gradually. Source: Llama 3.1's published code.
    Llama3 {
        /// The factor.
        factor: f64,
        /// Wavelengths longer than `original_context / low` are stretched fully.
        low: f64,
        /// Wavelengths shorter than `original_context / high` are not stretched.
        high: f64,
        /// The context before stretching.
        original_context: f64,
    },
    /// Each by a factor of its own, as a tensor of a GGUF file has them.
    Factors(Vec<f32>),
}

const HIDDEN_MAX: usize = 1 << 16;
const LAYERS_MAX: usize = 1 << 10;
const HEADS_MAX: usize = 1 << 10;
const VOCAB_MAX: usize = 1 << 22;
const CONTEXT_MAX: usize = 1 << 20;

impl DecoderConfig {
    /// Reads a `config.json`. `place` names it in messages.
    ///
    /// # Errors
    /// [`LoadError`] with the key.
    pub fn from_json(bytes: &[u8], place: &str) -> Result<Self, LoadError> {
        let json: Json = serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("{place}, line {} column {}", error.line(), error.column());
            LoadError::corrupt(place, "no JSON").caused_by(error)
        })?;
        let Json::Object(map) = &json else { return Err(LoadError::corrupt(place, "no JSON object")) };
        let keys = Keys { map, place };
        let architecture = Architecture::named(keys.text("model_type")?, &keys.place("model_type"))?;
        keys.refuse_what_is_not_computed()?;
        let hidden = keys.size("hidden_size", HIDDEN_MAX)?;
        let heads = keys.size("num_attention_heads", HEADS_MAX)?;
        let context = keys.size("max_position_embeddings", CONTEXT_MAX)?;
        Self {
            architecture,
            hidden,
            intermediate: keys.size("intermediate_size", HIDDEN_MAX * 8)?,
            layers: keys.size("num_hidden_layers", LAYERS_MAX)?,
            heads,
            kv_heads: keys.optional_size("num_key_value_heads", HEADS_MAX)?.unwrap_or(heads),
            head_dim: keys.optional_size("head_dim", HIDDEN_MAX)?.unwrap_or(hidden / heads),
            vocab: keys.size("vocab_size", VOCAB_MAX)?,
            context: keys.window(context)?,
            norm_eps: keys.number("rms_norm_eps")?.unwrap_or(1e-6),
            rope: keys.rope()?,
            tied: keys.flag("tie_word_embeddings").unwrap_or(false),
            biases: match (architecture, keys.flag("attention_bias")) {
                (Architecture::Qwen2, _) => Biases::Inputs,
                (_, Some(true)) => Biases::All,
                _ => Biases::None,
            },
            ends: end_tokens(map.get("eos_token_id")),
        }
        .checked(place)
    }

    /// Reads the metadata of a GGUF file.
    ///
    /// # Errors
    /// [`LoadError`] with the key.
    pub fn from_gguf(header: &Header, place: &str) -> Result<Self, LoadError> {
        let name = header.text("general.architecture").unwrap_or_default();
        let architecture = Architecture::named(name, place)?;
        let keys = GgufKeys { header, place, prefix: architecture.name() };
        if keys.optional("expert_count", CONTEXT_MAX)?.is_some_and(|experts| experts > 0) {
            return Err(not_computed(place, "a mixture of experts"));
        }
        let hidden = keys.size("embedding_length", HIDDEN_MAX)?;
        let heads = keys.size("attention.head_count", HEADS_MAX)?;
        let head_dim = keys.optional("attention.key_length", HIDDEN_MAX)?.unwrap_or(hidden / heads);
        let table = header.tensors.get("token_embd.weight").map(|info| info.shape.as_slice());
        let biased = |tensor: &str| header.tensors.contains_key(&format!("blk.0.{tensor}.bias"));
        Self {
            architecture,
            hidden,
            intermediate: keys.size("feed_forward_length", HIDDEN_MAX * 8)?,
            layers: keys.size("block_count", LAYERS_MAX)?,
            heads,
            kv_heads: keys.optional("attention.head_count_kv", HEADS_MAX)?.unwrap_or(heads),
            head_dim,
            vocab: table.and_then(|shape| shape.first().copied()).unwrap_or(0),
            context: keys.size("context_length", CONTEXT_MAX)?,
            norm_eps: keys.float("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-6),
            rope: keys.rope(head_dim)?,
            tied: !header.tensors.contains_key("output.weight"),
            biases: match (biased("attn_q"), biased("attn_output")) {
                (true, true) => Biases::All,
                (true, false) => Biases::Inputs,
                _ => Biases::None,
            },
            ends: ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"]
                .into_iter()
                .filter_map(|key| header.integer(key))
                .collect(),
        }
        .checked(place)
    }

    /// How many query heads share one head of keys and values.
    #[must_use]
    pub const fn group(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// What is added in norms.
    #[must_use]
    pub(crate) const fn epsilon(&self) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "a constant of f32 in every model")]
        let epsilon = self.norm_eps as f32;
        epsilon
    }

    /// Bytes that keys and values of one token take, in f32.
    #[must_use]
    pub const fn kv_bytes_per_token(&self) -> usize {
        self.layers * 2 * self.kv_heads * self.head_dim * 4
    }

    fn checked(self, place: &str) -> Result<Self, LoadError> {
        let complaint = if self.head_dim == 0 || !self.head_dim.is_multiple_of(2) {
            format!("a head of width {} cannot be rotated in pairs", self.head_dim)
        } else if !self.heads.is_multiple_of(self.kv_heads) {
            format!("{} heads of queries do not share {} heads of keys evenly", self.heads, self.kv_heads)
        } else if self.heads * self.head_dim > HIDDEN_MAX * 4 {
            format!("{} heads of width {}", self.heads, self.head_dim)
        } else if self.vocab == 0 || self.vocab > VOCAB_MAX {
            format!("a vocabulary of {} tokens", self.vocab)
        } else if !(self.norm_eps.is_finite() && self.norm_eps >= 0.0) {
            format!("{} cannot be added in norms", self.norm_eps)
        } else if !(self.rope.theta.is_finite() && self.rope.theta > 0.0) {
            format!("{} is no base of wavelengths", self.rope.theta)
        } else {
            return Ok(self);
        };
        Err(bad(place, complaint))
    }
}

/// The tokens that a value names: none, one or a list.
pub(crate) fn end_tokens(value: Option<&Json>) -> Vec<u32> {
    let one = |value: &Json| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Some(Json::Array(ids)) => ids.iter().filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn bad(place: impl Into<String>, problem: impl Into<String>) -> LoadError {
    LoadError::new(
        LoadErrorKind::Config,
        place,
        problem,
        "take the configuration that belongs to the weights",
    )
}

fn not_computed(place: impl Into<String>, what: &str) -> LoadError {
    let remedy = "use a plain dense model, or a model server for this one";
    LoadError::new(LoadErrorKind::Architecture, place, format!("{what} is not computed here"), remedy)
}

fn unknown_rope(place: impl Into<String>, kind: &str) -> LoadError {
    LoadError::new(
        LoadErrorKind::RopeType,
        place,
        format!("the rotation of positions is of type {}", quoted(kind)),
        "default, linear and llama3 are known; take the setting out if your texts fit the original context",
    )
}

/// The keys of a `config.json`.
struct Keys<'a> {
    map: &'a Map<String, Json>,
    place: &'a str,
}

impl<'a> Keys<'a> {
    fn place(&self, key: &str) -> String {
        format!("{}, key `{key}`", self.place)
    }

    /// A setting that is there and not null.
    fn get(&self, key: &str) -> Option<&'a Json> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<&'a str, LoadError> {
        self.get(key).and_then(Json::as_str).ok_or_else(|| bad(self.place(key), "a text must stand here"))
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(Json::as_bool)
    }

    fn number(&self, key: &str) -> Result<Option<f64>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| bad(self.place(key), "a number must stand here"))
    }

    fn optional_size(&self, key: &str, max: usize) -> Result<Option<usize>, LoadError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let size = value.as_u64().and_then(|size| usize::try_from(size).ok());
        match size.filter(|size| (1..=max).contains(size)) {
            Some(size) => Ok(Some(size)),
            None => Err(bad(self.place(key), format!("a number from 1 to {max} must stand here"))),
        }
    }

    fn size(&self, key: &str, max: usize) -> Result<usize, LoadError> {
        self.optional_size(key, max)?.ok_or_else(|| bad(self.place(key), "it is missing"))
    }

    /// With a sliding window in use, attention is the plain one as long as the text fits the window.
    fn window(&self, context: usize) -> Result<usize, LoadError> {
        let window = self.optional_size("sliding_window", usize::MAX)?;
        // Llama-like models that have the key at all use it; those of Qwen say so apart.
        let used = self.flag("use_sliding_window").unwrap_or(true);
        Ok(window.filter(|_| used).map_or(context, |window| context.min(window)))
    }

    fn refuse_what_is_not_computed(&self) -> Result<(), LoadError> {
        let activation = self.get("hidden_act").and_then(Json::as_str).unwrap_or("silu");
        if !matches!(activation, "silu" | "swish") {
            return Err(not_computed(
                self.place("hidden_act"),
                &format!("the activation {}", quoted(activation)),
            ));
        }
        if self.get("quantization_config").is_some() {
            return Err(LoadError::new(
                LoadErrorKind::QuantType,
                self.place("quantization_config"),
                "weights that were quantised for another engine",
                "use the original weights, or a GGUF file",
            ));
        }
        if self.flag("mlp_bias") == Some(true) {
            return Err(not_computed(self.place("mlp_bias"), "a bias in the feed-forward part"));
        }
        let partial = self.number("partial_rotary_factor")?.is_some_and(|factor| factor != 1.0);
        if partial {
            return Err(not_computed(
                self.place("partial_rotary_factor"),
                "a rotation of a part of each head",
            ));
        }
        Ok(())
    }

    /// Transformers 4 writes `rope_theta` and `rope_scaling`, transformers 5 `rope_parameters`.
    fn rope(&self) -> Result<Rope, LoadError> {
        let nested =
            ["rope_parameters", "rope_scaling"].into_iter().find_map(|key| Some((key, self.get(key)?)));
        let Some((key, nested)) = nested else {
            return Ok(Rope {
                theta: self.number("rope_theta")?.unwrap_or(10_000.0),
                scaling: RopeScaling::None,
            });
        };
        let place = self.place(key);
        let Json::Object(map) = nested else { return Err(bad(place, "an object must stand here")) };
        let keys = Keys { map, place: &place };
        let theta = keys.number("rope_theta")?.or(self.number("rope_theta")?).unwrap_or(10_000.0);
        let kind =
            ["rope_type", "type"].into_iter().find_map(|key| keys.get(key)?.as_str()).unwrap_or("default");
        let needed = |key: &str| {
            keys.number(key)?
                .filter(|n| *n > 0.0)
                .ok_or_else(|| bad(keys.place(key), "a positive number must stand here"))
        };
        let scaling = match kind {
            "default" => RopeScaling::None,
            "linear" => RopeScaling::Linear(needed("factor")?),
            "llama3" => RopeScaling::Llama3 {
                factor: needed("factor")?,
                low: needed("low_freq_factor")?,
                high: needed("high_freq_factor")?,
                original_context: needed("original_max_position_embeddings")?,
            },
            other => return Err(unknown_rope(place.clone(), other)),
        };
        Ok(Rope { theta, scaling })
    }
}

/// The keys of an architecture in GGUF metadata.
struct GgufKeys<'a> {
    header: &'a Header,
    place: &'a str,
    prefix: &'static str,
}

impl GgufKeys<'_> {
    fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }

    fn place(&self, key: &str) -> String {
        format!("{}, key `{}`", self.place, self.key(key))
    }

    fn optional(&self, key: &str, max: usize) -> Result<Option<usize>, LoadError> {
        let size = match self.header.metadata.get(&self.key(key)) {
            None => return Ok(None),
            Some(Value::Integer(number)) => usize::try_from(*number).ok(),
            Some(_) => None,
        };
        match size.filter(|size| *size <= max) {
            Some(size) => Ok(Some(size)),
            None => Err(bad(self.place(key), format!("a number up to {max} must stand here"))),
        }
    }

    fn size(&self, key: &str, max: usize) -> Result<usize, LoadError> {
        let size = self.optional(key, max)?.filter(|size| *size > 0);
        size.ok_or_else(|| bad(self.place(key), "a positive number must stand here"))
    }

    fn float(&self, key: &str) -> Result<Option<f64>, LoadError> {
        match self.header.metadata.get(&self.key(key)) {
            None => Ok(None),
            Some(Value::Float(number)) => Ok(Some(*number)),
            Some(_) => Err(bad(self.place(key), "a number with a point must stand here")),
        }
    }

    fn rope(&self, head_dim: usize) -> Result<Rope, LoadError> {
        if self.optional("rope.dimension_count", HIDDEN_MAX)?.is_some_and(|rotated| rotated != head_dim) {
            return Err(not_computed(
                self.place("rope.dimension_count"),
                "a rotation of a part of each head",
            ));
        }
        let theta = self.float("rope.freq_base")?.unwrap_or(10_000.0);
        let scaling = match self.header.text(&self.key("rope.scaling.type")) {
            None | Some("none") => RopeScaling::None,
            Some("linear") => {
                let factor = self.float("rope.scaling.factor")?.filter(|factor| *factor > 0.0);
                RopeScaling::Linear(factor.ok_or_else(|| {
                    bad(self.place("rope.scaling.factor"), "a positive number must stand here")
                })?)
            }
            Some(other) => return Err(unknown_rope(self.place("rope.scaling.type"), other)),
        };
        Ok(Rope { theta, scaling })
    }
}

#[cfg(test)]
mod tests;

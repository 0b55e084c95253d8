//! How a server wants to be spoken to: what its dialect usually takes, and what it was seen to refuse.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::chat::classify::Failure;
use crate::chat::collect::FIELD_N;
use crate::chat::config::ChatConfig;
use crate::chat::wire::{StreamOptions, WireRequest};
use crate::error::ErrorKind;
use crate::provider::{Capabilities, Request};
use crate::split::mix;

/// Whose way of speaking the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Dialect {
    /// `OpenAI` itself.
    #[serde(rename = "openai")]
    OpenAi,
    /// Any other server.
    #[default]
    #[serde(rename = "openai-compatible")]
    Compatible,
    /// llama.cpp's server.
    #[serde(rename = "llamacpp")]
    LlamaCpp,
    /// vLLM.
    Vllm,
    /// Ollama.
    Ollama,
}

impl Dialect {
    /// The name in configurations and cache keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Compatible => "openai-compatible",
            Self::LlamaCpp => "llamacpp",
            Self::Vllm => "vllm",
            Self::Ollama => "ollama",
        }
    }

    /// What its servers usually can; llama.cpp and Ollama give one answer whatever `n` says.
    #[must_use]
    pub fn capabilities(self) -> Capabilities {
        let usual = Capabilities::default();
        match self {
            Self::OpenAi | Self::Vllm => Capabilities { logprobs: true, ..usual },
            Self::Compatible => usual,
            Self::LlamaCpp => Capabilities { n: false, logprobs: true, ..usual },
            Self::Ollama => Capabilities { n: false, ..usual },
        }
    }

    const fn max_tokens_field(self) -> MaxTokensField {
        match self {
            Self::OpenAi => MaxTokensField::MaxCompletionTokens,
            _ => MaxTokensField::MaxTokens,
        }
    }
}

/// Name of the field with the token limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxTokensField {
    /// The old name, which most servers know.
    MaxTokens,
    /// The new name, which reasoning models of `OpenAI` insist on.
    MaxCompletionTokens,
}

/// What a server takes: set by its dialect, unlearned at its first refusal.
#[derive(Debug)]
pub(crate) struct Habits {
    known: Capabilities,
    n: AtomicBool,
    seed: AtomicBool,
    logprobs: AtomicBool,
    stream_options: AtomicBool,
    max_completion_tokens: AtomicBool,
    /// Whether the name of the token limit was changed already: once, or two names would alternate.
    renamed: AtomicBool,
}

impl Habits {
    pub(crate) fn new(config: &ChatConfig) -> Self {
        let known = config.capabilities.unwrap_or_else(|| config.dialect.capabilities());
        let field = config.max_tokens_field.unwrap_or_else(|| config.dialect.max_tokens_field());
        Self {
            known,
            n: AtomicBool::new(known.n),
            seed: AtomicBool::new(known.seed),
            logprobs: AtomicBool::new(known.logprobs),
            stream_options: AtomicBool::new(true),
            max_completion_tokens: AtomicBool::new(field == MaxTokensField::MaxCompletionTokens),
            renamed: AtomicBool::new(false),
        }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        Capabilities {
            n: self.n.load(Relaxed),
            seed: self.seed.load(Relaxed),
            logprobs: self.logprobs.load(Relaxed),
            ..self.known
        }
    }

    /// A request in the server's words.
    pub(crate) fn word<'a>(&self, config: &'a ChatConfig, request: &'a Request) -> WireRequest<'a> {
        let can = self.capabilities();
        let stream = config.stream && can.stream;
        let new_name = self.max_completion_tokens.load(Relaxed);
        let limit = Some(request.max_output_tokens);
        let logprobs = request.logprobs.filter(|_| can.logprobs);
        WireRequest {
            model: &config.model,
            messages: &request.messages,
            temperature: request.temperature,
            top_p: request.top_p,
            max_tokens: limit.filter(|_| !new_name),
            max_completion_tokens: limit.filter(|_| new_name),
            n: (request.n > 1).then_some(request.n),
            stop: &request.stop,
            seed: can.seed.then(|| wire_seed(request)),
            logprobs: logprobs.map(|_| true),
            top_logprobs: logprobs.filter(|top| *top > 0),
            stream,
            stream_options: (stream && self.stream_options.load(Relaxed))
                .then_some(StreamOptions { include_usage: true }),
        }
    }

    /// Learns from a refusal; whether the same request in other words is worth sending.
    pub(crate) fn learn(&self, failure: &Failure) -> bool {
        if failure.error.kind() != ErrorKind::BadRequest {
            return false;
        }
        let text = failure.error.to_string();
        let names =
            |field: &str| failure.field.as_deref().map_or_else(|| text.contains(field), |f| f == field);
        if names("stream_options") {
            return self.stream_options.swap(false, Relaxed);
        }
        if names("max_tokens") || names("max_completion_tokens") {
            return self.rename(&text);
        }
        if names("logprobs") || names("top_logprobs") {
            return self.logprobs.swap(false, Relaxed);
        }
        if names("seed") {
            return self.seed.swap(false, Relaxed);
        }
        if failure.field.as_deref() == Some(FIELD_N) {
            // Not worth sending again as it is: the layer above asks for one answer at a time.
            self.n.store(false, Relaxed);
        }
        false
    }

    /// Takes the other name where the server does not know the one it got; a limit that is too large is no such case.
    fn rename(&self, text: &str) -> bool {
        let unknown =
            ["unsupported", "not supported", "max_completion_tokens", "unrecognized", "not permitted"]
                .iter()
                .any(|word| text.to_lowercase().contains(word));
        if !unknown || self.renamed.swap(true, Relaxed) {
            return false;
        }
        self.max_completion_tokens.fetch_xor(true, Relaxed);
        true
    }
}

/// The seed that is sent: one of its own for each draw, in the 31 bits that every server takes.
fn wire_seed(request: &Request) -> u32 {
    (mix(request.seed ^ mix(u64::from(request.draw))) >> 33) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::error::ModelError;
    use crate::scripted::question;

    fn config(dialect: Dialect) -> ChatConfig {
        ChatConfig { dialect, ..ChatConfig::new("http://h", "m") }
    }

    fn worded(config: &ChatConfig, habits: &Habits, request: &Request) -> Value {
        serde_json::to_value(habits.word(config, request)).unwrap()
    }

    fn refusal(field: Option<&str>, message: &str) -> Failure {
        let error = ModelError::new(ErrorKind::BadRequest, message);
        Failure { error, field: field.map(Into::into) }
    }

    #[test]
    fn a_plain_request() {
        let config = config(Dialect::Compatible);
        let request = Request { stop: vec!["END".into()], top_p: Some(0.5), n: 2, ..question("hi") };
        let mut sent = worded(&config, &Habits::new(&config), &request);
        assert!(sent["seed"].take().as_u64().unwrap() < 1 << 31);
        assert_eq!(
            sent,
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.8, "top_p": 0.5,
                "max_tokens": 1024, "n": 2, "stop": ["END"], "seed": null, "stream": true,
                "stream_options": {"include_usage": true}})
        );
    }

    #[test]
    fn seeds_differ_by_seed_and_draw() {
        let seeds: BTreeSet<u32> = (0..30)
            .flat_map(|seed| (0..30).map(move |draw| wire_seed(&Request { seed, draw, ..question("q") })))
            .collect();
        assert_eq!(seeds.len(), 900);
    }

    #[test]
    fn refused_fields_are_left_out_from_then_on() {
        let config = config(Dialect::Vllm);
        let habits = Habits::new(&config);
        let request = Request { logprobs: Some(2), ..question("hi") };
        assert_eq!(worded(&config, &habits, &request)["top_logprobs"], 2);
        for field in ["stream_options", "logprobs", "seed"] {
            assert!(habits.learn(&refusal(Some(field), "unknown")), "{field}");
            assert!(!habits.learn(&refusal(Some(field), "unknown")), "{field} again");
            assert_eq!(worded(&config, &habits, &request).get(field), None);
        }
        assert!(!habits.learn(&refusal(Some("temperature"), "must be 1")));
        assert!(!habits.learn(&refusal(Some("n"), "gave 1 of 2")) && !habits.capabilities().n);
    }

    #[test]
    fn the_token_limit_is_renamed_once() {
        let config = config(Dialect::Compatible);
        let habits = Habits::new(&config);
        let too_large = "max_tokens is too large: at most 4096";
        assert!(!habits.learn(&refusal(Some("max_tokens"), too_large)));
        let wrong = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.";
        assert!(habits.learn(&refusal(Some("max_tokens"), wrong)));
        let sent = worded(&config, &habits, &question("hi"));
        assert_eq!((sent.get("max_tokens"), &sent["max_completion_tokens"]), (None, &json!(1024)));
        assert!(!habits.learn(&refusal(Some("max_completion_tokens"), "not supported")));
        assert_eq!(
            worded(
                &self::config(Dialect::OpenAi),
                &Habits::new(&self::config(Dialect::OpenAi)),
                &question("hi")
            )["max_completion_tokens"],
            1024
        );
    }
}

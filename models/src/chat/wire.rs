//! The JSON of chat completions: strict in what we send, tolerant in what we read.
//!
//! Every field of an answer may be missing; one of the wrong type reads as missing where it isn't needed.

use codeagent_prompts::Message;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A request as it is sent.
#[derive(Debug, Serialize)]
pub(crate) struct WireRequest<'a> {
    pub(crate) model: &'a str,
    pub(crate) messages: &'a [Message],
    pub(crate) temperature: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_logprobs: Option<u8>,
    pub(crate) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_options: Option<StreamOptions>,
}

/// Asks for usage at the end of a stream.
#[derive(Debug, Serialize)]
pub(crate) struct StreamOptions {
    pub(crate) include_usage: bool,
}

/// A reply, or one chunk of a stream, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireReply {
    pub(crate) id: Lenient<String>,
    pub(crate) model: Lenient<String>,
    pub(crate) choices: Option<Vec<WireChoice>>,
    pub(crate) usage: Lenient<WireUsage>,
    pub(crate) error: Option<Value>,
}

/// A choice: `message` in replies, `delta` in streams, `text` in old servers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireChoice {
    pub(crate) index: Lenient<u32>,
    pub(crate) message: Option<WireMessage>,
    pub(crate) delta: Option<WireMessage>,
    pub(crate) text: Lenient<String>,
    pub(crate) finish_reason: Lenient<String>,
    pub(crate) logprobs: Lenient<WireLogprobs>,
}

/// What was said, or the next part of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireMessage {
    content: Option<Value>,
    reasoning: Option<Value>,
    reasoning_content: Option<Value>,
    reasoning_details: Option<Value>,
    pub(crate) refusal: Lenient<String>,
}

impl WireMessage {
    /// The text; `None` where there is no content at all.
    pub(crate) fn text(&self) -> Option<String> {
        self.content.as_ref().and_then(text_of)
    }

    /// The reasoning, from the first of the fields that has any: some servers send it twice.
    pub(crate) fn reasoning(&self) -> Option<String> {
        [&self.reasoning, &self.reasoning_content, &self.reasoning_details]
            .into_iter()
            .flatten()
            .filter_map(text_of)
            .find(|text| !text.is_empty())
    }
}

/// The text of a string, or of an array of strings and of objects with a `text`; `None` for anything else.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(part_text).collect()),
        _ => None,
    }
}

fn part_text(part: &Value) -> Option<&str> {
    part.as_str().or_else(|| ["text", "summary"].iter().find_map(|name| part.get(name)?.as_str()))
}

/// Tokens used, by the server's count.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireUsage {
    pub(crate) prompt_tokens: Lenient<Count>,
    pub(crate) completion_tokens: Lenient<Count>,
    pub(crate) prompt_tokens_details: Lenient<PromptDetails>,
    pub(crate) completion_tokens_details: Lenient<CompletionDetails>,
}

/// What kind of prompt tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PromptDetails {
    pub(crate) cached_tokens: Lenient<Count>,
}

/// What kind of answer tokens.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CompletionDetails {
    pub(crate) reasoning_tokens: Lenient<Count>,
}

/// Log-probabilities of an answer's tokens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct WireLogprobs {
    pub(crate) content: Lenient<Vec<TokenLogprob>>,
}

/// Log-probability of one token, in nats.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TokenLogprob {
    pub(crate) logprob: Lenient<f64>,
}

/// A whole number that some servers write as a float.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Count(pub(crate) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let whole = |number: f64| (0.0..9e15).contains(&number).then_some(number as u64);
        value
            .as_u64()
            .or_else(|| value.as_f64().and_then(whole))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("not a count"))
    }
}

/// A value that reads as `None` where it is null or of the wrong type.
#[derive(Debug, Clone)]
pub(crate) struct Lenient<T>(pub(crate) Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(T::deserialize(Value::deserialize(deserializer)?).ok()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(value: Value) -> WireMessage {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn content_in_all_its_forms() {
        let text = |value| message(json!({ "content": value })).text();
        assert_eq!(text(json!("a")), Some("a".into()));
        assert_eq!(text(json!([{"type": "text", "text": "a"}, "b", {"type": "image"}])), Some("ab".into()));
        assert_eq!(text(json!(null)), None);
        assert_eq!(text(json!(42)), None);
        assert_eq!(message(json!({})).text(), None);
    }

    #[test]
    fn reasoning_in_all_its_forms() {
        let reasoning = |value| message(value).reasoning();
        assert_eq!(reasoning(json!({"reasoning": "r"})), Some("r".into()));
        assert_eq!(reasoning(json!({"reasoning": null, "reasoning_content": "r"})), Some("r".into()));
        assert_eq!(reasoning(json!({"reasoning": "r", "reasoning_content": "r"})), Some("r".into()));
        let details =
            json!([{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.summary", "summary": "b"}]);
        assert_eq!(reasoning(json!({ "reasoning_details": details })), Some("ab".into()));
        assert_eq!(reasoning(json!({"reasoning": ""})), None);
    }

    #[test]
    fn wrong_types_read_as_missing() {
        let reply: WireReply = serde_json::from_value(json!({
            "id": 7, "model": [], "usage": {"prompt_tokens": -1, "completion_tokens": 3.0,
            "prompt_tokens_details": null}, "choices": [{"index": "x", "finish_reason": 1, "logprobs": "no"}]
        }))
        .unwrap();
        let usage = reply.usage.0.unwrap();
        assert_eq!((usage.prompt_tokens.0, usage.completion_tokens.0), (None, Some(Count(3))));
        assert!(reply.id.0.is_none() && reply.model.0.is_none());
        assert_eq!(reply.choices.unwrap()[0].index.0, None);
    }
}
